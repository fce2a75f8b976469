/* The lamp; see blinky.h. */
#include "blinky.h"

#include <stdio.h>
#include <string.h>

#include "led.h"
#include "port/log.h"

#define HURRY_MS 50u

static const char *const mode_names[] = {"off", "on", "blink"};

static const struct config_setting blink_ms = {.key = CONFIG_KEY_PREFIX "blink_ms",
                                               .help = "milliseconds of a blink",
                                               .fallback = "500",
                                               .kind = CONFIG_NUMBER,
                                               .min = 50,
                                               .max = 10000};
const struct config_table blinky_settings = {&blink_ms, 1};

/* ---- to the cloud ---------------------------------------------------------------------------- */

/* A state that is on its way is followed by a newer one; nothing waits in between. */
static void send_state(struct blinky *blinky, otter_ms now)
{
    blinky->state_due = mqtt_ticket_held(&blinky->state);
    if (blinky->state_due)
        return;
    const int length = snprintf(blinky->state_text, sizeof blinky->state_text,
                                "{\"led\": \"%s\", \"version\": \"%s\"}", mode_names[blinky->mode],
                                blinky->app->version);
    blinky->state.length = (size_t)length;
    (void)mqtt_send(&blinky->app->link.mqtt, now, &blinky->service, &blinky->state);
}

static void state_sent(void *ctx, otter_ms now, struct mqtt_ticket *ticket, otter_status status)
{
    struct blinky *blinky = ctx;
    (void)ticket;
    if (status != OTTER_OK)
        LOG_WRN("BLINKY", "the cloud did not take the state: %s", otter_status_text(status));
    if (blinky->state_due)
        send_state(blinky, now);
}

static void on_online(void *ctx, otter_ms now, otter_status granted)
{
    if (granted != OTTER_OK)
        LOG_WRN("BLINKY", "the cloud cannot switch the lamp: its policy forbids %sled",
                ((struct blinky *)ctx)->prefix);
    send_state(ctx, now);
}

/* ---- the lamp -------------------------------------------------------------------------------- */

/* Takes a word of `length` characters; false when it is none of ours. */
static bool set_mode(struct blinky *blinky, const char *word, size_t length, otter_ms now)
{
    for (unsigned mode = LED_OFF; mode <= LED_BLINK; mode++) {
        if (strlen(mode_names[mode]) != length || memcmp(mode_names[mode], word, length) != 0)
            continue;
        blinky->mode = (enum led_mode)mode;
        blinky->toggle_at = now;
        send_state(blinky, now);
        return true;
    }
    return false;
}

static void on_message(void *ctx, otter_ms now, const struct mqtt_message *message)
{
    struct blinky *blinky = ctx;
    if (!set_mode(blinky, (const char *)message->payload, message->payload_length, now))
        LOG_WRN("BLINKY", "the cloud wants the lamp \"%.*s\"; it can be on, off or blink",
                (int)(message->payload_length < 16 ? message->payload_length : 16),
                (const char *)message->payload);
}

void blinky_start(struct blinky *blinky, struct app *app, otter_ms now)
{
    *blinky = (struct blinky){.app = app, .mode = LED_BLINK};
    snprintf(blinky->prefix, sizeof blinky->prefix, "blinky/%s/", app->link.client_id);
    blinky->service = (struct mqtt_service){
        .prefix = blinky->prefix, .on_message = on_message, .on_online = on_online, .ctx = blinky};
    blinky->wish = (struct mqtt_subscription){.filter = "led", .qos = 1};
    blinky->state = (struct mqtt_ticket){
        .topic = "state", .payload = blinky->state_text, .on_result = state_sent};
    mqtt_register(&app->link.mqtt, &blinky->service);
    (void)mqtt_subscribe(&app->link.mqtt, now, &blinky->service, &blinky->wish);
}

void blinky_tick(struct blinky *blinky, otter_ms now)
{
    if (now < blinky->toggle_at)
        return;
    blinky->lit = blinky->mode == LED_ON || (blinky->mode == LED_BLINK && !blinky->lit);
    led_set(blinky->lit);
    const uint64_t period = blinky->hurry ? HURRY_MS : config_get_u64(&blinky->app->kv, &blink_ms);
    blinky->toggle_at = blinky->mode == LED_BLINK ? now + period : OTTER_NEVER;
}

otter_ms blinky_deadline(const struct blinky *blinky)
{
    return blinky->toggle_at;
}

/* ---- the console ----------------------------------------------------------------------------- */

static void run_led(struct cli *cli, int argc, char **argv)
{
    struct blinky *blinky = cli_context(cli);
    if (argc > 2 || (argc == 2 && !set_mode(blinky, argv[1], strlen(argv[1]), port_now())))
        cli_print(cli, "The lamp can be on, off or blink: see 'help led'.\n");
    else
        cli_printf(cli, "led: %s\n", mode_names[blinky->mode]);
}

static const struct cli_command led_command = {"led", "Switch the lamp, or show what it does",
                                               "    Usage:\n"
                                               "    led [on|off|blink]\n"
                                               "        How fast it blinks: 'conf set blink_ms'.\n",
                                               run_led};
const struct cli_table blinky_console = {&led_command, 1, NULL};

/* ---- updates --------------------------------------------------------------------------------- */

otter_status blinky_self_test(void *ctx)
{
    const struct blinky *blinky = ctx;
    return led_get() == blinky->lit ? OTTER_OK : OTTER_E_STATE;
}

bool blinky_may_reset(void *ctx)
{
    const struct blinky *blinky = ctx;
    return blinky->mode != LED_ON;
}

void blinky_progress(void *ctx, const struct ota_status *status)
{
    struct blinky *blinky = ctx;
    blinky->hurry = status->phase == OTA_PHASE_DOWNLOAD;
}
