/* Reading, writing, and the list of those with something to do before the loop waits. */
#include "cloud/gateway/side.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cloud/gateway/records.h"
#include "cloud/store/db.h"

#define PIECE     65536u
#define RECORD    16384u           /* what TLS sends at once */
#define READ_MAX  PIECE            /* before others have their turn */
#define FLUSH_MAX ((size_t)131072) /* the same */
#define ROUND_US  4000

TAILQ_HEAD(side_queue, side);

struct sides {
    struct side_queue due;
    size_t due_count;
    struct event *round;
    uint8_t piece[PIECE + RECORDS_MAX]; /* on its way between a socket and a buffer */
};

struct side {
    struct sides *sides;
    TAILQ_ENTRY(side) as_due;
    const struct side_calls *calls;
    void *context;
    int fd;
    SSL *ssl; /* NULL: none, or `records` have taken its place */
    struct records *records;
    struct evbuffer *input, *output;
    struct evbuffer *sealed; /* with records: what TLS has made of the output */
    uint8_t *begun;          /* of a record, the first bytes; NULL: none */
    size_t begun_size;
    bool ended;                        /* the records have */
    struct event *readable, *writable; /* the second is made when it is needed first */
    size_t low;
    unsigned held; /* by so many commits */
    bool is_due, reads;
    bool has_more; /* TLS has read more than it was asked for */
    bool blocked;  /* TLS has to write before it can read on */
    bool wants_room;
    bool broken, told;
    bool gone; /* freed, but for what the commits still point to */
};

/* ---- the next round of the loop ------------------------------------------------------------- */

static void make_due(struct side *side)
{
    const struct timeval now = {0, 0};
    struct sides *sides = side->sides;
    if (side->is_due)
        return;
    if (sides->due_count++ == 0)
        event_add(sides->round, &now);
    TAILQ_INSERT_TAIL(&sides->due, side, as_due);
    side->is_due = true;
}

static void make_undue(struct side *side)
{
    struct sides *sides = side->sides;
    if (!side->is_due)
        return;
    TAILQ_REMOVE(&sides->due, side, as_due);
    side->is_due = false;
    if (--sides->due_count == 0)
        event_del(sides->round);
}

static void break_side(struct side *side)
{
    side->broken = true;
    side->reads = false;
    event_del(side->readable);
    if (side->writable)
        event_del(side->writable);
    make_due(side);
}

/* ---- reading -------------------------------------------------------------------------------- */

static void await_socket(struct side *side);

static ssize_t keep(struct side *side, const void *bytes, ssize_t size)
{
    return evbuffer_add(side->input, bytes, (size_t)size) == 0 ? size : -1;
}

