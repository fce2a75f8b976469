/* The application on a simulated flash and on virtual time: what becomes of a trial without an
 * update agent, of a board without entropy, and of a fleet that gets its power back. */
#include <stdio.h>
#include <string.h>

#include "firmware/variant.h"
#include "image/trailer.h"
#include "net/mqtt_settings.h"
#include "pki/pki.h"
#include "services/ota/record.h"
#include "store/config.h"
#include "tests/unit/firmware/app_bench.h"

#define ALIGN  8u
#define MINUTE 60000u

static void put_on_trial(void)
{
    assert_int_equal(trailer_write_flag(&primary, ALIGN, TRAILER_SWAP_INFO, SWAP_TEST), OTTER_OK);
    assert_int_equal(trailer_write_flag(&primary, ALIGN, TRAILER_COPY_DONE, TRAILER_SET), OTTER_OK);
    assert_int_equal(trailer_write_magic(&primary, ALIGN), OTTER_OK);
}

static bool on_trial(void)
{
    struct trailer trailer;
    trailer_read(&primary, ALIGN, &trailer);
    return trailer_on_trial(&trailer);
}

static void provision(void)
{
    static struct kv kv;
    static struct pki pki;
    static char pem[PKI_PEM_MAX + 1];
    assert_int_equal(kv_open(&kv, &store), OTTER_OK);
    pki_init(&pki, &kv, NULL, NULL);
    assert_int_equal(config_set_text(&kv, CONFIG_THING_NAME, "lamp"), OTTER_OK);
    assert_int_equal(config_set_text(&kv, CONFIG_MQTT_ENDPOINT, "cloud.example"), OTTER_OK);
    assert_int_equal(pki_generate_key(&pki, PKI_TLS_KEY_PRIV), OTTER_OK);
    assert_int_equal(pki_generate_cert(&pki, PKI_TLS_KEY_PRIV, "lamp"), OTTER_OK);
    assert_int_equal(pki_export(&pki, PKI_TLS_CERT, pem, sizeof pem), OTTER_OK);
    assert_int_equal(pki_import(&pki, PKI_ROOT_CA, PKI_CERTIFICATE, pem, strlen(pem)), OTTER_OK);
}

static void configure(const struct config_setting *setting, const char *value)
{
    static struct kv kv;
    assert_int_equal(kv_open(&kv, &store), OTTER_OK);
    assert_int_equal(config_set_text(&kv, setting, value), OTTER_OK);
}

/* The agent's record of the update that is on trial. */
static void leave_record(void)
{
    static struct kv kv;
    const struct ota_record record = {.phase = OTA_RECORD_TRIAL,
                                      .job = {.id = "job", .stream = "stream", .file_size = 2000}};
    assert_int_equal(kv_open(&kv, &store), OTTER_OK);
    assert_int_equal(ota_record_save(&kv, &record), OTTER_OK);
}

static uint8_t note_of_record(void)
{
    static struct kv kv;
    struct ota_record record;
    assert_int_equal(kv_open(&kv, &store), OTTER_OK);
    assert_int_equal(ota_record_load(&kv, &record), OTTER_OK);
    assert_string_equal(record.job.id, "job");
    return record.note;
}

/* False when the device restarted before; `now` is then the time of it. */
static bool run_until(otter_ms end)
{
    static unsigned spins;
    spins = 0;
    if (setjmp(fake.reset) != 0)
        return false;
    while (fake.now < end) {
        app_tick(&app, fake.now);
        const otter_ms due = app_deadline(&app, fake.now);
        spins = due <= fake.now ? spins + 1 : 0;
        assert_in_range(spins, 0, 1000);
        if (due > fake.now)
            fake.now = due < end ? due : end;
    }
    app_tick(&app, fake.now);
    return true;
}

static void start(void)
{
    app_start(&app, &variant, fake.now);
}

static const char *agent_as_shown(void)
{
    fake.shown[0] = '\0';
    console_input(&app.shell.console, "ota\n", 4);
    return fake.shown;
}

