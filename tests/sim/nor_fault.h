/* Faults of a flash that go on with power: a write that is lost, sectors that no longer erase,
 * units that no longer program, bits that are stuck. One fault at a time lies over a simulated
 * device, in front of its operations; what power does to these is nor_sim's matter.
 *
 *   struct nor_fault fault = {.kind = NOR_FAULT_NO_ERASE, .start = 0x1000, .end = 0x1001};
 *   nor_fault_install(&device, &fault);      // until the next nor_create; kind may change any time
 *
 * `seen` counts what the fault was met by, so that a harness knows where it struck. */
#ifndef OTTER_TESTS_SIM_NOR_FAULT_H
#define OTTER_TESTS_SIM_NOR_FAULT_H

#include "tests/sim/nor_sim.h"

enum nor_fault_kind {
    NOR_FAULT_NONE,
    NOR_FAULT_LOST,       /* of the programs of one unit in the range, number `at` is not done */
    NOR_FAULT_NO_ERASE,   /* a sector that touches the range stays as it is, with an error */
    NOR_FAULT_HALF_ERASE, /* its first half is erased, with an error */
    NOR_FAULT_NO_PROGRAM, /* a unit in the range takes nothing, with an error; those before it do */
    NOR_FAULT_STUCK_SET,  /* the bit `mask` of byte `start` reads as programmed, without an error */
    NOR_FAULT_STUCK_ERASED, /* the same bit reads as erased */
    NOR_FAULT_KINDS
};
const char *nor_fault_name(enum nor_fault_kind kind);

struct nor_fault {
    enum nor_fault_kind kind;
    uint32_t start; /* range [start, end) of the device */
    uint32_t end;
    uint32_t at; /* NOR_FAULT_LOST: counted from 1; 0 = none, which only counts */
    bool silent; /* NOR_FAULT_LOST: answered as if it were done */
    uint8_t mask;
    uint32_t seen;
    uint32_t struck_at; /* NOR_FAULT_LOST: operations of this boot before it */
};

void nor_fault_install(struct nor_device *device, struct nor_fault *fault);

#endif
