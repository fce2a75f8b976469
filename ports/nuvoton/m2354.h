/* The M2354KJFAE (M2354 series; its Technical Reference Manual and device header): what differs
 * from its siblings. A board in one world is all secure, and sets no border. Nothing here was run
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

/* Two worlds: memory and peripherals of the non-secure one lie this much higher. */
#define CHIP_NONSECURE_ALIAS 0x10000000u

/* The security configuration unit: 1 is non-secure. */
#define SCU_BASE            0x4002f000u
#define SCU_NONSECURE(n)    REG32(SCU_BASE + 0x000u + 4u * (n)) /* PNSSET */
#define SCU_RAM_NONSECURE   REG32(SCU_BASE + 0x024u) /* SRAMNSSET: a bit for each block */
#define SCU_FLASH_BORDER    REG32(SCU_BASE + 0x028u) /* FNSADDR: NSCBA as taken over */
#define SCU_INFORMATION     REG32(SCU_BASE + 0x0f0u) /* SINFAEN: what it may read */
#define SCU_IO_NONSECURE(p) REG32(SCU_BASE + 0x140u + 4u * (p)) /* IONSSET: a bit for each pin */
#define SCU_TIMER23         (1u << 17)                          /* PNSSET2 */
#define SCU_INFORMATION_SYS (1u << 1)                           /* SYS, and CLK with it */
#define CLK_APB_TIMER2      (1u << 4)
#define SYS_IPRST0          REG32(SYS_BASE + 0x008u)
#define SYS_IPRST0_CHIP     1u
#define FMC_NSCBA           0x00210800u /* the word that FNSADDR has at the next start */
#define FMC_UPDATE_CONFIG   0x10u       /* ISPCTL */

#define IRQ_UART0 36u
#define IRQ_UART1 37u
#define IRQ_UART2 48u
#define IRQ_UART3 49u
#define IRQ_UART4 74u

#endif
