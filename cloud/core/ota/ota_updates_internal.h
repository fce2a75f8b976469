/* Between the files of the OTA updates module only. */
#ifndef OTTER_CLOUD_CORE_OTA_OTA_UPDATES_INTERNAL_H
#define OTTER_CLOUD_CORE_OTA_OTA_UPDATES_INTERNAL_H

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

#endif
