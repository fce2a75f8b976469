/* The secure half of the STM32U585: who gets what (RM0456: GTZC, FLASH, RCC, PWR, EXTI, GPIO; bits
 * as in the vendor's device header and drivers). All is taken first, and the firmware is given by
 * name what it uses; boards/b-u585i-iot02a/trustzone/README.md has it as a table.
 *
 * Nothing here was run on silicon. */
#include "boards/map.h"
#include "port/log.h"
#include "port/port.h"
#include "ports/cortex-m/clock.h"
#include "ports/cortex-m/entropy.h"
#include "ports/cortex-m/trustzone/worlds.h"
#include "ports/stm32/flash.h"
#include "ports/stm32/rng.h"
#include "ports/stm32/stm32.h"

/* TrustZone security controllers: a bit for each peripheral, 1 is secure. */
#define TZSC1(n)        REG32(0x50032410u + 4u * ((n)-1u))
#define TZSC2(n)        REG32(0x56023010u + 4u * ((n)-1u))
#define TZSC1_1_ALL     0x1fffffu
#define TZSC1_1_TIM2    (1u << 0)
#define TZSC1_1_SPI2    (1u << 8)
#define TZSC1_1_I2C2    (1u << 14)
#define TZSC1_2_ALL     0x1ffu
#define TZSC1_2_USART1  (1u << 3)
#define TZSC1_3_ALL     0x7fffffu
#define TZSC2_1_ALL     0x1bffu
#define RCC_AHB1_GTZC1  (1u << 24)
#define RCC_AHB3_GTZC2  (1u << 12)
#define RCC_AHB2_GPIOS  0x1ffu /* A to I */
#define RCC_APB3_SYSCFG (1u << 1)

/* SRAM1's protection controller: a word for 16 KB, a bit for 512 bytes, 1 is secure. */
#define MPCBB1(word) REG32(0x50032d00u + 4u * (word))

/* What a module that knows of the worlds keeps to the secure one. */
#define RCC_SECCFGR     REG32(RCC_BASE + 0x110u)
#define RCC_SEC_ALL     0x1fffu
#define RCC_SEC_HSI     (1u << 0) /* HSI16 clocks the sensors' I2C, and nothing of ours */
#define PWR_SECCFGR     REG32(PWR_BASE + 0x30u)
#define PWR_SEC_ALL     0xf0ffu
#define SYSCFG_SECCFGR  REG32(0x56000400u)
#define SYSCFG_SEC_ALL  0xbu
#define EXTI_SECCFGR    REG32(EXTI_BASE + CHIP_ALIAS + 0x14u)
#define EXTI_PINS       0xffffu
#define GPIO_SECCFGR(p) REG32(GPIO_BASE(p) + 0x30u)
#define NVIC_ITNS(word) REG32(0xe000e380u + 4u * (word))

#define SCB_CCR                REG32(0xe000ed14u)
#define SCB_SHCSR              REG32(0xe000ed24u)
#define CCR_IGNORES_BUS_FAULTS (1u << 8) /* BFHFNMIGN: while FAULTMASK is 1 */
#define SHCSR_BUS_FAULT        (1u << 17)
#define SHCSR_BUS_FAULT_PENDS  (1u << 14)
#define CFSR_BUS_FAULTS        0xff00u

#define FLASH_NSKEYR REG32(FLASH_BASE + 0x08u)

/* Options: the pages of a bank, first and last, that are secure whatever SECBB says. */
#define FLASH_SECWM(bank) REG32(FLASH_BASE + 0x50u + 0x10u * (bank))
#define SECWM_FIRST(area) ((area)&0x7fu)
#define SECWM_LAST(area)  ((area) >> 16 & 0x7fu)

/* SRAM1 up to where the secure programs have theirs (CMakeLists.txt). */
#define RAM_START  0x20000000u
#define RAM_END    (RAM_START + NONSECURE_RAM)
#define SUPERBLOCK 0x4000u
_Static_assert(NONSECURE_RAM % SUPERBLOCK == 0u, "the border in SRAM1 is one between its words");

/* The slot that runs but for the last page, which has the trailer. */
#define TRAILER                                                                                    \
    LAYOUT_TRAILER_SIZE(BOARD_UPDATE, BOARD_MAX_SECTORS, AREA_WRITE(BOARD_PRIMARY),                \
                        BOARD_MAX_ALIGN, 0u)
_Static_assert(TRAILER <= FLASH_SECTOR, "BOARD_PRIMARY: its trailer takes more than a page");
#define PRIMARY     AREA_ADDRESS(BOARD_PRIMARY)
#define PRIMARY_END (PRIMARY + AREA_SIZE(BOARD_PRIMARY) - FLASH_SECTOR)

const struct worlds_region chip_regions[] = {
    {GATE_START, GATE_START + GATE_SIZE, true},
    {RAM_START, RAM_END, false},
    {PRIMARY, PRIMARY_END, false},
    {UNIQUE_ID & ~0xfffu, (UNIQUE_ID & ~0xfffu) + 0x1000u, false},
    {0x40000000u, 0x50000000u, false}, /* peripherals; each has a switch of its own below */
};
const unsigned chip_region_count = sizeof chip_regions / sizeof *chip_regions;
const uint32_t chip_nonsecure_ram = RAM_START;

