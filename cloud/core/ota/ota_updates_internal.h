/* Between the files of the OTA updates module only. */
#ifndef OTTER_CLOUD_CORE_OTA_OTA_UPDATES_INTERNAL_H
#define OTTER_CLOUD_CORE_OTA_OTA_UPDATES_INTERNAL_H

#include "cloud/core/account/objects.h"
#include "cloud/core/ota/ota_updates.h"

#define OTA_JOB_PREFIX "AFR_OTA-"
#define OTA_ID_MAX     56 /* so that the job's id keeps within 64 */

/* What can be told at once: members, ranges, exactly one way of code signing a file. */
enum core_error ota_check_request(struct cloud *cloud, const char *id, const json_t *members,
                                  struct answer *answer);

/* An array of the ids of updates that wait to be finished, freed by the caller. */
json_t *ota_pending(struct cloud *cloud);

/* Signs, makes stream and job; the update is CREATE_COMPLETE or CREATE_FAILED afterwards: at once,
 * or, when there is something to sign, some turns of the cloud later. */
void ota_finish(struct cloud *cloud, const char *id);
/* Gives up one that is being signed; NULL: all. */
void ota_forget(struct cloud *cloud, const char *id);

/* ---- an update that is being made ---- */

#define OTA_FILES_MAX 50

/* One file of the update, as the job document needs it. */
struct ota_source {
    char bucket[64], key[OBJECT_KEY_MAX + 1], version[64];
    int64_t size, file_id;
    char signature[1400];    /* base64; "" when the file is not signed */
    char signature_name[80]; /* sig-sha256-ecdsa */
    char certificate[256];
    struct signing *signing; /* NULL: nothing is to be signed */
};

struct ota_work {
    struct ota_work *next, **link;
    struct cloud *cloud;
    char *id;
    json_t *request;
    json_t *files; /* of the request; gains awsSignerJobId */
    struct ota_source *sources;
    char stream[64];
    bool own_stream; /* made for this update */
    size_t waiting;  /* for so many files to be signed */
    struct answer said, *answer;
};

/* Finds each file and takes its signature, or starts to make it: then work->waiting > 0, and
 * ota_file_signed(work) follows for each, in later turns. */
enum core_error ota_files_prepare(struct ota_work *work);
void ota_file_signed(void *work);
/* When all are ready, so that the jobs' records and the roll-out share a turn of the cloud, and
 * with that a commit. */
enum core_error ota_files_finish(struct ota_work *work);

#endif
