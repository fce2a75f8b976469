/* The core and its time: slices of instructions between events, and what ends a slice. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "twin/private.h"

/* Unicorn's numbers of what the core could not do. */
#define NUMBER_FETCH 3u
#define NUMBER_DATA  4u

#define RETURN_MIN 0xff000000u /* an exception's; below it a function's, to the secure world */

#define SLICE_MAX 200000u /* clocks: how long the host may wait to be looked at */

uint32_t core_reg(const struct twin *twin, int reg)
{
    uint32_t value = 0;
    uc_reg_read(twin->uc, reg, &value);
    return value;
}

void core_set_reg(struct twin *twin, int reg, uint32_t value)
{
    uc_reg_write(twin->uc, reg, &value);
}

uint32_t twin_pc(const struct twin *twin)
{
    return core_reg(twin, UC_ARM_REG_PC);
}

/* ---- ends ---- */

/* Takes effect at the next block. Stopping Unicorn from a callback would leave its program counter
 * at the start of the present block, whose instructions would then run twice. */
void twin_end_slice(struct twin *twin)
{
    twin->slice_end = 0;
}

void twin_stop(struct twin *twin)
{
    twin->stopping = true;
    twin_end_slice(twin);
}

void twin_fault(struct twin *twin, const char *format, ...)
{
    if (twin->faulted)
        return; /* the first one is the cause */
    twin->faulted = true;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(twin->fault, sizeof twin->fault, format, arguments);
    va_end(arguments);
    if (length >= 0 && (size_t)length < sizeof twin->fault)
        snprintf(twin->fault + length, sizeof twin->fault - (size_t)length, " (near pc 0x%08x)",
                 twin_pc(twin));
    twin_end_slice(twin);
}

const char *twin_fault_text(const struct twin *twin)
{
    return twin->fault;
}

void twin_cut_after(struct twin *twin, uint64_t clocks)
{
    twin->cut_at = clocks > UINT64_MAX - twin->clocks ? UINT64_MAX : twin->clocks + clocks;
}

void twin_cut_in_operation(struct twin *twin, unsigned n)
{
    twin->cut_operation = n ? twin->operations + n : 0;
}

void twin_reset_at_operation(struct twin *twin, enum twin_moment moment, unsigned n)
{
    twin->reset_operation[moment] = n ? twin->operations + n : 0;
}

static void reset_with_operation(struct twin *twin, enum twin_moment moment)
{
    if (twin->operations == twin->reset_operation[moment])
        twin_request_reset(twin, TWIN_RESET_SYSTEM);
}

void twin_operation_ends(struct twin *twin)
{
    reset_with_operation(twin, TWIN_BEHIND_OPERATION);
}

bool twin_reset_is_due(const struct twin *twin)
{
    return twin->reset_due;
}

bool twin_operation(struct twin *twin)
{
    if (++twin->operations == twin->cut_operation || twin->cut_within)
        twin->cut = true;
    twin->cut_within = false;
    reset_with_operation(twin, TWIN_IN_OPERATION);
    if (twin->cut)
        twin_end_slice(twin);
    return twin->cut;
}

void twin_cut_at(struct twin *twin, const char *name, unsigned n)
{
    twin->before = (struct named_cut){name, n};
}

void twin_cut_in(struct twin *twin, const char *name, unsigned n)
{
    twin->within = (struct named_cut){name, n};
}

static bool is_due(struct named_cut *cut, const char *name)
{
    return cut->left && cut->name && strcmp(cut->name, name) == 0 && --cut->left == 0;
}

bool twin_starts(struct twin *twin, const char *name, uint32_t offset)
{
    twin->last_operation = name;
    twin->last_offset = offset;
    if (is_due(&twin->within, name))
        twin->cut_within = true;
    if (is_due(&twin->before, name))
        twin->cut = true;
    if (twin->cut)
        twin_end_slice(twin);
    return twin->cut;
}

