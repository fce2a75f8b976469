/* The shadow service against the cloud's own core, on virtual time: what is reported, what desired
 * values do, and that neither conflicts, losses nor refusals make it loop or forget. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cloud_end.h"
#include "services/shadow/shadow.h"
#include "tests/sim/nor_store.h"
#include "tests/unit/net/mqtt_world.h"

#define CLASSIC "$aws/things/lamp/shadow/"
#define NAMED   CLASSIC "name/config/"
#define MINUTE  60000u
#define HOUR    3600000u

static const struct config_setting settings[] = {
    {.key = CONFIG_KEY_PREFIX "power_on", .fallback = "0", .kind = CONFIG_NUMBER, .max = 1},
    {.key = CONFIG_KEY_PREFIX "period",
     .fallback = "60",
     .kind = CONFIG_NUMBER,
     .min = 5,
     .max = 86400},
    {.key = CONFIG_KEY_PREFIX "label", .fallback = "none", .kind = CONFIG_NAME, .min = 1, .max = 8},
};
static const struct shadow_fact facts[] = {{"version", "1.0.0"}, {"resetReason", "power on"}};
static const struct shadow_property classic_properties[] = {{"powerOn", &settings[0]}};
static const struct shadow_property named_properties[] = {{"period", &settings[1]},
                                                          {"label", &settings[2]}};

static struct {
    struct nor_store store;
    struct kv kv;
    struct shadow shadow;
    struct shadow_document documents[2];
    jsmntok_t tokens[SHADOW_TOKENS_MIN];
    uint8_t input[2048], output[512];
    unsigned reports, changes;
    bool cloud_is_silent;
    bool lose_answers;
} t;

/* ---- the other end ---- */

static int64_t clock_ms(void *context)
{
    (void)context;
    return 1700000000000 + (int64_t)w.now;
}

static void to_device(void *context, const char *topic, const void *payload, size_t length)
{
    char filter[128];
    (void)context;
    snprintf(filter, sizeof filter, "%s ", topic);
    if (w.up && strstr(w.b.filters, filter) && !t.lose_answers)
        broker_publish(&w.b, topic, 1, 77, payload, length);
}

static void from_device(const struct mqtt_publish *publish)
{
    char topic[128];
    t.reports++;
    snprintf(topic, sizeof topic, "%.*s", (int)publish->topic.length, publish->topic.data);
    if (!t.cloud_is_silent)
        cloud_end_ask(topic, publish->payload.data, publish->payload.length);
}

/* ---- the device ---- */

static void on_change(void *ctx, const struct shadow_property *property)
{
    (void)ctx, (void)property;
    t.changes++;
}

static otter_status no_jitter(void *ctx, uint32_t *bits)
{
    (void)ctx;
    *bits = 0;
    return OTTER_OK;
}

/* As after a reset: RAM is new, flash and cloud are as they were. */
static void boot(void)
{
    otter_ms now = w.now;
    world_set_up(NULL);
    w.now = now;
    w.b.on_publish = from_device;
    mqtt_init(&w.s, &(struct mqtt_config){.client_id = "lamp",
                                          .backoff_base_ms = BACKOFF_BASE_MS,
                                          .backoff_cap_ms = BACKOFF_CAP_MS,
                                          .connack_timeout_ms = CONNACK_MS,
                                          .ack_timeout_ms = ACK_MS,
                                          .random = no_jitter,
                                          .input = t.input,
                                          .input_size = sizeof t.input,
                                          .output = t.output,
                                          .output_size = sizeof t.output});
    assert_int_equal(kv_open(&t.kv, &t.store.area), OTTER_OK);
    memset(&t.shadow, 0, sizeof t.shadow);
    t.documents[0] = (struct shadow_document){
        .facts = facts, .properties = classic_properties, .fact_count = 2, .property_count = 1};
    t.documents[1] = (struct shadow_document){
        .name = "config", .properties = named_properties, .property_count = 2};
    const struct shadow_config config = {.mqtt = &w.s,
                                         .kv = &t.kv,
                                         .thing_name = "lamp",
                                         .tokens = t.tokens,
                                         .token_count = SHADOW_TOKENS_MIN,
                                         .documents = t.documents,
                                         .document_count = 2,
                                         .changed = on_change};
    assert_int_equal(shadow_start(&t.shadow, &config, w.now), OTTER_OK);
    t.reports = t.changes = 0;
}

