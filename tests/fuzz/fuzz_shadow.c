/* What the cloud, or whoever may publish there, says on a shadow's topics: the first byte picks the
 * document and the topic, the rest is the message. Whatever comes, each setting keeps its rule. */
#include <stdlib.h>
#include <string.h>

#include "port/log.h"
#include "port/port.h"
#include "services/shadow/shadow.h"
#include "tests/sim/nor_store.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void port_log_write(const char *line, size_t length)
{
    (void)line, (void)length;
}

otter_ms port_now(void)
{
    return 0;
}

static const struct config_setting settings[] = {
    {.key = CONFIG_KEY_PREFIX "n", .fallback = "7", .kind = CONFIG_NUMBER, .min = 5, .max = 86400},
    {.key = CONFIG_KEY_PREFIX "t", .fallback = "x", .kind = CONFIG_TEXT, .min = 1, .max = 12},
};
static const struct shadow_property properties[] = {{"n", &settings[0]}, {"t", &settings[1]}};

static struct nor_store flash;
static struct kv kv;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    if (nor_store_open(&flash, 3, &kv) != OTTER_OK)
        abort();
    return 0;
}

static void check_settings(void)
{
    char text[CONFIG_TEXT_MAX + 1];
    for (unsigned i = 0; i < 2; i++) {
        if (config_get_text(&kv, &settings[i], text, sizeof text) != OTTER_OK ||
            config_check(&settings[i], text) != OTTER_OK)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const topics[] = {"update/accepted",        "update/rejected",
                                         "update/delta",           "name/c/update/accepted",
                                         "name/c/update/rejected", "name/c/update/delta"};
    static struct mqtt_session session;
    static struct shadow shadow;
    static struct shadow_document documents[2];
    static uint8_t output[512], input[64];
    jsmntok_t tokens[SHADOW_TOKENS_MIN];
    memset(&shadow, 0, sizeof shadow);
    documents[0] = (struct shadow_document){.properties = properties, .property_count = 2};
    documents[1] =
        (struct shadow_document){.name = "c", .properties = properties, .property_count = 2};
    mqtt_init(&session, &(struct mqtt_config){.client_id = "t",
                                              .input = input,
                                              .input_size = sizeof input,
                                              .output = output,
                                              .output_size = sizeof output});
    const struct shadow_config config = {.mqtt = &session,
                                         .kv = &kv,
                                         .thing_name = "t",
                                         .tokens = tokens,
                                         .token_count = SHADOW_TOKENS_MIN,
                                         .documents = documents,
                                         .document_count = 2};
    if (size == 0 || shadow_start(&shadow, &config, 0) != OTTER_OK)
        return 0;
    shadow.service.on_online(&shadow, 0, OTTER_OK);
    shadow_tick(&shadow, 1); /* a report waits for its answer: s1 */
    const char *topic = topics[data[0] % 6];
    const struct mqtt_message message = {.topic = topic,
                                         .topic_length = strlen(topic),
                                         .payload = data + 1,
                                         .payload_length = size - 1};
    shadow.service.on_message(&shadow, 2, &message);
    check_settings();
    shadow_tick(&shadow, 3);
    return 0;
}
