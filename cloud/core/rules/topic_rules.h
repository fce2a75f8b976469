/* Topic rules: kept, and run for each message that passes the cloud.
 *
 * A rule has a statement (sql.h) and up to ten actions, each done for every message that it
 * selects:
 *
 *   republish   to a topic (templates), qos 0 or 1, retained if `headers` do not ask for more; a
 *               topic $$aws/... is the reserved one
 *   s3          one object for a message in a bucket of this cloud
 *   http        POST to a server on loopback (http://127.0.0.1:PORT/, localhost), by
 *               cloud_host.post; no confirmation is asked for
 *
 * An action that fails has the rule's error action done, once for a message, with what AWS tells
 * it. A message that a rule made may be heard by rules again, RULES_HOPS_MAX times: a loop ends.
 *
 * CORE_SQL for a statement that is none, CORE_EXISTS, CORE_UNAUTHORIZED for a rule that is not
 * there (as AWS answers), CORE_INVALID_REQUEST; a refusal changes nothing. */
#ifndef OTTER_CLOUD_CORE_RULES_TOPIC_RULES_H
#define OTTER_CLOUD_CORE_RULES_TOPIC_RULES_H

#include "cloud/core/ground/cloud.h"

#define RULES_HOPS_MAX    8
#define RULES_ACTIONS_MAX 10
#define RULES_NAME_MAX    128

struct topic_rules; /* those that are enabled, parsed */

/* ---- what users of the APIs do ---- */

/* `payload`: {"sql","actions","description"?,"ruleDisabled"?,"awsIotSqlVersion"?,"errorAction"?} */
enum core_error rule_create(struct cloud *cloud, const char *name, const json_t *payload,
                            struct answer *answer);
enum core_error rule_replace(struct cloud *cloud, const char *name, const json_t *payload,
                             struct answer *answer);
/* {"ruleArn","rule":{...}} */
enum core_error rule_get(struct cloud *cloud, const char *name, struct answer *answer);
enum core_error rule_delete(struct cloud *cloud, const char *name, struct answer *answer);
enum core_error rule_enable(struct cloud *cloud, const char *name, bool enabled,
                            struct answer *answer);
/* {"rules":[{"ruleArn","ruleName","topicPattern","createdAt","ruleDisabled"}...]}; `topic` and
 * `disabled` ("true", "false") filter, or are NULL. */
enum core_error rule_list(struct cloud *cloud, const char *topic, const char *disabled,
                          struct answer *answer);

/* ---- messages ---- */

struct topic_rules_message {
    const char *topic;
    const void *payload;
    size_t length;
    const char *client_id, *principal; /* NULL: it came without MQTT */
    unsigned hops;                     /* rules that it has been through */
};

/* Whether any rule hears this topic: cheap, so that payloads need not be gathered for nothing. */
bool topic_rules_hear(struct cloud *cloud, const char *topic);
/* Does what the rules that hear it say. Costs little when none does. */
void topic_rules_run(struct cloud *cloud, const struct topic_rules_message *message);
/* For one rule alone, whatever its FROM says, if it is there and enabled; its topic is what comes
 * behind the rule's name. False: there is none. */
bool topic_rules_ingest(struct cloud *cloud, const char *rule,
                        const struct topic_rules_message *message);

/* Forgets what was parsed; it is read again when it is needed. Called by core_stop, too. */
void topic_rules_forget(struct cloud *cloud);

#endif
