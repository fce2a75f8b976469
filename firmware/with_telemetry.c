/* Telemetry in the firmware: which sources there are, and when an update has the connection. */
#include "firmware/app.h"
#include "port/traffic.h"
#include "services/telemetry/telemetry.h"

static struct telemetry telemetry;
static struct config_part settings;
static struct cli_part console;

static int write_environment(void *ctx, otter_ms now, char *out, size_t size)
{
    struct environment values;
    (void)ctx;
    const otter_status status = sensors_environment(now, &values);
    return status == OTTER_OK ? telemetry_environment(&values, out, size) : (int)status;
}

static int write_motion(void *ctx, otter_ms now, char *out, size_t size)
{
    struct motion values;
    (void)ctx;
    const otter_status status = sensors_motion(now, &values);
    return status == OTTER_OK ? telemetry_motion(&values, out, size) : (int)status;
}

static int write_network(void *ctx, otter_ms now, char *out, size_t size)
{
    struct traffic values;
    const struct app *app = ctx;
    (void)now;
    port_traffic(&values);
    return telemetry_network(&values, app->link.mqtt.stats.connects, out, size);
}

static const struct telemetry_source sources[] = {{"env_sensor_data", write_environment},
                                                  {"motion_sensor_data", write_motion},
                                                  {"network_stats", write_network}};

static bool busy(void *ctx)
{
    return app_jobs_first(ctx);
}

static void stat(struct cli *cli)
{
    cli_printf(cli, "telemetry  %lu messages sent, %lu dropped, every %lu s\n",
               (unsigned long)telemetry.sent, (unsigned long)telemetry.dropped,
               (unsigned long)telemetry.period_s);
}

static const struct cli_table table = {NULL, 0, stat};

static otter_status start(struct app *app, otter_ms now)
{
    const struct telemetry_config config = {.mqtt = &app->link.mqtt,
                                            .kv = &app->kv,
                                            .thing = app->link.client_id,
                                            .sources = sources,
                                            .source_count = sizeof sources / sizeof *sources,
                                            .busy = busy,
                                            .ctx = app};
    config_add(&app->settings, &settings, &telemetry_settings);
    cli_add(&app->shell.console.cli, &console, &table, NULL);
    return app->provisioned ? telemetry_start(&telemetry, &config, now) : OTTER_E_STATE;
}

static void stop(struct app *app, otter_ms now)
{
    (void)app, (void)now;
    telemetry_stop(&telemetry);
}

static bool measures(void)
{
    return telemetry_deadline(&telemetry) != OTTER_NEVER;
}

static void tick(struct app *app, otter_ms now)
{
    (void)app;
    if (measures())
        sensors_tick(now);
    telemetry_tick(&telemetry, now);
}

static otter_ms deadline(const struct app *app, otter_ms now)
{
    (void)app, (void)now;
    if (!measures())
        return OTTER_NEVER;
    const otter_ms message = telemetry_deadline(&telemetry), sensors = sensors_deadline();
    return message < sensors ? message : sensors;
}

const struct activity activity_telemetry = {"telemetry", start, stop, tick, deadline};
