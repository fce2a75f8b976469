/* The model of the ESP8266, used as the module is: by dialogue, without our driver. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "twin/modem/esp8266_model.h"

static struct esp8266_model model;
static struct model_config config;
static uint64_t now;
static char said[16384];
static size_t said_length;

/* ---- The network: one server, which says what the test puts here ---- */

static char from_server[8192];
static size_t from_server_length;
static bool server_ends;
static char to_server[4096];
static size_t to_server_length;

static bool look_up(void *ctx, const char *host, char address[16])
{
    (void)ctx;
    strcpy(address, "10.1.2.3");
    return strcmp(host, "server.test") == 0;
}

static bool server_connect(void *ctx, int link, const char *address, uint16_t port)
{
    (void)ctx, (void)link, (void)address;
    return port == 8883;
}

static bool server_take(void *ctx, int link, const void *data, size_t length)
{
    (void)ctx, (void)link;
    memcpy(to_server, data, length);
    to_server_length = length;
    return true;
}

static int server_give(void *ctx, int link, void *data, size_t size)
{
    (void)ctx, (void)link;
    const size_t take = from_server_length < size ? from_server_length : size;
    memcpy(data, from_server, take);
    memmove(from_server, from_server + take, from_server_length - take);
    from_server_length -= take;
    return take == 0 && server_ends ? -1 : (int)take;
}

static void server_close(void *ctx, int link)
{
    (void)ctx, (void)link;
}

static const struct model_network network = {
    NULL, look_up, server_connect, server_take, server_give, server_close, NULL};

/* ---- Dialogue ---- */

static void take_output(void)
{
    said_length += esp8266_model_output(&model, said + said_length, sizeof said - 1 - said_length);
    said[said_length] = '\0';
}

static void pass(uint64_t ms)
{
    for (const uint64_t end = now + ms; now < end; now++) {
        esp8266_model_tick(&model, now);
        take_output();
    }
}

/* What the module says to it, within 100 ms. */
static const char *tell_bytes(const void *bytes, size_t length)
{
    said_length = 0;
    esp8266_model_input(&model, now, bytes, length);
    take_output();
    pass(100);
    return said;
}

static const char *tell(const char *line)
{
    char text[512];
    snprintf(text, sizeof text, "%s\r\n", line);
    return tell_bytes(text, strlen(text));
}

static void expect(const char *line, const char *answer)
{
    assert_string_equal(tell(line), answer);
}

static int set_up(void **state)
{
    (void)state;
    config =
        (struct model_config){.major = 1, .ssid = "net", .password = "se,cret", .delay_ms = 20};
    now = 1000;
    from_server_length = to_server_length = said_length = 0;
    server_ends = false;
    return 0;
}

static void power_on(void)
{
    said_length = 0;
    esp8266_model_init(&model, &config, &network, now);
    pass(1000);
    assert_true(said_length > 9); /* there is a NUL in the garbage */
    assert_memory_equal(said + said_length - 9, "\r\nready\r\n", 9);
}

static void set_up_passive(void)
{
    const bool two = config.major >= 2;
    power_on();
    (void)tell("ATE0");
    expect("AT+CIPMUX=1", "\r\nOK\r\n");
    expect("AT+CIPRECVMODE=1", "\r\nOK\r\n");
    assert_non_null(
        strstr(tell(two ? "AT+CWJAP=\"net\",\"se\\,cret\"" : "AT+CWJAP_CUR=\"net\",\"se\\,cret\""),
               "WIFI CONNECTED\r\nWIFI GOT IP\r\n\r\nOK\r\n"));
}

static void connect_link(void)
{
    expect("AT+CIPSTART=0,\"TCP\",\"10.1.2.3\",8883", "0,CONNECT\r\n\r\nOK\r\n");
}

/* ---- Tests ---- */

static void it_begins_with_garbage_and_echoes_until_it_is_told_not_to(void **state)
{
    (void)state;
    power_on();
    expect("AT", "AT\r\n\r\nOK\r\n");
    expect("ATE0", "ATE0\r\n\r\nOK\r\n");
    expect("AT", "\r\nOK\r\n");
    expect("AT+NONSENSE", "\r\nERROR\r\n");
    assert_non_null(strstr(tell("AT+RST"), "\r\nOK\r\n"));
    pass(1000);
    expect("AT", "AT\r\n\r\nOK\r\n");
}

static void a_command_that_comes_too_early_is_lost(void **state)
{
    (void)state;
    power_on();
    (void)tell("ATE0");
    static const char two[] = "AT+GMR\r\nAT+CIPMUX=1\r\n";
    const char *answer = tell_bytes(two, sizeof two - 1);
    assert_ptr_equal(strstr(answer, "busy p...\r\n"), answer);
    assert_non_null(strstr(answer, "AT version:1.7.4.0"));
    assert_false(model.mux);
}

