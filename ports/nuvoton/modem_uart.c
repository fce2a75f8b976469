/* The network by an ESP8266 at a UART (BOARD_MODEM_UART), with RTS, CTS and a reset pin;
 * ports/modem has the connections. The receive interrupt fills a ring; while the core waits for its
 * flash, RTS holds the module off. */
#include "boards/map.h"
#include "ports/cortex-m/network.h"
#include "ports/cortex-m/uart.h"
#include "ports/modem/modem.h"
#include "ports/nuvoton/nuvoton.h"

#define N          BOARD_MODEM_UART
#define IRQ_OF(n)  IRQ_OF_(n)
#define IRQ_OF_(n) IRQ_UART##n
#define RING_SIZE  ESP8266_RING_MIN
_Static_assert((RING_SIZE & (RING_SIZE - 1)) == 0, "the ring's counts wrap");

static struct {
    volatile uint32_t head, tail; /* running counts; written by one side each */
    uint8_t bytes[RING_SIZE];
} input;

static bool waiting; /* there is more to send than the FIFO took */
static bool event;

void modem_handler(void);

void modem_handler(void)
{
    while (!(UART_FIFOSTS(N) & UART_RX_EMPTY)) {
        if (input.head - input.tail == RING_SIZE) {
            UART_INTEN(N) &= ~(UART_INT_RX | UART_INT_TIMEOUT); /* RTS does the rest */
            break;
        }
        input.bytes[input.head % RING_SIZE] = (uint8_t)UART_DAT(N);
        input.head++;
    }
    if (!(UART_FIFOSTS(N) & UART_TX_FULL))
        UART_INTEN(N) &= ~UART_INT_TX; /* it has woken the loop */
}

static void receive(void)
{
    const uint32_t primask = irq_save();
    UART_INTEN(N) |= UART_INT_RX | UART_INT_TIMEOUT | UART_TIMEOUT_ON;
    irq_restore(primask);
}

size_t modem_uart_read(void *data, size_t size)
{
    uint8_t *next = data;
    size_t length = 0;
    while (length < size && input.tail != input.head) {
        next[length++] = input.bytes[input.tail % RING_SIZE];
        input.tail++;
    }
    if (length > 0 && !(UART_INTEN(N) & UART_INT_RX))
        receive();
    return length;
}

size_t modem_uart_write(const void *data, size_t length)
{
    const uint8_t *bytes = data;
    size_t written = 0;
    while (written < length && !(UART_FIFOSTS(N) & UART_TX_FULL))
        UART_DAT(N) = bytes[written++];
    waiting = written < length;
    if (waiting) {
        const uint32_t primask = irq_save();
        UART_INTEN(N) |= UART_INT_TX;
        irq_restore(primask);
    }
    return written;
}

void modem_uart_control(bool reset, bool rts_cts)
{
    const uint32_t primask = irq_save();
    pin_output(BOARD_MODEM_RESET, !reset);
    if (rts_cts)
        UART_INTEN(N) |= UART_AUTO_RTS | UART_AUTO_CTS;
    else
        UART_INTEN(N) &= ~(UART_AUTO_RTS | UART_AUTO_CTS);
    irq_restore(primask);
}

void network_start(void)
{
    static const struct esp8266_wiring wiring = {.reset_pin = true, .rts_cts = true};
    registers_unlock();
#ifdef BOARD_MODEM_STRAP
    pin_output(BOARD_MODEM_STRAP, true); /* it starts its own firmware, not a loader */
#endif
    uart_clock_start(N);
    pin_function_set(BOARD_MODEM_RX);
    pin_function_set(BOARD_MODEM_TX);
    pin_function_set(BOARD_MODEM_RTS);
    pin_function_set(BOARD_MODEM_CTS);
    UART_FUNCSEL(N) = 0;
    UART_LINE(N) = UART_8N1;
    UART_FIFO(N) = UART_FIFO_RESET | UART_INT_AT_8 | UART_RTS_AT_8;
    UART_BAUD_REG(N) = 3u << 28 | ((HIRC_HZ + UART_BAUD / 2u) / UART_BAUD - 2u);
    UART_TOUT(N) = 40;
    receive();
    irq_enable(IRQ_OF(N));
    modem_start(&wiring);
}

void network_poll(void)
{
    event |= modem_poll();
}

bool network_has_work(void)
{
    return input.head != input.tail || (waiting && !(UART_FIFOSTS(N) & UART_TX_FULL));
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
