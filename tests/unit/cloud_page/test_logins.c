/* Links that work once, and the cookies that they become. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cloud/page/logins.h"

static char dir[64];

static int make_dir(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/otter-logins-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
    char path[128];
    (void)state;
    snprintf(path, sizeof path, "%s/page-token", dir);
    unlink(path);
    snprintf(path, sizeof path, "%s/page-logins", dir);
    unlink(path);
    return rmdir(dir);
}

static void a_token_works_once(void **state)
{
    struct logins logins;
    char token[VISITOR_SECRET_SIZE], secret[VISITOR_SECRET_SIZE], again[VISITOR_SECRET_SIZE];
    (void)state;
    logins_open(&logins, dir);
    assert_true(logins_new_token(dir, 100, token));
    assert_true(logins_begin(&logins, token, 100, secret));
    assert_string_not_equal(token, secret);
    assert_true(logins_know(&logins, secret, 101));
    assert_false(logins_begin(&logins, token, 102, again));
}

static void another_token_is_refused_and_does_not_use_it_up(void **state)
{
    static const char wrong[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    struct logins logins;
    char token[VISITOR_SECRET_SIZE], secret[VISITOR_SECRET_SIZE];
    (void)state;
    logins_open(&logins, dir);
    assert_true(logins_new_token(dir, 100, token));
    assert_false(logins_begin(&logins, wrong, 100, secret));
    assert_false(logins_begin(&logins, "", 100, secret));
    assert_true(logins_begin(&logins, token, 100, secret));
}

static void a_newer_token_takes_the_place_of_an_older(void **state)
{
    struct logins logins;
    char old[VISITOR_SECRET_SIZE], token[VISITOR_SECRET_SIZE], secret[VISITOR_SECRET_SIZE];
    (void)state;
    logins_open(&logins, dir);
    assert_true(logins_new_token(dir, 100, old));
    assert_true(logins_new_token(dir, 100, token));
    assert_false(logins_begin(&logins, old, 100, secret));
    assert_true(logins_begin(&logins, token, 100, secret));
}

static void a_token_that_nobody_brought_in_time_is_refused_and_gone(void **state)
{
    struct logins logins;
    char token[VISITOR_SECRET_SIZE], secret[VISITOR_SECRET_SIZE];
    (void)state;
    logins_open(&logins, dir);
    assert_true(logins_new_token(dir, 100, token));
    assert_true(logins_begin(&logins, token, 100 + LOGINS_LINK_S, secret));
    assert_true(logins_new_token(dir, 100, token));
    assert_false(logins_begin(&logins, token, 101 + LOGINS_LINK_S, secret));
    assert_false(logins_begin(&logins, token, 101, secret));
}

static void the_token_is_for_its_owner_alone(void **state)
{
    char token[VISITOR_SECRET_SIZE], path[128];
    struct stat info;
    (void)state;
    assert_true(logins_new_token(dir, 100, token));
    snprintf(path, sizeof path, "%s/page-token", dir);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
}

static void a_login_ends_when_it_is_left_alone_or_logged_out(void **state)
{
    struct logins logins;
    char token[VISITOR_SECRET_SIZE], secret[VISITOR_SECRET_SIZE];
    (void)state;
    logins_open(&logins, dir);
    assert_true(logins_new_token(dir, 100, token));
    assert_true(logins_begin(&logins, token, 100, secret));
    assert_true(logins_know(&logins, secret, 100 + LOGINS_KEPT_S));
    assert_false(logins_know(&logins, secret, 101 + 2 * LOGINS_KEPT_S));
    assert_false(logins_know(&logins, secret, 100));
    assert_true(logins_new_token(dir, 100, token));
    assert_true(logins_begin(&logins, token, 100, secret));
    logins_end(&logins, secret);
    assert_false(logins_know(&logins, secret, 100));
    assert_false(logins_know(&logins, "", 100));
}

static void of_more_browsers_than_there_is_room_for_the_one_away_longest_goes(void **state)
{
    struct logins logins;
    char token[VISITOR_SECRET_SIZE], first[VISITOR_SECRET_SIZE], secret[VISITOR_SECRET_SIZE];
    (void)state;
    logins_open(&logins, dir);
    for (unsigned i = 0; i <= LOGINS_MAX; i++) {
        assert_true(logins_new_token(dir, 100, token));
        assert_true(logins_begin(&logins, token, 100 + i, i ? secret : first));
    }
    assert_false(logins_know(&logins, first, 200));
    assert_true(logins_know(&logins, secret, 200));
}

static void a_login_outlives_the_cloud_and_logging_out_does_too(void **state)
{
    struct logins before, after;
    char token[VISITOR_SECRET_SIZE], secret[VISITOR_SECRET_SIZE];
    (void)state;
    logins_open(&before, dir);
    assert_true(logins_new_token(dir, 100, token));
    assert_true(logins_begin(&before, token, 100, secret));
    logins_open(&after, dir); /* as after kill -9 */
    assert_true(logins_know(&after, secret, 100 + LOGINS_KEPT_S));
    assert_false(logins_know(&after, token, 101));
    logins_open(&before, dir); /* seen half a day later, which is noted */
    assert_true(logins_know(&before, secret, 100 + 2 * LOGINS_KEPT_S));
    logins_end(&before, secret);
    logins_open(&after, dir);
    assert_false(logins_know(&after, secret, 101));
}

static void the_file_of_logins_has_no_secrets_and_may_be_damaged(void **state)
{
    struct logins logins;
    char token[VISITOR_SECRET_SIZE], secret[VISITOR_SECRET_SIZE], path[128], text[400] = "";
    (void)state;
    logins_open(&logins, dir);
    assert_true(logins_new_token(dir, 100, token));
    assert_true(logins_begin(&logins, token, 100, secret));
    snprintf(path, sizeof path, "%s/page-logins", dir);
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    assert_true(fread(text, 1, sizeof text - 1, file) > 64);
    assert_null(strstr(text, secret));
    text[64] = '\0';
    logins_open(&logins, dir);
    assert_false(logins_know(&logins, text, 100)); /* what stands there lets nobody in */
    rewind(file);
    assert_int_equal(fwrite("g", 1, 1, file), 1);
    fclose(file);
    logins_open(&logins, dir);
    assert_false(logins_know(&logins, secret, 100));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_token_works_once, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(another_token_is_refused_and_does_not_use_it_up, make_dir,
                                        remove_dir),
        cmocka_unit_test_setup_teardown(a_newer_token_takes_the_place_of_an_older, make_dir,
                                        remove_dir),
        cmocka_unit_test_setup_teardown(a_token_that_nobody_brought_in_time_is_refused_and_gone,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(the_token_is_for_its_owner_alone, make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(a_login_ends_when_it_is_left_alone_or_logged_out, make_dir,
                                        remove_dir),
        cmocka_unit_test_setup_teardown(
            of_more_browsers_than_there_is_room_for_the_one_away_longest_goes, make_dir,
            remove_dir),
        cmocka_unit_test_setup_teardown(a_login_outlives_the_cloud_and_logging_out_does_too,
                                        make_dir, remove_dir),
        cmocka_unit_test_setup_teardown(the_file_of_logins_has_no_secrets_and_may_be_damaged,
                                        make_dir, remove_dir),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
