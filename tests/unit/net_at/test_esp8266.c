/* The modem's driver against a model of the modem, in both dialects: joining and connections. */
#include "tests/unit/net_at/modem_world.h"

/* ---- Joining -----------------------------------------------------------------------------------
 */

static void it_joins_connects_and_carries_data_in_both_dialects(void **state)
{
    (void)state;
    static const size_t splits[] = {1, 7, 64, 2000};
    for (config.major = 1; config.major <= 2; config.major++) {
        for (size_t i = 0; i < sizeof splits / sizeof *splits; i++) {
            split = splits[i];
            power_on();
            join();
            assert_int_equal(connect_to_server(), SOCKET_OPEN);
            echo_well(10000);
            esp8266_close(&modem, now);
            run(SECOND);
            assert_false(server.connected);
        }
    }
    assert_null(strstr(logged, "staple"));
    assert_null(strstr(logged, "<WRN>"));
}

static void without_credentials_it_stays_idle_and_says_so(void **state)
{
    (void)state;
    power_on();
    esp8266_join(&modem, now, "", "");
    run(2 * SECOND);
    assert_int_equal(esp8266_network(&modem), OTTER_E_STATE);
    assert_int_equal(esp8266_deadline(&modem), OTTER_NEVER);
    assert_int_equal(esp8266_open(&modem, now, "server.test", 8883), OTTER_E_STATE);
    join();
    esp8266_join(&modem, now, "", "");
    run(SECOND);
    assert_false(model.joined);
    assert_int_equal(esp8266_network(&modem), OTTER_E_STATE);
}

static void what_keeps_it_from_joining_is_named(void **state)
{
    (void)state;
    for (config.major = 1; config.major <= 2; config.major++) {
        power_on();
        esp8266_join(&modem, now, "elsewhere", PASSWORD);
        assert_int_equal(run_until_network(OTTER_E_ACCESS_POINT, MINUTE), OTTER_E_ACCESS_POINT);
        esp8266_join(&modem, now, SSID, "wrong");
        assert_int_equal(run_until_network(OTTER_E_PASSWORD, 2 * SECOND), OTTER_E_PASSWORD);
        assert_non_null(strstr(logged, "cannot join " SSID ": wrong Wi-Fi password"));
        /* It goes back to a network of its own, which is not the one that was asked for. */
        esp8266_input(&modem, now, "WIFI CONNECTED\r\nWIFI GOT IP\r\n", 29);
        run(SECOND);
        assert_int_equal(esp8266_network(&modem), OTTER_E_PASSWORD);
        esp8266_join(&modem, now, SSID, PASSWORD);
        assert_int_equal(run_until_network(OTTER_OK, 2 * SECOND), OTTER_OK);
    }
    config.no_dhcp = true;
    power_on();
    esp8266_join(&modem, now, SSID, PASSWORD);
    assert_int_equal(run_until_network(OTTER_E_ADDRESS, MINUTE), OTTER_E_ADDRESS);
}

static void new_credentials_count_also_while_it_joins_with_the_old(void **state)
{
    (void)state;
    static const char *const before[] = {"wrong", PASSWORD};
    config.delay_ms = 2000;
    for (int i = 0; i < 2; i++) {
        power_on();
        esp8266_join(&modem, now, SSID, before[i]);
        while (strstr(logged, "joining") == NULL)
            turn();
        esp8266_join(&modem, now, SSID, i == 0 ? PASSWORD : "wrong");
        run(9 * SECOND);
        assert_int_equal(esp8266_network(&modem), i == 0 ? OTTER_OK : OTTER_E_PASSWORD);
        logged[0] = '\0';
    }
}

