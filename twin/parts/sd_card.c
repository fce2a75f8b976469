/* SD card; see sd_card.h. */
#include "twin/parts/sd_card.h"

#include <stdlib.h>
#include <string.h>

#include "twin/nvm.h"

enum { IDLE, READY, IDENT, STANDBY, TRANSFER, SENDING, RECEIVING, PROGRAMMING };

#define OUT_OF_RANGE (1u << 31)
#define BLOCK_LENGTH (1u << 29)
#define CRC_ERROR    (1u << 23)
#define ILLEGAL      (1u << 22)
#define READY_FOR    (1u << 8)
#define APP_CMD      (1u << 5)

#define OCR_POWERED 0x80000000u
#define OCR_HIGH    0x40000000u
#define OCR_VOLTS   0x00ff8000u

#define RCA          0xb368u
#define IDENTIFY_MAX 400000u
#define HZ_MAX       25000000u
#define WAKE_NS      (30u * TWIN_MS) /* from the first ACMD41 until it is powered up */
#define SELECT_NS    (50u * TWIN_US)
#define PROGRAM_NS   (400u * TWIN_US) /* of one block */
#define TORN_SPAN    24u

struct sd_card {
    struct twin *twin;
    struct nvm nvm;
    bool present;
    unsigned state;
    unsigned clocks;
    bool checked_voltage; /* CMD8 has come */
    bool app;             /* CMD55 was the last command */
    uint32_t errors;      /* for the next R1 */
    twin_ns woken_at;     /* 0: no ACMD41 yet */
    twin_ns busy_until;
    unsigned lines;
    uint32_t sector;
    bool single;
    unsigned spoiled;
    enum part_fault fault;
    unsigned fault_left; /* blocks to be written until it comes */
    uint32_t sectors;
    struct twin_timer done;
    uint32_t written; /* the sector that is programmed */
    uint8_t after[SD_BLOCK];
};

/* ---- responses ---- */

static uint8_t crc7(const uint8_t *bytes, unsigned count)
{
    uint8_t crc = 0;
    for (unsigned i = 0; i < count; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            const bool in = (bytes[i] >> (7u - bit) & 1u) != (crc >> 6 & 1u);
            crc = (uint8_t)((crc << 1 & 0x7fu) ^ (in ? 9u : 0u));
        }
    return (uint8_t)(crc << 1 | 1u);
}

static void answer(struct sd_response *response, uint8_t first, uint32_t content)
{
    const uint8_t bytes[5] = {first, (uint8_t)(content >> 24), (uint8_t)(content >> 16),
                              (uint8_t)(content >> 8), (uint8_t)content};
    response->size = 6;
    response->checked = true;
    memcpy(response->bytes, bytes, sizeof bytes);
    response->bytes[5] = crc7(bytes, sizeof bytes);
}

static uint32_t status_of(struct sd_card *card)
{
    const uint32_t status = card->errors | card->state << 9 |
                            (sd_card_is_busy(card) ? 0 : READY_FOR) | (card->app ? APP_CMD : 0);
    card->errors = 0;
    return status;
}

static void answer_r1(struct sd_card *card, uint8_t index, struct sd_response *response)
{
    answer(response, index, status_of(card));
}

static void answer_r2(const uint8_t content[15], struct sd_response *response)
{
    response->size = 17;
    response->checked = true;
    response->bytes[0] = 0x3f;
    memcpy(response->bytes + 1, content, 15);
    response->bytes[16] = crc7(content, 15);
}

static void answer_csd(const struct sd_card *card, struct sd_response *response)
{
    const uint32_t size = card->sectors / 1024u - 1u;
    const uint8_t csd[15] = {0x40,
                             0x0e,
                             0x00,
                             0x32,
                             0x5b,
                             0x59,
                             0x00,
                             (uint8_t)(size >> 16 & 0x3fu),
                             (uint8_t)(size >> 8),
                             (uint8_t)size,
                             0x7f,
                             0x80,
                             0x0a,
                             0x40,
                             0x00};
    answer_r2(csd, response);
}

static void answer_cid(struct sd_response *response)
{
    static const uint8_t cid[15] = {0x74, 'T', 'W', 'O', 'T', 'T',  'E', 'R',
                                    0x10, 1,   2,   3,   4,   0x01, 0x9b};
    answer_r2(cid, response);
}

/* ---- commands ---- */

static void reset(struct sd_card *card)
{
    card->state = IDLE;
    card->checked_voltage = card->app = false;
    card->woken_at = 0;
    card->lines = 1;
    card->errors = 0;
}

static void start_up(struct sd_card *card, uint32_t argument, struct sd_response *response)
{
    uint32_t ocr = OCR_VOLTS;
    if (argument & OCR_VOLTS && card->woken_at == 0)
        card->woken_at = twin_now(card->twin);
    /* A host that does not know of high capacity never sees this card ready. */
    const bool known = card->checked_voltage && argument & OCR_HIGH;
    if (known && card->woken_at && twin_now(card->twin) - card->woken_at >= WAKE_NS) {
        ocr |= OCR_POWERED | OCR_HIGH;
        card->state = READY;
    }
    answer(response, 0x3f, ocr);
    response->checked = false; /* R3 carries no CRC */
    response->bytes[5] = 0xff;
}

