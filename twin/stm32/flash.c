/* FLASH: two banks of cells, their ECC, and the operations on them; what the registers make of it
 * is in flash_u5.c and flash_h5.c.
 *
 * The files hold what a cut would leave from the start of an operation to its end. While a bank is
 * busy, a read of it holds the core up until the end; the other bank is read as always. What an
 * operation changes while ICACHE is on may not be read before ICACHE is invalidated, cached or not:
 * a fault, since silicon might give the old words. */
#include <stdlib.h>
#include <string.h>

#include "twin/stm32/stm32.h"

#define ACR  0x000u
#define SIZE (2u * STM32_BANK)

/* What slots.bin says of a slot. */
enum { DOUBLE_ERROR = 0x00, WRITTEN = 0x01, ERASED = 0xff };

#define MAGIC 0x32335453u

#define TZEN (1u << 31) /* OPTR of the U5 */

/* Typical times, of data sheets. */
#define ERASE_TAKES  (2u * TWIN_MS)
#define OPTION_TAKES (20u * TWIN_MS)

/* Ten clocks and more at rated speed: behind the barriers of who waits for an NMI. */
#define LATE 63u

const uint32_t stm32_flash_keys[2] = {0x45670123u, 0xcdef89abu};
const uint32_t stm32_option_keys[2] = {0x08192a3bu, 0x4c5d6e7fu};

bool stm32_has_two_worlds(const struct stm32 *soc)
{
    return soc->part->family == STM32_U5 && soc->flash.kept->options[0] & TZEN;
}

uint32_t stm32_latency(const struct stm32 *soc)
{
    return soc->flash.module.device.values[ACR / 4u];
}

/* ---- addresses ---- */

/* Of a window's address in the cells, and back: the two windows change places. */
static uint32_t across(const struct stm32 *soc, uint32_t offset)
{
    return soc->flash.swapped ? offset ^ STM32_BANK : offset;
}

static uint32_t offset_of(const struct stm32 *soc, uint32_t address)
{
    return across(soc, (address & ~STM32_SECURE) - STM32_FLASH_BASE);
}

bool stm32_flash_is_secure(const struct stm32 *soc, uint32_t address)
{
    return stm32_page_is_secure(soc, offset_of(soc, address));
}

static void changed(struct stm32 *soc, uint32_t offset, uint32_t size)
{
    if (size > STM32_BANK) {
        twin_rom_changed(soc->twin, STM32_FLASH_BASE, SIZE);
        return;
    }
    twin_rom_changed(soc->twin, STM32_FLASH_BASE + across(soc, offset), size);
}

/* ---- slots ---- */

static uint8_t *state_of(const struct stm32 *soc, uint32_t offset)
{
    return &soc->flash.slots.bytes[offset / STM32_SLOT];
}

/* What on_read and on_fetch look for. */
static void say_what_matters(struct stm32 *soc)
{
    const struct stm32_flash *flash = &soc->flash;
    twin_guard_loads(soc->twin, flash->operation != STM32_IDLE || flash->torn_count > 0 ||
                                    flash->stale_count > 0);
}

static void set_state(struct stm32 *soc, uint32_t offset, uint8_t state)
{
    uint8_t *held = state_of(soc, offset);
    soc->flash.torn_count -= *held == DOUBLE_ERROR;
    soc->flash.torn_count += state == DOUBLE_ERROR;
    *held = state;
}

bool stm32_slot_is_erased(const struct stm32 *soc, uint32_t offset)
{
    return *state_of(soc, offset) == ERASED;
}

bool stm32_buffer_is_zero(const struct stm32 *soc)
{
    static const uint8_t zero[STM32_SLOT];
    return memcmp(soc->flash.buffer, zero, sizeof zero) == 0;
}

/* ---- ICACHE ---- */

