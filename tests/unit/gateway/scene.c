/* Starts cloud, gateway and broker for a test, and ends them after it. */
#include "scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cloud/core/core.h"
#include "cloud/core/registry/principal.h"
#include "cloud/core/registry/registry.h"
#include "cloud/loop/log.h"

struct scene scene;

static char *with_quotes(const char *text)
{
    char *copy = strdup(text);
    for (char *c = copy; *c; c++)
        if (*c == '\'')
            *c = '"';
    return copy;
}

void scene_register(const struct credentials *credentials, const char *status, char *id)
{
    struct answer answer = ANSWER_INIT;
    assert_int_equal(certificate_register(&scene.cloud, credentials->pem, status, &answer),
                     CORE_OK);
    strcpy(id, json_string_value(json_object_get(answer.body, "certificateId")));
    answer_free(&answer);
}

static void certificate_arn(const char *id, char arn[160])
{
    snprintf(arn, 160, "arn:aws:iot:" CLOUD_REGION ":" CLOUD_ACCOUNT ":cert/%s", id);
}

void scene_policy(const char *name, const char *statements, const char *certificate)
{
    char text[2048], arn[160];
    struct answer answer = ANSWER_INIT;
    snprintf(text, sizeof text, "{'Version':'2012-10-17','Statement':[%s]}", statements);
    char *document = with_quotes(text);
    assert_int_equal(policy_create(&scene.cloud, name, document, &answer), CORE_OK);
    answer_free(&answer);
    certificate_arn(certificate, arn);
    assert_int_equal(policy_attach(&scene.cloud, name, arn, &answer), CORE_OK);
    answer_free(&answer);
    free(document);
}

void scene_restart_gateway(const struct gateway_config *config)
{
    char reason[256] = "";
    gateway_stop(scene.gateway);
    scene.gateway = gateway_start(&scene.loop, scene.broker, config, reason, sizeof reason);
    assert_string_equal(scene.gateway ? "" : reason, "");
}

static void make_thing(const char *name, const char *certificate)
{
    char arn[160];
    struct answer answer = ANSWER_INIT;
    json_t *none = json_object();
    assert_int_equal(thing_create(&scene.cloud, name, none, &answer), CORE_OK);
    answer_free(&answer);
    certificate_arn(certificate, arn);
    assert_int_equal(thing_attach(&scene.cloud, name, arn, &answer), CORE_OK);
    answer_free(&answer);
    json_decref(none);
}

static void publish_by_broker(void *broker, const char *topic, const void *payload, size_t length)
{
    broker_publish(broker, topic, payload, length);
}

int scene_setup(void **state)
{
    char id[PRINCIPAL_ID_SIZE];
    struct cloud_config config = {.dir = scene.dir, .strict = true};
    struct gateway_config gateway = {0};
    (void)state;
    strcpy(scene.dir, "/tmp/otter-gateway-XXXXXX");
    assert_non_null(mkdtemp(scene.dir));
    snprintf(scene.root_ca, sizeof scene.root_ca, "%s/root_ca.pem", scene.dir);
    scene.base = event_base_new();
    assert_int_equal(core_start(&scene.cloud, &config), OTTER_OK);
    loop_log(scene.base);
    scene.broker = broker_start(scene.base, scene.dir, 3600);
    assert_non_null(scene.broker);
    scene.publisher = (struct reserved_publisher){publish_by_broker, scene.broker};
    scene.cloud.notify = (struct notify){reserved_notify, &scene.publisher};
    assert_true(loop_start(&scene.loop, scene.base, &scene.cloud, false));
    scene_restart_gateway(&gateway);
    scene.credentials = credentials_make("t1");
    scene.other = credentials_make("other");
    scene_register(&scene.credentials, "ACTIVE", id);
    scene_policy("all", "{'Effect':'Allow','Action':'iot:*','Resource':'*'}", id);
    make_thing("t1", id);
    return 0;
}

int scene_clear(void **state)
{
    (void)state;
    if (scene.a_open)
        device_close(&scene.a);
    if (scene.b_open)
        device_close(&scene.b);
    scene.a_open = scene.b_open = false;
    turn(scene.base, 20);
    return 0;
}