static void credentials_as_long_as_they_may_be_join_whatever_is_in_them(void **state)
{
    (void)state;
    static const char *const kinds[] = {"\"", "\\", ",", "\\\",\"", "\xc3\xbc", "\xf0\x9f\xa6\xa6",
                                        " a", "x"};
    for (size_t i = 0; i < 2 * sizeof kinds / sizeof *kinds; i++) {
        set_up(NULL);
        const char *kind = kinds[i / 2];
        char ssid[ESP8266_SSID_MAX + 1] = "", credential[ESP8266_CREDENTIAL_MAX + 1] = "";
        while (strlen(ssid) + strlen(kind) <= ESP8266_SSID_MAX)
            strcat(ssid, kind);
        while (strlen(credential) + strlen(kind) <= ESP8266_CREDENTIAL_MAX)
            strcat(credential, kind);
        config.major = 1 + (unsigned)i % 2;
        config.ssid = ssid;
        config.password = credential;
        power_on();
        esp8266_join(&modem, now, ssid, credential);
        assert_int_equal(run_until_network(OTTER_OK, MINUTE), OTTER_OK);
        char wrong[sizeof credential];
        strcpy(wrong, credential);
        wrong[strlen(wrong) - 1] ^= 1;
        esp8266_join(&modem, now, ssid, wrong);
        assert_int_equal(run_until_network(OTTER_E_PASSWORD, MINUTE), OTTER_E_PASSWORD);
    }
}

static void it_tries_again_when_the_access_point_was_not_there(void **state)
{
    (void)state;
    config.ssid = "not yet";
    power_on();
    esp8266_join(&modem, now, SSID, PASSWORD);
    assert_int_equal(run_until_network(OTTER_E_ACCESS_POINT, MINUTE), OTTER_E_ACCESS_POINT);
    run(10 * MINUTE);
    const unsigned tries = model.commands;
    assert_in_range(tries, 10, 30); /* 5 s, then longer and longer */
    model.config.ssid = SSID;
    assert_int_equal(run_until_network(OTTER_OK, 61 * SECOND), OTTER_OK);
}

static void a_firmware_without_passive_mode_is_refused_by_name(void **state)
{
    (void)state;
    config.no_passive = true;
    power_on();
    esp8266_join(&modem, now, SSID, PASSWORD);
    assert_int_equal(run_until_network(OTTER_E_VERSION, MINUTE), OTTER_E_VERSION);
    assert_non_null(strstr(logged, "1.7 or later is needed"));
}

static void a_dead_modem_is_reset_with_growing_waits(void **state)
{
    (void)state;
    for (int pin = 0; pin < 2; pin++) {
        wiring.reset_pin = pin == 1;
        logged[0] = '\0';
        power_on();
        esp8266_join(&modem, now, SSID, PASSWORD);
        dead = true;
        run(5 * MINUTE);
        assert_int_equal(esp8266_network(&modem), OTTER_E_TIMEOUT);
        assert_non_null(strstr(logged, "no answer to AT"));
        assert_non_null(strstr(logged, "reset in 1000 ms: timed out"));
        assert_non_null(strstr(logged, "reset in 8000 ms: timed out"));
        assert_null(strstr(logged, "reset in 64000 ms"));
        dead = false;
        assert_int_equal(run_until_network(OTTER_OK, 2 * MINUTE), OTTER_OK);
    }
}

static void flow_control_is_switched_on_where_it_is_wired(void **state)
{
    (void)state;
    power_on();
    join();
    assert_false(esp8266_flow_control(&modem));
    wiring.rts_cts = true;
    power_on();
    join();
    assert_true(esp8266_flow_control(&modem));
    esp8266_model_reset(&model, now); /* by itself */
    run(SECOND / 2);
    assert_int_equal(run_until_network(OTTER_OK, MINUTE), OTTER_OK);
    assert_true(esp8266_flow_control(&modem));
}

/* ---- Connections -------------------------------------------------------------------------------
 */

static void what_keeps_it_from_connecting_is_named(void **state)
{
    (void)state;
    power_on();
    join();
    assert_int_equal(esp8266_open(&modem, now, "nowhere.test", 8883), OTTER_OK);
    assert_int_equal(run_until_connected(), SOCKET_CLOSED);
    assert_int_equal(link_error(), OTTER_E_NAME);
    assert_int_equal(esp8266_send(&modem, now, "x", 1), OTTER_E_NAME);
    esp8266_close(&modem, now);
    server.refuses = true;
    assert_int_equal(connect_to_server(), SOCKET_CLOSED);
    assert_int_equal(link_error(), OTTER_E_REFUSED);
    esp8266_close(&modem, now);
    assert_int_equal(esp8266_open(&modem, now, "2001:db8::1", 1), OTTER_E_UNSUPPORTED);
    assert_int_equal(esp8266_open(&modem, now, "a\",\"b", 1), OTTER_E_ARGUMENT);
    assert_int_equal(esp8266_open(&modem, now, "", 1), OTTER_E_ARGUMENT);
}