/* --- trials without an agent --- */

static void expect_trial_to_end(void)
{
    put_on_trial();
    leave_record();
    start();
    assert_false(app.agent_runs);
    assert_true(on_trial());
    if (variant.keep_without_agent) {
        assert_true(run_until(24u * 60u * MINUTE));
        assert_false(on_trial());
        return;
    }
    assert_false(run_until(24u * 60u * MINUTE));
    assert_int_equal(fake.now, variant.self_test_timeout_ms);
    assert_true(on_trial()); /* so the bootloader brings the old firmware back */
    assert_int_equal(note_of_record(), OTA_TRIAL_NO_AGENT);
}

static void a_trial_ends_although_the_device_is_not_provisioned(void **state)
{
    (void)state;
    expect_trial_to_end();
    assert_non_null(strstr(fake.logged, "the device is not provisioned"));
    assert_non_null(strstr(agent_as_shown(), "does not run: the device is not provisioned."));
}

static void a_trial_ends_although_the_agent_cannot_start(void **state)
{
    (void)state;
    provision();
    assert_int_equal(flash_erase(&primary, 0, FAKE_SECTOR), OTTER_OK); /* no header */
    expect_trial_to_end();
    assert_non_null(strstr(fake.logged, "the update agent does not run: "));
}

static void a_trial_with_an_agent_is_the_agents(void **state)
{
    (void)state;
    provision();
    put_on_trial();
    leave_record();
    start();
    assert_true(app.agent_runs);
    assert_false(run_until(60u * MINUTE));
    assert_int_equal(fake.now, variant.self_test_timeout_ms);
    assert_int_equal(note_of_record(), OTA_TRIAL_NO_CONNECTION);
}

static void without_a_trial_nothing_ends(void **state)
{
    (void)state;
    start();
    assert_true(run_until(24u * 60u * MINUTE));
}

/* --- entropy --- */

static unsigned count(const char *text)
{
    unsigned found = 0;
    for (const char *at = fake.logged; (at = strstr(at, text)) != NULL; at += strlen(text))
        found++;
    return found;
}

static void without_entropy_no_transport_is_opened_and_the_waits_grow(void **state)
{
    (void)state;
    provision();
    fake.entropy = false;
    start();
    assert_true(run_until(20000));
    assert_int_equal(fake.connects, 0);
    assert_in_range(
        count("not connecting to cloud.example:8883: this board's source of randomness"), 3, 8);
    assert_true(run_until(20 * MINUTE));
    assert_int_equal(fake.connects, 0);
    assert_in_range(count("not connecting"), 3, 30);
    assert_non_null(strstr(agent_as_shown(), "off line: this board's source of randomness"));
    fake.entropy = true;
    assert_true(run_until(22 * MINUTE));
    assert_true(fake.connects > 0);
}

/* --- the first connection --- */

static void after_power_on_the_first_connection_comes_at_random(void **state)
{
    (void)state;
    provision();
    configure(CONFIG_CONNECT_SPREAD, "100");
    fake.random_counts = false;
    fake.next_random = 0x80; /* a little more than the half */
    start();
    assert_true(run_until(49000));
    assert_int_equal(fake.connects, 0);
    assert_true(run_until(51000));
    assert_int_equal(fake.connects, 1);
}

static void the_boards_own_spread_is_short(void **state)
{
    (void)state;
    provision();
    fake.random_counts = false;
    fake.next_random = 0xff;
    start();
    assert_true(run_until(200));
    assert_int_equal(fake.connects, 0);
    assert_true(run_until(250));
    assert_int_equal(fake.connects, 1);
}

