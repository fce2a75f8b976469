/* The MX25LM51245G (64 MiB, sectors of 4 KiB, pages of 256 bytes) at OCTOSPI2 of the U585 or
 * OCTOSPI1 of the H573, as a plain SPI flash: one line out, one in, addresses of four bytes,
 * indirect mode. Written from RM0456 and RM0481, chapter OCTOSPI, their register tables, and the
 * command set of the flash's data sheet.
 *
 * Firmware that was here before may have left the flash in octal mode, which a reset of the core
 * does not end: its reset is sent in all three ways that it may understand. Not checked: its
 * identification (C2, type, 3A). If another comes, the log has it, and every call says OTTER_E_IO.
 * What is erased and programmed is read back, since its own flags of failure were not checked
 * either. */
#include "ports/stm32/octospi.h"

#include <string.h>

#include "boards/map.h"
#include "port/log.h"
#include "port/port.h"
#include "ports/stm32/stm32.h"

#define OCTOSPI(offset) REG32(CHIP_NOR_OCTOSPI + (offset))
#define OCTOSPI_CR      OCTOSPI(0x000u)
#define OCTOSPI_DCR1    OCTOSPI(0x008u)
#define OCTOSPI_DCR2    OCTOSPI(0x00cu)
#define OCTOSPI_SR      OCTOSPI(0x020u)
#define OCTOSPI_FCR     OCTOSPI(0x024u)
#define OCTOSPI_DLR     OCTOSPI(0x040u)
#define OCTOSPI_AR      OCTOSPI(0x048u)
#define OCTOSPI_DR      (*(volatile uint8_t *)(CHIP_NOR_OCTOSPI + 0x050u)) /* a byte at a time */
#define OCTOSPI_CCR     OCTOSPI(0x100u)
#define OCTOSPI_TCR     OCTOSPI(0x108u)
#define OCTOSPI_IR      OCTOSPI(0x110u)

#define CR_ENABLE 1u
#define CR_ABORT  2u
#define CR_READ   (1u << 28)
#define DCR1_DEVICE                                                                                \
    (1u << 24 | 25u << 16 | 1u << 8 | 1u << 3) /* Macronix, 2^26 bytes, no delay                   \
                                                */
#define SR_ERROR      1u
#define SR_COMPLETE   2u
#define SR_FIFO       4u
#define SR_BUSY       0x20u
#define CCR_CODE      1u /* on one line */
#define CCR_ADDRESS   (1u << 8 | 3u << 12)
#define CCR_DATA      (1u << 24)
#define CCR_OCTAL     (4u | 1u << 4) /* the code on eight lines, 16 bits */
#define CCR_OCTAL_DTR (1u << 3)

enum {
    WRITE_ENABLE = 0x06,
    READ_STATUS = 0x05,
    READ = 0x13,
    PAGE_PROGRAM = 0x12,
    SECTOR_ERASE = 0x21,
    READ_ID = 0x9f,
    RESET_ENABLE = 0x66,
    RESET = 0x99
};

#define STATUS_BUSY    1u
#define STATUS_ENABLED 2u
#define ID_MAKER       0xc2u
#define ID_SIZE        0x3au
#define PAGE_SIZE      256u
#define SECTOR_SIZE    0x1000u
#define RESET_MS_MAX   200u
#define PROGRAM_MS_MAX 20u
#define ERASE_MS_MAX   1000u
#define TURNS_MAX      100000u /* of a wait for a byte or a command of some */
#define PIECE          64u

static bool started, present;

/* ---- OCTOSPI --------------------------------------------------------------------------------- */

static bool wait_for(uint32_t flags)
{
    for (unsigned i = 0; i < TURNS_MAX; i++)
        if (OCTOSPI_SR & flags)
            return true;
    return false;
}

static bool rests(void)
{
    for (unsigned i = 0; i < TURNS_MAX; i++)
        if (!(OCTOSPI_SR & SR_BUSY))
            return true;
    return false;
}

