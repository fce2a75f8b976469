/* The faults of each model, made for the instruction at hand. */
#include "tests/sim/fault_injection/faults.h"

#include <string.h>

const char *const fault_class_names[FAULT_CLASSES] = {"skip", "bit", "register", "flag",
                                                      "skip two"};

static const uint8_t nop_narrow[2] = {0x00, 0xbf};
static const uint8_t nop_wide[4] = {0xaf, 0xf3, 0x00, 0x80};

/* Looks at flags: B<cond> (narrow, wide), IT. */
static bool is_conditional(uint16_t first)
{
    return (first & 0xf000) == 0xd000 || (first & 0xff00) == 0xbf00 || (first & 0xf800) == 0xf000;
}

static unsigned register_faults(struct fault *faults, unsigned reg, uint32_t value, uint32_t salt)
{
    const uint32_t wrong[] = {0, UINT32_MAX, value ^ 1, value ^ 1u << (1 + salt % 31)};
    unsigned count = 0;
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        if (wrong[i] != value)
            faults[count++] = (struct fault){FAULT_REGISTER, (uint8_t)reg, 0, wrong[i]};
    }
    return count;
}

unsigned faults_of(struct fault faults[FAULTS_MAX], const uint8_t code[4], uint16_t next,
                   const struct registers *before, const struct registers *after, uint32_t salt)
{
    const uint16_t first = (uint16_t)(code[0] | code[1] << 8);
    unsigned count = 0;
    unsigned changed = 0;
    faults[count++] = (struct fault){.class = FAULT_SKIP};
    faults[count++] = (struct fault){.class = FAULT_SKIP_TWO};
    for (unsigned bit = 0; bit < 8 * instruction_size(first); bit++)
        faults[count++] = (struct fault){.class = FAULT_BIT, .bit = (uint8_t)bit};
    for (unsigned reg = 0; reg < REG_PC; reg++) {
        if (reg != REG_SP && before->r[reg] != after->r[reg] && changed++ < 8)
            count += register_faults(faults + count, reg, after->r[reg], salt + reg);
    }
    if ((before->xpsr ^ after->xpsr) >> 28 != 0 || is_conditional(next)) {
        for (unsigned bit = 28; bit < 32; bit++)
            faults[count++] = (struct fault){.class = FAULT_FLAG, .bit = (uint8_t)bit};
    }
    return count;
}

/* Puts something else in place of the instruction at `pc` while it is executed. */
static enum target_stop step_with(struct target *target, uint32_t pc, const uint8_t code[4],
                                  const void *instead, unsigned size)
{
    target_write(target, pc, instead, size);
    const enum target_stop stop = target_step(target);
    if (stop == TARGET_STOPPED) /* if it cannot be put right, the fault only lasts longer */
        (void)target_try_write(target, pc, code, size);
    return stop;
}

static enum target_stop skip(struct target *target, uint32_t pc)
{
    uint8_t code[4];
    target_read(target, pc, code, sizeof code);
    const unsigned size = instruction_size((uint16_t)(code[0] | code[1] << 8));
    return step_with(target, pc, code, size == 2 ? nop_narrow : nop_wide, size);
}

static enum target_stop skip_two(struct target *target, uint32_t pc)
{
    struct registers registers;
    if (skip(target, pc) != TARGET_STOPPED)
        return TARGET_DIED;
    target_get(target, &registers);
    return skip(target, registers.r[REG_PC]);
}

static enum target_stop flip_bit(struct target *target, uint32_t pc, unsigned bit)
{
    uint8_t code[4];
    uint8_t wrong[4];
    target_read(target, pc, code, sizeof code);
    const unsigned size = instruction_size((uint16_t)(code[0] | code[1] << 8));
    memcpy(wrong, code, sizeof wrong);
    wrong[bit / 8] = (uint8_t)(wrong[bit / 8] ^ 1u << bit % 8);
    return step_with(target, pc, code, wrong, size);
}

static enum target_stop spoil_result(struct target *target, const struct fault *fault)
{
    struct registers registers;
    if (target_step(target) != TARGET_STOPPED)
        return TARGET_DIED;
    target_get(target, &registers);
    if (fault->class == FAULT_REGISTER)
        registers.r[fault->reg] = fault->value;
    else
        registers.xpsr ^= 1u << fault->bit;
    target_set(target, &registers);
    return TARGET_STOPPED;
}

enum target_stop fault_inject(struct target *target, const struct fault *fault, uint32_t pc)
{
    switch (fault->class) {
    case FAULT_SKIP:
        return skip(target, pc);
    case FAULT_SKIP_TWO:
        return skip_two(target, pc);
    case FAULT_BIT:
        return flip_bit(target, pc, fault->bit);
    default:
        return spoil_result(target, fault);
    }
}
