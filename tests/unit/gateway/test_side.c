/* One side of a connection: what leaves when, what is told when, and nothing lost in a pause. */
#include <event2/event.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "cloud/core/core.h"
#include "cloud/gateway/side.h"
#include "cloud/loop/loop.h"
#include "cloud/store/db.h"
#include "device.h"

#define LARGE   1000000u
#define LOW     1000u
#define RECORDS 70u
#define SIZE    1000u

struct world {
    struct event_base *base;
    struct sides *sides;
    struct side *side;
    int peer;
    size_t came; /* bytes, taken out of the input */
    unsigned rooms, ends;
    bool pauses; /* at the first byte */
};

static void on_input(void *context)
{
    struct world *world = context;
    struct evbuffer *input = side_input(world->side);
    assert_int_equal(world->ends, 0);
    assert_true(evbuffer_get_length(input) > 0);
    world->came += evbuffer_get_length(input);
    evbuffer_drain(input, evbuffer_get_length(input));
    if (world->pauses)
        side_read(world->side, false);
}

static void on_room(void *context)
{
    struct world *world = context;
    world->rooms++;
}

static void on_end(void *context)
{
    struct world *world = context;
    world->ends++;
}

static const struct side_calls calls = {on_input, on_room, on_end};

static void open_world(struct world *world, int kind)
{
    int pair[2];
    *world = (struct world){.base = event_base_new()};
    assert_int_equal(socketpair(AF_UNIX, kind | SOCK_NONBLOCK, 0, pair), 0);
    world->peer = pair[1];
    world->sides = sides_new(world->base);
    world->side = side_new(world->sides, pair[0], NULL, &calls, world);
    assert_non_null(world->side);
    side_set_low(world->side, LOW);
}

static void go_round(const struct world *world)
{
    for (int i = 0; i < 3; i++)
        event_base_loop(world->base, EVLOOP_NONBLOCK);
}

static void close_world(struct world *world)
{
    side_free(world->side);
    close(world->peer);
    sides_free(world->sides);
    event_base_free(world->base);
}

/* ---- plain bytes ---------------------------------------------------------------------------- */

/* A socket that keeps messages apart shows it. */
static void what_is_written_in_one_round_leaves_together(void **state)
{
    struct world world;
    char bytes[8];
    (void)state;
    open_world(&world, SOCK_SEQPACKET);
    side_write(world.side, "a", 1);
    side_write(world.side, "bc", 2);
    assert_int_equal(read(world.peer, bytes, sizeof bytes), -1);
    go_round(&world);
    assert_int_equal(read(world.peer, bytes, sizeof bytes), 3);
    side_write(world.side, "d", 1);
    assert_true(side_flush(world.side));
    assert_int_equal(read(world.peer, bytes, sizeof bytes), 1);
    assert_false(side_flush(world.side));
    assert_int_equal(world.rooms, 0);
    close_world(&world);
}

static void the_end_is_told_behind_what_came_before_it(void **state)
{
    struct world world;
    (void)state;
    open_world(&world, SOCK_STREAM);
    world.pauses = true;
    side_read(world.side, true);
    assert_int_equal(write(world.peer, "last", 4), 4);
    shutdown(world.peer, SHUT_RDWR);
    go_round(&world);
    assert_int_equal(world.came, 4);
    assert_int_equal(world.ends, 0);
    side_read(world.side, true);
    go_round(&world);
    assert_int_equal(world.ends, 1);
    side_write(world.side, "x", 1);
    go_round(&world);
    assert_int_equal(world.ends, 1); /* once */
    close_world(&world);
}

static void room_is_told_when_the_other_side_has_read(void **state)
{
    static char bytes[LARGE];
    struct world world;
    size_t got = 0;
    (void)state;
    open_world(&world, SOCK_STREAM);
    side_write(world.side, bytes, LARGE);
    go_round(&world);
    assert_true(side_unsent(world.side) > LOW);
    assert_int_equal(world.rooms, 0);
    while (side_unsent(world.side) > 0) {
        const ssize_t size = read(world.peer, bytes, sizeof bytes);
        got += size > 0 ? (size_t)size : 0;
        assert_true(world.rooms == 0 || side_unsent(world.side) <= LOW);
        event_base_loop(world.base, EVLOOP_NONBLOCK);
    }
    assert_int_equal(world.rooms, 1);
    while (got < LARGE)
        got += (size_t)read(world.peer, bytes, sizeof bytes);
    side_write(world.side, "x", 1);
    side_flush(world.side);
    side_await_room(world.side);
    assert_int_equal(world.rooms, 1); /* not from within the call */
    go_round(&world);
    assert_int_equal(world.rooms, 2);
    close_world(&world);
}

