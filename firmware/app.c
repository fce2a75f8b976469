/* Starts the services in the order in which they need each other, and turns them; see app.h. */
#include "firmware/app.h"
#if OTTER_SERVICE_HTTP
#include "firmware/with_http.h"
#endif
#if OTTER_SERVICE_LOG
#include "firmware/with_log.h"
#endif

#include <string.h>

#include "image/check.h"
#include "image/trailer.h"
#include "net/mqtt_settings.h"
#include "port/handover.h"
#include "port/log.h"
#include "port/socket.h"
#if OTTER_TWO_WORLDS
#include "secure/psa_keys.h"
#include "secure/slot.h"
#endif
#include "store/config.h"

/* Between two log lines on the way of a download; the first and the last block always have one. */
#define PROGRESS_LOG_MS 100u
#define LAST_WORDS_MS   500u /* that a restart gives what was sent for its way out */

static uint8_t tls_arena[TUNE_TLS_ARENA_SIZE] __attribute__((aligned(8)));

const char *app_reset_reason(void)
{
    const struct handover *handover = port_handover();
    switch (handover != NULL ? handover->reset_reason : RESET_POWER_ON) {
    case RESET_SOFTWARE:
        return "software reset";
    case RESET_WATCHDOG:
        return "watchdog reset";
    default:
        return "power on";
    }
}

static void log_boot(const struct app *app)
{
    const struct handover *handover = port_handover();
    const char *build = app->config->build;
    LOG_INF("APP", build != NULL ? "%s %s (build %s) on %s" : "%s %s%s on %s", app->config->product,
            app->version, build != NULL ? build : "", board.name);
    if (handover != NULL)
        LOG_INF("APP", "started by %s, swap type %lu, %lu ms in the bootloader", app_reset_reason(),
                (unsigned long)handover->swap_type, (unsigned long)handover->boot_ms);
}

static void read_version(struct app *app)
{
    struct image_header header;
    const otter_status status = image_header_read(app->running, &header);
    if (status == OTTER_OK)
        image_version_format(&header.version, app->version);
    else
        LOG_ERR("APP", "cannot read the image header of this firmware: %s",
                otter_status_text(status));
}

/* The first thing that a connection needs and the device does not have, or NULL. */
static const char *missing_item(struct app *app)
{
    uint32_t length;
    static const char *const objects[] = {PKI_ROOT_CA, PKI_TLS_KEY_PRIV, PKI_TLS_CERT};
    if (app->link.client_id[0] == '\0')
        return "thing_name";
    if (app->link.host[0] == '\0')
        return "mqtt_endpoint";
    for (unsigned i = 0; i < sizeof objects / sizeof *objects; i++) {
        if (pki_length(&app->pki, objects[i], &length) == OTTER_E_NOT_FOUND)
            return objects[i];
    }
    return NULL;
}

static void log_progress(struct app *app, const struct ota_status *status)
{
    const otter_ms now = port_now();
    if (status->phase != OTA_PHASE_DOWNLOAD || status->blocks_total == 0)
        return;
    if (status->blocks_received != 1 && status->blocks_received != status->blocks_total &&
        now - app->progress_logged_at < PROGRESS_LOG_MS)
        return;
    app->progress_logged_at = now;
    LOG_INF("OTA", "block %lu/%lu (%lu of %lu bytes)", (unsigned long)status->blocks_received,
            (unsigned long)status->blocks_total, (unsigned long)status->bytes_received,
            (unsigned long)status->bytes_total);
}

static void on_event(void *ctx, const struct ota_status *status)
{
    struct app *app = ctx;
    log_progress(app, status);
    if (app->config->progress != NULL)
        app->config->progress(app->config->ctx, status);
}

static otter_status self_test(void *ctx)
{
    const struct app_config *config = ((struct app *)ctx)->config;
    return config->self_test != NULL ? config->self_test(config->ctx) : OTTER_OK;
}

static bool may_reset(void *ctx)
{
    const struct app_config *config = ((struct app *)ctx)->config;
    return config->may_reset == NULL || config->may_reset(config->ctx);
}

static const char *why_off_line(void *ctx)
{
    const struct app *app = ctx;
    const otter_status network = port_network_status();
    return network == OTTER_OK ? app->link.fault : otter_status_text(network);
}

