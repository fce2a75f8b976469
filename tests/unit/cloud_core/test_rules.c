/* Topic rules: their SQL, their actions, what is refused, and loops that end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/account/objects.h"
#include "cloud/core/account/roles.h"
#include "cloud/core/rules/sql.h"
#include "cloud/core/rules/topic_rules.h"
#include "fixture.h"

/* ---- SQL ---- */

static char *quoted(const char *text) /* ' for " in JSON */
{
    char *copy = strdup(text);
    for (char *c = copy; *c; c++)
        if (*c == '\'')
            *c = '"';
    return copy;
}

/* What the statement makes of a payload (' for "), "-" when it does not select it; on topic a/b/c.
 */
static const char *made(const char *statement, const char *payload)
{
    static char text[1024];
    char reason[160] = "", *json = quoted(payload), *output = NULL;
    size_t length = 0;
    struct sql *sql = sql_parse(statement, reason, sizeof reason);
    json_t *root = sql_read(json, strlen(json));
    const struct sql_message message = {.topic = "a/b/c",
                                        .payload = json,
                                        .length = strlen(json),
                                        .client_id = "dev",
                                        .account = "123456789012",
                                        .now_ms = 1700000000123,
                                        .root = root};
    if (!sql)
        snprintf(text, sizeof text, "error: %s", reason);
    else if (!sql_selects(sql, &message))
        strcpy(text, "-");
    else if ((output = sql_output(sql, &message, &length)))
        snprintf(text, sizeof text, "%s", output);
    else
        strcpy(text, "nothing");
    for (char *c = text; *c; c++)
        if (*c == '"')
            *c = '\'';
    free(output);
    free(json);
    json_decref(root);
    sql_free(sql);
    return text;
}

