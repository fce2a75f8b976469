/* The recovery server: answers byte for byte, uploads into simulated NOR flash, power cuts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/recovery/recovery_world.h"

#define LEFT_OUT  UINT32_MAX
#define TLVS      150u  /* of an image of the simulation */
#define IMAGE_END 1501u /* three sectors, and no whole number of units */

static struct world *world;
static uint8_t image[IMAGE_END];

static int open_world(void **state)
{
    (void)state;
    world = calloc(1, sizeof *world);
    world_create(world, &world_geometry);
    sim_image_make(image, sizeof image, 1, SIM_KEY);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    const uint32_t breaks = board_rule_breaks(&world->board);
    world_destroy(world);
    free(world);
    return breaks == 0 ? 0 : -1;
}

static void expect_line(const char *request, const char *answer)
{
    world->said_length = 0;
    recovery_input(&world->recovery, request, strlen(request), world->now);
    assert_int_equal(world->said_length, strlen(answer));
    assert_memory_equal(world->said, answer, strlen(answer));
}

static void expect_payload(const char *bytes, size_t length)
{
    assert_int_equal(world->answer_length, length);
    assert_memory_equal(world->answer, bytes, length);
}
#define EXPECT_PAYLOAD(bytes) expect_payload(bytes, sizeof(bytes) - 1)

static const struct nor_device *device(unsigned which)
{
    return &world->board.device[which];
}

static bool holds_image(unsigned which)
{
    return board_holds(&world->board, which, 0, image, sizeof image);
}

/* ---- Commands -------------------------------------------------------------------------------- */

static void the_vectors_are_answered_byte_for_byte(void **state)
{
    (void)state;
    expect_line("\x06\x09"
                "ABACAAAGAAAAAKFhZGJoaQkX\n",
                "\x06\x09"
                "ABEDAAAHAAAAAL9hcmJoaf/5fA==\n");
    expect_line("\x06\x09"
                "AAsCAAABAAAABaDJ2A==\n",
                "\x06\x09"
                "ABADAAAGAAAABb9icmMA/xXW\n");
    expect_line("\x06\x09"
                "AB8CAAAVAAEBAaNkZGF0YUQBAgMEY2xlbgRjb2ZmAAP1\n",
                "\x06\x09"
                "ABUDAAALAAEBAb9icmMAY29mZgT/nuQ=\n");
    assert_memory_equal(device(BOARD_PRIMARY)->data, "\1\2\3\4\xff", 5);
}

static void an_answer_carries_version_sequence_and_command_of_its_request(void **state)
{
    (void)state;
    assert_true(world_ask(world, SMP_READ, SMP_GROUP_SYSTEM, SMP_PARAMETERS, "", 0));
    assert_int_equal(world->header.op, SMP_READ_ANSWER);
    assert_int_equal(world->header.version, 1);
    assert_int_equal(world->header.sequence, 0x42);
    assert_int_equal(world->header.group, SMP_GROUP_SYSTEM);
    assert_int_equal(world->header.command, SMP_PARAMETERS);
    EXPECT_PAYLOAD("\xbf\x68"
                   "buf_size\x19\x02\x00\x69"
                   "buf_count\x01\xff");
}

static void console_echo_is_acknowledged(void **state)
{
    (void)state;
    assert_true(world_ask(world, SMP_WRITE, SMP_GROUP_SYSTEM, SMP_CONSOLE_ECHO,
                          "\xa1\x64"
                          "echo\x00",
                          7));
    EXPECT_PAYLOAD("\xbf\x62"
                   "rc\x00\xff");
}

static void the_longest_echo_fits(void **state)
{
    uint8_t payload[490];
    struct cbor_writer out;
    char text[480];
    (void)state;
    memset(text, 'x', sizeof text);
    cbor_writer_init(&out, payload, sizeof payload);
    cbor_write_map(&out, 1);
    cbor_write_text(&out, "d");
    cbor_write_text_view(&out, text, sizeof text);
    assert_true(cbor_written(&out) > 0);
    assert_true(world_ask(world, SMP_WRITE, 0, SMP_ECHO, payload, out.length));
    assert_int_equal(world->answer_length, 1 + 2 + 3 + sizeof text + 1);
}

