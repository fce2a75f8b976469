/* SQLite behind a small face; see db.h. */
#include "cloud/store/db.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/store/db_internal.h"
#include "cloud/store/schema.h"

#define BUSY_TIMEOUT_MS 5000
#define FILE_NAME       "otter.db"

struct db_rows {
    struct db *db;
    sqlite3_stmt *statement;
    struct db_kept *kept; /* where the statement comes from; NULL: it is finalized after use */
    int code;             /* of the last SQLite call */
};

struct db_blob {
    sqlite3_blob *handle;
};

otter_status db_status(struct db *db, int code)
{
    if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE)
        return OTTER_OK;
    if (code == SQLITE_ABORT) /* the transaction around it is lost; that was said when it was */
        return OTTER_E_IO;
    if ((code & 0xff) == SQLITE_CONSTRAINT) {
        snprintf(db->error, sizeof db->error, "%s", sqlite3_errmsg(db->handle));
        return OTTER_E_STATE;
    }
    bool full = (code & 0xff) == SQLITE_FULL || sqlite3_system_errno(db->handle) == ENOSPC;
    if (full)
        snprintf(db->error, sizeof db->error, "the disk that holds %s is full: make room there",
                 sqlite3_db_filename(db->handle, "main"));
    else
        snprintf(db->error, sizeof db->error, "%s", sqlite3_errmsg(db->handle));
    if (db->failed)
        db->failed(db->failed_context, db->error);
    return OTTER_E_IO;
}

/* ---- open and close ---- */

static otter_status prepare_file(struct db *db)
{
    sqlite3_extended_result_codes(db->handle, 1);
    sqlite3_busy_timeout(db->handle, BUSY_TIMEOUT_MS);
    otter_status status = db_run(db, "PRAGMA foreign_keys = ON", "");
    if (status == OTTER_OK)
        status = db_done(db_select(db, "PRAGMA journal_mode = WAL", ""));
    if (status == OTTER_OK)
        status = db_run(db, "PRAGMA synchronous = FULL", "");
    if (status == OTTER_OK) /* what a savepoint would undo needs no file of its own */
        status = db_run(db, "PRAGMA temp_store = MEMORY", "");
    return status == OTTER_OK ? schema_apply(db) : status;
}

static void say_why(struct db *db, const char *path, otter_status status, char *reason, size_t size)
{
    if (status == OTTER_E_VERSION)
        snprintf(reason, size, "%s was written by a newer otter: use that one, or another folder",
                 path);
    else
        snprintf(reason, size, "cannot open the database %s: %s", path,
                 *db->error ? db->error : sqlite3_errmsg(db->handle));
}

void db_on_failure(struct db *db, void (*failed)(void *context, const char *text), void *context)
{
    db->failed = failed;
    db->failed_context = context;
}

struct db *db_open(const char *directory, char *reason, size_t size)
{
    struct db *db = calloc(1, sizeof *db);
    char path[1024];
    int length = snprintf(path, sizeof path, "%s/" FILE_NAME, directory);

