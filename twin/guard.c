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
    if (memory && memory->guard && !twin->abandoned &&
        !memory->guard->read(memory->guard->ctx, (uint32_t)address, (unsigned)size))
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
        memory->guard->fetch(memory->guard->ctx, address, size);
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
    if (!twin->cut)
        memory->guard->write(memory->guard->ctx, address, size, value);
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
    uc_hook hook;
    if (twin->exact)
        return;
    twin->exact = true;
    if (uc_hook_add(twin->uc, &hook, UC_HOOK_CODE, (void *)on_code, twin, 1, 0) != UC_ERR_OK)
        twin_fault(twin, "Unicorn does not look at each instruction");
    bus_forget_code(twin);
}

void twin_guard_rom(struct twin *twin, uint32_t base, const struct rom_guard *guard)
{
    struct memory *memory = bus_memory(twin, base, 1);
    uc_hook hook;
    if (!memory || memory->own || memory->base != base) {
        twin_fault(twin, "there is no memory to guard at 0x%08x", base);
        return;
    }
    memory->guard = guard;
    const uint64_t end = (uint64_t)base + memory->size - 1u;
    const bool hooked = !guard->read || uc_hook_add(twin->uc, &hook, UC_HOOK_MEM_READ,
                                                    (void *)on_read, twin, base, end) == UC_ERR_OK;
    twin->guarded = true;
    if (!hooked)
        twin_fault(twin, "Unicorn does not look at the accesses to 0x%08x", base);
}
