/* A twin: a board's own HEX file, run without the board.
 *
 * Unicorn executes the core's instructions; everything around the core is modelled here, from the
 * parts' register tables and sequences and never from our drivers: what a driver does wrong must
 * fail in the twin. An access that nothing models ends the run with a sentence that names
 * peripheral, offset and program counter.
 *
 * Virtual time is counted in nanoseconds since power-on. While instructions run it goes on with
 * them, one core clock for each halfword of code, so a loaded host changes nothing that the
 * firmware could measure; while the core sleeps (WFI) it goes on with the host's clock, because
 * what the firmware then waits for, a cloud or a person, lives in the host's time.
 *
 * What a power cut leaves is what lies in the memories' files at that moment: a twin may be killed
 * at any time. */
#ifndef OTTER_TWIN_TWIN_H
#define OTTER_TWIN_TWIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct twin;
struct device;

typedef uint64_t twin_ns;

#define TWIN_US    1000ull
#define TWIN_MS    1000000ull
#define TWIN_NEVER UINT64_MAX

enum twin_core { TWIN_CORTEX_M4, TWIN_CORTEX_M23, TWIN_CORTEX_M33 };

/* What starts anew. */
enum twin_reset {
    TWIN_RESET_POWER,  /* power-on: everything */
    TWIN_RESET_PIN,    /* the reset pin, or the whole chip by command */
    TWIN_RESET_SYSTEM, /* AIRCR.SYSRESETREQ */
    TWIN_RESET_WATCHDOG,
    TWIN_RESET_CORE /* the core alone, where a part has that */
};

enum twin_end {
    TWIN_STOPPED, /* twin_stop, or the time given had passed */
    TWIN_CUT,     /* the power cut that was asked for */
    TWIN_FAULT    /* the program did what the part cannot do: twin_fault_text says what */
};

/* ---- a machine ---- */

/* NULL without memory. `hz` is the core's clock after power-on. */
struct twin *twin_new(enum twin_core core, uint32_t hz);
void twin_free(struct twin *twin);

/* RAM of the twin's own: its contents survive resets, not power. */
void twin_add_ram(struct twin *twin, uint32_t base, uint32_t size);
/* Memory that the core reads and executes but does not write; `bytes` stay the caller's and may
 * change, which twin_rom_changed then says. */
void twin_add_rom(struct twin *twin, uint32_t base, uint32_t size, const uint8_t *bytes);
void twin_rom_changed(struct twin *twin, uint32_t address, uint32_t size);
/* Its contents are other ones from now on, as when two banks change places. */
void twin_move_rom(struct twin *twin, uint32_t base, const uint8_t *bytes);

/* What a memory's model wants to see of the core's accesses, before they happen. */
struct rom_guard {
    /* False: the load is not done, and what twin_nmi pended comes with the load's own address to
     * return to. NULL: nothing is looked at. */
    bool (*read)(void *ctx, uint32_t address, unsigned size);
    /* A block of instructions. NULL: nothing is looked at. */
    void (*fetch)(void *ctx, uint32_t address, uint32_t size);
    /* A store, which by itself changes nothing. NULL: a fault. */
    void (*write)(void *ctx, uint32_t address, unsigned size, uint32_t value);
    void *ctx;
};
/* Of the memory of twin_add_rom at `base`; the guard must outlive the twin. */
void twin_guard_rom(struct twin *twin, uint32_t base, const struct rom_guard *guard);
/* Whether guards would see anything in a load now: false at first. Where they do not, and have not
 * for a while, loads are not looked at, and the core is twice as fast. Holds from the next block
 * of instructions on. */
void twin_guard_loads(struct twin *twin, bool matter);
/* Memory that nothing is executed from; each load is shown to the guard's `read`, and done. */
void twin_add_watched_rom(struct twin *twin, uint32_t base, uint32_t size, const uint8_t *bytes,
                          const struct rom_guard *guard);
/* As long as loads matter they may be refused. Not before it is needed: Unicorn then looks at each
 * instruction, which takes time. */
void twin_guard_exactly(struct twin *twin);

/* The same memory once more at another address; guards are told the first one. */
void twin_add_mirror(struct twin *twin, uint32_t base, uint32_t of);

/* The program's loads and stores are taken to be aligned: a Cortex-M23 is three times as fast then.
 * Otherwise one that is not is a fault there. */
void twin_trust_alignment(struct twin *twin);

/* The device's memory stays the caller's; it must outlive the twin. */
void twin_add_device(struct twin *twin, struct device *device);
/* The address of the vector table after a reset; 0 unless said. */
void twin_set_vectors(struct twin *twin, uint32_t address);

