/* Fleets, jobs and their things, each list by one statement. */
#include "cloud/core/overview/overview.h"

#include <string.h>

#include "cloud/core/ground/names.h"
#include "cloud/core/registry/groups.h"
#include "cloud/store/db.h"

static void set_text(json_t *object, const char *name, const char *text)
{
    if (text)
        json_object_set_new(object, name, json_string(text));
}

static int64_t most_of(const struct overview_page *page)
{
    return page->most > 0 && page->most < OVERVIEW_PAGE_MAX ? page->most : OVERVIEW_PAGE_MAX;
}

/* ---- things ---- */

/* An image's version, as a shadow says it or else the device's last report about an update: what
 * runs there now, or the version that it accepted. */
#define LAST_REPORT                                                                                \
    "(SELECT COALESCE(json_extract(details_json, '$.running'),"                                    \
    "  CASE WHEN status = 'SUCCEEDED' AND json_extract(details_json, '$.reason')"                  \
    "  LIKE 'accepted v%' THEN substr(json_extract(details_json, '$.reason'), 11) END) AS said"    \
    " FROM job_executions WHERE thing = t.name AND said IS NOT NULL"                               \
    " ORDER BY updated DESC, id DESC LIMIT 1)"

#define THINGS_MATCHING                                                                            \
    " FROM things t LEFT JOIN presence p ON p.client = t.name"                                     \
    " WHERE (?2 IS NULL OR instr(lower(t.name), lower(?2)) > 0)"                                   \
    " AND (?3 IS NULL OR (?3 = 'connected') = COALESCE(p.connected, 0))"                           \
    " AND (?1 IS NULL OR t.name IN (SELECT thing FROM thing_group_members"                         \
    "  WHERE grp IN (SELECT name FROM down)))"

static void set_job(json_t *thing, const char *id, const char *status, const char *details)
{
    if (!id)
        return;
    json_t *job = json_pack("{s:s, s:s, s:o}", "jobId", id, "status", status, "details",
                            json_stored(details, "{}"));
    json_object_set_new(thing, "job", job);
}

static json_t *thing_row(struct db_rows *rows)
{
    json_t *thing =
        json_pack("{s:s, s:b}", "thingName", db_text(rows, 0), "connected", (int)db_int(rows, 2));
    const char *reported = db_text(rows, 5);
    set_text(thing, "thingTypeName", db_text(rows, 1));
    if (!db_null(rows, 3))
        json_object_set_new(thing, "sinceMs", json_integer(db_int(rows, 3)));
    set_text(thing, "reason", db_text(rows, 4));
    set_text(thing, "version", reported ? reported : db_text(rows, 6));
    if (reported || db_text(rows, 6))
        set_text(thing, "versionFrom", reported ? "shadow" : "job");
    set_text(thing, "board", db_text(rows, 7));
    set_job(thing, db_text(rows, 8), db_text(rows, 9), db_text(rows, 10));
    return thing;
}

static json_t *things_list(struct cloud *cloud, const struct overview_page *page)
{
    json_t *list = json_array();
    struct db_rows *rows =
        db_select(cloud->db,
                  GROUPS_DOWN
                  "SELECT t.name, t.type, COALESCE(t.connected, 0), t.at_ms, t.reason,"
                  " json_extract(s.state_json, '$.reported.version'), " LAST_REPORT ","
                  " json_extract(s.state_json, '$.reported.board'), e.job, e.status, e.details_json"
                  " FROM (SELECT t.name, t.type, p.connected, p.at_ms, p.reason" THINGS_MATCHING
                  "  ORDER BY t.name <> ?2, t.name LIMIT ?4 OFFSET ?5) t"
                  " LEFT JOIN shadows s ON s.thing = t.name AND s.name = ''"
                  " LEFT JOIN job_executions e ON e.id = (SELECT id FROM job_executions"
                  "  WHERE thing = t.name AND status IN ('IN_PROGRESS', 'QUEUED')"
                  "  ORDER BY status = 'QUEUED', queued, id LIMIT 1)"
                  " ORDER BY t.name <> ?2, t.name",
                  "sssii", page->group, page->search, page->state, most_of(page), page->begin);
    while (db_next(rows))
        json_array_append_new(list, thing_row(rows));
    db_done(rows);
    return list;
}

void overview_things(struct cloud *cloud, const struct overview_page *page, struct answer *answer)
{
    const int64_t matching = db_number(cloud->db, GROUPS_DOWN "SELECT COUNT(*)" THINGS_MATCHING,
                                       "sss", page->group, page->search, page->state);
    const int64_t connected =
        db_number(cloud->db,
                  "SELECT COUNT(*) FROM things JOIN presence ON client = name WHERE connected", "");
    answer->body = json_pack("{s:o, s:I, s:I, s:I}", "things", things_list(cloud, page), "matching",
                             (json_int_t)matching, "total",
                             (json_int_t)db_number(cloud->db, "SELECT COUNT(*) FROM things", ""),
                             "connected", (json_int_t)connected);
}

/* ---- jobs ---- */

