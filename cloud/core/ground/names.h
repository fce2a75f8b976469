/* Names and encodings that all services of the cloud share: ARNs, ids, hex, base64.
 *
 * Allocation never fails here: the host ends the program when memory is out. */
#ifndef OTTER_CLOUD_CORE_GROUND_NAMES_H
#define OTTER_CLOUD_CORE_GROUND_NAMES_H

#include "cloud/core/ground/cloud.h"

#define ARN_MAX 512

struct arn {
    char text[ARN_MAX];
};

/* arn:aws:SERVICE:REGION:ACCOUNT:... */
struct arn arn_make(const struct cloud *cloud, const char *service, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The part after "arn:aws:SERVICE:REGION:ACCOUNT:" + `type` + "/", or NULL when `arn` is not of
 * that service and type, or of another account or region. */
const char *arn_name(const struct cloud *cloud, const char *arn, const char *service,
                     const char *type);

#define UUID_SIZE 37
void uuid_make(char text[UUID_SIZE]);

/* `count` random characters of `alphabet`, and a NUL. */
void random_text(char *text, size_t count, const char *alphabet);

/* Whether `text` is 1..`longest` characters, each ASCII letter, digit or one of `others`. */
bool name_valid(const char *text, size_t longest, const char *others);

/* A filter of a list: NULL, or one of `known`, which blanks divide; else CORE_INVALID_REQUEST. */
enum core_error check_filter(const char *name, const char *value, const char *known,
                             struct answer *answer);

/* CORE_INTERNAL, with the database's own words. */
enum core_error answer_db_failed(struct cloud *cloud, struct answer *answer);

/* ---- JSON ---- */

/* Text of a member, or NULL when it is absent or no string. */
const char *json_text(const json_t *object, const char *name);

/* Parses text kept in the database, which we wrote ourselves; `fallback` ("{}", "[]") when NULL. */
json_t *json_stored(const char *text, const char *fallback);

/* Lower-case hex, with a NUL. */
void hex_encode(char *text, const void *bytes, size_t size);
/* `size` bytes from hex of either case; anything else counts as 0. */
void hex_decode(void *bytes, const char *text, size_t size);
/* Base64 of `bytes`, freed by the caller; and back, NULL when it is not base64. */
char *base64_new(const void *bytes, size_t size);
void *base64_bytes(const char *text, size_t *size);

#endif
