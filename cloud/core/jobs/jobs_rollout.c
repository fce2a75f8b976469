/* Roll-outs as time goes by: jobs begin, let the next things begin, end, and give up.
 *
 * jobs.due says when a job is to be looked at next, so that a restart finds all that was due
 * meanwhile. A minute's things begin a piece at a time, so that nobody else waits for long. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/ground/names.h"
#include "cloud/core/jobs/jobs_internal.h"
#include "cloud/core/jobs/schedule.h"

#define MINUTE_S 60
#define PIECE    100 /* things that begin in one turn */

/* ---- a job's plan, as stored ---------------------------------------------------------------- */

struct plan {
    const char *job;
    char status[24];
    int64_t due, batch, quota, notified, start, end;
    bool ended;
    json_t *targets, *rollout, *scheduling;
};

static bool plan_read(struct cloud *cloud, const char *job, struct plan *plan)
{
    struct db_rows *rows =
        db_select(cloud->db,
                  "SELECT status, batch, quota, notified, start_at, end_at, ended, targets_json,"
                  " rollout_json, scheduling_json FROM jobs WHERE id = ?",
                  "s", job);
    bool found = db_next(rows);
    *plan = (struct plan){.job = job};
    if (found) {
        snprintf(plan->status, sizeof plan->status, "%s", db_text(rows, 0));
        plan->batch = db_int(rows, 1);
        plan->quota = db_int(rows, 2);
        plan->notified = db_int(rows, 3);
        plan->start = db_int(rows, 4);
        plan->end = db_int(rows, 5);
        plan->ended = db_int(rows, 6) != 0;
        plan->targets = json_stored(db_text(rows, 7), "[]");
        plan->rollout = json_stored(db_text(rows, 8), "{}");
        plan->scheduling = json_stored(db_text(rows, 9), "{}");
    }
    db_done(rows);
    return found;
}

static void plan_free(struct plan *plan)
{
    json_decref(plan->targets);
    json_decref(plan->rollout);
    json_decref(plan->scheduling);
}

static otter_status plan_store(struct cloud *cloud, const struct plan *plan)
{
    return db_run(cloud->db,
                  "UPDATE jobs SET due = ?, batch = ?, quota = ?, notified = ? WHERE id = ?",
                  "iiiis", plan->due, plan->batch, plan->quota, plan->notified, plan->job);
}

static bool plan_is(const struct plan *plan, const char *status)
{
    return strcmp(plan->status, status) == 0;
}

/* ---- start and end -------------------------------------------------------------------------- */

/* Who is in the groups is looked up when the job begins. */
static otter_status start(struct cloud *cloud, struct plan *plan)
{
    snprintf(plan->status, sizeof plan->status, "IN_PROGRESS");
    otter_status status =
        db_run(cloud->db, "UPDATE jobs SET status = 'IN_PROGRESS', updated = ? WHERE id = ?", "is",
               cloud_now(cloud), plan->job);
    cloud_log("jobs", "%s begins", plan->job);
    return status == OTTER_OK ? targets_resolve(cloud, plan->job, plan->targets) : status;
}

static otter_status end(struct cloud *cloud, struct plan *plan, struct pending_watch *watch)
{
    const char *behavior = json_text(plan->scheduling, "endBehavior");
    bool cancels = behavior && strcmp(behavior, "STOP_ROLLOUT") != 0;
    bool force = cancels && strcmp(behavior, "FORCE_CANCEL") == 0;
    plan->ended = true;
    cloud_log("jobs", "%s has reached its end: %s", plan->job,
              behavior ? behavior : "STOP_ROLLOUT");
    otter_status status = db_run(cloud->db, "UPDATE jobs SET ended = 1, updated = ? WHERE id = ?",
                                 "is", cloud_now(cloud), plan->job);
    if (status == OTTER_OK)
        status = db_run(cloud->db, "DELETE FROM job_waiting WHERE job = ?", "s", plan->job);
    if (status != OTTER_OK || !cancels)
        return status;
    pending_watch_job(cloud, plan->job, force, watch);
    snprintf(plan->status, sizeof plan->status, "CANCELED");
    return job_cancel(cloud, plan->job, force, NULL, NULL);
}

/* ---- the next things ------------------------------------------------------------------------ */

