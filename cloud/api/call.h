/* One request on its way through the API, already authenticated, and the reply being made.
 *
 * A handler that needs something first which would keep the loop busy asks for it (call_prepare,
 * call_wait, call_stage) and returns; when it is there, the handler is called again from the
 * beginning. */
#ifndef OTTER_CLOUD_API_CALL_H
#define OTTER_CLOUD_API_CALL_H

#include <event2/http.h>
#include <event2/keyvalq_struct.h>

#include "cloud/sigv4/text.h"
#include "cloud/core/ground/cloud.h"

#define CALL_PARAMETERS_MAX 4

struct api;

/* What was found out about a large body off the loop. */
struct body_facts {
    bool known;
    char md5[33], md5_base64[28], crc32[16]; /* hex, base64, base64 */
    char sha256[65];                         /* hex; "": it would have to be computed */
    char wrong[48];                          /* a header whose checksum does not match; "" */
};

struct call {
    struct cloud *cloud;
    struct api *api;
    const char *iot_endpoint;
    enum evhttp_cmd_type method;
    const char *user;                /* who signed; "": the account's owner */
    const char *target;              /* path and query as sent */
    const struct evkeyvalq *headers; /* of the request; trailing ones are added */
    json_t *query;                   /* decoded: names to text, "" when there is no value */
    const char *body;
    size_t body_size;
    char *parameters[CALL_PARAMETERS_MAX]; /* of the path, decoded */

    int status; /* of the reply, 200 unless set */
    const char *content_type;
    struct evkeyvalq reply_headers;
    struct text reply;
    int64_t object, at, end; /* object not 0: its bytes from `at` to before `end` are the reply */
    char request_id[37];

    struct body_facts facts;
    bool waits; /* the handler will be called again */
    void *made; /* by call_prepare, or given to call_wait */
    void (*unmake)(void *made);
    void *(*make)(void);
    int64_t staged; /* the body as a content, see cloud/core/account/contents.h; 0: it is not */
    size_t staged_size;
};

/* True when `make` has been called on another thread and call->made is there; freed by `unmake`
 * with the call. False: the handler must return, and comes again. */
bool call_prepare(struct call *call, void *(*make)(void), void (*unmake)(void *made));
/* The same for what ends later on the loop: `made` is kept as call->made, freed by `unmake` with
 * the call; the handler must return, and comes again when call_again (of the call) is called. */
void call_wait(struct call *call, void *made, void (*unmake)(void *made));
void call_again(void *call);
/* True when the body is small, or lies in the database as call->staged. */
bool call_stage(struct call *call);

/* The value of a query parameter, NULL when it is absent. */
const char *call_query(const struct call *call, const char *name);
const char *call_header(const struct call *call, const char *name);
/* "GET" */
const char *call_method(const struct call *call);
/* "true" is true, anything else false. */
bool call_flag(const struct call *call, const char *name);
/* A number from 1 to `most`; `absent` when it is not given or no such number. */
int call_number(const struct call *call, const char *name, int most, int absent);
void call_reply_header(struct call *call, const char *name, const char *value);

#endif
