/* What the gateway answers from the cloud's core: jobs, streams, and what is not offered. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cloud/core/account/objects.h"
#include "cloud/core/jobs/jobs.h"
#include "cloud/core/registry/registry.h"
#include "cloud/core/streams/streams.h"
#include "codec/cbor.h"
#include "scene.h"

#define ARN  "arn:aws:iot:" CLOUD_REGION ":" CLOUD_ACCOUNT ":"
#define JOBS "$aws/things/t1/jobs/"

/* ---- reserved topics ------------------------------------------------------------------------ */

static void a_jobs_request_is_answered_to_the_asker_alone_subscribed_or_not(void **state)
{
    (void)state;
    struct mqtt_publish message;
    connect_both();
    assert_int_equal(subscribe(&scene.b, "$aws/things/+/jobs/#", 0), 0);
    publish(&scene.a, JOBS "$next/get", "{\"clientToken\":\"0:t1\"}", 22, 1);
    assert_true(receive(&scene.a, &message, 5000));
    assert_true(text_is(message.topic, JOBS "$next/get/accepted"));
    assert_false(receive(&scene.a, &message, 100));
    assert_false(receive(&scene.b, &message, 100));
    assert_int_equal(subscribe(&scene.a, "$aws/things/+/jobs/$next/get/#", 0), 0);
    publish(&scene.a, JOBS "$next/get", "{}", 2, 0);
    assert_true(receive(&scene.a, &message, 5000));
    assert_false(receive(&scene.a, &message, 200));
}

static void a_qos_1_request_is_acknowledged(void **state)
{
    (void)state;
    const uint8_t *body;
    struct mqtt_header header;
    assert_int_equal(scene_connect(&scene.a, &scene.credentials, "t1"), 0);
    publish(&scene.a, JOBS "get", "{}", 2, 1);
    assert_true(device_read(&scene.a, &header, &body, 5000));
    assert_int_equal(header.type, MQTT_PACKET_PUBACK);
    assert_true(device_read(&scene.a, &header, &body, 5000));
    assert_int_equal(header.type, MQTT_PACKET_PUBLISH);
}

static void a_new_job_is_announced_to_subscribers(void **state)
{
    (void)state;
    struct mqtt_publish message;
    struct answer answer = ANSWER_INIT;
    json_t *m = json_pack("{s:[s], s:s}", "targets", ARN "thing/t1", "document", "{\"a\":1}");
    assert_int_equal(scene_connect(&scene.a, &scene.credentials, "t1"), 0);
    assert_int_equal(subscribe(&scene.a, JOBS "notify-next", 1), 1);
    assert_int_equal(jobs_create(&scene.cloud, "announced", m, &answer), CORE_OK);
    answer_free(&answer);
    json_decref(m);
    assert_true(receive(&scene.a, &message, 5000));
    assert_true(text_is(message.topic, JOBS "notify-next"));
    assert_int_equal(message.qos, 1);
    assert_int_equal(jobs_delete(&scene.cloud, "announced", true, &answer), CORE_OK);
    answer_free(&answer);
}

static void nobody_speaks_in_the_clouds_name(void **state)
{
    static const char *const topics[] = {JOBS "notify-next",
                                         JOBS "x/update/accepted",
                                         "$aws/things/t1/streams/s/data/cbor",
                                         "$aws/events/presence/x",
                                         "$SYS/broker",
                                         "$aws/things/t1/jobs",
                                         "$aws/things//jobs/$next/get"};
    for (size_t i = 0; i < sizeof topics / sizeof *topics; i++) {
        assert_int_equal(scene_connect(&scene.a, &scene.credentials, "t1"), 0);
        publish(&scene.a, topics[i], "{}", 2, 0);
        assert_true(device_is_closed(&scene.a));
        scene_clear(state);
    }
}

