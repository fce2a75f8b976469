/* Replies read, reports written, byte for byte where dashboards depend on it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "codec/cbor.h"
#include "port/log.h"
#include "port/port.h"
#include "services/jobs/jobs.h"
#include "services/jobs/jobs_reply.h"
#include "services/ota/record.h"
#include "services/ota/report.h"

otter_ms port_now(void)
{
    return 0;
}

void port_log_write(const char *line, size_t length)
{
    (void)line;
    (void)length;
}

static const struct image_version v100 = {1, 0, 0, 0};
static const struct image_version v101 = {1, 0, 1, 0};

static void assert_update(struct jobs_update update, struct ota_report report, uint32_t execution,
                          const char *expected)
{
    char payload[JOBS_UPDATE_MAX + 1];
    update.add_details = ota_report_details;
    update.ctx = &report;
    const int length = jobs_update_write(&update, execution, payload, sizeof payload);
    assert_int_equal(length, strlen(expected));
    assert_string_equal(payload, expected);
}

static void acceptance_names_version_and_state(void **state)
{
    (void)state;
    const struct ota_report report = {.phase = "download",
                                      .version = &v101,
                                      .running = &v100,
                                      .blocks_total = 45,
                                      .bytes_total = 184320};
    assert_update(
        (struct jobs_update){.token = 'a', .status = "IN_PROGRESS", .expected_version = 3}, report,
        1,
        "{\"status\":\"IN_PROGRESS\",\"statusDetails\":{\"phase\":\"download\","
        "\"received\":\"0/45\",\"bytes\":\"0/184320\",\"version\":\"1.0.1\","
        "\"running\":\"1.0.0\"},\"executionNumber\":1,\"expectedVersion\":3,"
        "\"clientToken\":\"a\"}");
}

static void self_test_is_told_as_the_freertos_agents_tell_it(void **state)
{
    (void)state;
    const struct image_version v0902 = {0, 9, 2, 0};
    const struct ota_report report = {
        .phase = "install", .self_test = "ready", .updated_by = &v0902};
    assert_update((struct jobs_update){.token = 'r', .status = "IN_PROGRESS"}, report, 0,
                  "{\"status\":\"IN_PROGRESS\",\"statusDetails\":{\"phase\":\"install\","
                  "\"self_test\":\"ready\",\"updatedBy\":\"0x00090002\"},"
                  "\"clientToken\":\"r\"}");
}

static void success_names_both_versions(void **state)
{
    (void)state;
    const struct ota_report report = {.phase = "done",
                                      .reason = "accepted v1.0.1",
                                      .updated_by = &v100,
                                      .version = &v101,
                                      .running = &v101};
    assert_update((struct jobs_update){.token = 'f', .status = "SUCCEEDED"}, report, 0,
                  "{\"status\":\"SUCCEEDED\",\"statusDetails\":{\"phase\":\"done\","
                  "\"updatedBy\":\"v1.0.0\",\"version\":\"1.0.1\",\"running\":\"1.0.1\","
                  "\"reason\":\"accepted v1.0.1\"},\"clientToken\":\"f\"}");
}

static void the_longest_report_fits(void **state)
{
    (void)state;
    char reason[OTA_REASON_MAX + 1];
    char payload[JOBS_UPDATE_MAX + 1];
    const struct image_version most = {255, 255, 65535, UINT32_MAX};
    memset(reason, 'x', OTA_REASON_MAX);
    reason[OTA_REASON_MAX] = '\0';
    struct ota_report report = {.phase = "self_test",
                                .self_test = "active",
                                .reason = reason,
                                .version = &most,
                                .running = &most,
                                .updated_by = &most};
    const struct jobs_update update = {.token = 'f',
                                       .status = "IN_PROGRESS",
                                       .add_details = ota_report_details,
                                       .ctx = &report,
                                       .expected_version = UINT32_MAX};
    assert_true(jobs_update_write(&update, UINT32_MAX, payload, sizeof payload) > 0);
}

static void a_report_that_does_not_fit_is_an_error(void **state)
{
    (void)state;
    char payload[32];
    struct ota_report report = {.phase = "done"};
    const struct jobs_update update = {
        .token = 'a', .status = "FAILED", .add_details = ota_report_details, .ctx = &report};
    assert_int_equal(jobs_update_write(&update, 0, payload, sizeof payload), OTTER_E_TOO_LONG);
}

static enum jobs_topic topic(const char *text)
{
    return jobs_topic_read(text, strlen(text), "AFR_OTA-7");
}

static void topics_of_this_thing_and_job_are_known(void **state)
{
    (void)state;
    assert_int_equal(topic("jobs/notify-next"), JOBS_TOPIC_NOTIFY_NEXT);
    assert_int_equal(topic("jobs/$next/get/accepted"), JOBS_TOPIC_NEXT);
    assert_int_equal(topic("jobs/$next/get/rejected"), JOBS_TOPIC_NEXT_REJECTED);
    assert_int_equal(topic("jobs/AFR_OTA-7/get/accepted"), JOBS_TOPIC_DESCRIBED);
    assert_int_equal(topic("jobs/AFR_OTA-7/get/rejected"), JOBS_TOPIC_NOT_DESCRIBED);
    assert_int_equal(topic("jobs/AFR_OTA-7/update/accepted"), JOBS_TOPIC_UPDATED);
    assert_int_equal(topic("jobs/AFR_OTA-7/update/rejected"), JOBS_TOPIC_NOT_UPDATED);
}

static void topics_of_others_are_not_ours(void **state)
{
    (void)state;
    assert_int_equal(topic("shadow/notify-next"), JOBS_TOPIC_OTHER);
    assert_int_equal(topic("job"), JOBS_TOPIC_OTHER);
    assert_int_equal(topic("jobs/notify"), JOBS_TOPIC_OTHER);
    assert_int_equal(topic("jobs/AFR_OTA-77/get/accepted"), JOBS_TOPIC_OTHER);
    assert_int_equal(topic("jobs/AFR_OTA-7/update"), JOBS_TOPIC_OTHER);
    assert_int_equal(topic("streams/s-1/data/cbor"), JOBS_TOPIC_OTHER);
    assert_int_equal(topic(""), JOBS_TOPIC_OTHER);
}

static bool read_reply(struct jobs_reply *reply, const char *text)
{
    static jsmntok_t tokens[128];
    struct json json;
    return jobs_reply_read(reply, &json, tokens, 128, (const uint8_t *)text, strlen(text));
}

static void a_described_execution_is_read(void **state)
{
    (void)state;
    struct jobs_reply reply;
    assert_true(read_reply(
        &reply, "{\"clientToken\":\"g12\",\"timestamp\":1,\"execution\":{\"jobId\":\"j\","
                "\"status\":\"QUEUED\",\"versionNumber\":3,\"executionNumber\":2,"
                "\"jobDocument\":{}}}"));
    assert_int_equal(reply.token, 'g');
    assert_int_equal(reply.counter, 12);
    assert_true(reply.has_execution);
    assert_string_equal(reply.execution.id, "j");
    assert_true(reply.queued);
    assert_false(reply.in_progress);
    assert_int_equal(reply.version, 3);
    assert_int_equal(reply.execution.number, 2);
    assert_true(reply.document > 0);
}

static void no_job_is_told_from_a_job(void **state)
{
    (void)state;
    struct jobs_reply reply;
    assert_true(read_reply(&reply, "{\"clientToken\":\"g1\",\"timestamp\":1}"));
    assert_false(reply.has_execution);
    assert_true(read_reply(&reply, "{\"timestamp\":1,\"execution\":{}}"));
    assert_false(reply.has_execution);
}

static void what_cannot_be_read_is_refused(void **state)
{
    (void)state;
    struct jobs_reply reply;
    assert_false(read_reply(&reply, ""));
    assert_false(read_reply(&reply, "{\"execution\":"));
    assert_false(read_reply(&reply, "[1]"));
    assert_false(read_reply(&reply, "{\"execution\":{\"status\":\"QUEUED\"}}"));
    assert_false(read_reply(&reply, "{\"execution\":{\"jobId\":\"a/b\"}}"));
    assert_false(read_reply(&reply, "{\"execution\":{\"jobId\":\"\"}}"));
    assert_false(read_reply(&reply, "{\"execution\":{\"jobId\":\"01234567890123456789012345678901"
                                    "234567890123456789012345678901234\"}}"));
}

static void rejections_are_told_apart(void **state)
{
    (void)state;
    struct jobs_reply reply;
    assert_true(read_reply(&reply, "{\"code\":\"VersionMismatch\",\"clientToken\":\"a\"}"));
    assert_true(reply.conflict && !reply.terminal && !reply.barred);
    assert_true(read_reply(&reply, "{\"code\":\"InvalidStateTransition\",\"executionState\":{"
                                   "\"status\":\"CANCELED\"}}"));
    assert_true(reply.terminal && !reply.conflict && !reply.barred);
    assert_true(read_reply(&reply, "{\"code\":\"InvalidStateTransition\"}"));
    assert_true(reply.terminal);
    assert_true(read_reply(&reply, "{\"code\":\"InvalidStateTransition\",\"executionState\":{"
                                   "\"status\":\"IN_PROGRESS\"}}"));
    assert_true(reply.barred && !reply.terminal);
    assert_true(read_reply(&reply, "{\"code\":\"ResourceNotFound\"}"));
    assert_true(reply.terminal);
    assert_true(read_reply(&reply, "{\"code\":\"TerminalStateReached\"}"));
    assert_true(reply.terminal);
    assert_true(read_reply(&reply, "{\"code\":\"RequestThrottled\"}"));
    assert_false(reply.terminal || reply.conflict || reply.barred);
    assert_string_equal(reply.code, "RequestThrottled");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acceptance_names_version_and_state),
        cmocka_unit_test(self_test_is_told_as_the_freertos_agents_tell_it),
        cmocka_unit_test(success_names_both_versions),
        cmocka_unit_test(the_longest_report_fits),
        cmocka_unit_test(a_report_that_does_not_fit_is_an_error),
        cmocka_unit_test(topics_of_this_thing_and_job_are_known),
        cmocka_unit_test(topics_of_others_are_not_ours),
        cmocka_unit_test(a_described_execution_is_read),
        cmocka_unit_test(no_job_is_told_from_a_job),
        cmocka_unit_test(what_cannot_be_read_is_refused),
        cmocka_unit_test(rejections_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
