/* Where the blocks of a file come from: what the agent asks of a source, and what a source gives
 * it.
 *
 * A source knows one protocol: its requests, its answers, how long they may take, and what of the
 * job document it needs. It does not know which blocks are missing, where they go, or whether the
 * file is any good: window, flash and journal are the download's (download.h), the check is
 * verify.h's. A source keeps no copy of what it delivers and writes no flash.
 *
 * The agent fills in `job`, `file` and the sink, then calls `open` in each turn of its loop as long
 * as it needs blocks, `request` when some are to be asked for, and `close` in each turn when it
 * needs none. Blocks may come late, in any order, more than once, or never: the agent asks again
 * for what did not come within `block_timeout_ms`. Nothing here waits.
 *
 * What a source needs of the job document and the record does not hold (an address) it has in RAM
 * only: `read` is called again, with the document that the agent asks the job service for, after a
 * restart and for each file of a set when its turn comes (`rereads`), and whenever the source has
 * set `wants_document`. Until then nothing is requested. A source sets it when its address is not
 * good any more; one whose fresh address is not good either refuses for good.
 *
 * A source that refuses for good, or brings no block for the agent's `stall_timeout_ms`, is given
 * up: the agent goes on, from the blocks on flash, with the next one that the document offers, in
 * the device's order. Without one the update fails. With OTA_SOURCES_MAX 1, the default
 * (OTTER_OTA_SOURCES), nothing of that is there.
 *
 * A source that needs the connection of the session for itself (source_http.h) says so by `apart`,
 * before the session goes off line for its sake: until it takes that back the agent works on as if
 * it were on line, and has it closed when there is something to tell the cloud.
 *
 * A source's state is its owner's: a struct that begins with struct ota_source. */
#ifndef OTTER_SERVICES_OTA_SOURCE_H
#define OTTER_SERVICES_OTA_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/json.h"
#include "port/port.h"
#include "services/ota/progress.h"
#include "services/ota/record.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OTA_BLOCK_SIZE_MAX 131072u

/* That the agent may be given (OTTER_OTA_SOURCES). */
#ifndef OTA_SOURCES_MAX
#define OTA_SOURCES_MAX 1u
#endif

/* A block of the file. `data` is valid during the call that brings it. */
struct ota_block {
    uint32_t number;
    uint32_t length;
    const uint8_t *data;
};

struct ota_source;

struct ota_source_ops {
    const char *name;     /* in the job document's `protocols` */
    uint8_t protocol;     /* enum ota_protocol: in the record */
    bool rereads;         /* the record does not hold all that it takes from the document */
    uint32_t request_max; /* bytes of blocks that one request brings at most */
    /* What does not allow blocks of this size, beginning with the field's name, or NULL. */
    const char *(*fault)(const struct ota_source *source, uint32_t block_size);
    /* Takes what it needs from the job document: `afr_ota` is the index of that object, `file` of
     * the object of the file; of a set's files at first each in turn. False with a sentence in
     * `reason`, by ota_job_refuse. */
    bool (*read)(struct ota_source *source, const struct json *json, int afr_ota, int file,
                 struct ota_job *job, char reason[OTA_REASON_MAX + 1]);
    /* Each may take several calls and may be called when there is nothing left to do. */
    void (*open)(struct ota_source *source, otter_ms now);
    void (*close)(struct ota_source *source, otter_ms now);
    /* Asks for blocks (`count` > 0 numbers, ascending): how many of them, from the first on, are on
     * their way now; OTTER_E_AGAIN when none can be asked for yet, or another error. */
    int (*request)(struct ota_source *source, otter_ms now, const uint16_t *blocks, uint32_t count);
};

struct ota_source {
    const struct ota_source_ops *ops;
    uint32_t block_timeout_ms; /* without any block while some are asked for */
    bool wants_document;       /* see above; the agent clears it before `read` */
    bool apart;                /* the session is away for its sake */
    /* From the agent. */
    const struct ota_job *job; /* the update */
    struct ota_file file;      /* what `request` counts in, and what blocks must be of */
    /* A block of `file`: number and length are right. True if it was wanted. */
    bool (*on_block)(void *ctx, otter_ms now, const struct ota_block *block);
    /* The other side says no; `for_good`: asking this source again cannot help. `text` is a
     * printable sentence. */
    void (*on_refusal)(void *ctx, otter_ms now, bool for_good, const char *text);
    void *ctx;
    uint32_t blocks_refused; /* that were not of the file */
};

#ifdef __cplusplus
}
#endif

#endif
