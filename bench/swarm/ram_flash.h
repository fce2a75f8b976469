/* NOR flash in memory, as many of one content as wanted: each is a private view of one template, so
 * that pages that a device has not written cost nothing. Keeps the rules of port/flash.h, and ends
 * the program when they are broken. */
#ifndef OTTER_BENCH_SWARM_RAM_FLASH_H
#define OTTER_BENCH_SWARM_RAM_FLASH_H

#include <stdbool.h>
#include <stdint.h>

#include "port/flash.h"

#define RAM_FLASH_SECTOR 4096u
#define RAM_FLASH_WRITE  4u

struct ram_flash {
    struct flash flash; /* what users see */
    uint8_t *bytes;
};

/* A template's descriptor: a file in memory of `size` bytes (whole sectors), all erased; -1. */
int ram_flash_template(uint32_t size);
/* Its content may be changed through `shared` views, before others open it. */
bool ram_flash_open(struct ram_flash *flash, int template_fd, uint32_t size, bool shared);
void ram_flash_close(struct ram_flash *flash);

#endif
