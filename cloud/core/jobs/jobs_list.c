/* Lists of jobs and executions, page by page. A page's token is the number of entries before it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/ground/names.h"
#include "cloud/core/jobs/jobs_internal.h"
#include "cloud/core/registry/registry.h"

#define PAGE_MAX 250

static int64_t page_limit(const struct jobs_page *page)
{
    return page->limit > 0 && page->limit < PAGE_MAX ? page->limit : PAGE_MAX;
}

static bool page_offset(const struct jobs_page *page, int64_t *offset, struct answer *answer)
{
    char *end = NULL;
    *offset = page->token ? strtoll(page->token, &end, 10) : 0;
    if (!page->token || (*page->token && !*end && *offset >= 0))
        return true;
    answer_refuse(answer, CORE_INVALID_REQUEST, "nextToken is not one that was given out");
    return false;
}

#define JOB_STATUSES       "IN_PROGRESS CANCELED COMPLETED DELETION_IN_PROGRESS SCHEDULED"
#define EXECUTION_STATUSES "QUEUED IN_PROGRESS SUCCEEDED FAILED TIMED_OUT REJECTED REMOVED CANCELED"

/* Reads at most one page of rows into an array, and sets nextToken if there are more: the statement
 * must have asked for one row more than the page holds. */
static void take_page(struct cloud *cloud, struct db_rows *rows, const struct jobs_page *page,
                      int64_t offset, const char *name,
                      json_t *(*entry)(struct cloud *, struct db_rows *), struct answer *answer)
{
    json_t *list = json_array();
    int64_t limit = page_limit(page);
    char token[24];
    bool more = db_next(rows);
    while (more && (int64_t)json_array_size(list) < limit) {
        json_array_append_new(list, entry(cloud, rows));
        more = db_next(rows);
    }
    db_done(rows);
    answer->body = json_pack("{s:o}", name, list);
    if (more) {
        snprintf(token, sizeof token, "%" PRId64, offset + limit);
        json_object_set_new(answer->body, "nextToken", json_string(token));
    }
}

static json_t *job_entry(struct cloud *cloud, struct db_rows *rows)
{
    const char *id = db_text(rows, 0);
    json_t *job = json_pack(
        "{s:s, s:s, s:s, s:s, s:I, s:I}", "jobArn", arn_make(cloud, "iot", "job/%s", id).text,
        "jobId", id, "status", db_text(rows, 1), "targetSelection", db_text(rows, 2), "createdAt",
        (json_int_t)db_int(rows, 3), "lastUpdatedAt", (json_int_t)db_int(rows, 4));
    if (!db_null(rows, 5))
        json_object_set_new(job, "completedAt", json_integer(db_int(rows, 5)));
    json_object_set_new(job, "isConcurrent", json_boolean(db_int(rows, 6) != 0));
    if (!db_null(rows, 7))
        json_object_set_new(job, "thingGroupId", json_string(db_text(rows, 7)));
    return job;
}

enum core_error jobs_list(struct cloud *cloud, const struct jobs_page *page, struct answer *answer)
{
    int64_t offset;
    if (!page_offset(page, &offset, answer) ||
        check_filter("status", page->status, JOB_STATUSES, answer) ||
        check_filter("targetSelection", page->selection, "SNAPSHOT CONTINUOUS", answer))
        return CORE_INVALID_REQUEST;
    take_page(cloud,
              db_select(cloud->db,
                        "SELECT id, status, selection, created, updated, completed,"
                        " EXISTS (SELECT 1 FROM job_waiting WHERE job = jobs.id),"
                        " (SELECT g.id FROM job_groups JOIN thing_groups g ON g.name = grp"
                        "  WHERE job = jobs.id AND (?5 IS NULL OR grp = ?5)"
                        "  AND (?6 IS NULL OR g.id = ?6)) AS of_group FROM jobs"
                        " WHERE (?1 IS NULL OR status = ?1) AND (?2 IS NULL OR selection = ?2)"
                        " AND ((?5 IS NULL AND ?6 IS NULL) OR of_group IS NOT NULL)"
                        " ORDER BY created DESC, id LIMIT ?3 OFFSET ?4",
                        "ssiiss", page->status, page->selection, page_limit(page) + 1, offset,
                        page->group, page->group_id),
              page, offset, "jobs", job_entry, answer);
    return CORE_OK;
}

/* JobExecutionSummary of the control plane. */
static json_t *summary(const struct execution *execution)
{
    json_t *json =
        json_pack("{s:s, s:I, s:I, s:I, s:I}", "status", execution->status, "queuedAt",
                  (json_int_t)execution->queued, "lastUpdatedAt", (json_int_t)execution->updated,
                  "executionNumber", (json_int_t)execution->number, "retryAttempt",
                  (json_int_t)execution->attempt);
    if (execution->started)
        json_object_set_new(json, "startedAt", json_integer(execution->started));
    return json;
}

static json_t *entry_of_job(struct cloud *cloud, struct db_rows *rows)
{
    struct execution execution;
    execution_read(rows, &execution);
    json_t *entry = json_pack("{s:s, s:o}", "thingArn",
                              arn_make(cloud, "iot", "thing/%s", execution.thing).text,
                              "jobExecutionSummary", summary(&execution));
    execution_free(&execution);
    return entry;
}

static json_t *entry_of_thing(struct cloud *cloud, struct db_rows *rows)
{
    struct execution execution;
    (void)cloud;
    execution_read(rows, &execution);
    json_t *entry =
        json_pack("{s:s, s:o}", "jobId", execution.job, "jobExecutionSummary", summary(&execution));
    execution_free(&execution);
    return entry;
}

enum core_error jobs_list_for_job(struct cloud *cloud, const char *job,
                                  const struct jobs_page *page, struct answer *answer)
{
    int64_t offset;
    if (!page_offset(page, &offset, answer) ||
        check_filter("status", page->status, EXECUTION_STATUSES, answer))
        return CORE_INVALID_REQUEST;
    if (db_number(cloud->db, "SELECT COUNT(*) FROM jobs WHERE id = ?", "s", job) == 0)
        return answer_refuse(answer, CORE_NOT_FOUND, "there is no job '%.64s'", job);
    take_page(cloud,
              db_select(cloud->db,
                        "SELECT " EXECUTION_COLUMNS " FROM job_executions WHERE job = ?1"
                        " AND (?2 IS NULL OR status = ?2) ORDER BY id LIMIT ?3 OFFSET ?4",
                        "ssii", job, page->status, page_limit(page) + 1, offset),
              page, offset, "executionSummaries", entry_of_job, answer);
    return CORE_OK;
}

enum core_error jobs_list_for_thing(struct cloud *cloud, const char *thing,
                                    const struct jobs_page *page, struct answer *answer)
{
    int64_t offset;
    if (!page_offset(page, &offset, answer) ||
        check_filter("status", page->status, EXECUTION_STATUSES, answer))
        return CORE_INVALID_REQUEST;
    if (!thing_exists(cloud, thing))
        return answer_refuse(answer, CORE_NOT_FOUND, "there is no thing '%.128s'", thing);
    take_page(cloud,
              db_select(cloud->db,
                        "SELECT " EXECUTION_COLUMNS " FROM job_executions WHERE thing = ?1"
                        " AND (?2 IS NULL OR status = ?2) ORDER BY id DESC LIMIT ?3 OFFSET ?4",
                        "ssii", thing, page->status, page_limit(page) + 1, offset),
              page, offset, "executionSummaries", entry_of_thing, answer);
    return CORE_OK;
}
