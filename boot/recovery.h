/* Serial recovery: a board without a bootable image is filled over its console, by `otter recover`
 * or any mcumgr client. SMP, as MCUboot's serial recovery speaks it (docs/formats.md section 7).
 *
 * Bytes go in, bytes come out through a callback, time is handed in: the port owns the UART and the
 * loop; recovery_serve is that loop for a port that has the console of port/port.h. Nothing that
 * comes over the line can hang it.
 *
 * Served: echo, console echo, reset, parameters; image list, upload, slot info. An upload is not
 * checked here but, as every image, by the boot after it: nothing can be started over this door
 * that could not be started otherwise. Encrypted images are stored as they come.
 *
 * An upload first erases the slot's trailer (of a primary slot also that of the scratch area), so
 * that no swap of before is resumed or reverted over the new image; then sector by sector, ahead of
 * the data. A power cut leaves no image, and recovery is entered again. */
#ifndef OTTER_BOOT_RECOVERY_H
#define OTTER_BOOT_RECOVERY_H

#include "boot/boot.h"
#include "codec/smp_frame.h"
#include "port/port.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Largest frame that is taken, with its length and CRC; a multiple of 16, at least 128. */
#ifndef RECOVERY_REQUEST_MAX
#define RECOVERY_REQUEST_MAX 512u
#endif
/* Largest frame that is sent: a list of all slots. */
#define RECOVERY_ANSWER_MAX (32u + 240u * BOOT_IMAGES_MAX)

/* From the answer to a reset request to the reset, so that the answer gets out. */
#define RECOVERY_RESET_DELAY_MS 250u

struct recovery_config {
    /* Images, scratch area, trailers' alignment, keys, watchdog. Swap by offset: the secondary
     * areas given here begin at their second sector, where a candidate begins. */
    const struct boot_config *boot;
    uint32_t image_size_max; /* where an image must end to be listed as valid */
    void (*write)(void *ctx, const void *data, size_t length);
    void *ctx;
};

/* Owned by the caller; private. */
struct recovery {
    const struct recovery_config *config;
    struct smp_receiver receiver;
    struct {
        const struct flash_area *area;
        uint32_t total;
        uint32_t next;       /* offset that is expected; 0: one that begins an upload */
        uint32_t erased_end; /* everything before it has been erased for this upload */
    } upload;
    otter_ms reset_at;
    bool heard;
    uint8_t request[RECOVERY_REQUEST_MAX];
    uint8_t answer[RECOVERY_ANSWER_MAX];
};

/* The config must outlive the recovery. */
void recovery_init(struct recovery *recovery, const struct recovery_config *config);

/* Takes bytes from the line and answers what they complete. Blocks for as long as erasing the
 * sectors below one chunk takes, or verifying all slots, feeding the watchdog in between; a client
 * waits for the answer before it sends again. */
void recovery_input(struct recovery *recovery, const void *data, size_t length, otter_ms now);

/* Has a good request come in? Someone is there: a bootloader that only listened for a while stays.
 */
bool recovery_heard(const struct recovery *recovery);

/* The client has asked for a reset, and its answer has had time to get out. */
bool recovery_reset_due(const struct recovery *recovery, otter_ms now);

/* The loop over the port's console (port/port.h): listens until `deadline`, and from the first
 * request on until it is told to reset. OTTER_NEVER where there is nothing to start. */
void recovery_serve(const struct boot_config *boot, uint32_t image_size_max, otter_ms deadline);

#ifdef __cplusplus
}
#endif

#endif