static json_t *answer_to(const char *topic, const char *payload)
{
    struct mqtt_publish message;
    char rejected[128];
    snprintf(rejected, sizeof rejected, "%s/rejected", topic);
    assert_int_equal(subscribe(&scene.a, rejected, 1), 1);
    publish(&scene.a, topic, payload, strlen(payload), 0);
    assert_true(receive(&scene.a, &message, 5000));
    assert_true(text_is(message.topic, rejected));
    return json_loadb((const char *)message.payload.data, message.payload.length, 0, NULL);
}

static void services_that_are_not_offered_reject_and_the_device_stays(void **state)
{
    (void)state;
    assert_int_equal(scene_connect(&scene.a, &scene.credentials, "t1"), 0);
    json_t *report = answer_to("$aws/things/t1/defender/metrics/json",
                               "{\"header\":{\"report_id\":7,\"version\":\"1.0\"}}");
    assert_int_equal(json_integer_value(json_object_get(report, "reportId")), 7);
    assert_string_equal(json_string_value(json_object_get(report, "thingName")), "t1");
    assert_string_equal(json_string_value(json_object_get(report, "status")), "REJECTED");
    json_decref(report);
    publish(&scene.a, "$aws/rules/nothing/a/b", "x", 1, 0);
    assert_int_equal(subscribe(&scene.a, "still/here", 0), 0);
}

static void expect_message(struct device *device, const char *topic, const char *in_it)
{
    struct mqtt_publish message;
    assert_true(receive(device, &message, 5000));
    assert_true(text_is(message.topic, topic));
    char *text = strndup((const char *)message.payload.data, message.payload.length);
    assert_non_null(strstr(text, in_it));
    free(text);
}

/* Its topics name no thing: who else may subscribe to them must not get keys and tokens. */
static void an_answer_of_fleet_provisioning_goes_to_the_connection_that_asked_alone(void **state)
{
    static const char rejected[] = "$aws/certificates/create-from-csr/json/rejected";
    (void)state;
    connect_both();
    assert_int_equal(subscribe(&scene.b, rejected, 1), 1);
    assert_int_equal(subscribe(&scene.b, "b/own", 1), 1);
    publish(&scene.a, "$aws/certificates/create-from-csr/json", "{}", 2, 1);
    expect_message(&scene.a, rejected, "\"statusCode\":400");
    publish(&scene.b, "b/own", "first", 5, 0);
    expect_message(&scene.b, "b/own", "first");
    publish(&scene.a, "$aws/certificates/create-from-csr/cbor", "\xa0", 1, 0);
    expect_message(&scene.a, "$aws/certificates/create-from-csr/cbor/rejected", "statusCode");
}

static void an_update_of_a_shadow_is_told_to_all_who_subscribed(void **state)
{
    static const char update[] = "{\"state\":{\"desired\":{\"led\":1}},\"clientToken\":\"x\"}";
    (void)state;
    connect_both();
    assert_int_equal(subscribe(&scene.b, "$aws/things/t1/shadow/#", 1), 1);
    publish(&scene.a, "$aws/things/t1/shadow/update", update, sizeof update - 1, 0);
    expect_message(&scene.b, "$aws/things/t1/shadow/update", "desired");
    expect_message(&scene.b, "$aws/things/t1/shadow/update/accepted", "\"version\":1");
    expect_message(&scene.b, "$aws/things/t1/shadow/update/documents", "\"previous\"");
    expect_message(&scene.b, "$aws/things/t1/shadow/update/delta", "\"state\":{\"led\":1}");
    json_t *refusal = answer_to("$aws/things/t1/shadow/name/n/get", "{\"clientToken\":\"y\"}");
    assert_int_equal(json_integer_value(json_object_get(refusal, "code")), 404);
    assert_string_equal(json_string_value(json_object_get(refusal, "clientToken")), "y");
    json_decref(refusal);
}

