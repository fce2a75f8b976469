/* The account whose cloud this is, and what all of its services share: database, clock, names of
 * things (ARNs, ids), and the way a refusal is told.
 *
 * Operations of the services take JSON as the API carries it and give JSON back, so that HTTP,
 * MQTT and the console show the same. They return OTTER_OK, or OTTER_E_REFUSED with AWS's name of
 * the error and a text in `problem`, or OTTER_E_IO (problem: InternalFailureException). */
#ifndef OTTER_CLOUD_CORE_ACCOUNT_H
#define OTTER_CLOUD_CORE_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "cloud/store/db.h"
#include "port/status.h"

struct account {
    struct db *db;
    char id[16];              /* twelve digits */
    char region[32];          /* us-east-1 */
    int64_t (*clock_ms)(void); /* milliseconds since 1970; NULL is the machine's clock */
};

#define ACCOUNT_ID_DEFAULT "123456789012"
#define ACCOUNT_REGION_DEFAULT "us-east-1"

int64_t account_now(const struct account *account);    /* seconds since 1970 */
int64_t account_now_ms(const struct account *account); /* milliseconds since 1970 */

/* ---- refusals ---- */

struct problem {
    const char *name; /* AWS's, with its suffix: "ResourceNotFoundException"; static storage */
    char message[256];
    char resource_id[136];  /* of ResourceAlreadyExistsException, else "" */
    char resource_arn[256]; /* the same */
};

/* Fills `problem`, returns OTTER_E_REFUSED. */
otter_status problem_set(struct problem *problem, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The common ones. */
otter_status problem_not_found(struct problem *problem, const char *kind, const char *name);
otter_status problem_exists(struct problem *problem, const char *kind, const char *name,
                            const char *arn);
/* Turns a failed database call into a problem; OTTER_OK passes. */
otter_status problem_of_db(struct problem *problem, struct db *db, otter_status status);

/* ---- names ---- */

#define ARN_MAX 512

struct arn {
    char text[ARN_MAX];
};

/* arn:aws:SERVICE:REGION:ACCOUNT:... */
struct arn arn_make(const struct account *account, const char *service, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The part after "arn:aws:SERVICE:REGION:ACCOUNT:" + `type` + "/", or NULL when `arn` is not of
 * that service and type, or of another account or region. */
const char *arn_name(const struct account *account, const char *arn, const char *service,
                     const char *type);

#define UUID_SIZE 37
void uuid_make(char text[UUID_SIZE]);

/* `count` random characters of `alphabet`, and a NUL. */
void random_text(char *text, size_t count, const char *alphabet);

/* Whether `text` is 1..`longest` characters, each ASCII letter, digit or one of `others`. */
bool name_valid(const char *text, size_t longest, const char *others);

/* ---- JSON ---- */

/* Text of a member, or NULL when it is absent or no string. */
const char *json_text(const json_t *object, const char *name);

/* Parses text kept in the database, which we wrote ourselves; `fallback` ("{}", "[]") when NULL. */
json_t *json_stored(const char *text, const char *fallback);

/* Lower-case hex, with a NUL. */
void hex_encode(char *text, const void *bytes, size_t size);
/* Base64 of `bytes`, freed by the caller; and back, NULL when it is not base64. */
char *base64_encode(const void *bytes, size_t size);
void *base64_decode(const char *text, size_t *size);

#endif
