/* Between the files of the reserved topics only: a row of the table, a call of it, and the one
 * envelope that answers go in. */
#ifndef OTTER_CLOUD_RESERVED_RESERVED_INTERNAL_H
#define OTTER_CLOUD_RESERVED_RESERVED_INTERNAL_H

#include "cloud/reserved/reserved.h"

#define TOPIC_SIZE 640 /* of all topics that are made here */
#define PART_SIZE  257
#define PARTS_MAX  2

struct row;

/* One request on its way through its row. */
struct call {
    struct cloud *cloud;
    const struct row *row;
    const struct reserved_request *request;
    const struct reserved_answers *answers;
    char parts[PARTS_MAX][PART_SIZE]; /* what the row's first `+` stand for: thing, job, ... */
    bool in_cbor;                     /* the topic ends with /cbor */
    json_t *body;                     /* of the request; NULL when it could not be read */
    struct answer answer;
    bool told; /* those who have subscribed hear of it otherwise, once it is on the disk */
};

/* How a service words its answers. Each answer is an object on the request's topic and
 * `/accepted` or `/rejected`, in JSON or, where the topic ends with /cbor, in CBOR. */
struct envelope {
    /* Reads and checks the request's body. NULL: what is JSON is read, all else is no error. */
    enum core_error (*read)(struct call *call);
    /* What a refusal says. `body` may hold members that the handler answered with. */
    void (*refuse)(const struct call *call, enum core_error error, json_t *body);
    /* What both kinds of answer have, such as the client's token. NULL: nothing. */
    void (*address)(const struct call *call, json_t *body);
    bool to_subscribers; /* else to the connection that asked */
};

struct row {
    const char *filter;
    enum reserved_service service;
    /* 1..this many bytes that a part may have; 0: any number. A topic that keeps this not, is not
     * this row's. */
    unsigned char part_max[PARTS_MAX];
    /* NULL: the handler sees to the answer, in blocks, or there is none. */
    const struct envelope *envelope;
    /* With an envelope: fills call->answer, and returns CORE_OK when it is accepted. */
    enum core_error (*handle)(struct call *call);
};

/* ---- answers that come later (reserved.c) ---- */

/* What is left of the call when it has returned; NULL: its answers do not wait. The call itself is
 * not answered any more. */
struct late_call;
struct late_call *call_later(struct call *call);
/* Answers with `error`, after `handle` unless that is NULL, and frees it. */
void late_call_answer(struct late_call *late, enum core_error (*handle)(struct call *call),
                      enum core_error error, const char *message);
/* Not answered after all: the call goes on. */
void late_call_cancel(struct late_call *late, struct call *call);

extern const struct envelope envelope_jobs, envelope_shadow, envelope_defender,
    envelope_provisioning;

/* ---- handlers ---- */

enum core_error handle_jobs_get_pending(struct call *call);
enum core_error handle_jobs_start_next(struct call *call);
enum core_error handle_jobs_describe(struct call *call);
enum core_error handle_jobs_update(struct call *call);
enum core_error handle_defender(struct call *call);
enum core_error handle_certificate_create(struct call *call);
enum core_error handle_certificate_from_csr(struct call *call);
enum core_error handle_provision(struct call *call);
/* Without an envelope: their answers are blocks. */
enum core_error handle_streams_get(struct call *call);
enum core_error handle_streams_describe(struct call *call);
enum core_error handle_shadow_get(struct call *call);
enum core_error handle_shadow_update(struct call *call);
enum core_error handle_shadow_delete(struct call *call);
/* CORE_NOT_IMPLEMENTED, and says so. */
enum core_error handle_ingest(struct call *call);

#endif
