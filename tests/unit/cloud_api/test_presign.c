/* Presigned URLs: what the core signs, the API lets in, until it expires. */
#include "../cloud_core/fixture.h"
#include "request.h"

#include <stdio.h>
#include <stdlib.h>

#include "cloud/core/account/credentials.h"
#include "cloud/core/account/presign.h"

static const struct credentials credentials = {"AKIAIOSFODNN7EXAMPLE",
                                               "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"};

static enum sigv4_verdict check(const char *method, const char *url, int64_t now)
{
    const struct sigv4_keys keys = {credentials.key_id, credentials.secret, CLOUD_REGION};
    struct evkeyvalq headers;
    struct sigv4_result result;
    char host[300] = "Host:";
    const char *name = strstr(url, "://") + 3, *path = strchr(name, '/');
    snprintf(host, sizeof host, "Host:%.*s", (int)(path - name), name);
    fill_headers(&headers, (const char *const[]){host, NULL});
    const struct sigv4_request request = {.method = method, .target = path, .headers = &headers};
    enum sigv4_verdict verdict = sigv4_check(&request, &keys, now, &result);
    assert_string_equal(result.service, "s3");
    evhttp_clear_headers(&headers);
    return verdict;
}

static void a_presigned_url_is_let_in_until_it_expires(void **state)
{
    struct fixture *f = *state;
    struct object_place place = {"bucket", "a dir/f\xc3\xbcr+all.bin", "v.1_2"};
    int64_t now = f->now_ms / 1000;
    f->cloud.credentials = &credentials;
    strcpy(f->cloud.downloads, "https://localhost:12345");
    char *url = presign(&f->cloud, "GET", &place, 60);
    assert_int_equal(strncmp(url, "https://localhost:12345/bucket/a%20dir/f%C3%BCr%2Ball.bin?", 56),
                     0);
    assert_non_null(strstr(url, "&versionId=v.1_2&"));
    assert_int_equal(check("GET", url, now), SIGV4_OK);
    assert_int_equal(check("GET", url, now + 60), SIGV4_OK);
    assert_int_equal(check("GET", url, now + 61), SIGV4_EXPIRED);
    *strstr(url, "bucket") = 'B';
    assert_int_equal(check("GET", url, now), SIGV4_MISMATCH);
    free(url);
}

static void a_url_for_one_method_is_none_for_another(void **state)
{
    struct fixture *f = *state;
    struct object_place place = {"logs", "device/log-1.txt", ""};
    f->cloud.credentials = &credentials;
    char *url = presign(&f->cloud, "PUT", &place, 60);
    assert_int_equal(check("PUT", url, f->now_ms / 1000), SIGV4_OK);
    assert_int_equal(check("GET", url, f->now_ms / 1000), SIGV4_MISMATCH);
    free(url);
}

static void without_a_place_of_our_own_the_url_is_that_of_s3(void **state)
{
    struct fixture *f = *state;
    struct object_place place = {"bucket", "key", ""};
    f->cloud.credentials = NULL;
    assert_null(presign(&f->cloud, "GET", &place, 60));
    f->cloud.credentials = &credentials;
    char *url = presign(&f->cloud, "GET", &place, 60);
    static const char start[] = "https://s3." CLOUD_REGION ".amazonaws.com/bucket/key?X-Amz-";
    assert_int_equal(strncmp(url, start, sizeof start - 1), 0);
    free(url);
}

static void the_forms_of_s3_urls_are_read(void **state)
{
    static const char *const good[] = {"https://s3.amazonaws.com/b/k/l",
                                       "https://s3.eu-west-1.amazonaws.com/b/k/l",
                                       "https://s3-eu-west-1.amazonaws.com/b/k/l",
                                       "https://b.s3.amazonaws.com/k/l",
                                       "https://b.s3.eu-west-1.amazonaws.com/k%2Fl",
                                       "https://b.s3-eu-west-1.amazonaws.com/k/l"};
    static const char *const bad[] = {"http://s3.amazonaws.com/b/k",
                                      "https://s3.amazonaws.com/b",
                                      "https://s3.amazonaws.com/b/",
                                      "https://s3.amazonaws.com//k",
                                      "https://example.com/b/k",
                                      "https://b.s3.amazonaws.com/",
                                      "https://b.s3.amazonaws.com/k?acl",
                                      "https://b.s3.amazonaws.com/k%00",
                                      "https://b.s3.amazonaws.com/k%4",
                                      "https://a?b.s3.amazonaws.com/k",
                                      "https://s3.amazonaws.com/a%2Fb/k",
                                      "https://",
                                      ""};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct object_place place;
        assert_true(object_place_read(good[i], strlen(good[i]), &place));
        assert_string_equal(place.bucket, "b");
        assert_string_equal(place.key, "k/l");
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct object_place place;
        assert_false(object_place_read(bad[i], strlen(bad[i]), &place));
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        T(a_presigned_url_is_let_in_until_it_expires),
        T(a_url_for_one_method_is_none_for_another),
        T(without_a_place_of_our_own_the_url_is_that_of_s3),
        T(the_forms_of_s3_urls_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
