/* Device Shadow in the firmware: what the device is in the classic shadow, with the reference's
 * `powerOn`; how it is set in a named one. */
#include <string.h>

#include "firmware/app.h"
#include "port/log.h"
#include "services/shadow/shadow.h"

static const struct config_setting settings[] = {
    {.key = CONFIG_KEY_PREFIX "power_on",
     .help = "1: what the device switches is on",
     .fallback = "0",
     .kind = CONFIG_NUMBER,
     .max = 1},
    {.key = CONFIG_KEY_PREFIX "log_level",
     .help = "0 errors, 1 warnings too, 2 all but debug, 3 all",
     .fallback = "2",
     .kind = CONFIG_NUMBER,
     .max = LOG_LEVEL_DBG},
    {.key = CONFIG_KEY_PREFIX "shadow_name",
     .help = "the named shadow that has the device's settings",
     .fallback = "config",
     .kind = CONFIG_NAME,
     .min = 1,
     .max = SHADOW_NAME_MAX},
};
#define POWER_ON    (&settings[0])
#define LOG_LEVEL   (&settings[1])
#define SHADOW_NAME (&settings[2])
static const struct config_table table = {settings, sizeof settings / sizeof *settings};

static const struct shadow_property classic_properties[] = {{"powerOn", POWER_ON}};

/* Settings of the named shadow, where the build has them. Services that come before this one in the
 * list of services have brought theirs. */
static const struct {
    const char *property, *setting;
    const char *activity; /* reads it when it starts; NULL: none */
} bindings[] = {
    {"logLevel", "log_level", NULL},
    {"telemetryPeriod", "telemetry_period_s", "telemetry"},
    {"defenderPeriod", "defender_period_s", "defender"},
};
#define BINDINGS (sizeof bindings / sizeof *bindings)

static struct {
    struct shadow shadow;
    struct shadow_document documents[2];
    struct shadow_fact facts[3];
    struct shadow_property properties[BINDINGS];
    struct config_part part;
    char name[SHADOW_NAME_MAX + 1];
    uint32_t generation, offset; /* of the store, when the settings were last looked at */
    uint8_t restarts;            /* bits of the bindings whose activities are to begin anew */
} own;

static void set_log_level(struct app *app)
{
    log_set_level((enum log_level)config_get_u16(&app->kv, LOG_LEVEL));
}

/* In a message's call, perhaps: activities are left alone until the turn. */
static void on_change(void *ctx, const struct shadow_property *property)
{
    struct app *app = ctx;
    if (property->setting == LOG_LEVEL)
        set_log_level(app);
    for (unsigned i = 0; i < BINDINGS; i++) {
        if (bindings[i].activity != NULL && strcmp(bindings[i].property, property->name) == 0)
            own.restarts |= (uint8_t)(1u << i);
    }
}

static void add_properties(struct app *app)
{
    struct shadow_document *document = &own.documents[1];
    for (unsigned i = 0; i < BINDINGS; i++) {
        const struct config_setting *setting = config_find(&app->settings, bindings[i].setting);
        if (setting != NULL)
            own.properties[document->property_count++] =
                (struct shadow_property){bindings[i].property, setting};
    }
}

/* Once for each start of the application. */
static void compose(struct app *app)
{
    memset(&own, 0, sizeof own);
    if (config_add(&app->settings, &own.part, &table) != OTTER_OK)
        LOG_ERR("SHADOW", "its settings are left out: a name is taken");
    (void)config_get_text(&app->kv, SHADOW_NAME, own.name, sizeof own.name);
    own.facts[0] = (struct shadow_fact){"version", app->version};
    own.facts[1] = (struct shadow_fact){"board", board.name};
    own.facts[2] = (struct shadow_fact){"resetReason", app_reset_reason()};
    own.documents[0] = (struct shadow_document){
        .facts = own.facts, .fact_count = 3, .properties = classic_properties, .property_count = 1};
    own.documents[1] = (struct shadow_document){.name = own.name, .properties = own.properties};
    add_properties(app);
}

static otter_status start(struct app *app, otter_ms now)
{
    if (config_find(&app->settings, config_name(POWER_ON)) != POWER_ON)
        compose(app);
    set_log_level(app);
    const struct shadow_config config = {.mqtt = &app->link.mqtt,
                                         .kv = &app->kv,
                                         .thing_name = app->link.client_id,
                                         .tokens = app->tokens,
                                         .token_count = JOBS_TOKENS_MIN,
                                         .documents = own.documents,
                                         .document_count = 2,
                                         .reply_timeout_ms = TUNE_REPLY_TIMEOUT_MS,
                                         .changed = on_change,
                                         .ctx = app};
    if (!app->provisioned)
        return OTTER_E_STATE; /* as the log says already */
    const otter_status status = shadow_start(&own.shadow, &config, now);
    if (status != OTTER_OK)
        LOG_ERR("SHADOW", "cannot start: %s", otter_status_text(status));
    own.restarts = 0; /* they have just read their settings */
    return status;
}

static void stop(struct app *app, otter_ms now)
{
    (void)app, (void)now;
    shadow_stop(&own.shadow);
}

static void restart(struct app *app, const char *name, otter_ms now)
{
    for (unsigned i = 0; i < ACTIVITY_COUNT; i++) {
        if (strcmp(activities[i]->name, name) == 0 && activity_stop(app, i, now) == OTTER_OK)
            (void)activity_start(app, i, now);
    }
}

/* Whoever has written to the store, the console or a job, may have changed a setting. */
static void look_at_store(struct app *app)
{
    if (app->kv.generation == own.generation && app->kv.write_offset == own.offset)
        return;
    own.generation = app->kv.generation;
    own.offset = app->kv.write_offset;
    shadow_refresh(&own.shadow);
}

static void tick(struct app *app, otter_ms now)
{
    look_at_store(app);
    if (!app_jobs_first(app))
        shadow_tick(&own.shadow, now);
    for (unsigned i = 0; i < BINDINGS; i++) {
        if (own.restarts & 1u << i)
            restart(app, bindings[i].activity, now);
    }
    own.restarts = 0;
}

static otter_ms deadline(const struct app *app, otter_ms now)
{
    (void)now;
    return app_jobs_first(app) ? OTTER_NEVER : shadow_deadline(&own.shadow);
}

const struct activity activity_shadow = {"shadow", start, stop, tick, deadline};
