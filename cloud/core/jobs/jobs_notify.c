/* What a thing is told about its list of pending executions.
 *
 *   NOTICE_JOBS       the list gained an entry, or lost one to a terminal status
 *   NOTICE_JOBS_NEXT  another execution than before is the first of the list */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/jobs/jobs_internal.h"

int64_t pending_first(struct cloud *cloud, const char *thing)
{
    struct execution execution;
    execution_first_pending(cloud, thing, &execution);
    execution_free(&execution);
    return execution.id;
}

/* {"IN_PROGRESS":[...],"QUEUED":[...]}, each only if it has entries. */
static json_t *pending_by_status(struct cloud *cloud, const char *thing)
{
    struct execution execution;
    json_t *jobs = json_object();
    struct db_rows *rows =
        db_select(cloud->db,
                  "SELECT " EXECUTION_COLUMNS " FROM job_executions WHERE thing = ?"
                  " AND status IN ('IN_PROGRESS', 'QUEUED')"
                  " ORDER BY status = 'QUEUED', queued, id LIMIT ?",
                  "si", thing, (int64_t)JOBS_NOTIFY_MAX);
    while (db_next(rows)) {
        execution_read(rows, &execution);
        if (!json_object_get(jobs, execution.status))
            json_object_set_new(jobs, execution.status, json_array());
        json_array_append_new(json_object_get(jobs, execution.status),
                              execution_summary(&execution));
        execution_free(&execution);
    }
    db_done(rows);
    return jobs;
}

static void notify_next(struct cloud *cloud, const char *thing, int64_t first_before)
{
    struct execution first;
    const bool found = execution_first_pending(cloud, thing, &first);
    if (first.id != first_before) {
        json_t *body = json_object();
        if (found) {
            json_t *json = execution_json(cloud, &first);
            json_object_set_new(json, "jobDocument", job_document(cloud, &first));
            json_object_set_new(body, "execution", json);
        }
        cloud_notify(cloud, NOTICE_JOBS_NEXT, thing, body);
    }
    execution_free(&first);
}

void pending_notify(struct cloud *cloud, const char *thing, int64_t first_before, bool list_changed)
{
    if (list_changed)
        cloud_notify(cloud, NOTICE_JOBS, thing,
                     json_pack("{s:o}", "jobs", pending_by_status(cloud, thing)));
    notify_next(cloud, thing, first_before);
}

void pending_watch_add(struct cloud *cloud, const char *thing, struct pending_watch *watch)
{
    struct pending_watched *items =
        realloc(watch->items, (watch->count + 1) * sizeof *watch->items);
    if (!items) {
        watch->failed = true;
        return;
    }
    watch->items = items;
    struct pending_watched *item = &items[watch->count++];
    snprintf(item->thing, sizeof item->thing, "%s", thing);
    item->first = pending_first(cloud, thing);
}

void pending_watch_job(struct cloud *cloud, const char *job, bool running_too,
                       struct pending_watch *watch)
{
    struct db_rows *rows = db_select(cloud->db,
                                     "SELECT DISTINCT thing FROM job_executions WHERE job = ?"
                                     " AND (status = 'QUEUED' OR (? AND status = 'IN_PROGRESS'))",
                                     "si", job, (int64_t)running_too);
    while (db_next(rows))
        pending_watch_add(cloud, db_text(rows, 0), watch);
    db_done(rows);
}

void pending_watch_end(struct cloud *cloud, struct pending_watch *watch, bool committed)
{
    for (size_t i = 0; committed && i < watch->count; i++)
        pending_notify(cloud, watch->items[i].thing, watch->items[i].first, true);
    free(watch->items);
    *watch = (struct pending_watch){0};
}
