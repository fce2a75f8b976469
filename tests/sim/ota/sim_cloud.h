/* The local AWS IoT on the world's clock: cloud/core with its database and the reserved topics as
 * `otter cloud` runs them, and the policy that a device gets there, without sockets. Requests come
 * in by call, answers go out by `send`.
 *
 * Commits are grouped as they are there: an answer waits until what it tells of is on the disk. The
 * cloud can be killed at any moment, and finds on its disk what was written by then.
 *
 * Between it and the device stands what a test tells it to do against the rules: refuse updates,
 * offer what is over, order again for ever. */
#ifndef OTTER_TESTS_SIM_OTA_SIM_CLOUD_H
#define OTTER_TESTS_SIM_OTA_SIM_CLOUD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "port/port.h"

#define SIM_CLOUD_JOBS_MAX 8u

enum cloud_status {
    CLOUD_QUEUED,
    CLOUD_IN_PROGRESS,
    CLOUD_SUCCEEDED, /* from here on: terminal */
    CLOUD_FAILED,
    CLOUD_REJECTED,
    CLOUD_CANCELED,
    CLOUD_TIMED_OUT,
    CLOUD_STATUS_COUNT
};
const char *sim_cloud_status_name(enum cloud_status status);

/* A job's last execution, as the database has it. */
struct sim_job {
    char id[65];
    char document[4096];
    char details[1024]; /* statusDetails, JSON; "" before the first */
    char reason[512];   /* "reason" in them, or "" */
    enum cloud_status status;
    uint32_t version;
    uint32_t execution;
    const uint8_t *data; /* of the file that its stream brings; the caller's */
    uint32_t size;
};

struct sim_core;

struct sim_cloud {
    const char *thing;
    const otter_ms *now;
    /* To the connection with this number, or, if it is 0, to who has subscribed. */
    void (*send)(void *ctx, uint32_t connection, const char *topic, const void *payload,
                 size_t length);
    void *ctx;

    bool rejects_late_rejection; /* IN_PROGRESS -> REJECTED is refused: the core's `strict` */
    /* Updates whose clientToken begins with one of these letters are refused with this code. */
    const char *refused_tokens;
    const char *refusal;
    bool refuses_details_only; /* ... unless they come without statusDetails */
    bool retries;           /* what failed or was rejected: another execution at once, for ever */
    char undead[65];        /* id of a job that $next offers as QUEUED whatever has become of it */
    char undead_too[65];    /* ... and of one that takes turns with it */
    uint32_t silent_from;   /* this request for blocks and all later ones are not answered */
    uint32_t cancel_at_ask; /* the first job is cancelled just after this one was answered */
    otter_ms tend_every;    /* at the soonest: a week of 5 s turns is long */

    const uint8_t *second; /* file 1 of the next stream that is made; NULL: it has one file */
    uint32_t second_size;

    otter_ms rights_back_at; /* sim_cloud_take_rights */

    uint32_t rights_taken;
    uint32_t denials; /* by the policy */
    uint32_t requests;
    uint32_t updates;
    uint32_t asks;         /* for the next job */
    uint32_t progressions; /* updates about blocks */
    uint32_t block_requests;
    uint32_t restarts;
    uint32_t violations; /* requests that break the interface's rules */

    uint32_t job_count;
    struct sim_job jobs[SIM_CLOUD_JOBS_MAX]; /* private: sim_cloud_find, sim_cloud_job */
    bool stale;                              /* private: they are to be read again */
    struct sim_core *core;                   /* private */
};

/* Fills in what is private; the rest is the caller's, and may be changed at any time. */
void sim_cloud_start(struct sim_cloud *cloud);
void sim_cloud_stop(struct sim_cloud *cloud);
/* Now, not in a moment. */
void sim_cloud_commit(struct sim_cloud *cloud);
/* As kill -9 and a new start: what is not committed is lost, and its answers were never sent. */
void sim_cloud_kill(struct sim_cloud *cloud);

/* Whether the thing's certificate has a policy for it, as the gateway asks for each packet:
 * "iot:Publish" on "topic" and its name, and so on. What has none is counted. */
bool sim_cloud_may(struct sim_cloud *cloud, const char *action, const char *type, const char *name);

/* A message that the thing has published on that connection. */
void sim_cloud_receive(struct sim_cloud *cloud, uint32_t connection, const char *topic,
                       const uint8_t *payload, size_t length);
/* Does what is due; when it will have something to do again. */
void sim_cloud_tick(struct sim_cloud *cloud);
otter_ms sim_cloud_deadline(const struct sim_cloud *cloud);

/* ---- the operator; each call is on the disk when it returns ---- */

/* Puts the data into a bucket, makes a stream of it, and a job with the document. `stream` NULL: a
 * job alone. */
void sim_cloud_create(struct sim_cloud *cloud, const char *id, const char *document,
                      const char *stream, const uint8_t *data, uint32_t size);
/* The same with an in-progress timer. */
void sim_cloud_create_timed(struct sim_cloud *cloud, const char *id, const char *document,
                            unsigned minutes);
/* cancel-job-execution with force. */
void sim_cloud_cancel(struct sim_cloud *cloud, const char *id);
/* Takes the thing's policy away, or only what it says of subscriptions, and gives it back after so
 * long. */
void sim_cloud_take_rights(struct sim_cloud *cloud, bool all, otter_ms duration);
/* Another execution of a job, whatever became of the last. */
void sim_cloud_requeue(struct sim_cloud *cloud, const char *id);
/* As if another agent of the thing had brought it there. */
void sim_cloud_bring_to(struct sim_cloud *cloud, const char *id, enum cloud_status status);
/* Against the rules: the document of a job that is there already. */
void sim_cloud_set_document(struct sim_cloud *cloud, const char *id, const char *document);

/* Valid until the next call. NULL: no such job. */
const struct sim_job *sim_cloud_find(struct sim_cloud *cloud, const char *id);
const struct sim_job *sim_cloud_job(struct sim_cloud *cloud, uint32_t index);

/* True: the cloud's log goes to stdout. OTTER_TEST_LOG does the same. */
extern bool sim_cloud_verbose;

#endif
