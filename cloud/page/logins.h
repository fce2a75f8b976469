/* Who may see the page: whoever has brought the link's token once, and since then its cookie.
 *
 * The token lies in DIR/page-token, in a folder that its owner alone may enter: the cloud writes
 * one at its start, `otter cloud page` writes another, and whoever comes with it in time takes it
 * away.
 * Of the cookies there are digests in DIR/page-logins, so that a page that is open comes back by
 * itself when the cloud does. */
#ifndef OTTER_CLOUD_PAGE_LOGINS_H
#define OTTER_CLOUD_PAGE_LOGINS_H

#include <stdbool.h>
#include <stdint.h>

#include "cloud/page/visitor.h"

#define LOGINS_MAX    16u   /* browsers at a time; the one that was away longest goes first */
#define LOGINS_KEPT_S 43200 /* without a request: half a day */
#define LOGINS_LINK_S 900   /* that a token works */
#define LOGINS_NOTE_S 600   /* so exactly the file says when each was seen */

struct logins {
    const char *dir;
    int64_t noted; /* when the file was written */
    struct login {
        char digest[VISITOR_SECRET_SIZE]; /* of the secret; "": free */
        int64_t seen;                     /* seconds */
    } all[LOGINS_MAX];
};

/* Those that the file tells of; none when it is not there or cannot be read. `dir` must live
 * longer. */
void logins_open(struct logins *logins, const char *dir);

/* Writes a new token in place of the one that is there; `now` in seconds. False, with errno. */
bool logins_new_token(const char *dir, int64_t now, char token[VISITOR_SECRET_SIZE]);
/* Takes the token away and gives a cookie's secret for it; false: it is not the one that is there,
 * was brought before, or is older than LOGINS_LINK_S, which takes it away too. */
bool logins_begin(struct logins *logins, const char *token, int64_t now,
                  char secret[VISITOR_SECRET_SIZE]);
/* Whether it is that of a login; keeps it alive. */
bool logins_know(struct logins *logins, const char *secret, int64_t now);
void logins_end(struct logins *logins, const char *secret);

#endif
