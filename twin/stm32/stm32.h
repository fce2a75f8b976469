/* Models of ST's STM32U585 ("U5") and STM32H573 ("H5"), written from their register tables. Where
 * the tables leave open what a wrong access does on silicon, the model ends the run with a fault: a
 * driver must not depend on it. A U5 may have TZEN set: it then has two worlds (gtzc.c); else there
 * are no secure aliases.
 *
 * Only the peripherals that a board's firmware uses are here; each is a file. */
#ifndef OTTER_TWIN_STM32_H
#define OTTER_TWIN_STM32_H

#include "twin/nvm.h"
#include "twin/serial.h"
#include "twin/twin.h"

#define STM32_PORTS 9u
#define STM32_RAMS  4u

struct stm32;

/* A bit of RCC: a clock gate or a module's reset. Offset 0: there is none. */
struct stm32_bit {
    uint16_t offset;
    uint8_t bit;
};

enum stm32_family { STM32_U5, STM32_H5 };

/* How one part differs from its sibling. */
struct stm32_part {
    const char *name;
    enum stm32_family family;
    uint32_t hz_at_reset, hz_max;
    const struct reg *rcc_regs, *pwr_regs;
    unsigned rcc_reg_count, pwr_reg_count;
    const struct stm32_controller *controller;
    uint32_t rcc_base, pwr_base;
    struct stm32_bit pwr_gate;
    struct {
        uint32_t base, size;
    } ram[STM32_RAMS];
    uint32_t system_base, unique_id, flash_size; /* a page of system flash, and addresses in it */
    unsigned usart1_irq, tim2_irq, rng_irq;
};
extern const struct stm32_part stm32_u585, stm32_h573;

/* ---- modules ---- */

/* A peripheral with a clock gate and a reset bit. */
struct stm32_module {
    struct device device; /* first */
    struct stm32 *soc;
    struct stm32_bit gate, reset;
    struct stm32_module *next;
    /* Of two worlds, where both may reach it: which bits of a register are the non-secure one's. It
     * reads the others as 0, and does not write them. NULL: all. */
    uint32_t (*shows)(struct stm32 *soc, const struct stm32_module *module, uint32_t offset);
    /* gtzc.c: the device's own, behind that. */
    uint32_t (*read)(struct device *device, uint32_t offset, uint32_t value);
    void (*write)(struct device *device, uint32_t offset, uint32_t old, uint32_t value);
};
/* Adds it to the chip; it does not answer while its clock is off or its reset bit is set. */
void stm32_add(struct stm32 *soc, struct stm32_module *module);
/* NULL, or why it does not. */
const char *stm32_module_deaf(const struct stm32_module *module);
/* Of a device that is the first member of a stm32_module. */
static inline struct stm32 *stm32_of(struct device *device)
{
    return ((struct stm32_module *)device)->soc;
}
/* Zeroed memory that is freed with the chip. */
void *stm32_alloc(struct stm32 *soc, size_t size);

/* ---- clocks ---- */

enum stm32_clock {
    STM32_MSIS, /* U5 */
    STM32_MSIK, /* U5 */
    STM32_HSI,  /* 16 MHz of the U5, 64 MHz and its divider of the H5 */
    STM32_HSE,
    STM32_HSI48,
    STM32_LSI,
    STM32_LSE,
    STM32_PLL1, /* any of its outputs */
    STM32_SOURCES,
    STM32_PLL1P = STM32_SOURCES,
    STM32_PLL1Q,
    STM32_PLL1R,
    STM32_SYSCLK,
    STM32_HCLK,
    STM32_PCLK1,
    STM32_PCLK2,
    STM32_PCLK3
};
/* Its frequency; 0 while it does not run. */
uint32_t stm32_clock_hz(struct stm32 *soc, enum stm32_clock clock);
uint32_t stm32_rcc(const struct stm32 *soc, uint32_t offset);
/* LSI as the watchdog wants it: on for good. */
void stm32_force_lsi(struct stm32 *soc);
/* Flash and regulator are ready for the core's clock, else a fault; at each change of any. */
void stm32_check_speed(struct stm32 *soc);

/* ---- pins ---- */

