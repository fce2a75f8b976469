/* The bus: which memory or device answers at an address, and what registers do by themselves. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "twin/private.h"

/* ---- memories ---- */

struct memory *bus_memory(struct twin *twin, uint32_t address, uint32_t size)
{
    for (struct memory *memory = twin->memories; memory; memory = memory->next)
        if (address >= memory->base && address - memory->base < memory->size &&
            size <= memory->size - (address - memory->base))
            return memory;
    return NULL;
}

uint32_t bus_told(const struct memory *memory, uint32_t address)
{
    return memory->mirror_of ? memory->mirror_of->base + (address - memory->base) : address;
}

/* NULL: a fault. */
static struct memory *note_memory(struct twin *twin, uint32_t base, uint32_t size, uint8_t *bytes,
                                  bool own)
{
    struct memory *memory = calloc(1, sizeof *memory);
    bool *code = own ? stores_pages(size) : NULL;
    if (!memory || !bytes || (own && !code)) {
        free(memory);
        free(code);
        twin_fault(twin, "no memory on the host for 0x%x bytes", size);
        return NULL;
    }
    *memory = (struct memory){.base = base,
                              .size = size,
                              .bytes = bytes,
                              .own = own,
                              .code = code,
                              .next = twin->memories};
    return twin->memories = memory;
}

static void add_memory(struct twin *twin, uint32_t base, uint32_t size, uint8_t *bytes, bool own)
{
    const uint32_t rights = own ? UC_PROT_ALL : UC_PROT_READ | UC_PROT_EXEC;
    if (note_memory(twin, base, size, bytes, own) &&
        uc_mem_map_ptr(twin->uc, base, size, rights, bytes) != UC_ERR_OK)
        twin_fault(twin, "0x%x bytes of memory cannot lie at 0x%08x", size, base);
}

static uint64_t on_watched_read(uc_engine *uc, uint64_t offset, unsigned size, void *ctx)
{
    const struct memory *memory = ctx;
    uint64_t value = 0;
    (void)uc;
    (void)memory->guard->read(memory->guard->ctx, memory->base + (uint32_t)offset, size);
    memcpy(&value, memory->bytes + offset, size);
    return value;
}

void twin_add_watched_rom(struct twin *twin, uint32_t base, uint32_t size, const uint8_t *bytes,
                          const struct rom_guard *guard)
{
    struct memory *memory = note_memory(twin, base, size, (uint8_t *)bytes, false);
    if (!memory)
        return;
    memory->guard = guard;
    memory->watched = true;
    if (uc_mmio_map(twin->uc, base, size, on_watched_read, memory, NULL, NULL) != UC_ERR_OK)
        twin_fault(twin, "0x%x bytes of memory cannot lie at 0x%08x", size, base);
}

void twin_add_ram(struct twin *twin, uint32_t base, uint32_t size)
{
    add_memory(twin, base, size, calloc(1, size), true);
}

void twin_add_rom(struct twin *twin, uint32_t base, uint32_t size, const uint8_t *bytes)
{
    add_memory(twin, base, size, (uint8_t *)bytes, false);
}

void twin_add_mirror(struct twin *twin, uint32_t base, uint32_t of)
{
    struct memory *first = bus_memory(twin, of, 1);
    struct memory *mirror =
        first ? note_memory(twin, base, first->size, first->bytes, first->own) : NULL;
    if (!mirror) {
        twin_fault(twin, "there is no memory at 0x%08x to be mirrored", of);
        return;
    }
    mirror->mirror_of = first;
    mirror->guard = first->guard;
    if (uc_mem_map_ptr(twin->uc, base, first->size,
                       first->own ? UC_PROT_ALL : UC_PROT_READ | UC_PROT_EXEC,
                       first->bytes) != UC_ERR_OK)
        twin_fault(twin, "the memory at 0x%08x cannot be mirrored at 0x%08x", of, base);
}

static void move(struct twin *twin, struct memory *memory, const uint8_t *bytes)
{
    memory->bytes = (uint8_t *)bytes;
    if (uc_mem_unmap(twin->uc, memory->base, memory->size) != UC_ERR_OK ||
        uc_mem_map_ptr(twin->uc, memory->base, memory->size, UC_PROT_READ | UC_PROT_EXEC,
                       memory->bytes) != UC_ERR_OK)
        twin_fault(twin, "Unicorn does not move the memory at 0x%08x", memory->base);
}

