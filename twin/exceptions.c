/* Exceptions: Unicorn has none of Armv7-M's, so entering and leaving one is done by hand, between
 * instructions (Armv7-M Architecture Reference Manual, sections B1.5.6 to B1.5.8; of two worlds
 * Armv8-M's, B3.18 to B3.22). */
#include <string.h>

#include "twin/private.h"

/* EXC_RETURN */
#define RETURN_HANDLER   0xfffffff1u
#define RETURN_THREAD    0xfffffff9u
#define RETURN_TO_SECURE 0x40u
#define RETURN_BY_SECURE 0x01u
#define XPSR_THUMB       0x01000000u
#define XPSR_ALIGNED     0x00000200u /* the frame was moved by a word to lie at 8 bytes */
#define XPSR_FLAGS       0xf8000000u
#define FRAME_WORDS      8u
#define CONTROL_SPSEL    2u
#define CONTROL_FPCA     4u
#define AIRCR            0xd0cu
#define AIRCR_PRIS       0x4000u
#define AIRCR_BFHFNMINS  0x2000u
#define SIGNATURE        0xfefa125bu
#define CALLEE_WORDS     10u /* signature, a word of nothing, r4 to r11 */
#define LOWEST           256

static const int frame_registers[FRAME_WORDS - 1] = {UC_ARM_REG_R0, UC_ARM_REG_R1,  UC_ARM_REG_R2,
                                                     UC_ARM_REG_R3, UC_ARM_REG_R12, UC_ARM_REG_LR,
                                                     UC_ARM_REG_PC};
static const int callee_registers[CALLEE_WORDS - 2] = {UC_ARM_REG_R4,  UC_ARM_REG_R5, UC_ARM_REG_R6,
                                                       UC_ARM_REG_R7,  UC_ARM_REG_R8, UC_ARM_REG_R9,
                                                       UC_ARM_REG_R10, UC_ARM_REG_R11};

static uint32_t aircr(const struct twin *twin)
{
    return twin->worlds ? twin->scs.values[AIRCR / 4] : 0;
}

/* Its number, by which vector tables and IPSR know it. */
static unsigned number_of(unsigned slot)
{
    return slot >= EXCEPTION_COUNT ? slot - EXCEPTION_COUNT : slot;
}

/* Of two worlds: who takes it. */
static bool is_nonsecure(const struct twin *twin, unsigned slot)
{
    if (slot >= EXCEPTION_COUNT)
        return true;
    if (slot == EXCEPTION_NMI)
        return aircr(twin) & AIRCR_BFHFNMINS;
    return twin->exceptions.nonsecure[slot];
}

/* Lower is more urgent; NMI and HardFault lie below zero. */
static int priority_of(const struct twin *twin, unsigned slot)
{
    if (slot == EXCEPTION_NMI)
        return -2;
    if (slot == EXCEPTION_HARD_FAULT)
        return aircr(twin) & AIRCR_BFHFNMINS ? -3 : -1;
    const int priority = twin->exceptions.priority[slot];
    return aircr(twin) & AIRCR_PRIS && is_nonsecure(twin, slot) ? 0x80 + priority / 2 : priority;
}

static int present_priority(const struct twin *twin)
{
    const struct exceptions *e = &twin->exceptions;
    int priority = LOWEST;
    for (unsigned i = 0; i < e->depth; i++)
        if (priority_of(twin, e->active[i]) < priority)
            priority = priority_of(twin, e->active[i]);
    return priority;
}

/* What PRIMASK, of each world, lets through. */
static int masked_priority(const struct twin *twin)
{
    if (!twin->worlds)
        return core_reg(twin, UC_ARM_REG_PRIMASK) & 1u ? 0 : LOWEST;
    if (worlds_primask(twin, false))
        return 0;
    if (worlds_primask(twin, true))
        return aircr(twin) & AIRCR_PRIS ? 0x80 : 0;
    return LOWEST;
}

unsigned exception_active(const struct twin *twin)
{
    const struct exceptions *e = &twin->exceptions;
    return e->depth ? number_of(e->active[e->depth - 1]) : 0;
}

void exceptions_reset(struct twin *twin)
{
    memset(&twin->exceptions, 0, sizeof twin->exceptions);
    static const unsigned always[] = {EXCEPTION_NMI,
                                      EXCEPTION_HARD_FAULT,
                                      EXCEPTION_SVCALL,
                                      EXCEPTION_PENDSV,
                                      EXCEPTION_SYSTICK,
                                      EXCEPTION_NONSECURE(EXCEPTION_SVCALL),
                                      EXCEPTION_NONSECURE(EXCEPTION_PENDSV),
                                      EXCEPTION_NONSECURE(EXCEPTION_SYSTICK)};
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
    const unsigned end = twin->worlds ? EXCEPTION_SLOTS : EXCEPTION_COUNT;
    unsigned best = 0;
    for (unsigned slot = EXCEPTION_NMI; e->waiting && slot < end; slot++)
        if (e->pending[slot] && e->enabled[slot] &&
            (!best || priority_of(twin, slot) < priority_of(twin, best)))
            best = slot;
    return best;
}

