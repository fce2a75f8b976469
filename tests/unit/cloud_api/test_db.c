/* The database's wrapper. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <unistd.h>

#include "cloud/store/db.h"
#include "port/port.h"

otter_ms port_now(void)
{
    return 0;
}

void port_log_write(const char *line, size_t length)
{
    print_message("%.*s\n", (int)length, line);
}

static char directory[32];

static int setup(void **state)
{
    char reason[200];
    strcpy(directory, "/tmp/otter-db-XXXXXX");
    if (!mkdtemp(directory))
        return -1;
    *state = db_open(directory, reason, sizeof reason);
    return *state
               ? db_run(*state, "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT UNIQUE, c BLOB)", "")
               : -1;
}

static int teardown(void **state)
{
    char command[64];
    db_close(*state);
    snprintf(command, sizeof command, "rm -rf %s", directory);
    return system(command);
}

static void values_come_back_as_they_were_bound(void **state)
{
    struct db *db = *state;
    size_t size;
    assert_int_equal(db_run(db, "INSERT INTO t VALUES(?, ?, ?)", "isb", (int64_t)1 << 40, "text",
                            "\0\1\2", (size_t)3),
                     OTTER_OK);
    assert_int_equal(db_inserted(db), (int64_t)1 << 40);
    struct db_rows *rows = db_select(db, "SELECT a, b, c, NULL FROM t WHERE b = ?", "s", "text");
    assert_true(db_next(rows));
    assert_int_equal(db_int(rows, 0), (int64_t)1 << 40);
    assert_string_equal(db_text(rows, 1), "text");
    assert_memory_equal(db_bytes(rows, 2, &size), "\0\1\2", 3);
    assert_int_equal(size, 3);
    assert_true(db_null(rows, 3));
    assert_null(db_text(rows, 3));
    assert_false(db_next(rows));
    assert_int_equal(db_done(rows), OTTER_OK);
}

static void a_constraint_is_told_from_other_failures(void **state)
{
    struct db *db = *state;
    assert_int_equal(db_run(db, "INSERT INTO t(b) VALUES('x')", ""), OTTER_OK);
    assert_int_equal(db_run(db, "INSERT INTO t(b) VALUES('x')", ""), OTTER_E_STATE);
    assert_int_equal(db_run(db, "INSERT INTO nothing VALUES(1)", ""), OTTER_E_IO);
    struct db_rows *rows = db_select(db, "SELECT nonsense", "");
    assert_false(db_next(rows));
    assert_int_equal(db_done(rows), OTTER_E_IO);
}

static void savepoints_nest(void **state)
{
    struct db *db = *state;
    assert_int_equal(db_begin(db), OTTER_OK);
    db_run(db, "INSERT INTO t(b) VALUES('outer')", "");
    assert_int_equal(db_begin(db), OTTER_OK);
    db_run(db, "INSERT INTO t(b) VALUES('inner')", "");
    assert_int_equal(db_finish(db, OTTER_E_REFUSED), OTTER_E_REFUSED);
    assert_int_equal(db_finish(db, OTTER_OK), OTTER_OK);
    assert_int_equal(db_number(db, "SELECT COUNT(*) FROM t", ""), 1);
    db_begin(db);
    db_run(db, "DELETE FROM t", "");
    db_rollback(db);
    assert_int_equal(db_number(db, "SELECT COUNT(*) FROM t", ""), 1);
}

static void a_blob_is_read_piece_by_piece_and_within_its_bounds(void **state)
{
    struct db *db = *state;
    char piece[4];
    db_run(db, "INSERT INTO t(a, c) VALUES(7, ?)", "b", "abcdefgh", (size_t)8);
    struct db_blob *blob = db_blob_open(db, "t", "c", 7);
    assert_non_null(blob);
    assert_int_equal(db_blob_size(blob), 8);
    assert_int_equal(db_blob_read(blob, 4, piece, 4), OTTER_OK);
    assert_memory_equal(piece, "efgh", 4);
    assert_int_equal(db_blob_read(blob, 5, piece, 4), OTTER_E_BOUNDS);
    assert_int_equal(db_blob_read(blob, SIZE_MAX, piece, 4), OTTER_E_BOUNDS);
    db_run(db, "DELETE FROM t", "");
    assert_int_equal(db_blob_read(blob, 0, piece, 4), OTTER_E_IO);
    db_blob_close(blob);
    assert_null(db_blob_open(db, "t", "c", 8));
}

static void everything_is_found_again_after_a_restart(void **state)
{
    char reason[200];
    db_run(*state, "INSERT INTO t(b) VALUES('kept')", "");
    db_close(*state);
    *state = db_open(directory, reason, sizeof reason);
    assert_non_null(*state);
    assert_int_equal(db_number(*state, "SELECT COUNT(*) FROM t WHERE b = 'kept'", ""), 1);
}

static void a_file_of_a_newer_version_is_refused_with_words(void **state)
{
    char reason[200] = "";
    db_run(*state, "PRAGMA user_version = 1000", "");
    assert_null(db_open(directory, reason, sizeof reason));
    assert_non_null(strstr(reason, "newer"));
}

/* ---- migrations ---- */

