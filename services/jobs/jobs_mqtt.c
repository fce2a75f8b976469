/* The Jobs client's messages: requests out, replies turned into events. */
#include "services/jobs/jobs_mqtt.h"

#include <stdio.h>
#include <string.h>

#include "port/log.h"

_Static_assert(JOBS_MQTT_OUTPUT_MIN == JOBS_PREFIX_MAX + sizeof "jobs//update" - 1 + JOBS_ID_MAX +
                                           JOBS_UPDATE_MAX + MQTT_OUTPUT_OVERHEAD,
               "the longest message with QoS 0 is the update of a job");

/* clientTokens: replies to updates are told apart by a letter, as an old one is as good as a new
 * one; those to get requests by letter and number. */
enum token { TOKEN_ASK = 'g', TOKEN_DESCRIBE = 'd' };

/* --- out --- */

static void on_result(void *ctx, otter_ms now, struct mqtt_ticket *ticket, otter_status status)
{
    (void)now, (void)ticket, (void)status; /* without an answer it is sent again */
    ((struct jobs *)ctx)->wake = 0;
}

static void name_topic(const struct jobs *jobs, const char *id, const char *ending,
                       char topic[sizeof jobs->topic])
{
    snprintf(topic, sizeof jobs->topic, "jobs/%s/%s", id, ending);
}

static otter_status send(struct jobs *jobs, otter_ms now, const char *id, const char *ending,
                         int length)
{
    if (length < 0)
        return (otter_status)length;
    name_topic(jobs, id, ending, jobs->topic);
    jobs->ticket = (struct mqtt_ticket){.topic = jobs->topic,
                                        .payload = jobs->payload,
                                        .length = (size_t)length,
                                        .on_result = on_result};
    return mqtt_send(jobs->config.mqtt, now, &jobs->service, &jobs->ticket);
}

static otter_status get(struct jobs *jobs, otter_ms now, const char *id, enum token token,
                        bool with_document)
{
    if (mqtt_ticket_held(&jobs->ticket))
        return OTTER_E_AGAIN;
    const int length =
        snprintf(jobs->payload, sizeof jobs->payload, "{%s\"clientToken\":\"%c%lu\"}",
                 with_document ? "" : "\"includeJobDocument\":false,", token,
                 (unsigned long)++jobs->counter);
    return send(jobs, now, id, "get", length);
}

otter_status jobs_mqtt_ask(struct jobs *jobs, otter_ms now)
{
    return get(jobs, now, "$next", TOKEN_ASK, !jobs->brief);
}

otter_status jobs_mqtt_describe(struct jobs *jobs, otter_ms now)
{
    return get(jobs, now, jobs->execution.id, TOKEN_DESCRIBE, jobs->whole);
}

int jobs_update_write(const struct jobs_update *update, uint32_t execution, char *out, size_t size)
{
    const char token[2] = {update->token, '\0'};
    struct json_writer w;
    json_writer_init(&w, out, size);
    json_write_object(&w, NULL);
    json_write_string(&w, "status", update->status);
    if (update->add_details != NULL) {
        json_write_object(&w, "statusDetails");
        update->add_details(update->ctx, &w);
        json_write_object_end(&w);
    }
    if (execution > 0)
        json_write_int(&w, "executionNumber", execution);
    if (update->expected_version > 0)
        json_write_int(&w, "expectedVersion", update->expected_version);
    json_write_string(&w, "clientToken", token);
    json_write_object_end(&w);
    return json_written(&w);
}

otter_status jobs_send_update(struct jobs *jobs, otter_ms now, const struct jobs_update *update)
{
    if (mqtt_ticket_held(&jobs->ticket))
        return OTTER_E_AGAIN;
    jobs->token = update->token;
    const int length =
        jobs_update_write(update, jobs->execution.number, jobs->payload, sizeof jobs->payload);
    return send(jobs, now, jobs->execution.id, "update", length);
}

