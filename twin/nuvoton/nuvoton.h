/* Models of Nuvoton's M467, M487 and M2354, written from their register tables. Where the tables
 * leave open what a wrong access does on silicon, the model ends the run with a fault: a driver
 * must not depend on it.
 *
 * Only the peripherals that a board's firmware uses are here; each is a file. */
#ifndef OTTER_TWIN_NUVOTON_H
#define OTTER_TWIN_NUVOTON_H

#include "twin/nvm.h"
#include "twin/parts/phy.h"
#include "twin/parts/sd_card.h"
#include "twin/parts/spi_nor.h"
#include "twin/serial.h"
#include "twin/twin.h"

#define NUVOTON_PORTS 10u
#define NUVOTON_UARTS 8u

struct nuvoton;

/* A clock gate or reset bit: which register of CLK or SYS, and which bit. */
struct nuvoton_bit {
    uint32_t offset;
    uint8_t bit;
};

/* A field of CLK: a source selector or a divider. */
struct nuvoton_field {
    uint16_t offset;
    uint8_t bit, width;
};

enum nuvoton_trng { TRNG_LIRC, TRNG_LIRC32, TRNG_NONE };

/* How one part differs from its siblings. */
struct nuvoton_part {
    const char *name;
    enum twin_core core;
    const struct reg *sys_regs, *clk_regs, *rtc_regs;
    unsigned sys_reg_count, clk_reg_count, rtc_reg_count;
    uint32_t hz_max;
    uint32_t aprom_size, bank_size, page_size;
    uint32_t config_base, config_words;
    uint32_t sram_size;
    bool mfp_by_byte; /* pin functions: 8 bits from +0x500, or 4 bits from +0x30 */
    bool gpio_gated;  /* ports have clock gates, of AHBCLK from bit 24 on and then of AHBCLK1 */
    unsigned ports;
    unsigned uarts;
    unsigned uart_irq[NUVOTON_UARTS];
    struct {
        struct nuvoton_field select, divider;
    } uart_clock[NUVOTON_UARTS];
    unsigned timer_irq;     /* of TIMER0 */
    uint32_t timer_control; /* the bits of TIMER.CTL */
    unsigned wdt_select_max;
    uint32_t wdt_control;
    uint32_t step_hz; /* FMC wait states: one for each of these */
    uint32_t cycle_max;
    bool cycle_tuned;     /* by hardware, unless CYCCTL.FADIS says no */
    bool needs_bias;      /* LDOCTL.PDBIASEN above level_hz[1] */
    uint32_t level_hz[4]; /* the fastest clock of each power level; 0: there is no such level */
    uint32_t pll_in_min;  /* of FIN / NR; at most 8 MHz */
    uint32_t pll_min, pll_max; /* of FIN / NR * 2 * NF */
    bool pll_halved;           /* peripherals get half of the PLL */
    uint32_t lirc_hz;
    uint32_t isp_control; /* the bits of FMC.ISPCTL */
    bool erases_blocks;   /* FMC command 0x25 */
    bool has_approt;      /* FMC.APPROT */
    enum nuvoton_trng trng;
    uint32_t crpt_base;
    bool has_spim, has_qspi, has_sdh, has_emac, has_eadc, has_timer2;
    bool has_worlds; /* TrustZone: SCU and NSCBA */
};
/* The UARTs of the M467 and the M487: interrupts, source selectors and dividers are the same. */
#define NUVOTON_M4_UARTS                                                                           \
    .uarts = 8, .uart_irq = {36, 37, 48, 49, 74, 75, 102, 103},                                    \
    .uart_clock = {{{0x14, 24, 2}, {0x20, 8, 4}},  {{0x14, 26, 2}, {0x20, 12, 4}},                 \
                   {{0x1c, 24, 2}, {0x30, 0, 4}},  {{0x1c, 26, 2}, {0x30, 4, 4}},                  \
                   {{0x1c, 28, 2}, {0x30, 8, 4}},  {{0x1c, 30, 2}, {0x30, 12, 4}},                 \
                   {{0x1c, 20, 2}, {0x30, 16, 4}}, {{0x1c, 22, 2}, {0x30, 20, 4}}}

