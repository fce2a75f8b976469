/* Connections of strangers; see guests.h. */
#define _GNU_SOURCE /* memmem */
#include "cloud/api/guests.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

#include "cloud/api/head.h"
#include "cloud/loop/door.h"
#include "cloud/loop/log_limit.h"

#define HEAD_MAX    65536u
#define KEY_ID_MAX  128
#define MARKS_MAX   4      /* of "Credential=" in a head that are looked at */
#define UNKNOWN_MAX 65536u /* of a body without our key id */
#define PACE        1024   /* bytes a second that a body must keep, on average */
#define SWEEP_MS    250
#define READ_MAX    262144u /* of a body in one turn of the loop */
#define SILENT_S    1       /* for a newcomer who says nothing, while others wait at the door */
#define LINGER_S    5       /* for the client to read why it was refused */

enum state {
    HEAD,    /* of the next request */
    BODY,    /* `left` bytes of it are still to come */
    OPEN,    /* our key id, and a body of unknown length: nothing more is counted */
    REFUSED, /* what comes is thrown away */
};

struct guest {
    struct guest *next;
    struct guests *guests;
    struct bufferevent *connection; /* a reference: it is there until the sweep has seen its end */
    enum state state;
    time_t came;
    bool spoke;
    bool reads; /* more_body is at work */
    char *head;
    size_t head_size;
    uint64_t left, taken; /* of the body */
    time_t since;         /* the first byte of the request, or the refusal; 0: none */
};

struct guests {
    struct guests_config config;
    struct guest *first;
    struct event *sweep;
    struct log_limit limit;
    struct door *door; /* NULL: everybody is let in */
    unsigned count, max;
};