static void what_a_device_said_before_it_went_is_done(void **state)
{
    static const char update[] = "{\"state\":{\"reported\":{\"led\":1}}}";
    (void)state;
    connect_both();
    assert_int_equal(subscribe(&scene.b, "$aws/things/t1/shadow/update/accepted", 1), 1);
    for (int i = 0; i < 10; i++) {
        publish(&scene.a, "$aws/things/t1/shadow/update", update, sizeof update - 1, 0);
        device_close(&scene.a);
        scene.a_open = false;
        expect_message(&scene.b, "$aws/things/t1/shadow/update/accepted", "\"led\":1");
        assert_int_equal(scene_connect(&scene.a, &scene.credentials, "t1"), 0);
    }
}

static size_t add_publish(uint8_t *to, size_t size, const char *topic, const char *payload)
{
    struct mqtt_publish message = {.topic = {topic, strlen(topic)},
                                   .payload = {(const uint8_t *)payload, strlen(payload)}};
    const int head = mqtt_encode_publish_head(to, size, &message);
    assert_true(head > 0);
    memcpy(to + head, payload, message.payload.length);
    return (size_t)head + message.payload.length;
}

/* The broker must have heard of it, or it would send the will. */
static void what_a_device_said_behind_a_request_reaches_the_broker_though_it_closed(void **state)
{
    struct mqtt_publish message;
    struct mqtt_connect connect = {.clean_session = true,
                                   .keep_alive_s = 60,
                                   .client_id = {"t1", 2},
                                   .will_topic = {"heard", 5},
                                   .will_payload = {(const uint8_t *)"gone", 4}};
    uint8_t packets[512];
    (void)state;
    assert_int_equal(scene_connect(&scene.b, &scene.credentials, "t2"), 0);
    assert_int_equal(subscribe(&scene.b, "heard", 1), 1);
    for (int i = 0; i < 10; i++) {
        assert_true(scene_open(&scene.a, &scene.credentials));
        assert_int_equal(scene_send_connect(&scene.a, &connect), 0);
        size_t length = add_publish(packets, sizeof packets, JOBS "get", "{}");
        length += add_publish(packets + length, sizeof packets - length, "heard", "last words");
        const int end =
            mqtt_encode_empty(packets + length, sizeof packets - length, MQTT_PACKET_DISCONNECT);
        assert_true(end > 0);
        length += (size_t)end;
        assert_int_equal(device_try_send(&scene.a, packets, length), (int)length);
        device_close(&scene.a);
        scene.a_open = false;
        expect_message(&scene.b, "heard", "last words");
        assert_false(receive(&scene.b, &message, 50));
    }
}

/* ---- streams -------------------------------------------------------------------------------- */

#define FILE_SIZE (1u << 20)

static void make_stream(void)
{
    struct object object;
    struct answer answer = ANSWER_INIT;
    static uint8_t content[FILE_SIZE];
    struct object_upload upload = {
        .bucket = "firmware", .key = "app.bin", .content = content, .size = sizeof content};
    json_t *m = json_pack("{s:[{s:i, s:{s:s, s:s}}]}", "files", "fileId", 0, "s3Location", "bucket",
                          "firmware", "key", "app.bin");
    for (size_t i = 0; i < sizeof content; i++)
        content[i] = (uint8_t)(i / 1024);
    bucket_create(&scene.cloud, "firmware", &answer);
    answer_free(&answer);
    assert_int_equal(object_put(&scene.cloud, &upload, &object, &answer), CORE_OK);
    answer_free(&answer);
    streams_delete(&scene.cloud, "s", &answer);
    answer_free(&answer);
    assert_int_equal(streams_create(&scene.cloud, "s", m, &answer), CORE_OK);
    answer_free(&answer);
    json_decref(m);
}

/* A GetStream request for `count` blocks of 4096 from `offset`, with a bitmap of that many bytes.
 */