static int64_t rate_now(struct cloud *cloud, const struct plan *plan)
{
    struct answer answer = ANSWER_INIT;
    struct rollout rollout;
    rollout_read(plan->rollout, "", &rollout, &answer); /* was checked when the job was made */
    answer_free(&answer);
    int64_t succeeded =
        rollout.per_succeeded
            ? db_number(cloud->db,
                        "SELECT COUNT(DISTINCT thing) FROM job_executions WHERE job = ?"
                        " AND status = 'SUCCEEDED'",
                        "s", plan->job)
            : 0;
    return rollout_rate(&rollout, plan->notified, succeeded);
}

/* An array of the names of the next things; they wait no more. */
static json_t *take_waiting(struct cloud *cloud, const char *job, int64_t most,
                            otter_status *status)
{
    json_t *things = json_array();
    int64_t last = 0;
    struct db_rows *rows =
        db_select(cloud->db, "SELECT id, thing FROM job_waiting WHERE job = ? ORDER BY id LIMIT ?",
                  "si", job, most);
    while (db_next(rows)) {
        last = db_int(rows, 0);
        json_array_append_new(things, json_string(db_text(rows, 1)));
    }
    db_done(rows);
    *status =
        db_run(cloud->db, "DELETE FROM job_waiting WHERE job = ? AND id <= ?", "si", job, last);
    return things;
}

/* One that was in the job before, and left, has a number already. */
static int64_t next_number(struct cloud *cloud, const char *job, const char *thing)
{
    return 1 + db_number(cloud->db,
                         "SELECT MAX(number) FROM job_executions WHERE job = ? AND thing = ?", "ss",
                         job, thing);
}

static otter_status begin_piece(struct cloud *cloud, struct plan *plan, struct pending_watch *watch)
{
    otter_status status;
    json_t *things =
        take_waiting(cloud, plan->job, plan->quota < PIECE ? plan->quota : PIECE, &status);
    size_t i;
    json_t *name;
    json_array_foreach(things, i, name)
    {
        const char *thing = json_string_value(name);
        pending_watch_add(cloud, thing, watch);
        if (status == OTTER_OK)
            status =
                execution_queue(cloud, plan->job, thing, next_number(cloud, plan->job, thing), 0);
    }
    plan->quota -= (int64_t)json_array_size(things);
    plan->notified += (int64_t)json_array_size(things);
    json_decref(things);
    return watch->failed ? OTTER_E_MEMORY : status;
}

static otter_status roll_out(struct cloud *cloud, struct plan *plan, struct pending_watch *watch)
{
    int64_t now = cloud_now(cloud);
    if (!schedule_open(plan->scheduling, now))
        return OTTER_OK;
    if (now >= plan->batch) {
        plan->batch = now + MINUTE_S;
        plan->quota = rate_now(cloud, plan);
    }
    return plan->quota > 0 ? begin_piece(cloud, plan, watch) : OTTER_OK;
}

/* ---- when next ------------------------------------------------------------------------------ */

static int64_t earlier(int64_t a, int64_t b)
{
    if (!a || !b)
        return a ? a : b;
    return a < b ? a : b;
}

static int64_t next_due(struct cloud *cloud, const struct plan *plan)
{
    int64_t now = cloud_now(cloud), due = plan->ended ? 0 : plan->end;
    if (plan_is(plan, "SCHEDULED"))
        return earlier(due, plan->start);
    if (!plan_is(plan, "IN_PROGRESS"))
        return 0;
    if (!job_waits(cloud, plan->job))
        return due;
    if (!schedule_open(plan->scheduling, now))
        return earlier(due, schedule_next(plan->scheduling, now));
    return earlier(due, plan->quota > 0 ? now : plan->batch);
}

static otter_status advance(struct cloud *cloud, struct plan *plan, struct pending_watch *watch)
{
    int64_t now = cloud_now(cloud);
    otter_status status = OTTER_OK;
    if (plan_is(plan, "SCHEDULED") && now >= plan->start)
        status = start(cloud, plan);
    if (status == OTTER_OK && plan->end && now >= plan->end && !plan->ended)
        status = end(cloud, plan, watch);
    if (status == OTTER_OK && plan_is(plan, "IN_PROGRESS") && job_waits(cloud, plan->job))
        status = roll_out(cloud, plan, watch);
    plan->due = next_due(cloud, plan);
    if (status == OTTER_OK)
        status = plan_store(cloud, plan);
    if (plan->due && plan->due <= now)
        jobs_advance_soon(cloud);
    return status == OTTER_OK ? job_complete(cloud, plan->job) : status;
}

