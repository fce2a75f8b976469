/* The wall clock in the firmware: packets by the port, certificates' dates judged by it. */
#include "firmware/app.h"
#include "net/tls.h"
#include "port/datagram.h"
#include "services/time/wall_clock.h"

static struct wall_clock wall_clock;
static struct config_part settings;
static struct cli_part console;

static const struct wall_clock_packets packets = {datagram_open, datagram_send, datagram_receive,
                                                  datagram_close, port_random};

/* The connection asks while it is being made, in a turn of the loop. */
static bool accepts(void *ctx, uint64_t from_s, uint64_t to_s)
{
    (void)ctx;
    return wall_clock_accepts(&wall_clock, port_now(), from_s, to_s);
}

static void stat(struct cli *cli)
{
    const uint32_t now_s = wall_clock_now_s(&wall_clock, port_now());
    cli_printf(cli, "time       %lu s since 1970, %s\n", (unsigned long)now_s,
               now_s == 0        ? "not known"
               : wall_clock.told ? "as the cloud says"
                                 : "at least");
}

static const struct cli_table table = {NULL, 0, stat};

static otter_status start(struct app *app, otter_ms now)
{
    const struct wall_clock_config config = {.mqtt = &app->link.mqtt,
                                             .kv = &app->kv,
                                             .tokens = app->tokens,
                                             .token_count = JOBS_TOKENS_MIN,
                                             .packets = &packets};
    config_add(&app->settings, &settings, &wall_clock_settings);
    cli_add(&app->shell.console.cli, &console, &table, NULL);
    tls_set_dates_judge(accepts, NULL);
    return wall_clock_start(&wall_clock, &config, now);
}

static void stop(struct app *app, otter_ms now)
{
    (void)app, (void)now;
    wall_clock_stop(&wall_clock);
}

static void tick(struct app *app, otter_ms now)
{
    (void)app;
    wall_clock_tick(&wall_clock, now);
}

static otter_ms deadline(const struct app *app, otter_ms now)
{
    (void)app, (void)now;
    return wall_clock_deadline(&wall_clock);
}

const struct activity activity_time = {"time", start, stop, tick, deadline};
