/* Images made by the tool, byte for byte against imgtool's. */
#include "golden.h"

#include "image/trailer.h"
#include "tool/slot_limit.h"
#include "tool/tlv.h"

#define HEADER       "3db8f39600000000200000004000000000000000010203000400000000000000"
#define KEYHASH_P256 "010020005a7a78cca4a0f420d9bc62bb669c3c2759e39f723d3ae10dcbe0f0815a07ecd4"
#define HASH         "10002000fe96bbe6d74ed7c809aa78e2a605d5c4cca33969885bfcc9ac10d7c52df5e00d"

static void an_unsigned_image_is_imgtools(void **state)
{
    struct image_spec spec = golden_spec();
    struct image_file file = golden_build(&spec);
    struct failure failure;
    uint8_t hash[HASH_SIZE_MAX];

    (void)state;
    assert_int_equal(file.image.size, 136);
    assert_hex(file.image.data, HEADER);
    assert_hex(file.image.data + 0x60, "07692800" HASH);
    hash_bytes(HASH_SHA256, file.image.data, file.image.size, hash, &failure);
    assert_hex(hash, "c3b337c8467e526d670d0b170bcbb4d196ad5ada54dd8628e4ef9347508368a8");
    image_file_free(&file);
}

static void an_ed25519_image_is_imgtools(void **state)
{
    struct key key = golden_key(KEY_ED25519, GOLDEN_ED25519);
    struct image_spec spec = golden_spec();
    struct image_file file;

    (void)state;
    spec.key = &key;
    file = golden_build(&spec);
    assert_int_equal(file.image.size, 240);
    assert_hex(file.image.data, HEADER);
    assert_hex(file.image.data + 0x60,
               "07699000" HASH
               "0100200006e3fd8fda29bb60ab59557de61edb0aecdb231134be30e75b455f8e1b792fa9"
               "24004000f0997dae449e701f22343f8b883b3864afe48e0ac398fe26a536020a843de82a"
               "7ed12a79d0a993b3c4cca5dd6c50fae7443f8a4aa633dcd89c44f6582122b70f");
    image_file_free(&file);
    key_free(&key);
}

static void a_pure_ed25519_image_is_imgtools(void **state)
{
    struct key key = golden_key(KEY_ED25519, GOLDEN_ED25519);
    struct image_spec spec = golden_spec();
    struct image_file file;

    (void)state;
    spec.key = &key;
    spec.pure = true;
    spec.hash = HASH_SHA512;
    file = golden_build(&spec);
    assert_int_equal(file.image.size, 309);
    assert_hex(file.image.data + 0x60,
               "0769d50012004000"
               "627cd6b7d397a454a23dbd489d4d69f50ff9658b1f2a8c4a69e36d2f0ccbdc9c"
               "1db8c6bb986f65e63edceaa54a24cb3c68da0f7cfd8627a501923ba5d7f0db8f"
               "250001000101004000"
               "0f2c8a3454a468b75f32e76a051953139dc7c5c652cd67868784cafa1948f8ac"
               "96aa63e76e3b08932488fb4b4419dde18c99ce2c097edde19fbe8bca1f73bbb3"
               "24004000"
               "5ef056c9dc53e1e3f31c94ea83d19e523bbd66f4229426a48cb15cdfffd6801b"
               "f3b734098e0435bf2ff5ac4b8c4758ecd723e69fa901570010281f2a8be88108");
    image_file_free(&file);
    key_free(&key);
}

