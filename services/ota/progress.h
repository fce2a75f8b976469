/* Which blocks of a download are on flash: a journal in its own flash area, so that a download goes
 * on after a reset where it was. Only what is on flash counts.
 *
 * Layout; all numbers little-endian, each field padded to the write unit with the erased value:
 *
 *   offset            size                   what
 *   0                 32                     header
 *     0               4                      magic "OTJ1"
 *     4               4                      number of blocks
 *     8               8                      zero
 *     16              16                     key: digest of job, execution, epoch, file and sizes
 *   32 + n * unit     unit = max(4, write)   entry n
 *     0               2                      bit 15: 0 = the block is on flash, 1 = it is void
 *                                            bits 0..14: the block
 *     2               2                      complement of the first two bytes
 *
 * Entries are read in order and the last word on a block counts. An entry that a power cut tore
 * may read as valid at one boot and as broken at the next. That is harmless either way: "on flash"
 * is written after the block's data; and before a sector is erased again in a resumed download, all
 * its blocks are declared void, behind any entry that may flicker.
 *
 * The header is written last, into an erased area; the key holds an epoch that is never used twice,
 * so that a journal whose erase was torn is never taken for the present one. */
#ifndef OTTER_SERVICES_OTA_PROGRESS_H
#define OTTER_SERVICES_OTA_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "port/flash.h"

#define OTA_BLOCKS_MAX        1024u /* 4 MiB in blocks of 4096 bytes */
#define OTA_PROGRESS_KEY_SIZE 16u

struct ota_progress {
    const struct flash_area *area;
    uint32_t blocks; /* of the file */
    uint32_t stored; /* on flash */
    uint32_t next;   /* offset of the next entry; while starting, of the next erase */
    bool resumed;    /* found after a reset: sectors may hold what nobody knows of */
    uint8_t key[OTA_PROGRESS_KEY_SIZE];
    uint8_t have[OTA_BLOCKS_MAX / 8]; /* bit = 1: on flash */
};

/* Entries that fit the area: a download needs one for each block, and two more for each block of a
 * sector that a power cut caught. 0 if not even the header fits. */
uint32_t ota_progress_capacity(const struct flash_area *area);

/* Reads the journal of this key. OTTER_E_NOT_FOUND when there is none: then start. */
otter_status ota_progress_open(struct ota_progress *progress, const struct flash_area *area,
                               const uint8_t key[OTA_PROGRESS_KEY_SIZE], uint32_t blocks);

/* A fresh journal with no blocks: begin, then step until it is no longer OTTER_E_AGAIN. One step
 * erases at most one sector. */
void ota_progress_begin(struct ota_progress *progress, const struct flash_area *area,
                        const uint8_t key[OTA_PROGRESS_KEY_SIZE], uint32_t blocks);
otter_status ota_progress_begin_step(struct ota_progress *progress);

/* The block's data is on flash. OTTER_E_NO_SPACE when the journal is full. */
otter_status ota_progress_add(struct ota_progress *progress, uint32_t block);
/* The block's data is about to be destroyed. */
otter_status ota_progress_void(struct ota_progress *progress, uint32_t block);

static inline bool ota_progress_has(const struct ota_progress *progress, uint32_t block)
{
    return (progress->have[block / 8] >> (block % 8) & 1u) != 0;
}

#endif
