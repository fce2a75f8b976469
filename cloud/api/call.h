/* One request on its way through the API, already authenticated, and the reply being made. */
#ifndef OTTER_CLOUD_API_CALL_H
#define OTTER_CLOUD_API_CALL_H

#include <event2/http.h>
#include <event2/keyvalq_struct.h>

#include "cloud/api/text.h"
#include "cloud/core/cloud.h"

#define CALL_PARAMETERS_MAX 4

struct call {
    struct cloud *cloud;
    const char *iot_endpoint;
    enum evhttp_cmd_type method;
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
    struct evbuffer *content; /* sent in place of `reply`, if any */
    char request_id[37];
};

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
