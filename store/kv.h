/* Power-safe key-value store on raw NOR flash.
 *
 * Keys are 1..KV_KEY_MAX bytes of text, values 0..KV_VALUE_MAX bytes. A set or delete is atomic:
 * after a power cut at any flash operation, torn or not, a key has its old or its new value, and no
 * other key has changed. `kv_set` returns only after the value would survive a cut.
 *
 * The caller owns `struct kv` and the flash area (at least two sectors); one user at a time. All
 * calls work synchronously and take bounded time: at worst one compaction of the area. */
#ifndef OTTER_STORE_KV_H
#define OTTER_STORE_KV_H

#include <stdint.h>

#include "port/flash.h"

#define KV_KEY_MAX 31u
#define KV_VALUE_MAX 2048u

struct kv {
    const struct flash_area *area;
    uint32_t write_offset;  /* where the next record goes */
    uint32_t active_sector; /* see kv.c for the layout */
    uint32_t generation;
};

/* Finds the live records, finishing or discarding what a power cut left half done. An erased or
 * foreign area becomes an empty store. OTTER_E_ARGUMENT if the area has fewer than two sectors. */
otter_status kv_open(struct kv *kv, const struct flash_area *area);

/* Copies the value into `value` and its length into `*length`. OTTER_E_NOT_FOUND;
 * OTTER_E_TOO_LONG when `size` is too small (`*length` then says what is needed). */
otter_status kv_get(struct kv *kv, const char *key, void *value, uint32_t size, uint32_t *length);

/* OTTER_E_NO_SPACE leaves the old value in place. Setting an equal value writes nothing. */
otter_status kv_set(struct kv *kv, const char *key, const void *value, uint32_t length);

/* Deleting an absent key succeeds. */
otter_status kv_delete(struct kv *kv, const char *key);

/* Sets up to KV_BATCH_MAX keys as one atomic change: after a power cut all or none are set. */
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

/* Erases everything. */
otter_status kv_format(struct kv *kv);

#endif
