/* The SPI flash at SPIM in its I/O mode: a W25Q32 or one like it (4 KiB sectors, 256-byte pages).
 * The part's data sheet: chapters on status registers, page program and sector erase.
 *
 * Bounds and alignment are checked by port/flash.c. What the manual leaves open: the sampling
 * delay. At HCLK / 8 none is needed; if the identification comes out wrong, the device is refused
 * and every call says OTTER_E_IO. */
#include "ports/nuvoton/spi_nor.h"

#include <string.h>

#include "boards/map.h"
#include "port/log.h"
#include "ports/cortex-m/clock.h"
#include "ports/nuvoton/nuvoton.h"

#define SPIM_CTL0 REG32(0x40007000u)
#define SPIM_CTL1 REG32(0x40007004u)
#define SPIM_RX   REG32(0x40007010u) /* the last of four words that an exchange may move */
#define SPIM_TX   REG32(0x40007020u)

#define CTL0_PLAIN    0x1u /* CIPHOFF, I/O mode, single bit */
#define CTL0_OUTPUT   0x8000u
#define CTL1_RUN      0x1u
#define CTL1_DESELECT 0x10u
#define CTL1_DIVIDER  (4u << 16) /* SCLK = HCLK / 8 */
#define AHB_SPIM      (1u << 14)

enum {
    WRITE_ENABLE = 0x06,
    READ_STATUS = 0x05,
    READ = 0x03,
    PAGE_PROGRAM = 0x02,
    SECTOR_ERASE = 0x20,
    READ_ID = 0x9f,
    RESET_ENABLE = 0x66,
    RESET = 0x99
};

#define STATUS_BUSY    0x01u
#define STATUS_ENABLED 0x02u
#define PAGE_SIZE      256u
#define SECTOR_SIZE    0x1000u
#define PROGRAM_MS_MAX 20u
#define ERASE_MS_MAX   2000u
#define RUN_MAX        0x10000u /* turns of a wait for at most 4 bytes */

_Static_assert(DEVICE_WRITE(BOARD_DEVICE_1) == 4, "this flash is programmed by words");

static enum { NOT_STARTED, PRESENT, ABSENT } state;

/* ---- pins: those of SPIM's port, of which the first eight share a register of functions ---- */

#define PORT_OF_(port, ...)            (port)
#define NUMBER_OF_(port, pin, ...)     (pin)
#define PORT_OF(...)                   PORT_OF_(__VA_ARGS__)
#define NUMBER_OF(...)                 NUMBER_OF_(__VA_ARGS__)
#define SPIM_PORT                      PORT_OF(BOARD_SPIM_CLK)
#define FUNCTION_OF_(port, pin, value) ((uint32_t)(value) << CHIP_MFP_SHIFT(pin))
#define FUNCTION_OF(...)               FUNCTION_OF_(__VA_ARGS__)
#define FUNCTION_MASK_(port, pin, ...) (CHIP_MFP_MASK << CHIP_MFP_SHIFT(pin))
#define FUNCTION_MASK(...)             FUNCTION_MASK_(__VA_ARGS__)
#define PINS(F)                                                                                    \
    (F(BOARD_SPIM_MOSI) | F(BOARD_SPIM_MISO) | F(BOARD_SPIM_CLK) | F(BOARD_SPIM_SS) |              \
     F(BOARD_SPIM_HOLD, 0) | F(BOARD_SPIM_WP, 0))
#define MODE_(mode, port, pin) ((mode) << 2u * (pin))
#define MODE(...)              MODE_(__VA_ARGS__)
#define LEVEL(...)             GPIO_PIN(__VA_ARGS__)
#define CHECK_PIN(...)                                                                             \
    _Static_assert(PORT_OF(__VA_ARGS__) == SPIM_PORT && NUMBER_OF(__VA_ARGS__) < 8,                \
                   "the pins of SPIM lie on one port, below pin 8")
