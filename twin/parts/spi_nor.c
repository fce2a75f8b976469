/* Serial NOR flash; see spi_nor.h. */
#include "twin/parts/spi_nor.h"

#include <stdlib.h>
#include <string.h>

#include "twin/nvm.h"

#define BUSY 1u
#define WEL  2u

#define PAGE 256u
#define MS   TWIN_MS
#define US   TWIN_US

/* ---- parts ---- */

enum action {
    ENABLE,
    DISABLE,
    READ,
    STATUS,
    OTHER_STATUS, /* that reads as 0 */
    IDENTIFY,
    PROGRAM,
    ERASE,
    RESET_ENABLE,
    RESET,
    SLEEP,
    WAKE,
    READ_CONFIG,
    WRITE_CONFIG
};

struct command {
    uint8_t code, action;
    uint8_t address, dummies; /* bytes behind the code */
    uint32_t erases;          /* bytes; UINT32_MAX: all */
    twin_ns takes;            /* typical */
    uint32_t hz_max;          /* 0: the part's */
};

struct spi_nor_part {
    uint32_t capacity, kept; /* of `capacity` bytes the first ones have a file */
    uint8_t id[3], signature;
    uint32_t hz_max;
    const struct command *commands;
    unsigned command_count;
    twin_ns reset_ns, reset_busy_ns, wake_ns;
};

static const struct command w25q32_commands[] = {
    {0x02, PROGRAM, 3, 0, 0, 700 * US, 0},
    {0x03, READ, 3, 0, 0, 0, 50000000u},
    {0x04, DISABLE, 0, 0, 0, 0, 0},
    {0x05, STATUS, 0, 0, 0, 0, 0},
    {0x06, ENABLE, 0, 0, 0, 0, 0},
    {0x0b, READ, 3, 1, 0, 0, 0},
    {0x15, OTHER_STATUS, 0, 0, 0, 0, 0},
    {0x20, ERASE, 3, 0, 0x1000u, 45 * MS, 0},
    {0x35, OTHER_STATUS, 0, 0, 0, 0, 0},
    {0x52, ERASE, 3, 0, 0x8000u, 120 * MS, 0},
    {0x60, ERASE, 0, 0, UINT32_MAX, 10000 * MS, 0},
    {0x66, RESET_ENABLE, 0, 0, 0, 0, 0},
    {0x99, RESET, 0, 0, 0, 0, 0},
    {0x9f, IDENTIFY, 0, 0, 0, 0, 0},
    {0xab, WAKE, 0, 3, 0, 0, 0},
    {0xb9, SLEEP, 0, 0, 0, 0, 0},
    {0xc7, ERASE, 0, 0, UINT32_MAX, 10000 * MS, 0},
    {0xd8, ERASE, 3, 0, 0x10000u, 150 * MS, 0},
};

const struct spi_nor_part spi_nor_w25q32 = {.capacity = SPI_NOR_W25Q32_SIZE,
                                            .kept = SPI_NOR_W25Q32_SIZE,
                                            .id = {0xef, 0x40, 0x16},
                                            .signature = 0x15,
                                            .hz_max = 104000000u,
                                            .commands = w25q32_commands,
                                            .command_count =
                                                sizeof w25q32_commands / sizeof *w25q32_commands,
                                            .reset_ns = 30 * US,
                                            .reset_busy_ns = 30 * US,
                                            .wake_ns = 3 * US};

static const struct command mx25lm51245g_commands[] = {
    {0x04, DISABLE, 0, 0, 0, 0, 0},
    {0x05, STATUS, 0, 0, 0, 0, 0},
    {0x06, ENABLE, 0, 0, 0, 0, 0},
    {0x0c, READ, 4, 1, 0, 0, 0},
    {0x12, PROGRAM, 4, 0, 0, 150 * US, 0},
    {0x13, READ, 4, 0, 0, 0, 50000000u},
    {0x21, ERASE, 4, 0, 0x1000u, 25 * MS, 0},
    {0x60, ERASE, 0, 0, UINT32_MAX, 150000 * MS, 0},
    {0x66, RESET_ENABLE, 0, 0, 0, 0, 0},
    {0x71, READ_CONFIG, 4, 0, 0, 0, 0},
    {0x72, WRITE_CONFIG, 4, 0, 0, 0, 0},
    {0x99, RESET, 0, 0, 0, 0, 0},
    {0x9f, IDENTIFY, 0, 0, 0, 0, 0},
    {0xdc, ERASE, 4, 0, 0x10000u, 220 * MS, 0},
};