bool exceptions_wake(struct twin *twin)
{
    const unsigned slot = most_urgent(twin);
    return slot && priority_of(twin, slot) < present_priority(twin);
}

bool exceptions_unmasked(const struct twin *twin)
{
    const unsigned slot = most_urgent(twin);
    return slot && priority_of(twin, slot) < masked_priority(twin);
}

/* ---- entry ---- */

/* EXC_RETURN, for a return from this one to what the core does now. */
static uint32_t return_code(const struct twin *twin, bool by_nonsecure)
{
    const uint32_t code = twin->exceptions.depth ? RETURN_HANDLER : RETURN_THREAD;
    if (twin->worlds)
        return code &
               ~((twin->nonsecure ? RETURN_TO_SECURE : 0) | (by_nonsecure ? RETURN_BY_SECURE : 0));
    /* The M33's twins of one world have no secure one: their frames are the non-secure world's. */
    return twin->core == TWIN_CORTEX_M33 ? code & ~(RETURN_TO_SECURE | RETURN_BY_SECURE) : code;
}

/* Words of the stack that the core is on: false, with a fault, where it must not have one. */
static bool stack(struct twin *twin, uint32_t sp, uint32_t *words, unsigned count, bool push)
{
    const uint32_t size = 4u * count;
    if (twin->worlds && twin->nonsecure &&
        (worlds_attribution(twin, sp) != NONSECURE ||
         worlds_attribution(twin, sp + size - 4u) != NONSECURE)) {
        twin_fault(twin, "the non-secure world's stack is at 0x%08x, which is secure", sp);
        return false;
    }
    if (push ? twin_write_memory(twin, sp, words, size) : twin_read_memory(twin, sp, words, size))
        return true;
    twin_fault(twin, "an exception %s with its stack at 0x%08x, which is not in memory",
               push ? "is taken" : "returns", sp);
    return false;
}

/* What a non-secure handler must not see of the secure world. */
static bool hide_registers(struct twin *twin)
{
    uint32_t words[CALLEE_WORDS] = {SIGNATURE};
    const uint32_t sp = core_reg(twin, UC_ARM_REG_SP) - 4u * CALLEE_WORDS;
    for (unsigned i = 0; i < CALLEE_WORDS - 2; i++) {
        words[2 + i] = core_reg(twin, callee_registers[i]);
        core_set_reg(twin, callee_registers[i], 0);
    }
    for (unsigned i = 0; i < 5; i++)
        core_set_reg(twin, frame_registers[i], 0);
    core_set_reg(twin, UC_ARM_REG_SP, sp);
    return stack(twin, sp, words, CALLEE_WORDS, true);
}

static bool push_frame(struct twin *twin)
{
    uint32_t frame[FRAME_WORDS];
    uint32_t sp = core_reg(twin, UC_ARM_REG_SP);
    uint32_t xpsr = core_reg(twin, UC_ARM_REG_XPSR) & ~XPSR_ALIGNED;
    if (sp & 4u)
        xpsr |= XPSR_ALIGNED;
    sp = (sp & ~7u) - 4u * FRAME_WORDS;
    for (unsigned i = 0; i < FRAME_WORDS - 1; i++)
        frame[i] = core_reg(twin, frame_registers[i]);
    frame[FRAME_WORDS - 1] = xpsr | XPSR_THUMB;
    core_set_reg(twin, UC_ARM_REG_SP, sp);
    return stack(twin, sp, frame, FRAME_WORDS, true);
}

static bool read_vector(struct twin *twin, unsigned slot, bool nonsecure, uint32_t *handler)
{
    const uint32_t table = *device_reg(nonsecure ? &twin->scs_nonsecure : &twin->scs, 0xd08);
    if (twin_read_memory(twin, table + 4u * number_of(slot), handler, sizeof *handler))
        return true;
    twin_fault(twin, "exception %u: the vector table 0x%08x is not in memory", number_of(slot),
               table);
    return false;
}

