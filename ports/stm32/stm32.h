/* Registers that STM32U585 and STM32H573 share, and the chip that is built for (BOARD_CHIP of the
 * board). Sources: the parts' reference manuals RM0456 and RM0481 and device headers. With
 * TrustZone off, and in a non-secure program, all is reached at its non-secure address; in a secure
 * one at the secure address, which reaches what was given to the other world as well. */
#ifndef OTTER_STM32_H
#define OTTER_STM32_H

#include <stdbool.h>

#include "ports/cortex-m/core.h"

#ifdef CHIP_SECURE
#define CHIP_ALIAS 0x10000000u /* of peripherals */
#else
#define CHIP_ALIAS 0u
#endif

#include OTTER_CHIP_HEADER

/* RCC: offsets that both parts have. */
#define RCC_CR       REG32(RCC_BASE + 0x00u)
#define RCC_CFGR1    REG32(RCC_BASE + 0x1cu)
#define RCC_CFGR2    REG32(RCC_BASE + 0x20u)
#define RCC_PLL1CFGR REG32(RCC_BASE + 0x28u)
#define RCC_PLL1DIVR REG32(RCC_BASE + 0x34u)
#define RCC_AHB1RSTR REG32(RCC_BASE + 0x60u)
#define RCC_AHB2RSTR REG32(RCC_BASE + 0x64u) /* U5: AHB2RSTR1 */
#define RCC_APB1RSTR REG32(RCC_BASE + 0x74u) /* U5: APB1RSTR1, H5: APB1LRSTR */
#define RCC_APB2RSTR REG32(RCC_BASE + 0x7cu)
#define RCC_APB3RSTR REG32(RCC_BASE + 0x80u)
#define RCC_AHB1ENR  REG32(RCC_BASE + 0x88u)
#define RCC_AHB2ENR  REG32(RCC_BASE + 0x8cu) /* U5: AHB2ENR1 */
#define RCC_APB1ENR  REG32(RCC_BASE + 0x9cu) /* U5: APB1ENR1, H5: APB1LENR */
#define RCC_APB2ENR  REG32(RCC_BASE + 0xa4u)
#define RCC_APB3ENR  REG32(RCC_BASE + 0xa8u)
#define RCC_RESET    REG32(RCC_BASE + 0xf4u) /* U5: CSR, H5: RSR */

#define RCC_HSI48ON  (1u << 12) /* CR */
#define RCC_HSI48RDY (1u << 13)
#define RCC_HSEON    (1u << 16)
#define RCC_HSERDY   (1u << 17)
#define RCC_HSEBYP   (1u << 18)
#define RCC_HSEEXT   (1u << 20)
#define RCC_PLL1ON   (1u << 24)
#define RCC_PLL1RDY  (1u << 25)
#define RCC_SW       3u /* CFGR1; PLL1 is 3 */
#define RCC_SW_PLL1  3u

#define RCC_AHB2_GPIO(port) (1u << (port))
#define RCC_AHB2_RNG        (1u << 18)
#define RCC_APB1_TIM2       1u
#define RCC_APB1_SPI2       (1u << 14)
#define RCC_APB2_USART1     (1u << 14)

#define RCC_RESET_REMOVE   (1u << 23) /* RSR, CSR */
#define RCC_RESET_PIN      (1u << 26)
#define RCC_RESET_BROWNOUT (1u << 27)
#define RCC_RESET_SOFTWARE (1u << 28)
#define RCC_RESET_IWDG     (1u << 29)

/* FLASH: what both have at the same place; keys, commands, options and ECC are the chip's. */
#define FLASH_BASE (0x40022000u + CHIP_ALIAS)
#define FLASH_ACR  REG32(FLASH_BASE + 0x00u)
#ifdef CHIP_SECURE /* SECSR, SECCR: operations on secure pages */
#define FLASH_SR REG32(FLASH_BASE + 0x24u)
#define FLASH_CR REG32(FLASH_BASE + 0x2cu)
#define FLASH_IS_BUSY()                                                                            \
    ((FLASH_SR | REG32(FLASH_BASE + 0x20u)) & FLASH_SR_BUSY) /* or the other's */
