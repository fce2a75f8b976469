/* A bare server of the update that the swarm is rolled out: OpenSSL, libevent, and answers from
 * memory. No broker, no database, no policies, nothing kept but how far each device's job is. What
 * the same devices take with `otter cloud` beside it is what the cloud costs. For bench/load.py.
 *
 *   device_responder CERTIFICATE KEY IMAGE DOCUMENT JOB
 *
 * Says its port on stdout; a line on stdin makes the job known to all who are connected. Things are
 * named by the client id, whose digits at the end number them. */
#include <arpa/inet.h>
#include <ctype.h>
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

#include "codec/cbor.h"
#include "codec/json.h"
#include "codec/mqtt_packet.h"

#define DEVICES_MAX 100000u
#define TOKENS_MAX  64
#define HEAD_MAX    1024u
#define REPLY_MAX   16384u
#define BITMAP_MAX  1024u

struct job {
    unsigned version;
    bool begun, done;
};

struct responder {
    struct event_base *base;
    SSL_CTX *tls;
    char *image, *document;
    size_t image_size, document_size;
    const char *job;
    bool offered; /* before that there is none */
    struct job jobs[DEVICES_MAX];
    struct connection *connections;
};

struct connection {
    struct connection *next, **last;
    struct responder *responder;
    struct bufferevent *link;
    struct job *job;
    char thing[64];
};

/* ---- answers -------------------------------------------------------------------------------- */

static void say(struct connection *connection, const char *topic, const void *payload,
                size_t length)
{
    uint8_t head[HEAD_MAX];
    const struct mqtt_publish message = {.topic = {topic, strlen(topic)},
                                         .payload = {payload, length}};
    const int size = mqtt_encode_publish_head(head, sizeof head, &message);
    bufferevent_write(connection->link, head, (size_t)size);
    bufferevent_write(connection->link, payload, length);
}

static void write_execution(struct json_writer *w, const struct connection *connection)
{
    const struct responder *responder = connection->responder;
    json_write_object(w, "execution");
    json_write_string(w, "jobId", responder->job);
    json_write_string(w, "thingName", connection->thing);
    json_write_string(w, "status", connection->job->begun ? "IN_PROGRESS" : "QUEUED");
    json_write_int(w, "queuedAt", 1);
    json_write_int(w, "versionNumber", connection->job->version);
    json_write_int(w, "executionNumber", 1);
    json_write_raw(w, "jobDocument", responder->document, responder->document_size);
    json_write_object_end(w);
}

/* `topic` and "/accepted"; the execution, if it is asked for and not over. */
static void accept_request(struct connection *connection, const char *topic, const char *token,
                           bool with_execution)
{
    char to[256], reply[REPLY_MAX];
    struct json_writer w;
    json_writer_init(&w, reply, sizeof reply);
    json_write_object(&w, NULL);
    json_write_string(&w, "clientToken", token);
    json_write_int(&w, "timestamp", 1);
    if (with_execution && connection->responder->offered && !connection->job->done)
        write_execution(&w, connection);
    json_write_object_end(&w);
    snprintf(to, sizeof to, "%s/accepted", topic);
    say(connection, to, reply, (size_t)json_written(&w));
}

static void on_job_request(struct connection *connection, const char *topic,
                           const struct mqtt_bytes *payload)
{
    jsmntok_t tokens[TOKENS_MAX];
    struct json json;
    char token[64] = "";
    if (json_parse(&json, (const char *)payload->data, payload->length, tokens, TOKENS_MAX) !=
        OTTER_OK)
        return;
    json_get_string(&json, json_find(&json, 0, "clientToken"), token, sizeof token);
    const bool is_update = strcmp(strrchr(topic, '/'), "/update") == 0;
    if (is_update) {
        connection->job->version++;
        connection->job->begun = true;
        connection->job->done = !json_equals(&json, json_find(&json, 0, "status"), "IN_PROGRESS");
    }
    accept_request(connection, topic, token, !is_update);
}

static void send_block(struct connection *connection, const char *topic, uint64_t file,
                       size_t number, size_t size)
{
    const struct responder *responder = connection->responder;
    uint8_t message[REPLY_MAX];
    struct cbor_writer w;
    const size_t at = number * size;
    const size_t left = at < responder->image_size ? responder->image_size - at : 0;
    cbor_writer_init(&w, message, sizeof message);
    cbor_write_map(&w, 5);
    cbor_write_text(&w, "c");
    cbor_write_text(&w, "rdy");
    cbor_write_text(&w, "f");
    cbor_write_uint(&w, file);
    cbor_write_text(&w, "i");
    cbor_write_uint(&w, number);
    cbor_write_text(&w, "l");
    cbor_write_uint(&w, left < size ? left : size);
    cbor_write_text(&w, "p");
    cbor_write_bytes(&w, responder->image + at, left < size ? left : size);
    if (left > 0 && cbor_written(&w) > 0)
        say(connection, topic, message, (size_t)cbor_written(&w));
}

