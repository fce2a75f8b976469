/* A job that asks for the log; see log_upload.h.
 *
 *   IDLE -> STARTING (IN_PROGRESS is told) -> DUE -> UNDER_WAY -> IDLE, the job is ended */
#include "services/log/log_upload.h"

#include <stdio.h>
#include <string.h>

enum state { IDLE, STARTING, DUE, UNDER_WAY };

static void finish(struct log_upload *upload, otter_ms now, enum jobs_result result,
                   const char *reason)
{
    upload->state = IDLE;
    jobs_finish(upload->config.jobs, now, result, reason);
}

/* ---- The object ------------------------------------------------------------------------------ */

static void rewind_log(struct log_upload *upload)
{
    upload->begin = upload->length = upload->place = 0;
    upload->last = false;
}

static size_t give(void *ctx, uint32_t offset, const uint8_t **data)
{
    struct log_upload *upload = ctx;
    while (offset == upload->begin + upload->length && !upload->last) {
        upload->begin = offset;
        upload->place = log_ring_read(upload->config.ring, upload->place, upload->line);
        upload->last = upload->place == 0;
        upload->length = (uint32_t)strlen(upload->line);
        if (upload->length > 0)
            upload->line[upload->length++] = '\n';
    }
    *data = (const uint8_t *)upload->line + (offset - upload->begin);
    return upload->begin + upload->length - offset;
}

static uint32_t size_of_log(struct log_upload *upload)
{
    const uint8_t *data;
    uint32_t bytes = 0;
    size_t length;
    rewind_log(upload);
    while ((length = give(upload, bytes, &data)) > 0)
        bytes += (uint32_t)length;
    rewind_log(upload);
    return bytes;
}

/* The connection goes back: the session has to tell the end. */
static void end(struct log_upload *upload, otter_ms now, unsigned status, const char *what)
{
    char reason[JOBS_REASON_MAX + 1];
    const bool good = status >= 200 && status < 300;
    http_close(upload->config.http, now);
    upload->config.hold(false);
    if (good)
        snprintf(reason, sizeof reason, "%lu bytes of log", (unsigned long)upload->bytes);
    else
        http_explain(upload->config.http, status, what, reason, sizeof reason);
    finish(upload, now, good ? JOBS_SUCCEEDED : JOBS_FAILED, reason);
}

static bool on_head(void *ctx, otter_ms now, const struct http_head *head)
{
    end(ctx, now, head->status, "the log is not taken");
    return false;
}

static void on_end(void *ctx, otter_ms now, otter_status status)
{
    end(ctx, now, 0, otter_status_text(status));
}

void log_upload_tick(struct log_upload *upload, otter_ms now)
{
    static const struct http_user user = {.on_head = on_head, .on_end = on_end, .give = give};
    struct http_client *http = upload->config.http;
    if (upload->state == UNDER_WAY && now >= upload->over_at)
        end(upload, now, 0, otter_status_text(OTTER_E_TIMEOUT));
    if (upload->state != DUE)
        return;
    upload->state = UNDER_WAY;
    upload->over_at = now + LOG_UPLOAD_MS;
    upload->config.hold(true);
    upload->bytes = size_of_log(upload);
    http_target_end(&http->target, "Content-Length: %lu", upload->bytes, 0);
    http_ask(http, now, &user, upload, upload->bytes);
}

/* ---- The job --------------------------------------------------------------------------------- */

static const char *fault_of(const struct log_upload *upload, const struct jobs_offer *offer)
{
    const struct json *json = offer->json;
    if (upload->config.ring == NULL)
        return "this device keeps no log";
    if (http_target_read(&upload->config.http->target, "PUT ", json,
                         json_find(json, offer->document, "url")) != OTTER_OK)
        return "job document: url: " HTTP_URL_WANTED;
    return NULL;
}

static enum jobs_answer on_offer(void *ctx, otter_ms now, const struct jobs_offer *offer)
{
    struct log_upload *upload = ctx;
    const int operation = json_find(offer->json, offer->document, "operation");
    if (!json_equals(offer->json, operation, "upload-log"))
        return JOBS_NOT_MINE;
    const char *fault = fault_of(upload, offer);
    if (fault != NULL) {
        finish(upload, now, JOBS_FAILED, fault);
    } else {
        upload->state = STARTING;
        jobs_start(upload->config.jobs, now, "uploading");
    }
    return JOBS_TAKEN;
}

/* While it is under way the session is off line, and says nothing. */
static void on_event(void *ctx, otter_ms now, enum jobs_event event)
{
    struct log_upload *upload = ctx;
    if (upload->state != STARTING)
        return;
    if (event == JOBS_ACCEPTED)
        upload->state = DUE;
    else if (event == JOBS_GONE)
        upload->state = IDLE;
    else if (event == JOBS_BARRED || event == JOBS_INVALID)
        finish(upload, now, JOBS_FAILED, "the job service does not let the job start");
}

void log_upload_init(struct log_upload *upload, const struct log_upload_config *config)
{
    if (upload->config.jobs != NULL)
        return;
    upload->config = *config;
    upload->handler =
        (struct jobs_handler){.on_offer = on_offer, .on_event = on_event, .ctx = upload};
    jobs_add(config->jobs, &upload->handler);
}