static size_t make_request(uint8_t *out, size_t size, uint32_t offset, uint32_t count,
                           size_t bitmap)
{
    static uint8_t ones[12287];
    struct cbor_writer w;
    memset(ones, 0xff, sizeof ones);
    cbor_writer_init(&w, out, size);
    cbor_write_map(&w, bitmap ? 5 : 4);
    cbor_write_text(&w, "f");
    cbor_write_uint(&w, 0);
    cbor_write_text(&w, "l");
    cbor_write_uint(&w, 4096);
    cbor_write_text(&w, "o");
    cbor_write_uint(&w, offset);
    cbor_write_text(&w, "n");
    cbor_write_uint(&w, count);
    if (bitmap) {
        cbor_write_text(&w, "b");
        cbor_write_bytes(&w, ones, bitmap);
    }
    assert_true(cbor_written(&w) > 0);
    return (size_t)cbor_written(&w);
}

static unsigned receive_blocks(struct device *device, unsigned most, int ms)
{
    struct mqtt_publish message;
    unsigned count = 0;
    while (count < most && receive(device, &message, ms)) {
        assert_true(text_is(message.topic, "$aws/things/t1/streams/s/data/cbor"));
        assert_true(message.payload.length > 4096);
        count++;
    }
    return count;
}

static void a_stream_request_brings_its_blocks(void **state)
{
    (void)state;
    uint8_t request[256];
    make_stream();
    assert_int_equal(scene_connect(&scene.a, &scene.credentials, "t1"), 0);
    size_t length = make_request(request, sizeof request, 0, 32, 0);
    publish(&scene.a, "$aws/things/t1/streams/s/get/cbor", request, length, 0);
    assert_int_equal(receive_blocks(&scene.a, 1000, 500), 32);
}

static void lost_blocks_can_be_had_by_asking_again(void **state)
{
    (void)state;
    uint8_t request[256];
    struct gateway_config lossy = {.drop_blocks = 4}, normal = {0};
    scene_restart_gateway(&lossy);
    make_stream();
    assert_int_equal(scene_connect(&scene.a, &scene.credentials, "t1"), 0);
    size_t length = make_request(request, sizeof request, 0, 32, 0);
    publish(&scene.a, "$aws/things/t1/streams/s/get/cbor", request, length, 0);
    assert_int_equal(receive_blocks(&scene.a, 1000, 500), 24);
    length = make_request(request, sizeof request, 3, 1, 0);
    publish(&scene.a, "$aws/things/t1/streams/s/get/cbor", request, length, 0);
    assert_int_equal(receive_blocks(&scene.a, 1000, 500), 1);
    scene_clear(state);
    scene_restart_gateway(&normal);
}

/* The device asks for more than 100 MiB and reads nothing: the gateway must stop taking requests
 * long before it has stored the answers. Then it reads, and every request that was taken is
 * answered. */
