/* Which things are in which groups. Whoever wants to know of a change (continuous jobs do) hears of
 * it through cloud->watch, in the transaction that makes it. */
#include "cloud/core/ground/names.h"
#include "cloud/core/registry/groups.h"
#include "cloud/core/registry/registry_internal.h"
#include "cloud/store/db.h"

static enum core_error need_both(struct cloud *cloud, const char *group, const char *thing,
                                 struct answer *answer)
{
    if (!group || !thing)
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "The thing and the group must be named, or given by ARN.");
    if (!group_exists(cloud, group))
        return answer_refuse(answer, CORE_NOT_FOUND, "Thing group %.128s cannot be found.", group);
    return need_thing(cloud, thing, answer);
}

enum core_error group_things(struct cloud *cloud, const char *name, bool recursive,
                             struct answer *answer)
{
    if (!group_exists(cloud, name))
        return answer_refuse(answer, CORE_NOT_FOUND, "Thing group %.128s cannot be found.", name);
    json_t *things = json_array();
    struct db_rows *rows = db_select(
        cloud->db,
        GROUPS_DOWN "SELECT DISTINCT thing FROM thing_group_members"
                    " WHERE grp = ?1 OR (?2 AND grp IN (SELECT name FROM down)) ORDER BY thing",
        "si", name, (int64_t)recursive);
    while (db_next(rows))
        json_array_append_new(things, json_string(db_text(rows, 0)));
    db_done(rows);
    answer->body = json_pack("{s:o}", "things", things);
    return CORE_OK;
}

/* ---- add ---- */

/* Two groups are of one hierarchy when they have the same root. */
static int64_t groups_beside(struct cloud *cloud, const char *group, const char *thing)
{
    return db_number(
        cloud->db,
        GROUPS_UP ", tree(name) AS (SELECT up.name FROM up JOIN thing_groups g ON g.name = up.name"
                  " WHERE g.parent IS NULL UNION SELECT g.name FROM thing_groups g"
                  " JOIN tree ON g.parent = tree.name)"
                  " SELECT COUNT(*) FROM thing_group_members"
                  " WHERE thing = ?2 AND grp IN (SELECT name FROM tree)",
        "ss", group, thing);
}

static enum core_error check_place(struct cloud *cloud, const char *group, const char *thing,
                                   struct answer *answer)
{
    if (db_number(cloud->db, "SELECT COUNT(*) FROM thing_group_members WHERE thing = ?", "s",
                  thing) >= GROUPS_OF_THING_MAX)
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "Thing %s is in %d groups already, which is the most.", thing,
                             GROUPS_OF_THING_MAX);
    if (groups_beside(cloud, group, thing) > 0)
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "Thing %s is in another group of the hierarchy of %s already.", thing,
                             group);
    return CORE_OK;
}

static bool is_member(struct cloud *cloud, const char *group, const char *thing)
{
    return db_number(cloud->db,
                     "SELECT COUNT(*) FROM thing_group_members WHERE grp = ? AND thing = ?", "ss",
                     group, thing) > 0;
}

typedef otter_status told(struct cloud *cloud, const char *thing, const char *group);

static enum core_error change(struct cloud *cloud, const char *sql, const char *group,
                              const char *thing, told *told, struct answer *answer)
{
    otter_status status = db_begin(cloud->db);
    if (status == OTTER_OK) {
        status = db_run(cloud->db, sql, "ss", group, thing);
        if (status == OTTER_OK && told)
            status = told(cloud, thing, group);
        status = db_finish(cloud->db, status);
    }
    return status == OTTER_OK ? CORE_OK : answer_db_failed(cloud, answer);
}

enum core_error group_add_thing(struct cloud *cloud, const char *group, const char *thing,
                                struct answer *answer)
{
    enum core_error error = need_both(cloud, group, thing, answer);
    if (error || is_member(cloud, group, thing))
        return error;
    error = check_place(cloud, group, thing, answer);
    if (error)
        return error;
    return change(cloud, "INSERT INTO thing_group_members(grp, thing) VALUES(?, ?)", group, thing,
                  cloud->watch.thing_joined, answer);
}

enum core_error group_remove_thing(struct cloud *cloud, const char *group, const char *thing,
                                   struct answer *answer)
{
    enum core_error error = need_both(cloud, group, thing, answer);
    if (error || !is_member(cloud, group, thing))
        return error;
    return change(cloud, "DELETE FROM thing_group_members WHERE grp = ? AND thing = ?", group,
                  thing, cloud->watch.thing_left, answer);
}