/* False: something went wrong, and nothing goes on. */
static bool finish(void)
{
    const bool good = wait_for(SR_COMPLETE | SR_ERROR) && !(OCTOSPI_SR & SR_ERROR);
    if (!good)
        OCTOSPI_CR |= CR_ABORT;
    OCTOSPI_FCR = SR_COMPLETE | SR_ERROR;
    return rests() && good;
}

/* What is written last starts it. */
static bool begin(uint32_t direction, uint32_t ccr, uint32_t code, uint32_t address,
                  uint32_t length)
{
    if (!rests())
        return false;
    OCTOSPI_CR = CR_ENABLE | direction;
    OCTOSPI_DLR = length - 1u;
    OCTOSPI_TCR = 0;
    OCTOSPI_CCR = ccr | (length > 0 ? CCR_DATA : 0u);
    OCTOSPI_IR = code;
    if (ccr & CCR_ADDRESS)
        OCTOSPI_AR = address;
    return true;
}

static bool command(uint32_t ccr, uint32_t code, uint32_t address)
{
    return begin(0, ccr, code, address, 0) && finish();
}

static bool receive(uint32_t ccr, uint32_t code, uint32_t address, uint8_t *data, uint32_t length)
{
    bool good = begin(CR_READ, ccr, code, address, length);
    for (uint32_t i = 0; i < length && good; i++) {
        good = wait_for(SR_FIFO | SR_COMPLETE);
        data[i] = OCTOSPI_DR;
    }
    return finish() && good;
}

static bool send(uint32_t ccr, uint32_t code, uint32_t address, const uint8_t *data,
                 uint32_t length)
{
    bool good = begin(0, ccr, code, address, length);
    for (uint32_t i = 0; i < length && good; i++) {
        good = wait_for(SR_FIFO);
        OCTOSPI_DR = data[i];
    }
    return finish() && good;
}

/* ---- The flash's commands -------------------------------------------------------------------- */

static uint8_t status_of(void)
{
    uint8_t status = 0xff;
    return receive(CCR_CODE, READ_STATUS, 0, &status, 1) ? status : 0xffu;
}

static otter_status wait_idle(uint32_t limit_ms)
{
    const otter_ms limit = port_now() + limit_ms;
    while (status_of() & STATUS_BUSY)
        if (port_now() > limit)
            return OTTER_E_FLASH;
    return OTTER_OK;
}

static void reset(uint32_t ccr, uint32_t enable, uint32_t code)
{
    (void)command(ccr, enable, 0);
    (void)command(ccr, code, 0);
}

static bool identify(uint8_t id[3])
{
    return receive(CCR_CODE, READ_ID, 0, id, 3) && id[0] == ID_MAKER && id[2] == ID_SIZE;
}

/* A reset in the middle of an erase takes up to 100 ms. */
static void start(void)
{
    static const uint8_t pins[][3] = {BOARD_NOR_PINS};
    uint8_t id[3] = {0};
    started = true;
    CHIP_NOR_CLOCK();
    for (unsigned i = 0; i < sizeof pins / sizeof *pins; i++) {
        pin_alternate(pins[i][0], pins[i][1], pins[i][2]);
        pin_fast(pins[i][0], pins[i][1]);
    }
    OCTOSPI_DCR1 = DCR1_DEVICE;
    OCTOSPI_DCR2 = CHIP_NOR_PRESCALER;
    OCTOSPI_CR = CR_ENABLE;
    reset(CCR_CODE, RESET_ENABLE, RESET);
    reset(CCR_OCTAL, RESET_ENABLE << 8 | RESET, RESET << 8 | RESET_ENABLE);
    reset(CCR_OCTAL | CCR_OCTAL_DTR, RESET_ENABLE << 8 | RESET, RESET << 8 | RESET_ENABLE);
    const otter_ms limit = port_now() + RESET_MS_MAX;
    do
        present = identify(id) && !(status_of() & STATUS_BUSY);
    while (!present && port_now() <= limit);
    if (!present)
        LOG_ERR("FLASH", "no MX25LM51245G at OCTOSPI: it says %02x %02x %02x", id[0], id[1], id[2]);
}

