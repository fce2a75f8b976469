/* Versions, markers and uploads in parts. */
#include "../cloud_core/fixture.h"

#include <stdlib.h>
#include <string.h>

#include "cloud/core/account/contents.h"
#include "cloud/core/account/objects.h"
#include "cloud/store/db.h"

static struct cloud *cloud_of(void **state)
{
    return &((struct fixture *)*state)->cloud;
}

static int setup(void **state)
{
    struct answer answer = ANSWER_INIT;
    return fixture_setup(state) || bucket_create(cloud_of(state), "bucket", &answer);
}

static void enable(struct cloud *cloud, const char *status)
{
    struct answer answer = ANSWER_INIT;
    assert_int_equal(bucket_set_versioning(cloud, "bucket", status, &answer), CORE_OK);
}

static struct object put(struct cloud *cloud, const char *key, const char *content)
{
    struct answer answer = ANSWER_INIT;
    struct object object;
    struct object_upload upload = {
        .bucket = "bucket", .key = key, .content = content, .size = strlen(content)};
    assert_int_equal(object_put(cloud, &upload, &object, &answer), CORE_OK);
    return object;
}

static enum core_error find(struct cloud *cloud, const char *key, const char *version,
                            struct object *object)
{
    struct answer answer = ANSWER_INIT;
    return object_find(cloud, "bucket", key, version, object, &answer);
}

static void without_versioning_the_old_content_is_gone(void **state)
{
    struct cloud *cloud = cloud_of(state);
    struct object first = put(cloud, "k", "one"), second = put(cloud, "k", "two!"), found;
    char bytes[4];
    assert_string_equal(second.version, "null");
    assert_string_equal(second.etag, "9f5b6d9a034d175868bf593885b7dc4e"); /* MD5 */
    assert_int_equal(find(cloud, "k", NULL, &found), CORE_OK);
    assert_int_equal(found.size, 4);
    assert_false(object_read(cloud, first.id, 0, bytes, 3));
    assert_true(object_read(cloud, second.id, 1, bytes, 3));
    assert_memory_equal(bytes, "wo!", 3);
    assert_false(object_read(cloud, second.id, 2, bytes, 3));
}

static void each_version_keeps_its_content(void **state)
{
    struct cloud *cloud = cloud_of(state);
    struct object before = put(cloud, "k", "zero"), found;
    enable(cloud, "Enabled");
    struct object first = put(cloud, "k", "one"), second = put(cloud, "k", "three");
    assert_string_not_equal(first.version, second.version);
    assert_int_equal(find(cloud, "k", NULL, &found), CORE_OK);
    assert_int_equal(found.id, second.id);
    assert_int_equal(find(cloud, "k", first.version, &found), CORE_OK);
    assert_int_equal(found.id, first.id);
    assert_int_equal(find(cloud, "k", "null", &found), CORE_OK);
    assert_int_equal(found.id, before.id);
    assert_int_equal(find(cloud, "k", "nope", &found), CORE_NO_VERSION);
    enable(cloud, "Suspended");
    put(cloud, "k", "again");
    assert_int_equal(find(cloud, "k", first.version, &found), CORE_OK);
    char byte;
    assert_false(object_read(cloud, before.id, 0, &byte, 1)); /* "null" was written over */
}

static void a_marker_hides_and_its_removal_shows_again(void **state)
{
    struct cloud *cloud = cloud_of(state);
    struct answer answer = ANSWER_INIT;
    struct object_deletion deletion;
    struct object object, found;
    enable(cloud, "Enabled");
    object = put(cloud, "k", "one");
    assert_int_equal(object_delete(cloud, "bucket", "k", NULL, NULL, &deletion, &answer), CORE_OK);
    assert_true(deletion.marker);
    assert_int_equal(find(cloud, "k", NULL, &found), CORE_NO_KEY);
    assert_true(found.delete_marker);
    assert_int_equal(find(cloud, "k", deletion.version, &found), CORE_DELETE_MARKER);
    assert_int_equal(find(cloud, "k", object.version, &found), CORE_OK);
    char marker[64];
    strcpy(marker, deletion.version);
    assert_int_equal(object_delete(cloud, "bucket", "k", marker, NULL, &deletion, &answer),
                     CORE_OK);
    assert_true(deletion.marker);
    assert_int_equal(find(cloud, "k", NULL, &found), CORE_OK);
    assert_true(found.latest);
}

static void the_next_newest_becomes_the_latest(void **state)
{
    struct cloud *cloud = cloud_of(state);
    struct answer answer = ANSWER_INIT;
    struct object_deletion deletion;
    struct object found;
    enable(cloud, "Enabled");
    struct object first = put(cloud, "k", "1"), second = put(cloud, "k", "22");
    struct object third = put(cloud, "k", "333");
    object_delete(cloud, "bucket", "k", second.version, NULL, &deletion, &answer);
    object_delete(cloud, "bucket", "k", third.version, NULL, &deletion, &answer);
    assert_int_equal(find(cloud, "k", NULL, &found), CORE_OK);
    assert_int_equal(found.id, first.id);
    assert_int_equal(bucket_delete(cloud, "bucket", &answer), CORE_BUCKET_NOT_EMPTY);
    object_delete(cloud, "bucket", "k", first.version, NULL, &deletion, &answer);
    assert_int_equal(bucket_delete(cloud, "bucket", &answer), CORE_OK);
}

