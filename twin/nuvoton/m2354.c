/* M2354KJFAE, as its register tables have it. Interrupt numbers: its CMSIS
 * device header. The SRAM's clock gates hold nothing up here: the tables do not say which RAM each
 * one is for. */
#include "twin/nuvoton/nuvoton.h"

#define P  TRAIT_PROTECTED
#define PK (TRAIT_PROTECTED | REG_KEPT)

static const struct reg sys_regs[] = {
    {"PDID", 0x000, 0, 0, 0x00235400, 0, 0},   {"RSTSTS", 0x004, 0, 0x1bf, 0, 0, 0},
    {"IPRST0", 0x008, 0x000030c3, 0, 0, 0, P}, {"IPRST1", 0x00c, 0x903f103e, 0, 0, 0, P},
    {"IPRST2", 0x010, 0x00300000, 0, 0, 0, P}, {"BODCTL", 0x018, 0x00077789, 0x10, 0, 0, P},
    {"IVSCTL", 0x01c, 0x3, 0, 0, 0, 0},        {"GPx_MFP", 0x030, 0xffffffff, 0, 0, 16, 0},
    {"GPx_MFOS", 0x080, 0xffff, 0, 0, 8, 0},   {"VTORSET", 0x0a0, 0x1ffff800, 0, 0, 0, P},
    {"REGLCTL", 0x100, 0, 0, 0, 0, 0},         {"CPUCFG", 0x1d8, 0x1, 0, 0, 0, P},
    {"PSWCTL", 0x1f4, 0x1000, 0, 0, 0, PK},    {"PLCTL", 0x1f8, 0xff3f0013, 0, 2, 0, PK},
    {"PLSTS", 0x1fc, 0, 4, 0, 0, 0},
};

static const struct reg clk_regs[] = {
    {"PWRCTL", 0x000, 0x00343caf, 0x40, 0x04, 0, PK},
    {"AHBCLK", 0x004, 0xff70f0d4, 0, 0x8004, 0, P},
    {"APBCLK0", 0x008, 0x903f103f, 0, 1, 0, P},
    {"APBCLK1", 0x00c, 0x02000030, 0, 0, 0, P},
    {"CLKSEL0", 0x010, 0x0030003f, 0, 0x0020003f, 0, PK},
    {"CLKSEL1", 0x014, 0xf0777733, 0, 0xf0777733, 0, P},
    {"CLKSEL2", 0x018, 0x7777000c, 0, 0x44440008, 0, P},
    {"CLKSEL3", 0x01c, 0x77007700, 0, 0x44007700, 0, P},
    {"CLKDIV0", 0x020, 0xffffff0f, 0, 0, 0, PK},
    {"CLKDIV4", 0x030, 0x0000ffff, 0, 0, 0, P},
    {"PLLCTL", 0x040, 0x008bffff, 0, 0x0001c02e, 0, PK},
    {"STATUS", 0x050, 0, 0, 0, 0, 0},
    {"CLKDSTS", 0x074, 0, 0x103, 0, 0, P},
};

static const struct reg rtc_regs[] = {
    {"INIT", 0x000, 0xfffffffe, 0, 0, 0, 0},
    {"LXTCTL", 0x100, 0x000001cf, 0, 0xe, 0, REG_KEPT},
};

const struct nuvoton_part nuvoton_m2354 = {
    .name = "M2354KJFAE",
    .core = TWIN_CORTEX_M23,
    .sys_regs = sys_regs,
    .sys_reg_count = sizeof sys_regs / sizeof *sys_regs,
    .clk_regs = clk_regs,
    .clk_reg_count = sizeof clk_regs / sizeof *clk_regs,
    .rtc_regs = rtc_regs,
    .rtc_reg_count = sizeof rtc_regs / sizeof *rtc_regs,
    .hz_max = 96000000u,
    .aprom_size = 0x100000u,
    .bank_size = 0x80000u,
    .page_size = 0x800u,
    .config_base = 0x00300000u,
    .config_words = 4,
    .sram_size = 0x40000u,
    .gpio_gated = true,
    .ports = 8,
    .uarts = 6,
    .uart_irq = {36, 37, 48, 49, 74, 75},
    .uart_clock = {{{0x18, 16, 3}, {0x20, 8, 4}},
                   {{0x18, 20, 3}, {0x20, 12, 4}},
                   {{0x18, 24, 3}, {0x30, 0, 4}},
                   {{0x18, 28, 3}, {0x30, 4, 4}},
                   {{0x1c, 24, 3}, {0x30, 8, 4}},
                   {{0x1c, 28, 3}, {0x30, 12, 4}}},
    .timer_irq = 32,
    .timer_control = 0xf9f880ffu,
    .wdt_select_max = 8,
    .wdt_control = 0x80000fd2u,
    .step_hz = 25000000u,
    .cycle_max = 4,
    .cycle_tuned = true,
    .level_hz = {96000000u, 84000000u, 48000000u, 4000000u},
    .pll_in_min = 2000000u,
    .pll_min = 96000000u,
    .pll_max = 200000000u,
    .lirc_hz = 32000u,
    .isp_control = 0x01000039u,
    .crpt_base = 0x40032000u,
    .trng = TRNG_LIRC32,
    .has_sdh = true,
    .has_timer2 = true,
    .has_worlds = true,
};
