/* A simulated board in recovery, and someone at its console. */
#ifndef OTTER_TESTS_UNIT_RECOVERY_WORLD_H
#define OTTER_TESTS_UNIT_RECOVERY_WORLD_H

#include <setjmp.h>

#include "boot/recovery.h"
#include "codec/cbor.h"
#include "tests/sim/boot/board.h"
#include "tests/sim/boot/sim_image.h"

struct world {
    struct board board;
    struct recovery_config config;
    struct recovery recovery;
    otter_ms now;
    unsigned feeds; /* of the watchdog */
    /* What comes over the port's console from `console_at` on, for recovery_serve. */
    char console[64];
    otter_ms console_at;
    bool was_reset; /* port_reset was called, which ended world_serve */
    jmp_buf reset;
    uint8_t said[4096]; /* by the board, since the last world_ask */
    size_t said_length;
    struct smp_header header; /* of the last answer */
    uint8_t answer[1024];     /* its payload */
    size_t answer_length;
};

extern const struct geometry world_geometry; /* 6 x 512 bytes twice, one of scratch, write unit 4 */

void world_create(struct world *world, const struct geometry *geometry);
void world_destroy(struct world *world);
/* The recovery begins anew, as after a reset. */
void world_enter(struct world *world);

/* Runs recovery_serve until it returns or resets. */
void world_serve(struct world *world, otter_ms deadline);

/* Sends a request and decodes the answer; false if there was none. */
bool world_ask(struct world *world, enum smp_op op, uint16_t group, uint8_t command,
               const void *payload, size_t length);

/* The number with that key in the last answer's map; UINT32_MAX if it is not there. */
uint32_t world_number(const struct world *world, const char *key);

struct upload_chunk {
    uint32_t image, total, offset; /* UINT32_MAX: left out */
    const void *data;              /* NULL: left out */
    uint32_t length;
};
/* Asks for the upload; "rc" of the answer. */
uint32_t world_chunk(struct world *world, const struct upload_chunk *chunk);
/* The whole image in chunks of `step` bytes, following the offsets that are asked for; "rc". */
uint32_t world_upload(struct world *world, uint32_t number, const uint8_t *data, uint32_t length,
                      uint32_t step);

#endif
