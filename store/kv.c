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
 */
#include "store/kv.h"

#include <string.h>

#include "codec/crc32.h"
#include "store/kv_record.h"

#define HEADER_SIZE       20u
#define HEADER_CRC_OFFSET 16u
#define FORMAT_VERSION    1u
#define SECTOR_SIZE_MIN   128u

static uint32_t header_space(const struct kv *kv)
{
    return record_align(kv, HEADER_SIZE);
}

/* Kept free by everything but deletes, so that a key can be deleted from a full store. */
static uint32_t reserve(const struct kv *kv)
{
    return record_size(kv, KV_KEY_MAX, 0);
}

/* What one sector can hold besides header and reserve. */
static uint32_t sector_room(const struct kv *kv)
{
    return kv->sector_size - header_space(kv) - reserve(kv);
}

static uint32_t sector_start(const struct kv *kv, uint32_t generation)
{
    return generation % kv->sector_count * kv->sector_size;
}

static uint32_t first_record(const struct kv *kv, uint32_t generation)
{
    return sector_start(kv, generation) + header_space(kv);
}

static uint32_t sector_end(const struct kv *kv, uint32_t generation)
{
    return sector_start(kv, generation) + kv->sector_size;
}

struct header {
    uint32_t generation;
    uint32_t log_end; /* of the sector of the generation before, from its start */
};

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

static void encode_header(const struct kv *kv, struct header header, uint8_t bytes[HEADER_SIZE])
{
    memcpy(bytes, header_magic, sizeof header_magic);
    put_u32(bytes + 4, header.generation);
    put_u32(bytes + 8, kv->sector_count | kv->area->flash->write_size << 16);
    bytes[11] = FORMAT_VERSION;
    put_u32(bytes + 12, header.log_end);
    put_u32(bytes + HEADER_CRC_OFFSET, crc32_update(0, bytes, HEADER_CRC_OFFSET));
}

/* False when the sector has no header of this store, or one that belongs elsewhere. */
static bool read_header(const struct kv *kv, uint32_t sector, struct header *header)
{
    uint8_t found[HEADER_SIZE];
    uint8_t expected[HEADER_SIZE];
    if (flash_read(kv->area, sector * kv->sector_size, found, sizeof found) != OTTER_OK)
        return false;
    *header = (struct header){get_u32(found + 4), get_u32(found + 12)};
    encode_header(kv, *header, expected);
    return memcmp(found, expected, sizeof found) == 0 && header->generation > 0 &&
           header->generation % kv->sector_count == sector && header->log_end <= kv->sector_size;
}

static bool is_in_log(const struct kv *kv, uint32_t generation)
{
    struct header header;
    return generation == kv->generation ||
           (read_header(kv, generation % kv->sector_count, &header) &&
            header.generation == generation);
}

/* A walk over the records of one sector of the log, up to where the log ended there. */
struct walk {
    const struct kv *kv;
    uint32_t offset;
    uint32_t end;
};

static struct walk walk_sector(const struct kv *kv, uint32_t generation)
{
    struct walk walk = {kv, first_record(kv, generation), kv->write_offset};
    struct header next;
    if (generation != kv->generation) {
        walk.end = sector_end(kv, generation);
        if (read_header(kv, (generation + 1) % kv->sector_count, &next) &&
            next.generation == generation + 1)
            walk.end = sector_start(kv, generation) + next.log_end;
    }
    return walk;
}

static bool walk_next(struct walk *walk, struct record *record)
{
    if (walk->offset >= walk->end || !record_at(walk->kv, walk->offset, record))
        return false;
    walk->offset = record->end;
    return true;
}

/* The sectors of the log, newest first: start with the active generation; 0 ends. */
static uint32_t older_generation(const struct kv *kv, uint32_t generation)
{
    while (--generation > 0 && generation + kv->sector_count > kv->generation + 1) {
        if (is_in_log(kv, generation))
            return generation;
    }
    return 0;
}

/* The newest valid record of the key, a delete too. */
static bool find_newest(const struct kv *kv, struct record_key key, struct record *newest)
{
    for (uint32_t generation = kv->generation; generation > 0;
         generation = older_generation(kv, generation)) {
        bool found = false;
        struct record record;
        struct walk walk = walk_sector(kv, generation);
        while (walk_next(&walk, &record)) {
            if (record_has_key(kv, &record, key) && record_valid(kv, &record)) {
                *newest = record;
                found = true;
            }
        }
        if (found)
            return true;
    }
    return false;
}