static ssize_t take_tls(struct side *side)
{
    ERR_clear_error();
    const int got = SSL_read(side->ssl, side->sides->piece, PIECE);
    if (got > 0)
        return keep(side, side->sides->piece, got);
    const int error = SSL_get_error(side->ssl, got);
    ERR_clear_error();
    if (error == SSL_ERROR_WANT_WRITE) { /* it answers a KeyUpdate */
        side->blocked = true;
        event_del(side->readable);
        await_socket(side);
    }
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

static ssize_t take_plain(struct side *side, uint8_t *to)
{
    const ssize_t got = read(side->fd, to, PIECE);
    if (got > 0)
        return got;
    return got < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

static bool begin_record(struct side *side, const uint8_t *bytes, size_t size)
{
    free(side->begun);
    side->begun = size > 0 ? malloc(size) : NULL;
    side->begun_size = side->begun ? size : 0;
    if (side->begun)
        memcpy(side->begun, bytes, size);
    return side->begun_size == size;
}

/* Behind what there is of a record comes the rest, or some of it. */
static ssize_t take_records(struct side *side)
{
    uint8_t *piece = side->sides->piece;
    const size_t before = evbuffer_get_length(side->input), begun = side->begun_size;
    size_t used;
    const ssize_t got = side->ended ? -1 : take_plain(side, piece + begun);
    if (got <= 0)
        return got;
    if (begun > 0)
        memcpy(piece, side->begun, begun);
    side->ended = records_open(side->records, piece, begun + (size_t)got, &used, side->input,
                               side->sealed) != RECORDS_OPEN ||
                  !begin_record(side, piece + used, begun + (size_t)got - used);
    if (evbuffer_get_length(side->sealed) > 0)
        make_due(side);
    const size_t opened = evbuffer_get_length(side->input) - before;
    return opened == 0 && side->ended ? -1 : (ssize_t)opened;
}

/* Bytes, 0 when there are none now, or -1 at the end. */
static ssize_t take(struct side *side)
{
    if (side->ssl)
        return take_tls(side);
    if (side->records)
        return take_records(side);
    const ssize_t got = take_plain(side, side->sides->piece);
    return got > 0 ? keep(side, side->sides->piece, got) : got;
}

/* An end behind other bytes is found again when those have been told. */
static void read_some(struct side *side)
{
    size_t got = 0;
    ssize_t size = 1;
    bool more = true;
    while (got < READ_MAX && more && (size = take(side)) > 0) {
        got += (size_t)size;
        more = side->ssl ? SSL_has_pending(side->ssl) : size == PIECE;
    }
    side->has_more = got > 0 && (side->ended || (side->ssl && (size < 0 || (size > 0 && more))));
    if (side->has_more)
        make_due(side);
    if (got > 0)
        side->calls->input(side->context);
    else if (size < 0)
        break_side(side);
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    read_some(context);
}

void side_read(struct side *side, bool on)
{
    if (on == side->reads || side->broken)
        return;
    side->reads = on;
    if (!on)
        event_del(side->readable);
    else if (!side->blocked && event_add(side->readable, NULL) != 0)
        break_side(side);
    else if (side->has_more)
        make_due(side);
}

bool side_reads(const struct side *side)
{
    return side->reads;
}

/* ---- writing -------------------------------------------------------------------------------- */

/* The first bytes of the output, at most one record, in one piece. */
static const void *gather(struct side *side, size_t *length)
{
    struct evbuffer_iovec first;
    const size_t unsent = evbuffer_get_length(side->output);
    *length = unsent < RECORD ? unsent : RECORD;
    if (evbuffer_peek(side->output, (ssize_t)*length, NULL, &first, 1) == 1 &&
        first.iov_len >= *length)
        return first.iov_base;
    evbuffer_copyout(side->output, side->sides->piece, *length);
    return side->sides->piece;
}

/* Bytes, 0 when the socket takes none now, or -1: it is broken. What was tried once is tried again
 * with at least as many bytes, as OpenSSL demands. */
static ssize_t put_tls(struct side *side)
{
    size_t length;
    const void *bytes = gather(side, &length);
    ERR_clear_error();
    const int put = SSL_write(side->ssl, bytes, (int)length);
    if (put > 0) {
        evbuffer_drain(side->output, (size_t)put);
        return put;
    }
    const int error = SSL_get_error(side->ssl, put);
    ERR_clear_error();
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

static ssize_t put(struct side *side)
{
    if (side->ssl)
        return put_tls(side);
    if (side->records && evbuffer_get_length(side->sealed) == 0 &&
        !records_seal(side->records, side->output, FLUSH_MAX, side->sealed))
        return -1;
    const int size = evbuffer_write(side->records ? side->sealed : side->output, side->fd);
    return size < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : size;
}

static void on_writable(evutil_socket_t fd, short what, void *context);

static void await_socket(struct side *side)
{
    if (!side->writable)
        side->writable =
            event_new(event_get_base(side->readable), side->fd, EV_WRITE, on_writable, side);
    if (!side->writable || event_add(side->writable, NULL) != 0)
        break_side(side);
}

/* Several records of TLS leave as one. Plain bytes do so anyway. */
static void cork(const struct side *side, int on)
{
    setsockopt(side->fd, IPPROTO_TCP, TCP_CORK, &on, sizeof on);
}

bool side_flush(struct side *side)
{
    const bool in_records = side->ssl && evbuffer_get_length(side->output) > RECORD;
    size_t sent = 0;
    ssize_t size = 0;
    if (!side->has_more && !side->wants_room && !side->broken)
        make_undue(side);
    if (side->held || side->broken)
        return false;
    if (in_records)
        cork(side, 1);
    while (side_unsent(side) > 0 && sent < FLUSH_MAX && (size = put(side)) > 0)
        sent += (size_t)size;
    if (in_records)
        cork(side, 0);
    if (size < 0)
        break_side(side);
    else if (side_unsent(side) > 0)
        await_socket(side);
    return sent > 0;
}

static void tell_room(struct side *side)
{
    if (side->held || side->broken || side_unsent(side) > side->low)
        return;
    side->wants_room = false;
    side->calls->room(side->context);
}

static void on_writable(evutil_socket_t fd, short what, void *context)
{
    struct side *side = context;
    (void)fd, (void)what;
    side_flush(side);
    if (side->blocked && side->reads && !side->broken)
        event_add(side->readable, NULL);
    side->blocked = false;
    tell_room(side);
}

void side_await_room(struct side *side)
{
    side->wants_room = true;
    if (side_unsent(side) <= side->low)
        make_due(side);
}

void side_set_low(struct side *side, size_t low)
{
    side->low = low;
}

struct evbuffer *side_output(struct side *side)
{
    make_due(side);
    return side->output;
}

void side_write(struct side *side, const void *data, size_t length)
{
    evbuffer_add(side_output(side), data, length);
}

struct evbuffer *side_input(struct side *side)
{
    return side->input;
}

size_t side_unsent(const struct side *side)
{
    if (!side)
        return 0;
    return evbuffer_get_length(side->output) +
           (side->sealed ? evbuffer_get_length(side->sealed) : 0);
}

bool side_awake(const struct side *side)
{
    return side->records && records_awake(side->records);
}

void side_rest(struct side *side)
{
    if (side->records)
        records_rest(side->records);
}

/* ---- rounds --------------------------------------------------------------------------------- */

static void do_due(struct side *side)
{
    make_undue(side);
    if (side->has_more && side->reads)
        read_some(side);
    side_flush(side);
    if (side->wants_room)
        tell_room(side);
    if (side->broken && !side->told) {
        side->told = true;
        side->calls->end(side->context);
    }
}

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Those who become due meanwhile have to wait for the next one, and so have those whom a commit has
 * let go with too many others: the loop looks at everybody else first. */
static void on_round(evutil_socket_t fd, short what, void *context)
{
    const struct timeval now = {0, 0};
    const int64_t end = now_us() + ROUND_US;
    struct sides *sides = context;
    struct side *side;
    (void)fd, (void)what;
    for (size_t left = sides->due_count;
         left > 0 && now_us() < end && (side = TAILQ_FIRST(&sides->due)); left--)
        do_due(side);
    if (sides->due_count > 0)
        event_add(sides->round, &now);
}

struct sides *sides_new(struct event_base *base)
{
    struct sides *sides = malloc(sizeof *sides);
    if (!sides)
        return NULL;
    TAILQ_INIT(&sides->due);
    sides->due_count = 0;
    sides->round = evtimer_new(base, on_round, sides);
    if (sides->round)
        return sides;
    free(sides);
    return NULL;
}

void sides_free(struct sides *sides)
{
    if (!sides)
        return;
    event_free(sides->round);
    free(sides);
}

/* ---- commits -------------------------------------------------------------------------------- */

static void on_settled(void *context, otter_status status)
{
    struct side *side = context;
    side->held--;
    if (side->gone) {
        if (side->held == 0)
            free(side);
    } else if (status != OTTER_OK) {
        break_side(side); /* what lies there claims what is not so: it must not leave */
    } else if (side->held == 0) {
        side->wants_room = true;
        make_due(side);
    }
}

void side_hold(struct side *side, struct db *db)
{
    if (!db_dirty(db))
        return;
    side->held++;
    db_after_commit(db, on_settled, side);
}

/* ---- beginning and end ---------------------------------------------------------------------- */

static void free_parts(struct side *side)
{
    if (side->readable)
        event_free(side->readable);
    if (side->writable)
        event_free(side->writable);
    if (side->input)
        evbuffer_free(side->input);
    if (side->output)
        evbuffer_free(side->output);
    if (side->sealed)
        evbuffer_free(side->sealed);
    records_free(side->records);
    free(side->begun);
}

static bool make_parts(struct side *side, struct event_base *base)
{
    side->input = evbuffer_new();
    side->output = evbuffer_new();
    side->sealed = side->records ? evbuffer_new() : NULL;
    side->readable = event_new(base, side->fd, EV_READ | EV_PERSIST, on_readable, side);
    return side->input && side->output && side->readable && (side->sealed || !side->records);
}

static void take_over(struct side *side, SSL *ssl)
{
    if (side->records) {
        SSL_free(ssl);
        return;
    }
    side->ssl = ssl;
    SSL_set_read_ahead(ssl, 1); /* in a handshake it would take what is for the records */
    SSL_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    side->has_more = SSL_has_pending(ssl);
}

struct side *side_new(struct sides *sides, int fd, SSL *ssl, const struct side_calls *calls,
                      void *context)
{
    struct side *side = calloc(1, sizeof *side);
    if (!side)
        return NULL;
    side->sides = sides;
    side->fd = fd;
    side->calls = calls;
    side->context = context;
    side->records = ssl ? records_take(ssl) : NULL;
    if (!make_parts(side, event_get_base(sides->round))) {
        free_parts(side);
        free(side);
        return NULL;
    }
    if (ssl)
        take_over(side, ssl);
    return side;
}

/* Goodbye in TLS, without waiting for the other side's. */
static void say_goodbye(struct side *side)
{
    if (side->ssl) {
        SSL_set_shutdown(side->ssl, SSL_RECEIVED_SHUTDOWN);
        SSL_shutdown(side->ssl);
        ERR_clear_error();
    } else if (side->records) {
        records_close(side->records, side->sealed);
        evbuffer_write(side->sealed, side->fd);
    }
}

void side_free(struct side *side)
{
    if (!side)
        return;
    make_undue(side);
    say_goodbye(side);
    free_parts(side);
    SSL_free(side->ssl);
    close(side->fd);
    side->gone = true;
    if (side->held == 0)
        free(side);
}
