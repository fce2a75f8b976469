/* Registers that the NuMicro M467, M487 and M2354 share, and the chip that is built for
 * (BOARD_CHIP of the board). Sources: the parts' Technical Reference Manuals and device headers. */
#ifndef OTTER_NUVOTON_H
#define OTTER_NUVOTON_H

#include <stdbool.h>

#include "ports/cortex-m/core.h"

/* In two worlds a peripheral that was given to the non-secure one lies at its second address. */
#define SECURE_PERIPHERALS    0x40000000u
#define NONSECURE_PERIPHERALS 0x50000000u
#ifdef OTTER_NONSECURE
#define PERIPHERALS NONSECURE_PERIPHERALS
#else
#define PERIPHERALS SECURE_PERIPHERALS
#endif

#define SYS_BASE (PERIPHERALS + 0x00000u)
#define CLK_BASE (PERIPHERALS + 0x00200u)

#include OTTER_CHIP_HEADER

/* SYS. Most registers of SYS, CLK, FMC and WDT are locked: see registers_unlock. */
#define SYS_RSTSTS  REG32(SYS_BASE + 0x004u)
#define SYS_IPRST1  REG32(SYS_BASE + 0x00cu)
#define SYS_BODCTL  REG32(SYS_BASE + 0x018u)
#define SYS_REGLCTL REG32(SYS_BASE + 0x100u)
#define SYS_PLCTL   REG32(SYS_BASE + 0x1f8u)
#define SYS_PLSTS   REG32(SYS_BASE + 0x1fcu)

#define SYS_RSTSTS_WATCHDOG 0x04u
#define SYS_BODCTL_ON       0x01u
#define SYS_BODCTL_RESETS   0x08u
#define SYS_BODCTL_2V2      (3u << 16) /* of the level's three bits */

/* CLK. Its base is kept from the compiler, which would reach each register from an address that is
 * easier to load and too far away for short instructions. */
static inline uintptr_t clk_base(void)
{
    uintptr_t base = CLK_BASE;
    __asm("" : "+r"(base));
    return base;
}

#define CLK_REG(offset) REG32(clk_base() + (offset))

#define CLK_PWRCTL  CLK_REG(0x000u)
#define CLK_AHBCLK  CLK_REG(0x004u)
#define CLK_APBCLK0 CLK_REG(0x008u)
#define CLK_APBCLK1 CLK_REG(0x00cu)
#define CLK_CLKSEL0 CLK_REG(0x010u)
#define CLK_CLKSEL1 CLK_REG(0x014u)
#define CLK_CLKSEL2 CLK_REG(0x018u)
#define CLK_CLKSEL3 CLK_REG(0x01cu)
#define CLK_CLKDIV0 CLK_REG(0x020u)
#define CLK_CLKDIV3 CLK_REG(0x02cu)
#define CLK_PCLKDIV CLK_REG(0x034u)
#define CLK_PLLCTL  CLK_REG(0x040u)
#define CLK_STATUS  CLK_REG(0x050u)
#define CLK_AHBCLK1 CLK_REG(0x058u)

#define CLK_HIRC         0x04u /* PWRCTL */
#define CLK_LIRC         0x08u
#define CLK_PLL_STABLE   0x04u /* STATUS */
#define CLK_LIRC_STABLE  0x08u
#define CLK_HIRC_STABLE  0x10u
#define CLK_HCLK_PLL     2u /* CLKSEL0.HCLKSEL */
#define CLK_HCLK_HIRC    7u
#define CLK_PLL_OFF      0x10000u
#define CLK_APB_TIMER0   0x04u
#define CLK_APB_WATCHDOG 0x01u
#define CLK_AHB_ISP      0x04u

#define HIRC_HZ 12000000u

/* TIMER0: continuous, 1 MHz, 24 bits. It is always secure: the non-secure world counts with TIMER2.
 */
#ifdef OTTER_NONSECURE
#define TIMER_BASE (PERIPHERALS + 0x51000u)
#else
#define TIMER_BASE (PERIPHERALS + 0x50000u)
#endif
#define TIMER_CTL        REG32(TIMER_BASE + 0x0u)
#define TIMER_CMP        REG32(TIMER_BASE + 0x4u)
#define TIMER_CNT        REG32(TIMER_BASE + 0xcu)
#define TIMER_RUN        (1u << 30 | 3u << 27) /* CNTEN, continuous */
#define TIMER_ACTIVE     (1u << 25)
#define TIMER_COUNT_MASK 0xffffffu

/* WDT. */
#define WDT_CTL    REG32(0x40040000u)
#define WDT_RSTCNT REG32(0x40040008u)
#define WDT_ENABLE 0x80u
#define WDT_RESET  0x02u
#define WDT_SYNC   (1u << 30)
#define WDT_FEED   0x5aa5u

