/* Ranges asked for, blocks out of them, and what to make of a server's answers. */
#include "services/ota/source_http.h"

#include <string.h>

#include "services/ota/agent.h"
#include "services/ota/job_document.h"

#define BLOCK_TIMEOUT_MS 30000u /* beyond all that is waited for here */
#define RANGE_MAX        131072u
#define RETRY_MS         1000u
#define RETRY_DOUBLINGS  6u
#define TRIES_APART      3u

enum kind { FOR_GOOD, ADDRESS, PASSING };

static struct ota_source_http *http_of(struct ota_source *source)
{
    return (struct ota_source_http *)source; /* its first member */
}

/* The session comes back, and with it the next address. The range is forgotten. */
static void give_back(struct ota_source_http *s, otter_ms now)
{
    s->at = s->end;
    s->under_way = false;
    if (!s->source.apart)
        return;
    http_close(s->http, now);
    s->source.apart = false;
    s->source.wants_document = true;
}

/* ---- What goes wrong ------------------------------------------------------------------------- */

static bool trouble(struct ota_source_http *s, otter_ms now, enum kind kind, unsigned status,
                    const char *what)
{
    char text[OTA_REASON_MAX + 1];
    const unsigned tries = s->tries++;
    const bool for_good =
        kind == FOR_GOOD || (kind == ADDRESS && s->fresh) || tries + 1u >= OTA_HTTP_TRIES;
    http_explain(s->http, status, what, text, sizeof text);
    s->under_way = false;
    if (kind == PASSING)
        s->retry_at = now + (tries < RETRY_DOUBLINGS ? RETRY_MS << tries : 60u * RETRY_MS);
    if (for_good || kind == ADDRESS || tries + 1u >= TRIES_APART)
        give_back(s, now);
    s->source.on_refusal(s->source.ctx, now, for_good, text);
    return false;
}

/* ---- The exchange ---------------------------------------------------------------------------- */

static const char *fault_of_range(const struct ota_source_http *s, const struct http_head *head)
{
    if (head->coded)
        return "in chunks, which are not taken";
    if (!head->has_range || head->range[0] != s->at || head->range[1] != s->end - 1u ||
        !head->has_length || head->length != s->end - s->at)
        return "not the range that was asked for";
    return head->range[2] == s->source.file.size ? NULL : "the file has not filesize bytes";
}

static bool on_head(void *ctx, otter_ms now, const struct http_head *head)
{
    struct ota_source_http *s = ctx;
    const unsigned status = head->status;
    enum kind kind = FOR_GOOD;
    const char *what = NULL;
    if (status == 206)
        what = fault_of_range(s, head);
    else if (status < 300)
        what = "no ranges there";
    else if (status < 400)
        what = "redirects are not followed";
    else if (status == 416)
        what = "the file is shorter than filesize";
    else
        kind = status < 500 && status != 429 && status != 408 ? ADDRESS : PASSING;
    if (kind != FOR_GOOD)
        what = kind == ADDRESS ? "has the URL expired?" : "busy";
    return what == NULL || trouble(s, now, kind, status, what);
}

static void on_body(void *ctx, otter_ms now, const uint8_t *data, size_t length)
{
    struct ota_source_http *s = ctx;
    struct ota_source *source = &s->source;
    const uint32_t size = source->file.block_size;
    while (length > 0 && s->under_way) {
        struct ota_block block = {s->at / size, 0, s->room};
        block.length = ota_file_block_length(&source->file, block.number);
        const uint32_t lacks = block.length - s->filled;
        const uint32_t part = length < lacks ? (uint32_t)length : lacks;
        memcpy(s->room + s->filled, data, part);
        s->filled += part;
        data += part;
        length -= part;
        if (part < lacks)
            return;
        s->filled = 0;
        s->tries = 0;
        s->fresh = false;
        s->at += block.length;
        (void)source->on_block(source->ctx, now, &block);
    }
}