/* Starts the core from its vector table, resets all devices. */
void twin_reset(struct twin *twin, enum twin_reset reset);
/* The same once the present instruction has ended, for devices. */
void twin_request_reset(struct twin *twin, enum twin_reset reset);
/* Why the last reset came. */
enum twin_reset twin_last_reset(const struct twin *twin);

/* Runs until twin_stop, a fault, the cut, or virtual time `until` (TWIN_NEVER: without end). */
enum twin_end twin_run(struct twin *twin, twin_ns until);
void twin_stop(struct twin *twin);
/* Cuts the power after so many more core clocks; UINT64_MAX: not at all. */
void twin_cut_after(struct twin *twin, uint64_t clocks);
/* Cuts the power in the middle of the n-th operation of a memory that keeps its contents, from now
 * on, the next one being 1. 0: not at all. */
void twin_cut_in_operation(struct twin *twin, unsigned n);
/* Cuts the power when the n-th operation of this name starts, before it has changed anything.
 * `name` must outlive the twin; NULL: not at all. */
void twin_cut_at(struct twin *twin, const char *name, unsigned n);
/* The same in its middle. */
void twin_cut_in(struct twin *twin, const char *name, unsigned n);
/* The power is back after a cut: as a new twin would start on the same memories. False when there
 * was none. */
bool twin_power_again(struct twin *twin);
/* For models of such memories: an operation starts at this offset of the memory, called "program",
 * "erase", "bank-erase", "mass-erase", "option-change" in the chip's own flash, "nor-program" and
 * "nor-erase" in SPI flash, "card-write" on an SD card. True when the power goes here: then nothing
 * may change. */
bool twin_starts(struct twin *twin, const char *name, uint32_t offset);
/* For models of such memories: the middle of an operation; the file holds what a cut would leave.
 * True when the power goes here: then the operation must not be finished. */
bool twin_operation(struct twin *twin);
/* For models of a chip's own flash: the operation has come to its end. */
void twin_operation_ends(struct twin *twin);
/* Resets the chip, as a debugger does, in the middle of the n-th operation from now on, or where it
 * ends; 0: not at all. What lies beside the chip goes on. */
enum twin_moment { TWIN_IN_OPERATION, TWIN_BEHIND_OPERATION };
void twin_reset_at_operation(struct twin *twin, enum twin_moment moment, unsigned n);
/* A reset comes once the present instruction has ended: no operation of the chip's own gets done.
 */
bool twin_reset_is_due(const struct twin *twin);
/* How many there were. */
unsigned twin_operations(const struct twin *twin);
/* The one that started last: its name, NULL before the first, and its offset. */
const char *twin_last_operation(const struct twin *twin, uint32_t *offset);

