/* Settings: what is allowed, staging, committing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/mqtt_settings.h"
#include "store/config.h"
#include "tests/sim/nor_store.h"

static struct nor_store flash;
static struct kv kv;
static struct config config;
static struct config_part parts[3];

/* As a product may have, beside the device's own and those of the session. */
static const struct config_setting own_setting[] = {
    {.key = CONFIG_KEY_PREFIX "a", .help = "a", .kind = CONFIG_NUMBER, .max = UINT32_MAX},
    {.key = CONFIG_KEY_PREFIX "b", .help = "b", .kind = CONFIG_NAME, .min = 3, .max = 4},
};
static const struct config_table own_settings = {own_setting, 2};

static int set_up(void **state)
{
    (void)state;
    config = (struct config){0};
    config_add(&config, &parts[0], &device_settings);
    config_add(&config, &parts[1], &mqtt_settings);
    config_add(&config, &parts[2], &own_settings);
    return nor_store_open(&flash, 3, &kv);
}

static int tear_down(void **state)
{
    (void)state;
    return nor_store_close(&flash) ? 0 : -1;
}

static void assert_text(const struct config_setting *key, const char *expected)
{
    char text[CONFIG_TEXT_MAX + 1];
    assert_int_equal(config_get_text(&kv, key, text, sizeof text), OTTER_OK);
    assert_string_equal(text, expected);
}

static void the_settings_of_all_tables_are_found_by_their_names(void **state)
{
    (void)state;
    unsigned count = 0;
    for (const struct config_setting *each; (each = config_at(&config, count)) != NULL; count++)
        assert_ptr_equal(config_find(&config, config_name(each)), each);
    assert_int_equal(count, 10);
    assert_ptr_equal(config_find(&config, "thing_name"), CONFIG_THING_NAME);
    assert_ptr_equal(config_find(&config, "mqtt_port"), CONFIG_MQTT_PORT);
    assert_ptr_equal(config_find(&config, "b"), &own_setting[1]);
    assert_null(config_find(&config, "thing"));
    assert_null(config_find(&config, ""));
}

static void a_table_with_a_setting_that_cannot_be_kept_is_left_out(void **state)
{
    (void)state;
    static const struct config_setting wrong[] = {
        {.key = CONFIG_KEY_PREFIX "thing_name", .kind = CONFIG_TEXT, .max = 5},   /* taken */
        {.key = CONFIG_KEY_PREFIX "long", .kind = CONFIG_TEXT, .max = 129},       /* no room */
        {.key = CONFIG_KEY_PREFIX "a_name_of_twentyseven_letter", .max = 5},      /* too long */
        {.key = "pki/tls_key_priv", .kind = CONFIG_TEXT, .max = CONFIG_TEXT_MAX}, /* no setting */
    };
    struct config_part part, last;
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const struct config_table table = {&wrong[i], 1};
        assert_int_equal(config_add(&config, &part, &table), OTTER_E_ARGUMENT);
        assert_null(config_at(&config, 10));
    }
    static const struct config_setting twice[] = {{.key = CONFIG_KEY_PREFIX "c", .max = 9},
                                                  {.key = CONFIG_KEY_PREFIX "c", .max = 8}};
    assert_int_equal(config_add(&config, &part, &(struct config_table){twice, 2}),
                     OTTER_E_ARGUMENT);
    assert_int_equal(config_add(&config, &last, &(struct config_table){twice, 1}), OTTER_OK);
    assert_ptr_equal(config_find(&config, "c"), &twice[0]);
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
    assert_int_equal(config_check(&own_setting[0], "4294967295"), OTTER_OK);
    assert_int_equal(config_check(&own_setting[0], "4294967296"), OTTER_E_ARGUMENT);
    assert_int_equal(config_check(&own_setting[0], "18446744073709551616"), OTTER_E_ARGUMENT);
    assert_int_equal(config_check(&own_setting[1], "ab"), OTTER_E_ARGUMENT);
    assert_int_equal(config_check(&own_setting[1], "abc"), OTTER_OK);
}

static void an_absent_setting_has_its_default_or_is_not_found(void **state)
{
    (void)state;
    char text[8] = "x";
    assert_int_equal(config_get_u16(&kv, CONFIG_MQTT_PORT), 8883);
    assert_text(CONFIG_MQTT_PORT, "8883");
    assert_int_equal(config_get_text(&kv, CONFIG_THING_NAME, text, sizeof text), OTTER_E_NOT_FOUND);
    assert_string_equal(text, "");
    assert_true(config_get_u64(&kv, CONFIG_TIME_HWM) == 0);
}

