/* Between the files of the server only: a call with what belongs to its connection. */
#ifndef OTTER_CLOUD_API_EXCHANGE_H
#define OTTER_CLOUD_API_EXCHANGE_H

#include <event2/http.h>

#include "cloud/api/api.h"
#include "cloud/api/guests.h"
#include "cloud/api/services.h"
#include "cloud/core/account/contents.h"
#include "cloud/core/account/users.h"
#include "cloud/loop/worker.h"

struct exchange {
    struct call call; /* first, so that a call is its exchange */
    struct exchange *next, **link;
    struct evhttp_request *request;
    struct sigv4_result result;
    struct access_key key; /* whose signature it claims to be */
    enum sigv4_verdict verdict;
    int64_t now; /* when it came */
    int tries;   /* answers thrown away */
    bool streams;
    struct content_hold held; /* of what streams */
};

struct api {
    struct loop *loop;
    struct cloud *cloud; /* the loop's */
    struct evhttp *http;
    struct evhttp_bound_socket *socket;
    struct delay *delay; /* NULL: clients come straight to the socket */
    struct door *door;
    struct guests *guests;
    struct exchange *exchanges; /* all that are under way */
    bool stopping, downloads;
    struct api_pass pass;
    char *iot_endpoint;
    struct api_watched watched;
};

/* watch.c: whether it asks for the cloud's health or metrics, and may; the answer. */
bool watch_is_asked(struct evhttp_request *request);
void watch_answer(struct api *api, struct evhttp_request *request);

struct exchange *exchange_new(struct api *api, struct evhttp_request *request);
/* The request stays evhttp's. */
void exchange_free(struct exchange *exchange);
/* Calls the handler, and sends the reply once what it tells of is on the disk; or waits. */
void exchange_answer(struct exchange *exchange);
/* Throws the reply away and calls the handler again: the reply no longer holds. */
void exchange_answer_anew(struct exchange *exchange);

/* reply.c: sends the reply and ends the exchange. */
void exchange_send(struct exchange *exchange);

#endif
