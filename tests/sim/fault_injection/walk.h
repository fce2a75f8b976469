/* One image walked from boot_go to the refusal, with faults put into each instruction on the way.
 */
#ifndef OTTER_TESTS_SIM_FAULT_INJECTION_WALK_H
#define OTTER_TESTS_SIM_FAULT_INJECTION_WALK_H

#include "tests/sim/fault_injection/board.h"
#include "tests/sim/fault_injection/faults.h"

struct walk_plan {
    unsigned times; /* each instruction at its first so many executions */
    unsigned every; /* one of so many faults is tried */
    bool all_skips; /* and every instruction is skipped at its first execution */
    unsigned shard; /* of `shards`: this process's share */
    unsigned shards;
    unsigned arithmetic; /* random moments within each signature verification, with all faults */
    uint32_t seed;
};

struct tally {
    uint32_t addresses;  /* instructions */
    uint32_t executions; /* of them, at which faults were tried */
    uint32_t arithmetic; /* points within the arithmetic of the signature */
    uint32_t cases[FAULT_CLASSES][OUTCOMES];
};

/* Adds to the tally; a fault that starts the image is printed. Returns the milliseconds that a
 * refusal takes without a fault, or 0 if the image was not refused (printed). */
unsigned walk(struct board *board, const char *name, const struct walk_plan *plan,
              struct tally *tally);

#endif
