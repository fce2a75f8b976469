/* What the agent must not forget: the one record of the update in progress, in the key-value store
 * under "ota/job". It is written before each side effect and compared with the cloud at boot.
 * Beside it, under "ota/over", what the last job leaves behind: the mark of it, as that execution
 * is not begun again whatever the cloud says, and how many in a row came to nothing. */
#ifndef OTTER_SERVICES_OTA_RECORD_H
#define OTTER_SERVICES_OTA_RECORD_H

#include <stdint.h>

#include "image/image.h"
#include "services/jobs/jobs_past.h"
#include "services/ota/set.h"
#include "store/kv.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OTA_THING_NAME_MAX 128u
#define OTA_JOB_ID_MAX     64u
#define OTA_STREAM_MAX     128u
#define OTA_REASON_MAX     127u

/* By which protocol blocks come; in the record, so never to be renumbered. */
enum ota_protocol { OTA_PROTOCOL_MQTT = 0, OTA_PROTOCOL_HTTP = 1 };

/* One update as the cloud describes it. */
struct ota_job {
    char id[OTA_JOB_ID_MAX + 1];
    char stream[OTA_STREAM_MAX + 1];
    uint32_t execution; /* executionNumber: a retry of the job is another execution */
    uint32_t queued_at; /* queuedAt: a job made anew under an old id is another one too */
    uint32_t file_size;
    uint8_t file_id;
    uint8_t protocol;  /* enum ota_protocol: by which its blocks come */
    uint8_t transform; /* 0: the file is the image; else struct ota_transform, which makes one */
    uint8_t signature_length;
    uint8_t signature[OTA_SIGNATURE_MAX]; /* over the file, by the key ota_signer_pub */
#if OTA_IMAGES_MAX > 1
    uint8_t image; /* that the file is of */
    struct ota_set set;
#endif
};

#if OTA_IMAGES_MAX > 1
/* All files of the job: the fields of struct ota_job are those of the one at work. */
void ota_set_put(struct ota_job *job, const struct image_version *version);
void ota_set_select(struct ota_job *job, struct image_version *version, unsigned index);
#endif

/* How far the update is known to be; the side effect named may or may not have happened yet. */
enum ota_record_phase {
    OTA_RECORD_NONE = 0,
    OTA_RECORD_ACCEPT = 1,   /* telling the cloud IN_PROGRESS */
    OTA_RECORD_DOWNLOAD = 2, /* writing to the secondary slot */
    OTA_RECORD_INSTALL = 3,  /* asking the bootloader for a trial of the verified image */
    OTA_RECORD_TRIAL = 4,    /* asked; the reset, the trial, the confirmation */
    OTA_RECORD_FINISHED = 5  /* telling the cloud `result` and `reason` */
};

enum ota_result { OTA_RESULT_NONE = 0, OTA_SUCCEEDED = 1, OTA_FAILED = 2, OTA_REJECTED = 3 };

/* What the firmware on trial left word of, for the old one to report after the way back. */
enum ota_trial_note {
    OTA_TRIAL_NO_WORD = 0, /* it never came to run its agent */
    OTA_TRIAL_STARTED = 1,
    OTA_TRIAL_NO_CONNECTION = 2,
    OTA_TRIAL_NO_REPLY = 3,
    OTA_TRIAL_TEST_FAILED = 4,
    OTA_TRIAL_WRONG_VERSION = 5,
    OTA_TRIAL_NO_AGENT = 6
};

struct ota_record {
    uint8_t phase;                 /* enum ota_record_phase */
    uint8_t result;                /* enum ota_result, in phase FINISHED */
    uint8_t note;                  /* enum ota_trial_note, in phase TRIAL */
    uint8_t restarts;              /* lives in a row, on line, in which no block was added */
    uint16_t epoch;                /* counts fresh starts of the download of this job */
    uint16_t trial_s;              /* time limit of the trial */
    uint32_t blocks_at_boot;       /* on flash when the last such life came on line */
    struct image_version version;  /* of the job's image */
    struct image_version previous; /* of the firmware that downloads it */
    struct ota_job job;
    char reason[OTA_REASON_MAX + 1];
};

/* An absent record, or one that this firmware cannot read, has phase OTA_RECORD_NONE (with OTTER_OK
 * and OTTER_E_CORRUPT). */
otter_status ota_record_load(struct kv *kv, struct ota_record *record);
otter_status ota_record_save(struct kv *kv, const struct ota_record *record);

struct jobs_execution ota_job_execution(const struct ota_job *job);

/* The device is done with the job: in one change the record goes, and `past` takes the place of the
 * last one. Also clears `record`, even after an error. */
otter_status ota_record_close(struct kv *kv, struct ota_record *record,
                              const struct jobs_past *past);

#ifdef __cplusplus
}
#endif

#endif
