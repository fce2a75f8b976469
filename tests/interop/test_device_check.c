/* The device's own check (image/check.h) over images: those of `otter sign`, and imgtool's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "image/check.h"
#include "tool/file.h"
#include "tool/image_file.h"
#include "tool/ram_flash.h"

/* How a device verifies keys of a type. */
static const struct image_scheme *scheme_of(enum key_type type)
{
    switch (type) {
    case KEY_P256:
        return &image_ecdsa_p256;
    case KEY_RSA_2048:
        return &image_rsa_2048;
    case KEY_RSA_3072:
        return &image_rsa_3072;
#ifdef HAS_ED25519
    case KEY_ED25519:
        return &image_ed25519;
#endif
    default:
        skip();
        return NULL;
    }
}

/* What a device with that one trusted key, and that security counter, says about the image. */
static otter_status device_says(struct bytes *image, const struct key *key, uint32_t counter)
{
    struct bytes der = {0};
    struct image_key trusted;
    struct image_policy policy = {.keys = &trusted, .key_count = 1, .security_counter = counter};
    struct image_check check;
    struct ram_flash ram;
    struct flash_area slot;
    struct failure failure;
    uint8_t buffer[512];
    otter_status status;

    assert_int_equal(key_public_der(key, &der, &failure), OTTER_OK);
    trusted = (struct image_key){
        .der = der.data, .der_length = (uint16_t)der.size, .scheme = scheme_of(key->type)};
    ram_flash_init(&ram, image->data, (uint32_t)image->size, 0x1000, 4, 0xff);
    slot = ram_flash_area(&ram, 0, (uint32_t)image->size);
    status = image_check_init(&check, &slot, slot.size, &policy);
    if (status == OTTER_OK)
        do
            status = image_check_step(&check, buffer, sizeof buffer);
        while (status == OTTER_E_AGAIN);
    assert_int_equal(status == OTTER_OK, check.verdict == IMAGE_ACCEPTED);
    bytes_free(&der);
    return status;
}

static struct bytes sign_program(const struct key *key, size_t size, bool pad_signature)
{
    struct image_spec spec = image_spec_default();
    struct bytes program = {0};
    struct image_file file;
    struct failure failure;

    bytes_fill(&program, 0x42, size);
    spec.key = key;
    spec.header_size = 0x200;
    spec.pad_header = true;
    spec.slot_size = 0x20000;
    spec.align = 4;
    spec.version = (struct image_version){1, 0, 1, 0};
    spec.has_security_counter = true;
    spec.security_counter = 5;
    spec.pad_signature = pad_signature;
    if (image_file_build(&spec, program.data, program.size, &file, &failure) != OTTER_OK)
        fail_msg("%s", failure.text);
    bytes_free(&program);
    bytes_free(&file.plain);
    bytes_free(&file.signature);
    return file.image;
}

/* Images of `count` sizes; their signatures padded and not, which only ECDSA's are. */
static void accepts_what_we_sign(enum key_type type, size_t count)
{
    struct key key, other;
    struct failure failure;

    assert_int_equal(key_generate(&key, type, &failure), OTTER_OK);
    assert_int_equal(key_generate(&other, type, &failure), OTTER_OK);
    for (size_t i = 0; i < count; i++) {
        struct bytes image = sign_program(&key, 1000 + i, i % 2 == 1);
        assert_int_equal(device_says(&image, &key, 0), OTTER_OK);
        assert_int_equal(device_says(&image, &key, 5), OTTER_OK);
        assert_int_equal(device_says(&image, &key, 6), OTTER_E_VERSION);
        assert_int_equal(device_says(&image, &other, 0), OTTER_E_KEY);
        image.data[0x200 + i] ^= 1;
        assert_int_equal(device_says(&image, &key, 0), OTTER_E_HASH);
        bytes_free(&image);
    }
    key_free(&key);
    key_free(&other);
}

/* Signatures of many lengths: each must be taken. */
static void the_device_accepts_what_we_sign(void **state)
{
    (void)state;
    accepts_what_we_sign(KEY_P256, 100);
}

static void the_device_accepts_what_we_sign_with_ed25519(void **state)
{
    (void)state;
    accepts_what_we_sign(KEY_ED25519, 10);
}

static void the_device_accepts_what_we_sign_with_rsa(void **state)
{
    (void)state;
    accepts_what_we_sign(KEY_RSA_2048, 4);
    accepts_what_we_sign(KEY_RSA_3072, 4);
}

static otter_status device_says_of_vector(const char *name)
{
    struct bytes image = {0};
    struct key key;
    struct failure failure;
    char path[512];
    otter_status status;

    snprintf(path, sizeof path, VECTORS "%s", name);
    if (file_read(path, &image, &failure) != OTTER_OK ||
        key_read(&key, VECTORS "p256-pub.pem", &failure) != OTTER_OK)
        fail_msg("%s", failure.text);
    status = device_says(&image, &key, 0);
    bytes_free(&image);
    key_free(&key);
    return status;
}

static void the_device_checks_imgtools_images(void **state)
{
    static const char *const good[] = {"m467-1.0.0.signed.bin",       "m467-1.0.1.signed.bin",
                                       "align16.signed.bin",          "padded-test.signed.bin",
                                       "padded-confirmed.signed.bin", "overwrite.signed.bin",
                                       "protected-tlvs.signed.bin"};

    (void)state;
    if (!file_exists(VECTORS "payload-a.bin")) {
        print_message("imgtool's vectors are not in %s\n", VECTORS);
        skip();
    }
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(device_says_of_vector(good[i]), OTTER_OK);
    assert_int_equal(device_says_of_vector("wrong-key.signed.bin"), OTTER_E_KEY);
    assert_int_not_equal(device_says_of_vector("ed25519.signed.bin"), OTTER_OK);
    assert_int_not_equal(device_says_of_vector("rsa2048.signed.bin"), OTTER_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_device_accepts_what_we_sign),
        cmocka_unit_test(the_device_accepts_what_we_sign_with_ed25519),
        cmocka_unit_test(the_device_accepts_what_we_sign_with_rsa),
        cmocka_unit_test(the_device_checks_imgtools_images),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