void twin_move_rom(struct twin *twin, uint32_t base, const uint8_t *bytes)
{
    struct memory *memory = bus_memory(twin, base, 1);
    if (!memory || memory->own || memory->base != base) {
        twin_fault(twin, "there is no memory to move at 0x%08x", base);
        return;
    }
    if (memory->bytes == bytes)
        return;
    move(twin, memory, bytes);
    for (struct memory *mirror = twin->memories; mirror; mirror = mirror->next)
        if (mirror->mirror_of == memory)
            move(twin, mirror, bytes);
    twin_rom_changed(twin, base, memory->size);
}

/* Unicorn reaches for the memory before it forgets what it made of it, whatever world it is in. */
static void forget_code(struct twin *twin, uint32_t address, uint32_t size)
{
    twin->lenient = true;
    uc_ctl_remove_cache(twin->uc, (uint64_t)address, (uint64_t)address + size);
    twin->lenient = false;
}

/* In the middle of a load or store Unicorn must not lose what it knows of the address: of two
 * worlds all of that is forgotten, and the same memory has two addresses. */
static void note_change(struct twin *twin, uint32_t address, uint32_t size)
{
    const bool first = twin->changed == twin->changed_end;
    if (first || address < twin->changed)
        twin->changed = address;
    if (first || address + size > twin->changed_end)
        twin->changed_end = address + size;
}

void bus_settle(struct twin *twin)
{
    const uint32_t address = twin->changed, size = twin->changed_end - address;
    if (size == 0)
        return;
    twin->changed = twin->changed_end = 0;
    twin_rom_changed(twin, address, size);
}

void twin_rom_changed(struct twin *twin, uint32_t address, uint32_t size)
{
    if (twin->worlds && twin->looking) {
        note_change(twin, address, size);
        return;
    }
    forget_code(twin, address, size);
    baseline_forget(twin, address, size);
    const struct memory *memory = twin->worlds ? bus_memory(twin, address, 1) : NULL;
    for (const struct memory *mirror = twin->memories; memory && mirror; mirror = mirror->next)
        if (mirror->mirror_of == memory) {
            const uint32_t there = mirror->base + (address - memory->base);
            forget_code(twin, there, size);
            baseline_forget(twin, there, size);
        }
    worlds_forget(twin);
}

void bus_forget_code(struct twin *twin)
{
    for (const struct memory *memory = twin->memories; memory; memory = memory->next)
        forget_code(twin, memory->base, memory->size);
    worlds_forget(twin);
}

bool twin_read_memory(struct twin *twin, uint32_t address, void *data, uint32_t size)
{
    const struct memory *memory = bus_memory(twin, address, size);
    if (memory)
        memcpy(data, memory->bytes + (address - memory->base), size);
    return memory != NULL;
}

bool twin_write_memory(struct twin *twin, uint32_t address, const void *data, uint32_t size)
{
    const struct memory *memory = bus_memory(twin, address, size);
    if (!memory || !memory->own)
        return false;
    memcpy(memory->bytes + (address - memory->base), data, size);
    return true;
}

/* Power-on: RAM holds anything, the same anything each time. */
static void scramble(struct memory *memory)
{
    uint32_t state = 0x2545f491u ^ memory->base;
    for (uint32_t i = 0; i < memory->size; i++) {
        state = state * 1664525u + 1013904223u;
        memory->bytes[i] = (uint8_t)(state >> 24);
    }
}

/* ---- devices ---- */

void twin_add_device(struct twin *twin, struct device *device)
{
    device->twin = twin;
    device->values = calloc(device->size / 4u, sizeof *device->values);
    device->next = NULL;
    if (!device->values)
        abort(); /* nothing sensible can follow on the host */
    if (twin->last_device)
        twin->last_device->next = device;
    else
        twin->devices = device;
    twin->last_device = device;
}

void twin_add_device_first(struct twin *twin, struct device *device)
{
    struct device *others = twin->devices, *last = twin->last_device;
    twin->devices = twin->last_device = NULL;
    twin_add_device(twin, device);
    device->next = others;
    if (last)
        twin->last_device = last;
}

uint32_t *device_reg(struct device *device, uint32_t offset)
{
    return &device->values[offset / 4u];
}

