/* Stands between other people's MQTT clients and another people's broker, decodes each packet and
 * sends on what encoding makes of it. It ends with 1 when a packet is refused, or encodes to other
 * bytes than it had; when killed by SIGTERM it says what went through.
 *
 * usage: mqtt_rewriter BROKER_PORT PORT_FILE */
#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/any_packet.h"

#define PAIRS       16
#define BUFFER_SIZE 300000

struct side {
    int fd;
    size_t length;
    uint8_t data[BUFFER_SIZE];
};

static struct pair {
    struct side sides[2]; /* the client's, the broker's; fd 0: free */
    const struct mqtt_version *version;
} pairs[PAIRS];

static unsigned long passed[6][16]; /* by level and type */
static volatile sig_atomic_t ended;

static void on_term(int number)
{
    (void)number;
    ended = 1;
}

static void send_all(int fd, const uint8_t *data, size_t length)
{
    while (length > 0) {
        const ssize_t sent = send(fd, data, length, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        data += sent;
        length -= (size_t)sent;
    }
}

static void refuse(const struct mqtt_header *header, const char *what, const uint8_t *packet)
{
    fprintf(stderr, "%s %s:", mqtt_packet_name(header->type), what);
    for (size_t i = 0; i < header->size + header->body_length && i < 64; i++)
        fprintf(stderr, " %02x", packet[i]);
    fprintf(stderr, "\n");
    exit(1);
}

static void pass(struct pair *pair, int to, const struct mqtt_header *header, const uint8_t *data)
{
    static uint8_t out[BUFFER_SIZE];
    const uint8_t *body = data + header->size;
    const size_t whole = header->size + header->body_length;
    union any_packet packet;
    if (header->type == MQTT_PACKET_CONNECT)
        pair->version = mqtt_version_of(body, header->body_length);
    if (!pair->version || any_decode(pair->version, header, body, &packet) != OTTER_OK)
        refuse(header, "is not understood", data);
    const int length = any_encode(pair->version, header, out, sizeof out, &packet);
    if (length != (int)whole || memcmp(out, data, whole) != 0)
        refuse(header, "is written in other bytes", data);
    passed[pair->version->level][header->type]++;
    send_all(pair->sides[to].fd, out, whole);
}

static bool take(struct pair *pair, int from)
{
    struct side *side = &pair->sides[from];
    const ssize_t got = recv(side->fd, side->data + side->length, BUFFER_SIZE - side->length, 0);
    if (got <= 0)
        return false;
    side->length += (size_t)got;
    size_t used = 0;
    struct mqtt_header header;
    for (;;) {
        const struct mqtt_version *version = pair->version ? pair->version : &mqtt_5;
        const uint8_t *at = side->data + used;
        const otter_status status = version->decode_header(at, side->length - used, &header);
        if (status != OTTER_OK && status != OTTER_E_AGAIN)
            refuse(&header, "has a bad header", at);
        if (status != OTTER_OK || side->length - used < header.size + header.body_length)
            break;
        pass(pair, !from, &header, at);
        used += header.size + header.body_length;
    }
    memmove(side->data, side->data + used, side->length - used);
    side->length -= used;
    return true;
}

static int loopback(uint16_t port, bool listens)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (listens ? bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, PAIRS)
                : connect(fd, (struct sockaddr *)&address, sizeof address)) {
        perror("mqtt_rewriter");
        exit(2);
    }
    return fd;
}

static void open_pair(int listener, uint16_t broker)
{
    for (size_t i = 0; i < PAIRS; i++) {
        if (pairs[i].sides[0].fd)
            continue;
        pairs[i].version = NULL;
        pairs[i].sides[0].fd = accept(listener, NULL, NULL);
        pairs[i].sides[1].fd = loopback(broker, false);
        pairs[i].sides[0].length = pairs[i].sides[1].length = 0;
        return;
    }
}

static void close_pair(struct pair *pair)
{
    for (int i = 0; i < 2; i++) {
        close(pair->sides[i].fd);
        pair->sides[i].fd = 0;
    }
}

static void turn(int listener, uint16_t broker)
{
    struct pollfd polled[1 + 2 * PAIRS] = {{.fd = listener, .events = POLLIN}};
    for (size_t i = 0; i < 2 * PAIRS; i++) {
        const int fd = pairs[i / 2].sides[i % 2].fd;
        polled[1 + i] = (struct pollfd){.fd = fd ? fd : -1, .events = POLLIN};
    }
    if (poll(polled, 1 + 2 * PAIRS, -1) <= 0)
        return;
    for (size_t i = 0; i < 2 * PAIRS; i++) {
        struct pair *pair = &pairs[i / 2];
        if (polled[1 + i].revents && pair->sides[0].fd && !take(pair, (int)(i % 2)))
            close_pair(pair);
    }
    if (polled[0].revents)
        open_pair(listener, broker);
}

int main(int argc, char **argv)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    if (argc != 3)
        return 2;
    const uint16_t broker = (uint16_t)strtoul(argv[1], NULL, 10);
    const int listener = loopback(0, true);
    getsockname(listener, (struct sockaddr *)&address, &size);
    FILE *file = fopen(argv[2], "w");
    if (!file)
        return 2;
    fprintf(file, "%u\n", ntohs(address.sin_port));
    fclose(file);
    const struct sigaction action = {.sa_handler = on_term};
    sigaction(SIGTERM, &action, NULL);
    while (!ended)
        turn(listener, broker);
    for (unsigned level = 4; level <= 5; level++)
        for (unsigned type = 1; type < 16; type++)
            if (passed[level][type])
                printf("%u %s %lu\n", level, mqtt_packet_name(type), passed[level][type]);
    return 0;
}
