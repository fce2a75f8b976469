/* Images looked at: good ones are known, changed and hostile ones refused without a stray read
 * (AddressSanitizer watches: every buffer has its exact size). */
#include "golden.h"

#include <stdlib.h>

#include "tool/image_view.h"
#include "tool/tlv.h"

struct sample {
    struct key key;
    struct image_file file;
};

static struct sample sample_of(enum key_type type)
{
    struct sample sample;
    struct image_spec spec = golden_spec();

    sample.key = golden_key(type, type == KEY_P256 ? GOLDEN_P256 : GOLDEN_ED25519);
    spec.key = &sample.key;
    spec.has_security_counter = true;
    spec.security_counter = 3;
    sample.file = golden_build(&spec);
    return sample;
}

static void free_sample(struct sample *sample)
{
    image_file_free(&sample->file);
    key_free(&sample->key);
}

/* The status of a check over a copy that ends where its memory ends. */
static otter_status check(const uint8_t *data, size_t size, const struct key *key)
{
    uint8_t *copy = malloc(size ? size : 1);
    struct image_view view;
    struct image_verdict verdict = {0};
    struct failure failure = {""};
    otter_status status;

    memcpy(copy, data, size);
    status = image_view_open(&view, copy, size, &failure);
    if (status == OTTER_OK)
        status = image_view_check(&view, key, NULL, &verdict, &failure);
    if (status != OTTER_OK)
        assert_true(failure.text[0] != '\0');
    image_verdict_free(&verdict);
    free(copy);
    return status;
}

static void a_good_image_is_good(void **state)
{
    struct sample p256 = sample_of(KEY_P256);
    struct sample ed25519 = sample_of(KEY_ED25519);

    (void)state;
    assert_int_equal(check(p256.file.image.data, p256.file.image.size, &p256.key), OTTER_OK);
    assert_int_equal(check(ed25519.file.image.data, ed25519.file.image.size, &ed25519.key),
                     OTTER_OK);
    assert_int_equal(check(p256.file.image.data, p256.file.image.size, &ed25519.key),
                     OTTER_E_SIGNATURE);
    assert_int_equal(check(p256.file.image.data, p256.file.image.size, NULL), OTTER_OK);
    free_sample(&p256);
    free_sample(&ed25519);
}

static void a_truncated_image_is_refused_at_every_length(void **state)
{
    struct sample sample = sample_of(KEY_P256);

    (void)state;
    for (size_t size = 0; size < sample.file.image.size; size++)
        assert_int_not_equal(check(sample.file.image.data, size, &sample.key), OTTER_OK);
    free_sample(&sample);
}

/* Every bit is covered by the hash, by the signature or by the structure. */
static void every_flipped_bit_is_noticed(void **state)
{
    struct sample sample = sample_of(KEY_ED25519);
    struct bytes *image = &sample.file.image;

    (void)state;
    for (size_t bit = 0; bit < 8 * image->size; bit++) {
        image->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(check(image->data, image->size, &sample.key), OTTER_OK);
        image->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    free_sample(&sample);
}

static void hostile_sizes_are_refused(void **state)
{
    static const struct {
        size_t offset;
        const char *bytes;
    } attacks[] = {
        {8, "0000"},      {8, "1f00"},      {8, "ffff"},      {10, "ffff"},     {10, "0100"},
        {10, "0300"},     {12, "ffffffff"}, {12, "00000080"}, {12, "dfffffff"}, {0x62, "ffff"},
        {0x62, "0300"},   {0x66, "ffff"},   {0x6e, "ffff"},   {0x6e, "0000"},   {0x72, "ffff"},
        {16, "0c000000"}, {16, "00020000"},
    };
    struct sample sample = sample_of(KEY_P256);

    (void)state;
    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) {
        struct bytes copy = {0};
        bytes_append(&copy, sample.file.image.data, sample.file.image.size);
        golden_hex(attacks[i].bytes, copy.data + attacks[i].offset);
        assert_int_not_equal(check(copy.data, copy.size, &sample.key), OTTER_OK);
        bytes_free(&copy);
    }
    free_sample(&sample);
}

/* Random bytes behind a right header: nothing to accept, and nothing read out of bounds. */
static void noise_behind_a_header_is_refused(void **state)
{
    struct sample sample = sample_of(KEY_P256);
    struct bytes *image = &sample.file.image;
    uint32_t seed = 1;

    (void)state;
    for (int round = 0; round < 2000; round++) {
        for (size_t i = 0x60; i < image->size; i++) {
            seed = seed * 1664525u + 1013904223u;
            if (seed >> 29 != 0)
                image->data[i] = (uint8_t)(seed >> 16);
        }
        assert_int_not_equal(check(image->data, image->size, &sample.key), OTTER_OK);
    }
    free_sample(&sample);
}

/* A KEYHASH selects the key of the signature behind it. */
static void a_signature_under_another_keys_name_does_not_count(void **state)
{
    struct sample sample = sample_of(KEY_ED25519);
    struct image_view view;
    struct image_tlv tlv;
    struct failure failure;

    (void)state;
    assert_int_equal(
        image_view_open(&view, sample.file.image.data, sample.file.image.size, &failure), OTTER_OK);
    assert_int_equal(image_tlv_find(&view.image, IMAGE_TLV_KEYHASH, &tlv), 1);
    sample.file.image.data[tlv.offset] ^= 1;
    assert_int_equal(check(sample.file.image.data, sample.file.image.size, &sample.key),
                     OTTER_E_SIGNATURE);
    free_sample(&sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_image_is_good),
        cmocka_unit_test(a_truncated_image_is_refused_at_every_length),
        cmocka_unit_test(every_flipped_bit_is_noticed),
        cmocka_unit_test(hostile_sizes_are_refused),
        cmocka_unit_test(noise_behind_a_header_is_refused),
        cmocka_unit_test(a_signature_under_another_keys_name_does_not_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