static void after_a_restart_and_on_trial_the_first_connection_comes_at_once(void **state)
{
    (void)state;
    provision();
    configure(CONFIG_CONNECT_SPREAD, "100");
    fake.handover.reset_reason = RESET_SOFTWARE;
    start();
    assert_true(run_until(1));
    assert_int_equal(fake.connects, 1);
    tls_close(&app.link.tls);
    fake.handover.reset_reason = RESET_POWER_ON;
    put_on_trial();
    start();
    assert_true(run_until(2));
    assert_int_equal(fake.connects, 2);
}

/* --- a product of one's own --- */

static char product_log[4096];
static unsigned progress_calls;

static void switch_led(struct cli *cli, int argc, char **argv)
{
    cli_printf(cli, "led is %s, context %s\n", argc > 1 ? argv[1] : "?", (char *)cli_context(cli));
}

static void show_stat(struct cli *cli)
{
    cli_printf(cli, "LED        %s\n", (char *)cli_context(cli));
}

static void keep_line(void *ctx, enum log_level level, const char *line, size_t length)
{
    (void)level;
    fake_append(ctx, sizeof product_log, line, length);
}

static otter_status not_yet(void *ctx)
{
    assert_string_equal(ctx, "lamp");
    return OTTER_E_AGAIN;
}

static bool not_now(void *ctx)
{
    assert_string_equal(ctx, "lamp");
    return false;
}

static void count_progress(void *ctx, const struct ota_status *status)
{
    (void)status;
    assert_string_equal(ctx, "lamp");
    progress_calls++;
}

static const struct cli_command led_command = {"led", "Switch the LED", "", switch_led};
static const struct cli_table led_console = {&led_command, 1, show_stat};
static const struct config_setting led_setting = {
    .key = CONFIG_KEY_PREFIX "led_hz", .help = "blinks", .kind = CONFIG_NUMBER, .max = 50};
static const struct config_table led_settings = {&led_setting, 1};
static const struct pki_object lamp_label = {"lamp_maker", PKI_CERTIFICATE, NULL, NULL};
static const struct pki_table lamp_labels = {&lamp_label, 1};
static struct log_sink sink = {.write = keep_line, .ctx = product_log, .level = LOG_LEVEL_INF};
static const struct app_config lamp = {.product = "Lamp",
                                       .console = &led_console,
                                       .settings = &led_settings,
                                       .labels = &lamp_labels,
                                       .log = &sink,
                                       .self_test = not_yet,
                                       .may_reset = not_now,
                                       .progress = count_progress,
                                       .ctx = "lamp"};

static const char *answer(const char *line)
{
    fake.shown[0] = '\0';
    console_input(&app.shell.console, line, strlen(line));
    console_input(&app.shell.console, "\n", 1);
    return fake.shown;
}

static void a_product_has_its_name_commands_settings_and_log_without_a_fork(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_NONE);
    app_start(&app, &lamp, fake.now);
    log_set_level(LOG_LEVEL_MAX);
    assert_string_equal(fake.logged, "");
    assert_non_null(strstr(product_log, "Lamp 1.0.0 on "));
    assert_non_null(strstr(answer("version"), "Lamp 1.0.0 on "));
    assert_non_null(strstr(answer("help"), "led      Switch the LED\r\n"));
    assert_non_null(strstr(answer("help"), "ota "));
    assert_non_null(strstr(answer("led on"), "led is on, context lamp\r\n"));
    assert_non_null(strstr(answer("stat"), "LED        lamp\r\n"));
    assert_non_null(strstr(answer("conf set led_hz 51"), "it must be 0 to 50"));
    assert_non_null(strstr(answer("conf set led_hz 5"), "led_hz=5"));
    (void)answer("conf commit");
    assert_non_null(strstr(answer("pki list"), "lamp_maker           certificate not there\r\n"));
    assert_true(config_get_u64(&app.kv, &led_setting) == 5);
}

