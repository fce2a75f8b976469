/* Blinky: a product in one file of its own making (blinky.c) and this one, which starts it. */
#include "blinky.h"
#include "firmware/app.h"
#include "port/port.h"

static struct app app;
static struct blinky blinky;

static const struct app_config product = {
    .product = "Blinky",
    .console = &blinky_console,
    .settings = &blinky_settings,
    .self_test = blinky_self_test,
    .may_reset = blinky_may_reset,
    .progress = blinky_progress,
    .ctx = &blinky,
};

static otter_ms earlier(otter_ms a, otter_ms b)
{
    return a < b ? a : b;
}

int main(void)
{
    port_start();
    app_start(&app, &product, port_now());
    blinky_start(&blinky, &app, port_now());
    for (;;) {
        app_tick(&app, port_now());
        blinky_tick(&blinky, port_now());
        port_watchdog_feed();
        port_idle(earlier(app_deadline(&app, port_now()), blinky_deadline(&blinky)));
    }
}
