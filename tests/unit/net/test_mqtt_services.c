/* Several services on one MQTT session: each gets what is its own, none starves another, and what a
 * policy forbids is charged to its sender. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mqtt_world.h"

#define SERVICES 4u
#define TICKETS  8u

/* A service as the tests use it: counts what it hears of. */
struct peer {
    struct mqtt_service service;
    struct mqtt_subscription filters[4];
    struct mqtt_ticket tickets[TICKETS];
    char payloads[TICKETS][64];
    unsigned messages;
    unsigned online;
    unsigned offline;
    unsigned accepted;
    unsigned refused;
    unsigned timed_out;
    otter_status granted;
    otter_ms accepted_at;
    char topic[64]; /* of the last message */
};

static struct peer peers[SERVICES];
static const char *const prefixes[SERVICES] = {"jobs/", "shadow/", "defender/", "telemetry/"};

static void note_message(void *ctx, otter_ms now, const struct mqtt_message *message)
{
    struct peer *peer = ctx;
    (void)now;
    snprintf(peer->topic, sizeof peer->topic, "%.*s", (int)message->topic_length, message->topic);
    peer->messages++;
}

static void note_online(void *ctx, otter_ms now, otter_status granted)
{
    struct peer *peer = ctx;
    (void)now;
    assert_int_equal(peer->online, peer->offline);
    peer->online++;
    peer->granted = granted;
}

static void note_offline(void *ctx, otter_ms now)
{
    struct peer *peer = ctx;
    (void)now;
    peer->offline++;
    assert_int_equal(peer->online, peer->offline);
}

static void note_result(void *ctx, otter_ms now, struct mqtt_ticket *ticket, otter_status status)
{
    struct peer *peer = ctx;
    assert_false(mqtt_ticket_held(ticket));
    peer->accepted += status == OTTER_OK;
    peer->refused += status == OTTER_E_REFUSED;
    peer->timed_out += status == OTTER_E_TIMEOUT;
    if (status == OTTER_OK)
        peer->accepted_at = now;
}

static int set_up(void **state)
{
    world_set_up(state);
    memset(peers, 0, sizeof peers);
    for (unsigned i = 0; i < SERVICES; i++) {
        peers[i].service = (struct mqtt_service){.prefix = prefixes[i],
                                                 .on_message = note_message,
                                                 .on_online = note_online,
                                                 .on_offline = note_offline,
                                                 .ctx = &peers[i]};
        mqtt_register(&w.s, &peers[i].service);
    }
    return 0;
}

static otter_status hold(unsigned peer, unsigned i, const char *filter)
{
    peers[peer].filters[i] = (struct mqtt_subscription){.filter = filter, .qos = 1};
    return mqtt_subscribe(&w.s, w.now, &peers[peer].service, &peers[peer].filters[i]);
}

static void send(unsigned peer, unsigned i, const char *topic)
{
    struct peer *p = &peers[peer];
    p->tickets[i] = (struct mqtt_ticket){.topic = topic,
                                         .payload = p->payloads[i],
                                         .length = strlen(p->payloads[i]),
                                         .on_result = note_result};
    assert_int_equal(mqtt_send(&w.s, w.now, &p->service, &p->tickets[i]), OTTER_OK);
}

static otter_status say(unsigned peer, const char *topic)
{
    return mqtt_publish(&w.s, w.now, &peers[peer].service, topic, "x", 1);
}

/* ---- Who hears of what ----------------------------------------------------------------------- */

static void a_message_goes_to_the_services_with_its_prefix(void **state)
{
    (void)state;
    struct peer second = {.service = {.prefix = "jobs/", .on_message = note_message}};
    second.service.ctx = &second;
    mqtt_register(&w.s, &second.service);
    connect_now();
    broker_publish(&w.b, "jobs/notify", 0, 0, "x", 1);
    broker_publish(&w.b, "shadow/update/delta", 1, 3, "x", 1);
    broker_publish(&w.b, "job", 0, 0, "x", 1);
    run(1);
    assert_int_equal(peers[0].messages, 1);
    assert_string_equal(peers[0].topic, "notify");
    assert_int_equal(second.messages, 1);
    assert_int_equal(peers[1].messages, 1);
    assert_string_equal(peers[1].topic, "update/delta");
    assert_int_equal(peers[2].messages + peers[3].messages, 0);
    assert_int_equal(w.b.last_ack, 3);
}

