/* Settings: what is allowed, staging, committing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "store/config.h"
#include "tests/sim/nor_sim.h"

static struct nor_power power;
static struct nor_device device;
static struct flash_sector sectors[3];
static struct flash_area area;
static struct kv kv;
static struct config_stage stage;

static int set_up(void **state)
{
    (void)state;
    nor_power_init(&power, 1);
    nor_uniform_sectors(sectors, 3, 4096);
    nor_create(&device, &power, sectors, 3, 4, 0xff);
    area = (struct flash_area){&device.flash, 0, 3 * 4096};
    stage = (struct config_stage){0};
    return kv_open(&kv, &area);
}

static int tear_down(void **state)
{
    (void)state;
    const bool broken = device.rule_breaks != 0;
    nor_destroy(&device);
    return broken;
}

static void assert_text(enum config_key key, const char *expected)
{
    char text[CONFIG_TEXT_MAX + 1];
    assert_int_equal(config_get_text(&kv, key, text, sizeof text), OTTER_OK);
    assert_string_equal(text, expected);
}

static void each_name_finds_its_key(void **state)
{
    (void)state;
    for (int key = 0; key < CONFIG_KEYS; key++)
        assert_int_equal(config_find(config_name((enum config_key)key)), key);
    assert_int_equal(config_find("thing"), CONFIG_KEYS);
    assert_int_equal(config_find(""), CONFIG_KEYS);
}

static void a_value_against_the_rule_is_refused(void **state)
{
    (void)state;
    char long_name[CONFIG_TEXT_MAX + 2];
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    assert_int_equal(config_check(CONFIG_THING_NAME, long_name), OTTER_E_ARGUMENT);
    assert_int_equal(config_check(CONFIG_THING_NAME, long_name + 1), OTTER_OK);
    assert_int_equal(config_check(CONFIG_THING_NAME, "a b"), OTTER_E_ARGUMENT);
    assert_int_equal(config_check(CONFIG_THING_NAME, "a/b"), OTTER_E_ARGUMENT);
    assert_int_equal(config_check(CONFIG_THING_NAME, "Az9:_-"), OTTER_OK);
    assert_int_equal(config_check(CONFIG_MQTT_ENDPOINT, "x-ats.iot.eu-west-1.amazonaws.com"),
                     OTTER_OK);
    assert_int_equal(config_check(CONFIG_MQTT_ENDPOINT, "https://x"), OTTER_E_ARGUMENT);
    assert_int_equal(config_check(CONFIG_MQTT_PORT, "0"), OTTER_E_ARGUMENT);
    assert_int_equal(config_check(CONFIG_MQTT_PORT, "65535"), OTTER_OK);
    assert_int_equal(config_check(CONFIG_MQTT_PORT, "65536"), OTTER_E_ARGUMENT);
    assert_int_equal(config_check(CONFIG_MQTT_PORT, "88x3"), OTTER_E_ARGUMENT);
    assert_int_equal(config_check(CONFIG_WIFI_SSID, "my home"), OTTER_OK);
    assert_int_equal(config_check(CONFIG_WIFI_SSID, "tab\there"), OTTER_E_ARGUMENT);
    assert_int_equal(config_check(CONFIG_TIME_HWM, "-1"), OTTER_E_ARGUMENT);
}

static void an_absent_setting_has_its_default_or_is_not_found(void **state)
{
    (void)state;
    char text[8] = "x";
    assert_int_equal(config_get_u16(&kv, CONFIG_MQTT_PORT), CONFIG_MQTT_PORT_DEFAULT);
    assert_text(CONFIG_MQTT_PORT, "8883");
    assert_int_equal(config_get_text(&kv, CONFIG_THING_NAME, text, sizeof text), OTTER_E_NOT_FOUND);
    assert_string_equal(text, "");
    assert_true(config_get_u64(&kv, CONFIG_TIME_HWM) == 0);
}

static void staged_values_count_only_after_commit(void **state)
{
    (void)state;
    assert_int_equal(config_stage_set(&stage, CONFIG_THING_NAME, "first"), OTTER_OK);
    assert_int_equal(config_stage_set(&stage, CONFIG_MQTT_PORT, "443"), OTTER_OK);
    assert_int_equal(config_stage_set(&stage, CONFIG_THING_NAME, "second"), OTTER_OK);
    assert_string_equal(config_stage_get(&stage, CONFIG_THING_NAME), "second");
    assert_null(config_stage_get(&stage, CONFIG_WIFI_SSID));
    assert_int_equal(config_get_u16(&kv, CONFIG_MQTT_PORT), 8883);
    assert_int_equal(config_stage_commit(&stage, &kv), OTTER_OK);
    assert_null(config_stage_get(&stage, CONFIG_THING_NAME));
    assert_text(CONFIG_THING_NAME, "second");
    assert_int_equal(config_get_u16(&kv, CONFIG_MQTT_PORT), 443);
}

static void a_refused_value_leaves_the_staged_one(void **state)
{
    (void)state;
    assert_int_equal(config_stage_set(&stage, CONFIG_MQTT_PORT, "443"), OTTER_OK);
    assert_int_equal(config_stage_set(&stage, CONFIG_MQTT_PORT, "70000"), OTTER_E_ARGUMENT);
    assert_string_equal(config_stage_get(&stage, CONFIG_MQTT_PORT), "443");
}

static void an_empty_value_unsets(void **state)
{
    (void)state;
    assert_int_equal(config_set_text(&kv, CONFIG_WIFI_SSID, "home"), OTTER_OK);
    assert_int_equal(config_stage_set(&stage, CONFIG_WIFI_SSID, ""), OTTER_OK);
    assert_int_equal(config_stage_commit(&stage, &kv), OTTER_OK);
    char text[8];
    assert_int_equal(config_get_text(&kv, CONFIG_WIFI_SSID, text, sizeof text), OTTER_E_NOT_FOUND);
}

static void the_longest_values_fit_the_stage_and_the_store(void **state)
{
    (void)state;
    static const size_t longest[CONFIG_KEYS] = {128, 128, 5, 32, 64, 4, 12};
    char value[CONFIG_TEXT_MAX + 1];
    for (int key = 0; key < CONFIG_KEYS; key++) {
        memset(value, '1', longest[key]);
        value[longest[key]] = '\0';
        assert_int_equal(config_stage_set(&stage, (enum config_key)key, value), OTTER_OK);
        value[longest[key]] = '1';
        value[longest[key] + 1 < sizeof value ? longest[key] + 1 : longest[key]] = '\0';
    }
    assert_int_equal(config_stage_commit(&stage, &kv), OTTER_OK);
    for (int key = 0; key < CONFIG_KEYS; key++) {
        memset(value, '1', longest[key]);
        value[longest[key]] = '\0';
        assert_text((enum config_key)key, value);
    }
    assert_true(config_get_u64(&kv, CONFIG_TIME_HWM) == 111111111111u);
}

static void a_buffer_too_small_is_told(void **state)
{
    (void)state;
    char text[4];
    assert_int_equal(config_set_text(&kv, CONFIG_THING_NAME, "four"), OTTER_OK);
    assert_int_equal(config_get_text(&kv, CONFIG_THING_NAME, text, sizeof text), OTTER_E_TOO_LONG);
    assert_int_equal(config_get_text(&kv, CONFIG_MQTT_PORT, text, sizeof text), OTTER_E_TOO_LONG);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(each_name_finds_its_key),
        TEST(a_value_against_the_rule_is_refused),
        TEST(an_absent_setting_has_its_default_or_is_not_found),
        TEST(staged_values_count_only_after_commit),
        TEST(a_refused_value_leaves_the_staged_one),
        TEST(an_empty_value_unsets),
        TEST(the_longest_values_fit_the_stage_and_the_store),
        TEST(a_buffer_too_small_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