static void an_address_needs_no_look_up(void **state)
{
    (void)state;
    power_on();
    join();
    const unsigned before = model.commands;
    assert_int_equal(esp8266_open(&modem, now, "10.1.2.3", 8883), OTTER_OK);
    assert_int_equal(link_state(), SOCKET_CONNECTING);
    assert_int_equal(run_until_connected(), SOCKET_OPEN);
    assert_in_range(model.commands, before + 1, before + 2); /* and whether data waits */
    assert_int_equal(esp8266_open(&modem, now, "10.1.2.3", 8883), OTTER_E_NO_SPACE);
}

static void a_server_that_speaks_first_and_one_that_speaks_late_are_heard(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        char text[8] = "";
        config.major = 1 + (unsigned)i % 2;
        config.forgets = i > 1; /* half of what it should say */
        server.speaks_first = true;
        power_on();
        join();
        assert_int_equal(connect_to_server(), SOCKET_OPEN);
        run(SECOND);
        assert_int_equal(esp8266_receive(&modem, now, text, sizeof text), 5);
        assert_string_equal(text, "hello");
        for (int late = 0; late < 3; late++) {
            run(MINUTE);
            memcpy(server.pending + server.end, "later", 5);
            server.end += 5;
            run(6 * SECOND);
            assert_int_equal(esp8266_receive(&modem, now, text, sizeof text), 5);
            assert_memory_equal(text, "later", 5);
        }
        esp8266_close(&modem, now);
    }
}

/* Data that comes while other data is read, and of which it says nothing, is not left to the poll.
 */
static void what_the_modem_forgets_to_tell_of_does_not_stall_the_stream(void **state)
{
    (void)state;
    power_on();
    config.forgets = model.config.forgets = true;
    join();
    assert_int_equal(connect_to_server(), SOCKET_OPEN);
    const otter_ms start = now;
    echo_well(40000);
    assert_in_range(now - start, 0, 2 * SECOND); /* a poll: 5 s */
}

static void what_came_before_the_end_is_read_before_it(void **state)
{
    (void)state;
    for (config.major = 1; config.major <= 2; config.major++) {
        size_t received = 0;
        uint8_t in[100];
        int got;
        power_on();
        join();
        server.ends_after = SIZE_MAX;
        assert_int_equal(connect_to_server(), SOCKET_OPEN);
        for (size_t i = 0; i < 5000; i++)
            server.pending[i] = pattern(i);
        server.end = server.ends_after = 5000;
        run(SECOND); /* nobody reads */
        for (const otter_ms end = now + MINUTE; now < end; turn()) {
            while ((got = esp8266_receive(&modem, now, in, sizeof in)) > 0) {
                for (int i = 0; i < got; i++)
                    assert_int_equal(in[i], pattern(received + (size_t)i));
                received += (size_t)got;
            }
            if (got < 0)
                break;
        }
        assert_int_equal(received, 5000);
        assert_int_equal(got, OTTER_E_CLOSED);
        esp8266_close(&modem, now);
    }
}

/* However much waits for it: else a UART without flow control would lose bytes. */
static void the_modem_sends_no_more_than_the_uart_can_keep(void **state)
{
    (void)state;
    for (config.major = 1; config.major <= 2; config.major++) {
        power_on();
        join();
        assert_int_equal(connect_to_server(), SOCKET_OPEN);
        size_t received = 0;
        server.end = 100000;
        for (const otter_ms end = now + 10 * MINUTE; now < end && received < 100000; now += 50) {
            /* The driver is not called for 50 ms; all that comes meanwhile is in the UART's ring.
             */
            static uint8_t ring[sizeof model.out];
            to_model();
            for (int i = 0; i < 50; i++)
                esp8266_model_tick(&model, now + (otter_ms)i);
            const size_t length = esp8266_model_output(&model, ring, sizeof ring);
            most_waiting = length > most_waiting ? length : most_waiting;
            esp8266_input(&modem, now, ring, length);
            esp8266_tick(&modem, now);
            uint8_t in[1000];
            for (int got; (got = esp8266_receive(&modem, now, in, sizeof in)) > 0;)
                received += (size_t)got;
        }
        assert_int_equal(received, 100000);
        assert_in_range(most_waiting, 2000, ESP8266_RING_MIN);
    }
}

