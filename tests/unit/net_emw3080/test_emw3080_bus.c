/* Transactions between a Wi-Fi module and its driver, and the frames in them. */
#include "tests/unit/net_emw3080/emw3080_world.h"

/* ---- The bus -----------------------------------------------------------------------------------
 */

static void a_late_flow_costs_time_alone(void **state)
{
    (void)state;
    fake.flow_late_ms = 90;
    run(5 * SECOND);
    assert_int_equal(emw3080_network(&module), OTTER_OK);
    assert_int_equal(fake.resets, 1);
    send_frame(200, 3);
    run(SECOND);
    assert_int_equal(air.count, 1);
}

static void without_flow_the_module_is_reset(void **state)
{
    (void)state;
    join_workshop();
    fake.flow_never = true;
    send_frame(200, 3);
    run(3 * SECOND);
    assert_int_equal(emw3080_network(&module), OTTER_E_TIMEOUT);
    assert_int_equal(times_logged("FLOW does not rise: trying again"), 1);
    assert_false(fake.selected && fake.in_reset);
    fake.flow_never = false;
    run(5 * SECOND);
    assert_int_equal(emw3080_network(&module), OTTER_OK);
    assert_int_equal(air.count, 1); /* the frame is not lost */
}

static void after_a_bad_header_the_packet_is_sent_again(void **state)
{
    (void)state;
    join_workshop();
    fake.bad_headers = 5;
    send_frame(200, 3);
    send_frame(201, 4);
    run(SECOND);
    assert_int_equal(air.count, 2);
    assert_int_equal(air.length, 201);
    assert_int_equal(out.sent, 2);
    assert_int_equal(times_logged("its header makes no sense: trying again"), 1);
    fake.bad_headers = 1000;
    send_frame(200, 3);
    run(3 * SECOND);
    assert_int_equal(emw3080_network(&module), OTTER_E_IO);
}

static void a_bus_that_fails_is_told(void **state)
{
    (void)state;
    join_workshop();
    fake.bus_fails = true;
    send_frame(200, 3);
    run(3 * SECOND);
    assert_int_equal(emw3080_network(&module), OTTER_E_IO);
    assert_int_equal(times_logged("SPI failed: trying again"), 1);
}

static void answers_come_in_any_order_with_events_and_frames_between(void **state)
{
    (void)state;
    join_workshop();
    fake.silent_to_frames = true;
    send_frame(60, 1);
    send_frame(60, 2);
    run(10);
    const uint32_t second = fake.last_request;
    fake.stays_silent = true;
    while (fake.asked[LINK_INFO] == 0)
        run(1);
    const uint32_t info = fake.last_request;
    uint8_t parameters[120] = {0};
    put(parameters + 4, 1, 4);
    say_frame(80, 9);
    answer_status(second, BYPASS_OUT, 0);
    answer_status(info + 1000, LINK_INFO, 0); /* of a request that nobody made: not connected */
    say_status(5);
    queue_packet(info, LINK_INFO, parameters, sizeof parameters);
    answer_status(info, LINK_INFO, 0); /* and once more, but different */
    fake.stays_silent = fake.silent_to_frames = false;
    run(100);
    assert_int_equal(emw3080_network(&module), OTTER_OK);
    assert_int_equal(in.count, 1);
    assert_int_equal(fake.asked[DISCONNECT], 0);
}

/* ---- Frames ------------------------------------------------------------------------------------
 */

static void frames_of_every_length_go_both_ways_whole(void **state)
{
    static const size_t lengths[] = {14, 36, 37, 60, 64, 100, 163, 164, 165, 1000, 1513, 1514};
    (void)state;
    join_workshop();
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        send_frame(lengths[i], (uint8_t)i);
        say_frame(lengths[sizeof lengths / sizeof *lengths - 1 - i], (uint8_t)(100 + i));
        run(5);
        assert_int_equal(air.count, i + 1);
        assert_int_equal(air.length, lengths[i]);
        for (size_t at = 0; at < air.length; at++)
            assert_int_equal(air.bytes[at], (uint8_t)(i + 3 * at));
        assert_int_equal(in.count, i + 1);
        assert_int_equal(in.last_length, lengths[sizeof lengths / sizeof *lengths - 1 - i]);
        for (size_t at = 0; at < in.last_length; at++)
            assert_int_equal(in.last[at], (uint8_t)(100 + i + 7 * at));
    }
}

static void frames_that_cannot_be_are_dropped(void **state)
{
    (void)state;
    join_workshop();
    say_frame(1515, 1);
    say_frame(13, 1);
    say_frame(0, 1);
    say_frame(500, 1);
    fake.queue[(fake.first + 3) % QUEUE].length -= 1; /* it promises more than there is */
    say_frame(500, 1);
    fake.queue[(fake.first + 4) % QUEUE].bytes[6] = 1; /* of the access point */
    queue_packet(0, BYPASS_IN, "", 0);
    queue_packet(0, 0x8fff, "what", 4);
    queue_packet(0, STATUS, "", 0)->length = 3; /* not even a header */
    run(100);
    assert_int_equal(in.count, 0);
    assert_int_equal(emw3080_network(&module), OTTER_OK);
    say_frame(500, 1);
    run(10);
    assert_int_equal(in.count, 1);
}

