/* The bootloader core: decides which image runs, swaps images where asked, and never starts one
 * that it has not verified. MCUboot's formats and algorithms (docs/formats.md sections 2 to 5).
 *
 * The port's main() sets the clock up, fills a `struct boot_config`, calls boot_go once and jumps
 * to the image it is given. boot_go may be cut by a reset at any instruction: called again, it goes
 * on. It uses no heap and no clock, and blocks as long as a swap takes: `feed` is called at least
 * once for each 1 KiB copied or hashed and for each sector erased.
 *
 * The update mode is chosen by what is linked: room_boot (swap using scratch), room_boot_move,
 * room_boot_offset, room_boot_overwrite, room_boot_direct_xip, room_boot_bank_swap. Trusted keys
 * come from image/check.h. */
#ifndef OTTER_BOOT_BOOT_H
#define OTTER_BOOT_BOOT_H

#include <stdbool.h>
#include <stdint.h>

#include "image/check.h"
#include "image/image.h"
#include "image/trailer.h"
#include "port/flash.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Most images of one product, each with its pair of slots. 1 makes a smaller bootloader. */
#ifndef BOOT_IMAGES_MAX
#define BOOT_IMAGES_MAX 2u
#endif

/* 0 leaves out the code for encrypted images. */
#ifndef BOOT_ENCRYPTION
#define BOOT_ENCRYPTION 1
#endif

/* How encrypted candidates are read (in overwrite-only and the swap modes). The primary slot
 * always holds the payload in clear, the secondary and scratch hold it encrypted; what goes back to
 * the secondary is encrypted again with the image's own key. */
struct boot_encryption {
    const uint8_t *secret; /* the device's private key, 32 bytes */
    /* image_key_unwrap and image_payload_crypt of image/encrypted.h */
    otter_status (*unwrap)(const uint8_t *secret, const uint8_t *tlv, uint8_t *key);
    void (*crypt)(const uint8_t *key, uint32_t offset, uint8_t *data, uint32_t length);
};

struct boot_slots {
    const struct flash_area *primary;
    const struct flash_area *secondary;
    /* What the device has stored for this image: one with a lower counter is refused. */
    uint32_t security_counter;
};

/* Where the state of an interrupted swap was found; numbers as MCUboot's. */
enum boot_source { BOOT_SOURCE_NONE = 0, BOOT_SOURCE_SCRATCH = 1, BOOT_SOURCE_PRIMARY = 2 };

/* What boot_go reports while it works. boot_event_text makes MCUboot's line of it. */
enum boot_event_type {
    BOOT_EVENT_START,
    BOOT_EVENT_PRIMARY,   /* trailer of the primary slot */
    BOOT_EVENT_SECONDARY, /* trailer of the secondary slot */
    BOOT_EVENT_SCRATCH,   /* trailer of the scratch area */
    BOOT_EVENT_SOURCE,    /* value: enum boot_source */
    BOOT_EVENT_SWAP_TYPE, /* value: enum swap_type */
    BOOT_EVENT_SWAP_STARTS,
    BOOT_EVENT_PROGRESS, /* value of total: bytes of a copy, steps of a swap */
    BOOT_EVENT_LAYOUT,   /* the slots do not allow an update; value: enum boot_layout_fault */
    BOOT_EVENT_STALE,    /* a swap's status does not fit the slots, and is ignored; otter_status */
    BOOT_EVENT_REFUSED,  /* the candidate was refused and erased; value: otter_status */
    BOOT_EVENT_GIVEN_UP, /* the update could not be made; otter_status */
    BOOT_EVENT_HELD,     /* an update waits: images do not fit each other */
    BOOT_EVENT_INVALID,  /* the primary image is not valid; value: otter_status */
    BOOT_EVENT_BOOT      /* the image that will be started: header */
};

enum boot_layout_fault {
    BOOT_LAYOUT_FITS = 0,
    BOOT_LAYOUT_TOO_MANY_SECTORS,
    BOOT_LAYOUT_SECTORS_DIFFER,
    BOOT_LAYOUT_SCRATCH_TOO_SMALL,
    BOOT_LAYOUT_SIZES_DIFFER,
    BOOT_LAYOUT_WRITE_SIZES_DIFFER
};

