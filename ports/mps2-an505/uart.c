/* UART0 by polling: the CMSDK APB UART (Arm DDI0479); see uart.h. */
#include "ports/mps2-an505/uart.h"

#include <stdint.h>

#include "ports/mps2-an505/mps2.h"

void uart_start(void)
{
    UART_BAUD_DIVIDER = CORE_CLOCK_HZ / UART_BAUD;
    UART_CONTROL = UART_TX_ENABLE | UART_RX_ENABLE;
}

void uart_write(const void *data, size_t length)
{
    const uint8_t *next = data;
    for (; length > 0; length--) {
        while (UART_STATE & UART_TX_FULL) {
        }
        UART_DATA = *next++;
    }
}

__attribute__((weak)) void console_drain(void)
{
}