static uint32_t self_test_timeout_ms(const struct app *app)
{
    const uint32_t limit = app->config->self_test_timeout_ms;
    return limit > 0 ? limit : TUNE_SELF_TEST_TIMEOUT_MS;
}

/* Without it the agent says why: app->no_jobs. */
static otter_status start_jobs(struct app *app, otter_ms now)
{
    const struct jobs_config config = {
        .mqtt = &app->link.mqtt,
        .kv = &app->kv,
        .thing_name = app->link.client_id,
        .tokens = app->tokens,
        .token_count = JOBS_TOKENS_MIN,
        .reply_timeout_ms = TUNE_REPLY_TIMEOUT_MS,
        .poll_ms = TUNE_JOB_POLL_MS,
    };
    if (app->agent_runs) /* it was held, and goes on */
        return OTTER_OK;
    app->no_jobs = "the device is not provisioned";
    if (!app->provisioned)
        return OTTER_E_STATE;
    const otter_status status = jobs_init(&app->jobs, &config, now);
    app->no_jobs = status == OTTER_OK ? NULL : jobs_fault(&app->jobs);
    return status;
}

static otter_status start_agent(struct app *app, otter_ms now)
{
    if (app->agent_runs)
        return OTTER_OK;
#if !OTTER_TWO_WORLDS /* else the secure program verifies images */
    app->policy = (struct image_policy){.keys = image_keys, .key_count = image_key_count};
#endif
    ota_source_stream_init(&app->stream, &app->link.mqtt, app->link.client_id, 0);
    app->sources[0] = &app->stream.source;
#if OTTER_SERVICE_HTTP
    app->sources[1] = prepare_http(app);
#endif
#if OTTER_TWO_WORLDS
    app->secure = (struct ota_partner){.primary = &board_secure.primary,
                                       .secondary = &board_secure.secondary,
                                       .image_size_max = board_secure.image_size_max,
                                       .version = secure_slot_version};
#endif
    const struct ota_config config = {
        .off = app->no_jobs,
#if OTTER_TWO_WORLDS
        .partners = &app->secure,
        .partner_count = 1,
#endif
#if !OTTER_TWO_WORLDS
        .policy = &app->policy,
#endif
        .jobs = &app->jobs,
        .kv = &app->kv,
        .pki = &app->pki,
        .primary = app->running,
        .secondary = app->candidate,
        .progress = &board.progress,
        .trailer_align = board.max_align,
        .slot_address =
            board.update == UPDATE_DIRECT_XIP ? board.flash_base + app->candidate->offset : 0,
        .image_size_max = board.image_size_max,
        .sources = app->sources,
        .source_count = OTA_SOURCES_MAX,
        .block_size = TUNE_BLOCK_SIZE,
        .window = TUNE_WINDOW,
        .stall_timeout_ms = TUNE_STALL_TIMEOUT_MS,
        .progress_period_ms = TUNE_PROGRESS_PERIOD_MS,
        .self_test_timeout_ms = self_test_timeout_ms(app),
        .self_test = self_test,
        .may_reset = may_reset,
        .on_event = on_event,
        .why_off_line = why_off_line,
        .ctx = app,
    };
    const otter_status status = ota_init(&app->ota, &config, now);
    app->agent_runs = status == OTTER_OK;
    if (!app->agent_runs && app->provisioned)
        LOG_ERR("APP", "the update agent does not run: %s", ota_config_fault(&app->ota));
    return status;
}

/* Only power brings a fleet back together; and a trial has no time to lose. */
static uint32_t connect_spread_ms(struct app *app)
{
    char text[8];
    const struct handover *handover = port_handover();
    const bool power_on = handover == NULL || handover->reset_reason == RESET_POWER_ON;
    if (!power_on || app->trial.deadline != OTTER_NEVER)
        return 0;
    if (config_get_text(&app->kv, CONFIG_CONNECT_SPREAD, text, sizeof text) != OTTER_OK)
        return board.connect_spread_ms;
    return (uint32_t)config_get_u64(&app->kv, CONFIG_CONNECT_SPREAD) * 1000u;
}

