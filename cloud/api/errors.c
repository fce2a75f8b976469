/* Names and HTTP statuses of refusals; see errors.h. */
#include "cloud/api/errors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/api/xml.h"

/* ---- writing ---- */

static void write_json(struct call *call, enum protocol protocol, const char *name,
                       const char *message, const json_t *details)
{
    json_t *body = json_pack("{s:s}", "message", message);
    if (details)
        json_object_update(body, (json_t *)details);
    if (protocol == PROTOCOL_SIGNER)
        json_object_set_new(body, "code", json_string(name));
    if (protocol == PROTOCOL_ACM)
        json_object_set_new(body, "__type", json_string(name));
    else
        call_reply_header(call, "x-amzn-ErrorType", name);
    char *text = json_dumps(body, JSON_COMPACT);
    text_add(&call->reply, text ? text : "{}");
    free(text);
    json_decref(body);
    call->content_type =
        protocol == PROTOCOL_ACM ? "application/x-amz-json-1.1" : "application/json";
}

static void write_s3(struct call *call, const char *name, const char *message)
{
    char *path = text_decode(call->target, strcspn(call->target, "?"), 0);
    text_add(&call->reply, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>");
    xml_add(&call->reply, "Code", name);
    xml_add(&call->reply, "Message", message);
    xml_add(&call->reply, "Resource", path ? path : "");
    xml_add(&call->reply, "RequestId", call->request_id);
    xml_add(&call->reply, "HostId", call->request_id);
    xml_end(&call->reply, "Error");
    call->content_type = "application/xml";
    free(path);
}

static void write_query(struct call *call, const char *name, int status, const char *message)
{
    text_add(&call->reply, "<ErrorResponse><Error>");
    xml_add(&call->reply, "Type", status < 500 ? "Sender" : "Receiver");
    xml_add(&call->reply, "Code", name);
    xml_add(&call->reply, "Message", message);
    xml_end(&call->reply, "Error");
    xml_add(&call->reply, "RequestId", call->request_id);
    xml_end(&call->reply, "ErrorResponse");
    call->content_type = "text/xml";
}

void error_reply(struct call *call, enum protocol protocol, const char *name, int status,
                 const char *message, const json_t *details)
{
    text_free(&call->reply);
    call->status = status;
    if (protocol == PROTOCOL_S3)
        write_s3(call, name, message);
    else if (protocol == PROTOCOL_QUERY)
        write_query(call, name, status, message);
    else
        write_json(call, protocol, name, message, details);
}

/* ---- what the core refused ---- */

struct row {
    enum core_error error;
    const char *name;
    int status;
};

static const struct row iot_rows[] = {
    {CORE_INVALID_STATE, "InvalidStateTransitionException", 409},
    {CORE_NOT_FOUND, "ResourceNotFoundException", 404},
    {CORE_EXISTS, "ResourceAlreadyExistsException", 409},
    {CORE_CONFLICT, "ConflictException", 409},
    {CORE_LIMIT, "LimitExceededException", 410},
    {CORE_VERSION_MISMATCH, "VersionConflictException", 409},
    {CORE_VERSION_CONFLICT, "VersionConflictException", 409},
    {CORE_TERMINAL_STATE, "TerminalStateException", 410},
    {CORE_UNAUTHORIZED, "UnauthorizedException", 401},
    {CORE_DELETE_CONFLICT, "DeleteConflictException", 409},
    {CORE_CERTIFICATE_STATE, "CertificateStateException", 406},
    {CORE_CERTIFICATE_INVALID, "CertificateValidationException", 400},
    {CORE_POLICY_MALFORMED, "MalformedPolicyException", 400},
    {CORE_VERSIONS_LIMIT, "VersionsLimitExceededException", 409},
    {CORE_SQL, "SqlParseException", 400},
    {CORE_QUERY, "InvalidQueryException", 400},
    {CORE_AGGREGATION, "InvalidAggregationException", 400},
    {CORE_REGISTRATION_CODE, "RegistrationCodeValidationException", 400},
    {CORE_CERTIFICATE_CONFLICT, "CertificateConflictException", 409},
    {CORE_REGISTRATION_FAILURE, "ResourceRegistrationFailureException", 400},
    {CORE_NO_BUCKET, "ResourceNotFoundException", 404},
    {CORE_NO_KEY, "ResourceNotFoundException", 404},
    {CORE_NO_VERSION, "ResourceNotFoundException", 404},
    {CORE_INTERNAL, "InternalFailureException", 500},
    {CORE_OK, "InvalidRequestException", 400},
};
/* iot-jobs-data has no name of its own for a version that differs: the message says it. */
static const struct row jobs_data_rows[] = {
    {CORE_INVALID_STATE, "InvalidStateTransitionException", 409},
    {CORE_VERSION_MISMATCH, "InvalidStateTransitionException", 409},
    {CORE_NOT_FOUND, "ResourceNotFoundException", 404},
    {CORE_TERMINAL_STATE, "TerminalStateException", 410},
    {CORE_INTERNAL, "ServiceUnavailableException", 503},
    {CORE_OK, "InvalidRequestException", 400},
};
static const struct row iot_data_rows[] = {
    {CORE_NOT_FOUND, "ResourceNotFoundException", 404},
    {CORE_VERSION_CONFLICT, "ConflictException", 409},
    {CORE_TOO_LARGE, "RequestEntityTooLargeException", 413},
    {CORE_ENCODING, "UnsupportedDocumentEncodingException", 415},
    {CORE_UNAUTHORIZED, "ForbiddenException", 403},
    {CORE_INTERNAL, "InternalFailureException", 500},
    {CORE_OK, "InvalidRequestException", 400},
};
static const struct row signer_rows[] = {
    {CORE_NOT_FOUND, "ResourceNotFoundException", 404},
    {CORE_INTERNAL, "InternalServiceErrorException", 500},
    {CORE_OK, "ValidationException", 400},
};
static const struct row acm_rows[] = {
    {CORE_NOT_FOUND, "ResourceNotFoundException", 400},
    {CORE_VALIDATION, "ValidationException", 400},
    {CORE_INVALID_ARN, "InvalidArnException", 400},
    {CORE_LIMIT, "LimitExceededException", 400},
    {CORE_DELETE_CONFLICT, "ResourceInUseException", 400},
    {CORE_INTERNAL, "InternalFailure", 500},
    {CORE_OK, "InvalidParameterException", 400},
};
static const struct row s3_rows[] = {
    {CORE_NO_BUCKET, "NoSuchBucket", 404},
    {CORE_NO_KEY, "NoSuchKey", 404},
    {CORE_NO_VERSION, "NoSuchVersion", 404},
    {CORE_NO_UPLOAD, "NoSuchUpload", 404},
    {CORE_DELETE_MARKER, "MethodNotAllowed", 405},
    {CORE_BUCKET_NAME, "InvalidBucketName", 400},
    {CORE_BUCKET_OWNED, "BucketAlreadyOwnedByYou", 409},
    {CORE_BUCKET_NOT_EMPTY, "BucketNotEmpty", 409},
    {CORE_PART_INVALID, "InvalidPart", 400},
    {CORE_PART_ORDER, "InvalidPartOrder", 400},
    {CORE_TOO_SMALL, "EntityTooSmall", 400},
    {CORE_TOO_LARGE, "EntityTooLarge", 400},
    {CORE_KEY_TOO_LONG, "KeyTooLongError", 400},
    {CORE_MALFORMED_XML, "MalformedXML", 400},
    {CORE_INVALID_TAG, "InvalidTag", 400},
    {CORE_VALIDATION, "InvalidRequest", 400},
    {CORE_PRECONDITION, "PreconditionFailed", 412},
    {CORE_NOT_IMPLEMENTED, "NotImplemented", 501},
    {CORE_INTERNAL, "InternalError", 500},
    {CORE_OK, "InvalidArgument", 400},
};
static const struct row query_rows[] = {
    {CORE_NOT_FOUND, "NoSuchEntity", 404},
    {CORE_EXISTS, "EntityAlreadyExists", 409},
    {CORE_DELETE_CONFLICT, "DeleteConflict", 409},
    {CORE_LIMIT, "LimitExceeded", 409},
    {CORE_POLICY_MALFORMED, "MalformedPolicyDocument", 400},
    {CORE_INTERNAL, "ServiceFailure", 500},
    {CORE_OK, "ValidationError", 400},
};

static const struct row *const protocol_rows[] = {
    [PROTOCOL_IOT] = iot_rows,           [PROTOCOL_JOBS_DATA] = jobs_data_rows,
    [PROTOCOL_IOT_DATA] = iot_data_rows, [PROTOCOL_SIGNER] = signer_rows,
    [PROTOCOL_ACM] = acm_rows,           [PROTOCOL_S3] = s3_rows,
    [PROTOCOL_QUERY] = query_rows,
};

static const struct row *row_of(enum protocol protocol, enum core_error error)
{
    const struct row *row = protocol_rows[protocol];
    while (row->error != CORE_OK && row->error != error) /* the last row takes all others */
        row++;
    return row;
}

const char *error_name(enum protocol protocol, enum core_error error)
{
    return row_of(protocol, error)->name;
}

void error_reply_core(struct call *call, enum protocol protocol, enum core_error error,
                      const struct answer *answer)
{
    const struct row *row = row_of(protocol, error);
    const char *message = answer->message[0] ? answer->message : core_error_text(error);
    error_reply(call, protocol, row->name, row->status, message, answer->body);
}

/* ---- what is not accepted ---- */

struct refusal {
    const char *message;
    const char *names[7]; /* by protocol */
};

#define JSON_NAMES(name)                                                                           \
    [PROTOCOL_IOT] = (name), [PROTOCOL_JOBS_DATA] = (name), [PROTOCOL_IOT_DATA] = (name),          \
    [PROTOCOL_SIGNER] = (name), [PROTOCOL_ACM] = (name)

static const struct refusal refusals[] = {
    [SIGV4_MISSING] =
        {"Missing Authentication Token",
         {JSON_NAMES("MissingAuthenticationTokenException"), [PROTOCOL_S3] = "AccessDenied",
          [PROTOCOL_QUERY] = "MissingAuthenticationToken"}},
    [SIGV4_INCOMPLETE] =
        {"The signature is incomplete",
         {JSON_NAMES("IncompleteSignatureException"), [PROTOCOL_S3] = "AccessDenied",
          [PROTOCOL_QUERY] = "IncompleteSignature"}},
    [SIGV4_VERSION_2] =
        {"The request is signed with Signature Version 2, which AWS and this cloud do not take: "
         "sign "
         "with AWS4-HMAC-SHA256 (for presigned URLs: aws configure set "
         "default.s3.signature_version "
         "s3v4).",
         {JSON_NAMES("IncompleteSignatureException"), [PROTOCOL_S3] = "InvalidRequest",
          [PROTOCOL_QUERY] = "IncompleteSignature"}},
    [SIGV4_UNKNOWN_KEY] =
        {"The security token included in the request is invalid.",
         {JSON_NAMES("UnrecognizedClientException"), [PROTOCOL_S3] = "InvalidAccessKeyId",
          [PROTOCOL_QUERY] = "InvalidClientTokenId"}},
    [SIGV4_REGION] = {"Credential should be scoped to a valid region.",
                      {JSON_NAMES("InvalidSignatureException"), [PROTOCOL_S3] = "AccessDenied",
                       [PROTOCOL_QUERY] = "SignatureDoesNotMatch"}},
    [SIGV4_MISMATCH] =
        {"The request signature we calculated does not match the signature you "
         "provided. Check your AWS Secret Access Key and signing method.",
         {JSON_NAMES("InvalidSignatureException"), [PROTOCOL_S3] = "SignatureDoesNotMatch",
          [PROTOCOL_QUERY] = "SignatureDoesNotMatch"}},
    [SIGV4_SKEWED] =
        {"The difference between the request time and the current time is too large.",
         {JSON_NAMES("InvalidSignatureException"), [PROTOCOL_S3] = "RequestTimeTooSkewed",
          [PROTOCOL_QUERY] = "SignatureDoesNotMatch"}},
    [SIGV4_EXPIRED] = {"Request has expired",
                       {JSON_NAMES("InvalidSignatureException"), [PROTOCOL_S3] = "AccessDenied",
                        [PROTOCOL_QUERY] = "SignatureDoesNotMatch"}},
    [SIGV4_BODY] =
        {"The provided 'x-amz-content-sha256' header does not match what was computed.",
         {JSON_NAMES("InvalidSignatureException"), [PROTOCOL_S3] = "XAmzContentSHA256Mismatch",
          [PROTOCOL_QUERY] = "SignatureDoesNotMatch"}},
};

void error_reply_sigv4(struct call *call, enum protocol protocol, enum sigv4_verdict verdict,
                       const struct sigv4_result *result)
{
    const struct refusal *refusal = &refusals[verdict];
    bool s3_bad = protocol == PROTOCOL_S3 && (verdict == SIGV4_BODY || verdict == SIGV4_VERSION_2);
    error_reply(call, protocol, refusal->names[protocol], s3_bad ? 400 : 403,
                result->message[0] ? result->message : refusal->message, NULL);
}