/* That the agent then asks them is promised by tests/sim/ota, and by the example. */
static void the_agent_gets_the_products_hooks_and_default_answers_without_them(void **state)
{
    (void)state;
    provision();
    app_start(&app, &lamp, fake.now);
    const struct ota_config *given = &app.ota.config;
    const struct ota_status status = ota_status(&app.ota);
    assert_int_equal(given->self_test(given->ctx), OTTER_E_AGAIN);
    assert_false(given->may_reset(given->ctx));
    assert_int_equal(given->self_test_timeout_ms, 120000);
    progress_calls = 0;
    given->on_event(given->ctx, &status);
    assert_int_equal(progress_calls, 1);
    start();
    assert_int_equal(given->self_test(given->ctx), OTTER_OK);
    assert_true(given->may_reset(given->ctx));
    given->on_event(given->ctx, &status);
    assert_int_equal(progress_calls, 1);
}

/* --- the network --- */

/* From the look-up to the open connection: the user sees which it was. */
static void why_there_is_no_connection_is_shown(void **state)
{
    (void)state;
    static const struct {
        bool open;
        otter_status error;
        const char *shown;
    } cases[] = {
        {false, OTTER_E_NAME, "cloud      off line: host name not found"},
        {false, OTTER_E_REFUSED, "cloud      off line: refused by the other side"},
        {true, OTTER_E_RESET, "cloud      off line: connection reset"},
        {true, OTTER_E_CLOSED, "cloud      off line: connection closed"},
    };
    provision();
    fake.handover.reset_reason = RESET_SOFTWARE;
    start();
    assert_true(run_until(1));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const unsigned before = fake.connects;
        if (cases[i].open) {
            fake.last_socket->state = SOCKET_OPEN;
            app_tick(&app, fake.now);
        }
        fake.last_socket->state = SOCKET_CLOSED;
        fake.last_socket->error = cases[i].error;
        app_tick(&app, fake.now);
        assert_non_null(strstr(agent_as_shown(), cases[i].shown));
        while (fake.connects == before)
            assert_true(run_until(fake.now + 10));
    }
}

static void a_restart_waits_a_moment_for_what_was_sent(void **state)
{
    (void)state;
    start();
    fake.now = 1000;
    fake.quiet_at = 1200;
    if (setjmp(fake.reset) == 0)
        app_reset(&app, "test");
    assert_in_range(fake.now, 1200, 1300);
    fake.quiet_at = OTTER_NEVER;
    if (setjmp(fake.reset) == 0)
        app_reset(&app, "test");
    assert_in_range(fake.now, 1200, 3000);
}

static void type(const char *line)
{
    console_input(&app.shell.console, line, strlen(line));
}

static void wifi_credentials_reach_the_port_at_start_and_after_a_commit(void **state)
{
    (void)state;
    configure(CONFIG_WIFI_SSID, "workshop");
    start();
    assert_string_equal(fake.joined, "workshop/");
    type("conf set wifi_credential \"horse battery\"\r");
    assert_string_equal(fake.joined, "workshop/");
    type("conf commit\r");
    assert_string_equal(fake.joined, "workshop/horse battery");
    type("conf set wifi_ssid \"\"\rconf commit\r");
    assert_string_equal(fake.joined, "/horse battery");
}

static void what_the_network_lacks_is_shown(void **state)
{
    (void)state;
    provision();
    fake.handover.reset_reason = RESET_SOFTWARE;
    fake.network = OTTER_E_PASSWORD;
    start();
    assert_true(run_until(20000));
    assert_int_equal(fake.connects, 0);
    assert_non_null(strstr(agent_as_shown(), "cloud      off line: wrong Wi-Fi password"));
    fake.network = OTTER_E_ACCESS_POINT;
    assert_non_null(strstr(agent_as_shown(), "cloud      off line: no such access point"));
    fake.network = OTTER_OK;
    assert_true(run_until(20001));
    assert_int_equal(fake.connects, 1);
}

/* --- activities --- */

static unsigned activity_index(const char *name)
{
    unsigned i = 0;
    while (i < ACTIVITY_COUNT && strcmp(activities[i]->name, name) != 0)
        i++;
    assert_in_range(i, 0, ACTIVITY_COUNT - 1);
    return i;
}

