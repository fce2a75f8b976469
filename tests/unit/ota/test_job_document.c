/* The job document: what is taken, what is refused and with which words, what is left alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "port/log.h"
#include "port/port.h"
#include "services/ota/job_document.h"
#include "services/ota/source_stream.h"

/* 30 44 ... : 70 bytes of DER. */
#define SIGNATURE                                                                                  \
    "MEQCIBERERERERERERERERERERERERERERERERERERERERERAiARERERERERERERERERERERERERERERERERERERERER" \
    "EQ=="

otter_ms port_now(void)
{
    return 0;
}

void port_log_write(const char *line, size_t length)
{
    (void)line;
    (void)length;
}

/* A source that only reads documents; another protocol, and files of its own. */
static bool read_url(struct ota_source *source, const struct json *json, int afr_ota, int file,
                     struct ota_job *into, char why[OTA_REASON_MAX + 1])
{
    (void)source;
    (void)afr_ota;
    (void)into;
    return json_find(json, file, "update_data_url") >= 0 ||
           ota_job_refuse(why, "job document: update_data_url is missing");
}

static const struct ota_source_ops by_url = {
    .name = "HTTP", .protocol = OTA_PROTOCOL_HTTP, .read = read_url};
static struct ota_source url = {.ops = &by_url};
static struct ota_source_stream stream;
static struct ota_source *const by_stream_only[] = {&stream.source};
static struct ota_source *const by_url_first[] = {&url, &stream.source};
static struct ota_source *const by_stream_first[] = {&stream.source, &url};

static struct ota_job_limits limits = {.file_size_max = 471040 - 1428, .block_size = 4096};

/* A thing with so long a name that a stream's may have 64 characters. */
static int set_up(void **state)
{
    static char thing[MQTT_TOPIC_MAX];
    static struct mqtt_session session;
    (void)state;
    const uint32_t most = ota_stream_name_max("");
    assert_int_equal(most, OTA_STREAM_MAX);
    while (ota_stream_name_max(thing) > 64)
        thing[strlen(thing)] = 't';
    ota_source_stream_init(&stream, &session, thing, 0);
    limits.sources = by_stream_only;
    limits.source_count = 1;
    return 0;
}

static struct ota_job job;
static char reason[OTA_REASON_MAX + 1];

static enum ota_document read_text(const char *text)
{
    jsmntok_t tokens[128];
    struct json json;
    memset(&job, 0, sizeof job);
    reason[0] = '\0';
    assert_int_equal(json_parse(&json, text, strlen(text), tokens, 128), OTTER_OK);
    return ota_job_document(&json, 0, &limits, &job, reason);
}

/* A whole document with one piece put in another's place. */
static enum ota_document read_with(const char *piece, const char *instead)
{
    static const char whole[] =
        "{\"afr_ota\":{\"protocols\":[\"MQTT\"],\"streamname\":\"AFR_OTA-1\",\"files\":[{"
        "\"filepath\":\"fw.bin\",\"filesize\":184320,\"fileid\":0,\"certfile\":\"ota_signer_pub\","
        "\"fileType\":0,\"sig-sha256-ecdsa\":\"" SIGNATURE "\"}]}}";
    char text[2048];
    const char *at = strstr(whole, piece);
    assert_non_null(at);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - whole), whole, instead, at + strlen(piece));
    return read_text(text);
}

static void assert_refused(enum ota_document got, const char *words)
{
    assert_int_equal(got, OTA_DOCUMENT_REFUSED);
    if (strstr(reason, words) == NULL)
        fail_msg("reason is \"%s\", expected \"%s\" in it", reason, words);
}

static void a_whole_document_is_taken(void **state)
{
    (void)state;
    assert_int_equal(read_with("", ""), OTA_DOCUMENT_OK);
    assert_string_equal(job.stream, "AFR_OTA-1");
    assert_int_equal(job.file_size, 184320);
    assert_int_equal(job.file_id, 0);
    assert_int_equal(job.signature_length, 70);
    assert_int_equal(job.signature[0], 0x30);
    assert_int_equal(job.signature[1], 68);
}

static void both_protocols_and_unknown_keys_are_taken(void **state)
{
    (void)state;
    assert_int_equal(read_with("[\"MQTT\"]", "[\"HTTP\",\"MQTT\"]"), OTA_DOCUMENT_OK);
    assert_int_equal(read_with("\"fileid\":0", "\"attr\":3,\"update_data_url\":null,\"fileid\":7"),
                     OTA_DOCUMENT_OK);
    assert_int_equal(job.file_id, 7);
}

static void a_file_type_may_be_left_out(void **state)
{
    (void)state;
    assert_int_equal(read_with("\"fileType\":0,", ""), OTA_DOCUMENT_OK);
}