static void each_dialect_has_its_own_words(void **state)
{
    (void)state;
    for (config.major = 1; config.major <= 2; config.major++) {
        power_on();
        (void)tell("ATE0");
        expect("AT+CWMODE_CUR=1", config.major == 1 ? "\r\nOK\r\n" : "\r\nERROR\r\n");
        expect("AT+CWMODE=1", config.major == 2 ? "\r\nOK\r\n" : "\r\nERROR\r\n");
        const char *failed =
            config.major == 1 ? "+CWJAP:2\r\n\r\nFAIL\r\n" : "+CWJAP:2\r\n\r\nERROR\r\n";
        assert_non_null(strstr(
            tell(config.major == 1 ? "AT+CWJAP_CUR=\"net\",\"no\"" : "AT+CWJAP=\"net\",\"no\""),
            failed));
        set_up_passive();
        expect("AT+CIPDOMAIN=\"server.test\"", config.major == 1
                                                   ? "+CIPDOMAIN:10.1.2.3\r\n\r\nOK\r\n"
                                                   : "+CIPDOMAIN:\"10.1.2.3\"\r\n\r\nOK\r\n");
        expect("AT+CIPDOMAIN=\"nowhere\"", "DNS Fail\r\n\r\nERROR\r\n");
    }
}

/* Commas, quotation marks and backslashes take a backslash before them. */
static void what_is_not_escaped_is_refused(void **state)
{
    (void)state;
    power_on();
    (void)tell("ATE0");
    expect("AT+CWJAP_CUR=\"net\",\"se,cret\"", "\r\nERROR\r\n");
}

static void links_open_once_and_close_once(void **state)
{
    (void)state;
    power_on();
    (void)tell("ATE0");
    expect("AT+CIPMUX=1", "\r\nOK\r\n");
    expect("AT+CIPSTART=0,\"TCP\",\"10.1.2.3\",8883", "no ip\r\n\r\nERROR\r\n");
    set_up_passive();
    expect("AT+CIPSTART=0,\"TCP\",\"10.1.2.3\",1", "ERROR\r\n0,CLOSED\r\n");
    connect_link();
    expect("AT+CIPSTART=0,\"TCP\",\"10.1.2.3\",8883", "ALREADY CONNECTED\r\n\r\nERROR\r\n");
    expect("AT+CIPSTART=5,\"TCP\",\"10.1.2.3\",8883", "\r\nERROR\r\n");
    expect("AT+CIPCLOSE=0", "0,CLOSED\r\n\r\nOK\r\n");
    expect("AT+CIPCLOSE=0", "UNLINK\r\n\r\nERROR\r\n");
}

static void a_send_takes_exactly_what_was_promised(void **state)
{
    (void)state;
    set_up_passive();
    connect_link();
    expect("AT+CIPSEND=0,2049", "\r\nERROR\r\n");
    expect("AT+CIPSEND=1,5", "link is not valid\r\n\r\nERROR\r\n");
    expect("AT+CIPSEND=0,10", "\r\nOK\r\n> ");
    assert_string_equal(tell_bytes("AT\r\nAT\r\n", 8), ""); /* is data, too */
    assert_string_equal(tell_bytes("xy", 2), "\r\nRecv 10 bytes\r\n\r\nSEND OK\r\n");
    assert_int_equal(to_server_length, 10);
    assert_memory_equal(to_server, "AT\r\nAT\r\nxy", 10);
}

static void data_waits_until_it_is_asked_for(void **state)
{
    (void)state;
    for (config.major = 1; config.major <= 2; config.major++) {
        const bool two = config.major == 2;
        set_up_passive();
        connect_link();
        memcpy(from_server, "hello", 5);
        from_server_length = 5;
        said_length = 0;
        pass(50);
        assert_string_equal(said, "\r\n+IPD,0,5\r\n");
        memcpy(from_server, "again", 5);
        from_server_length = 5;
        said_length = 0;
        said[0] = '\0';
        pass(50);
        assert_string_equal(said, two ? "" : "\r\n+IPD,0,5\r\n"); /* 2.x tells once */
        expect("AT+CIPRECVLEN?", two ? "+CIPRECVLEN:10,-1,-1,-1,-1\r\n\r\nOK\r\n"
                                     : "+CIPRECVLEN:10,,,,\r\n\r\nOK\r\n");
        expect("AT+CIPRECVDATA=0,2049", "\r\nERROR\r\n");
        expect("AT+CIPRECVDATA=0,7",
               two ? "+CIPRECVDATA:7,helloag\r\nOK\r\n" : "+CIPRECVDATA,7:helloag\r\nOK\r\n");
        server_ends = true;
        said_length = 0;
        said[0] = '\0';
        pass(50);
        assert_string_equal(said, two ? "" : "0,CLOSED\r\n"); /* 2.x holds it back */
        assert_non_null(strstr(tell("AT+CIPRECVDATA=0,2048"), two ? ":3,ain" : ",3:ain"));
        assert_true((strstr(said, "0,CLOSED\r\n") != NULL) == two);
        server_ends = false;
    }
}

