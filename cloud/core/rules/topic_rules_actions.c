/* What rules do: republish, s3, http; and what is done when that fails. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/account/objects.h"
#include "cloud/core/account/roles.h"
#include "cloud/core/ground/names.h"
#include "cloud/core/rules/topic_rules_internal.h"

#define HEADERS_MAX 20

/* ---- what may be an action ---- */

static enum core_error check_text(const json_t *of, const char *member, const char *what,
                                  struct answer *answer)
{
    const char *text = json_text(of, member), *fault;
    char reason[160];
    if (!text || !*text)
        return answer_refuse(answer, CORE_INVALID_REQUEST, "%s: %s is missing", what, member);
    fault = sql_template_fault(text, reason);
    return fault ? answer_refuse(answer, CORE_SQL, "%s: %s: %s", what, member, fault) : CORE_OK;
}

static enum core_error refuse_others(const json_t *of, const char *known, const char *what,
                                     struct answer *answer)
{
    const char *name;
    json_t *value;
    struct answer none = ANSWER_INIT;
    json_object_foreach((json_t *)of, name, value)
    {
        bool empty = json_is_null(value) || json_is_false(value);
        if (!empty && check_filter("", name, known, &none) != CORE_OK)
            return answer_refuse(answer, CORE_INVALID_REQUEST,
                                 "This cloud does not offer %.40s in %s: leave it out", name, what);
    }
    return CORE_OK;
}

static enum core_error check_republish(struct cloud *cloud, const json_t *of, struct answer *answer)
{
    const json_t *qos = json_object_get(of, "qos");
    enum core_error error = refuse_others(of, "roleArn topic qos", "republish", answer);
    if (!error)
        error = check_text(of, "topic", "republish", answer);
    if (!error && qos && json_integer_value(qos) != 0 && json_integer_value(qos) != 1)
        return answer_refuse(answer, CORE_INVALID_REQUEST, "republish: qos must be 0 or 1");
    return error ? error
                 : role_check_trust(cloud, json_text(of, "roleArn"), "iot.amazonaws.com", answer);
}

static enum core_error check_s3(struct cloud *cloud, const json_t *of, struct answer *answer)
{
    enum core_error error = refuse_others(of, "roleArn bucketName key cannedAcl", "s3", answer);
    if (!error)
        error = check_text(of, "bucketName", "s3", answer);
    if (!error)
        error = check_text(of, "key", "s3", answer);
    return error ? error
                 : role_check_trust(cloud, json_text(of, "roleArn"), "iot.amazonaws.com", answer);
}

/* Nothing but a port may stand between the host and the path: http://localhost:80@there/ is there.
 */
static bool is_loopback(const char *url)
{
    static const char *const hosts[] = {"http://127.0.0.1", "http://localhost", "http://[::1]"};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        size_t size = strlen(hosts[i]);
        if (strncmp(url, hosts[i], size) != 0)
            continue;
        const char *rest = url + size;
        if (*rest == ':')
            rest += 1 + strspn(rest + 1, "0123456789");
        if (!*rest || strchr("/?#", *rest))
            return true;
    }
    return false;
}

static enum core_error check_http(struct cloud *cloud, const json_t *of, struct answer *answer)
{
    const json_t *headers = json_object_get(of, "headers"), *header;
    size_t i;
    (void)cloud;
    enum core_error error = refuse_others(of, "url confirmationUrl headers", "http", answer);
    if (!error)
        error = check_text(of, "url", "http", answer);
    if (!error && !is_loopback(json_text(of, "url")))
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "http: this cloud posts to servers on this machine alone: "
                             "http://127.0.0.1:PORT/...");
    if (!error && json_array_size(headers) > HEADERS_MAX)
        return answer_refuse(answer, CORE_INVALID_REQUEST, "http: at most %d headers", HEADERS_MAX);
    json_array_foreach(headers, i, header)
    {
        if (!error && !name_valid(json_text(header, "key"), 256, "-_"))
            return answer_refuse(answer, CORE_INVALID_REQUEST, "http: a header has no name");
        if (!error)
            error = check_text(header, "value", "http: headers", answer);
    }
    return error;
}

static void run_republish(const struct action_run *run, const json_t *of);
static void run_s3(const struct action_run *run, const json_t *of);
static void run_http(const struct action_run *run, const json_t *of);