static void a_document_without_afr_ota_is_left_alone(void **state)
{
    (void)state;
    assert_int_equal(read_text("{\"operation\":\"reboot\"}"), OTA_DOCUMENT_FOREIGN);
    assert_int_equal(read_text("{}"), OTA_DOCUMENT_FOREIGN);
    assert_int_equal(read_text("[1,2]"), OTA_DOCUMENT_FOREIGN);
    assert_string_equal(reason, "");
}

static void afr_ota_must_be_an_object(void **state)
{
    (void)state;
    assert_refused(read_text("{\"afr_ota\":7}"), "afr_ota is no object");
    assert_refused(read_text("{\"afr_ota\":[]}"), "afr_ota is no object");
}

static void protocols_must_offer_mqtt(void **state)
{
    (void)state;
    assert_refused(read_with("[\"MQTT\"]", "[\"HTTP\"]"), "do not offer MQTT");
    assert_refused(read_with("[\"MQTT\"]", "[]"), "do not offer MQTT");
    assert_refused(read_with("[\"MQTT\"]", "\"MQTT\""), "protocols is missing or no list");
    assert_refused(read_with("\"protocols\":[\"MQTT\"],", ""), "protocols is missing");
}

static void the_protocol_offered_that_the_device_likes_best_is_taken(void **state)
{
    (void)state;
    static const char both[] = "[\"MQTT\",\"HTTP\"]";
    static const char file[] = "\"fileid\":0";
    static const char with_url[] = "\"update_data_url\":\"https://x/y\",\"fileid\":0";
    limits.source_count = 2;
    limits.sources = by_url_first;
    assert_int_equal(read_with("", ""), OTA_DOCUMENT_OK);
    assert_int_equal(job.protocol, OTA_PROTOCOL_MQTT);
    assert_refused(read_with("[\"MQTT\"]", both), "update_data_url is missing");
    assert_int_equal(read_with("[\"MQTT\"]", "[\"HTTP\"]"), OTA_DOCUMENT_REFUSED);
    assert_int_equal(read_with(file, with_url), OTA_DOCUMENT_OK);
    assert_int_equal(job.protocol, OTA_PROTOCOL_MQTT);
    limits.sources = by_stream_first;
    assert_int_equal(read_with("[\"MQTT\"]", both), OTA_DOCUMENT_OK);
    assert_int_equal(job.protocol, OTA_PROTOCOL_MQTT);
    assert_refused(read_with("[\"MQTT\"]", "[\"FTP\"]"), "do not offer MQTT or another one");
    limits.sources = by_url_first;
    limits.source_count = 1;
    assert_refused(read_with("", ""), "do not offer HTTP");
    assert_int_equal(read_text("{\"afr_ota\":{\"protocols\":[\"MQTT\",\"HTTP\"],\"files\":[{"
                               "\"filesize\":184320,\"fileid\":0,\"update_data_url\":\"u\","
                               "\"certfile\":\"ota_signer_pub\",\"sig-sha256-ecdsa\":\"" SIGNATURE
                               "\"}]}}"),
                     OTA_DOCUMENT_OK);
    assert_int_equal(job.protocol, OTA_PROTOCOL_HTTP);
    assert_string_equal(job.stream, "");
}

static void a_stream_must_be_named_and_fit_a_topic(void **state)
{
    (void)state;
    assert_refused(read_with("\"streamname\":\"AFR_OTA-1\",", ""), "streamname is missing");
    assert_refused(read_with("\"AFR_OTA-1\"", "null"), "streamname is missing or no text");
    assert_refused(read_with("AFR_OTA-1", ""), "streamname is missing");
    assert_refused(read_with("AFR_OTA-1", "a/b"), "characters other than");
    assert_refused(read_with("AFR_OTA-1", "a+"), "characters other than");
    assert_refused(
        read_with("AFR_OTA-1", "0123456789012345678901234567890123456789012345678901234567890123x"),
        "longer than 64");
    assert_refused(read_with("AFR_OTA-1", "01234567890123456789012345678901234567890123456789"
                                          "01234567890123456789012345678901234567890123456789"
                                          "01234567890123456789012345678901234567890123456789"),
                   "longer than 64");
}

static void exactly_one_file_is_taken(void **state)
{
    (void)state;
    assert_refused(read_text("{\"afr_ota\":{\"protocols\":[\"MQTT\"],\"streamname\":\"s\"}}"),
                   "files is missing");
    assert_refused(read_text("{\"afr_ota\":{\"protocols\":[\"MQTT\"],\"streamname\":\"s\","
                             "\"files\":[]}}"),
                   "0 files");
    assert_refused(read_text("{\"afr_ota\":{\"protocols\":[\"MQTT\"],\"streamname\":\"s\","
                             "\"files\":[{},{}]}}"),
                   "2 files");
    assert_refused(read_text("{\"afr_ota\":{\"protocols\":[\"MQTT\"],\"streamname\":\"s\","
                             "\"files\":[5]}}"),
                   "files[0] is no object");
}

