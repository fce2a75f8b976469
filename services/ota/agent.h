/* Inside of the update agent: the events of its table and what its files give each other. */
#ifndef OTTER_SERVICES_OTA_AGENT_H
#define OTTER_SERVICES_OTA_AGENT_H

#include "services/ota/ota.h"
#include "services/jobs/jobs_reply.h"
#include "services/ota/report.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OTA_TAG "OTA"

/* The image header is in the first bytes; this is the smallest block that the service sends. */
#define OTA_PROBE_SIZE 256u

enum ota_event {
    OTA_EV_NONE,
    /* from time and connection */
    OTA_EV_STEP,    /* a turn of the loop, for states that have work */
    OTA_EV_TIMEOUT, /* the state's deadline has passed */
    OTA_EV_ONLINE,
    OTA_EV_TRIAL_EXPIRED,
    /* from the cloud */
    OTA_EV_SUITABLE,  /* a job that this device can do */
    OTA_EV_DESCRIBED, /* the job is still ours */
    OTA_EV_GONE,      /* the job is over or no longer ours */
    OTA_EV_HEADER,    /* the image header is acceptable */
    OTA_EV_ACCEPTED,  /* the state's update was accepted */
    OTA_EV_CONFLICT,  /* ... refused: somebody else changed the job */
    OTA_EV_BARRED,    /* ... refused: not a possible status now */
    OTA_EV_INVALID,   /* ... refused: not a possible request */
    /* from the actions of the table */
    OTA_EV_NO_JOB,
    OTA_EV_DESCRIBE,
    OTA_EV_TAKE,
    OTA_EV_FETCH,
    OTA_EV_AWAIT_RESET,
    OTA_EV_TRY,
    OTA_EV_REPORT,
    OTA_EV_PREPARED,
    OTA_EV_COMPLETE,
    OTA_EV_START_OVER,
    OTA_EV_VERIFIED,
    OTA_EV_ACTIVATED,
    OTA_EV_PATCH,
    OTA_EV_PATCHED,
    OTA_EV_REPAIR,
    OTA_EV_RESET,
    OTA_EV_PASSED,
    OTA_EV_FAIL, /* record.result and record.reason say what is to be reported */
    OTA_EV_GIVE_UP
};

/* config.c: fills in the defaults; returns what is wrong with which field, or NULL. */
const char *ota_check_config(struct ota_config *config);