static void an_oversized_message_is_told_to_its_service_alone(void **state)
{
    (void)state;
    static uint8_t big[1000];
    struct mqtt_service jobs = w.service;
    jobs.prefix = "jobs/";
    w.service.on_oversized = NULL;
    mqtt_register(&w.s, &jobs);
    connect_now();
    broker_publish(&w.b, "shadow/get/accepted", 0, 0, big, sizeof big);
    run(1);
    assert_int_equal(w.oversized, 0);
    broker_publish(&w.b, "jobs/$next/get/accepted", 0, 0, big, sizeof big);
    run(1);
    assert_int_equal(w.oversized, 1);
    assert_string_equal(w.topic, "$next/get/accepted");
}

static void a_service_is_online_when_its_own_filters_are_granted(void **state)
{
    (void)state;
    w.b.refuses = "shadow/delta";
    hold(0, 0, "notify");
    hold(0, 1, "+/get/+");
    hold(1, 0, "delta");
    w.b.lose_in = 2; /* CONNECT, the first SUBSCRIBE, and this one */
    run(1);
    assert_int_equal(peers[0].online, 0);
    assert_int_equal(peers[1].online, 1);
    assert_int_equal(peers[1].granted, OTTER_E_REFUSED);
    assert_int_equal(peers[2].online, 1); /* has none to wait for */
    run(ACK_MS + 10);
    assert_int_equal(w.b.connections, 2);
    assert_int_equal(peers[0].online, 1);
    assert_int_equal(peers[0].granted, OTTER_OK);
    assert_int_equal(peers[1].online, 2);
    assert_int_equal(peers[1].offline, 1);
}

static void a_service_that_comes_later_goes_online_too(void **state)
{
    (void)state;
    struct peer late = {.service = {.prefix = "time/", .on_online = note_online}};
    late.service.ctx = &late;
    connect_now();
    mqtt_register(&w.s, &late.service);
    late.filters[0] = (struct mqtt_subscription){.filter = "t"};
    assert_int_equal(mqtt_subscribe(&w.s, w.now, &late.service, &late.filters[0]), OTTER_OK);
    run(1);
    assert_int_equal(late.online, 1);
}

/* More than AWS IoT takes in one SUBSCRIBE, shared by all services. */
static void sixteen_filters_and_more_are_made_and_made_again(void **state)
{
    (void)state;
    static const char *const filters[] = {"a", "b/+", "c/#", "d"};
    for (unsigned peer = 0; peer < SERVICES; peer++) {
        for (unsigned i = 0; i < 4; i++)
            assert_int_equal(hold(peer, i, filters[i]), OTTER_OK);
    }
    subscribe("one more");
    connect_now();
    lose_connection();
    connect_now();
    for (unsigned peer = 0; peer < SERVICES; peer++)
        assert_int_equal(peers[peer].online, 2);
    assert_int_equal(w.b.seen[MQTT_PACKET_SUBSCRIBE], 2 * 17);
}

/* ---- Shares ---------------------------------------------------------------------------------- */

static void four_tickets_are_in_flight_and_one_service_has_three(void **state)
{
    (void)state;
    connect_now();
    w.b.holds_pubacks = true;
    for (unsigned i = 0; i < TICKETS; i++)
        send(0, i, "a");
    exchange();
    assert_int_equal(w.b.seen[MQTT_PACKET_PUBLISH], MQTT_IN_FLIGHT_OF_ONE);
    send(1, 0, "b");
    send(1, 1, "b");
    exchange();
    assert_int_equal(w.b.seen[MQTT_PACKET_PUBLISH], MQTT_IN_FLIGHT_MAX);
    assert_string_equal(w.b.last_topic, "shadow/b");
    w.b.holds_pubacks = false;
    run(3 * ACK_MS);
    assert_int_equal(peers[0].accepted, TICKETS);
    assert_int_equal(peers[1].accepted, 2);
}

