/* Restarts and settings by job, as an activity. */
#include "firmware/app.h"
#include "services/operations/operations.h"

static struct operations operations;

static otter_status start(struct app *app, otter_ms now)
{
    const struct operations_config config = {
        .jobs = &app->jobs, .kv = &app->kv, .settings = &app->settings};
    (void)now;
    if (app->agent_runs) /* else there is no Jobs client to ask */
        operations_init(&operations, &config);
    return OTTER_OK;
}

#define ASK_AGAIN_MS 500u /* whether now is a good time */

static bool may_reset(const struct app *app)
{
    const struct app_config *config = app->config;
    return config->may_reset == NULL || config->may_reset(config->ctx);
}

static void tick(struct app *app, otter_ms now)
{
    (void)now;
    if (operations_wants_reset(&operations) && may_reset(app))
        app_reset(app, "a job asks for it");
}

static otter_ms deadline(const struct app *app, otter_ms now)
{
    if (!operations_wants_reset(&operations))
        return OTTER_NEVER;
    return may_reset(app) ? now : now + ASK_AGAIN_MS;
}

const struct activity activity_operations = {"operations", start, NULL, tick, deadline};
