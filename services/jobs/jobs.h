/* The AWS IoT Jobs client: asks for the next job, offers it to the handlers of this firmware, and
 * carries what its handler has to tell. A handler is a service that can do one kind of job: the
 * update agent (services/ota), a restart, a configuration.
 *
 * One job at a time, in the cloud's order. What no handler takes is refused (REJECTED, or FAILED
 * when it had been started), so that it holds up nothing; so is one too large to be read. The
 * execution that the device was last done with is not begun again, should the cloud still offer it;
 * after two jobs in a row that came to nothing the next one waits, from 20 s up to an hour. What
 * may pass (no answer, RequestThrottled, InternalError) is tried again with a back-off.
 *
 * A handler's life with a job:
 * on_offer says JOBS_TAKEN: the job is its own now. jobs_start, if there is something to tell
 * before the end, tells IN_PROGRESS; JOBS_ACCEPTED when that is done. jobs_finish tells the end,
 * again and again until it is heard: JOBS_ENDED. JOBS_GONE may come at any time: the job is over or
 * no longer ours, and not the handler's any more, unless it calls jobs_release itself. Across a
 * restart of the device it keeps the execution, calls jobs_resume before the first jobs_tick, and
 * hears JOBS_DESCRIBED when the job is still ours. A handler with more to say sends updates of its
 * own by jobs_send_update, and ends the job by jobs_release.
 *
 * Sans-IO: `now` comes in, messages go through the MQTT session. The caller owns everything. */
#ifndef OTTER_SERVICES_JOBS_JOBS_H
#define OTTER_SERVICES_JOBS_JOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/json.h"
#include "net/mqtt.h"
#include "port/port.h"
#include "services/jobs/jobs_past.h"
#include "store/kv.h"