/* `topic` ends with get/cbor; the blocks go to data/cbor beside it. */
static void on_blocks_asked(struct connection *connection, const char *topic,
                            const struct mqtt_bytes *payload)
{
    char to[256];
    struct cbor_reader r;
    struct cbor_container map;
    struct cbor_bytes bitmap = {NULL, 0};
    uint64_t file = 0, size = 0, offset = 0;
    cbor_reader_init(&r, payload->data, payload->length);
    cbor_read_map(&r, &map);
    while (cbor_next(&r, &map)) {
        const struct cbor_text key = cbor_read_key(&r);
        if (cbor_text_is(key, "f"))
            file = cbor_read_uint(&r, UINT8_MAX);
        else if (cbor_text_is(key, "l"))
            size = cbor_read_uint(&r, REPLY_MAX);
        else if (cbor_text_is(key, "o"))
            offset = cbor_read_uint(&r, UINT16_MAX);
        else if (cbor_text_is(key, "b"))
            bitmap = cbor_read_bytes(&r);
        else
            cbor_skip(&r);
    }
    snprintf(to, sizeof to, "%.*sdata/cbor", (int)(strlen(topic) - strlen("get/cbor")), topic);
    for (size_t i = 0; i < bitmap.length * 8 && bitmap.length < BITMAP_MAX; i++)
        if (bitmap.data[i / 8] & 1u << i % 8)
            send_block(connection, to, file, offset + i, size);
}

/* ---- packets -------------------------------------------------------------------------------- */

static void send_packet(struct connection *connection, const uint8_t *packet, int length)
{
    if (length > 0)
        bufferevent_write(connection->link, packet, (size_t)length);
}

static void on_connect(struct connection *connection, const uint8_t *body, size_t length)
{
    uint8_t packet[8];
    struct mqtt_connect connect;
    if (mqtt_decode_connect(body, length, &connect) != OTTER_OK)
        return;
    snprintf(connection->thing, sizeof connection->thing, "%.*s", (int)connect.client_id.length,
             connect.client_id.data);
    const char *digits = connection->thing + strlen(connection->thing);
    while (digits > connection->thing && isdigit((unsigned char)digits[-1]))
        digits--;
    connection->job = &connection->responder->jobs[strtoul(digits, NULL, 10) % DEVICES_MAX];
    send_packet(connection, packet,
                mqtt_encode_connack(packet, sizeof packet, &(struct mqtt_connack){0}));
}

static void on_subscribe(struct connection *connection, const uint8_t *body, size_t length)
{
    uint8_t packet[64], codes[32] = {0};
    struct mqtt_filter_list list;
    if (mqtt_decode_filters(MQTT_PACKET_SUBSCRIBE, body, length, &list) != OTTER_OK ||
        list.count > sizeof codes)
        return;
    const struct mqtt_suback suback = {.packet_id = list.packet_id, .codes = {codes, list.count}};
    send_packet(connection, packet, mqtt_encode_suback(packet, sizeof packet, &suback));
}

static void on_publish(struct connection *connection, uint8_t flags, const uint8_t *body,
                       size_t length)
{
    uint8_t packet[8];
    char topic[200];
    struct mqtt_publish message;
    if (mqtt_decode_publish(flags, body, length, &message) != OTTER_OK || !connection->job)
        return;
    snprintf(topic, sizeof topic, "%.*s", (int)message.topic.length, message.topic.data);
    if (message.qos > 0)
        send_packet(connection, packet,
                    mqtt_encode_ack(packet, sizeof packet, MQTT_PACKET_PUBACK, message.packet_id));
    if (strstr(topic, "/streams/") && strstr(topic, "/get/cbor"))
        on_blocks_asked(connection, topic, &message.payload);
    else if (strstr(topic, "/jobs/"))
        on_job_request(connection, topic, &message.payload);
}

static void on_packet(struct connection *connection, const struct mqtt_header *header,
                      const uint8_t *body)
{
    const uint16_t id = header->body_length >= 2 ? (uint16_t)(body[0] << 8 | body[1]) : 0;
    uint8_t packet[8];
    if (header->type == MQTT_PACKET_CONNECT)
        on_connect(connection, body, header->body_length);
    else if (header->type == MQTT_PACKET_SUBSCRIBE)
        on_subscribe(connection, body, header->body_length);
    else if (header->type == MQTT_PACKET_UNSUBSCRIBE)
        send_packet(connection, packet,
                    mqtt_encode_ack(packet, sizeof packet, MQTT_PACKET_UNSUBACK, id));
    else if (header->type == MQTT_PACKET_PUBLISH)
        on_publish(connection, header->flags, body, header->body_length);
    else if (header->type == MQTT_PACKET_PINGREQ)
        send_packet(connection, packet,
                    mqtt_encode_empty(packet, sizeof packet, MQTT_PACKET_PINGRESP));
}

