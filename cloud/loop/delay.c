/* The relay: a queue of pieces for each direction, each with the time at which it may go on. */
#include "cloud/loop/delay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cloud/loop/door.h"

#define HELD_MAX ((size_t)64 << 20) /* under way in one direction; far above any real window */
#define TICK_MS  50u                /* a limited rate is kept over each of these */

/* Bytes that arrived together; length 0 is the end of the stream. */
struct piece {
    struct piece *next;
    int64_t due_us;
    size_t length;
};

struct direction {
    struct pair *pair;
    struct bufferevent *from, *to;
    struct evbuffer *held;
    struct piece *first, **last;
    struct event *timer;
};

struct pair {
    struct pair *next, **link;
    struct delay *delay;
    struct direction ways[2];
    bool ending;
};

struct delay {
    struct event_base *base;
    struct evconnlistener *listener;
    struct door *door;
    struct delay_config config;
    struct ev_token_bucket_cfg *rate; /* NULL: no limit */
    struct pair *pairs;
};

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void free_way(struct direction *way)
{
    while (way->first) {
        struct piece *piece = way->first;
        way->first = piece->next;
        free(piece);
    }
    if (way->timer)
        event_free(way->timer);
    if (way->held)
        evbuffer_free(way->held);
    if (way->from)
        bufferevent_free(way->from);
}

static void free_pair(struct pair *pair)
{
    *pair->link = pair->next;
    if (pair->next)
        pair->next->link = pair->link;
    free_way(&pair->ways[0]);
    free_way(&pair->ways[1]);
    free(pair);
}

static void arm(struct direction *way)
{
    int64_t left = way->first ? way->first->due_us - now_us() : 0;
    struct timeval delay = {0, 0};
    if (!way->first)
        return;
    if (left > 0)
        delay = (struct timeval){left / 1000000, left % 1000000};
    event_add(way->timer, &delay);
}

static bool hold(struct direction *way, size_t length)
{
    struct piece *piece = malloc(sizeof *piece);
    if (!piece)
        return false;
    *piece = (struct piece){NULL, now_us() + way->pair->delay->config.each_way_us, length};
    bool was_empty = !way->first;
    *way->last = piece;
    way->last = &piece->next;
    if (was_empty)
        arm(way);
    return true;
}

static void on_readable(struct bufferevent *bev, void *context)
{
    struct direction *way = context;
    struct evbuffer *input = bufferevent_get_input(bev);
    size_t length = evbuffer_get_length(input);
    if (length == 0 || way->pair->ending || !hold(way, length))
        return;
    evbuffer_add_buffer(way->held, input);
    if (evbuffer_get_length(way->held) > HELD_MAX)
        bufferevent_disable(bev, EV_READ);
}

/* The other side has all that came before the end. */
static void on_last_sent(struct bufferevent *bev, void *context)
{
    struct direction *way = context; /* the one that writes to bev runs the other way */
    if (way->pair->ending && evbuffer_get_length(bufferevent_get_output(bev)) == 0)
        free_pair(way->pair);
}

static void on_event(struct bufferevent *bev, short what, void *context)
{
    struct direction *way = context;
    (void)bev;
    if (!(what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)))
        return;
    if (way->pair->ending)
        free_pair(way->pair);
    else
        hold(way, 0);
}

/* Passes on what has waited long enough. Freed is the whole pair at the end of either stream. */
static void on_due(evutil_socket_t fd, short what, void *context)
{
    struct direction *way = context;
    int64_t now = now_us();
    (void)fd, (void)what;
    while (way->first && way->first->due_us <= now) {
        struct piece *piece = way->first;
        size_t length = piece->length;
        way->first = piece->next;
        if (!way->first)
            way->last = &way->first;
        free(piece);
        if (length == 0) {
            way->pair->ending = true;
            if (evbuffer_get_length(bufferevent_get_output(way->to)) == 0)
                free_pair(way->pair);
            return;
        }
        evbuffer_remove_buffer(way->held, bufferevent_get_output(way->to), length);
    }
    if (evbuffer_get_length(way->held) <= HELD_MAX && !way->pair->ending)
        bufferevent_enable(way->from, EV_READ);
    arm(way);
}