static void enter(struct twin *twin, unsigned slot)
{
    struct exceptions *e = &twin->exceptions;
    const bool nonsecure = twin->worlds && is_nonsecure(twin, slot);
    const uint32_t flags = core_reg(twin, UC_ARM_REG_XPSR) & XPSR_FLAGS;
    uint32_t handler = 0;
    if (core_reg(twin, UC_ARM_REG_CONTROL) & (CONTROL_SPSEL | CONTROL_FPCA)) {
        twin_fault(twin,
                   "the program uses the process stack or floating point, which no twin models");
        return;
    }
    if (e->depth == EXCEPTION_DEPTH) {
        twin_fault(twin, "exceptions are nested more than %u deep", EXCEPTION_DEPTH);
        return;
    }
    const bool hides = twin->worlds && nonsecure && !twin->nonsecure;
    const uint32_t lr = return_code(twin, nonsecure);
    if (!read_vector(twin, slot, nonsecure, &handler) || !push_frame(twin) ||
        (hides && !hide_registers(twin)))
        return;
    exception_unpend(twin, slot);
    e->returns[e->depth] = lr;
    e->active[e->depth++] = slot;
    worlds_enter(twin, nonsecure);
    core_set_reg(twin, UC_ARM_REG_XPSR, (hides ? 0 : flags) | XPSR_THUMB | number_of(slot));
    core_set_reg(twin, UC_ARM_REG_LR, lr);
    core_set_reg(twin, UC_ARM_REG_PC, handler);
}

void exceptions_take(struct twin *twin)
{
    const unsigned slot = most_urgent(twin);
    twin->masked = false;
    if (!slot || priority_of(twin, slot) >= present_priority(twin))
        return;
    twin->masked = priority_of(twin, slot) >= masked_priority(twin);
    if (twin->masked)
        return;
    twin->slept = false;
    enter(twin, slot);
}

void exception_hard_fault(struct twin *twin)
{
    if (priority_of(twin, EXCEPTION_HARD_FAULT) >= present_priority(twin))
        twin_fault(twin, "the core locks up: a world reaches for what it must not, in exception %u",
                   exception_active(twin));
    exception_pend(twin, EXCEPTION_HARD_FAULT);
}

void exception_fault(struct twin *twin)
{
    const struct exceptions *e = &twin->exceptions;
    const int present = present_priority(twin), masked = masked_priority(twin);
    const int limit = present < masked ? present : masked;
    if (twin->core == TWIN_CORTEX_M33 && e->enabled[EXCEPTION_SECURE] &&
        priority_of(twin, EXCEPTION_SECURE) < limit)
        exception_pend(twin, EXCEPTION_SECURE);
    else
        exception_hard_fault(twin);
}

/* ---- return ---- */

static bool show_registers(struct twin *twin)
{
    uint32_t words[CALLEE_WORDS];
    const uint32_t sp = core_reg(twin, UC_ARM_REG_SP);
    if (!stack(twin, sp, words, CALLEE_WORDS, false))
        return false;
    if (words[0] != SIGNATURE) {
        twin_fault(twin,
                   "a non-secure exception returns to the secure world by 0x%08x, where no "
                   "signature is",
                   sp);
        return false;
    }
    for (unsigned i = 0; i < CALLEE_WORDS - 2; i++)
        core_set_reg(twin, callee_registers[i], words[2 + i]);
    core_set_reg(twin, UC_ARM_REG_SP, sp + 4u * CALLEE_WORDS);
    return true;
}

void exception_return(struct twin *twin, uint32_t code)
{
    struct exceptions *e = &twin->exceptions;
    if (e->depth == 0 || (code | 1u) != (e->returns[e->depth - 1] | 1u)) {
        twin_fault(twin, "an exception returns with 0x%08x at depth %u", code, e->depth);
        return;
    }
    const unsigned slot = e->active[--e->depth];
    const bool to_nonsecure = twin->worlds && !(e->returns[e->depth] & RETURN_TO_SECURE);
    const bool hid = twin->worlds && twin->nonsecure && !to_nonsecure;
    uint32_t frame[FRAME_WORDS];
    worlds_enter(twin, to_nonsecure);
    if (hid && !show_registers(twin))
        return;
    uint32_t sp = core_reg(twin, UC_ARM_REG_SP);
    if (!stack(twin, sp, frame, FRAME_WORDS, false))
        return;
    const uint32_t xpsr = frame[FRAME_WORDS - 1];
    sp += 4u * FRAME_WORDS + (xpsr & XPSR_ALIGNED ? 4u : 0u);
    core_set_reg(twin, UC_ARM_REG_XPSR, (xpsr & 0xf80f0000u) | XPSR_THUMB | exception_active(twin));
    core_set_reg(twin, UC_ARM_REG_SP, sp);
    for (unsigned i = 0; i < FRAME_WORDS - 1; i++)
        core_set_reg(twin, frame_registers[i], frame[i]);
    if (slot >= EXCEPTION_IRQ0 && slot < EXCEPTION_COUNT && e->level[slot])
        exception_pend(twin, slot);
}