static void protected_tlvs_come_in_imgtools_order(void **state)
{
    struct key key = golden_key(KEY_P256, GOLDEN_P256);
    struct image_spec spec = golden_spec();
    struct image_file file;

    (void)state;
    spec.key = &key;
    spec.has_security_counter = true;
    spec.security_counter = 7;
    spec.dependency_count = value_dependencies("(1, 2.0.0+0)", spec.dependencies, 16);
    spec.custom[0].type = 0xa0;
    value_bytes("0x1122", &spec.custom[0].value);
    spec.custom_count = 1;
    file = golden_build(&spec);
    assert_hex(file.image.data + 10, "2200");
    assert_hex(file.image.data + 0x60, "086922005000040007000000"
                                       "40000c00010000000200000000000000a00002001122");
    assert_hex(file.image.data + 0x86, "10002000d95e46e166ff24ffbc6c43541a2a0a9eba02cfdefc60e741"
                                       "3dbc120db4db88f0" KEYHASH_P256 "2200");
    assert_int_equal(
        signature_verify(&key, file.hash, 32, file.signature.data, file.signature.size), OTTER_OK);
    bytes_free(&spec.custom[0].value);
    image_file_free(&file);
    key_free(&key);
}

static void imgtools_ecdsa_signature_is_accepted(void **state)
{
    struct key key = golden_key(KEY_P256, GOLDEN_P256);
    uint8_t hash[32];
    uint8_t der[73] = {0}; /* two bytes of --pad-sig behind it */

    (void)state;
    golden_hex("d95e46e166ff24ffbc6c43541a2a0a9eba02cfdefc60e7413dbc120db4db88f0", hash);
    golden_hex("3045022100c8e74f853626cda807aad09d58dd641f8b0ad73b611f62a70b5415e559bc6bb4022077"
               "d28028436177cbc1aabfcb375dd65141e3deca920ea8506522a927cac0720f",
               der);
    assert_int_equal(signature_verify(&key, hash, 32, der, 71), OTTER_OK);
    assert_int_equal(signature_verify(&key, hash, 32, der, 73), OTTER_OK);
    der[72] = 1;
    assert_int_equal(signature_verify(&key, hash, 32, der, 73), OTTER_E_SIGNATURE);
    hash[0] ^= 1;
    assert_int_equal(signature_verify(&key, hash, 32, der, 71), OTTER_E_SIGNATURE);
    key_free(&key);
}

/* RFC 6979, A.2.6: SHA-384 of "sample". */
static void a_p384_signature_made_elsewhere_is_accepted(void **state)
{
    struct key key = golden_key(KEY_P384, GOLDEN_P384);
    struct failure failure;
    uint8_t hash[HASH_SIZE_MAX];
    uint8_t der[105] = {0};

    (void)state;
    golden_hex("3066"
               "02310094edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c"
               "81a648152e44acf96e36dd1e80fabe46"
               "02310099ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94f"
               "a329c145786e679e7b82c71a38628ac8",
               der);
    assert_int_equal(hash_bytes(HASH_SHA384, "sample", 6, hash, &failure), OTTER_OK);
    assert_int_equal(signature_verify(&key, hash, 48, der, 104), OTTER_OK);
    assert_int_equal(signature_verify(&key, hash, 48, der, 105), OTTER_OK);
    hash[47] ^= 1;
    assert_int_equal(signature_verify(&key, hash, 48, der, 104), OTTER_E_SIGNATURE);
    key_free(&key);
}

static void a_p384_image_is_hashed_and_named_with_sha384(void **state)
{
    struct key key = golden_key(KEY_P384, GOLDEN_P384);
    struct image_spec spec = golden_spec();
    struct image_file file;
    struct bytes public_key = {0};
    struct failure failure;
    uint8_t hash[HASH_SIZE_MAX];

    (void)state;
    spec.key = &key;
    spec.hash = hash_of_key(key.type);
    spec.pad_signature = true;
    file = golden_build(&spec);
    assert_hex(file.image.data + 0x64, "11003000");
    hash_bytes(HASH_SHA384, file.image.data, 0x60, hash, &failure);
    assert_memory_equal(file.image.data + 0x68, hash, 48);
    assert_hex(file.image.data + 0x98, "01003000");
    assert_int_equal(key_public_der(&key, &public_key, &failure), OTTER_OK);
    assert_int_equal(public_key.size, 120);
    hash_bytes(HASH_SHA384, public_key.data, public_key.size, hash, &failure);
    assert_memory_equal(file.image.data + 0x9c, hash, 48);
    assert_hex(file.image.data + 0xcc, "2200");
    assert_in_range(file.signature.size, 103, 104); /* padded as imgtool pads */
    assert_int_equal(
        signature_verify(&key, file.hash, 48, file.signature.data, file.signature.size), OTTER_OK);
    bytes_free(&public_key);
    image_file_free(&file);
    key_free(&key);
}