#else
#define FLASH_SR        REG32(FLASH_BASE + 0x20u)
#define FLASH_CR        REG32(FLASH_BASE + 0x28u)
#define FLASH_IS_BUSY() (FLASH_SR & FLASH_SR_BUSY)
#endif

#define FLASH_ACR_LATENCY  0xfu
#define FLASH_ACR_PREFETCH 0x100u
#define FLASH_KEY_1        0x45670123u
#define FLASH_KEY_2        0xcdef89abu
#define FLASH_OPTKEY_1     0x08192a3bu
#define FLASH_OPTKEY_2     0x4c5d6e7fu
#define FLASH_OP_CODE()    (FLASH_OPSR >> 29) /* of an operation that a reset cut */
#define FLASH_OP_OPTIONS   6u
#define FLASH_OP_KEYS_SWAP 7u /* H5 */
#define FLASH_ECC_FAILED   (1u << 31)

#define FLASH_WINDOW    0x08000000u /* two banks, one after the other, in either order */
#define FLASH_BANK_SIZE 0x100000u
#define FLASH_SECTOR    0x2000u
#define FLASH_UNIT      16u

/* ICACHE. */
#define ICACHE_CR         REG32(0x40030400u + CHIP_ALIAS)
#define ICACHE_SR         REG32(0x40030404u + CHIP_ALIAS)
#define ICACHE_FCR        REG32(0x4003040cu + CHIP_ALIAS)
#define ICACHE_ENABLE     1u
#define ICACHE_INVALIDATE 2u
#define ICACHE_BUSY       1u /* SR */
#define ICACHE_BUSY_END   2u /* SR, FCR */

/* GPIO ports, A being 0. */
#define GPIO_BASE(port)     (0x42020000u + CHIP_ALIAS + 0x400u * (port))
#define GPIO_MODER(port)    REG32(GPIO_BASE(port) + 0x00u)
#define GPIO_OTYPER(port)   REG32(GPIO_BASE(port) + 0x04u) /* 1: open drain */
#define GPIO_OSPEEDR(port)  REG32(GPIO_BASE(port) + 0x08u)
#define GPIO_PUPDR(port)    REG32(GPIO_BASE(port) + 0x0cu)
#define GPIO_IDR(port)      REG32(GPIO_BASE(port) + 0x10u)
#define GPIO_BSRR(port)     REG32(GPIO_BASE(port) + 0x18u)
#define GPIO_AFR(port, pin) REG32(GPIO_BASE(port) + 0x20u + 4u * ((pin) / 8u))
#define GPIO_MODE_INPUT     0u
#define GPIO_MODE_OUTPUT    1u
#define GPIO_MODE_ALTERNATE 2u

/* USART1, the console. */
#define USART_CR1 REG32(0x40013800u + CHIP_ALIAS)
#define USART_CR3 REG32(0x40013808u + CHIP_ALIAS)
#define USART_BRR REG32(0x4001380cu + CHIP_ALIAS)
#define USART_ISR REG32(0x4001381cu + CHIP_ALIAS)
#define USART_ICR REG32(0x40013820u + CHIP_ALIAS)
#define USART_RDR REG32(0x40013824u + CHIP_ALIAS)
#define USART_TDR REG32(0x40013828u + CHIP_ALIAS)

#define USART_ENABLE   (1u << 0) /* CR1 */
#define USART_RECEIVE  (1u << 2)
#define USART_TRANSMIT (1u << 3)
#define USART_INT_RX   (1u << 5)
#define USART_INT_TX   (1u << 7)
#define USART_FIFO     (1u << 29)
#define USART_ERRORS   0xfu /* ISR, ICR: parity, framing, noise, overrun */
#define USART_OVERRUN  (1u << 3)
#define USART_HAS_BYTE (1u << 5) /* ISR: FIFO not empty */
#define USART_SENT     (1u << 6)
#define USART_HAS_ROOM (1u << 7) /* FIFO not full */
#define USART_TX_READY (1u << 21)
#define USART_RX_READY (1u << 22)

/* RNG. */
#define RNG_CR   REG32(0x420c0800u + CHIP_ALIAS)
#define RNG_SR   REG32(0x420c0804u + CHIP_ALIAS)
#define RNG_DR   REG32(0x420c0808u + CHIP_ALIAS)
#define RNG_NSCR REG32(0x420c080cu + CHIP_ALIAS)
#define RNG_HTCR REG32(0x420c0810u + CHIP_ALIAS)

