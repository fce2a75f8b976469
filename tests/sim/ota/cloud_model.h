/* A small model of AWS IoT Jobs and MQTT file streams for one thing, for simulations: only the
 * rules of the published interfaces, no transport. It answers through `send`. */
#ifndef OTTER_TESTS_SIM_OTA_CLOUD_MODEL_H
#define OTTER_TESTS_SIM_OTA_CLOUD_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLOUD_JOBS_MAX 8u

enum cloud_status {
    CLOUD_QUEUED,
    CLOUD_IN_PROGRESS,
    CLOUD_SUCCEEDED, /* from here on: terminal */
    CLOUD_FAILED,
    CLOUD_REJECTED,
    CLOUD_CANCELED
};
const char *cloud_status_name(enum cloud_status status);

struct cloud_job {
    char id[65];
    char document[4096];
    char details[512]; /* statusDetails, JSON; "" before the first */
    enum cloud_status status;
    uint32_t version;
    uint32_t execution;
};

struct cloud_stream {
    char name[65];
    const uint8_t *data;
    uint32_t size;
};

struct cloud {
    const char *thing;
    void (*send)(void *ctx, const char *topic, const void *payload, size_t length);
    void *ctx;
    bool rejects_late_rejection; /* IN_PROGRESS -> REJECTED is refused, as some texts say */
    /* Updates whose clientToken begins with one of these letters are refused with this code. */
    const char *refused_tokens;
    const char *refusal;
    bool refuses_details_only; /* ... unless they come without statusDetails */
    bool retries;           /* what failed or was rejected: another execution at once, for ever */
    char undead[65];        /* id of a job that $next offers as QUEUED whatever has become of it */
    char undead_too[65];    /* ... and of one that takes turns with it */
    uint32_t updates;       /* requests so far */
    uint32_t asks;          /* for the next job */
    uint32_t cancel_at_ask; /* the first job is cancelled just after this one was answered */
    uint32_t progressions;  /* updates about blocks */
    struct cloud_job jobs[CLOUD_JOBS_MAX];
    struct cloud_stream streams[CLOUD_JOBS_MAX];
    uint32_t job_count;
    char announced[65];  /* id in the last notify-next */
    uint32_t violations; /* requests that break the interface's rules */
};

/* A job with its stream; `document` with %s for the stream's name is the caller's business. */
struct cloud_job *cloud_create(struct cloud *cloud, const char *id, const char *document,
                               const char *stream, const uint8_t *data, uint32_t size);
/* cancel-job-execution with force. */
void cloud_cancel(struct cloud *cloud, const char *id);
/* A finished execution is tried once more (retry configuration): another executionNumber. */
void cloud_requeue(struct cloud *cloud, const char *id);
struct cloud_job *cloud_find(struct cloud *cloud, const char *id);
/* A message that the thing has published. */
void cloud_receive(struct cloud *cloud, const char *topic, const uint8_t *payload, size_t length);
/* The value of "reason" in the job's statusDetails, or "". */
void cloud_reason(const struct cloud_job *job, char *out, size_t size);

#endif
