/* The door: who may come in, with what, and how long. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cloud/core/registry/registry.h"
#include "scene.h"

#define ARN "arn:aws:iot:" CLOUD_REGION ":" CLOUD_ACCOUNT ":"

/* ---- TLS ------------------------------------------------------------------------------------ */

static bool opens(const struct device_options *options)
{
    scene.a_open = true;
    return device_open(&scene.a, scene.base, gateway_port(scene.gateway), options);
}

static void a_registered_certificate_comes_in_over_both_tls_versions(void **state)
{
    (void)state;
    struct device_options options = {.credentials = &scene.credentials, .root_ca = scene.root_ca};
    options.tls_version = TLS1_2_VERSION;
    assert_true(opens(&options));
    scene_clear(state);
    options.tls_version = TLS1_3_VERSION;
    assert_true(opens(&options));
    assert_string_equal(SSL_get_version(scene.a.ssl), "TLSv1.3");
}

/* A long message there and back, and the gateway's goodbye in TLS when it ends the connection. */
static void speaks_and_is_told_goodbye(const struct device_options *options, const char *id)
{
    static uint8_t payload[100000];
    const struct mqtt_connect connect = {.clean_session = true, .client_id = {id, strlen(id)}};
    struct mqtt_publish message;
    assert_true(opens(options));
    assert_int_equal(scene_send_connect(&scene.a, &connect), 0);
    assert_int_equal(subscribe(&scene.a, "every/way", 0), 0);
    publish(&scene.a, "every/way", payload, sizeof payload, 0);
    assert_true(receive(&scene.a, &message, 5000));
    assert_int_equal(message.payload.length, sizeof payload);
    device_send(&scene.a, "GET / HTTP/1.1\r\n\r\n", 18);
    assert_true(device_is_closed(&scene.a));
    assert_int_equal(SSL_get_shutdown(scene.a.ssl) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
}

static void every_version_and_cipher_carries_messages(void **state)
{
    static const char *const old[] = {"ECDHE-ECDSA-AES128-GCM-SHA256",
                                      "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-SHA256",
                                      "ECDHE-ECDSA-AES256-SHA384"};
    struct device_options options = {.credentials = &scene.credentials, .root_ca = scene.root_ca};
    char id[16];
    options.tls_version = TLS1_3_VERSION;
    speaks_and_is_told_goodbye(&options, "way");
    options.tls_version = TLS1_2_VERSION;
    for (size_t i = 0; i < sizeof old / sizeof *old; i++) {
        scene_clear(state);
        snprintf(id, sizeof id, "way%zu", i);
        options.cipher = old[i];
        speaks_and_is_told_goodbye(&options, id);
    }
}

static void an_unregistered_certificate_is_refused_in_the_handshake(void **state)
{
    (void)state;
    struct device_options options = {.credentials = &scene.other, .root_ca = scene.root_ca};
    options.tls_version = TLS1_2_VERSION;
    assert_false(opens(&options));
    scene_clear(state);
    options.tls_version = TLS1_3_VERSION;
    assert_false(opens(&options));
}

static void a_device_without_a_certificate_is_refused(void **state)
{
    (void)state;
    struct device_options options = {.root_ca = scene.root_ca};
    assert_false(opens(&options));
}

static void an_inactive_certificate_is_refused(void **state)
{
    (void)state;
    char id[65];
    struct credentials inactive = credentials_make("inactive");
    scene_register(&inactive, "INACTIVE", id);
    assert_false(scene_open(&scene.a, &inactive));
    credentials_free(&inactive);
}

static void the_alpn_name_of_the_service_is_taken_and_others_are_no_hindrance(void **state)
{
    (void)state;
    const unsigned char *name;
    unsigned length;
    struct device_options options = {
        .credentials = &scene.credentials, .root_ca = scene.root_ca, .alpn = "x-amzn-mqtt-ca"};
    assert_true(opens(&options));
    SSL_get0_alpn_selected(scene.a.ssl, &name, &length);
    assert_int_equal(length, 14);
    scene_clear(state);
    options.alpn = "http/1.1";
    assert_true(opens(&options));
}

static void a_revoked_certificate_ends_its_connection_at_once(void **state)
{
    (void)state;
    char id[65];
    struct answer answer = ANSWER_INIT;
    struct credentials victim = credentials_make("victim");
    scene_register(&victim, "ACTIVE", id);
    scene_policy("victim", "{'Effect':'Allow','Action':'iot:*','Resource':'*'}", id);
    assert_int_equal(scene_connect(&scene.a, &victim, "victim"), 0);
    assert_int_equal(scene_connect(&scene.b, &scene.credentials, "t1"), 0);
    assert_int_equal(certificate_update(&scene.cloud, id, "REVOKED", &answer), CORE_OK);
    answer_free(&answer);
    assert_true(device_is_closed(&scene.a));
    assert_int_equal(subscribe(&scene.b, "x", 0), 0); /* others stay */
    assert_int_equal(scene_connect(&scene.a, &victim, "victim"), -1);
    credentials_free(&victim);
}

static void silence_and_nonsense_end_the_connection(void **state)
{
    (void)state;
    assert_true(scene_open(&scene.a, &scene.credentials));
    device_send(&scene.a, "GET / HTTP/1.1\r\n\r\n", 18);
    assert_true(device_is_closed(&scene.a));
    scene_clear(state);
    assert_true(scene_open(&scene.a, &scene.credentials));
    publish(&scene.a, "before/connect", "x", 1, 0);
    assert_true(device_is_closed(&scene.a));
}

/* ---- the service's rules ------------------------------------------------------------------- */

static void the_clouds_name_must_be_asked_for(void **state)
{
    struct gateway_config relaxed = {.rules = {.relaxed = RULE_SNI}}, normal = {0};
    struct device_options options = {.credentials = &scene.credentials, .root_ca = scene.root_ca};
    static const char *const wrong[] = {"", "example.com", "localhost.example.com"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        options.server_name = wrong[i];
        assert_false(opens(&options));
        scene_clear(state);
    }
    options.server_name = "127.0.0.1";
    assert_true(opens(&options));
    scene_clear(state);
    scene_restart_gateway(&relaxed);
    options.server_name = "";
    assert_true(opens(&options));
    scene_clear(state);
    scene_restart_gateway(&normal);
}

static void a_certificate_outside_its_dates_is_refused(void **state)
{
    struct gateway_config relaxed = {.rules = {.relaxed = RULE_DATES}}, normal = {0};
    struct credentials dated[] = {credentials_make_dated("over", -7200, -3600),
                                  credentials_make_dated("early", 3600, 7200)};
    char id[65];
    for (size_t i = 0; i < 2; i++) {
        scene_register(&dated[i], "ACTIVE", id);
        assert_false(scene_open(&scene.a, &dated[i]));
        scene_clear(state);
        scene_restart_gateway(&relaxed);
        assert_true(scene_open(&scene.a, &dated[i]));
        scene_clear(state);
        scene_restart_gateway(&normal);
        credentials_free(&dated[i]);
    }
}

static void a_client_id_with_control_characters_is_answered(void **state)
{
    (void)state;
    assert_int_equal(scene_connect(&scene.a, &scene.credentials, "bell\a"),
                     MQTT_CONNACK_IDENTIFIER_REJECTED);
    assert_int_equal(scene_connect(&scene.a, &scene.credentials, "c1\xc2\x85"),
                     MQTT_CONNACK_IDENTIFIER_REJECTED);
    assert_int_equal(scene_connect(&scene.a, &scene.credentials, "\xc3\xa4"), 0);
}

static void a_client_id_that_begins_with_a_dollar_is_refused(void **state)
{
    (void)state;
    assert_int_equal(scene_connect(&scene.a, &scene.credentials, "$aws"),
                     MQTT_CONNACK_IDENTIFIER_REJECTED);
    assert_int_equal(scene_connect(&scene.a, &scene.credentials, "us$"), 0);
}

static void a_client_id_connects_once_a_second(void **state)
{
    struct gateway_config limited = {.rules = {.connects = 1}}, normal = {0};
    int refused = 0;
    scene_restart_gateway(&limited);
    for (int i = 0; i < 30 && !refused; i++) {
        int code = scene_connect(&scene.a, &scene.credentials, "hasty");
        refused = code == MQTT_CONNACK_SERVER_UNAVAILABLE;
        assert_true(refused || code == 0);
    }
    assert_true(refused);
    assert_int_equal(scene_connect(&scene.a, &scene.credentials, "patient"), 0);
    scene_clear(state);
    scene_restart_gateway(&normal);
}

static void rules_and_limits_are_named(void **state)
{
    (void)state;
    struct rules rules = RULES_AWS;
    assert_true(rules_relax(&rules, "sni,parent"));
    assert_int_equal(rules.relaxed, RULE_SNI | RULE_PARENT);
    assert_false(rules_relax(&rules, "sni,"));
    assert_false(rules_relax(&rules, "everything"));
    assert_true(rules_limit(&rules, "publish=0"));
    assert_int_equal(rules.publish, 0);
    assert_int_equal(rules.bytes, 524288);
    assert_int_equal(rules.greeting, 15);
    assert_true(rules_limit(&rules, "greeting=120"));
    assert_int_equal(rules.greeting, 120);
    assert_false(rules_limit(&rules, "publish"));
    assert_false(rules_limit(&rules, "publish=-1"));
    assert_false(rules_limit(&rules, "connect=1x"));
    assert_false(rules_limit(&rules, "nothing=1"));
    assert_true(rules_relax(&rules, "all"));
    assert_int_equal(rules.connects, 0);
    assert_true(rules.relaxed & RULE_DATES);
}

/* ---- CONNECT -------------------------------------------------------------------------------- */

static void connect_needs_a_policy(void **state)
{
    (void)state;
    char id[65];
    struct credentials poor = credentials_make("poor");
    scene_register(&poor, "ACTIVE", id);
    assert_int_equal(scene_connect(&scene.a, &poor, "poor"), MQTT_CONNACK_NOT_AUTHORIZED);
    assert_true(device_is_closed(&scene.a));
    scene_policy("poor-connect",
                 "{'Effect':'Allow','Action':'iot:Connect','Resource':'" ARN "client/poor'}", id);
    assert_int_equal(scene_connect(&scene.a, &poor, "poor"), 0);
    assert_int_equal(scene_connect(&scene.b, &poor, "rich"), MQTT_CONNACK_NOT_AUTHORIZED);
    credentials_free(&poor);
}

static void a_client_id_is_required_and_limited(void **state)
{
    (void)state;
    char longest[130];
    memset(longest, 'x', 129);
    longest[129] = '\0';
    assert_int_equal(scene_connect(&scene.a, &scene.credentials, ""),
                     MQTT_CONNACK_IDENTIFIER_REJECTED);
    assert_int_equal(scene_connect(&scene.a, &scene.credentials, longest),
                     MQTT_CONNACK_IDENTIFIER_REJECTED);
    assert_int_equal(scene_connect(&scene.a, &scene.credentials, longest + 1), 0);
}

static void an_unknown_version_is_answered_with_the_version_code(void **state)
{
    (void)state;
    static const uint8_t connect[] = {0x10, 15, 0,  4, 'M', 'Q', 'T', 'T', 6,
                                      2,    0,  60, 0, 0,   2,   't', '1'};
    const uint8_t *body;
    struct mqtt_header header;
    assert_true(scene_open(&scene.a, &scene.credentials));
    assert_true(device_send(&scene.a, connect, sizeof connect));
    assert_true(device_read(&scene.a, &header, &body, 5000));
    assert_int_equal(header.type, MQTT_PACKET_CONNACK);
    assert_int_equal(body[1], MQTT_CONNACK_PROTOCOL_VERSION);
    assert_true(device_is_closed(&scene.a));
}

static void a_second_connection_of_a_client_id_ends_the_first(void **state)
{
    (void)state;
    assert_int_equal(scene_connect(&scene.a, &scene.credentials, "same"), 0);
    assert_int_equal(scene_connect(&scene.b, &scene.credentials, "same"), 0);
    assert_true(device_is_closed(&scene.a));
    assert_int_equal(subscribe(&scene.b, "still/here", 0), 0);
}

static void pings_are_answered(void **state)
{
    (void)state;
    const uint8_t *body;
    struct mqtt_header header;
    assert_int_equal(scene_connect(&scene.a, &scene.credentials, "t1"), 0);
    assert_true(device_send(&scene.a, "\xc0\x00", 2));
    assert_true(device_read(&scene.a, &header, &body, 5000));
    assert_int_equal(header.type, MQTT_PACKET_PINGRESP);
}

static void packets_sent_before_the_connack_are_kept(void **state)
{
    (void)state;
    uint8_t packets[256];
    const uint8_t *body;
    struct mqtt_header header;
    struct mqtt_connect connect = {.clean_session = true, .client_id = {"eager", 5}};
    struct mqtt_filter filter = {.text = {"a/b", 3}};
    int length = mqtt_encode_connect(packets, sizeof packets, &connect);
    length += mqtt_encode_filters(packets + length, sizeof packets - (size_t)length,
                                  MQTT_PACKET_SUBSCRIBE, 9, &filter, 1);
    assert_true(scene_open(&scene.a, &scene.credentials));
    assert_true(device_send(&scene.a, packets, (size_t)length));
    assert_true(device_read(&scene.a, &header, &body, 5000));
    assert_int_equal(header.type, MQTT_PACKET_CONNACK);
    assert_true(device_read(&scene.a, &header, &body, 5000));
    assert_int_equal(header.type, MQTT_PACKET_SUBACK);
}

/* ---- the way -------------------------------------------------------------------------------- */

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t ping_ms(void)
{
    const uint8_t *body;
    struct mqtt_header header;
    const int64_t from = now_ms();
    assert_true(device_send(&scene.a, "\xc0\x00", 2));
    assert_true(device_read(&scene.a, &header, &body, 5000));
    return now_ms() - from;
}

static void a_delay_makes_a_round_trip_that_much_longer(void **state)
{
    (void)state;
    struct gateway_config slow = {.delay_ms = 200}, normal = {0};
    scene_restart_gateway(&slow);
    assert_int_equal(scene_connect(&scene.a, &scene.credentials, "t1"), 0);
    int64_t ms = ping_ms();
    assert_true(ms >= 200);
    scene_clear(state);
    scene_restart_gateway(&normal);
}

/* The server's side of a TLS handshake alone is more than 1 KiB. */
static void a_rate_holds_back_what_a_device_gets(void **state)
{
    struct gateway_config slow = {.rate_kib = 2}, normal = {0};
    scene_restart_gateway(&slow);
    const int64_t from = now_ms();
    assert_int_equal(scene_connect(&scene.a, &scene.credentials, "t1"), 0);
    assert_true(now_ms() - from >= 400);
    scene_clear(state);
    scene_restart_gateway(&normal);
}

/* ---- the broker behind it ------------------------------------------------------------------- */

/* What is published through a connection must come back, else it is a try that failed. */
static bool relays(void)
{
    struct mqtt_publish message;
    if (scene_connect(&scene.a, &scene.credentials, "t1") != 0 ||
        subscribe(&scene.a, "loop", 1) != 1)
        return false;
    publish(&scene.a, "loop", "x", 1, 1);
    return receive(&scene.a, &message, 5000);
}

static void a_lost_broker_socket_is_noticed_and_mended(void **state)
{
    (void)state;
    char path[128];
    const int64_t patience_ms = now_ms() + 30000;
    snprintf(path, sizeof path, "%s/broker/broker.sock", scene.dir);
    assert_true(relays());
    assert_int_equal(unlink(path), 0);
    while (!relays())
        assert_true(now_ms() < patience_ms);
}

static void a_taken_port_is_named(void **state)
{
    (void)state;
    char reason[256] = "", port[16];
    struct gateway_config config = {.port = gateway_port(scene.gateway)};
    assert_null(gateway_start(&scene.loop, scene.broker, &config, reason, sizeof reason));
    snprintf(port, sizeof port, "port %u", gateway_port(scene.gateway));
    assert_non_null(strstr(reason, port));
}

int run_gateway_tests(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, scene_clear)
    const struct CMUnitTest tests[] = {
        TEST(a_registered_certificate_comes_in_over_both_tls_versions),
        TEST(every_version_and_cipher_carries_messages),
        TEST(an_unregistered_certificate_is_refused_in_the_handshake),
        TEST(a_device_without_a_certificate_is_refused),
        TEST(an_inactive_certificate_is_refused),
        TEST(the_alpn_name_of_the_service_is_taken_and_others_are_no_hindrance),
        TEST(a_revoked_certificate_ends_its_connection_at_once),
        TEST(silence_and_nonsense_end_the_connection),
        TEST(the_clouds_name_must_be_asked_for),
        TEST(a_certificate_outside_its_dates_is_refused),
        TEST(a_client_id_with_control_characters_is_answered),
        TEST(a_client_id_that_begins_with_a_dollar_is_refused),
        TEST(a_client_id_connects_once_a_second),
        TEST(rules_and_limits_are_named),
        TEST(connect_needs_a_policy),
        TEST(a_client_id_is_required_and_limited),
        TEST(an_unknown_version_is_answered_with_the_version_code),
        TEST(a_second_connection_of_a_client_id_ends_the_first),
        TEST(pings_are_answered),
        TEST(packets_sent_before_the_connack_are_kept),
        TEST(a_delay_makes_a_round_trip_that_much_longer),
        TEST(a_rate_holds_back_what_a_device_gets),
        TEST(a_lost_broker_socket_is_noticed_and_mended),
        TEST(a_taken_port_is_named),
    };
    return cmocka_run_group_tests_name("door", tests, scene_setup, scene_teardown);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    if (access("/usr/sbin/mosquitto", X_OK) != 0) {
        printf("skipped: Mosquitto is not installed (apt-get install mosquitto)\n");
        return 77;
    }
    return run_gateway_tests() + run_relay_tests() + run_mqtt5_tests() + run_reserved_tests();
}
