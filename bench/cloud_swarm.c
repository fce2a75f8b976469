/* A fleet in one process: so many MQTT clients over real TLS, all at once. For bench/swarm.sh.
 *
 *   cloud_swarm PORT CERTIFICATE KEY COUNT ROUNDS
 *
 * In each round every client connects at the same moment (TCP, TLS 1.3 with a client certificate,
 * CONNECT, SUBSCRIBE to its notify-next) and is back when the SUBACK comes; then all close, without
 * a word. A client whose attempt fails tries again a second later. Prints a line for each round.
 * The server's certificate is not verified: that is a device's work, and would be measured here. */
#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "codec/mqtt_packet.h"

#define PATIENCE_S 30  /* with one attempt */
#define GIVE_UP_S  120 /* with a round */
#define RETRY_S    1
#define COUNT_MAX  100000

struct member {
    struct swarm *swarm;
    struct bufferevent *link;
    struct event *retry;
    bool back;
    char id[32];
};

struct swarm {
    struct event_base *base;
    SSL_CTX *tls;
    struct sockaddr_in to;
    struct member *members;
    int count, back, failed;
    int64_t began_ms, half_ms;
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void hang_up(struct member *member)
{
    if (member->link)
        bufferevent_free(member->link);
    member->link = NULL;
}

static void fail(struct member *member)
{
    const struct timeval delay = {RETRY_S, 0};
    hang_up(member);
    if (member->back)
        member->swarm->back--;
    member->back = false;
    member->swarm->failed++;
    event_add(member->retry, &delay);
}

static void subscribe(struct member *member)
{
    char text[96];
    uint8_t packet[128];
    snprintf(text, sizeof text, "$aws/things/%s/jobs/notify-next", member->id);
    const struct mqtt_filter filter = {.text = {text, strlen(text)}, .qos = 1};
    int length = mqtt_encode_filters(packet, sizeof packet, MQTT_PACKET_SUBSCRIBE, 1, &filter, 1);
    bufferevent_write(member->link, packet, (size_t)length);
}

static void come_back(struct member *member)
{
    struct swarm *swarm = member->swarm;
    member->back = true;
    swarm->back++;
    if (swarm->back == swarm->count / 2)
        swarm->half_ms = now_ms() - swarm->began_ms;
    if (swarm->back == swarm->count)
        event_base_loopbreak(swarm->base);
}

/* All answers here are shorter than 128 bytes. */
static void on_read(struct bufferevent *link, void *context)
{
    struct member *member = context;
    uint8_t packet[130];
    struct evbuffer *input = bufferevent_get_input(link);
    while (evbuffer_copyout(input, packet, 2) == 2 &&
           evbuffer_get_length(input) >= packet[1] + 2u) {
        evbuffer_remove(input, packet, packet[1] + 2u);
        if (packet[0] >> 4 == MQTT_PACKET_SUBACK)
            come_back(member);
        else if (packet[0] >> 4 != MQTT_PACKET_CONNACK || packet[3] != MQTT_CONNACK_ACCEPTED)
            fail(member);
        else
            subscribe(member);
        if (!member->link)
            return;
    }
}

static void on_event(struct bufferevent *link, short what, void *context)
{
    struct member *member = context;
    uint8_t packet[128];
    if (!(what & BEV_EVENT_CONNECTED)) {
        fail(member);
        return;
    }
    const struct mqtt_connect connect = {
        .clean_session = true, .keep_alive_s = 1200, .client_id = {member->id, strlen(member->id)}};
    int length = mqtt_encode_connect(packet, sizeof packet, &connect);
    bufferevent_write(link, packet, (size_t)length);
}

static void dial(struct member *member)
{
    const struct timeval patience = {PATIENCE_S, 0};
    struct swarm *swarm = member->swarm;
    SSL *ssl = SSL_new(swarm->tls);
    SSL_set_tlsext_host_name(ssl, "localhost");
    member->link = bufferevent_openssl_socket_new(swarm->base, -1, ssl, BUFFEREVENT_SSL_CONNECTING,
                                                  BEV_OPT_CLOSE_ON_FREE);
    bufferevent_setcb(member->link, on_read, NULL, on_event, member);
    bufferevent_enable(member->link, EV_READ | EV_WRITE);
    bufferevent_set_timeouts(member->link, &patience, NULL);
    if (bufferevent_socket_connect(member->link, (struct sockaddr *)&swarm->to, sizeof swarm->to))
        fail(member);
}

static void on_retry(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    dial(context);
}

static bool play_round(struct swarm *swarm, int round)
{
    const struct timeval end = {GIVE_UP_S, 0};
    swarm->back = swarm->failed = 0;
    swarm->began_ms = now_ms();
    for (int i = 0; i < swarm->count; i++)
        dial(&swarm->members[i]);
    event_base_loopexit(swarm->base, &end);
    event_base_dispatch(swarm->base);
    double seconds = (double)(now_ms() - swarm->began_ms) / 1000;
    printf("%5d %8d %10.1f %10.1f %10.0f %10d %8d\n", round, swarm->back,
           (double)swarm->half_ms / 1000, seconds, swarm->back / seconds, swarm->failed,
           swarm->count - swarm->back);
    fflush(stdout);
    bool all = swarm->back == swarm->count;
    for (int i = 0; i < swarm->count; i++) {
        event_del(swarm->members[i].retry);
        hang_up(&swarm->members[i]);
        swarm->members[i].back = false;
    }
    return all;
}

static bool make_members(struct swarm *swarm)
{
    swarm->members = calloc((size_t)swarm->count, sizeof *swarm->members);
    if (!swarm->members)
        return false;
    for (int i = 0; i < swarm->count; i++) {
        struct member *member = &swarm->members[i];
        member->swarm = swarm;
        snprintf(member->id, sizeof member->id, "swarm-%d", i);
        member->retry = evtimer_new(swarm->base, on_retry, member);
        if (!member->retry)
            return false;
    }
    return true;
}

static bool prepare(struct swarm *swarm, char **argv)
{
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    signal(SIGPIPE, SIG_IGN);
    swarm->base = event_base_new();
    swarm->tls = SSL_CTX_new(TLS_client_method());
    swarm->to = (struct sockaddr_in){.sin_family = AF_INET,
                                     .sin_port = htons((uint16_t)atoi(argv[1])),
                                     .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    swarm->count = atoi(argv[4]);
    if (!swarm->base || !swarm->tls || swarm->count < 1 || swarm->count > COUNT_MAX)
        return false;
    SSL_CTX_set_mode(swarm->tls, SSL_MODE_RELEASE_BUFFERS);
    return SSL_CTX_use_certificate_file(swarm->tls, argv[2], SSL_FILETYPE_PEM) == 1 &&
           SSL_CTX_use_PrivateKey_file(swarm->tls, argv[3], SSL_FILETYPE_PEM) == 1 &&
           make_members(swarm);
}

int main(int argc, char **argv)
{
    struct swarm swarm = {0};
    bool all = true;
    if (argc != 6 || !prepare(&swarm, argv)) {
        fprintf(stderr, "usage: cloud_swarm PORT CERTIFICATE KEY COUNT ROUNDS\n");
        return 2;
    }
    for (int round = 1; round <= atoi(argv[5]); round++) {
        struct timespec pause = {2, 0}; /* one CONNECT a second for each client id */
        all = play_round(&swarm, round) && all;
        nanosleep(&pause, NULL);
    }
    for (int i = 0; i < swarm.count; i++)
        event_free(swarm.members[i].retry);
    free(swarm.members);
    SSL_CTX_free(swarm.tls);
    event_base_free(swarm.base);
    return all ? 0 : 1;
}