static void live(otter_ms ms)
{
    const otter_ms end = w.now + ms;
    unsigned rounds = 0;
    for (exchange();; exchange()) {
        shadow_tick(&t.shadow, w.now);
        exchange();
        otter_ms next = mqtt_deadline(&w.s), own = shadow_deadline(&t.shadow);
        next = own < next ? own : next;
        if (w.now >= end)
            return;
        w.now = next > end ? end : next > w.now ? next : w.now;
        mqtt_tick(&w.s, w.now);
        assert_in_range(++rounds, 0, 20000); /* it would spin, */
        assert_in_range(t.reports, 0, 100);  /* or go round in circles with the cloud */
    }
}

static int set_up(void **state)
{
    (void)state;
    memset(&t, 0, sizeof t);
    memset(&w, 0, sizeof w);
    if (cloud_end_start(&(struct cloud_end_hooks){clock_ms, to_device}) != 0)
        return -1;
    if (nor_store_open(&t.store, 3, &t.kv) != OTTER_OK)
        return -1;
    boot();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    const bool good = nor_store_close(&t.store);
    return cloud_end_stop() || !good;
}

/* ---- words ---- */

static void user(const char *topic, const char *quoted)
{
    char text[512];
    snprintf(text, sizeof text, "%s", quoted);
    for (char *c = text; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    cloud_end_ask(topic, text, strlen(text));
}

static void desire(const char *members)
{
    char text[256];
    snprintf(text, sizeof text, "{'state':{'desired':{%s}}}", members);
    user(NAMED "update", text);
}

static void assert_section(const char *get, const char *section, const char *expected)
{
    char text[1024];
    cloud_end_section(get, section, text, sizeof text);
    assert_string_equal(text, expected);
}

static void assert_setting(const struct config_setting *setting, const char *expected)
{
    char text[CONFIG_TEXT_MAX + 1];
    assert_int_equal(config_get_text(&t.kv, setting, text, sizeof text), OTTER_OK);
    assert_string_equal(text, expected);
}

/* ---- tests ---- */

static void the_first_connection_reports_facts_and_settings(void **state)
{
    (void)state;
    live(MINUTE);
    assert_section(CLASSIC "get", "reported",
                   "{'powerOn':0,'resetReason':'power on','version':'1.0.0'}");
    assert_section(NAMED "get", "reported", "{'label':'none','period':60}");
    assert_int_equal(t.reports, 2);
    live(HOUR);
    assert_int_equal(t.reports, 2);
    assert_int_equal(shadow_deadline(&t.shadow), OTTER_NEVER);
}

static void a_desired_value_is_committed_applied_and_reported(void **state)
{
    (void)state;
    live(MINUTE);
    t.changes = 0;
    desire("'period':30,'label':'hall','other':{'not':'ours'}");
    user(CLASSIC "update", "{'state':{'desired':{'powerOn':1}}}");
    live(MINUTE);
    assert_setting(&settings[0], "1");
    assert_setting(&settings[1], "30");
    assert_setting(&settings[2], "hall");
    assert_int_equal(t.changes, 3);
    assert_section(NAMED "get", "reported", "{'label':'hall','period':30}");
    assert_section(CLASSIC "get", "delta", "");
    assert_section(NAMED "get", "delta", "{'other':{'not':'ours'}}");
    assert_int_equal(t.reports, 4);
}

static void what_was_desired_in_days_off_line_is_taken_at_the_next_connection(void **state)
{
    (void)state;
    live(MINUTE);
    w.network_down = true;
    lose_connection();
    live(HOUR);
    desire("'period':300");
    desire("'period':600");
    live(72 * HOUR);
    w.network_down = false;
    live(MINUTE);
    assert_setting(&settings[1], "600");
    assert_section(NAMED "get", "delta", "");
}

static void what_is_desired_outlives_a_restart_and_is_not_taken_twice(void **state)
{
    (void)state;
    live(MINUTE);
    desire("'period':300");
    live(MINUTE);
    boot();
    t.changes = 0;
    live(MINUTE);
    assert_setting(&settings[1], "300");
    assert_int_equal(t.changes, 0);
    assert_section(NAMED "get", "reported", "{'label':'none','period':300}");
    assert_int_equal(t.reports, 2);
}

static void an_invalid_value_is_reported_as_not_taken_once(void **state)
{
    (void)state;
    live(MINUTE);
    t.reports = 0;
    desire("'period':2,'label':'hall'");
    live(HOUR);
    assert_setting(&settings[1], "60");
    assert_section(NAMED "get", "reported",
                   "{'label':'hall','notTaken':{'period':'takes 5 to 86400'},'period':60}");
    assert_int_equal(t.reports, 1);
    static const char *const others[] = {"'period':'30'",    "'period':true",
                                         "'period':1e9",     "'period':-5",
                                         "'period':{'a':1}", "'label':'way too long'"};
    for (unsigned i = 0; i < sizeof others / sizeof *others; i++) {
        desire(others[i]);
        live(HOUR);
        assert_int_equal(t.reports, 2 + i);
    }
    desire("'period':7,'label':'ok'");
    live(HOUR);
    assert_section(NAMED "get", "reported", "{'label':'ok','period':7}");
    assert_section(NAMED "get", "delta", "");
}

static void a_refusal_that_nobody_desires_any_more_goes_with_the_next_connection(void **state)
{
    (void)state;
    live(MINUTE);
    desire("'period':2");
    live(MINUTE);
    desire("'period':null");
    lose_connection();
    live(MINUTE);
    assert_section(NAMED "get", "reported", "{'label':'none','period':60}");
}

static void a_change_on_the_device_is_desired_too(void **state)
{
    (void)state;
    live(MINUTE);
    desire("'period':30");
    live(MINUTE);
    assert_int_equal(config_set_text(&t.kv, &settings[1], "007"), OTTER_OK);
    shadow_refresh(&t.shadow);
    live(MINUTE);
    assert_section(NAMED "get", "desired", "{'period':7}");
    assert_section(NAMED "get", "reported", "{'label':'none','period':7}");
    assert_setting(&settings[1], "007");
    desire("'period':30"); /* as before, and to be taken all the same */
    live(MINUTE);
    assert_setting(&settings[1], "30");
}

static void on_a_conflict_the_cloud_wins(void **state)
{
    (void)state;
    live(MINUTE);
    assert_int_equal(config_set_text(&t.kv, &settings[1], "90"), OTTER_OK);
    shadow_refresh(&t.shadow);
    t.lose_answers = true; /* the device does not hear of the newer version in time */
    desire("'period':120");
    t.lose_answers = false;
    t.reports = 0;
    live(MINUTE);
    assert_setting(&settings[1], "120");
    assert_section(NAMED "get", "desired", "{'period':120}");
    assert_section(NAMED "get", "reported", "{'label':'none','period':120}");
    assert_int_equal(t.reports, 3); /* refused, without the claim, what was taken */
}

static void a_report_without_an_answer_is_repeated_ever_more_rarely(void **state)
{
    (void)state;
    t.cloud_is_silent = true;
    live(24 * HOUR);
    assert_in_range(t.reports, 20, 40);
    t.cloud_is_silent = false;
    live(HOUR + MINUTE);
    assert_section(CLASSIC "get", "reported",
                   "{'powerOn':0,'resetReason':'power on','version':'1.0.0'}");
    assert_section(NAMED "get", "reported", "{'label':'none','period':60}");
    const unsigned reports = t.reports;
    live(24 * HOUR);
    assert_int_equal(t.reports, reports);
}

static void a_report_that_is_refused_is_repeated_ever_more_rarely(void **state)
{
    char long_text[400];
    (void)state;
    /* somebody else has filled the shadow: 413 */
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    for (unsigned i = 0; i < 20; i++) {
        char text[512];
        snprintf(text, sizeof text, "{'state':{'desired':{'f%u':'%s'}}}", i, long_text);
        user(NAMED "update", text);
    }
    live(24 * HOUR);
    assert_in_range(t.reports, 20, 60);
    user(NAMED "update", "{'state':{'desired':null}}");
    live(HOUR + MINUTE);
    assert_section(NAMED "get", "reported", "{'label':'none','period':60}");
}

static void a_delta_older_than_what_is_known_is_passed_over(void **state)
{
    static const char old[] = "{\"version\":1,\"state\":{\"period\":10}}";
    (void)state;
    live(MINUTE);
    desire("'period':30");
    live(MINUTE);
    t.changes = 0;
    broker_publish(&w.b, NAMED "update/delta", 1, 78, old, sizeof old - 1);
    live(MINUTE);
    assert_int_equal(t.changes, 0);
    assert_setting(&settings[1], "30");
}

static void messages_that_make_no_sense_are_passed_over(void **state)
{
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "{\"state\":1}",
        "{\"version\":9999}",
        "{\"version\":-1,\"state\":{\"period\":10}}",
        "{\"state\":{\"period\"",
        "{\"version\":10,\"state\":[{\"period\":10}]}",
    };
    static const char *const topics[] = {NAMED "update/delta", NAMED "update/accepted",
                                         NAMED "update/rejected", CLASSIC "update/delta"};
    (void)state;
    live(MINUTE);
    t.reports = 0;
    for (unsigned i = 0; i < sizeof texts / sizeof *texts * 4; i++)
        broker_publish(&w.b, topics[i % 4], 1, 79, texts[i / 4], strlen(texts[i / 4]));
    live(HOUR);
    assert_setting(&settings[1], "60");
    assert_int_equal(t.reports, 0);
}

