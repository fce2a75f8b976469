/* Messages meet rules; see topic_rules.h. The rules that are enabled are kept parsed, until one
 * changes. */
#include <stdlib.h>
#include <string.h>

#include "cloud/core/ground/names.h"
#include "cloud/core/rules/topic_rules_internal.h"
#include "cloud/store/db.h"

#define MADE_MAX  1000
#define LINES_MAX 5

struct rule {
    char name[RULES_NAME_MAX + 1];
    struct sql *sql;
    json_t *payload;
    struct rule *next;
};

struct topic_rules {
    struct rule *first;
    unsigned users;           /* calls that go through them */
    int64_t told;             /* the second in which a loop was told of */
    int64_t second;           /* and in it: */
    unsigned made;            /* messages of rules that were heard by rules */
    int64_t failed_at;        /* the second in which an action failed last */
    unsigned lines, left_out; /* of the log: told in that second; not told since the last one */
    bool is_forgotten;
};

/* ---- what is parsed ---- */

static void free_rules(struct topic_rules *rules)
{
    while (rules->first) {
        struct rule *rule = rules->first;
        rules->first = rule->next;
        sql_free(rule->sql);
        json_decref(rule->payload);
        free(rule);
    }
    free(rules);
}

void topic_rules_forget(struct cloud *cloud)
{
    struct topic_rules *rules = cloud->topic_rules;
    cloud->topic_rules = NULL;
    if (!rules)
        return;
    rules->is_forgotten = true;
    if (rules->users == 0)
        free_rules(rules);
}

static void add_rule(struct cloud *cloud, struct topic_rules *rules, const char *name,
                     const char *text)
{
    char reason[160];
    struct rule *rule = calloc(1, sizeof *rule);
    if (!rule)
        abort();
    strcpy(rule->name, name);
    rule->payload = json_stored(text, "{}");
    const char *sql = json_text(rule->payload, "sql");
    rule->sql = sql_parse(sql ? sql : "", reason, sizeof reason);
    rule->next = rules->first;
    rules->first = rule;
    if (!rule->sql)
        cloud_log("rules", "rule %s does nothing: %s", name, reason);
    (void)cloud;
}

static struct topic_rules *parsed(struct cloud *cloud)
{
    if (cloud->topic_rules)
        return cloud->topic_rules;
    cloud->topic_rules = calloc(1, sizeof *cloud->topic_rules);
    if (!cloud->topic_rules)
        abort();
    struct db_rows *rows = db_select(
        cloud->db, "SELECT name, rule_json FROM topic_rules WHERE disabled = 0 ORDER BY name DESC",
        "");
    while (db_next(rows))
        add_rule(cloud, cloud->topic_rules, db_text(rows, 0), db_text(rows, 1));
    db_done(rows);
    return cloud->topic_rules;
}

bool topic_rules_may_tell(struct cloud *cloud)
{
    struct topic_rules *rules = parsed(cloud);
    const int64_t now = cloud_now(cloud);
    if (rules->failed_at != now) {
        rules->failed_at = now;
        rules->lines = 0;
        if (rules->left_out > 0)
            cloud_log("rules", "(%u more failures of actions were left out)", rules->left_out);
        rules->left_out = 0;
    }
    if (rules->lines == LINES_MAX) {
        rules->left_out++;
        return false;
    }
    rules->lines++;
    return true;
}

/* ---- filters ---- */

bool topic_rules_filter_matches(const char *filter, const char *topic)
{
    if (*topic == '$' && *filter != '$')
        return false;
    while (*filter) {
        if (*filter == '#')
            return true;
        if (*filter == '+') {
            topic += strcspn(topic, "/");
            filter++;
        } else if (*filter == *topic) {
            filter++;
            topic++;
        } else { /* a/# also is a */
            return !*topic && strcmp(filter, "/#") == 0;
        }
    }
    return !*topic;
}

static bool hears(const struct rule *rule, const char *topic)
{
    const char *filter = rule->sql ? sql_filter(rule->sql) : NULL;
    return filter && topic_rules_filter_matches(filter, topic);
}

bool topic_rules_hear(struct cloud *cloud, const char *topic)
{
    for (const struct rule *rule = parsed(cloud)->first; rule; rule = rule->next)
        if (hears(rule, topic))
            return true;
    return false;
}

/* ---- running ---- */

static void run_actions(struct cloud *cloud, const struct rule *rule,
                        const struct sql_message *message, unsigned hops)
{
    size_t length = 0, i;
    bool told = false;
    const json_t *action;
    char *output = sql_output(rule->sql, message, &length);
    if (!output)
        return;
    json_array_foreach(json_object_get(rule->payload, "actions"), i, action)
    {
        const struct action_run run = {.cloud = cloud,
                                       .rule = rule->name,
                                       .action = action,
                                       .error_action =
                                           json_object_get(rule->payload, "errorAction"),
                                       .message = message,
                                       .hops = hops,
                                       .output = output,
                                       .length = length,
                                       .told = &told};
        action_run(&run);
    }
    free(output);
}

/* Rules that hear each other may also make more messages from each: so many a second are enough. */
static bool is_flood(struct topic_rules *rules, int64_t now,
                     const struct topic_rules_message *given)
{
    if (given->hops == 0)
        return false;
    if (rules->second != now) {
        rules->second = now;
        rules->made = 0;
    }
    if (rules->made == MADE_MAX)
        cloud_log(
            "rules",
            "rules make more than %d messages a second for rules, the last one on %.100s: some "
            "are heard by no rule",
            MADE_MAX, given->topic);
    return ++rules->made > MADE_MAX;
}

static bool is_loop(struct topic_rules *rules, const struct rule *rule, int64_t now,
                    const struct topic_rules_message *message)
{
    if (message->hops < RULES_HOPS_MAX)
        return false;
    if (rules->told != now)
        cloud_log("rules",
                  "rule %s is not run for a message on %.100s that rules have made %u times: they "
                  "hear each other",
                  rule->name, message->topic, message->hops);
    rules->told = now;
    return true;
}

/* Those that hear the topic, or the one of this name. */
static unsigned run(struct cloud *cloud, const char *name, const struct topic_rules_message *given)
{
    struct topic_rules *rules = parsed(cloud);
    char trace[UUID_SIZE];
    unsigned count = 0;
    json_t *root = NULL;
    if (is_flood(rules, cloud_now(cloud), given))
        return 1;
    rules->users++;
    for (const struct rule *rule = rules->first; rule; rule = rule->next) {
        if (!rule->sql || !(name ? strcmp(name, rule->name) == 0 : hears(rule, given->topic)))
            continue;
        if (count++ == 0) {
            uuid_make(trace);
            root = sql_read(given->payload, given->length);
        }
        const struct sql_message message = {.topic = given->topic,
                                            .payload = given->payload,
                                            .length = given->length,
                                            .client_id = given->client_id,
                                            .principal = given->principal,
                                            .account = cloud->account,
                                            .trace = trace,
                                            .now_ms = cloud_now_ms(cloud),
                                            .root = root};
        if (!is_loop(rules, rule, cloud_now(cloud), given) && sql_selects(rule->sql, &message))
            run_actions(cloud, rule, &message, given->hops);
    }
    json_decref(root);
    if (--rules->users == 0 && rules->is_forgotten)
        free_rules(rules);
    return count;
}

void topic_rules_run(struct cloud *cloud, const struct topic_rules_message *message)
{
    run(cloud, NULL, message);
}

bool topic_rules_ingest(struct cloud *cloud, const char *rule,
                        const struct topic_rules_message *message)
{
    return run(cloud, rule, message) > 0;
}
