/* STM32H573IIK3Q, as its register tables have it. Interrupt numbers: its CMSIS device header. */
#include "twin/stm32/stm32.h"

static const struct reg rcc_regs[] = {
    {"CR", 0x000, 0x0117101d, 0, 0x00000009, 0, 0},
    {"CFGR1", 0x01c, 0xfffc8003, 0, 0, 0, 0},
    {"CFGR2", 0x020, 0x0000777f, 0, 0, 0, 0},
    {"PLL1CFGR", 0x028, 0x00073f3f, 0, 0, 0, 0},
    {"PLL1DIVR", 0x034, 0x7f7fffff, 0, 0x01010280, 0, 0},
    {"PLL1FRACR", 0x038, 0x0000fff8, 0, 0, 0, 0},
    {"AHB1RSTR", 0x060, 0x000a0000, 0, 0, 0, 0},
    {"AHB2RSTR", 0x064, 0x000601ff, 0, 0, 0, 0},
    {"AHB4RSTR", 0x06c, 0x00111880, 0, 0, 0, 0},
    {"APB1LRSTR", 0x074, 0x00004001, 0, 0, 0, 0},
    {"APB2RSTR", 0x07c, 0x00005000, 0, 0, 0, 0},
    {"APB3RSTR", 0x080, 0x00000020, 0, 0, 0, 0},
    {"AHB1ENR", 0x088, 0x913a1100, 0, 0x90000100, 0, 0},
    {"AHB2ENR", 0x08c, 0xc01f01ff, 0, 0xc0000000, 0, 0},
    {"AHB4ENR", 0x094, 0x00100080, 0, 0, 0, 0},
    {"APB1LENR", 0x09c, 0x00664801, 0, 0, 0, 0},
    {"APB2ENR", 0x0a4, 0x00005000, 0, 0, 0, 0},
    {"APB3ENR", 0x0a8, 0x00200122, 0, 0, 0, 0},
    {"CCIPR1", 0x0d8, 0x000001ff, 0, 0, 0, 0},
    {"CCIPR3", 0x0e0, 0x0000703f, 0, 0, 0, 0},
    {"CCIPR4", 0x0e4, 0x00ff000f, 0, 0, 0, 0},
    {"CCIPR5", 0x0e8, 0xc0000030, 0, 0, 0, 0},
    {"BDCR", 0x0f0, 0x04018301, 0, 0, 0, REG_KEPT},
    {"RSR", 0x0f4, 0, 0, 0, 0, 0},
};

static const struct reg pwr_regs[] = {
    {"VOSCR", 0x010, 0x00000030, 0, 0, 0, 0},
    {"VOSSR", 0x014, 0, 0, 0, 0, 0},
    {"DBPCR", 0x024, 0x00000001, 0, 0, 0, 0},
};

const struct stm32_part stm32_h573 = {
    .name = "STM32H573IIK3Q",
    .family = STM32_H5,
    .hz_at_reset = 32000000u,
    .hz_max = 250000000u,
    .rcc_regs = rcc_regs,
    .rcc_reg_count = sizeof rcc_regs / sizeof *rcc_regs,
    .pwr_regs = pwr_regs,
    .pwr_reg_count = sizeof pwr_regs / sizeof *pwr_regs,
    .controller = &stm32_h5_flash,
    .rcc_base = 0x44020c00u,
    .pwr_base = 0x44020800u,
    .ram = {{0x20000000u, 0x40000u}, {0x20040000u, 0x10000u}, {0x20050000u, 0x50000u}},
    .system_base = 0x08fff000u,
    .unique_id = 0x08fff800u,
    .flash_size = 0x08fff80cu,
    .usart1_irq = 58,
    .tim2_irq = 45,
    .rng_irq = 114,
};
