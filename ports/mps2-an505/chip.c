/* The chip's part of the start, and its interrupts. */

#include "boards/map.h"
#include "port/port.h"
#include "ports/cortex-m/console.h"
#include "ports/cortex-m/system.h"
#include "ports/mps2-an505/mps2.h"
#include "ports/mps2-an505/random.h"

static void uart_tx_handler(void)
{
    UART_INTERRUPT = UART_TX_INTERRUPT;
    uart_console_transmit();
}

static void uart_rx_handler(void)
{
    UART_INTERRUPT = UART_RX_INTERRUPT;
    uart_console_receive();
}

/* Of the one network that is linked. */
__attribute__((weak)) void ethernet_handler(void);
__attribute__((weak)) void modem_rx_handler(void);
__attribute__((weak)) void modem_tx_handler(void);

/* Linked behind the core's vectors, up to the last that is used. Other interrupts are never
 * enabled. */
void (*const interrupt_vectors[])(void) __attribute__((section(".vectors.interrupts"), used)) = {
    [IRQ_UART0_RX] = uart_rx_handler,  [IRQ_UART0_TX] = uart_tx_handler,
    [IRQ_UART1_RX] = modem_rx_handler, [IRQ_UART1_TX] = modem_tx_handler,
    [IRQ_ETHERNET] = ethernet_handler,
};

#ifdef OTTER_NONSECURE
void chip_start(void) /* the secure world has seen to randomness */
{
}
#else
void chip_start(void)
{
    static const struct flash_area seed = {&port_flash[AREA_DEVICE(BOARD_SEED)],
                                           AREA_OFFSET(BOARD_SEED), AREA_SIZE(BOARD_SEED)};
    random_start(&seed);
}
#endif

otter_status port_unique_id(uint32_t id[PORT_UNIQUE_ID_WORDS])
{
    (void)id; /* QEMU's has none */
    return OTTER_E_NOT_FOUND;
}
