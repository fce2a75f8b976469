/* The M467HJHAE (M460 series; its Technical Reference Manual and device header): what differs from
 * its siblings. Nothing here was run on silicon. */
#ifndef OTTER_NUVOTON_M467_H
#define OTTER_NUVOTON_M467_H

#define CHIP_NAME       "M467"
#define CHIP_HZ         200000000u
#define CHIP_LIRC_HZ    10000u
#define CHIP_APROM_SIZE 0x100000u
#define CHIP_PAGE_SIZE  0x1000u

/* 12 MHz (HIRC) / 3 * 2 * 25 = 200 MHz. The boards' crystals may be missing: HIRC needs none. */
#define CHIP_PLLCTL        0x00080417u
#define CHIP_FLASH_CYCLE   8u
#define CHIP_LDO_BIAS      0
#define CHIP_HAS_DWT       1
#define CHIP_POWER_UP()    ((void)0)
#define CHIP_LEVEL_BUSY()  0u
#define CHIP_DIVIDE_APB()  (CLK_PCLKDIV = 0x11u)     /* both at HCLK / 2 */
#define CHIP_UART_CLOCK(n) ((void)0)                 /* HIRC after a reset */
#define CHIP_TRNG_CLOCK()  (CLK_CLKSEL2 |= 1u << 27) /* LIRC */
#define CHIP_TRNG_STABLE   CLK_LIRC_STABLE
#define CHIP_TRNG_CLEAR    0u

/* Pin functions: a byte for each pin from SYS +0x500. */
#define CHIP_MFP(port, pin) REG32(SYS_BASE + 0x500u + 0x10u * (port) + 4u * ((pin) / 4u))
#define CHIP_MFP_SHIFT(pin) (8u * ((pin) % 4u))
#define CHIP_MFP_MASK       0xffu

/* Port clocks: A to H in AHBCLK0, I and J in AHBCLK1. */
#define CHIP_GPIO_CLOCKS() (CLK_AHBCLK |= 0xffu << 24, CLK_AHBCLK1 |= 3u << 24)

/* UARTs 0 and 1 are clocked by CLKSEL1 and CLKDIV0, 2 to 5 by CLKSEL3 and CLKDIV4; both selectors
 * are HIRC and both dividers 1 after a reset. */

#define IRQ_UART0 36u
#define IRQ_UART1 37u
#define IRQ_UART2 48u
#define IRQ_UART3 49u
#define IRQ_UART4 74u

#endif
