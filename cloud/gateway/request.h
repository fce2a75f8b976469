/* The head of an HTTP/1.1 request, as a device's connection brings it. */
#ifndef OTTER_CLOUD_GATEWAY_REQUEST_H
#define OTTER_CLOUD_GATEWAY_REQUEST_H

#include <event2/keyvalq_struct.h>
#include <stdbool.h>
#include <stddef.h>

#define REQUEST_HEAD_MAX 8192u

struct request {
    char method[8];
    char *target; /* path and query as sent */
    struct evkeyvalq headers;
};

/* Bytes up to and with the empty line; 0 when it has not come. */
size_t request_head_size(const char *bytes, size_t size);

/* Reads a whole head. NULL, and `request` to be ended with request_free; or what is wrong with it,
 * for a person. */
const char *request_read(struct request *request, const char *head, size_t size);
void request_free(struct request *request);

/* The value of a header without blanks around it; NULL when it is absent. */
const char *request_header(const struct request *request, const char *name);
/* Whether `word` is one of the values of the header, between commas, case aside. */
bool request_names(const struct request *request, const char *name, const char *word);

#endif