static void a_stopped_activity_has_no_turns_until_it_is_started_again(void **state)
{
    (void)state;
    provision();
    start();
    assert_true(run_until(100));
    const unsigned ota = activity_index("ota");
    const uint32_t turns = app.states[ota].turns;
    assert_true(turns > 0);
    assert_int_equal(activity_start(&app, ota, fake.now), OTTER_E_STATE);
    assert_int_equal(activity_stop(&app, ota, fake.now), OTTER_OK);
    assert_int_equal(activity_stop(&app, ota, fake.now), OTTER_E_STATE);
    assert_true(run_until(5000));
    assert_int_equal(app.states[ota].turns, turns);
    assert_int_equal(activity_start(&app, ota, fake.now), OTTER_OK);
    assert_true(run_until(5100));
    assert_true(app.states[ota].turns > turns);
}

static void connection_and_console_cannot_be_stopped(void **state)
{
    (void)state;
    start();
    assert_int_equal(activity_stop(&app, activity_index("link"), fake.now), OTTER_E_REFUSED);
    assert_int_equal(activity_stop(&app, activity_index("console"), fake.now), OTTER_E_REFUSED);
    assert_true(app.states[activity_index("console")].runs);
}

static void what_an_activity_adds_once_more_when_it_starts_again_is_there_once(void **state)
{
    (void)state;
    start();
    static struct cli_part part;
    static struct config_part settings;
    static struct pki_part labels;
    for (int i = 0; i < 3; i++) {
        cli_add(&app.shell.console.cli, &part, &(struct cli_table){0}, NULL);
        assert_int_equal(config_add(&app.settings, &settings, &(struct config_table){0}), OTTER_OK);
        assert_int_equal(pki_add(&app.pki, &labels, &(struct pki_table){0}), OTTER_OK);
    }
    assert_null(part.next); /* else the list would end in itself */
    assert_null(settings.next);
    assert_null(labels.next);
}

#if OTTER_SERVICE_TOOLS && OTTER_SERVICE_LOG
/* --- tools --- */

static const char *says(const char *line)
{
    fake.shown[0] = '\0';
    fake.keyed = line;
    assert_true(run_until(fake.now + 1));
    return fake.shown;
}

static void ps_lists_the_activities_and_kill_stops_and_starts_them(void **state)
{
    (void)state;
    char line[32];
    provision();
    start();
    assert_true(run_until(100));
    const char *said = says("ps\r");
    for (unsigned i = 0; i < ACTIVITY_COUNT; i++)
        assert_non_null(strstr(said, activities[i]->name));
    assert_null(strstr(said, "SUSPENDED"));
    const unsigned ota = activity_index("ota");
    snprintf(line, sizeof line, "kill %u\r", ota);
    says(line);
    assert_false(app.states[ota].runs);
    assert_non_null(strstr(says("ps\r"), "SUSPENDED"));
    assert_non_null(strstr(says(line), "ota: nothing done, it does not run."));
    snprintf(line, sizeof line, "kill -SIGCONT %u\r", ota);
    says(line);
    assert_true(app.states[ota].runs);
    says("killall -23 ota\r");
    assert_false(app.states[ota].runs);
    says("killall -cont ota jobs\r");
    assert_true(app.states[ota].runs);
    says("killall -SIGHUP ota\r");
    assert_true(app.states[ota].runs);
    assert_non_null(strstr(says("killall link\r"), "link cannot be stopped."));
    assert_non_null(strstr(says("kill 99\r"), "No activity '99': see 'ps'."));
    assert_non_null(strstr(says("killall\r"), "Which activity?"));
}