static void give_pin(unsigned port, unsigned pin)
{
    GPIO_SECCFGR(port) &= ~(1u << pin);
}
#define GIVE(...)             GIVE_(__VA_ARGS__, 0)
#define GIVE_(port, pin, ...) give_pin(port, pin)
#define LINE(...)             LINE_(__VA_ARGS__)
#define LINE_(port, pin)      (pin)
#define IRQ_BIT(irq)          (1u << (irq) % 32u)

static void divide_pins(void)
{
    RCC_AHB2ENR |= RCC_AHB2_GPIOS; /* and they stay on: who owns which gate then does not matter */
    (void)RCC_AHB2ENR;
    for (unsigned port = PORT_A; port <= PORT_I; port++)
        GPIO_SECCFGR(port) = 0xffffu;
    GIVE(BOARD_CONSOLE_TX);
    GIVE(BOARD_CONSOLE_RX);
    GIVE(BOARD_WIFI_SCK);
    GIVE(BOARD_WIFI_MISO);
    GIVE(BOARD_WIFI_MOSI);
    GIVE(BOARD_WIFI_SELECT);
    GIVE(BOARD_WIFI_FLOW);
    GIVE(BOARD_WIFI_NOTIFY);
    GIVE(BOARD_WIFI_RESET);
    GIVE(BOARD_I2C_SCL);
    GIVE(BOARD_I2C_SDA);
    EXTI_SECCFGR = EXTI_PINS & ~(1u << LINE(BOARD_WIFI_FLOW) | 1u << LINE(BOARD_WIFI_NOTIFY));
}

static void divide_peripherals(void)
{
    RCC_AHB1ENR |= RCC_AHB1_GTZC1;
    RCC_AHB3ENR |= RCC_AHB3_GTZC2;
    RCC_APB3ENR |= RCC_APB3_SYSCFG;
    (void)RCC_APB3ENR;
    TZSC1(1) = TZSC1_1_ALL & ~(TZSC1_1_TIM2 | TZSC1_1_SPI2 | TZSC1_1_I2C2);
    TZSC1(2) = TZSC1_2_ALL & ~TZSC1_2_USART1;
    TZSC1(3) = TZSC1_3_ALL; /* random generator, caches, and what else there is */
    TZSC2(1) = TZSC2_1_ALL;
    RCC_SECCFGR = RCC_SEC_ALL & ~RCC_SEC_HSI;
    PWR_SECCFGR = PWR_SEC_ALL;
    SYSCFG_SECCFGR = SYSCFG_SEC_ALL;
    NVIC_ITNS(0) =
        IRQ_BIT(IRQ_EXTI(LINE(BOARD_WIFI_FLOW))) | IRQ_BIT(IRQ_EXTI(LINE(BOARD_WIFI_NOTIFY)));
    NVIC_ITNS(1) = IRQ_BIT(IRQ_USART1);
}

static bool is_kept_by_options(uint32_t bank, uint32_t page)
{
    const uint32_t area = FLASH_SECWM(bank);
    return SECWM_FIRST(area) <= page && page <= SECWM_LAST(area);
}

/* As TZEN alone leaves them, all of both banks is secure. Only a programmer can change that. */
static _Noreturn void stop_for_options(uint32_t bank)
{
    LOG_ERR("SECURE", "option bytes: SECWM%u covers the firmware's slot; see the board's README",
            (unsigned)bank + 1u);
    for (;;)
        __asm volatile("wfi");
}

/* Every page that is not given is secure by SECBB, whatever the options say. */
static void divide_memory(void)
{
    for (uint32_t word = 0; word < NONSECURE_RAM / SUPERBLOCK; word++)
        MPCBB1(word) = 0;
    for (uint32_t at = PRIMARY; at < PRIMARY_END; at += FLASH_SECTOR) {
        const uint32_t bank = at / FLASH_BANK_SIZE % 2u;
        const uint32_t page = at % FLASH_BANK_SIZE / FLASH_SECTOR;
        if (is_kept_by_options(bank, page))
            stop_for_options(bank);
        FLASH_SECBB(bank, page / 32u) &= ~(1u << page % 32u);
    }
}

/* By a wrong key, until the next reset: with its half of the flash controller the firmware could
 * change the slot that it runs from, and options for good (SWAP_BANK, RDP). Other parts of the
 * vendor's take such a key for a bus error, at once or late; here it is none. */
static void lock_nonsecure_flash(void)
{
    SCB_SHCSR |= SHCSR_BUS_FAULT;
    SCB_CCR |= CCR_IGNORES_BUS_FAULTS;
    __asm volatile("cpsid f\n\tdsb\n\tisb" ::: "memory");
    FLASH_NSKEYR = 0;
    __asm volatile("dsb\n\tisb" ::: "memory");
    SCB_SHCSR &= ~SHCSR_BUS_FAULT_PENDS;
    SCB_CFSR = CFSR_BUS_FAULTS; /* no report of it later on: a written 1 clears it */
    __asm volatile("dsb\n\tisb\n\tcpsie f" ::: "memory");
    SCB_CCR &= ~CCR_IGNORES_BUS_FAULTS;
}

void chip_divide(void)
{
    divide_peripherals();
    divide_pins();
    divide_memory();
    lock_nonsecure_flash();
    __asm volatile("dsb\n\tisb" ::: "memory");
}

void chip_start(void)
{
    rng_start();
    (void)entropy_start(); /* the log has said what is wrong; port_random refuses */
}
