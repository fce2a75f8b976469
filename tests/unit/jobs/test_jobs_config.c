/* The Jobs client's configuration: each setting that cannot work is refused and named, and what is
 * just enough is taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "port/log.h"
#include "port/port.h"
#include "services/jobs/jobs.h"

static struct mqtt_session mqtt;
static struct kv kv; /* empty: nothing is read from it but an error */
static struct jobs jobs;
static struct jobs_config config;
static jsmntok_t tokens[JOBS_TOKENS_MIN];
static char logged[256];

otter_ms port_now(void)
{
    return 0;
}

void port_log_write(const char *line, size_t length)
{
    snprintf(logged, sizeof logged, "%.*s", (int)length, line);
}

static void start_session(size_t output)
{
    static uint8_t in[64], out[2048];
    const struct mqtt_config session = {.client_id = "c",
                                        .input = in,
                                        .input_size = sizeof in,
                                        .output = out,
                                        .output_size = output};
    mqtt_init(&mqtt, &session);
}

static int set_up(void **state)
{
    (void)state;
    start_session(JOBS_MQTT_OUTPUT_MIN);
    config = (struct jobs_config){.mqtt = &mqtt,
                                  .kv = &kv,
                                  .thing_name = "thing",
                                  .tokens = tokens,
                                  .token_count = JOBS_TOKENS_MIN};
    logged[0] = '\0';
    return 0;
}

static void refused(const char *words)
{
    assert_int_equal(jobs_init(&jobs, &config, 0), OTTER_E_ARGUMENT);
    if (strncmp(jobs_fault(&jobs), words, strlen(words)) != 0)
        assert_string_equal(jobs_fault(&jobs), words);
    assert_non_null(strstr(logged, words));
}

static void what_is_just_enough_is_taken(void **state)
{
    (void)state;
    assert_int_equal(jobs_init(&jobs, &config, 0), OTTER_OK);
    assert_string_equal(jobs_fault(&jobs), "");
}

static void the_longest_names_are_taken(void **state)
{
    (void)state;
    char name[JOBS_THING_NAME_MAX + 1];
    memset(name, 'n', JOBS_THING_NAME_MAX);
    name[JOBS_THING_NAME_MAX] = '\0';
    config.thing_name = name;
    assert_int_equal(jobs_init(&jobs, &config, 0), OTTER_OK);
}

static void an_output_too_small_for_the_longest_update_is_refused(void **state)
{
    (void)state;
    start_session(776);
    refused("mqtt: output buffer smaller than JOBS_MQTT_OUTPUT_MIN");
    assert_int_equal(JOBS_MQTT_OUTPUT_MIN, 777);
}

static void each_missing_part_is_named(void **state)
{
    (void)state;
    char name[JOBS_THING_NAME_MAX + 2];
    const struct jobs_config whole = config;
    config.mqtt = NULL;
    refused("mqtt: missing");
    config = whole;
    config.kv = NULL;
    refused("kv: missing");
    config = whole;
    config.token_count--;
    refused("tokens: fewer");
    config = whole;
    config.thing_name = "";
    refused("thing_name: missing");
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    config.thing_name = name;
    refused("thing_name: longer than 128");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_just_enough_is_taken, set_up),
        cmocka_unit_test_setup(the_longest_names_are_taken, set_up),
        cmocka_unit_test_setup(an_output_too_small_for_the_longest_update_is_refused, set_up),
        cmocka_unit_test_setup(each_missing_part_is_named, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