const char *twin_last_operation(const struct twin *twin, uint32_t *offset)
{
    *offset = twin->last_offset;
    return twin->last_operation;
}

unsigned twin_operations(const struct twin *twin)
{
    return twin->operations;
}

bool twin_power_again(struct twin *twin)
{
    const bool was_cut = twin->cut;
    twin->cut = false;
    if (was_cut)
        twin_reset(twin, TWIN_RESET_POWER);
    return was_cut;
}

/* ---- time ---- */

/* Virtual time of the clocks that have gone by since it was last brought up to date: a division for
 * each look, not for each block. */
static void settle(struct twin *twin)
{
    const uint64_t parts = (twin->clocks - twin->settled) * 1000000000ull + twin->clock_rest;
    twin->settled = twin->clocks;
    twin->now += parts / twin->hz;
    twin->clock_rest = parts % twin->hz;
}

twin_ns twin_now(const struct twin *twin)
{
    if (twin->clocks != twin->settled)
        settle((struct twin *)twin);
    return twin->now;
}

uint64_t twin_clocks(const struct twin *twin)
{
    return twin->clocks;
}

void twin_set_hz(struct twin *twin, uint32_t hz)
{
    settle(twin);
    twin->hz = hz;
    twin->clock_rest = 0;
    twin_end_slice(twin);
}

uint32_t twin_hz(const struct twin *twin)
{
    return twin->hz;
}

void twin_advance(struct twin *twin, twin_ns duration)
{
    twin->now += duration;
}

void twin_stall(struct twin *twin, twin_ns duration)
{
    (void)twin_now(twin);
    twin_advance(twin, duration);
    const uint64_t clocks = duration * twin->hz / 1000000000ull;
    const bool ends = twin_next_event(twin) <= twin->now || clocks >= twin->slice_end;
    twin->slice_end = ends ? 0 : twin->slice_end - clocks; /* what is due comes earlier */
}

void twin_stall_until(struct twin *twin, twin_ns done)
{
    const twin_ns now = twin_now(twin);
    if (done != TWIN_NEVER && done > now)
        twin_stall(twin, done - now < TWIN_LOOK ? done - now : TWIN_LOOK);
}

void twin_timer_set(struct twin *twin, struct twin_timer *timer, twin_ns at)
{
    struct twin_timer **link = &twin->timers;
    if (timer->queued) {
        while (*link != timer)
            link = &(*link)->next;
        *link = timer->next;
        timer->queued = false;
    }
    timer->at = at;
    if (at == TWIN_NEVER)
        return;
    for (link = &twin->timers; *link && (*link)->at <= at;)
        link = &(*link)->next;
    timer->next = *link;
    timer->queued = true;
    *link = timer;
    if (twin->timers == timer)
        twin_end_slice(twin);
}

twin_ns twin_next_event(const struct twin *twin)
{
    return twin->timers ? twin->timers->at : TWIN_NEVER;
}

static void run_timers(struct twin *twin)
{
    while (twin->timers && twin->timers->at <= twin_now(twin) && !twin->faulted) {
        struct twin_timer *timer = twin->timers;
        twin->timers = timer->next;
        timer->queued = false;
        timer->run(timer->ctx);
    }
}

/* ---- instructions ---- */

/* Before each block: counts it, or ends the slice before it runs. */
static void on_block(uc_engine *uc, uint64_t address, uint32_t size, void *ctx)
{
    struct twin *twin = ctx;
    twin->clocks += twin->block_size;
    twin->block_size = 0;
    twin->block_start = (uint32_t)address;
    stores_fetch(twin, (uint32_t)address, size);
    guard_fetch(twin, (uint32_t)address, size);
    bus_settle(twin);
    if (twin->masked && exceptions_unmasked(twin))
        twin->slice_end = 0; /* what was held back is due now */
    if (twin->clocks >= twin->slice_end || !baseline_check(twin, (uint32_t)address, size)) {
        twin->between = true;
        uc_emu_stop(uc);
        return;
    }
    twin->block_size = size / 2u;
    /* A block that the cut lies in is run instruction by instruction, by twin_run. */
    if (twin->cut_at != UINT64_MAX && twin->clocks + twin->block_size > twin->cut_at) {
        twin->block_size = 0;
        twin->between = true;
        uc_emu_stop(uc);
    }
}

