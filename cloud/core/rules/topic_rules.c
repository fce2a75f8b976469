/* Rules in the database; see topic_rules.h. */
#include "cloud/core/rules/topic_rules.h"

#include <string.h>

#include "cloud/core/ground/names.h"
#include "cloud/core/rules/topic_rules_internal.h"
#include "cloud/store/db.h"

/* ---- what may be a rule ---- */

static enum core_error check_name(const char *name, struct answer *answer)
{
    if (name_valid(name, RULES_NAME_MAX, "_"))
        return CORE_OK;
    return answer_refuse(answer, CORE_INVALID_REQUEST,
                         "A rule's name is 1 to %d of a-z A-Z 0-9 and _, not '%.60s'",
                         RULES_NAME_MAX, name ? name : "");
}

static enum core_error check_sql(const json_t *payload, struct answer *answer)
{
    const char *text = json_text(payload, "sql");
    char reason[160];
    if (!text)
        return answer_refuse(answer, CORE_INVALID_REQUEST, "sql is missing");
    struct sql *sql = sql_parse(text, reason, sizeof reason);
    if (!sql)
        return answer_refuse(answer, CORE_SQL, "The rule's SQL cannot be read: %s", reason);
    sql_free(sql);
    return CORE_OK;
}

static enum core_error check_actions(struct cloud *cloud, const json_t *payload,
                                     struct answer *answer)
{
    const json_t *actions = json_object_get(payload, "actions"), *action;
    const json_t *last = json_object_get(payload, "errorAction");
    size_t i;
    if (!json_is_array(actions) || json_array_size(actions) > RULES_ACTIONS_MAX)
        return answer_refuse(answer, CORE_INVALID_REQUEST, "actions must be a list of at most %d",
                             RULES_ACTIONS_MAX);
    json_array_foreach(actions, i, action)
    {
        enum core_error error = action_check(cloud, action, "action", answer);
        if (error)
            return error;
    }
    return last ? action_check(cloud, last, "errorAction", answer) : CORE_OK;
}

static enum core_error check(struct cloud *cloud, const char *name, const json_t *payload,
                             struct answer *answer)
{
    const json_t *disabled = json_object_get(payload, "ruleDisabled");
    enum core_error error = check_name(name, answer);
    if (!error)
        error = check_filter("awsIotSqlVersion", json_text(payload, "awsIotSqlVersion"),
                             "2015-10-08 2016-03-23 beta", answer);
    if (!error && disabled && !json_is_boolean(disabled))
        return answer_refuse(answer, CORE_INVALID_REQUEST, "ruleDisabled must be true or false");
    if (!error)
        error = check_sql(payload, answer);
    return error ? error : check_actions(cloud, payload, answer);
}

/* ---- the table ---- */

static enum core_error missing(const char *name, struct answer *answer)
{
    return answer_refuse(answer, CORE_UNAUTHORIZED,
                         "Access to topic rule '%.128s' was denied: there is none of that name",
                         name ? name : "");
}

static enum core_error write(struct cloud *cloud, const char *sql, const char *name,
                             const json_t *payload, struct answer *answer)
{
    char *text = json_dumps(payload, JSON_COMPACT);
    otter_status status =
        text ? db_run(cloud->db, sql, "siis", text,
                      (int64_t)json_is_true(json_object_get(payload, "ruleDisabled")),
                      cloud_now(cloud), name)
             : OTTER_E_MEMORY;
    free(text);
    topic_rules_forget(cloud);
    if (status == OTTER_E_STATE)
        return answer_refuse(answer, CORE_EXISTS, "Rule %s already exists", name);
    if (status != OTTER_OK)
        return answer_db_failed(cloud, answer);
    return db_changes(cloud->db) ? CORE_OK : missing(name, answer);
}

enum core_error rule_create(struct cloud *cloud, const char *name, const json_t *payload,
                            struct answer *answer)
{
    enum core_error error = check(cloud, name, payload, answer);
    return error ? error
                 : write(cloud,
                         "INSERT INTO topic_rules(rule_json, disabled, created, name)"
                         " VALUES(?, ?, ?, ?)",
                         name, payload, answer);
}