extern const struct nuvoton_part nuvoton_m467, nuvoton_m487, nuvoton_m2354;

struct nuvoton_pin {
    uint8_t port, pin, function;
};

#define UART_BACKLOG 65536u

struct uart {
    struct device device;
    struct nuvoton *soc;
    unsigned number;
    struct serial *peer;
    struct twin_timer sent;  /* the byte in the shift register is out */
    struct twin_timer came;  /* the next byte of the peer has come in */
    struct twin_timer quiet; /* receive time-out */
    uint8_t tx[16], rx[16];
    unsigned tx_count, rx_count;
    bool sending;
    bool rx_is_old; /* the receive time-out has passed */
    /* Where the board has them; function 0: not checked. */
    struct nuvoton_pin tx_pin, rx_pin, rts_pin, cts_pin;
    uint8_t backlog[UART_BACKLOG];
    uint32_t backlog_start, backlog_count;
};
/* Puts `peer` at the other end, which must outlive the chip. */
void uart_connect(struct uart *uart, struct serial *peer);

/* ---- the chip ---- */

/* How the board has its SPI flash; the controllers share the pins. */
struct nuvoton_flash_pins {
    struct nuvoton_pin pins[4];           /* chip select, clock, data out and in */
    struct nuvoton_pin high[2];           /* WP and HOLD, which the program must drive high */
    uint8_t spim_function, qspi_function; /* 0: the controller does not reach them */
};

/* What a module's reset bit of SYS resets. */
struct nuvoton_module {
    struct device *device;
    struct nuvoton_bit reset;
};
#define NUVOTON_MODULES 20u

struct nuvoton {
    struct twin *twin;
    const struct nuvoton_part *part;
    struct device sys, clk, gpio, fmc, wdt, trng, rtc, scu;
    struct nuvoton_module modules[NUVOTON_MODULES];
    unsigned module_count;
    void *blocks[NUVOTON_MODULES]; /* freed with the chip */
    unsigned block_count;
    struct spi_nor *nor; /* the board's SPI flash, NULL where there is none */
    struct nuvoton_flash_pins flash_pins;
    struct emac *emac; /* NULL where the part has none */
    struct phy *phy;   /* NULL where the board has none */
    /* MDC, MDIO, TXD0, TXD1, TXEN, REFCLK, RXD0, RXD1, CRSDV, RXERR */
    struct nuvoton_pin rmii_pins[10];
    struct sd_card *card; /* in the board's slot; NULL where there is none */
    struct nuvoton_pin card_pins[6], card_detect; /* command, clock, data 0 to 3 */
    struct uart uarts[NUVOTON_UARTS];
    struct nvm aprom, config;
    struct nvm border; /* NSCBA */
    uint32_t nscba;    /* as the last reset took it over */
    struct twin_worlds worlds;
    unsigned unlock_step;
    bool unlocked;
    /* clocks: when each source is stable, 0 while it is off */
    twin_ns stable_at[8];
    uint32_t reset_flags;
    twin_ns level_at; /* when the power level that PLCTL asks for is there */
    /* fmc */
    struct twin_timer isp_done;
    bool vectors_chosen;    /* by the non-secure world, by command 0x2e: not checked on silicon */
    struct nvm *isp_target; /* of the command under way */
    uint32_t isp_offset, isp_size;
    uint8_t *isp_after; /* what it leaves there */
    uint32_t result;
    uint32_t bad_word; /* does not take its bits; for tests. UINT32_MAX: none */
    /* wdt */
    struct twin_timer wdt_bites;
    twin_ns wdt_fed;
    twin_ns wdt_synced;
    /* trng */
    twin_ns trng_ready_at, trng_byte_at, trng_seed_at;
    bool trng_absent; /* as on a part whose generator only the header has */
    uint64_t random;
    bool random_stuck; /* a fault of the generator, for tests */
    /* pins */
    void (*on_pin)(void *ctx, unsigned port, unsigned pin, bool level);
    void *pin_ctx;
    uint32_t levels_before[NUVOTON_PORTS];
    uint32_t inputs[NUVOTON_PORTS]; /* levels from outside; 1 unless something pulls down */
};

