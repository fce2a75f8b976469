/* M487JIDAE, as its register tables have it. Interrupt numbers: its CMSIS device header. */
#include "twin/nuvoton/nuvoton.h"

#define P  TRAIT_PROTECTED
#define PK (TRAIT_PROTECTED | REG_KEPT)

static const struct reg sys_regs[] = {
    {"PDID", 0x000, 0, 0, 0x00d48750, 0, 0},
    {"RSTSTS", 0x004, 0, 0x1bf, 0, 0, 0},
    {"IPRST0", 0x008, 0x000250e3, 0, 0, 0, P},
    {"IPRST1", 0x00c, 0x90ff103e, 0, 0, 0, P},
    {"BODCTL", 0x018, 0x000777a9, 0x10, 0, 0, P},
    {"IVSCTL", 0x01c, 0x3, 0, 0, 0, 0},
    {"GPx_MFP", 0x030, 0xffffffff, 0, 0, 16, 0},
    {"GPx_MFOS", 0x080, 0xffff, 0, 0, 8, 0},
    {"REGLCTL", 0x100, 0, 0, 0, 0, 0},
    {"PLCTL", 0x1f8, 0xff3f0003, 0, 1, 0, PK},
    {"PLSTS", 0x1fc, 0, 0, 0, 0, 0},
};

static const struct reg clk_regs[] = {
    {"PWRCTL", 0x000, 0x00073cbf, 0x40, 0x14, 0, PK},
    {"AHBCLK", 0x004, 0x0002d0e4, 0, 0x8004, 0, P},
    {"APBCLK0", 0x008, 0x10ff103f, 0, 1, 0, P},
    {"APBCLK1", 0x00c, 0x02000000, 0, 0, 0, P},
    {"CLKSEL0", 0x010, 0x00f0003f, 0, 0x00f0003f, 0, PK},
    {"CLKSEL1", 0x014, 0xff777703, 0, 0xff777703, 0, P},
    {"CLKSEL2", 0x018, 0x0000000c, 0, 0x00000008, 0, P},
    {"CLKSEL3", 0x01c, 0xfff00100, 0, 0xfff00000, 0, P},
    {"CLKDIV0", 0x020, 0xffffff0f, 0, 0, 0, PK},
    {"CLKDIV3", 0x02c, 0xffff0000, 0, 0, 0, P},
    {"CLKDIV4", 0x030, 0x00ffffff, 0, 0, 0, P},
    {"PCLKDIV", 0x034, 0x00000077, 0, 0, 0, P},
    {"PLLCTL", 0x040, 0x008fffff, 0, 0x0005c02e, 0, PK},
    {"STATUS", 0x050, 0, 0, 0, 0, 0},
    {"CLKDSTS", 0x074, 0, 0x103, 0, 0, P},
    {"LDOCTL", 0x098, 0x00040000, 0, 0, 0, PK},
};

/* PF4 to PF11 belong to the RTC until CTLSELn gives them to GPIO. */
static const struct reg rtc_regs[] = {
    {"INIT", 0x000, 0xfffffffe, 0, 0, 0, 0},
    {"RWEN", 0x004, 0, 0, 0, 0, 0},
    {"GPIOCTL0", 0x104, 0x08080808, 0, 0, 0, 0},
    {"GPIOCTL1", 0x108, 0x08080808, 0, 0, 0, 0},
};

const struct nuvoton_part nuvoton_m487 = {
    .name = "M487JIDAE",
    .core = TWIN_CORTEX_M4,
    .sys_regs = sys_regs,
    .sys_reg_count = sizeof sys_regs / sizeof *sys_regs,
    .clk_regs = clk_regs,
    .clk_reg_count = sizeof clk_regs / sizeof *clk_regs,
    .rtc_regs = rtc_regs,
    .rtc_reg_count = sizeof rtc_regs / sizeof *rtc_regs,
    .hz_max = 192000000u,
    .aprom_size = 0x80000u,
    .bank_size = 0x40000u,
    .page_size = 0x1000u,
    .config_base = 0x00300000u,
    .config_words = 4,
    .sram_size = 0x20000u,
    .ports = 8,
    NUVOTON_M4_UARTS,
    .timer_irq = 32,
    .timer_control = 0xf9f800ffu,
    .wdt_select_max = 7,
    .wdt_control = 0x800007d2u,
    .step_hz = 25000000u,
    .cycle_max = 8,
    .needs_bias = true,
    .level_hz = {192000000u, 160000000u}, /* level 1: not in the tables */
    .pll_in_min = 4000000u,
    .pll_min = 200000000u,
    .pll_max = 500000000u,
    .lirc_hz = 10000u,
    .isp_control = 0x0001003fu,
    .erases_blocks = true,
    .crpt_base = 0x50080000u,
    .trng = TRNG_NONE,
    .has_spim = true,
    .has_qspi = true,
    .has_emac = true,
    .has_eadc = true,
};
