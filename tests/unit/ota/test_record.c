/* The record of an update in the store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "services/ota/record.h"
#include "tests/sim/nor_store.h"

/* Bytes at the end that older firmware did not write: transform, protocol, queuedAt. */
static const uint32_t missing[] = {1, 2, 6};

static bool is_as_older_firmware_wrote_it(uint32_t cut, uint32_t length)
{
    return cut == length - missing[0] || cut == length - missing[1] || cut == length - missing[2];
}

static struct nor_store flash;
static struct kv kv;

static int set_up(void **state)
{
    (void)state;
    return nor_store_open(&flash, 4, &kv) == OTTER_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return nor_store_close(&flash) ? 0 : -1;
}

static struct ota_record full_record(void)
{
    struct ota_record record;
    memset(&record, 0, sizeof record);
    record.phase = OTA_RECORD_FINISHED;
    record.result = OTA_REJECTED;
    record.note = OTA_TRIAL_NO_REPLY;
    record.restarts = 3;
    record.epoch = 0x1234;
    record.trial_s = 0x5678;
    record.blocks_at_boot = 0x01020304;
    record.version = (struct image_version){1, 2, 3, 4};
    record.previous = (struct image_version){255, 254, 65533, UINT32_MAX};
    memset(record.job.id, 'j', OTA_JOB_ID_MAX);
    memset(record.job.stream, 's', OTA_STREAM_MAX);
    record.job.execution = 7;
    record.job.queued_at = 1700000000;
    record.job.file_size = 184320;
    record.job.file_id = 200;
    record.job.protocol = OTA_PROTOCOL_HTTP;
    record.job.transform = 7;
    record.job.signature_length = OTA_SIGNATURE_MAX;
    memset(record.job.signature, 0x30, OTA_SIGNATURE_MAX);
    memset(record.reason, 'r', OTA_REASON_MAX);
    return record;
}

static void the_longest_record_comes_back_as_it_was(void **state)
{
    (void)state;
    const struct ota_record record = full_record();
    struct ota_record back;
    assert_int_equal(ota_record_save(&kv, &record), OTTER_OK);
    assert_int_equal(ota_record_load(&kv, &back), OTTER_OK);
    assert_memory_equal(&back, &record, sizeof back);
}

static void no_record_is_no_job(void **state)
{
    (void)state;
    struct ota_record back;
    assert_int_equal(ota_record_load(&kv, &back), OTTER_OK);
    assert_int_equal(back.phase, OTA_RECORD_NONE);
}

static void the_job_of_a_closed_record_is_known_again(void **state)
{
    (void)state;
    struct ota_record record = full_record();
    struct jobs_execution job = {.number = record.job.execution, .queued_at = record.job.queued_at};
    memcpy(job.id, record.job.id, sizeof job.id);
    uint8_t mark[JOBS_MARK_SIZE];
    struct jobs_past told = {.barren = 3}, found, none = {0};
    jobs_past_load(&kv, &found);
    assert_memory_equal(&found, &none, sizeof found);
    jobs_mark(&job, told.mark);
    assert_int_equal(ota_record_close(&kv, &record, &told), OTTER_OK);
    jobs_past_load(&kv, &found);
    memcpy(mark, told.mark, sizeof mark);
    assert_memory_equal(found.mark, mark, sizeof mark);
    assert_int_equal(found.barren, 3);
    assert_int_equal(kv_set(&kv, "ota/over", mark, sizeof mark), OTTER_OK); /* older firmware's */
    jobs_past_load(&kv, &found);
    assert_memory_equal(found.mark, mark, sizeof mark);
    assert_int_equal(found.barren, 0);
    job.queued_at++; /* deleted and made anew under the same id */
    jobs_mark(&job, mark);
    assert_memory_not_equal(found.mark, mark, sizeof mark);
    job.queued_at--;
    job.number++; /* a retry */
    jobs_mark(&job, mark);
    assert_memory_not_equal(found.mark, mark, sizeof mark);
}

static void a_record_of_older_firmware_is_read(void **state)
{
    (void)state;
    struct ota_record record = full_record();
    struct ota_record back;
    uint8_t bytes[448];
    uint32_t length;
    assert_int_equal(ota_record_save(&kv, &record), OTTER_OK);
    assert_int_equal(kv_get(&kv, "ota/job", bytes, sizeof bytes, &length), OTTER_OK);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(kv_set(&kv, "ota/job", bytes, length - missing[i]), OTTER_OK);
        assert_int_equal(ota_record_load(&kv, &back), OTTER_OK);
        record.job.transform = 0;
        record.job.protocol = i >= 1 ? (uint8_t)OTA_PROTOCOL_MQTT : record.job.protocol;
        record.job.queued_at = i >= 2 ? 0 : record.job.queued_at;
        assert_memory_equal(&back, &record, sizeof back);
    }
}

static void a_cleared_record_stays_away(void **state)
{
    (void)state;
    struct jobs_past past = {0};
    struct ota_record record = full_record();
    assert_int_equal(ota_record_save(&kv, &record), OTTER_OK);
    assert_int_equal(ota_record_close(&kv, &record, &past), OTTER_OK);
    assert_int_equal(record.phase, OTA_RECORD_NONE);
    assert_int_equal(ota_record_load(&kv, &record), OTTER_OK);
    assert_int_equal(record.phase, OTA_RECORD_NONE);
}

static void any_shortened_or_foreign_record_is_no_job(void **state)
{
    (void)state;
    const struct ota_record record = full_record();
    struct ota_record back;
    uint8_t raw[512];
    uint32_t length = 0;
    assert_int_equal(ota_record_save(&kv, &record), OTTER_OK);
    assert_int_equal(kv_get(&kv, "ota/job", raw, sizeof raw, &length), OTTER_OK);
    for (uint32_t cut = 0; cut < length; cut++) {
        if (is_as_older_firmware_wrote_it(cut, length))
            continue;
        assert_int_equal(kv_set(&kv, "ota/job", raw, cut), OTTER_OK);
        assert_int_equal(ota_record_load(&kv, &back), OTTER_E_CORRUPT);
        assert_int_equal(back.phase, OTA_RECORD_NONE);
        assert_int_equal(back.job.id[0], 0);
    }
    raw[0] = 99;
    assert_int_equal(kv_set(&kv, "ota/job", raw, length), OTTER_OK);
    assert_int_equal(ota_record_load(&kv, &back), OTTER_E_CORRUPT);
}

static void fields_that_a_later_firmware_added_are_passed_over(void **state)
{
    (void)state;
    struct ota_record record = full_record();
    struct ota_record back;
    uint8_t raw[512];
    uint32_t length = 0;
    record.job.stream[10] = '\0'; /* leaves room behind it */
    memset(record.job.stream + 10, 0, sizeof record.job.stream - 10);
    assert_int_equal(ota_record_save(&kv, &record), OTTER_OK);
    assert_int_equal(kv_get(&kv, "ota/job", raw, sizeof raw, &length), OTTER_OK);
    memset(raw + length, 0xa5, 20);
    assert_int_equal(kv_set(&kv, "ota/job", raw, length + 20), OTTER_OK);
    assert_int_equal(ota_record_load(&kv, &back), OTTER_OK);
    assert_memory_equal(&back, &record, sizeof back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_longest_record_comes_back_as_it_was, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_record_is_no_job, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_cleared_record_stays_away, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_job_of_a_closed_record_is_known_again, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_record_of_older_firmware_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(any_shortened_or_foreign_record_is_no_job, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(fields_that_a_later_firmware_added_are_passed_over, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