/* Ports count from 0, A. */
struct stm32_pin {
    uint8_t port, pin, function;
};
/* The pin has this alternate function and power, else a fault that says what `user` does. */
bool stm32_pin_is(struct stm32 *soc, const struct stm32_pin *pin, const char *user);
/* What lies at the pin: what the program drives, or what comes from outside, or a pull. */
bool stm32_pin_level(const struct stm32 *soc, unsigned port, unsigned pin);
/* OSPEEDR: 3 is very high. */
unsigned stm32_pin_speed(const struct stm32 *soc, unsigned port, unsigned pin);
/* From outside, by something on the board; until then nothing drives it. */
void stm32_pin_drive(struct stm32 *soc, unsigned port, unsigned pin, bool level);
/* Hears of each change of a pin's level, of any pin. Caller-owned, must outlive the chip. */
struct stm32_ear {
    void (*run)(void *ctx, unsigned port, unsigned pin, bool level);
    void *ctx;
    struct stm32_ear *next;
};
void stm32_listen(struct stm32 *soc, struct stm32_ear *ear);

struct stm32_gpio {
    struct stm32_module module;
    unsigned port;
    uint32_t outside, driven; /* levels from outside, and where there are any */
    uint32_t before;          /* levels that ears know of */
};

/* ---- USART1 ---- */

#define STM32_FIFO    8u
#define STM32_BACKLOG 65536u

struct stm32_usart {
    struct stm32_module module;
    struct serial *peer;
    struct twin_timer sent, came;
    struct stm32_pin tx_pin, rx_pin;
    uint8_t tx[STM32_FIFO], rx[STM32_FIFO];
    unsigned tx_count, rx_count;
    bool sending;
    uint8_t shifting;
    twin_ns ready_at; /* TEACK, REACK */
    uint8_t backlog[STM32_BACKLOG];
    uint32_t backlog_start, backlog_count;
};
/* Puts `peer` at the other end, which must outlive the chip. */
void stm32_usart_connect(struct stm32_usart *usart, struct serial *peer);

/* ---- FLASH ---- */

#define STM32_FLASH_BASE 0x08000000u
#define STM32_SECURE     0x04000000u /* added to it: the same, by its secure address */
#define STM32_BANK       0x100000u
#define STM32_PAGE       0x2000u /* of the U5, a sector of the H5: what is erased */
#define STM32_SLOT       16u     /* what is programmed, with an ECC of its own */
#define STM32_OPTIONS    8u

/* As OPSR.CODE_OP has them. */
enum stm32_operation {
    STM32_IDLE,
    STM32_PROGRAM = 1,
    STM32_ERASE = 3,
    STM32_ERASE_BANK,
    STM32_ERASE_ALL,
    STM32_OPTION_CHANGE
};

struct stm32_lock {
    unsigned step;
    bool open;
    bool dead; /* until the next reset: a key was wrong */
};

/* Options of the secure world, which a programmer sets and the program leaves alone. */
struct stm32_secure_options {
    uint32_t boot;          /* SECBOOTADD0R */
    uint32_t watermarks[2]; /* SECWM1R1, SECWM2R1 */
};

/* What the flash keeps besides its cells: file options.bin. */
struct stm32_kept {
    uint32_t magic;
    uint32_t operation; /* what OPSR says of the one under way; 0: none */
    uint32_t options[STM32_OPTIONS];
    uint32_t wanted[STM32_OPTIONS]; /* by the option change under way */
    struct stm32_secure_options secure;
};

/* How the controllers of the two parts differ. Offsets count through both physical banks. */
struct stm32_controller {
    const struct reg *regs;
    unsigned reg_count;
    uint32_t factory[STM32_OPTIONS];
    twin_ns program_takes;
    uint32_t (*read)(struct device *device, uint32_t offset, uint32_t value);
    void (*write)(struct device *device, uint32_t offset, uint32_t old, uint32_t value);
    bool (*allow)(struct device *device, const struct reg *reg, uint32_t value);
    /* A store into the cells. */
    void (*store)(struct stm32 *soc, uint32_t offset, unsigned size, uint32_t value);
    void (*done)(struct stm32 *soc, enum stm32_operation operation);
    /* False when no NMI follows. */
    bool (*double_error)(struct stm32 *soc, uint32_t offset);
    /* At a reset: options to registers and to what follows from them. */
    void (*load)(struct stm32 *soc, enum twin_reset reset);
    /* At a reset, after it: what OPSR says of an operation that it cut. */
    void (*report)(struct stm32 *soc);
    /* OPSR. */
    uint32_t (*code)(enum stm32_operation operation, uint32_t offset);
};
extern const struct stm32_controller stm32_u5_flash, stm32_h5_flash;

