/* SigV4 against the vectors that AWS publishes, and every way of being refused. */
#include "request.h"

#include <stdio.h>
#include <stdlib.h>

#include "cloud/core/ground/names.h"

#define TIME_2015 1440938160 /* 20150830T123600Z */
#define TIME_2013 1369353600 /* 20130524T000000Z */

static const struct sigv4_keys keys_2015 = {
    "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1"};
static const struct sigv4_keys keys_2013 = {
    "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1"};

#define CREDENTIAL_2015                                                                            \
    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request"
#define VANILLA "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"

static enum sigv4_verdict check(const char *method, const char *target, const char *const *pairs,
                                const char *body, const struct sigv4_keys *keys, int64_t now,
                                struct sigv4_result *result)
{
    struct evkeyvalq headers;
    fill_headers(&headers, pairs);
    struct sigv4_request request = {method, target, &headers, body, strlen(body)};
    enum sigv4_verdict verdict = sigv4_check(&request, keys, now, result);
    evhttp_clear_headers(&headers);
    return verdict;
}

/* The simplest published request, with this Authorization header. */
static enum sigv4_verdict check_vanilla(const char *authorization, const struct sigv4_keys *keys,
                                        int64_t now, struct sigv4_result *result)
{
    char line[512];
    snprintf(line, sizeof line, "Authorization:%s", authorization);
    const char *pairs[] = {"Host:example.amazonaws.com", "X-Amz-Date:20150830T123600Z", line, NULL};
    return check("GET", "/", pairs, "", keys, now, result);
}

#define GOOD CREDENTIAL_2015 ", SignedHeaders=host;x-amz-date, Signature=" VANILLA

