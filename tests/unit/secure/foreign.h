/* A plain implementation of PSA Firmware Update 1.0 beside Otter's own, with its bootloader: the
 * slot in RAM, states taken at their word, no call beyond the specification. As TF-M's, it forgets
 * in a reset what is not STAGED, writes no place twice, and tells the digest of a CANDIDATE. */
#ifndef OTTER_TESTS_UNIT_SECURE_FOREIGN_H
#define OTTER_TESTS_UNIT_SECURE_FOREIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "image/check.h"
#include "port/flash.h"
#include "secure/update.h"

#define FOREIGN_SIZE 0x4000u

struct foreign {
    uint32_t state;
    uint8_t slot[FOREIGN_SIZE];
    bool written[FOREIGN_SIZE];
    uint32_t size;     /* of what was written */
    size_t longest;    /* write */
    unsigned starts;   /* of downloads */
    uint8_t component; /* started or written last */
    size_t offset;     /* of the last write */
    unsigned accepts;  /* of trials */
    /* How it is. */
    const struct image_policy *policy; /* of finish; NULL: takes any image ... */
    bool bad_image;                    /* ... or none */
    bool no_digest;
    bool keeps_writing; /* over a reset */
    uint32_t refuses;   /* the n-th write from now, once; 0: none */
};

extern struct foreign foreign;

/* The slot as a flash device of the firmware, by secure/slot.h; `ctx` is the size of its sectors, a
 * uint32_t. */
extern const struct flash_ops foreign_slot_ops;

void foreign_init(void);
/* A reset: `running` are the FOREIGN_SIZE bytes of the primary slot, which it changes to what runs
 * from now on. */
void foreign_reset(uint8_t *running);

#endif