#ifdef __cplusplus
extern "C" {
#endif

#define JOBS_THING_NAME_MAX 128u
#define JOBS_PREFIX_MAX     (sizeof "$aws/things//" - 1 + JOBS_THING_NAME_MAX)
#define JOBS_REASON_MAX     127u
#define JOBS_UPDATE_MAX     480u /* longest payload of an update */
#define JOBS_TOKENS_MIN     128u /* an OTA job with all its optional parts has about 110 */
/* Output that the MQTT session must have: the longest update with QoS 0, by the longest names. */
#define JOBS_MQTT_OUTPUT_MIN 777u

enum jobs_answer {
    JOBS_NOT_MINE,
    JOBS_TAKEN, /* the handler does it */
    JOBS_LATER  /* it is the handler's, but not now: it stays in the cloud's list and is shown */
};

enum jobs_event {
    JOBS_ONLINE, /* this and the next one come to all handlers, the others to the job's */
    JOBS_OFFLINE,
    JOBS_DESCRIBED, /* the job is still ours; jobs_queued is as the cloud says */
    JOBS_GONE,      /* it is over or no longer ours */
    JOBS_ACCEPTED,  /* the last update was taken */
    JOBS_CONFLICT,  /* ... refused: somebody else changed the job */
    JOBS_BARRED,    /* ... refused: not a possible status now */
    JOBS_INVALID,   /* ... refused: not a possible request */
    JOBS_ENDED      /* by jobs_finish: the cloud has heard it, or never will */
};

enum jobs_result { JOBS_SUCCEEDED = 1, JOBS_FAILED = 2, JOBS_REJECTED = 3 };

struct jobs_offer {
    const struct jobs_execution *execution;
    const struct json *json; /* the message; valid during the call */
    int document;            /* index of the job document in it, or negative */
};

/* Callbacks may be NULL, except on_offer; all get `ctx`. */
struct jobs_handler {
    enum jobs_answer (*on_offer)(void *ctx, otter_ms now, const struct jobs_offer *offer);
    void (*on_event)(void *ctx, otter_ms now, enum jobs_event event);
    /* What jobs_want_document asked for; before the JOBS_DESCRIBED that comes with it. */
    void (*on_document)(void *ctx, otter_ms now, const struct jobs_offer *offer);
    /* The job service has answered. False: no job may be begun now, of whatever kind. */
    bool (*may_begin)(void *ctx);
    /* More members for the statusDetails of jobs_start and jobs_finish. */
    void (*add_details)(void *ctx, struct json_writer *w);
    /* The job is over: forget it, and write `past` (jobs_past_form) to the store in one change with
     * that. NULL: the client writes it. */
    void (*on_close)(void *ctx, const struct jobs_past *past);
    void *ctx;
    struct jobs_handler *next; /* private */
};

struct jobs_config {
    struct mqtt_session *mqtt;
    struct kv *kv;
    const char *thing_name; /* must outlive the client */
    jsmntok_t *tokens;      /* scratch for reading one message, free between calls: may be shared */
    uint16_t token_count;   /* at least JOBS_TOKENS_MIN */
    uint32_t reply_timeout_ms; /* for each answer of the cloud; 0: 10 s */
    uint32_t poll_ms;          /* asks for a job even without notification; 0: 1 h */
};

struct jobs; /* shape below; all fields are private */

/* OTTER_E_ARGUMENT when the configuration cannot work: jobs_fault names the field. Sends nothing.
 */
otter_status jobs_init(struct jobs *jobs, const struct jobs_config *config, otter_ms now);
const char *jobs_fault(const struct jobs *jobs); /* "thing_name: missing", or "" */
/* Handlers are asked in the order they came. Again does nothing. */
void jobs_add(struct jobs *jobs, struct jobs_handler *handler);
void jobs_tick(struct jobs *jobs, otter_ms now);
/* When jobs_tick is due at the latest. */
otter_ms jobs_deadline(const struct jobs *jobs);

bool jobs_online(const struct jobs *jobs);
bool jobs_idle(const struct jobs *jobs); /* no job is in hand, and none is being asked for */
/* Whether what others say should wait: a job is in hand, or the cloud has yet to be heard on this
 * connection. A cloud that leaves the question unanswered is not waited for again and again. */
bool jobs_come_first(const struct jobs *jobs);
uint32_t jobs_reply_timeout_ms(const struct jobs *jobs);

/* A job that is first in the cloud's list and that nobody here can begin or end, so that others
 * wait behind it: its id, or ""; and why. */
const char *jobs_held_by(const struct jobs *jobs);
const char *jobs_held_why(const struct jobs *jobs);

/* ---- For the handler that has the job -------------------------------------------------------- */

/* The job that the handler had before the device restarted. */
void jobs_resume(struct jobs *jobs, struct jobs_handler *handler,
                 const struct jobs_execution *execution);
/* Not started, when the cloud last said so: its end is a REJECTED then. */
bool jobs_queued(const struct jobs *jobs);
uint32_t jobs_version(const struct jobs *jobs); /* versionNumber when last read; 0: unknown */
/* Asks the cloud whether the job is still ours: JOBS_DESCRIBED or JOBS_GONE follows. */
void jobs_recheck(struct jobs *jobs);
/* The same with the job document, until it has come: on_document, which must not be NULL. */
void jobs_want_document(struct jobs *jobs);

/* Each is repeated until it is answered. `phase` is a word for statusDetails, which must outlive
 * the job; `reason` a sentence, copied. A FAILED of a queued job is told as REJECTED. */
void jobs_start(struct jobs *jobs, otter_ms now, const char *phase);
void jobs_finish(struct jobs *jobs, otter_ms now, enum jobs_result result, const char *reason);

/* An update as the handler wants it, sent once; its answer is JOBS_ACCEPTED and so on. */
struct jobs_update {
    char token;         /* clientToken: one letter for each kind of update */
    const char *status; /* IN_PROGRESS, SUCCEEDED, FAILED, REJECTED */
    void (*add_details)(void *ctx, struct json_writer *w); /* NULL: without statusDetails */
    void *ctx;
    uint32_t expected_version; /* 0: leave out */
};
/* OTTER_E_AGAIN when an earlier message has still to be taken: call again. */
otter_status jobs_send_update(struct jobs *jobs, otter_ms now, const struct jobs_update *update);
/* For tests: the payload; its length or OTTER_E_TOO_LONG. */
int jobs_update_write(const struct jobs_update *update, uint32_t execution, char *out, size_t size);
/* With QoS 0, and nobody waits for the answer. */
otter_status jobs_mention(struct jobs *jobs, otter_ms now, const struct jobs_update *update);
/* The job is over for this device. `heard`: the cloud knows. */
void jobs_release(struct jobs *jobs, otter_ms now, enum jobs_result result, bool heard);

/* ---- Shape ----------------------------------------------------------------------------------- */

#define JOBS_FILTERS 3u

enum jobs_state {
    JOBS_ASKING,   /* $next/get */
    JOBS_WAITING,  /* nothing for us; notify-next or the poll ends it */
    JOBS_HELD,     /* the handler is at work */
    JOBS_STARTING, /* jobs_start */
    JOBS_ENDING    /* jobs_finish, or a refusal of our own */
};

struct jobs {
    struct jobs_config config;
    struct jobs_handler *handlers;
    struct jobs_handler *holder;     /* of the job in hand; NULL: none, or one that is refused */
    struct jobs_execution execution; /* the job in hand */
    struct jobs_past past;
    enum jobs_state state;
    otter_ms wake;     /* when the next tick is due */
    otter_ms deadline; /* of the state; stands still off line */
    otter_ms recheck_deadline;
    otter_ms rests_until; /* no new job is taken up before */
    otter_ms warned_at;   /* of held_by */
    uint32_t version;
    uint32_t counter; /* in the token of the last get request */
    const char *fault;
    const char *phase;
    uint8_t hold;          /* enum jobs_hold */
    uint8_t result;        /* enum jobs_result, in ENDING */
    uint8_t retries;       /* of the state */
    uint8_t refusals;      /* jobs refused since one succeeded or cost a rest */
    uint8_t offered_again; /* times in a row that a job was offered which is over */
    char token;            /* of the last update */
    bool connected;        /* the session says so */
    bool online;           /* ... and the handlers have heard */
    bool queued;
    bool send_due;                 /* the state's message has yet to go out */
    bool recheck;                  /* ask whether the job is still ours */
    bool whole;                    /* ... with its document */
    bool brief;                    /* ask for the next job without its document */
    bool plain;                    /* report the end without details */
    char suspect[JOBS_ID_MAX + 1]; /* the next job when a description could not be read */
    char held_by[JOBS_ID_MAX + 1];
    char reason[JOBS_REASON_MAX + 1];
    struct mqtt_service service;
    struct mqtt_subscription filters[JOBS_FILTERS];
    struct mqtt_ticket ticket;
    char prefix[JOBS_PREFIX_MAX + 1];
    char topic[sizeof "jobs//update" + JOBS_ID_MAX]; /* of the ticket, as is the payload */
    char payload[JOBS_UPDATE_MAX + 1];
};

#ifdef __cplusplus
}
#endif

#endif
