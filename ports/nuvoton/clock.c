/* Clock to rated speed. Sequences: the parts' Technical Reference Manuals, system clock and power
 * level; after a reset that keeps the PLL (watchdog, SYSRESETREQ) the core is taken to HIRC first.
 */
#include "ports/cortex-m/clock.h"

#include "boards/map.h"
#include "ports/nuvoton/border.h"
#include "ports/nuvoton/nuvoton.h"

/* Loops of a few instructions each, at 12 MHz or more: far longer than any of the waits takes. A
 * source that never comes leaves the core on HIRC; everything works then, slower. */
#define WAIT_MAX 100000u

void registers_unlock(void)
{
    for (unsigned i = 0; i < WAIT_MAX && SYS_REGLCTL != 1; i++) {
        const uint32_t primask = irq_save();
        SYS_REGLCTL = 0x59;
        SYS_REGLCTL = 0x16;
        SYS_REGLCTL = 0x88;
        irq_restore(primask);
    }
}

static bool wait_for(uint32_t flag)
{
    for (unsigned i = 0; i < WAIT_MAX; i++)
        if (CLK_STATUS & flag)
            return true;
    return false;
}

static void select_core(uint32_t source)
{
    CLK_CLKSEL0 = (CLK_CLKSEL0 & ~7u) | source;
}

static void speed_up(void)
{
    CLK_PWRCTL |= CLK_HIRC;
    if (!wait_for(CLK_HIRC_STABLE))
        return;
    select_core(CLK_HCLK_HIRC);
    CLK_CLKDIV0 &= ~0xfu;
    CLK_PLLCTL |= CLK_PLL_OFF;
    CLK_PLLCTL = CHIP_PLLCTL;
    if (!wait_for(CLK_PLL_STABLE))
        return;
#if CHIP_LDO_BIAS
    REG32(CLK_BASE + 0x98u) |= 1u << 18;
#endif
    for (unsigned i = 0; i < WAIT_MAX && CHIP_LEVEL_BUSY(); i++) {
    }
    SYS_PLCTL &= ~3u;
    for (unsigned i = 0; i < WAIT_MAX && SYS_PLSTS & 1u; i++) {
    }
    CLK_AHBCLK |= CLK_AHB_ISP;
    FMC_CYCCTL = CHIP_FLASH_CYCLE;
    CHIP_DIVIDE_APB();
    select_core(CLK_HCLK_PLL);
}

/* Flash that is written while the supply sags is not what it seems. A detector that CONFIG0 has
 * turned on keeps its level. */
static void reset_when_supply_sags(void)
{
    if (!(SYS_BODCTL & SYS_BODCTL_ON))
        SYS_BODCTL = SYS_BODCTL_ON | SYS_BODCTL_RESETS | SYS_BODCTL_2V2;
}

void clock_start(void)
{
    registers_unlock();
    reset_when_supply_sags();
    CHIP_POWER_UP();
    speed_up();
    CLK_CLKSEL1 = (CLK_CLKSEL1 & ~0x700u) | 7u << 8; /* TIMER0 on HIRC */
    CLK_APBCLK0 |= CLK_APB_TIMER0;
    timer_start();
#if defined BOARD_NSCBA && !defined OTTER_SECURE
    border_settle();
#endif
}

void uart_clock_start(unsigned n)
{
    CHIP_GPIO_CLOCKS();
    CHIP_UART_CLOCK(n);
    CLK_APBCLK0 |= 1u << (16 + n);
    SYS_IPRST1 |= 1u << (16 + n);
    SYS_IPRST1 &= ~(1u << (16 + n));
}