otter_status jobs_mention(struct jobs *jobs, otter_ms now, const struct jobs_update *update)
{
    char payload[sizeof jobs->payload];
    char topic[sizeof jobs->topic];
    const int length = jobs_update_write(update, jobs->execution.number, payload, sizeof payload);
    if (length < 0)
        return (otter_status)length;
    name_topic(jobs, jobs->execution.id, "update", topic);
    return mqtt_publish(jobs->config.mqtt, now, &jobs->service, topic, payload, (size_t)length);
}

/* --- in --- */

static bool reply_to_get(const struct jobs *jobs, const struct jobs_reply *reply, enum token token)
{
    return reply->token == '\0' || (reply->token == (char)token && reply->counter == jobs->counter);
}

static void hand_document(struct jobs *jobs, otter_ms now, const struct jobs_reply *reply,
                          const struct json *json)
{
    const struct jobs_handler *holder = jobs->holder; /* which has asked */
    const struct jobs_offer offer = {&jobs->execution, json, reply->document};
    if (!jobs->whole || reply->document < 0)
        return;
    jobs->whole = false;
    holder->on_document(holder->ctx, now, &offer);
}

static void on_described(struct jobs *jobs, otter_ms now, const struct jobs_reply *reply,
                         const struct json *json)
{
    const uint32_t number = jobs->execution.number;
    if (!reply_to_get(jobs, reply, TOKEN_DESCRIBE) || !reply->has_execution)
        return;
    jobs->recheck_deadline = OTTER_NEVER;
    if ((!reply->queued && !reply->in_progress) ||
        (number != 0 && reply->execution.number != 0 && number != reply->execution.number)) {
        jobs_on_event(jobs, now, JOBS_GONE);
        return;
    }
    jobs->queued = reply->queued;
    jobs->version = reply->version;
    hand_document(jobs, now, reply, json);
    jobs_on_event(jobs, now, JOBS_DESCRIBED);
}

static void on_not_described(struct jobs *jobs, otter_ms now, const struct jobs_reply *reply)
{
    if (!reply_to_get(jobs, reply, TOKEN_DESCRIBE))
        return;
    jobs->recheck_deadline = OTTER_NEVER;
    if (reply->terminal)
        jobs_on_event(jobs, now, JOBS_GONE);
    else
        LOG_WRN(JOBS_TAG, "the job's description was refused: %s", reply->code);
}

static void on_updated(struct jobs *jobs, otter_ms now, const struct jobs_reply *reply)
{
    if (reply->token != '\0' && reply->token != jobs->token)
        return;
    mqtt_connection_useful(jobs->config.mqtt, &jobs->service);
    jobs->queued = false;
    jobs_on_event(jobs, now, JOBS_ACCEPTED);
}

static void on_not_updated(struct jobs *jobs, otter_ms now, const struct jobs_reply *reply)
{
    const bool ours = reply->token == '\0' || reply->token == jobs->token;
    LOG_WRN(JOBS_TAG, "an update of job %s was refused: %s", jobs->execution.id, reply->code);
    if (reply->terminal)
        jobs_on_event(jobs, now, JOBS_GONE);
    else if (ours && reply->invalid)
        jobs_on_event(jobs, now, JOBS_INVALID);
    else if (ours && reply->conflict)
        jobs_on_event(jobs, now, JOBS_CONFLICT);
    else if (ours && reply->barred)
        jobs_on_event(jobs, now, JOBS_BARRED);
}

static void on_notify_next(struct jobs *jobs, otter_ms now, const struct jobs_reply *reply,
                           bool readable)
{
    const bool ours = readable && reply->has_execution && jobs->execution.id[0] != '\0' &&
                      strcmp(reply->execution.id, jobs->execution.id) == 0;
    if (!ours)
        jobs_on_notified(jobs, now);
}

