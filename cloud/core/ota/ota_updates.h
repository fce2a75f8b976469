/* OTA updates: from firmware in a bucket to a job and a stream (create-ota-update and its family).
 *
 * Creation is asynchronous as in AWS: the request's shape is checked at once, then the update is
 * CREATE_PENDING, and in the turns that follow it is signed, a stream and a job are made, and it
 * becomes CREATE_COMPLETE, or CREATE_FAILED with the reason.
 *
 * CORE_INVALID_REQUEST for members outside AWS's shapes or that are not offered here, CORE_EXISTS,
 * CORE_NOT_FOUND; a refusal changes nothing. `members` stays the caller's. Times are numbers of
 * seconds. */
#ifndef OTTER_CLOUD_CORE_OTA_OTA_UPDATES_H
#define OTTER_CLOUD_CORE_OTA_OTA_UPDATES_H

#include "cloud/core/ground/cloud.h"

/* Members of CreateOTAUpdate. {"otaUpdateId","otaUpdateArn","otaUpdateStatus"} */
enum core_error ota_create(struct cloud *cloud, const char *id, const json_t *members,
                           struct answer *answer);
/* {"otaUpdateInfo":{...}} */
enum core_error ota_get(struct cloud *cloud, const char *id, struct answer *answer);
/* {"otaUpdates":[...]}, newest first; `status` NULL: all. */
enum core_error ota_list(struct cloud *cloud, const char *status, struct answer *answer);
/* Deletes the record, its job (CORE_INVALID_REQUEST if it is not terminal and not forced) and, if
 * asked, the stream that was made for it. */
enum core_error ota_delete(struct cloud *cloud, const char *id, bool delete_stream, bool force_job,
                           struct answer *answer);

/* Takes up updates that wait. Called in the first turn of the cloud, for those that were not
 * finished when it stopped. */
void ota_resume(struct cloud *cloud);
/* Gives up those that are being signed: they are taken up at the next start. Called by core_stop.
 */
void ota_stop(struct cloud *cloud);

#endif
