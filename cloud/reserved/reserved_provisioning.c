/* Fleet provisioning over MQTT: JSON or CBOR in and out. Its topics name no thing, so that answers
 * go to the connection that asked and to no other. */
#include <string.h>

#include "cloud/core/fleet/fleet.h"
#include "cloud/core/ground/cbor_json.h"
#include "cloud/reserved/reserved_internal.h"

/* An empty request asks for a certificate without more. */
static enum core_error read_body(struct call *call)
{
    const struct reserved_request *request = call->request;
    if (request->length == 0)
        call->body = json_object();
    else if (call->in_cbor)
        call->body = json_from_cbor(request->payload, request->length);
    else
        call->body = json_loadb(request->payload, request->length, 0, NULL);
    return json_is_object(call->body)
               ? CORE_OK
               : answer_refuse(&call->answer, call->in_cbor ? CORE_INVALID_CBOR : CORE_INVALID_JSON,
                               "The request must be a %s.",
                               call->in_cbor ? "CBOR map with texts as keys" : "JSON object");
}

static const struct refusal {
    enum core_error error;
    int status;
    const char *code;
} refusals[] = {
    {CORE_INVALID_REQUEST, 400, "InvalidParameters"},
    {CORE_NOT_FOUND, 404, "ResourceNotFound"},
    {CORE_INTERNAL, 500, "InternalFailure"},
    {CORE_REGISTRATION_FAILURE, 409, "ResourceConflict"},
    {CORE_LIMIT, 429, "ThrottlingException"},
};

static void refuse(const struct call *call, enum core_error error, json_t *body)
{
    struct refusal refusal = {error, 400, core_error_text(error)};
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        if (refusals[i].error == error)
            refusal = refusals[i];
    }
    json_object_clear(body);
    json_object_set_new(body, "statusCode", json_integer(refusal.status));
    json_object_set_new(body, "errorCode", json_string(refusal.code));
    json_object_set_new(body, "errorMessage", json_string(call->answer.message));
    cloud_log("fleet", "%s refused: %s, %s", call->request->topic, refusal.code,
              call->answer.message);
}

const struct envelope envelope_provisioning = {.read = read_body, .refuse = refuse};

/* ---- CreateKeysAndCertificate: the answer comes when there is a key ---------------------------
 */

static enum core_error create_keys(struct call *call)
{
    return fleet_create_keys(call->cloud, &call->answer);
}

static void on_key(void *late, bool come)
{
    late_call_answer(late, come ? create_keys : NULL, CORE_INTERNAL, "No key could be made.");
}

enum core_error handle_certificate_create(struct call *call)
{
    struct late_call *late = fleet_key_is_ready(call->cloud) ? NULL : call_later(call);
    if (!late)
        return create_keys(call);
    if (fleet_await_key(call->cloud, on_key, late))
        return CORE_OK;
    late_call_cancel(late, call);
    return answer_refuse(&call->answer, CORE_LIMIT,
                         "Too many devices wait for keys; ask again in some seconds.");
}

/* ---- the others --------------------------------------------------------------------------------
 */

enum core_error handle_certificate_from_csr(struct call *call)
{
    return fleet_create_from_csr(call->cloud, call->body, &call->answer);
}

enum core_error handle_provision(struct call *call)
{
    return fleet_register(call->cloud, call->parts[0], call->body, &call->answer);
}
