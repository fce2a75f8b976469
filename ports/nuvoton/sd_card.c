/* An SD card at SDH0 as a flash device, in blocks of 512 bytes: an erase writes 0xff, a program
 * reads the block, changes it and writes it back. (Technical Reference Manual, secure digital host
 * controller; SD Physical Layer Simplified Specification, chapter 4.)
 *
 * Power that fails in a program may lose all of its block, not only the units in flight. What lies
 * on this device must bear that: of a candidate the download writes whole blocks, and a request in
 * the trailer that is lost is made again. A card that is not there, or does not answer, costs
 * SD_START_MS once, then every call says OTTER_E_IO until RETRY_MS have passed. */
#include "ports/nuvoton/sd_card.h"

#include <string.h>

#include "boards/map.h"
#include "port/log.h"
#include "ports/cortex-m/clock.h"
#include "ports/nuvoton/nuvoton.h"

#define SDH(offset)  REG32(0x4000d000u + (offset))
#define SDH_DMACTL   SDH(0x400u)
#define SDH_DMASA    SDH(0x408u)
#define SDH_GCTL     SDH(0x800u)
#define SDH_CTL      SDH(0x820u)
#define SDH_ARGUMENT SDH(0x824u)
#define SDH_INTEN    SDH(0x828u)
#define SDH_INTSTS   SDH(0x82cu)
#define SDH_RESP0    SDH(0x830u)
#define SDH_RESP1    SDH(0x834u)
#define SDH_BLEN     SDH(0x838u)
#define SDH_TOUT     SDH(0x83cu)

#define DMA_ENABLE   1u
#define DMA_RESET    2u
#define GCTL_RESET   1u
#define GCTL_SD      2u
#define CTL_COMMAND  (1u << 0)
#define CTL_RESPONSE (1u << 1)
#define CTL_READ     (1u << 2)
#define CTL_WRITE    (1u << 3)
#define CTL_LONG     (1u << 4)
#define CTL_74       (1u << 5)
#define CTL_8        (1u << 6)
#define CTL_RESET    (1u << 14)
#define CTL_4_BITS   (1u << 15)
#define CTL_ONE      (1u << 16 | 9u << 24) /* one block; clocks between blocks */
#define INT_BLOCK    (1u << 0)
#define INT_CRC      (1u << 1)
#define INT_CRC7_OK  (1u << 2)
#define INT_CRC16_OK (1u << 3)
#define INT_DAT0     (1u << 7)
#define INT_NO_CARD  (1u << 16)

#define BLOCK       512u
#define COMMAND_MS  100u
#define TRANSFER_MS 1000u
#define SD_START_MS 1000u
#define RETRY_MS    5000u
#define INIT_HZ     300000u
#define FAST_HZ     24000000u
#define CLOCK_HCLK  2u /* CLKSEL0.SDH0SEL */
#define CLOCK_HIRC  3u

enum {
    GO_IDLE = 0,
    ALL_SEND_CID = 2,
    SEND_RCA = 3,
    SELECT = 7,
    SEND_IF_COND = 8,
    SEND_CSD = 9,
    SET_BLOCK_SIZE = 16,
    READ_BLOCK = 17,
    WRITE_BLOCK = 24,
    APP = 55,
    APP_SET_WIDTH = 6,
    APP_OP_COND = 41
};

static uint8_t block[BLOCK] __attribute__((aligned(4)));
static uint32_t held = UINT32_MAX; /* the block that `block` holds */
static uint32_t width;             /* CTL_4_BITS once it is set */
static uint32_t address_shift;     /* bytes on old cards, blocks on others */
static otter_ms retry_at;
static bool ready;

/* ---- commands ---- */

static bool wait_clear(volatile const uint32_t *reg, uint32_t bits, uint32_t limit_ms)
{
    const otter_ms limit = port_now() + limit_ms;
    while (*reg & bits)
        if (port_now() > limit)
            return false;
    return true;
}

/* The divider has 8 bits: slow clocks come from HIRC. */
static void set_clock(uint32_t source, uint32_t source_hz, uint32_t hz)
{
    const uint32_t divider = (source_hz + hz - 1u) / hz;
    CLK_CLKSEL0 = (CLK_CLKSEL0 & ~(3u << 20)) | source << 20;
    CLK_CLKDIV0 = (CLK_CLKDIV0 & ~(0xffu << 24)) | (divider - 1u) << 24;
}