static const struct kind {
    const char *name;
    enum core_error (*check)(struct cloud *cloud, const json_t *of, struct answer *answer);
    void (*run)(const struct action_run *run, const json_t *of);
} kinds[] = {
    {"republish", check_republish, run_republish},
    {"s3", check_s3, run_s3},
    {"http", check_http, run_http},
};

static const struct kind *kind_of(const json_t *action)
{
    const char *name = json_object_iter_key(json_object_iter((json_t *)action));
    for (size_t i = 0; name && i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(name, kinds[i].name) == 0)
            return &kinds[i];
    return NULL;
}

enum core_error action_check(struct cloud *cloud, const json_t *action, const char *what,
                             struct answer *answer)
{
    const struct kind *kind = kind_of(action);
    const char *name = json_object_iter_key(json_object_iter((json_t *)action));
    if (json_object_size(action) != 1)
        return answer_refuse(answer, CORE_INVALID_REQUEST, "Each %s does exactly one thing", what);
    if (!kind)
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "This cloud does not offer the action %.40s: it has republish, s3 and "
                             "http",
                             name);
    return kind->check(cloud, json_object_get(action, kind->name), answer);
}

/* ---- when one fails ---- */

/* What the error action gets in place of the message, as AWS words it. */
static char *error_body(const struct action_run *run, const char *resource, const char *why)
{
    char *payload = base64_new(run->message->payload, run->message->length);
    json_t *body =
        json_pack("{s:s,s:s,s:s,s:s,s:s,s:[{s:s,s:s,s:s}]}", "ruleName", run->rule, "topic",
                  run->message->topic, "cloudwatchTraceId", run->message->trace, "clientId",
                  run->message->client_id ? run->message->client_id : "N/A",
                  "base64OriginalPayload", payload, "failures", "failedAction",
                  kind_of(run->action)->name, "failedResource", resource, "errorMessage", why);
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    json_decref(body);
    free(payload);
    return text;
}

static void fail(const struct action_run *run, const char *resource, const char *why)
{
    char *body;
    if (topic_rules_may_tell(run->cloud))
        cloud_log("rules", "rule %s: %s to %.100s failed: %.200s", run->rule,
                  kind_of(run->action)->name, resource, why);
    if (!run->error_action || *run->told)
        return;
    *run->told = true;
    body = error_body(run, resource, why);
    if (!body)
        return;
    json_t *root = sql_read(body, strlen(body));
    struct sql_message message = *run->message;
    message.payload = body;
    message.length = strlen(body);
    message.root = root;
    const struct action_run last = {.cloud = run->cloud,
                                    .rule = run->rule,
                                    .action = run->error_action,
                                    .message = &message,
                                    .hops = run->hops,
                                    .output = body,
                                    .length = message.length,
                                    .told = run->told};
    action_run(&last);
    json_decref(root);
    free(body);
}

/* The member with its expressions filled in; NULL, having failed, when one is undefined. */
static char *filled(const struct action_run *run, const json_t *of, const char *member)
{
    const char *text = json_text(of, member);
    char *value = text ? sql_fill(text, run->message) : NULL;
    char why[96];
    if (value && *value)
        return value;
    free(value);
    snprintf(why, sizeof why, "an expression in %s is undefined for this message", member);
    fail(run, text ? text : member, why);
    return NULL;
}

/* ---- republish ---- */

static void run_republish(const struct action_run *run, const json_t *of)
{
    char *topic = filled(run, of, "topic");
    if (!topic)
        return;
    const char *to = strncmp(topic, "$$", 2) == 0 ? topic + 1 : topic;
    if (strlen(to) > 256 || strpbrk(to, "+#") || (*topic == '$' && to == topic))
        fail(run, topic,
             "this is no topic that a rule may publish to ($$aws/... is a reserved one)");
    else
        cloud_publish(run->cloud,
                      &(struct message){.topic = to,
                                        .payload = run->output,
                                        .length = run->length,
                                        .qos = (int)json_integer_value(json_object_get(of, "qos")),
                                        .by_rule = true,
                                        .hops = run->hops + 1});
    free(topic);
}

/* ---- s3 ---- */