/* imgtool's struct formats: numbers of header, lengths and values turned, known types not. */
static void a_big_endian_image_is_imgtools(void **state)
{
    struct image_spec spec = golden_spec();
    struct image_file file;
    struct bytes trailer = {0};
    struct failure failure;
    uint8_t hash[HASH_SIZE_MAX];

    (void)state;
    spec.big_endian = true;
    spec.has_security_counter = true;
    spec.security_counter = 7;
    spec.dependency_count = value_dependencies("(1, 2.0.5+6)", spec.dependencies, 1);
    spec.custom[0].type = 0xa0;
    value_bytes("0x1122", &spec.custom[0].value);
    spec.custom_count = 1;
    file = golden_build(&spec);
    assert_hex(file.image.data, "96f3b83d00000000002000220000004000000000010200030000000400000000");
    assert_hex(file.image.data + 0x60, "690800225000000400000007"
                                       "4000000c01000000020000050000000600a000021122");
    assert_hex(file.image.data + 0x82, "6907002810000020");
    hash_bytes(HASH_SHA256, file.image.data, 0x82, hash, &failure);
    assert_memory_equal(file.image.data + 0x8a, hash, 32);
    assert_int_equal(file.image.size, 0xaa);
    spec.max_align = 16;
    image_trailer_append(&spec, 16, &trailer);
    assert_hex(trailer.data, "00102de15d29410b8d77679c110f1f8a");
    bytes_free(&trailer);
    spec.max_align = 8;
    image_trailer_append(&spec, 16, &trailer);
    assert_hex(trailer.data, "77c295f360d2ef7f3552500f2cb67980");
    bytes_free(&trailer);
    bytes_free(&spec.custom[0].value);
    image_file_free(&file);
}

/* The sizes that imgtool 2.4.0 reserves. */
static void trailer_sizes_are_imgtools(void **state)
{
    static const struct {
        uint32_t align, max_align, sectors;
        bool encrypted, save, overwrite;
        size_t enc_tlv, expected;
    } cases[] = {
        {1, 8, 128, false, false, false, 0, 432},     {4, 8, 128, false, false, false, 0, 1584},
        {8, 8, 128, false, false, false, 0, 3120},    {16, 16, 128, false, false, false, 0, 6224},
        {32, 32, 128, false, false, false, 0, 12448}, {4, 16, 128, false, false, false, 0, 1616},
        {4, 8, 115, false, false, false, 0, 1428},    {4, 8, 128, true, false, false, 113, 1616},
        {4, 8, 128, true, true, false, 113, 1824},    {4, 8, 128, true, true, false, 80, 1744},
        {4, 8, 128, false, false, true, 0, 32},
    };
    struct key any = {0};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct image_spec spec = golden_spec();
        spec.align = cases[i].align;
        spec.max_align = cases[i].max_align;
        spec.max_sectors = cases[i].sectors;
        spec.encrypt_for = cases[i].encrypted ? &any : NULL;
        spec.save_enctlv = cases[i].save;
        spec.overwrite_only = cases[i].overwrite;
        assert_int_equal(image_trailer_size(&spec, cases[i].enc_tlv), cases[i].expected);
    }
}

static void padded(uint32_t max_align, bool confirm, uint8_t last[64])
{
    struct image_spec spec = golden_spec();
    struct image_file file;

    spec.max_align = max_align;
    spec.confirm = confirm;
    file = golden_build(&spec);
    image_file_pad(&spec, &file.image);
    assert_int_equal(file.image.size, 0x1000);
    memcpy(last, file.image.data + 0x1000 - 64, 64);
    image_file_free(&file);
}

