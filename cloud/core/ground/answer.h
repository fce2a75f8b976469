/* What a function of the core answers: an error or OK, and a body or a message.
 *
 * A function that can refuse returns a `core_error` and fills an `answer`: its body on CORE_OK, a
 * message for a person otherwise. An answer is begun with ANSWER_INIT and ended with answer_free;
 * both are cheap and may be repeated. */
#ifndef OTTER_CLOUD_CORE_GROUND_ANSWER_H
#define OTTER_CLOUD_CORE_GROUND_ANSWER_H

#include <jansson.h>

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
    X(CORE_CONFLICT, "Conflict")                                                                   \
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
    X(CORE_REGISTRATION_CODE, "RegistrationCodeValidation")                                        \
    X(CORE_QUERY, "InvalidQuery")                                                                  \
    X(CORE_AGGREGATION, "InvalidAggregation")                                                      \
    X(CORE_SQL, "SqlParse")                                                                        \
    X(CORE_CERTIFICATE_CONFLICT, "CertificateConflict")                                            \
    X(CORE_REGISTRATION_FAILURE, "ResourceRegistrationFailure")                                    \
    X(CORE_OWNERSHIP_TOKEN, "InvalidCertificateOwnershipToken")                                    \
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
    X(CORE_ENCODING, "UnsupportedDocumentEncoding")                                                \
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

#endif
