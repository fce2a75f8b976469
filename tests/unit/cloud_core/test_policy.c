/* Policies: what is allowed, what is denied, what variables and conditions do. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/registry/policy.h"

#define ARN ACCOUNT_ARN

static struct policy_context context(void)
{
    return (struct policy_context){
        .client_id = "sensor-1", .source_ip = "10.1.2.3", .thing_name = "sensor-1"};
}

/* Statements with ' for "; false also when the document is refused. */
static bool allows_in(const struct policy_context *c, const char *statements, const char *action,
                      const char *resource)
{
    char text[2048], reason[200];
    snprintf(text, sizeof text, "{'Version':'2012-10-17','Statement':[%s]}", statements);
    json_t *document = members(text);
    char *json = json_dumps(document, 0);
    struct policy_set *set = policy_set_new();
    bool added = policy_set_add(set, json, reason, sizeof reason);
    bool allowed = added && policy_allows(set, c, action, resource);
    assert_true(added);
    policy_set_free(set);
    free(json);
    json_decref(document);
    return allowed;
}

static bool allows(const char *statements, const char *action, const char *resource)
{
    struct policy_context c = context();
    return allows_in(&c, statements, action, resource);
}

#define ALLOW_ALL "{'Effect':'Allow','Action':'iot:*','Resource':'*'}"

static void nothing_is_allowed_by_default(void **state)
{
    (void)state;
    struct policy_context c = context();
    struct policy_set *empty = policy_set_new();
    assert_false(policy_allows(empty, &c, "iot:Connect", ARN "client/sensor-1"));
    assert_false(policy_allows(NULL, &c, "iot:Connect", ARN "client/sensor-1"));
    policy_set_free(empty);
}

static void an_explicit_deny_wins_wherever_it_stands(void **state)
{
    (void)state;
    const char *deny = "{'Effect':'Deny','Action':'iot:Publish','Resource':'" ARN "topic/a'}";
    char text[512];
    snprintf(text, sizeof text, "%s,%s", deny, ALLOW_ALL);
    assert_false(allows(text, "iot:Publish", ARN "topic/a"));
    assert_true(allows(text, "iot:Publish", ARN "topic/b"));
    snprintf(text, sizeof text, "%s,%s", ALLOW_ALL, deny);
    assert_false(allows(text, "iot:Publish", ARN "topic/a"));
}

static void a_star_covers_slashes_and_nothing(void **state)
{
    (void)state;
    const char *s = "{'Effect':'Allow','Action':'iot:Publish','Resource':'" ARN "topic/a*/z'}";
    assert_true(allows(s, "iot:Publish", ARN "topic/a/z"));
    assert_true(allows(s, "iot:Publish", ARN "topic/ab/c/d/z"));
    assert_false(allows(s, "iot:Publish", ARN "topic/b/z"));
    assert_false(allows(s, "iot:Publish", ARN "topic/a/z/y"));
}

static void a_question_mark_is_one_character(void **state)
{
    (void)state;
    const char *s = "{'Effect':'Allow','Action':'iot:Publish','Resource':'" ARN "topic/s?'}";
    assert_true(allows(s, "iot:Publish", ARN "topic/s1"));
    assert_false(allows(s, "iot:Publish", ARN "topic/s"));
    assert_false(allows(s, "iot:Publish", ARN "topic/s12"));
}

static void actions_are_compared_without_regard_to_case_and_resources_are_not(void **state)
{
    (void)state;
    const char *s = "{'Effect':'Allow','Action':'iot:publish','Resource':'" ARN "topic/a'}";
    assert_true(allows(s, "iot:Publish", ARN "topic/a"));
    assert_false(allows(s, "iot:Publish", ARN "topic/A"));
    const char *deny = ALLOW_ALL ",{'Effect':'Deny','Action':'IOT:PUB*','Resource':'*'}";
    assert_false(allows(deny, "iot:Publish", ARN "topic/a"));
    assert_true(allows(deny, "iot:Connect", ARN "client/a"));
}

static void filters_are_matched_as_text(void **state)
{
    (void)state;
    const char *s =
        "{'Effect':'Allow','Action':'iot:Subscribe','Resource':'" ARN "topicfilter/a/+/b'}";
    assert_true(allows(s, "iot:Subscribe", ARN "topicfilter/a/+/b"));
    assert_false(allows(s, "iot:Subscribe", ARN "topicfilter/a/x/b"));
    assert_false(allows(s, "iot:Subscribe", ARN "topicfilter/a/#"));
}

