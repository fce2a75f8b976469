/* The client of `otter recover` against the bootloader's server, over a line in memory that may
 * lose bytes, with a clock of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/recovery/recovery_world.h"
#include "tool/smp_client.h"

#define IMAGE_END 2701u

static struct world *world;
static struct smp_client client;
static struct failure failure;
static uint8_t image[IMAGE_END];

/* Every so many bytes one is lost; 0: none. */
static unsigned lose_each;
static unsigned carried;
static otter_ms deaf_until; /* the board hears nothing before */
static bool unplugged;
static size_t taken; /* of what the board has said */
static uint32_t last_progress;

static bool is_lost(void)
{
    carried++;
    return lose_each != 0 && carried % lose_each == 0;
}

static otter_status line_send(void *ctx, const void *data, size_t length)
{
    const uint8_t *bytes = data;
    (void)ctx;
    if (unplugged)
        return OTTER_E_IO;
    for (size_t i = 0; i < length; i++) {
        if (!is_lost() && world->now >= deaf_until)
            recovery_input(&world->recovery, &bytes[i], 1, world->now);
    }
    return OTTER_OK;
}

/* What the board says is written to world->said; lost bytes are passed over. */
static int line_receive(void *ctx, void *data, size_t size, unsigned timeout_ms)
{
    (void)ctx;
    assert_true(size >= 1);
    while (taken < world->said_length) {
        *(uint8_t *)data = world->said[taken++];
        if (taken == world->said_length)
            taken = world->said_length = 0;
        if (!is_lost())
            return 1;
    }
    world->now += timeout_ms;
    return unplugged ? OTTER_E_CLOSED : 0;
}

static uint64_t line_now(void *ctx)
{
    (void)ctx;
    return world->now;
}

static void see_progress(void *ctx, uint32_t done)
{
    (void)ctx;
    assert_in_range(done, 0, IMAGE_END);
    last_progress = done;
}

static void say_waiting(void)
{
    function_called();
}

static int open_world(void **state)
{
    static const struct smp_line line = {line_send, line_receive, line_now, NULL};
    (void)state;
    world = calloc(1, sizeof *world);
    world_create(world, &world_geometry);
    sim_image_make(image, sizeof image, 1, SIM_KEY);
    smp_client_init(&client, &line, 20000);
    failure.text[0] = '\0';
    lose_each = carried = 0;
    deaf_until = 0;
    unplugged = false;
    taken = 0;
    last_progress = 0;
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

static otter_status upload(uint32_t number, uint32_t size)
{
    const struct smp_upload request = {image, size, number, see_progress, NULL};
    return smp_upload(&client, &request, &failure);
}

static void connecting_learns_how_large_a_frame_may_be(void **state)
{
    (void)state;
    client.device_frame_max = 0;
    assert_int_equal(smp_connect(&client, say_waiting, &failure), OTTER_OK);
    assert_int_equal(client.device_frame_max, RECOVERY_REQUEST_MAX);
}

static void a_board_that_starts_later_is_waited_for(void **state)
{
    (void)state;
    deaf_until = 9000;
    expect_function_call(say_waiting);
    assert_int_equal(smp_connect(&client, say_waiting, &failure), OTTER_OK);
    assert_in_range(world->now, 9000, 9100); /* within the shortest window */
}

static void a_board_that_never_answers_is_given_up(void **state)
{
    (void)state;
    deaf_until = OTTER_NEVER;
    expect_function_call(say_waiting);
    assert_int_equal(smp_connect(&client, say_waiting, &failure), OTTER_E_TIMEOUT);
    assert_in_range(world->now, 20000, 20100);
    assert_non_null(strstr(failure.text, "no answer within 20 s"));
}

static void a_line_that_breaks_is_told_from_a_silent_board(void **state)
{
    (void)state;
    unplugged = true;
    assert_int_equal(smp_echo(&client, "x", &failure), OTTER_E_IO);
    assert_non_null(strstr(failure.text, "connection to the board is lost"));
}

static void an_echo_comes_back(void **state)
{
    (void)state;
    assert_int_equal(smp_echo(&client, "hello", &failure), OTTER_OK);
}

static void an_upload_is_listed(void **state)
{
    struct smp_image images[SMP_SLOTS_MAX];
    (void)state;
    assert_int_equal(upload(2, sizeof image), OTTER_OK);
    assert_int_equal(upload(0, sizeof image), OTTER_OK);
    assert_int_equal(last_progress, sizeof image);
    assert_int_equal(smp_images(&client, images, &failure), 2);
    assert_int_equal(images[0].slot, 0);
    assert_int_equal(images[1].slot, 1);
    assert_string_equal(images[0].version, "1.0.0");
    assert_string_equal(images[0].flags, "bootable confirmed active");
    assert_true(images[0].has_hash);
    assert_true(board_boot(&world->board));
    assert_int_equal(world->board.status, OTTER_OK);
}

static void slots_are_told_with_their_sizes(void **state)
{
    struct smp_slot slots[SMP_SLOTS_MAX];
    (void)state;
    assert_int_equal(smp_slots(&client, slots, &failure), 2);
    assert_int_equal(slots[0].number, 1);
    assert_int_equal(slots[1].number, 2);
    assert_int_equal(slots[1].slot, 1);
    assert_int_equal(slots[0].size, 6 * 512);
    assert_int_equal(slots[1].image_size_max, world->config.image_size_max);
}

static void lost_bytes_only_cost_time(void **state)
{
    (void)state;
    for (unsigned each = 1009; each < 1400; each += 30) {
        lose_each = each;
        world_enter(world);
        if (upload(1, sizeof image) != OTTER_OK)
            fail_msg("one byte of %u is lost: %s", each, failure.text);
        assert_true(board_holds(&world->board, BOARD_PRIMARY, 0, image, sizeof image));
    }
}

static void a_board_that_restarts_in_an_upload_is_filled_from_the_start(void **state)
{
    static const uint8_t text[] = "boot log\r\n\x06\x09 junk";
    (void)state;
    assert_int_equal(upload(1, 1000), OTTER_OK);
    world_enter(world);
    recovery_input(&world->recovery, text, sizeof text, world->now);
    assert_int_equal(upload(1, sizeof image), OTTER_OK);
    assert_true(board_holds(&world->board, BOARD_PRIMARY, 0, image, sizeof image));
}

static void refusals_say_why(void **state)
{
    (void)state;
    assert_int_equal(upload(9, sizeof image), OTTER_E_REFUSED);
    assert_non_null(strstr(failure.text, "no such slot"));
}

static void a_reset_is_acknowledged(void **state)
{
    (void)state;
    assert_int_equal(smp_reset(&client, &failure), OTTER_OK);
    assert_true(recovery_reset_due(&world->recovery, world->now + RECOVERY_RESET_DELAY_MS));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(connecting_learns_how_large_a_frame_may_be),
        TEST(a_board_that_starts_later_is_waited_for),
        TEST(a_board_that_never_answers_is_given_up),
        TEST(a_line_that_breaks_is_told_from_a_silent_board),
        TEST(an_echo_comes_back),
        TEST(an_upload_is_listed),
        TEST(slots_are_told_with_their_sizes),
        TEST(lost_bytes_only_cost_time),
        TEST(a_board_that_restarts_in_an_upload_is_filled_from_the_start),
        TEST(refusals_say_why),
        TEST(a_reset_is_acknowledged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
