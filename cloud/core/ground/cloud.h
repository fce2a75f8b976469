/* The cloud's shared ground: one event loop, one database, one broker, one clock.
 *
 * Everything in cloud/ runs on the thread of `base`, but for what is given to the worker; nothing
 * locks. Functions of core/ take the cloud first, change the database inside one transaction, and
 * then tell the world through cloud_publish, which waits for the outermost commit. They are called
 * alike by the gateway (MQTT) and by the API (HTTP).
 *
 * Answers: a function that can refuse returns a `core_error` and fills an `answer`: its body on
 * CORE_OK, a message for a person otherwise. An answer is begun with ANSWER_INIT and ended with
 * answer_free; both are cheap and may be repeated. */
#ifndef OTTER_CLOUD_CORE_GROUND_CLOUD_H
#define OTTER_CLOUD_CORE_GROUND_CLOUD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "port/status.h"

struct broker;
struct cloud_timers;
struct db;
struct bufferevent;
struct event;
struct event_base;
struct ota_work;
struct windows;
struct worker;

#define CLOUD_REGION  "us-east-1"
#define CLOUD_ACCOUNT "123456789012"

/* Why a request was refused. Jobs and streams over MQTT write the text below as `code`; the API
 * maps the same values to HTTP errors. */
#define CORE_ERROR_LIST(X)                                                                         \
    X(CORE_OK, "OK")                                                                               \
    X(CORE_INVALID_TOPIC, "InvalidTopic")                                                          \
    X(CORE_INVALID_JSON, "InvalidJson")                                                            \
    X(CORE_INVALID_CBOR, "InvalidCbor")                                                            \
    X(CORE_INVALID_REQUEST, "InvalidRequest")                                                      \
    X(CORE_INVALID_STATE, "InvalidStateTransition")                                                \
    X(CORE_NOT_FOUND, "ResourceNotFound")                                                          \
    X(CORE_EXISTS, "ResourceAlreadyExists")                                                        \
    X(CORE_LIMIT, "LimitExceeded")                                                                 \
    X(CORE_VERSION_MISMATCH, "VersionMismatch")                                                    \
    X(CORE_TERMINAL_STATE, "TerminalStateReached")                                                 \
    X(CORE_UNAUTHORIZED, "Unauthorized")                                                           \
    X(CORE_BLOCK_SIZE, "BlockSizeOutOfBounds")                                                     \
    X(CORE_BLOCK_OFFSET, "OffsetOutOfBounds")                                                      \
    X(CORE_BLOCK_COUNT, "BlockCountLimitExceeded")                                                 \
    X(CORE_BLOCK_BITMAP, "BlockBitmapLimitExceeded")                                               \
    X(CORE_ETAG_MISMATCH, "ETagMismatch")                                                          \
    X(CORE_INTERNAL, "InternalError")                                                              \
    /* registry */                                                                                 \
    X(CORE_DELETE_CONFLICT, "DeleteConflict")                                                      \
    X(CORE_VERSION_CONFLICT, "VersionConflict")                                                    \
    X(CORE_CERTIFICATE_STATE, "CertificateState")                                                  \
    X(CORE_CERTIFICATE_INVALID, "CertificateValidation")                                           \
    X(CORE_POLICY_MALFORMED, "MalformedPolicy")                                                    \
    X(CORE_VERSIONS_LIMIT, "VersionsLimitExceeded")                                                \
    /* objects */                                                                                  \
    X(CORE_NO_BUCKET, "NoSuchBucket")                                                              \
    X(CORE_NO_KEY, "NoSuchKey")                                                                    \
    X(CORE_NO_VERSION, "NoSuchVersion")                                                            \
    X(CORE_NO_UPLOAD, "NoSuchUpload")                                                              \
    X(CORE_DELETE_MARKER, "MethodNotAllowed")                                                      \
    X(CORE_BUCKET_NAME, "InvalidBucketName")                                                       \
    X(CORE_BUCKET_OWNED, "BucketAlreadyOwnedByYou")                                                \
    X(CORE_BUCKET_NOT_EMPTY, "BucketNotEmpty")                                                     \
    X(CORE_PART_INVALID, "InvalidPart")                                                            \
    X(CORE_PART_ORDER, "InvalidPartOrder")                                                         \
    X(CORE_TOO_SMALL, "EntityTooSmall")                                                            \
    X(CORE_TOO_LARGE, "EntityTooLarge")                                                            \
    X(CORE_KEY_TOO_LONG, "KeyTooLong")                                                             \
    X(CORE_MALFORMED_XML, "MalformedXML")                                                          \
    X(CORE_INVALID_TAG, "InvalidTag")                                                              \
    X(CORE_VALIDATION, "Validation")                                                               \
    X(CORE_INVALID_ARN, "InvalidArn")                                                              \
    X(CORE_PRECONDITION, "PreconditionFailed")                                                     \
    X(CORE_NOT_IMPLEMENTED, "NotImplemented")

