/* STM32U585AII6Q, as its register tables have it. Interrupt numbers: its CMSIS device header. */
#include "twin/stm32/stm32.h"

static const struct reg rcc_regs[] = {
    {"CR", 0x000, 0x011f1339, 0, 0x00000011, 0, 0},
    {"ICSCR1", 0x008, 0xffc00000, 0, 0x44000000, 0, 0},
    {"CFGR1", 0x01c, 0x7f000003, 0, 0, 0, 0},
    {"CFGR2", 0x020, 0x0000077f, 0, 0, 0, 0},
    {"CFGR3", 0x024, 0x00000070, 0, 0, 0, 0},
    {"PLL1CFGR", 0x028, 0x0007ff1f, 0, 0, 0, 0},
    {"PLL1DIVR", 0x034, 0x7f7fffff, 0, 0x01010280, 0, 0},
    {"PLL1FRACR", 0x038, 0x0000fff8, 0, 0, 0, 0},
    {"AHB2RSTR1", 0x064, 0x000600ff | 0x100, 0, 0, 0, 0},
    {"AHB2RSTR2", 0x068, 0x00000110, 0, 0, 0, 0},
    {"APB1RSTR1", 0x074, 0x00604001, 0, 0, 0, 0},
    {"APB2RSTR", 0x07c, 0x00005000, 0, 0, 0, 0},
    {"AHB1ENR", 0x088, 0xd1021100, 0, 0x90000100, 0, 0},
    {"AHB2ENR1", 0x08c, 0xc1bf01ff, 0, 0xc0000000, 0, 0},
    {"AHB2ENR2", 0x090, 0x00000110, 0, 0, 0, 0},
    {"AHB3ENR", 0x094, 0x80001005, 0, 0x80000000, 0, 0},
    {"APB1ENR1", 0x09c, 0x00664801, 0, 0, 0, 0},
    {"APB2ENR", 0x0a4, 0x00005000, 0, 0, 0, 0},
    {"APB3ENR", 0x0a8, 0x00200082, 0, 0, 0, 0},
    {"CCIPR1", 0x0e0, 0x0cf33c03, 0, 0, 0, 0},
    {"CCIPR2", 0x0e4, 0x00303000, 0, 0, 0, 0},
    {"BDCR", 0x0f0, 0x14018301, 0, 0, 0, REG_KEPT},
    {"CSR", 0x0f4, 0x0000ff00, 0, 0x00004400, 0, 0},
};

static const struct reg pwr_regs[] = {
    {"VOSR", 0x00c, 0x00070000, 0, 0, 0, 0}, {"SVMCR", 0x010, 0x72000000, 0, 0, 0, 0},
    {"DBPR", 0x028, 0x00000001, 0, 0, 0, 0}, {"UCPDR", 0x02c, 0x00000001, 0, 0, 0, 0},
    {"SVMSR", 0x03c, 0, 0, 0, 0, 0},
};

const struct stm32_part stm32_u585 = {
    .name = "STM32U585AII6Q",
    .family = STM32_U5,
    .hz_at_reset = 4000000u,
    .hz_max = 160000000u,
    .rcc_regs = rcc_regs,
    .rcc_reg_count = sizeof rcc_regs / sizeof *rcc_regs,
    .pwr_regs = pwr_regs,
    .pwr_reg_count = sizeof pwr_regs / sizeof *pwr_regs,
    .controller = &stm32_u5_flash,
    .rcc_base = 0x46020c00u,
    .pwr_base = 0x46020800u,
    .pwr_gate = {0x094, 2},
    .ram = {{0x20000000u, 0x30000u},
            {0x20030000u, 0x10000u},
            {0x20040000u, 0x80000u},
            {0x28000000u, 0x4000u}},
    .system_base = 0x0bfa0000u,
    .unique_id = 0x0bfa0700u,
    .flash_size = 0x0bfa07a0u,
    .usart1_irq = 61,
    .tim2_irq = 45,
    .rng_irq = 94,
};
