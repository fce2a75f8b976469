/* Requests for the tests of SigV4, made by hand. */
#ifndef TEST_CLOUD_API_REQUEST_H
#define TEST_CLOUD_API_REQUEST_H

#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/queue.h>

#include <cmocka.h>

#include "cloud/sigv4/sigv4.h"

/* "name:value" pairs up to NULL. */
static inline void fill_headers(struct evkeyvalq *headers, const char *const *pairs)
{
    TAILQ_INIT(headers);
    for (; *pairs; pairs++) {
        char name[64];
        const char *colon = strchr(*pairs, ':');
        memcpy(name, *pairs, (size_t)(colon - *pairs));
        name[colon - *pairs] = 0;
        assert_int_equal(evhttp_add_header(headers, name, colon + 1), 0);
    }
}

#endif