static void select_card(struct sd_card *card, uint32_t rca, struct sd_response *response)
{
    if (rca == RCA && card->state == STANDBY) {
        answer_r1(card, 7, response);
        card->state = TRANSFER;
        card->busy_until = twin_now(card->twin) + SELECT_NS;
    } else if (rca != RCA && (card->state == TRANSFER || card->state == PROGRAMMING)) {
        card->state = STANDBY; /* deselected: silently */
    } else if (rca == RCA) {
        card->errors |= ILLEGAL;
    }
}

static void begin_transfer(struct sd_card *card, uint8_t index, uint32_t sector,
                           struct sd_response *response)
{
    const bool reads = index == 17 || index == 18;
    if (sector >= card->sectors)
        card->errors |= OUT_OF_RANGE;
    const bool refused = card->errors & OUT_OF_RANGE;
    answer_r1(card, index, response);
    if (refused)
        return;
    card->state = reads ? SENDING : RECEIVING;
    card->sector = sector;
    card->single = index == 17 || index == 24;
}

static bool run_app(struct sd_card *card, uint8_t index, uint32_t argument,
                    struct sd_response *response)
{
    if (index == 41 && card->state == IDLE) {
        start_up(card, argument, response);
        return true;
    }
    if (index != 6 || card->state != TRANSFER || (argument != 0 && argument != 2))
        return false;
    answer_r1(card, index, response);
    card->lines = argument == 2 ? 4 : 1;
    return true;
}

static bool run(struct sd_card *card, uint8_t index, uint32_t argument,
                struct sd_response *response)
{
    const bool addressed = argument >> 16 == RCA;
    switch (index) {
    case 0:
        reset(card);
        return true;
    case 2:
        if (card->state != READY)
            return false;
        answer_cid(response);
        card->state = IDENT;
        return true;
    case 3:
        if (card->state != IDENT && card->state != STANDBY)
            return false;
        answer(response, 3, RCA << 16 | (status_of(card) & 0x1fffu));
        card->state = STANDBY;
        return true;
    case 7:
        select_card(card, argument >> 16, response);
        return true;
    case 8:
        if (card->state != IDLE || (argument >> 8 & 0xfu) != 1)
            return false;
        card->checked_voltage = true;
        answer(response, 8, argument & 0xfffu);
        return true;
    case 9:
    case 10:
        if (card->state != STANDBY || !addressed)
            return false;
        index == 9 ? answer_csd(card, response) : answer_cid(response);
        return true;
    case 12:
        if (card->state != SENDING && card->state != RECEIVING)
            return false;
        answer_r1(card, index, response);
        card->state = card->done.queued ? PROGRAMMING : TRANSFER;
        return true;
    case 13:
        if (card->state < STANDBY || !addressed)
            return false;
        answer_r1(card, index, response);
        return true;
    case 16:
        if (card->state != TRANSFER)
            return false;
        card->errors |= argument == SD_BLOCK ? 0 : BLOCK_LENGTH;
        answer_r1(card, index, response);
        return true;
    case 17:
    case 18:
    case 24:
    case 25:
        if (card->state != TRANSFER)
            return false;
        begin_transfer(card, index, argument, response);
        return true;
    case 55:
        if (card->state != IDLE && !addressed)
            return false;
        card->app = true;
        answer_r1(card, index, response);
        return true;
    default:
        return false;
    }
}

void sd_card_clock(struct sd_card *card, unsigned clocks)
{
    card->clocks += clocks;
}

void sd_card_command(struct sd_card *card, uint8_t index, uint32_t argument, uint32_t hz,
                     struct sd_response *response)
{
    *response = (struct sd_response){0};
    if (!card->present)
        return;
    if (card->clocks < 74)
        twin_fault(card->twin, "the SD card gets CMD%u after %u clocks; it needs 74", index,
                   card->clocks);
    const uint32_t most = card->state < STANDBY ? IDENTIFY_MAX : HZ_MAX;
    if (hz > most && index != 0)
        twin_fault(card->twin, "the SD card gets CMD%u at %u Hz; it takes %u now", index, hz, most);
    const bool app = card->app;
    card->app = false;
    if (app && run_app(card, index, argument, response))
        return;
    if (!run(card, index, argument, response))
        card->errors |= ILLEGAL;
}

/* ---- blocks ---- */

static bool is_spoiled(struct sd_card *card)
{
    if (card->spoiled == 0)
        return false;
    card->spoiled--;
    return true;
}

static bool lines_are_right(struct sd_card *card, unsigned lines)
{
    if (lines == card->lines)
        return true;
    twin_fault(card->twin, "a block comes by %u data lines; the SD card is set to %u (ACMD6)",
               lines, card->lines);
    return false;
}

