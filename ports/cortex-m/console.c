/* Console and log: both directions run by interrupt through a ring.
 *
 * Output that finds the ring full waits for the line, so nothing is lost while the line moves. A
 * line that has stood still for STALL_MS (a terminal that stopped reading) no longer holds up the
 * device: output is dropped, and counted, until it moves again.
 * Input that finds its ring full stays in the UART, which then holds the sender where it can. */
#include "ports/cortex-m/console.h"

#include <stdio.h>

#include "port/port.h"
#include "ports/cortex-m/core.h"
#include "ports/cortex-m/uart.h"

#define OUTPUT_SIZE 2048u /* powers of two */
#define INPUT_SIZE  1024u /* 89 ms of a line at 115200 baud; an erase of SPI flash: 45 */
#define STALL_MS    250u

static struct {
    volatile uint32_t head, tail; /* running counts; written by one side each */
    uint8_t bytes[OUTPUT_SIZE];
} output;

static struct {
    volatile uint32_t head, tail;
    uint8_t bytes[INPUT_SIZE];
} input;

static uint32_t dropped_bytes;
static bool stalled;
static volatile bool waits_for_room; /* the UART holds what the ring did not take */

/* Hands the next bytes to a transmitter that has room. Interrupts are off or we are in one. */
static void transmit_next(void)
{
    while (output.tail != output.head && uart_can_send())
        uart_send(output.bytes[output.tail++ % OUTPUT_SIZE]);
    uart_transmit_interrupt(output.tail != output.head);
}

void uart_console_transmit(void)
{
    transmit_next();
}

void uart_console_receive(void)
{
    while (uart_has_byte()) {
        if (input.head - input.tail == INPUT_SIZE) {
            uart_receive_interrupt(false);
            waits_for_room = true;
            return;
        }
        input.bytes[input.head % INPUT_SIZE] = uart_take();
        input.head++;
    }
}

static void receive(void)
{
    const uint32_t primask = irq_save();
    waits_for_room = false;
    uart_receive_interrupt(true);
    uart_console_receive(); /* a byte that came before may raise no interrupt of its own */
    irq_restore(primask);
}

void uart_console_start(void)
{
    uart_start();
    receive();
}

bool uart_console_has_input(void)
{
    return input.head != input.tail;
}

size_t port_console_read(void *data, size_t size)
{
    uint8_t *next = data;
    size_t length = 0;
    while (length < size && input.tail != input.head) {
        next[length++] = input.bytes[input.tail % INPUT_SIZE];
        input.tail++;
    }
    if (length > 0 && waits_for_room)
        receive();
    return length;
}

static void transmit(void)
{
    const uint32_t primask = irq_save();
    transmit_next();
    irq_restore(primask);
}

/* True once there is room for a byte. */
static bool wait_for_room(void)
{
    if (output.head - output.tail < OUTPUT_SIZE)
        return true;
    if (stalled)
        return false;
    const otter_ms deadline = port_now() + STALL_MS;
    while (output.head - output.tail == OUTPUT_SIZE) {
        transmit();
        if (port_now() >= deadline) {
            stalled = true;
            return false;
        }
    }
    return true;
}

static void append(const uint8_t *bytes, size_t length)
{
    for (; length > 0; length--) {
        if (!wait_for_room()) {
            dropped_bytes += length;
            break;
        }
        output.bytes[output.head % OUTPUT_SIZE] = *bytes++;
        output.head++;
    }
    transmit();
}

/* After a stall: wait until half of the ring is free, then say what was lost. */
static void end_stall(void)
{
    if (!stalled || output.head - output.tail > OUTPUT_SIZE / 2)
        return;
    stalled = false;
    char note[64];
    const int length = snprintf(note, sizeof note, "\r\n[console stood still: %lu bytes lost]\r\n",
                                (unsigned long)dropped_bytes);
    dropped_bytes = 0;
    append((const uint8_t *)note, (size_t)length);
}

void port_console_write(const void *data, size_t length)
{
    end_stall();
    append(data, length);
}

void port_log_write(const char *line, size_t length)
{
    port_console_write(line, length);
    port_console_write("\r\n", 2);
}

void console_drain(void)
{
    const otter_ms deadline = port_now() + STALL_MS;
    while (output.tail != output.head && port_now() < deadline)
        transmit();
}
