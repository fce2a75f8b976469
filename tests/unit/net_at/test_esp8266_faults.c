/* The modem's driver gets over what goes wrong with the modem and on its wire. */
#include "tests/unit/net_at/modem_world.h"

static void it_gets_over_every_fault_at_every_command(void **state)
{
    (void)state;
    for (int fault = MODEL_BUSY; fault < MODEL_FAULTS; fault++) {
        for (unsigned at = 1; at <= 24; at++) {
            set_up(NULL);
            config.major = 1 + at % 2;
            config.fault = (enum model_fault)fault;
            config.fault_at = at;
            random_state = at;
            power_on();
            esp8266_join(&modem, now, SSID, PASSWORD);
            const unsigned attempts =
                talk_until_it_works(fault == MODEL_NOISE || fault == MODEL_LOSES);
            assert_in_range(attempts, 1, fault == MODEL_BUSY ? 1 : 3);
            (void)talk_until_it_works(false); /* and all is well again */
        }
    }
}

/* It waits for the rest, whatever it is told. */
static void a_modem_that_lost_bytes_of_a_send_is_freed_also_without_a_reset_pin(void **state)
{
    (void)state;
    for (unsigned at = 10; at <= 24; at++) {
        set_up(NULL);
        wiring.reset_pin = false;
        config.fault = MODEL_EATS;
        config.fault_at = at;
        power_on();
        const otter_ms start = now;
        esp8266_join(&modem, now, SSID, PASSWORD);
        (void)talk_until_it_works(false);
        assert_in_range(now - start, 0, MINUTE);
    }
}

static void a_restart_in_mid_flow_breaks_the_connection_and_is_set_up_anew(void **state)
{
    (void)state;
    power_on();
    join();
    assert_int_equal(connect_to_server(), SOCKET_OPEN);
    esp8266_model_reset(&model, now);
    run(SECOND / 2);
    assert_int_equal(link_state(), SOCKET_CLOSED);
    assert_int_equal(link_error(), OTTER_E_RESET);
    assert_non_null(strstr(logged, "it has restarted by itself"));
    esp8266_close(&modem, now);
    assert_int_equal(run_until_network(OTTER_OK, MINUTE), OTTER_OK);
    assert_int_equal(connect_to_server(), SOCKET_OPEN);
    echo_well(1000);
}

/* Its supply broke down for a moment, and what it said then was lost in the noise. */
static void a_restart_that_went_unheard_is_noticed_and_made_good(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        set_up(NULL);
        config.major = 1 + i % 2;
        wiring.reset_pin = i < 4;
        power_on();
        join();
        if (i / 2 % 2 == 0)
            assert_int_equal(connect_to_server(), SOCKET_OPEN);
        dead = true;
        esp8266_model_reset(&model, now);
        run(SECOND);
        dead = false;
        esp8266_close(&modem, now);
        (void)talk_until_it_works(false);
    }
}

/* A link that the firmware of the board forgot, because only it was restarted. */
static void a_leftover_connection_is_closed_first(void **state)
{
    (void)state;
    power_on();
    join();
    assert_int_equal(connect_to_server(), SOCKET_OPEN);
    modem.link = SOCKET_IDLE;
    assert_int_equal(connect_to_server(), SOCKET_OPEN);
    assert_int_equal(server.connections, 2);
    echo_well(1000);
}

static void noise_alone_does_no_harm(void **state)
{
    (void)state;
    power_on();
    join();
    assert_int_equal(connect_to_server(), SOCKET_OPEN);
    for (unsigned i = 0; i < 2000; i++) {
        uint8_t noise[40];
        for (size_t k = 0; k < sizeof noise; k++)
            noise[k] = (uint8_t)draw(256);
        esp8266_input(&modem, now, noise, 1 + draw(sizeof noise));
        turn();
    }
    esp8266_input(&modem, now, "\r\n", 2);
    esp8266_close(&modem, now);
    (void)talk_until_it_works(false);
}

/* What strikes next does not wait until the last is over. */
static void it_gets_over_sequences_of_faults(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 60; i++) {
        set_up(NULL);
        random_state = i * 2654435761u;
        config.major = 1 + i % 2;
        config.forgets = draw(2) == 0;
        wiring.reset_pin = draw(4) != 0;
        power_on();
        esp8266_join(&modem, now, SSID, PASSWORD);
        for (unsigned k = 0; k < 12; k++) {
            bool wrong;
            model.config.fault = (enum model_fault)(1 + draw(MODEL_FAULTS - 1));
            if (model.config.fault == MODEL_HANGS && !wiring.reset_pin)
                model.config.fault = MODEL_SOUND; /* nothing would help */
            model.config.fault_at = model.commands + 1 + draw(6);
            esp8266_model_air(&model, draw(3) != 0, now);
            run(draw(40 * SECOND));
            esp8266_model_air(&model, true, now);
            if (connect_to_server() == SOCKET_OPEN)
                (void)echo(1 + draw(6000), &wrong);
            if (draw(2) == 0)
                esp8266_close(&modem, now);
        }
        esp8266_close(&modem, now);
        model.config.fault = MODEL_SOUND;
        assert_in_range(talk_until_it_works(true), 1, 3);
        (void)talk_until_it_works(false);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_gets_over_every_fault_at_every_command),
        TEST(a_modem_that_lost_bytes_of_a_send_is_freed_also_without_a_reset_pin),
        TEST(a_restart_in_mid_flow_breaks_the_connection_and_is_set_up_anew),
        TEST(a_restart_that_went_unheard_is_noticed_and_made_good),
        TEST(a_leftover_connection_is_closed_first),
        TEST(noise_alone_does_no_harm),
        TEST(it_gets_over_sequences_of_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
