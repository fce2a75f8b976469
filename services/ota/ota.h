/* The update agent: takes an AWS IoT job, brings the new image into the secondary slot, has the
 * bootloader try it, confirms it, and tells the job how it went.
 *
 * Sans-IO: `now` comes in, MQTT goes through the session, everything that must outlive a reset goes
 * to the key-value store and to flash before the side effect that depends on it. The caller owns
 * `struct ota`; nothing is allocated, no call waits. The longest single step is one sector erase,
 * or one ECDSA check; of several images that are requested together, a sector of each.
 *
 * The owner's loop:
 *   ota_init(&ota, &config, port_now());      once, after kv_open and jobs_init;
 *                                             the agent is a handler of jobs
 *   ota_tick(&ota, now)                       after jobs_tick, whenever ota_deadline has come
 *   if (ota_wants_reset(&ota)) port_reset();
 *
 * The interfaces it speaks: AWS IoT Jobs over MQTT, the `afr_ota` job document of
 * create-ota-update, MQTT file streams in CBOR. Its state machine is the table in ota.c. */
#ifndef OTTER_SERVICES_OTA_OTA_H
#define OTTER_SERVICES_OTA_OTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/json.h"
#include "port/flash.h"
#include "port/port.h"
#include "services/jobs/jobs.h"
#include "services/ota/download.h"
#include "services/ota/progress.h"
#include "services/ota/record.h"
#include "services/ota/source.h"
#include "services/ota/staging.h"
#include "services/ota/verify.h"
#include "store/kv.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the agent does, as users see it: in statusDetails "phase", in logs and in ota_status. */
enum ota_phase {
    OTA_PHASE_OFFLINE,   /* no connection to the cloud, nothing under way */
    OTA_PHASE_IDLE,      /* connected, no update */
    OTA_PHASE_CHECK,     /* a job was offered: its document and image header are looked at */
    OTA_PHASE_DOWNLOAD,  /* blocks come in */
    OTA_PHASE_VERIFY,    /* hash, code signature, image check */
    OTA_PHASE_INSTALL,   /* the bootloader has been asked to try the image; waits for the reset */
    OTA_PHASE_SELF_TEST, /* this firmware runs on trial */
    OTA_PHASE_REPORT,    /* the job's end is being reported */
    OTA_PHASE_PATCH      /* the image is made from the file, which is a patch or compressed */
};
const char *ota_phase_text(enum ota_phase phase);

struct ota_status {
    enum ota_phase phase;
    const char *job_id;       /* "" without a job; valid until the next call of ota_tick */
    uint32_t blocks_received; /* on flash */
    uint32_t blocks_total;
    uint32_t bytes_received;
    uint32_t bytes_total;
    struct image_version running; /* of this firmware */
    struct image_version offered; /* the job's image; zeros until its header has been read */
    const char *reason;           /* of the last update that ended, "" before */
    const char *held_by;          /* id of a job that is first in the cloud's list and that this */
    const char *held_why;         /* agent cannot end, so that others wait behind it; or "" */
    bool on_trial;                /* this firmware is not confirmed yet */
    uint32_t blocks_duplicate;    /* counters since boot */
    uint32_t blocks_refused;
    uint32_t requests_sent;
    uint8_t window; /* blocks asked for at a time, now */
};

struct ota_config {
    const char *off;   /* why the agent must not run; NULL: it runs */
    struct jobs *jobs; /* the client that brings jobs, initialised */
    struct kv *kv;
    struct pki *pki;                    /* holds ota_signer_pub: with pki_ota_labels */
    const struct flash_area *primary;   /* the slot this firmware runs from */
    const struct flash_area *secondary; /* where the new image goes */
    const struct flash_area *progress;  /* journal of the blocks on flash; see progress.h */
    uint32_t trailer_align;             /* max_align of image/trailer.h; 0: from the write size */
    uint32_t slot_address;              /* of the secondary, where images run from it: one that is
                                           linked for another address is refused. 0: they never do */
    uint32_t image_size_max;            /* largest image the bootloader accepts in the slot */
    const struct image_policy *policy;  /* the bootloader's keys; NULL: only the image's hash is
                                           checked here, its signature at boot */
    struct ota_source *const *sources;  /* of blocks, the one that the device likes best first: a */
    uint8_t source_count;               /* job may offer several protocols */
#if OTA_IMAGES_MAX > 1
    const struct ota_partner *partners; /* images that are updated alone or with this one: set.h */
    uint8_t partner_count;
#endif
#if OTA_STAGING
    const struct ota_staging *staging; /* of files that are no images; NULL: they are refused */
#endif

    uint32_t block_size;           /* bytes; 0: 4096. Whole sectors, or several to each sector */
    uint8_t window;                /* blocks in flight; 0: OTA_WINDOW_MAX */
    uint32_t stall_timeout_ms;     /* on line without any block: the update fails; 0: 10 min */
    uint32_t self_test_timeout_ms; /* from boot on trial to the reset back; 0: 120 s */
    uint32_t progress_period_ms;   /* between progress messages, beside those at each tenth of the
                                      way; 0: 30 s */

