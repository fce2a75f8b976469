/* SQLite behind a small face; see db.h. */
#include "cloud/store/db.h"

#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/store/schema.h"
#include "port/log.h"

#define BUSY_TIMEOUT_MS 5000
#define FILE_NAME       "otter.db"

struct db {
    sqlite3 *handle;
};

struct db_rows {
    struct db *db;
    sqlite3_stmt *statement;
    int code; /* of the last SQLite call */
};

struct db_blob {
    sqlite3_blob *handle;
};

static otter_status status_of(struct db *db, int code)
{
    if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE)
        return OTTER_OK;
    if ((code & 0xff) == SQLITE_CONSTRAINT)
        return OTTER_E_STATE;
    LOG_ERR("STORE", "database: %s", sqlite3_errmsg(db->handle));
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
        status = db_run(db, "PRAGMA synchronous = NORMAL", "");
    return status == OTTER_OK ? schema_apply(db) : status;
}

static void say_why(struct db *db, const char *path, otter_status status, char *reason, size_t size)
{
    if (status == OTTER_E_VERSION)
        snprintf(reason, size, "%s was written by a newer otter: use that one, or another folder",
                 path);
    else
        snprintf(reason, size, "cannot open the database %s: %s", path, sqlite3_errmsg(db->handle));
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
    sqlite3_close_v2(db->handle);
    free(db);
}

const char *db_error(struct db *db)
{
    return sqlite3_errmsg(db->handle);
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

static struct db_rows *select_v(struct db *db, const char *sql, const char *types,
                                va_list arguments)
{
    struct db_rows *rows = calloc(1, sizeof *rows);
    if (!rows)
        abort(); /* nothing sensible can follow on the host */
    rows->db = db;
    rows->code = sqlite3_prepare_v2(db->handle, sql, -1, &rows->statement, NULL);
    if (rows->code == SQLITE_OK)
        rows->code = bind(rows->statement, types, arguments);
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
    otter_status status = status_of(rows->db, rows->code);
    sqlite3_finalize(rows->statement);
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

/* ---- savepoints: RELEASE and ROLLBACK TO mean the innermost of the name ---- */

otter_status db_begin(struct db *db)
{
    return db_run(db, "SAVEPOINT nest", "");
}

otter_status db_commit(struct db *db)
{
    return db_run(db, "RELEASE nest", "");
}

void db_rollback(struct db *db)
{
    db_run(db, "ROLLBACK TO nest", "");
    db_run(db, "RELEASE nest", "");
}

otter_status db_finish(struct db *db, otter_status status)
{
    if (status == OTTER_OK)
        status = db_commit(db);
    if (status != OTTER_OK)
        db_rollback(db);
    return status;
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
