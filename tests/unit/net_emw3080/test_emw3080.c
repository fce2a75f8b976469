/* The life of a Wi-Fi module with its driver: joining, staying, and being found out. */
#include "tests/unit/net_emw3080/emw3080_world.h"

/* ---- Joining -----------------------------------------------------------------------------------
 */

static void it_is_reset_asked_who_it_is_and_joins(void **state)
{
    static const uint16_t order[] = {VERSION, MAC, BYPASS_SET, CONNECT};
    static const uint8_t mac[6] = {0xc8, 0x93, 0x46, 1, 2, 3};
    (void)state;
    assert_int_equal(emw3080_network(&module), OTTER_E_AGAIN);
    join_workshop();
    assert_int_equal(fake.resets, 1);
    assert_memory_equal(fake.order, order, sizeof order);
    assert_int_equal(fake.ordered, 4);
    assert_true(fake.bypass);
    assert_memory_equal(emw3080_mac(&module), mac, 6);
    assert_int_equal(times_logged("joining workshop"), 1);
    assert_int_equal(times_logged("in workshop"), 1);
}

static void the_request_to_join_has_the_credentials_where_they_belong(void **state)
{
    (void)state;
    char longest[65];
    memset(longest, 'k', 64);
    longest[64] = '\0';
    emw3080_join(&module, now, "a name of thirty-two characters!", longest);
    join_workshop();
    uint8_t expected[176] = {0};
    memcpy(expected, "a name of thirty-two characters!", 32);
    memcpy(expected + 33, longest, 64);
    expected[98] = 64;
    assert_memory_equal(fake.connect, expected, sizeof expected);
}

static void without_a_name_it_waits_for_one(void **state)
{
    (void)state;
    emw3080_join(&module, now, "", "");
    run(MINUTE);
    assert_int_equal(emw3080_network(&module), OTTER_E_STATE);
    assert_int_equal(fake.asked[CONNECT], 0);
    emw3080_join(&module, now, "workshop", "");
    run(SECOND);
    assert_int_equal(emw3080_network(&module), OTTER_OK);
}

static void the_same_credentials_again_change_nothing(void **state)
{
    (void)state;
    join_workshop();
    emw3080_join(&module, now, "workshop", "horse battery");
    run(SECOND);
    assert_int_equal(fake.asked[CONNECT], 1);
}

static void other_credentials_leave_the_network_first(void **state)
{
    static const uint16_t order[] = {BYPASS_SET, DISCONNECT, BYPASS_SET, CONNECT};
    (void)state;
    join_workshop();
    const size_t before = fake.ordered;
    emw3080_join(&module, now, "kitchen", "horse battery");
    assert_int_equal(emw3080_network(&module), OTTER_E_AGAIN);
    run(SECOND);
    assert_int_equal(emw3080_network(&module), OTTER_OK);
    assert_memory_equal(fake.order + before, order, sizeof order);
    assert_string_equal((const char *)fake.connect, "kitchen");
    emw3080_join(&module, now, "", "");
    run(MINUTE);
    assert_int_equal(emw3080_network(&module), OTTER_E_STATE);
    assert_false(fake.bypass);
    assert_false(fake.connected);
}

static void credentials_that_change_in_the_middle_of_a_transaction_do_no_harm(void **state)
{
    (void)state;
    fake.flow_late_ms = 20;
    for (unsigned ms = 1; ms < 400; ms += 7) {
        run(ms);
        emw3080_join(&module, now, ms % 2 ? "kitchen" : "workshop", "horse battery");
    }
    run(10 * SECOND);
    assert_int_equal(emw3080_network(&module), OTTER_OK);
}

static void up_may_come_before_the_answer_to_the_join(void **state)
{
    (void)state;
    fake.says_up = false;
    run(2 * SECOND);
    emw3080_join(&module, now, "kitchen", "");
    fake.answer_late_ms = 50;
    while (fake.asked[CONNECT] < 2)
        run(1);
    fake.answer_late_ms = 0;
    fake.count = 0; /* the answer is behind the event */
    say_status(2);
    answer_status(fake.last_request, CONNECT, 0);
    run(100);
    assert_int_equal(emw3080_network(&module), OTTER_OK);
}

static void a_wrong_password_is_told_from_a_missing_access_point(void **state)
{
    (void)state;
    fake.connect_status = -1;
    run(2 * SECOND);
    assert_int_equal(emw3080_network(&module), OTTER_E_PASSWORD);
    assert_int_equal(times_logged("cannot join workshop: wrong Wi-Fi password; next try in 5 s"),
                     1);
    assert_int_equal(times_logged("it says -1 to the join"), 1);
    fake.networks = 0;
    run(6 * SECOND);
    assert_int_equal(emw3080_network(&module), OTTER_E_ACCESS_POINT);
    fake.connect_status = 0;
    run(15 * SECOND);
    assert_int_equal(emw3080_network(&module), OTTER_OK);
}

static void a_join_that_the_module_only_accepts_is_given_up(void **state)
{
    (void)state;
    fake.says_up = false;
    run(20 * SECOND);
    assert_int_equal(emw3080_network(&module), OTTER_E_AGAIN);
    run(15 * SECOND);
    assert_int_equal(emw3080_network(&module), OTTER_E_PASSWORD);
}