static void a_broken_socket_is_told_once_and_not_from_within_a_call(void **state)
{
    struct world world;
    (void)state;
    open_world(&world, SOCK_STREAM);
    shutdown(world.peer, SHUT_RDWR);
    side_write(world.side, "x", 1);
    assert_false(side_flush(world.side));
    assert_int_equal(world.ends, 0);
    go_round(&world);
    assert_int_equal(world.ends, 1);
    close_world(&world);
}

/* ---- TLS ------------------------------------------------------------------------------------ */

static SSL *peer_tls;

/* The client's first bytes go out with the end of its handshake. */
static void shake_hands(SSL *server, SSL *client)
{
    SSL_set_accept_state(server);
    SSL_set_connect_state(client);
    while (SSL_do_handshake(client) != 1)
        SSL_do_handshake(server);
    assert_int_equal(SSL_write(client, "first", 5), 5);
    SSL_do_handshake(server);
    assert_true(SSL_is_init_finished(server) && SSL_is_init_finished(client));
}

static void open_tls(struct world *world)
{
    struct credentials credentials = credentials_make("side");
    SSL_CTX *context = SSL_CTX_new(TLS_method());
    int pair[2];
    *world = (struct world){.base = event_base_new()};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    SSL_CTX_use_certificate(context, credentials.certificate);
    SSL_CTX_use_PrivateKey(context, credentials.key);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_default_read_buffer_len(context, LARGE);
    SSL *ssl = SSL_new(context);
    peer_tls = SSL_new(context);
    SSL_set_fd(ssl, pair[0]);
    SSL_set_fd(peer_tls, pair[1]);
    shake_hands(ssl, peer_tls);
    world->peer = pair[1];
    world->sides = sides_new(world->base);
    world->side = side_new(world->sides, pair[0], ssl, &calls, world);
    SSL_CTX_free(context);
    credentials_free(&credentials);
    side_read(world->side, true);
    go_round(world);
    assert_int_equal(world->came, 5);
    world->came = 0;
}

static void close_tls(struct world *world)
{
    SSL_free(peer_tls);
    close_world(world);
}

/* More than is read in one turn, while OpenSSL has it all in its buffer: the socket has nothing
 * left to wake anybody up with. */
static void what_TLS_has_read_ahead_is_not_forgotten_in_a_pause(void **state)
{
    static const uint8_t bytes[SIZE];
    struct world world;
    (void)state;
    open_tls(&world);
    for (unsigned i = 0; i < RECORDS; i++)
        assert_int_equal(SSL_write(peer_tls, bytes, SIZE), SIZE);
    world.pauses = true;
    go_round(&world);
    assert_true(world.came > 0 && world.came < RECORDS * SIZE);
    const size_t before = world.came;
    go_round(&world);
    assert_int_equal(world.came, before);
    world.pauses = false;
    side_read(world.side, true);
    go_round(&world);
    assert_int_equal(world.came, RECORDS * SIZE);
    close_tls(&world);
}

static uint8_t byte_at(size_t at)
{
    return (uint8_t)(at * 7 + (at >> 10));
}

/* In pieces of all sizes, to one who reads now and then. */
static void what_goes_through_TLS_arrives_whole_and_in_order(void **state)
{
    struct world world;
    static uint8_t bytes[30000];
    size_t written = 0, got = 0;
    (void)state;
    open_tls(&world);
    for (unsigned round = 0; got < LARGE; round++) {
        size_t size = round % 7 == 0 ? 29001 : round % 5 == 0 ? 16384 : 1 + round % 300;
        for (size_t i = 0; i < size; i++)
            bytes[i] = byte_at(written + i);
        if (written < LARGE) {
            side_write(world.side, bytes, size);
            written += size;
        }
        event_base_loop(world.base, EVLOOP_NONBLOCK);
        if (round % 11 != 0 && written < LARGE)
            continue;
        int size_got;
        while ((size_got = SSL_read(peer_tls, bytes, sizeof bytes)) > 0)
            for (int i = 0; i < size_got; i++)
                assert_int_equal(bytes[i], byte_at(got++));
    }
    close_tls(&world);
}