/* False when nothing answers, or the answer's check sum is wrong where it has one. */
static bool command(uint32_t code, uint32_t argument, uint32_t kind, bool checked)
{
    SDH_INTSTS = INT_BLOCK | INT_CRC;
    SDH_ARGUMENT = argument;
    SDH_CTL = CTL_ONE | width | code << 8 | CTL_COMMAND | kind;
    if (!wait_clear(&SDH_CTL, CTL_COMMAND | (kind & (CTL_RESPONSE | CTL_LONG)), COMMAND_MS)) {
        SDH_CTL |= CTL_RESET;
        return false;
    }
    if (kind & CTL_RESPONSE && checked && !(SDH_INTSTS & INT_CRC7_OK))
        return false;
    SDH_INTSTS = INT_CRC;
    return true;
}

static bool app_command(uint32_t rca, uint32_t code, uint32_t argument, bool checked)
{
    return command(APP, rca, CTL_RESPONSE, true) && command(code, argument, CTL_RESPONSE, checked);
}

/* The card holds DAT0 low while it works; the flag follows only while there are clocks. */
static bool wait_card(uint32_t limit_ms)
{
    const otter_ms limit = port_now() + limit_ms;
    do {
        SDH_CTL |= CTL_8;
        if (!wait_clear(&SDH_CTL, CTL_8, COMMAND_MS))
            return false;
        if (SDH_INTSTS & INT_DAT0)
            return true;
    } while (port_now() <= limit);
    return false;
}

/* ---- the card's start ---- */

static bool start_host(void)
{
    static const uint8_t pins[][3] = {BOARD_SD_PINS};
    registers_unlock();
    CLK_AHBCLK |= 1u << 6;
    set_clock(CLOCK_HIRC, HIRC_HZ, INIT_HZ);
    for (unsigned i = 0; i < sizeof pins / sizeof *pins; i++)
        pin_function_set(pins[i][0], pins[i][1], pins[i][2]);
    SDH_DMACTL = DMA_RESET;
    if (!wait_clear(&SDH_DMACTL, DMA_RESET, COMMAND_MS))
        return false;
    SDH_DMACTL = DMA_ENABLE;
    SDH_GCTL = GCTL_RESET | GCTL_SD;
    if (!wait_clear(&SDH_GCTL, GCTL_RESET, COMMAND_MS))
        return false;
    SDH_GCTL = GCTL_SD;
    SDH_INTEN = 1u << 30; /* the detect pin */
    SDH_CTL = CTL_ONE | CTL_RESET;
    if (!wait_clear(&SDH_CTL, CTL_RESET, COMMAND_MS))
        return false;
    SDH_TOUT = 0xffffffu;
    width = 0;
    return !(SDH_INTSTS & INT_NO_CARD);
}

static bool power_up_card(void)
{
    SDH_CTL = CTL_ONE | CTL_74;
    if (!wait_clear(&SDH_CTL, CTL_74, COMMAND_MS) || !command(GO_IDLE, 0, 0, false))
        return false;
    const bool version_2 =
        command(SEND_IF_COND, 0x155, CTL_RESPONSE, true) && (SDH_RESP1 & 0xffu) == 0x55u;
    const otter_ms limit = port_now() + SD_START_MS;
    do {
        if (!app_command(0, APP_OP_COND, version_2 ? 0x40ff8000u : 0x00ff8000u, false))
            return false;
        if (SDH_RESP0 & 1u << 23) {
            address_shift = SDH_RESP0 & 1u << 22 ? 0 : 9;
            return true;
        }
        clock_wait_us(1000);
    } while (port_now() <= limit);
    return false;
}

static bool start_card(void)
{
    if (!power_up_card() || !command(ALL_SEND_CID, 0, CTL_LONG, false) ||
        !command(SEND_RCA, 0, CTL_RESPONSE, true))
        return false;
    const uint32_t rca = SDH_RESP0 << 8 & 0xffff0000u;
    set_clock(CLOCK_HCLK, clock_hz(), FAST_HZ);
    if (!command(SELECT, rca, CTL_RESPONSE, true) || !wait_card(COMMAND_MS) ||
        !app_command(rca, APP_SET_WIDTH, 2, true))
        return false;
    width = CTL_4_BITS;
    if (!command(SET_BLOCK_SIZE, BLOCK, CTL_RESPONSE, true))
        return false;
    SDH_BLEN = BLOCK - 1u;
    return true;
}

static bool is_ready(void)
{
    if (ready || port_now() < retry_at)
        return ready;
    held = UINT32_MAX;
    ready = start_host() && start_card();
    if (!ready) {
        retry_at = port_now() + RETRY_MS;
        LOG_WRN("SD", "no card answers: there is no place for a new image");
    }
    return ready;
}

