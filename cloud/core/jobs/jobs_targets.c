/* Whom a job is for: things and groups, and what happens when things join and leave groups.
 *
 * A SNAPSHOT job is for those who were in its groups when it began, a CONTINUOUS one also for those
 * who join later, each at once and outside the roll-out rate (but in a maintenance window, if it
 * has some). Who leaves has its pending execution REMOVED, unless it is a target in another way. */
#include <stdlib.h>
#include <string.h>

#include "cloud/core/ground/names.h"
#include "cloud/core/ground/words.h"
#include "cloud/core/jobs/jobs_internal.h"
#include "cloud/core/jobs/schedule.h"
#include "cloud/core/registry/groups.h"
#include "cloud/core/registry/registry.h"

/* ---- checking and noting -------------------------------------------------------------------- */

static enum core_error check_target(struct cloud *cloud, const char *target, bool groups_only,
                                    struct answer *answer)
{
    const char *thing = target ? arn_name(cloud, target, "iot", "thing") : NULL;
    const char *group = target ? arn_name(cloud, target, "iot", "thinggroup") : NULL;
    if (thing && groups_only)
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "only thing groups can be associated with a job, not %.160s", target);
    if ((thing && thing_exists(cloud, thing)) || (group && group_exists(cloud, group)))
        return CORE_OK;
    return answer_refuse(
        answer, CORE_NOT_FOUND,
        "the target '%.160s' is not the ARN of a thing or thing group of this account",
        target ? target : "");
}

enum core_error targets_check(struct cloud *cloud, const json_t *targets, bool groups_only,
                              struct answer *answer)
{
    enum core_error error = CORE_OK;
    if (!json_is_array(targets) || json_array_size(targets) == 0)
        return answer_refuse(answer, CORE_INVALID_REQUEST, "the job needs at least one target");
    if (json_array_size(targets) > JOBS_TARGETS_MAX)
        return answer_refuse(answer, CORE_INVALID_REQUEST, "a job has at most %d targets",
                             JOBS_TARGETS_MAX);
    for (size_t i = 0; i < json_array_size(targets) && error == CORE_OK; i++)
        error =
            check_target(cloud, json_string_value(json_array_get(targets, i)), groups_only, answer);
    return error;
}

otter_status targets_note(struct cloud *cloud, const char *job, const json_t *targets)
{
    otter_status status = OTTER_OK;
    for (size_t i = 0; i < json_array_size(targets) && status == OTTER_OK; i++) {
        const char *group =
            arn_name(cloud, json_string_value(json_array_get(targets, i)), "iot", "thinggroup");
        if (group)
            status = db_run(cloud->db, "INSERT OR IGNORE INTO job_groups(grp, job) VALUES(?, ?)",
                            "ss", group, job);
    }
    return status;
}

#define UNKNOWN_TO_JOB                                                                             \
    " NOT EXISTS (SELECT 1 FROM job_executions e WHERE e.job = ?2 AND e.thing = t.thing)"

otter_status targets_resolve(struct cloud *cloud, const char *job, const json_t *targets)
{
    otter_status status = OTTER_OK;
    for (size_t i = 0; i < json_array_size(targets) && status == OTTER_OK; i++) {
        const char *target = json_string_value(json_array_get(targets, i));
        const char *thing = arn_name(cloud, target, "iot", "thing");
        const char *group = arn_name(cloud, target, "iot", "thinggroup");
        if (thing) /* it may have been deleted since the job was made */
            status = db_run(cloud->db,
                            "INSERT OR IGNORE INTO job_waiting(job, thing) SELECT ?2, t.thing FROM"
                            " (SELECT name AS thing FROM things WHERE name = ?1) t"
                            " WHERE" UNKNOWN_TO_JOB,
                            "ss", thing, job);
        else if (group)
            status = db_run(cloud->db,
                            GROUPS_DOWN
                            "INSERT OR IGNORE INTO job_waiting(job, thing) SELECT ?2, t.thing FROM"
                            " (SELECT DISTINCT thing FROM thing_group_members"
                            "  WHERE grp IN (SELECT name FROM down)) t"
                            " WHERE" UNKNOWN_TO_JOB " ORDER BY t.thing",
                            "ss", group, job);
    }
    return status;
}

bool job_waits(struct cloud *cloud, const char *job)
{
    return db_number(cloud->db, "SELECT EXISTS(SELECT 1 FROM job_waiting WHERE job = ?)", "s",
                     job) > 0;
}

/* Whether the thing is one of the job's, leaving its membership in `but` (NULL: none) aside. */
static bool is_target(struct cloud *cloud, const char *job, const char *thing, const char *but)
{
    return db_number(cloud->db,
                     "WITH RECURSIVE up(name) AS (SELECT grp FROM thing_group_members"
                     " WHERE thing = ?1 AND grp IS NOT ?3 UNION SELECT g.parent"
                     " FROM thing_groups g JOIN up ON g.name = up.name WHERE g.parent IS NOT NULL)"
                     " SELECT EXISTS(SELECT 1 FROM job_groups WHERE job = ?2"
                     " AND grp IN (SELECT name FROM up))"
                     " OR EXISTS(SELECT 1 FROM jobs, json_each(targets_json)"
                     " WHERE jobs.id = ?2 AND value = ?4)",
                     "ssss", thing, job, but, arn_make(cloud, "iot", "thing/%s", thing).text) > 0;
}