static void variables_take_the_connections_values(void **state)
{
    (void)state;
    const char *id =
        "{'Effect':'Allow','Action':['iot:Connect'],'Resource':['" ARN "client/${iot:ClientId}']}";
    const char *thing = "{'Effect':'Allow','Action':'iot:Publish','Resource':'" ARN
                        "topic/$aws/things/${iot:Connection.Thing.ThingName}/*'}";
    assert_true(allows(id, "iot:Connect", ARN "client/sensor-1"));
    assert_false(allows(id, "iot:Connect", ARN "client/sensor-2"));
    assert_true(allows(thing, "iot:Publish", ARN "topic/$aws/things/sensor-1/jobs/get"));
    assert_false(allows(thing, "iot:Publish", ARN "topic/$aws/things/sensor-2/jobs/get"));
}

static void a_variable_without_a_value_matches_nobody(void **state)
{
    (void)state;
    struct policy_context c = context();
    c.thing_name = NULL;
    const char *s = "{'Effect':'Allow','Action':'iot:Publish','Resource':'" ARN
                    "topic/${iot:Connection.Thing.ThingName}/x'}";
    assert_false(allows_in(&c, s, "iot:Publish", ARN "topic//x"));
    assert_false(allows_in(&c, s, "iot:Publish", ARN "topic/sensor-1/x"));
}

static void what_a_variable_brings_is_never_a_wildcard(void **state)
{
    (void)state;
    struct policy_context c = context();
    c.client_id = "*";
    const char *s =
        "{'Effect':'Allow','Action':'iot:Publish','Resource':'" ARN "topic/${iot:ClientId}/x'}";
    assert_false(allows_in(&c, s, "iot:Publish", ARN "topic/other/x"));
    assert_true(allows_in(&c, s, "iot:Publish", ARN "topic/*/x"));
}

static void escapes_stand_for_the_characters_themselves(void **state)
{
    (void)state;
    const char *s = "{'Effect':'Allow','Action':'iot:Publish','Resource':'" ARN "topic/a${*}b'}";
    assert_true(allows(s, "iot:Publish", ARN "topic/a*b"));
    assert_false(allows(s, "iot:Publish", ARN "topic/axb"));
}

static void is_attached_is_a_condition(void **state)
{
    (void)state;
    const char *s = "{'Effect':'Allow','Action':'iot:*','Resource':'*','Condition':{'Bool':{"
                    "'iot:Connection.Thing.IsAttached':['true']}}}";
    struct policy_context c = context();
    assert_true(allows_in(&c, s, "iot:Connect", ARN "client/sensor-1"));
    c.thing_name = NULL;
    assert_false(allows_in(&c, s, "iot:Connect", ARN "client/sensor-1"));
}

static void string_conditions_compare_text_and_patterns(void **state)
{
    (void)state;
#define WITH(condition) "{'Effect':'Allow','Action':'*','Resource':'*','Condition':" condition "}"
    const char *a = ARN "client/sensor-1";
    assert_true(
        allows(WITH("{'StringEquals':{'iot:ClientId':['x','sensor-1']}}"), "iot:Connect", a));
    assert_false(allows(WITH("{'StringEquals':{'iot:ClientId':'sensor-*'}}"), "iot:Connect", a));
    assert_true(allows(WITH("{'StringLike':{'iot:ClientId':'sensor-*'}}"), "iot:Connect", a));
    assert_false(allows(WITH("{'StringNotLike':{'iot:ClientId':'sensor-*'}}"), "iot:Connect", a));
    assert_true(allows(WITH("{'StringNotEquals':{'iot:ClientId':'other'}}"), "iot:Connect", a));
    assert_false(allows(WITH("{'StringEquals':{'iot:ClientId':'sensor-1','aws:SourceIp':'x'}}"),
                        "iot:Connect", a));
    assert_true(allows(WITH("{'IpAddress':{'aws:SourceIp':'10.1.0.0/16'}}"), "iot:Connect", a));
    assert_false(allows(WITH("{'IpAddress':{'aws:SourceIp':'10.2.0.0/16'}}"), "iot:Connect", a));
    assert_true(
        allows(WITH("{'StringEqualsIfExists':{'iot:LastWillTopic':'x'}}"), "iot:Connect", a));
    assert_false(allows(WITH("{'StringEquals':{'iot:LastWillTopic':'x'}}"), "iot:Connect", a));
}

static void sets_are_compared_for_all_or_any_value(void **state)
{
    (void)state;
    struct policy_context c = context();
    const char *a = ARN "client/sensor-1";
    const char *all = WITH("{'ForAllValues:StringEquals':{'iot:ConnectAttributes':['LastWill']}}");
    const char *any =
        WITH("{'ForAnyValue:StringEquals':{'iot:ConnectAttributes':['PersistentConnect']}}");
    assert_true(allows_in(&c, all, "iot:Connect", a));
    assert_false(allows_in(&c, any, "iot:Connect", a));
    c.persistent_connect = true;
    c.last_will = true;
    assert_false(allows_in(&c, all, "iot:Connect", a));
    assert_true(allows_in(&c, any, "iot:Connect", a));
}

