/* Images made by the real imgtool 2.4.0: each is verified, refused or decrypted as its README says,
 * and what we make with the same options is the same but for what is random in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "image/trailer.h"
#include "tool/file.h"
#include "tool/image_file.h"
#include "tool/image_view.h"
#include "tool/tlv.h"
#include "tool/values.h"

static struct bytes load(const char *name)
{
    struct bytes content = {0};
    struct failure failure;
    char path[512];

    snprintf(path, sizeof path, VECTORS "%s", name);
    if (file_read(path, &content, &failure) != OTTER_OK)
        fail_msg("%s", failure.text);
    return content;
}

static struct key load_key(const char *name)
{
    struct key key;
    struct failure failure;
    char path[512];

    snprintf(path, sizeof path, VECTORS "%s", name);
    if (key_read(&key, path, &failure) != OTTER_OK)
        fail_msg("%s", failure.text);
    return key;
}

struct vector {
    const char *name;
    const char *key;
    const char *payload;
    const char *version;
    uint32_t header_size;
    uint32_t slot_size;
    uint32_t align;
    enum { PLAIN, PAD, CONFIRM, OVERWRITE, PROTECTED, ENCRYPTED } kind;
};

static const struct vector vectors[] = {
    {"m467-1.0.0.signed.bin", "p256.pem", "payload-a.bin", "1.0.0+0", 4096, 0x73000, 4, PLAIN},
    {"m467-1.0.1.signed.bin", "p256.pem", "payload-b.bin", "1.0.1+0", 4096, 0x73000, 4, PLAIN},
    {"align16.signed.bin", "p256.pem", "payload-a.bin", "2.3.4+567", 0x400, 0x20000, 16, PLAIN},
    {"padded-test.signed.bin", "p256.pem", "payload-a.bin", "1.2.3+4", 0x200, 0x10000, 8, PAD},
    {"padded-confirmed.signed.bin", "p256.pem", "payload-a.bin", "1.2.3+4", 0x200, 0x10000, 8,
     CONFIRM},
    {"overwrite.signed.bin", "p256.pem", "payload-a.bin", "1.2.3+4", 0x200, 0x10000, 8, OVERWRITE},
    {"protected-tlvs.signed.bin", "p256.pem", "payload-a.bin", "1.2.3+4", 0x200, 0x10000, 8,
     PROTECTED},
    {"encrypted-p256.signed.bin", "p256.pem", "payload-a.bin", "1.2.3+4", 0x200, 0x10000, 8,
     ENCRYPTED},
    {"wrong-key.signed.bin", "p256-other.pem", "payload-b.bin", "1.0.1+0", 4096, 0x73000, 4, PLAIN},
    {"ed25519.signed.bin", "ed25519.pem", "payload-b.bin", "1.0.1+0", 0x200, 0x10000, 4, PLAIN},
    {"rsa2048.signed.bin", "rsa2048.pem", "payload-b.bin", "1.0.1+0", 0x200, 0x10000, 4, PLAIN},
};

#define VECTOR_COUNT (sizeof vectors / sizeof *vectors)

/* The image of `vector` made here; keys and custom TLV are freed by the caller. */
static struct image_file rebuild(const struct vector *vector, const struct key *key,
                                 const struct key *recipient)
{
    struct image_spec spec = image_spec_default();
    struct bytes payload = load(vector->payload);
    struct image_file file;
    struct failure failure;

    spec.key = key;
    spec.header_size = vector->header_size;
    spec.pad_header = true;
    spec.slot_size = vector->slot_size;
    spec.align = vector->align;
    spec.max_align = trailer_max_align(vector->align);
    assert_true(value_version(vector->version, &spec.version));
    spec.confirm = vector->kind == CONFIRM;
    spec.overwrite_only = vector->kind == OVERWRITE;
    if (vector->kind == ENCRYPTED)
        spec.encrypt_for = recipient;
    if (vector->kind == PROTECTED) {
        spec.has_security_counter = true;
        spec.security_counter = 7;
        spec.dependency_count = value_dependencies("(1, 1.2.3+0)", spec.dependencies, 16);
        spec.custom[spec.custom_count++].type = 0xa0;
        value_bytes("0x1234abcd", &spec.custom[0].value);
    }
    if (image_file_build(&spec, payload.data, payload.size, &file, &failure) != OTTER_OK)
        fail_msg("%s: %s", vector->name, failure.text);
    if (vector->kind == PAD || vector->kind == CONFIRM)
        image_file_pad(&spec, &file.image);
    bytes_free(&spec.custom[0].value);
    bytes_free(&payload);
    return file;
}

