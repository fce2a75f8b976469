/* Several images in one job: how the record keeps their files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "port/log.h"
#include "port/port.h"
#include "services/ota/record.h"
#include "tests/sim/nor_store.h"

static struct nor_store flash;
static struct kv kv;

otter_ms port_now(void)
{
    return 0;
}

void port_log_write(const char *line, size_t length)
{
    (void)line;
    (void)length;
}

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

static void add_file(struct ota_job *job, uint8_t image, uint32_t size, uint8_t major)
{
    const struct image_version version = {.major = major, .build = 7};
    job->image = image;
    job->file_id = (uint8_t)(200u + image);
    job->file_size = size;
    job->transform = (uint8_t)(image * 9u);
    job->signature_length = (uint8_t)(OTA_SIGNATURE_MAX - image);
    memset(job->signature, 0, sizeof job->signature);
    memset(job->signature, 0x30 + image, job->signature_length);
    job->set.current = job->set.count++;
    ota_set_put(job, &version);
}

/* Two files, the second one at work. */
static struct ota_record record_of_a_pair(void)
{
    struct ota_record record;
    memset(&record, 0, sizeof record);
    record.phase = OTA_RECORD_DOWNLOAD;
    memset(record.job.id, 'j', OTA_JOB_ID_MAX);
    memset(record.job.stream, 's', OTA_STREAM_MAX);
    add_file(&record.job, 0, 100000, 2);
    add_file(&record.job, 1, 50000, 3);
    ota_set_select(&record.job, &record.version, 1);
    return record;
}

static void a_record_of_several_files_comes_back_as_it_was(void **state)
{
    (void)state;
    const struct ota_record record = record_of_a_pair();
    struct ota_record back;
    assert_int_equal(record.version.major, 3);
    assert_int_equal(ota_record_save(&kv, &record), OTTER_OK);
    assert_int_equal(ota_record_load(&kv, &back), OTTER_OK);
    assert_memory_equal(&back, &record, sizeof back);
}

static void selecting_a_file_changes_all_that_tells_of_it(void **state)
{
    (void)state;
    struct ota_record record = record_of_a_pair();
    ota_set_select(&record.job, &record.version, 0);
    assert_int_equal(record.job.image, 0);
    assert_int_equal(record.job.file_id, 200);
    assert_int_equal(record.job.file_size, 100000);
    assert_int_equal(record.job.transform, 0);
    assert_int_equal(record.job.signature_length, OTA_SIGNATURE_MAX);
    assert_int_equal(record.job.signature[0], 0x30);
    assert_int_equal(record.version.major, 2);
}

/* The one file that the record describes may be the partner's. */
static void firmware_without_sets_does_not_take_the_record_for_one_of_its_own(void **state)
{
    (void)state;
    const struct ota_record record = record_of_a_pair();
    uint8_t form[512];
    uint32_t length = 0;
    assert_int_equal(ota_record_save(&kv, &record), OTTER_OK);
    assert_int_equal(kv_get(&kv, "ota/job", form, sizeof form, &length), OTTER_OK);
    assert_int_not_equal(form[0], 1); /* the only format that it knows */
}

/* Firmware that knew no sets had a job in between, and left them there. */
static void the_files_of_another_job_are_not_those_of_this_one(void **state)
{
    (void)state;
    struct ota_record record = record_of_a_pair();
    struct ota_record back;
    uint8_t set[512];
    uint32_t length = 0;
    assert_int_equal(ota_record_save(&kv, &record), OTTER_OK);
    assert_int_equal(kv_get(&kv, "ota/set", set, sizeof set, &length), OTTER_OK);
    record.job.execution = 9;
    record.job.set.count = 0;
    assert_int_equal(ota_record_save(&kv, &record), OTTER_OK);
    assert_int_equal(kv_set(&kv, "ota/set", set, length), OTTER_OK);
    assert_int_equal(ota_record_load(&kv, &back), OTTER_OK);
    assert_int_equal(back.job.set.count, 0);
    assert_int_equal(back.job.image, 0);
    record = record_of_a_pair();
    record.job.execution = 10;
    assert_int_equal(ota_record_save(&kv, &record), OTTER_OK);
    assert_int_equal(kv_set(&kv, "ota/set", set, length), OTTER_OK);
    assert_int_equal(ota_record_load(&kv, &back), OTTER_E_CORRUPT);
}

static void one_file_of_image_0_is_kept_as_older_firmware_keeps_it(void **state)
{
    (void)state;
    struct ota_record record;
    struct jobs_past past = {0};
    uint8_t set[512];
    uint32_t length = 0;
    memset(&record, 0, sizeof record);
    record.phase = OTA_RECORD_DOWNLOAD;
    record.job.id[0] = 'j';
    add_file(&record.job, 0, 100000, 2);
    assert_int_equal(ota_record_save(&kv, &record), OTTER_OK);
    assert_int_equal(kv_get(&kv, "ota/set", set, sizeof set, &length), OTTER_E_NOT_FOUND);
    record = record_of_a_pair();
    assert_int_equal(ota_record_save(&kv, &record), OTTER_OK);
    assert_int_equal(kv_get(&kv, "ota/set", set, sizeof set, &length), OTTER_OK);
    assert_int_equal(ota_record_close(&kv, &record, &past), OTTER_OK);
    assert_int_equal(kv_get(&kv, "ota/set", set, sizeof set, &length), OTTER_E_NOT_FOUND);
}

static void shortened_or_senseless_files_are_no_job(void **state)
{
    (void)state;
    const struct ota_record record = record_of_a_pair();
    struct ota_record back;
    uint8_t set[512];
    uint32_t length = 0;
    assert_int_equal(ota_record_save(&kv, &record), OTTER_OK);
    assert_int_equal(kv_get(&kv, "ota/set", set, sizeof set, &length), OTTER_OK);
    for (uint32_t cut = 10; cut < length; cut++) {
        assert_int_equal(kv_set(&kv, "ota/set", set, cut), OTTER_OK);
        assert_int_equal(ota_record_load(&kv, &back), OTTER_E_CORRUPT);
        assert_int_equal(back.phase, OTA_RECORD_NONE);
    }
    set[10] = OTA_IMAGES_MAX + 1;
    assert_int_equal(kv_set(&kv, "ota/set", set, length), OTTER_OK);
    assert_int_equal(ota_record_load(&kv, &back), OTTER_E_CORRUPT);
    set[10] = OTA_IMAGES_MAX;
    set[11] = OTA_IMAGES_MAX;
    assert_int_equal(kv_set(&kv, "ota/set", set, length), OTTER_OK);
    assert_int_equal(ota_record_load(&kv, &back), OTTER_E_CORRUPT);
    set[11] = 1;
    assert_int_equal(kv_set(&kv, "ota/set", set, length), OTTER_OK);
    assert_int_equal(ota_record_load(&kv, &back), OTTER_OK);
    set[12] = OTA_IMAGES_MAX; /* the first file's image */
    assert_int_equal(kv_set(&kv, "ota/set", set, length), OTTER_OK);
    assert_int_equal(ota_record_load(&kv, &back), OTTER_E_CORRUPT);
}

#define PROMISE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(a_record_of_several_files_comes_back_as_it_was),
        PROMISE(selecting_a_file_changes_all_that_tells_of_it),
        PROMISE(firmware_without_sets_does_not_take_the_record_for_one_of_its_own),
        PROMISE(the_files_of_another_job_are_not_those_of_this_one),
        PROMISE(one_file_of_image_0_is_kept_as_older_firmware_keeps_it),
        PROMISE(shortened_or_senseless_files_are_no_job),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