void app_join_network(struct app *app)
{
    char ssid[33], credential[65];
    (void)config_get_text(&app->kv, CONFIG_WIFI_SSID, ssid, sizeof ssid);
    (void)config_get_text(&app->kv, CONFIG_WIFI_CREDENTIAL, credential, sizeof credential);
    port_network_join(ssid, credential);
}

static otter_status start_link(struct app *app, otter_ms now)
{
    char name[LINK_CLIENT_MAX + 1];
    char host[LINK_HOST_MAX + 1];
    (void)config_get_text(&app->kv, CONFIG_THING_NAME, name, sizeof name);
    (void)config_get_text(&app->kv, CONFIG_MQTT_ENDPOINT, host, sizeof host);
    const struct link_config config = {
        .client_id = name,
        .host = host,
        .port = config_get_u16(&app->kv, CONFIG_MQTT_PORT),
        .spread_ms = connect_spread_ms(app),
#if OTTER_MQTT5
        .version = (uint8_t)config_get_u16(&app->kv, CONFIG_MQTT_VERSION),
#endif
    };
    link_init(&app->link, &app->pki, &config, now);
    const char *missing = missing_item(app);
    app->provisioned = missing == NULL;
    if (missing != NULL)
        LOG_WRN("APP",
                "not provisioned: %s is missing; see `help conf` and `help pki`, then `reset`",
                missing);
    if (!app->provisioned || app->config->deaf)
        app->link.provisioned = false;
    return OTTER_OK;
}

static void log_damage(void *ctx, const struct kv_damage *damage)
{
    (void)ctx;
    const char *key = damage->key[0] != '\0' ? damage->key
                      : damage->offset == 0  ? "the sector's header"
                                             : "a record";
    if (damage->repaired)
        LOG_WRN("STORE", "sector %lu: one bit of %s has flipped and is put right at each reading",
                (unsigned long)damage->sector, key);
    else
        LOG_ERR("STORE", "sector %lu: %s cannot be read any more; set or import it again",
                (unsigned long)damage->sector, key);
}

static void open_store(struct app *app)
{
    otter_status status = kv_open(&app->kv, &board.store);
    if (status != OTTER_OK) {
        LOG_ERR("STORE", "cannot be opened: %s", otter_status_text(status));
        return;
    }
    kv_check(&app->kv, log_damage, NULL);
    status = kv_purge(&app->kv);
    if (status != OTTER_OK)
        LOG_ERR("STORE", "a replaced private key cannot be erased from flash: %s",
                otter_status_text(status));
}

/* Of two worlds the other one has them; what would keep them in flash is not linked. */
static const struct pki_keys *keys_of(const struct app_config *config)
{
#if OTTER_TWO_WORLDS
    if (config->keys == NULL)
        return &psa_keys;
#endif
    return config->keys;
}

static void open_keys(struct app *app)
{
    pki_init(&app->pki, &app->kv, keys_of(app->config), app->config->keys_ctx);
    pki_add(&app->pki, &app->ota_labels, &pki_ota_labels);
    pki_add(&app->pki, &app->claim_labels, &pki_claim_labels);
    if (app->config->labels != NULL &&
        pki_add(&app->pki, &app->product_labels, app->config->labels) != OTTER_OK)
        LOG_ERR("APP", "app_config.labels left out: a label is too long");
}

static void add_settings(struct app *app)
{
    config_add(&app->settings, &app->device_settings, &device_settings);
    config_add(&app->settings, &app->mqtt_settings, &mqtt_settings);
    if (app->config->settings != NULL &&
        config_add(&app->settings, &app->product_settings, app->config->settings) != OTTER_OK)
        LOG_ERR("APP",
                "app_config.settings left out: a name is taken or too long, or a max too high");
}

/* The bootloader says which slot it started; the image that replaces this one goes to the other. */
static void find_slots(struct app *app)
{
    const struct handover *handover = port_handover();
    const bool second = handover != NULL && handover->slot == SLOT_SECONDARY;
    app->running = second ? &board.secondary : &board.primary;
    app->candidate = second ? &board.primary : &board.candidate;
}