static void memory_is_shown_as_in_the_reference(void **state)
{
    (void)state;
    start();
    assert_non_null(strstr(says("heapstat\r"),
                           "| Metric           | Dec (Bytes) | Hex (Bytes) | % Total |\r\n"));
    assert_non_null(
        strstr(fake.shown, "| Heap Total       | 38912       | 0x9800      | 100 %   |\r\n"));
    assert_non_null(strstr(says("heapstat -h\r"), "| Heap Total       | 38          | 0x9800 "));
    assert_non_null(strstr(says("heapstat -x\r"), "Error: Unrecognized argument: -x"));
    assert_non_null(strstr(says("stackstat\r"), "Stack size: 4096, Max stack: 1024 (25 %)"));
}

static unsigned value_of(char letter)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    return (unsigned)(strchr(letters, letter) - letters);
}

/* Byte `index` of a block in base64. */
static uint8_t byte_of(const char *block, unsigned index)
{
    const char *group = block + index / 3 * 4 + index % 3;
    return (uint8_t)(value_of(group[0]) << (2 + index % 3 * 2) |
                     value_of(group[1]) >> (4 - index % 3 * 2));
}

static void rngtest_prints_blocks_until_there_are_enough_or_ctrl_c_comes(void **state)
{
    (void)state;
    start();
    says("rngtest 130\r");
    const char *blocks = strstr(fake.shown, "rngtest 130\r\n") + sizeof "rngtest 130\r\n" - 1;
    assert_int_equal(strcspn(blocks, "\r"), 3 * 88);
    for (int i = 1; i <= 3; i++)
        assert_memory_equal(blocks + 88 * i - 2, "==", 2);
    for (unsigned i = 1; i < 64; i++) /* as this test's generator counts */
        assert_int_equal(byte_of(blocks, i), (uint8_t)(byte_of(blocks, 0) + i));
    assert_string_equal(blocks + 3 * 88, "\r\nDONE\r\n> ");
    assert_int_equal(strcspn(strchr(says("rngtest 0x4F\r"), '\n') + 1, "\r"), 2 * 88);
    assert_non_null(strstr(says("rngtest 0x4G\r"), "How many bytes?"));
    assert_non_null(strstr(says("rngtest 0x123456789\r"), "How many bytes?"));
    fake.shown[0] = '\0';
    fake.keyed = "rngtest 100000000\r";
    app_tick(&app, fake.now);
    app_tick(&app, fake.now);
    assert_int_equal(app_deadline(&app, fake.now), fake.now);
    assert_non_null(strstr(says("\x03"), "^C\r\n> "));
    assert_non_null(strstr(says("uptime\r"), "up 0 day(s)"));
    fake.keyed = "rngtest 100000000\r";
    app_tick(&app, fake.now);
    app_tick(&app, fake.now);
    const char *log = strstr(says("\x03log show\r"), "log show"); /* which has the console then */
    assert_non_null(log);
    assert_null(strstr(log, "=="));
    fake.entropy = false;
    assert_non_null(strstr(says("rngtest\r"), "Error: "));
    assert_non_null(strstr(says("rngtest many\r"), "How many bytes?"));
}

static void net_shows_what_lacks(void **state)
{
    (void)state;
    provision();
    start();
    fake.network = OTTER_E_PASSWORD;
    assert_non_null(strstr(says("net\r"), "network    wrong Wi-Fi password"));
    assert_non_null(strstr(fake.shown, "cloud      cloud.example:8883, off line"));
    assert_non_null(strstr(says("ota abort\r"), "No update can be given up now"));
}

static unsigned times_shown(const char *text)
{
    unsigned found = 0;
    for (const char *at = fake.shown; (at = strstr(at, text)) != NULL; at += strlen(text))
        found++;
    return found;
}

