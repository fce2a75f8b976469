/* The key-value store: what may be written, and how room is made for it. What lies on flash is told
 * in kv_log.c. */
#include "store/kv.h"

#include <string.h>

#include "store/kv_log.h"

#define SECTOR_SIZE_MIN 128u

/* One part in so many of what the sectors hold stays free. Without it a full store would have to go
 * round all of its sectors for each small change. */
#define SLACK 8u

/* Set together with a new private key or the like, deleted when its old value is gone from flash:
 * so a power cut between the two is made good by the next kv_purge. */
#define PURGE_KEY "kv/purge"

/* Kept free by everything but deletes, so that a key can be deleted from a full store. */
static uint32_t reserve(const struct kv *kv)
{
    return record_size(kv, KV_KEY_MAX, 0);
}

/* What one sector can hold besides header and reserve. */
static uint32_t sector_room(const struct kv *kv)
{
    return kv->sector_size - log_header_space(kv) - reserve(kv);
}

static uint32_t capacity(const struct kv *kv)
{
    const uint32_t all = (kv->sector_count - 1) * sector_room(kv);
    return all - all / SLACK;
}

/* ---- Moving on to the next sector ------------------------------------------------------------ */

/* Copies the live records of a sector to *offset, leaving out those that would pass `end`. */
static otter_status copy_live(struct kv *kv, uint32_t generation, uint32_t *offset, uint32_t end)
{
    struct record record;
    char key[KV_KEY_MAX + 1];
    struct log_walk walk = log_walk(kv, generation);
    while (log_next(&walk, &record)) {
        if (record.end - record.offset > end - *offset || !log_is_live(kv, &record, key))
            continue;
        const otter_status status = record_copy(kv, offset, &record);
        if (status != OTTER_OK)
            return status;
    }
    return OTTER_OK;
}

/* Fills the sector of generation `next` with what must move there. The oldest sector always fits.
 * When `room` would not be left behind it, others are packed in as well, so that the holes of many
 * sectors come together as one in the course of the next rotations. */
static otter_status fill_sector(struct kv *kv, uint32_t next, uint32_t *offset, uint32_t room)
{
    const uint32_t end = log_sector_end(kv, next) - reserve(kv);
    otter_status status = OTTER_OK;
    for (uint32_t back = kv->sector_count - 1; back > 0 && status == OTTER_OK; back--) {
        const bool oldest = back == kv->sector_count - 1;
        if (next <= back || !log_holds(kv, next - back))
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
    struct log_header header = {next, 0};
    if (kv->generation > 0)
        header.log_end = kv->write_offset - log_sector_start(kv, kv->generation);
    uint32_t offset = log_first_record(kv, next);
    otter_status status = flash_erase(kv->area, log_sector_start(kv, next), kv->sector_size);
    if (status == OTTER_OK)
        status = fill_sector(kv, next, &offset, room);
    if (status == OTTER_OK)
        status = log_write_header(kv, header);
    if (status != OTTER_OK)
        return status;
    kv->damaged &= ~(1u << next % kv->sector_count % 32);
    kv->generation = next;
    kv->write_offset = offset;
    kv->closed = false;
    return OTTER_OK;
}

static bool has_room(const struct kv *kv, uint32_t need)
{
    return kv->generation > 0 && !kv->closed &&
           need <= log_sector_end(kv, kv->generation) - kv->write_offset;
}

/* What of a batch must be written: bit i of `items` stands for item i. */
struct change {
    uint32_t items;
    uint32_t size;    /* of its records */
    uint32_t added;   /* to what is live, */
    uint32_t removed; /* and from it */
    bool only_deletes;
};

static uint32_t live_bytes(struct kv *kv)
{
    struct kv_usage usage;
    if (!kv->live_known)
        kv_usage(kv, &usage);
    return kv->live;
}

/* Old and new must fit together, and the slack must stay. A store that is fuller than that, as
 * earlier versions left some, may still change what it has. */
static bool would_overfill(struct kv *kv, const struct change *change)
{
    if (change->added <= change->removed)
        return false;
    return live_bytes(kv) + change->added - change->removed > capacity(kv);
}

/* Makes room for the change at the write offset. Every sector is rotated at most once. */
static otter_status make_room(struct kv *kv, const struct change *change)
{
    const uint32_t need = change->size + (change->only_deletes ? 0 : reserve(kv));
    if (would_overfill(kv, change))
        return OTTER_E_NO_SPACE;
    if (has_room(kv, need))
        return OTTER_OK;
    if (!change->only_deletes && kv->refused > 0 && need >= kv->refused)
        return OTTER_E_NO_SPACE; /* tried before; do not wear the flash by trying again */
    for (uint32_t i = 0; i < kv->sector_count; i++) {
        const otter_status status = rotate(kv, change->only_deletes ? 0 : change->size);
        if (status != OTTER_OK)
            return status;
        if (has_room(kv, need))
            return OTTER_OK;
    }
    kv->refused = need;
    return OTTER_E_NO_SPACE;
}

/* ---- Opening and reading --------------------------------------------------------------------- */

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
    log_find(kv);
    return OTTER_OK;
}

