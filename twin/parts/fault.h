/* How a memory that is soldered or put beside a chip goes wrong. */
#ifndef OTTER_TWIN_PARTS_FAULT_H
#define OTTER_TWIN_PARTS_FAULT_H

#include <stdbool.h>

enum part_fault {
    PART_SOUND,
    PART_MISSING, /* from the start: nothing answers */
    PART_GOES,    /* nothing answers any more from its n-th operation on */
    PART_BUSY,    /* it stays busy from its n-th operation on, whatever is asked of it */
    PART_SMALL,   /* a smaller one than the board wants: 128 KiB */
    PART_PAUSES   /* its n-th operation takes PART_PAUSE_NS, as of one that cleans up; then it is
                     sound */
};
#define PART_PAUSE_NS   (8000u * TWIN_MS)
#define PART_SMALL_SIZE 0x20000u

#endif
