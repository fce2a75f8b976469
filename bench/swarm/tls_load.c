/* What TLS and a broker cost by themselves, for the ratios of bench/load.py.
 *
 *   tls_load serve CERT KEY BYTES            listens, prints its port; to each client that sends a
 *                                            byte it sends so many
 *   tls_load fetch PORT COUNT BYTES          so many clients of it: prints "connected", waits for a
 *                                            line, fetches all at once, prints the seconds
 *   tls_load relay PORT ROOT CERT KEY SIZE N two clients of an MQTT broker: N messages of QoS 0
 * from one to the other; prints messages a second tls_load relay1 ...                      the same
 * at QoS 1, 20 open at a time
 */
#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "codec/mqtt_packet.h"

#define OUTPUT_HIGH ((size_t)256 * 1024) /* as the gateway */
#define PIECE       4096u
#define WINDOW      20u
#define ON_THE_WAY  196608u /* bytes of QoS 0: three quarters of what makes the gateway let some go */
#define TOPIC       "load/relay"

struct load {
    struct event_base *base;
    SSL_CTX *tls;
    size_t bytes, count, size; /* of each client, of clients or messages, of a message */
    size_t connected, done, sent, received, acknowledged;
    int qos;
    struct bufferevent *publisher;
    double began;
};

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void die(const char *what)
{
    fprintf(stderr, "tls_load: %s\n", what);
    exit(1);
}

/* ---- a server that sends ---- */

struct served {
    struct load *load;
    size_t left;
};

static void send_more(struct bufferevent *link, void *context)
{
    static const char piece[PIECE];
    struct served *served = context;
    struct evbuffer *output = bufferevent_get_output(link);
    while (served->left > 0 && evbuffer_get_length(output) < OUTPUT_HIGH) {
        size_t size = served->left < PIECE ? served->left : PIECE;
        bufferevent_write(link, piece, size);
        served->left -= size;
    }
}

static void on_asked(struct bufferevent *link, void *context)
{
    struct served *served = context;
    struct evbuffer *input = bufferevent_get_input(link);
    evbuffer_drain(input, evbuffer_get_length(input));
    served->left = served->load->bytes;
    send_more(link, served);
}

static void on_served_end(struct bufferevent *link, short what, void *context)
{
    if (what & BEV_EVENT_CONNECTED)
        return;
    bufferevent_free(link);
    free(context);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *peer,
                      int length, void *context)
{
    struct load *load = context;
    struct served *served = calloc(1, sizeof *served);
    (void)listener, (void)peer, (void)length;
    if (!served)
        die("out of memory");
    served->load = load;
    struct bufferevent *link = bufferevent_openssl_socket_new(
        load->base, fd, SSL_new(load->tls), BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
    bufferevent_setcb(link, on_asked, send_more, on_served_end, served);
    bufferevent_setwatermark(link, EV_WRITE, OUTPUT_HIGH / 4, 0);
    bufferevent_enable(link, EV_READ | EV_WRITE);
}

static int serve(struct load *load, char **argv)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    load->tls = SSL_CTX_new(TLS_server_method());
    load->bytes = strtoul(argv[4], NULL, 10);
    SSL_CTX_set_mode(load->tls, SSL_MODE_RELEASE_BUFFERS);
    if (SSL_CTX_use_certificate_file(load->tls, argv[2], SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_use_PrivateKey_file(load->tls, argv[3], SSL_FILETYPE_PEM) != 1)
        die("cannot use certificate and key");
    struct evconnlistener *listener = evconnlistener_new_bind(
        load->base, on_accept, load, LEV_OPT_CLOSE_ON_FREE, -1, (struct sockaddr *)&at, sizeof at);
    if (!listener ||
        getsockname(evconnlistener_get_fd(listener), (struct sockaddr *)&at, &size) != 0)
        die("cannot listen");
    printf("%u\n", ntohs(at.sin_port));
    fflush(stdout);
    event_base_dispatch(load->base);
    return 0;
}

/* ---- clients ---- */

/* With one cipher, so that all servers that are compared use the same. */
static SSL_CTX *client_context(void)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
    if (!tls || SSL_CTX_set_ciphersuites(tls, "TLS_AES_128_GCM_SHA256") != 1)
        die("cannot make a TLS context");
    return tls;
}

