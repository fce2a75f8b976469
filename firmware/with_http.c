/* HTTP over the device's one TLS connection: an update's blocks, and the log that a job asks for.
 * While it goes on the MQTT session pauses (services/ota/source_http.h says when). */
#include "firmware/with_http.h"

#include "firmware/app.h"
#include "firmware/with_log.h"
#include "port/log.h"
#include "services/log/log_upload.h"
#include "services/ota/source_http.h"

#define TAG "HTTP"

_Static_assert(LINK_INPUT_SIZE >= TUNE_BLOCK_SIZE, "a block by HTTP lies in the session's input");

static struct http_client http;
static struct ota_source_http source;
#if OTTER_SERVICE_LOG
static struct log_upload upload;
#endif

/* ---- The connection -------------------------------------------------------------------------- */

static otter_status open_line(void *ctx, otter_ms now, const char *host, uint16_t port)
{
    struct app *app = ctx;
    struct link *link = &app->link;
    if (!link->lent)
        LOG_INF(TAG, "the session pauses for %s:%u", host, (unsigned)port);
    link_lend(link, now);
    return tls_open(&link->tls, now, &app->pki, host, port, TUNE_OPEN_TIMEOUT_MS);
}

static otter_status step(void *ctx, otter_ms now)
{
    struct tls *tls = &((struct app *)ctx)->link.tls;
    const enum tls_state state = tls_step(tls, now);
    if (state == TLS_OPEN)
        return OTTER_OK;
    return state == TLS_FAILED ? tls->error : OTTER_E_AGAIN;
}

static int read_line(void *ctx, void *data, size_t size)
{
    return tls_read(&((struct app *)ctx)->link.tls, data, size);
}

static int write_line(void *ctx, const void *data, size_t length)
{
    return tls_write(&((struct app *)ctx)->link.tls, data, length);
}

static void close_line(void *ctx, otter_ms now, bool back)
{
    struct link *link = &((struct app *)ctx)->link;
    (void)now;
    if (back)
        link_end_loan(link);
    else
        tls_close(&link->tls);
}

static struct http_line line = {open_line, step, read_line, write_line, close_line, NULL};

struct ota_source *prepare_http(struct app *app)
{
    line.ctx = app;
    http.line = &line;
    ota_source_http_init(&source, &http, app->link.input, sizeof app->link.input);
    return &source.source;
}

/* ---- The activity ---------------------------------------------------------------------------- */

static otter_status start(struct app *app, otter_ms now)
{
    (void)now;
    if (!app->agent_runs)
        return OTTER_E_STATE;
#if OTTER_SERVICE_LOG
    const struct log_upload_config config = {
        .jobs = &app->jobs, .http = &http, .ring = kept_log(), .hold = hold_log};
    log_upload_init(&upload, &config);
#endif
    return OTTER_OK;
}

static void tick(struct app *app, otter_ms now)
{
    (void)app;
    ota_source_http_tick(&source, now);
#if OTTER_SERVICE_LOG
    log_upload_tick(&upload, now);
#endif
    http_tick(&http, now);
}

static otter_ms deadline(const struct app *app, otter_ms now)
{
    const otter_ms due = http_deadline(&http, now);
    const otter_ms again = ota_source_http_deadline(&source);
    (void)app;
    return again < due ? again : due;
}

const struct activity activity_http = {"http", start, NULL, tick, deadline};