static void an_unknown_operator_never_allows_and_always_denies(void **state)
{
    (void)state;
    const char *odd = "'Condition':{'StringMagic':{'iot:ClientId':'sensor-1'}}";
    char text[1024];
    snprintf(text, sizeof text, "{'Effect':'Allow','Action':'*','Resource':'*',%s}", odd);
    assert_false(allows(text, "iot:Connect", ARN "client/sensor-1"));
    snprintf(text, sizeof text, ALLOW_ALL ",{'Effect':'Deny','Action':'*','Resource':'*',%s}", odd);
    assert_false(allows(text, "iot:Connect", ARN "client/sensor-1"));
}

static void not_action_of_an_iot_policy_never_allows_and_always_denies(void **state)
{
    (void)state;
    assert_false(allows("{'Effect':'Allow','NotAction':'iot:Publish','Resource':'*'}",
                        "iot:Connect", ARN "client/sensor-1"));
    assert_false(allows(ALLOW_ALL ",{'Effect':'Deny','NotAction':'iot:Publish','Resource':'*'}",
                        "iot:Connect", ARN "client/sensor-1"));
}

static void certificate_names_are_variables(void **state)
{
    (void)state;
    struct policy_context c = context();
    json_t *names = members("{'Subject.CommonName':['sensor-1','second','*evil']}");
    c.certificate = names;
    const char *first = "{'Effect':'Allow','Action':'*','Resource':'" ARN
                        "client/${iot:Certificate.Subject.CommonName}'}";
    const char *second = "{'Effect':'Allow','Action':'*','Resource':'" ARN
                         "client/${iot:Certificate.Subject.CommonName.1}'}";
    const char *third = "{'Effect':'Allow','Action':'*','Resource':'" ARN
                        "client/${iot:Certificate.Subject.CommonName.2}'}";
    assert_true(allows_in(&c, first, "iot:Connect", ARN "client/sensor-1"));
    assert_true(allows_in(&c, second, "iot:Connect", ARN "client/second"));
    assert_false(allows_in(&c, third, "iot:Connect", ARN "client/*evil"));
    json_decref(names);
}

static void what_is_no_policy_is_refused_with_a_reason(void **state)
{
    (void)state;
    static const char *const broken[] = {
        "",
        "[]",
        "{}",
        "{\"Statement\":[]}",
        "{\"Statement\":[{\"Effect\":\"Allow\"}]}",
        "{\"Statement\":{\"Effect\":\"allow\",\"Action\":\"*\",\"Resource\":\"*\"}}"};
    struct policy_set *set = policy_set_new();
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        char reason[200] = "";
        assert_false(policy_set_add(set, broken[i], reason, sizeof reason));
        assert_true(strlen(reason) > 0);
    }
    policy_set_free(set);
}

static void a_star_heavy_pattern_is_decided_quickly(void **state)
{
    (void)state;
    char topic[320] = ARN "topic/";
    memset(topic + strlen(topic), 'a', 200);
    assert_false(allows("{'Effect':'Allow','Action':'*','Resource':'*a*a*a*a*a*a*a*a*a*a*a*a*b'}",
                        "iot:Publish", topic));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_allowed_by_default),
        cmocka_unit_test(an_explicit_deny_wins_wherever_it_stands),
        cmocka_unit_test(a_star_covers_slashes_and_nothing),
        cmocka_unit_test(a_question_mark_is_one_character),
        cmocka_unit_test(actions_are_compared_without_regard_to_case_and_resources_are_not),
        cmocka_unit_test(filters_are_matched_as_text),
        cmocka_unit_test(variables_take_the_connections_values),
        cmocka_unit_test(a_variable_without_a_value_matches_nobody),
        cmocka_unit_test(what_a_variable_brings_is_never_a_wildcard),
        cmocka_unit_test(escapes_stand_for_the_characters_themselves),
        cmocka_unit_test(is_attached_is_a_condition),
        cmocka_unit_test(string_conditions_compare_text_and_patterns),
        cmocka_unit_test(sets_are_compared_for_all_or_any_value),
        cmocka_unit_test(an_unknown_operator_never_allows_and_always_denies),
        cmocka_unit_test(not_action_of_an_iot_policy_never_allows_and_always_denies),
        cmocka_unit_test(certificate_names_are_variables),
        cmocka_unit_test(what_is_no_policy_is_refused_with_a_reason),
        cmocka_unit_test(a_star_heavy_pattern_is_decided_quickly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
