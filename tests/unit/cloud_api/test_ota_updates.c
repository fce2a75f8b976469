/* OTA updates: the request's shape, what becomes of it, and taking up after a stop. */
#include "../cloud_core/fixture.h"

#include <stdlib.h>
#include <string.h>

#include "cloud/core/account/objects.h"
#include "cloud/core/account/roles.h"
#include "cloud/core/ground/names.h"
#include "cloud/core/jobs/jobs.h"
#include "cloud/core/ota/ota_updates.h"
#include "cloud/store/db.h"

#define ROLE    "'roleArn':'arn:aws:iam::" CLOUD_ACCOUNT ":role/ota'"
#define TARGETS "'targets':['" ACCOUNT_ARN "thing/t']"
#define S3      "'fileLocation':{'s3Location':{'bucket':'bucket','key':'fw.bin'}}"
#define CUSTOM(signature)                                                                          \
    "'codeSigning':{'customCodeSigning':{'signature':{'inlineDocument':'" signature "'},"          \
    "'certificateChain':{'certificateName':'k'},'hashAlgorithm':'SHA256',"                         \
    "'signatureAlgorithm':'ECDSA'}}"
#define REQUEST(file) "{" TARGETS "," ROLE ",'files':[{'fileName':'fw.bin'," file "}]}"

#define DER_ONCE  "MAYCAQECAQI="     /* base64 of SEQUENCE { 1, 2 } */
#define DER_TWICE "TUFZQ0FRRUNBUUk9" /* base64 of the line above */

static struct cloud *cloud_of(void **state)
{
    return &((struct fixture *)*state)->cloud;
}

static int setup(void **state)
{
    struct answer answer = ANSWER_INIT;
    struct object object;
    struct object_upload upload = {
        .bucket = "bucket", .key = "fw.bin", .content = "firmware", .size = 8};
    struct role_request role = {
        .name = "ota",
        .trust = "{\"Statement\":{\"Effect\":\"Allow\",\"Principal\":{\"Service\":"
                 "\"iot.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}}"};
    if (fixture_setup(state))
        return -1;
    fixture_thing(*state, "t");
    int failed = bucket_create(cloud_of(state), "bucket", &answer) ||
                 object_put(cloud_of(state), &upload, &object, &answer) ||
                 role_create(cloud_of(state), &role, &answer);
    answer_free(&answer);
    return failed;
}

static enum core_error create(struct cloud *cloud, const char *id, const char *text)
{
    struct answer answer = ANSWER_INIT;
    json_t *body = members(text);
    enum core_error error = ota_create(cloud, id, body, &answer);
    json_decref(body);
    answer_free(&answer);
    return error;
}

static void expect_status(struct cloud *cloud, const char *id, const char *status)
{
    struct answer answer = ANSWER_INIT;
    assert_int_equal(ota_get(cloud, id, &answer), CORE_OK);
    assert_string_equal(json_text(json_object_get(answer.body, "otaUpdateInfo"), "otaUpdateStatus"),
                        status);
    answer_free(&answer);
}

static json_t *document(struct cloud *cloud, const char *job)
{
    struct answer answer = ANSWER_INIT;
    assert_int_equal(jobs_document(cloud, job, &answer), CORE_OK);
    json_t *value = json_loads(json_text(answer.body, "document"), 0, NULL);
    answer_free(&answer);
    return value;
}