struct stm32_flash {
    struct stm32_module module;
    /* The cells, and for each slot whether it is erased, written, or has a double error. */
    struct nvm cells, slots, kept_file;
    struct stm32_kept *kept;
    struct rom_guard guard, page_guard;
    bool swapped; /* bank 2 lies in the first window */
    uint32_t torn_count;
    bool late_nmi; /* a load of a torn slot is done, and its NMI comes some clocks later */
    struct twin_timer nmi;
    bool stuck;     /* no reset makes the banks change places */
    uint8_t *stale; /* slots that ICACHE may hold as they were */
    uint32_t stale_count;
    struct stm32_lock lock, option_lock;
    struct stm32_lock secure_lock;  /* of two worlds */
    uint32_t loaded[STM32_OPTIONS]; /* that are in force (U5) */
    /* The write buffer. */
    uint32_t slot, filled; /* offset, bytes from its start */
    bool secure;           /* by which world's registers it, or the operation, came */
    uint8_t buffer[STM32_SLOT];
    /* The operation under way. */
    enum stm32_operation operation;
    uint32_t start, size;
    bool fits; /* the ECC of what it writes */
    uint8_t data[STM32_SLOT];
    struct twin_timer done;
};

bool stm32_flash_is_busy(const struct stm32 *soc);
/* Of two worlds: whose page it is, of the cells or as mapped now. */
bool stm32_page_is_secure(const struct stm32 *soc, uint32_t offset);
bool stm32_flash_is_secure(const struct stm32 *soc, uint32_t address);
/* `size` cells from `start` on, or with STM32_PROGRAM the slot at `start`, with flash.data. */
void stm32_flash_begin(struct stm32 *soc, enum stm32_operation operation, uint32_t start,
                       uint32_t size);
bool stm32_slot_is_erased(const struct stm32 *soc, uint32_t offset);
/* The buffer's bytes are all 0, which may be written over anything. */
bool stm32_buffer_is_zero(const struct stm32 *soc);
/* A key comes in. The keys are the same at both parts. */
void stm32_take_key(struct stm32 *soc, struct stm32_lock *lock, const char *name, uint32_t value,
                    const uint32_t keys[2]);
extern const uint32_t stm32_flash_keys[2], stm32_option_keys[2];
/* What the options say: which bank comes first, where vectors lie, which RAM a reset clears (bit n:
 * part.ram[n]). */
void stm32_flash_map(struct stm32 *soc, bool swapped, uint32_t vectors);
void stm32_clear_ram(struct stm32 *soc, unsigned rams);

/* ---- the chip ---- */

struct stm32_iwdg {
    struct stm32_module module;
    struct twin_timer bites;
    bool started, unlocked;
    twin_ns fed, updated_at;
    uint32_t updating; /* SR's flags while it does */
};

struct stm32_tim {
    struct stm32_module module;
    struct twin_timer wraps;
    twin_ns started;
    uint32_t from;
    uint32_t prescaler; /* that counts; PSC takes effect at an update */
};

struct stm32_rng {
    struct stm32_module module;
    twin_ns conditioned_at, word_at;
    bool seeded, seed_error;
    uint64_t state;
    bool stuck;        /* the source gives the same all the time */
    unsigned failures; /* so many starts will fail; for tests */
};

struct stm32_icache {
    struct stm32_module module;
    twin_ns busy_until;
};

#define STM32_BLOCKS 20u

