/* Values against behaviours: when a violation begins, goes on, and ends.
 *
 * A row of defender_states is one behaviour of one thing: how many datapoints in a row were against
 * it or within it, and the violation that is open, if one is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/defender/defender_internal.h"

#define DATAPOINTS_MAX 10

struct state {
    const char *thing, *profile;
    const json_t *behavior;
    const char *name; /* of the behavior */
    int64_t against, within;
    char violation[UUID_SIZE]; /* "" when none is open */
};

/* ---- values --------------------------------------------------------------------------------- */

static json_t *metrics_wanted(const json_t *profiles)
{
    json_t *wanted = json_object(), *profile, *item;
    const char *name;
    size_t i;
    json_object_foreach((json_t *)profiles, name, profile)
    {
        json_array_foreach(json_object_get(profile, "behaviors"), i, item)
            json_object_set_new(wanted, json_text(item, "metric"), json_true());
        json_array_foreach(json_object_get(profile, "retain"), i, item)
            json_object_set_new(wanted, json_string_value(item), json_true());
    }
    return wanted;
}

static otter_status keep_values(struct cloud *cloud, const char *thing, const json_t *values,
                                const json_t *wanted, int64_t now_ms)
{
    const char *metric;
    json_t *value;
    otter_status status = OTTER_OK;
    json_object_foreach((json_t *)values, metric, value)
    {
        if (status != OTTER_OK || !json_object_get(wanted, metric))
            continue;
        char *text = json_dumps(value, JSON_COMPACT);
        status = db_run(cloud->db,
                        "INSERT INTO defender_values(thing, metric, at_ms, value_json)"
                        " VALUES(?, ?, ?, ?)",
                        "ssis", thing, metric, now_ms, text);
        free(text);
    }
    return status;
}

/* What was counted in the last `seconds`, this report included. */
static json_t *summed(struct cloud *cloud, const char *thing, const char *metric, int64_t seconds,
                      int64_t now_ms)
{
    int64_t sum = 0;
    struct db_rows *rows = db_select(cloud->db,
                                     "SELECT value_json FROM defender_values"
                                     " WHERE thing = ? AND metric = ? AND at_ms > ?",
                                     "ssi", thing, metric, now_ms - seconds * 1000);
    while (db_next(rows)) {
        json_t *value = json_stored(db_text(rows, 0), "{}");
        int64_t count = json_integer_value(json_object_get(value, "count"));
        sum = count > INT64_MAX - sum ? INT64_MAX : sum + count;
        json_decref(value);
    }
    db_done(rows);
    return json_pack("{s:I}", "count", (json_int_t)sum);
}

/* ---- states --------------------------------------------------------------------------------- */

static void state_read(struct cloud *cloud, struct state *state)
{
    struct db_rows *rows = db_select(cloud->db,
                                     "SELECT against, within, violation FROM defender_states"
                                     " WHERE thing = ? AND profile = ? AND behavior = ?",
                                     "sss", state->thing, state->profile, state->name);
    if (db_next(rows)) {
        state->against = db_int(rows, 0);
        state->within = db_int(rows, 1);
        if (!db_null(rows, 2))
            snprintf(state->violation, sizeof state->violation, "%s", db_text(rows, 2));
    }
    db_done(rows);
}

static otter_status add_event(struct cloud *cloud, const struct state *state, const char *type,
                              const json_t *value, int64_t now_ms)
{
    char *behavior = json_dumps(state->behavior, JSON_COMPACT);
    char *text = json_dumps(value, JSON_COMPACT);
    otter_status status = db_run(
        cloud->db,
        "INSERT INTO defender_events(violation, thing, profile, type, behavior_json,"
        " value_json, at_ms, verification, description)"
        " SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, IFNULL((SELECT verification FROM"
        " defender_states WHERE violation = ?1), 'UNKNOWN'),"
        " (SELECT description FROM defender_states WHERE violation = ?1)",
        "ssssssi", state->violation, state->thing, state->profile, type, behavior, text, now_ms);
    free(behavior);
    free(text);
    cloud_log("defender", "%s: %s of %s %s", state->thing, state->name, state->profile, type);
    return status;
}

static otter_status state_keep(struct cloud *cloud, const struct state *state)
{
    return db_run(cloud->db,
                  "INSERT INTO defender_states(thing, profile, behavior, against, within)"
                  " VALUES(?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET against = excluded.against,"
                  " within = excluded.within",
                  "sssii", state->thing, state->profile, state->name, state->against,
                  state->within);
}

/* The violation goes on, or has just begun, with that value. */
static otter_status note_violation(struct cloud *cloud, const struct state *state, bool begins,
                                   const json_t *value, int64_t now_ms)
{
    char *behavior = json_dumps(state->behavior, JSON_COMPACT);
    char *text = json_dumps(value, JSON_COMPACT);
    otter_status status =
        db_run(cloud->db,
               "UPDATE defender_states SET violation = ?1, value_json = ?2, last_ms = ?3,"
               " behavior_json = ?4, started_ms = iif(?5, ?3, started_ms),"
               " verification = iif(?5, 'UNKNOWN', verification),"
               " description = iif(?5, NULL, description)"
               " WHERE thing = ?6 AND profile = ?7 AND behavior = ?8",
               "ssisisss", state->violation, text, now_ms, behavior, (int64_t)begins, state->thing,
               state->profile, state->name);
    free(behavior);
    free(text);
    return status;
}