CHECK_PIN(BOARD_SPIM_MOSI);
CHECK_PIN(BOARD_SPIM_MISO);
CHECK_PIN(BOARD_SPIM_SS);
CHECK_PIN(BOARD_SPIM_HOLD);
CHECK_PIN(BOARD_SPIM_WP);

/* ---- SPIM ---- */

/* A call is shorter than its constants. */
__attribute__((noinline)) static void deselect_chip(void)
{
    SPIM_CTL1 = CTL1_DIVIDER | CTL1_DESELECT;
}

/* With the chip selected: a word, its low byte first, or one byte. */
static void run(uint32_t direction, uint32_t bits)
{
    SPIM_CTL0 = CTL0_PLAIN | direction | (bits - 1u) << 8;
    SPIM_CTL1 = CTL1_DIVIDER | CTL1_RUN;
    for (unsigned i = 0; i < RUN_MAX && SPIM_CTL1 & CTL1_RUN; i++) {
    }
}

/* Bytes to the flash or, where `out` is NULL, from it: by words, the last ones alone. Two copies of
 * a known size are shorter than one. */
static void exchange(const void *out, void *in, uint32_t length)
{
    const uint8_t *next = out;
    uint8_t *place = in;
    for (uint32_t size; length > 0; length -= size) {
        uint32_t word = 0;
        size = length < sizeof word ? 1 : sizeof word;
        if (next != NULL) {
            if (size == 1)
                word = *next;
            else
                memcpy(&word, next, sizeof word);
            next += size;
        }
        SPIM_TX = word;
        run(out != NULL ? CTL0_OUTPUT : 0, 8 * size);
        word = SPIM_RX;
        if (place != NULL) {
            if (size == 1)
                *place = (uint8_t)word;
            else
                memcpy(place, &word, sizeof word);
            place += size;
        }
    }
}

/* ---- the flash's commands ---- */

/* The code of a command, and where it has one its address behind it. */
static void begin_command(uint32_t word, uint32_t length)
{
    SPIM_CTL1 = CTL1_DIVIDER; /* selects the chip */
    exchange(&word, NULL, length);
}

static void command(uint8_t code)
{
    begin_command(code, 1);
    deselect_chip();
}

static void addressed(uint8_t code, uint32_t address)
{
    begin_command(__builtin_bswap32(address) | code, 4); /* an address has 24 bits */
}

static uint8_t status_of(void)
{
    uint8_t status;
    begin_command(READ_STATUS, 1);
    exchange(NULL, &status, 1);
    deselect_chip();
    return status;
}

static otter_status wait_idle(uint32_t limit_ms)
{
    const otter_ms limit = port_now() + limit_ms;
    while (status_of() & STATUS_BUSY) {
        if (port_now() > limit)
            return OTTER_E_IO;
        pause_about_us(20);
    }
    return OTTER_OK;
}

/* All of them in one register each: level before mode, so that none ever drives the wrong one. */
static void start_pins(void)
{
    LEVEL(BOARD_SPIM_HOLD) = 1;
    LEVEL(BOARD_SPIM_WP) = 1;
    CHIP_MFP(SPIM_PORT, 0) = (CHIP_MFP(SPIM_PORT, 0) & ~PINS(FUNCTION_MASK)) | PINS(FUNCTION_OF);
    GPIO_MODE(SPIM_PORT) =
        (GPIO_MODE(SPIM_PORT) & ~(MODE(3u, BOARD_SPIM_HOLD) | MODE(3u, BOARD_SPIM_WP))) |
        MODE(GPIO_MODE_OUTPUT, BOARD_SPIM_HOLD) | MODE(GPIO_MODE_OUTPUT, BOARD_SPIM_WP);
}