static void joins_are_tried_again_with_waits_that_grow_to_a_minute(void **state)
{
    (void)state;
    fake.connect_status = -1;
    run(6 * MINUTE);
    const unsigned tries = fake.asked[CONNECT];
    assert_in_range(tries, 7, 9);
    static const unsigned waits_s[] = {5, 10, 20, 40, 60, 60};
    for (unsigned i = 0; i < 6; i++) {
        const otter_ms wait = fake.connect_at[i + 2] - fake.connect_at[i + 1];
        assert_in_range(wait, waits_s[i] * SECOND, waits_s[i] * SECOND + 200);
    }
}

/* ---- Staying -----------------------------------------------------------------------------------
 */

static void an_access_point_that_is_gone_is_waited_for_and_joined_again(void **state)
{
    (void)state;
    for (unsigned wide = 0; wide < 2; wide++) {
        set_up(NULL);
        fake.wide_status = wide == 1;
        join_workshop();
        say_status(1);
        run(10);
        assert_int_equal(emw3080_network(&module), OTTER_E_AGAIN);
        assert_int_equal(times_logged("the access point is gone"), 1);
        say_status(2); /* the module has gone back by itself */
        run(10);
        assert_int_equal(emw3080_network(&module), OTTER_OK);
        assert_int_equal(fake.asked[CONNECT], 1);
        say_status(1);
        run(7 * SECOND);
        assert_int_equal(emw3080_network(&module), OTTER_OK);
        assert_int_equal(fake.asked[CONNECT], 2);
        assert_int_equal(fake.asked[DISCONNECT], 1);
    }
}

static void a_module_that_restarts_is_set_up_again(void **state)
{
    (void)state;
    join_workshop();
    module_restarts();
    queue_packet(0, REBOOTED, "", 0);
    run(10);
    assert_int_equal(emw3080_network(&module), OTTER_E_AGAIN);
    assert_int_equal(times_logged("it has restarted by itself"), 1);
    run(3 * SECOND);
    assert_int_equal(emw3080_network(&module), OTTER_OK);
    assert_int_equal(fake.resets, 1);
}

static void a_module_that_restarts_unheard_is_found_out(void **state)
{
    (void)state;
    join_workshop();
    module_restarts();
    run(MINUTE);
    assert_int_equal(emw3080_network(&module), OTTER_OK);
    assert_int_equal(fake.asked[CONNECT], 2);
    module_restarts();
    fake.frame_status = -7;
    send_frame(100, 1); /* a frame that is refused finds out at once */
    run(100);
    assert_int_equal(emw3080_network(&module), OTTER_E_AGAIN);
    assert_int_equal(times_logged("it says -7 to a frame"), 1);
}

static void a_module_that_says_nothing_any_more_is_reset(void **state)
{
    (void)state;
    join_workshop();
    fake.stays_silent = true;
    run(45 * SECOND);
    assert_int_equal(fake.resets, 2);
    assert_int_not_equal(emw3080_network(&module), OTTER_OK);
    fake.stays_silent = false;
    run(30 * SECOND);
    assert_int_equal(emw3080_network(&module), OTTER_OK);
}

static void resets_of_a_dead_module_come_with_waits_that_grow_to_a_minute(void **state)
{
    (void)state;
    fake.dead = true;
    run(8 * MINUTE);
    assert_int_equal(emw3080_network(&module), OTTER_E_TIMEOUT);
    assert_in_range(fake.resets, 10, 12);
    static const unsigned waits_s[] = {1, 2, 4, 8, 16, 32};
    for (unsigned i = 0; i < 6; i++) {
        const otter_ms wait = fake.reset_at[i + 1] - fake.reset_at[i];
        assert_in_range(wait, waits_s[i] * SECOND + 10 * SECOND, waits_s[i] * SECOND + 13 * SECOND);
    }
    fake.dead = false;
    run(2 * MINUTE);
    assert_int_equal(emw3080_network(&module), OTTER_OK);
}

static void a_module_that_carries_no_frames_is_not_used(void **state)
{
    (void)state;
    fake.bypass_status = -5;
    run(3 * SECOND);
    assert_int_equal(emw3080_network(&module), OTTER_E_IO);
    assert_true(times_logged("it refuses to carry frames: -5") > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup(name, set_up)
        T(it_is_reset_asked_who_it_is_and_joins),
        T(the_request_to_join_has_the_credentials_where_they_belong),
        T(without_a_name_it_waits_for_one),
        T(the_same_credentials_again_change_nothing),
        T(other_credentials_leave_the_network_first),
        T(credentials_that_change_in_the_middle_of_a_transaction_do_no_harm),
        T(up_may_come_before_the_answer_to_the_join),
        T(a_wrong_password_is_told_from_a_missing_access_point),
        T(a_join_that_the_module_only_accepts_is_given_up),
        T(joins_are_tried_again_with_waits_that_grow_to_a_minute),
        T(an_access_point_that_is_gone_is_waited_for_and_joined_again),
        T(a_module_that_restarts_is_set_up_again),
        T(a_module_that_restarts_unheard_is_found_out),
        T(a_module_that_says_nothing_any_more_is_reset),
        T(resets_of_a_dead_module_come_with_waits_that_grow_to_a_minute),
        T(a_module_that_carries_no_frames_is_not_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
