/* Several images in one update: a job with a file for each, tried, confirmed and taken back as one.
 *
 * Image 0 is the firmware that runs the agent; its partners, such as the secure world's image, have
 * slots of their own. A file's `fileType` is the number of its image. The files are downloaded and
 * checked one after the other, each into its slot; a request to the bootloader goes out only when
 * all are there.
 *
 * No single flash operation can request two images, or confirm two. So the step is made one by the
 * bootloader's dependency check, MCUboot's and boot/images.c alike: an update or a revert happens
 * only if afterwards each image finds what its DEPENDENCY TLVs ask for, else none happens at that
 * boot and the requests stay. The agent insists that the images of a job need each other in a
 * circle, each in the version offered and none satisfied by what is in place; then whatever part of
 * the requests, or of the confirmations, a power cut leaves behind, no part of the images is
 * exchanged without the rest. What is left to do after the reset is known from the record (phase
 * INSTALL: request them all again) and from the trailers (new images of which some are confirmed:
 * the trial was passed, confirm the rest).
 *
 * Where the firmware may not read the slots (secure/slot.h), who keeps them insists on that in
 * their place, and knows what is left to do.
 *
 * Nothing of it is there with OTA_IMAGES_MAX 1, the default (OTTER_OTA_IMAGES). */
#ifndef OTTER_SERVICES_OTA_SET_H
#define OTTER_SERVICES_OTA_SET_H

#include <stdint.h>

#include "image/image.h"
#include "port/flash.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifndef OTA_IMAGES_MAX
#define OTA_IMAGES_MAX 1u
#endif

/* 1: the firmware may not read its slots, and who keeps them (secure/slot.h) answers for what is in
 * them, moves images to where they run, keeps requests and confirmations whole, and forgets none in
 * a reset. What the agent does about it elsewhere is left out. */
#ifndef OTA_SLOTS_KEPT
#define OTA_SLOTS_KEPT 0
#endif

#define OTA_SIGNATURE_MAX 72u /* DER of an ECDSA P-256 signature */

/* An image beside this firmware's own, in configuration order: the first is image 1. */
struct ota_partner {
    const struct flash_area *primary;   /* in use now */
    const struct flash_area *secondary; /* where the new image goes */
    uint32_t image_size_max;
    /* Of what is in use, where the firmware may not read it; NULL: the header in `primary` says. */
    struct image_version (*version)(void);
};

/* One file of the set; as in struct ota_job. */
struct ota_set_file {
    struct image_version version; /* of its image; zeros before its header was read */
    uint32_t size;
    uint8_t image;
    uint8_t id;
    uint8_t transform;
    uint8_t signature_length;
    uint8_t signature[OTA_SIGNATURE_MAX];
};

struct ota_set {
    uint8_t count;   /* 0 in the record of a firmware that knew no sets: one file, of image 0 */
    uint8_t current; /* the one at work, which struct ota_job describes */
    struct ota_set_file files[OTA_IMAGES_MAX];
};

#ifdef __cplusplus
}
#endif

#endif
