/* Requests on reserved topics as any device may send them: up to the first line end the topic, then
 * the payload. Whatever comes, answers go to reserved topics only, and to none that is no request.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/account/roles.h"
#include "cloud/core/core.h"
#include "cloud/core/fleet/fleet.h"
#include "cloud/core/registry/registry.h"
#include "cloud/reserved/reserved.h"
#include "codec/mqtt_packet.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct cloud cloud;
static char dir[] = "/tmp/otter-fuzz-XXXXXX";

static void end(void)
{
    char command[64];
    core_stop(&cloud);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    if (system(command) != 0)
        perror(command);
}

static void write_nothing(void *context, const char *area, const char *text)
{
    (void)context, (void)area, (void)text;
}

/* One that needs no certificate of this cloud, so that requests get as far as to their parameters.
 */
static bool make_template(void)
{
    static const char trust[] =
        "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{"
        "\"Service\":\"iot.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}]}";
    static const char body[] =
        "{\"Parameters\":{\"SerialNumber\":{\"Type\":\"String\"}},\"Resources\":{\"c\":{"
        "\"Type\":\"AWS::IoT::Certificate\",\"Properties\":{}}}}";
    const struct role_request role = {.name = "r", .trust = trust};
    struct answer answer = ANSWER_INIT;
    json_t *members =
        json_pack("{s:s,s:s,s:s,s:b}", "templateName", "x", "templateBody", body,
                  "provisioningRoleArn", "arn:aws:iam::" CLOUD_ACCOUNT ":role/r", "enabled", 1);
    bool made = role_create(&cloud, &role, &answer) == CORE_OK;
    answer_free(&answer);
    made = made && template_create(&cloud, members, &answer) == CORE_OK;
    json_decref(members);
    answer_free(&answer);
    return made;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct answer answer = ANSWER_INIT;
    json_t *none = json_object();
    (void)argc, (void)argv;
    cloud_log_to(write_nothing, NULL);
    if (!mkdtemp(dir) || core_start(&cloud, &(struct cloud_config){.dir = dir}) != OTTER_OK ||
        thing_create(&cloud, "t", none, &answer) != CORE_OK || !make_template())
        abort();
    answer_free(&answer);
    json_decref(none);
    atexit(end);
    return 0;
}

static char topic[257]; /* of the request, which a shadow's goes on to those who subscribed to it */

static void check(void *context, const struct reserved_message *message)
{
    ++*(int *)context;
    if (strncmp(message->topic, "$aws/", 5) != 0 ||
        (message->length == 0 && strcmp(message->topic, topic) != 0))
        abort();
}

/* A request to a shadow is published as it came, and that may be empty. */
static void check_published(void *context, const struct reserved_message *message)
{
    (void)context;
    if (strncmp(message->topic, "$aws/", 5) != 0)
        abort();
}

static void read_blocks(void *context, struct reserved_blocks *blocks)
{
    struct reserved_message message;
    while (reserved_blocks_next(blocks, &message))
        check(context, &message);
    reserved_blocks_free(blocks);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *newline = memchr(data, '\n', size);
    size_t length = newline ? (size_t)(newline - data) : size;
    int answers = 0;
    const struct reserved_answers to = {
        .reply = check, .publish = check_published, .blocks = read_blocks, .context = &answers};
    const struct mqtt_text text = {(const char *)data, length};
    if (length >= sizeof topic || !mqtt_topic_valid(text)) /* the gateway lets no other through */
        return 0;
    memcpy(topic, data, length);
    topic[length] = '\0';
    const uint8_t *payload = newline ? newline + 1 : data + size;
    const struct reserved_request request = {topic, payload, (size_t)(data + size - payload)};
    if (!reserved_publish(&cloud, &request, &to) && answers > 0)
        abort();
    return 0;
}
