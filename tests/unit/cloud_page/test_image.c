/* What a person is told of an image that is dropped into the page, and whether it may be sent. */
#include "../tool/golden.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool/cloud_image.h"

static char dir[64];

static int make_dir(void **state)
{
    char path[128];
    (void)state;
    strcpy(dir, "/tmp/otter-page-image-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/image-keys", dir);
    return mkdir(path, 0700);
}

static int remove_dir(void **state)
{
    char path[128];
    (void)state;
    snprintf(path, sizeof path, "%s/image-keys/lamp.pem", dir);
    unlink(path);
    snprintf(path, sizeof path, "%s/image-keys", dir);
    rmdir(path);
    return rmdir(dir);
}

/* The key becomes known by the name "lamp". */
static void trust(const struct key *key)
{
    struct bytes pem = {0};
    struct failure failure;
    char path[128];
    snprintf(path, sizeof path, "%s/image-keys/lamp.pem", dir);
    assert_int_equal(key_public_pem(key, &pem, &failure), OTTER_OK);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(pem.data, 1, pem.size, file), pem.size);
    fclose(file);
    bytes_free(&pem);
}

struct sample {
    struct key key;
    struct image_file file;
};

static struct sample sample_new(void)
{
    struct sample sample;
    struct image_spec spec = golden_spec();
    sample.key = golden_key(KEY_P256, GOLDEN_P256);
    spec.key = &sample.key;
    sample.file = golden_build(&spec);
    return sample;
}

static void sample_free(struct sample *sample)
{
    image_file_free(&sample->file);
    key_free(&sample->key);
}

/* Of a copy that ends where its memory ends. */
static json_t *inspect(const void *data, size_t size, const char *boards)
{
    struct cloud_image known = {.dir = dir};
    uint8_t *copy = malloc(size);
    assert_non_null(copy);
    memcpy(copy, data, size);
    json_t *found = cloud_image_inspect(&known, copy, size, boards);
    free(copy);
    return found;
}

static int is_sendable(const json_t *found)
{
    return json_is_true(json_object_get(found, "sendable"));
}

static const char *text(const json_t *found, const char *name)
{
    const char *value = json_string_value(json_object_get(found, name));
    return value ? value : "";
}

static const char *problem(const json_t *found)
{
    const char *value = json_string_value(json_array_get(json_object_get(found, "problems"), 0));
    return value ? value : "";
}

static void an_image_that_a_known_key_signed_may_be_sent(void **state)
{
    struct sample sample = sample_new();
    (void)state;
    trust(&sample.key);
    json_t *found = inspect(sample.file.image.data, sample.file.image.size, "");
    assert_true(is_sendable(found));
    assert_string_equal(text(found, "key"), "lamp");
    assert_string_equal(text(found, "signature"), "good");
    assert_string_equal(text(found, "hash"), "good");
    assert_true(strlen(text(found, "version")) > 0);
    assert_int_equal(json_integer_value(json_object_get(found, "size")), sample.file.image.size);
    json_decref(found);
    sample_free(&sample);
}

static void one_of_an_unknown_key_may_not_and_the_way_out_is_said(void **state)
{
    struct sample sample = sample_new();
    (void)state;
    json_t *found = inspect(sample.file.image.data, sample.file.image.size, "");
    assert_false(is_sendable(found));
    assert_non_null(strstr(problem(found), "No known key has signed this image"));
    assert_non_null(strstr(problem(found), "image-keys"));
    json_decref(found);
    sample_free(&sample);
}

static void one_that_is_damaged_may_not(void **state)
{
    struct sample sample = sample_new();
    (void)state;
    trust(&sample.key);
    sample.file.image.data[40] ^= 1;
    json_t *found = inspect(sample.file.image.data, sample.file.image.size, "");
    assert_false(is_sendable(found));
    assert_non_null(strstr(problem(found), "damaged"));
    json_decref(found);
    sample_free(&sample);
}

static void an_unsigned_one_may_not(void **state)
{
    struct image_spec spec = golden_spec();
    struct image_file file = golden_build(&spec);
    (void)state;
    json_t *found = inspect(file.image.data, file.image.size, "");
    assert_false(is_sendable(found));
    assert_non_null(strstr(problem(found), "not signed"));
    json_decref(found);
    image_file_free(&file);
}

static void what_is_no_image_is_named_as_far_as_it_can_be(void **state)
{
    (void)state;
    json_t *found = inspect(":020000040000FA\n", 16, "");
    assert_false(is_sendable(found));
    assert_non_null(strstr(problem(found), "Intel HEX"));
    json_decref(found);
    found = inspect("x", 1, "");
    assert_non_null(strstr(problem(found), "no firmware image"));
    json_decref(found);
}

static void boards_that_are_not_known_are_passed_over(void **state)
{
    struct sample sample = sample_new();
    (void)state;
    trust(&sample.key);
    json_t *found = inspect(sample.file.image.data, sample.file.image.size,
                            ",no-such-board,../../etc/passwd,,");
    assert_true(is_sendable(found));
    json_decref(found);
    sample_free(&sample);
}

static void an_image_that_names_its_board_is_for_that_board_alone(void **state)
{
    uint8_t vendor[16], class[16];
    struct image_spec spec = golden_spec();
    struct key key = golden_key(KEY_P256, GOLDEN_P256);
    (void)state;
    value_name_uuid(value_uuid_dns, "otter", vendor);
    value_name_uuid(vendor, "lamp", class);
    spec.key = &key;
    spec.vendor_id = vendor;
    spec.class_id = class;
    struct image_file file = golden_build(&spec);
    trust(&key);
    json_t *found = inspect(file.image.data, file.image.size, "lamp");
    assert_true(is_sendable(found));
    json_decref(found);
    found = inspect(file.image.data, file.image.size, "lamp,pump");
    assert_false(is_sendable(found));
    assert_non_null(strstr(problem(found), "not for the board pump"));
    json_decref(found);
    image_file_free(&file);
    key_free(&key);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)
    const struct CMUnitTest tests[] = {
        TEST(an_image_that_a_known_key_signed_may_be_sent),
        TEST(one_of_an_unknown_key_may_not_and_the_way_out_is_said),
        TEST(one_that_is_damaged_may_not),
        TEST(an_unsigned_one_may_not),
        TEST(what_is_no_image_is_named_as_far_as_it_can_be),
        TEST(an_image_that_names_its_board_is_for_that_board_alone),
        TEST(boards_that_are_not_known_are_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
