/* Device Defender over MQTT: a report in, accepted or rejected out, both in the form that the topic
 * names. */
#include "cloud/core/defender/defender.h"
#include "cloud/core/ground/cbor_json.h"
#include "cloud/reserved/reserved_internal.h"

static enum core_error read_report(struct call *call)
{
    const struct reserved_request *request = call->request;
    call->body = call->in_cbor ? json_from_cbor(request->payload, request->length)
                               : json_loadb(request->payload, request->length, 0, NULL);
    if (call->body)
        return CORE_OK;
    return answer_refuse(&call->answer, call->in_cbor ? CORE_INVALID_CBOR : CORE_INVALID_JSON,
                         "Malformed metrics report: it is not %s", call->in_cbor ? "CBOR" : "JSON");
}

/* Of all errors there is one that AWS documents: a report that it cannot take. */
static void refuse(const struct call *call, enum core_error error, json_t *body)
{
    const char *code = error == CORE_INTERNAL ? "InternalError" : "InvalidPayload";
    json_object_set_new(body, "thingName", json_string(call->parts[0]));
    json_object_set_new(body, "status", json_string("REJECTED"));
    json_object_set_new(
        body, "statusDetails",
        json_pack("{s:s, s:s}", "ErrorCode", code, "ErrorMessage", call->answer.message));
    json_object_set_new(body, "timestamp", json_integer(cloud_now_ms(call->cloud)));
    cloud_log("defender", "%s: report rejected: %s", call->parts[0], call->answer.message);
}

enum core_error handle_defender(struct call *call)
{
    return defender_report(call->cloud, call->parts[0], call->body, &call->answer);
}

const struct envelope envelope_defender = {
    .read = read_report, .refuse = refuse, .to_subscribers = true};