/* Makes the chip, blank unless FOLDER has its flash. NULL with a message on stderr. */
struct nuvoton *nuvoton_new(const struct nuvoton_part *part, const char *folder);
void nuvoton_free(struct nuvoton *soc);
/* As a programmer does it: erased and written, without the chip's doing. False outside the flash.
 */
bool nuvoton_program(struct nuvoton *soc, uint32_t address, const uint8_t *data, uint32_t size);

/* The wire behind EMAC and its PHY: `send` gets each frame of the board, of 60 bytes and more,
 * without its checksum; what is received while the link is down is lost. */
void emac_connect(struct nuvoton *soc,
                  void (*send)(void *ctx, const uint8_t *frame, uint32_t length), void *ctx);
/* What the Ethernet controller can suffer, by name, for twin/modem/setup.h, and that it is to, at
 * the n-th frame of that direction. */
extern const char *const emac_faults[];
void emac_spoil(struct nuvoton *soc, unsigned fault, unsigned at);
void emac_receive(struct nuvoton *soc, const uint8_t *frame, uint32_t length);

/* Between the files of this folder. */
/* Zeroed memory that is freed with the chip. */
void *chip_alloc(struct nuvoton *soc, size_t size);
void spim_start(struct nuvoton *soc);
void qspi_start(struct nuvoton *soc);
void sdh_start(struct nuvoton *soc);
void emac_start(struct nuvoton *soc);
bool emac_accepts(struct device *emac, const uint8_t to[6]);
uint32_t emac_crc(const uint8_t *bytes, uint32_t size);
void crpt_start(struct nuvoton *soc);
void scu_start(struct nuvoton *soc);
void eadc_start(struct nuvoton *soc);
/* The flash is there, its pins have this function, WP and HOLD are high; else a fault. */
bool flash_is_wired(struct nuvoton *soc, const char *controller, unsigned function);
/* Its slew rate: 0 normal, 1 high, 2 fast. */
unsigned pin_slew(const struct nuvoton *soc, unsigned port, unsigned pin);
/* An output that is high, or an input that is pulled up. */
bool pin_is_held_high(const struct nuvoton *soc, unsigned port, unsigned pin);
void system_start(struct nuvoton *soc);
void gpio_start(struct nuvoton *soc);
void uart_start(struct nuvoton *soc, unsigned number);
void fmc_start(struct nuvoton *soc);
void timers_start(struct nuvoton *soc);
void trng_start(struct nuvoton *soc);
void rtc_start(struct nuvoton *soc);
/* 64 bits of the chip's noise; always 0 while random_stuck. */
uint64_t chip_random(struct nuvoton *soc);
bool trng_is_ready(const struct nuvoton *soc);
/* A seed for the PRNG is there (M2354). */
bool trng_seed_ready(const struct nuvoton *soc);
/* A clock source of CLK's selectors: its frequency, 0 while it does not run. */
enum nuvoton_clock {
    CLOCK_HXT,
    CLOCK_LXT,
    CLOCK_PLL,
    CLOCK_LIRC,
    CLOCK_HIRC,
    CLOCK_LIRC32, /* the RTC's */
    CLOCK_HCLK,
    CLOCK_PCLK
};
uint32_t clock_hz(struct nuvoton *soc, enum nuvoton_clock clock);
uint32_t clock_field(const struct nuvoton *soc, struct nuvoton_field field);
bool clock_gate(const struct nuvoton *soc, struct nuvoton_bit gate);
/* A peripheral with a reset bit in SYS (offset 0: none): adds it to the chip. */
void module_add(struct nuvoton *soc, struct device *device, struct nuvoton_bit reset);
/* For its `deaf`: NULL when its clock is on (offset 0: always) and no reset is held. */
const char *module_deaf(const struct nuvoton *soc, const struct device *device,
                        struct nuvoton_bit gate);
/* The function that a pin is set to; 0 is GPIO. */
unsigned pin_function(const struct nuvoton *soc, unsigned port, unsigned pin);
/* Protected registers: true when unlocked, else a fault. */
bool unlocked_or_fault(struct nuvoton *soc, const struct device *device, const struct reg *reg);
/* Reads of the flash as the part's clock allows it: checked at each change of clock or wait states.
 */
void check_speed(struct nuvoton *soc);

#define TRAIT_PROTECTED 1u

#endif
