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
 *     0               2                      bits 14, 15: kind; bits 0..13: the block, or of a
 *                                            check: the sum
 *     2               2                      complement of the first two bytes
 *
 *   kind 0, stored: the block is on flash
 *   kind 1, begun:  the block is being written. Entered only where blocks share a sector: there a
 *                   block that was torn must be told from one whose flash is still untouched (which
 *                   cannot be seen: a block may hold what looks erased)
 *   kind 2, void:   all blocks in this block's sector are about to be erased
 *   kind 3, check:  the first entry after a reset: 14 bits of the CRC-32 over the words of all
 * valid entries before it, as they were read then
 *
 * Entries are read in order and the last word on a block counts. An entry that a power cut tore may
 * read as valid at one boot and as broken at the next; what was decided by it is held to by the
 * check behind it: when that no longer fits, the journal is given up and the download starts over.
 *
 * The header is written last, into an erased area; the key holds an epoch that is never used twice,
 * so that a journal whose erase was torn is never taken for the present one. */
#ifndef OTTER_SERVICES_OTA_PROGRESS_H
#define OTTER_SERVICES_OTA_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "port/flash.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a download is of, apart from its state. */
struct ota_file {
    uint32_t size; /* bytes, > 0 */
    uint32_t block_size;
    uint8_t id; /* in the stream */
};

static inline uint32_t ota_file_blocks(const struct ota_file *file)
{
    return file->size / file->block_size + (file->size % file->block_size != 0);
}

/* Blocks that lie in one sector; of a block that takes several sectors, that block. */
struct ota_range {
    uint32_t first;
    uint32_t last;
};
struct ota_range ota_blocks_of_sector(const struct flash_area *slot, const struct ota_file *file,
                                      uint32_t offset);

#define OTA_BLOCKS_MAX        1024u /* 4 MiB in blocks of 4096 bytes */
#define OTA_PROGRESS_KEY_SIZE 16u
#define OTA_PROGRESS_TORN_MAX 6u

struct ota_progress {
    const struct flash_area *area;
    const struct flash_area *slot;
    struct ota_file file;
    uint32_t blocks; /* of the file */
    uint32_t stored; /* on flash */
    uint32_t next;   /* offset of the next entry; while starting, of the next erase */
    uint32_t sum;    /* over the entries so far */
    bool resumed;    /* found after a reset: sectors may hold what nobody knows of */
    bool check_due;  /* before the next entry */
    uint8_t torn_count;
    bool torn_overflow; /* more than `torn` holds: every missing block may be torn */
    uint16_t torn[OTA_PROGRESS_TORN_MAX]; /* begun, neither on flash nor void */
    uint8_t key[OTA_PROGRESS_KEY_SIZE];
    uint8_t have[OTA_BLOCKS_MAX / 8]; /* bit = 1: on flash */
};

/* Entries that fit the area: a download needs up to two for each block, and after each reset one,
 * and one for each sector made ready again. 0 if not even the header fits. */
uint32_t ota_progress_capacity(const struct flash_area *area);

/* Reads the journal in `area` of the file that goes to `slot`. OTTER_E_NOT_FOUND when there is none
 * with this key: then start. OTTER_E_CORRUPT when it cannot be relied on: then start with another
 * key. Writes nothing. */
otter_status ota_progress_open(struct ota_progress *progress, const struct flash_area *area,
                               const struct flash_area *slot, const struct ota_file *file,
                               const uint8_t key[OTA_PROGRESS_KEY_SIZE]);

/* A fresh journal with no blocks: begin, then step until it is no longer OTTER_E_AGAIN. One step
 * erases at most one sector. */
void ota_progress_begin(struct ota_progress *progress, const struct flash_area *area,
                        const struct flash_area *slot, const struct ota_file *file,
                        const uint8_t key[OTA_PROGRESS_KEY_SIZE]);
otter_status ota_progress_begin_step(struct ota_progress *progress);

/* The block's data is on flash. OTTER_E_NO_SPACE when the journal is full. */
otter_status ota_progress_add(struct ota_progress *progress, uint32_t block);
/* The block's data is about to be written; only needed where blocks share a sector. */
otter_status ota_progress_begun(struct ota_progress *progress, uint32_t block);
/* The block's flash may hold something although the block is not stored. */
bool ota_progress_torn(const struct ota_progress *progress, uint32_t block);
/* The sector that holds the block is about to be erased; none of its blocks is stored any more. */
otter_status ota_progress_void(struct ota_progress *progress, uint32_t block);

static inline bool ota_progress_has(const struct ota_progress *progress, uint32_t block)
{
    return (progress->have[block / 8] >> (block % 8) & 1u) != 0;
}

#ifdef __cplusplus
}
#endif

#endif
