/* UART0: the CMSDK APB UART (Arm DDI0479); see uart.h of ports/cortex-m. */
#include "ports/cortex-m/uart.h"

#include "ports/cortex-m/console.h"
#include "ports/mps2-an505/mps2.h"

void uart_start(void)
{
    UART_BAUD_DIVIDER = CORE_CLOCK_HZ / UART_BAUD;
    UART_CONTROL = UART_TX_ENABLE | UART_RX_ENABLE;
}

bool uart_can_send(void)
{
    return !(UART_STATE & UART_TX_FULL);
}

void uart_send(uint8_t byte)
{
    UART_DATA = byte;
}

bool uart_has_byte(void)
{
    return (UART_STATE & UART_RX_FULL) != 0;
}

uint8_t uart_take(void)
{
    return (uint8_t)UART_DATA;
}

void uart_write(const void *data, size_t length)
{
    const uint8_t *next = data;
    for (; length > 0; length--) {
        while (!uart_can_send()) {
        }
        uart_send(*next++);
    }
}

void uart_receive_interrupt(bool on)
{
    if (on) {
        UART_CONTROL |= UART_RX_INTERRUPT_ENABLE;
        irq_enable(IRQ_UART0_RX);
    } else {
        UART_CONTROL &= ~UART_RX_INTERRUPT_ENABLE;
        UART_INTERRUPT = UART_RX_INTERRUPT;
        irq_disable(IRQ_UART0_RX);
    }
}

/* Its interrupt comes when a byte has gone, not while there is room: it may stay enabled. */
void uart_transmit_interrupt(bool on)
{
    if (on) {
        UART_CONTROL |= UART_TX_INTERRUPT_ENABLE;
        irq_enable(IRQ_UART0_TX);
    }
}
