/* Retained messages: what a broker that has lost some is told again. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>

#include "cloud/core/core.h"
#include "cloud/core/messages/messages.h"

static char said[256]; /* "topic=payload;" of each message */

static void hear(void *context, const struct message *message)
{
    size_t used = strlen(said);
    (void)context;
    assert_true(message->retain);
    snprintf(said + used, sizeof said - used, "%s=%.*s;", message->topic, (int)message->length,
             message->length > 0 ? (const char *)message->payload : "");
}

static void retain(struct fixture *f, const char *topic, const char *payload)
{
    message_retained(&f->cloud, &(struct message){.topic = topic,
                                                  .payload = payload,
                                                  .length = strlen(payload),
                                                  .qos = 1,
                                                  .retain = true});
}

static const char *replay(struct fixture *f, int64_t saved_ms)
{
    said[0] = '\0';
    f->cloud.outlet = (struct outlet){hear, NULL};
    messages_replay(&f->cloud, saved_ms);
    return said;
}

static void a_broker_without_state_is_told_all_that_is_retained(void **state)
{
    struct fixture *f = *state;
    retain(f, "a", "1");
    retain(f, "b", "2");
    assert_string_equal(replay(f, 0), "a=1;b=2;");
}

static void a_broker_is_told_what_changed_since_it_saved_and_nothing_older(void **state)
{
    struct fixture *f = *state;
    retain(f, "a", "1"); /* a will may have replaced it at the broker by now */
    f->now_ms += 60000;
    retain(f, "b", "2");
    assert_string_equal(replay(f, f->now_ms - 1000), "b=2;");
}

static void what_ended_is_said_to_have_ended_and_shown_to_nobody(void **state)
{
    struct fixture *f = *state;
    struct answer answer = ANSWER_INIT;
    retain(f, "a", "1");
    retain(f, "a", "");
    assert_string_equal(replay(f, 0), "a=;");
    assert_int_equal(retained_get(&f->cloud, "a", &answer), CORE_NOT_FOUND);
    answer_free(&answer);
    assert_int_equal(retained_list(&f->cloud, 0, 10, &answer), CORE_OK);
    assert_int_equal(json_array_size(json_object_get(answer.body, "retainedTopics")), 0);
    answer_free(&answer);
}

static void what_ended_long_ago_is_forgotten(void **state)
{
    struct fixture *f = *state;
    retain(f, "a", "");
    retain(f, "b", "2");
    f->now_ms += 2 * 3600 * 1000;
    core_tend(&f->cloud);
    assert_string_equal(replay(f, 0), "b=2;");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_broker_without_state_is_told_all_that_is_retained),
        TEST(a_broker_is_told_what_changed_since_it_saved_and_nothing_older),
        TEST(what_ended_is_said_to_have_ended_and_shown_to_nobody),
        TEST(what_ended_long_ago_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
