/* One loop: what is due is done, then the port sleeps until something is. */
#include "firmware/app.h"
#include "firmware/variant.h"
#include "port/port.h"

int main(void)
{
    static struct app app;
    port_start();
    app_start(&app, &variant, port_now());
    for (;;) {
        app_tick(&app, port_now());
        port_watchdog_feed();
        port_idle(app_deadline(&app, port_now()));
    }
}
