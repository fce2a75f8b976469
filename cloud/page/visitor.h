/* What a browser's request says of where it comes from: texts in, yes or no out.
 *
 * A page on loopback is open to every site that the same browser shows: such a site may send
 * requests here, or give its own name this address (DNS rebinding). So the name that the browser
 * used must be one of loopback's own, and what says where a request began must be this page. */
#ifndef OTTER_CLOUD_PAGE_VISITOR_H
#define OTTER_CLOUD_PAGE_VISITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VISITOR_SECRET_SIZE 65 /* 64 hex digits and a NUL */

/* A Host header: 127.0.0.1, localhost or [::1], and this port. NULL is none. */
bool visitor_host_ours(const char *host, uint16_t port);
/* An Origin header: http:// and such a host. */
bool visitor_origin_ours(const char *origin, uint16_t port);
/* The value of a cookie in a Cookie header, if it is 64 lower-case hex digits; else false. */
bool visitor_cookie(const char *header, const char *name, char value[VISITOR_SECRET_SIZE]);
/* The value of a header in a head as it came (lines up to an empty one), copied; false: it is not
 * there, or longer than `size`. */
bool visitor_header(const char *head, const char *name, char *value, size_t size);
/* 64 lower-case hex digits and nothing else. */
bool visitor_secret_valid(const char *text);

#endif
