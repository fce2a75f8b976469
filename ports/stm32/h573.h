/* The STM32H573 (RM0481 and its device header): what differs from the U585. Nothing here was run on
 * silicon. */
#ifndef OTTER_STM32_H573_H
#define OTTER_STM32_H573_H

#define CHIP_NAME "STM32H573"
#define CHIP_H573 1

#define RCC_BASE  0x44020c00u
#define PWR_BASE  0x44020800u
#define SPI1_BASE 0x40013000u
#define SPI2_BASE 0x40003800u
#define SPI5_BASE 0x44002000u
#define EXTI_BASE 0x44022000u
#define UNIQUE_ID 0x08fff800u

#define RCC_AHB4ENR       REG32(RCC_BASE + 0x94u)
#define RCC_HSION         (1u << 0) /* CR */
#define RCC_HSIRDY        (1u << 1)
#define RCC_HSIDIV        (3u << 3)
#define RCC_HSIDIVF       (1u << 5)
#define RCC_RESET_OPTIONS 0u
#define RCC_SWS(cfgr1)    ((cfgr1) >> 3 & 3u)
#define RCC_APB3_SBS      (1u << 1)
#define RCC_APB3_SPI5     (1u << 5)

#define PWR_VOSCR REG32(PWR_BASE + 0x10u)
#define PWR_VOSSR REG32(PWR_BASE + 0x14u)

#define SBS_PMCR REG32(0x44000500u)

#define FLASH_KEYR      REG32(FLASH_BASE + 0x04u) /* NSKEYR */
#define FLASH_OPTKEYR   REG32(FLASH_BASE + 0x0cu)
#define FLASH_OPSR      REG32(FLASH_BASE + 0x18u)
#define FLASH_OPTCR     REG32(FLASH_BASE + 0x1cu)
#define FLASH_CCR       REG32(FLASH_BASE + 0x30u) /* NSCCR */
#define FLASH_OPTSR_CUR REG32(FLASH_BASE + 0x50u)
#define FLASH_OPTSR_PRG REG32(FLASH_BASE + 0x54u)
#define FLASH_ECC       REG32(FLASH_BASE + 0x104u) /* ECCDETR */

#define FLASH_SR_BUSY                0x0bu /* BSY, WBNE, DBNE */
#define FLASH_SR_ERRORS              (0x7fu << 17)
#define FLASH_CLEAR_ERRORS()         (FLASH_CCR = FLASH_SR_ERRORS)
#define FLASH_CR_LOCK                (1u << 0)
#define FLASH_CR_PROGRAM             (1u << 1)
#define FLASH_CR_START               (1u << 5)
#define FLASH_CR_ERASE(bank, sector) (1u << 2 | (sector) << 6 | (bank) << 31)
#define FLASH_OPTLOCK                (1u << 0) /* OPTCR */
#define FLASH_OPTSTART               (1u << 1)

/* OPTCR shows what the last reset put in force, OPTSR_CUR what the option bytes hold. */
#define FLASH_SWAP        (1u << 31)
#define CHIP_IS_SWAPPED() (FLASH_OPTCR & FLASH_SWAP)

#define CHIP_NOR_OCTOSPI   0x47001400u /* OCTOSPI1 */
#define CHIP_NOR_CLOCK()   (RCC_AHB4ENR |= 1u << 20, (void)RCC_AHB4ENR)
#define CHIP_NOR_PRESCALER 5u /* 250 / 6 = 41.7 MHz */

#define CHIP_WIFI_SPI_CLOCK() (RCC_APB3ENR |= RCC_APB3_SPI5, (void)RCC_APB3ENR)
#define CHIP_WIFI_SPI_MBR     3u /* 250 / 16 = 15.6 MHz */

#define IRQ_USART1 58u
#define IRQ_ETH    106u

#endif
