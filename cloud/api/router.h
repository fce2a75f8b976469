/* Paths and queries: which handler a request is for, and the parts of its path. */
#ifndef OTTER_CLOUD_API_ROUTER_H
#define OTTER_CLOUD_API_ROUTER_H

#include "cloud/api/call.h"

/* `body` is the parsed JSON, an empty object when there is none. The answer's body, if any, is the
 * reply. */
typedef enum core_error route_handler(struct call *call, const json_t *body, struct answer *answer);

struct route {
    const char *name; /* the operation, as AWS calls it: what policies of users allow */
    enum evhttp_cmd_type method;
    const char *pattern; /* "/things/{}/principals": {} takes one segment, decoded */
    route_handler *handler;
    const char *takes; /* the names that it knows in query and body, between blanks; NULL: none */
};

/* Matches the path of `target` (up to '?'); fills `parameters`, each freed by the caller, in the
 * order of the pattern. On false all are NULL. */
bool router_match(const char *pattern, const char *target, char *parameters[CALL_PARAMETERS_MAX]);

/* The first route of the table (ended by a NULL pattern) that fits; NULL when there is none. */
const struct route *router_find(const struct route *routes, enum evhttp_cmd_type method,
                                const char *target, char *parameters[CALL_PARAMETERS_MAX]);

/* Decodes "a=b&c" into an object of texts, freed by the caller; NULL when the encoding is broken or
 * the text is no UTF-8. */
json_t *router_parse_query(const char *text);

#endif