static const struct reg *find_reg(const struct device *device, uint32_t offset)
{
    for (unsigned i = 0; i < device->reg_count; i++) {
        const struct reg *reg = &device->regs[i];
        const uint32_t count = reg->count ? reg->count : 1;
        if (offset >= reg->offset && (offset - reg->offset) / 4u < count)
            return reg;
    }
    return NULL;
}

static struct device *find_device(struct twin *twin, uint32_t address)
{
    for (struct device *device = twin->devices; device; device = device->next)
        if (address >= device->base && address - device->base < device->size)
            return device;
    return NULL;
}

static bool is_traced(const struct twin *twin, const struct device *device)
{
    return twin->trace_all || (twin->trace && strcmp(twin->trace, device->name) == 0);
}

void twin_trace(struct twin *twin, const char *device)
{
    twin->trace = device;
    twin->trace_all = device && strcmp(device, "all") == 0;
}

static void show(const struct device *device, const struct reg *reg, const char *sign,
                 uint32_t offset, uint32_t value)
{
    char index[16] = "";
    if (reg->count > 1)
        snprintf(index, sizeof index, "[%u]", (offset - reg->offset) / 4u);
    fprintf(stderr, "%12.6f %s.%s%s %s %08x (pc %08x)\n", (double)twin_now(device->twin) / 1e9,
            device->name, reg->name, index, sign, value, twin_pc(device->twin));
}

/* To the world that the access is made by. */
static bool is_given(struct twin *twin, uint32_t address, const char *what,
                     const struct device *device, const struct reg *reg)
{
    if (!twin->worlds)
        return true;
    twin->access_nonsecure = worlds_is_nonsecure(twin, address);
    const char *why = twin->worlds->refuses ? twin->worlds->refuses(twin->worlds->ctx, address,
                                                                    twin->access_nonsecure)
                                            : NULL;
    if (why)
        twin_fault(twin, "the %ssecure world %s %s.%s, but %s", twin->nonsecure ? "non-" : "", what,
                   device->name, reg->name, why);
    return !why;
}

/* The register at an address, or a fault that says what is not there. */
static const struct reg *locate(struct twin *twin, uint32_t address, unsigned width,
                                const char *what, struct device **device)
{
    const uint32_t place = worlds_register(twin, address);
    *device = find_device(twin, place);
    if (!*device) {
        twin_fault(twin, "the program %s 0x%08x, where no peripheral is modelled", what, address);
        return NULL;
    }
    const uint32_t offset = place - (*device)->base;
    const struct reg *reg = find_reg(*device, offset & ~3u);
    if (!reg) {
        twin_fault(twin, "the program %s %s +0x%03x, a register that is not modelled", what,
                   (*device)->name, offset);
        return NULL;
    }
    if (width != 4 && !(*device)->narrow) {
        twin_fault(twin, "the program %s %s.%s by %u bytes; the register takes words", what,
                   (*device)->name, reg->name, width);
        return NULL;
    }
    const char *deaf = (*device)->deaf ? (*device)->deaf(*device) : NULL;
    if (deaf) {
        twin_fault(twin, "the program %s %s.%s %s", what, (*device)->name, reg->name, deaf);
        return NULL;
    }
    (*device)->width = width;
    return is_given(twin, address, what, *device, reg) ? reg : NULL;
}

static uint32_t lane_mask(unsigned width)
{
    return width == 4 ? UINT32_MAX : (1u << (8u * width)) - 1u;
}

static uint32_t load(struct twin *twin, uint32_t address, unsigned width)
{
    struct device *device;
    const struct reg *reg = locate(twin, address, width, "reads", &device);
    if (!reg)
        return 0;
    const uint32_t offset = (worlds_register(twin, address) - device->base) & ~3u;
    uint32_t value = *device_reg(device, offset);
    if (device->read)
        value = device->read(device, offset, value);
    if (is_traced(twin, device))
        show(device, reg, "->", offset, value);
    return (value >> (8u * (address & 3u))) & lane_mask(width);
}