static void run_s3(const struct action_run *run, const json_t *of)
{
    struct answer answer = ANSWER_INIT;
    char resource[400];
    char *bucket = filled(run, of, "bucketName"), *key = bucket ? filled(run, of, "key") : NULL;
    if (key) {
        struct object_upload upload = {
            .bucket = bucket, .key = key, .content = run->output, .size = run->length};
        struct object object;
        snprintf(resource, sizeof resource, "%.100s/%.250s", bucket, key);
        if (object_put(run->cloud, &upload, &object, &answer) != CORE_OK)
            fail(run, resource, answer.message[0] ? answer.message : "the object was not written");
    }
    answer_free(&answer);
    free(bucket);
    free(key);
}

/* ---- http ---- */

/* What is left of a run when the server answers: copies. */
struct posted {
    struct cloud *cloud;
    char *rule, *url, *payload, *topic, *client_id, *trace;
    json_t *action, *error_action;
    struct sql_message message;
    unsigned hops;
    bool told;
};

static char *copy(const char *text)
{
    return text ? strdup(text) : NULL;
}

static struct posted *keep(const struct action_run *run, const char *url)
{
    struct posted *kept = calloc(1, sizeof *kept);
    if (!kept)
        abort();
    *kept = (struct posted){.cloud = run->cloud,
                            .rule = strdup(run->rule),
                            .url = strdup(url),
                            .topic = strdup(run->message->topic),
                            .client_id = copy(run->message->client_id),
                            .trace = copy(run->message->trace),
                            .payload = malloc(run->message->length + 1),
                            .action = json_incref((json_t *)run->action),
                            .error_action = json_incref((json_t *)run->error_action),
                            .message = *run->message,
                            .hops = run->hops,
                            .told = *run->told};
    if (kept->payload && run->message->length > 0)
        memcpy(kept->payload, run->message->payload, run->message->length);
    kept->message.topic = kept->topic;
    kept->message.client_id = kept->client_id;
    kept->message.trace = kept->trace;
    kept->message.payload = kept->payload;
    kept->message.principal = NULL;
    kept->message.root = NULL;
    return kept;
}

static void on_posted(void *context, const char *why)
{
    struct posted *kept = context;
    const struct action_run run = {.cloud = kept->cloud,
                                   .rule = kept->rule,
                                   .action = kept->action,
                                   .error_action = kept->error_action,
                                   .message = &kept->message,
                                   .hops = kept->hops,
                                   .told = &kept->told};
    if (why)
        fail(&run, kept->url, why);
    free(kept->rule);
    free(kept->url);
    free(kept->topic);
    free(kept->client_id);
    free(kept->trace);
    free(kept->payload);
    json_decref(kept->action);
    json_decref(kept->error_action);
    free(kept);
}

/* [{"key","value"}] with expressions filled in; NULL, having failed. */
static json_t *filled_headers(const struct action_run *run, const json_t *of)
{
    json_t *headers = json_array(), *header;
    size_t i;
    json_array_foreach(json_object_get(of, "headers"), i, header)
    {
        char *value = filled(run, header, "value");
        if (value && strpbrk(value, "\r\n"))
            fail(run, json_text(of, "url"), "a header's value has a line break");
        if (!value || strpbrk(value, "\r\n")) {
            json_decref(headers);
            free(value);
            return NULL;
        }
        json_array_append_new(
            headers, json_pack("{s:O,s:s}", "key", json_object_get(header, "key"), "value", value));
        free(value);
    }
    return headers;
}

static void run_http(const struct action_run *run, const json_t *of)
{
    char *url = filled(run, of, "url");
    json_t *headers = url ? filled_headers(run, of) : NULL;
    if (headers && !is_loopback(url)) {
        fail(run, url, "the server is not on this machine");
    } else if (headers && !run->cloud->host.post) {
        fail(run, url, "nobody here posts messages");
    } else if (headers) {
        const struct cloud_post post = {.url = url,
                                        .headers = headers,
                                        .json = run->message->root != NULL,
                                        .body = run->output,
                                        .length = run->length,
                                        .done = on_posted,
                                        .of = keep(run, url)};
        run->cloud->host.post(run->cloud->host.context, &post);
    }
    json_decref(headers);
    free(url);
}

void action_run(const struct action_run *run)
{
    const struct kind *kind = kind_of(run->action);
    if (kind)
        kind->run(run, json_object_get(run->action, kind->name));
}