/* ---- port/flash.h ---------------------------------------------------------------------------- */

static otter_status check(uint32_t offset, uint32_t length)
{
    if (offset > DEVICE_SIZE(BOARD_DEVICE_2) || length > DEVICE_SIZE(BOARD_DEVICE_2) - offset)
        return OTTER_E_BOUNDS;
    if (!started)
        start();
    return present ? OTTER_OK : OTTER_E_IO;
}

static otter_status nor_read(void *ctx, uint32_t offset, void *data, uint32_t length)
{
    (void)ctx;
    const otter_status status = check(offset, length);
    if (status != OTTER_OK || length == 0)
        return status;
    return receive(CCR_CODE | CCR_ADDRESS, READ, offset, data, length) ? OTTER_OK : OTTER_E_FLASH;
}

static bool write_enable(void)
{
    return command(CCR_CODE, WRITE_ENABLE, 0) && (status_of() & STATUS_ENABLED);
}

/* `data` NULL: erased. */
static otter_status compare(uint32_t offset, const uint8_t *data, uint32_t length)
{
    uint8_t back[PIECE], expected[PIECE];
    memset(expected, 0xff, sizeof expected);
    for (uint32_t i = 0; i < length; i += PIECE) {
        const uint32_t part = length - i < PIECE ? length - i : PIECE;
        const otter_status status = nor_read(NULL, offset + i, back, part);
        if (status != OTTER_OK)
            return status;
        if (memcmp(back, data == NULL ? expected : data + i, part) != 0)
            return OTTER_E_FLASH;
    }
    return OTTER_OK;
}

static otter_status program_page(uint32_t offset, const uint8_t *data, uint32_t length)
{
    if (!write_enable() || !send(CCR_CODE | CCR_ADDRESS, PAGE_PROGRAM, offset, data, length))
        return OTTER_E_FLASH;
    const otter_status status = wait_idle(PROGRAM_MS_MAX);
    return status == OTTER_OK ? compare(offset, data, length) : status;
}

static otter_status nor_program(void *ctx, uint32_t offset, const void *data, uint32_t length)
{
    const uint8_t *next = data;
    (void)ctx;
    otter_status status = check(offset, length);
    if (status == OTTER_OK && (offset | length) % DEVICE_WRITE(BOARD_DEVICE_2) != 0)
        return OTTER_E_ARGUMENT;
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

static otter_status nor_erase(void *ctx, uint32_t offset)
{
    (void)ctx;
    otter_status status = check(offset, SECTOR_SIZE);
    if (status != OTTER_OK)
        return status;
    if (offset % SECTOR_SIZE != 0)
        return OTTER_E_ARGUMENT;
    if (!write_enable() || !command(CCR_CODE | CCR_ADDRESS, SECTOR_ERASE, offset))
        return OTTER_E_FLASH;
    status = wait_idle(ERASE_MS_MAX);
    return status == OTTER_OK ? compare(offset, NULL, SECTOR_SIZE) : status;
}

static struct flash_sector nor_sector_at(void *ctx, uint32_t offset)
{
    (void)ctx;
    return (struct flash_sector){offset - offset % SECTOR_SIZE, SECTOR_SIZE};
}

const struct flash_ops octospi_ops = {
    .read = nor_read,
    .program = nor_program,
    .erase = nor_erase,
    .sector_at = nor_sector_at,
};

_Static_assert(DEVICE_SECTOR_1(BOARD_DEVICE_2) == SECTOR_SIZE &&
                   DEVICE_SIZE(BOARD_DEVICE_2) <= 1u << 26,
               "BOARD_DEVICE_2: the flash at OCTOSPI here");