static void mark_stale(struct stm32 *soc, uint32_t offset, uint32_t size)
{
    for (uint32_t at = offset; stm32_is_cached(soc) && at < offset + size; at += STM32_SLOT) {
        soc->flash.stale_count += !soc->flash.stale[at / STM32_SLOT];
        soc->flash.stale[at / STM32_SLOT] = 1;
    }
}

void stm32_forget_stale(struct stm32 *soc)
{
    if (soc->flash.stale_count)
        memset(soc->flash.stale, 0, SIZE / STM32_SLOT);
    soc->flash.stale_count = 0;
    say_what_matters(soc);
}

/* ---- operations ---- */

bool stm32_flash_is_busy(const struct stm32 *soc)
{
    return soc->flash.operation != STM32_IDLE;
}

static const char *name_of(enum stm32_operation operation)
{
    static const char *const names[] = {[STM32_PROGRAM] = "program",
                                        [STM32_ERASE] = "erase",
                                        [STM32_ERASE_BANK] = "bank-erase",
                                        [STM32_ERASE_ALL] = "mass-erase",
                                        [STM32_OPTION_CHANGE] = "option-change"};
    return names[operation];
}

static twin_ns duration_of(const struct stm32 *soc)
{
    if (soc->flash.operation == STM32_PROGRAM)
        return soc->part->controller->program_takes;
    if (soc->flash.operation == STM32_OPTION_CHANGE)
        return OPTION_TAKES;
    return soc->flash.size / STM32_PAGE * ERASE_TAKES;
}

/* Of an erase some slots have got through, some have not begun, most are neither. */
static void tear_erase(struct stm32 *soc)
{
    struct stm32_flash *flash = &soc->flash;
    for (uint32_t at = flash->start; at < flash->start + flash->size; at += STM32_SLOT) {
        const unsigned fate = (at / STM32_SLOT * 2654435761u) >> 29;
        if (fate == 1) {
            memset(flash->cells.bytes + at, 0xff, STM32_SLOT);
            set_state(soc, at, ERASED);
        } else if (fate != 2) {
            nvm_tear_erase(&flash->cells, at, STM32_SLOT);
            set_state(soc, at, DOUBLE_ERROR);
        }
    }
}

static void tear(struct stm32 *soc)
{
    struct stm32_flash *flash = &soc->flash;
    if (flash->operation == STM32_OPTION_CHANGE)
        return;
    if (flash->operation == STM32_PROGRAM) {
        nvm_tear_program(&flash->cells, flash->start, flash->data, STM32_SLOT);
        set_state(soc, flash->start, DOUBLE_ERROR);
    } else {
        tear_erase(soc);
    }
    changed(soc, flash->start, flash->size);
}

void stm32_flash_begin(struct stm32 *soc, enum stm32_operation operation, uint32_t start,
                       uint32_t size)
{
    struct stm32_flash *flash = &soc->flash;
    if (twin_starts(soc->twin, name_of(operation), start))
        return;
    flash->operation = operation;
    flash->start = start;
    flash->size = size;
    say_what_matters(soc);
    flash->kept->operation = soc->part->controller->code(operation, start);
    tear(soc);
    if (twin_operation(soc->twin) || twin_reset_is_due(soc->twin))
        return;
    twin_timer_set(soc->twin, &flash->done, twin_now(soc->twin) + duration_of(soc));
}

static void finish(struct stm32 *soc)
{
    struct stm32_flash *flash = &soc->flash;
    const enum stm32_operation operation = flash->operation;
    if (operation == STM32_OPTION_CHANGE) {
        memcpy(flash->kept->options, flash->kept->wanted, sizeof flash->kept->options);
    } else if (operation == STM32_PROGRAM) {
        memcpy(flash->cells.bytes + flash->start, flash->data, STM32_SLOT);
        set_state(soc, flash->start, flash->fits ? WRITTEN : DOUBLE_ERROR);
        if (!flash->fits)
            twin_guard_exactly(soc->twin);
    } else {
        memset(flash->cells.bytes + flash->start, 0xff, flash->size);
        for (uint32_t at = flash->start; at < flash->start + flash->size; at += STM32_SLOT)
            set_state(soc, at, ERASED);
    }
    if (operation != STM32_OPTION_CHANGE) {
        changed(soc, flash->start, flash->size);
        mark_stale(soc, flash->start, flash->size);
    }
    flash->kept->operation = 0;
    flash->operation = STM32_IDLE;
    say_what_matters(soc);
    soc->part->controller->done(soc, operation);
    twin_operation_ends(soc->twin);
}

