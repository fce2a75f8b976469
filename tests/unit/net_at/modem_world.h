/* The world of the ESP8266 driver's tests: the driver, a model of the modem and a model of what its
 * radio reaches, on virtual time, with the bytes split at any place. */
#ifndef OTTER_TESTS_NET_AT_MODEM_WORLD_H
#define OTTER_TESTS_NET_AT_MODEM_WORLD_H

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

/* What the radio reaches: an echo server. */
struct server {
    bool connected, refuses, speaks_first, unreachable;
    uint8_t pending[262144]; /* for the device */
    size_t start, end;
    size_t ends_after; /* of what it sends; SIZE_MAX: never */
    size_t got;        /* from the device, over all connections */
    uint8_t last[4096];
    size_t last_length;
    unsigned connections;
    uint8_t datagram[256]; /* the answer to the last one */
    size_t datagram_length;
    int datagram_links; /* open now */
    bool silent;
};
extern struct server server;

extern otter_ms now;
extern char logged[65536];
extern struct esp8266 modem;
extern struct esp8266_model model;
extern struct model_config config;
extern struct esp8266_wiring wiring;
extern size_t split; /* bytes at a time, at most */
extern uint32_t random_state;
extern bool dead;           /* nothing comes from the modem, nothing reaches it */
extern size_t most_waiting; /* bytes that the UART had to keep while the driver was not called */

uint32_t draw(uint32_t below);
int set_up(void **state);
void power_on(void);
void to_model(void);
void turn(void);
void run(otter_ms ms);
otter_status run_until_network(otter_status wanted, otter_ms ms);
void join(void);
enum socket_state link_state(void);
otter_status link_error(void);
enum socket_state run_until_connected(void);
enum socket_state connect_to_server(void);
uint8_t pattern(size_t i);
/* Sends so many bytes and takes their echo. False when the connection ended; `*wrong` when a byte
 * was not the one that was sent. */
bool echo(size_t total, bool *wrong);
void echo_well(size_t total);
/* As an application does: connects and talks until it worked once. */
unsigned talk_until_it_works(bool noisy);

#define TEST(name) cmocka_unit_test_setup(name, set_up)

#endif
