/* One record of the key-value store: how it is read, checked, repaired and written. For this room
 * only; the format is at the top of kv_log.c.
 *
 * Nothing found on flash is believed: lengths are checked against the sector before use, and a
 * record counts only when its CRC is right. A read that the flash refuses (as parts with ECC do on
 * torn units) is the same as a wrong CRC.
 *
 * A record in which one bit reads wrong is repaired: the CRC tells which. CRC-32 keeps any two
 * records of up to 11 KB four bits apart, so one wrong bit is found without doubt, and two wrong
 * bits are never taken for one. */
#ifndef OTTER_STORE_KV_RECORD_H
#define OTTER_STORE_KV_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "store/kv.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { RECORD_SET = 1, RECORD_DELETE = 2, RECORD_MORE = 0x80 };

#define RECORD_HEADER_SIZE 4u
#define RECORD_CRC_SIZE    4u

struct record {
    uint32_t offset; /* in the area */
    uint32_t end;    /* where the next record may begin */
    uint16_t value_length;
    uint16_t flip;      /* one more than the bit that reads wrong, from the record's start; or 0 */
    uint8_t key_length; /* 0 when a damaged record does not tell its key */
    uint8_t kind;       /* RECORD_SET or RECORD_DELETE, with RECORD_MORE inside of a batch */
    bool damaged;       /* beyond repair: key and kind are only what the flash reads */
};

struct record_key {
    const char *text; /* not NUL-terminated */
    uint32_t length;
};

uint32_t record_align(const struct kv *kv, uint32_t length);

/* What a record takes on flash. */
uint32_t record_size(const struct kv *kv, uint32_t key_length, uint32_t value_length);

/* Reads the header at `offset`; false when no record can begin there: end of the sector, erased
 * flash, or lengths that make no sense. */
bool record_at(const struct kv *kv, uint32_t offset, struct record *record);

/* The CRC is right. Whether a batch is whole is a matter of where the log ends: kv_log.c. */
bool record_valid(const struct kv *kv, const struct record *record);

/* What lies at `offset`, with nothing taken on trust: a record, whole or repaired, or damage, up to
 * where the next whole record begins or to `end`. False when all is erased from there to `end`. */
bool record_examine(const struct kv *kv, uint32_t offset, uint32_t end, struct record *record);

/* For the last record before a cut: false when the units written last read differently from one
 * time to the next, as cells do that were caught half-way. */
bool record_is_stable(const struct kv *kv, const struct record *record);
bool flash_is_stable(const struct flash_area *area, uint32_t offset, uint32_t length,
                     bool repaired);

bool record_has_key(const struct kv *kv, const struct record *record, struct record_key key);

bool record_has_value(const struct kv *kv, const struct record *record, const void *value,
                      uint32_t length);

otter_status record_read_key(const struct kv *kv, const struct record *record,
                             char key[KV_KEY_MAX + 1]);
/* All of it, `value_length` bytes. */
otter_status record_read_value(const struct kv *kv, const struct record *record, void *value);

/* Both write at *offset, read the record back, and move *offset behind it. */
otter_status record_write(const struct kv *kv, uint32_t *offset, uint8_t kind,
                          struct record_key key, const void *value, uint32_t length);
otter_status record_copy(const struct kv *kv, uint32_t *offset, const struct record *record);

#ifdef __cplusplus
}
#endif

#endif