static void on_done(void *ctx)
{
    finish(ctx);
}

/* ---- what the core does with the cells ---- */

/* The core waits until the bank is free. */
static void wait_for(struct stm32 *soc, uint32_t offset)
{
    struct stm32_flash *flash = &soc->flash;
    if (flash->operation == STM32_IDLE || flash->operation == STM32_OPTION_CHANGE ||
        (flash->operation != STM32_ERASE_ALL && (flash->start ^ offset) & STM32_BANK))
        return;
    const twin_ns end = flash->done.at, now = twin_now(soc->twin);
    twin_timer_set(soc->twin, &flash->done, TWIN_NEVER);
    if (end > now)
        twin_stall(soc->twin, end - now);
    finish(soc);
}

static bool check_stale(struct stm32 *soc, uint32_t address, const char *what)
{
    if (!soc->flash.stale_count || !stm32_is_cached(soc) ||
        !soc->flash.stale[offset_of(soc, address) / STM32_SLOT] ||
        twin_is_uncached(soc->twin, address))
        return true;
    twin_fault(soc->twin,
               "the program %s 0x%08x, which changed since ICACHE was invalidated: it may be stale",
               what, address);
    return false;
}

static void on_late_nmi(void *ctx)
{
    struct stm32 *soc = ctx;
    twin_nmi(soc->twin);
}

static bool on_read(void *ctx, uint32_t address, unsigned size)
{
    struct stm32 *soc = ctx;
    wait_for(soc, offset_of(soc, address));
    if (!check_stale(soc, address, "reads"))
        return true;
    if (!soc->flash.torn_count)
        return true;
    const uint32_t ends[] = {offset_of(soc, address), offset_of(soc, address + size - 1u)};
    for (unsigned i = 0; i < 2; i++) {
        if (*state_of(soc, ends[i]) != DOUBLE_ERROR)
            continue;
        if (!soc->part->controller->double_error(soc, ends[i]))
            return true;
        if (soc->flash.late_nmi)
            twin_timer_set(soc->twin, &soc->flash.nmi, twin_now(soc->twin) + LATE);
        else
            twin_nmi(soc->twin);
        return soc->flash.late_nmi;
    }
    return true;
}

static void on_fetch(void *ctx, uint32_t address, uint32_t size)
{
    struct stm32 *soc = ctx;
    wait_for(soc, offset_of(soc, address));
    if (!soc->flash.torn_count && !soc->flash.stale_count)
        return;
    const uint32_t end = address + size;
    for (uint32_t at = address & ~(STM32_SLOT - 1u); at < end; at += STM32_SLOT) {
        if (!check_stale(soc, at, "executes"))
            return;
        if (*state_of(soc, offset_of(soc, at)) == DOUBLE_ERROR)
            twin_fault(soc->twin, "the program executes 0x%08x, a slot with a double ECC error",
                       at);
    }
}

static void on_store(void *ctx, uint32_t address, unsigned size, uint32_t value)
{
    struct stm32 *soc = ctx;
    if (stm32_flash_is_busy(soc)) {
        twin_fault(soc->twin, "the program writes flash at 0x%08x while FLASH is busy", address);
        return;
    }
    if (stm32_is_cached(soc) && !twin_is_uncached(soc->twin, address))
        stm32_note_cached_write(soc);
    soc->part->controller->store(soc, offset_of(soc, address), size, value);
}

