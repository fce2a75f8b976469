/* The cloud's state: one SQLite file, DIR/otter.db, in WAL mode.
 *
 * A thin wrapper: statements with typed binds, rows, savepoints, and BLOBs read piece by piece. All
 * of the cloud lives on one event loop, so one `struct db` is used from one thread. Every table is
 * made by db_open (schema.c), which also moves older files to the current schema.
 *
 *     struct db_rows *things = db_select(db, "SELECT name, version FROM things WHERE type = ?",
 *                                        "s", type);
 *     while (db_next(things))
 *         show(db_text(things, 0), db_int(things, 1));
 *     status = db_done(things);
 *
 * Binds: one letter a parameter. "s" const char * (NULL binds NULL), "i" int64_t (cast it, as for
 * any variadic function), "b" const void *, size_t. Text is copied; a blob must live until the
 * statement is done.
 *
 * Status: OTTER_OK, OTTER_E_STATE when a constraint refused the change (the row exists already, or
 * is still referred to), OTTER_E_IO for all else; db_error says it in words. */
#ifndef OTTER_CLOUD_STORE_DB_H
#define OTTER_CLOUD_STORE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "port/status.h"

struct db;
struct db_rows;
struct db_blob;

/* Opens or makes DIR/otter.db; DIR must exist. NULL with the reason, ending in NUL, in `reason`. */
struct db *db_open(const char *directory, char *reason, size_t size);
void db_close(struct db *db);

/* Has `failed` called, for the log, at each failure that is no matter of course (OTTER_E_IO). NULL:
 * nobody. */
void db_on_failure(struct db *db, void (*failed)(void *context, const char *text), void *context);
/* The last failure in SQLite's words. */
const char *db_error(struct db *db);

/* A statement without rows. */
otter_status db_run(struct db *db, const char *sql, const char *types, ...);

/* Rows changed by the last db_run; the rowid of the last INSERT. */
int64_t db_changes(struct db *db);
int64_t db_inserted(struct db *db);
/* Grows with each row that is changed: equal to what it was, nothing has changed. */
int64_t db_total_changes(struct db *db);

/* A statement with rows. Never NULL-checked by the caller: a statement that could not be prepared
 * has no rows, and db_done tells why. */
struct db_rows *db_select(struct db *db, const char *sql, const char *types, ...);
bool db_next(struct db_rows *rows);
otter_status db_done(struct db_rows *rows); /* frees; must be called */

/* Columns of the current row, counted from 0. Text is NULL for SQL NULL and lives until the next
 * db_next or db_done. */
const char *db_text(struct db_rows *rows, int column);
int64_t db_int(struct db_rows *rows, int column);
bool db_null(struct db_rows *rows, int column);
const void *db_bytes(struct db_rows *rows, int column, size_t *size);

/* The first column of the first row, 0 when there is none: for COUNT and the like. */
int64_t db_number(struct db *db, const char *sql, const char *types, ...);

/* Savepoints: they nest. Each db_begin is ended by exactly one db_commit or db_rollback. */
otter_status db_begin(struct db *db);
otter_status db_commit(struct db *db);
void db_rollback(struct db *db);

/* db_commit when `status` is OTTER_OK, else db_rollback; gives what became of it. */
otter_status db_finish(struct db *db, otter_status status);

/* ---- durability ----
 *
 * A commit is on the disk when it returns (synchronous = FULL). That costs an fsync; so commits may
 * be grouped: with db_group, all writes up to the next db_flush are one transaction, undone
 * together if its end fails. Savepoints work within it as without. `began` is called when a group
 * opens, for the caller to see to it that db_flush follows soon. */
void db_group(struct db *db, void (*began)(void *context), void *context);
otter_status db_flush(struct db *db); /* nothing to do without a group */
/* Whether something is written that is not on the disk yet. */
bool db_dirty(const struct db *db);

/* Calls `settled` when all that was written so far is on the disk (OTTER_OK; at once when it is),
 * or will never be: OTTER_E_REFUSED when a savepoint that is open now is rolled back, OTTER_E_IO
 * when the commit failed. Exactly one call, in the order of asking. */
typedef void db_settled(void *context, otter_status status);
void db_after_commit(struct db *db, db_settled *settled, void *context);

/* One BLOB column of one row, for reading piece by piece. NULL when there is no such row. It goes
 * stale (reads fail with OTTER_E_IO) when the row is changed or deleted. */
struct db_blob *db_blob_open(struct db *db, const char *table, const char *column, int64_t rowid);
size_t db_blob_size(const struct db_blob *blob);
otter_status db_blob_read(struct db_blob *blob, size_t offset, void *bytes, size_t size);
void db_blob_close(struct db_blob *blob);

#endif