static struct record_key key_of(const char *text)
{
    return (struct record_key){text, (uint32_t)strlen(text)};
}

/* OTTER_E_NOT_FOUND, or OTTER_E_CORRUPT when the newest record of the key is beyond repair. */
static otter_status find_value(struct kv *kv, const char *key, struct record *record)
{
    if (!log_find_newest(kv, key_of(key), record))
        return OTTER_E_NOT_FOUND;
    if (record->damaged)
        return OTTER_E_CORRUPT;
    return record_is_set(record) ? OTTER_OK : OTTER_E_NOT_FOUND;
}

otter_status kv_get(struct kv *kv, const char *key, void *value, uint32_t size, uint32_t *length)
{
    struct record record;
    *length = 0;
    const otter_status status = find_value(kv, key, &record);
    if (status != OTTER_OK)
        return status;
    *length = record.value_length;
    if (record.value_length > size)
        return OTTER_E_TOO_LONG;
    return record_read_value(kv, &record, value);
}

otter_status kv_each(struct kv *kv, int (*visit)(void *ctx, const char *key, uint32_t length),
                     void *ctx)
{
    char key[KV_KEY_MAX + 1];
    for (uint32_t generation = kv->generation; generation > 0;
         generation = log_older(kv, generation)) {
        struct record record;
        struct log_walk walk = log_walk(kv, generation);
        while (log_next(&walk, &record)) {
            if (log_is_live(kv, &record, key) && visit(ctx, key, record.value_length) != 0)
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
    *usage = (struct kv_usage){.capacity_bytes = capacity(kv)};
    const otter_status status = kv_each(kv, count_key, &count);
    kv->live = usage->live_bytes;
    kv->live_known = true;
    return status;
}

uint32_t kv_check(struct kv *kv, void (*report)(void *ctx, const struct kv_damage *damage),
                  void *ctx)
{
    return log_check(kv, report, ctx);
}

/* ---- Changing -------------------------------------------------------------------------------- */

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

/* Adds to the change what item i asks for that is not so already. */
static void plan_item(struct kv *kv, const struct kv_item *item, uint32_t i, struct change *change)
{
    struct record old;
    const uint32_t key_length = key_of(item->key).length;
    const bool deletes = item->value == NULL;
    const otter_status found = find_value(kv, item->key, &old);
    if (found == OTTER_E_NOT_FOUND && deletes)
        return;
    if (found == OTTER_OK && !deletes && old.flip == 0 &&
        record_has_value(kv, &old, item->value, item->length))
        return;
    const uint32_t size = record_size(kv, key_length, deletes ? 0 : item->length);
    change->items |= 1u << i;
    change->size += size;
    change->added += deletes ? 0 : size;
    if (found == OTTER_OK)
        change->removed += record_size(kv, key_length, old.value_length);
    change->only_deletes = change->only_deletes && deletes;
}

static struct change plan_change(struct kv *kv, const struct kv_item *items, uint32_t count)
{
    struct change change = {.only_deletes = true};
    for (uint32_t i = 0; i < count; i++)
        plan_item(kv, &items[i], i, &change);
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
    if (status == OTTER_OK)
        kv->write_offset = offset;
    else
        kv->closed = true; /* nothing may follow a record that is not whole */
    return status;
}

static void note_change(struct kv *kv, const struct change *change)
{
    kv->live += change->added - change->removed;
    if (change->removed > change->added)
        kv->refused = 0; /* what did not fit then may do so now */
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
    if (change.size > sector_room(kv) || change.added > capacity(kv))
        return OTTER_E_TOO_LONG;
    otter_status status = OTTER_E_FLASH;
    /* a failure may be one bad cell: try once more, in the next sector */
    for (uint32_t attempt = 0; attempt < 2 && status == OTTER_E_FLASH; attempt++) {
        status = make_room(kv, &change);
        if (status != OTTER_OK)
            return status;
        status = write_items(kv, items, change.items);
    }
    if (status == OTTER_OK)
        note_change(kv, &change);
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

/* ---- Leaving nothing behind ------------------------------------------------------------------ */

static bool only_deletes(const struct kv_item *items, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (items[i].value != NULL)
            return false;
    }
    return true;
}

/* Something other than these values is stored under one of the keys, or may be: whoever deletes a
 * secret may have met a power cut while it was set, and such a record is found by no search. */
static bool replaces_something(struct kv *kv, const struct kv_item *items, uint32_t count)
{
    if (only_deletes(items, count))
        return count > 0;
    for (uint32_t i = 0; i < count; i++) {
        struct record old;
        const otter_status found = find_value(kv, items[i].key, &old);
        if (found == OTTER_E_CORRUPT ||
            (found == OTTER_OK && (items[i].value == NULL ||
                                   !record_has_value(kv, &old, items[i].value, items[i].length))))
            return true;
    }
    return false;
}

otter_status kv_replace_secret(struct kv *kv, const struct kv_item *items, uint32_t count)
{
    struct kv_item with_mark[KV_BATCH_MAX];
    if (count >= KV_BATCH_MAX)
        return OTTER_E_ARGUMENT;
    for (uint32_t i = 0; i < count; i++) {
        if (!item_is_valid(items, i))
            return OTTER_E_ARGUMENT;
    }
    if (!replaces_something(kv, items, count))
        return kv_set_all(kv, items, count);
    memcpy(with_mark, items, count * sizeof *items);
    with_mark[count] = (struct kv_item){PURGE_KEY, "", 0};
    const otter_status status = kv_set_all(kv, with_mark, count + 1);
    if (status == OTTER_OK)
        (void)kv_purge(kv); /* the new values count; what failed here, the next start tries again */
    return status;
}

/* Once every sector has been the spare one, and the last of them is erased, flash holds live
 * records, and younger ones, alone. */
otter_status kv_purge(struct kv *kv)
{
    struct record mark;
    if (find_value(kv, PURGE_KEY, &mark) == OTTER_E_NOT_FOUND)
        return OTTER_OK;
    otter_status status = OTTER_OK;
    for (uint32_t i = 1; i < kv->sector_count && status == OTTER_OK; i++)
        status = rotate(kv, 0);
    if (status == OTTER_OK)
        status = flash_erase(kv->area, log_sector_start(kv, kv->generation + 1), kv->sector_size);
    return status == OTTER_OK ? kv_delete(kv, PURGE_KEY) : status;
}

otter_status kv_format(struct kv *kv)
{
    /* a generation so far ahead that no sector written before belongs to the log */
    const struct log_header header = {kv->generation + 1 + kv->sector_count, 0};
    const uint32_t start = log_sector_start(kv, header.generation);
    otter_status status = flash_erase(kv->area, start, kv->sector_size);
    if (status == OTTER_OK)
        status = log_write_header(kv, header);
    if (status != OTTER_OK)
        return status;
    kv->generation = header.generation;
    kv->write_offset = log_first_record(kv, header.generation);
    kv->closed = false;
    kv->damaged = kv->refused = kv->live = 0;
    kv->live_known = true;
    for (uint32_t i = 1; i < kv->sector_count && status == OTTER_OK; i++)
        status =
            flash_erase(kv->area, log_sector_start(kv, header.generation + i), kv->sector_size);
    return status;
}