struct stm32 {
    struct twin *twin;
    const struct stm32_part *part;
    uint32_t hse_hz; /* the board's oscillator, which needs HSEBYP; 0: none */
    struct stm32_module rcc, pwr, sbs;
    struct stm32_flash flash;
    struct stm32_module *modules;
    struct stm32_icache icache;
    struct stm32_gpio gpio[STM32_PORTS];
    struct stm32_usart usart1;
    struct stm32_iwdg iwdg;
    struct stm32_tim tim2;
    struct stm32_rng rng;
    struct stm32_ear *ears;
    struct stm32_spi *spi;         /* SPI2 of the U5, SPI5 of the H5 */
    struct stm32_i2c *i2c;         /* I2C2 of the U5 */
    struct stm32_eth *eth;         /* H5 */
    struct stm32_octospi *octospi; /* OCTOSPI2 of the U5, OCTOSPI1 of the H5 */
    struct stm32_gtzc *gtzc;       /* of two worlds, else NULL */
    void *blocks[STM32_BLOCKS];
    unsigned block_count;
    /* rcc, pwr */
    twin_ns stable_at[STM32_SOURCES]; /* 0 while it is off */
    bool lsi_forced;
    uint32_t reset_flags;
    bool launched;            /* the reset that comes is OBL_LAUNCH's */
    twin_ns vos_at, boost_at; /* when the voltage scale or the booster is there */
    unsigned vos_before;
    uint8_t system_page[4096];
};

/* Makes the chip, blank unless FOLDER has its flash. NULL with a message on stderr. */
struct stm32 *stm32_new(const struct stm32_part *part, const char *folder);
/* Blank, it is a chip of which a programmer has set TZEN and these options (U5). */
struct stm32 *stm32_new_in_two_worlds(const struct stm32_part *part, const char *folder,
                                      const struct stm32_secure_options *options);
void stm32_free(struct stm32 *soc);
/* As a programmer does it: erased and written, without the chip's doing, at the addresses as they
 * are mapped now, secure ones too. False outside the flash. */
bool stm32_program(struct stm32 *soc, uint32_t address, const uint8_t *data, uint32_t size);

/* ---- between the files of this folder ---- */

void stm32_rcc_start(struct stm32 *soc);
void stm32_pwr_start(struct stm32 *soc);
void stm32_sbs_start(struct stm32 *soc); /* H5 */
void stm32_spi_start(struct stm32 *soc);
void stm32_i2c_start(struct stm32 *soc); /* U5 */
void stm32_exti_start(struct stm32 *soc);
void stm32_eth_start(struct stm32 *soc); /* H5 */
void stm32_octospi_start(struct stm32 *soc);
void stm32_gpio_start(struct stm32 *soc);
void stm32_usart_start(struct stm32 *soc);
void stm32_iwdg_start(struct stm32 *soc);
void stm32_tim_start(struct stm32 *soc);
void stm32_rng_start(struct stm32 *soc, bool by_host);
void stm32_icache_start(struct stm32 *soc);
void stm32_flash_start(struct stm32 *soc);
/* Options, before all else: TZEN is set. */
bool stm32_has_two_worlds(const struct stm32 *soc);
/* With two worlds, behind all other modules. */
void stm32_gtzc_start(struct stm32 *soc);
/* False, with a fault that names the register, where there is one world. */
bool stm32_wants_two_worlds(struct stm32 *soc, const char *name);
/* Of RCC, for `shows`. */
uint32_t stm32_rcc_shows(struct stm32 *soc, const struct stm32_module *rcc, uint32_t offset);
/* What the non-secure world may not reach: NULL, or why; of peripherals. */
const char *stm32_keeps(const struct stm32 *soc, uint32_t address);
/* SBS.ECCNMIR (H5). */
bool stm32_ecc_nmi_is_masked(const struct stm32 *soc);
/* False with a message on stderr. */
bool stm32_flash_open(struct stm32 *soc, const char *folder,
                      const struct stm32_secure_options *options);
void stm32_flash_close(struct stm32 *soc);

/* PWR: the voltage scale that is there, 0 the slowest to 3 the fastest, and the booster. */
unsigned stm32_voltage(const struct stm32 *soc);
bool stm32_boosted(const struct stm32 *soc);
/* The independent supply of PG2 to PG15 (U5) is switched on. */
bool stm32_has_io2(const struct stm32 *soc);
/* DBP: the backup domain may be written. */
bool stm32_backup_open(const struct stm32 *soc);
/* What ICACHE holds is read through it; all of it is forgotten. */
bool stm32_is_cached(const struct stm32 *soc);
void stm32_forget_stale(struct stm32 *soc);
/* A store into what it may hold. */
void stm32_note_cached_write(struct stm32 *soc);
/* FLASH.ACR. */
uint32_t stm32_latency(const struct stm32 *soc);

#endif
