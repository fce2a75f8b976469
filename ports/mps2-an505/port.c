/* Start of the firmware's drivers, and the idle wait that serves them. */
#include "port/port.h"

#include "boards/map.h"
#include "ports/mps2-an505/clock.h"
#include "ports/mps2-an505/console.h"
#include "ports/mps2-an505/mps2.h"
#include "ports/mps2-an505/network.h"
#include "ports/mps2-an505/random.h"

void uart_rx_handler(void);
void uart_tx_handler(void);
/* Of the one network that is linked. */
__attribute__((weak)) void ethernet_handler(void);
__attribute__((weak)) void modem_rx_handler(void);
__attribute__((weak)) void modem_tx_handler(void);

/* Linked behind the core's vectors. Other interrupts are never enabled. */
void (*const interrupt_vectors[IRQ_COUNT])(void)
    __attribute__((section(".vectors.interrupts"), used)) = {
        [IRQ_UART0_RX] = uart_rx_handler,  [IRQ_UART0_TX] = uart_tx_handler,
        [IRQ_UART1_RX] = modem_rx_handler, [IRQ_UART1_TX] = modem_tx_handler,
        [IRQ_ETHERNET] = ethernet_handler,
};

void port_start(void)
{
    static const struct flash_area seed = {&port_flash[AREA_DEVICE(BOARD_SEED)],
                                           AREA_OFFSET(BOARD_SEED), AREA_SIZE(BOARD_SEED)};
    port_watchdog_feed();
    uart_console_start();
    random_start(&seed);
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
