/* The client's side of serial recovery: one request at a time, sent again until it is answered.
 * Speaks to boot/recovery.h and to MCUboot's own. (docs/formats.md section 7) */
#ifndef OTTER_TOOL_SMP_CLIENT_H
#define OTTER_TOOL_SMP_CLIENT_H

#include <stdbool.h>

#include "codec/smp_frame.h"
#include "image/image.h"
#include "tool/failure.h"

/* How bytes get to the device and back, and what time it is there, in milliseconds; as
 * console_port_send and its neighbours. */
struct smp_line {
    otter_status (*send)(void *ctx, const void *data, size_t length);
    int (*receive)(void *ctx, void *data, size_t size, unsigned timeout_ms);
    uint64_t (*now)(void *ctx);
    void *ctx;
};

#define SMP_FRAME_MAX 4096u /* that we send or take */

struct smp_client {
    struct smp_line line;
    unsigned timeout_ms; /* give up when there was no answer for so long */
    struct smp_receiver receiver;
    uint8_t sequence;
    size_t device_frame_max;   /* that the device takes; known once connected */
    uint8_t in[SMP_FRAME_MAX]; /* frames; the answer's views point into it */
    uint8_t out[SMP_FRAME_MAX];
};

void smp_client_init(struct smp_client *client, const struct smp_line *line, unsigned timeout_ms);

/* Asks at short intervals until the device answers, so that one that listens only for a moment as
 * it starts is caught too. `waiting` is called once when that takes longer than a second. */
otter_status smp_connect(struct smp_client *client, void (*waiting)(void), struct failure *failure);

/* Sends the text (at most 64 bytes) and checks that it comes back. */
otter_status smp_echo(struct smp_client *client, const char *text, struct failure *failure);

struct smp_slot {
    uint32_t image;
    uint32_t slot;
    uint32_t size;           /* 0: not said */
    uint32_t number;         /* for uploads */
    uint32_t image_size_max; /* 0: not said */
};
#define SMP_SLOTS_MAX 8

/* The count of slots; 0 when the device does not tell. */
int smp_slots(struct smp_client *client, struct smp_slot slots[SMP_SLOTS_MAX],
              struct failure *failure);

struct smp_image {
    uint32_t image;
    uint32_t slot;
    char version[IMAGE_VERSION_TEXT_SIZE];
    char flags[64]; /* "bootable confirmed active" */
    bool has_hash;
    uint8_t hash[IMAGE_HASH_SIZE];
};

/* The valid images on the device: their count. */
int smp_images(struct smp_client *client, struct smp_image images[SMP_SLOTS_MAX],
               struct failure *failure);

struct smp_upload {
    const uint8_t *data;
    uint32_t size;
    uint32_t number; /* of the slot: 0, or struct smp_slot's */
    void (*progress)(void *ctx, uint32_t done);
    void *ctx;
};
otter_status smp_upload(struct smp_client *client, const struct smp_upload *upload,
                        struct failure *failure);

otter_status smp_reset(struct smp_client *client, struct failure *failure);

#endif