static void a_bad_shape_is_refused_at_once(void **state)
{
    static const char *const bad[] = {
        "{}",
        "{" TARGETS "," ROLE "}",
        "{" TARGETS "," ROLE ",'files':[]}",
        "{" TARGETS ",'files':[{'fileName':'f'," S3 "}]}",
        "{'targets':[]," ROLE ",'files':[{'fileName':'f'," S3 "}]}",
        "{'targets':['t']," ROLE ",'files':[{'fileName':'f'," S3 "}]}",
        "{" TARGETS "," ROLE ",'files':[{" S3 "}]}",
        REQUEST("'fileType':256," S3),
        REQUEST("'fileType':'0'," S3),
        REQUEST("'fileLocation':{}"),
        REQUEST("'fileLocation':{'s3Location':{'bucket':'b'}}"),
        REQUEST("'fileLocation':{'stream':{'streamId':'s'}}"),
        REQUEST(S3 ",'codeSigning':{}"),
        REQUEST(S3 ",'codeSigning':{'awsSignerJobId':'j','startSigningJobParameter':{'a':1}}"),
        REQUEST(S3 ",'codeSigning':{'startSigningJobParameter':{'signingProfileName':'p'}}"),
        REQUEST(S3 ",'codeSigning':{'startSigningJobParameter':{'signingProfileName':'p',"
                   "'destination':{'s3Destination':{'bucket':'bucket'}}}}"), /* no version */
        REQUEST(S3 "," CUSTOM("")),
        REQUEST(S3 "," CUSTOM("not base64")),
        "{" TARGETS "," ROLE ",'protocols':['FTP'],'files':[{'fileName':'f'," S3 "}]}",
        "{" TARGETS "," ROLE ",'targetSelection':'ALL','files':[{'fileName':'f'," S3 "}]}",
        "{" TARGETS "," ROLE ",'awsJobTimeoutConfig':{'inProgressTimeoutInMinutes':0},"
        "'files':[{'fileName':'f'," S3 "}]}",
    };
    struct cloud *cloud = cloud_of(state);
    struct answer answer = ANSWER_INIT;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(create(cloud, "u", bad[i]), CORE_INVALID_REQUEST);
    assert_int_equal(ota_get(cloud, "u", &answer), CORE_NOT_FOUND);
}

static void an_id_must_leave_room_for_the_jobs_id(void **state)
{
    struct cloud *cloud = cloud_of(state);
    char id[58];
    memset(id, 'i', 57);
    id[57] = 0;
    assert_int_equal(create(cloud, id, REQUEST(S3)), CORE_INVALID_REQUEST);
    id[56] = 0;
    assert_int_equal(create(cloud, id, REQUEST(S3)), CORE_OK);
    ota_resume(cloud);
    expect_status(cloud, id, "CREATE_COMPLETE");
}

static void the_job_is_made_on_the_loop_and_its_document_is_compact(void **state)
{
    struct fixture *fixture = *state;
    struct answer answer = ANSWER_INIT;
    assert_int_equal(create(&fixture->cloud, "u", REQUEST("'fileType':7," S3 "," CUSTOM(DER_ONCE))),
                     CORE_OK);
    expect_status(&fixture->cloud, "u", "CREATE_PENDING");
    cloud_turn(&fixture->cloud);
    expect_status(&fixture->cloud, "u", "CREATE_COMPLETE");
    assert_int_equal(jobs_document(&fixture->cloud, "AFR_OTA-u", &answer), CORE_OK);
    const char *text = json_text(answer.body, "document");
    assert_null(strpbrk(text, " \n"));
    assert_ptr_equal(
        strstr(text, "{\"afr_ota\":{\"protocols\":[\"MQTT\"],\"streamname\":\"AFR_OTA-"), text);
    assert_non_null(strstr(
        text, "\"files\":[{\"filepath\":\"fw.bin\",\"filesize\":8,\"fileid\":0,"
              "\"certfile\":\"k\",\"fileType\":7,\"sig-sha256-ecdsa\":\"" DER_ONCE "\"}]}}"));
    answer_free(&answer);
    assert_non_null(fixture_published(fixture, "$aws/things/t/jobs/notify-next"));
}

static void a_signature_that_was_encoded_twice_reaches_the_device_encoded_once(void **state)
{
    struct cloud *cloud = cloud_of(state);
    create(cloud, "u", REQUEST(S3 "," CUSTOM(DER_TWICE)));
    ota_resume(cloud);
    json_t *value = document(cloud, "AFR_OTA-u");
    const json_t *files = json_object_get(json_object_get(value, "afr_ota"), "files");
    assert_string_equal(json_text(json_array_get(files, 0), "sig-sha256-ecdsa"), DER_ONCE);
    json_decref(value);
}

