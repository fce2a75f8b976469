/* Memory maps, Intel HEX and files on disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tool/file.h"
#include "tool/hex_file.h"

static otter_status put(struct memory_map *map, uint32_t address, const char *text)
{
    struct failure failure;
    return memory_map_put(map, address, text, strlen(text), &failure);
}

static void parts_that_touch_become_one(void **state)
{
    struct memory_map map = {0};

    (void)state;
    assert_int_equal(put(&map, 0x20, "cc"), OTTER_OK);
    assert_int_equal(put(&map, 0x10, "aa"), OTTER_OK);
    assert_int_equal(map.count, 2);
    assert_int_equal(put(&map, 0x12, "bbbbbbbbbbbbbb"), OTTER_OK);
    assert_int_equal(map.count, 1);
    assert_int_equal(map.parts[0].address, 0x10);
    assert_memory_equal(map.parts[0].bytes.data, "aabbbbbbbbbbbbbbcc", 18);
    memory_map_free(&map);
}

static void overlaps_are_refused(void **state)
{
    struct memory_map map = {0};

    (void)state;
    assert_int_equal(put(&map, 0x10, "aaaa"), OTTER_OK);
    assert_int_equal(put(&map, 0x13, "b"), OTTER_E_REFUSED);
    assert_int_equal(put(&map, 0x0f, "bb"), OTTER_E_REFUSED);
    assert_int_equal(put(&map, 0x0e, "bbbbbbbbbb"), OTTER_E_REFUSED);
    assert_int_equal(put(&map, 0x0f, "b"), OTTER_OK);
    assert_int_equal(put(&map, 0x14, "b"), OTTER_OK);
    assert_int_equal(put(&map, 0xffffffff, "bb"), OTTER_E_BOUNDS);
    assert_int_equal(put(&map, 0xffffffff, "b"), OTTER_OK);
    memory_map_free(&map);
}

static void a_far_flung_map_is_not_flattened(void **state)
{
    struct memory_map map = {0};
    struct bytes flat = {0};
    struct failure failure;

    (void)state;
    put(&map, 0, "a");
    put(&map, 0xfffffff0, "b");
    assert_int_equal(memory_map_flatten(&map, 0xff, &flat, &failure), OTTER_E_TOO_LONG);
    assert_non_null(strstr(failure.text, "0x00000000-0xfffffff0"));
    memory_map_free(&map);
}

static otter_status read_text(const char *text, struct memory_map *map, struct failure *failure)
{
    /* A copy without the NUL, so that a read behind the end is noticed. */
    size_t size = strlen(text);
    uint8_t *copy = malloc(size ? size : 1);
    otter_status status;

    memcpy(copy, text, size);
    status = hex_read(copy, size, map, failure);
    free(copy);
    return status;
}

static void hex_records_of_all_types_are_read(void **state)
{
    struct memory_map map = {0};
    struct failure failure;

    (void)state;
    assert_int_equal(read_text(":020000040800F2\r\n"
                               ":0400100001020304E2\r\n"
                               ":0400000508000131BD\r\n"
                               ":020000021000EC\n"
                               "\n"
                               ":0100000055AA\r"
                               ":00000001FF\n",
                               &map, &failure),
                     OTTER_OK);
    assert_int_equal(map.count, 2);
    assert_int_equal(map.parts[0].address, 0x10000);
    assert_int_equal(map.parts[0].bytes.data[0], 0x55);
    assert_int_equal(map.parts[1].address, 0x08000010);
    assert_memory_equal(map.parts[1].bytes.data, "\1\2\3\4", 4);
    memory_map_free(&map);
}