/* ---- joining -------------------------------------------------------------------------------- */

/* A job whose roll-out is shut waits with it for the next window. */
static otter_status begin_or_wait(struct cloud *cloud, const char *job, const char *thing,
                                  bool open, int64_t number)
{
    int64_t now = cloud_now(cloud);
    otter_status status;
    if (!open)
        status = db_run(cloud->db, "INSERT OR IGNORE INTO job_waiting(job, thing) VALUES(?, ?)",
                        "ss", job, thing);
    else
        status = execution_queue(cloud, job, thing, number, 0);
    if (status != OTTER_OK)
        return status;
    return db_run(cloud->db,
                  "UPDATE jobs SET notified = notified + ?2, due = CASE WHEN ?2 THEN due ELSE ?3"
                  " END WHERE id = ?1",
                  "sii", job, (int64_t)open, now);
}

static otter_status join_job(struct cloud *cloud, const char *job, const char *thing,
                             const char *group, bool open)
{
    struct execution latest;
    bool there = execution_find(cloud, thing, job, 0, &latest);
    int64_t number = there ? latest.number : 0;
    bool pending = there && !status_is_terminal(latest.status);
    int64_t first = pending_first(cloud, thing);
    execution_free(&latest);
    if (pending || is_target(cloud, job, thing, group) ||
        db_number(cloud->db, "SELECT COUNT(*) FROM job_waiting WHERE job = ? AND thing = ?", "ss",
                  job, thing) > 0)
        return OTTER_OK;
    otter_status status = begin_or_wait(cloud, job, thing, open, number + 1);
    if (status == OTTER_OK && open) {
        cloud_log("jobs", "%s joined %s and gets %s", thing, group, job);
        pending_notify(cloud, thing, first, true);
    } else if (status == OTTER_OK) {
        jobs_advance_soon(cloud);
    }
    return status;
}

/* Ids of jobs, or whether each may roll out now, read before anything is changed. */
static json_t *read_list(struct db_rows *rows)
{
    json_t *list = json_array();
    while (db_next(rows))
        json_array_append_new(list, json_pack("{s:s,s:o}", "job", db_text(rows, 0), "scheduling",
                                              json_stored(db_text(rows, 1), "{}")));
    db_done(rows);
    return list;
}

otter_status jobs_thing_joined(struct cloud *cloud, const char *thing, const char *group)
{
    otter_status status = OTTER_OK;
    json_t *list = read_list(db_select(
        cloud->db,
        GROUPS_UP "SELECT DISTINCT j.id, j.scheduling_json FROM job_groups t JOIN jobs j"
                  " ON j.id = t.job WHERE t.grp IN (SELECT name FROM up)"
                  " AND j.selection = 'CONTINUOUS' AND j.status = 'IN_PROGRESS' AND NOT j.ended"
                  " ORDER BY j.created, j.id",
        "s", group));
    for (size_t i = 0; i < json_array_size(list) && status == OTTER_OK; i++) {
        const json_t *item = json_array_get(list, i);
        status = join_job(cloud, json_text(item, "job"), thing, group,
                          schedule_open(json_object_get(item, "scheduling"), cloud_now(cloud)));
    }
    json_decref(list);
    return status;
}

/* ---- leaving -------------------------------------------------------------------------------- */

static otter_status forget_waiting(struct cloud *cloud, const char *job, const char *thing)
{
    otter_status status =
        db_run(cloud->db, "DELETE FROM job_waiting WHERE job = ? AND thing = ?", "ss", job, thing);
    return status == OTTER_OK ? job_complete(cloud, job) : status;
}

static otter_status leave_job(struct cloud *cloud, const char *job, const char *thing)
{
    struct execution latest;
    otter_status status = OTTER_OK;
    if (is_target(cloud, job, thing, NULL))
        return OTTER_OK;
    bool pending =
        execution_find(cloud, thing, job, 0, &latest) && !status_is_terminal(latest.status);
    if (pending) {
        int64_t first = pending_first(cloud, thing);
        status = execution_set(cloud, &latest, "REMOVED", NULL, 0);
        if (status == OTTER_OK)
            pending_notify(cloud, thing, first, true);
    }
    execution_free(&latest);
    return status == OTTER_OK ? forget_waiting(cloud, job, thing) : status;
}