static void last_words_go_out_before_the_close(void **state)
{
    (void)state;
    power_on();
    join();
    assert_int_equal(connect_to_server(), SOCKET_OPEN);
    run(SECOND);
    assert_int_equal(esp8266_send(&modem, now, "farewell", 8), 8);
    esp8266_close(&modem, now);
    assert_int_equal(link_state(), SOCKET_IDLE);
    assert_false(esp8266_quiet(&modem));
    run(SECOND);
    assert_true(esp8266_quiet(&modem));
    assert_memory_equal(server.last, "farewell", 8);
    assert_false(server.connected);
}

/* The answers of the old connection must not be taken for those of the new. */
static void a_connection_may_be_closed_at_any_time_and_opened_again(void **state)
{
    (void)state;
    for (unsigned moment = 0; moment < 60; moment++) {
        config.major = 1 + moment % 2;
        config.delay_ms = 5;
        split = 1 + moment;
        power_on();
        join();
        assert_int_equal(
            esp8266_open(&modem, now, moment % 3 == 0 ? "nowhere.test" : "server.test", 8883),
            OTTER_OK);
        for (unsigned i = 0; i < moment; i++) {
            (void)esp8266_send(&modem, now, "0123456789", 10);
            turn();
        }
        esp8266_close(&modem, now);
        assert_int_equal(connect_to_server(), SOCKET_OPEN);
        echo_well(3000);
        esp8266_close(&modem, now);
    }
}

/* One that was given up may still be answered, and then each answer would count for the next. */
static void a_late_answer_is_not_taken_for_that_of_the_next_command(void **state)
{
    (void)state;
    power_on();
    join();
    dead = true;
    assert_int_equal(esp8266_open(&modem, now, "server.test", 8883), OTTER_OK);
    run(16 * SECOND);
    assert_int_equal(link_error(), OTTER_E_TIMEOUT);
    esp8266_close(&modem, now);
    esp8266_input(&modem, now, "OK\r\n", 4); /* of the look-up, taken for that of the probe */
    for (int i = 0; i < 3; i++) {
        esp8266_input(&modem, now, "OK\r\n", 4);
        assert_int_equal(esp8266_open(&modem, now, "server.test", 8883),
                         i == 0 ? OTTER_OK : OTTER_E_NO_SPACE);
        assert_int_equal(link_state(), SOCKET_LOOKING_UP);
    }
    dead = false;
    esp8266_close(&modem, now);
    (void)talk_until_it_works(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_joins_connects_and_carries_data_in_both_dialects),
        TEST(without_credentials_it_stays_idle_and_says_so),
        TEST(what_keeps_it_from_joining_is_named),
        TEST(new_credentials_count_also_while_it_joins_with_the_old),
        TEST(credentials_as_long_as_they_may_be_join_whatever_is_in_them),
        TEST(it_tries_again_when_the_access_point_was_not_there),
        TEST(a_firmware_without_passive_mode_is_refused_by_name),
        TEST(a_dead_modem_is_reset_with_growing_waits),
        TEST(flow_control_is_switched_on_where_it_is_wired),
        TEST(what_keeps_it_from_connecting_is_named),
        TEST(an_address_needs_no_look_up),
        TEST(a_server_that_speaks_first_and_one_that_speaks_late_are_heard),
        TEST(what_the_modem_forgets_to_tell_of_does_not_stall_the_stream),
        TEST(what_came_before_the_end_is_read_before_it),
        TEST(the_modem_sends_no_more_than_the_uart_can_keep),
        TEST(last_words_go_out_before_the_close),
        TEST(a_connection_may_be_closed_at_any_time_and_opened_again),
        TEST(a_late_answer_is_not_taken_for_that_of_the_next_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