/* ---- blocks ---- */

static otter_status transfer(uint32_t code, uint32_t number, uint32_t direction)
{
    SDH_DMASA = (uint32_t)(uintptr_t)block;
    if (!command(code, number << address_shift, CTL_RESPONSE | direction, true)) {
        ready = false;
        return OTTER_E_IO;
    }
    const otter_ms limit = port_now() + TRANSFER_MS;
    while (!(SDH_INTSTS & INT_BLOCK))
        if (port_now() > limit) {
            ready = false;
            SDH_CTL |= CTL_RESET;
            return OTTER_E_IO;
        }
    const uint32_t flags = SDH_INTSTS;
    SDH_INTSTS = INT_BLOCK;
    const bool good = direction == CTL_READ ? (flags & INT_CRC16_OK) != 0 : !(flags & INT_CRC);
    if (!good) {
        SDH_INTSTS = INT_CRC;
        SDH_CTL |= CTL_RESET;
        return OTTER_E_FLASH;
    }
    return wait_card(TRANSFER_MS) ? OTTER_OK : OTTER_E_IO;
}

static otter_status load(uint32_t number)
{
    if (!is_ready())
        return OTTER_E_IO;
    if (number == held)
        return OTTER_OK;
    held = UINT32_MAX;
    const otter_status status = transfer(READ_BLOCK, number, CTL_READ);
    if (status == OTTER_OK)
        held = number;
    return status;
}

static otter_status store(uint32_t number)
{
    const otter_status status = transfer(WRITE_BLOCK, number, CTL_WRITE);
    held = status == OTTER_OK ? number : UINT32_MAX;
    return status;
}

/* ---- flash_ops ---- */

static bool inside(uint32_t offset, uint32_t length)
{
    return offset <= DEVICE_SIZE(BOARD_DEVICE_1) && length <= DEVICE_SIZE(BOARD_DEVICE_1) - offset;
}

otter_status sd_card_read(void *ctx, uint32_t offset, void *data, uint32_t length)
{
    uint8_t *next = data;
    (void)ctx;
    if (!inside(offset, length))
        return OTTER_E_BOUNDS;
    while (length > 0) {
        const uint32_t at = offset % BLOCK;
        const uint32_t part = length < BLOCK - at ? length : BLOCK - at;
        const otter_status status = load(offset / BLOCK);
        if (status != OTTER_OK)
            return status;
        memcpy(next, block + at, part);
        next += part;
        offset += part;
        length -= part;
    }
    return OTTER_OK;
}

static bool is_erased(uint32_t at, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++)
        if (block[at + i] != 0xff)
            return false;
    return true;
}

otter_status sd_card_program(void *ctx, uint32_t offset, const void *data, uint32_t length)
{
    const uint8_t *next = data;
    (void)ctx;
    if (!inside(offset, length))
        return OTTER_E_BOUNDS;
    if (offset % DEVICE_WRITE(BOARD_DEVICE_1) != 0 || length % DEVICE_WRITE(BOARD_DEVICE_1) != 0)
        return OTTER_E_ARGUMENT;
    while (length > 0) {
        const uint32_t at = offset % BLOCK;
        const uint32_t part = length < BLOCK - at ? length : BLOCK - at;
        otter_status status = load(offset / BLOCK);
        if (status == OTTER_OK && !is_erased(at, part))
            status = OTTER_E_FLASH;
        if (status != OTTER_OK)
            return status;
        memcpy(block + at, next, part);
        status = store(offset / BLOCK);
        if (status != OTTER_OK)
            return status;
        next += part;
        offset += part;
        length -= part;
    }
    return OTTER_OK;
}

otter_status sd_card_erase(void *ctx, uint32_t offset)
{
    (void)ctx;
    const uint32_t sector = DEVICE_SECTOR_1(BOARD_DEVICE_1);
    if (!inside(offset, sector))
        return OTTER_E_BOUNDS;
    if (offset % sector != 0)
        return OTTER_E_ARGUMENT;
    if (!is_ready())
        return OTTER_E_IO;
    otter_status status = OTTER_OK;
    for (uint32_t i = 0; i < sector && status == OTTER_OK; i += BLOCK) {
        memset(block, 0xff, sizeof block);
        status = store((offset + i) / BLOCK);
    }
    return status;
}

struct flash_sector sd_card_sector_at(void *ctx, uint32_t offset)
{
    const uint32_t sector = DEVICE_SECTOR_1(BOARD_DEVICE_1);
    (void)ctx;
    return (struct flash_sector){offset - offset % sector, sector};
}