/* The sentence of a TWIN_FAULT, "" before. */
const char *twin_fault_text(const struct twin *twin);
/* For devices: ends the run. The sentence gets the program counter added. */
void twin_fault(struct twin *twin, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints each access to the device of this name on stderr; "all" means every one. */
void twin_trace(struct twin *twin, const char *device);

/* Without sleep: virtual time jumps to the next event while the core sleeps. For tests that have
 * nothing of the host behind them. */
void twin_hurry(struct twin *twin);

/* ---- two worlds ---- */

/* TrustZone (Armv8-M Architecture Reference Manual, B8 and D1): the core's two states with their
 * stacks, masks, SysTicks and vector tables, SAU, gates, interrupts by NVIC_ITNS. What the other
 * world is refused by SAU and IDAU is the secure world's exception. Devices are looked for with bit
 * 28 of their address cleared: both aliases are the same registers. */
enum twin_idau { TWIN_IDAU_NONSECURE, TWIN_IDAU_CALLABLE, TWIN_IDAU_SECURE };
struct twin_worlds {
    enum twin_idau (*idau)(uint32_t address);
    /* What the chip itself refuses, which ends the run: NULL, or why, such as "NSCBA keeps it
     * secure". `address` as the program has it; of memory looked at by pages of 1 KB, the first
     * time and after twin_attribution_changed. May be NULL. */
    const char *(*refuses)(void *ctx, uint32_t address, bool nonsecure);
    void *ctx;
};
/* Before the reset; `worlds` must outlive the twin. A fault with a Unicorn that is not 2.0. */
void twin_two_worlds(struct twin *twin, const struct twin_worlds *worlds);
void twin_attribution_changed(struct twin *twin);
/* While a device's hook runs: the access is a non-secure one. */
bool twin_access_is_nonsecure(const struct twin *twin);

/* ---- time ---- */

twin_ns twin_now(const struct twin *twin);
uint64_t twin_clocks(const struct twin *twin);
/* The core's clock, as a clock model says after a switch. */
void twin_set_hz(struct twin *twin, uint32_t hz);
uint32_t twin_hz(const struct twin *twin);
/* The core waits this long for the bus, such as for a flash that is busy. */
void twin_stall(struct twin *twin, twin_ns duration);
/* For a model that is asked whether it is done, which it will be then: a program that asks will ask
 * again, and a slow bus keeps it from asking thousands of times. At most TWIN_LOOK. */
#define TWIN_LOOK (4u * TWIN_US)
void twin_stall_until(struct twin *twin, twin_ns done);

/* Something to be done at a time. Caller-owned; setting it again moves it, TWIN_NEVER takes it
 * off. */
struct twin_timer {
    twin_ns at;
    void (*run)(void *ctx);
    void *ctx;
    struct twin_timer *next; /* private */
    bool queued;             /* private */
};
void twin_timer_set(struct twin *twin, struct twin_timer *timer, twin_ns at);

/* ---- interrupts, memory ---- */

#define TWIN_IRQ_COUNT 160u
void twin_irq(struct twin *twin, unsigned irq, bool level);
/* The non-maskable interrupt, once. */
void twin_nmi(struct twin *twin);

/* Memory as a bus master such as a DMA sees it: false when nothing is there. */
bool twin_read_memory(struct twin *twin, uint32_t address, void *data, uint32_t size);
bool twin_write_memory(struct twin *twin, uint32_t address, const void *data, uint32_t size);
/* One access to a device or a guarded memory, as a program would make it; for tests of models. */
uint32_t twin_load(struct twin *twin, uint32_t address);
void twin_store(struct twin *twin, uint32_t address, uint32_t value);
/* The same by one byte. */
uint8_t twin_load_byte(struct twin *twin, uint32_t address);
void twin_store_byte(struct twin *twin, uint32_t address, uint8_t value);
/* The MPU lets no cache keep what lies there (M33; nothing else of the MPU is modelled). */
bool twin_is_uncached(const struct twin *twin, uint32_t address);
/* The core's program counter, to the block of instructions unless guards are exact. */
uint32_t twin_pc(const struct twin *twin);

/* ---- the host's side ---- */

/* Calls `ready` when `fd` can be read, between instructions. At most TWIN_WATCHES. -1 takes the
 * watch of this ctx off. */
#define TWIN_WATCHES 24u
void twin_watch(struct twin *twin, int fd, void (*ready)(void *ctx), void *ctx);

/* ---- devices ---- */

/* A register, or `count` of them in a row (0 means 1). */
struct reg {
    const char *name;
    uint32_t offset;
    uint32_t writable; /* bits that hold what is written */
    uint32_t clears;   /* bits that a written 1 clears */
    uint32_t reset;
    uint16_t count;
    uint16_t traits; /* REG_KEPT, and the device's own below it */
};
#define REG_KEPT 0x8000u /* only power-on and the reset pin change it */

struct device {
    const char *name; /* as the parts' tables name it */
    uint32_t base;
    uint32_t size;
    const struct reg *regs;
    unsigned reg_count;
    bool narrow; /* registers may be accessed by byte and halfword */
    /* Hooks; each may be NULL. `value` of read: what the register holds; returns what is read.
     * `write` runs after the register took the writable bits and lost the cleared ones: `old` is
     * what it held, `value` what was written. `allow` may refuse a write, by saying false (it is
     * then ignored) or by a fault. */
    uint32_t (*read)(struct device *device, uint32_t offset, uint32_t value);
    void (*write)(struct device *device, uint32_t offset, uint32_t old, uint32_t value);
    bool (*allow)(struct device *device, const struct reg *reg, uint32_t value);
    void (*reset)(struct device *device, enum twin_reset reset);
    /* Before each access: NULL, or why the device does not answer, as "while its clock is off". */
    const char *(*deaf)(struct device *device);
    /* Filled by twin_add_device. */
    struct twin *twin;
    uint32_t *values; /* by offset / 4 */
    unsigned width;   /* bytes of the present access */
    bool traced;
    struct device *next;
};

/* As a module's own reset bit does it. */
void device_reset(struct device *device, enum twin_reset reset);
/* What a register of the device holds, to read and change without side effects. */
uint32_t *device_reg(struct device *device, uint32_t offset);

#endif