static void open_view(struct image_view *view, struct bytes *image)
{
    struct failure failure;

    if (image_view_open(view, image->data, image->size, &failure) != OTTER_OK)
        fail_msg("%s", failure.text);
}

static bool is_random(uint16_t type)
{
    return type == IMAGE_TLV_ECDSA_SIG || type == TLV_RSA2048_PSS || type == IMAGE_TLV_ENC_EC256;
}

/* All TLVs in the same order with the same values; of random ones the length, which may differ by
 * the two leading zeros of an ECDSA signature. */
static void compare_tlvs(const struct image_view *theirs, const struct image_view *ours)
{
    struct image_tlv_walk their_walk = {0}, our_walk = {0};
    struct image_tlv their_tlv, our_tlv;

    while (image_tlv_next(&theirs->image, &their_walk, &their_tlv) > 0) {
        assert_int_equal(image_tlv_next(&ours->image, &our_walk, &our_tlv), 1);
        assert_int_equal(their_tlv.type, our_tlv.type);
        assert_int_equal(their_tlv.is_protected, our_tlv.is_protected);
        if (their_tlv.type != IMAGE_TLV_ECDSA_SIG)
            assert_int_equal(their_tlv.length, our_tlv.length);
        if (!is_random(their_tlv.type))
            assert_memory_equal(image_view_tlv(theirs, &their_tlv), image_view_tlv(ours, &our_tlv),
                                their_tlv.length);
    }
    assert_int_equal(image_tlv_next(&ours->image, &our_walk, &our_tlv), 0);
}

/* What lies behind the image: nothing, or fill and trailer. */
static void compare_ends(const struct bytes *theirs, size_t their_end, const struct bytes *ours,
                         size_t our_end)
{
    size_t longer = their_end > our_end ? their_end : our_end;

    if (theirs->size == their_end) {
        assert_int_equal(ours->size, our_end);
        return;
    }
    assert_int_equal(ours->size, theirs->size);
    assert_memory_equal(theirs->data + longer, ours->data + longer, theirs->size - longer);
}

static void what_we_sign_is_what_imgtool_signs(void **state)
{
    struct key recipient = load_key("enc-p256-pub.pem");

    (void)state;
    for (size_t i = 0; i < VECTOR_COUNT; i++) {
        struct key key = load_key(vectors[i].key);
        struct bytes theirs = load(vectors[i].name);
        struct image_file ours = rebuild(&vectors[i], &key, &recipient);
        struct image_view their_view, our_view;
        size_t hashed;

        open_view(&their_view, &theirs);
        open_view(&our_view, &ours.image);
        hashed = their_view.image.hashed_end;
        assert_int_equal(our_view.image.hashed_end, hashed);
        /* Encrypted: with a fresh key each, so header and hash (compared as a TLV) must do. */
        assert_memory_equal(theirs.data, ours.image.data,
                            vectors[i].kind == ENCRYPTED ? vectors[i].header_size : hashed);
        compare_tlvs(&their_view, &our_view);
        compare_ends(&theirs, their_view.image.end, &ours.image, our_view.image.end);
        if (key.type == KEY_ED25519)
            assert_memory_equal(theirs.data, ours.image.data, theirs.size);
        image_file_free(&ours);
        bytes_free(&theirs);
        key_free(&key);
    }
    key_free(&recipient);
}

static otter_status check_with(const char *image, const char *key_name, const char *decrypt_name,
                               struct image_verdict *verdict)
{
    struct key key = load_key(key_name);
    struct key decrypt_key = {0};
    struct bytes content = load(image);
    struct image_view view;
    struct failure failure;
    otter_status status;

    if (decrypt_name)
        decrypt_key = load_key(decrypt_name);
    open_view(&view, &content);
    status = image_view_check(&view, &key, decrypt_name ? &decrypt_key : NULL, verdict, &failure);
    key_free(&key);
    key_free(&decrypt_key);
    bytes_free(&content);
    return status;
}