/* A reset of ours does not reset the flash: it may still be busy with what was asked before. */
static void start(void)
{
    uint8_t id[3];
    CLK_AHBCLK |= AHB_SPIM;
    start_pins();
    deselect_chip();
    (void)wait_idle(ERASE_MS_MAX); /* one that stays busy says nothing of itself either */
    command(RESET_ENABLE);
    command(RESET);
    clock_wait_us(100);
    begin_command(READ_ID, 1);
    exchange(NULL, id, sizeof id);
    deselect_chip();
    const bool is_known =
        id[2] >= 0x16 && id[2] <= 0x18; /* 4 to 16 MiB; nothing reads as 00 or ff */
    if (!is_known && state == NOT_STARTED)
        LOG_ERR("FLASH", "no SPI flash: size %02x", id[2]);
    state = is_known ? PRESENT : ABSENT;
}

/* One that has gone reads as all ones, and so as busy: its bytes may not be taken for erased ones.
 * It may also be busy with itself for longer than any command takes: then it is begun with anew. */
static otter_status begin(void)
{
    if (state == NOT_STARTED)
        start();
    if (status_of() & STATUS_BUSY)
        state = ABSENT;
    else if (state == ABSENT)
        start();
    return state == PRESENT ? OTTER_OK : OTTER_E_IO;
}

otter_status spi_nor_read(void *ctx, uint32_t offset, void *data, uint32_t length)
{
    (void)ctx;
    const otter_status status = begin();
    if (status != OTTER_OK)
        return status;
    addressed(READ, offset);
    exchange(NULL, data, length);
    deselect_chip();
    return OTTER_OK;
}

/* A command that changes the flash, up to its address. */
__attribute__((noinline)) static otter_status change(uint8_t code, uint32_t address)
{
    command(WRITE_ENABLE);
    if (!(status_of() & STATUS_ENABLED))
        return OTTER_E_FLASH;
    addressed(code, address);
    return OTTER_OK;
}

/* Whether it reads as `data`, whole words; NULL: as erased. */
static otter_status holds(uint32_t offset, const uint8_t *data, uint32_t length)
{
    otter_status status = OTTER_OK;
    uint32_t word = 0xffffffffu, back;
    addressed(READ, offset);
    for (uint32_t at = 0; at < length; at += sizeof word) {
        if (data != NULL)
            memcpy(&word, data + at, sizeof word);
        exchange(NULL, &back, sizeof back);
        if (back != word)
            status = OTTER_E_FLASH;
    }
    deselect_chip();
    return status;
}

/* The part would program zeros into a page that is not erased: refused here. */
static otter_status program_page(uint32_t offset, const uint8_t *data, uint32_t length)
{
    otter_status status = holds(offset, NULL, length);
    if (status == OTTER_OK)
        status = change(PAGE_PROGRAM, offset);
    if (status != OTTER_OK)
        return status;
    exchange(data, NULL, length);
    deselect_chip();
    status = wait_idle(PROGRAM_MS_MAX);
    return status == OTTER_OK ? holds(offset, data, length) : status;
}

otter_status spi_nor_program(void *ctx, uint32_t offset, const void *data, uint32_t length)
{
    const uint8_t *next = data;
    (void)ctx;
    otter_status status = begin();
    while (status == OTTER_OK && length > 0) {
        const uint32_t room = PAGE_SIZE - offset % PAGE_SIZE;
        const uint32_t part = length < room ? length : room;
        status = program_page(offset, next, part);
        offset += part;
        next += part;
        length -= part;
    }
    return status;
}

otter_status spi_nor_erase(void *ctx, uint32_t offset)
{
    (void)ctx;
    otter_status status = begin();
    if (status == OTTER_OK)
        status = change(SECTOR_ERASE, offset);
    if (status != OTTER_OK)
        return status;
    deselect_chip();
    return wait_idle(ERASE_MS_MAX);
}

struct flash_sector spi_nor_sector_at(void *ctx, uint32_t offset)
{
    (void)ctx;
    return (struct flash_sector){offset - offset % SECTOR_SIZE, SECTOR_SIZE};
}