static struct peer *flooding;

static void send_again(void *ctx, otter_ms now, struct mqtt_ticket *ticket, otter_status status)
{
    note_result(ctx, now, ticket, status);
    assert_int_equal(mqtt_send(&w.s, now, &flooding->service, ticket), OTTER_OK);
}

/* One service sends as fast as it can, with all of its tickets, for ever. */
static void a_service_that_floods_the_session_does_not_starve_another(void **state)
{
    (void)state;
    flooding = &peers[3];
    connect_now();
    for (unsigned i = 0; i < TICKETS; i++) {
        flooding->tickets[i] = (struct mqtt_ticket){.topic = "flood", .on_result = send_again};
        mqtt_send(&w.s, w.now, &flooding->service, &flooding->tickets[i]);
    }
    for (unsigned turns = 0; turns < 200; turns++) {
        const uint8_t *data;
        uint8_t reply[64];
        if (turns == 100)
            send(0, 0, "patient");
        const size_t length = mqtt_output(&w.s, &data);
        broker_input(&w.b, data, length);
        mqtt_sent(&w.s, w.now, length);
        mqtt_input(&w.s, w.now, reply, broker_output(&w.b, reply, sizeof reply));
        if (turns > 103)
            assert_int_equal(peers[0].accepted, 1);
    }
    assert_true(flooding->accepted > 100);
}

/* ---- What a policy forbids ------------------------------------------------------------------- */

static void a_forbidden_ticket_comes_back_refused_and_the_others_go_through(void **state)
{
    (void)state;
    for (unsigned guilty = 0; guilty < 2 * SERVICES; guilty++) {
        set_up(NULL);
        w.b.closes_hard = w.far_away = guilty >= SERVICES;
        char forbidden[32];
        snprintf(forbidden, sizeof forbidden, "%sforbidden", prefixes[guilty % SERVICES]);
        w.b.closes_on = forbidden;
        connect_now();
        for (unsigned peer = 0; peer < SERVICES; peer++) {
            send(peer, 0, peer == guilty % SERVICES ? "forbidden" : "allowed");
            send(peer, 1, "allowed");
        }
        run(1);
        for (unsigned peer = 0; peer < SERVICES; peer++) {
            assert_int_equal(peers[peer].refused, peer == guilty % SERVICES);
            assert_int_equal(peers[peer].accepted, peer == guilty % SERVICES ? 1 : 2);
        }
        assert_in_range(w.b.connections, 2, MQTT_REPEATS_MAX + 4);
        assert_int_equal(w.s.state, MQTT_CONNECTED);
    }
}

/* Connects, and hands over no byte of what the services have to say. */
static void come_back(void)
{
    const uint8_t *data;
    uint8_t connack[4 + PROPERTIES];
    assert_true(mqtt_wants_transport(&w.s, w.now));
    w.up = true;
    broker_accept(&w.b);
    mqtt_transport_up(&w.s, w.now);
    const size_t length = mqtt_output(&w.s, &data);
    broker_input(&w.b, data, length);
    mqtt_sent(&w.s, w.now, length);
    assert_int_equal(broker_output(&w.b, connack, sizeof connack), sizeof connack);
    mqtt_input(&w.s, w.now, connack, sizeof connack);
    assert_int_equal(w.s.state, MQTT_CONNECTED);
}

/* A broker that minds length or topic closes at a publish's first bytes. */
static void a_ticket_that_loses_the_connection_before_it_is_out_comes_back_refused(void **state)
{
    (void)state;
    for (size_t begun = 1; begun < 40; begun++) {
        set_up(NULL);
        come_back();
        snprintf(peers[2].payloads[0], sizeof peers[2].payloads[0], "more than may be published");
        send(2, 0, "forbidden");
        send(1, 0, "allowed");
        for (unsigned i = 0; i <= MQTT_REPEATS_MAX; i++) {
            assert_int_equal(peers[2].refused, 0);
            mqtt_sent(&w.s, w.now, begun);
            lose_connection();
            come_back();
        }
        assert_int_equal(peers[2].refused, 1);
        run(1);
        assert_int_equal(peers[1].accepted, 1);
    }
}

