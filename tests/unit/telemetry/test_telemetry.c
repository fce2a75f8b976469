/* Telemetry: when messages go out, what they say, and that they wait for nobody. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mqtt_world.h"
#include "services/telemetry/telemetry.h"
#include "tests/sim/nor_store.h"

static struct nor_store flash;
static struct kv kv;
static struct telemetry telemetry;
static bool is_busy, has_none;
static unsigned published, asked;

static int write_one(void *ctx, otter_ms now, char *out, size_t size)
{
    (void)ctx, (void)now;
    asked++;
    return has_none ? OTTER_E_AGAIN : snprintf(out, size, "{}");
}

static bool busy(void *ctx)
{
    (void)ctx;
    return is_busy;
}

static const struct telemetry_source sources[] = {{"one", write_one}, {"two", write_one}};
static const struct telemetry_config config = {
    .mqtt = &w.s, .kv = &kv, .thing = "t", .sources = sources, .source_count = 2, .busy = busy};

static void on_publish(const struct mqtt_publish *publish)
{
    (void)publish;
    published++;
}

static int set_up(void **state)
{
    memset(&telemetry, 0, sizeof telemetry);
    is_busy = has_none = false;
    published = asked = 0;
    world_set_up(state);
    w.b.on_publish = on_publish;
    return nor_store_open(&flash, 4, &kv) == OTTER_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return nor_store_close(&flash) ? 0 : -1;
}

static void start(const char *period)
{
    assert_int_equal(config_set_text(&kv, CONFIG_TELEMETRY_PERIOD, period), OTTER_OK);
    assert_int_equal(telemetry_start(&telemetry, &config, w.now), OTTER_OK);
    connect_now();
}

/* The owner's loop, ten times a second. */
static void pass(otter_ms delay)
{
    for (const otter_ms end = w.now + delay; w.now < end;) {
        telemetry_tick(&telemetry, w.now);
        exchange();
        run(100);
    }
}

static void each_source_has_one_message_in_each_period(void **state)
{
    (void)state;
    start("5");
    pass(15000 - 1000);
    assert_int_equal(published, 6);
    assert_int_equal(telemetry.sent, 6);
    assert_string_equal(w.b.last_topic, "t/two");
    assert_int_equal(w.b.last_qos, 0);
}

static void it_is_off_by_default_and_another_period_holds_from_the_next_start_on(void **state)
{
    (void)state;
    assert_int_equal(telemetry_start(&telemetry, &config, w.now), OTTER_OK);
    connect_now();
    pass(10000);
    assert_int_equal(published, 0);
    assert_true(telemetry_deadline(&telemetry) == OTTER_NEVER);
    telemetry_stop(&telemetry);
    start("60");
    pass(1000);
    assert_int_equal(published, 2);
    telemetry_stop(&telemetry);
    start("0");
    pass(120000);
    assert_int_equal(published, 2);
}

static void nothing_is_kept_for_later(void **state)
{
    (void)state;
    start("1");
    lose_connection();
    w.network_down = true;
    pass(10000);
    const unsigned before = published;
    w.network_down = false;
    w.now += 60000;
    is_busy = true;
    pass(5000);
    assert_int_equal(published, before);
    is_busy = false;
    pass(2000);
    assert_in_range(published, before + 2, before + 6);
    assert_true(telemetry.dropped > 10);
}

static void a_full_connection_drops_messages_and_holds_nothing_up(void **state)
{
    (void)state;
    start("1");
    w.blocked = true;
    pass(5000);
    w.blocked = false;
    exchange();
    assert_true(telemetry.sent + telemetry.dropped >= 8);
    assert_true(w.s.state == MQTT_CONNECTED);
}

static void a_source_without_values_says_nothing(void **state)
{
    (void)state;
    has_none = true;
    start("1");
    pass(3000);
    assert_true(asked >= 4);
    assert_int_equal(published, 0);
}