static struct bufferevent *dial(struct load *load, const char *port, bufferevent_data_cb on_read,
                                bufferevent_event_cb on_event, void *context)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)atoi(port)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    SSL *ssl = SSL_new(load->tls);
    SSL_set_tlsext_host_name(ssl, "localhost");
    struct bufferevent *link = bufferevent_openssl_socket_new(
        load->base, -1, ssl, BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE);
    bufferevent_setcb(link, on_read, NULL, on_event, context);
    bufferevent_enable(link, EV_READ | EV_WRITE);
    if (bufferevent_socket_connect(link, (struct sockaddr *)&to, sizeof to) != 0)
        die("cannot connect");
    return link;
}

struct fetcher {
    struct load *load;
    struct bufferevent *link;
    size_t got;
};

static void on_fetched(struct bufferevent *link, void *context)
{
    struct fetcher *fetcher = context;
    struct evbuffer *input = bufferevent_get_input(link);
    fetcher->got += evbuffer_get_length(input);
    evbuffer_drain(input, evbuffer_get_length(input));
    if (fetcher->got == fetcher->load->bytes && ++fetcher->load->done == fetcher->load->count)
        event_base_loopbreak(fetcher->load->base);
}

static void on_fetch_event(struct bufferevent *link, short what, void *context)
{
    struct fetcher *fetcher = context;
    (void)link;
    if (!(what & BEV_EVENT_CONNECTED))
        die("a connection was lost");
    if (++fetcher->load->connected == fetcher->load->count)
        event_base_loopbreak(fetcher->load->base);
}

static int fetch(struct load *load, char **argv)
{
    load->tls = client_context();
    SSL_CTX_set_mode(load->tls, SSL_MODE_RELEASE_BUFFERS);
    load->count = strtoul(argv[3], NULL, 10);
    load->bytes = strtoul(argv[4], NULL, 10);
    struct fetcher *fetchers = calloc(load->count, sizeof *fetchers);
    for (size_t i = 0; i < load->count; i++) {
        fetchers[i].load = load;
        fetchers[i].link = dial(load, argv[2], on_fetched, on_fetch_event, &fetchers[i]);
    }
    event_base_dispatch(load->base);
    printf("connected\n");
    fflush(stdout);
    if (getchar() == EOF)
        die("nobody says when to begin");
    double began = now_s();
    for (size_t i = 0; i < load->count; i++)
        bufferevent_write(fetchers[i].link, "x", 1);
    event_base_dispatch(load->base);
    printf("%.3f\n", now_s() - began);
    free(fetchers);
    return 0;
}

/* ---- two clients of a broker ---- */

static void publish_some(struct load *load)
{
    static uint8_t packet[140000], payload[131072];
    while (load->sent < load->count &&
           evbuffer_get_length(bufferevent_get_output(load->publisher)) < OUTPUT_HIGH &&
           load->sent - (load->qos ? load->acknowledged : load->received) <
               (load->qos ? WINDOW : ON_THE_WAY / load->size)) {
        struct mqtt_publish message = {.topic = {TOPIC, sizeof TOPIC - 1},
                                       .payload = {payload, load->size},
                                       .qos = (uint8_t)load->qos};
        message.packet_id = load->qos ? (uint16_t)(load->sent % 60000 + 1) : 0;
        int length = mqtt_encode_publish(packet, sizeof packet, &message);
        bufferevent_write(load->publisher, packet, (size_t)length);
        load->sent++;
    }
}

static void on_room(struct bufferevent *link, void *context)
{
    struct load *load = context;
    (void)link;
    if (load->began > 0)
        publish_some(load);
}

static void greet(struct bufferevent *link, const char *id)
{
    uint8_t packet[128];
    const struct mqtt_connect connect = {
        .clean_session = true, .keep_alive_s = 1200, .client_id = {id, strlen(id)}};
    int length = mqtt_encode_connect(packet, sizeof packet, &connect);
    bufferevent_write(link, packet, (size_t)length);
}