/* Eight bytes each second: longer than the time-outs and the keep-alive interval. */
static void a_long_ticket_on_a_slow_link_is_not_late(void **state)
{
    static const char text[800];
    (void)state;
    connect_now();
    peers[0].tickets[0] = (struct mqtt_ticket){
        .topic = "long", .payload = text, .length = sizeof text, .on_result = note_result};
    assert_int_equal(mqtt_send(&w.s, w.now, &peers[0].service, &peers[0].tickets[0]), OTTER_OK);
    hold(1, 0, "behind/it");
    w.blocked = true;
    const uint8_t *data;
    for (size_t length; (length = mqtt_output(&w.s, &data)) > 0;) {
        length = length < 8 ? length : 8;
        broker_input(&w.b, data, length);
        mqtt_sent(&w.s, w.now, length);
        run(1000);
        assert_int_equal(w.b.connections, 1);
    }
    w.blocked = false;
    run(1);
    assert_int_equal(peers[0].accepted, 1);
    assert_int_equal(w.b.connections, 1);
    assert_int_equal(mqtt_subscription_status(&peers[1].filters[0]), OTTER_OK);
}

static void a_missing_puback_is_charged_to_its_ticket_alone(void **state)
{
    (void)state;
    connect_now();
    w.b.holds_pubacks = true;
    send(0, 0, "never");
    run(ACK_MS / 2);
    send(1, 0, "later");
    run(ACK_MS / 2 - 10);
    w.b.holds_pubacks = false;
    run(20);
    assert_int_equal(w.b.connections, 2);
    assert_int_equal(peers[0].accepted, 1);
    assert_int_equal(peers[1].accepted, 1);
    w.b.holds_pubacks = true;
    send(0, 0, "never");
    run(10 * ACK_MS);
    assert_int_equal(peers[0].timed_out, 1);
    assert_int_equal(peers[0].refused, 0);
}

/* It publishes every second what is forbidden. */
static void a_forbidden_qos_0_publish_makes_its_sender_pause(void **state)
{
    (void)state;
    connect_now();
    w.b.closes_on = "telemetry/forbidden";
    w.b.closes_hard = w.far_away = true;
    for (unsigned i = 0; i < 3600; i++) {
        say(3, "forbidden");
        if (!mqtt_ticket_held(&peers[0].tickets[0]))
            send(0, 0, "update");
        say(1, "get");
        run(1000);
    }
    assert_int_equal(peers[0].refused, 0);
    assert_in_range(peers[0].accepted, 3500, 3600);
    assert_in_range(w.b.connections, 10, 60); /* and not one each second */
    assert_int_equal(say(3, "forbidden"), OTTER_E_REFUSED);
    assert_int_equal(say(1, "get"), OTTER_OK);
    run(1000);
    assert_string_equal(w.b.last_topic, "shadow/get");
}

static void a_pause_ends_and_the_policy_may_have_been_mended(void **state)
{
    (void)state;
    connect_now();
    w.b.closes_on = "telemetry/t";
    for (unsigned i = 0; i < 3; i++) { /* the first one is taken for an accident */
        send(3, 0, "t");
        run(i == 1 ? MQTT_PAUSE_MS + 1 : 1);
        assert_int_equal(peers[3].refused, i + 1);
    }
    w.b.closes_on = NULL;
    send(3, 0, "t");
    run(MQTT_PAUSE_MS);
    assert_int_equal(peers[3].accepted, 0);
    send(0, 0, "t");
    run(1);
    assert_int_equal(peers[0].accepted, 1); /* nobody else has to wait */
    run(MQTT_PAUSE_MS);
    assert_int_equal(peers[3].accepted, 1);
}

