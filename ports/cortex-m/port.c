/* Start of the firmware's drivers, and the idle wait that serves them. */
#include "port/port.h"

#include "ports/cortex-m/clock.h"
#include "ports/cortex-m/console.h"
#include "ports/cortex-m/network.h"
#include "ports/cortex-m/system.h"

void port_start(void)
{
    port_watchdog_feed();
    chip_start();
    uart_console_start();
    network_start();
}

static bool has_work(void)
{
    return uart_console_has_input() || network_has_work();
}

/* Comes back after IDLE_MS_MAX at the latest: the loop has a watchdog to feed. */
#define IDLE_MS_MAX 1000u

void port_idle(otter_ms deadline)
{
    const otter_ms latest = port_now() + IDLE_MS_MAX;
    if (deadline > latest)
        deadline = latest;
    for (;;) {
        network_poll();
        const otter_ms now = port_now();
        if (network_take_event() || uart_console_has_input() || now >= deadline)
            return;
        const otter_ms timer = network_deadline(now);
        clock_sleep(timer < deadline ? timer : deadline, has_work);
    }
}
