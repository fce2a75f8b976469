/* Compressed images: their bytes, what they unpack to, and hostile ones. */
#include "golden.h"

#include <stdlib.h>

#include "tool/image_compressed.h"
#include "tool/tlv.h"

#define PROGRAM_SIZE 4096u

/* Something like code: Thumb calls (BL) to one address from many, and text that repeats. */
static void make_program(uint8_t program[PROGRAM_SIZE])
{
    uint32_t seed = 1;

    for (uint32_t at = 0; at < PROGRAM_SIZE; at += 4) {
        uint32_t offset = (0x10000u - at) >> 1;
        seed = seed * 1664525u + 1013904223u;
        program[at] = (uint8_t)(offset >> 11);
        program[at + 1] = (uint8_t)(0xf0 | (offset >> 19 & 7));
        program[at + 2] = (uint8_t)offset;
        program[at + 3] = (uint8_t)(0xf8 | (offset >> 8 & 7));
        if (seed >> 31)
            memcpy(program + at, "text", 4);
    }
}

static struct image_file build(const struct image_spec *spec, enum compression compression,
                               struct compression_report *report)
{
    uint8_t program[PROGRAM_SIZE];
    struct image_file file = {0};
    struct failure failure = {""};

    make_program(program);
    if (image_compressed_build(spec, compression, program, sizeof program, &file, report,
                               &failure) != OTTER_OK)
        fail_msg("%s", failure.text);
    return file;
}

static otter_status check(const struct bytes *image, const struct key *key,
                          const struct key *decrypt_key, struct image_verdict *verdict)
{
    uint8_t *copy = malloc(image->size);
    struct image_view view;
    struct failure failure = {""};
    otter_status status;

    memcpy(copy, image->data, image->size);
    status = image_view_open(&view, copy, image->size, &failure);
    if (status == OTTER_OK)
        status = image_view_check(&view, key, decrypt_key, verdict, &failure);
    /* Looking leaves the bytes as they were. */
    assert_memory_equal(copy, image->data, image->size);
    free(copy);
    return status;
}

static void assert_unpacks(const struct bytes *image, const struct key *key,
                           const struct key *decrypt_key)
{
    struct image_verdict verdict = {0};
    uint8_t program[PROGRAM_SIZE];

    make_program(program);
    assert_int_equal(check(image, key, decrypt_key, &verdict), OTTER_OK);
    assert_int_equal(verdict.program.size, PROGRAM_SIZE);
    assert_memory_equal(verdict.program.data, program, PROGRAM_SIZE);
    image_verdict_free(&verdict);
}

static struct image_spec spec_with(const struct key *key)
{
    struct image_spec spec = golden_spec();

    spec.key = key;
    spec.slot_size = 0x10000;
    return spec;
}

/* docs/formats.md, 1.4, and tool/compression.h: the flags, the two bytes before the stream, and the
 * TLVs in their place. */
static void a_compressed_image_says_what_it_unpacks_to(void **state)
{
    struct key key = golden_key(KEY_ED25519, GOLDEN_ED25519);
    struct image_spec spec = spec_with(&key);
    struct compression_report report;
    struct image_file plain, packed;
    uint8_t program[PROGRAM_SIZE];
    struct failure failure;
    const uint8_t *tlvs;

    (void)state;
    make_program(program);
    spec.has_security_counter = true;
    spec.security_counter = 7;
    spec.custom_count = 1;
    spec.custom[0].type = 0xa0;
    value_bytes("0x1122", &spec.custom[0].value);
    assert_int_equal(image_file_build(&spec, program, sizeof program, &plain, &failure), OTTER_OK);
    packed = build(&spec, COMPRESSION_LZMA2, &report);
    assert_true(report.kept);
    assert_int_equal(report.plain_size, PROGRAM_SIZE);
    assert_hex(packed.image.data + 16, "00040000");
    assert_hex(packed.image.data + 0x20, "0a66");
    tlvs = packed.image.data + 0x20 + 2 + report.packed_size;
    assert_int_equal(tlvs[-1], 0); /* the end of an LZMA2 stream */
    assert_hex(tlvs, "08698200"
                     "5000040007000000"
                     "7000040000100000"
                     "71002000");
    assert_memory_equal(tlvs + 24, plain.hash, 32);
    assert_hex(tlvs + 56, "72004000");
    assert_memory_equal(tlvs + 60, plain.signature.data, 64);
    assert_hex(tlvs + 124, "a00002001122");
    assert_hex(tlvs + 130, "0769");
    assert_unpacks(&packed.image, &key, NULL);
    image_file_free(&packed);
    packed = build(&spec, COMPRESSION_LZMA2_ARM_THUMB, &report);
    assert_hex(packed.image.data + 16, "000c0000");
    assert_unpacks(&packed.image, &key, NULL);
    image_file_free(&packed);
    image_file_free(&plain);
    bytes_free(&spec.custom[0].value);
    key_free(&key);
}