const struct spi_nor_part spi_nor_mx25lm51245g = {.capacity = 0x4000000u,
                                                  .kept = SPI_NOR_MX25LM51245_KEPT,
                                                  .id = {0xc2, 0x85, 0x3a},
                                                  .hz_max = 133000000u,
                                                  .commands = mx25lm51245g_commands,
                                                  .command_count = sizeof mx25lm51245g_commands /
                                                                   sizeof *mx25lm51245g_commands,
                                                  .reset_ns = 40 * US,
                                                  .reset_busy_ns = 100 * MS};

enum lines { ONE_LINE, OCTAL_STR, OCTAL_DTR }; /* as CR2 has it */

struct spi_nor {
    struct twin *twin;
    const struct spi_nor_part *part;
    struct nvm nvm;
    bool selected;
    const struct command *command;
    uint8_t code;   /* the command's, known or not */
    uint32_t count; /* bytes since the select, the command among them */
    uint32_t address;
    uint8_t page[PAGE];
    uint8_t config; /* of WRITE_CONFIG */
    enum lines lines;
    bool write_enabled, reset_enabled, powered_down;
    /* The operation under way: what it leaves at its end. */
    struct twin_timer done;
    twin_ns awake_at; /* after a reset, after a release from power-down */
    uint32_t offset, size;
    bool erases;
    enum part_fault fault;
    unsigned fault_left; /* operations until it comes */
};

#define SMALL_ID 0x11u /* of 128 KiB */

/* Whether it goes wrong so by now. */
static bool suffers(const struct spi_nor *nor, enum part_fault fault)
{
    return nor->fault == fault && nor->fault_left == 0;
}