struct boot_event {
    enum boot_event_type type;
    uint8_t image;
    int32_t value;
    uint32_t total;
    const struct trailer *trailer;
    const struct image_header *header;
};

/* "scratch", "move", ...: the mode that is linked in. */
extern const char boot_mode_name[];

/* The line MCUboot would print, cut to `size`; false if the event has none. In a file of its own:
 * a bootloader that does not call it does not contain the text. */
bool boot_event_text(const struct boot_event *event, char *line, uint32_t size);

/* All may be NULL. */
struct boot_hooks {
    void (*feed)(void *ctx); /* watchdog */
    void (*report)(void *ctx, const struct boot_event *event);
    /* Bank swap only: exchanges the banks, usually by a reset, so that it does not return. */
    otter_status (*swap_banks)(void *ctx);
    /* Direct XIP only: whether the program, by its own words (its vectors), starts within `slot`.
     * One that was linked for the other slot would start what lies there, which nobody verified. */
    bool (*is_linked_for)(void *ctx, const struct flash_area *slot,
                          const struct image_header *header);
    /* The image that starts is not on trial and has a higher security counter than the one stored:
     * store it, never to go back. */
    void (*raise_counter)(void *ctx, uint8_t image, uint32_t counter);
    void *ctx;
};

struct boot_config {
    const struct boot_slots *images;  /* image 0 is the one that is started */
    uint8_t image_count;              /* 1 .. BOOT_IMAGES_MAX */
    const struct flash_area *scratch; /* NULL in modes without one */
    uint16_t max_sectors; /* imgtool's --max-sectors: fixes where the swap status starts */
    uint8_t max_align;    /* 8, 16 or 32: see image/trailer.h */
    /* A candidate older than the primary is erased; a revert never is. So this binds images, not a
     * program that may write trailers: with one that asks for a revert it brings the other image
     * in. The security counter binds that one too. */
    bool refuse_downgrade;
    /* If the image in the primary slot is not valid, one in the secondary slot that is comes in,
     * though nobody asked for it: a device heals itself, and a bare primary is filled. The choice
     * of the board, since whoever can damage the primary can so bring back the image in the other
     * slot. The security counter binds it, and so does `refuse_downgrade` as long as the damaged
     * image still has a header that says its version. Direct XIP moves nothing and does not ask. */
    bool rescue;
    uint32_t flash_base; /* direct XIP only: address of offset 0 of the slots' flash */
    /* NULL: images come in clear. If set, trailers have room for two keys: all slots of a product,
     * its image tool and its bootloader must agree on it. */
    const struct boot_encryption *encryption;
    struct image_policy policy; /* keys; the counters are those of the slots */
    struct boot_hooks hooks;
};

struct boot_result {
    const struct flash_area *slot; /* of the image to start */
    struct image_header header;    /* its payload is at slot start + header.header_size */
    /* what was done at this boot, to the first image that anything was done to; SWAP_FAIL: the candidate was refused, or could not be brought in
     */
    enum swap_type swap_type;
    enum boot_source source;
    uint32_t proof; /* see boot_entry */
};

/* With several images, an update happens only if afterwards each image finds what its DEPENDENCY
 * TLVs ask for; else nothing is updated at this boot and the requests stay. (Not in direct XIP.)
 *
 * An update that the flash does not allow (a sector that is worn out) is taken back; a primary that
 * is valid is started whatever became of the update.
 *
 * OTTER_OK and the image to start, or why nothing can be started (then the port offers recovery or
 * stops): errors of image_check_step for the primary image, OTTER_E_ARGUMENT for a config that
 * cannot work, OTTER_E_FLASH. */
otter_status boot_go(const struct boot_config *config, struct boot_result *result);

/* Where the image to start lies when the flash is mapped at `flash_base`. The port uses this, and
 * not the slot's offset, because the address comes out right only with the proof, which is the sum
 * of the verdicts of all images: were each branch on the way passed over by a fault, the core would
 * jump to nowhere. There is no comparison here that a fault could skip. */
static inline uint32_t boot_entry(const struct boot_config *config,
                                  const struct boot_result *result, uint32_t flash_base)
{
    const uint32_t base = flash_base - config->image_count * IMAGE_ACCEPTED_TWICE;
    return base + result->slot->offset + result->header.header_size + result->proof;
}

#ifdef __cplusplus
}
#endif

#endif
