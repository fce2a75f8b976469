/* Serial NOR flash; see spi_nor.h. */
#include "twin/parts/spi_nor.h"

#include <stdlib.h>
#include <string.h>

#include "twin/nvm.h"

enum {
    PAGE_PROGRAM = 0x02,
    READ = 0x03,
    WRITE_DISABLE = 0x04,
    READ_STATUS = 0x05,
    WRITE_ENABLE = 0x06,
    FAST_READ = 0x0b,
    READ_STATUS_3 = 0x15,
    ERASE_4K = 0x20,
    READ_STATUS_2 = 0x35,
    ERASE_32K = 0x52,
    ERASE_CHIP_60 = 0x60,
    RESET_ENABLE = 0x66,
    RESET = 0x99,
    READ_ID = 0x9f,
    RELEASE_POWER_DOWN = 0xab,
    POWER_DOWN = 0xb9,
    ERASE_CHIP = 0xc7,
    ERASE_64K = 0xd8
};

#define BUSY 1u
#define WEL  2u

#define PAGE        256u
#define HZ_MAX      104000000u
#define READ_HZ_MAX 50000000u /* of READ, which has no dummy byte */

/* Typical times. */
#define PROGRAM_NS    (700u * TWIN_US)
#define ERASE_4K_NS   (45u * TWIN_MS)
#define ERASE_32K_NS  (120u * TWIN_MS)
#define ERASE_64K_NS  (150u * TWIN_MS)
#define ERASE_CHIP_NS (10000u * TWIN_MS)
#define RESET_NS      (30u * TWIN_US)
#define RELEASE_NS    (3u * TWIN_US)

struct spi_nor {
    struct twin *twin;
    struct nvm nvm;
    bool selected;
    uint8_t command;
    uint32_t count; /* bytes since the select, the command among them */
    uint32_t address;
    uint8_t page[PAGE];
    bool write_enabled, reset_enabled, powered_down;
    /* The operation under way: what it leaves at its end. */
    struct twin_timer done;
    twin_ns awake_at; /* after a reset, after a release from power-down */
    uint32_t offset, size;
    bool erases;
};

static bool is_busy(const struct spi_nor *nor)
{
    return nor->done.queued;
}

/* ---- operations ---- */

static void finish(void *ctx)
{
    struct spi_nor *nor = ctx;
    uint8_t *bytes = nor->nvm.bytes + nor->offset;
    for (uint32_t i = 0; i < nor->size; i++)
        bytes[i] = nor->erases ? 0xff : bytes[i] & nor->page[i];
    nor->write_enabled = false;
}

static void begin(struct spi_nor *nor, uint32_t offset, uint32_t size, bool erases, twin_ns takes)
{
    nor->offset = offset;
    nor->size = size;
    nor->erases = erases;
    if (erases)
        nvm_tear_erase(&nor->nvm, offset, size);
    else
        nvm_tear_program(&nor->nvm, offset, nor->page, size);
    if (!twin_operation(nor->twin))
        twin_timer_set(nor->twin, &nor->done, twin_now(nor->twin) + takes);
}

static bool may_change(struct spi_nor *nor)
{
    if (nor->write_enabled)
        return true;
    twin_fault(nor->twin, "the SPI flash gets the command 0x%02x without WREN (0x06) before",
               nor->command);
    return false;
}

static bool has_length(struct spi_nor *nor, uint32_t wanted)
{
    if (nor->count == wanted)
        return true;
    twin_fault(nor->twin, "the SPI flash gets the command 0x%02x of %u bytes, not %u", nor->command,
               nor->count, wanted);
    return false;
}

static void erase(struct spi_nor *nor, uint32_t size, twin_ns takes)
{
    const bool whole = size == SPI_NOR_SIZE;
    if (has_length(nor, whole ? 1u : 4u) && may_change(nor))
        begin(nor, whole ? 0 : nor->address & ~(size - 1u), size, true, takes);
}

static void program(struct spi_nor *nor)
{
    if (nor->count < 5)
        (void)has_length(nor, 5);
    else if (may_change(nor))
        begin(nor, nor->address & ~(PAGE - 1u), PAGE, false, PROGRAM_NS);
}

static void reset(struct spi_nor *nor)
{
    if (!nor->reset_enabled) {
        twin_fault(nor->twin, "the SPI flash gets the reset 0x99 without 0x66 before");
        return;
    }
    twin_timer_set(nor->twin, &nor->done, TWIN_NEVER); /* what was under way stays torn */
    nor->write_enabled = false;
    nor->awake_at = twin_now(nor->twin) + RESET_NS;
}

/* The chip select has ended: what begins then. */
static void run(struct spi_nor *nor)
{
    switch (nor->command) {
    case WRITE_ENABLE:
    case WRITE_DISABLE:
        nor->write_enabled = nor->command == WRITE_ENABLE;
        break;
    case PAGE_PROGRAM:
        program(nor);
        break;
    case ERASE_4K:
        erase(nor, 0x1000u, ERASE_4K_NS);
        break;
    case ERASE_32K:
        erase(nor, 0x8000u, ERASE_32K_NS);
        break;
    case ERASE_64K:
        erase(nor, 0x10000u, ERASE_64K_NS);
        break;
    case ERASE_CHIP:
    case ERASE_CHIP_60:
        erase(nor, SPI_NOR_SIZE, ERASE_CHIP_NS);
        break;
    case RESET:
        reset(nor);
        break;
    case POWER_DOWN:
        nor->powered_down = true;
        break;
    case RELEASE_POWER_DOWN:
        nor->powered_down = false;
        nor->awake_at = twin_now(nor->twin) + RELEASE_NS;
        break;
    default:
        break;
    }
    nor->reset_enabled = nor->command == RESET_ENABLE;
}

