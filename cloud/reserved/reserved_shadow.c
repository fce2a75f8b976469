/* Device Shadow over MQTT. Requests and answers are ordinary messages: whoever has subscribed gets
 * them. What is taken is told by the core's notices, for updates by HTTP too; here are the answers
 * to `get`, and the refusals. */
#include "cloud/core/shadow/shadow.h"
#include "cloud/reserved/reserved_internal.h"

static int code_of(enum core_error error)
{
    switch (error) {
    case CORE_NOT_FOUND:
        return 404;
    case CORE_VERSION_CONFLICT:
        return 409;
    case CORE_TOO_LARGE:
        return 413;
    case CORE_ENCODING:
        return 415;
    case CORE_INTERNAL:
        return 500;
    default:
        return 400;
    }
}

static void refuse(const struct call *call, enum core_error error, json_t *body)
{
    json_object_set_new(body, "code", json_integer(code_of(error)));
    json_object_set_new(
        body, "message",
        json_string(error == CORE_INTERNAL ? "Internal service failure" : call->answer.message));
    json_object_set_new(body, "timestamp", json_integer(cloud_now(call->cloud)));
    cloud_log("shadow", "%s: %s refused: %s", call->parts[0], call->request->topic,
              call->answer.message);
}

/* An update's text is the core's to read; of the other requests only the token matters, and what is
 * no JSON has none. */
static enum core_error read_token(struct call *call)
{
    const struct reserved_message seen = {call->request->topic, call->request->payload,
                                          call->request->length};
    call->answers->publish(call->answers->context, &seen);
    call->body = json_loadb(call->request->payload, call->request->length, 0, NULL);
    if (shadow_token_valid(json_object_get(call->body, "clientToken")))
        return CORE_OK;
    json_object_del(call->body, "clientToken");
    return answer_refuse(&call->answer, CORE_INVALID_REQUEST, "Invalid clientToken");
}

static void address(const struct call *call, json_t *body)
{
    json_t *token = json_object_get(call->body, "clientToken");
    if (token)
        json_object_set(body, "clientToken", token);
}

const struct envelope envelope_shadow = {
    .read = read_token, .refuse = refuse, .address = address, .to_subscribers = true};

static struct shadow_id id_of(const struct call *call)
{
    return (struct shadow_id){call->parts[0], call->parts[1][0] ? call->parts[1] : NULL};
}

enum core_error handle_shadow_get(struct call *call)
{
    const struct shadow_id id = id_of(call);
    return shadow_get(call->cloud, &id, &call->answer);
}

static enum core_error told(struct call *call, enum core_error error)
{
    call->told = error == CORE_OK;
    return error;
}

enum core_error handle_shadow_update(struct call *call)
{
    const struct shadow_id id = id_of(call);
    return told(call, shadow_update(call->cloud, &id, call->request->payload, call->request->length,
                                    &call->answer));
}

enum core_error handle_shadow_delete(struct call *call)
{
    const struct shadow_id id = id_of(call);
    return told(call, shadow_delete(call->cloud, &id, json_object_get(call->body, "clientToken"),
                                    &call->answer));
}