/* Takes the next packet away: its type, 0 when none is whole. */
static unsigned take(struct bufferevent *link, uint16_t *id)
{
    uint8_t head[8];
    struct mqtt_header header;
    struct evbuffer *input = bufferevent_get_input(link);
    ev_ssize_t there = evbuffer_copyout(input, head, sizeof head);
    if (there < 2 || mqtt_decode_header(head, (size_t)there, &header) != OTTER_OK ||
        evbuffer_get_length(input) < header.size + header.body_length)
        return 0;
    *id = 0;
    if (header.type == MQTT_PACKET_PUBLISH && (header.flags & 0x06) != 0) {
        uint8_t packet[64];
        size_t at = header.size + 2u + sizeof TOPIC - 1;
        evbuffer_copyout(input, packet, at + 2);
        *id = (uint16_t)(packet[at] << 8 | packet[at + 1]);
    }
    evbuffer_drain(input, header.size + header.body_length);
    return header.type;
}

static void on_publisher(struct bufferevent *link, void *context)
{
    struct load *load = context;
    uint16_t id;
    for (unsigned type; (type = take(link, &id)) != 0;) {
        load->acknowledged += type == MQTT_PACKET_PUBACK;
        if (type == MQTT_PACKET_CONNACK)
            load->began = now_s();
    }
    if (load->began > 0)
        publish_some(load);
}

static void on_publisher_event(struct bufferevent *link, short what, void *context)
{
    (void)context;
    if (!(what & BEV_EVENT_CONNECTED))
        die("the publisher's connection was lost");
    greet(link, "load-publisher");
}

static const char *relay_port;

static void on_subscriber(struct bufferevent *link, void *context)
{
    struct load *load = context;
    uint8_t packet[64];
    uint16_t id;
    for (unsigned type; (type = take(link, &id)) != 0;) {
        int length = 0;
        const struct mqtt_filter filter = {.text = {TOPIC, sizeof TOPIC - 1},
                                           .qos = (uint8_t)load->qos};
        if (type == MQTT_PACKET_CONNACK)
            length =
                mqtt_encode_filters(packet, sizeof packet, MQTT_PACKET_SUBSCRIBE, 1, &filter, 1);
        if (type == MQTT_PACKET_PUBLISH && id)
            length = mqtt_encode_ack(packet, sizeof packet, MQTT_PACKET_PUBACK, id);
        if (length > 0)
            bufferevent_write(link, packet, (size_t)length);
        if (type == MQTT_PACKET_SUBACK) {
            load->publisher = dial(load, relay_port, on_publisher, on_publisher_event, load);
            bufferevent_setcb(load->publisher, on_publisher, on_room, on_publisher_event, load);
            bufferevent_setwatermark(load->publisher, EV_WRITE, OUTPUT_HIGH / 2, 0);
        }
        if (type == MQTT_PACKET_PUBLISH && ++load->received == load->count)
            event_base_loopbreak(load->base);
    }
    if (load->qos == 0 && load->publisher && load->began > 0)
        publish_some(load);
}

static void on_subscriber_event(struct bufferevent *link, short what, void *context)
{
    (void)context;
    if (!(what & BEV_EVENT_CONNECTED))
        die("the subscriber's connection was lost");
    greet(link, "load-subscriber");
}

static int relay(struct load *load, char **argv)
{
    load->qos = strcmp(argv[1], "relay1") == 0;
    load->tls = client_context();
    if (SSL_CTX_load_verify_locations(load->tls, argv[3], NULL) != 1 ||
        SSL_CTX_use_certificate_file(load->tls, argv[4], SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_use_PrivateKey_file(load->tls, argv[5], SSL_FILETYPE_PEM) != 1)
        die("cannot use certificate and key");
    SSL_CTX_set_verify(load->tls, SSL_VERIFY_PEER, NULL);
    load->size = strtoul(argv[6], NULL, 10);
    load->count = strtoul(argv[7], NULL, 10);
    relay_port = argv[2];
    dial(load, relay_port, on_subscriber, on_subscriber_event, load);
    event_base_dispatch(load->base);
    printf("%.0f\n", (double)load->received / (now_s() - load->began));
    return 0;
}

int main(int argc, char **argv)
{
    struct load load = {.base = event_base_new()};
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    signal(SIGPIPE, SIG_IGN);
    if (argc == 5 && strcmp(argv[1], "serve") == 0)
        return serve(&load, argv);
    if (argc == 5 && strcmp(argv[1], "fetch") == 0)
        return fetch(&load, argv);
    if (argc == 8 && strncmp(argv[1], "relay", 5) == 0)
        return relay(&load, argv);
    fprintf(stderr, "usage: see the head of tls_load.c\n");
    return 2;
}