static bool collect(void *context, const char *key, const struct object *object)
{
    strcat(strcat(context, key), object->latest ? "! " : " ");
    return true;
}

static void lists_are_in_order_of_keys_then_newest_first(void **state)
{
    struct cloud *cloud = cloud_of(state);
    char seen[64] = "";
    struct object_list list = {.bucket = "bucket",
                               .prefix = "",
                               .after = "",
                               .versions = true,
                               .each = collect,
                               .context = seen};
    enable(cloud, "Enabled");
    put(cloud, "b", "1");
    put(cloud, "a", "1");
    put(cloud, "b", "2");
    put(cloud, "\xc3\xbc", "1");
    object_list(cloud, &list);
    assert_string_equal(seen, "a! b! b \xc3\xbc! ");
    seen[0] = 0;
    list.versions = false;
    list.after = "a";
    list.prefix = "b";
    object_list(cloud, &list);
    assert_string_equal(seen, "b! ");
}

static void bucket_names_are_checked(void **state)
{
    static const char *const bad[] = {"",     "ab",   "Upper", "under_score", "-a-",
                                      "a..b", ".abc", "abc-",  "with space"};
    struct answer answer = ANSWER_INIT;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(bucket_create(cloud_of(state), bad[i], &answer), CORE_BUCKET_NAME);
    assert_int_equal(bucket_create(cloud_of(state), "bucket", &answer), CORE_OK); /* one's own */
    assert_int_equal(bucket_check(cloud_of(state), "none", &answer), CORE_NO_BUCKET);
}

static enum core_error part(struct cloud *cloud, const struct upload_name *name, int64_t number,
                            const void *bytes, size_t size, char etag[33])
{
    struct answer answer = ANSWER_INIT;
    struct object_upload content = {.content = bytes, .size = size};
    return upload_part(cloud, name, number, &content, etag, &answer);
}

/* Every byte of a content tells its place. */
static char *pattern(size_t size)
{
    char *bytes = malloc(size);
    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (char)(i * 31 + (i >> 8) * 7 + (i >> 16));
    return bytes;
}

static void large_contents_are_read_at_any_place_and_leave_nothing_behind(void **state)
{
    static const size_t sizes[] = {CONTENT_INLINE, CONTENT_INLINE + 1, 3 * CONTENT_PIECE,
                                   5 * CONTENT_PIECE + 17};
    struct cloud *cloud = cloud_of(state);
    char *bytes = pattern(6 * CONTENT_PIECE), back[1000];
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct answer answer = ANSWER_INIT;
        struct object object;
        struct object_upload upload = {
            .bucket = "bucket", .key = "k", .content = bytes, .size = sizes[i]};
        assert_int_equal(object_put(cloud, &upload, &object, &answer), CORE_OK);
        for (size_t at = 0; at + sizeof back <= sizes[i]; at += 99991) {
            assert_true(object_read(cloud, object.id, at, back, sizeof back));
            assert_memory_equal(back, bytes + at, sizeof back);
        }
        assert_true(object_read(cloud, object.id, sizes[i] - 5, back, 5));
        assert_memory_equal(back, bytes + sizes[i] - 5, 5);
        assert_false(object_read(cloud, object.id, sizes[i] - 5, back, 6));
    }
    struct object_deletion deletion;
    struct answer answer = ANSWER_INIT;
    assert_int_equal(object_delete(cloud, "bucket", "k", NULL, NULL, &deletion, &answer), CORE_OK);
    while (content_sweep(cloud))
        ;
    assert_int_equal(db_number(cloud->db, "SELECT COUNT(*) FROM pieces", ""), 0);
    assert_int_equal(db_number(cloud->db, "SELECT COUNT(*) FROM spans", ""), 0);
    assert_int_equal(db_number(cloud->db, "SELECT COUNT(*) FROM contents", ""), 0);
    free(bytes);
}

static int64_t put_bytes(struct cloud *cloud, const char *key, const char *bytes, size_t size)
{
    struct answer answer = ANSWER_INIT;
    struct object object;
    struct object_upload upload = {.bucket = "bucket", .key = key, .content = bytes, .size = size};
    assert_int_equal(object_put(cloud, &upload, &object, &answer), CORE_OK);
    return object.id;
}

static void take_away(struct cloud *cloud, const char *key)
{
    struct object_deletion deletion;
    struct answer answer = ANSWER_INIT;
    assert_int_equal(object_delete(cloud, "bucket", key, NULL, NULL, &deletion, &answer), CORE_OK);
    while (content_sweep(cloud))
        ;
}

static int64_t pieces(struct cloud *cloud)
{
    return db_number(cloud->db, "SELECT COUNT(*) FROM pieces", "");
}

