/* Between the files of topic rules. */
#ifndef OTTER_CLOUD_CORE_RULES_TOPIC_RULES_INTERNAL_H
#define OTTER_CLOUD_CORE_RULES_TOPIC_RULES_INTERNAL_H

#include "cloud/core/rules/topic_rules.h"
#include "cloud/core/rules/sql.h"

/* Whether an action, {"republish":{...}}, is one that can be done here; `what` names it in words.
 */
enum core_error action_check(struct cloud *cloud, const json_t *action, const char *what,
                             struct answer *answer);

/* What an action is done for. It may end later, and then tells itself. */
struct action_run {
    struct cloud *cloud;
    const char *rule;
    const json_t *action;
    const json_t *error_action; /* NULL: there is none, or this is it */
    const struct sql_message *message;
    unsigned hops;
    const char *output; /* what was selected */
    size_t length;
    bool *told; /* the error action was done for this message */
};

void action_run(const struct action_run *run);

/* Whether a failure may have a line of the log: so many a second, then their number alone, since
 * devices cause them. */
bool topic_rules_may_tell(struct cloud *cloud);

/* Whether a topic filter matches a topic; as MQTT has it, $ in front only by itself. */
bool topic_rules_filter_matches(const char *filter, const char *topic);

#endif