static void broken_hex_is_refused_with_its_line(void **state)
{
    static const struct {
        const char *text;
        const char *reason;
    } cases[] = {
        {"", "no end record"},
        {":0400100001020304E2\n", "cut off after line 1"},
        {":0400100001020304E3\n:00000001FF\n", "line 1 has a wrong checksum"},
        {"\n:04001000010203", "line 2 has a wrong length"},
        {":0400100001020304E20\n", "pairs of hex digits"},
        {":04001000010203G4E2\n", "pairs of hex digits"},
        {"0400100001020304E2\n", "does not begin with ':'"},
        {":00000006FA\n", "unknown record type 06"},
        {":0100000400FB\n", "a record of type 04 has 2"},
        {":0100000055AA\n:0100000056A9\n:00000001FF\n", "line 2: "},
        {":02000004FFFFFC\n:02FFFF000102FD\n:00000001FF\n", "4 GiB"},
        {":", "wrong length"},
        {":00000001FF x\n", "goes on after its record"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct memory_map map = {0};
        struct failure failure = {""};
        assert_int_equal(read_text(cases[i].text, &map, &failure), OTTER_E_MALFORMED);
        if (!strstr(failure.text, cases[i].reason))
            fail_msg("'%s' instead of '%s'", failure.text, cases[i].reason);
        memory_map_free(&map);
    }
}

static void hex_is_written_as_imgtool_writes_it(void **state)
{
    struct memory_map map = {0};
    struct bytes text = {0};

    (void)state;
    put(&map, 0x0001fff8, "0123456789abcdefghijklmnop");
    hex_write(&map, &text);
    bytes_append(&text, "", 1);
    assert_string_equal((const char *)text.data, ":020000040001F9\n"
                                                 ":08FFF800303132333435363765\n"
                                                 ":020000040002F8\n"
                                                 ":1000000038396162636465666768696A6B6C6D6ED6\n"
                                                 ":020010006F700F\n"
                                                 ":00000001FF\n");
    bytes_free(&text);
    memory_map_free(&map);
}

static void a_map_survives_its_way_through_hex(void **state)
{
    struct memory_map map = {0}, back = {0};
    struct bytes text = {0};
    struct failure failure;
    uint8_t noise[70000];

    (void)state;
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (uint8_t)(i * 7 + (i >> 8));
    assert_int_equal(memory_map_put(&map, 0x0000fff3, noise, sizeof noise, &failure), OTTER_OK);
    assert_int_equal(memory_map_put(&map, 0x90000001, noise, 33, &failure), OTTER_OK);
    hex_write(&map, &text);
    assert_int_equal(hex_read(text.data, text.size, &back, &failure), OTTER_OK);
    assert_int_equal(back.count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(back.parts[i].address, map.parts[i].address);
        assert_int_equal(back.parts[i].bytes.size, map.parts[i].bytes.size);
        assert_memory_equal(back.parts[i].bytes.data, map.parts[i].bytes.data,
                            map.parts[i].bytes.size);
    }
    bytes_free(&text);
    memory_map_free(&map);
    memory_map_free(&back);
}

/* The linker puts this before bytes_append (CMakeLists.txt). */
static size_t bytes_copied;
void __real_bytes_append(struct bytes *bytes, const void *data, size_t size);
void __wrap_bytes_append(struct bytes *bytes, const void *data, size_t size);
void __wrap_bytes_append(struct bytes *bytes, const void *data, size_t size)
{
    bytes_copied += size;
    __real_bytes_append(bytes, data, size);
}

/* A record of 16 bytes at each address: upwards, downwards, or each other one first. */
static size_t copied_for(uint16_t (*address)(unsigned record))
{
    struct memory_map map = {0};
    struct bytes text = {0};
    struct failure failure;
    size_t copied;

    for (unsigned i = 0; i < 4096; i++) {
        uint16_t at = address(i);
        uint8_t sum = (uint8_t)(16 + (at >> 8) + at);
        bytes_text(&text, ":10%04X00%032X%02X\n", at, 0, (uint8_t)-sum);
    }
    bytes_text(&text, ":00000001FF\n");
    bytes_copied = 0;
    assert_int_equal(hex_read(text.data, text.size, &map, &failure), OTTER_OK);
    copied = bytes_copied;
    assert_int_equal(map.count, 1);
    assert_int_equal(map.parts[0].bytes.size, 0x10000);
    memory_map_free(&map);
    bytes_free(&text);
    return copied;
}

static uint16_t upwards(unsigned record)
{
    return (uint16_t)(record * 16);
}

static uint16_t downwards(unsigned record)
{
    return (uint16_t)((4095 - record) * 16);
}

static uint16_t by_halves(unsigned record)
{
    return (uint16_t)((record < 2048 ? 2 * record : 2 * (record - 2048) + 1) * 16);
}

static void hex_of_any_order_costs_no_more_than_one_that_goes_up(void **state)
{
    (void)state;
    assert_int_equal(copied_for(downwards), copied_for(upwards));
    assert_int_equal(copied_for(by_halves), copied_for(upwards));
}

/* --- files ----------------------------------------------------------------------------------- */

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/otter-files-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder); /* fails if a test left a file, or a temporary one stayed */
}

static const char *in_folder(const char *name)
{
    static char paths[2][128];
    static int next;

    next = !next;
    snprintf(paths[next], sizeof paths[next], "%s/%s", folder, name);
    return paths[next];
}

static void a_file_is_written_whole_with_its_mode(void **state)
{
    struct bytes content = {0};
    struct failure failure;
    struct stat info;
    const char *path = in_folder("key.pem");

    (void)state;
    assert_int_equal(file_write(path, "first", 5, 0666, &failure), OTTER_OK);
    assert_int_equal(file_write(path, "secret", 6, 0600, &failure), OTTER_OK);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(file_read(path, &content, &failure), OTTER_OK);
    assert_int_equal(content.size, 6);
    assert_memory_equal(content.data, "secret", 6);
    bytes_free(&content);
    unlink(path);
}

static mode_t mode_of(const char *path)
{
    struct stat info;

    assert_int_equal(stat(path, &info), 0);
    return info.st_mode & 07777;
}

static void the_mode_of_a_file_is_kept_unless_it_is_to_be_private(void **state)
{
    const char *path = in_folder("tool");
    struct failure failure;

    (void)state;
    assert_int_equal(file_write(path, "old", 3, 0666, &failure), OTTER_OK);
    assert_int_equal(chmod(path, 0775), 0);
    assert_int_equal(file_write(path, "new", 3, 0666, &failure), OTTER_OK);
    assert_int_equal(mode_of(path), 0775);
    assert_int_equal(file_write(path, "key", 3, 0600, &failure), OTTER_OK);
    assert_int_equal(mode_of(path), 0700);
    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(file_write(path, "never", 5, 0666, &failure), OTTER_E_IO);
    assert_non_null(strstr(failure.text, "read-only"));
    unlink(path);
}

