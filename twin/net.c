/* libslirp in a twin's loop; see net.h. */
#include "twin/net.h"

#include <slirp/libslirp.h>
#include <stdlib.h>

#include "twin/private.h"

struct net {
    struct twin *twin;
    Slirp *slirp;
    struct poller poller;
    void (*receive)(void *ctx, const uint8_t *frame, uint32_t length);
    void *ctx;
    bool plugged;
    struct pollfd *polls; /* of the present poll */
    nfds_t count, max;
};

/* ---- what libslirp asks of its host ---- */

static ssize_t on_frame(const void *frame, size_t length, void *opaque)
{
    struct net *net = opaque;
    if (net->plugged && length <= NET_FRAME_MAX)
        net->receive(net->ctx, frame, (uint32_t)length);
    return (ssize_t)length;
}

static void on_guest_error(const char *message, void *opaque)
{
    (void)message; /* of frames that make no sense: dropped, as a network does */
    (void)opaque;
}

static int64_t now_ns(void *opaque)
{
    const struct net *net = opaque;
    return (int64_t)twin_now(net->twin);
}

/* Its one timer is for IPv6's router advertisements, which are off. */
static void *timer_new(SlirpTimerCb run, void *run_ctx, void *opaque)
{
    (void)run;
    (void)run_ctx;
    return opaque;
}

static void timer_free(void *timer, void *opaque)
{
    (void)timer;
    (void)opaque;
}

static void timer_mod(void *timer, int64_t expires, void *opaque)
{
    (void)timer;
    (void)expires;
    (void)opaque;
}

static void ignore_fd(int fd, void *opaque)
{
    (void)fd;
    (void)opaque;
}

static void ignore(void *opaque)
{
    (void)opaque;
}

static const SlirpCb callbacks = {.send_packet = on_frame,
                                  .guest_error = on_guest_error,
                                  .clock_get_ns = now_ns,
                                  .timer_new = timer_new,
                                  .timer_free = timer_free,
                                  .timer_mod = timer_mod,
                                  .register_poll_fd = ignore_fd,
                                  .unregister_poll_fd = ignore_fd,
                                  .notify = ignore};

/* ---- the loop's poll ---- */

static int add_poll(int fd, int events, void *opaque)
{
    struct net *net = opaque;
    if (net->count == net->max)
        return -1;
    short wanted = 0;
    if (events & SLIRP_POLL_IN)
        wanted |= POLLIN;
    if (events & SLIRP_POLL_OUT)
        wanted |= POLLOUT;
    if (events & SLIRP_POLL_PRI)
        wanted |= POLLPRI;
    net->polls[net->count] = (struct pollfd){fd, wanted, 0};
    return (int)net->count++;
}

static int events_of(int index, void *opaque)
{
    const struct net *net = opaque;
    if (index < 0 || (nfds_t)index >= net->count)
        return 0;
    const short got = net->polls[index].revents;
    return (got & POLLIN ? SLIRP_POLL_IN : 0) | (got & POLLOUT ? SLIRP_POLL_OUT : 0) |
           (got & POLLPRI ? SLIRP_POLL_PRI : 0) | (got & POLLERR ? SLIRP_POLL_ERR : 0) |
           (got & POLLHUP ? SLIRP_POLL_HUP : 0);
}

static nfds_t fill(void *ctx, struct pollfd *polls, nfds_t max, int *wait_ms)
{
    struct net *net = ctx;
    uint32_t wait = *wait_ms < 0 ? UINT32_MAX : (uint32_t)*wait_ms;
    net->polls = polls;
    net->count = 0;
    net->max = max;
    slirp_pollfds_fill(net->slirp, &wait, add_poll, net);
    if (*wait_ms < 0 || wait < (uint32_t)*wait_ms)
        *wait_ms = (int)wait;
    return net->count;
}

static void done(void *ctx, const struct pollfd *polls, nfds_t count)
{
    struct net *net = ctx;
    (void)polls;
    (void)count;
    slirp_pollfds_poll(net->slirp, 0, events_of, net);
}

/* ---- what a board uses ---- */

static struct in_addr address(uint32_t host_order)
{
    return (struct in_addr){.s_addr = htonl(host_order)};
}

struct net *net_new(struct twin *twin,
                    void (*receive)(void *ctx, const uint8_t *frame, uint32_t length), void *ctx)
{
    struct net *net = calloc(1, sizeof *net);
    if (!net)
        return NULL;
    const SlirpConfig config = {.version = 1,
                                .in_enabled = true,
                                .vnetwork = address(0x0a000200u),
                                .vnetmask = address(0xffffff00u),
                                .vhost = address(0x0a000202u),
                                .vdhcp_start = address(0x0a00020fu),
                                .vnameserver = address(0x0a000203u)};
    net->twin = twin;
    net->receive = receive;
    net->ctx = ctx;
    net->plugged = true;
    net->slirp = slirp_new(&config, &callbacks, net);
    if (!net->slirp) {
        free(net);
        return NULL;
    }
    net->poller = (struct poller){.fill = fill, .done = done, .ctx = net};
    host_add_poller(twin, &net->poller);
    return net;
}

void net_free(struct net *net)
{
    if (!net)
        return;
    host_remove_poller(net->twin, &net->poller);
    slirp_cleanup(net->slirp);
    free(net);
}

void net_send(struct net *net, const uint8_t *frame, uint32_t length)
{
    if (net->plugged)
        slirp_input(net->slirp, frame, (int)length);
}

void net_plug(struct net *net, bool plugged)
{
    net->plugged = plugged;
}

bool net_is_plugged(const struct net *net)
{
    return net->plugged;
}