static void expect_failure(struct cloud *cloud, const char *id, const char *code, const char *text)
{
    struct answer answer = ANSWER_INIT;
    ota_resume(cloud);
    expect_status(cloud, id, "CREATE_FAILED");
    ota_get(cloud, id, &answer);
    const json_t *info =
        json_object_get(json_object_get(answer.body, "otaUpdateInfo"), "errorInfo");
    assert_string_equal(json_text(info, "code"), code);
    assert_non_null(strstr(json_text(info, "message"), text));
    answer_free(&answer);
}

static void what_cannot_be_done_fails_with_the_reason(void **state)
{
    struct cloud *cloud = cloud_of(state);
    create(cloud, "object", REQUEST("'fileLocation':{'s3Location':{'bucket':'bucket','key':'x'}}"));
    expect_failure(cloud, "object", "ResourceNotFoundException", "s3://bucket/x");
    create(cloud, "bucket",
           REQUEST("'fileLocation':{'s3Location':{'bucket':'none','key':'fw.bin'}}"));
    expect_failure(cloud, "bucket", "ResourceNotFoundException", "s3://none/fw.bin");
    create(cloud, "job", REQUEST("'codeSigning':{'awsSignerJobId':'nope'}"));
    expect_failure(cloud, "job", "ResourceNotFoundException", "nope");
    create(cloud, "thing",
           "{'targets':['" ACCOUNT_ARN "thing/nobody']," ROLE ",'files':[{'fileName':'f'," S3
           "}]}");
    expect_failure(cloud, "thing", "ResourceNotFoundException", "nobody");
    create(cloud, "role",
           "{" TARGETS ",'roleArn':'arn:aws:iam::" CLOUD_ACCOUNT ":role/other',"
           "'files':[{'fileName':'f'," S3 "}]}");
    expect_failure(cloud, "role", "ResourceNotFoundException", "other");
    assert_int_equal(create(cloud, "role", REQUEST(S3)), CORE_EXISTS);
}

static void a_failed_update_leaves_neither_stream_nor_job(void **state)
{
    struct fixture *fixture = *state;
    create(&fixture->cloud, "u",
           "{'targets':['" ACCOUNT_ARN "thing/nobody']," ROLE ",'files':[{'fileName':'f'," S3
           "}]}");
    ota_resume(&fixture->cloud);
    assert_int_equal(db_number(fixture->cloud.db, "SELECT COUNT(*) FROM streams", ""), 0);
    assert_int_equal(db_number(fixture->cloud.db, "SELECT COUNT(*) FROM jobs", ""), 0);
}

static void an_update_that_was_pending_at_a_stop_is_taken_up_again(void **state)
{
    struct fixture *fixture = *state;
    create(&fixture->cloud, "u", REQUEST(S3));
    fixture_restart(fixture);
    expect_status(&fixture->cloud, "u", "CREATE_PENDING");
    ota_resume(&fixture->cloud);
    expect_status(&fixture->cloud, "u", "CREATE_COMPLETE");
}

static void an_unfinished_job_holds_its_update_unless_forced(void **state)
{
    struct cloud *cloud = cloud_of(state);
    struct answer answer = ANSWER_INIT;
    create(cloud, "u", REQUEST(S3));
    ota_resume(cloud);
    assert_int_equal(ota_delete(cloud, "u", true, false, &answer), CORE_INVALID_REQUEST);
    expect_status(cloud, "u", "CREATE_COMPLETE");
    assert_int_equal(ota_delete(cloud, "u", true, true, &answer), CORE_OK);
    assert_int_equal(ota_get(cloud, "u", &answer), CORE_NOT_FOUND);
    assert_int_equal(db_number(cloud->db, "SELECT COUNT(*) FROM streams", ""), 0);
    assert_int_equal(ota_delete(cloud, "u", true, true, &answer), CORE_NOT_FOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_bad_shape_is_refused_at_once),
        TEST(an_id_must_leave_room_for_the_jobs_id),
        TEST(the_job_is_made_on_the_loop_and_its_document_is_compact),
        TEST(a_signature_that_was_encoded_twice_reaches_the_device_encoded_once),
        TEST(what_cannot_be_done_fails_with_the_reason),
        TEST(a_failed_update_leaves_neither_stream_nor_job),
        TEST(an_update_that_was_pending_at_a_stop_is_taken_up_again),
        TEST(an_unfinished_job_holds_its_update_unless_forced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
