/* Swaps as MCUboot does them, operation by operation: an interpreter for the measured traces
 * (docs/formats.md 9), so that a flash can be put into the state in which MCUboot would have left
 * it after any of them. */
#ifndef OTTER_TESTS_SIM_MCUBOOT_TRACES_H
#define OTTER_TESTS_SIM_MCUBOOT_TRACES_H

#include "tests/sim/mcuboot/rig.h"

#define TRACE_MAX 256u

struct trace_op {
    enum { TRACE_ERASE, TRACE_WRITE, TRACE_COPY } kind;
    enum rig_area area;
    uint32_t offset;
    uint8_t bytes[16]; /* TRACE_WRITE */
    uint32_t length;
    enum rig_area from; /* TRACE_COPY */
    uint32_t from_offset;
};

struct trace {
    struct trace_op ops[TRACE_MAX];
    unsigned count;
    unsigned erases;
};

void trace_erase(struct trace *trace, enum rig_area area, uint32_t offset);
/* A flag, record or type: one unit of four bytes. */
void trace_flag(struct trace *trace, enum rig_area area, uint32_t offset, uint8_t value);
void trace_number(struct trace *trace, enum rig_area area, uint32_t offset, uint32_t value);
void trace_magic(struct trace *trace, enum rig_area area, uint32_t offset);
/* Writes of 1 KiB. */
void trace_copy(struct trace *trace, enum rig_area from, uint32_t from_offset, enum rig_area to,
                uint32_t to_offset, uint32_t length);

/* Performs the first `count` operations on the rig's flash. */
void trace_apply(struct rig *rig, const struct trace *trace, unsigned count);

/* Starting from the flash as it is: after each number of operations below `last`, Otter boots and
 * `check` looks; and then once more with power cut at an operation of that boot. */
void trace_finish_each(struct rig *rig, const struct trace *trace, unsigned last,
                       void (*check)(struct rig *rig, bool ends));

/* What Otter writes in its boot from here into trailers and status is what the trace does, byte for
 * byte; so are the erases of sectors, each as often. Only the order may differ. */
void trace_compare_with_boot(struct rig *rig, const struct trace *trace);

#endif
