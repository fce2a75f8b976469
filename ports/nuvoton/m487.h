/* The M487JIDAE (M480 series; its Technical Reference Manual and device header): what differs from
 * its siblings. Nothing here was run on silicon. */
#ifndef OTTER_NUVOTON_M487_H
#define OTTER_NUVOTON_M487_H

#define CHIP_NAME       "M487"
#define CHIP_HZ         192000000u
#define CHIP_LIRC_HZ    10000u
#define CHIP_APROM_SIZE 0x80000u
#define CHIP_PAGE_SIZE  0x1000u

/* 12 MHz (HIRC) / 2 * 2 * 32 / 2 = 192 MHz; the bias must be on above 160 MHz. */
#define CHIP_PLLCTL        0x0008421Eu
#define CHIP_FLASH_CYCLE   8u
#define CHIP_LDO_BIAS      1
#define CHIP_HAS_DWT       1
#define CHIP_POWER_UP()    ((void)0)
#define CHIP_LEVEL_BUSY()  0u
#define CHIP_DIVIDE_APB()  (CLK_PCLKDIV = 0x11u) /* both at HCLK / 2 */
#define CHIP_UART_CLOCK(n) ((void)0)             /* HIRC after a reset */

/* Pin functions: four bits for each pin from SYS +0x30. */
#define CHIP_MFP(port, pin) REG32(SYS_BASE + 0x30u + 8u * (port) + 4u * ((pin) / 8u))
#define CHIP_MFP_SHIFT(pin) (4u * ((pin) % 8u))
#define CHIP_MFP_MASK       0xfu

/* Its ports have no clocks of their own. */
#define CHIP_GPIO_CLOCKS() ((void)0)

/* The seeds of random numbers: the part is said to have no TRNG, and the converter's band gap takes
 * its place (entropy_adc.c). */

#define IRQ_UART0   36u
#define IRQ_UART1   37u
#define IRQ_UART2   48u
#define IRQ_UART3   49u
#define IRQ_UART4   74u
#define IRQ_EMAC_TX 66u
#define IRQ_EMAC_RX 67u

#endif