static void on_message(void *ctx, otter_ms now, const struct mqtt_message *message)
{
    struct jobs *jobs = ctx;
    struct jobs_reply reply;
    struct json json;
    const enum jobs_topic topic =
        jobs_topic_read(message->topic, message->topic_length, jobs->execution.id);
    if (topic == JOBS_TOPIC_OTHER)
        return;
    jobs->wake = 0;
    const bool readable =
        jobs_reply_read(&reply, &json, jobs->config.tokens, jobs->config.token_count,
                        message->payload, message->payload_length);
    if (topic == JOBS_TOPIC_NOTIFY_NEXT)
        on_notify_next(jobs, now, &reply, readable);
    else if (topic == JOBS_TOPIC_NEXT && !readable)
        jobs_on_unreadable(jobs, now, (uint32_t)message->payload_length);
    else if (!readable)
        LOG_WRN(JOBS_TAG, "a reply of the job service cannot be read");
    else if (topic == JOBS_TOPIC_NEXT && reply_to_get(jobs, &reply, TOKEN_ASK))
        jobs_on_next(jobs, now, &reply, &json);
    else if (topic == JOBS_TOPIC_DESCRIBED)
        on_described(jobs, now, &reply, &json);
    else if (topic == JOBS_TOPIC_NOT_DESCRIBED)
        on_not_described(jobs, now, &reply);
    else if (topic == JOBS_TOPIC_UPDATED)
        on_updated(jobs, now, &reply);
    else if (topic == JOBS_TOPIC_NOT_UPDATED)
        on_not_updated(jobs, now, &reply);
    else if (topic == JOBS_TOPIC_NEXT_REJECTED)
        LOG_WRN(JOBS_TAG, "the request for a job was refused: %s", reply.code);
}

static void on_oversized(void *ctx, otter_ms now, const char *topic, size_t topic_length,
                         uint32_t length)
{
    struct jobs *jobs = ctx;
    const enum jobs_topic about = jobs_topic_read(topic, topic_length, jobs->execution.id);
    if (about == JOBS_TOPIC_OTHER)
        return;
    jobs->wake = 0;
    if (about == JOBS_TOPIC_NOTIFY_NEXT)
        jobs_on_notified(jobs, now);
    else if (about == JOBS_TOPIC_NEXT)
        jobs_on_unreadable(jobs, now, length);
}

/* --- on the session --- */

static void on_online(void *ctx, otter_ms now, otter_status granted)
{
    struct jobs *jobs = ctx;
    (void)now;
    if (granted != OTTER_OK)
        LOG_WRN(JOBS_TAG, "subscriptions to %sjobs/... are not granted (policy?); going on without",
                jobs->prefix);
    jobs->connected = true;
    jobs->wake = 0;
}

static void on_offline(void *ctx, otter_ms now)
{
    struct jobs *jobs = ctx;
    const bool was_online = jobs->online;
    jobs->connected = jobs->online = false;
    jobs->recheck_deadline = OTTER_NEVER;
    jobs->wake = 0;
    for (struct jobs_handler *handler = jobs->handlers; was_online && handler != NULL;
         handler = handler->next) {
        if (handler->on_event != NULL)
            handler->on_event(handler->ctx, now, JOBS_OFFLINE);
    }
}

otter_status jobs_mqtt_register(struct jobs *jobs, otter_ms now)
{
    static const char *const filters[JOBS_FILTERS] = {"jobs/notify-next", "jobs/+/get/+",
                                                      "jobs/+/update/+"};
    snprintf(jobs->prefix, sizeof jobs->prefix, "$aws/things/%s/", jobs->config.thing_name);
    jobs->service = (struct mqtt_service){.prefix = jobs->prefix,
                                          .on_message = on_message,
                                          .on_oversized = on_oversized,
                                          .on_online = on_online,
                                          .on_offline = on_offline,
                                          .ctx = jobs};
    mqtt_register(jobs->config.mqtt, &jobs->service);
    for (size_t i = 0; i < JOBS_FILTERS; i++) {
        jobs->filters[i] = (struct mqtt_subscription){.filter = filters[i], .qos = 1};
        const otter_status status =
            mqtt_subscribe(jobs->config.mqtt, now, &jobs->service, &jobs->filters[i]);
        if (status != OTTER_OK)
            return status;
    }
    return OTTER_OK;
}
