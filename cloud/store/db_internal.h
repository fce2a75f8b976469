/* Between the files of the store only. */
#ifndef OTTER_CLOUD_STORE_DB_INTERNAL_H
#define OTTER_CLOUD_STORE_DB_INTERNAL_H

#include <sqlite3.h>

#include "cloud/store/db.h"

#define DB_NEST_MAX   16
#define DB_CACHE_SIZE 2048u /* a power of two, some times the number of statements of the cloud */

/* A statement that was prepared before, kept for the next time. */
struct db_kept {
    sqlite3_stmt *statement;
    bool in_use;
};

struct db_wait {
    db_settled *settled;
    void *context;
    otter_status status; /* OTTER_OK while it may still come true */
};

struct db {
    sqlite3 *handle;
    struct db_kept kept[DB_CACHE_SIZE];
    char error[200]; /* of the last failure */
    void (*failed)(void *context, const char *text);
    void *failed_context;

    /* transactions, see db_transaction.c */
    int depth;                 /* open savepoints */
    size_t marks[DB_NEST_MAX]; /* waits when each of them was begun */
    struct db_wait *waits;
    size_t wait_count, wait_room;
    bool open;    /* a transaction that we began, as far as we know */
    bool grouped; /* db_flush is due */
    void (*group_began)(void *context);
    void *group_context;
};

/* Before a statement that writes: opens the group where commits are grouped. OTTER_E_IO when the
 * transaction around it was lost. */
otter_status db_before_write(struct db *db);
/* Begins, marks or ends a transaction: runs a statement without values as it is. */
otter_status db_control(struct db *db, const char *sql);
/* SQLite's code as a status, told to db_on_failure's when it is no matter of course. */
otter_status db_status(struct db *db, int code);

#endif
