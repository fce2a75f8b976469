/* The console's UART, USART1 (reference manuals: USART): clocked by PCLK2, which is the core's
 * clock, with its FIFO of 8 bytes. What comes while flash is erased and nothing can be run from
 * flash, flash.c takes out of the FIFO into `uart_kept`; it is handed over before the FIFO. */
#include "ports/cortex-m/uart.h"

#include "boards/map.h"
#include "ports/cortex-m/clock.h"
#include "ports/stm32/clock.h"
#include "ports/stm32/flash.h"
#include "ports/stm32/stm32.h"

#define CTRL_C 3u

struct uart_kept uart_kept;

/* FIFO and shift register, 0.8 ms: of the program before, at the start of one. */
static void let_last_words_out(void)
{
    if (USART_CR1 & USART_ENABLE)
        (void)clock_wait_flag(&USART_ISR, USART_SENT);
}

void uart_start(void)
{
    RCC_APB2ENR |= RCC_APB2_USART1;
    let_last_words_out();
    RCC_APB2RSTR |= RCC_APB2_USART1;
    RCC_APB2RSTR &= ~RCC_APB2_USART1;
    pin_alternate(BOARD_CONSOLE_TX);
    pin_alternate(BOARD_CONSOLE_RX);
    USART_CR1 = 0;
    USART_BRR = (clock_hz() + UART_BAUD / 2u) / UART_BAUD;
    USART_CR1 = USART_FIFO | USART_TRANSMIT | USART_RECEIVE;
    USART_CR1 |= USART_ENABLE;
    (void)clock_wait_flag(&USART_ISR, USART_TX_READY);
    (void)clock_wait_flag(&USART_ISR, USART_RX_READY);
}

bool uart_can_send(void)
{
    return USART_ISR & USART_HAS_ROOM;
}

void uart_send(uint8_t byte)
{
    USART_TDR = byte;
}

/* Nothing holds the sender off. What finds the FIFO full is lost, and an overrun that stands blocks
 * the receiver: what is taken until it is empty came before. Then a Ctrl-C stands for the gap, and
 * the overrun ends: the console obeys no line of which a part is missing. */
bool uart_has_byte(void)
{
    const uint32_t flags = USART_ISR;
    if (flags & USART_ERRORS & ~USART_OVERRUN)
        USART_ICR = flags & USART_ERRORS & ~USART_OVERRUN;
    return uart_kept.taken != uart_kept.count || (flags & (USART_HAS_BYTE | USART_OVERRUN));
}

uint8_t uart_take(void)
{
    if (uart_kept.taken != uart_kept.count)
        return uart_kept.bytes[uart_kept.taken++ % UART_KEPT_MAX];
    if (USART_ISR & USART_HAS_BYTE)
        return (uint8_t)USART_RDR;
    USART_ICR = USART_OVERRUN;
    return CTRL_C;
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
    let_last_words_out(); /* a reset may follow */
#endif
}

static void enable(uint32_t flags, bool on)
{
    const uint32_t primask = irq_save();
    USART_CR1 = on ? USART_CR1 | flags : USART_CR1 & ~flags;
    irq_restore(primask);
    irq_enable(IRQ_USART1);
}

void uart_receive_interrupt(bool on)
{
    enable(USART_INT_RX, on);
}

void uart_transmit_interrupt(bool on)
{
    enable(USART_INT_TX, on);
}

void uart_kept_announce(void)
{
    if (uart_kept.count != uart_kept.taken && (USART_CR1 & USART_INT_RX))
        irq_pend(IRQ_USART1);
}
