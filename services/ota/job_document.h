/* Reads the job document of create-ota-update (`afr_ota`), strictly: what this device cannot do is
 * refused with a sentence for the person who made the job. */
#ifndef OTTER_SERVICES_OTA_JOB_DOCUMENT_H
#define OTTER_SERVICES_OTA_JOB_DOCUMENT_H

#include "codec/json.h"
#include "services/ota/record.h"
#include "services/ota/source.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the device can take. */
struct ota_job_limits {
    uint32_t file_size_max;
    uint32_t block_size;
    struct ota_source *const *sources; /* the one that the device likes best first */
    uint8_t source_count;
#if OTA_IMAGES_MAX > 1
    const struct ota_partner *partners; /* other images that may come with this firmware's own */
    uint8_t partner_count;
#endif
};

enum ota_document {
    OTA_DOCUMENT_OK,
    OTA_DOCUMENT_FOREIGN, /* no afr_ota in it: somebody else's job, to be left alone */
    OTA_DOCUMENT_REFUSED  /* see `reason` */
};

/* `document` is the index of the document's object in `json`. Chooses the first of the sources
 * whose protocol is offered. Fills in protocol, file, signature and what the source needs of `job`;
 * leaves id and execution as they are. */
enum ota_document ota_job_document(const struct json *json, int document,
                                   const struct ota_job_limits *limits, struct ota_job *job,
                                   char reason[OTA_REASON_MAX + 1]);

/* The document of a job taken before: the source takes what it needs for the job's file at work. */
bool ota_job_reread(const struct json *json, int document, struct ota_source *source,
                    struct ota_job *job, char reason[OTA_REASON_MAX + 1]);

#if OTA_SOURCES_MAX > 1
/* The first of the sources whose protocol the document offers, or NULL. */
struct ota_source *ota_job_source(const struct json *json, int document,
                                  struct ota_source *const *sources, unsigned count);
#endif

/* For sources: both write the reason and return false; the first for what is missing or malformed,
 * such as "streamname is no text". */
bool ota_job_is_wrong(char reason[OTA_REASON_MAX + 1], const char *what);
bool ota_job_refuse(char reason[OTA_REASON_MAX + 1], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#ifdef __cplusplus
}
#endif

#endif
