/* The blocks of one file: which to ask for, where they go, what is on its way.
 *
 * A window of blocks is in flight. The next request goes out when half of the window has arrived,
 * so that the line does not fall idle for a round trip; it names exactly the blocks that are
 * neither on flash nor in flight. A block whose request is two requests old counts as lost; silence
 * makes all of them lost, which halves the window. It grows again with each window that arrives.
 * Flash is erased ahead of the requests, at most one sector a step.
 */
#ifndef OTTER_SERVICES_OTA_DOWNLOAD_H
#define OTTER_SERVICES_OTA_DOWNLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "services/ota/progress.h"
#include "services/ota/source.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OTA_WINDOW_MAX 32u

/* Bytes of `block`, which is one of the file's. */
uint32_t ota_file_block_length(const struct ota_file *file, uint32_t block);

struct ota_flight {
    uint16_t block;
    uint16_t request;
};

struct ota_download {
    struct ota_progress *progress; /* knows slot and file too */
    struct ota_file file;
    uint32_t blocks;
    uint32_t cursor;    /* next block that flash is made ready for */
    uint32_t erased_to; /* within that block: bytes made ready */
    uint16_t request;   /* number of the last one */
    uint8_t window;
    uint8_t window_max;
    uint8_t grown;     /* blocks that arrived since the window last changed */
    uint8_t in_flight; /* entries of `flight` */
    uint8_t faults;    /* writes that flash did not take since `most` last grew */
    bool silent; /* it did not answer to the last of them; blocks on their way are no more faults */
    uint16_t most; /* blocks that were on flash at once */
    struct ota_flight flight[OTA_WINDOW_MAX];
    uint8_t ready[OTA_BLOCKS_MAX / 8]; /* bit = 1: its flash is erased, or it is on flash */
};

/* True if each sector of the slot holds whole blocks, or each block whole sectors. */
bool ota_download_fits(const struct flash_area *slot, uint32_t block_size);

/* `window` is cut to what one request can bring: `request_max` bytes. */
void ota_download_init(struct ota_download *download, struct ota_progress *progress, uint8_t window,
                       uint32_t request_max);

bool ota_download_complete(const struct ota_download *download);

/* Makes flash ready for coming blocks: OTTER_E_AGAIN after a step with more to do, OTTER_OK when
 * enough is ready, or the error of flash or journal. */
otter_status ota_download_prepare(struct ota_download *download);

/* The blocks to ask for now, ascending; returns how many, 0 when no request is due. They count as
 * in flight only once ota_download_requested is told which of them were asked for. */
uint32_t ota_download_due(const struct ota_download *download, uint16_t blocks[OTA_WINDOW_MAX]);
void ota_download_requested(struct ota_download *download, const uint16_t *blocks, uint32_t count);

/* Writes the block to flash and reads it back, then enters it in the journal. OTTER_E_STATE for a
 * block that is on flash already or whose flash is not ready; OTTER_E_AGAIN when flash did not take
 * it: it will be erased and asked for again; OTTER_E_FLASH when that keeps happening;
 * OTTER_E_NO_SPACE when journal or slot take no more of this download, which has to begin anew. */
otter_status ota_download_store(struct ota_download *download, const struct ota_block *block);

/* Nothing has arrived for too long, or the connection was lost: everything in flight is lost. */
void ota_download_lost(struct ota_download *download, bool shrink);

#ifdef __cplusplus
}
#endif

#endif
