/* aws-chunked: the published signed upload, unsigned chunks with a trailer, and broken framing. */
#include "request.h"

#include <stdio.h>
#include <stdlib.h>

#include "cloud/api/chunked.h"

#define SEED   "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
#define FIRST  "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"
#define SECOND "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"
#define LAST   "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"

/* The state after the headers of AWS's example were checked. */
static struct sigv4_result example(void)
{
    struct sigv4_result result = {.payload = SIGV4_PAYLOAD_CHUNKED_SIGNED,
                                  .date = "20130524T000000Z",
                                  .scope = "20130524/us-east-1/s3/aws4_request",
                                  .signature = SEED};
    sigv4_key("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "20130524", "us-east-1", "s3",
              result.key);
    return result;
}

/* 64 KiB and 1 KiB of the letter a, as in AWS's example. */
static char *example_body(size_t *size)
{
    char *body = malloc(70000);
    size_t at = (size_t)sprintf(body, "10000;chunk-signature=" FIRST "\r\n");
    memset(body + at, 'a', 65536);
    at += 65536;
    at += (size_t)sprintf(body + at, "\r\n400;chunk-signature=" SECOND "\r\n");
    memset(body + at, 'a', 1024);
    at += 1024;
    at += (size_t)sprintf(body + at, "\r\n0;chunk-signature=" LAST "\r\n\r\n");
    *size = at;
    return body;
}

static void the_published_signed_chunks_are_accepted(void **state)
{
    struct sigv4_result sign = example();
    struct evkeyvalq trailers = TAILQ_HEAD_INITIALIZER(trailers);
    size_t size, decoded;
    char *body = example_body(&size);
    (void)state;
    assert_int_equal(chunked_decode(body, size, &sign, &trailers, &decoded), SIGV4_OK);
    assert_int_equal(decoded, 66560);
    for (size_t i = 0; i < decoded; i++)
        assert_int_equal(body[i], 'a');
    free(body);
}

static void one_changed_byte_in_a_signed_chunk_is_refused(void **state)
{
    struct sigv4_result sign = example();
    struct evkeyvalq trailers = TAILQ_HEAD_INITIALIZER(trailers);
    size_t size, decoded;
    static const size_t places[] = {100, 65800}; /* in the first chunk and in the second */
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char *body = example_body(&size);
        body[places[i]] ^= 1;
        assert_int_equal(chunked_decode(body, size, &sign, &trailers, &decoded), SIGV4_MISMATCH);
        free(body);
    }
}

static void chunks_without_their_signature_are_refused(void **state)
{
    struct sigv4_result sign = example();
    struct evkeyvalq trailers = TAILQ_HEAD_INITIALIZER(trailers);
    char body[] = "3\r\nabc\r\n0\r\n\r\n";
    size_t decoded;
    (void)state;
    assert_int_equal(chunked_decode(body, sizeof body - 1, &sign, &trailers, &decoded),
                     SIGV4_MISMATCH);
}

static enum sigv4_verdict decode(const char *text, char *content, char *checksum)
{
    struct sigv4_result sign = {.payload = SIGV4_PAYLOAD_CHUNKED};
    struct evkeyvalq trailers = TAILQ_HEAD_INITIALIZER(trailers);
    size_t size = strlen(text), decoded;
    char *body = malloc(size + 1);
    memcpy(body, text, size);
    enum sigv4_verdict verdict = chunked_decode(body, size, &sign, &trailers, &decoded);
    if (verdict == SIGV4_OK) {
        const char *found = evhttp_find_header(&trailers, "X-Amz-Checksum-Crc32");
        sprintf(content, "%.*s", (int)decoded, body);
        strcpy(checksum, found ? found : "");
    }
    evhttp_clear_headers(&trailers);
    free(body);
    return verdict;
}

static void the_trailer_joins_the_headers(void **state)
{
    char content[32], checksum[32];
    (void)state;
    assert_int_equal(decode("3\r\nabc\r\n2\r\nde\r\n0\r\nx-amz-checksum-crc32:hYfC2Q==\r\n\r\n",
                            content, checksum),
                     SIGV4_OK);
    assert_string_equal(content, "abcde");
    assert_string_equal(checksum, "hYfC2Q==");
    assert_int_equal(decode("0\r\n", content, checksum), SIGV4_OK);
    assert_string_equal(content, "");
}

static void broken_framing_is_refused(void **state)
{
    static const char *const bodies[] = {"",
                                         "3",
                                         "3\r\n",
                                         "3\r\nab",
                                         "3\r\nabc",
                                         "3\r\nabcX\r\n0\r\n\r\n",
                                         "3\nabc\n0\n\n",
                                         "x\r\nabc\r\n0\r\n\r\n",
                                         "-3\r\nabc\r\n0\r\n\r\n",
                                         "fffffffff\r\nabc\r\n0\r\n\r\n",
                                         "ffffffff\r\nabc\r\n0\r\n\r\n",
                                         "3;other=1\r\nabc\r\n0\r\n\r\n",
                                         "3\r\nabc\r\n",
                                         "3;chunk-signature=ab\r\nabc\r\n0\r\n\r\n",
                                         "0\r\nno colon\r\n\r\n",
                                         "0\r\nhalf"};
    char content[32], checksum[32];
    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        assert_int_equal(decode(bodies[i], content, checksum), SIGV4_INCOMPLETE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_signed_chunks_are_accepted),
        cmocka_unit_test(one_changed_byte_in_a_signed_chunk_is_refused),
        cmocka_unit_test(chunks_without_their_signature_are_refused),
        cmocka_unit_test(the_trailer_joins_the_headers),
        cmocka_unit_test(broken_framing_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
