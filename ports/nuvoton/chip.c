/* The chip's part of the firmware's start, and its interrupts. */
#include "boards/map.h"
#include "port/port.h"
#include "ports/cortex-m/clock.h"
#include "ports/cortex-m/console.h"
#include "ports/cortex-m/entropy.h"
#include "ports/cortex-m/system.h"
#include "ports/nuvoton/emac.h"
#include "ports/nuvoton/fmc.h"
#include "ports/nuvoton/nuvoton.h"
#include "ports/nuvoton/trng.h"

#define IRQ_OF(n)  IRQ_OF_(n)
#define IRQ_OF_(n) IRQ_UART##n

static void console_handler(void)
{
    uart_console_receive();
    uart_console_transmit();
}

#ifdef BOARD_MODEM_UART
void modem_handler(void);
#endif

/* Linked behind the core's vectors, up to the last that is used. Other interrupts are never
 * enabled. */
void (*const interrupt_vectors[])(void) __attribute__((section(".vectors.interrupts"), used)) = {
    [IRQ_OF(BOARD_CONSOLE_UART)] = console_handler,
#ifdef BOARD_MODEM_UART
    [IRQ_OF(BOARD_MODEM_UART)] = modem_handler,
#endif
#ifdef BOARD_EMAC_PINS
    [IRQ_EMAC_RX] = emac_handler,
    [IRQ_EMAC_TX] = emac_handler,
#endif
};

#ifdef OTTER_NONSECURE
void chip_start(void) /* the secure world has seen to randomness */
{
    clock_start();
}
#else
void chip_start(void)
{
    clock_start();
    trng_start();
    (void)entropy_start(); /* the log has said what is wrong; port_random refuses */
}
#endif

otter_status port_unique_id(uint32_t id[PORT_UNIQUE_ID_WORDS])
{
    uint32_t common = 0xffffffffu; /* what cannot be read */
    for (unsigned i = 0; i < PORT_UNIQUE_ID_WORDS; i++)
        common &= id[i] = flash_unique_id(i);
    return common != 0xffffffffu ? OTTER_OK : OTTER_E_NOT_FOUND;
}