static void a_device_that_does_not_read_is_not_read_from(void **state)
{
    (void)state;
    enum { REQUESTS = 1000 };
    static uint8_t request[16384], packet[17000];
    unsigned sent = 0;
    const char *topic = "$aws/things/t1/streams/s/get/cbor";
    make_stream();
    assert_int_equal(scene_connect(&scene.a, &scene.credentials, "t1"), 0);
    SSL_set_mode(scene.a.ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    size_t body = make_request(request, sizeof request, 0, 32, 12000);
    struct mqtt_publish message = {.topic = {topic, strlen(topic)}, .payload = {request, body}};
    int length = mqtt_encode_publish(packet, sizeof packet, &message);
    assert_true(length > 0);
    int at = 0, stalled = 0;
    while (sent < REQUESTS && stalled < 300) {
        int result = device_try_send(&scene.a, packet + at, (size_t)(length - at));
        assert_true(result >= 0);
        at += result;
        stalled = result ? 0 : stalled + 1;
        if (at == length) {
            at = 0;
            sent++;
        }
        turn(scene.base, 1);
    }
    assert_true(sent < REQUESTS);
    assert_int_equal(receive_blocks(&scene.a, sent * 32, 2000), sent * 32);
}

/* ---- keys for devices ------------------------------------------------------------------------ */

/* A thread beside the loop that does nothing until it is told to. */
struct idle_thread {
    void (*work[8])(void *of);
    void (*done[8])(void *of);
    void *of[8];
    size_t count;
};

static void put_off(void *context, void (*work)(void *of), void (*done)(void *of), void *of)
{
    struct idle_thread *thread = context;
    assert_true(thread->count < 8);
    thread->work[thread->count] = work;
    thread->done[thread->count] = done;
    thread->of[thread->count++] = of;
}

static void make_one(struct idle_thread *thread)
{
    assert_true(thread->count > 0);
    thread->count--;
    thread->work[thread->count](thread->of[thread->count]);
    thread->done[thread->count](thread->of[thread->count]);
}

#define CREATE "$aws/certificates/create/json"

static void ask_for_keys(struct device *device, unsigned times)
{
    while (times-- > 0)
        publish(device, CREATE, "{}", 2, 0);
}

static void expect_answer(struct device *device, const char *topic)
{
    struct mqtt_publish message;
    assert_true(receive(device, &message, 5000));
    assert_true(text_is(message.topic, topic));
}

static void while_keys_are_made_the_loop_goes_on_and_their_askers_wait(void **state)
{
    const uint8_t *body;
    struct mqtt_header header;
    struct idle_thread thread = {0};
    const struct cloud_host host = scene.cloud.host;
    (void)state;
    scene.cloud.host.run = put_off;
    scene.cloud.host.context = &thread;
    connect_both();
    ask_for_keys(&scene.a, 3);
    publish(&scene.a, JOBS "$next/get", "{}", 2, 0);
    expect_answer(&scene.a, JOBS "$next/get/accepted");
    publish(&scene.b, CREATE, "{}", 2, 1);
    assert_true(device_read(&scene.b, &header, &body, 5000));
    assert_int_equal(header.type, MQTT_PACKET_PUBACK);
    device_close(&scene.b); /* nobody is left to have its answer */
    scene.b_open = false;
    turn(scene.base, 20);
    for (int i = 0; i < 3; i++) {
        make_one(&thread);
        expect_answer(&scene.a, CREATE "/accepted");
    }
    make_one(&thread);
    ask_for_keys(&scene.a, 70); /* more than may wait */
    for (int i = 0; i < 5; i++)
        expect_answer(&scene.a, CREATE "/rejected");
    scene_clear(state);
    scene_restart_gateway(&(struct gateway_config){0}); /* who waits still, waits no more */
    while (thread.count > 0)
        make_one(&thread); /* a stock for those to come */
    scene.cloud.host = host;
}

int run_reserved_tests(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, scene_clear)
    const struct CMUnitTest tests[] = {
        TEST(a_jobs_request_is_answered_to_the_asker_alone_subscribed_or_not),
        TEST(a_qos_1_request_is_acknowledged),
        TEST(a_new_job_is_announced_to_subscribers),
        TEST(nobody_speaks_in_the_clouds_name),
        TEST(an_update_of_a_shadow_is_told_to_all_who_subscribed),
        TEST(what_a_device_said_before_it_went_is_done),
        TEST(what_a_device_said_behind_a_request_reaches_the_broker_though_it_closed),
        TEST(services_that_are_not_offered_reject_and_the_device_stays),
        TEST(an_answer_of_fleet_provisioning_goes_to_the_connection_that_asked_alone),
        TEST(a_stream_request_brings_its_blocks),
        TEST(lost_blocks_can_be_had_by_asking_again),
        TEST(a_device_that_does_not_read_is_not_read_from),
        TEST(while_keys_are_made_the_loop_goes_on_and_their_askers_wait),
    };
    return cmocka_run_group_tests_name("reserved", tests, scene_setup, scene_teardown);
}