static void on_end(void *ctx, otter_ms now, otter_status status)
{
    struct ota_source_http *s = ctx;
    s->under_way = false;
    if (status != OTTER_OK)
        (void)trouble(s, now, PASSING, 0, otter_status_text(status));
}

static const struct http_user user = {.on_head = on_head, .on_body = on_body, .on_end = on_end};

static bool long_apart(const struct ota_source_http *s, otter_ms now)
{
    return s->source.apart && now >= s->apart_since + OTA_HTTP_APART_MS;
}

void ota_source_http_tick(struct ota_source_http *s, otter_ms now)
{
    if (long_apart(s, now)) /* a range that comes by drops; or `kill -STOP ota` */
        give_back(s, now);
    if (s->under_way || s->at == s->end || now < s->retry_at || !http_idle(s->http))
        return;
    if (!s->source.apart)
        s->apart_since = now;
    s->source.apart = s->under_way = true;
    s->filled = 0;
    http_target_end(&s->http->target, "Range: bytes=%lu-%lu", s->at, s->end - 1u);
    http_ask(s->http, now, &user, s, 0);
}

otter_ms ota_source_http_deadline(const struct ota_source_http *s)
{
    const otter_ms back = s->source.apart ? s->apart_since + OTA_HTTP_APART_MS : OTTER_NEVER;
    const bool waits = s->at == s->end || s->under_way;
    return waits || back < s->retry_at ? back : s->retry_at;
}

/* ---- The agent's side ------------------------------------------------------------------------ */

static int request(struct ota_source *source, otter_ms now, const uint16_t *blocks, uint32_t count)
{
    struct ota_source_http *s = http_of(source);
    const uint32_t size = source->file.block_size;
    uint32_t taken = 1;
    if (s->at != s->end || s->under_way)
        return OTTER_E_AGAIN;
    if (long_apart(s, now)) {
        give_back(s, now);
        return OTTER_E_AGAIN;
    }
    while (taken < count && blocks[taken] == blocks[taken - 1] + 1)
        taken++;
    s->at = blocks[0] * size;
    s->end = blocks[taken - 1] * size + ota_file_block_length(&source->file, blocks[taken - 1]);
    ota_source_http_tick(s, now);
    return (int)taken;
}

static void open_source(struct ota_source *source, otter_ms now)
{
    (void)source;
    (void)now;
}

static void close_source(struct ota_source *source, otter_ms now)
{
    give_back(http_of(source), now);
}

static const char *fault(const struct ota_source *source, uint32_t block_size)
{
    return block_size > ((const struct ota_source_http *)source)->room_size
               ? "block_size: larger than the room of its source"
               : NULL;
}

static bool read_document(struct ota_source *source, const struct json *json, int afr_ota, int file,
                          struct ota_job *job, char reason[OTA_REASON_MAX + 1])
{
    struct ota_source_http *s = http_of(source);
    const otter_status status =
        http_target_read(&s->http->target, "GET ", json, json_find(json, file, "update_data_url"));
    (void)afr_ota;
    (void)job;
    s->fresh = true;
    return status == OTTER_OK || ota_job_is_wrong(reason, "update_data_url: " HTTP_URL_WANTED);
}

void ota_source_http_init(struct ota_source_http *s, struct http_client *http, uint8_t *room,
                          uint32_t room_size)
{
    static const struct ota_source_ops ops = {.name = "HTTP",
                                              .protocol = OTA_PROTOCOL_HTTP,
                                              .rereads = true,
                                              .request_max = RANGE_MAX,
                                              .fault = fault,
                                              .read = read_document,
                                              .open = open_source,
                                              .close = close_source,
                                              .request = request};
    memset(s, 0, sizeof *s);
    s->source.ops = &ops;
    s->source.block_timeout_ms = BLOCK_TIMEOUT_MS;
    s->http = http;
    s->room = room;
    s->room_size = room_size;
}