static void a_size_must_be_that_of_an_image_that_fits(void **state)
{
    (void)state;
    assert_refused(read_with("\"filesize\":184320,", ""), "filesize is missing");
    assert_refused(read_with("184320", "\"184320\""), "no whole number");
    assert_refused(read_with("184320", "-1"), "no whole number");
    assert_refused(read_with("184320", "1.5"), "no whole number");
    assert_refused(read_with("184320", "0"), "too small");
    assert_refused(read_with("184320", "32"), "too small");
    assert_refused(read_with("184320", "469613"), "the slot takes 469612 bytes");
    assert_int_equal(read_with("184320", "469612"), OTA_DOCUMENT_OK);
    assert_refused(read_with("184320", "99999999999999999999"), "no whole number");
}

static void a_file_of_more_blocks_than_are_kept_track_of_is_refused(void **state)
{
    (void)state;
    const struct ota_job_limits large = {
        .file_size_max = 64u << 20, .block_size = 4096, by_stream_only, 1};
    jsmntok_t tokens[64];
    struct json json;
    const char *text = "{\"afr_ota\":{\"protocols\":[\"MQTT\"],\"streamname\":\"s\",\"files\":[{"
                       "\"filesize\":4194305,\"fileid\":0}]}}";
    assert_int_equal(json_parse(&json, text, strlen(text), tokens, 64), OTTER_OK);
    assert_refused(ota_job_document(&json, 0, &large, &job, reason), "more than 1024 blocks");
}

static void only_firmware_is_taken(void **state)
{
    (void)state;
    assert_refused(read_with("\"fileType\":0", "\"fileType\":1"), "fileType 1 is not supported");
    assert_refused(read_with("\"fileType\":0", "\"fileType\":256"), "fileType is not 0..255");
    assert_refused(read_with("\"fileType\":0", "\"fileType\":null"), "fileType is not 0..255");
    assert_refused(read_with("\"fileid\":0", "\"fileid\":256"), "fileid is missing or not 0..255");
    assert_refused(read_with("\"fileid\":0,", ""), "fileid is missing");
}

static void the_signer_must_be_known(void **state)
{
    (void)state;
    assert_refused(read_with("ota_signer_pub", "other\\n\\\"key"),
                   "certfile 'other??key' is not a key of this device");
    assert_refused(read_with("\"certfile\":\"ota_signer_pub\",", ""), "certfile is missing");
    assert_refused(read_with("ota_signer_pub", "x/y.pem"), "sign for ota_signer_pub");
}

static void the_signature_must_be_base64_of_der(void **state)
{
    (void)state;
    assert_refused(read_with("sig-sha256-ecdsa", "sig-sha256-rsa"), "no sig-sha256-ecdsa");
    assert_refused(read_with("\"" SIGNATURE "\"", "1"), "is no text");
    assert_refused(read_with(SIGNATURE, "!!!!"), "is not base64");
    assert_refused(read_with(SIGNATURE, "MEQC"), "no DER signature");
    assert_refused(read_with(SIGNATURE, "AAAAAAAAAAAAAAAA"), "no DER signature");
    assert_refused(read_with(SIGNATURE, SIGNATURE SIGNATURE), "base64 applied twice?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_whole_document_is_taken, set_up),
        cmocka_unit_test_setup(both_protocols_and_unknown_keys_are_taken, set_up),
        cmocka_unit_test_setup(a_file_type_may_be_left_out, set_up),
        cmocka_unit_test_setup(a_document_without_afr_ota_is_left_alone, set_up),
        cmocka_unit_test_setup(afr_ota_must_be_an_object, set_up),
        cmocka_unit_test_setup(protocols_must_offer_mqtt, set_up),
        cmocka_unit_test_setup(the_protocol_offered_that_the_device_likes_best_is_taken, set_up),
        cmocka_unit_test_setup(a_stream_must_be_named_and_fit_a_topic, set_up),
        cmocka_unit_test_setup(exactly_one_file_is_taken, set_up),
        cmocka_unit_test_setup(a_size_must_be_that_of_an_image_that_fits, set_up),
        cmocka_unit_test_setup(a_file_of_more_blocks_than_are_kept_track_of_is_refused, set_up),
        cmocka_unit_test_setup(only_firmware_is_taken, set_up),
        cmocka_unit_test_setup(the_signer_must_be_known, set_up),
        cmocka_unit_test_setup(the_signature_must_be_base64_of_der, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
