/* The key-value store: a log of records in a ring of sectors.
 *
 * Bytes on flash. Numbers are little-endian; every item begins at a multiple of the write size and
 * is padded to one with the erased value.
 *
 *   Sector header              Record
 *   offset size                offset  size
 *        0    4  "OTKV"             0     1  1 set, 2 delete; +0x80: the batch goes on
 *        4    4  generation         1     1  length of the key, k = 1..31
 *        8    2  sector count       2     2  length of the value, v = 0..2048; 0 for a delete
 *       10    1  write size         4     k  key
 *       11    1  1, the format    4+k     v  value
 *       12    4  log end          4+k+v   4  CRC-32 of all before it in the record
 *       16    4  CRC-32 of 0..15
 *
 * Records follow the header back to back. The newest record of a key counts. The records of a batch
 * lie in one sector; one that is not whole can only be the last thing written, and the log then
 * ends before it.
 *
 * The sector of generation g is number g mod N. With g the highest generation found, the sectors of
 * g-N+2 .. g are the log, and the remaining one is spare, whatever lies in it. When sector g is
 * full the log moves on ("rotates"): the spare is erased, the live records of the oldest sector are
 * copied into it, and last of all its header is written, with g+1. That one write makes the copies
 * count and the oldest sector the new spare, so a cut before it changes nothing, and after it
 * nothing is left to do. A sector is erased just before it is filled, by the same run of the
 * program, so that a torn erase can do no harm however the sector reads afterwards. The ring
 * spreads wear by itself.
 *
 * What was written last before a cut may be torn, and may read differently each time. kv_open finds
 * it and closes the sector: the log ends before it, nothing is written behind it, and the header of
 * the next sector keeps the place where the log ended ("log end", counted from the start of the
 * sector), so that it stays out for good. A header that wavers does not count either.
 *
 * Flash that loses bits later is told from this: nothing is ever written behind what is torn, so
 * what does not read and has a record behind it, or lies before a log end, was whole once. One
 * wrong bit in a record or a header is put right at each reading, since its CRC tells which it is.
 * A record worse off than that stays the newest word on the key that it reads, which then is
 * OTTER_E_CORRUPT and not its older value; the records behind it are found again. All of this is
 * a matter of reading: the bytes are those that the first version of this format wrote. */
#include "store/kv_log.h"

#include <string.h>

#include "codec/crc32.h"

#define HEADER_SIZE       20u
#define LOG_END_OFFSET    12u
#define HEADER_CRC_OFFSET 16u
#define FORMAT_VERSION    1u
#define LOST_HEADER_BITS  16u /* of 96: more than a sector loses, fewer than anything else hits */

uint32_t log_header_space(const struct kv *kv)
{
    return record_align(kv, HEADER_SIZE);
}

uint32_t log_sector_start(const struct kv *kv, uint32_t generation)
{
    return generation % kv->sector_count * kv->sector_size;
}

uint32_t log_first_record(const struct kv *kv, uint32_t generation)
{
    return log_sector_start(kv, generation) + log_header_space(kv);
}

uint32_t log_sector_end(const struct kv *kv, uint32_t generation)
{
    return log_sector_start(kv, generation) + kv->sector_size;
}

/* ---- Sector headers -------------------------------------------------------------------------- */

