/* Savepoints, groups of commits, and what waits for them.
 *
 *   no group     a statement, or the outermost savepoint, is a transaction of its own
 *   with groups  the first write opens a transaction, db_flush ends it: all writes of one turn of
 *                the event loop cost one fsync. Savepoints undo their part of it as before.
 *
 * Who waits is told once: after the commit, when its savepoint is rolled back, or when SQLite lost
 * the whole transaction (a full disk does that). */
#include <stdlib.h>

#include "cloud/store/db_internal.h"

/* ---- who waits ---- */

/* Takes the waits from `first` on out of the list and tells them, in order. They may ask again. */
static void settle(struct db *db, size_t first, otter_status status)
{
    size_t count = db->wait_count - first;
    struct db_wait *told = count ? malloc(count * sizeof *told) : NULL;
    if (count && !told)
        abort();
    for (size_t i = 0; i < count; i++)
        told[i] = db->waits[first + i];
    db->wait_count = first;
    for (size_t i = 0; i < count; i++)
        told[i].settled(told[i].context, told[i].status == OTTER_OK ? status : told[i].status);
    free(told);
}

/* Some failures (a full disk, broken I/O) make SQLite roll back all that was open: what waited for
 * it will never be. */
static void notice_loss(struct db *db)
{
    if (!db->open || !sqlite3_get_autocommit(db->handle))
        return;
    db->open = false;
    for (size_t i = 0; i < db->wait_count; i++)
        db->waits[i].status = OTTER_E_IO;
}

void db_after_commit(struct db *db, db_settled *settled, void *context)
{
    if (!db->grouped && db->depth == 0) {
        settled(context, OTTER_OK);
        return;
    }
    notice_loss(db);
    if (db->wait_count == db->wait_room) {
        db->wait_room = db->wait_room ? db->wait_room * 2 : 64;
        db->waits = realloc(db->waits, db->wait_room * sizeof *db->waits);
        if (!db->waits)
            abort(); /* nothing sensible can follow on the host */
    }
    db->waits[db->wait_count++] = (struct db_wait){settled, context, OTTER_OK};
}

bool db_dirty(const struct db *db)
{
    return db->grouped || db->depth > 0;
}

/* ---- groups ---- */

void db_group(struct db *db, void (*began)(void *context), void *context)
{
    db->group_began = began;
    db->group_context = context;
}

otter_status db_before_write(struct db *db)
{
    notice_loss(db);
    if (db->depth > 0) /* the rest of an operation must not stand without its beginning */
        return db->open ? OTTER_OK : OTTER_E_IO;
    if (!db->group_began || db->open)
        return OTTER_OK;
    otter_status status = db_control(db, "BEGIN IMMEDIATE");
    if (status != OTTER_OK)
        return status;
    db->open = true;
    if (!db->grouped)
        db->group_began(db->group_context);
    db->grouped = true;
    return OTTER_OK;
}

otter_status db_flush(struct db *db)
{
    if (!db->grouped)
        return OTTER_OK;
    if (db->depth > 0)
        return OTTER_E_STATE;
    notice_loss(db);
    otter_status status = db->open ? db_control(db, "COMMIT") : OTTER_OK;
    if (status != OTTER_OK && !sqlite3_get_autocommit(db->handle))
        db_control(db, "ROLLBACK");
    db->grouped = db->open = false;
    settle(db, 0, status);
    return status;
}

/* ---- savepoints: RELEASE and ROLLBACK TO mean the innermost of the name ---- */

otter_status db_begin(struct db *db)
{
    if (db->depth == DB_NEST_MAX)
        return OTTER_E_STATE;
    otter_status status = db_before_write(db);
    if (status == OTTER_OK)
        status = db_control(db, "SAVEPOINT nest");
    if (status != OTTER_OK)
        return status;
    db->open = true;
    db->marks[db->depth++] = db->wait_count;
    return OTTER_OK;
}

/* The outermost savepoint is the transaction itself where commits are not grouped. */
static void leave(struct db *db)
{
    db->depth--;
    if (db->depth == 0 && !db->grouped)
        db->open = false;
}

otter_status db_commit(struct db *db)
{
    notice_loss(db);
    otter_status status = db->open ? db_control(db, "RELEASE nest") : OTTER_E_IO;
    if (status != OTTER_OK)
        return status;
    leave(db);
    if (!db->open)
        settle(db, 0, OTTER_OK);
    return OTTER_OK;
}

void db_rollback(struct db *db)
{
    notice_loss(db);
    if (db->open) {
        db_control(db, "ROLLBACK TO nest");
        db_control(db, "RELEASE nest");
    }
    leave(db);
    settle(db, db->marks[db->depth], OTTER_E_REFUSED);
}

otter_status db_finish(struct db *db, otter_status status)
{
    if (status == OTTER_OK)
        status = db_commit(db);
    if (status != OTTER_OK)
        db_rollback(db);
    return status;
}
