/* Console and log: both directions run by interrupt through a ring.
 *
 * Output that finds the ring full waits for the line, so nothing is lost while the line moves. A
 * line that has stood still for STALL_MS (a terminal that stopped reading) no longer holds up the
 * device: output is dropped, and counted, until it moves again.
 * Input that finds its ring full stays in the UART, which then holds the sender. */
#include "ports/mps2-an505/console.h"

#include <stdio.h>

#include "port/port.h"
#include "ports/mps2-an505/mps2.h"
#include "ports/mps2-an505/uart.h"

#define OUTPUT_SIZE 2048u /* powers of two */
#define INPUT_SIZE  512u
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

/* Hands the next byte to an idle transmitter. Interrupts are off or we are in one. */
static void transmit_next(void)
{
    while (output.tail != output.head && !(UART_STATE & UART_TX_FULL))
        UART_DATA = output.bytes[output.tail++ % OUTPUT_SIZE];
}

void uart_tx_handler(void)
{
    UART_INTERRUPT = UART_TX_INTERRUPT;
    transmit_next();
}

void uart_rx_handler(void)
{
    UART_INTERRUPT = UART_RX_INTERRUPT;
    while (UART_STATE & UART_RX_FULL) {
        if (input.head - input.tail == INPUT_SIZE) {
            UART_CONTROL &= ~UART_RX_INTERRUPT_ENABLE;
            return;
        }
        input.bytes[input.head % INPUT_SIZE] = (uint8_t)UART_DATA;
        input.head++;
    }
}

void uart_console_start(void)
{
    uart_start();
    UART_CONTROL |= UART_TX_INTERRUPT_ENABLE | UART_RX_INTERRUPT_ENABLE;
    irq_enable(IRQ_UART0_RX);
    irq_enable(IRQ_UART0_TX);
    const uint32_t primask = irq_save();
    uart_rx_handler(); /* a byte that came before raises no interrupt, and holds up all behind it */
    irq_restore(primask);
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
    if (length > 0 && !(UART_CONTROL & UART_RX_INTERRUPT_ENABLE)) {
        const uint32_t primask = irq_save();
        UART_CONTROL |= UART_RX_INTERRUPT_ENABLE;
        uart_rx_handler(); /* the byte that waited raises no interrupt of its own */
        irq_restore(primask);
    }
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
