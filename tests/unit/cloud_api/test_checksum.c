/* S3's checksums against the check values of their catalogues: each over "123456789". */
#include "request.h"

#include <stdlib.h>

#include "cloud/api/checksum.h"
#include "cloud/core/ground/names.h"

static void expect(enum checksum kind, const char *hex)
{
    char text[CHECKSUM_TEXT_MAX], actual[80];
    size_t size;
    checksum_text(kind, "123456789", 9, text, sizeof text);
    void *bytes = base64_bytes(text, &size);
    hex_encode(actual, bytes, size);
    free(bytes);
    assert_string_equal(actual, hex);
}

static void the_catalogued_check_values_are_met(void **state)
{
    (void)state;
    expect(CHECKSUM_CRC32, "cbf43926");
    expect(CHECKSUM_CRC32C, "e3069283");
    expect(CHECKSUM_CRC64NVME, "ae8b14860a799888");
    expect(CHECKSUM_SHA1, "f7c3bc1d808e04732adf679965ccc34ca7ae3441");
    expect(CHECKSUM_SHA256, "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225");
    expect(CHECKSUM_MD5, "25f9e794323b453885f5181f1b624d0b");
}

static void each_header_is_checked_and_the_wrong_one_named(void **state)
{
    struct evkeyvalq headers;
    char wrong[48] = "";
    const char *good[] = {"x-amz-checksum-crc32:y/Q5Jg==", NULL};
    const char *bad[] = {"x-amz-checksum-crc32:y/Q5Jg==", "X-Amz-Checksum-Crc32c:AAAAAA==", NULL};
    (void)state;
    fill_headers(&headers, good);
    assert_true(checksum_headers_match(&headers, "123456789", 9, wrong, sizeof wrong));
    assert_false(checksum_headers_match(&headers, "123456780", 9, wrong, sizeof wrong));
    evhttp_clear_headers(&headers);
    fill_headers(&headers, bad);
    assert_false(checksum_headers_match(&headers, "123456789", 9, wrong, sizeof wrong));
    assert_string_equal(wrong, "x-amz-checksum-crc32c");
    evhttp_clear_headers(&headers);
}

static void base64_is_strict(void **state)
{
    size_t size = 9;
    (void)state;
    assert_null(base64_bytes("abc", &size));
    assert_null(base64_bytes("ab c", &size));
    assert_null(base64_bytes("ab\nd", &size));
    char *empty = base64_bytes("", &size);
    assert_int_equal(size, 0);
    free(empty);
    char *one = base64_bytes("QQ==", &size);
    assert_int_equal(size, 1);
    assert_string_equal(one, "A");
    free(one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_catalogued_check_values_are_met),
        cmocka_unit_test(each_header_is_checked_and_the_wrong_one_named),
        cmocka_unit_test(base64_is_strict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