static void the_published_signing_key_is_derived(void **state)
{
    unsigned char key[32];
    char hex[65];
    (void)state;
    sigv4_key(keys_2015.secret, "20150830", "us-east-1", "iam", key);
    hex_encode(hex, key, sizeof key);
    assert_string_equal(hex, "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
}

static void the_published_get_vanilla_is_accepted(void **state)
{
    struct sigv4_result result;
    (void)state;
    assert_int_equal(check_vanilla(GOOD, &keys_2015, TIME_2015, &result), SIGV4_OK);
    assert_string_equal(result.service, "service");
    assert_string_equal(result.signature, VANILLA);
}

static void the_published_s3_get_is_accepted(void **state)
{
    struct sigv4_result result;
    const char *pairs[] = {
        "Host:examplebucket.s3.amazonaws.com",
        "Range:bytes=0-9",
        "x-amz-content-sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "x-amz-date:20130524T000000Z",
        "Authorization:AWS4-HMAC-SHA256 "
        "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        NULL};
    (void)state;
    assert_int_equal(check("GET", "/test.txt", pairs, "", &keys_2013, TIME_2013, &result),
                     SIGV4_OK);
}

#define PRESIGNED                                                                                  \
    "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524"  \
    "%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400"             \
    "&X-Amz-SignedHeaders=host&X-Amz-Signature="                                                   \
    "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"

static void the_published_presigned_url_is_accepted_until_it_expires(void **state)
{
    struct sigv4_result result;
    const char *pairs[] = {"Host:examplebucket.s3.amazonaws.com", NULL};
    (void)state;
    assert_int_equal(check("GET", PRESIGNED, pairs, "", &keys_2013, TIME_2013, &result), SIGV4_OK);
    assert_int_equal(check("GET", PRESIGNED, pairs, "", &keys_2013, TIME_2013 + 86400, &result),
                     SIGV4_OK);
    assert_int_equal(check("GET", PRESIGNED, pairs, "", &keys_2013, TIME_2013 + 86401, &result),
                     SIGV4_EXPIRED);
    assert_int_equal(check("HEAD", PRESIGNED, pairs, "", &keys_2013, TIME_2013, &result),
                     SIGV4_MISMATCH);
}

static void nothing_unsigned_is_accepted(void **state)
{
    struct sigv4_result result;
    const char *bare[] = {"Host:h", NULL};
    const char *basic[] = {"Host:h", "Authorization:Basic dXNlcjpwYXNz", NULL};
    (void)state;
    assert_int_equal(check("GET", "/", bare, "", &keys_2015, TIME_2015, &result), SIGV4_MISSING);
    assert_int_equal(check("GET", "/", basic, "", &keys_2015, TIME_2015, &result),
                     SIGV4_INCOMPLETE);
    assert_int_equal(check_vanilla("AWS4-HMAC-SHA256 ", &keys_2015, TIME_2015, &result),
                     SIGV4_INCOMPLETE);
    assert_int_equal(check_vanilla(CREDENTIAL_2015 ", SignedHeaders=host;x-amz-date, Signature=",
                                   &keys_2015, TIME_2015, &result),
                     SIGV4_MISMATCH);
}

static void a_credential_with_missing_or_further_parts_is_refused(void **state)
{
    static const char *const credentials[] = {
        "AKIDEXAMPLE/20150830/us-east-1/service",
        "AKIDEXAMPLE/20150830/us-east-1/service/aws4_request/more",
        "AKIDEXAMPLE/20150830/us-east-1/service/aws5_request",
        "AKIDEXAMPLE/2015083/us-east-1/service/aws4_request",
        "AKIDEXAMPLE/20150831/us-east-1/service/aws4_request",
        "/20150830/us-east-1/service/aws4_request",
        ""};
    (void)state;
    for (size_t i = 0; i < sizeof credentials / sizeof *credentials; i++) {
        struct sigv4_result result;
        char header[400];
        snprintf(
            header, sizeof header,
            "AWS4-HMAC-SHA256 Credential=%s, SignedHeaders=host;x-amz-date, Signature=" VANILLA,
            credentials[i]);
        assert_int_equal(check_vanilla(header, &keys_2015, TIME_2015, &result), SIGV4_INCOMPLETE);
    }
}

static void another_key_secret_or_region_is_refused(void **state)
{
    struct sigv4_result result;
    struct sigv4_keys other_id = {"AKIDEXAMPLF", keys_2015.secret, "us-east-1"};
    struct sigv4_keys other_secret = {"AKIDEXAMPLE", "wrong", "us-east-1"};
    struct sigv4_keys other_region = {"AKIDEXAMPLE", keys_2015.secret, "eu-west-1"};
    (void)state;
    assert_int_equal(check_vanilla(GOOD, &other_id, TIME_2015, &result), SIGV4_UNKNOWN_KEY);
    assert_string_equal(result.service, "service"); /* so that the error has the right form */
    assert_int_equal(check_vanilla(GOOD, &other_secret, TIME_2015, &result), SIGV4_MISMATCH);
    assert_int_equal(check_vanilla(GOOD, &other_region, TIME_2015, &result), SIGV4_REGION);
}

static void clocks_may_differ_by_five_minutes(void **state)
{
    struct sigv4_result result;
    (void)state;
    assert_int_equal(check_vanilla(GOOD, &keys_2015, TIME_2015 + 300, &result), SIGV4_OK);
    assert_int_equal(check_vanilla(GOOD, &keys_2015, TIME_2015 - 300, &result), SIGV4_OK);
    assert_int_equal(check_vanilla(GOOD, &keys_2015, TIME_2015 + 301, &result), SIGV4_SKEWED);
    assert_int_equal(check_vanilla(GOOD, &keys_2015, TIME_2015 - 301, &result), SIGV4_SKEWED);
}

static void host_and_amz_headers_must_be_signed(void **state)
{
    struct sigv4_result result;
    const char *extra[] = {"Host:example.amazonaws.com", "X-Amz-Date:20150830T123600Z",
                           "X-Amz-Target:Other.Operation", "Authorization:" GOOD, NULL};
    (void)state;
    assert_int_equal(check_vanilla(CREDENTIAL_2015 ", SignedHeaders=x-amz-date, Signature=" VANILLA,
                                   &keys_2015, TIME_2015, &result),
                     SIGV4_INCOMPLETE);
    assert_int_equal(check("GET", "/", extra, "", &keys_2015, TIME_2015, &result),
                     SIGV4_INCOMPLETE);
}

static void a_changed_method_path_query_header_or_body_is_refused(void **state)
{
    struct sigv4_result result;
    const char *pairs[] = {"Host:example.amazonaws.com", "X-Amz-Date:20150830T123600Z",
                           "Authorization:" GOOD, NULL};
    const char *other_host[] = {"Host:example.amazonaws.org", "X-Amz-Date:20150830T123600Z",
                                "Authorization:" GOOD, NULL};
    (void)state;
    assert_int_equal(check("POST", "/", pairs, "", &keys_2015, TIME_2015, &result), SIGV4_MISMATCH);
    assert_int_equal(check("GET", "/a", pairs, "", &keys_2015, TIME_2015, &result), SIGV4_MISMATCH);
    assert_int_equal(check("GET", "/?a", pairs, "", &keys_2015, TIME_2015, &result),
                     SIGV4_MISMATCH);
    assert_int_equal(check("GET", "/", pairs, "x", &keys_2015, TIME_2015, &result), SIGV4_MISMATCH);
    assert_int_equal(check("GET", "/", other_host, "", &keys_2015, TIME_2015, &result),
                     SIGV4_MISMATCH);
}

static void a_body_that_is_not_the_signed_one_is_told_apart(void **state)
{
    struct sigv4_result result;
    const char *pairs[] = {
        "Host:examplebucket.s3.amazonaws.com",
        "Range:bytes=0-9",
        "x-amz-content-sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "x-amz-date:20130524T000000Z",
        "Authorization:AWS4-HMAC-SHA256 "
        "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        NULL};
    (void)state;
    assert_int_equal(check("GET", "/test.txt", pairs, "smuggled", &keys_2013, TIME_2013, &result),
                     SIGV4_BODY);
}

static void expect_canonical(const char *target, bool s3, const char *path, const char *query)
{
    struct evkeyvalq headers;
    const char *pairs[] = {"Host:h", NULL};
    char wanted[512];
    fill_headers(&headers, pairs);
    struct sigv4_request request = {"GET", target, &headers, "", 0};
    char *canonical = sigv4_canonical(&request, "host", "HASH", s3);
    snprintf(wanted, sizeof wanted, "GET\n%s\n%s\nhost:h\n\nhost\nHASH", path, query);
    assert_string_equal(canonical, wanted);
    free(canonical);
    evhttp_clear_headers(&headers);
}

static void paths_are_normalised_and_encoded_again_but_for_s3(void **state)
{
    (void)state;
    expect_canonical("/attached-policies/arn%3Aaws%2Fx", false,
                     "/attached-policies/arn%253Aaws%252Fx", "");
    expect_canonical("/a//b/./c/../d/", false, "/a/b/d/", "");
    expect_canonical("/../..", false, "/", "");
    expect_canonical("/things/t/jobs/$next", false, "/things/t/jobs/%24next", "");
    expect_canonical("/b//k%20ey/../x", true, "/b//k%20ey/../x", "");
    expect_canonical("", true, "/", "");
}

static void queries_are_sorted_and_encoded(void **state)
{
    (void)state;
    expect_canonical("/?b=2&a=1&a=0&versions&c=%2f", true, "/", "a=0&a=1&b=2&c=%2F&versions=");
    expect_canonical("/?x=a b&&y=%zz", true, "/", "x=a%20b&y=");
}

static void header_values_are_trimmed_and_joined(void **state)
{
    struct evkeyvalq headers;
    const char *pairs[] = {"Host:h", "My-Header:  a   b  ", "my-header:c", NULL};
    (void)state;
    fill_headers(&headers, pairs);
    struct sigv4_request request = {"GET", "/", &headers, "", 0};
    char *canonical = sigv4_canonical(&request, "host;my-header", "HASH", false);
    assert_string_equal(canonical, "GET\n/\n\nhost:h\nmy-header:a b,c\n\nhost;my-header\nHASH");
    free(canonical);
    evhttp_clear_headers(&headers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_signing_key_is_derived),
        cmocka_unit_test(the_published_get_vanilla_is_accepted),
        cmocka_unit_test(the_published_s3_get_is_accepted),
        cmocka_unit_test(the_published_presigned_url_is_accepted_until_it_expires),
        cmocka_unit_test(nothing_unsigned_is_accepted),
        cmocka_unit_test(a_credential_with_missing_or_further_parts_is_refused),
        cmocka_unit_test(another_key_secret_or_region_is_refused),
        cmocka_unit_test(clocks_may_differ_by_five_minutes),
        cmocka_unit_test(host_and_amz_headers_must_be_signed),
        cmocka_unit_test(a_changed_method_path_query_header_or_body_is_refused),
        cmocka_unit_test(a_body_that_is_not_the_signed_one_is_told_apart),
        cmocka_unit_test(paths_are_normalised_and_encoded_again_but_for_s3),
        cmocka_unit_test(queries_are_sorted_and_encoded),
        cmocka_unit_test(header_values_are_trimmed_and_joined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
