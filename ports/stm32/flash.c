/* The internal flash: two banks, programmed by 16 bytes that are written once, read where they are
 * mapped (reference manuals: embedded flash memory).
 *
 * The core stops when it fetches from a bank that is being erased or programmed, so what starts an
 * operation and waits for its end runs from RAM, with interrupts off (their vectors lie in flash),
 * and empties the UART meanwhile; erasing a sector takes some 2 ms. That is done for both banks:
 * the time that it takes is the same.
 *
 * The window at 0x08000000 shows one bank and behind it the other; controllers' bank numbers mean
 * the banks themselves. Device 0 is the window. Device 1 is the last sectors of bank 1, then those
 * of bank 2, wherever they are mapped.
 *
 * In a secure program each device of the map is a part of the two banks, which must not have
 * changed places. A page is reached as what it is at that moment, by the secure address or the
 * other one; only secure pages are erased and programmed. The UART is the other world's, and so is
 * the memory that takes what it receives meanwhile (gates.h).
 *
 * What the manuals leave open: on the H573 a unit that is programmed again raises no flag. A unit
 * that does not read as erased is refused here, and every program is read back. */
#include "ports/stm32/flash.h"

#include <string.h>

#include "boards/map.h"
#include "port/flash.h"
#include "ports/stm32/octospi.h"
#include "ports/stm32/stm32.h"

/* Linked with initialised data, so copied to RAM at the start. Nothing of flash may be called or
 * read in such code. */
#define IN_RAM __attribute__((section(".ram_code"), noinline))

/* A second and more, when the longest operation takes some milliseconds: a dead controller. */
#define POLL_MAX 25000000u

#ifdef CHIP_SECURE

static struct uart_kept *keeps; /* NULL: nobody does */

void flash_keep(struct uart_kept *kept)
{
    keeps = kept;
}

void flash_take_all(void)
{
    for (uint32_t i = 0; i < 8; i++)
        FLASH_SECBB(i / 4u, i % 4u) = 0xffffffffu;
    __asm volatile("dsb\n\tisb" ::: "memory");
}

/* In the other world, which reads it at the UART's interrupt. */
static void announce(void)
{
    if (keeps != NULL && keeps->count != keeps->taken)
        irq_pend(IRQ_USART1);
}

#else

#define TAIL_SIZE (DEVICE_SIZE(BOARD_DEVICE_1) / 2u)

static struct uart_kept *const keeps = &uart_kept;

static void announce(void)
{
    uart_kept_announce();
}

bool flash_is_swapped(void)
{
    static enum { UNKNOWN, STRAIGHT, SWAPPED } mapping;
    if (mapping == UNKNOWN)
        mapping = CHIP_IS_SWAPPED() ? SWAPPED : STRAIGHT;
    return mapping == SWAPPED;
}

#endif

/* ---- operations ---- */

/* True when the controller rests within its time. */
IN_RAM static bool wait_idle(void)
{
    for (uint32_t i = 0; i < POLL_MAX; i++) {
        if (!FLASH_IS_BUSY())
            return true;
        if (keeps != NULL && (USART_ISR & USART_HAS_BYTE) &&
            keeps->count - keeps->taken < UART_KEPT_MAX) {
            keeps->bytes[keeps->count % UART_KEPT_MAX] = (uint8_t)USART_RDR;
            keeps->count = keeps->count + 1u;
        }
    }
    return false;
}

/* `count` words, the last of which starts the operation. */
IN_RAM static bool write_and_wait(volatile uint32_t *to, const uint32_t *words, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        to[i] = words[i];
    __asm volatile("dsb" ::: "memory");
    return wait_idle();
}

static otter_status operate(volatile uint32_t *to, const uint32_t *words, uint32_t count)
{
    const uint32_t primask = irq_save();
    bool done = wait_idle();
    FLASH_CLEAR_ERRORS();
    done = done && write_and_wait(to, words, count);
    const uint32_t errors = FLASH_SR & FLASH_SR_ERRORS;
    irq_restore(primask);
    announce();
    return done && errors == 0 ? OTTER_OK : OTTER_E_FLASH;
}