/* Unicorn would try the same instruction for ever: it is put to a block that it can fetch. */
static void cannot_go_on(struct twin *twin, uint32_t number)
{
    if (number == 3)
        twin_fault(twin, "the program executes at 0x%08x, where no program can lie", twin_pc(twin));
    else
        twin_fault(twin, "the program took the core's exception %u", number);
    worlds_park(twin);
}

/* Of two worlds the core may have to change to the other one, which it does not while it runs. */
static void return_by(struct twin *twin, uint32_t code)
{
    if (!twin->worlds) {
        exception_return(twin, code);
        return;
    }
    twin->returning = code;
    worlds_park(twin);
}

static void on_interrupt(uc_engine *uc, uint32_t number, void *ctx)
{
    struct twin *twin = ctx;
    (void)uc;
    if ((number == NUMBER_FETCH || number == NUMBER_DATA) &&
        worlds_refused(twin, number == NUMBER_FETCH))
        return;
    if (number == 2)
        exception_pend(twin,
                       twin->nonsecure ? EXCEPTION_NONSECURE(EXCEPTION_SVCALL) : EXCEPTION_SVCALL);
    else if (number == 8)
        return_by(twin, core_reg(twin, UC_ARM_REG_PC));
    else if (number == 7)
        twin_fault(twin, "the program met a breakpoint");
    else
        cannot_go_on(twin, number);
    twin->between = true;
    twin_end_slice(twin);
}

static const char *access_word(uc_mem_type type)
{
    switch (type) {
    case UC_MEM_READ_UNMAPPED:
    case UC_MEM_READ_PROT:
        return "reads";
    case UC_MEM_FETCH_UNMAPPED:
    case UC_MEM_FETCH_PROT:
        return "executes";
    default:
        return "writes";
    }
}

static bool on_bad_access(uc_engine *uc, uc_mem_type type, uint64_t address, int size,
                          int64_t value, void *ctx)
{
    struct twin *twin = ctx;
    (void)uc;
    if (twin->abandoned)
        return false;
    if (type == UC_MEM_WRITE_PROT &&
        guard_store(twin, (uint32_t)address, (unsigned)size, (uint32_t)value))
        return true;
    twin_fault(twin, "the program %s %d bytes at 0x%08x, where %s", access_word(type), size,
               (uint32_t)address,
               bus_memory(twin, (uint32_t)address, 1) ? "the core may not do that"
                                                      : "there is nothing");
    return false;
}

static void report(struct twin *twin, uc_err error)
{
    guard_undo(twin);
    bus_settle(twin);
    if (guard_resume(twin) || error == UC_ERR_OK || twin->faulted)
        return;
    uint16_t code[2] = {0};
    (void)twin_read_memory(twin, twin_pc(twin), code, sizeof code);
    twin_fault(twin, "the core stopped: %s, at the instruction %04x %04x", uc_strerror(error),
               code[0], code[1]);
}

/* Of two worlds: what the core could not do while it ran. */
static void leave_parking(struct twin *twin)
{
    if (twin->faulting)
        core_set_reg(twin, UC_ARM_REG_PC, twin->faulting);
    twin->faulting = 0;
    if (twin->returning >= RETURN_MIN && !twin->faulted)
        exception_return(twin, twin->returning);
    else if (twin->returning && !twin->faulted)
        worlds_function_return(twin, twin->returning);
    twin->returning = 0;
}