static void the_prefix_of_the_topics_is_a_setting(void **state)
{
    (void)state;
    assert_int_equal(config_set_text(&kv, CONFIG_TELEMETRY_TOPIC, "dt/site/t"), OTTER_OK);
    start("1");
    pass(500);
    assert_string_equal(w.b.last_topic, "dt/site/t/two");
    telemetry_stop(&telemetry);
    assert_int_equal(config_set_text(&kv, CONFIG_TELEMETRY_TOPIC, "a/#"), OTTER_OK);
    assert_int_equal(telemetry_start(&telemetry, &config, w.now), OTTER_E_ARGUMENT);
    pass(3000);
    assert_int_equal(published, 2);
}

static void messages_are_worded_as_the_reference_does(void **state)
{
    (void)state;
    char text[TELEMETRY_PAYLOAD_MAX] = "";
    const struct environment environment = {-250, 45001, 21000, 1013250};
    const struct motion motion = {{1, -2, 3}, {4, 5, INT32_MIN}, {7, 8, 9}};
    const struct traffic traffic = {1, 2, 3, 4};
    int length;
    length = telemetry_environment(&environment, text, sizeof text);
    assert_int_equal(length, strlen(text));
    assert_string_equal(text, "{ \"temp_0_c\": -0.250, \"rh_pct\": 45.001, \"temp_1_c\": 21.000, "
                              "\"baro_mbar\": 1013.250 }");
    length = telemetry_motion(&motion, text, sizeof text);
    assert_int_equal(length, strlen(text));
    assert_string_equal(text, "{\"acceleration_mG\":{\"x\": 1,\"y\": -2,\"z\": 3},"
                              "\"gyro_mDPS\":{\"x\": 4,\"y\": 5,\"z\": -2147483648},"
                              "\"magnetometer_mGauss\":{\"x\": 7,\"y\": 8,\"z\": 9}}");
    const int environment_length = telemetry_environment(&environment, text, sizeof text);
    for (int size = environment_length; size > 0; size--)
        assert_true(telemetry_environment(&environment, text, (size_t)size) < 0);
    assert_int_equal(telemetry_environment(&environment, text, (size_t)environment_length + 1),
                     environment_length);
    for (size_t size = strlen(text); size > 0; size--)
        assert_true(telemetry_motion(&motion, text, size) < 0);
    length = telemetry_network(&traffic, 5, text, sizeof text);
    assert_int_equal(length, strlen(text));
    assert_string_equal(text, "{\"bytes_in\":1,\"bytes_out\":2,\"packets_in\":3,\"packets_out\":4,"
                              "\"connects\":5}");
}

static void a_value_that_no_sensor_gives_is_left_out(void **state)
{
    (void)state;
    char text[TELEMETRY_PAYLOAD_MAX] = "";
    const struct vector none = {SENSOR_NONE, SENSOR_NONE, SENSOR_NONE};
    struct environment environment = {SENSOR_NONE, SENSOR_NONE, 21000, 1013250};
    struct motion motion = {none, {4, 5, 6}, none};
    assert_true(telemetry_environment(&environment, text, sizeof text) > 0);
    assert_string_equal(text, "{ \"temp_1_c\": 21.000, \"baro_mbar\": 1013.250 }");
    environment.temperature_1_mc = environment.pressure_umbar = SENSOR_NONE;
    assert_int_equal(telemetry_environment(&environment, text, sizeof text), OTTER_E_IO);
    assert_true(telemetry_motion(&motion, text, sizeof text) > 0);
    assert_string_equal(text, "{\"gyro_mDPS\":{\"x\": 4,\"y\": 5,\"z\": 6}}");
    motion.rotation_mdps = none;
    assert_int_equal(telemetry_motion(&motion, text, sizeof text), OTTER_E_IO);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_source_has_one_message_in_each_period),
        TEST(it_is_off_by_default_and_another_period_holds_from_the_next_start_on),
        TEST(nothing_is_kept_for_later),
        TEST(a_full_connection_drops_messages_and_holds_nothing_up),
        TEST(a_source_without_values_says_nothing),
        TEST(the_prefix_of_the_topics_is_a_setting),
        TEST(messages_are_worded_as_the_reference_does),
        cmocka_unit_test(a_value_that_no_sensor_gives_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
