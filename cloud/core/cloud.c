/* The shared ground: start and stop, time, publishing, answers. */
#include "cloud/core/ground/cloud.h"

#include <event2/event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cloud/broker/broker.h"
#include "cloud/core/ground/cloud_internal.h"
#include "cloud/core/account/contents.h"
#include "cloud/core/jobs/jobs.h"
#include "cloud/core/ota/ota_updates.h"
#include "cloud/core/streams/windows.h"
#include "cloud/loop/worker.h"
#include "cloud/store/db.h"

#define EXPIRY_CHECK_S 5 /* the service itself may be up to 60 s late */

#define SWEEP_MS 20 /* between two bits of garbage */

struct cloud_timers {
    struct event *expiry, *sweep;
};

/* ---- errors and answers --------------------------------------------------------------------- */

const char *core_error_text(enum core_error error)
{
    static const char *const texts[] = {
#define X(name, text) text,
        CORE_ERROR_LIST(X)
#undef X
    };
    return (size_t)error < sizeof texts / sizeof *texts ? texts[error] : "InternalError";
}

void answer_free(struct answer *answer)
{
    json_decref(answer->body);
    answer->body = NULL;
}

enum core_error answer_refuse(struct answer *answer, enum core_error error, const char *format, ...)
{
    va_list args;
    answer_free(answer);
    va_start(args, format);
    vsnprintf(answer->message, sizeof answer->message, format, args);
    va_end(args);
    return error;
}

/* ---- time ----------------------------------------------------------------------------------- */

static int64_t system_ms(void *context)
{
    struct timespec now;
    (void)context;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t cloud_now_ms(const struct cloud *cloud)
{
    return cloud->now_ms(cloud->now_context);
}

int64_t cloud_now(const struct cloud *cloud)
{
    return cloud_now_ms(cloud) / 1000;
}

static void on_sweep(evutil_socket_t fd, short what, void *context)
{
    struct cloud *cloud = context;
    struct timeval soon = {0, SWEEP_MS * 1000L};
    (void)fd, (void)what;
    if (contents_sweep(cloud))
        event_add(cloud->timers->sweep, &soon);
}

static void on_expiry(evutil_socket_t fd, short what, void *context)
{
    struct cloud *cloud = context;
    jobs_expire(cloud);
    if (!event_pending(cloud->timers->sweep, EV_TIMEOUT, NULL))
        on_sweep(fd, what, cloud);
}

static bool start_timers(struct cloud *cloud)
{
    struct timeval period = {EXPIRY_CHECK_S, 0};
    cloud->timers = calloc(1, sizeof *cloud->timers);
    if (!cloud->timers)
        return false;
    cloud->timers->expiry = event_new(cloud->base, -1, EV_PERSIST, on_expiry, cloud);
    cloud->timers->sweep = evtimer_new(cloud->base, on_sweep, cloud);
    return cloud->timers->expiry && cloud->timers->sweep &&
           event_add(cloud->timers->expiry, &period) == 0;
}

static void stop_timers(struct cloud *cloud)
{
    if (cloud->timers && cloud->timers->expiry)
        event_free(cloud->timers->expiry);
    if (cloud->timers && cloud->timers->sweep)
        event_free(cloud->timers->sweep);
    free(cloud->timers);
    cloud->timers = NULL;
}

/* ---- start and stop ------------------------------------------------------------------------- */

otter_status cloud_start(struct cloud *cloud, struct event_base *base,
                         const struct cloud_config *config, bool with_broker)
{
    char reason[256];

    *cloud = (struct cloud){.base = base,
                            .now_ms = config->now_ms ? config->now_ms : system_ms,
                            .now_context = config->now_context,
                            .strict = config->strict};
    snprintf(cloud->dir, sizeof cloud->dir, "%s", config->dir);
    snprintf(cloud->region, sizeof cloud->region, "%s",
             config->region ? config->region : CLOUD_REGION);
    snprintf(cloud->account, sizeof cloud->account, "%s",
             config->account ? config->account : CLOUD_ACCOUNT);
    cloud->db = db_open(config->dir, reason, sizeof reason);
    if (!cloud->db) {
        fprintf(stderr, "otter cloud: cannot open the database in %s: %s\n", config->dir, reason);
        return OTTER_E_IO;
    }
    contents_recover(cloud);
    cloud->windows = windows_new();
    cloud->worker = worker_start(base);
    cloud_log_attach(base);
    if (with_broker)
        cloud->broker = broker_start(base, config->dir);
    if (!cloud->windows || !cloud->worker || (with_broker && !cloud->broker) ||
        !start_timers(cloud) || (config->group_commits && !outbox_start(cloud))) {
        cloud_stop(cloud);
        return OTTER_E_IO;
    }
    jobs_expire(cloud); /* what ran out while nobody watched */
    return OTTER_OK;
}

void cloud_stop(struct cloud *cloud)
{
    if (cloud->db)
        ota_stop(cloud);
    worker_stop(cloud->worker);
    cloud->worker = NULL;
    outbox_stop(cloud);
    cloud_log_attach(NULL);
    stop_timers(cloud);
    broker_stop(cloud->broker);
    cloud->broker = NULL;
    windows_free(cloud->windows);
    cloud->windows = NULL;
    if (cloud->db)
        db_close(cloud->db);
    cloud->db = NULL;
}

void cloud_identity_changed(struct cloud *cloud)
{
    if (cloud->identity_changed)
        cloud->identity_changed(cloud->identity_context, NULL);
}

void cloud_certificate_changed(struct cloud *cloud, const char *certificate)
{
    const char *slash = strrchr(certificate, '/');
    if (cloud->identity_changed)
        cloud->identity_changed(cloud->identity_context, slash ? slash + 1 : certificate);
}