static bool is_busy(const struct spi_nor *nor)
{
    return nor->done.queued || suffers(nor, PART_BUSY);
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

/* Where an address lies in the file; behind what is kept there is nothing to be had. */
static uint32_t place(struct spi_nor *nor, uint32_t address)
{
    const uint32_t at = address % nor->part->capacity;
    if (at < nor->part->kept)
        return at;
    twin_fault(nor->twin, "the SPI flash is used at 0x%08x; its twin keeps 0x%x bytes", at,
               nor->part->kept);
    return 0;
}

static void begin(struct spi_nor *nor, uint32_t offset, uint32_t size, bool erases)
{
    if (twin_starts(nor->twin, erases ? "nor-erase" : "nor-program", offset))
        return;
    nor->offset = offset;
    nor->size = size;
    nor->erases = erases;
    if (erases)
        nvm_tear_erase(&nor->nvm, offset, size);
    else
        nvm_tear_program(&nor->nvm, offset, nor->page, size);
    const bool strikes = nor->fault_left > 0 && --nor->fault_left == 0;
    if (strikes && nor->fault != PART_PAUSES)
        return; /* torn for good */
    if (!twin_operation(nor->twin))
        twin_timer_set(nor->twin, &nor->done,
                       twin_now(nor->twin) + (strikes ? PART_PAUSE_NS : nor->command->takes));
}

static bool may_change(struct spi_nor *nor)
{
    if (nor->write_enabled)
        return true;
    twin_fault(nor->twin, "the SPI flash gets the command 0x%02x without WREN (0x06) before",
               nor->code);
    return false;
}

static bool has_length(struct spi_nor *nor, uint32_t wanted)
{
    if (nor->count == wanted)
        return true;
    twin_fault(nor->twin, "the SPI flash gets the command 0x%02x of %u bytes, not %u", nor->code,
               nor->count, wanted);
    return false;
}

static void erase(struct spi_nor *nor)
{
    const uint32_t size = nor->command->erases;
    if (!has_length(nor, 1u + nor->command->address) || !may_change(nor))
        return;
    if (size == UINT32_MAX)
        begin(nor, 0, nor->part->kept, true);
    else
        begin(nor, place(nor, nor->address) & ~(size - 1u), size, true);
}

static void program(struct spi_nor *nor)
{
    const uint32_t least = 2u + nor->command->address;
    if (nor->count < least)
        (void)has_length(nor, least);
    else if (may_change(nor))
        begin(nor, place(nor, nor->address) & ~(PAGE - 1u), PAGE, false);
}

static void reset(struct spi_nor *nor)
{
    const bool busy = is_busy(nor);
    if (!nor->reset_enabled) {
        twin_fault(nor->twin, "the SPI flash gets the reset 0x99 without 0x66 before");
        return;
    }
    twin_timer_set(nor->twin, &nor->done, TWIN_NEVER); /* what was under way stays torn */
    nor->write_enabled = false;
    nor->lines = ONE_LINE;
    nor->awake_at = twin_now(nor->twin) + (busy ? nor->part->reset_busy_ns : nor->part->reset_ns);
}

static void configure(struct spi_nor *nor)
{
    if (!has_length(nor, 6) || !may_change(nor))
        return;
    if (nor->address != 0 || nor->config > OCTAL_DTR)
        twin_fault(nor->twin, "the SPI flash's CR2 gets 0x%02x at 0x%08x, which is not modelled",
                   nor->config, nor->address);
    nor->lines = nor->config & 3u;
    nor->write_enabled = false;
}

/* The chip select has ended: what begins then. */
static void run(struct spi_nor *nor)
{
    if (!nor->command)
        return;
    switch (nor->command->action) {
    case ENABLE:
    case DISABLE:
        nor->write_enabled = nor->command->action == ENABLE;
        break;
    case PROGRAM:
        program(nor);
        break;
    case ERASE:
        erase(nor);
        break;
    case RESET:
        reset(nor);
        break;
    case SLEEP:
        nor->powered_down = true;
        break;
    case WAKE:
        nor->powered_down = false;
        nor->awake_at = twin_now(nor->twin) + nor->part->wake_ns;
        break;
    case WRITE_CONFIG:
        configure(nor);
        break;
    default:
        break;
    }
    nor->reset_enabled = nor->command->action == RESET_ENABLE;
}

/* ---- bytes ---- */

static bool is_awake(const struct spi_nor *nor)
{
    return twin_now(nor->twin) >= nor->awake_at;
}

/* Before it is awake it hears nothing: a host may look for its identification or its status until
 * they come, but must not count on anything else. */
static bool is_allowed(struct spi_nor *nor)
{
    const unsigned action = nor->command ? nor->command->action : STATUS;
    const bool of_status = action == STATUS || action == OTHER_STATUS;
    const bool looks = action == STATUS || action == IDENTIFY;
    if (nor->powered_down && action != WAKE)
        twin_fault(nor->twin, "the SPI flash gets the command 0x%02x in power-down", nor->code);
    else if (!is_awake(nor) && !looks)
        twin_fault(nor->twin, "the SPI flash gets the command 0x%02x before it is awake",
                   nor->code);
    else if (is_busy(nor) && !of_status && action != RESET_ENABLE && action != RESET)
        twin_fault(nor->twin, "the SPI flash gets the command 0x%02x while it is busy", nor->code);
    else
        return true;
    return false;
}

static const struct command *find_command(const struct spi_nor *nor, uint8_t code)
{
    for (unsigned i = 0; i < nor->part->command_count; i++)
        if (nor->part->commands[i].code == code)
            return &nor->part->commands[i];
    return NULL;
}

static void take_command(struct spi_nor *nor, uint8_t code, uint32_t hz)
{
    const struct command *command = find_command(nor, code);
    nor->command = command;
    nor->code = code;
    nor->address = 0;
    if (!command) {
        twin_fault(nor->twin, "the SPI flash gets the command 0x%02x, which is not modelled", code);
        return;
    }
    const uint32_t most = command->hz_max ? command->hz_max : nor->part->hz_max;
    const bool allowed = is_allowed(nor);
    if (allowed && command->action == PROGRAM)
        memset(nor->page, 0xff, sizeof nor->page);
    if (allowed && hz > most)
        twin_fault(nor->twin, "the SPI flash gets the command 0x%02x at %u Hz; it takes %u", code,
                   hz, most);
}

/* A byte behind command and address; `n` counts from 0. */
static uint8_t take_data(struct spi_nor *nor, uint32_t n, uint8_t in)
{
    if (!is_awake(nor))
        return 0xff;
    switch (nor->command->action) {
    case IDENTIFY:
        return n >= sizeof nor->part->id            ? 0xff
               : n == 2 && suffers(nor, PART_SMALL) ? SMALL_ID
                                                    : nor->part->id[n];
    case STATUS:
        return (uint8_t)((is_busy(nor) ? BUSY : 0) | (nor->write_enabled ? WEL : 0));
    case OTHER_STATUS:
        return 0;
    case WAKE:
        return nor->part->signature;
    case READ:
        return n < nor->command->dummies ? 0xff : nor->nvm.bytes[place(nor, nor->address++)];
    case PROGRAM: /* beyond the page's end it begins again at its start */
        nor->page[(nor->address + n) % PAGE] = in;
        return 0xff;
    case READ_CONFIG:
        return nor->address == 0 ? (uint8_t)nor->lines : 0xff;
    case WRITE_CONFIG:
        nor->config = in;
        return 0xff;
    default:
        return 0xff;
    }
}

/* By its fault it hears nothing, or nothing but the question for its status. */
static bool is_deaf(const struct spi_nor *nor, uint8_t code)
{
    return suffers(nor, PART_MISSING) || suffers(nor, PART_GOES) ||
           (suffers(nor, PART_BUSY) && code != 0x05); /* read status */
}

uint8_t spi_nor_exchange(struct spi_nor *nor, uint8_t in, uint32_t hz)
{
    if (!nor->selected || nor->lines != ONE_LINE || is_deaf(nor, nor->count == 0 ? in : nor->code))
        return 0xff;
    if (nor->count++ == 0) {
        take_command(nor, in, hz);
        return 0xff;
    }
    if (!nor->command)
        return 0xff;
    const uint32_t n = nor->count - 2u;
    if (n >= nor->command->address)
        return take_data(nor, n - nor->command->address, in);
    nor->address = nor->address << 8 | in;
    return 0xff;
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
    const struct command *command = nor->selected && nor->count > 0 ? nor->command : NULL;
    const uint32_t head = command ? 1u + command->address : 0;
    const bool is_erase = command && command->action == ERASE && command->address > 0;
    const bool is_program = command && command->action == PROGRAM;
    const bool complete = (is_erase && nor->count == head) || (is_program && nor->count > head);
    if (complete && nor->write_enabled && !is_busy(nor))
        run(nor);
    nor->selected = false;
    nor->count = 0;
}

/* By the wrong number of lines, or edges, it means nothing to the part. */
void spi_nor_octal(struct spi_nor *nor, uint16_t command, bool dtr)
{
    if (!nor->selected || nor->lines != (dtr ? OCTAL_DTR : OCTAL_STR))
        return;
    nor->code = (uint8_t)(command >> 8);
    nor->command = find_command(nor, nor->code);
    const bool resets =
        nor->command && (nor->command->action == RESET_ENABLE || nor->command->action == RESET);
    if (!resets || (uint8_t)command != (uint8_t)~nor->code)
        twin_fault(nor->twin,
                   "the SPI flash gets the command 0x%04x by eight lines, which is not "
                   "modelled",
                   command);
    else
        nor->count = 1; /* runs when the chip select ends */
}

/* ---- the part ---- */

void spi_nor_spoil(struct spi_nor *nor, enum part_fault fault, unsigned n)
{
    const bool later = fault == PART_GOES || fault == PART_BUSY || fault == PART_PAUSES;
    nor->fault = fault;
    nor->fault_left = later ? n : 0;
}

uint8_t *spi_nor_bytes(struct spi_nor *nor)
{
    return nor->nvm.bytes;
}

struct spi_nor *spi_nor_new(struct twin *twin, const struct spi_nor_part *part, const char *folder)
{
    struct spi_nor *nor = calloc(1, sizeof *nor);
    if (!nor)
        return NULL;
    if (!(folder ? nvm_open(&nor->nvm, folder, "spi-flash.bin", part->kept)
                 : nvm_open_nameless(&nor->nvm, part->kept))) {
        nvm_close(&nor->nvm);
        free(nor);
        return NULL;
    }
    nor->twin = twin;
    nor->part = part;
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