otter_status flash_command(volatile uint32_t *reg, uint32_t value)
{
    return operate(reg, &value, 1);
}

void flash_open(void)
{
    icache_off();
    if (FLASH_CR & FLASH_CR_LOCK) {
        FLASH_KEYR = FLASH_KEY_1;
        FLASH_KEYR = FLASH_KEY_2;
    }
}

void flash_close(void)
{
    FLASH_CR = FLASH_CR_LOCK;
    icache_on();
}

/* ---- places ---- */

struct place {
    uint32_t bank;    /* 0 or 1, the bank itself */
    uint32_t address; /* where it is mapped now */
};

#ifdef CHIP_SECURE

static struct place place_of(const struct flash *flash, uint32_t offset)
{
    const uint32_t device = (uint32_t)(flash - port_flash);
    const uint32_t at = BOARD_OF_DEVICE(DEVICE_BASE, device) % (2u * FLASH_BANK_SIZE) + offset;
    const uint32_t bank = at / FLASH_BANK_SIZE;
    const uint32_t page = at % FLASH_BANK_SIZE / FLASH_SECTOR;
    const bool is_secure = FLASH_SECBB(bank, page / 32u) >> page % 32u & 1u;
    return (struct place){bank, at + (is_secure ? FLASH_WINDOW_SECURE : FLASH_WINDOW)};
}

#else

static struct place place_of(const struct flash *flash, uint32_t offset)
{
    const uint32_t swapped = flash_is_swapped() ? 1u : 0u;
    uint32_t bank, in_bank;
    if (flash == &port_flash[0]) {
        bank = offset / FLASH_BANK_SIZE ^ swapped;
        in_bank = offset % FLASH_BANK_SIZE;
    } else {
        bank = offset / TAIL_SIZE;
        in_bank = FLASH_BANK_SIZE - TAIL_SIZE + offset % TAIL_SIZE;
    }
    return (struct place){bank, FLASH_WINDOW + (bank ^ swapped) * FLASH_BANK_SIZE + in_bank};
}

#endif

/* A unit, where it is mapped now. */
static const uint32_t *unit_at(const struct flash *flash, uint32_t offset)
{
    return (const uint32_t *)(uintptr_t)place_of(flash, offset).address;
}

/* ---- port/flash.h ---- */

static otter_status stm32_read(void *ctx, uint32_t offset, void *data, uint32_t length)
{
    uint8_t *next = data;
    while (length > 0) {
        uint32_t unit[FLASH_UNIT / 4u];
        const uint32_t skipped = offset % FLASH_UNIT;
        const uint32_t left = FLASH_UNIT - skipped;
        const uint32_t take = length < left ? length : left;
        if (!ecc_read(unit_at(ctx, offset - skipped), unit))
            return OTTER_E_FLASH;
        memcpy(next, (const uint8_t *)unit + skipped, take);
        next += take;
        offset += take;
        length -= take;
    }
    return OTTER_OK;
}

static bool is_erased(const uint32_t unit[4])
{
    return (unit[0] & unit[1] & unit[2] & unit[3]) == 0xffffffffu;
}

static otter_status program_unit(const uint32_t *mapped, const uint32_t unit[4])
{
    uint32_t back[FLASH_UNIT / 4u];
    if (is_erased(unit))
        return OTTER_OK; /* programmed, it could never be anything else */
    FLASH_CR = FLASH_CR_PROGRAM;
    const otter_status status =
        operate((volatile uint32_t *)(uintptr_t)mapped, unit, FLASH_UNIT / 4u);
    FLASH_CR = 0;
    if (status != OTTER_OK || !ecc_read(mapped, back) || memcmp(back, unit, FLASH_UNIT) != 0)
        return OTTER_E_FLASH;
    return OTTER_OK;
}