static void put_u32(uint8_t *bytes, uint32_t value)
{
    for (uint32_t i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(value >> 8 * i);
}

static uint32_t get_u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

static const uint8_t header_magic[] = {'O', 'T', 'K', 'V'};

static void encode_header(const struct kv *kv, struct log_header header, uint8_t bytes[HEADER_SIZE])
{
    memcpy(bytes, header_magic, sizeof header_magic);
    put_u32(bytes + 4, header.generation);
    put_u32(bytes + 8, kv->sector_count | kv->area->flash->write_size << 16);
    bytes[11] = FORMAT_VERSION;
    put_u32(bytes + 12, header.log_end);
    put_u32(bytes + HEADER_CRC_OFFSET, crc32_update(0, bytes, HEADER_CRC_OFFSET));
}

static bool parse_header(const struct kv *kv, uint32_t sector, const uint8_t found[HEADER_SIZE],
                         struct log_header *header)
{
    uint8_t expected[HEADER_SIZE];
    *header = (struct log_header){get_u32(found + 4), get_u32(found + 12)};
    encode_header(kv, *header, expected);
    return memcmp(found, expected, sizeof expected) == 0 && header->generation > 0 &&
           header->generation % kv->sector_count == sector && header->log_end <= kv->sector_size;
}

enum header_state { HEADER_NONE, HEADER_REPAIRED, HEADER_WHOLE };

/* HEADER_NONE when the sector has no header of this store, or one that belongs elsewhere. */
static enum header_state read_header(const struct kv *kv, uint32_t sector,
                                     struct log_header *header)
{
    uint8_t found[HEADER_SIZE];
    if (flash_read(kv->area, sector * kv->sector_size, found, sizeof found) != OTTER_OK)
        return HEADER_NONE;
    if (parse_header(kv, sector, found, header))
        return HEADER_WHOLE;
    const uint32_t wrong = get_u32(found) ^ get_u32(header_magic);
    if ((wrong & (wrong - 1)) != 0)
        return HEADER_NONE; /* more than one bit, as in all that is no header */
    for (uint32_t bit = 0; bit < 8 * HEADER_SIZE; bit++) {
        found[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (parse_header(kv, sector, found, header))
            return HEADER_REPAIRED;
        found[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    return HEADER_NONE;
}

otter_status log_write_header(const struct kv *kv, struct log_header header)
{
    struct log_header written;
    uint8_t bytes[FLASH_WRITE_SIZE_MAX];
    memset(bytes, kv->area->flash->erased_value, sizeof bytes);
    encode_header(kv, header, bytes);
    otter_status status = flash_program(kv->area, log_sector_start(kv, header.generation), bytes,
                                        log_header_space(kv));
    if (status == OTTER_OK &&
        read_header(kv, header.generation % kv->sector_count, &written) != HEADER_WHOLE)
        status = OTTER_E_FLASH;
    return status;
}

static enum header_state header_of(const struct kv *kv, uint32_t generation,
                                   struct log_header *header)
{
    const enum header_state state = read_header(kv, generation % kv->sector_count, header);
    return header->generation == generation ? state : HEADER_NONE;
}

bool log_holds(const struct kv *kv, uint32_t generation)
{
    struct log_header header;
    return generation == kv->generation || header_of(kv, generation, &header) != HEADER_NONE;
}

uint32_t log_older(const struct kv *kv, uint32_t generation)
{
    while (--generation > 0 && generation + kv->sector_count > kv->generation + 1) {
        if (log_holds(kv, generation))
            return generation;
    }
    return 0;
}

/* ---- Walking --------------------------------------------------------------------------------- */

static uint32_t damage_bit(const struct kv *kv, uint32_t generation)
{
    return 1u << generation % kv->sector_count % 32;
}

struct log_walk log_walk(const struct kv *kv, uint32_t generation)
{
    struct log_walk walk = {.kv = kv,
                            .offset = log_first_record(kv, generation),
                            .end = kv->write_offset,
                            .exact = true,
                            .careful = (kv->damaged & damage_bit(kv, generation)) != 0};
    struct log_header next;
    if (generation != kv->generation) {
        walk.exact = header_of(kv, generation + 1, &next) != HEADER_NONE;
        walk.end = walk.exact ? log_sector_start(kv, generation) + next.log_end
                              : log_sector_end(kv, generation);
    }
    return walk;
}

bool log_next(struct log_walk *walk, struct record *record)
{
    if (walk->offset >= walk->end)
        return false;
    if (!walk->careful && !record_at(walk->kv, walk->offset, record))
        return false;
    if (walk->careful && !record_examine(walk->kv, walk->offset, walk->end, record))
        return false;
    walk->offset = record->end;
    return true;
}

/* True when the sector turned out to be damaged where it had been believed: look again. */
static bool find_in_sector(struct kv *kv, uint32_t generation, struct record_key key,
                           struct record *newest, bool *found)
{
    struct record record;
    struct log_walk walk = log_walk(kv, generation);
    bool derailed = false;
    *found = false;
    while (log_next(&walk, &record)) {
        if (!record_has_key(kv, &record, key))
            continue;
        derailed = derailed || (!walk.careful && !record_valid(kv, &record));
        *newest = record;
        *found = true;
    }
    if (walk.careful || !(derailed || (walk.exact && walk.offset != walk.end)))
        return false;
    kv->damaged |= damage_bit(kv, generation);
    return true;
}

bool log_find_newest(struct kv *kv, struct record_key key, struct record *newest)
{
    for (uint32_t generation = kv->generation; generation > 0;
         generation = log_older(kv, generation)) {
        bool found;
        if (find_in_sector(kv, generation, key, newest, &found))
            find_in_sector(kv, generation, key, newest, &found);
        if (found)
            return true;
    }
    return false;
}

bool record_is_set(const struct record *record)
{
    return (record->kind & ~RECORD_MORE) == RECORD_SET;
}

bool log_is_live(struct kv *kv, const struct record *record, char key[KV_KEY_MAX + 1])
{
    struct record newest;
    if (record->damaged || !record_is_set(record) || record_read_key(kv, record, key) != OTTER_OK)
        return false;
    const struct record_key wanted = {key, record->key_length};
    return log_find_newest(kv, wanted, &newest) && newest.offset == record->offset &&
           !newest.damaged;
}

/* ---- Opening --------------------------------------------------------------------------------- */

/* The highest generation whose header can be relied on. One that wavers may yet turn out to be
 * newer, in a later run: `*doubtful` then, and the log must not grow before that sector is erased,
 * which is what the next rotation does. */
static uint32_t find_generation(const struct kv *kv, bool *doubtful)
{
    uint32_t highest = 0;
    for (uint32_t sector = 0; sector < kv->sector_count; sector++) {
        struct log_header header;
        const enum header_state state = read_header(kv, sector, &header);
        if (!flash_is_stable(kv->area, sector * kv->sector_size, log_header_space(kv),
                             state == HEADER_REPAIRED))
            *doubtful = true;
        else if (state != HEADER_NONE && header.generation > highest)
            highest = header.generation;
    }
    return highest;
}

/* Finds the end of the log in the active sector, and closes it when something torn lies there. */
static void find_end(struct kv *kv)
{
    const uint32_t end = log_sector_end(kv, kv->generation);
    struct record record;
    struct record last = {.offset = 0};
    uint32_t change = log_first_record(kv, kv->generation); /* where the last change begins */
    uint32_t offset = change;
    while (record_examine(kv, offset, end, &record)) {
        /* Beyond repair, and nothing follows: a write that was cut, or it cannot be told from one.
         */
        if (record.damaged &&
            (record.end == end || flash_is_erased(kv->area, record.end, end - record.end) == 1))
            break;
        if (record.damaged || record.flip > 0)
            kv->damaged |= damage_bit(kv, kv->generation);
        if (!(last.kind & RECORD_MORE))
            change = offset;
        last = record;
        offset = record.end;
    }
    if (last.offset != 0 && ((last.kind & RECORD_MORE) || !record_is_stable(kv, &last))) {
        offset = change; /* before the whole batch */
        kv->closed = true;
    }
    kv->write_offset = offset;
    if (flash_is_erased(kv->area, offset, end - offset) != 1)
        kv->closed = true;
}

/* In the sectors behind the active one. */
static void find_damage(struct kv *kv)
{
    for (uint32_t generation = kv->generation; (generation = log_older(kv, generation)) > 0;) {
        struct record record;
        struct log_walk walk = log_walk(kv, generation);
        walk.careful = true;
        while (log_next(&walk, &record)) {
            if (record.damaged || record.flip > 0)
                kv->damaged |= damage_bit(kv, generation);
        }
    }
}

void log_find(struct kv *kv)
{
    struct log_header header;
    kv->generation = find_generation(kv, &kv->closed);
    if (kv->generation == 0)
        return;
    if (header_of(kv, kv->generation, &header) != HEADER_WHOLE)
        kv->closed = true;
    find_end(kv);
    find_damage(kv);
}

/* ---- Damage ---------------------------------------------------------------------------------- */

struct check {
    struct kv *kv;
    void (*report)(void *ctx, const struct kv_damage *damage);
    void *ctx;
    uint32_t count;
};

static void tell(struct check *check, uint32_t offset, bool repaired, const char *key)
{
    const struct kv_damage damage = {offset / check->kv->sector_size,
                                     offset % check->kv->sector_size, repaired, key};
    check->count++;
    if (check->report != NULL)
        check->report(check->ctx, &damage);
}

static bool is_printable(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text < ' ' || *text > '~')
            return false;
    }
    return true;
}

/* A record that a newer one has replaced harms nobody. */
static void check_record(struct check *check, const struct record *record)
{
    char key[KV_KEY_MAX + 1] = "";
    struct record newest;
    if (!record->damaged && record->flip == 0)
        return;
    if (record->key_length > 0 &&
        (record_read_key(check->kv, record, key) != OTTER_OK || !is_printable(key)))
        key[0] = '\0';
    const struct record_key wanted = {key, record->key_length};
    if (key[0] == '\0' || !log_find_newest(check->kv, wanted, &newest) ||
        newest.offset == record->offset)
        tell(check, record->offset, !record->damaged, key);
}

/* The sectors of the log have a header, but for those that were never used. */
static void check_header(struct check *check, uint32_t generation)
{
    const struct kv *kv = check->kv;
    struct log_header header;
    const uint32_t start = log_sector_start(kv, generation);
    const enum header_state state = read_header(kv, generation % kv->sector_count, &header);
    if (state == HEADER_REPAIRED ||
        (state == HEADER_NONE && flash_is_erased(kv->area, start, kv->sector_size) != 1))
        tell(check, start, state == HEADER_REPAIRED, "");
}

/* Looks like a header and is none any more: with it went all that the sector told. It may have been
 * that of the newest sector, or of the only one. What a cut leaves of a header has no CRC. */
static void check_lost_header(struct check *check, uint32_t generation)
{
    const struct kv *kv = check->kv;
    const uint32_t start = log_sector_start(kv, generation);
    struct log_header header;
    uint8_t found[HEADER_SIZE];
    uint8_t expected[HEADER_SIZE];
    uint32_t wrong_bits = 0;
    if (read_header(kv, generation % kv->sector_count, &header) != HEADER_NONE ||
        flash_is_erased(kv->area, start + HEADER_CRC_OFFSET, HEADER_SIZE - HEADER_CRC_OFFSET) ==
            1 ||
        flash_read(kv->area, start, found, sizeof found) != OTTER_OK)
        return;
    encode_header(kv, (struct log_header){generation, 0}, expected);
    for (uint32_t bit = 0; bit < 8 * LOG_END_OFFSET; bit++)
        wrong_bits += (found[bit / 8] ^ expected[bit / 8]) >> bit % 8 & 1u;
    if (wrong_bits <= LOST_HEADER_BITS)
        tell(check, start, false, "");
}

/* Nothing is ever written behind a change that was cut: what has something behind it was whole. */
static void check_tail(struct check *check)
{
    const struct kv *kv = check->kv;
    const uint32_t end = log_sector_end(kv, kv->generation);
    struct record record;
    if (record_at(kv, kv->write_offset, &record) && !(record.kind & RECORD_MORE) &&
        record.end < end && flash_is_erased(kv->area, record.end, end - record.end) != 1) {
        record.damaged = true;
        check_record(check, &record);
    }
}

uint32_t log_check(struct kv *kv, void (*report)(void *ctx, const struct kv_damage *damage),
                   void *ctx)
{
    struct check check = {kv, report, ctx, 0};
    if (kv->generation > 0)
        check_tail(&check);
    /* without any header it may be that of each sector */
    const uint32_t last = kv->generation > 0 ? kv->generation + 1 : kv->sector_count;
    for (uint32_t lost = kv->generation + 1; lost <= last; lost++)
        check_lost_header(&check, lost);
    for (uint32_t back = 0; back + 1 < kv->sector_count && back < kv->generation; back++) {
        const uint32_t generation = kv->generation - back;
        struct record record;
        check_header(&check, generation);
        if (!log_holds(kv, generation))
            continue;
        struct log_walk walk = log_walk(kv, generation);
        walk.careful = true;
        while (log_next(&walk, &record)) {
            if (record.damaged || record.flip > 0)
                kv->damaged |= damage_bit(kv, generation);
            check_record(&check, &record);
        }
    }
    return check.count;
}