static void a_name_as_long_as_names_may_be_is_written(void **state)
{
    char name[256], path[400];
    struct failure failure;

    (void)state;
    memset(name, 'n', 255);
    name[255] = '\0';
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(file_write(path, "x", 1, 0666, &failure), OTTER_OK);
    assert_int_equal(file_write(path, "y", 1, 0666, &failure), OTTER_OK);
    unlink(path);
    assert_int_equal(file_write(in_folder("none/x"), "x", 1, 0666, &failure), OTTER_E_IO);
    assert_non_null(strstr(failure.text, "none/x'"));
}

/* As somebody who may write the file, but make none beside it. */
static void a_file_in_a_folder_that_takes_no_new_one_is_written(void **state)
{
    const char *path = in_folder("there");
    struct failure failure;
    pid_t child;
    int status;

    (void)state;
    assert_int_equal(file_write(path, "old", 3, 0666, &failure), OTTER_OK);
    assert_int_equal(chmod(path, 0666), 0);
    assert_int_equal(chmod(folder, 0555), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        bool other = getuid() != 0 || setuid(65534) == 0;
        bool new = file_write(path, "new!", 4, 0666, &failure) == OTTER_OK;
        bool secret = file_write(path, "secret", 6, 0600, &failure) == OTTER_OK;
        _exit(other && new && !secret ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    chmod(folder, 0755);
    unlink(path);
    assert_int_equal(status, 0);
}

static void a_link_to_a_file_that_is_not_there_yet_is_followed(void **state)
{
    struct failure failure;
    struct stat info;
    char link_path[128], round_path[128];

    (void)state;
    snprintf(link_path, sizeof link_path, "%s", in_folder("link"));
    snprintf(round_path, sizeof round_path, "%s", in_folder("round"));
    assert_int_equal(symlink("second", link_path), 0);
    assert_int_equal(symlink("target", in_folder("second")), 0);
    assert_int_equal(file_write(link_path, "new", 3, 0666, &failure), OTTER_OK);
    assert_int_equal(lstat(link_path, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_int_equal(stat(in_folder("target"), &info), 0);
    assert_int_equal(info.st_size, 3);
    assert_int_equal(symlink("round", round_path), 0);
    assert_int_equal(file_write(round_path, "x", 1, 0666, &failure), OTTER_E_IO);
    unlink(link_path);
    unlink(round_path);
    unlink(in_folder("second"));
    unlink(in_folder("target"));
}

static void a_link_stays_a_link(void **state)
{
    struct failure failure;
    struct stat info;
    char target[128], link_path[128];

    (void)state;
    snprintf(target, sizeof target, "%s", in_folder("target"));
    snprintf(link_path, sizeof link_path, "%s", in_folder("link"));
    assert_int_equal(file_write(target, "old", 3, 0666, &failure), OTTER_OK);
    assert_int_equal(symlink(target, link_path), 0);
    assert_int_equal(file_write(link_path, "longer", 6, 0666, &failure), OTTER_OK);
    assert_int_equal(lstat(link_path, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_int_equal(stat(target, &info), 0);
    assert_int_equal(info.st_size, 6);
    unlink(link_path);
    unlink(target);
}

static void what_cannot_be_written_is_named(void **state)
{
    struct failure failure;
    struct bytes content = {0};

    (void)state;
    assert_int_equal(file_write(in_folder("no/such"), "x", 1, 0666, &failure), OTTER_E_IO);
    assert_non_null(strstr(failure.text, "no/such"));
    assert_int_equal(file_write(folder, "x", 1, 0666, &failure), OTTER_E_IO);
    assert_non_null(strstr(failure.text, "folder"));
    assert_int_equal(file_read(in_folder("missing"), &content, &failure), OTTER_E_IO);
    assert_non_null(strstr(failure.text, "No such file"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_that_touch_become_one),
        cmocka_unit_test(overlaps_are_refused),
        cmocka_unit_test(a_far_flung_map_is_not_flattened),
        cmocka_unit_test(hex_records_of_all_types_are_read),
        cmocka_unit_test(broken_hex_is_refused_with_its_line),
        cmocka_unit_test(hex_is_written_as_imgtool_writes_it),
        cmocka_unit_test(a_map_survives_its_way_through_hex),
        cmocka_unit_test(hex_of_any_order_costs_no_more_than_one_that_goes_up),
        cmocka_unit_test_setup_teardown(a_file_is_written_whole_with_its_mode, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(the_mode_of_a_file_is_kept_unless_it_is_to_be_private,
                                        make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_link_stays_a_link, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_name_as_long_as_names_may_be_is_written, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_file_in_a_folder_that_takes_no_new_one_is_written,
                                        make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_link_to_a_file_that_is_not_there_yet_is_followed,
                                        make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(what_cannot_be_written_is_named, make_folder,
                                        remove_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
