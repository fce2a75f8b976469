/* Power-safe key-value store on raw NOR flash.
 *
 * Keys are 1..KV_KEY_MAX bytes of text, values 0..KV_VALUE_MAX bytes. A set or delete is atomic:
 * after a power cut at any flash operation, torn or not, a key has its old or its new value, and no
 * other key has changed. `kv_set` returns only after the value was read back and would survive a
 * cut. What lies on flash is described at the top of kv.c.
 *
 * The caller owns `struct kv` and the flash area; one user at a time. All calls work synchronously
 * and take bounded time: at worst each sector is erased and filled once. Of N sectors N - 1 hold
 * data, the other is the room that a power-safe compaction needs. A record lies within one sector,
 * so the longest value also depends on the sector: OTTER_E_TOO_LONG beyond it. */
#ifndef OTTER_STORE_KV_H
#define OTTER_STORE_KV_H

#include <stdbool.h>
#include <stdint.h>

#include "port/flash.h"

#define KV_KEY_MAX   31u
#define KV_VALUE_MAX 2048u

struct kv {
    const struct flash_area *area;
    uint32_t sector_size;
    uint32_t sector_count;
    uint32_t generation;   /* of the sector being filled; 0 while the store has none */
    uint32_t write_offset; /* in the area; where its valid records end and the next one goes */
    uint32_t refused; /* size that compaction could not make room for; 0: none since a change */
    bool closed;      /* something torn lies there: the next write takes a new sector */
};

/* Finds the live records; what a power cut left half done is ignored. Writes nothing. An erased or
 * foreign area (another sector count or write size too) becomes an empty store. OTTER_E_ARGUMENT if
 * the area does not consist of two or more sectors of equal size, 128 bytes or larger. */
otter_status kv_open(struct kv *kv, const struct flash_area *area);

/* Copies the value into `value` and its length into `*length`. OTTER_E_NOT_FOUND;
 * OTTER_E_TOO_LONG when `size` is too small (`*length` then says what is needed). */
otter_status kv_get(struct kv *kv, const char *key, void *value, uint32_t size, uint32_t *length);

/* OTTER_E_NO_SPACE leaves the old value in place: old and new must fit together. Setting an equal
 * value writes nothing. OTTER_E_ARGUMENT for a key or value outside of the limits. */
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

/* Calls `visit` for each live key in unspecified order; stops when it returns non-zero. */
otter_status kv_each(struct kv *kv, int (*visit)(void *ctx, const char *key, uint32_t length),
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

#endif