static void store(struct twin *twin, uint32_t address, unsigned width, uint32_t value)
{
    struct device *device;
    if (twin->cut)
        return; /* no power any more */
    const struct reg *reg = locate(twin, address, width, "writes", &device);
    if (!reg)
        return;
    const uint32_t offset = (worlds_register(twin, address) - device->base) & ~3u;
    const uint32_t shift = 8u * (address & 3u), lanes = lane_mask(width) << shift;
    uint32_t *held = device_reg(device, offset);
    const uint32_t old = *held;
    if (is_traced(twin, device))
        show(device, reg, "<-", offset, value << shift);
    if (device->allow && !device->allow(device, reg, value))
        return;
    const uint32_t written = (value << shift) & lanes, writable = reg->writable & lanes;
    *held = ((old & ~writable) | (written & writable)) & ~(written & reg->clears);
    if (device->write)
        device->write(device, offset, old, width == 4 ? value : (old & ~lanes) | written);
}

uint32_t twin_load(struct twin *twin, uint32_t address)
{
    const struct memory *memory = bus_memory(twin, address, 4);
    uint32_t value = 0;
    if (!memory || !memory->guard)
        return load(twin, address, 4);
    if (!memory->guard->read ||
        memory->guard->read(memory->guard->ctx, bus_told(memory, address), 4))
        memcpy(&value, memory->bytes + (address - memory->base), 4);
    return value;
}

static void store_any(struct twin *twin, uint32_t address, unsigned width, uint32_t value)
{
    const struct memory *memory = bus_memory(twin, address, width);
    if (!memory || !memory->guard)
        store(twin, address, width, value);
    else if (!twin->cut && memory->guard->write)
        memory->guard->write(memory->guard->ctx, bus_told(memory, address), width, value);
}

void twin_store(struct twin *twin, uint32_t address, uint32_t value)
{
    store_any(twin, address, 4, value);
}

uint8_t twin_load_byte(struct twin *twin, uint32_t address)
{
    return (uint8_t)load(twin, address, 1);
}

void twin_store_byte(struct twin *twin, uint32_t address, uint8_t value)
{
    store_any(twin, address, 1, value);
}

static void reset_registers(struct device *device, bool all)
{
    for (unsigned i = 0; i < device->reg_count; i++) {
        const struct reg *reg = &device->regs[i];
        for (uint32_t n = 0; n < (reg->count ? reg->count : 1u); n++)
            if (all || !(reg->traits & REG_KEPT))
                *device_reg(device, reg->offset + 4u * n) = reg->reset;
    }
}

void device_reset(struct device *device, enum twin_reset reset)
{
    reset_registers(device, reset == TWIN_RESET_POWER || reset == TWIN_RESET_PIN);
    if (device->reset)
        device->reset(device, reset);
}

void bus_reset(struct twin *twin, enum twin_reset reset)
{
    if (reset == TWIN_RESET_POWER) {
        for (struct memory *memory = twin->memories; memory; memory = memory->next)
            if (memory->own && !memory->mirror_of)
                scramble(memory);
        twin_set_hz(twin, twin->hz_at_power_on);
    }
    for (struct device *device = twin->devices; device; device = device->next)
        device_reset(device, reset);
}

/* ---- where Unicorn asks ---- */

#define WINDOW 0x20000000u

static uint64_t on_read(uc_engine *uc, uint64_t offset, unsigned size, void *ctx)
{
    struct twin *twin = ctx;
    (void)uc;
    return load(twin, 0x40000000u + (uint32_t)offset, size);
}

static void on_write(uc_engine *uc, uint64_t offset, unsigned size, uint64_t value, void *ctx)
{
    struct twin *twin = ctx;
    (void)uc;
    store(twin, 0x40000000u + (uint32_t)offset, size, (uint32_t)value);
}

static uint64_t on_core_read(uc_engine *uc, uint64_t offset, unsigned size, void *ctx)
{
    struct twin *twin = ctx;
    (void)uc;
    return load(twin, 0xe0000000u + (uint32_t)offset, size);
}

static void on_core_write(uc_engine *uc, uint64_t offset, unsigned size, uint64_t value, void *ctx)
{
    struct twin *twin = ctx;
    (void)uc;
    store(twin, 0xe0000000u + (uint32_t)offset, size, (uint32_t)value);
}

void bus_start(struct twin *twin)
{
    if (uc_mmio_map(twin->uc, 0x40000000u, WINDOW, on_read, twin, on_write, twin) != UC_ERR_OK ||
        uc_mmio_map(twin->uc, 0xe0000000u, 0x100000u, on_core_read, twin, on_core_write, twin) !=
            UC_ERR_OK)
        twin_fault(twin, "Unicorn does not map the peripherals' windows");
}
