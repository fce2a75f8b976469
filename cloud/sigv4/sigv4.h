/* AWS Signature Version 4: checks that a request was signed with the secret that we know.
 *
 * Both forms: the Authorization header and the presigned query. Nothing is accepted unsigned; the
 * comparison takes the same time wherever the signatures differ. */
#ifndef OTTER_CLOUD_SIGV4_SIGV4_H
#define OTTER_CLOUD_SIGV4_SIGV4_H

#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cloud/core/account/sigv4_key.h"

struct sigv4_keys {
    const char *id, *secret, *region;
};

struct sigv4_request {
    const char *method; /* "GET" */
    const char *target; /* path and query as sent */
    const struct evkeyvalq *headers;
    const void *body; /* as received */
    size_t body_size;
};

enum sigv4_verdict {
    SIGV4_OK,
    SIGV4_MISSING,    /* no credentials at all */
    SIGV4_INCOMPLETE, /* malformed: a part is missing or broken */
    SIGV4_VERSION_2,  /* signed as it was done before Version 4 */
    SIGV4_UNKNOWN_KEY,
    SIGV4_REGION, /* signed for another region */
    SIGV4_MISMATCH,
    SIGV4_SKEWED,  /* the clocks differ too much */
    SIGV4_EXPIRED, /* a presigned URL whose time is over */
    SIGV4_BODY,    /* the body is not what was signed */
};

enum sigv4_payload {
    SIGV4_PAYLOAD_PLAIN,
    SIGV4_PAYLOAD_CHUNKED,        /* aws-chunked, unsigned chunks, checksum in the trailer */
    SIGV4_PAYLOAD_CHUNKED_SIGNED, /* aws-chunked, each chunk signed */
};

/* What a check finds out. `service` is filled even when the request is refused, if it was named. */
struct sigv4_result {
    char service[32];
    enum sigv4_payload payload;
    char message[160];  /* for SIGV4_INCOMPLETE, SIGV4_REGION */
    char body_hash[65]; /* SHA-256 of the body as it came, in hex; "": nobody had to know */
    /* to go on checking signed chunks */
    unsigned char key[32];
    char date[17], scope[128], signature[65];
};

#define SIGV4_KEY_ID_SIZE 132

/* The key id that the request names, for looking up what belongs to it; false: it names none. */
bool sigv4_key_id(const struct sigv4_request *request, char id[SIGV4_KEY_ID_SIZE]);

/* `now` in seconds since 1970. */
enum sigv4_verdict sigv4_check(const struct sigv4_request *request, const struct sigv4_keys *keys,
                               int64_t now, struct sigv4_result *result);

/* The canonical request with this list of signed headers (separated by ';') and payload hash, freed
 * by the caller. `s3` takes the path as it is; the others' is normalised and encoded once more. */
char *sigv4_canonical(const struct sigv4_request *request, const char *signed_headers,
                      const char *payload_hash, bool s3);

#endif
