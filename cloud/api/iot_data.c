/* iot-data: shadows, publishing, retained messages. Bodies are payloads, not members. */
#include <stdlib.h>
#include <string.h>

#include "cloud/api/services_internal.h"
#include "cloud/core/account/users.h"
#include "cloud/core/ground/names.h"
#include "cloud/core/messages/messages.h"
#include "cloud/core/shadow/shadow.h"
#include "cloud/reserved/reserved.h"

/* ---- shadows ---- */

static struct shadow_id id_of(const struct call *call)
{
    return (struct shadow_id){call->parameters[0], call_query(call, "name")};
}

static enum core_error get_shadow(struct call *call, const json_t *body, struct answer *answer)
{
    const struct shadow_id id = id_of(call);
    (void)body;
    return shadow_get(call->cloud, &id, answer);
}

static enum core_error update_shadow(struct call *call, const json_t *body, struct answer *answer)
{
    const struct shadow_id id = id_of(call);
    (void)body;
    return shadow_update(call->cloud, &id, call->body, call->body_size, answer);
}

static enum core_error delete_shadow(struct call *call, const json_t *body, struct answer *answer)
{
    const struct shadow_id id = id_of(call);
    (void)body;
    return shadow_delete(call->cloud, &id, NULL, answer);
}

/* ---- lists ---- */

struct page {
    size_t begin, most;
};

/* The router has seen that both are numbers. */
static enum core_error read_page(const struct call *call, const char *name, size_t most,
                                 struct page *page, struct answer *answer)
{
    const char *size = call_query(call, name), *token = call_query(call, "nextToken");
    page->begin = token ? strtoul(token, NULL, 10) : 0;
    page->most = size ? strtoul(size, NULL, 10) : most;
    if (page->most > most)
        return answer_refuse(answer, CORE_INVALID_REQUEST, "%s must be 1 to %zu, not %zu", name,
                             most, page->most);
    return CORE_OK;
}

static enum core_error list_shadows(struct call *call, const json_t *body, struct answer *answer)
{
    struct page page;
    enum core_error error = read_page(call, "pageSize", SHADOW_PAGE_MAX, &page, answer);
    (void)body;
    return error ? error
                 : shadow_list(call->cloud, call->parameters[0], page.begin, page.most, answer);
}

static enum core_error get_retained(struct call *call, const json_t *body, struct answer *answer)
{
    (void)body;
    return retained_get(call->cloud, call->parameters[0], answer);
}

static enum core_error list_retained(struct call *call, const json_t *body, struct answer *answer)
{
    struct page page;
    enum core_error error = read_page(call, "maxResults", MESSAGES_PAGE_MAX, &page, answer);
    (void)body;
    return error ? error : retained_list(call->cloud, page.begin, page.most, answer);
}

/* ---- publish ---- */

static bool publish_reserved(struct call *call)
{
    const struct reserved_request request = {call->parameters[0], call->body, call->body_size};
    return strlen(request.topic) <= MESSAGE_TOPIC_MAX &&
           reserved_publish_alone(call->cloud, &request,
                                  *call->user ? call->user : call->cloud->account);
}

/* Only what the request asks for by headers of MQTT 5. */
static const char *foreign_header(const struct call *call)
{
    static const char *const names[] = {"x-amz-mqtt5-user-properties",
                                        "x-amz-mqtt5-payload-format-indicator",
                                        "x-amz-mqtt5-correlation-data"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (call_header(call, names[i]))
            return names[i];
    }
    return NULL;
}

static enum core_error publish(struct call *call, const json_t *body, struct answer *answer)
{
    const char *qos = call_query(call, "qos"), *foreign = foreign_header(call);
    const struct message message = {.topic = call->parameters[0],
                                    .payload = call->body,
                                    .length = call->body_size,
                                    .qos = qos && *qos == '1',
                                    .retain = call_flag(call, "retain")};
    char trace[UUID_SIZE];
    enum core_error error = CORE_OK;
    (void)body;
    if (foreign)
        return services_refuse_foreign(answer, foreign);
    if (qos && strcmp(qos, "0") != 0 && strcmp(qos, "1") != 0)
        return answer_refuse(answer, CORE_INVALID_REQUEST, "qos must be 0 or 1, not %.20s", qos);
    if (message.retain &&
        !user_may(call->cloud, call->user, "iot:RetainPublish",
                  arn_make(call->cloud, "iot", "topic/%.256s", message.topic).text))
        return answer_refuse(answer, CORE_UNAUTHORIZED,
                             "No policy of the user allows iot:RetainPublish on %.200s",
                             message.topic);
    if (*message.topic != '$' || message.retain || !publish_reserved(call))
        error = message_publish(call->cloud, &message, answer);
    if (error)
        return error;
    uuid_make(trace);
    answer->body = json_pack("{s:s,s:s}", "message", "OK", "traceId", trace);
    return CORE_OK;
}

const struct route iot_data_routes[] = {
    {"GetThingShadow", EVHTTP_REQ_GET, "/things/{}/shadow", get_shadow, "name"},
    {"UpdateThingShadow", EVHTTP_REQ_POST, "/things/{}/shadow", update_shadow, "name"},
    {"DeleteThingShadow", EVHTTP_REQ_DELETE, "/things/{}/shadow", delete_shadow, "name"},
    {"ListNamedShadowsForThing", EVHTTP_REQ_GET, "/api/things/shadow/ListNamedShadowsForThing/{}",
     list_shadows, "pageSize nextToken"},
    {"Publish", EVHTTP_REQ_POST, "/topics/{}", publish, "qos retain"},
    {"GetRetainedMessage", EVHTTP_REQ_GET, "/retainedMessage/{}", get_retained, NULL},
    {"ListRetainedMessages", EVHTTP_REQ_GET, "/retainedMessage", list_retained,
     "maxResults nextToken"},
    {NULL, 0, NULL, NULL, NULL},
};
