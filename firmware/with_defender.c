/* Device Defender in the firmware: what the device can tell of itself. */
#include "firmware/app.h"
#include "net/tls.h"
#include "port/traffic.h"
#include "services/defender/defender.h"

static struct defender defender;
static struct config_part settings;
static struct cli_part console;

static void traffic(void *ctx, struct traffic *counts)
{
    (void)ctx;
    port_traffic(counts);
}

static bool connection(void *ctx, unsigned index, struct traffic_peer *peer)
{
    (void)ctx;
    return port_connection(index, peer);
}

static uint16_t listening(void *ctx, bool udp, unsigned index)
{
    (void)ctx;
    return port_listening(udp, index);
}

static uint32_t arena(void *ctx)
{
    (void)ctx;
    return (uint32_t)tls_arena_high_water();
}

static uint32_t stack(void *ctx)
{
    (void)ctx;
    return (uint32_t)port_stack_used();
}

static uint32_t resets(void *ctx)
{
    (void)ctx;
    return defender.resets;
}

static uint32_t blocks(void *ctx)
{
    const struct app *app = ctx;
    return app->agent_runs ? ota_status(&app->ota).blocks_received : 0;
}

static const struct defender_metric metrics[] = {
    {"tls_arena_most", arena}, /* bytes */
    {"stack_most", stack},     /* bytes */
    {"resets", resets},        /* starts since the store was empty */
    {"blocks", blocks},        /* of the present update that have arrived */
};

static const struct defender_hooks hooks = {.traffic = traffic,
                                            .connection = connection,
                                            .listening = listening,
                                            .metrics = metrics,
                                            .metric_count = sizeof metrics / sizeof *metrics};

static void stat(struct cli *cli)
{
    cli_printf(cli, "defender   %lu reports accepted, %lu rejected, %lu unanswered\n",
               (unsigned long)defender.accepted, (unsigned long)defender.rejected,
               (unsigned long)defender.unanswered);
}

static const struct cli_table table = {NULL, 0, stat};

static otter_status start(struct app *app, otter_ms now)
{
    const struct defender_config config = {.mqtt = &app->link.mqtt,
                                           .kv = &app->kv,
                                           .thing = app->link.client_id,
                                           .tokens = app->tokens,
                                           .token_count = JOBS_TOKENS_MIN,
                                           .hooks = &hooks,
                                           .ctx = app};
    config_add(&app->settings, &settings, &defender_settings);
    cli_add(&app->shell.console.cli, &console, &table, NULL);
    return app->provisioned ? defender_start(&defender, &config, now) : OTTER_E_STATE;
}

static void stop(struct app *app, otter_ms now)
{
    (void)app, (void)now;
    defender_stop(&defender);
}

static void tick(struct app *app, otter_ms now)
{
    if (!app_jobs_first(app))
        defender_tick(&defender, now);
}

static otter_ms deadline(const struct app *app, otter_ms now)
{
    (void)now;
    return app_jobs_first(app) ? OTTER_NEVER : defender_deadline(&defender);
}

const struct activity activity_defender = {"defender", start, stop, tick, deadline};