enum core_error rule_replace(struct cloud *cloud, const char *name, const json_t *payload,
                             struct answer *answer)
{
    enum core_error error = check(cloud, name, payload, answer);
    return error ? error
                 : write(cloud,
                         "UPDATE topic_rules SET rule_json = ?, disabled = ?, replaced = ?"
                         " WHERE name = ?",
                         name, payload, answer);
}

enum core_error rule_get(struct cloud *cloud, const char *name, struct answer *answer)
{
    struct db_rows *rows =
        db_select(cloud->db, "SELECT rule_json, disabled, created FROM topic_rules WHERE name = ?",
                  "s", name);
    if (db_next(rows)) {
        json_t *rule = json_stored(db_text(rows, 0), "{}");
        json_object_set_new(rule, "ruleName", json_string(name));
        json_object_set_new(rule, "ruleDisabled", json_boolean(db_int(rows, 1) != 0));
        json_object_set_new(rule, "createdAt", json_integer(db_int(rows, 2)));
        if (!json_object_get(rule, "awsIotSqlVersion"))
            json_object_set_new(rule, "awsIotSqlVersion", json_string("2015-10-08"));
        answer->body = json_pack("{s:s,s:o}", "ruleArn",
                                 arn_make(cloud, "iot", "rule/%s", name).text, "rule", rule);
    }
    db_done(rows);
    return answer->body ? CORE_OK : missing(name, answer);
}

static enum core_error changed(struct cloud *cloud, otter_status status, const char *name,
                               struct answer *answer)
{
    topic_rules_forget(cloud);
    if (status != OTTER_OK)
        return answer_db_failed(cloud, answer);
    return db_changes(cloud->db) ? CORE_OK : missing(name, answer);
}

enum core_error rule_delete(struct cloud *cloud, const char *name, struct answer *answer)
{
    return changed(cloud, db_run(cloud->db, "DELETE FROM topic_rules WHERE name = ?", "s", name),
                   name, answer);
}

enum core_error rule_enable(struct cloud *cloud, const char *name, bool enabled,
                            struct answer *answer)
{
    return changed(cloud,
                   db_run(cloud->db, "UPDATE topic_rules SET disabled = ? WHERE name = ?", "is",
                          (int64_t)!enabled, name),
                   name, answer);
}

static json_t *listed(struct cloud *cloud, struct db_rows *row, const char *pattern)
{
    return json_pack("{s:s,s:s,s:s*,s:I,s:b}", "ruleArn",
                     arn_make(cloud, "iot", "rule/%s", db_text(row, 0)).text, "ruleName",
                     db_text(row, 0), "topicPattern", pattern, "createdAt",
                     (json_int_t)db_int(row, 3), "ruleDisabled", db_int(row, 2) != 0);
}

enum core_error rule_list(struct cloud *cloud, const char *topic, const char *disabled,
                          struct answer *answer)
{
    char reason[160];
    json_t *rules = json_array();
    struct db_rows *rows = db_select(
        cloud->db, "SELECT name, rule_json, disabled, created FROM topic_rules ORDER BY name", "");
    while (db_next(rows)) {
        json_t *rule = json_stored(db_text(rows, 1), "{}");
        const char *text = json_text(rule, "sql");
        struct sql *sql = sql_parse(text ? text : "", reason, sizeof reason);
        const char *pattern = sql ? sql_filter(sql) : NULL;
        bool fits = !disabled || (strcmp(disabled, "true") == 0) == (db_int(rows, 2) != 0);
        if (fits && (!topic || (pattern && topic_rules_filter_matches(pattern, topic)) ||
                     (pattern && strcmp(pattern, topic) == 0)))
            json_array_append_new(rules, listed(cloud, rows, pattern));
        sql_free(sql);
        json_decref(rule);
    }
    db_done(rows);
    answer->body = json_pack("{s:o}", "rules", rules);
    return CORE_OK;
}