/* The H5 answers with a bus error when its ICACHE asks for this page. */
static bool on_system_read(void *ctx, uint32_t address, unsigned size)
{
    struct stm32 *soc = ctx;
    (void)size;
    if (stm32_is_cached(soc) && !twin_is_uncached(soc->twin, address))
        twin_fault(
            soc->twin,
            "the program reads 0x%08x with ICACHE on and no MPU region that keeps it uncached",
            address);
    return true;
}

/* ---- keys ---- */

void stm32_take_key(struct stm32 *soc, struct stm32_lock *lock, const char *name, uint32_t value,
                    const uint32_t keys[2])
{
    if (lock->open) {
        twin_fault(soc->twin, "the program writes FLASH.%s while it is unlocked already", name);
        return;
    }
    if (value != keys[lock->step]) {
        lock->dead = true;
        lock->step = 0;
        return;
    }
    lock->step++;
    if (lock->step == 2) {
        lock->step = 0;
        lock->open = !lock->dead;
    }
}

/* ---- resets ---- */

void stm32_flash_map(struct stm32 *soc, bool swapped, uint32_t vectors)
{
    struct stm32_flash *flash = &soc->flash;
    flash->swapped = swapped;
    for (unsigned window = 0; window < 2; window++)
        twin_move_rom(soc->twin, STM32_FLASH_BASE + window * STM32_BANK,
                      flash->cells.bytes + (size_t)STM32_BANK * (window ^ swapped));
    twin_set_vectors(soc->twin, vectors);
    if (stm32_has_two_worlds(soc))
        vectors &= ~STM32_SECURE;
    if (vectors < STM32_FLASH_BASE || vectors >= STM32_FLASH_BASE + SIZE)
        twin_fault(soc->twin, "the option bytes start the core at 0x%08x, not in its flash",
                   vectors);
    else if (*state_of(soc, offset_of(soc, vectors)) == DOUBLE_ERROR)
        twin_fault(soc->twin, "the vector table at 0x%08x has a double ECC error: the core stops",
                   vectors);
}

void stm32_clear_ram(struct stm32 *soc, unsigned rams)
{
    static const uint8_t zero[1024];
    for (unsigned i = 0; i < STM32_RAMS; i++)
        for (uint32_t at = 0; rams >> i & 1u && at < soc->part->ram[i].size; at += sizeof zero)
            (void)twin_write_memory(soc->twin, soc->part->ram[i].base + at, zero, sizeof zero);
}

static void flash_reset(struct device *device, enum twin_reset reset)
{
    struct stm32 *soc = stm32_of(device);
    struct stm32_flash *flash = &soc->flash;
    twin_timer_set(soc->twin, &flash->done, TWIN_NEVER); /* torn for good */
    twin_timer_set(soc->twin, &flash->nmi, TWIN_NEVER);
    if (flash->torn_count)
        twin_guard_exactly(soc->twin);
    flash->operation = STM32_IDLE;
    flash->filled = 0;
    flash->lock = flash->option_lock = flash->secure_lock = (struct stm32_lock){0};
    stm32_forget_stale(soc);
    soc->part->controller->load(soc, reset);
    soc->part->controller->report(soc);
    soc->launched = false;
}

static void flash_write(struct device *device, uint32_t offset, uint32_t old, uint32_t value)
{
    struct stm32 *soc = stm32_of(device);
    if (offset == ACR)
        stm32_check_speed(soc);
    else
        soc->part->controller->write(device, offset, old, value);
}

/* ---- files ---- */

static bool open_files(struct stm32_flash *flash, const char *folder)
{
    if (!folder)
        return nvm_open_nameless(&flash->cells, SIZE) &&
               nvm_open_nameless(&flash->slots, SIZE / STM32_SLOT) &&
               nvm_open_nameless(&flash->kept_file, 4096);
    return nvm_open(&flash->cells, folder, "flash.bin", SIZE) &&
           nvm_open(&flash->slots, folder, "flash-ecc.bin", SIZE / STM32_SLOT) &&
           nvm_open(&flash->kept_file, folder, "options.bin", 4096);
}