static void where_a_policy_forbids_the_topics_nothing_is_published(void **state)
{
    (void)state;
    w.b.refuses = CLASSIC "update/accepted";
    live(HOUR);
    assert_int_equal(t.reports, 0);
    assert_int_equal(w.b.connections, 1);
    w.b.refuses = NULL;
    lose_connection();
    live(MINUTE);
    assert_section(NAMED "get", "reported", "{'label':'none','period':60}");
}

static void stopped_it_says_and_takes_nothing_and_started_again_it_catches_up(void **state)
{
    (void)state;
    live(MINUTE);
    shadow_stop(&t.shadow);
    t.reports = 0;
    desire("'period':30");
    assert_int_equal(config_set_text(&t.kv, &settings[2], "local"), OTTER_OK);
    live(HOUR);
    assert_int_equal(t.reports, 0);
    assert_setting(&settings[1], "60");
    const struct shadow_config config = t.shadow.config;
    assert_int_equal(shadow_start(&t.shadow, &config, w.now), OTTER_OK);
    live(MINUTE);
    assert_setting(&settings[1], "30");
    assert_section(NAMED "get", "reported", "{'label':'local','period':30}");
}

static void names_and_counts_beyond_the_limits_are_refused(void **state)
{
    struct shadow other = {0};
    struct shadow_config config = t.shadow.config;
    char name[SHADOW_THING_NAME_MAX + 2];
    (void)state;
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    config.thing_name = name;
    assert_int_equal(shadow_start(&other, &config, 0), OTTER_E_ARGUMENT);
    config.thing_name = "lamp";
    config.token_count--;
    assert_int_equal(shadow_start(&other, &config, 0), OTTER_E_ARGUMENT);
    config.token_count++;
    t.documents[1].name = NULL; /* two classic ones */
    assert_int_equal(shadow_start(&other, &config, 0), OTTER_E_ARGUMENT);
    name[SHADOW_NAME_MAX + 1] = '\0';
    t.documents[1].name = name;
    assert_int_equal(shadow_start(&other, &config, 0), OTTER_E_ARGUMENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_connection_reports_facts_and_settings),
        TEST(a_desired_value_is_committed_applied_and_reported),
        TEST(what_was_desired_in_days_off_line_is_taken_at_the_next_connection),
        TEST(what_is_desired_outlives_a_restart_and_is_not_taken_twice),
        TEST(an_invalid_value_is_reported_as_not_taken_once),
        TEST(a_refusal_that_nobody_desires_any_more_goes_with_the_next_connection),
        TEST(a_change_on_the_device_is_desired_too),
        TEST(on_a_conflict_the_cloud_wins),
        TEST(a_report_without_an_answer_is_repeated_ever_more_rarely),
        TEST(a_report_that_is_refused_is_repeated_ever_more_rarely),
        TEST(a_delta_older_than_what_is_known_is_passed_over),
        TEST(messages_that_make_no_sense_are_passed_over),
        TEST(where_a_policy_forbids_the_topics_nothing_is_published),
        TEST(stopped_it_says_and_takes_nothing_and_started_again_it_catches_up),
        TEST(names_and_counts_beyond_the_limits_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