static void each_image_verifies_with_its_key_alone(void **state)
{
    static const char *const keys[] = {"p256-pub.pem", "p256-other.pem", "ed25519.pem",
                                       "rsa2048.pem"};

    (void)state;
    for (size_t i = 0; i < VECTOR_COUNT; i++) {
        for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
            struct image_verdict verdict = {0};
            /* "p256.pem" and "p256-pub.pem" are one key; all others have one name. */
            bool own = strcmp(vectors[i].key, keys[k]) == 0 ||
                       (strcmp(vectors[i].key, "p256.pem") == 0 && k == 0);
            otter_status status =
                check_with(vectors[i].name, keys[k],
                           vectors[i].kind == ENCRYPTED ? "enc-p256.pem" : NULL, &verdict);
            assert_true(verdict.hash_good);
            assert_int_equal(status, own ? OTTER_OK : OTTER_E_SIGNATURE);
            image_verdict_free(&verdict);
        }
    }
}

static void the_encrypted_image_decrypts_to_its_payload(void **state)
{
    struct image_verdict verdict = {0};
    struct bytes payload = load("payload-a.bin");

    (void)state;
    assert_int_equal(check_with("encrypted-p256.signed.bin", "p256.pem", "enc-p256.pem", &verdict),
                     OTTER_OK);
    assert_true(verdict.decrypted);
    assert_memory_equal(verdict.plain.data + 0x200, payload.data, payload.size);
    image_verdict_free(&verdict);
    verdict = (struct image_verdict){0};
    assert_int_equal(check_with("encrypted-p256.signed.bin", "p256.pem", "p256.pem", &verdict),
                     OTTER_E_KEY);
    image_verdict_free(&verdict);
    verdict = (struct image_verdict){0};
    assert_int_equal(check_with("encrypted-p256.signed.bin", "p256.pem", NULL, &verdict),
                     OTTER_E_KEY);
    image_verdict_free(&verdict);
    bytes_free(&payload);
}

static void read_trailer(const char *name, struct trailer *trailer)
{
    struct bytes content = load(name);
    struct ram_flash ram;
    struct flash_area slot;

    ram_flash_init(&ram, content.data, (uint32_t)content.size, 0x1000, 8, 0xff);
    slot = ram_flash_area(&ram, 0, (uint32_t)content.size);
    trailer_read(&slot, 8, trailer);
    bytes_free(&content);
}

static void padded_images_ask_for_the_swap_they_say(void **state)
{
    struct trailer none = {TRAILER_UNSET, TRAILER_UNSET, TRAILER_UNSET, SWAP_NONE, 0, 0};
    struct trailer trailer;

    (void)state;
    read_trailer("padded-test.signed.bin", &trailer);
    assert_int_equal(trailer_next_swap(&none, &trailer), SWAP_TEST);
    read_trailer("padded-confirmed.signed.bin", &trailer);
    assert_int_equal(trailer_next_swap(&none, &trailer), SWAP_PERM);
}

static void counter_and_dependency_are_read(void **state)
{
    struct bytes content = load("protected-tlvs.signed.bin");
    struct image_view view;
    struct image_dependency dependency;
    struct image_tlv tlv;
    uint32_t counter;

    (void)state;
    open_view(&view, &content);
    assert_int_equal(image_security_counter(&view.image, &counter), 1);
    assert_int_equal(counter, 7);
    assert_int_equal(image_tlv_find(&view.image, IMAGE_TLV_DEPENDENCY, &tlv), 1);
    assert_int_equal(image_dependency_read(&view.image, &tlv, &dependency), OTTER_OK);
    assert_int_equal(dependency.image, 1);
    assert_int_equal(dependency.version.major, 1);
    assert_int_equal(dependency.version.minor, 2);
    assert_int_equal(dependency.version.revision, 3);
    bytes_free(&content);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_we_sign_is_what_imgtool_signs),
        cmocka_unit_test(each_image_verifies_with_its_key_alone),
        cmocka_unit_test(the_encrypted_image_decrypts_to_its_payload),
        cmocka_unit_test(padded_images_ask_for_the_swap_they_say),
        cmocka_unit_test(counter_and_dependency_are_read),
    };

    if (!file_exists(VECTORS "payload-a.bin")) {
        printf("skipped: imgtool's vectors are not in %s\n", VECTORS);
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
