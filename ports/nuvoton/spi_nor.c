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
#define PAGE_SIZE      256u
#define SECTOR_SIZE    0x1000u
#define PROGRAM_MS_MAX 20u
#define ERASE_MS_MAX   2000u
#define RUN_MAX        100000u /* turns of a wait for at most 16 bytes */
#define BURST_MAX      16u

static bool started, present;

/* ---- SPIM ---- */

static void select_chip(bool on)
{
    SPIM_CTL1 = CTL1_DIVIDER | (on ? 0u : CTL1_DESELECT);
}

/* With the chip selected: a word, its low byte first, or one byte. */
static void run(uint32_t direction, uint32_t bits)
{
    SPIM_CTL0 = CTL0_PLAIN | direction | (bits - 1u) << 8;
    SPIM_CTL1 = CTL1_DIVIDER | CTL1_RUN;
    for (unsigned i = 0; i < RUN_MAX && SPIM_CTL1 & CTL1_RUN; i++) {
    }
}

static void send(const uint8_t *bytes, uint32_t length)
{
    for (; length >= 4; bytes += 4, length -= 4) {
        uint32_t word;
        memcpy(&word, bytes, sizeof word);
        SPIM_TX = word;
        run(CTL0_OUTPUT, 32);
    }
    for (; length > 0; length--) {
        SPIM_TX = *bytes++;
        run(CTL0_OUTPUT, 8);
    }
}

static void receive(uint8_t *bytes, uint32_t length)
{
    for (; length >= 4; bytes += 4, length -= 4) {
        run(0, 32);
        const uint32_t word = SPIM_RX;
        memcpy(bytes, &word, sizeof word);
    }
    for (; length > 0; length--) {
        run(0, 8);
        *bytes++ = (uint8_t)SPIM_RX;
    }
}

/* ---- the flash's commands ---- */

static void begin_command(uint8_t code)
{
    select_chip(true);
    send(&code, 1);
}

static void command(uint8_t code)
{
    begin_command(code);
    select_chip(false);
}

static void addressed(uint8_t code, uint32_t address)
{
    const uint8_t bytes[4] = {code, (uint8_t)(address >> 16), (uint8_t)(address >> 8),
                              (uint8_t)address};
    select_chip(true);
    send(bytes, sizeof bytes);
}

static uint8_t status_of(void)
{
    uint8_t status;
    begin_command(READ_STATUS);
    receive(&status, 1);
    select_chip(false);
    return status;
}

static otter_status wait_idle(uint32_t limit_ms)
{
    const otter_ms limit = port_now() + limit_ms;
    while (status_of() & STATUS_BUSY) {
        if (port_now() > limit)
            return OTTER_E_FLASH;
        pause_about_us(20);
    }
    return OTTER_OK;
}

/* A reset of ours does not reset the flash: it may still be busy with what was asked before. */
static void start(void)
{
    uint8_t id[3];
    started = true;
    registers_unlock();
    CLK_AHBCLK |= AHB_SPIM;
    pin_function_set(BOARD_SPIM_MOSI);
    pin_function_set(BOARD_SPIM_MISO);
    pin_function_set(BOARD_SPIM_CLK);
    pin_function_set(BOARD_SPIM_SS);
    pin_output(BOARD_SPIM_HOLD, true);
    pin_output(BOARD_SPIM_WP, true);
    select_chip(false);
    (void)wait_idle(ERASE_MS_MAX); /* one that stays busy says nothing of itself either */
    command(RESET_ENABLE);
    command(RESET);
    clock_wait_us(100);
    begin_command(READ_ID);
    receive(id, sizeof id);
    select_chip(false);
    present = id[0] != 0 && id[0] != 0xff && id[2] >= 0x16 && id[2] <= 0x18; /* 4 to 16 MiB */
    if (!present)
        LOG_ERR("FLASH", "no SPI flash of 4 to 16 MiB: it says %02x %02x %02x", id[0], id[1],
                id[2]);
}

static otter_status begin(void)
{
    if (!started)
        start();
    return present ? OTTER_OK : OTTER_E_IO;
}

otter_status spi_nor_read(void *ctx, uint32_t offset, void *data, uint32_t length)
{
    (void)ctx;
    const otter_status status = begin();
    if (status != OTTER_OK)
        return status;
    addressed(READ, offset);
    receive(data, length);
    select_chip(false);
    return OTTER_OK;
}

static otter_status write_enable(void)
{
    command(WRITE_ENABLE);
    return status_of() & 0x02u ? OTTER_OK : OTTER_E_FLASH;
}

/* Whether it reads as `data`; NULL: as erased. */
static otter_status holds(uint32_t offset, const uint8_t *data, uint32_t length)
{
    otter_status status = OTTER_OK;
    addressed(READ, offset);
    for (uint32_t i = 0; i < length; i += BURST_MAX) {
        uint8_t back[BURST_MAX];
        const uint32_t part = length - i < BURST_MAX ? length - i : BURST_MAX;
        receive(back, part);
        for (uint32_t k = 0; k < part; k++)
            if (back[k] != (data ? data[i + k] : 0xff))
                status = OTTER_E_FLASH;
    }
    select_chip(false);
    return status;
}

/* The part would program zeros into a page that is not erased: refused here. */
static otter_status program_page(uint32_t offset, const uint8_t *data, uint32_t length)
{
    otter_status status = holds(offset, NULL, length);
    if (status == OTTER_OK)
        status = write_enable();
    if (status != OTTER_OK)
        return status;
    addressed(PAGE_PROGRAM, offset);
    send(data, length);
    select_chip(false);
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
        status = write_enable();
    if (status != OTTER_OK)
        return status;
    addressed(SECTOR_ERASE, offset);
    select_chip(false);
    return wait_idle(ERASE_MS_MAX);
}

struct flash_sector spi_nor_sector_at(void *ctx, uint32_t offset)
{
    (void)ctx;
    return (struct flash_sector){offset - offset % SECTOR_SIZE, SECTOR_SIZE};
}