bool stm32_flash_open(struct stm32 *soc, const char *folder,
                      const struct stm32_secure_options *options)
{
    struct stm32_flash *flash = &soc->flash;
    flash->cells.fd = flash->slots.fd = flash->kept_file.fd = -1;
    flash->stale = calloc(1, SIZE / STM32_SLOT);
    if (!flash->stale || !open_files(flash, folder))
        return false;
    flash->kept = (struct stm32_kept *)flash->kept_file.bytes;
    if (flash->kept->magic != MAGIC) {
        *flash->kept = (struct stm32_kept){0};
        memcpy(flash->kept->options, soc->part->controller->factory, sizeof flash->kept->options);
        if (options) {
            flash->kept->options[0] |= TZEN;
            flash->kept->secure = *options;
        }
        flash->kept->magic = MAGIC;
    }
    for (uint32_t at = 0; at < SIZE; at += STM32_SLOT)
        flash->torn_count += *state_of(soc, at) == DOUBLE_ERROR;
    return true;
}

void stm32_flash_close(struct stm32 *soc)
{
    struct stm32_flash *flash = &soc->flash;
    nvm_close(&flash->cells);
    nvm_close(&flash->slots);
    nvm_close(&flash->kept_file);
    free(flash->stale);
}

bool stm32_program(struct stm32 *soc, uint32_t address, const uint8_t *data, uint32_t size)
{
    if (stm32_has_two_worlds(soc))
        address &= ~STM32_SECURE;
    if (address < STM32_FLASH_BASE || address - STM32_FLASH_BASE > SIZE ||
        size > SIZE - (address - STM32_FLASH_BASE))
        return false;
    for (uint32_t i = 0; i < size; i++) {
        const uint32_t offset = offset_of(soc, address + i);
        soc->flash.cells.bytes[offset] = data[i];
        set_state(soc, offset, WRITTEN);
    }
    twin_rom_changed(soc->twin, address, size);
    return true;
}

void stm32_flash_start(struct stm32 *soc)
{
    struct stm32_flash *flash = &soc->flash;
    const struct stm32_controller *controller = soc->part->controller;
    flash->done = (struct twin_timer){.run = on_done, .ctx = soc};
    flash->nmi = (struct twin_timer){.run = on_late_nmi, .ctx = soc};
    flash->guard = (struct rom_guard){on_read, on_fetch, on_store, soc};
    flash->page_guard = (struct rom_guard){on_system_read, NULL, NULL, soc};
    for (unsigned window = 0; window < 2; window++) {
        const uint32_t base = STM32_FLASH_BASE + window * STM32_BANK;
        twin_add_rom(soc->twin, base, STM32_BANK, flash->cells.bytes + (size_t)STM32_BANK * window);
        twin_guard_rom(soc->twin, base, &flash->guard);
        if (stm32_has_two_worlds(soc))
            twin_add_mirror(soc->twin, base | STM32_SECURE, base);
    }
    if (soc->part->family == STM32_H5)
        twin_add_watched_rom(soc->twin, soc->part->system_base, sizeof soc->system_page,
                             soc->system_page, &flash->page_guard);
    flash->module.device = (struct device){.name = "FLASH",
                                           .base = 0x40022000u,
                                           .size = 0x400u,
                                           .regs = controller->regs,
                                           .reg_count = controller->reg_count,
                                           .read = controller->read,
                                           .write = flash_write,
                                           .allow = controller->allow,
                                           .reset = flash_reset};
    flash->module.gate = (struct stm32_bit){0x088, 8};
    stm32_add(soc, &flash->module);
    controller->load(soc, TWIN_RESET_POWER); /* a programmer finds the banks as they lie */
}