static otter_status stm32_program(void *ctx, uint32_t offset, const void *data, uint32_t length)
{
    uint32_t unit[FLASH_UNIT / 4u];
    for (uint32_t i = 0; i < length; i += FLASH_UNIT)
        if (!ecc_read(unit_at(ctx, offset + i), unit) || !is_erased(unit))
            return OTTER_E_FLASH;
    otter_status status = OTTER_OK;
    flash_open();
    for (uint32_t i = 0; i < length && status == OTTER_OK; i += FLASH_UNIT) {
        memcpy(unit, (const uint8_t *)data + i, FLASH_UNIT); /* it may lie in flash */
        status = program_unit(unit_at(ctx, offset + i), unit);
    }
    flash_close();
    return status;
}

static otter_status stm32_erase(void *ctx, uint32_t offset)
{
    const struct place place = place_of(ctx, offset);
    const uint32_t what =
        FLASH_CR_ERASE(place.bank, place.address % FLASH_BANK_SIZE / FLASH_SECTOR);
    flash_open();
    FLASH_CR = what;
    const otter_status status = flash_command(&FLASH_CR, what | FLASH_CR_START);
    FLASH_CR = 0;
    flash_close();
    return status;
}

static struct flash_sector stm32_sector_at(void *ctx, uint32_t offset)
{
    (void)ctx;
    return (struct flash_sector){offset - offset % FLASH_SECTOR, FLASH_SECTOR};
}

static const struct flash_ops ops = {
    .read = stm32_read,
    .program = stm32_program,
    .erase = stm32_erase,
    .sector_at = stm32_sector_at,
};

#define DEVICE(n, map)                                                                             \
    {                                                                                              \
        .ops = &ops, .ctx = (void *)&port_flash[n], .size = DEVICE_SIZE(map),                      \
        .write_size = FLASH_UNIT, .erased_value = 0xff                                             \
    }
const struct flash port_flash[] = {
    DEVICE(0, BOARD_DEVICE_0),
    DEVICE(1, BOARD_DEVICE_1),
#if BOARD_DEVICES > 2 && defined CHIP_SECURE
    DEVICE(2, BOARD_DEVICE_2),
#elif BOARD_DEVICES > 2
    {.ops = &octospi_ops,
     .size = DEVICE_SIZE(BOARD_DEVICE_2),
     .write_size = DEVICE_WRITE(BOARD_DEVICE_2),
     .erased_value = 0xff},
#endif
};

#ifdef CHIP_SECURE
#define IN_WINDOW(map)                                                                             \
    (((DEVICE_BASE(map) | 0x04000000u) & ~0x1fffffu) == FLASH_WINDOW_SECURE &&                     \
     DEVICE_BASE(map) % FLASH_SECTOR == 0u &&                                                      \
     DEVICE_BASE(map) % (2u * FLASH_BANK_SIZE) + DEVICE_SIZE(map) <= 2u * FLASH_BANK_SIZE)
_Static_assert(IN_WINDOW(BOARD_DEVICE_0) && IN_WINDOW(BOARD_DEVICE_1) && IN_WINDOW(BOARD_DEVICE_2),
               "this port wants parts of the chip's two banks for all three devices");
#else
_Static_assert(DEVICE_SIZE(BOARD_DEVICE_0) == 2u * FLASH_BANK_SIZE &&
                   DEVICE_BASE(BOARD_DEVICE_0) == FLASH_WINDOW,
               "BOARD_DEVICE_0: this port wants the chip's two banks here");
_Static_assert(TAIL_SIZE % FLASH_SECTOR == 0 &&
                   AREA_END(BOARD_PRIMARY) + TAIL_SIZE <= FLASH_BANK_SIZE,
               "BOARD_DEVICE_1: the ends of the banks, which no slot may reach");
#endif
_Static_assert(DEVICE_SECTOR_1(BOARD_DEVICE_0) == FLASH_SECTOR &&
                   DEVICE_SECTOR_1(BOARD_DEVICE_1) == FLASH_SECTOR,
               "the map has not the chip's sectors");
_Static_assert(DEVICE_WRITE(BOARD_DEVICE_0) == FLASH_UNIT &&
                   DEVICE_WRITE(BOARD_DEVICE_1) == FLASH_UNIT,
               "this flash is programmed by 16 bytes");
