/* What browsers are told without asking: Server-Sent Events, a stream for each open page.
 *
 *     event: hello     {"listener": id}        the first; filters are set by this id
 *     event: changed   {}                      something in the database is not what it was
 *     event: message   {"topic","size","atMs","payload" (text) or "base64","cut"?}
 *     event: lost      {"messages": n}         that the browser was too slow for
 *
 * A listener costs at most some LIVE_BACKLOG bytes, however slow it is. */
#ifndef OTTER_CLOUD_PAGE_LIVE_H
#define OTTER_CLOUD_PAGE_LIVE_H

#include <jansson.h>

#include "cloud/loop/loop.h"

#define LIVE_MAX         64     /* listeners */
#define LIVE_FILTERS_MAX 20     /* of each */
#define LIVE_BACKLOG     262144 /* bytes unsent, above which messages are lost */
#define LIVE_PAYLOAD_MAX 16384  /* of a payload that are shown */

struct broker;
struct evhttp_request;
struct live;

struct live *live_new(struct loop *loop, struct broker *broker); /* NULL: out of memory */
/* Ends all streams. */
void live_free(struct live *live);

/* Makes the request a stream; false, having done nothing, when there are too many. */
bool live_listen(struct live *live, struct evhttp_request *request);

/* Sets which messages a listener gets: an array of MQTT filters. NULL, or what is wrong. */
const char *live_set_filters(struct live *live, const char *listener, const json_t *filters);

#endif
