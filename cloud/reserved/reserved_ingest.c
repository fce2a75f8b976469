/* Basic Ingest: messages to one topic rule, past all who subscribe; and messages whose senders wait
 * for no answers. */
#include <string.h>

#include "cloud/core/rules/topic_rules.h"
#include "cloud/reserved/reserved_internal.h"

/* What stands behind the rule's name. */
static const char *topic_behind(const char *topic)
{
    for (int i = 0; i < 3 && topic; i++) {
        topic = strchr(topic, '/');
        topic = topic ? topic + 1 : NULL;
    }
    return topic ? topic : "";
}

enum core_error handle_ingest(struct call *call)
{
    const struct reserved_request *request = call->request;
    const struct reserved_answers *answers = call->answers;
    const struct topic_rules_message message = {.topic = topic_behind(request->topic),
                                                .payload = request->payload,
                                                .length = request->length,
                                                .client_id = answers->client_id,
                                                .principal = answers->principal,
                                                .hops = call->cloud->hops};
    if (topic_rules_ingest(call->cloud, call->parts[0], &message))
        return CORE_OK;
    if (answers->unoffered)
        answers->unoffered(answers->context, call->row->service, call->parts[0]);
    return answer_refuse(&call->answer, CORE_NOT_FOUND, "there is no rule %s that is enabled",
                         call->parts[0]);
}

/* ---- without answers ---- */

static void publish_answer(void *context, const struct reserved_message *message)
{
    cloud_publish(context, &(struct message){.topic = message->topic,
                                             .payload = message->payload,
                                             .length = message->length,
                                             .qos = 1});
}

/* Answers to the connection that asked: there is none to bring them to. */
static void forget_reply(void *context, const struct reserved_message *message)
{
    (void)context, (void)message;
}

static void forget_blocks(void *context, struct reserved_blocks *blocks)
{
    (void)context;
    reserved_blocks_free(blocks);
}

bool reserved_publish_alone(struct cloud *cloud, const struct reserved_request *request,
                            const char *principal)
{
    const struct reserved_answers answers = {.reply = forget_reply,
                                             .publish = publish_answer,
                                             .blocks = forget_blocks,
                                             .principal = principal,
                                             .context = cloud};
    return reserved_publish(cloud, request, &answers);
}
