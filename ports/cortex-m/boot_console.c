/* The console of a bootloader that is filled over it (boot/recovery_serve.c): the UART without
 * interrupts and buffers. It drops nothing of what a client sends that waits for its answer. */
#include "ports/cortex-m/clock.h"
#include "ports/cortex-m/core.h"
#include "ports/cortex-m/uart.h"

size_t port_console_read(void *data, size_t size)
{
    if (size == 0 || !uart_has_byte())
        return 0;
    *(uint8_t *)data = uart_take();
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
    uart_receive_interrupt(true);
    clock_sleep(deadline, uart_has_byte);
    uart_receive_interrupt(false);
    irq_restore(primask);
}
