/* Restarts and settings by job (services/operations) beside the update agent, on its session and in
 * its store, through trouble and power cuts. */
#include <stdio.h>
#include <string.h>

#include "net/mqtt_settings.h"
#include "services/operations/operations.h"
#include "store/config.h"
#include "tests/sim/ota/sim_operations.h"

static void create(uint32_t seed, const struct trouble *trouble)
{
    sim_operations_create(seed, trouble, sim_operations_start);
}

static int set_up(void **state)
{
    static const struct trouble none = {.window = 4};
    (void)state;
    create(1, &none);
    sim_count("");
    return 0;
}

static void rest(void)
{
    assert_true(world_run(&world, world_at_rest, 24 * HOUR));
}

static void expect_setting(const struct config_setting *setting, const char *text)
{
    char is[CONFIG_TEXT_MAX + 1];
    (void)config_get_text(&world.kv, setting, is, sizeof is);
    assert_string_equal(is, text);
}

#define SPREAD (&mqtt_setting[2]) /* connect_spread_s */

/* ---- Promises ---------------------------------------------------------------------------------
 */

static void a_restart_succeeds_after_it_and_once(void **state)
{
    uint32_t length;
    struct jobs_execution kept;
    (void)state;
    sim_come_on_line();
    const uint32_t resets = world.resets;
    snprintf(world.cloud.undead, sizeof world.cloud.undead, "job"); /* still offered afterwards */
    sim_add_job("job", "{\"operation\":\"reboot\"}");
    rest();
    sim_expect("job", CLOUD_SUCCEEDED, "restarted");
    assert_int_equal(world.resets - resets, 1);
    assert_int_equal(kv_get(&world.kv, OPERATIONS_REBOOT_KEY, &kept, sizeof kept, &length),
                     OTTER_E_NOT_FOUND);
}

static void a_cancelled_restart_does_not_happen(void **state)
{
    (void)state;
    sim_come_on_line();
    world.cloud.refusal = "RequestThrottled";
    world.cloud.refused_tokens = "s";
    sim_add_job("job", "{\"operation\":\"reboot\"}");
    (void)world_run(&world, sim_never, 60000);
    assert_int_equal(sim_cloud_find(&world.cloud, "job")->status, CLOUD_QUEUED);
    sim_cloud_cancel(&world.cloud, "job");
    const uint32_t resets = world.resets;
    rest();
    assert_int_equal(world.resets, resets);
    sim_add_job("next", "{\"operation\":\"configure\",\"settings\":{\"connect_spread_s\":1}}");
    rest();
    sim_expect("next", CLOUD_SUCCEEDED, "1 settings changed");
}

static void settings_are_set_and_taken_away_as_one_change(void **state)
{
    (void)state;
    sim_come_on_line();
    sim_add_job("set", "{\"operation\":\"configure\",\"settings\":"
                       "{\"connect_spread_s\":\"30\",\"mqtt_version\":5}}");
    rest();
    sim_expect("set", CLOUD_SUCCEEDED, "2 settings changed");
    expect_setting(SPREAD, "30");
    expect_setting(CONFIG_MQTT_VERSION, "5");
    sim_add_job("unset", "{\"operation\":\"configure\",\"settings\":"
                         "{\"connect_spread_s\":null,\"mqtt_version\":\"\"}}");
    rest();
    sim_expect("unset", CLOUD_SUCCEEDED, "2 settings changed");
    expect_setting(SPREAD, "");
}

static void what_cannot_be_set_is_refused_with_its_reason_and_changes_nothing(void **state)
{
    static const struct {
        const char *settings, *reason;
    } rows[] = {
        {"{\"connect_spread_s\":7,\"colour\":\"green\"}", "there is no setting 'colour'"},
        {"{\"connect_spread_s\":7,\"time_hwm\":4000000000}",
         "setting time_hwm cannot be changed by a job"},
        {"{\"connect_spread_s\":10000}", "setting connect_spread_s must be 0 to 9999"},
        {"{\"connect_spread_s\":-1}", "setting connect_spread_s must be 0 to 9999"},
        {"{\"connect_spread_s\":true}", "is no text or number"},
        {"{\"mqtt_endpoint\":\"elsewhere\"}", "setting mqtt_endpoint cannot be changed by a job"},
        {"{\"wifi_credential\":\"x\"}", "setting wifi_credential cannot be changed by a job"},
        {"{}", "settings is missing, empty or no object"},
        {"[7]", "settings is missing, empty or no object"},
    };
    (void)state;
    sim_come_on_line();
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        char id[16], document[256];
        sim_tear_down(NULL);
        set_up(NULL);
        sim_come_on_line();
        snprintf(id, sizeof id, "job%u", i);
        snprintf(document, sizeof document, "{\"operation\":\"configure\",\"settings\":%s}",
                 rows[i].settings);
        sim_add_job(id, document);
        rest();
        sim_expect(id, CLOUD_REJECTED, rows[i].reason);
        expect_setting(SPREAD, "");
    }
}

static void what_is_another_operation_is_left_to_others(void **state)
{
    (void)state;
    sim_come_on_line();
    sim_add_job("dance", "{\"operation\":\"dance\"}");
    sim_add_job("number", "{\"operation\":7}");
    sim_add_job("none", "{\"reboot\":true}");
    rest();
    sim_expect("dance", CLOUD_REJECTED, "no service of this device takes the job");
    sim_expect("number", CLOUD_REJECTED, "no service of this device takes the job");
    sim_expect("none", CLOUD_REJECTED, "no service of this device takes the job");
}

static void add_some(void)
{
    sim_add_job("restart", "{\"operation\":\"reboot\"}");
    sim_add_job("set", "{\"operation\":\"configure\",\"settings\":{\"connect_spread_s\":\"0\"}}");
    sim_add_job("again", "{\"operation\":\"reboot\"}");
}

static void expect_all(void)
{
    rest();
    sim_expect("restart", CLOUD_SUCCEEDED, "restarted");
    sim_expect("set", CLOUD_SUCCEEDED, "1 settings changed");
    sim_expect("again", CLOUD_SUCCEEDED, "restarted");
    expect_setting(SPREAD, "0");
}

static void jobs_end_well_through_trouble(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 8; seed++) {
        const struct trouble trouble = sim_trouble(seed);
        sim_tear_down(NULL);
        create(seed, &trouble);
        add_some();
        expect_all();
    }
}

/* Each flash operation from the first job to the last one's end, in one of the ways of a cut. */
static void a_power_cut_at_any_operation_loses_and_doubles_nothing(void **state)
{
    (void)state;
    sim_come_on_line();
    const uint32_t before = world.operations;
    for (uint32_t at = before + 1;; at++) {
        const struct trouble trouble = {
            .cut_at = at, .cut = (enum nor_cut)(at % NOR_CUT_KINDS), .window = 4};
        sim_tear_down(NULL);
        create(1, &trouble);
        sim_come_on_line();
        add_some();
        expect_all();
        if (world.operations < at) {
            assert_in_range(at - before, 6, 400);
            return;
        }
    }
}

#define PROMISE(name) cmocka_unit_test_setup_teardown(name, set_up, sim_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(a_restart_succeeds_after_it_and_once),
        PROMISE(a_cancelled_restart_does_not_happen),
        PROMISE(settings_are_set_and_taken_away_as_one_change),
        PROMISE(what_cannot_be_set_is_refused_with_its_reason_and_changes_nothing),
        PROMISE(what_is_another_operation_is_left_to_others),
        PROMISE(jobs_end_well_through_trouble),
        PROMISE(a_power_cut_at_any_operation_loses_and_doubles_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
