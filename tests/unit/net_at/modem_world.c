/* See modem_world.h. */
#include "tests/unit/net_at/modem_world.h"

otter_ms now;
char logged[65536];

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

struct server server;

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

/* A server of datagrams, at link 1: answers each with its bytes in reverse order. */
static bool time_connect(void *ctx, int link, const char *host, uint16_t port)
{
    (void)ctx;
    server.datagram_length = 0;
    server.datagram_links++;
    return link == 1 && strcmp(host, "server.test") == 0 && port == 123;
}

static bool server_take(void *ctx, int link, const void *data, size_t length)
{
    const uint8_t *bytes = data;
    (void)ctx;
    if (link == 1) {
        assert_true(length <= sizeof server.datagram);
        for (size_t i = 0; i < length; i++)
            server.datagram[i] = bytes[length - 1 - i];
        server.datagram_length = length;
        return true;
    }
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
    if (link == 1) {
        const size_t length = server.silent ? 0 : server.datagram_length;
        memcpy(data, server.datagram, length);
        server.datagram_length = 0;
        return (int)length;
    }
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
    if (link == 1)
        server.datagram_links--;
    else
        server.connected = false;
}

static const struct model_network radio = {NULL,        look_up,      server_connect, server_take,
                                           server_give, server_close, time_connect};

/* ---- The world ---------------------------------------------------------------------------------
 */

struct esp8266 modem;
struct esp8266_model model;
struct model_config config;
struct esp8266_wiring wiring;
size_t split; /* bytes at a time, at most */
uint32_t random_state;
bool dead;           /* nothing comes from the modem, nothing reaches it */
size_t most_waiting; /* bytes that the UART had to keep while the driver was not called */

uint32_t draw(uint32_t below)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % below;
}

int set_up(void **state)
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

void power_on(void)
{
    esp8266_model_init(&model, &config, &radio, now);
    esp8266_init(&modem, &wiring, now);
}

void to_model(void)
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
void turn(void)
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

void run(otter_ms ms)
{
    for (const otter_ms end = now + ms; now < end;)
        turn();
}

otter_status run_until_network(otter_status wanted, otter_ms ms)
{
    for (const otter_ms end = now + ms; now < end && esp8266_network(&modem) != wanted;)
        turn();
    return esp8266_network(&modem);
}

void join(void)
{
    esp8266_join(&modem, now, SSID, PASSWORD);
    assert_int_equal(run_until_network(OTTER_OK, MINUTE), OTTER_OK);
}

enum socket_state link_state(void)
{
    otter_status error;
    return esp8266_state(&modem, &error);
}

otter_status link_error(void)
{
    otter_status error;
    (void)esp8266_state(&modem, &error);
    return error;
}

enum socket_state run_until_connected(void)
{
    for (const otter_ms end = now + MINUTE; now < end && link_state() < SOCKET_OPEN;)
        turn();
    return link_state();
}

enum socket_state connect_to_server(void)
{
    const otter_status status = esp8266_open(&modem, now, "server.test", 8883);
    if (status != OTTER_OK)
        return SOCKET_CLOSED;
    assert_int_equal(link_state(), SOCKET_LOOKING_UP);
    return run_until_connected();
}

uint8_t pattern(size_t i)
{
    return (uint8_t)(i * 7 + (i >> 8));
}

/* Sends so many bytes and takes their echo. False when the connection ended; `*wrong` when a byte
 * was not the one that was sent. */
bool echo(size_t total, bool *wrong)
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

void echo_well(size_t total)
{
    bool wrong;
    assert_true(echo(total, &wrong));
    assert_false(wrong);
}

/* As an application does: connects and talks until it worked once. */
unsigned talk_until_it_works(bool noisy)
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