enum core_error {
#define X(name, text) name,
    CORE_ERROR_LIST(X)
#undef X
};

const char *core_error_text(enum core_error error);

struct answer {
    json_t *body;      /* owned; NULL where the function has nothing to say */
    char message[256]; /* set when refused */
};

#define ANSWER_INIT                                                                                \
    {                                                                                              \
        NULL, ""                                                                                   \
    }

void answer_free(struct answer *answer);
/* Sets the message, frees the body, and returns `error`: `return answer_refuse(a, CORE_..., ...)`.
 */
enum core_error answer_refuse(struct answer *answer, enum core_error error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

struct cloud_config {
    const char *dir;    /* holds otter.db, the certificates, the broker's socket; exists already */
    const char *region; /* NULL: CLOUD_REGION */
    const char *account;
    int64_t (*now_ms)(void *context); /* milliseconds since 1970; NULL: the system's clock */
    void *now_context;
    bool strict; /* refuse what AWS's documentation leaves open but AWS's own devices avoid */
    bool group_commits; /* one commit for each turn of the loop, see cloud_hold_output */
};

struct cloud {
    struct event_base *base;
    struct db *db;
    struct broker *broker;
    struct cloud_timers *timers;
    struct event *turn_end; /* commits; NULL: each change is committed on its own */
    struct {
        size_t now, before;   /* callers of the open group, and of those that went before */
        unsigned patience_ms; /* the longest that a group waits for as many as before */
    } callers;
    struct windows *windows;
    struct worker *worker;
    struct ota_work *updates;   /* OTA updates that are being signed */
    struct content_hold *holds; /* large contents being read, see contents.h */
    char dir[512];
    char region[32];
    char account[16];
    bool strict; /* as configured */

    int64_t (*now_ms)(void *context); /* as configured */
    /* Publishes at QoS 1 to whoever subscribed; NULL sends to `broker`. Tests listen here. */
    void (*publish)(void *context, const char *topic, const void *payload, size_t length);
    /* Certificates, policies or attachments changed: live connections must be looked at again,
     * those of one certificate (its id) or, if that is NULL, all. Set by the gateway; NULL while
     * there is none. */
    void (*identity_changed)(void *context, const char *certificate);
    void *now_context, *publish_context, *identity_context;
};

/* Opens the database in config->dir, starts the timers and, if `with_broker`, Mosquitto and the
 * link to it. Returns OTTER_OK, or says on stderr what is wrong and what to do. After a failure
 * there is nothing to stop. `base` stays the caller's. */
otter_status cloud_start(struct cloud *cloud, struct event_base *base,
                         const struct cloud_config *config, bool with_broker);
/* Stops timers, link, Mosquitto, database, in that order; gateway and API must have ended. */
void cloud_stop(struct cloud *cloud);

int64_t cloud_now_ms(const struct cloud *cloud);
int64_t cloud_now(const struct cloud *cloud); /* seconds */

/* Sends an ordinary message through the broker, at QoS 1, once what is written to the database so
 * far is on the disk; not at all when it is rolled back. Never blocks; while the broker is away a
 * bounded number wait for it. */
void cloud_publish(struct cloud *cloud, const char *topic, const void *payload, size_t length);
void cloud_publish_json(struct cloud *cloud, const char *topic, const json_t *body);

/* Keeps what lies in a connection's output until what is written to the database so far is on the
 * disk; if it cannot be, the connection ends and nothing of it is sent. To be called after an
 * answer was put there, so that nothing is acknowledged that a power cut could undo. */
void cloud_hold_output(struct cloud *cloud, struct bufferevent *connection);

/* db_after_commit for a client that asks nothing more before it has its answer. Where several do so
 * at once, a commit waits a moment for as many of them as had their answers last, so that they
 * share the next one too; a client alone never waits. */
void cloud_answer_after_commit(struct cloud *cloud,
                               void (*settled)(void *context, otter_status status), void *context);

/* To be called after each change to policies and things that may concern any certificate.
 * Connections see the new policies from their next packet on. */
void cloud_identity_changed(struct cloud *cloud);
/* The same when only one certificate is concerned: its status, or what is attached to it.
 * `certificate` is its id or ARN. Its connections end at once if it is no longer ACTIVE. */
void cloud_certificate_changed(struct cloud *cloud, const char *certificate);

/* One line on stdout: time of day, the area in a column of its own ("gateway", "jobs", "api"),
 * text. */
void cloud_log(const char *area, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Lines that stdout does not take at once wait in a buffer of bounded size; with a loop they leave
 * as soon as it does. What finds no room is counted and said. NULL ends that; `base` must outlive
 * it. */
void cloud_log_attach(struct event_base *base);

#endif
