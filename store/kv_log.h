/* The log of the key-value store: sectors in a ring, and the search for records in them. For this
 * room only; the format is at the top of kv_log.c. */
#ifndef OTTER_STORE_KV_LOG_H
#define OTTER_STORE_KV_LOG_H

#include "store/kv_record.h"

#ifdef __cplusplus
extern "C" {
#endif

uint32_t log_header_space(const struct kv *kv);
uint32_t log_sector_start(const struct kv *kv, uint32_t generation);
uint32_t log_sector_end(const struct kv *kv, uint32_t generation);
uint32_t log_first_record(const struct kv *kv, uint32_t generation);

struct log_header {
    uint32_t generation;
    uint32_t log_end; /* of the sector of the generation before, from its start */
};
/* Writes and reads back. */
otter_status log_write_header(const struct kv *kv, struct log_header header);

/* Finds generation, end and damage of a log whose area and sectors are known. */
void log_find(struct kv *kv);

/* The sectors of the log, newest first: start with kv->generation; 0 ends. */
uint32_t log_older(const struct kv *kv, uint32_t generation);
bool log_holds(const struct kv *kv, uint32_t generation);

/* A walk over the records of one sector of the log, up to where the log ended there. Lengths are
 * believed in sectors in which no damage is known; elsewhere each record is examined, and damaged
 * ones come by as well. */
struct log_walk {
    const struct kv *kv;
    uint32_t offset;
    uint32_t end;
    bool exact; /* a record ends at `end` */
    bool careful;
};
struct log_walk log_walk(const struct kv *kv, uint32_t generation);
bool log_next(struct log_walk *walk, struct record *record);

/* The newest record of the key; a delete, and a damaged one, too. */
bool log_find_newest(struct kv *kv, struct record_key key, struct record *newest);

/* A set that is the newest word on its key. `key` receives the key's text. */
bool log_is_live(struct kv *kv, const struct record *record, char key[KV_KEY_MAX + 1]);

bool record_is_set(const struct record *record);

/* Calls `report` for everything in the log that did not read as written and still matters, and
 * notes where damage is; returns how many there were. */
uint32_t log_check(struct kv *kv, void (*report)(void *ctx, const struct kv_damage *damage),
                   void *ctx);

#ifdef __cplusplus
}
#endif

#endif