static void warnings_of_earlier_starts_are_shown_and_a_flood_is_counted(void **state)
{
    (void)state;
    start();
    fake.handover.reset_reason = RESET_WATCHDOG;
    start();
    says("log show\r");
    assert_int_equal(times_shown("---- start, reset reason "), 2);
    assert_int_equal(times_shown("thing_name is missing"), 2);
    assert_non_null(strstr(fake.shown, "---- start, reset reason 2"));
    assert_memory_equal(fake.shown + strlen(fake.shown) - 4, "\r\n> ", 4);
    for (int i = 0; i < 100; i++)
        LOG_WRN("TEST", "again and again");
    fake.now += 6 * MINUTE;
    LOG_WRN("TEST", "much later");
    fake.shown[0] = '\0';
    fake.keyed = "log show\r";
    assert_true(run_until(fake.now + 100));
    assert_in_range(times_shown("again and again"), 30, 60);
    assert_int_equal(times_shown(" lines left out)"), 1);
    assert_int_equal(times_shown("much later"), 1);
    assert_int_equal(fake.device.rule_breaks, 0);
}

static void with_line_mode_off_single_keys_are_taken(void **state)
{
    (void)state;
    start();
    says("conf set line_mode 0\rconf commit\r");
    fake.shown[0] = '\0';
    start();
    assert_string_equal(fake.shown, ""); /* no prompt */
    assert_memory_equal(says("h"), "** MBED HEAP STATS **\r\n", 23);
    assert_memory_equal(says("s"), "** MBED THREAD STACK STATS **\r\n", 31);
    assert_string_equal(says("x\r"), "");
    assert_non_null(strstr(says("\x03"), "> "));
    assert_non_null(strstr(says("version\r"), "Otter firmware"));
    start();
    fake.keyed = "r";
    const otter_ms pressed = fake.now;
    assert_false(run_until(fake.now + MINUTE));
    assert_in_range(fake.now - pressed, 2000, 2600);
    assert_non_null(strstr(fake.shown, "\r\nSystem reset after 2 secs...\r\n\r\n\r\n"));
}
#endif

static void one_who_types_without_end_does_not_hold_up_the_rest(void **state)
{
    (void)state;
    provision();
    start();
    fake.floods = 10000;
    for (unsigned i = 0; i < 1000 && fake.connects == 0; i++) {
        app_tick(&app, fake.now);
        port_idle(fake.now + 1);
    }
    assert_int_equal(fake.connects, 1);
    fake.floods = 0;
}

#define PROMISE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(a_trial_ends_although_the_device_is_not_provisioned),
        PROMISE(a_trial_ends_although_the_agent_cannot_start),
        PROMISE(a_trial_with_an_agent_is_the_agents),
        PROMISE(without_a_trial_nothing_ends),
        PROMISE(without_entropy_no_transport_is_opened_and_the_waits_grow),
        PROMISE(after_power_on_the_first_connection_comes_at_random),
        PROMISE(the_boards_own_spread_is_short),
        PROMISE(after_a_restart_and_on_trial_the_first_connection_comes_at_once),
        PROMISE(a_product_has_its_name_commands_settings_and_log_without_a_fork),
        PROMISE(the_agent_gets_the_products_hooks_and_default_answers_without_them),
        PROMISE(wifi_credentials_reach_the_port_at_start_and_after_a_commit),
        PROMISE(what_the_network_lacks_is_shown),
        PROMISE(why_there_is_no_connection_is_shown),
        PROMISE(a_restart_waits_a_moment_for_what_was_sent),
        PROMISE(a_stopped_activity_has_no_turns_until_it_is_started_again),
        PROMISE(connection_and_console_cannot_be_stopped),
        PROMISE(one_who_types_without_end_does_not_hold_up_the_rest),
        PROMISE(what_an_activity_adds_once_more_when_it_starts_again_is_there_once),
#if OTTER_SERVICE_TOOLS && OTTER_SERVICE_LOG
        PROMISE(ps_lists_the_activities_and_kill_stops_and_starts_them),
        PROMISE(memory_is_shown_as_in_the_reference),
        PROMISE(rngtest_prints_blocks_until_there_are_enough_or_ctrl_c_comes),
        PROMISE(net_shows_what_lacks),
        PROMISE(with_line_mode_off_single_keys_are_taken),
        PROMISE(warnings_of_earlier_starts_are_shown_and_a_flood_is_counted),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