void app_start(struct app *app, const struct app_config *config, otter_ms now)
{
    memset(app, 0, sizeof *app);
    app->config = config;
    if (config->log != NULL)
        log_add_sink(config->log);
    tls_setup_arena(tls_arena, sizeof tls_arena);
#if OTTER_SERVICE_LOG
    keep_log();
#endif
    find_slots(app);
    read_version(app);
    log_boot(app);
    open_store(app);
    open_keys(app);
    add_settings(app);
    const struct flash_area *partner = NULL;
#if OTTER_TWO_WORLDS
    partner = &board_secure.primary;
#endif
    trial_start(&app->trial, app->running, partner, board.max_align, self_test_timeout_ms(app),
                now);
    app_join_network(app);
    shell_init(&app->shell, app);
    activities_start(app, now);
}

/* An installed update that waits for its reset may wait for days. */
bool app_jobs_first(const struct app *app)
{
    return app->agent_runs && jobs_come_first(&app->jobs) &&
           ota_status(&app->ota).phase != OTA_PHASE_INSTALL;
}

static void log_connection(struct app *app)
{
    const bool on_line = app->link.mqtt.state == MQTT_CONNECTED;
    if (on_line == app->on_line)
        return;
    app->on_line = on_line;
    if (on_line)
        LOG_INF("APP", "on line as %s, version %s", app->link.client_id, app->version);
    else if (app->link.mqtt.error != OTTER_OK) /* else it was not lost */
        LOG_WRN("APP", "off line");
}

static void tick_link(struct app *app, otter_ms now)
{
    link_tick(&app->link, now);
    log_connection(app);
}

static otter_ms link_due(const struct app *app, otter_ms now)
{
    return link_deadline(&app->link, now);
}

/* Without the agent an update would be refused, as nobody's job. */
static void tick_jobs(struct app *app, otter_ms now)
{
    if (app->agent_runs)
        jobs_tick(&app->jobs, now);
}

static otter_ms jobs_due(const struct app *app, otter_ms now)
{
    (void)now;
    return app->agent_runs ? jobs_deadline(&app->jobs) : OTTER_NEVER;
}

static void tick_agent(struct app *app, otter_ms now)
{
    ota_tick(&app->ota, now);
    if (ota_wants_reset(&app->ota))
        app_reset(app, "the update agent asks for it");
}

static otter_ms agent_due(const struct app *app, otter_ms now)
{
    (void)now;
    return ota_deadline(&app->ota);
}

/* Jobs and updates stand still where they are, and go on from there. */
static void hold(struct app *app, otter_ms now)
{
    (void)app;
    (void)now;
}

const struct activity activity_link = {"link", start_link, NULL, tick_link, link_due};
const struct activity activity_jobs = {"jobs", start_jobs, hold, tick_jobs, jobs_due};
const struct activity activity_ota = {"ota", start_agent, hold, tick_agent, agent_due};

/* After the agent, which knows more about why, had its turn. */
static void mind_trial(struct app *app, otter_ms now)
{
    if (!trial_expired(&app->trial, now))
        return;
    if (!app->agent_runs && app->config->keep_without_agent &&
        trailer_confirm(app->running, board.max_align) == OTTER_OK) {
        LOG_WRN("APP", "this firmware is kept although the update agent does not run (%s)",
                ota_config_fault(&app->ota));
        return;
    }
    if (!app->agent_runs)
        ota_leave_word_without_agent(&app->kv);
    LOG_ERR("APP", "trial failed: %s; going back to the old firmware",
            app->agent_runs ? "the update agent did not end it" : ota_config_fault(&app->ota));
    app_reset(app, "the trial's time is up");
}

void app_tick(struct app *app, otter_ms now)
{
    activities_tick(app, now);
    mind_trial(app, now);
}

otter_ms app_deadline(const struct app *app, otter_ms now)
{
    const otter_ms due = activities_deadline(app, now);
    return due < app->trial.deadline ? due : app->trial.deadline;
}

void app_reset(struct app *app, const char *why)
{
    LOG_INF("APP", "restarting: %s", why);
    link_close(&app->link, port_now());
    const otter_ms end = port_now() + LAST_WORDS_MS;
    do
        port_idle(port_network_quiet() ? port_now() : end);
    while (!port_network_quiet() && port_now() < end);
    port_reset();
}
