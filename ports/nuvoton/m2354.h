/* The M2354KJFAE (M2354 series; its Technical Reference Manual and device header): what differs
 * from its siblings. All of it runs in the secure world; no boundary is set. Nothing here was run
 * on silicon. */
#ifndef OTTER_NUVOTON_M2354_H
#define OTTER_NUVOTON_M2354_H

#define CHIP_NAME       "M2354"
#define CHIP_HZ         96000000u
#define CHIP_LIRC_HZ    32000u
#define CHIP_APROM_SIZE 0x100000u
#define CHIP_PAGE_SIZE  0x800u

/* 12 MHz (HIRC) / 2 * 2 * 16 / 2 = 96 MHz. */
#define CHIP_PLLCTL       0x0008420Eu
#define CHIP_FLASH_CYCLE  4u
#define CHIP_LDO_BIAS     0
#define CHIP_HAS_DWT      0
#define CHIP_DIVIDE_APB() ((void)0)

/* Power for the crypto engine, whose bus the TRNG shares; clocks of SRAM, ports and trace. */
#define CHIP_POWER_UP()                                                                            \
    (REG32(SYS_BASE + 0x1f4u) |= 1u << 12, CLK_AHBCLK |= 0xfffu << 20 | 1u << 14)
/* PLCTL takes no write while one is under way. */
#define CHIP_LEVEL_BUSY() (SYS_PLCTL & 1u << 7)

#define CHIP_MFP(port, pin) REG32(SYS_BASE + 0x30u + 8u * (port) + 4u * ((pin) / 8u))
#define CHIP_MFP_SHIFT(pin) (4u * ((pin) % 8u))
#define CHIP_MFP_MASK       0xfu
#define CHIP_GPIO_CLOCKS()  (CLK_AHBCLK |= 0xffu << 24)

/* Selectors of three bits: UART0 to 3 in CLKSEL2, UART4 and 5 in CLKSEL3. 3 is HIRC. */
#define CHIP_UART_CLOCK(n)                                                                         \
    ((n) < 4u ? (CLK_CLKSEL2 = (CLK_CLKSEL2 & ~(7u << (16u + 4u * (n)))) | 3u << (16u + 4u * (n))) \
              : (CLK_CLKSEL3 = (CLK_CLKSEL3 & ~(7u << (8u + 4u * (n)))) | 3u << (8u + 4u * (n))))

/* The TRNG counts the RTC's 32 kHz; the crypto engine's clock must be on. */
#define CHIP_TRNG_CLOCK()                                                                          \
    (CLK_APBCLK0 |= 1u << 1, CLK_AHBCLK |= 1u << 12, REG32(0x40041100u) |= 1u << 0 | 1u << 6)
#define CHIP_TRNG_STABLE (1u << 9) /* LIRC32 */
#define CHIP_TRNG_CLEAR  TRNG_PRESCALER

#define IRQ_UART0 36u
#define IRQ_UART1 37u
#define IRQ_UART2 48u
#define IRQ_UART3 49u
#define IRQ_UART4 74u

#endif