otter_status job_advance(struct cloud *cloud, const char *job, struct pending_watch *watch)
{
    struct plan plan;
    otter_status status =
        plan_read(cloud, job, &plan) ? advance(cloud, &plan, watch) : OTTER_E_STATE;
    plan_free(&plan);
    return status;
}

/* ---- jobs that are due ---------------------------------------------------------------------- */

static otter_status advance_alone(struct cloud *cloud, const char *job)
{
    struct pending_watch watch = {0};
    otter_status status = db_begin(cloud->db);
    if (status == OTTER_OK)
        status = db_finish(cloud->db, job_advance(cloud, job, &watch));
    pending_watch_end(cloud, &watch, status == OTTER_OK);
    return status;
}

void jobs_roll_out(struct cloud *cloud)
{
    json_t *jobs = json_array();
    struct db_rows *rows =
        db_select(cloud->db, "SELECT id FROM jobs WHERE due > 0 AND due <= ? ORDER BY due, id", "i",
                  cloud_now(cloud));
    while (db_next(rows))
        json_array_append_new(jobs, json_string(db_text(rows, 0)));
    db_done(rows);
    for (size_t i = 0; i < json_array_size(jobs); i++)
        if (advance_alone(cloud, json_string_value(json_array_get(jobs, i))) != OTTER_OK)
            break; /* the database fails: the next tending tries again */
    json_decref(jobs);
}

static void in_a_turn(void *cloud)
{
    jobs_roll_out(cloud);
}

void jobs_advance_soon(struct cloud *cloud)
{
    cloud_forget_later(cloud, in_a_turn, cloud);
    cloud_do_later(cloud, in_a_turn, cloud);
}

/* ---- giving up ------------------------------------------------------------------------------ */

static struct job_counts count(struct cloud *cloud, const char *job, int64_t notified)
{
    struct job_counts counts = {.notified = notified};
    struct db_rows *rows =
        db_select(cloud->db,
                  "SELECT status, COUNT(*) FROM job_executions AS e WHERE job = ? AND number ="
                  " (SELECT MAX(number) FROM job_executions WHERE job = e.job AND thing = e.thing)"
                  " AND status IN ('FAILED', 'REJECTED', 'TIMED_OUT') GROUP BY status",
                  "s", job);
    while (db_next(rows)) {
        char first = *db_text(rows, 0);
        *(first == 'F'   ? &counts.failed
          : first == 'R' ? &counts.rejected
                         : &counts.timed_out) = db_int(rows, 1);
    }
    db_done(rows);
    return counts;
}

static bool is_reached(struct cloud *cloud, const char *job, char *why, size_t size)
{
    struct db_rows *rows = db_select(cloud->db,
                                     "SELECT abort_json, notified FROM jobs WHERE id = ?"
                                     " AND status = 'IN_PROGRESS' AND abort_json IS NOT NULL",
                                     "s", job);
    json_t *config = NULL;
    int64_t notified = 0;
    if (db_next(rows)) {
        config = json_stored(db_text(rows, 0), "{}");
        notified = db_int(rows, 1);
    }
    db_done(rows);
    if (!config)
        return false;
    struct job_counts counts = count(cloud, job, notified);
    bool reached = abort_reached(config, "criteriaList", &counts, why, size);
    json_decref(config);
    return reached;
}

otter_status job_abort_if_reached(struct cloud *cloud, const char *job)
{
    struct pending_watch watch = {0};
    char why[200];
    if (!is_reached(cloud, job, why, sizeof why))
        return OTTER_OK;
    cloud_log("jobs", "%s is aborted: %s", job, why);
    pending_watch_job(cloud, job, false, &watch);
    otter_status status =
        watch.failed ? OTTER_E_MEMORY : job_cancel(cloud, job, false, "ABORT_CRITERIA_MET", why);
    pending_watch_end(cloud, &watch, status == OTTER_OK);
    return status;
}
