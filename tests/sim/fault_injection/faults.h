/* Which single faults are put into one instruction, and how. */
#ifndef OTTER_TESTS_SIM_FAULT_INJECTION_FAULTS_H
#define OTTER_TESTS_SIM_FAULT_INJECTION_FAULTS_H

#include "tests/sim/fault_injection/target.h"

enum fault_class {
    FAULT_SKIP,     /* the instruction does nothing */
    FAULT_BIT,      /* one bit of the instruction is wrong while it is executed */
    FAULT_REGISTER, /* what it put into a register comes out 0, all ones, or with a wrong bit */
    FAULT_FLAG,     /* what it put into N, Z, C or V is inverted */
    FAULT_SKIP_TWO, /* it and the next one do nothing: reported, not required to be survived */
    FAULT_CLASSES
};

extern const char *const fault_class_names[FAULT_CLASSES];

struct fault {
    enum fault_class class;
    uint8_t reg;    /* FAULT_REGISTER */
    uint8_t bit;    /* FAULT_BIT, FAULT_FLAG */
    uint32_t value; /* FAULT_REGISTER */
};

#define FAULTS_MAX 128u

/* Bytes of the instruction that starts with this halfword. */
static inline unsigned instruction_size(uint16_t first)
{
    return first >= 0xe800 ? 4 : 2;
}

/* The faults for an instruction of these bytes that turned `before` into `after`; `next` is the
 * halfword behind it, `salt` chooses among bits. The first is FAULT_SKIP. Returns how many. */
unsigned faults_of(struct fault faults[FAULTS_MAX], const uint8_t code[4], uint16_t next,
                   const struct registers *before, const struct registers *after, uint32_t salt);

/* The core stands before the instruction at `pc`; executes it with the fault. */
enum target_stop fault_inject(struct target *target, const struct fault *fault, uint32_t pc);

#endif
