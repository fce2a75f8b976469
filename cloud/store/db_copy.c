/* Copies of the database, by SQLite itself. */
#include "cloud/store/db_copy.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#define BUSY_TIMEOUT_MS 30000

static sqlite3 *open_there(const char *path, char *reason, size_t size)
{
    sqlite3 *handle = NULL;
    if (sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK) {
        sqlite3_busy_timeout(handle, BUSY_TIMEOUT_MS);
        return handle;
    }
    snprintf(reason, size, "cannot open %s: %s", path, handle ? sqlite3_errmsg(handle) : "memory");
    sqlite3_close(handle);
    return NULL;
}

/* Within one read transaction, beside which the owner of the file writes on. */
bool db_copy(const char *directory, const char *path, char *reason, size_t size)
{
    char from[1024];
    sqlite3_stmt *statement = NULL;
    snprintf(from, sizeof from, "%s/" DB_COPY_NAME, directory);
    sqlite3 *handle = open_there(from, reason, size);
    if (!handle)
        return false;
    bool done = sqlite3_prepare_v2(handle, "VACUUM INTO ?", -1, &statement, NULL) == SQLITE_OK &&
                sqlite3_bind_text(statement, 1, path, -1, SQLITE_STATIC) == SQLITE_OK &&
                sqlite3_step(statement) == SQLITE_DONE;
    if (!done)
        snprintf(reason, size, "cannot copy %s: %s", from, sqlite3_errmsg(handle));
    sqlite3_finalize(statement);
    sqlite3_close(handle);
    return done;
}

/* The text in the first row. */
static bool ask(sqlite3 *handle, const char *sql, char *text, size_t size)
{
    sqlite3_stmt *statement = NULL;
    const unsigned char *found = NULL;
    if (sqlite3_prepare_v2(handle, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        found = sqlite3_column_text(statement, 0);
    snprintf(text, size, "%s", found ? (const char *)found : sqlite3_errmsg(handle));
    sqlite3_finalize(statement);
    return found != NULL;
}

bool db_copy_check(const char *path, char *reason, size_t size)
{
    char text[200];
    sqlite3 *handle = open_there(path, reason, size);
    if (!handle)
        return false;
    bool whole =
        ask(handle, "PRAGMA integrity_check(1)", text, sizeof text) && strcmp(text, "ok") == 0;
    if (!whole)
        snprintf(reason, size, "its database is damaged: %s", text);
    sqlite3_close(handle);
    return whole;
}
