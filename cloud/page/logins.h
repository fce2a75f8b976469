/* Who may see the page: whoever has brought the link's token once, and since then its cookie.
 *
 * The token lies in DIR/page-token, in a folder that its owner alone may enter: the cloud writes
 * one at its start, `otter cloud page` writes another, and whoever comes with it takes it away. */
#ifndef OTTER_CLOUD_PAGE_LOGINS_H
#define OTTER_CLOUD_PAGE_LOGINS_H

#include <stdbool.h>
#include <stdint.h>

#include "cloud/page/visitor.h"

#define LOGINS_MAX    16u   /* browsers at a time; the one that was away longest goes first */
#define LOGINS_KEPT_S 43200 /* without a request: half a day */

/* All 0 at first. */
struct logins {
    struct login {
        char secret[VISITOR_SECRET_SIZE]; /* "": free */
        int64_t seen;                     /* seconds */
    } all[LOGINS_MAX];
};

/* Writes a new token in place of the one that is there. False, with errno. */
bool logins_new_token(const char *dir, char token[VISITOR_SECRET_SIZE]);
/* Takes the token away and gives a cookie's secret for it; false: it is not the one that is there,
 * or was brought before. */
bool logins_begin(struct logins *logins, const char *dir, const char *token, int64_t now,
                  char secret[VISITOR_SECRET_SIZE]);
/* Whether it is that of a login; keeps it alive. */
bool logins_know(struct logins *logins, const char *secret, int64_t now);
void logins_end(struct logins *logins, const char *secret);

#endif