static void statements_select_what_aws_documents(void **state)
{
    static const char *const cases[][3] = {
        {"SELECT * FROM 'a/#'", "{'t':1}", "{'t':1}"},
        {"select * from 'a/#'", "not json", "not json"},
        {"SELECT t FROM 'a'", "{'t':1,'u':2}", "{'t':1}"},
        {"SELECT t AS x, u.v AS y.z FROM 'a'", "{'t':1,'u':{'v':2}}", "{'x':1,'y':{'z':2}}"},
        {"SELECT u.v FROM 'a'", "{'u':{'v':2}}", "{'v':2}"},
        {"SELECT *, topic(2) AS b FROM 'a'", "{'t':1}", "{'t':1,'b':'b'}"},
        {"SELECT topic() AS t, topic(9) AS n, clientid() AS c, timestamp() AS s FROM 'a'", "{}",
         "{'t':'a/b/c','c':'dev','s':1700000000123}"},
        {"SELECT principal() AS p, accountid() AS a FROM 'a'", "{}",
         "{'p':'n/a','a':'123456789012'}"},
        {"SELECT VALUE u FROM 'a'", "{'u':[1,2]}", "[1,2]"},
        {"SELECT VALUE x FROM 'a'", "{}", "nothing"},
        {"SELECT value FROM 'a'", "{'value':3}", "{'value':3}"},
        {"SELECT missing, t FROM 'a'", "{'t':null}", "{'t':null}"},
        {"SELECT l[1] AS x, get(o, 'a-b') AS y FROM 'a'", "{'l':[1,2],'o':{'a-b':7}}",
         "{'x':2,'y':7}"},
        {"SELECT 1 + 2 * 3 AS a, (1 + 2) * 3 AS b, 7 / 2 AS c, 7 % 4 AS d, -t AS e FROM 'a'",
         "{'t':5}", "{'a':7,'b':9,'c':3,'d':3,'e':-5}"},
        {"SELECT '2' + 1 AS a, '2' * 3 AS b, 1 / 0 AS c FROM 'a'", "{}", "{'a':'21','b':6.0}"},
        {"SELECT concat(t, '-', 1) AS a, upper(t) AS b, length(t) AS c, substring(t, 1, 3) AS d "
         "FROM 'a'",
         "{'t':'abcd'}", "{'a':'abcd-1','b':'ABCD','c':4,'d':'bc'}"},
        {"SELECT startswith(t, 'ab') AS a, endswith(t, 'x') AS b, indexof(t, 'c') AS c, "
         "replace(t, 'b', 'XY') AS d, trim(' x ') AS e FROM 'a'",
         "{'t':'abcb'}", "{'a':true,'b':false,'c':2,'d':'aXYcXY','e':'x'}"},
        {"SELECT cast(t AS Decimal) AS a, cast(1.9 AS Int) AS b, cast(3 AS String) AS c FROM 'a'",
         "{'t':'2.5'}", "{'a':2.5,'b':1,'c':'3'}"},
        {"SELECT encode(*, 'base64') AS data FROM 'a'", "raw", "{'data':'cmF3'}"},
        {"SELECT decode('cmF3', 'base64') AS d FROM 'a'", "{}", "{'d':'raw'}"},
        {"SELECT CASE t WHEN 1 THEN 'one' WHEN 2 THEN 'two' ELSE 'many' END AS n FROM 'a'",
         "{'t':2}", "{'n':'two'}"},
        {"SELECT isundefined(x) AS a, isnull(t) AS b FROM 'a'", "{'t':null}",
         "{'a':true,'b':true}"},
        {"SELECT abs(-2) AS a, ceil(1.2) AS b, floor(1.8) AS c, round(1.5) AS d, mod(7, 4) AS e "
         "FROM 'a'",
         "{}", "{'a':2,'b':2,'c':1,'d':2,'e':3}"},
        {"SELECT t AS 'my name' FROM 'a'", "{'t':1}", "{'my name':1}"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(made(cases[i][0], cases[i][1]), cases[i][2]);
}

static void conditions_choose(void **state)
{
    static const struct {
        const char *where, *payload;
        bool selects;
    } cases[] = {
        {"t > 20", "{'t':21}", true},
        {"t > 20", "{'t':20}", false},
        {"t > 20", "{'t':'21'}", true},
        {"t > 20", "{}", false},
        {"t >= 20 AND t <= 30", "{'t':30}", true},
        {"t < 20 OR t > 30", "{'t':25}", false},
        {"NOT t > 20", "{'t':20}", true},
        {"NOT NOT t = 20", "{'t':20}", true},
        {"NOT missing > 20", "{}", false},
        {"missing > 20 OR t = 1", "{'t':1}", true},
        {"name = 'x' AND NOT (t = 1 OR t = 2)", "{'name':'x','t':3}", true},
        {"name <> 'x'", "{'name':'y'}", true},
        {"name != 'x'", "{'name':'x'}", false},
        {"t IN [1, 2, 'three']", "{'t':'three'}", true},
        {"t IN [1, 2]", "{'t':3}", false},
        {"topic(2) = \"b\" AND clientid() = 'dev'", "{}", true},
        {"on", "{'on':true}", true},
        {"on = true", "{'on':false}", false},
        {"a.b[0].c = 'd'", "{'a':{'b':[{'c':'d'}]}}", true},
        {"t = null", "{'t':null}", true},
        {"1 + 1 = 2", "", true},
    };
    char statement[128];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(statement, sizeof statement, "SELECT 1 AS x FROM 'a' WHERE %s", cases[i].where);
        assert_string_equal(made(statement, cases[i].payload), cases[i].selects ? "{'x':1}" : "-");
    }
}

static void what_is_no_statement_is_refused_with_the_reason(void **state)
{
    static const char *const bad[] = {
        "",
        "SELECT",
        "SELECT FROM 'a'",
        "SELECT * FROM a",
        "SELECT * FROM 'a/#/b'",
        "SELECT * FROM 'a+/b'",
        "SELECT * FROM 'a' WHERE",
        "SELECT * FROM 'a' WHERE t >",
        "SELECT nothing_like_it(1) FROM 'a'",
        "SELECT topic(1, 2) FROM 'a'",
        "SELECT 'open FROM a",
        "SELECT * FROM 'a' LIMIT 1",
        "SELECT a AS FROM 'a'",
        "SELECT (SELECT 1) FROM 'a'",
        "SELECT 1 ; 2 FROM 'a'",
        "UPDATE t",
        "SELECT cast(t) FROM 'a'",
        "SELECT cast(t AS Blob) FROM 'a'",
        "SELECT CASE t WHEN 1 FROM 'a'",
        "SELECT 1.2.3 FROM 'a'",
    };
    char deep[600] = "SELECT ";
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_memory_equal(made(bad[i], "{}"), "error: ", 7);
    memset(deep + 7, '(', 500);
    assert_non_null(strstr(made(deep, "{}"), "nested more than"));
}

static void templates_are_filled_from_the_message(void **state)
{
    json_t *root = members("{'t':1,'n':'x'}");
    const struct sql_message message = {.topic = "a/b", .payload = "", .root = root};
    char reason[160], *text = sql_fill("p/${topic(2)}/${n}-${t + 1}${'}'}", &message);
    (void)state;
    assert_string_equal(text, "p/b/x-2}");
    free(text);
    assert_null(sql_fill("p/${missing}", &message));
    assert_null(sql_template_fault("no $ { in it", reason));
    assert_non_null(sql_template_fault("${", reason));
    assert_non_null(sql_template_fault("${a b}", reason));
    json_decref(root);
}

/* ---- rules ---- */

static struct {
    char topics[20][64], payloads[20][128];
    unsigned count;
    struct cloud *cloud;
    const char *url;
    const char *failure; /* that a post comes to */
} heard;

static void on_publish(void *context, const struct message *message)
{
    (void)context;
    if (heard.count < 20) {
        snprintf(heard.topics[heard.count], 64, "%s", message->topic);
        snprintf(heard.payloads[heard.count], 128, "%.*s", (int)message->length,
                 (const char *)message->payload);
    }
    heard.count++;
    topic_rules_run(heard.cloud, &(struct topic_rules_message){.topic = message->topic,
                                                               .payload = message->payload,
                                                               .length = message->length,
                                                               .hops = message->hops});
}

static void on_post(void *context, const struct cloud_post *post)
{
    (void)context;
    snprintf(heard.topics[heard.count], 64, "%s", post->url);
    snprintf(heard.payloads[heard.count], 128, "%.*s", (int)post->length, (const char *)post->body);
    heard.count++;
    post->done(post->of, heard.failure);
}

#define ROLE "arn:aws:iam::" CLOUD_ACCOUNT ":role/rules"

static int setup(void **state)
{
    struct answer answer = ANSWER_INIT;
    if (fixture_setup(state))
        return -1;
    struct fixture *f = *state;
    memset(&heard, 0, sizeof heard);
    heard.cloud = &f->cloud;
    f->cloud.outlet = (struct outlet){on_publish, NULL};
    f->cloud.host.post = on_post;
    char *trust = quoted("{'Statement':[{'Effect':'Allow','Principal':{'Service':"
                         "'iot.amazonaws.com'},'Action':'sts:AssumeRole'}]}");
    const struct role_request role = {.name = "rules", .trust = trust};
    assert_int_equal(role_create(&f->cloud, &role, &answer), CORE_OK);
    answer_free(&answer);
    free(trust);
    return 0;
}

/* `rest`: the actions, and perhaps more members. */
static enum core_error create(struct fixture *f, const char *name, const char *sql,
                              const char *rest)
{
    char text[1024];
    struct answer answer = ANSWER_INIT;
    snprintf(text, sizeof text, "{'actions':%s}", rest);
    json_t *payload = members(text);
    json_object_set_new(payload, "sql", json_string(sql));
    enum core_error error = rule_create(&f->cloud, name, payload, &answer);
    answer_free(&answer);
    json_decref(payload);
    return error;
}

#define REPUBLISH(topic) "{'republish':{'roleArn':'" ROLE "','topic':'" topic "','qos':1}}"

static void send(struct fixture *f, const char *topic, const char *payload)
{
    char *json = quoted(payload);
    heard.count = 0;
    topic_rules_run(&f->cloud, &(struct topic_rules_message){.topic = topic,
                                                             .payload = json,
                                                             .length = strlen(json),
                                                             .client_id = "dev",
                                                             .principal = "p"});
    free(json);
}

static void a_rule_republishes_what_it_selects(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(create(f, "hot", "SELECT t, clientid() AS by FROM 'in/+' WHERE t > 20",
                            "[" REPUBLISH("out/${topic(2)}") "]"),
                     CORE_OK);
    assert_true(topic_rules_hear(&f->cloud, "in/x"));
    assert_false(topic_rules_hear(&f->cloud, "in/x/y"));
    send(f, "in/x", "{'t':21}");
    assert_int_equal(heard.count, 1);
    assert_string_equal(heard.topics[0], "out/x");
    assert_string_equal(heard.payloads[0], "{\"t\":21,\"by\":\"dev\"}");
    send(f, "in/x", "{'t':20}");
    send(f, "other", "{'t':21}");
    assert_int_equal(heard.count, 0);
}

static void rules_last_and_are_switched_off_and_on(void **state)
{
    struct fixture *f = *state;
    struct answer answer = ANSWER_INIT;
    assert_int_equal(create(f, "r", "SELECT * FROM 'a'", "[" REPUBLISH("b") "]"), CORE_OK);
    assert_int_equal(create(f, "r", "SELECT * FROM 'a'", "[]"), CORE_EXISTS);
    assert_int_equal(rule_enable(&f->cloud, "r", false, &answer), CORE_OK);
    send(f, "a", "1");
    assert_int_equal(heard.count, 0);
    assert_int_equal(rule_enable(&f->cloud, "r", true, &answer), CORE_OK);
    fixture_restart(f);
    f->cloud.outlet = (struct outlet){on_publish, NULL};
    send(f, "a", "1");
    assert_int_equal(heard.count, 1);
    assert_int_equal(rule_delete(&f->cloud, "r", &answer), CORE_OK);
    send(f, "a", "1");
    assert_int_equal(heard.count, 0);
    assert_int_equal(rule_delete(&f->cloud, "r", &answer), CORE_UNAUTHORIZED);
    answer_free(&answer);
    assert_int_equal(rule_get(&f->cloud, "r", &answer), CORE_UNAUTHORIZED);
    answer_free(&answer);
}

static void an_object_is_written_for_each_message(void **state)
{
    struct fixture *f = *state;
    struct object object;
    struct answer answer = ANSWER_INIT;
    char bytes[8] = "";
    assert_int_equal(create(f, "keep", "SELECT * FROM 'a'",
                            "[{'s3':{'roleArn':'" ROLE "','bucketName':'kept','key':"
                            "'${topic()}/${timestamp()}'}}],'errorAction':" REPUBLISH("errors")),
                     CORE_OK);
    send(f, "a", "{'x':1}"); /* there is no such bucket yet */
    assert_string_equal(heard.topics[0], "errors");
    assert_non_null(strstr(heard.payloads[0], "\"ruleName\":\"keep\""));
    assert_int_equal(bucket_create(&f->cloud, "kept", &answer), CORE_OK);
    answer_free(&answer);
    send(f, "a", "{'x':1}");
    assert_int_equal(heard.count, 0);
    assert_int_equal(object_find(&f->cloud, "kept", "a/1700000000000", NULL, &object, &answer),
                     CORE_OK);
    assert_true(object_read(&f->cloud, object.id, 0, bytes, 7));
    assert_string_equal(bytes, "{\"x\":1}");
    answer_free(&answer);
}

static void a_message_is_posted_and_a_failure_told(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(
        create(f, "post", "SELECT t FROM 'a'",
               "[{'http':{'url':'http://127.0.0.1:8080/in/${t}'}}],'errorAction':" REPUBLISH(
                   "errors/${ruleName}")),
        CORE_OK);
    send(f, "a", "{'t':1}");
    assert_int_equal(heard.count, 1);
    assert_string_equal(heard.topics[0], "http://127.0.0.1:8080/in/1");
    assert_string_equal(heard.payloads[0], "{\"t\":1}");
    heard.failure = "the server answered 500";
    send(f, "a", "{'t':1}");
    assert_int_equal(heard.count, 2);
    assert_string_equal(heard.topics[1], "errors/post");
}

static void count_line(void *context, const char *area, const char *text)
{
    (void)area;
    *(unsigned *)context += strstr(text, "failed: ") || strstr(text, "(95 more failures");
}

static void failures_that_devices_cause_have_a_few_lines_of_the_log_a_second(void **state)
{
    struct fixture *f = *state;
    unsigned lines = 0;
    create(f, "post", "SELECT t FROM 'a'", "[{'http':{'url':'http://127.0.0.1/${t}'}}]");
    cloud_log_to(count_line, &lines);
    for (unsigned i = 0; i < 100; i++)
        send(f, "a", "{}");
    assert_int_equal(lines, 5);
    f->now_ms += 1000;
    send(f, "a", "{}");
    cloud_log_to(NULL, NULL);
    assert_int_equal(lines, 7);
}

static void rules_that_hear_each_other_come_to_an_end(void **state)
{
    struct fixture *f = *state;
    create(f, "ping", "SELECT * FROM 'ping'", "[" REPUBLISH("pong") "," REPUBLISH("pong") "]");
    create(f, "pong", "SELECT * FROM 'pong'", "[" REPUBLISH("ping") "," REPUBLISH("ping") "]");
    send(f, "ping", "1");
    assert_in_range(heard.count, 2, 2000);
    create(f, "own", "SELECT * FROM 'own'", "[" REPUBLISH("own") "]");
    send(f, "own", "1");
    assert_in_range(heard.count, 1, RULES_HOPS_MAX + 1);
}

static void basic_ingest_reaches_one_rule_alone(void **state)
{
    struct fixture *f = *state;
    char *text = quoted("{'t':1}");
    const struct topic_rules_message message = {
        .topic = "x/y", .payload = text, .length = strlen(text)};
    create(f, "one", "SELECT topic() AS t", "[" REPUBLISH("one") "]");
    create(f, "all", "SELECT * FROM '#'", "[{'http':{'url':'http://localhost/'}}]");
    heard.count = 0;
    assert_true(topic_rules_ingest(&f->cloud, "one", &message));
    assert_string_equal(heard.topics[0], "one");
    assert_string_equal(heard.payloads[0], "{\"t\":\"x/y\"}");
    assert_false(topic_rules_ingest(&f->cloud, "nobody", &message));
    free(text);
}

static void what_cannot_be_done_is_refused_when_a_rule_is_made(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(create(f, "bad-name", "SELECT * FROM 'a'", "[]"), CORE_INVALID_REQUEST);
    assert_int_equal(create(f, "r", "SELECT", "[]"), CORE_SQL);
    assert_int_equal(create(f, "r", "SELECT * FROM 'a'", "{}"), CORE_INVALID_REQUEST);
    assert_int_equal(create(f, "r", "SELECT * FROM 'a'", "[{'lambda':{'functionArn':'x'}}]"),
                     CORE_INVALID_REQUEST);
    assert_int_equal(
        create(f, "r", "SELECT * FROM 'a'", "[{'http':{'url':'http://example.com/'}}]"),
        CORE_INVALID_REQUEST);
    assert_int_equal(
        create(f, "r", "SELECT * FROM 'a'", "[{'http':{'url':'http://localhost:80@192.0.2.1/'}}]"),
        CORE_INVALID_REQUEST);
    assert_int_equal(create(f, "r", "SELECT * FROM 'a'", "[" REPUBLISH("x/${") "]"), CORE_SQL);
    assert_int_equal(
        create(f, "r", "SELECT * FROM 'a'",
               "[{'republish':{'roleArn':'arn:aws:iam::123456789012:role/no','topic':'b'}}]"),
        CORE_NOT_FOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_select_what_aws_documents),
        cmocka_unit_test(conditions_choose),
        cmocka_unit_test(what_is_no_statement_is_refused_with_the_reason),
        cmocka_unit_test(templates_are_filled_from_the_message),
        TEST(a_rule_republishes_what_it_selects),
        TEST(rules_last_and_are_switched_off_and_on),
        TEST(an_object_is_written_for_each_message),
        TEST(a_message_is_posted_and_a_failure_told),
        TEST(failures_that_devices_cause_have_a_few_lines_of_the_log_a_second),
        TEST(rules_that_hear_each_other_come_to_an_end),
        TEST(basic_ingest_reaches_one_rule_alone),
        TEST(what_cannot_be_done_is_refused_when_a_rule_is_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