static void the_same_content_is_stored_once_and_goes_with_the_last_object(void **state)
{
    struct cloud *cloud = cloud_of(state);
    const size_t size = CONTENT_PIECE + 160000;
    char *bytes = pattern(size), back[1000];
    put_bytes(cloud, "one", bytes, size);
    int64_t two = put_bytes(cloud, "two", bytes, size);
    assert_int_equal(pieces(cloud), 2);
    take_away(cloud, "one");
    assert_true(object_read(cloud, two, size - sizeof back, back, sizeof back));
    assert_memory_equal(back, bytes + size - sizeof back, sizeof back);
    bytes[0]++;
    put_bytes(cloud, "three", bytes, size); /* its second piece is there already */
    assert_int_equal(pieces(cloud), 3);
    take_away(cloud, "two");
    take_away(cloud, "three");
    assert_int_equal(pieces(cloud), 0);
    free(bytes);
}

static void what_was_being_written_at_a_stop_is_swept_away(void **state)
{
    struct fixture *fixture = *state;
    int64_t content = content_begin(&fixture->cloud);
    content_add(&fixture->cloud, content, 0, "half", 4);
    assert_false(content_sweep(&fixture->cloud)); /* it is still being written */
    fixture_restart(fixture);
    while (content_sweep(&fixture->cloud))
        ;
    assert_int_equal(db_number(fixture->cloud.db, "SELECT COUNT(*) FROM pieces", ""), 0);
}

static void parts_are_joined_in_order_whatever_order_they_came_in(void **state)
{
    struct cloud *cloud = cloud_of(state);
    struct answer answer = ANSWER_INIT;
    struct object_upload what = {.bucket = "bucket", .key = "big"};
    struct object object;
    char id[UPLOAD_ID_SIZE], one[33], two[33], byte[2];
    struct upload_name upload = {"bucket", "big", id};
    size_t size = (size_t)OBJECT_PART_MIN;
    char *content = calloc(1, size);
    memset(content, 'x', size);
    assert_int_equal(upload_begin(cloud, &what, id, &answer), CORE_OK);
    assert_int_equal(part(cloud, &upload, 2, "end", 3, two), CORE_OK);
    assert_int_equal(part(cloud, &upload, 1, content, size, one), CORE_OK);
    json_t *parts =
        json_pack("[{s:i,s:s},{s:i,s:s}]", "number", 1, "etag", one, "number", 2, "etag", two);
    json_t *reversed = json_pack("[O,O]", json_array_get(parts, 1), json_array_get(parts, 0));
    json_t *small_first =
        json_pack("[{s:i,s:s},{s:i,s:s}]", "number", 2, "etag", two, "number", 3, "etag", one);
    assert_int_equal(upload_complete(cloud, &upload, reversed, NULL, &object, &answer),
                     CORE_PART_ORDER);
    part(cloud, &upload, 3, content, size, one);
    assert_int_equal(upload_complete(cloud, &upload, small_first, NULL, &object, &answer),
                     CORE_TOO_SMALL);
    assert_int_equal(upload_complete(cloud, &upload, parts, NULL, &object, &answer), CORE_OK);
    assert_int_equal(object.size, OBJECT_PART_MIN + 3);
    assert_string_equal(object.etag + 32, "-2");
    assert_true(object_read(cloud, object.id, size - 1, byte, 2));
    assert_memory_equal(byte, "xe", 2);
    assert_int_equal(upload_abort(cloud, &upload, &answer), CORE_NO_UPLOAD);
    json_decref(parts);
    json_decref(reversed);
    json_decref(small_first);
    free(content);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

static void a_content_that_is_held_stays_until_it_is_released(void **state)
{
    struct cloud *cloud = cloud_of(state);
    struct content_hold first = {0}, second = {0};
    int64_t content = content_begin(cloud);
    char byte = 0;
    assert_int_equal(content_add(cloud, content, 0, "x", 1), OTTER_OK);
    content_hold(cloud, &first, content);
    content_hold(cloud, &second, content);
    content_drop(cloud, content);
    assert_false(content_sweep(cloud));
    content_release(&second);
    content_release(&second);
    assert_false(content_sweep(cloud));
    assert_true(content_read(cloud, content, 0, &byte, 1));
    content_release(&first);
    assert_null(cloud->holds);
    while (content_sweep(cloud))
        ;
    assert_false(content_read(cloud, content, 0, &byte, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_versioning_the_old_content_is_gone),
        TEST(each_version_keeps_its_content),
        TEST(a_marker_hides_and_its_removal_shows_again),
        TEST(the_next_newest_becomes_the_latest),
        TEST(lists_are_in_order_of_keys_then_newest_first),
        TEST(bucket_names_are_checked),
        TEST(large_contents_are_read_at_any_place_and_leave_nothing_behind),
        TEST(the_same_content_is_stored_once_and_goes_with_the_last_object),
        TEST(what_was_being_written_at_a_stop_is_swept_away),
        TEST(a_content_that_is_held_stays_until_it_is_released),
        TEST(parts_are_joined_in_order_whatever_order_they_came_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