bool sd_card_read(struct sd_card *card, unsigned lines, uint8_t block[SD_BLOCK], bool *checked)
{
    if (!card->present || card->state != SENDING || card->sector >= card->sectors ||
        !lines_are_right(card, lines))
        return false;
    memcpy(block, card->nvm.bytes + (size_t)SD_BLOCK * card->sector++, SD_BLOCK);
    *checked = !is_spoiled(card);
    if (!*checked)
        block[100] ^= 0x10u;
    if (card->single)
        card->state = TRANSFER;
    return true;
}

/* Cut here, the sector has a new start, an old end, and rubbish between them. */
static void tear(uint8_t *held, const uint8_t *data, uint32_t sector)
{
    const uint32_t border = 40u + sector * 2654435761u % (SD_BLOCK - 40u - TORN_SPAN);
    memcpy(held, data, border);
    for (uint32_t i = border; i < border + TORN_SPAN; i++)
        held[i] = (uint8_t)(0xa5u ^ (held[i] + i));
}

static void finish(void *ctx)
{
    struct sd_card *card = ctx;
    memcpy(card->nvm.bytes + (size_t)SD_BLOCK * card->written, card->after, SD_BLOCK);
    if (card->state == PROGRAMMING)
        card->state = TRANSFER;
}

enum sd_token sd_card_write(struct sd_card *card, unsigned lines, const uint8_t block[SD_BLOCK])
{
    if (!card->present || card->state != RECEIVING || !lines_are_right(card, lines))
        return SD_NO_TOKEN;
    if (sd_card_is_busy(card)) {
        twin_fault(card->twin, "the SD card gets a block while it is busy");
        return SD_NO_TOKEN;
    }
    if (is_spoiled(card))
        return SD_CRC_ERROR;
    if (card->sector >= card->sectors) {
        card->errors |= OUT_OF_RANGE;
        return SD_WRITE_ERROR;
    }
    twin_ns takes = PROGRAM_NS;
    if (twin_starts(card->twin, "card-write", SD_BLOCK * card->sector))
        return SD_NO_TOKEN;
    card->written = card->sector++;
    memcpy(card->after, block, SD_BLOCK);
    tear(card->nvm.bytes + (size_t)SD_BLOCK * card->written, block, card->written);
    if (card->fault_left > 0 && --card->fault_left == 0) {
        if (card->fault == PART_PAUSES) {
            takes = PART_PAUSE_NS;
        } else {
            if (card->fault == PART_GOES)
                sd_card_insert(card, false);
            else
                card->busy_until = TWIN_NEVER;
            return SD_NO_TOKEN;
        }
    }
    if (twin_operation(card->twin))
        return SD_NO_TOKEN;
    twin_timer_set(card->twin, &card->done, twin_now(card->twin) + takes);
    if (card->single)
        card->state = PROGRAMMING;
    return SD_ACCEPTED;
}

bool sd_card_is_busy(const struct sd_card *card)
{
    return card->present && (card->done.queued || twin_now(card->twin) < card->busy_until);
}

/* ---- the part ---- */

void sd_card_insert(struct sd_card *card, bool present)
{
    if (!present)
        twin_timer_set(card->twin, &card->done, TWIN_NEVER); /* torn for good */
    card->present = present;
    card->clocks = 0;
    card->busy_until = 0;
    reset(card);
}

bool sd_card_is_present(const struct sd_card *card)
{
    return card->present;
}

void sd_card_spoil(struct sd_card *card, unsigned blocks)
{
    card->spoiled = blocks;
}

void sd_card_break(struct sd_card *card, enum part_fault fault, unsigned n)
{
    card->fault = fault;
    card->fault_left = fault == PART_GOES || fault == PART_BUSY || fault == PART_PAUSES ? n : 0;
    if (fault == PART_MISSING)
        sd_card_insert(card, false);
    if (fault == PART_SMALL)
        card->sectors = PART_SMALL_SIZE / SD_BLOCK;
}

uint8_t *sd_card_bytes(struct sd_card *card)
{
    return card->nvm.bytes;
}

struct sd_card *sd_card_new(struct twin *twin, const char *folder)
{
    struct sd_card *card = calloc(1, sizeof *card);
    if (!card)
        return NULL;
    if (!(folder ? nvm_open(&card->nvm, folder, "sd-card.bin", SD_BLOCK * SD_SECTORS)
                 : nvm_open_nameless(&card->nvm, SD_BLOCK * SD_SECTORS))) {
        nvm_close(&card->nvm);
        free(card);
        return NULL;
    }
    card->twin = twin;
    card->sectors = SD_SECTORS;
    card->done = (struct twin_timer){.run = finish, .ctx = card};
    sd_card_insert(card, true);
    return card;
}

void sd_card_free(struct sd_card *card)
{
    if (!card)
        return;
    nvm_close(&card->nvm);
    free(card);
}