static void it_keeps_no_more_than_its_buffer_holds(void **state)
{
    (void)state;
    set_up_passive();
    connect_link();
    from_server_length = sizeof from_server;
    pass(200);
    assert_int_equal(from_server_length, sizeof from_server - 2920);
    (void)tell("AT+CIPRECVDATA=0,2048");
    assert_int_equal(from_server_length, sizeof from_server - 2920 - 2048);
}

static void faults_come_when_they_were_asked_for(void **state)
{
    (void)state;
    config.fault = MODEL_HANGS;
    config.fault_at = 2;
    power_on();
    expect("ATE0", "ATE0\r\n\r\nOK\r\n");
    expect("AT", "");
    expect("AT", "");
    esp8266_model_reset(&model, now);
    pass(1000);
    expect("AT", "AT\r\n\r\nOK\r\n");
    for (int fault = 0; fault < MODEL_FAULTS; fault++)
        assert_non_null(esp8266_model_faults[fault]);
    assert_null(esp8266_model_faults[MODEL_FAULTS]);
}

static void a_fault_of_sends_waits_for_the_first_send(void **state)
{
    (void)state;
    set_up_passive();
    connect_link();
    model.config.fault = MODEL_NO_PROMPT;
    model.config.fault_at = model.commands + 1;
    expect("AT", "\r\nOK\r\n");
    assert_false(esp8266_model_has_struck(&model));
    expect("AT+CIPSEND=0,3", "\r\nOK\r\n");
    assert_true(esp8266_model_has_struck(&model));
    (void)tell("a"); /* three bytes with its end of line */
    assert_non_null(strstr(tell("AT+CIPSEND=0,3"), "> ")); /* once */
}

static void an_access_point_that_goes_takes_the_links_and_is_joined_again(void **state)
{
    (void)state;
    set_up_passive();
    connect_link();
    said_length = 0;
    esp8266_model_air(&model, false, now);
    pass(5000);
    assert_string_equal(said, "0,CLOSED\r\nWIFI DISCONNECT\r\n");
    assert_non_null(strstr(tell("AT+CIPDOMAIN=\"server.test\""), "ERROR"));
    assert_non_null(strstr(tell("AT+CWJAP_CUR=\"net\",\"se\\,cret\""), "+CWJAP:3\r\n"));
    esp8266_model_air(&model, true, now);
    assert_non_null(
        strstr(tell("AT+CWJAP_CUR=\"net\",\"se\\,cret\""), "WIFI GOT IP\r\n\r\nOK\r\n"));
    esp8266_model_air(&model, false, now);
    esp8266_model_air(&model, true, now);
    said_length = 0;
    pass(5000);
    assert_non_null(strstr(said, "WIFI CONNECTED\r\nWIFI GOT IP\r\n"));
    connect_link();
}

static void one_that_hangs_has_nothing_due_until_it_is_reset(void **state)
{
    (void)state;
    set_up_passive();
    model.config.fault = MODEL_HANGS;
    model.config.fault_at = model.commands + 1;
    esp8266_model_air(&model, false, now);
    esp8266_model_air(&model, true, now); /* it would join again by itself */
    (void)tell("AT");
    assert_true(esp8266_model_deadline(&model) == UINT64_MAX);
    esp8266_model_reset(&model, now);
    assert_in_range(esp8266_model_deadline(&model), now + 1, now + 1000);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_begins_with_garbage_and_echoes_until_it_is_told_not_to),
        TEST(a_command_that_comes_too_early_is_lost),
        TEST(each_dialect_has_its_own_words),
        TEST(what_is_not_escaped_is_refused),
        TEST(links_open_once_and_close_once),
        TEST(a_send_takes_exactly_what_was_promised),
        TEST(data_waits_until_it_is_asked_for),
        TEST(it_keeps_no_more_than_its_buffer_holds),
        TEST(faults_come_when_they_were_asked_for),
        TEST(a_fault_of_sends_waits_for_the_first_send),
        TEST(an_access_point_that_goes_takes_the_links_and_is_joined_again),
        TEST(one_that_hangs_has_nothing_due_until_it_is_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
