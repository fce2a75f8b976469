/* The network by an ESP8266 at UART1; ports/modem has the connections. The UART is served by
 * interrupt in both directions.
 *
 * Input that finds the ring full stays in the UART, which then holds the sender; on a UART without
 * such a hold the ring is large enough, because the modem sends only what it is asked for. The
 * board has no reset pin for the modem and no RTS and CTS. */
#include "ports/cortex-m/network.h"

#include "ports/modem/modem.h"
#include "ports/mps2-an505/mps2.h"
#include "ports/cortex-m/uart.h"

#define RING_SIZE ESP8266_RING_MIN /* a power of two */
_Static_assert((RING_SIZE & (RING_SIZE - 1)) == 0, "the ring's counts wrap");

void modem_rx_handler(void);
void modem_tx_handler(void);

static struct {
    volatile uint32_t head, tail; /* running counts; written by one side each */
    uint8_t bytes[RING_SIZE];
} input;

static volatile bool transmitted; /* a byte has gone out */
static bool waiting;              /* for that: there is more */
static bool event;

void modem_rx_handler(void)
{
    UART1_INTERRUPT = UART_RX_INTERRUPT;
    while (UART1_STATE & UART_RX_FULL) {
        if (input.head - input.tail == RING_SIZE) {
            UART1_CONTROL &= ~UART_RX_INTERRUPT_ENABLE;
            return;
        }
        input.bytes[input.head % RING_SIZE] = (uint8_t)UART1_DATA;
        input.head++;
    }
}

void modem_tx_handler(void)
{
    UART1_INTERRUPT = UART_TX_INTERRUPT;
    transmitted = true;
}

size_t modem_uart_read(void *data, size_t size)
{
    uint8_t *next = data;
    size_t length = 0;
    while (length < size && input.tail != input.head) {
        next[length++] = input.bytes[input.tail % RING_SIZE];
        input.tail++;
    }
    if (length > 0 && !(UART1_CONTROL & UART_RX_INTERRUPT_ENABLE)) {
        const uint32_t primask = irq_save();
        UART1_CONTROL |= UART_RX_INTERRUPT_ENABLE;
        modem_rx_handler(); /* the byte that waited raises no interrupt of its own */
        irq_restore(primask);
    }
    return length;
}

size_t modem_uart_write(const void *data, size_t length)
{
    const uint8_t *bytes = data;
    size_t written = 0;
    transmitted = false;
    while (written < length && !(UART1_STATE & UART_TX_FULL))
        UART1_DATA = bytes[written++];
    waiting = written < length;
    return written;
}

void modem_uart_control(bool reset, bool rts_cts)
{
    (void)reset;
    (void)rts_cts;
}

void network_start(void)
{
    static const struct esp8266_wiring wiring = {.reset_pin = false, .rts_cts = false};
    UART1_BAUD_DIVIDER = CORE_CLOCK_HZ / UART_BAUD;
    UART1_CONTROL =
        UART_TX_ENABLE | UART_RX_ENABLE | UART_TX_INTERRUPT_ENABLE | UART_RX_INTERRUPT_ENABLE;
    irq_enable(IRQ_UART1_RX);
    irq_enable(IRQ_UART1_TX);
    const uint32_t primask = irq_save();
    modem_rx_handler(); /* a byte that came before raises no interrupt */
    irq_restore(primask);
    modem_start(&wiring);
}

void network_poll(void)
{
    event |= modem_poll();
}

bool network_has_work(void)
{
    return input.head != input.tail || (waiting && transmitted);
}

otter_ms network_deadline(otter_ms now)
{
    (void)now;
    return modem_deadline();
}

bool network_take_event(void)
{
    const bool was = event;
    event = false;
    return was;
}