static void every_kind_of_compressed_image_unpacks(void **state)
{
    struct key ed25519 = golden_key(KEY_ED25519, GOLDEN_ED25519);
    struct key p256 = golden_key(KEY_P256, GOLDEN_P256);
    struct image_spec spec = spec_with(NULL);
    struct compression_report report;
    struct image_file file;

    (void)state;
    file = build(&spec, COMPRESSION_LZMA2, &report); /* no key, no other TLVs */
    assert_unpacks(&file.image, NULL, NULL);
    image_file_free(&file);
    spec.key = &ed25519;
    spec.pure = true;
    spec.hash = HASH_SHA512;
    file = build(&spec, COMPRESSION_LZMA2, &report);
    assert_unpacks(&file.image, &ed25519, NULL);
    image_file_free(&file);
    spec = spec_with(&p256);
    spec.encrypt_for = &p256;
    file = build(&spec, COMPRESSION_LZMA2_ARM_THUMB, &report);
    assert_hex(file.image.data + 16, "040c0000");
    assert_int_equal(file.image.data[12] % 16, 0); /* padded to blocks behind the header */
    assert_unpacks(&file.image, &p256, &p256);
    image_file_free(&file);
    key_free(&ed25519);
    key_free(&p256);
}

static void what_compression_does_not_make_smaller_stays_as_it_is(void **state)
{
    struct key key = golden_key(KEY_P256, GOLDEN_P256);
    struct image_spec spec = spec_with(NULL);
    struct compression_report report;
    struct image_file file, plain;
    struct image_verdict verdict = {0};
    uint8_t program[GOLDEN_PROGRAM_SIZE];
    struct failure failure;

    (void)state;
    golden_program(program);
    assert_int_equal(image_compressed_build(&spec, COMPRESSION_LZMA2, program, sizeof program,
                                            &file, &report, &failure),
                     OTTER_OK);
    assert_false(report.kept);
    plain = golden_build(&spec);
    assert_int_equal(file.image.size, plain.image.size);
    assert_memory_equal(file.image.data, plain.image.data, plain.image.size);
    image_file_free(&file);
    image_file_free(&plain);
    /* And is encrypted all the same, which imgtool forgets. */
    spec.encrypt_for = &key;
    assert_int_equal(image_compressed_build(&spec, COMPRESSION_LZMA2, program, sizeof program,
                                            &file, &report, &failure),
                     OTTER_OK);
    assert_false(report.kept);
    assert_memory_not_equal(file.image.data + 0x20, program, sizeof program);
    assert_int_equal(check(&file.image, NULL, &key, &verdict), OTTER_OK);
    image_verdict_free(&verdict);
    image_file_free(&file);
    key_free(&key);
}

static void room_for_the_header_is_not_compressed(void **state)
{
    struct image_spec spec = spec_with(NULL);
    struct compression_report report;
    struct image_file file;
    struct bytes program = {0};
    struct image_verdict verdict = {0};
    uint8_t bare[PROGRAM_SIZE];
    struct failure failure;

    (void)state;
    make_program(bare);
    bytes_fill(&program, 0, 0x20);
    bytes_append(&program, bare, sizeof bare);
    spec.pad_header = false;
    assert_int_equal(image_compressed_build(&spec, COMPRESSION_LZMA2, program.data, program.size,
                                            &file, &report, &failure),
                     OTTER_OK);
    assert_int_equal(report.plain_size, PROGRAM_SIZE);
    assert_unpacks(&file.image, NULL, NULL);
    image_verdict_free(&verdict);
    bytes_free(&program);
    image_file_free(&file);
}