/* ---- bytes ---- */

static bool is_allowed(struct spi_nor *nor)
{
    const uint8_t command = nor->command;
    const bool of_status =
        command == READ_STATUS || command == READ_STATUS_2 || command == READ_STATUS_3;
    if (nor->powered_down && command != RELEASE_POWER_DOWN)
        twin_fault(nor->twin, "the SPI flash gets the command 0x%02x in power-down", command);
    else if (twin_now(nor->twin) < nor->awake_at)
        twin_fault(nor->twin, "the SPI flash gets the command 0x%02x before it is awake", command);
    else if (is_busy(nor) && !of_status && command != RESET_ENABLE && command != RESET)
        twin_fault(nor->twin, "the SPI flash gets the command 0x%02x while it is busy", command);
    else
        return true;
    return false;
}

static bool is_known(uint8_t command)
{
    static const uint8_t known[] = {
        PAGE_PROGRAM,  READ,     WRITE_DISABLE, READ_STATUS,        WRITE_ENABLE,  FAST_READ,
        READ_STATUS_3, ERASE_4K, ERASE_32K,     READ_STATUS_2,      ERASE_CHIP_60, RESET_ENABLE,
        RESET,         READ_ID,  ERASE_CHIP,    RELEASE_POWER_DOWN, POWER_DOWN,    ERASE_64K};
    return memchr(known, command, sizeof known) != NULL;
}

static void take_command(struct spi_nor *nor, uint8_t command)
{
    nor->command = command;
    nor->address = 0;
    if (!is_known(command))
        twin_fault(nor->twin, "the SPI flash gets the command 0x%02x, which is not modelled",
                   command);
    else if (is_allowed(nor) && command == PAGE_PROGRAM)
        memset(nor->page, 0xff, sizeof nor->page);
}

static uint8_t read_next(struct spi_nor *nor)
{
    const uint8_t byte = nor->nvm.bytes[nor->address % SPI_NOR_SIZE];
    nor->address++;
    return byte;
}

/* A byte after the command; `n` counts from 0. */
static uint8_t take_more(struct spi_nor *nor, uint32_t n, uint8_t in)
{
    static const uint8_t id[] = {0xef, 0x40, 0x16};
    switch (nor->command) {
    case READ_ID:
        return n < sizeof id ? id[n] : 0xff;
    case READ_STATUS:
        return (uint8_t)((is_busy(nor) ? BUSY : 0) | (nor->write_enabled ? WEL : 0));
    case READ_STATUS_2:
    case READ_STATUS_3:
        return 0;
    default:
        break;
    }
    if (n < 3) {
        nor->address = nor->address << 8 | in;
        return nor->command == RELEASE_POWER_DOWN ? 0x15 : 0xff;
    }
    if (nor->command == READ || (nor->command == FAST_READ && n >= 4))
        return read_next(nor);
    if (nor->command == PAGE_PROGRAM) {
        /* Beyond the page's end it begins again at its start. */
        nor->page[(nor->address + n - 3u) % PAGE] = in;
    }
    return nor->command == RELEASE_POWER_DOWN ? 0x15 : 0xff;
}

uint8_t spi_nor_exchange(struct spi_nor *nor, uint8_t in, uint32_t hz)
{
    if (!nor->selected)
        return 0xff;
    if (nor->count++ == 0) {
        take_command(nor, in);
        const uint32_t most = in == READ ? READ_HZ_MAX : HZ_MAX;
        if (hz > most)
            twin_fault(nor->twin, "the SPI flash gets the command 0x%02x at %u Hz; it takes %u", in,
                       hz, most);
        return 0xff;
    }
    return take_more(nor, nor->count - 2u, in);
}

void spi_nor_select(struct spi_nor *nor, bool selected)
{
    if (selected == nor->selected)
        return;
    nor->selected = selected;
    if (!selected && nor->count > 0 && is_allowed(nor))
        run(nor);
    nor->count = 0;
}

void spi_nor_drop(struct spi_nor *nor)
{
    static const uint8_t erases[] = {ERASE_4K, ERASE_32K, ERASE_64K};
    const bool is_erase = memchr(erases, nor->command, sizeof erases) != NULL;
    const bool complete =
        (is_erase && nor->count == 4) || (nor->command == PAGE_PROGRAM && nor->count >= 5);
    if (nor->selected && complete && nor->write_enabled && !is_busy(nor))
        run(nor);
    nor->selected = false;
    nor->count = 0;
}

/* ---- the part ---- */

uint8_t *spi_nor_bytes(struct spi_nor *nor)
{
    return nor->nvm.bytes;
}

struct spi_nor *spi_nor_new(struct twin *twin, const char *folder)
{
    struct spi_nor *nor = calloc(1, sizeof *nor);
    if (!nor)
        return NULL;
    if (!(folder ? nvm_open(&nor->nvm, folder, "spi-flash.bin", SPI_NOR_SIZE)
                 : nvm_open_nameless(&nor->nvm, SPI_NOR_SIZE))) {
        nvm_close(&nor->nvm);
        free(nor);
        return NULL;
    }
    nor->twin = twin;
    nor->done = (struct twin_timer){.run = finish, .ctx = nor};
    return nor;
}

void spi_nor_free(struct spi_nor *nor)
{
    if (!nor)
        return;
    nvm_close(&nor->nvm);
    free(nor);
}
