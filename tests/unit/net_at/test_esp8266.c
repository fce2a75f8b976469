/* The modem's driver against a model of the modem, on virtual time, in both dialects, with the
 * bytes split at any place; and a model of what the radio reaches: an echo server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net/at/esp8266.h"
#include "port/log.h"
#include "twin/modem/esp8266_model.h"

#define SSID     "work\"shop, 2"
#define PASSWORD "horse\\battery,\"staple"
#define SECOND   1000u
#define MINUTE   60000u

static otter_ms now;
static char logged[65536];

otter_ms port_now(void)
{
    return now;
}

void port_log_write(const char *line, size_t length)
{
    const size_t used = strlen(logged);
    snprintf(logged + used, sizeof logged - used, "%.*s\n", (int)length, line);
}

/* ---- What the radio reaches --------------------------------------------------------------------
 */

static struct {
    bool connected, refuses, speaks_first, unreachable;
    uint8_t pending[262144]; /* for the device */
    size_t start, end;
    size_t ends_after; /* of what it sends; SIZE_MAX: never */
    size_t got;        /* from the device, over all connections */
    uint8_t last[4096];
    size_t last_length;
    unsigned connections;
} server;

static bool look_up(void *ctx, const char *host, char address[16])
{
    (void)ctx;
    strcpy(address, "10.1.2.3");
    return strcmp(host, "server.test") == 0;
}

static bool server_connect(void *ctx, int link, const char *address, uint16_t port)
{
    (void)ctx;
    if (link != 0 || strcmp(address, "10.1.2.3") != 0 || port != 8883 || server.refuses)
        return false;
    server.connected = true;
    server.start = server.end = server.last_length = 0;
    server.connections++;
    if (server.speaks_first) {
        memcpy(server.pending, "hello", 5);
        server.end = 5;
    }
    return true;
}

static bool server_take(void *ctx, int link, const void *data, size_t length)
{
    (void)ctx;
    (void)link;
    if (!server.connected || server.end + length > sizeof server.pending)
        return false;
    memcpy(server.pending + server.end, data, length); /* echo */
    server.end += length;
    server.got += length;
    if (server.last_length + length <= sizeof server.last) {
        memcpy(server.last + server.last_length, data, length);
        server.last_length += length;
    }
    return true;
}

static int server_give(void *ctx, int link, void *data, size_t size)
{
    (void)ctx;
    (void)link;
    if (server.start >= server.ends_after)
        return -1;
    size_t take = server.end - server.start;
    take = take < size ? take : size;
    take = take < 1460 ? take : 1460;
    memcpy(data, server.pending + server.start, take);
    server.start += take;
    return (int)take;
}

static void server_close(void *ctx, int link)
{
    (void)ctx;
    (void)link;
    server.connected = false;
}

static const struct model_network radio = {NULL,        look_up,     server_connect,
                                           server_take, server_give, server_close};

/* ---- The world ---------------------------------------------------------------------------------
 */

static struct esp8266 modem;
static struct esp8266_model model;
static struct model_config config;
static struct esp8266_wiring wiring;
static size_t split; /* bytes at a time, at most */
static uint32_t random_state;
static bool dead;           /* nothing comes from the modem, nothing reaches it */
static size_t most_waiting; /* bytes that the UART had to keep while the driver was not called */

static uint32_t draw(uint32_t below)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % below;
}

static int set_up(void **state)
{
    (void)state;
    memset(&server, 0, sizeof server);
    server.ends_after = SIZE_MAX;
    logged[0] = '\0';
    now = 1000;
    split = 64;
    random_state = 1;
    most_waiting = 0;
    dead = false;
    wiring = (struct esp8266_wiring){.reset_pin = true};
    config = (struct model_config){.major = 1, .ssid = SSID, .password = PASSWORD, .delay_ms = 3};
    return 0;
}

static void power_on(void)
{
    esp8266_model_init(&model, &config, &radio, now);
    esp8266_init(&modem, &wiring, now);
}

static void to_model(void)
{
    const uint8_t *data;
    static bool held;
    if (esp8266_in_reset(&modem))
        esp8266_model_reset(&model, now);
    else if (held)
        esp8266_model_tick(&model, now);
    held = esp8266_in_reset(&modem);
    for (size_t waiting; (waiting = esp8266_output(&modem, &data)) > 0;) {
        const size_t take = 1 + draw((uint32_t)(waiting < split ? waiting : split));
        uint8_t bytes[4096];
        memcpy(bytes, data, take);
        esp8266_sent(&modem, take);
        if (!dead)
            esp8266_model_input(&model, now, bytes, take);
    }
}