/* The latest execution of each thing. */
#define LATEST                                                                                     \
    "number = (SELECT MAX(number) FROM job_executions WHERE job = e.job AND thing = e.thing)"

static json_t *job_row(struct db_rows *rows)
{
    json_t *counts = json_stored(db_text(rows, 6), "{}");
    json_object_set_new(counts, "WAITING", json_integer(db_int(rows, 7)));
    json_t *job = json_pack("{s:s, s:s, s:I, s:o, s:o}", "jobId", db_text(rows, 0), "status",
                            db_text(rows, 1), "createdAt", (json_int_t)db_int(rows, 3), "targets",
                            json_stored(db_text(rows, 5), "[]"), "counts", counts);
    set_text(job, "description", db_text(rows, 2));
    if (!db_null(rows, 4))
        json_object_set_new(job, "completedAt", json_integer(db_int(rows, 4)));
    set_text(job, "version", db_text(rows, 8));
    return job;
}

void overview_jobs(struct cloud *cloud, const struct overview_page *page, struct answer *answer)
{
    json_t *list = json_array();
    struct db_rows *rows =
        db_select(cloud->db,
                  "SELECT id, status, description, created, completed, targets_json,"
                  " (SELECT json_group_object(status, n) FROM (SELECT status, COUNT(*) AS n"
                  "  FROM job_executions e WHERE job = jobs.id AND " LATEST " GROUP BY status)),"
                  " (SELECT COUNT(*) FROM job_waiting WHERE job = jobs.id),"
                  " (SELECT json_extract(request_json, '$.files[0].fileVersion') FROM ota_updates"
                  "  WHERE job = jobs.id LIMIT 1)"
                  " FROM jobs WHERE ?1 IS NULL OR instr(lower(id), lower(?1)) > 0"
                  " ORDER BY created DESC, id LIMIT ?2 OFFSET ?3",
                  "sii", page->search, most_of(page), page->begin);
    while (db_next(rows))
        json_array_append_new(list, job_row(rows));
    db_done(rows);
    answer->body = json_pack("{s:o, s:I}", "jobs", list, "total",
                             (json_int_t)db_number(cloud->db,
                                                   "SELECT COUNT(*) FROM jobs WHERE ?1 IS NULL"
                                                   " OR instr(lower(id), lower(?1)) > 0",
                                                   "s", page->search));
}

/* ---- executions ---- */

#define OF_JOB                                                                                     \
    " FROM (SELECT thing, number, status, queued, started, updated, details_json, attempt"         \
    "  FROM job_executions e WHERE job = ?1 AND " LATEST                                           \
    " UNION ALL SELECT thing, 0, 'WAITING', NULL, NULL, NULL, NULL, 0 FROM job_waiting"            \
    "  WHERE job = ?1) WHERE (?2 IS NULL OR status = ?2)"                                          \
    " AND (?3 IS NULL OR instr(lower(thing), lower(?3)) > 0)"

static json_t *execution_row(struct db_rows *rows)
{
    static const char *const times[] = {"queuedAt", "startedAt", "updatedAt"};
    json_t *execution =
        json_pack("{s:s, s:I, s:s, s:o, s:I}", "thingName", db_text(rows, 0), "number",
                  (json_int_t)db_int(rows, 1), "status", db_text(rows, 2), "details",
                  json_stored(db_text(rows, 6), "{}"), "attempt", (json_int_t)db_int(rows, 7));
    for (int i = 0; i < 3; i++) {
        if (!db_null(rows, 3 + i))
            json_object_set_new(execution, times[i], json_integer(db_int(rows, 3 + i)));
    }
    return execution;
}

void overview_executions(struct cloud *cloud, const char *job, const struct overview_page *page,
                         struct answer *answer)
{
    json_t *list = json_array();
    struct db_rows *rows = db_select(
        cloud->db,
        "SELECT thing, number, status, queued, started, updated, details_json, attempt" OF_JOB
        " ORDER BY CASE status WHEN 'IN_PROGRESS' THEN 0 WHEN 'QUEUED' THEN 2 WHEN 'WAITING' THEN 3"
        " WHEN 'SUCCEEDED' THEN 4 ELSE 1 END, thing LIMIT ?4 OFFSET ?5",
        "sssii", job, page->state, page->search, most_of(page), page->begin);
    while (db_next(rows))
        json_array_append_new(list, execution_row(rows));
    db_done(rows);
    answer->body = json_pack("{s:o, s:I}", "executions", list, "matching",
                             (json_int_t)db_number(cloud->db, "SELECT COUNT(*)" OF_JOB, "sss", job,
                                                   page->state, page->search));
}

/* ---- metrics ---- */

void overview_metrics(struct cloud *cloud, const char *thing, struct answer *answer)
{
    json_t *list = json_array();
    struct db_rows *rows = db_select(
        cloud->db, "SELECT DISTINCT metric FROM defender_values WHERE thing = ? ORDER BY metric",
        "s", thing);
    while (db_next(rows))
        json_array_append_new(list, json_string(db_text(rows, 0)));
    db_done(rows);
    answer->body = json_pack("{s:o}", "metrics", list);
}