static void staged_values_count_only_after_commit(void **state)
{
    (void)state;
    assert_int_equal(config_stage(&config, CONFIG_THING_NAME, "first"), OTTER_OK);
    assert_int_equal(config_stage(&config, CONFIG_MQTT_PORT, "443"), OTTER_OK);
    assert_int_equal(config_stage(&config, CONFIG_THING_NAME, "second"), OTTER_OK);
    assert_string_equal(config_staged(&config, CONFIG_THING_NAME), "second");
    assert_null(config_staged(&config, CONFIG_WIFI_SSID));
    assert_int_equal(config_get_u16(&kv, CONFIG_MQTT_PORT), 8883);
    assert_int_equal(config_commit(&config, &kv), OTTER_OK);
    assert_null(config_staged(&config, CONFIG_THING_NAME));
    assert_text(CONFIG_THING_NAME, "second");
    assert_int_equal(config_get_u16(&kv, CONFIG_MQTT_PORT), 443);
}

static void a_refused_value_leaves_the_staged_one(void **state)
{
    (void)state;
    assert_int_equal(config_stage(&config, CONFIG_MQTT_PORT, "443"), OTTER_OK);
    assert_int_equal(config_stage(&config, CONFIG_MQTT_PORT, "70000"), OTTER_E_ARGUMENT);
    assert_string_equal(config_staged(&config, CONFIG_MQTT_PORT), "443");
}

static void an_empty_value_unsets(void **state)
{
    (void)state;
    assert_int_equal(config_set_text(&kv, CONFIG_WIFI_SSID, "home"), OTTER_OK);
    assert_int_equal(config_stage(&config, CONFIG_WIFI_SSID, ""), OTTER_OK);
    assert_int_equal(config_commit(&config, &kv), OTTER_OK);
    char text[8];
    assert_int_equal(config_get_text(&kv, CONFIG_WIFI_SSID, text, sizeof text), OTTER_E_NOT_FOUND);
}

static void the_longest_values_fit_the_stage_and_the_store(void **state)
{
    (void)state;
    static const size_t longest[] = {128, 32, 64, 12, 128, 5, 4};
    char value[CONFIG_TEXT_MAX + 1];
    for (unsigned i = 0; i < 7; i++) {
        memset(value, '1', longest[i]);
        value[longest[i]] = '\0';
        assert_int_equal(config_stage(&config, config_at(&config, i), value), OTTER_OK);
    }
    assert_int_equal(config_commit(&config, &kv), OTTER_OK);
    for (unsigned i = 0; i < 7; i++) {
        memset(value, '1', longest[i]);
        value[longest[i]] = '\0';
        assert_text(config_at(&config, i), value);
    }
    assert_true(config_get_u64(&kv, CONFIG_TIME_HWM) == 111111111111u);
}

static void what_one_commit_cannot_take_is_refused_and_the_rest_stays(void **state)
{
    (void)state;
    for (unsigned i = 0; i < KV_BATCH_MAX; i++) {
        const struct config_setting *each = config_at(&config, i);
        const bool is_small = each->kind == CONFIG_NUMBER && each->max < 123;
        assert_int_equal(config_stage(&config, each, is_small ? "3" : "123"), OTTER_OK);
    }
    assert_int_equal(config_stage(&config, &own_setting[1], "123"), OTTER_E_NO_SPACE);
    assert_null(config_staged(&config, &own_setting[1]));
    assert_int_equal(config_stage(&config, CONFIG_MQTT_PORT, "456"), OTTER_OK); /* again */
    assert_int_equal(config_commit(&config, &kv), OTTER_OK);
    assert_false(config_has_staged(&config));
    assert_int_equal(config_stage(&config, &own_setting[1], "123"), OTTER_OK);
    assert_text(CONFIG_MQTT_PORT, "456");
    assert_text(CONFIG_THING_NAME, "123");
}

static void staged_again_and_again_a_value_takes_the_place_of_the_last(void **state)
{
    (void)state;
    char value[33];
    for (size_t length = 1; length < sizeof value; length++) {
        memset(value, 'x', length);
        value[length] = '\0';
        assert_int_equal(config_stage(&config, CONFIG_WIFI_SSID, value), OTTER_OK);
        assert_int_equal(config_stage(&config, CONFIG_MQTT_PORT, "1"), OTTER_OK);
        assert_int_equal(config_stage(&config, CONFIG_WIFI_SSID, length % 2 ? "" : value),
                         OTTER_OK);
        assert_string_equal(config_staged(&config, CONFIG_WIFI_SSID), length % 2 ? "" : value);
        assert_string_equal(config_staged(&config, CONFIG_MQTT_PORT), "1");
    }
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
        TEST(the_settings_of_all_tables_are_found_by_their_names),
        TEST(a_table_with_a_setting_that_cannot_be_kept_is_left_out),
        TEST(a_value_against_the_rule_is_refused),
        TEST(an_absent_setting_has_its_default_or_is_not_found),
        TEST(staged_values_count_only_after_commit),
        TEST(a_refused_value_leaves_the_staged_one),
        TEST(an_empty_value_unsets),
        TEST(the_longest_values_fit_the_stage_and_the_store),
        TEST(what_one_commit_cannot_take_is_refused_and_the_rest_stays),
        TEST(staged_again_and_again_a_value_takes_the_place_of_the_last),
        TEST(a_buffer_too_small_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