/* Puts the first version's file where the next db_open finds it. */
static void lay_down_version_1(void)
{
    char path[64], *sql = calloc(1, 65536), *message = NULL;
    sqlite3 *old;
    FILE *file = fopen(SCHEMA_1, "r");
    assert_non_null(file);
    assert_true(fread(sql, 1, 65535, file) > 1000);
    fclose(file);
    snprintf(path, sizeof path, "%s/otter.db", directory);
    unlink(path);
    assert_int_equal(sqlite3_open(path, &old), SQLITE_OK);
    if (sqlite3_exec(old, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s", message);
    sqlite3_close(old);
    free(sql);
}

static void expect_number(struct db *db, int64_t expected, const char *sql)
{
    int64_t number = db_number(db, sql, "");
    if (number != expected)
        fail_msg("%s: %lld, not %lld", sql, (long long)number, (long long)expected);
}

static void a_file_of_the_first_version_is_brought_up_to_date(void **state)
{
    char reason[200];
    db_close(*state);
    lay_down_version_1();
    for (int time = 0; time < 2; time++) { /* the second start finds nothing to do */
        struct db *db = db_open(directory, reason, sizeof reason);
        assert_non_null(db);
        expect_number(db, 5, "PRAGMA user_version");
        expect_number(db, 1, "SELECT COUNT(*) FROM things WHERE name = 'lamp'");
        expect_number(db, 1,
                      "SELECT content = CAST('small' AS BLOB) AND content_id IS NULL"
                      " FROM objects WHERE key = 'small'");
        expect_number(db, 1,
                      "SELECT content_id IS NOT NULL AND length(content) = 0"
                      " FROM objects WHERE key = 'large'");
        expect_number(db, 2, "SELECT COUNT(*) FROM contents WHERE state = 1");
        expect_number(db, 1,
                      "SELECT group_concat(CAST(bytes AS TEXT), '') ="
                      " replace(hex(zeroblob(300000)), '00', 'ab') FROM (SELECT bytes FROM"
                      " objects o JOIN spans s ON s.content = o.content_id JOIN pieces p"
                      " ON p.id = s.piece WHERE o.key = 'large' ORDER BY s.start)");
        expect_number(db, 600000,
                      "SELECT SUM(s.size) FROM upload_parts u"
                      " JOIN spans s ON s.content = u.content_id");
        expect_number(db, 1, "SELECT COUNT(*) FROM job_executions WHERE status = 'QUEUED'");
        if (time == 1)
            *state = db;
        else
            db_close(db);
    }
}

static void a_migration_that_fails_changes_nothing(void **state)
{
    char reason[200];
    sqlite3 *old;
    char path[64];
    db_close(*state);
    lay_down_version_1();
    snprintf(path, sizeof path, "%s/otter.db", directory);
    assert_int_equal(sqlite3_open(path, &old), SQLITE_OK);
    sqlite3_exec(old, "CREATE TABLE spans(in_the_way INTEGER)", NULL, NULL, NULL);
    assert_null(db_open(directory, reason, sizeof reason));
    sqlite3_exec(old, "DROP TABLE spans", NULL, NULL, NULL);
    sqlite3_close(old);
    *state = db_open(directory, reason, sizeof reason);
    assert_non_null(*state);
    expect_number(*state, 5, "PRAGMA user_version");
}

static void a_missing_folder_is_refused_with_words(void **state)
{
    char reason[200] = "";
    (void)state;
    assert_null(db_open("/nonexistent/folder", reason, sizeof reason));
    assert_non_null(strstr(reason, "/nonexistent/folder/otter.db"));
}

static int one_page(sqlite3 *handle, char **error, const sqlite3_api_routines *routines)
{
    (void)error, (void)routines;
    return sqlite3_exec(handle, "PRAGMA max_page_count = 1", NULL, NULL, NULL);
}

static void a_disk_that_is_full_from_the_beginning_is_refused_with_the_cause(void **state)
{
    char reason[200] = "", full[] = "/tmp/otter-db-XXXXXX", command[64];
    (void)state;
    assert_non_null(mkdtemp(full));
    sqlite3_auto_extension((void (*)(void))one_page);
    struct db *db = db_open(full, reason, sizeof reason);
    sqlite3_reset_auto_extension();
    assert_null(db);
    assert_non_null(strstr(reason, "is full: make room there"));
    snprintf(command, sizeof command, "rm -r %s", full);
    assert_int_equal(system(command), 0);
}

/* ---- what waits for a commit ---- */

static char
    story[64]; /* one letter for each who was told: + it is on the disk, - it never will be */

static void tell(void *context, otter_status status)
{
    size_t used = strlen(story);
    snprintf(story + used, sizeof story - used, "%s%s", (const char *)context,
             status == OTTER_OK          ? "+"
             : status == OTTER_E_REFUSED ? "-"
                                         : "!");
}

static void who_waits_is_told_after_the_outermost_commit(void **state)
{
    struct db *db = *state;
    story[0] = 0;
    db_after_commit(db, tell, "a");
    assert_string_equal(story, "a+"); /* nothing is open */
    db_begin(db);
    db_after_commit(db, tell, "b");
    db_begin(db);
    db_after_commit(db, tell, "c");
    assert_int_equal(db_finish(db, OTTER_OK), OTTER_OK);
    assert_string_equal(story, "a+");
    assert_int_equal(db_finish(db, OTTER_OK), OTTER_OK);
    assert_string_equal(story, "a+b+c+");
}

static void who_waits_for_what_is_rolled_back_is_told_so(void **state)
{
    struct db *db = *state;
    story[0] = 0;
    db_begin(db);
    db_after_commit(db, tell, "a");
    db_begin(db);
    db_after_commit(db, tell, "b");
    assert_int_equal(db_finish(db, db_run(db, "INSERT INTO nothing VALUES(1)", "")), OTTER_E_IO);
    assert_string_equal(story, "b-");
    assert_int_equal(db_finish(db, OTTER_OK), OTTER_OK);
    assert_string_equal(story, "b-a+");
}

static void count_groups(void *context)
{
    ++*(int *)context;
}

static void grouped_writes_are_one_transaction(void **state)
{
    struct db *db = *state;
    int groups = 0;
    char reason[200];
    struct db *other = db_open(directory, reason, sizeof reason);
    story[0] = 0;
    db_group(db, count_groups, &groups);
    assert_int_equal(db_number(db, "SELECT COUNT(*) FROM t", ""), 0);
    assert_false(db_dirty(db)); /* reading opens none */
    db_run(db, "INSERT INTO t(b) VALUES('x')", "");
    db_after_commit(db, tell, "x");
    db_begin(db);
    db_run(db, "INSERT INTO t(b) VALUES('undone')", "");
    db_after_commit(db, tell, "u");
    db_finish(db, OTTER_E_REFUSED);
    db_begin(db);
    db_run(db, "INSERT INTO t(b) VALUES('y')", "");
    assert_int_equal(db_finish(db, OTTER_OK), OTTER_OK);
    db_after_commit(db, tell, "y");
    assert_int_equal(groups, 1);
    assert_true(db_dirty(db));
    assert_string_equal(story, "u-");

    assert_int_equal(db_number(other, "SELECT COUNT(*) FROM t", ""), 0);
    assert_int_equal(db_flush(db), OTTER_OK);
    assert_string_equal(story, "u-x+y+");
    assert_int_equal(db_number(other, "SELECT COUNT(*) FROM t", ""), 2);
    db_close(other);
    assert_false(db_dirty(db));
}

/* The database may not grow: what SQLite says is what it says on a full disk. */
static void a_full_disk_undoes_the_group_and_tells_all_who_waited(void **state)
{
    struct db *db = *state;
    int groups = 0;
    char large[65536];
    memset(large, 'x', sizeof large);
    story[0] = 0;
    db_number(db, "PRAGMA max_page_count = 1", "");
    db_group(db, count_groups, &groups);
    assert_int_equal(db_run(db, "INSERT INTO t(b) VALUES('a')", ""), OTTER_OK);
    db_after_commit(db, tell, "a");
    db_begin(db);
    otter_status status = db_run(db, "INSERT INTO t(c) VALUES(?)", "b", large, sizeof large);
    assert_int_equal(status, OTTER_E_IO);
    assert_int_equal(db_run(db, "INSERT INTO t(b) VALUES('torn')", ""), OTTER_E_IO);
    assert_int_equal(db_finish(db, status), OTTER_E_IO);
    assert_int_equal(db_run(db, "INSERT INTO t(b) VALUES('z')", ""), OTTER_OK);
    db_after_commit(db, tell, "z");
    db_flush(db);
    assert_string_equal(story, "a!z+");
    assert_int_equal(db_number(db, "SELECT COUNT(*) FROM t", ""), 1);
}

static void a_statement_may_be_used_while_it_is_in_use(void **state)
{
    struct db *db = *state;
    static const char sql[] = "SELECT a FROM t WHERE a > ? ORDER BY a";
    db_run(db, "INSERT INTO t(a) VALUES(1), (2), (3)", "");
    struct db_rows *outer = db_select(db, sql, "i", (int64_t)0);
    assert_true(db_next(outer));
    struct db_rows *inner = db_select(db, sql, "i", (int64_t)1);
    assert_true(db_next(inner));
    assert_int_equal(db_int(inner, 0), 2);
    db_done(inner);
    assert_true(db_next(outer));
    assert_int_equal(db_int(outer, 0), 2);
    db_done(outer);
    inner = db_select(db, sql, "i", (int64_t)2);
    assert_true(db_next(inner));
    assert_int_equal(db_int(inner, 0), 3);
    db_done(inner);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(values_come_back_as_they_were_bound),
        TEST(a_constraint_is_told_from_other_failures),
        TEST(savepoints_nest),
        TEST(who_waits_is_told_after_the_outermost_commit),
        TEST(who_waits_for_what_is_rolled_back_is_told_so),
        TEST(grouped_writes_are_one_transaction),
        TEST(a_disk_that_is_full_from_the_beginning_is_refused_with_the_cause),
        TEST(a_full_disk_undoes_the_group_and_tells_all_who_waited),
        TEST(a_statement_may_be_used_while_it_is_in_use),
        TEST(a_blob_is_read_piece_by_piece_and_within_its_bounds),
        TEST(everything_is_found_again_after_a_restart),
        TEST(a_file_of_a_newer_version_is_refused_with_words),
        TEST(a_file_of_the_first_version_is_brought_up_to_date),
        TEST(a_migration_that_fails_changes_nothing),
        cmocka_unit_test(a_missing_folder_is_refused_with_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
