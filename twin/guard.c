/* Memories whose model wants to see the core's accesses: a flash that is busy, or that has words
 * which cannot be read.
 *
 * A load that is not done must leave registers and program counter as they were. Unicorn does so
 * when the memory's rights forbid the load, which it looks at after it has called the hooks; its
 * program counter is exact where each instruction has a hook. */
#include <string.h>

#include "twin/private.h"

#define RIGHTS (UC_PROT_READ | UC_PROT_EXEC)

/* ---- loads ---- */

static bool is_wide(uint16_t code)
{
    return code >= 0xe800u;
}

/* The instruction at `pc`, of the block that runs, is conditional by an IT before it: Unicorn does
 * not tell where in the IT's row it is. */
static bool is_in_it(struct twin *twin, uint32_t pc)
{
    unsigned left = 0;
    uint16_t code = 0;
    for (uint32_t at = twin->block_start; at < pc; at += is_wide(code) ? 4u : 2u) {
        if (!twin_read_memory(twin, at, &code, sizeof code))
            return false;
        if (left)
            left--;
        if ((code & 0xff00u) == 0xbf00u && code & 0xfu) {
            const unsigned mask = code & 0xfu;
            left = mask & 1u ? 4 : mask & 2u ? 3 : mask & 4u ? 2 : 1;
        }
    }
    return left > 0;
}

static void abandon(struct twin *twin, struct memory *memory)
{
    const struct exceptions *e = &twin->exceptions;
    const uint32_t pc = twin_pc(twin);
    for (unsigned i = 0; i < e->depth; i++)
        if (e->active[i] == EXCEPTION_NMI)
            twin_fault(twin, "the NMI's handler does what raises an NMI");
    if (!twin->exact)
        twin_fault(twin, "a load raises an NMI, and nobody has asked for exact guards before");
    if (is_in_it(twin, pc))
        twin_fault(twin, "a conditional load (IT) raises an NMI, which no twin models");
    twin->abandoned = memory;
    twin->block_size = (pc - twin->block_start) / 2u;
    uc_mem_protect(twin->uc, memory->base, memory->size, UC_PROT_EXEC);
}

static void on_read(uc_engine *uc, uc_mem_type type, uint64_t address, int size, int64_t value,
                    void *ctx)
{
    struct twin *twin = ctx;
    (void)uc;
    (void)type;
    (void)value;
    guard_undo(twin);
    struct memory *memory = bus_memory(twin, (uint32_t)address, 1);
    if (!memory || !memory->guard || twin->abandoned)
        return;
    twin->looking = true;
    const bool done = memory->guard->read(memory->guard->ctx, bus_told(memory, (uint32_t)address),
                                          (unsigned)size);
    twin->looking = false;
    if (!done)
        abandon(twin, memory);
}

bool guard_resume(struct twin *twin)
{
    const struct memory *memory = twin->abandoned;
    if (!memory)
        return false;
    twin->abandoned = NULL;
    uc_mem_protect(twin->uc, memory->base, memory->size, RIGHTS);
    return true;
}

/* ---- fetches ---- */

void guard_fetch(struct twin *twin, uint32_t address, uint32_t size)
{
    if (!twin->guarded)
        return;
    guard_undo(twin);
    const struct memory *memory = bus_memory(twin, address, 1);
    if (memory && memory->guard && memory->guard->fetch)
        memory->guard->fetch(memory->guard->ctx, bus_told(memory, address), size);
}

/* ---- stores ---- */

void guard_undo(struct twin *twin)
{
    if (!twin->undo_size)
        return;
    memcpy(twin->undo_at, twin->undo, twin->undo_size);
    twin->undo_size = 0;
}

/* Unicorn then puts the value there nevertheless, until the next block, load or store. */
bool guard_store(struct twin *twin, uint32_t address, unsigned size, uint32_t value)
{
    struct memory *memory = bus_memory(twin, address, size);
    if (!memory || !memory->guard || !memory->guard->write || size > sizeof twin->undo)
        return false;
    guard_undo(twin);
    twin->looking = true;
    if (!twin->cut)
        memory->guard->write(memory->guard->ctx, bus_told(memory, address), size, value);
    twin->looking = false;
    twin->undo_at = memory->bytes + (address - memory->base);
    twin->undo_size = size;
    memcpy(twin->undo, twin->undo_at, size);
    return true;
}

static void on_code(uc_engine *uc, uint64_t address, uint32_t size, void *ctx)
{
    struct twin *twin = ctx;
    (void)uc;
    (void)address;
    (void)size;
    guard_undo(twin);
}

void twin_guard_exactly(struct twin *twin)
{
    if (twin->exact)
        return;
    twin->exact = true;
    if (uc_hook_add(twin->uc, &twin->code_hook, UC_HOOK_CODE, (void *)on_code, twin, 1, 0) !=
        UC_ERR_OK)
        twin_fault(twin, "Unicorn does not look at each instruction");
    bus_forget_code(twin);
}

static void loosen(struct twin *twin)
{
    if (twin->exact)
        (void)uc_hook_del(twin->uc, twin->code_hook);
    twin->exact = false;
}

/* ---- whether loads are looked at ---- */

/* Each change of mind means to translate all instructions anew. */
#define QUIET_CLOCKS 4000000u

void twin_guard_rom(struct twin *twin, uint32_t base, const struct rom_guard *guard)
{
    struct memory *memory = bus_memory(twin, base, 1);
    if (!memory || memory->own || memory->base != base) {
        twin_fault(twin, "there is no memory to guard at 0x%08x", base);
        return;
    }
    memory->guard = guard;
    twin->guarded = true;
    for (struct memory *mirror = twin->memories; mirror; mirror = mirror->next)
        if (mirror->mirror_of == memory)
            mirror->guard = guard;
}

void twin_guard_loads(struct twin *twin, bool matter)
{
    if (twin->loads_matter == matter)
        return;
    twin->loads_matter = matter;
    twin->mattered = twin->clocks;
    if (matter && !twin->looks)
        twin_end_slice(twin);
}

static void look_at(struct twin *twin, struct memory *memory, bool look)
{
    const uint64_t end = (uint64_t)memory->base + memory->size - 1u;
    if (!look)
        (void)uc_hook_del(twin->uc, memory->load_hook);
    else if (uc_hook_add(twin->uc, &memory->load_hook, UC_HOOK_MEM_READ, (void *)on_read, twin,
                         memory->base, end) != UC_ERR_OK)
        twin_fault(twin, "Unicorn does not look at the accesses to 0x%08x", memory->base);
}

static void look(struct twin *twin, bool on)
{
    twin->looks = on;
    for (struct memory *memory = twin->memories; memory; memory = memory->next)
        if (memory->guard && memory->guard->read && !memory->watched)
            look_at(twin, memory, on);
    if (!on)
        loosen(twin);
    bus_forget_code(twin);
}

void guard_settle(struct twin *twin)
{
    if (twin->loads_matter && !twin->looks)
        look(twin, true);
    else if (twin->looks && !twin->loads_matter && twin->clocks - twin->mattered > QUIET_CLOCKS)
        look(twin, false);
}