/* ---- connections ---------------------------------------------------------------------------- */

static void on_read(struct bufferevent *link, void *context)
{
    struct evbuffer *input = bufferevent_get_input(link);
    struct mqtt_header header;
    size_t length;
    while ((length = evbuffer_get_length(input)) > 0) {
        const uint8_t *bytes = evbuffer_pullup(input, -1);
        if (mqtt_decode_header(bytes, length, &header) != OTTER_OK ||
            length < header.size + header.body_length)
            return;
        on_packet(context, &header, bytes + header.size);
        evbuffer_drain(input, header.size + header.body_length);
    }
}

static void on_event(struct bufferevent *link, short what, void *context)
{
    struct connection *connection = context;
    if (what & BEV_EVENT_CONNECTED)
        return;
    bufferevent_free(link);
    *connection->last = connection->next;
    if (connection->next)
        connection->next->last = connection->last;
    free(connection);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *peer,
                      int length, void *context)
{
    struct responder *responder = context;
    struct connection *connection = calloc(1, sizeof *connection);
    (void)listener, (void)peer, (void)length;
    connection->responder = responder;
    connection->next = responder->connections;
    connection->last = &responder->connections;
    if (connection->next)
        connection->next->last = &connection->next;
    responder->connections = connection;
    connection->link =
        bufferevent_openssl_socket_new(responder->base, fd, SSL_new(responder->tls),
                                       BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
    bufferevent_openssl_set_allow_dirty_shutdown(connection->link, 1);
    bufferevent_setcb(connection->link, on_read, NULL, on_event, connection);
    bufferevent_enable(connection->link, EV_READ | EV_WRITE);
}

static void on_offer(struct bufferevent *input, void *context)
{
    struct responder *responder = context;
    char topic[128];
    evbuffer_drain(bufferevent_get_input(input), evbuffer_get_length(bufferevent_get_input(input)));
    responder->offered = true;
    for (struct connection *at = responder->connections; at; at = at->next) {
        snprintf(topic, sizeof topic, "$aws/things/%s/jobs/notify-next", at->thing);
        say(at, topic, "{\"timestamp\":1}", 15);
    }
}

/* ---- start ---------------------------------------------------------------------------------- */

static char *read_file(const char *path, size_t *length)
{
    FILE *file = fopen(path, "rb");
    char *bytes = malloc(1 << 20);
    *length = file ? fread(bytes, 1, 1 << 20, file) : 0;
    if (file)
        fclose(file);
    return bytes;
}

/* A certificate is asked for, and its key proven, as in the cloud; whose it is does not matter. */
static int take_any(X509_STORE_CTX *store, void *context)
{
    (void)store, (void)context;
    return 1;
}

static bool start_tls(struct responder *responder, char **argv)
{
    responder->tls = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_mode(responder->tls, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(responder->tls, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(responder->tls, SSL_OP_NO_TICKET);
    SSL_CTX_set_verify(responder->tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_cert_verify_callback(responder->tls, take_any, NULL);
    return SSL_CTX_use_certificate_file(responder->tls, argv[1], SSL_FILETYPE_PEM) == 1 &&
           SSL_CTX_use_PrivateKey_file(responder->tls, argv[2], SSL_FILETYPE_PEM) == 1;
}

static bool listen_somewhere(struct responder *responder)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    struct evconnlistener *listener =
        evconnlistener_new_bind(responder->base, on_accept, responder, LEV_OPT_CLOSE_ON_FREE, 4096,
                                (struct sockaddr *)&at, sizeof at);
    if (!listener ||
        getsockname(evconnlistener_get_fd(listener), (struct sockaddr *)&at, &size) != 0)
        return false;
    printf("%u\n", ntohs(at.sin_port));
    fflush(stdout);
    return true;
}

int main(int argc, char **argv)
{
    static struct responder responder;
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    signal(SIGPIPE, SIG_IGN);
    responder.base = event_base_new();
    if (argc != 6 || !start_tls(&responder, argv) || !listen_somewhere(&responder)) {
        fprintf(stderr, "usage: device_responder CERTIFICATE KEY IMAGE DOCUMENT JOB\n");
        return 2;
    }
    responder.image = read_file(argv[3], &responder.image_size);
    responder.document = read_file(argv[4], &responder.document_size);
    responder.job = argv[5];
    for (size_t i = 0; i < DEVICES_MAX; i++)
        responder.jobs[i].version = 1;
    struct bufferevent *input = bufferevent_socket_new(responder.base, 0, 0);
    bufferevent_setcb(input, on_offer, NULL, NULL, &responder);
    bufferevent_enable(input, EV_READ);
    event_base_dispatch(responder.base);
    return 0;
}