/* A suspect waits until nothing else is under way; that has to come about. */
static void a_suspect_gets_its_turn_among_busy_services(void **state)
{
    (void)state;
    connect_now();
    send(0, 0, "a");
    send(1, 0, "b");
    say(2, "c");
    w.b.holds_pubacks = true;
    exchange();
    lose_connection();
    w.b.holds_pubacks = false;
    flooding = &peers[3];
    flooding->tickets[0] = (struct mqtt_ticket){.topic = "flood", .on_result = send_again};
    mqtt_send(&w.s, w.now, &flooding->service, &flooding->tickets[0]);
    unsigned heard = 0;
    w.up = true;
    mqtt_wants_transport(&w.s, w.now);
    broker_accept(&w.b);
    mqtt_transport_up(&w.s, w.now);
    for (unsigned turns = 0; turns < 200; turns++) {
        const uint8_t *data;
        uint8_t reply[64];
        say(3, "flood too");
        heard += say(2, "c") == OTTER_OK;
        const size_t length = mqtt_output(&w.s, &data);
        broker_input(&w.b, data, length);
        mqtt_sent(&w.s, w.now, length);
        mqtt_input(&w.s, w.now, reply, broker_output(&w.b, reply, sizeof reply));
        mqtt_tick(&w.s, w.now);
    }
    assert_int_equal(peers[0].accepted, 1);
    assert_int_equal(peers[1].accepted, 1);
    assert_in_range(heard, 5, 200);
    assert_int_equal(w.b.connections, 2);
}

static void greet(void *ctx, otter_ms now, struct mqtt_ticket *ticket, otter_status status)
{
    note_result(ctx, now, ticket, status);
    assert_int_equal(say(3, "greeting"), OTTER_OK);
}

/* Else a connection that the greeting loses would be charged to both. */
static void a_suspect_ticket_waits_until_what_went_out_with_qos_0_has_passed(void **state)
{
    (void)state;
    connect_now();
    w.b.holds_pubacks = true;
    send(0, 0, "a");
    peers[0].tickets[0].on_result = greet;
    send(1, 0, "b");
    exchange();
    lose_connection();
    w.b.holds_pubacks = false;
    w.b.mute = 1u << MQTT_PACKET_PINGREQ;
    w.b.seen[MQTT_PACKET_PUBLISH] = 0;
    run(1);
    assert_int_equal(peers[0].accepted, 1);
    assert_string_equal(w.b.last_topic, "telemetry/greeting");
    assert_int_equal(w.b.seen[MQTT_PACKET_PUBLISH], 2);
    assert_int_equal(w.b.seen[MQTT_PACKET_PINGREQ], 1);
    w.b.mute = 0;
    run(ACK_MS + 1); /* the connection is lost, by the greeting alone */
    assert_int_equal(w.b.connections, 3);
    assert_int_equal(peers[1].accepted, 1);
}

/* ---- Everything at once, from a seed --------------------------------------------------------- */

static unsigned taken[SERVICES][TICKETS]; /* publishes of each ticket that the broker took */

static void count_taken(const struct mqtt_publish *publish)
{
    unsigned peer, i;
    char text[64];
    if (publish->qos == 0)
        return;
    snprintf(text, sizeof text, "%.*s", (int)publish->payload.length,
             (const char *)publish->payload.data);
    assert_int_equal(sscanf(text, "%u-%u-", &peer, &i), 2);
    assert_in_range(peer, 0, SERVICES - 1);
    assert_in_range(i, 0, TICKETS - 1);
    assert_string_equal(text, peers[peer].payloads[i]);
    taken[peer][i]++;
}

static uint32_t random_state;

static uint32_t below(uint32_t most)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state % most;
}

/* Some bytes each way; perhaps the connection breaks. */
static void step(unsigned break_per_mille)
{
    const uint8_t *data;
    uint8_t reply[64];
    if (!w.up && mqtt_wants_transport(&w.s, w.now)) {
        w.up = true;
        broker_accept(&w.b);
        mqtt_transport_up(&w.s, w.now);
    }
    if (w.up) {
        size_t length = mqtt_output(&w.s, &data);
        length = length > 0 ? 1 + below((uint32_t)length) : 0;
        broker_input(&w.b, data, length);
        mqtt_sent(&w.s, w.now, length);
        const size_t got = broker_output(&w.b, reply, 1 + below(sizeof reply));
        mqtt_input(&w.s, w.now, reply, got);
    }
    w.now += below(100);
    mqtt_tick(&w.s, w.now);
    if (w.up && (mqtt_should_close(&w.s) || (w.b.wants_close && w.b.out_length == 0) ||
                 below(1000) < break_per_mille))
        lose_connection();
    assert_false(w.b.malformed);
}

