/* What goes wrong with the EMW3080, once, as its model is told to. */
#include "tests/unit/twin/emw3080_bench.h"

/* ---- faults ---- */

static void set_fault(enum emw3080_fault fault, unsigned at)
{
    config.fault = fault;
    config.fault_at = at;
    power_on();
}

static void a_late_flow_comes_behind_its_transaction(void **state)
{
    (void)state;
    set_fault(EMW3080_FLOW_LATE, 1);
    assert_false(tell(0x0003, NULL, 0)); /* gives up after 10 ms */
    flow_edges = 0;
    pass(10 * MS);
    assert_int_equal(flow_edges, 1);
    assert_true(tell(0x0003, NULL, 0));
    assert_true(listen(100 * MS));
    assert_none();
}

static void a_flow_may_not_come_once(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        (void)set_up(state);
        set_fault(i ? EMW3080_FLOW_ONCE : EMW3080_FLOW_NEVER, 1);
        assert_false(tell(0x0003, NULL, 0));
        assert_true(tell(0x0003, NULL, 0));
        assert_true(listen(100 * MS));
        assert_int_equal(word(got), next_id);
        assert_none();
    }
}

static void a_bad_header_loses_neither_packet(void **state)
{
    (void)state;
    set_fault(EMW3080_BAD_HEADER, 2);
    assert_true(tell(0x0001, "a", 1));
    pass(50 * MS);
    assert_false(tell(0x0001, "b", 1));
    assert_true(tell(0x0001, "b", 1));
    assert_int_equal(got[6], 'a');
    assert_true(listen(100 * MS));
    assert_int_equal(got[6], 'b');
    assert_none();
}

static void a_module_that_hangs_works_after_its_reset(void **state)
{
    (void)state;
    set_fault(EMW3080_HANGS, 2);
    assert_true(tell(0x0003, NULL, 0));
    for (unsigned i = 0; i < 3; i++)
        assert_false(tell(0x0003, NULL, 0));
    emw3080_model_reset(&model, false, now);
    pass(100 * MS);
    emw3080_model_reset(&model, true, now);
    pass(1200 * MS);
    assert_true(tell(0x0003, NULL, 0));
    assert_true(listen(100 * MS));
    assert_none();
}

static void a_response_may_not_come_once(void **state)
{
    (void)state;
    set_fault(EMW3080_MUTE, 1);
    assert_true(tell(0x0003, NULL, 0));
    assert_false(listen(1000 * MS));
    assert_true(tell(0x0003, NULL, 0));
    assert_true(listen(100 * MS));
    assert_none();
}

static void a_dropped_link_stays_down_until_a_connect(void **state)
{
    (void)state;
    set_fault(EMW3080_DROPS, 3);
    join();
    assert_true(tell(0x0001, "x", 1));
    expect_event(1, 100 * MS);
    assert_true(listen(100 * MS)); /* the echo */
    assert_false(listen(6000 * MS));
    connect_with("net", "secret");
    expect_status(0x0103, 0);
    expect_event(2, 3000 * MS);
    assert_none();
}

static void a_link_that_blinks_comes_back_by_itself(void **state)
{
    (void)state;
    set_fault(EMW3080_BLINKS, 3);
    join();
    assert_true(tell(0x0001, "x", 1));
    expect_event(1, 100 * MS);
    assert_true(listen(100 * MS));
    expect_event(2, 5000 * MS);
    send_frame(60);
    expect_status(0x010e, 0);
    assert_none();
}

static void a_module_that_restarts_says_so_and_has_forgotten(void **state)
{
    (void)state;
    set_fault(EMW3080_RESTARTS, 3);
    join();
    assert_true(tell(0x0001, "x", 1));
    assert_false(tell(0x0001, "y", 1)); /* it boots: no FLOW, but nobody's fault */
    assert_true(listen(3000 * MS));
    assert_int_equal(api_of(), 0x8001);
    assert_true(tell(0x010d, NULL, 0));
    expect_status(0x010d, 0);
    assert_none();
}

static void a_join_may_be_rejected(void **state)
{
    (void)state;
    set_fault(EMW3080_REJECTS, 1);
    connect_with("net", "secret");
    expect_status(0x0103, UINT32_MAX);
    assert_false(listen(3000 * MS));
    connect_with("net", "secret");
    expect_status(0x0103, 0);
    expect_event(2, 3000 * MS);
    assert_none();
}

static void an_event_may_come_before_the_response(void **state)
{
    (void)state;
    set_fault(EMW3080_EVENT, 1);
    assert_true(tell(0x0001, "x", 1));
    expect_event(4, 100 * MS);
    assert_true(listen(100 * MS));
    assert_int_equal(api_of(), 0x0001);
    assert_none();
}

static void responses_may_come_out_of_order(void **state)
{
    (void)state;
    set_fault(EMW3080_REORDERS, 1);
    assert_true(tell(0x0001, "x", 1));
    assert_true(tell(0x0001, "y", 1));
    assert_true(listen(100 * MS));
    assert_int_equal(got[6], 'y');
    assert_true(listen(100 * MS));
    assert_int_equal(got[6], 'x');
    assert_none();
}

static void each_fault_has_a_name(void **state)
{
    (void)state;
    for (unsigned fault = 0; fault < EMW3080_FAULTS; fault++)
        assert_non_null(emw3080_model_faults[fault]);
    assert_null(emw3080_model_faults[EMW3080_FAULTS]);
}

static void a_fault_is_said_by_its_name(void **state)
{
    struct modem_setup setup = {0};
    (void)state;
    assert_true(modem_setup_fault(&setup, emw3080_model_faults, "hangs"));
    assert_int_equal(setup.fault, EMW3080_HANGS);
    assert_int_equal(setup.fault_at, 1);
    assert_true(modem_setup_fault(&setup, emw3080_model_faults, "drops@12"));
    assert_int_equal(setup.fault, EMW3080_DROPS);
    assert_int_equal(setup.fault_at, 12);
    assert_false(modem_setup_fault(&setup, emw3080_model_faults, "none"));
    assert_false(modem_setup_fault(&setup, emw3080_model_faults, "drops@"));
    assert_false(modem_setup_fault(&setup, emw3080_model_faults, "drops@0"));
    assert_false(modem_setup_fault(&setup, emw3080_model_faults, "drop"));
    assert_int_equal(setup.fault_at, 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_late_flow_comes_behind_its_transaction),
        TEST(a_flow_may_not_come_once),
        TEST(a_bad_header_loses_neither_packet),
        TEST(a_module_that_hangs_works_after_its_reset),
        TEST(a_response_may_not_come_once),
        TEST(a_dropped_link_stays_down_until_a_connect),
        TEST(a_link_that_blinks_comes_back_by_itself),
        TEST(a_module_that_restarts_says_so_and_has_forgotten),
        TEST(a_join_may_be_rejected),
        TEST(an_event_may_come_before_the_response),
        TEST(responses_may_come_out_of_order),
        TEST(each_fault_has_a_name),
        TEST(a_fault_is_said_by_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
