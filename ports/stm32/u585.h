/* The STM32U585 (RM0456 and its device header): what differs from the H573. Nothing here was run on
 * silicon. */
#ifndef OTTER_STM32_U585_H
#define OTTER_STM32_U585_H

#define CHIP_NAME "STM32U585"
#define CHIP_U585 1

#define RCC_BASE  (0x46020c00u + CHIP_ALIAS)
#define PWR_BASE  (0x46020800u + CHIP_ALIAS)
#define SPI1_BASE 0x40013000u
#define SPI2_BASE 0x40003800u
#define EXTI_BASE 0x46022000u
#define UNIQUE_ID 0x0bfa0700u

#define I2C2_BASE 0x40005800u

#define RCC_ICSCR1        REG32(RCC_BASE + 0x08u)
#define RCC_AHB2ENR2      REG32(RCC_BASE + 0x90u)
#define RCC_AHB3ENR       REG32(RCC_BASE + 0x94u)
#define RCC_CCIPR1        REG32(RCC_BASE + 0xe0u)
#define RCC_I2C2SEL       (3u << 12) /* CCIPR1 */
#define RCC_I2C2SEL_HSI16 (2u << 12)
#define RCC_APB1_I2C2     (1u << 22)
#define RCC_HSION         (1u << 8) /* CR: HSI16 */
#define RCC_HSIRDY        (1u << 10)
#define RCC_MSISRDY       (1u << 2) /* CR */
#define RCC_AHB3_PWR      (1u << 2)
#define RCC_RESET_OPTIONS (1u << 25)
#define RCC_SWS(cfgr1)    ((cfgr1) >> 2 & 3u)

#define PWR_VOSR  REG32(PWR_BASE + 0x0cu)
#define PWR_SVMCR REG32(PWR_BASE + 0x10u)
#define PWR_UCPDR REG32(PWR_BASE + 0x2cu)
#define PWR_SVMSR REG32(PWR_BASE + 0x3cu)

#ifdef CHIP_SECURE
#define FLASH_KEYR REG32(FLASH_BASE + 0x0cu) /* SECKEYR */
#else
#define FLASH_KEYR REG32(FLASH_BASE + 0x08u)
#endif
#define FLASH_OPTKEYR REG32(FLASH_BASE + 0x10u)
#define FLASH_ECC     REG32(FLASH_BASE + 0x30u) /* ECCR */
#define FLASH_OPSR    REG32(FLASH_BASE + 0x34u)
#define FLASH_OPTR    REG32(FLASH_BASE + 0x40u)

/* In two worlds: a bit for each page of a bank, 1 is secure. */
#define FLASH_SECBB(bank, word) REG32(FLASH_BASE + 0x80u + 0x20u * (bank) + 4u * (word))
#define FLASH_WINDOW_SECURE     0x0c000000u

#define FLASH_SR_BUSY (3u << 16) /* BSY, WDW */
#ifdef CHIP_SECURE
#define FLASH_SR_ERRORS 0xfau /* those of options are told in NSSR alone */
#else
#define FLASH_SR_ERRORS 0x20fau
#endif
#define FLASH_CLEAR_ERRORS()         (FLASH_SR = FLASH_SR_ERRORS)
#define FLASH_CR_PROGRAM             (1u << 0)
#define FLASH_CR_START               (1u << 16)
#define FLASH_CR_OPTSTRT             (1u << 17)
#define FLASH_CR_OBL                 (1u << 27)
#define FLASH_CR_OPTLOCK             (1u << 30)
#define FLASH_CR_LOCK                (1u << 31)
#define FLASH_CR_ERASE(bank, sector) (1u << 1 | (sector) << 3 | (bank) << 11)

/* The options that are in force: loaded at power-on and by OBL_LAUNCH. */
#define FLASH_OPTR_SWAP     (1u << 20)
#define FLASH_OPTR_DUALBANK (1u << 21)
#define CHIP_IS_SWAPPED()   (FLASH_OPTR & FLASH_OPTR_SWAP)

#define CHIP_NOR_OCTOSPI   0x420d2400u /* OCTOSPI2 */
#define CHIP_NOR_CLOCK()   (RCC_AHB2ENR |= 1u << 21, RCC_AHB2ENR2 |= 1u << 8, (void)RCC_AHB2ENR2)
#define CHIP_NOR_PRESCALER 3u /* 160 / 4 = 40 MHz */

#define CHIP_WIFI_SPI_CLOCK() (RCC_APB1ENR |= RCC_APB1_SPI2, (void)RCC_APB1ENR)
#define CHIP_WIFI_SPI_MBR     2u /* 160 / 8 = 20 MHz */

#define IRQ_USART1 61u

#endif