    if (!db || length < 0 || (size_t)length >= sizeof path) {
        snprintf(reason, size, "cannot open a database in %.60s...: path too long", directory);
        free(db);
        return NULL;
    }
    int code = sqlite3_open_v2(path, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    otter_status status = code == SQLITE_OK ? prepare_file(db) : OTTER_E_IO;
    if (status == OTTER_OK)
        return db;
    say_why(db, path, status, reason, size);
    db_close(db);
    return NULL;
}

void db_close(struct db *db)
{
    if (!db)
        return;
    db_flush(db);
    for (size_t i = 0; i < DB_CACHE_SIZE; i++)
        sqlite3_finalize(db->kept[i].statement);
    sqlite3_close_v2(db->handle);
    free(db->waits);
    free(db);
}

const char *db_error(struct db *db)
{
    return db->error;
}

/* ---- statements ---- */

static int bind(sqlite3_stmt *statement, const char *types, va_list arguments)
{
    int code = SQLITE_OK;
    for (int i = 1; *types && code == SQLITE_OK; i++, types++) {
        if (*types == 'i') {
            code = sqlite3_bind_int64(statement, i, va_arg(arguments, int64_t));
        } else if (*types == 's') {
            code = sqlite3_bind_text(statement, i, va_arg(arguments, const char *), -1,
                                     SQLITE_TRANSIENT);
        } else {
            const void *bytes = va_arg(arguments, const void *);
            size_t size = va_arg(arguments, size_t);
            /* an empty blob is a blob, not NULL */
            code = size ? sqlite3_bind_blob64(statement, i, bytes, size, SQLITE_STATIC)
                        : sqlite3_bind_zeroblob(statement, i, 0);
        }
    }
    return code;
}

/* The place of a statement among those that are kept: compiling costs more than most of them. */
static struct db_kept *place_of(struct db *db, const char *sql)
{
    uint32_t hash = 2166136261u;
    for (const char *c = sql; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 16777619u;
    for (uint32_t i = 0; i < 8; i++) {
        struct db_kept *kept = &db->kept[(hash + i) % DB_CACHE_SIZE];
        if (!kept->statement || strcmp(sqlite3_sql(kept->statement), sql) == 0)
            return kept;
    }
    return NULL;
}

static int prepare(struct db_rows *rows, const char *sql)
{
    struct db_kept *kept = place_of(rows->db, sql);
    if (!kept || kept->in_use)
        return sqlite3_prepare_v2(rows->db->handle, sql, -1, &rows->statement, NULL);
    if (!kept->statement) {
        int code = sqlite3_prepare_v3(rows->db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT,
                                      &kept->statement, NULL);
        if (code != SQLITE_OK || !kept->statement)
            return code != SQLITE_OK ? code : SQLITE_MISUSE;
    }
    kept->in_use = true;
    rows->kept = kept;
    rows->statement = kept->statement;
    return SQLITE_OK;
}

static void put_back(struct db_rows *rows)
{
    if (!rows->kept) {
        sqlite3_finalize(rows->statement);
        return;
    }
    sqlite3_reset(rows->statement);
    sqlite3_clear_bindings(rows->statement);
    rows->kept->in_use = false;
}

otter_status db_control(struct db *db, const char *sql)
{
    struct db_rows rows = {.db = db};
    rows.code = prepare(&rows, sql);
    if (rows.code == SQLITE_OK)
        rows.code = sqlite3_step(rows.statement);
    otter_status status = db_status(db, rows.code);
    put_back(&rows);
    return status;
}

static struct db_rows *select_v(struct db *db, const char *sql, const char *types,
                                va_list arguments)
{
    struct db_rows *rows = calloc(1, sizeof *rows);
    if (!rows)
        abort(); /* nothing sensible can follow on the host */
    rows->db = db;
    rows->code = prepare(rows, sql);
    if (rows->code == SQLITE_OK)
        rows->code = bind(rows->statement, types, arguments);
    if (rows->code == SQLITE_OK && !sqlite3_stmt_readonly(rows->statement) &&
        db_before_write(db) != OTTER_OK)
        rows->code = SQLITE_ABORT;
    return rows;
}

struct db_rows *db_select(struct db *db, const char *sql, const char *types, ...)
{
    va_list arguments;
    va_start(arguments, types);
    struct db_rows *rows = select_v(db, sql, types, arguments);
    va_end(arguments);
    return rows;
}

bool db_next(struct db_rows *rows)
{
    if (rows->code == SQLITE_OK || rows->code == SQLITE_ROW)
        rows->code = sqlite3_step(rows->statement);
    return rows->code == SQLITE_ROW;
}

otter_status db_done(struct db_rows *rows)
{
    if (rows->code == SQLITE_OK)
        db_next(rows); /* a statement that nobody stepped still has its effect */
    otter_status status = db_status(rows->db, rows->code);
    put_back(rows);
    free(rows);
    return status;
}

otter_status db_run(struct db *db, const char *sql, const char *types, ...)
{
    va_list arguments;
    va_start(arguments, types);
    struct db_rows *rows = select_v(db, sql, types, arguments);
    va_end(arguments);
    return db_done(rows);
}

int64_t db_number(struct db *db, const char *sql, const char *types, ...)
{
    va_list arguments;
    va_start(arguments, types);
    struct db_rows *rows = select_v(db, sql, types, arguments);
    va_end(arguments);
    int64_t number = db_next(rows) ? db_int(rows, 0) : 0;
    db_done(rows);
    return number;
}

int64_t db_changes(struct db *db)
{
    return sqlite3_changes64(db->handle);
}

int64_t db_inserted(struct db *db)
{
    return sqlite3_last_insert_rowid(db->handle);
}

int64_t db_total_changes(struct db *db)
{
    return sqlite3_total_changes64(db->handle);
}

/* ---- columns ---- */

const char *db_text(struct db_rows *rows, int column)
{
    return (const char *)sqlite3_column_text(rows->statement, column);
}

int64_t db_int(struct db_rows *rows, int column)
{
    return sqlite3_column_int64(rows->statement, column);
}

bool db_null(struct db_rows *rows, int column)
{
    return sqlite3_column_type(rows->statement, column) == SQLITE_NULL;
}

const void *db_bytes(struct db_rows *rows, int column, size_t *size)
{
    const void *bytes = sqlite3_column_blob(rows->statement, column);
    *size = (size_t)sqlite3_column_bytes(rows->statement, column);
    return bytes;
}

/* ---- blobs ---- */

struct db_blob *db_blob_open(struct db *db, const char *table, const char *column, int64_t rowid)
{
    sqlite3_blob *handle = NULL;
    if (sqlite3_blob_open(db->handle, "main", table, column, rowid, 0, &handle) != SQLITE_OK) {
        sqlite3_blob_close(handle);
        return NULL;
    }
    struct db_blob *blob = calloc(1, sizeof *blob);
    if (!blob)
        abort();
    blob->handle = handle;
    return blob;
}

size_t db_blob_size(const struct db_blob *blob)
{
    return (size_t)sqlite3_blob_bytes(blob->handle);
}

otter_status db_blob_read(struct db_blob *blob, size_t offset, void *bytes, size_t size)
{
    size_t whole = db_blob_size(blob);
    if (offset > whole || size > whole - offset)
        return OTTER_E_BOUNDS;
    int code = sqlite3_blob_read(blob->handle, bytes, (int)size, (int)offset);
    return code == SQLITE_OK ? OTTER_OK : OTTER_E_IO;
}

void db_blob_close(struct db_blob *blob)
{
    if (!blob)
        return;
    sqlite3_blob_close(blob->handle);
    free(blob);
}
