/* Turns the activities and keeps their statistics; see activity.h. */
#include "firmware/activity.h"

#include "firmware/app.h"

otter_status activity_start(struct app *app, unsigned index, otter_ms now)
{
    struct activity_state *state = &app->states[index];
    if (state->runs)
        return OTTER_E_STATE;
    const otter_status status = activities[index]->start(app, now);
    state->runs = status == OTTER_OK;
    return status;
}

otter_status activity_stop(struct app *app, unsigned index, otter_ms now)
{
    if (activities[index]->stop == NULL)
        return OTTER_E_REFUSED;
    if (!app->states[index].runs)
        return OTTER_E_STATE;
    app->states[index].runs = false;
    activities[index]->stop(app, now);
    return OTTER_OK;
}

void activities_start(struct app *app, otter_ms now)
{
    for (unsigned i = 0; i < ACTIVITY_COUNT; i++)
        (void)activity_start(app, i, now);
}

void activities_tick(struct app *app, otter_ms now)
{
    for (unsigned i = 0; i < ACTIVITY_COUNT; i++) {
        struct activity_state *state = &app->states[i];
        if (!state->runs || activities[i]->tick == NULL)
            continue;
        const otter_ms begun = port_now();
        activities[i]->tick(app, now);
        const otter_ms spent = port_now() - begun;
        state->turns++;
        state->spent_ms += spent;
        if (spent > state->longest_ms)
            state->longest_ms = (uint32_t)spent;
    }
}

otter_ms activities_deadline(const struct app *app, otter_ms now)
{
    otter_ms first = OTTER_NEVER;
    for (unsigned i = 0; i < ACTIVITY_COUNT; i++) {
        if (!app->states[i].runs || activities[i]->deadline == NULL)
            continue;
        const otter_ms due = activities[i]->deadline(app, now);
        if (due < first)
            first = due;
    }
    return first;
}
