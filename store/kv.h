/* Power-safe key-value store on raw NOR flash.
 *
 * Keys are 1..KV_KEY_MAX bytes of text, values 0..KV_VALUE_MAX bytes. A set or delete is atomic:
 * after a power cut at any flash operation, torn or not, a key has its old or its new value, and no
 * other key has changed. `kv_set` returns only after the value was read back and would survive a
 * cut. What lies on flash is described at the top of kv_log.c; every version of this store reads
 * what every other has written.
 *
 * The caller owns `struct kv` and the flash area; one user at a time. All calls work synchronously
 * and take bounded time: at worst each sector is erased and filled once. Of N sectors N - 1 hold
 * data, the other is the room that a power-safe compaction needs. A record lies within one sector,
 * so the longest value also depends on the sector: OTTER_E_TOO_LONG beyond it.
 *
 * Wear: an eighth of what the sectors hold stays free. So however full the store is, a small change
 * costs at most about eight times its size in erased flash, spread over all sectors.
 *
 * Flash that loses bits: one wrong bit in a record is repaired at each reading. A key whose newest
 * record is damaged further gives OTTER_E_CORRUPT, never its older value, until it is set or
 * deleted, or (much later) the sector is erased, from when on it is OTTER_E_NOT_FOUND. Only when
 * the key itself cannot be read any more is the damage known and the key not. kv_check tells of
 * all. */
#ifndef OTTER_STORE_KV_H
#define OTTER_STORE_KV_H

#include <stdbool.h>
#include <stdint.h>

#include "port/flash.h"

#ifdef __cplusplus
extern "C" {
#endif

#define KV_KEY_MAX   31u
#define KV_VALUE_MAX 2048u

struct kv {
    const struct flash_area *area;
    uint32_t sector_size;
    uint32_t sector_count;
    uint32_t generation;   /* of the sector being filled; 0 while the store has none */
    uint32_t write_offset; /* in the area; where its valid records end and the next one goes */
    uint32_t
        refused; /* size that compaction could not make room for; 0: none since some was freed */
    uint32_t damaged; /* bit i: in sector i, i + 32, … something does not read as written */
    uint32_t live;    /* bytes of live records */
    bool live_known;
    bool closed; /* something torn lies there: the next write takes a new sector */
};

/* Finds the live records; what a power cut left half done is ignored. Writes nothing. An erased or
 * foreign area (another sector count or write size too) becomes an empty store. OTTER_E_ARGUMENT if
 * the area does not consist of two or more sectors of equal size, 128 bytes or larger. */
otter_status kv_open(struct kv *kv, const struct flash_area *area);

/* Copies the value into `value` and its length into `*length`. OTTER_E_NOT_FOUND; OTTER_E_CORRUPT
 * when there was one that can no longer be read (set it again); OTTER_E_TOO_LONG when `size` is too
 * small (`*length` then says what is needed). */
otter_status kv_get(struct kv *kv, const char *key, void *value, uint32_t size, uint32_t *length);

/* OTTER_E_NO_SPACE leaves the old value in place: what is live may not exceed the capacity
 * (kv_usage), and old and new must lie on flash together. Setting an equal value writes nothing.
 * OTTER_E_ARGUMENT for a key or value outside of the limits. */
otter_status kv_set(struct kv *kv, const char *key, const void *value, uint32_t length);

/* Deleting an absent key succeeds. Room for this is kept back, so that a full store can be emptied.
 */
otter_status kv_delete(struct kv *kv, const char *key);

/* Sets up to KV_BATCH_MAX different keys as one atomic change: after a power cut all or none are
 * set. All of them together must fit in one sector (OTTER_E_TOO_LONG). */
#define KV_BATCH_MAX 8u
struct kv_item {
    const char *key;
    const void *value; /* NULL deletes */
    uint32_t length;
};
otter_status kv_set_all(struct kv *kv, const struct kv_item *items, uint32_t count);

/* As kv_set_all, for up to KV_BATCH_MAX - 1 items, and what these keys held before is erased: when
 * it returns, or after a power cut when kv_purge has returned, no copy of it is left on flash.
 * Where something is replaced, and always where all items delete (a power cut may have kept what
 * was set from being found, and not from lying there), this erases every sector once; for private
 * keys, not for settings. */
otter_status kv_replace_secret(struct kv *kv, const struct kv_item *items, uint32_t count);
/* Ends what a power cut kept kv_replace_secret from ending. Call it after kv_open. */
otter_status kv_purge(struct kv *kv);

/* Calls `visit` for each live key in unspecified order; stops when it returns non-zero. */
otter_status kv_each(struct kv *kv, int (*visit)(void *ctx, const char *key, uint32_t length),
                     void *ctx);

/* Something that does not read as it was written. */
struct kv_damage {
    uint32_t sector;
    uint32_t offset; /* in the sector; 0: its header */
    bool repaired;   /* one wrong bit, known and put right at each reading */
    const char *key; /* as it reads; "" when it does not */
};
/* Reads the whole store and calls `report` (if not NULL) for each damage that still matters;
 * returns how many there are. A header beyond repair stands for all records of its sector. */
uint32_t kv_check(struct kv *kv, void (*report)(void *ctx, const struct kv_damage *damage),
                  void *ctx);

struct kv_usage {
    uint32_t live_bytes; /* what live records take */
    uint32_t capacity_bytes;
    uint32_t keys;
};
otter_status kv_usage(struct kv *kv, struct kv_usage *usage);

/* Makes the store empty as one atomic change, then erases what was there. After a power cut in the
 * second part the store is empty, but old bytes may still be read out of the chip: call it again.
 */
otter_status kv_format(struct kv *kv);

#ifdef __cplusplus
}
#endif

#endif
