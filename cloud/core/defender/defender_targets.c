/* Which things a security profile concerns. */
#include <stdio.h>
#include <string.h>

#include "cloud/core/defender/defender_internal.h"
#include "cloud/core/registry/groups.h"
#include "cloud/core/registry/registry.h"

json_t *profile_identifier(struct cloud *cloud, const char *name)
{
    return json_pack("{s:s, s:s}", "name", name, "arn",
                     arn_make(cloud, "iot", "securityprofile/%s", name).text);
}

enum core_error profile_need(struct cloud *cloud, const char *name, struct answer *answer)
{
    if (db_number(cloud->db, "SELECT COUNT(*) FROM defender_profiles WHERE name = ?", "s", name))
        return CORE_OK;
    return answer_refuse(answer, CORE_NOT_FOUND, "Security profile %.128s cannot be found.", name);
}

static enum core_error check_target(struct cloud *cloud, const char *target, struct answer *answer)
{
    const char *all = target ? arn_name(cloud, target, "iot", "all") : NULL;
    const char *group = target ? arn_name(cloud, target, "iot", "thinggroup") : NULL;
    if (group && !group_exists(cloud, group))
        return answer_refuse(answer, CORE_NOT_FOUND, "Thing group %.128s cannot be found.", group);
    if (group || (all && (strcmp(all, "things") == 0 || strcmp(all, "registered-things") == 0 ||
                          strcmp(all, "unregistered-things") == 0)))
        return CORE_OK;
    return answer_refuse(answer, CORE_INVALID_REQUEST,
                         "Security profiles are attached to a thing group, to %s, "
                         ".../registered-things or .../unregistered-things, not to %.80s",
                         arn_make(cloud, "iot", "all/things").text, target ? target : "nothing");
}

enum core_error defender_attach(struct cloud *cloud, const char *profile, const char *target,
                                struct answer *answer)
{
    enum core_error error = profile_need(cloud, profile, answer);
    if (!error)
        error = check_target(cloud, target, answer);
    if (error)
        return error;
    if (db_number(cloud->db,
                  "SELECT COUNT(*) FROM defender_targets WHERE target = ? AND profile <> ?", "ss",
                  target, profile) >= DEFENDER_PROFILES_OF_TARGET)
        return answer_refuse(answer, CORE_LIMIT,
                             "At most %d security profiles can be attached to a target",
                             DEFENDER_PROFILES_OF_TARGET);
    if (db_run(cloud->db, "INSERT OR IGNORE INTO defender_targets(profile, target) VALUES(?, ?)",
               "ss", profile, target) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    return CORE_OK;
}

enum core_error defender_detach(struct cloud *cloud, const char *profile, const char *target,
                                struct answer *answer)
{
    enum core_error error = profile_need(cloud, profile, answer);
    if (!error)
        error = check_target(cloud, target, answer);
    if (error)
        return error;
    otter_status status = db_begin(cloud->db);
    if (status == OTTER_OK) {
        status = db_run(cloud->db, "DELETE FROM defender_targets WHERE profile = ? AND target = ?",
                        "ss", profile, target);
        if (status == OTTER_OK)
            status = violations_prune(cloud, profile, NULL);
        status = db_finish(cloud->db, status);
    }
    return status == OTTER_OK ? CORE_OK : answer_db_failed(cloud, answer);
}

enum core_error defender_targets(struct cloud *cloud, const char *profile, struct answer *answer)
{
    enum core_error error = profile_need(cloud, profile, answer);
    if (error)
        return error;
    json_t *list = json_array();
    struct db_rows *rows = db_select(
        cloud->db, "SELECT target FROM defender_targets WHERE profile = ? ORDER BY target", "s",
        profile);
    while (db_next(rows))
        json_array_append_new(list, json_pack("{s:s}", "arn", db_text(rows, 0)));
    db_done(rows);
    answer->body = json_pack("{s:o}", "securityProfileTargets", list);
    return CORE_OK;
}

enum core_error defender_profiles_of(struct cloud *cloud, const char *target, struct answer *answer)
{
    enum core_error error = check_target(cloud, target, answer);
    if (error)
        return error;
    json_t *list = json_array();
    struct db_rows *rows = db_select(
        cloud->db, "SELECT profile FROM defender_targets WHERE target = ? ORDER BY profile", "s",
        target);
    while (db_next(rows))
        json_array_append_new(list, json_pack("{s:o, s:{s:s}}", "securityProfileIdentifier",
                                              profile_identifier(cloud, db_text(rows, 0)), "target",
                                              "arn", target));
    db_done(rows);
    answer->body = json_pack("{s:o}", "securityProfileTargetMappings", list);
    return CORE_OK;
}

/* ---- of a thing ----------------------------------------------------------------------------- */

static json_t *retained(const json_t *members)
{
    json_t *names = json_array(), *item;
    size_t i;
    json_array_foreach(json_object_get(members, "additionalMetricsToRetain"), i, item)
        json_array_append(names, item);
    json_array_foreach(json_object_get(members, "additionalMetricsToRetainV2"), i, item)
        json_array_append(names, json_object_get(item, "metric"));
    return names;
}

json_t *profiles_of_thing(struct cloud *cloud, const char *thing)
{
    json_t *profiles = json_object();
    const char *kind = thing_exists(cloud, thing) ? "registered" : "unregistered";
    struct db_rows *rows = db_select(
        cloud->db,
        "WITH RECURSIVE up(name) AS (SELECT grp FROM thing_group_members WHERE thing = ?1 UNION"
        " SELECT g.parent FROM thing_groups g JOIN up ON g.name = up.name WHERE g.parent NOTNULL)"
        " SELECT DISTINCT p.name, p.members_json FROM defender_targets t"
        " JOIN defender_profiles p ON p.name = t.profile"
        " WHERE t.target IN (?2, ?3) OR t.target IN (SELECT ?4 || name FROM up)",
        "ssss", thing, arn_make(cloud, "iot", "all/things").text,
        arn_make(cloud, "iot", "all/%s-things", kind).text,
        arn_make(cloud, "iot", "thinggroup/").text);
    while (db_next(rows)) {
        json_t *members = json_stored(db_text(rows, 1), "{}");
        json_t *behaviors = json_object_get(members, "behaviors");
        json_object_set_new(profiles, db_text(rows, 0),
                            json_pack("{s:o, s:o}", "behaviors",
                                      behaviors ? json_incref(behaviors) : json_array(), "retain",
                                      retained(members)));
        json_decref(members);
    }
    db_done(rows);
    return profiles;
}
