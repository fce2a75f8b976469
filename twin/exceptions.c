/* Exceptions: Unicorn has none of Armv7-M's, so entering and leaving one is done by hand, between
 * instructions (Armv7-M Architecture Reference Manual, sections B1.5.6 to B1.5.8). */
#include <string.h>

#include "twin/private.h"

#define RETURN_HANDLER 0xfffffff1u
#define RETURN_THREAD  0xfffffff9u
/* The M33's twins have no secure world: their frames are the non-secure world's. */
#define RETURN_NON_SECURE 0x00000041u
#define XPSR_THUMB        0x01000000u
#define XPSR_ALIGNED      0x00000200u /* the frame was moved by a word to lie at 8 bytes */
#define FRAME_WORDS       8u
#define CONTROL_SPSEL     2u
#define CONTROL_FPCA      4u

static const int frame_registers[FRAME_WORDS - 1] = {UC_ARM_REG_R0, UC_ARM_REG_R1,  UC_ARM_REG_R2,
                                                     UC_ARM_REG_R3, UC_ARM_REG_R12, UC_ARM_REG_LR,
                                                     UC_ARM_REG_PC};

/* Lower is more urgent; NMI and HardFault lie below zero. */
static int priority_of(const struct twin *twin, unsigned number)
{
    if (number == EXCEPTION_NMI)
        return -2;
    return number == EXCEPTION_HARD_FAULT ? -1 : twin->exceptions.priority[number];
}

static int present_priority(const struct twin *twin)
{
    const struct exceptions *e = &twin->exceptions;
    int priority = 256;
    for (unsigned i = 0; i < e->depth; i++)
        if (priority_of(twin, e->active[i]) < priority)
            priority = priority_of(twin, e->active[i]);
    return priority;
}

void exceptions_reset(struct twin *twin)
{
    memset(&twin->exceptions, 0, sizeof twin->exceptions);
    static const unsigned always[] = {EXCEPTION_NMI, EXCEPTION_HARD_FAULT, EXCEPTION_SVCALL,
                                      EXCEPTION_PENDSV, EXCEPTION_SYSTICK};
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        twin->exceptions.enabled[always[i]] = true;
}

void exception_pend(struct twin *twin, unsigned number)
{
    struct exceptions *e = &twin->exceptions;
    if (!e->pending[number]) {
        e->pending[number] = true;
        e->waiting++;
    }
    twin_end_slice(twin);
}

void exception_unpend(struct twin *twin, unsigned number)
{
    struct exceptions *e = &twin->exceptions;
    if (e->pending[number]) {
        e->pending[number] = false;
        e->waiting--;
    }
}

void twin_irq(struct twin *twin, unsigned irq, bool level)
{
    struct exceptions *e = &twin->exceptions;
    const unsigned number = EXCEPTION_IRQ0 + irq;
    const bool rises = level && !e->level[number];
    e->level[number] = level;
    if (rises)
        exception_pend(twin, number);
}

void twin_nmi(struct twin *twin)
{
    exception_pend(twin, EXCEPTION_NMI);
}

/* The most urgent of what is pending and enabled, 0 for none. */
static unsigned most_urgent(const struct twin *twin)
{
    const struct exceptions *e = &twin->exceptions;
    unsigned best = 0;
    for (unsigned number = EXCEPTION_NMI; e->waiting && number < EXCEPTION_COUNT; number++)
        if (e->pending[number] && e->enabled[number] &&
            (!best || priority_of(twin, number) < priority_of(twin, best)))
            best = number;
    return best;
}

bool exceptions_wake(struct twin *twin)
{
    const unsigned number = most_urgent(twin);
    return number && priority_of(twin, number) < present_priority(twin);
}

/* EXC_RETURN, for a return to `depth` exceptions. */
static uint32_t return_code(const struct twin *twin, unsigned depth)
{
    const uint32_t code = depth ? RETURN_HANDLER : RETURN_THREAD;
    return twin->core == TWIN_CORTEX_M33 ? code & ~RETURN_NON_SECURE : code;
}