/* ---- commits -------------------------------------------------------------------------------- */

struct store {
    struct cloud cloud;
    struct loop loop;
    char dir[64];
};

static void open_store(struct store *store, const struct world *world)
{
    struct cloud_config config = {.dir = store->dir};
    strcpy(store->dir, "/tmp/otter-held-XXXXXX");
    assert_non_null(mkdtemp(store->dir));
    assert_int_equal(core_start(&store->cloud, &config), OTTER_OK);
    assert_true(loop_start(&store->loop, world->base, &store->cloud, true));
    go_round(world);
}

static void close_store(struct store *store)
{
    char command[128];
    loop_stop(&store->loop);
    core_stop(&store->cloud);
    snprintf(command, sizeof command, "rm -rf %s", store->dir);
    assert_int_equal(system(command), 0);
}

static void answer(struct world *world, struct store *store, const char *sql)
{
    db_run(store->cloud.db, sql, "");
    side_write(world->side, "x", 1);
    side_hold(world->side, store->cloud.db);
}

static void an_answer_leaves_after_its_commit(void **state)
{
    struct world world;
    struct store store;
    char byte;
    (void)state;
    open_world(&world, SOCK_STREAM);
    open_store(&store, &world);
    answer(&world, &store, "INSERT INTO buckets(name, created) VALUES('b', 0)");
    assert_false(side_flush(world.side));
    assert_int_equal(read(world.peer, &byte, 1), -1);
    go_round(&world);
    assert_false(db_dirty(store.cloud.db));
    assert_int_equal(read(world.peer, &byte, 1), 1);
    assert_int_equal(world.rooms, 1); /* who waited for it goes on */
    close_store(&store);
    close_world(&world);
}

/* A deferred constraint fails at the commit itself, as a full disk does. */
static void an_answer_whose_commit_fails_does_not_leave(void **state)
{
    struct world world;
    struct store store;
    char byte;
    (void)state;
    open_world(&world, SOCK_STREAM);
    open_store(&store, &world);
    db_run(store.cloud.db,
           "CREATE TABLE late(a TEXT REFERENCES buckets(name)"
           " DEFERRABLE INITIALLY DEFERRED)",
           "");
    go_round(&world);
    answer(&world, &store, "INSERT INTO late VALUES('nowhere')");
    go_round(&world);
    assert_int_equal(world.ends, 1);
    assert_int_equal(read(world.peer, &byte, 1), -1);
    assert_int_equal(db_number(store.cloud.db, "SELECT COUNT(*) FROM late", ""), 0);
    close_store(&store);
    close_world(&world);
}

static void a_side_may_end_before_its_commit(void **state)
{
    struct world world;
    struct store store;
    (void)state;
    open_world(&world, SOCK_STREAM);
    open_store(&store, &world);
    answer(&world, &store, "INSERT INTO buckets(name, created) VALUES('b', 0)");
    side_free(world.side);
    world.side = NULL;
    go_round(&world);
    assert_false(db_dirty(store.cloud.db));
    close_store(&store);
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_in_one_round_leaves_together),
        cmocka_unit_test(the_end_is_told_behind_what_came_before_it),
        cmocka_unit_test(room_is_told_when_the_other_side_has_read),
        cmocka_unit_test(a_broken_socket_is_told_once_and_not_from_within_a_call),
        cmocka_unit_test(what_TLS_has_read_ahead_is_not_forgotten_in_a_pause),
        cmocka_unit_test(what_goes_through_TLS_arrives_whole_and_in_order),
        cmocka_unit_test(an_answer_leaves_after_its_commit),
        cmocka_unit_test(an_answer_whose_commit_fails_does_not_leave),
        cmocka_unit_test(a_side_may_end_before_its_commit),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