static void to_driver(void)
{
    uint8_t bytes[4096];
    size_t length;
    while ((length = esp8266_model_output(&model, bytes, 1 + draw((uint32_t)split))) > 0)
        if (!dead)
            esp8266_input(&modem, now, bytes, length);
}

/* One turn; time goes on to what is due next, by 5 ms at most while the network may move. */
static void turn(void)
{
    to_model();
    esp8266_model_tick(&model, now);
    to_driver();
    esp8266_tick(&modem, now);
    to_model();
    otter_ms next = esp8266_deadline(&modem);
    if (esp8266_model_deadline(&model) < next)
        next = esp8266_model_deadline(&model);
    if (next > now + 5)
        next = now + 5;
    assert_true(next >= now);
    now = next > now ? next : now + 1;
}

static void run(otter_ms ms)
{
    for (const otter_ms end = now + ms; now < end;)
        turn();
}

static otter_status run_until_network(otter_status wanted, otter_ms ms)
{
    for (const otter_ms end = now + ms; now < end && esp8266_network(&modem) != wanted;)
        turn();
    return esp8266_network(&modem);
}

static void join(void)
{
    esp8266_join(&modem, now, SSID, PASSWORD);
    assert_int_equal(run_until_network(OTTER_OK, MINUTE), OTTER_OK);
}

static enum socket_state link_state(void)
{
    otter_status error;
    return esp8266_state(&modem, &error);
}

static otter_status link_error(void)
{
    otter_status error;
    (void)esp8266_state(&modem, &error);
    return error;
}

static enum socket_state run_until_connected(void)
{
    for (const otter_ms end = now + MINUTE; now < end && link_state() < SOCKET_OPEN;)
        turn();
    return link_state();
}

static enum socket_state connect_to_server(void)
{
    const otter_status status = esp8266_open(&modem, now, "server.test", 8883);
    if (status != OTTER_OK)
        return SOCKET_CLOSED;
    assert_int_equal(link_state(), SOCKET_LOOKING_UP);
    return run_until_connected();
}

static uint8_t pattern(size_t i)
{
    return (uint8_t)(i * 7 + (i >> 8));
}

/* Sends so many bytes and takes their echo. False when the connection ended; `*wrong` when a byte
 * was not the one that was sent. */
static bool echo(size_t total, bool *wrong)
{
    size_t sent = 0, received = 0;
    *wrong = false;
    for (const otter_ms end = now + 2 * MINUTE; now < end && received < total; turn()) {
        uint8_t out[700], in[333];
        size_t count = total - sent < sizeof out ? total - sent : sizeof out;
        for (size_t i = 0; i < count; i++)
            out[i] = pattern(sent + i);
        const int moved = count > 0 ? esp8266_send(&modem, now, out, count) : 0;
        if (moved < 0)
            return false;
        sent += (size_t)moved;
        for (int got; (got = esp8266_receive(&modem, now, in, sizeof in)) != 0;) {
            if (got < 0)
                return false;
            for (int i = 0; i < got; i++)
                *wrong |= in[i] != pattern(received + (size_t)i);
            received += (size_t)got;
        }
    }
    return received == total;
}

static void echo_well(size_t total)
{
    bool wrong;
    assert_true(echo(total, &wrong));
    assert_false(wrong);
}

static unsigned talk_until_it_works(bool noisy);

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

/* ---- Faults ------------------------------------------------------------------------------------
 */

/* As an application does: connects and talks until it worked once. */
static unsigned talk_until_it_works(bool noisy)
{
    for (unsigned attempt = 1; attempt < 10; attempt++) {
        bool wrong = false;
        (void)run_until_network(OTTER_OK, 5 * MINUTE);
        const bool done = connect_to_server() == SOCKET_OPEN && echo(4000, &wrong);
        esp8266_close(&modem, now);
        assert_true(noisy || !wrong);
        if (done && !wrong)
            return attempt;
        run(SECOND);
    }
    fail_msg("it never worked: fault %d at command %u, AT %u", (int)config.fault, config.fault_at,
             config.major);
    return 0;
}

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

#define TEST(name) cmocka_unit_test_setup(name, set_up)

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
        TEST(it_gets_over_every_fault_at_every_command),
        TEST(a_modem_that_lost_bytes_of_a_send_is_freed_also_without_a_reset_pin),
        TEST(a_restart_in_mid_flow_breaks_the_connection_and_is_set_up_anew),
        TEST(a_restart_that_went_unheard_is_noticed_and_made_good),
        TEST(a_leftover_connection_is_closed_first),
        TEST(noise_alone_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