/* One slice of whole blocks. */
static void run_slice(struct twin *twin, uint64_t clocks)
{
    twin->slice_end = twin->clocks + clocks;
    twin->block_size = 0;
    twin->between = false;
    const uint32_t pc = twin_pc(twin) | 1u;
    const uc_err error = uc_emu_start(twin->uc, pc, 0xffffffffu, 0, 0);
    /* Where instructions have hooks, Unicorn leaves the program counter at the last one. */
    if (twin->between)
        core_set_reg(twin, UC_ARM_REG_PC, twin->block_start | 1u);
    leave_parking(twin);
    const bool abandoned = twin->abandoned != NULL;
    report(twin, error);
    twin->clocks += twin->block_size;
    twin->block_size = 0;
    settle(twin);
    twin->slept = !twin->between && !abandoned && !twin->faulted && error == UC_ERR_OK;
}

/* The last block before a cut, instruction by instruction. */
static bool reach_cut(struct twin *twin)
{
    const uint64_t cut = twin->cut_at;
    if (cut == UINT64_MAX || cut - twin->clocks > 512)
        return cut <= twin->clocks;
    twin->cut_at = UINT64_MAX;
    uc_ctl_flush_tlb(twin->uc); /* blocks made before count no single instructions */
    while (twin->clocks < cut && !twin->faulted && !twin->stopping && !twin->reset_due) {
        twin->slice_end = UINT64_MAX;
        const uc_err error = uc_emu_start(twin->uc, twin_pc(twin) | 1u, 0xffffffffu, 0, 1);
        leave_parking(twin);
        report(twin, error);
        twin->block_size = 0;
        twin->clocks++;
        settle(twin);
        exceptions_take(twin);
    }
    twin->cut_at = cut;
    return twin->clocks >= cut;
}

static uint64_t clocks_until(const struct twin *twin, twin_ns until)
{
    if (until <= twin->now)
        return 1;
    const twin_ns left = until - twin->now;
    if (left > TWIN_MS)
        return SLICE_MAX;
    const uint64_t clocks = left * twin->hz / 1000000000ull + 1;
    return clocks < SLICE_MAX ? clocks : SLICE_MAX;
}

enum twin_end twin_run(struct twin *twin, twin_ns until)
{
    twin->stopping = false;
    stores_of(twin);
    while (!twin->faulted && !twin->stopping && !twin->cut && twin->now < until) {
        run_timers(twin);
        host_poll(twin);
        if (twin->reset_due)
            twin_reset(twin, twin->reset_wanted);
        exceptions_take(twin);
        if (twin->cut || reach_cut(twin))
            return TWIN_CUT;
        const twin_ns event = twin_next_event(twin);
        if (twin->slept && !exceptions_wake(twin)) {
            host_sleep(twin, event < until ? event : until);
            continue;
        }
        twin->slept = false;
        guard_settle(twin);
        if (!twin->reset_due && !twin->stopping && !twin->faulted)
            run_slice(twin, clocks_until(twin, event < until ? event : until));
        host_keep_pace(twin);
    }
    if (twin->cut)
        return TWIN_CUT;
    return twin->faulted ? TWIN_FAULT : TWIN_STOPPED;
}

/* ---- starting and resetting ---- */

static uint32_t word_at(struct twin *twin, uint32_t address)
{
    uint32_t word = 0;
    if (!twin_read_memory(twin, address, &word, sizeof word))
        twin_fault(twin, "there is no vector table at 0x%08x", address);
    return word;
}