static otter_status end_violation(struct cloud *cloud, const struct state *state)
{
    return db_run(cloud->db, "UPDATE defender_states SET violation = NULL WHERE violation = ?", "s",
                  state->violation);
}

static int64_t datapoints(const struct state *state, const char *name)
{
    int64_t count =
        json_integer_value(json_object_get(json_object_get(state->behavior, "criteria"), name));
    return count > 0 ? count : 1;
}

/* One datapoint more. */
static otter_status advance(struct cloud *cloud, struct state *state, bool good,
                            const json_t *value, int64_t now_ms)
{
    bool open = state->violation[0];
    state->against = good ? 0 : state->against + (state->against < DATAPOINTS_MAX);
    state->within = good ? state->within + (state->within < DATAPOINTS_MAX) : 0;
    otter_status status = state_keep(cloud, state);
    bool begins =
        !open && !good && state->against >= datapoints(state, "consecutiveDatapointsToAlarm");
    bool ends = open && good && state->within >= datapoints(state, "consecutiveDatapointsToClear");
    if (begins)
        uuid_make(state->violation);
    if (status == OTTER_OK && !good && (open || begins))
        status = note_violation(cloud, state, begins, value, now_ms);
    if (status == OTTER_OK && (begins || ends))
        status = add_event(cloud, state, begins ? "in-alarm" : "alarm-cleared", value, now_ms);
    return status == OTTER_OK && ends ? end_violation(cloud, state) : status;
}

static otter_status judge(struct cloud *cloud, struct state *state, const json_t *values,
                          int64_t now_ms)
{
    const char *name = json_text(state->behavior, "metric");
    const json_t *criteria = json_object_get(state->behavior, "criteria");
    json_t *reported = json_object_get(values, name);
    if (!reported) /* says nothing, for or against */
        return OTTER_OK;
    struct metric metric = metric_find(cloud, name);
    int64_t seconds = json_integer_value(json_object_get(criteria, "durationSeconds"));
    json_t *value =
        metric.adds_up ? summed(cloud, state->thing, name, seconds, now_ms) : json_incref(reported);
    state_read(cloud, state);
    otter_status status =
        advance(cloud, state, criteria_hold(criteria, value, metric.kind), value, now_ms);
    json_decref(value);
    return status;
}

otter_status report_judge(struct cloud *cloud, const char *thing, const json_t *values,
                          int64_t now_ms)
{
    json_t *profiles = profiles_of_thing(cloud, thing), *profile, *behavior;
    json_t *wanted = metrics_wanted(profiles);
    const char *name;
    size_t i;
    otter_status status = keep_values(cloud, thing, values, wanted, now_ms);
    json_object_foreach(profiles, name, profile)
    {
        json_array_foreach(json_object_get(profile, "behaviors"), i, behavior)
        {
            struct state state = {.thing = thing,
                                  .profile = name,
                                  .behavior = behavior,
                                  .name = json_text(behavior, "name")};
            if (status == OTTER_OK)
                status = judge(cloud, &state, values, now_ms);
        }
    }
    json_decref(wanted);
    json_decref(profiles);
    return status;
}

/* ---- ends that no value brings -------------------------------------------------------------- */

#define CHOSEN                                                                                     \
    " WHERE thing = IFNULL(?1, thing) AND profile = IFNULL(?2, profile)"                           \
    " AND behavior = IFNULL(?3, behavior)"

otter_status violations_invalidate(struct cloud *cloud, const char *thing, const char *profile,
                                   const char *behavior)
{
    otter_status status = db_run(
        cloud->db,
        "INSERT INTO defender_events(violation, thing, profile, type, behavior_json, value_json,"
        " at_ms, verification, description) SELECT violation, thing, profile, 'alarm-invalidated',"
        " behavior_json, value_json, ?4, verification, description FROM defender_states" CHOSEN
        " AND violation IS NOT NULL",
        "sssi", thing, profile, behavior, cloud_now_ms(cloud));
    if (status == OTTER_OK)
        status = db_run(cloud->db, "DELETE FROM defender_states" CHOSEN, "sss", thing, profile,
                        behavior);
    return status;
}

otter_status violations_prune(struct cloud *cloud, const char *profile, const char *thing)
{
    json_t *pairs = json_array(), *pair;
    size_t i;
    otter_status status = OTTER_OK;
    struct db_rows *rows = db_select(cloud->db,
                                     "SELECT DISTINCT thing, profile FROM defender_states"
                                     " WHERE profile = IFNULL(?1, profile)"
                                     " AND thing = IFNULL(?2, thing)",
                                     "ss", profile, thing);
    while (db_next(rows))
        json_array_append_new(pairs, json_pack("[s, s]", db_text(rows, 0), db_text(rows, 1)));
    db_done(rows);
    json_array_foreach(pairs, i, pair)
    {
        const char *of = json_string_value(json_array_get(pair, 0));
        const char *by = json_string_value(json_array_get(pair, 1));
        json_t *profiles = profiles_of_thing(cloud, of);
        if (status == OTTER_OK && !json_object_get(profiles, by))
            status = violations_invalidate(cloud, of, by, NULL);
        json_decref(profiles);
    }
    json_decref(pairs);
    return status;
}
