/* Reads the job document of create-ota-update (`afr_ota`), strictly: what this device cannot do is
 * refused with a sentence for the person who made the job. */
#ifndef OTTER_SERVICES_OTA_JOB_DOCUMENT_H
#define OTTER_SERVICES_OTA_JOB_DOCUMENT_H

#include "codec/json.h"
#include "services/ota/record.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the device can take. */
struct ota_job_limits {
    uint32_t file_size_max;
    uint32_t block_size;
    uint32_t stream_length_max; /* the stream's topics must stay within MQTT_FILTER_MAX */
};

enum ota_document {
    OTA_DOCUMENT_OK,
    OTA_DOCUMENT_FOREIGN, /* no afr_ota in it: somebody else's job, to be left alone */
    OTA_DOCUMENT_REFUSED  /* see `reason` */
};

/* `document` is the index of the document's object in `json`. Fills in stream, file and signature
 * of `job`; leaves id and execution as they are. */
enum ota_document ota_job_document(const struct json *json, int document,
                                   const struct ota_job_limits *limits, struct ota_job *job,
                                   char reason[OTA_REASON_MAX + 1]);

#ifdef __cplusplus
}
#endif

#endif