static bool open_way(struct pair *pair, struct direction *way, struct bufferevent *from,
                     struct bufferevent *to)
{
    way->pair = pair;
    way->from = from;
    way->to = to;
    way->last = &way->first;
    way->held = evbuffer_new();
    way->timer = evtimer_new(pair->delay->base, on_due, way);
    if (!from || !to || !way->held || !way->timer)
        return false;
    bufferevent_setcb(from, on_readable, on_last_sent, on_event, way);
    bufferevent_enable(from, EV_READ | EV_WRITE);
    return true;
}

static void set_no_delay(evutil_socket_t fd)
{
    int on = 1;
    if (fd >= 0)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *peer,
                      int length, void *context)
{
    struct delay *delay = context;
    struct pair *pair = calloc(1, sizeof *pair);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(delay->config.to_port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    (void)listener, (void)peer, (void)length;
    if (!pair) {
        evutil_closesocket(fd);
        return;
    }
    pair->delay = delay;
    pair->next = delay->pairs;
    pair->link = &delay->pairs;
    if (pair->next)
        pair->next->link = &pair->next;
    delay->pairs = pair;
    set_no_delay(fd);
    struct bufferevent *near = bufferevent_socket_new(delay->base, fd, BEV_OPT_CLOSE_ON_FREE);
    struct bufferevent *far = bufferevent_socket_new(delay->base, -1, BEV_OPT_CLOSE_ON_FREE);
    bool opened = open_way(pair, &pair->ways[0], near, far);
    if (!open_way(pair, &pair->ways[1], far, near) || !opened ||
        bufferevent_set_rate_limit(near, delay->rate) != 0)
        free_pair(pair);
    else if (bufferevent_socket_connect(far, (struct sockaddr *)&to, sizeof to) == 0)
        set_no_delay(bufferevent_getfd(far));
}

/* Towards the device: that side's writing. */
static struct ev_token_bucket_cfg *limit(unsigned bytes_per_second)
{
    const struct timeval tick = {0, TICK_MS * 1000L};
    const unsigned each_tick = bytes_per_second / (1000 / TICK_MS) + 1;
    return ev_token_bucket_cfg_new(EV_RATE_LIMIT_MAX, EV_RATE_LIMIT_MAX, each_tick, each_tick,
                                   &tick);
}

static void free_delay(struct delay *delay)
{
    door_free(delay->door);
    if (delay->listener)
        evconnlistener_free(delay->listener);
    if (delay->rate)
        ev_token_bucket_cfg_free(delay->rate);
    free(delay);
}

struct delay *delay_start(struct event_base *base, const struct delay_config *config)
{
    struct delay *delay = calloc(1, sizeof *delay);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(config->port)};
    if (!delay || inet_pton(AF_INET, config->address, &address.sin_addr) != 1) {
        free(delay);
        errno = EADDRNOTAVAIL;
        return NULL;
    }
    delay->base = base;
    delay->config = *config;
    if (config->bytes_per_second > 0)
        delay->rate = limit(config->bytes_per_second);
    delay->listener = evconnlistener_new_bind(
        base, on_accept, delay, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE | LEV_OPT_CLOSE_ON_EXEC,
        -1, (struct sockaddr *)&address, sizeof address);
    if (delay->listener)
        delay->door = door_new(base, delay->listener, "gateway");
    if (delay->door && (delay->rate || config->bytes_per_second == 0))
        return delay;
    free_delay(delay);
    return NULL;
}

uint16_t delay_port(const struct delay *delay)
{
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    getsockname(evconnlistener_get_fd(delay->listener), (struct sockaddr *)&address, &length);
    return ntohs(address.sin_port);
}

void delay_stop(struct delay *delay)
{
    if (!delay)
        return;
    while (delay->pairs)
        free_pair(delay->pairs);
    free_delay(delay);
}