static time_t monotonic(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

/* ---- the head ---- */

/* Behind the empty line, 0 when it has not come. */
static size_t end_of_head(const char *head, size_t size)
{
    const char *at = memmem(head, size, "\r\n\r\n", 4);
    const char *bare = memmem(head, size, "\n\n", 2);
    if (bare && (!at || bare < at))
        return (size_t)(bare - head) + 2;
    return at ? (size_t)(at - head) + 4 : 0;
}

/* "Credential=ID/..." in a header, "X-Amz-Credential=ID%2F..." in the query. */
static bool names_key(const char *head, const struct guests_config *config)
{
    static const char mark[] = "Credential=";
    char id[KEY_ID_MAX + 1];
    int marks = 0;
    for (const char *at = head; (at = strstr(at, mark)) && marks < MARKS_MAX; at++, marks++) {
        size_t length = strcspn(at + sizeof mark - 1, "/% \r\n");
        snprintf(id, sizeof id, "%.*s", (int)(length < KEY_ID_MAX ? length : KEY_ID_MAX),
                 at + sizeof mark - 1);
        if (length <= KEY_ID_MAX && config->knows(config->context, id))
            return true;
    }
    return false;
}

/* The value of a header; NULL when it is not there. */
static const char *value_of(const char *head, const char *name)
{
    size_t length = strlen(name);
    for (const char *line = strchr(head, '\n'); line; line = strchr(line, '\n')) {
        line++;
        if (strncasecmp(line, name, length) == 0 && line[length] == ':')
            return line + length + 1 + strspn(line + length + 1, " \t");
    }
    return NULL;
}

/* ---- refusing ---- */

struct refusal {
    const char *status, *code, *message;
};

static const struct refusal unknown_key = {
    "403 Forbidden", "InvalidAccessKeyId",
    "The AWS Access Key Id you provided does not exist in our records."};
static const struct refusal too_large = {
    "400 Bad Request", "EntityTooLarge",
    "The body is larger than this cloud takes in one request: send it in parts of up to 64 MiB."};

/* S3 answers in XML, the others in JSON; the credential's scope tells. */
static int write_refusal(const struct guest *guest, const struct refusal *refusal, char *body,
                         size_t size)
{
    bool s3 =
        strstr(guest->head, "/s3/aws4_request") || strstr(guest->head, "%2Fs3%2Faws4_request");
    return snprintf(body, size,
                    s3 ? "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                         "<Error><Code>%s</Code><Message>%s</Message></Error>"
                       : "{\"__type\":\"%s\",\"message\":\"%s\"}",
                    refusal->code, refusal->message);
}

static void refuse(struct guest *guest, const struct refusal *refusal)
{
    char body[384], reply[768];
    int size = write_refusal(guest, refusal, body, sizeof body);
    int length =
        snprintf(reply, sizeof reply,
                 "HTTP/1.1 %s\r\nContent-Type: application/%s\r\n"
                 "x-amzn-ErrorType: %s\r\nConnection: close\r\n"
                 "Content-Length: %d\r\n\r\n%s",
                 refusal->status, *body == '<' ? "xml" : "json", refusal->code, size, body);
    guest->state = REFUSED;
    guest->since = monotonic();
    bufferevent_write(guest->connection, reply, (size_t)length);
    bufferevent_enable(guest->connection, EV_WRITE);
}

static bool is_known(const char *head, const struct guests_config *config)
{
    return config->admits ? config->admits(config->admits_context, head) : names_key(head, config);
}

static void check_head(struct guest *guest, size_t size)
{
    const char *fault = head_fault(guest->head, size);
    const char *length = value_of(guest->head, "Content-Length");
    bool known = is_known(guest->head, &guest->guests->config);
    bool endless = value_of(guest->head, "Transfer-Encoding") != NULL;
    guest->left = length ? strtoull(length, NULL, 10) : 0;
    guest->taken = 0;
    if (fault)
        refuse(guest, &(struct refusal){"400 Bad Request", "InvalidRequest", fault});
    else if (!known && (endless || guest->left > UNKNOWN_MAX))
        refuse(guest, &unknown_key);
    else if (guest->left > GUESTS_BODY_MAX)
        refuse(guest, &too_large);
    else
        guest->state = endless ? OPEN : BODY;
}

/* ---- what comes ---- */

/* Takes bytes at `at` of the buffer for the head; gives how many belong to it. */
static size_t take_head(struct guest *guest, struct evbuffer *input, size_t at, size_t size)
{
    struct evbuffer_ptr from;
    size_t before = guest->head_size;
    size_t room = HEAD_MAX - before, part = size < room ? size : room;
    if (!guest->since)
        guest->since = monotonic();
    guest->head = realloc(guest->head, before + part + 1);
    if (!guest->head)
        abort(); /* nothing sensible can follow on the host */
    evbuffer_ptr_set(input, &from, at, EVBUFFER_PTR_SET);
    evbuffer_copyout_from(input, &from, guest->head + before, part);
    guest->head_size += part;
    guest->head[guest->head_size] = '\0';
    size_t end = end_of_head(guest->head, guest->head_size);
    if (end) {
        check_head(guest, end);
        return end - before;
    }
    return size; /* a head without end is evhttp's to refuse */
}

static size_t take_body(struct guest *guest, size_t size)
{
    size_t part = guest->left < size ? (size_t)guest->left : size;
    guest->left -= part;
    guest->taken += part;
    if (guest->left == 0) {
        guest->state = HEAD;
        guest->head_size = 0;
        guest->since = 0;
    }
    return part;
}

/* libevent reads 4 KB a turn: a body of 100 KB would take 25 turns, and each of them waits for the
 * commits of others. So what has come of a body is read at once. */
static void more_body(struct guest *guest, struct evbuffer *input)
{
    evutil_socket_t fd = bufferevent_getfd(guest->connection);
    int got = 1;
    guest->reads = true;
    for (size_t read = 0; got > 0 && read < READ_MAX && guest->state == BODY; read += (size_t)got)
        got = evbuffer_read(input, fd, (int)(guest->left < READ_MAX ? guest->left : READ_MAX));
    guest->reads = false; /* an end or a failure is met again by the connection itself */
}

static void on_input(struct evbuffer *input, const struct evbuffer_cb_info *info, void *context)
{
    struct guest *guest = context;
    size_t left = info->n_added;
    guest->spoke = true;
    while (left > 0 && guest->state != OPEN && guest->state != REFUSED) {
        size_t at = evbuffer_get_length(input) - left;
        left -= guest->state == HEAD ? take_head(guest, input, at, left) : take_body(guest, left);
        if (guest->state == BODY && guest->left == 0)
            take_body(guest, 0);
    }
    if (guest->state == REFUSED)
        evbuffer_drain(input, evbuffer_get_length(input));
    else if (guest->state == BODY && info->n_added > 0 && !guest->reads &&
             !guest->guests->config.tls)
        more_body(guest, input);
}

/* ---- the sweep ---- */

/* evhttp lets go of a connection by taking its callbacks away. */
static bool is_gone(const struct guest *guest)
{
    bufferevent_data_cb readable, written;
    bufferevent_event_cb event;
    void *context;
    bufferevent_getcb(guest->connection, &readable, &written, &event, &context);
    return !readable && !written && !event;
}

static bool drips(const struct guest *guest, time_t now)
{
    int64_t time = guest->since ? (int64_t)(now - guest->since) : 0;
    if (time <= (int64_t)guest->guests->config.patience_s)
        return false;
    return guest->state == HEAD || (guest->state == BODY && guest->taken < (uint64_t)time * PACE);
}

static bool is_full(const struct guests *guests)
{
    return guests->door && guests->count >= guests->max;
}

static void look_after(struct guest *guest, time_t now)
{
    evutil_socket_t fd = bufferevent_getfd(guest->connection);
    bool written = evbuffer_get_length(bufferevent_get_output(guest->connection)) == 0;
    if (guest->state == REFUSED && now - guest->since > LINGER_S) {
        shutdown(fd, SHUT_RDWR);
    } else if (guest->state == REFUSED && written) {
        shutdown(fd, SHUT_WR);
    } else if (!guest->spoke && now - guest->came > SILENT_S && is_full(guest->guests)) {
        shutdown(fd, SHUT_RDWR);
    } else if (drips(guest, now)) {
        log_limited(&guest->guests->limit, "api", "a request that came too slowly was ended");
        shutdown(fd, SHUT_RDWR);
    }
}

static void guest_free(struct guest *guest)
{
    guest->guests->count--;
    bufferevent_decref(guest->connection);
    free(guest->head);
    free(guest);
}

static void on_sweep(evutil_socket_t fd, short what, void *context)
{
    struct guests *guests = context;
    time_t now = monotonic();
    (void)fd, (void)what;
    for (struct guest **link = &guests->first; *link;) {
        struct guest *guest = *link;
        if (is_gone(guest)) {
            *link = guest->next;
            guest_free(guest);
            continue;
        }
        look_after(guest, now);
        link = &guest->next;
    }
    if (guests->door)
        door_shut(guests->door, is_full(guests));
}

/* ---- connections ---- */

static struct bufferevent *new_connection(struct event_base *base, const struct guests *guests)
{
    if (!guests->config.tls)
        return bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    SSL *ssl = SSL_new(guests->config.tls);
    if (!ssl)
        return NULL;
    struct bufferevent *connection = bufferevent_openssl_socket_new(
        base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
    if (!connection)
        SSL_free(ssl);
    else
        bufferevent_openssl_set_allow_dirty_shutdown(connection, 1);
    return connection;
}

struct bufferevent *guests_connection(struct event_base *base, void *context)
{
    struct guests *guests = context;
    struct bufferevent *connection = new_connection(base, guests);
    struct guest *guest = connection ? calloc(1, sizeof *guest) : NULL;
    if (!guest)
        return connection;
    bufferevent_incref(connection);
    guest->guests = guests;
    guest->connection = connection;
    guest->came = monotonic();
    guest->next = guests->first;
    guests->first = guest;
    guests->count++;
    if (is_full(guests))
        door_shut(guests->door, true);
    evbuffer_add_cb(bufferevent_get_input(connection), on_input, guest);
    return connection;
}

/* ---- start and stop ---- */

struct guests *guests_new(struct event_base *base, const struct guests_config *config)
{
    struct guests *guests = calloc(1, sizeof *guests);
    struct timeval period = {0, SWEEP_MS * 1000L};
    if (!guests)
        return NULL;
    guests->config = *config;
    if (config->tls)
        SSL_CTX_up_ref(config->tls);
    guests->sweep = event_new(base, -1, EV_PERSIST, on_sweep, guests);
    if (guests->sweep && event_add(guests->sweep, &period) == 0)
        return guests;
    guests_free(guests);
    return NULL;
}

void guests_watch_door(struct guests *guests, struct door *door, unsigned max)
{
    guests->door = door;
    guests->max = max;
}

void guests_free(struct guests *guests)
{
    if (!guests)
        return;
    while (guests->first) {
        struct guest *guest = guests->first;
        guests->first = guest->next;
        guest_free(guest);
    }
    if (guests->sweep)
        event_free(guests->sweep);
    SSL_CTX_free(guests->config.tls);
    free(guests);
}
