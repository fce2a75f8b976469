/* The console of a bootloader that is filled over it (boot/recovery_serve.c): the UART without
 * interrupts and buffers. It drops nothing of what a client sends that waits for its answer. */
#include "ports/mps2-an505/clock.h"
#include "ports/mps2-an505/mps2.h"
#include "ports/mps2-an505/uart.h"

static bool has_input(void)
{
    return (UART_STATE & UART_RX_FULL) != 0;
}

size_t port_console_read(void *data, size_t size)
{
    if (size == 0 || !has_input())
        return 0;
    *(uint8_t *)data = (uint8_t)UART_DATA;
    return 1;
}

void port_console_write(const void *data, size_t length)
{
    uart_write(data, length);
}

/* An interrupt that is pending ends a sleep without being taken: there are no handlers here. All is
 * left as after a reset, for the image. */
void port_idle(otter_ms deadline)
{
    const uint32_t primask = irq_save();
    UART_CONTROL |= UART_RX_INTERRUPT_ENABLE;
    irq_enable(IRQ_UART0_RX);
    clock_sleep(deadline, has_input);
    UART_CONTROL &= ~UART_RX_INTERRUPT_ENABLE;
    UART_INTERRUPT = UART_RX_INTERRUPT;
    irq_disable(IRQ_UART0_RX);
    irq_restore(primask);
}