#define RNG_ENABLE      (1u << 2)
#define RNG_CONDITION   (1u << 30)
#define RNG_READY       1u /* SR */
#define RNG_CLOCK_ERROR 2u
#define RNG_SEED_ERROR  4u
#define RNG_CLOCK_SEEN  (1u << 5)
#define RNG_SEED_SEEN   (1u << 6)

/* TIM2: 32 bits. */
#define TIM2_CR1 REG32(0x40000000u + CHIP_ALIAS)
#define TIM2_EGR REG32(0x40000014u + CHIP_ALIAS)
#define TIM2_CNT REG32(0x40000024u + CHIP_ALIAS)
#define TIM2_PSC REG32(0x40000028u + CHIP_ALIAS)
#define TIM2_ARR REG32(0x4000002cu + CHIP_ALIAS)

/* IWDG. */
#define IWDG_KR   REG32(0x40003000u + CHIP_ALIAS)
#define IWDG_PR   REG32(0x40003004u + CHIP_ALIAS)
#define IWDG_RLR  REG32(0x40003008u + CHIP_ALIAS)
#define IWDG_SR   REG32(0x4000300cu + CHIP_ALIAS)
#define IWDG_WINR REG32(0x40003010u + CHIP_ALIAS)

#define IWDG_START  0xccccu
#define IWDG_UNLOCK 0x5555u
#define IWDG_FEED   0xaaaau

/* SPI by base address: SPI1_BASE, SPI2_BASE, SPI5_BASE of the chip. */
#define SPI_CR1(base)  REG32((base) + 0x00u)
#define SPI_CR2(base)  REG32((base) + 0x04u)
#define SPI_CFG1(base) REG32((base) + 0x08u)
#define SPI_CFG2(base) REG32((base) + 0x0cu)
#define SPI_SR(base)   REG32((base) + 0x14u)
#define SPI_IFCR(base) REG32((base) + 0x18u)
#define SPI_TXDR(base) (*(volatile uint8_t *)((base) + 0x20u)) /* a byte at a time */
#define SPI_RXDR(base) (*(volatile uint8_t *)((base) + 0x30u))

/* EXTI: edges of pins, latched; 8 bits of EXTICR choose the port of a line. */
#define EXTI_RTSR          REG32(EXTI_BASE + 0x00u)
#define EXTI_FTSR          REG32(EXTI_BASE + 0x04u)
#define EXTI_RPR           REG32(EXTI_BASE + 0x0cu)
#define EXTI_FPR           REG32(EXTI_BASE + 0x10u)
#define EXTI_CR(pin)       REG32(EXTI_BASE + 0x60u + 4u * ((pin) / 4u))
#define EXTI_CR_SHIFT(pin) (8u * ((pin) % 4u))
#define EXTI_IMR           REG32(EXTI_BASE + 0x80u)
#define IRQ_EXTI(line)     (11u + (line))

/* Instruction cache, which data read from flash pass as well. Off empties it; it must be off while
 * flash is erased or programmed, and while the H5's identification area is read. */
void icache_off(void);
void icache_on(void);

/* Whether the last reset was the power's or OBL_LAUNCH's, which load the U585's option bytes; known
 * once chip_reset_reason has been asked. */
bool chip_has_loaded_options(void);

/* The part's 96 bits, which no other part has. */
void chip_unique_id(uint32_t id[3]);

enum { PORT_A, PORT_B, PORT_C, PORT_D, PORT_E, PORT_F, PORT_G, PORT_H, PORT_I };
enum pin_pull { PULL_NONE, PULL_UP, PULL_DOWN };

/* A pin of the board's board.h: port, number, function. They turn the port's clock on. */
void pin_alternate(unsigned port, unsigned pin, unsigned function);
void pin_output(unsigned port, unsigned pin, bool level); /* and later pin_set */
void pin_input(unsigned port, unsigned pin, enum pin_pull pull);
void pin_fast(unsigned port, unsigned pin); /* very high speed: SPI, Ethernet, OCTOSPI */
void pin_set(unsigned port, unsigned pin, bool level);
bool pin_is_high(unsigned port, unsigned pin);

#endif
