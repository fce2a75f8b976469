/* Requests out, answers in; see http.h. */
#include "net/http.h"

#include <stdio.h>

#define READ_CHUNK     512u
#define READS_PER_TICK 16u
#define SEND_RETRY_MS  5u

/* `back`: to the owner. */
static void drop(struct http_client *http, otter_ms now, bool back)
{
    if (http->lent)
        http->line->close(http->line->ctx, now, back);
    http->lent = http->lent && !back;
    http->reused = http->more = false;
    http->state = HTTP_CLOSED;
}

static void fail(struct http_client *http, otter_ms now, otter_status status)
{
    drop(http, now, false);
    http->user->on_end(http->ctx, now, status);
}

static void open_line(struct http_client *http, otter_ms now)
{
    http->lent = true;
    http->state = HTTP_OPENING;
    const otter_status status =
        http->line->open(http->line->ctx, now, http->target.host, http->target.port);
    if (status != OTTER_OK)
        fail(http, now, status);
}

/* The request, from its first byte on. */
static void begin(struct http_client *http, otter_ms now)
{
    http->sent = 0;
    http->reader = (struct http_head_reader){0};
    http->silent_at = now + HTTP_SILENCE_MS;
    if (http->state == HTTP_OPEN)
        http->state = HTTP_SENDING;
    else
        open_line(http, now);
}

void http_ask(struct http_client *http, otter_ms now, const struct http_user *user, void *ctx,
              uint32_t body)
{
    http->user = user;
    http->ctx = ctx;
    http->body = body;
    begin(http, now);
}

bool http_idle(const struct http_client *http)
{
    return http->state == HTTP_CLOSED || http->state == HTTP_OPEN;
}

void http_close(struct http_client *http, otter_ms now)
{
    drop(http, now, true);
}

/* The connection has ended. A server may end one between two answers, and the next request be on
 * its way by then (RFC 9112 section 9.3.1): that one goes out again. */
static void on_lost(struct http_client *http, otter_ms now, otter_status status)
{
    const bool unanswered = http->state == HTTP_SENDING || http->state == HTTP_HEAD;
    if (http->state == HTTP_OPEN) {
        drop(http, now, false);
    } else if (http->reused && unanswered && http->reader.total == 0 && http->body == 0) {
        drop(http, now, false);
        begin(http, now);
    } else {
        fail(http, now, status);
    }
}

/* The next bytes of the request; 0: all are out. */
static size_t output(const struct http_client *http, const uint8_t **data)
{
    const uint32_t head = http->target.length;
    if (http->sent < head) {
        *data = (const uint8_t *)http->target.request + http->sent;
        return (size_t)head - http->sent;
    }
    if (http->sent - head == http->body)
        return 0;
    return http->user->give(http->ctx, http->sent - head, data);
}

static int send_some(struct http_client *http, otter_ms now)
{
    const uint8_t *data;
    size_t length;
    while ((length = output(http, &data)) > 0) {
        const int count = http->line->write(http->line->ctx, data, length);
        if (count <= 0)
            return count;
        http->sent += (uint32_t)count;
        http->silent_at = now + HTTP_SILENCE_MS;
    }
    http->state = HTTP_HEAD;
    return 0;
}

static void end(struct http_client *http, otter_ms now)
{
    http->reused = true;
    http->state = HTTP_OPEN;
    if (http->reader.head.ends)
        drop(http, now, false);
    http->user->on_end(http->ctx, now, OTTER_OK);
}

static void take_head(struct http_client *http, otter_ms now, const uint8_t *data, size_t length,
                      size_t *taken)
{
    const otter_status status = http_head_read(&http->reader, data, length, taken);
    if (status == OTTER_E_AGAIN)
        return;
    if (status != OTTER_OK) {
        fail(http, now, status);
        return;
    }
    if (http->state == HTTP_SENDING) /* it waits for the rest of the request */
        http->reader.head.ends = true;
    http->left = http->reader.head.length;
    http->state = HTTP_BODY;
    if (!http->user->on_head(http->ctx, now, &http->reader.head)) {
        if (http->state == HTTP_BODY)
            drop(http, now, false);
    } else if (http->left == 0) {
        end(http, now);
    }
}

static void take(struct http_client *http, otter_ms now, const uint8_t *data, size_t length)
{
    size_t at = 0;
    if (http->state == HTTP_SENDING || http->state == HTTP_HEAD)
        take_head(http, now, data, length, &at);
    if (http->state != HTTP_BODY || at == length)
        return;
    const size_t part = length - at < http->left ? length - at : http->left;
    http->left -= (uint32_t)part;
    http->user->on_body(http->ctx, now, data + at, part);
    if (http->state == HTTP_BODY && http->left == 0)
        end(http, now);
}

/* While nothing is asked for, too: so the end of the connection is seen. */
static void receive(struct http_client *http, otter_ms now)
{
    uint8_t chunk[READ_CHUNK];
    for (unsigned i = 0; i < READS_PER_TICK && http->state >= HTTP_OPEN; i++) {
        const int count = http->line->read(http->line->ctx, chunk, sizeof chunk);
        http->more = count > 0;
        if (count < 0)
            on_lost(http, now, (otter_status)count);
        if (count <= 0)
            return;
        http->silent_at = now + HTTP_SILENCE_MS;
        take(http, now, chunk, (size_t)count);
    }
}

void http_tick(struct http_client *http, otter_ms now)
{
    if (http->state == HTTP_OPENING) {
        const otter_status status = http->line->step(http->line->ctx, now);
        if (status == OTTER_OK) {
            http->state = HTTP_SENDING;
        } else if (status != OTTER_E_AGAIN) {
            fail(http, now, status);
        }
    }
    if (http->state == HTTP_SENDING) {
        const int status = send_some(http, now);
        if (status < 0)
            on_lost(http, now, (otter_status)status);
    }
    if (http->state >= HTTP_OPEN)
        receive(http, now);
    if (!http_idle(http) && now >= http->silent_at)
        fail(http, now, OTTER_E_TIMEOUT);
}

void http_explain(const struct http_client *http, unsigned status, const char *what, char *text,
                  size_t size)
{
    char code[20] = "";
    if (status > 0)
        snprintf(code, sizeof code, "HTTP %u, ", status);
    snprintf(text, size, "%.60s: %s%s", http->target.host, code, what);
}

otter_ms http_deadline(const struct http_client *http, otter_ms now)
{
    if (http->state == HTTP_SENDING)
        return now + SEND_RETRY_MS;
    if (http->more && http->state >= HTTP_OPEN)
        return now;
    return http_idle(http) ? OTTER_NEVER : http->silent_at;
}