static unsigned held(void)
{
    unsigned count = 0, in_flight = 0;
    for (unsigned peer = 0; peer < SERVICES; peer++) {
        for (unsigned i = 0; i < TICKETS; i++) {
            count += mqtt_ticket_held(&peers[peer].tickets[i]);
            in_flight += peers[peer].tickets[i].p.in_flight;
        }
    }
    assert_in_range(in_flight, 0, MQTT_IN_FLIGHT_MAX);
    return count;
}

static void everything_allowed_arrives_and_everything_forbidden_comes_back(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 200; seed++) {
        set_up(NULL);
        memset(taken, 0, sizeof taken);
        random_state = seed * 2654435761u | 1u;
        w.b.on_publish = count_taken;
        w.b.closes_on = "defender/forbidden";
        w.b.closes_hard = seed % 2 != 0;
        hold(0, 0, "notify");
        hold(1, 0, "#");
        unsigned sent = 0, forbidden = 0;
        for (unsigned turn = 0; turn < 200000 && (sent < 40 || held() > 0); turn++) {
            const unsigned peer = below(SERVICES), i = below(TICKETS);
            if (sent < 40 && below(10) == 0 && peers[peer].payloads[i][0] == '\0') {
                const bool bad = peer == 2 && i == 0;
                snprintf(peers[peer].payloads[i], sizeof peers[peer].payloads[i], "%u-%u-%.*s",
                         peer, i, (int)below(40), "payload of many different lengths, or short");
                send(peer, i, bad ? "forbidden" : "allowed");
                forbidden += bad;
                sent++;
            }
            if (below(10) == 0)
                (void)say(peer, "hello");
            if (sent == SERVICES * TICKETS)
                sent = 40;
            step(seed % 3 * 5);
        }
        for (unsigned peer = 0; peer < SERVICES; peer++) {
            const struct peer *p = &peers[peer];
            for (unsigned i = 0; i < TICKETS; i++)
                assert_int_equal(taken[peer][i] > 0,
                                 p->payloads[i][0] != '\0' && !(peer == 2 && i == 0));
            assert_int_equal(p->refused + p->timed_out, peer == 2 ? forbidden : 0);
        }
        assert_int_equal(held(), 0);
    }
}

#define PEERS_TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PEERS_TEST(a_message_goes_to_the_services_with_its_prefix),
        PEERS_TEST(an_oversized_message_is_told_to_its_service_alone),
        PEERS_TEST(a_service_is_online_when_its_own_filters_are_granted),
        PEERS_TEST(a_service_that_comes_later_goes_online_too),
        PEERS_TEST(sixteen_filters_and_more_are_made_and_made_again),
        PEERS_TEST(four_tickets_are_in_flight_and_one_service_has_three),
        PEERS_TEST(a_service_that_floods_the_session_does_not_starve_another),
        PEERS_TEST(a_forbidden_ticket_comes_back_refused_and_the_others_go_through),
        PEERS_TEST(a_ticket_that_loses_the_connection_before_it_is_out_comes_back_refused),
        PEERS_TEST(a_long_ticket_on_a_slow_link_is_not_late),
        PEERS_TEST(a_missing_puback_is_charged_to_its_ticket_alone),
        PEERS_TEST(a_forbidden_qos_0_publish_makes_its_sender_pause),
        PEERS_TEST(a_pause_ends_and_the_policy_may_have_been_mended),
        PEERS_TEST(a_suspect_gets_its_turn_among_busy_services),
        PEERS_TEST(a_suspect_ticket_waits_until_what_went_out_with_qos_0_has_passed),
        PEERS_TEST(everything_allowed_arrives_and_everything_forbidden_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