int scene_teardown(void **state)
{
    char command[128];
    (void)state;
    gateway_stop(scene.gateway);
    loop_stop(&scene.loop);
    broker_stop(scene.broker);
    core_stop(&scene.cloud);
    event_base_free(scene.base);
    credentials_free(&scene.credentials);
    credentials_free(&scene.other);
    snprintf(command, sizeof command, "rm -rf %s", scene.dir);
    memset(&scene, 0, sizeof scene);
    return system(command);
}

/* ---- speaking ------------------------------------------------------------------------------- */

static void mark_open(struct device *device)
{
    bool *open = device == &scene.a ? &scene.a_open : &scene.b_open;
    if (*open)
        device_close(device);
    *open = true;
}

bool scene_open(struct device *device, const struct credentials *credentials)
{
    struct device_options options = {.credentials = credentials, .root_ca = scene.root_ca};
    mark_open(device);
    return device_open(device, scene.base, gateway_port(scene.gateway), &options);
}

int scene_send_connect(struct device *device, const struct mqtt_connect *connect)
{
    uint8_t packet[1024];
    const uint8_t *body;
    struct mqtt_header header;
    struct mqtt_connack connack;
    int length = mqtt_encode_connect(packet, sizeof packet, connect);
    assert_true(length > 0);
    if (!device_send(device, packet, (size_t)length) || !device_read(device, &header, &body, 5000))
        return -1;
    assert_int_equal(header.type, MQTT_PACKET_CONNACK);
    assert_int_equal(mqtt_decode_connack(body, header.body_length, &connack), OTTER_OK);
    return connack.code;
}

int scene_connect(struct device *device, const struct credentials *credentials, const char *id)
{
    struct mqtt_connect connect = {
        .clean_session = true, .keep_alive_s = 60, .client_id = {id, strlen(id)}};
    if (!scene_open(device, credentials))
        return -1;
    return scene_send_connect(device, &connect);
}

void publish(struct device *device, const char *topic, const void *payload, size_t length,
             unsigned qos)
{
    uint8_t head[1024];
    struct mqtt_publish message = {.topic = {topic, strlen(topic)},
                                   .payload = {payload, length},
                                   .packet_id = qos ? 77 : 0,
                                   .qos = (uint8_t)qos};
    int size = mqtt_encode_publish_head(head, sizeof head, &message);
    assert_true(size > 0);
    if (device_send(device, head, (size_t)size))
        device_send(device, payload, length);
}

int subscribe(struct device *device, const char *filter, unsigned qos)
{
    uint8_t packet[512];
    const uint8_t *body;
    struct mqtt_header header;
    struct mqtt_suback suback;
    struct mqtt_filter one = {.text = {filter, strlen(filter)}, .qos = (uint8_t)qos};
    int length = mqtt_encode_filters(packet, sizeof packet, MQTT_PACKET_SUBSCRIBE, 5, &one, 1);
    assert_true(length > 0);
    assert_true(device_send(device, packet, (size_t)length));
    if (!device_read(device, &header, &body, 5000))
        return -1;
    assert_int_equal(header.type, MQTT_PACKET_SUBACK);
    assert_int_equal(mqtt_decode_suback(body, header.body_length, &suback), OTTER_OK);
    assert_int_equal(suback.packet_id, 5);
    assert_int_equal(suback.codes.length, 1);
    return suback.codes.data[0];
}

bool receive(struct device *device, struct mqtt_publish *message, int ms)
{
    const uint8_t *body;
    struct mqtt_header header;
    while (device_read(device, &header, &body, ms))
        if (header.type == MQTT_PACKET_PUBLISH) {
            assert_int_equal(mqtt_decode_publish(header.flags, body, header.body_length, message),
                             OTTER_OK);
            return true;
        }
    return false;
}

bool text_is(struct mqtt_text text, const char *expected)
{
    return text.length == strlen(expected) && memcmp(text.data, expected, text.length) == 0;
}

void connect_both(void)
{
    assert_int_equal(scene_connect(&scene.a, &scene.credentials, "t1"), 0);
    assert_int_equal(scene_connect(&scene.b, &scene.credentials, "t2"), 0);
}
