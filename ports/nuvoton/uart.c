/* The console's UART, which the board names (BOARD_CONSOLE_UART and its pins): HIRC as its clock,
 * so that its rate does not hang on the core's. */
#include "ports/cortex-m/uart.h"

#include "boards/map.h"
#include "ports/nuvoton/nuvoton.h"

#define N          BOARD_CONSOLE_UART
#define IRQ_OF(n)  IRQ_OF_(n)
#define IRQ_OF_(n) IRQ_UART##n
#define FIFO_SIZE  16u
#define CTRL_C     3u

#ifdef OTTER_SECURE
uint32_t uart_world = SECURE_PERIPHERALS;

/* FIFO and shift register: 1.5 ms. */
void uart_settle(void)
{
    for (unsigned i = 0; i < CHIP_HZ / 100u && !(UART_FIFOSTS(N) & UART_TX_DONE); i++) {
    }
}
#endif

void uart_start(void)
{
#ifdef OTTER_SECURE
    uart_settle(); /* the bootloader's last words */
#endif
    uart_clock_start(N);
    pin_function_set(BOARD_CONSOLE_RX);
    pin_function_set(BOARD_CONSOLE_TX);
    UART_LINE(N) = UART_8N1;
    UART_FIFO(N) = UART_FIFO_RESET | UART_INT_AT_8;
    UART_BAUD_REG(N) = 3u << 28 | ((HIRC_HZ + UART_BAUD / 2u) / UART_BAUD - 2u);
}

bool uart_can_send(void)
{
    return !(UART_FIFOSTS(N) & UART_TX_FULL);
}

void uart_send(uint8_t byte)
{
    UART_DAT(N) = byte;
}

/* Nothing holds the sender off. What finds the FIFO full is lost, and a Ctrl-C stands for it: the
 * console obeys no line of which a part is missing. The count of bytes to it, itself too; 0: none.
 */
static unsigned until_gap;

bool uart_has_byte(void)
{
    return until_gap == 1 || !(UART_FIFOSTS(N) & UART_RX_EMPTY);
}

uint8_t uart_take(void)
{
    if (until_gap == 1) {
        until_gap = 0;
        return CTRL_C;
    }
    if (UART_FIFOSTS(N) & UART_OVERFLOW)
        until_gap = FIFO_SIZE + 1u;
    if (until_gap > 0)
        until_gap--;
    UART_FIFOSTS(N) = UART_ERRORS;
    return (uint8_t)UART_DAT(N);
}

void uart_write(const void *data, size_t length)
{
    const uint8_t *next = data;
    for (; length > 0; length--) {
        while (!uart_can_send()) {
        }
        uart_send(*next++);
    }
#ifdef OTTER_SECURE
    uart_settle(); /* they may be its last words before a reset */
#endif
}

static void enable(uint32_t flags, bool on)
{
    const uint32_t primask = irq_save();
    UART_INTEN(N) = on ? UART_INTEN(N) | flags : UART_INTEN(N) & ~flags;
    irq_restore(primask);
    irq_enable(IRQ_OF(N));
}

void uart_receive_interrupt(bool on)
{
    UART_TOUT(N) = 40; /* bit times without a byte, until fewer than eight are handed over, too */
    enable(UART_INT_RX | UART_INT_TIMEOUT | UART_TIMEOUT_ON, on);
}

void uart_transmit_interrupt(bool on)
{
    enable(UART_INT_TX, on);
}