/* FMC. */
#define FMC_ISPCTL  REG32(PERIPHERALS + 0xc000u)
#define FMC_ISPADDR REG32(PERIPHERALS + 0xc004u)
#define FMC_ISPDAT  REG32(PERIPHERALS + 0xc008u)
#define FMC_ISPCMD  REG32(PERIPHERALS + 0xc00cu)
#define FMC_ISPTRG  REG32(PERIPHERALS + 0xc010u)
#define FMC_ISPSTS  REG32(PERIPHERALS + 0xc040u)
#define FMC_CYCCTL  REG32(PERIPHERALS + 0xc04cu)
#define FMC_ENABLE  0x01u /* ISPCTL */
#define FMC_UPDATE  0x08u
#define FMC_FAILED  0x40u
#define FMC_BUSY    0x01u /* ISPSTS */
#define FMC_DIFFERS 0x20u
#define FMC_PROGRAM 0x21u /* ISPCMD */
#define FMC_ERASE   0x22u
#define FMC_READ    0x00u /* a word, to ISPDAT */
#define FMC_READ_ID 0x04u /* the unique number's words are at 0, 4 and 8 */

/* UARTs, by number. */
#ifdef OTTER_SECURE
extern uint32_t uart_world; /* PERIPHERALS of who has the console's: uart.c */
void uart_settle(void);     /* waits until what was sent has gone */
#else
#define uart_world PERIPHERALS
#endif
#define UART_BASE(n)     (uart_world + 0x70000u + 0x1000u * (n))
#define UART_DAT(n)      REG32(UART_BASE(n) + 0x00u)
#define UART_INTEN(n)    REG32(UART_BASE(n) + 0x04u)
#define UART_FIFO(n)     REG32(UART_BASE(n) + 0x08u)
#define UART_LINE(n)     REG32(UART_BASE(n) + 0x0cu)
#define UART_FIFOSTS(n)  REG32(UART_BASE(n) + 0x18u)
#define UART_TOUT(n)     REG32(UART_BASE(n) + 0x20u)
#define UART_BAUD_REG(n) REG32(UART_BASE(n) + 0x24u)
#define UART_FUNCSEL(n)  REG32(UART_BASE(n) + 0x30u)

#define UART_8N1 3u
#ifdef OTTER_NONSECURE /* the secure program has reset it; a byte may be under way */
#define UART_FIFO_RESET 0u
#else
#define UART_FIFO_RESET 6u
#endif
#define UART_ERRORS      0x71u /* FIFOSTS: overflow, parity, frame, break */
#define UART_OVERFLOW    0x01u
#define UART_RX_EMPTY    (1u << 14)
#define UART_TX_FULL     (1u << 23)
#define UART_TX_DONE     (1u << 28)
#define UART_INT_RX      0x001u /* INTEN */
#define UART_INT_TX      0x002u
#define UART_INT_TIMEOUT 0x010u
#define UART_TIMEOUT_ON  0x800u
#define UART_AUTO_RTS    0x1000u
#define UART_AUTO_CTS    0x2000u
#define UART_RTS_AT_8    (2u << 16) /* FIFO */
#define UART_INT_AT_8    (2u << 4)

/* GPIO ports, A being 0. */
#define GPIO_MODE(port)     REG32(PERIPHERALS + 0x4000u + 0x40u * (port))
#define GPIO_PIN(port, pin) REG32(PERIPHERALS + 0x4800u + 0x40u * (port) + 4u * (pin))
#define GPIO_MODE_OUTPUT    1u
#define GPIO_SLEW(port)     REG32(PERIPHERALS + 0x4028u + 0x40u * (port))
#define GPIO_SLEW_HIGH      1u

/* TRNG. */
#define TRNG_CTL       REG32(0x400b9000u)
#define TRNG_DATA      REG32(0x400b9004u)
#define TRNG_ACT       REG32(0x400b900cu)
#define TRNG_ENABLE    0x01u
#define TRNG_HAS       0x02u
#define TRNG_READY     0x80u
#define TRNG_PRESCALER 0x3cu
#define TRNG_ACTIVE    0x80u

/* Clocks, locks and pin functions are secure: of these functions a non-secure program has some that
 * do nothing (nonsecure.c), the secure program has been here before it.
 *
 * Unlocks the protected registers, for clock_start; they stay so until a reset: a stray write is
 * not what this firmware guards against, and the sequence would have to be repeated around each
 * flash operation. */
void registers_unlock(void);

/* Starts the counter of port_now. */
void timer_start(void);

/* Has HIRC for the clock of UART `n`, and resets it. */
void uart_clock_start(unsigned n);

/* Some microseconds between two questions to a peripheral whether it is done. By turns of the core:
 * asking a counter would keep the bus as busy. */
static inline void pause_about_us(uint32_t us)
{
    for (uint32_t turns = us * (CHIP_HZ / 20000000u); turns > 0; turns--)
        __asm volatile(".rept 17\n\tnop\n\t.endr"); /* a twin pays for each turn */
}

enum { PORT_A, PORT_B, PORT_C, PORT_D, PORT_E, PORT_F, PORT_G, PORT_H, PORT_I, PORT_J };

/* A pin of the board's board.h: port, number, function. */
void pin_function_set(unsigned port, unsigned pin, unsigned function);
void pin_output(unsigned port, unsigned pin, bool level);
void pin_slew_high(unsigned port, unsigned pin);

#endif