static void padding_asks_for_a_test_and_confirm_for_good(void **state)
{
    static const char magic8[] = "77c295f360d2ef7f3552500f2cb67980";
    uint8_t last[64], expected[64];

    (void)state;
    memset(expected, 0xff, sizeof expected);
    golden_hex(magic8, expected + 48);
    padded(8, false, last);
    assert_memory_equal(last, expected, 64);
    expected[64 - 24] = 1;
    padded(8, true, last);
    assert_memory_equal(last, expected, 64);

    memset(expected, 0xff, sizeof expected);
    golden_hex("10002de15d29410b8d77679c110f1f8a", expected + 48);
    expected[64 - 32] = 1;
    padded(16, true, last);
    assert_memory_equal(last, expected, 64);

    memset(expected, 0xff, sizeof expected);
    golden_hex("20002de15d29410b8d77679c110f1f8a", expected + 48);
    expected[0] = 1;
    padded(32, true, last);
    assert_memory_equal(last, expected, 64);
}

static void confirm_means_nothing_to_an_overwriting_bootloader(void **state)
{
    struct image_spec spec = golden_spec();
    struct image_file file;

    (void)state;
    spec.overwrite_only = true;
    spec.confirm = true;
    file = golden_build(&spec);
    image_file_pad(&spec, &file.image);
    assert_int_equal(file.image.data[0x1000 - 24], 0xff);
    image_file_free(&file);
}

static void an_image_that_does_not_fit_is_refused_with_the_bytes_too_many(void **state)
{
    struct image_spec spec = golden_spec();
    static uint8_t program[0x74120 - 0x1000 - 40];
    struct image_file file;
    struct failure failure;

    (void)state;
    spec.header_size = 0x1000;
    spec.slot_size = 0x73000;
    spec.max_sectors = 115;
    assert_int_equal(image_file_build(&spec, program, sizeof program, &file, &failure),
                     OTTER_E_NO_SPACE);
    assert_non_null(strstr(failure.text, "image 0x74120 + trailer 0x594 does not fit the slot "
                                         "0x73000: 0x16b4 (5812) bytes too many"));
    /* To the byte. */
    assert_int_equal(image_file_build(&spec, program, sizeof program - 5811, &file, &failure),
                     OTTER_E_NO_SPACE);
    assert_int_equal(image_file_build(&spec, program, sizeof program - 5812, &file, &failure),
                     OTTER_OK);
    image_file_free(&file);
}

static void room_for_the_header_must_be_zero_or_asked_for(void **state)
{
    struct image_spec spec = golden_spec();
    uint8_t program[0x40] = {0};
    struct image_file file;
    struct failure failure;

    (void)state;
    spec.pad_header = false;
    assert_int_equal(image_file_build(&spec, program, sizeof program, &file, &failure), OTTER_OK);
    assert_int_equal(file.image.data[12], 0x20); /* payload: without the room */
    image_file_free(&file);
    program[0x1f] = 1;
    assert_int_equal(image_file_build(&spec, program, sizeof program, &file, &failure),
                     OTTER_E_ARGUMENT);
    assert_non_null(strstr(failure.text, "--pad-header"));
    assert_int_equal(image_file_build(&spec, program, 0x1f, &file, &failure), OTTER_E_ARGUMENT);
}

static void padding_of_the_header_is_the_erased_value(void **state)
{
    struct image_spec spec = golden_spec();
    struct image_file file;

    (void)state;
    spec.header_size = 0x40;
    file = golden_build(&spec);
    assert_int_equal(file.image.data[0x20], 0xff);
    assert_int_equal(file.image.data[0x3f], 0xff);
    assert_int_equal(file.image.data[0x40], 0);
    image_file_free(&file);
    spec.erased_value = 0;
    file = golden_build(&spec);
    assert_int_equal(file.image.data[0x3f], 0);
    image_file_free(&file);
}