static bool is_set(const struct record *record)
{
    return (record->kind & ~RECORD_MORE) == RECORD_SET;
}

static bool find_value(const struct kv *kv, struct record_key key, struct record *record)
{
    return find_newest(kv, key, record) && is_set(record);
}

/* A set that is the newest word on its key. `key` receives the key's text. */
static bool is_live(const struct kv *kv, const struct record *record, char key[KV_KEY_MAX + 1])
{
    struct record newest;
    if (!is_set(record) || record_read_key(kv, record, key) != OTTER_OK)
        return false;
    const struct record_key wanted = {key, record->key_length};
    return find_newest(kv, wanted, &newest) && newest.offset == record->offset;
}

/* Copies the live records of a sector to *offset, leaving out those that would pass `end`. */
static otter_status copy_live(const struct kv *kv, uint32_t generation, uint32_t *offset,
                              uint32_t end)
{
    struct record record;
    char key[KV_KEY_MAX + 1];
    struct walk walk = walk_sector(kv, generation);
    while (walk_next(&walk, &record)) {
        if (record.end - record.offset > end - *offset || !is_live(kv, &record, key))
            continue;
        const otter_status status = record_copy(kv, offset, &record);
        if (status != OTTER_OK)
            return status;
    }
    return OTTER_OK;
}

static otter_status write_header(const struct kv *kv, struct header header)
{
    struct header written;
    uint8_t bytes[FLASH_WRITE_SIZE_MAX];
    memset(bytes, kv->area->flash->erased_value, sizeof bytes);
    encode_header(kv, header, bytes);
    otter_status status =
        flash_program(kv->area, sector_start(kv, header.generation), bytes, header_space(kv));
    if (status == OTTER_OK && !read_header(kv, header.generation % kv->sector_count, &written))
        status = OTTER_E_FLASH;
    return status;
}

/* Fills the sector of generation `next` with what must move there. The oldest sector always fits.
 * When `room` would not be left behind it, others are packed in as well, so that the holes of many
 * sectors come together as one in the course of the next rotations. */
static otter_status fill_sector(const struct kv *kv, uint32_t next, uint32_t *offset, uint32_t room)
{
    const uint32_t end = sector_end(kv, next) - reserve(kv);
    otter_status status = OTTER_OK;
    for (uint32_t back = kv->sector_count - 1; back > 0 && status == OTTER_OK; back--) {
        const bool oldest = back == kv->sector_count - 1;
        if (next <= back || !is_in_log(kv, next - back))
            continue;
        if (!oldest && end - *offset >= room)
            break;
        status = copy_live(kv, next - back, offset, end);
    }
    return status;
}

static otter_status rotate(struct kv *kv, uint32_t room)
{
    const uint32_t next = kv->generation + 1;
    struct header header = {next, 0};
    if (kv->generation > 0)
        header.log_end = kv->write_offset - sector_start(kv, kv->generation);
    uint32_t offset = first_record(kv, next);
    otter_status status = flash_erase(kv->area, sector_start(kv, next), kv->sector_size);
    if (status == OTTER_OK)
        status = fill_sector(kv, next, &offset, room);
    if (status == OTTER_OK)
        status = write_header(kv, header);
    if (status != OTTER_OK)
        return status;
    kv->generation = next;
    kv->write_offset = offset;
    kv->closed = false;
    return OTTER_OK;
}

static bool has_room(const struct kv *kv, uint32_t need)
{
    return kv->generation > 0 && !kv->closed &&
           need <= sector_end(kv, kv->generation) - kv->write_offset;
}

/* Makes `need` bytes free at the write offset. Every sector is rotated at most once. */
static otter_status make_room(struct kv *kv, uint32_t need, bool only_deletes)
{
    struct kv_usage usage;
    if (!only_deletes)
        need += reserve(kv);
    if (has_room(kv, need))
        return OTTER_OK;
    if (!only_deletes) {
        kv_usage(kv, &usage);
        if (usage.live_bytes + need - reserve(kv) > usage.capacity_bytes)
            return OTTER_E_NO_SPACE;
    }
    if (kv->refused > 0 && need >= kv->refused)
        return OTTER_E_NO_SPACE; /* tried before; do not wear the flash by trying again */
    for (uint32_t i = 0; i < kv->sector_count; i++) {
        const otter_status status = rotate(kv, need > reserve(kv) ? need - reserve(kv) : 0);
        if (status != OTTER_OK)
            return status;
        if (has_room(kv, need))
            return OTTER_OK;
    }
    kv->refused = need;
    return OTTER_E_NO_SPACE;
}