otter_status jobs_thing_left(struct cloud *cloud, const char *thing, const char *group)
{
    otter_status status = OTTER_OK;
    json_t *list = read_list(
        db_select(cloud->db,
                  GROUPS_UP "SELECT DISTINCT job, NULL FROM job_groups t"
                            " WHERE grp IN (SELECT name FROM up) AND (EXISTS (SELECT 1 FROM"
                            " job_executions e WHERE e.job = t.job AND e.thing = ?2 AND e.status"
                            " IN ('QUEUED', 'IN_PROGRESS')) OR EXISTS (SELECT 1 FROM job_waiting w"
                            " WHERE w.job = t.job AND w.thing = ?2)) ORDER BY job",
                  "ss", group, thing));
    for (size_t i = 0; i < json_array_size(list) && status == OTTER_OK; i++)
        status = leave_job(cloud, json_text(json_array_get(list, i), "job"), thing);
    json_decref(list);
    return status;
}

/* What waits of a thing that was deleted. */
static otter_status forget_all(struct cloud *cloud, const char *thing)
{
    otter_status status = OTTER_OK;
    json_t *list = read_list(
        db_select(cloud->db, "SELECT job, NULL FROM job_waiting WHERE thing = ?", "s", thing));
    for (size_t i = 0; i < json_array_size(list) && status == OTTER_OK; i++)
        status = forget_waiting(cloud, json_text(json_array_get(list, i), "job"), thing);
    json_decref(list);
    return status;
}

void jobs_thing_removed(struct cloud *cloud, const char *thing)
{
    struct execution execution;
    if (db_begin(cloud->db) != OTTER_OK ||
        db_finish(cloud->db, forget_all(cloud, thing)) != OTTER_OK)
        return;
    while (execution_first_pending(cloud, thing, &execution)) {
        int64_t first = execution.id;
        otter_status status = db_begin(cloud->db);
        if (status == OTTER_OK)
            status = db_finish(cloud->db, execution_set(cloud, &execution, "REMOVED", NULL, 0));
        execution_free(&execution);
        if (status != OTTER_OK)
            return;
        pending_notify(cloud, thing, first, true);
    }
}

/* ---- associate-targets-with-job ------------------------------------------------------------- */

static json_t *targets_of(struct cloud *cloud, const char *job)
{
    struct db_rows *rows =
        db_select(cloud->db, "SELECT targets_json FROM jobs WHERE id = ?", "s", job);
    json_t *targets = json_stored(db_next(rows) ? db_text(rows, 0) : NULL, "[]");
    db_done(rows);
    return targets;
}

static bool holds(const json_t *list, const json_t *value)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_equal(json_array_get(list, i), value))
            return true;
    return false;
}

static otter_status associate(struct cloud *cloud, const char *job, const json_t *targets,
                              const json_t *all, const char *comment, struct pending_watch *watch)
{
    char *text = json_dumps(all, JSON_COMPACT);
    otter_status status = db_run(
        cloud->db,
        "UPDATE jobs SET targets_json = ?, comment = COALESCE(?, comment), updated = ?, due = ?"
        " WHERE id = ?",
        "ssiis", text, comment, cloud_now(cloud), cloud_now(cloud), job);
    free(text);
    if (status == OTTER_OK)
        status = targets_note(cloud, job, targets);
    if (status == OTTER_OK)
        status = targets_resolve(cloud, job, targets);
    return status == OTTER_OK ? job_advance(cloud, job, watch) : status;
}

static enum core_error check_associate(struct cloud *cloud, const char *job, const json_t *targets,
                                       const json_t *all, struct answer *answer)
{
    if (db_number(cloud->db,
                  "SELECT selection = 'CONTINUOUS' AND status = 'IN_PROGRESS' AND NOT ended"
                  " FROM jobs WHERE id = ?",
                  "s", job) != 1)
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "job '%s' is not a CONTINUOUS job that is IN_PROGRESS", job);
    if (json_array_size(all) > JOBS_TARGETS_MAX)
        return answer_refuse(answer, CORE_LIMIT, "a job has at most %d targets", JOBS_TARGETS_MAX);
    return targets_check(cloud, targets, true, answer);
}

enum core_error jobs_associate(struct cloud *cloud, const char *job, const json_t *members,
                               struct answer *answer)
{
    const json_t *targets = json_object_get(members, "targets");
    struct pending_watch watch = {0};
    char status[24];
    json_t *names = NULL;
    if (!job_find(cloud, job, status, &names))
        return job_missing(answer, job);
    json_t *all = targets_of(cloud, job);
    for (size_t i = 0; i < json_array_size(targets); i++)
        if (!holds(all, json_array_get(targets, i)))
            json_array_append(all, json_array_get(targets, i));
    enum core_error error = words_check(members, "comment", WORDS_SOME, 2028, answer);
    if (!error)
        error = check_associate(cloud, job, targets, all, answer);
    if (!error) {
        otter_status done = db_begin(cloud->db);
        if (done == OTTER_OK)
            done = db_finish(cloud->db, associate(cloud, job, targets, all,
                                                  json_text(members, "comment"), &watch));
        pending_watch_end(cloud, &watch, done == OTTER_OK);
        error = done == OTTER_OK ? CORE_OK : answer_db_failed(cloud, answer);
    }
    json_decref(all);
    if (error)
        json_decref(names);
    else
        answer->body = names;
    return error;
}