static void keys_and_modes_that_do_not_go_together_are_refused(void **state)
{
    struct key p256 = golden_key(KEY_P256, GOLDEN_P256);
    struct key p384 = golden_key(KEY_P384, GOLDEN_P384);
    struct key x25519 = golden_key(KEY_X25519, GOLDEN_X25519);
    struct image_spec spec = golden_spec();
    uint8_t program[64] = {0};
    struct image_file file;
    struct failure failure;

    (void)state;
    spec.key = &x25519;
    assert_int_equal(image_file_build(&spec, program, 64, &file, &failure), OTTER_E_KEY);
    spec.key = &p256;
    spec.encrypt_for = &x25519;
    assert_int_equal(image_file_build(&spec, program, 64, &file, &failure), OTTER_E_ARGUMENT);
    spec.encrypt_for = NULL;
    spec.pure = true;
    assert_int_equal(image_file_build(&spec, program, 64, &file, &failure), OTTER_E_ARGUMENT);
    spec.pure = false;
    spec.hash = HASH_SHA384;
    assert_int_equal(image_file_build(&spec, program, 64, &file, &failure), OTTER_E_ARGUMENT);
    spec.key = &p384;
    assert_int_equal(image_file_build(&spec, program, 64, &file, &failure), OTTER_OK);
    image_file_free(&file);
    spec.hash = HASH_SHA256;
    assert_int_equal(image_file_build(&spec, program, 64, &file, &failure), OTTER_E_ARGUMENT);
    spec.hash = HASH_SHA384;
    spec.encrypt_for = &p384;
    assert_int_equal(image_file_build(&spec, program, 64, &file, &failure), OTTER_E_UNSUPPORTED);
    key_free(&p256);
    key_free(&p384);
    key_free(&x25519);
}

static void tlvs_beyond_the_formats_64_kib_are_refused(void **state)
{
    struct image_spec spec = golden_spec();
    uint8_t program[64] = {0};
    struct image_file file;
    struct failure failure;

    (void)state;
    spec.slot_size = 0;
    spec.custom_count = 2;
    spec.custom[0].type = 0xa0;
    spec.custom[1].type = 0xa1;
    bytes_fill(&spec.custom[0].value, 1, 40000);
    bytes_fill(&spec.custom[1].value, 2, 40000);
    assert_int_equal(image_file_build(&spec, program, 64, &file, &failure), OTTER_E_TOO_LONG);
    bytes_free(&spec.custom[0].value);
    bytes_free(&spec.custom[1].value);
}

static void a_padded_signature_has_72_bytes(void **state)
{
    struct key key = golden_key(KEY_P256, GOLDEN_P256);
    struct image_spec spec = golden_spec();
    struct image_file file;

    (void)state;
    spec.key = &key;
    spec.pad_signature = true;
    file = golden_build(&spec);
    assert_int_equal(file.signature.size, 72);
    assert_hex(file.image.data + file.image.size - 76, "22004800");
    image_file_free(&file);
    key_free(&key);
}

static void a_signature_made_elsewhere_is_taken_only_if_it_is_right(void **state)
{
    struct key key = golden_key(KEY_ED25519, GOLDEN_ED25519);
    struct image_spec spec = golden_spec();
    struct image_file here, there;
    struct bytes signature = {0};
    uint8_t program[GOLDEN_PROGRAM_SIZE];
    struct failure failure;

    (void)state;
    spec.key = &key;
    here = golden_build(&spec);
    bytes_append(&signature, here.signature.data, here.signature.size);
    spec.fixed_signature = &signature;
    there = golden_build(&spec);
    assert_int_equal(there.image.size, here.image.size);
    assert_memory_equal(there.image.data, here.image.data, here.image.size);
    signature.data[0] ^= 1;
    golden_program(program);
    image_file_free(&there);
    assert_int_equal(image_file_build(&spec, program, sizeof program, &there, &failure),
                     OTTER_E_SIGNATURE);
    image_file_free(&here);
    bytes_free(&signature);
    key_free(&key);
}