    /* Hooks of the application; each may be NULL. */
    bool (*may_reset)(void *ctx);         /* now is a good time to restart; NULL: always */
    otter_status (*self_test)(void *ctx); /* on trial, on line: OTTER_OK passes, OTTER_E_AGAIN asks
                                             again, anything else sends the old firmware back, or
                                             fails the job where the bootloader has no way back */
    /* After each change of phase and each block that has come to flash. */
    void (*on_event)(void *ctx, const struct ota_status *status);
    /* Why there is no connection, for the console; NULL: nobody knows. */
    const char *(*why_off_line)(void *ctx);
    void *ctx;
};

struct ota; /* shape below; all fields are private */

/* Reads the running version from the primary's image header and what an update in progress left in
 * the store. OTTER_E_ARGUMENT when the configuration cannot work (names too long, areas missing,
 * progress area too small): the log and ota_config_fault name the field;
 * OTTER_E_STATE when it is `off`; or the error of reading flash. Sends nothing. */
otter_status ota_init(struct ota *ota, const struct ota_config *config, otter_ms now);
/* Why ota_init failed: "block_size: ...", or "". */
const char *ota_config_fault(const struct ota *ota);

/* For a firmware on trial whose agent cannot run, before it makes way for the old one: leaves word
 * in the store, so that the old one can tell the cloud why. */
void ota_leave_word_without_agent(struct kv *kv);

void ota_tick(struct ota *ota, otter_ms now);

/* When ota_tick is due at the latest; `now` or less when there is work. */
otter_ms ota_deadline(const struct ota *ota);

/* True once the device must restart: to try a new image, or to go back to the old one. It stays
 * true until ota_init. */
bool ota_wants_reset(const struct ota *ota);

struct ota_status ota_status(const struct ota *ota);

/* Gives up the update in hand, whose job ends as FAILED, or REJECTED before its start, with this
 * reason. OTTER_E_STATE without one, or when the new image has been asked for already. */
otter_status ota_abort(struct ota *ota, otter_ms now, const char *reason);

/* Every waiting state has a row with its deadline in the table of ota.c. */
enum ota_state {
    OTA_OFFLINE,     /* until the Jobs client is on line first */
    OTA_IDLE,        /* no job; one that the client offers ends it */
    OTA_DESCRIBING,  /* {job}/get: is the job in our record still ours? */
    OTA_PROBING,     /* the first bytes of the image, while the job is still QUEUED */
    OTA_ACCEPTING,   /* update IN_PROGRESS */
    OTA_PREPARING,   /* progress journal and trailer sectors, one erase a tick */
    OTA_DOWNLOADING, /* blocks */
    OTA_VERIFYING,   /* from flash, a piece a tick */
#if OTA_STAGING
    OTA_PATCHING, /* the image from the file, a piece a tick */
#endif
    OTA_READYING,   /* update self_test: ready */
    OTA_ACTIVATING, /* test request to the bootloader */
    OTA_INSTALLED,  /* until the application lets the device restart */
    OTA_TRYING,     /* on trial, the job is ours: update self_test: active */
    OTA_TESTING,    /* the application's own test */
    OTA_REPORTING,  /* update SUCCEEDED, FAILED or REJECTED */
    OTA_RESETTING,  /* final */
    OTA_STATE_COUNT
};

struct ota {
    struct ota_config config;
    struct ota_record record;  /* as in the store; phase OTA_RECORD_NONE without a job of ours */
    struct ota_source *source; /* of the job's blocks; NULL: the device has it no more */
    struct ota_progress progress;
    union {
        struct ota_download download; /* DOWNLOADING */
        struct ota_verify verify;     /* VERIFYING */
#if OTA_STAGING
        struct ota_stage stage; /* PATCHING */
#endif
    } work;
#if OTA_STAGING
    struct flash_area landing; /* where a file lies that is no image */
#endif
    struct image_version running;
    enum ota_state state;
    otter_ms wake;           /* when the next tick is due */
    otter_ms deadline;       /* of the state */
    otter_ms trial_deadline; /* OTTER_NEVER unless on trial */
    otter_ms reported_at;    /* last progress message */
    uint32_t reported_blocks;
    uint32_t wait_ms;   /* of the deadline, when it was set */
    uint32_t silent_ms; /* on line without any block */
    bool slot_silent;   /* the new image's flash does not answer, since: */
    otter_ms slot_silent_at;
    uint32_t blocks_duplicate;
    uint32_t requests_sent;
    const char *fault; /* why it does not run, or NULL */
    uint8_t rounds;    /* times in a row that an acceptance came to nothing */
    uint8_t retries;   /* of the state */
    uint8_t repairs;   /* of the secondary's trailer, since boot */
    uint8_t starting;  /* steps of PREPARING */
#if OTA_SOURCES_MAX > 1
    uint8_t source_at; /* of `source`, in the configuration */
    bool gives_up;     /* ... which has failed: the document is to name the next one */
#endif
    bool online;
    bool was_online;
    bool on_trial;
    bool busy;                            /* the state has work that need not wait */
    bool send_due;                        /* the state's message has yet to go out */
    bool plain;                           /* report the end without details */
    char last_reason[OTA_REASON_MAX + 1]; /* of the update that ended last */
    struct jobs_handler handler;
};

#ifdef __cplusplus
}
#endif

#endif
