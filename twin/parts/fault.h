/* How a memory that is soldered or put beside a chip goes wrong. */
#ifndef OTTER_TWIN_PARTS_FAULT_H
#define OTTER_TWIN_PARTS_FAULT_H

#include <stdbool.h>

enum part_fault {
    PART_SOUND,
    PART_MISSING, /* from the start: nothing answers */
    PART_GOES,    /* nothing answers any more from its n-th operation on */
    PART_BUSY,    /* it stays busy from its n-th operation on, whatever is asked of it */
    PART_SMALL    /* a smaller one than the board wants: 128 KiB */
};
#define PART_SMALL_SIZE 0x20000u

#endif