/* ota.c */
void ota_dispatch(struct ota *ota, otter_ms now, enum ota_event event);
/* The state's deadline anew, longer with each retry since the state began. */
void ota_restart_deadline(struct ota *ota, otter_ms now);
/* ... and its message, if it has one. */
void ota_send_again(struct ota *ota, otter_ms now);
void ota_retry(struct ota *ota, otter_ms now); /* the same, counted as a retry */
bool ota_has_job(const struct ota *ota);
bool ota_needs_source(const struct ota *ota); /* the state does */
enum ota_phase ota_phase_of(const struct ota *ota);
void ota_notify(struct ota *ota);
/* Writes the record; false (logged) when the store did not take it. */
bool ota_save(struct ota *ota);
/* Sets result and reason of the update; returns OTA_EV_FAIL. */
enum ota_event ota_fail(struct ota *ota, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
uint32_t ota_trailer_align(const struct ota *ota);
bool ota_ours_is_new(const struct ota *ota); /* this firmware is the job's image */

/* job.c: the agent as a handler of jobs. Senders return OTTER_E_AGAIN when they must be called
 * again. */
otter_status ota_send_describe(struct ota *ota, otter_ms now);
otter_status ota_send_update(struct ota *ota, otter_ms now); /* as the state demands */
otter_status ota_send_progress(struct ota *ota, otter_ms now);
void ota_register(struct ota *ota);

/* update.c: actions of an update */
struct ota_file ota_job_file(const struct ota *ota);
void ota_choose_source(struct ota *ota); /* the one that the job in the record wants */
otter_status ota_send_probe(struct ota *ota, otter_ms now);
void ota_recall_download(struct ota *ota);
void ota_count_restart(struct ota *ota);
enum ota_event ota_check_version(struct ota *ota);
enum ota_event ota_take_job(struct ota *ota, otter_ms now);
enum ota_event ota_job_accepted(struct ota *ota, otter_ms now);
enum ota_event ota_prepare(struct ota *ota, otter_ms now);
enum ota_event ota_work_download(struct ota *ota, otter_ms now);
enum ota_event ota_stalled(struct ota *ota, otter_ms now);
enum ota_event ota_start_over(struct ota *ota, otter_ms now);
enum ota_event ota_begin_verify(struct ota *ota, otter_ms now);
enum ota_event ota_work_verify(struct ota *ota, otter_ms now);
enum ota_event ota_note_install(struct ota *ota, otter_ms now);
enum ota_event ota_activate(struct ota *ota, otter_ms now);
enum ota_event ota_repair(struct ota *ota, otter_ms now);
/* Takes back what the bootloader may have been asked for. */
otter_status ota_withdraw(const struct ota *ota);

/* The file's key in journal and checkpoint. */
void ota_journal_key(const struct ota *ota, uint8_t key[OTA_PROGRESS_KEY_SIZE]);

/* patching.c: files that are no images */
#if OTA_STAGING
enum ota_event ota_read_patch(struct ota *ota, const struct ota_block *block);
otter_status ota_choose_landing(struct ota *ota); /* of the file of the job in the record */
enum ota_event ota_begin_patch(struct ota *ota, otter_ms now);
enum ota_event ota_work_patch(struct ota *ota, otter_ms now);
enum ota_event ota_verify_patched(struct ota *ota, otter_ms now);
uint32_t ota_bytes_patched(const struct ota *ota);
#endif

static inline bool ota_is_patch(const struct ota *ota)
{
    return OTA_STAGING && ota->record.job.transform != 0;
}

/* Sources of blocks beside the first. */
#if OTA_SOURCES_MAX > 1

static inline unsigned ota_sources(const struct ota *ota)
{
    return ota->config.source_count;
}

static inline bool ota_gives_up(const struct ota *ota)
{
    return ota->gives_up;
}

/* There is a way out for what the state has to ask: the session, or the source's own. */
static inline bool ota_can_ask(const struct ota *ota)
{
    return ota->online || ota->source->apart;
}

/* The source has the connection that the state's message needs, or the question for its document.
 */
static inline bool ota_stands_in_the_way(const struct ota *ota)
{
    return ota->source->apart && (ota->state == OTA_ACCEPTING || ota->source->wants_document);
}

/* After ota_fail: the failure, unless the document, which is asked for, may offer another source.
 */
enum ota_event ota_give_up_source(struct ota *ota, otter_ms now, enum ota_event failure);

#else

static inline unsigned ota_sources(const struct ota *ota)
{
    (void)ota;
    return 1;
}

static inline bool ota_gives_up(const struct ota *ota)
{
    (void)ota;
    return false;
}

static inline bool ota_can_ask(const struct ota *ota)
{
    return ota->online;
}

static inline bool ota_stands_in_the_way(const struct ota *ota)
{
    (void)ota;
    return false;
}

static inline enum ota_event ota_give_up_source(struct ota *ota, otter_ms now,
                                                enum ota_event failure)
{
    (void)ota;
    (void)now;
    return failure;
}

#endif

/* Images of the product, 0 being this firmware, and the files of the job, each of one image. */
#if OTA_IMAGES_MAX > 1

static inline unsigned ota_images(const struct ota *ota)
{
    return 1u + ota->config.partner_count;
}

static inline const struct flash_area *ota_primary(const struct ota *ota, unsigned image)
{
    return image == 0 ? ota->config.primary : ota->config.partners[image - 1].primary;
}

static inline const struct flash_area *ota_secondary(const struct ota *ota, unsigned image)
{
    return image == 0 ? ota->config.secondary : ota->config.partners[image - 1].secondary;
}

static inline uint32_t ota_size_max(const struct ota *ota, unsigned image)
{
    return image == 0 ? ota->config.image_size_max : ota->config.partners[image - 1].image_size_max;
}

static inline unsigned ota_files(const struct ota *ota)
{
    return ota->record.job.set.count == 0 ? 1 : ota->record.job.set.count;
}

static inline unsigned ota_file_image(const struct ota *ota, unsigned index)
{
    return ota->record.job.set.files[index].image;
}

/* Of the file at work. */
static inline unsigned ota_image(const struct ota *ota)
{
    return ota->record.job.image;
}

static inline struct image_version ota_file_version(const struct ota *ota, unsigned index)
{
    const struct ota_set *set = &ota->record.job.set;
    return index == set->current ? ota->record.version : set->files[index].version;
}

/* Zeros of a partner that is not there. */
static inline struct image_version ota_version_in_place(const struct ota *ota, unsigned image)
{
    struct image_header header = {0};
    if (image == 0)
        return ota->running;
    if (OTA_SLOTS_KEPT || ota->config.partners[image - 1].version != NULL)
        return ota->config.partners[image - 1].version();
    if (image_header_read(ota_primary(ota, image), &header) != OTTER_OK)
        return (struct image_version){0, 0, 0, 0};
    return header.version;
}

/* set.c */
bool ota_set_known(const struct ota *ota); /* all images of the job in the record are here */
enum ota_event ota_set_probed(struct ota *ota, otter_ms now);
enum ota_event ota_set_verified(struct ota *ota);
enum ota_event ota_set_repair(struct ota *ota, unsigned index);
void ota_set_start_over(struct ota *ota);
void ota_set_requested(struct ota *ota);
bool ota_set_half_confirmed(const struct ota *ota);
otter_status ota_set_keep(const struct ota *ota);
bool ota_way_back(const struct ota *ota, unsigned image);

#else

static inline unsigned ota_images(const struct ota *ota)
{
    (void)ota;
    return 1;
}

static inline const struct flash_area *ota_primary(const struct ota *ota, unsigned image)
{
    (void)image;
    return ota->config.primary;
}

static inline const struct flash_area *ota_secondary(const struct ota *ota, unsigned image)
{
    (void)image;
    return ota->config.secondary;
}

static inline uint32_t ota_size_max(const struct ota *ota, unsigned image)
{
    (void)image;
    return ota->config.image_size_max;
}

static inline unsigned ota_files(const struct ota *ota)
{
    (void)ota;
    return 1;
}

static inline unsigned ota_file_image(const struct ota *ota, unsigned index)
{
    (void)ota;
    (void)index;
    return 0;
}

static inline unsigned ota_image(const struct ota *ota)
{
    (void)ota;
    return 0;
}

static inline struct image_version ota_file_version(const struct ota *ota, unsigned index)
{
    (void)index;
    return ota->record.version;
}

static inline struct image_version ota_version_in_place(const struct ota *ota, unsigned image)
{
    (void)image;
    return ota->running;
}

#endif

/* Where the new image of the file at work goes: the slot that does not run. */
static inline const struct flash_area *ota_candidate(const struct ota *ota)
{
    return ota_secondary(ota, ota_image(ota));
}

/* Where the file goes. */
static inline const struct flash_area *ota_landing(const struct ota *ota)
{
#if OTA_STAGING
    if (ota_is_patch(ota))
        return &ota->landing;
#endif
    return ota_candidate(ota);
}

/* self_test.c: the trial, and what became of it */
bool ota_swap_pending(const struct ota *ota);
void ota_trial_init(struct ota *ota, otter_ms now);
void ota_trial_reached_cloud(struct ota *ota);
enum ota_event ota_reconcile(struct ota *ota, otter_ms now);
enum ota_event ota_run_self_test(struct ota *ota, otter_ms now);
enum ota_event ota_confirm(struct ota *ota, otter_ms now);
enum ota_event ota_trial_expired(struct ota *ota, otter_ms now);

#ifdef __cplusplus
}
#endif

#endif