/* Signed again after each change, so that only what is unpacked can be found wrong. */
static void a_compressed_image_that_lies_about_its_program_is_refused(void **state)
{
    static const struct {
        uint16_t type;
        const char *value;
    } lies[] = {
        {TLV_DECOMP_SIZE, "01100000"},   {TLV_DECOMP_SIZE, "ff0f0000"},
        {TLV_DECOMP_SIZE, "ffffffff"},   {TLV_DECOMP_SIZE, "00000000"},
        {TLV_DECOMP_SIZE, "0010"},       {TLV_DECOMP_SHA, "00"},
        {TLV_COMP_DEC_SIZE, "10000000"},
    };
    struct image_spec spec = spec_with(NULL);
    struct compression_report report;
    struct image_file honest = build(&spec, COMPRESSION_LZMA2, &report);
    size_t payload_size = 2 + report.packed_size;

    (void)state;
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        struct image_spec packed = spec;
        struct image_verdict verdict = {0};
        struct bytes entries = {0}, value = {0};
        struct image_file file;
        struct failure failure;
        uint8_t raw[4];

        golden_hex(lies[i].value, raw);
        if (lies[i].type != TLV_DECOMP_SIZE)
            tlv_append(&entries, TLV_DECOMP_SIZE, "\x00\x10\x00\x00", 4);
        if (lies[i].type != TLV_DECOMP_SHA)
            tlv_append(&entries, TLV_DECOMP_SHA, honest.plain.data + 0x20 + payload_size + 16, 32);
        tlv_append(&entries, lies[i].type, raw, strlen(lies[i].value) / 2);
        packed.flags = IMAGE_FLAG_LZMA2;
        packed.decompression_tlvs = &entries;
        assert_int_equal(
            image_file_build(&packed, honest.image.data + 0x20, payload_size, &file, &failure),
            OTTER_OK);
        assert_int_not_equal(check(&file.image, NULL, NULL, &verdict), OTTER_OK);
        assert_true(verdict.hash_good);
        image_verdict_free(&verdict);
        image_file_free(&file);
        bytes_free(&entries);
        bytes_free(&value);
    }
    image_file_free(&honest);
}

static void a_damaged_stream_is_refused(void **state)
{
    struct image_spec spec = spec_with(NULL);
    struct compression_report report;
    struct image_file honest = build(&spec, COMPRESSION_LZMA2, &report);
    struct failure failure;
    uint32_t seed = 7;

    (void)state;
    for (int round = 0; round < 500; round++) {
        struct bytes packed = {0}, plain = {0};
        size_t used;

        bytes_append(&packed, honest.image.data + 0x20, 2 + report.packed_size);
        seed = seed * 1664525u + 1013904223u;
        packed.data[(seed >> 8) % packed.size] ^= (uint8_t)(1u << (seed >> 29));
        if (round % 3 == 0)
            packed.size = (seed >> 4) % packed.size;
        (void)lzma2_decompress(false, packed.data, packed.size, PROGRAM_SIZE, &plain, &used,
                               &failure);
        assert_true(plain.size == 0 || plain.size == PROGRAM_SIZE);
        bytes_free(&packed);
        bytes_free(&plain);
    }
    image_file_free(&honest);
}

/* What Otter's bootloader does not unpack is not put into a device. */
static void a_compressed_image_is_not_one_to_start(void **state)
{
    struct image_spec spec = spec_with(NULL);
    struct compression_report report;
    struct image_file file = build(&spec, COMPRESSION_LZMA2, &report);
    struct image_header header;
    struct image_view view;
    struct failure failure;

    (void)state;
    assert_int_equal(image_view_open(&view, file.image.data, file.image.size, &failure), OTTER_OK);
    assert_int_equal(image_view_startable(&view, &failure), OTTER_E_UNSUPPORTED);
    assert_int_equal(image_header_parse(file.image.data, &header), OTTER_E_UNSUPPORTED);
    image_file_free(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_compressed_image_says_what_it_unpacks_to),
        cmocka_unit_test(every_kind_of_compressed_image_unpacks),
        cmocka_unit_test(what_compression_does_not_make_smaller_stays_as_it_is),
        cmocka_unit_test(room_for_the_header_is_not_compressed),
        cmocka_unit_test(a_compressed_image_that_lies_about_its_program_is_refused),
        cmocka_unit_test(a_damaged_stream_is_refused),
        cmocka_unit_test(a_compressed_image_is_not_one_to_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
