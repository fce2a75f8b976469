/* Datagrams over the modem beside its connection, in both dialects. */
#include "tests/unit/net_at/modem_world.h"

static otter_status send_when_open(const void *data, size_t length)
{
    otter_status status = OTTER_E_AGAIN;
    for (const otter_ms end = now + MINUTE; now < end && status == OTTER_E_AGAIN; turn())
        status = esp8266_datagram_send(&modem, now, data, length);
    return status;
}

static size_t wait_for_answer(void *data, size_t size)
{
    size_t length = 0;
    for (const otter_ms end = now + 5 * SECOND; now < end && length == 0; turn())
        length = esp8266_datagram_receive(&modem, now, data, size);
    return length;
}

static void ask(void)
{
    char answer[64];
    assert_int_equal(send_when_open("abcdef", 6), OTTER_OK);
    assert_int_equal(wait_for_answer(answer, sizeof answer), 6);
    assert_memory_equal(answer, "fedcba", 6);
}

static void a_datagram_goes_out_and_its_answer_comes_back_in_both_dialects(void **state)
{
    (void)state;
    for (config.major = 1; config.major <= 2; config.major++) {
        for (split = 1; split <= 64; split += 21) {
            power_on();
            assert_int_equal(esp8266_datagram_open(&modem, now, "server.test", 123), OTTER_E_STATE);
            join();
            assert_int_equal(esp8266_datagram_open(&modem, now, "server.test", 123), OTTER_OK);
            ask();
            ask();
            esp8266_datagram_close(&modem, now);
            run(SECOND);
            assert_int_equal(server.datagram_links, 0);
            assert_int_equal(esp8266_datagram_send(&modem, now, "x", 1), OTTER_E_STATE);
        }
    }
    assert_null(strstr(logged, "<WRN>"));
}

static void the_connection_carries_its_data_between_datagrams(void **state)
{
    (void)state;
    for (config.major = 1; config.major <= 2; config.major++) {
        power_on();
        join();
        assert_int_equal(connect_to_server(), SOCKET_OPEN);
        assert_int_equal(esp8266_datagram_open(&modem, now, "server.test", 123), OTTER_OK);
        for (unsigned i = 0; i < 5; i++) {
            char answer[64];
            assert_int_equal(send_when_open("abcdef", 6), OTTER_OK);
            echo_well(3000); /* the answer comes in the middle of it */
            assert_int_equal(wait_for_answer(answer, sizeof answer), 6);
            assert_memory_equal(answer, "fedcba", 6);
        }
        assert_int_equal(link_state(), SOCKET_OPEN);
        esp8266_datagram_close(&modem, now);
        echo_well(3000);
        assert_int_equal(server.datagram_links, 0);
    }
    assert_null(strstr(logged, "<WRN>"));
}

static void what_fails_is_named_and_the_next_one_works(void **state)
{
    (void)state;
    for (config.major = 1; config.major <= 2; config.major++) {
        power_on();
        join();
        assert_int_equal(esp8266_datagram_open(&modem, now, "no\"where", 123), OTTER_E_ARGUMENT);
        assert_int_equal(esp8266_datagram_open(&modem, now, "nowhere.test", 123), OTTER_OK);
        assert_int_equal(send_when_open("x", 1), OTTER_E_NAME);
        server.datagram_links = 0;
        assert_int_equal(esp8266_datagram_open(&modem, now, "server.test", 9), OTTER_OK);
        assert_int_equal(send_when_open("x", 1), OTTER_E_IO);
        server.datagram_links = 0;
        assert_int_equal(esp8266_datagram_open(&modem, now, "server.test", 123), OTTER_OK);
        ask();
        char large[ESP8266_DATAGRAM_MAX + 1] = "";
        assert_int_equal(esp8266_datagram_send(&modem, now, large, sizeof large), OTTER_E_ARGUMENT);
    }
}

static void they_may_be_closed_and_opened_anew_at_any_time(void **state)
{
    (void)state;
    for (config.major = 1; config.major <= 2; config.major++) {
        power_on();
        join();
        for (unsigned moment = 0; moment < 60; moment += 3) {
            assert_int_equal(esp8266_datagram_open(&modem, now, "server.test", 123), OTTER_OK);
            for (const otter_ms end = now + moment; now < end; turn())
                (void)esp8266_datagram_send(&modem, now, "old", 3);
            assert_int_equal(esp8266_datagram_open(&modem, now, "server.test", 123), OTTER_OK);
            ask();
            assert_int_equal(server.datagram_links, 1);
            esp8266_datagram_close(&modem, now);
            run(SECOND);
            assert_int_equal(server.datagram_links, 0);
        }
    }
}

static void a_modem_that_goes_wrong_ends_them_and_they_work_again(void **state)
{
    (void)state;
    for (unsigned fault = MODEL_SOUND + 1; fault < MODEL_FAULTS; fault++) {
        for (unsigned at = 9; at <= 14; at++) {
            set_up(NULL);
            config.fault = (enum model_fault)fault;
            config.fault_at = at;
            power_on();
            esp8266_join(&modem, now, SSID, PASSWORD);
            char answer[64];
            size_t length = 0;
            for (unsigned attempt = 0; attempt < 10 && length == 0; attempt++) {
                (void)run_until_network(OTTER_OK, 5 * MINUTE);
                if (esp8266_datagram_open(&modem, now, "server.test", 123) != OTTER_OK)
                    continue;
                if (send_when_open("abcdef", 6) == OTTER_OK)
                    length = wait_for_answer(answer, sizeof answer);
            }
            if (length == 0)
                fail_msg("never again after fault %u at command %u", fault, at);
            esp8266_datagram_close(&modem, now);
            run(MINUTE);
            (void)talk_until_it_works(fault == MODEL_NOISE || fault == MODEL_LOSES);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_datagram_goes_out_and_its_answer_comes_back_in_both_dialects),
        TEST(the_connection_carries_its_data_between_datagrams),
        TEST(what_fails_is_named_and_the_next_one_works),
        TEST(they_may_be_closed_and_opened_anew_at_any_time),
        TEST(a_modem_that_goes_wrong_ends_them_and_they_work_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