void twin_reset(struct twin *twin, enum twin_reset reset)
{
    twin->reset_due = false;
    twin->last_reset = reset;
    twin->slept = false;
    if (reset != TWIN_RESET_CORE) {
        bus_reset(twin, reset);
        *device_reg(&twin->scs, 0xd08) = twin->vectors; /* VTOR: a device may have moved them */
    }
    exceptions_reset(twin);
    worlds_reset(twin);
    static const int registers[] = {UC_ARM_REG_R0, UC_ARM_REG_R1, UC_ARM_REG_R2,  UC_ARM_REG_R3,
                                    UC_ARM_REG_R4, UC_ARM_REG_R5, UC_ARM_REG_R6,  UC_ARM_REG_R7,
                                    UC_ARM_REG_R8, UC_ARM_REG_R9, UC_ARM_REG_R10, UC_ARM_REG_R11,
                                    UC_ARM_REG_R12};
    for (size_t i = 0; i < sizeof registers / sizeof *registers; i++)
        core_set_reg(twin, registers[i], 0xdeadbeefu); /* nothing may rely on them */
    core_set_reg(twin, UC_ARM_REG_LR, 0xffffffffu);
    core_set_reg(twin, UC_ARM_REG_PRIMASK, 0);
    core_set_reg(twin, UC_ARM_REG_CONTROL, 0);
    core_set_reg(twin, UC_ARM_REG_XPSR, 0x01000000u);
    const uint32_t stack = word_at(twin, twin->vectors), start = word_at(twin, twin->vectors + 4u);
    if ((stack & start) == 0xffffffffu)
        twin_fault(twin,
                   "the flash is blank: no program at 0x%08x (has a HEX file been programmed?)",
                   twin->vectors);
    core_set_reg(twin, UC_ARM_REG_SP, stack & ~3u);
    core_set_reg(twin, UC_ARM_REG_PC, start);
}

void twin_request_reset(struct twin *twin, enum twin_reset reset)
{
    twin->reset_due = true;
    twin->reset_wanted = reset;
    twin_end_slice(twin);
}

enum twin_reset twin_last_reset(const struct twin *twin)
{
    return twin->last_reset;
}

void twin_set_vectors(struct twin *twin, uint32_t address)
{
    twin->vectors = address;
}

void twin_hurry(struct twin *twin)
{
    twin->hurry = true;
}

struct twin *twin_new(enum twin_core core, uint32_t hz)
{
    /* There is no M23: its programs run on the M33, a superset (Unicorn 2.0). */
    static const int models[] = {UC_CPU_ARM_CORTEX_M4, UC_CPU_ARM_CORTEX_M33,
                                 UC_CPU_ARM_CORTEX_M33};
    struct twin *twin = calloc(1, sizeof *twin);
    if (!twin)
        return NULL;
    uc_hook hook;
    twin->core = core;
    twin->hz = twin->hz_at_power_on = hz;
    twin->cut_at = UINT64_MAX;
    for (unsigned i = 0; i < TWIN_WATCHES; i++)
        twin->watches[i].fd = -1;
    if (uc_open(UC_ARCH_ARM, UC_MODE_THUMB | UC_MODE_MCLASS, &twin->uc) != UC_ERR_OK ||
        uc_ctl_set_cpu_model(twin->uc, models[core]) != UC_ERR_OK ||
        uc_hook_add(twin->uc, &hook, UC_HOOK_BLOCK, (void *)on_block, twin, 1, 0) != UC_ERR_OK ||
        uc_hook_add(twin->uc, &hook, UC_HOOK_INTR, (void *)on_interrupt, twin, 1, 0) != UC_ERR_OK ||
        uc_hook_add(twin->uc, &hook, UC_HOOK_MEM_INVALID, (void *)on_bad_access, twin, 1, 0) !=
            UC_ERR_OK) {
        free(twin);
        return NULL;
    }
    baseline_start(twin);
    bus_start(twin);
    scs_start(twin);
    return twin;
}

void twin_free(struct twin *twin)
{
    if (!twin)
        return;
    stores_end(twin);
    uc_close(twin->uc);
    free(twin->checked);
    for (struct device *device = twin->devices; device; device = device->next)
        free(device->values);
    while (twin->memories) {
        struct memory *memory = twin->memories;
        twin->memories = memory->next;
        if (memory->own && !memory->mirror_of)
            free(memory->bytes);
        free(memory->code);
        free(memory);
    }
    worlds_end(twin);
    free(twin);
}