static void frames_before_the_join_are_nobodys(void **state)
{
    (void)state;
    fake.says_up = false;
    run(3 * SECOND);
    say_frame(500, 1);
    run(10);
    assert_int_equal(in.count, 0);
    assert_int_equal(fake.count, 0);
}

static void without_room_the_module_keeps_its_frames(void **state)
{
    (void)state;
    join_workshop();
    in.no_room = true;
    const unsigned before = fake.transactions;
    for (unsigned i = 0; i < 200; i++)
        say_frame(1514, (uint8_t)i);
    send_frame(64, 1);
    run(2 * MINUTE); /* and nobody takes its silence for a fault */
    assert_int_equal(fake.transactions, before);
    assert_int_equal(fake.resets, 1);
    in.no_room = false;
    run(100);
    assert_int_equal(in.count, 200);
    assert_int_equal(air.count, 1);
    assert_int_equal(emw3080_network(&module), OTTER_OK);
}

static void a_flood_leaves_the_loop_its_turns(void **state)
{
    (void)state;
    join_workshop();
    for (unsigned i = 0; i < 200; i++)
        say_frame(1514, (uint8_t)i);
    emw3080_tick(&module, now);
    assert_in_range(in.count, 1, 16);
    assert_true(emw3080_has_work(&module, now));
}

static void only_a_few_frames_wait_for_their_answers(void **state)
{
    (void)state;
    join_workshop();
    fake.silent_to_frames = true;
    for (uint8_t i = 0; i < 10; i++)
        send_frame(60, i);
    run(900);
    assert_int_equal(air.count, 4);
    run(2 * SECOND);
    assert_int_equal(air.count, 10);
    assert_true(times_logged("no answer to 4 frames") > 0);
    assert_int_equal(emw3080_network(&module), OTTER_OK);
}

/* TLS computes for over a second, and frames and commands are answered meanwhile. */
static void answers_that_wait_while_the_core_computes_are_not_late(void **state)
{
    (void)state;
    for (unsigned flow_ms = 0; flow_ms < 10; flow_ms += 3) {
        set_up(NULL);
        join_workshop();
        fake.flow_late_ms = flow_ms;
        send_frame(60, 1);
        send_frame(60, 2);
        while (out.count > 0)
            run(1);
        now += 5 * SECOND;
        run(SECOND);
        assert_int_equal(air.count, 2);
        assert_int_equal(times_logged("no answer"), 0);
        assert_int_equal(fake.asked[LINK_INFO], 0);
        while (fake.asked[LINK_INFO] == 0)
            run(1);
        now += 5 * SECOND;
        run(SECOND);
        assert_int_equal(times_logged("no answer"), 0);
        assert_int_equal(fake.asked[LINK_INFO], 1);
        assert_int_equal(emw3080_network(&module), OTTER_OK);
    }
}

static void a_command_that_waits_while_the_core_computes_is_sent_before_it_is_late(void **state)
{
    (void)state;
    join_workshop();
    fake.flow_late_ms = 3;
    const unsigned before = fake.transactions;
    while (fake.transactions == before && !fake.selected)
        emw3080_tick(&module, now++);
    now += 5 * SECOND;
    run(SECOND);
    assert_int_equal(fake.asked[LINK_INFO], 1);
    assert_int_equal(times_logged("no answer"), 0);
}

static void a_module_that_talks_but_does_not_answer_is_found_out(void **state)
{
    (void)state;
    join_workshop();
    fake.stays_silent = true;
    send_frame(60, 1);
    for (unsigned i = 0; i < 45 * SECOND / 10; i++) {
        while (fake.count < 100 && module.state != 0)
            say_frame(60, 1);
        fake.flow_late_ms = 1;
        run(10);
    }
    assert_true(times_logged("no answer to 1 frames") > 0);
    assert_true(fake.resets >= 2);
}

static void notify_without_anything_to_say_does_not_turn_the_loop_for_ever(void **state)
{
    (void)state;
    join_workshop();
    queue_packet(0, STATUS, "", 0)->length = 0;
    const unsigned before = fake.transactions;
    run(100);
    assert_in_range(fake.transactions - before, 1, 21);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup(name, set_up)
        T(a_late_flow_costs_time_alone),
        T(without_flow_the_module_is_reset),
        T(after_a_bad_header_the_packet_is_sent_again),
        T(a_bus_that_fails_is_told),
        T(answers_come_in_any_order_with_events_and_frames_between),
        T(frames_of_every_length_go_both_ways_whole),
        T(frames_that_cannot_be_are_dropped),
        T(frames_before_the_join_are_nobodys),
        T(without_room_the_module_keeps_its_frames),
        T(a_flood_leaves_the_loop_its_turns),
        T(only_a_few_frames_wait_for_their_answers),
        T(answers_that_wait_while_the_core_computes_are_not_late),
        T(a_command_that_waits_while_the_core_computes_is_sent_before_it_is_late),
        T(a_module_that_talks_but_does_not_answer_is_found_out),
        T(notify_without_anything_to_say_does_not_turn_the_loop_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
