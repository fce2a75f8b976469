/* The chip's part of the firmware's start, its interrupts, and its identification. */
#include "boards/map.h"
#include "port/port.h"
#include "ports/cortex-m/clock.h"
#include "ports/cortex-m/console.h"
#include "ports/cortex-m/entropy.h"
#include "ports/cortex-m/system.h"
#include "ports/stm32/gates.h"
#include "ports/stm32/rng.h"
#include "ports/stm32/stm32.h"

#define WIFI_IRQ(pin)        WIFI_IRQ_(pin)
#define WIFI_IRQ_(port, pin) IRQ_EXTI(pin)

static void console_handler(void)
{
    uart_console_receive();
    uart_console_transmit();
}

/* Each is there if the board's network is by it. */
__attribute__((weak)) void wifi_handler(void);
__attribute__((weak)) void ethernet_handler(void);

/* Linked behind the core's vectors, up to the last that is used. Other interrupts are never
 * enabled. */
void (*const interrupt_vectors[])(void) __attribute__((section(".vectors.interrupts"), used)) = {
    [IRQ_USART1] = console_handler,
#ifdef BOARD_WIFI_FLOW
    [WIFI_IRQ(BOARD_WIFI_FLOW)] = wifi_handler,
    [WIFI_IRQ(BOARD_WIFI_NOTIFY)] = wifi_handler,
#endif
#ifdef IRQ_ETH
    [IRQ_ETH] = ethernet_handler,
#endif
};

#ifdef OTTER_NONSECURE /* clock, cache and randomness are the secure program's */

void chip_start(void)
{
    clock_start();
    (void)gate_keep(&uart_kept);
}

void chip_unique_id(uint32_t id[3])
{
    for (unsigned i = 0; i < 3; i++)
        id[i] = REG32(UNIQUE_ID + 4u * i);
}

#else

void chip_start(void)
{
    clock_start();
    rng_start();
    (void)entropy_start(); /* the log has said what is wrong; port_random refuses */
}

void chip_unique_id(uint32_t id[3])
{
    const uint32_t primask = irq_save();
    icache_off(); /* the H5 answers a read through the cache with a fault */
    for (unsigned i = 0; i < 3; i++)
        id[i] = REG32(UNIQUE_ID + 4u * i);
    icache_on();
    irq_restore(primask);
}

#endif

otter_status port_unique_id(uint32_t id[PORT_UNIQUE_ID_WORDS])
{
    chip_unique_id(id);
    return OTTER_OK;
}