/* TF-M's measured boot reads this CBOR; the measured value must be its last 32 bytes. */
static void a_boot_record_ends_in_room_for_the_hash(void **state)
{
    struct key key = golden_key(KEY_P256, GOLDEN_P256);
    struct image_spec spec = golden_spec();
    struct image_file file;

    (void)state;
    spec.key = &key;
    spec.boot_record = "NSPE";
    file = golden_build(&spec);
    assert_hex(file.image.data + 0x64,
               "60005c00"
               "a5"
               "01"
               "644e535045"
               "04"
               "65312e322e33"
               "05"
               "5820"
               "5a7a78cca4a0f420d9bc62bb669c3c2759e39f723d3ae10dcbe0f0815a07ecd4"
               "06"
               "66534841323536"
               "02"
               "5820"
               "0000000000000000000000000000000000000000000000000000000000000000");
    image_file_free(&file);
    key_free(&key);
}

static uint32_t limit_of(enum slot_mode mode, uint32_t slot, uint32_t sector, uint32_t sectors)
{
    struct slot_layout layout = {.mode = mode,
                                 .slot_size = slot,
                                 .sector_size = sector,
                                 .write_size = 4,
                                 .max_align = 8,
                                 .max_sectors = sectors};
    return slot_limit(&layout);
}

/* docs/formats.md, section 2. */
static void the_limit_of_each_mode_is_the_bootloaders(void **state)
{
    (void)state;
    assert_int_equal(limit_of(SLOT_SCRATCH, 0x6000, 0x1000, 8), 0x6000 - 144);
    assert_int_equal(limit_of(SLOT_SCRATCH, 0x73000, 0x1000, 115), 0x73000 - 1428);
    /* 4,128 bytes of trailer: 32 in the first sector, where the scratch's 60 do not fit. */
    assert_int_equal(limit_of(SLOT_SCRATCH, 0x73000, 0x1000, 340), 0x73000 - 4128 - 28);
    assert_int_equal(limit_of(SLOT_MOVE, 0x6000, 0x1000, 8), 0x4000);
    assert_int_equal(limit_of(SLOT_OFFSET, 0x6000, 0x1000, 8), 0x4000);
    assert_int_equal(limit_of(SLOT_OVERWRITE, 0x6000, 0x1000, 8), 0x6000 - 40);
    assert_int_equal(limit_of(SLOT_MOVE, 0x1000, 0x1000, 8), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unsigned_image_is_imgtools),
        cmocka_unit_test(an_ed25519_image_is_imgtools),
        cmocka_unit_test(a_pure_ed25519_image_is_imgtools),
        cmocka_unit_test(protected_tlvs_come_in_imgtools_order),
        cmocka_unit_test(imgtools_ecdsa_signature_is_accepted),
        cmocka_unit_test(a_p384_signature_made_elsewhere_is_accepted),
        cmocka_unit_test(a_p384_image_is_hashed_and_named_with_sha384),
        cmocka_unit_test(a_big_endian_image_is_imgtools),
        cmocka_unit_test(trailer_sizes_are_imgtools),
        cmocka_unit_test(padding_asks_for_a_test_and_confirm_for_good),
        cmocka_unit_test(confirm_means_nothing_to_an_overwriting_bootloader),
        cmocka_unit_test(an_image_that_does_not_fit_is_refused_with_the_bytes_too_many),
        cmocka_unit_test(room_for_the_header_must_be_zero_or_asked_for),
        cmocka_unit_test(padding_of_the_header_is_the_erased_value),
        cmocka_unit_test(keys_and_modes_that_do_not_go_together_are_refused),
        cmocka_unit_test(tlvs_beyond_the_formats_64_kib_are_refused),
        cmocka_unit_test(a_padded_signature_has_72_bytes),
        cmocka_unit_test(a_signature_made_elsewhere_is_taken_only_if_it_is_right),
        cmocka_unit_test(a_boot_record_ends_in_room_for_the_hash),
        cmocka_unit_test(the_limit_of_each_mode_is_the_bootloaders),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
