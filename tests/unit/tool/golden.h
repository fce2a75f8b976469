/* The public test keys and the small program that the golden images are made with,
 * and what imgtool 2.4.0 made of them. */
#ifndef OTTER_TESTS_TOOL_GOLDEN_H
#define OTTER_TESTS_TOOL_GOLDEN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/x509.h>

#include "tool/image_file.h"
#include "tool/values.h"

/* RFC 6979's keys (A.2.5, A.2.6), RFC 8032's first, RFC 7748's Bob. */
#define GOLDEN_P256 "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"
#define GOLDEN_P384                                                                                \
    "6b9d3dad2e1b8c1c05b19875b6659f4de23c3b667bf297ba9aa47740787137d8"                             \
    "96d5724e4c70a825f872c9ea60d2edf5"
#define GOLDEN_ED25519 "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
#define GOLDEN_X25519  "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"

#define GOLDEN_PROGRAM_SIZE 64u

static inline void golden_hex(const char *text, uint8_t *bytes)
{
    assert_true(value_hex(text, bytes, strlen(text) / 2));
}

static inline void assert_hex(const uint8_t *actual, const char *expected)
{
    uint8_t bytes[512];

    assert_true(strlen(expected) / 2 <= sizeof bytes);
    golden_hex(expected, bytes);
    assert_memory_equal(actual, bytes, strlen(expected) / 2);
}

/* A PKCS#8 private key around the secret number. */
static inline struct key golden_key(enum key_type type, const char *secret)
{
    static const char *const prefixes[] = {
        [KEY_P256] = "3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420",
        [KEY_P384] = "304e020100301006072a8648ce3d020106052b81040022043730350201010430",
        [KEY_ED25519] = "302e020100300506032b657004220420",
        [KEY_X25519] = "302e020100300506032b656e04220420",
    };
    struct key key = {.type = type, .is_private = true};
    uint8_t der[128];
    const unsigned char *next = der;
    size_t prefix = strlen(prefixes[type]) / 2;

    golden_hex(prefixes[type], der);
    golden_hex(secret, der + prefix);
    key.pkey = d2i_AutoPrivateKey(NULL, &next, (long)(prefix + strlen(secret) / 2));
    assert_non_null(key.pkey);
    return key;
}

static inline void golden_program(uint8_t program[GOLDEN_PROGRAM_SIZE])
{
    for (unsigned i = 0; i < GOLDEN_PROGRAM_SIZE; i++)
        program[i] = (uint8_t)i;
}

/* -v 1.2.3+4 -H 0x20 --pad-header -S 0x1000 --align 4 */
static inline struct image_spec golden_spec(void)
{
    struct image_spec spec = image_spec_default();

    spec.version = (struct image_version){1, 2, 3, 4};
    spec.header_size = 0x20;
    spec.pad_header = true;
    spec.slot_size = 0x1000;
    spec.align = 4;
    return spec;
}

static inline struct image_file golden_build(const struct image_spec *spec)
{
    uint8_t program[GOLDEN_PROGRAM_SIZE];
    struct image_file file;
    struct failure failure = {""};

    golden_program(program);
    if (image_file_build(spec, program, sizeof program, &file, &failure) != OTTER_OK)
        fail_msg("%s", failure.text);
    return file;
}

#endif
