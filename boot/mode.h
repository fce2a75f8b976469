/* Inside the bootloader: what boot.c gives to an update mode, and what a mode must provide.
 * One mode is linked: boot.c and swap_*.c, overwrite.c, ... never see each other's state. */
#ifndef OTTER_BOOT_MODE_H
#define OTTER_BOOT_MODE_H

#include "boot/boot.h"
#include "image/encrypted.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BOOT_BUFFER_SIZE 1024u

/* How the payload of one image is encrypted. */
struct boot_cipher {
    struct image_cipher image;
    const struct boot_encryption *encryption;
    uint32_t start; /* of the payload, from the start of the image */
    uint32_t end;   /* 0: it is not encrypted */
    uint8_t key[IMAGE_AES_KEY_SIZE];
};

/* One image pair at this boot. */
struct boot_state {
    const struct boot_config *config;
    const struct flash_area *primary;
    const struct flash_area *secondary;
    const struct flash_area *slot; /* holds the image to start; the mode may choose another */
    uint8_t image;                 /* bytes stand in front, where short instructions reach them */
    enum boot_source source;
    enum swap_type type;        /* to be done, later what was done */
    bool pending;               /* `type` is to be performed */
    bool is_mixed;              /* what boot_verify reads now is decrypted already */
    bool is_doubtful;           /* more than one trailer tells of the swap in progress */
    struct image_header header; /* of the image that boot_verify accepted last */
    uint32_t counter;           /* its security counter */
    uint32_t hash;              /* the first bytes of its hash: tells images apart */
    uint32_t candidate;         /* those of the candidate that boot_verify_candidate accepted */
    uint32_t verdict;           /* IMAGE_ACCEPTED_TWICE, or boot_verify failed last */
    struct image_policy policy;
    /* Swap modes: where the slots' trailers start, from the swap in progress. */
    uint32_t trailer_offset;
    uint32_t trailer_sectors; /* start of the first sectors that hold any of it */
    uint32_t limit;           /* an image must end here */
    uint32_t swap_size;
    uint32_t position;           /* steps that are done, each with a status record behind it */
    struct boot_cipher incoming; /* for copies to the primary */
    struct boot_cipher outgoing; /* for copies from it */
};

/* --- provided by boot.c ------------------------------------------------------------------- */

void boot_feed(const struct boot_state *state);
void boot_report(const struct boot_state *state, enum boot_event_type type, int32_t value);
void boot_report_trailer(const struct boot_state *state, enum boot_event_type type,
                         const struct trailer *trailer);
void boot_report_progress(const struct boot_state *state, uint32_t done, uint32_t total);

/* Reads the whole image and checks it; on OTTER_OK `header` is filled. */
otter_status boot_verify(struct boot_state *state, const struct flash_area *area, uint32_t limit);
/* boot_verify, and the rules for candidates: bootable, no downgrade. */
otter_status boot_verify_candidate(struct boot_state *state, const struct flash_area *area,
                                   uint32_t limit);
/* Whether this image may come in though nobody asked for it, because the primary's is not valid:
 * the board wants that, it is valid, and not older than the damaged one where downgrades are
 * refused. */
bool boot_may_rescue(struct boot_state *state, const struct flash_area *area, uint32_t limit);
/* Where the image in `area` ends, 0 if there is none within the limit. */
uint32_t boot_image_end(const struct flash_area *area, uint32_t limit);

/* Copies and reads back; a rest that does not fill a write unit is filled with the erased value. */
otter_status boot_copy(const struct boot_state *state, const struct flash_area *from,
                       uint32_t from_offset, const struct flash_area *to, uint32_t to_offset,
                       uint32_t length);
/* The same, with encryption or decryption on the way; `cipher` may be NULL. `image_offset` is where
 * in the image the copy begins. */
otter_status boot_copy_image(const struct boot_state *state, const struct flash_area *from,
                             uint32_t from_offset, const struct flash_area *to, uint32_t to_offset,
                             uint32_t length, const struct boot_cipher *cipher,
                             uint32_t image_offset);

/* --- provided by encrypted.c -------------------------------------------------------------- */

/* Prepares the cipher of an open image: none if its flag is not set, or if it has no wrapped key
 * (a factory image in clear). OTTER_E_KEY if the key is not for this device. */
otter_status boot_cipher_open(const struct boot_state *state, const struct image *image,
                              struct boot_cipher *cipher);
/* The same when only the header can be found, with a key kept elsewhere. */
void boot_cipher_resume(const struct boot_state *state, const struct flash_area *area,
                        const uint8_t key[IMAGE_AES_KEY_SIZE], struct boot_cipher *cipher);
/* Encrypts or decrypts what of these bytes of the image belongs to the payload. */
void boot_cipher_apply(const struct boot_cipher *cipher, uint32_t image_offset, uint8_t *data,
                       uint32_t length);
/* Puts back what an update has overwritten in the primary: sector by sector from the end down,
 * those that do not hold it. `from` holds bytes [offset, offset + length) of the image at
 * `from_offset`; in the primary they belong at `to_offset`. `cipher`: that of the image where it is
 * now. */
otter_status boot_put_back(const struct boot_state *state, const struct flash_area *from,
                           uint32_t from_offset, uint32_t to_offset, uint32_t length,
                           const struct boot_cipher *cipher, uint32_t image_offset);
/* Erases sector by sector from the end down, so that a trailer goes before what it vouches for.
 * `end` and `start` are sector borders. */
otter_status boot_erase(const struct boot_state *state, const struct flash_area *area,
                        uint32_t start, uint32_t end);

/* With several images: drops what is pending where it must not happen (images.c). */
void boot_agree(struct boot_state *states, uint8_t count);

/* --- provided by the mode ----------------------------------------------------------------- */

/* Finishes what was interrupted, or finds what the trailers ask for, checks the candidate, and sets
 * `pending` when boot_mode_perform is to bring it in. `type` becomes SWAP_FAIL when it was refused.
 */
otter_status boot_mode_prepare(struct boot_state *state);
otter_status boot_mode_perform(struct boot_state *state);
/* The image that will be in the primary slot once boot_mode_perform has done what is pending. */
struct flash_area boot_mode_incoming(const struct boot_state *state);
/* The image in state->slot is not valid: brings in another one that is, and may be. False if there
 * is none. */
bool boot_mode_rescue(struct boot_state *state);
/* The image in state->slot was verified and is about to be started. The mode may choose another one
 * after all, and verifies that. */
otter_status boot_mode_start(struct boot_state *state);
/* Where an image in state->slot must end. */
uint32_t boot_mode_limit(const struct boot_state *state);

#ifdef __cplusplus
}
#endif

#endif
