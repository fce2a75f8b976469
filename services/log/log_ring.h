/* The last lines of the log, in flash: they survive resets and power cuts.
 *
 * The area's sectors, all of one size, are cut into slots of LOG_RING_SLOT bytes, written one after
 * the other, round and round; a sector is erased when its first slot is due. A slot holds one line:
 *
 *   0  u32 LE  number of the line, one higher with each
 *   4  u32 LE  length of the text, 1 to LOG_RING_TEXT_MAX
 *   8  text, then CRC-32 of all before it, then the erased value up to a write unit
 *
 * What a cut leaves of a line has no good checksum and is passed over; after a start the slot
 * behind the last one is left out too, since a torn one may look erased. Nothing else is ever
 * written twice. Each append is at most one erase and one program. Sans-IO; the caller owns
 * everything. */
#ifndef OTTER_SERVICES_LOG_LOG_RING_H
#define OTTER_SERVICES_LOG_LOG_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "port/flash.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LOG_RING_SLOT     256u
#define LOG_RING_TEXT_MAX 192u

struct log_ring {
    const struct flash_area *area;
    uint32_t sector; /* size of one */
    uint32_t slots;  /* in the whole area */
    uint32_t next;   /* slot that is written next */
    uint32_t number; /* of its line */
};

/* Looks where the log ended. OTTER_E_ARGUMENT for an area that is too small (two sectors) or has
 * sectors of several sizes, or larger write units than 32. Writes nothing. */
otter_status log_ring_open(struct log_ring *ring, const struct flash_area *area);

/* A longer text is cut. An error of flash: the line is lost, the next one goes to the next slot. */
otter_status log_ring_append(struct log_ring *ring, const char *text, uint32_t length);

/* From the oldest line on: begin with 0, and give the returned place again; 0 behind the last.
 * `text` gets the line with a NUL; "" for a slot without one. */
uint32_t log_ring_read(const struct log_ring *ring, uint32_t place,
                       char text[LOG_RING_TEXT_MAX + 1]);

#ifdef __cplusplus
}
#endif

#endif