static void an_echo_without_text_is_invalid(void **state)
{
    (void)state;
    assert_true(world_ask(world, SMP_WRITE, 0, SMP_ECHO, "\xa0", 1));
    assert_int_equal(world_number(world, "rc"), SMP_E_INVALID);
    assert_true(world_ask(world, SMP_WRITE, 0, SMP_ECHO,
                          "\xa1\x61"
                          "d\x01",
                          4));
    assert_int_equal(world_number(world, "rc"), SMP_E_INVALID);
    assert_true(world_ask(world, SMP_WRITE, 0, SMP_ECHO,
                          "\xa1\x61"
                          "d\x62"
                          "x",
                          5));
    assert_int_equal(world_number(world, "rc"), SMP_E_INVALID);
}

static void unknown_commands_are_not_supported(void **state)
{
    static const struct {
        enum smp_op op;
        uint16_t group;
        uint8_t command;
    } unknown[] = {{SMP_READ, 0, SMP_ECHO},
                   {SMP_WRITE, 0, 2},
                   {SMP_READ, 0, SMP_RESET},
                   {SMP_WRITE, 1, 0},
                   {SMP_READ, 1, 1},
                   {SMP_WRITE, 1, 5},
                   {SMP_WRITE, 0x100, SMP_RESET},
                   {SMP_READ, 64, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        assert_true(
            world_ask(world, unknown[i].op, unknown[i].group, unknown[i].command, "\xa0", 1));
        EXPECT_PAYLOAD("\xbf\x62"
                       "rc\x08\xff");
    }
}

static void answers_of_others_are_not_answered(void **state)
{
    (void)state;
    assert_false(world_ask(world, SMP_READ_ANSWER, 0, SMP_PARAMETERS, "\xa0", 1));
    assert_false(world_ask(world, SMP_WRITE_ANSWER, 0, SMP_ECHO,
                           "\xa1\x61"
                           "d\x61"
                           "x",
                           5));
    assert_false(recovery_heard(&world->recovery));
}

static void a_reset_waits_until_its_answer_is_out(void **state)
{
    (void)state;
    world->now = 1000;
    assert_false(recovery_reset_due(&world->recovery, UINT64_MAX - 1));
    assert_true(world_ask(world, SMP_WRITE, 0, SMP_RESET, "", 0));
    assert_int_equal(world_number(world, "rc"), SMP_OK);
    assert_false(recovery_reset_due(&world->recovery, 1249));
    assert_true(recovery_reset_due(&world->recovery, 1250));
}

static void only_a_good_request_is_heard(void **state)
{
    (void)state;
    recovery_input(&world->recovery, "hello\n\x06\x09nonsense\n", 18, 0);
    assert_false(recovery_heard(&world->recovery));
    world_ask(world, SMP_READ, 0, SMP_PARAMETERS, "\xa0", 1);
    assert_true(recovery_heard(&world->recovery));
}

static void a_window_closes_when_nobody_speaks(void **state)
{
    (void)state;
    world->now = 7;
    strcpy(world->console, "hello\n");
    world->console_at = 50;
    world_serve(world, 107);
    assert_int_equal(world->now, 107);
    assert_false(world->was_reset);
    assert_int_equal(world->said_length, 0);
}

/* The window is over long before the reset is due; the reset ends it all the same. */
static void a_request_in_the_window_keeps_the_board_in_recovery(void **state)
{
    const char answer[] = "\x06\x09"
                          "ABADAAAGAAAABb9icmMA/xXW\n";
    (void)state;
    strcpy(world->console, "\x06\x09"
                           "AAsCAAABAAAABaDJ2A==\n");
    world->console_at = 99;
    world_serve(world, 100);
    assert_true(world->was_reset);
    assert_true(world->now >= 99 + RECOVERY_RESET_DELAY_MS);
    assert_int_equal(world->said_length, sizeof answer - 1);
    assert_memory_equal(world->said, answer, sizeof answer - 1);
}

/* ---- The list -------------------------------------------------------------------------------- */

static void list(void)
{
    assert_true(world_ask(world, SMP_READ, SMP_GROUP_IMAGE, SMP_IMAGE_STATE, "\xa0", 1));
}

/* The answer holds these bytes somewhere. */
#define SAYS(bytes) says(bytes, sizeof(bytes) - 1)
static bool says(const char *bytes, size_t length)
{
    for (size_t i = 0; i + length <= world->answer_length; i++)
        if (memcmp(world->answer + i, bytes, length) == 0)
            return true;
    return false;
}

static void nothing_is_listed_of_a_bare_board(void **state)
{
    (void)state;
    list();
    EXPECT_PAYLOAD("\xbf\x66"
                   "images\x9f\xff\xff");
}

/* After a change of the header: sim_image_make's hash and signature, made anew. */
static void sign_again(void)
{
    struct image_sha256 sha;
    uint8_t *tlvs = image + IMAGE_END - TLVS;
    uint8_t signature[64];
    image_sha256_init(&sha);
    image_sha256_update(&sha, image, IMAGE_END - TLVS);
    image_sha256_finish(&sha, tlvs + 8);
    sim_sign(tlvs + 8, SIM_KEY, signature);
    memcpy(tlvs + TLVS - 66, signature, 32);
    memcpy(tlvs + TLVS - 32, signature + 32, 32);
}

static void a_valid_image_is_listed_with_all_that_is_known(void **state)
{
    (void)state;
    image[22] = 3; /* revision */
    image[24] = 9; /* build */
    sign_again();
    board_load(&world->board, BOARD_PRIMARY, image, sizeof image);
    list();
    assert_true(SAYS("\xbf\x66"
                     "images\x9f\xbf\x68"
                     "bootable\xf5\x69"
                     "confirmed\xf5\x66"
                     "active\xf5\x64"
                     "slot\x00\x64"
                     "hash\x58\x20"));
    assert_true(says((const char *)image + IMAGE_END - TLVS + 8, 32)); /* the hash */
    assert_true(SAYS("\x67"
                     "version\x67"
                     "1.0.3.9\xff\xff\xff"));
    assert_true(world->feeds > 3);
}

static void an_image_that_is_not_valid_is_not_listed(void **state)
{
    (void)state;
    image[600] ^= 1;
    board_load(&world->board, BOARD_PRIMARY, image, sizeof image);
    sim_image_make(image, sizeof image, 2, SIM_KEY + 1);
    board_load(&world->board, BOARD_SECONDARY, image, sizeof image);
    list();
    EXPECT_PAYLOAD("\xbf\x66"
                   "images\x9f\xff\xff");
}

static void the_flags_say_what_the_next_boot_does(void **state)
{
    (void)state;
    board_load(&world->board, BOARD_PRIMARY, image, sizeof image);
    board_load(&world->board, BOARD_SECONDARY, image, sizeof image);
    assert_int_equal(board_request(&world->board, false), OTTER_OK);
    list();
    assert_true(SAYS("\x69"
                     "confirmed\xf5\x64"
                     "slot\x00"));
    assert_true(SAYS("\x68"
                     "bootable\xf5\x67"
                     "pending\xf5\x64"
                     "slot\x01"));

    flash_erase(&world->board.area[BOARD_SECONDARY], 2560, 512);
    assert_int_equal(board_request(&world->board, true), OTTER_OK);
    list();
    assert_true(SAYS("\x67"
                     "pending\xf5\x69"
                     "permanent\xf5\x64"
                     "slot\x01"));
}

static void an_image_on_trial_is_active_and_the_other_confirmed(void **state)
{
    (void)state;
    board_load(&world->board, BOARD_PRIMARY, image, sizeof image);
    sim_image_make(image, sizeof image, 2, SIM_KEY);
    board_load(&world->board, BOARD_SECONDARY, image, sizeof image);
    assert_int_equal(board_request(&world->board, false), OTTER_OK);
    assert_true(board_boot(&world->board));
    list();
    assert_true(SAYS("\x68"
                     "bootable\xf5\x66"
                     "active\xf5\x64"
                     "slot\x00"));
    assert_true(SAYS("\x68"
                     "bootable\xf5\x69"
                     "confirmed\xf5\x64"
                     "slot\x01"));
}

static void a_second_image_is_listed_and_filled_by_its_numbers(void **state)
{
    struct world other;
    (void)state;
    world_create(&other, &world_geometry);
    const struct boot_slots slots[2] = {world->board.slots, other.board.slots};
    world->board.config.images = slots;
    world->board.config.image_count = 2;
    assert_int_equal(world_upload(world, 3, image, sizeof image, 400), SMP_OK);
    assert_int_equal(world_upload(world, 4, image, sizeof image, 400), SMP_OK);
    assert_int_equal(world_upload(world, 1, image, sizeof image, 400), SMP_OK);
    assert_int_equal(world_upload(world, 2, image, sizeof image, 400), SMP_OK);
    assert_memory_equal(other.board.device[BOARD_PRIMARY].data, image, sizeof image);
    assert_memory_equal(other.board.device[BOARD_SECONDARY].data, image, sizeof image);
    list();
    assert_true(SAYS("\x65image\x00"));
    assert_true(SAYS("\x65image\x01\x68"
                     "bootable\xf5\x64"
                     "slot\x01"));
    assert_int_equal(board_rule_breaks(&other.board), 0);
    board_destroy(&other.board);
}

static void slot_info_tells_sizes_and_numbers(void **state)
{
    (void)state;
    assert_true(world_ask(world, SMP_READ, SMP_GROUP_IMAGE, SMP_SLOT_INFO, "\xa0", 1));
    EXPECT_PAYLOAD("\xbf\x66"
                   "images\x9f\xbf\x65"
                   "image\x00\x65"
                   "slots\x9f"
                   "\xbf\x64"
                   "slot\x00\x64"
                   "size\x19\x0c\x00\x6f"
                   "upload_image_id\x01\xff"
                   "\xbf\x64"
                   "slot\x01\x64"
                   "size\x19\x0c\x00\x6f"
                   "upload_image_id\x02\xff"
                   "\xff\x6e"
                   "max_image_size\x19\x0b\x38\xff\xff\xff");
}

/* ---- Upload ---------------------------------------------------------------------------------- */

static void an_upload_boots(void **state)
{
    (void)state;
    assert_int_equal(world_upload(world, 0, image, sizeof image, 448), SMP_OK);
    assert_true(holds_image(BOARD_PRIMARY));
    assert_true(board_boot(&world->board));
    assert_int_equal(world->board.status, OTTER_OK);
    assert_int_equal(world->board.result.header.version.major, 1);
}

static void every_write_size_takes_chunks_of_every_size(void **state)
{
    static const uint8_t units[] = {1, 2, 4, 8, 16, 32};
    static const uint32_t steps[] = {33, 57, 100, 256, 449};
    (void)state;
    for (size_t i = 0; i < sizeof units; i++) {
        struct geometry geometry = world_geometry;
        memset(geometry.write_size, units[i], sizeof geometry.write_size);
        geometry.max_align = units[i] < 8 ? 8 : units[i];
        geometry.erased_value = i % 2 == 0 ? 0xff : 0x00;
        close_world(NULL);
        world = calloc(1, sizeof *world);
        world_create(world, &geometry);
        for (size_t s = 0; s < sizeof steps / sizeof steps[0]; s++) {
            sim_image_make(image, sizeof image, (uint8_t)s, SIM_KEY);
            assert_int_equal(world_upload(world, 1, image, sizeof image, steps[s]), SMP_OK);
            assert_true(holds_image(BOARD_PRIMARY));
            assert_int_equal(device(BOARD_PRIMARY)->data[sizeof image], geometry.erased_value);
        }
        assert_int_equal(board_rule_breaks(&world->board), 0);
    }
}

static void bytes_that_fill_no_write_unit_are_asked_for_again(void **state)
{
    (void)state;
    assert_int_equal(world_chunk(world, &(struct upload_chunk){0, 100, 0, image, 11}), SMP_OK);
    assert_int_equal(world_number(world, "off"), 8);
    assert_int_equal(
        world_chunk(world, &(struct upload_chunk){LEFT_OUT, LEFT_OUT, 8, image + 8, 3}), SMP_OK);
    assert_int_equal(world_number(world, "off"), 8);
    assert_int_equal(device(BOARD_PRIMARY)->data[8], 0xff);
}

static void another_offset_than_expected_writes_nothing(void **state)
{
    (void)state;
    assert_int_equal(world_chunk(world, &(struct upload_chunk){0, LEFT_OUT, 400, image, 100}),
                     SMP_OK); /* nothing was begun */
    assert_int_equal(world_number(world, "off"), 0);
    assert_int_equal(world_chunk(world, &(struct upload_chunk){0, 1000, 0, image, 100}), SMP_OK);
    const uint64_t programmed = device(BOARD_PRIMARY)->bytes_programmed;
    assert_int_equal(world_chunk(world, &(struct upload_chunk){0, 1000, 96, image, 100}), SMP_OK);
    assert_int_equal(world_number(world, "off"), 100);
    assert_int_equal(world_chunk(world, &(struct upload_chunk){0, 1000, 104, image, 100}), SMP_OK);
    assert_int_equal(world_number(world, "off"), 100);
    assert_int_equal(device(BOARD_PRIMARY)->bytes_programmed, programmed);
}

static void a_chunk_sent_twice_is_stored_once(void **state)
{
    (void)state;
    for (uint32_t at = 0; at < sizeof image; at += 300) {
        const uint32_t length = sizeof image - at < 300 ? (uint32_t)sizeof image - at : 300;
        const struct upload_chunk chunk = {0, sizeof image, at, image + at, length};
        assert_int_equal(world_chunk(world, &chunk), SMP_OK);
        assert_int_equal(world_chunk(world, &chunk), SMP_OK);
        assert_int_equal(world_number(world, "off"), at + length);
    }
    assert_true(holds_image(BOARD_PRIMARY));
}

static void an_upload_that_cannot_be_is_refused_before_anything_is_erased(void **state)
{
    static const struct upload_chunk wrong[] = {
        {0, 6 * 512 + 1, 0, image, 100}, /* more than the slot */
        {0, LEFT_OUT, 0, image, 100},    /* no length */
        {0, 0, 0, image, 0},             /* nothing */
        {3, 1000, 0, image, 100},        /* no such slot */
        {0xfffffff0, 1000, 0, image, 100},
        {0, 1000, LEFT_OUT, image, 100}, /* no offset */
        {0, 1000, 0, NULL, 0},           /* no data */
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(world_chunk(world, &wrong[i]), SMP_E_INVALID);
    assert_int_equal(device(BOARD_PRIMARY)->erase_count, 0);
    assert_int_equal(device(BOARD_SCRATCH)->erase_count, 0);
}

static void data_beyond_the_announced_length_is_refused(void **state)
{
    (void)state;
    assert_int_equal(world_chunk(world, &(struct upload_chunk){0, 99, 0, image, 100}),
                     SMP_E_INVALID);
    assert_int_equal(world_chunk(world, &(struct upload_chunk){0, 101, 0, image, 100}), SMP_OK);
    assert_int_equal(world_chunk(world, &(struct upload_chunk){0, LEFT_OUT, 100, image, 2}),
                     SMP_E_INVALID);
    assert_int_equal(world_chunk(world, &(struct upload_chunk){0, LEFT_OUT, 100, image, 1}),
                     SMP_OK);
}

static void malformed_requests_are_invalid(void **state)
{
    static const char *const payloads[] = {"",
                                           "\x01",
                                           "\xbf",
                                           "\xa1\x63off",
                                           "\xa1\x63off\x20",
                                           "\xa1\x63off\x1b\xff\xff\xff\xff\xff\xff\xff\xff",
                                           "\xa1\x64"
                                           "data\x58\xff",
                                           "\xa0\xa0"};
    (void)state;
    for (size_t i = 0; i < sizeof payloads / sizeof payloads[0]; i++) {
        assert_true(world_ask(world, SMP_WRITE, SMP_GROUP_IMAGE, SMP_IMAGE_UPLOAD, payloads[i],
                              strlen(payloads[i])));
        assert_int_equal(world_number(world, "rc"), SMP_E_INVALID);
    }
}

static void only_the_sectors_that_are_needed_are_erased(void **state)
{
    static const uint32_t expected[] = {1, 1, 1, 0, 0, 1}; /* the image, the trailer */
    (void)state;
    assert_int_equal(world_upload(world, 1, image, sizeof image, 128), SMP_OK);
    assert_memory_equal(device(BOARD_PRIMARY)->erases, expected, sizeof expected);
    assert_int_equal(device(BOARD_SCRATCH)->erase_count, 1);
    assert_int_equal(device(BOARD_SECONDARY)->erase_count, 0);
}

static void an_upload_to_the_secondary_leaves_the_primary_alone(void **state)
{
    (void)state;
    assert_int_equal(world_upload(world, 2, image, sizeof image, 128), SMP_OK);
    assert_true(holds_image(BOARD_SECONDARY));
    assert_int_equal(device(BOARD_PRIMARY)->erase_count, 0);
    assert_int_equal(device(BOARD_SCRATCH)->erase_count, 0);
}

static void a_slot_can_be_filled_to_its_last_byte(void **state)
{
    static uint8_t whole[6 * 512];
    (void)state;
    memset(whole, 0x5a, sizeof whole);
    assert_int_equal(world_upload(world, 1, whole, sizeof whole, 448), SMP_OK);
    assert_memory_equal(device(BOARD_PRIMARY)->data, whole, sizeof whole);
}

static otter_status broken_program(void *ctx, uint32_t offset, const void *data, uint32_t length)
{
    (void)ctx;
    (void)offset;
    (void)data;
    (void)length;
    return OTTER_E_FLASH;
}

static void a_flash_that_fails_is_reported_and_may_be_tried_again(void **state)
{
    struct flash *flash = &world->board.device[BOARD_PRIMARY].flash;
    const struct flash_ops *good = flash->ops;
    struct flash_ops broken = *good;
    (void)state;
    broken.program = broken_program;
    assert_int_equal(world_chunk(world, &(struct upload_chunk){0, 1000, 0, image, 100}), SMP_OK);
    flash->ops = &broken;
    assert_int_equal(world_chunk(world, &(struct upload_chunk){0, LEFT_OUT, 100, image, 100}),
                     SMP_E_UNKNOWN);
    flash->ops = good;
    assert_int_equal(world_chunk(world, &(struct upload_chunk){0, LEFT_OUT, 100, image, 100}),
                     SMP_OK);
    assert_int_equal(world_number(world, "off"), 0);
    assert_int_equal(world_upload(world, 1, image, sizeof image, 128), SMP_OK);
    assert_true(holds_image(BOARD_PRIMARY));
}

/* ---- Power cuts ------------------------------------------------------------------------------ */

static void upload_once(void *context)
{
    struct world *w = context;
    world_enter(w);
    world_upload(w, 1, image, sizeof image, 300);
}

/* Whatever is on the board: the upload completes, and the board boots what was uploaded. */
static void fill_and_boot(void)
{
    nor_power_plan(&world->board.power, 0, NOR_CUT_BEFORE);
    assert_int_equal(nor_power_run(&world->board.power, upload_once, world), NOR_RUN_DONE);
    assert_true(holds_image(BOARD_PRIMARY));
    assert_true(board_boot(&world->board));
    assert_int_equal(world->board.status, OTTER_OK);
    assert_int_equal(board_rule_breaks(&world->board), 0);
}

/* A board on trial: the worst case, since it reverts what it finds in its primary slot. */
static void put_on_trial(struct board_snapshot *snapshot)
{
    uint8_t old[900];
    sim_image_make(old, sizeof old, 7, SIM_KEY);
    board_load(&world->board, BOARD_PRIMARY, old, sizeof old);
    sim_image_make(old, sizeof old, 8, SIM_KEY);
    board_load(&world->board, BOARD_SECONDARY, old, sizeof old);
    assert_int_equal(board_request(&world->board, false), OTTER_OK);
    assert_true(board_boot(&world->board));
    assert_int_equal(world->board.result.header.version.major, 8);
    board_save(&world->board, snapshot);
}

static void a_power_cut_in_an_upload_is_healed_by_the_next_upload(void **state)
{
    struct board_snapshot snapshot = {0};
    unsigned cases = 0;
    (void)state;
    put_on_trial(&snapshot);
    for (unsigned kind = 0; kind < NOR_CUT_KINDS; kind++) {
        for (uint32_t at = 1;; at++, cases++) {
            board_restore(&world->board, &snapshot);
            nor_power_plan(&world->board.power, at, (enum nor_cut)kind);
            if (nor_power_run(&world->board.power, upload_once, world) == NOR_RUN_DONE)
                break;
            nor_power_plan(&world->board.power, 0, NOR_CUT_BEFORE);
            assert_true(board_boot(&world->board)); /* finds nothing, or what was verified */
            fill_and_boot();
            assert_int_equal(world->board.result.header.version.major, 1);
        }
    }
    board_snapshot_free(&snapshot);
    assert_true(cases > 50);
}

/* Recovery entered in the middle of a swap: nothing of the swap spoils what was uploaded. */
static void an_upload_over_an_interrupted_swap_boots(void **state)
{
    struct board_snapshot snapshot = {0};
    uint8_t old[900];
    unsigned cases = 0;
    (void)state;
    sim_image_make(old, sizeof old, 7, SIM_KEY);
    board_load(&world->board, BOARD_PRIMARY, old, sizeof old);
    sim_image_make(old, sizeof old, 8, SIM_KEY);
    board_load(&world->board, BOARD_SECONDARY, old, sizeof old);
    assert_int_equal(board_request(&world->board, false), OTTER_OK);
    board_save(&world->board, &snapshot);
    for (uint32_t at = 1;; at++, cases++) {
        board_restore(&world->board, &snapshot);
        nor_power_plan(&world->board.power, at, (enum nor_cut)(at % NOR_CUT_KINDS));
        if (board_boot(&world->board))
            break;
        fill_and_boot(); /* a candidate that is still whole may come in over the upload */
        assert_true(world->board.result.header.version.major == 1 ||
                    world->board.result.header.version.major == 8);
    }
    board_snapshot_free(&snapshot);
    assert_true(cases > 10);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_vectors_are_answered_byte_for_byte),
        TEST(an_answer_carries_version_sequence_and_command_of_its_request),
        TEST(console_echo_is_acknowledged),
        TEST(the_longest_echo_fits),
        TEST(an_echo_without_text_is_invalid),
        TEST(unknown_commands_are_not_supported),
        TEST(answers_of_others_are_not_answered),
        TEST(a_reset_waits_until_its_answer_is_out),
        TEST(only_a_good_request_is_heard),
        TEST(a_window_closes_when_nobody_speaks),
        TEST(a_request_in_the_window_keeps_the_board_in_recovery),
        TEST(nothing_is_listed_of_a_bare_board),
        TEST(a_valid_image_is_listed_with_all_that_is_known),
        TEST(an_image_that_is_not_valid_is_not_listed),
        TEST(the_flags_say_what_the_next_boot_does),
        TEST(an_image_on_trial_is_active_and_the_other_confirmed),
        TEST(a_second_image_is_listed_and_filled_by_its_numbers),
        TEST(slot_info_tells_sizes_and_numbers),
        TEST(an_upload_boots),
        TEST(every_write_size_takes_chunks_of_every_size),
        TEST(bytes_that_fill_no_write_unit_are_asked_for_again),
        TEST(another_offset_than_expected_writes_nothing),
        TEST(a_chunk_sent_twice_is_stored_once),
        TEST(an_upload_that_cannot_be_is_refused_before_anything_is_erased),
        TEST(data_beyond_the_announced_length_is_refused),
        TEST(malformed_requests_are_invalid),
        TEST(only_the_sectors_that_are_needed_are_erased),
        TEST(an_upload_to_the_secondary_leaves_the_primary_alone),
        TEST(a_slot_can_be_filled_to_its_last_byte),
        TEST(a_flash_that_fails_is_reported_and_may_be_tried_again),
        TEST(a_power_cut_in_an_upload_is_healed_by_the_next_upload),
        TEST(an_upload_over_an_interrupted_swap_boots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
