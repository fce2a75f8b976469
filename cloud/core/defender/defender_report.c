/* A device's report on its way: its header, its values, the last one that was taken. */
#include <inttypes.h>
#include <string.h>

#include "cloud/core/defender/defender_internal.h"

#define THING_MAX 128

/* A text "1.x": later ones of the first major version may have more members, which are passed over.
 */
static bool version_known(const char *version)
{
    return version && strncmp(version, "1.", 2) == 0 && version[2] &&
           strspn(version + 2, "0123456789") == strlen(version + 2);
}

/* Answers with the report's id as soon as there is one, for the refusal too. */
static enum core_error check_header(struct cloud *cloud, const char *thing, const json_t *report,
                                    int64_t *id, struct answer *answer)
{
    const json_t *header = either(report, "header", "hed");
    const json_t *given = either(header, "report_id", "rid");
    *id = json_is_integer(given) ? json_integer_value(given) : 0;
    if (!json_is_object(report))
        return answer_refuse(answer, CORE_INVALID_REQUEST, "Malformed metrics report");
    if (!json_is_object(header) || *id <= 0)
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "Malformed metrics report: header.report_id must be a whole number "
                             "above 0");
    if (!version_known(json_string_value(either(header, "version", "v"))))
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "Malformed metrics report: header.version must be a text 1.x, such as "
                             "\"1.0\"");
    int64_t last =
        db_number(cloud->db, "SELECT report_id FROM defender_reports WHERE thing = ?", "s", thing);
    if (*id <= last)
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "header.report_id must grow: %" PRId64 " is not above %" PRId64
                             ", that of the last report",
                             *id, last);
    return CORE_OK;
}

static otter_status keep(struct cloud *cloud, const char *thing, int64_t id, const json_t *values)
{
    int64_t now_ms = cloud_now_ms(cloud);
    otter_status status = db_begin(cloud->db);
    if (status != OTTER_OK)
        return status;
    status = db_run(cloud->db,
                    "INSERT INTO defender_reports(thing, report_id, at_ms) VALUES(?, ?, ?)"
                    " ON CONFLICT(thing) DO UPDATE SET report_id = excluded.report_id,"
                    " at_ms = excluded.at_ms",
                    "sii", thing, id, now_ms);
    if (status == OTTER_OK)
        status = report_judge(cloud, thing, values, now_ms);
    return db_finish(cloud->db, status);
}

enum core_error defender_report(struct cloud *cloud, const char *thing, const json_t *report,
                                struct answer *answer)
{
    int64_t id = 0;
    enum core_error error =
        strlen(thing) == 0 || strlen(thing) > THING_MAX
            ? answer_refuse(answer, CORE_INVALID_REQUEST, "a thing's name has 1 to 128 bytes")
            : check_header(cloud, thing, report, &id, answer);
    json_t *values = error ? NULL : values_read(cloud, report, answer);
    if (!error && !values)
        error = CORE_INVALID_REQUEST;
    if (!error && keep(cloud, thing, id, values) != OTTER_OK)
        error = answer_db_failed(cloud, answer);
    json_decref(values);
    if (!error)
        answer->body =
            json_pack("{s:s, s:I, s:s, s:I}", "thingName", thing, "reportId", (json_int_t)id,
                      "status", "ACCEPTED", "timestamp", (json_int_t)cloud_now_ms(cloud));
    else if (id > 0)
        answer->body = json_pack("{s:I}", "reportId", (json_int_t)id);
    return error;
}

/* ---- what is kept --------------------------------------------------------------------------- */

void defender_thing_removed(struct cloud *cloud, const char *thing)
{
    otter_status status = db_begin(cloud->db);
    if (status != OTTER_OK)
        return;
    status = violations_invalidate(cloud, thing, NULL, NULL);
    if (status == OTTER_OK)
        status = db_run(cloud->db, "DELETE FROM defender_values WHERE thing = ?", "s", thing);
    if (status == OTTER_OK)
        status = db_run(cloud->db, "DELETE FROM defender_reports WHERE thing = ?", "s", thing);
    db_finish(cloud->db, status);
}

otter_status defender_thing_left(struct cloud *cloud, const char *thing)
{
    return violations_prune(cloud, NULL, thing);
}

static int64_t before(const struct cloud *cloud, unsigned days, unsigned absent)
{
    return cloud_now_ms(cloud) - (int64_t)(days ? days : absent) * 86400000;
}

void defender_sweep(struct cloud *cloud)
{
    db_run(cloud->db, "DELETE FROM defender_values WHERE at_ms < ?", "i",
           before(cloud, cloud->keep_values_days, DEFENDER_KEEP_VALUES_DAYS));
    db_run(cloud->db, "DELETE FROM defender_events WHERE at_ms < ?", "i",
           before(cloud, cloud->keep_events_days, DEFENDER_KEEP_EVENTS_DAYS));
}