/* Finds the end of the log in the active sector, and closes it when something torn lies there. */
static void find_log_end(struct kv *kv)
{
    const uint32_t end = sector_end(kv, kv->generation);
    struct record record;
    struct record last = {.offset = 0};
    uint32_t change = first_record(kv, kv->generation); /* where the last change begins */
    uint32_t offset = change;
    while (record_at(kv, offset, &record) && record_valid(kv, &record)) {
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

/* The highest generation whose header can be relied on. One that wavers may yet turn out to be
 * newer, in a later run: `*doubtful` then, and the log must not grow before that sector is erased,
 * which is what the next rotation does. */
static uint32_t find_generation(const struct kv *kv, bool *doubtful)
{
    uint32_t highest = 0;
    for (uint32_t sector = 0; sector < kv->sector_count; sector++) {
        struct header header;
        if (!flash_is_stable(kv->area, sector * kv->sector_size, header_space(kv)))
            *doubtful = true;
        else if (read_header(kv, sector, &header) && header.generation > highest)
            highest = header.generation;
    }
    return highest;
}

static bool sectors_are_equal(const struct flash_area *area, uint32_t size)
{
    for (uint32_t offset = 0; offset < area->size; offset += size) {
        const struct flash_sector sector = flash_sector_at(area, offset);
        if (sector.offset != offset || sector.size != size)
            return false;
    }
    return true;
}

otter_status kv_open(struct kv *kv, const struct flash_area *area)
{
    const uint32_t size = flash_sector_at(area, 0).size;
    if (size < SECTOR_SIZE_MIN || area->size % size != 0 || area->size / size < 2 ||
        area->size / size > UINT16_MAX || area->flash->write_size > FLASH_WRITE_SIZE_MAX ||
        !sectors_are_equal(area, size))
        return OTTER_E_ARGUMENT;
    *kv = (struct kv){.area = area, .sector_size = size, .sector_count = area->size / size};
    kv->generation = find_generation(kv, &kv->closed);
    if (kv->generation > 0)
        find_log_end(kv);
    return OTTER_OK;
}

static struct record_key key_of(const char *text)
{
    return (struct record_key){text, (uint32_t)strlen(text)};
}

otter_status kv_get(struct kv *kv, const char *key, void *value, uint32_t size, uint32_t *length)
{
    struct record record;
    *length = 0;
    if (!find_value(kv, key_of(key), &record))
        return OTTER_E_NOT_FOUND;
    *length = record.value_length;
    if (record.value_length > size)
        return OTTER_E_TOO_LONG;
    return flash_read(kv->area, record_value_offset(&record), value, record.value_length);
}

static bool item_is_valid(const struct kv_item *items, uint32_t index)
{
    const struct record_key key = key_of(items[index].key);
    if (key.length == 0 || key.length > KV_KEY_MAX ||
        (items[index].value != NULL && items[index].length > KV_VALUE_MAX))
        return false;
    for (uint32_t i = 0; i < index; i++) {
        if (strcmp(items[i].key, items[index].key) == 0)
            return false;
    }
    return true;
}

static bool item_changes_something(const struct kv *kv, const struct kv_item *item)
{
    struct record record;
    if (!find_value(kv, key_of(item->key), &record))
        return item->value != NULL;
    return item->value == NULL || !record_has_value(kv, &record, item->value, item->length);
}

/* What of a batch must be written: bit i of `items` stands for item i. */
struct change {
    uint32_t items;
    uint32_t size;
    bool only_deletes;
};

static struct change plan_change(const struct kv *kv, const struct kv_item *items, uint32_t count)
{
    struct change change = {.only_deletes = true};
    for (uint32_t i = 0; i < count; i++) {
        if (!item_changes_something(kv, &items[i]))
            continue;
        const bool deletes = items[i].value == NULL;
        change.items |= 1u << i;
        change.size += record_size(kv, key_of(items[i].key).length, deletes ? 0 : items[i].length);
        change.only_deletes = change.only_deletes && deletes;
    }
    return change;
}

static otter_status write_items(struct kv *kv, const struct kv_item *items, uint32_t to_write)
{
    uint32_t offset = kv->write_offset;
    otter_status status = OTTER_OK;
    for (uint32_t i = 0; to_write >> i != 0 && status == OTTER_OK; i++) {
        if (!(to_write >> i & 1u))
            continue;
        const bool deletes = items[i].value == NULL;
        const uint32_t more = to_write >> i > 1 ? RECORD_MORE : 0;
        status = record_write(kv, &offset, (uint8_t)(more | (deletes ? RECORD_DELETE : RECORD_SET)),
                              key_of(items[i].key), items[i].value, deletes ? 0 : items[i].length);
    }
    kv->refused = 0;
    if (status == OTTER_OK)
        kv->write_offset = offset;
    else
        kv->closed = true; /* nothing may follow a record that is not whole */
    return status;
}

otter_status kv_set_all(struct kv *kv, const struct kv_item *items, uint32_t count)
{
    if (count > KV_BATCH_MAX)
        return OTTER_E_ARGUMENT;
    for (uint32_t i = 0; i < count; i++) {
        if (!item_is_valid(items, i))
            return OTTER_E_ARGUMENT;
    }
    const struct change change = plan_change(kv, items, count);
    if (change.items == 0)
        return OTTER_OK;
    if (change.size > sector_room(kv))
        return OTTER_E_TOO_LONG;
    otter_status status = OTTER_E_FLASH;
    /* a failure may be one bad cell: try once more, in the next sector */
    for (uint32_t attempt = 0; attempt < 2 && status == OTTER_E_FLASH; attempt++) {
        status = make_room(kv, change.size, change.only_deletes);
        if (status != OTTER_OK)
            return status;
        status = write_items(kv, items, change.items);
    }
    return status;
}

otter_status kv_set(struct kv *kv, const char *key, const void *value, uint32_t length)
{
    const struct kv_item item = {key, value != NULL ? value : "", length};
    if (value == NULL && length > 0)
        return OTTER_E_ARGUMENT;
    return kv_set_all(kv, &item, 1);
}

otter_status kv_delete(struct kv *kv, const char *key)
{
    const struct kv_item item = {key, NULL, 0};
    return kv_set_all(kv, &item, 1);
}

otter_status kv_each(struct kv *kv, int (*visit)(void *ctx, const char *key, uint32_t length),
                     void *ctx)
{
    char key[KV_KEY_MAX + 1];
    for (uint32_t generation = kv->generation; generation > 0;
         generation = older_generation(kv, generation)) {
        struct record record;
        struct walk walk = walk_sector(kv, generation);
        while (walk_next(&walk, &record)) {
            if (is_live(kv, &record, key) && visit(ctx, key, record.value_length) != 0)
                return OTTER_OK;
        }
    }
    return OTTER_OK;
}

struct usage_count {
    const struct kv *kv;
    struct kv_usage *usage;
};

static int count_key(void *ctx, const char *key, uint32_t length)
{
    const struct usage_count *count = ctx;
    count->usage->live_bytes += record_size(count->kv, key_of(key).length, length);
    count->usage->keys++;
    return 0;
}

otter_status kv_usage(struct kv *kv, struct kv_usage *usage)
{
    struct usage_count count = {kv, usage};
    *usage = (struct kv_usage){.capacity_bytes = (kv->sector_count - 1) * sector_room(kv)};
    return kv_each(kv, count_key, &count);
}

otter_status kv_format(struct kv *kv)
{
    /* a generation so far ahead that no sector written before belongs to the log */
    const struct header header = {kv->generation + 1 + kv->sector_count, 0};
    const uint32_t start = sector_start(kv, header.generation);
    otter_status status = flash_erase(kv->area, start, kv->sector_size);
    if (status == OTTER_OK)
        status = write_header(kv, header);
    if (status != OTTER_OK)
        return status;
    kv->generation = header.generation;
    kv->write_offset = first_record(kv, header.generation);
    kv->closed = false;
    for (uint32_t i = 1; i < kv->sector_count && status == OTTER_OK; i++)
        status = flash_erase(kv->area, sector_start(kv, header.generation + i), kv->sector_size);
    return status;
}