static void enter(struct twin *twin, unsigned number)
{
    struct exceptions *e = &twin->exceptions;
    const uint32_t control = core_reg(twin, UC_ARM_REG_CONTROL);
    if (control & (CONTROL_SPSEL | CONTROL_FPCA)) {
        twin_fault(twin,
                   "the program uses the process stack or floating point, which no twin models");
        return;
    }
    if (e->depth == EXCEPTION_DEPTH) {
        twin_fault(twin, "exceptions are nested more than %u deep", EXCEPTION_DEPTH);
        return;
    }
    uint32_t sp = core_reg(twin, UC_ARM_REG_SP);
    uint32_t xpsr = core_reg(twin, UC_ARM_REG_XPSR) & ~XPSR_ALIGNED;
    if (sp & 4u)
        xpsr |= XPSR_ALIGNED;
    sp = (sp & ~7u) - 4u * FRAME_WORDS;
    uint32_t frame[FRAME_WORDS];
    for (unsigned i = 0; i < FRAME_WORDS - 1; i++)
        frame[i] = core_reg(twin, frame_registers[i]);
    frame[FRAME_WORDS - 1] = xpsr | XPSR_THUMB;
    uint32_t handler = 0;
    const uint32_t table = *device_reg(&twin->scs, 0xd08);
    if (!twin_write_memory(twin, sp, frame, sizeof frame) ||
        !twin_read_memory(twin, table + 4u * number, &handler, sizeof handler)) {
        twin_fault(twin, "exception %u: stack 0x%08x or vector table 0x%08x is not in memory",
                   number, sp, table);
        return;
    }
    exception_unpend(twin, number);
    const uint32_t lr = return_code(twin, e->depth);
    e->active[e->depth++] = number;
    core_set_reg(twin, UC_ARM_REG_XPSR, (xpsr & 0xf8000000u) | XPSR_THUMB | number);
    core_set_reg(twin, UC_ARM_REG_SP, sp);
    core_set_reg(twin, UC_ARM_REG_LR, lr);
    core_set_reg(twin, UC_ARM_REG_PC, handler);
}

void exceptions_take(struct twin *twin)
{
    const unsigned number = most_urgent(twin);
    twin->masked = false;
    if (!number || priority_of(twin, number) >= present_priority(twin))
        return;
    if (number != EXCEPTION_NMI && number != EXCEPTION_HARD_FAULT)
        twin->masked = core_reg(twin, UC_ARM_REG_PRIMASK) & 1u;
    if (twin->masked)
        return;
    twin->slept = false;
    enter(twin, number);
}

void exception_return(struct twin *twin, uint32_t code)
{
    struct exceptions *e = &twin->exceptions;
    if (e->depth == 0 || (code | 1u) != (return_code(twin, e->depth - 1) | 1u)) {
        twin_fault(twin, "an exception returns with 0x%08x at depth %u", code, e->depth);
        return;
    }
    const unsigned number = e->active[--e->depth];
    uint32_t frame[FRAME_WORDS];
    uint32_t sp = core_reg(twin, UC_ARM_REG_SP);
    if (!twin_read_memory(twin, sp, frame, sizeof frame)) {
        twin_fault(twin, "an exception returns with its stack at 0x%08x", sp);
        return;
    }
    const uint32_t xpsr = frame[FRAME_WORDS - 1];
    sp += 4u * FRAME_WORDS + (xpsr & XPSR_ALIGNED ? 4u : 0u);
    const unsigned outer = e->depth ? e->active[e->depth - 1] : 0;
    core_set_reg(twin, UC_ARM_REG_XPSR, (xpsr & 0xf80f0000u) | XPSR_THUMB | outer);
    core_set_reg(twin, UC_ARM_REG_SP, sp);
    for (unsigned i = 0; i < FRAME_WORDS - 1; i++)
        core_set_reg(twin, frame_registers[i], frame[i]);
    if (number >= EXCEPTION_IRQ0 && e->level[number])
        exception_pend(twin, number);
}
