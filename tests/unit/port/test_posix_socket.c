/* Connections of the posix port: names that take long, names with several addresses, IPv6. The C
 * library's look-up is replaced by one that answers when the test says so. */
#define _GNU_SOURCE /* RTLD_NEXT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <semaphore.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "port/port.h"
#include "port/socket.h"

#define PATIENCE_S 60 /* ends a test that blocks, which is the failure */

static sem_t answer;
static sem_t answered;

typedef int look_up(const char *node, const char *service, const struct addrinfo *hints,
                    struct addrinfo **result);

/* "slow.test" leads to where nothing listens and to the loopback, once `answer` is posted;
 * "unknown.test" to nothing. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **result)
{
    look_up *real;
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (hints->ai_flags & AI_NUMERICHOST)
        return real(node, service, hints, result);
    if (strcmp(node, "unknown.test") == 0)
        return EAI_NONAME;
    sem_wait(&answer);
    int error = real("127.0.0.2", service, hints, result);
    if (error == 0)
        error = real("127.0.0.1", service, hints, &(*result)->ai_next);
    sem_post(&answered);
    return error;
}

static int listen_on(int family, const char *host, uint16_t *port)
{
    char service[8];
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_family = family};
    struct addrinfo *address;
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } bound;
    socklen_t length = sizeof bound;
    snprintf(service, sizeof service, "%d", 0);
    assert_int_equal(getaddrinfo(host, service, &hints, &address), 0);
    const int fd = socket(family, SOCK_STREAM, 0);
    const int result = fd < 0 ? -1 : bind(fd, address->ai_addr, address->ai_addrlen);
    freeaddrinfo(address);
    if (result != 0)
        return -1;
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, &bound.any, &length), 0);
    *port = ntohs(family == AF_INET ? bound.v4.sin_port : bound.v6.sin6_port);
    return fd;
}

static int server;
static uint16_t port;

static int set_up(void **state)
{
    (void)state;
    char byte;
    alarm(PATIENCE_S);
    while (port_console_read(&byte, 1) > 0) { /* its end is known then, and wakes nobody */
    }
    assert_int_equal(sem_init(&answer, 0, 0), 0);
    assert_int_equal(sem_init(&answered, 0, 0), 0);
    server = listen_on(AF_INET, "127.0.0.1", &port);
    return server < 0;
}

static int tear_down(void **state)
{
    (void)state;
    close(server);
    return 0;
}

static void idle_while_connecting(const struct socket *socket)
{
    while (socket->state < SOCKET_OPEN)
        port_idle(port_now() + 10);
}

static void a_name_that_takes_long_does_not_hold_up_the_loop(void **state)
{
    (void)state;
    struct socket socket;
    assert_int_equal(socket_connect(&socket, "slow.test", port), OTTER_OK);
    for (int i = 0; i < 3; i++)
        port_idle(port_now());
    assert_int_equal(socket.state, SOCKET_LOOKING_UP);
    assert_int_equal(socket_send(&socket, "x", 1), 0);
    sem_post(&answer);
    idle_while_connecting(&socket);
    assert_int_equal(socket.state, SOCKET_OPEN);
    assert_int_equal(socket_send(&socket, "x", 1), 1);
    socket_close(&socket);
}

static void a_connection_may_be_closed_while_its_name_is_looked_up(void **state)
{
    (void)state;
    struct socket socket;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(socket_connect(&socket, "slow.test", port), OTTER_OK);
        socket_close(&socket);
        assert_int_equal(socket.state, SOCKET_IDLE);
    }
    for (int i = 0; i < 3; i++)
        sem_post(&answer);
    for (int i = 0; i < 3; i++)
        sem_wait(&answered);
    sem_post(&answer);
    assert_int_equal(socket_connect(&socket, "slow.test", port), OTTER_OK);
    idle_while_connecting(&socket);
    assert_int_equal(socket.state, SOCKET_OPEN);
    socket_close(&socket);
}

static void an_unknown_name_and_a_closed_port_are_told(void **state)
{
    (void)state;
    struct socket socket;
    assert_int_equal(socket_connect(&socket, "unknown.test", port), OTTER_OK);
    idle_while_connecting(&socket);
    assert_int_equal(socket.state, SOCKET_CLOSED);
    assert_int_equal(socket.error, OTTER_E_NAME);
    assert_int_equal(socket_send(&socket, "x", 1), OTTER_E_NAME);
    socket_close(&socket);
    (void)socket_connect(&socket, "127.0.0.2", port);
    idle_while_connecting(&socket);
    assert_int_equal(socket.state, SOCKET_CLOSED);
    assert_int_equal(socket.error, OTTER_E_REFUSED);
    socket_close(&socket);
}

static void a_connection_that_is_broken_off_is_told_from_one_that_ends(void **state)
{
    (void)state;
    for (int broken_off = 0; broken_off < 2; broken_off++) {
        const struct linger at_once = {.l_onoff = broken_off};
        struct socket socket;
        char byte;
        assert_int_equal(socket_connect(&socket, "127.0.0.1", port), OTTER_OK);
        idle_while_connecting(&socket);
        const int peer = accept(server, NULL, NULL);
        setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        close(peer);
        port_idle(port_now() + 1000);
        const int expected = broken_off ? OTTER_E_RESET : OTTER_E_CLOSED;
        assert_int_equal(socket_receive(&socket, &byte, 1), expected);
        assert_int_equal(socket.error, expected);
        assert_int_equal(socket_send(&socket, "x", 1), expected);
        socket_close(&socket);
    }
}

static void an_ipv6_address_is_connected_to(void **state)
{
    (void)state;
    struct socket socket;
    uint16_t v6_port;
    const int v6 = listen_on(AF_INET6, "::1", &v6_port);
    if (v6 < 0) {
        print_message("no IPv6 on this machine\n");
        skip();
    }
    assert_int_equal(socket_connect(&socket, "::1", v6_port), OTTER_OK);
    idle_while_connecting(&socket);
    assert_int_equal(socket.state, SOCKET_OPEN);
    socket_close(&socket);
    close(v6);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_name_that_takes_long_does_not_hold_up_the_loop),
        TEST(a_connection_may_be_closed_while_its_name_is_looked_up),
        TEST(an_unknown_name_and_a_closed_port_are_told),
        TEST(a_connection_that_is_broken_off_is_told_from_one_that_ends),
        TEST(an_ipv6_address_is_connected_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
