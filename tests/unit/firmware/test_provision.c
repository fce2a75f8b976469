/* Provisioning by what lies behind the image (firmware/with_provision.c), on a simulated flash:
 * once, on a device without an identity, and whole whenever power is cut. */
#include <stdio.h>
#include <string.h>

#include "codec/crc32.h"
#include "firmware/provision_section.h"
#include "firmware/variant.h"
#include "image/image.h"
#include "net/mqtt_settings.h"
#include "pki/pki.h"
#include "store/config.h"
#include "tests/unit/firmware/app_bench.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#define LEAKS_FROM_HERE() __lsan_disable()
#define LEAKS_TO_HERE()   __lsan_enable()
#else
#define LEAKS_FROM_HERE() ((void)0)
#define LEAKS_TO_HERE()   ((void)0)
#endif

static const char a_private_key[] =
    "pki import key tls_key_priv\n"
    "-----BEGIN EC PRIVATE KEY-----\n"
    "MHcCAQEEINGfz77M8PQGaGyZTh6iXKXD08Hgr38srqeGLNK/xSjOoAoGCCqGSM49\n"
    "AwEHoUQDQgAESOLu/8+KJmqlhqWB6SGw74tJ2ESWSro02iZsNCIRY6bQ16InqmBA\n"
    "kdqXbNItcmkHvYb2C6FLgQcKTyDo10RYsQ==\n"
    "-----END EC PRIVATE KEY-----\n";

/* Behind the image: what gives a device an identity. */
static void put_section(void)
{
    static char text[4 * PKI_PEM_MAX], pem[PKI_PEM_MAX + 1];
    static uint8_t section[sizeof text + sizeof(struct provision_section)];
    static struct kv kv;
    static struct pki pki;
    struct image image;
    assert_int_equal(kv_open(&kv, &store), OTTER_OK);
    pki_init(&pki, &kv, NULL, NULL);
    assert_int_equal(pki_generate_key(&pki, PKI_TLS_KEY_PRIV), OTTER_OK);
    assert_int_equal(pki_generate_cert(&pki, PKI_TLS_KEY_PRIV, "lamp"), OTTER_OK);
    assert_int_equal(pki_export(&pki, PKI_TLS_CERT, pem, sizeof pem), OTTER_OK);
    nor_erase_bytes(&fake.device, board.store.offset, board.store.size);
    snprintf(text, sizeof text,
             "conf set thing_name lamp\nconf set mqtt_endpoint cloud.example\n"
             "conf set telemetry_topic lamps\n"
             "pki import cert root_ca_cert\n%spki import cert tls_cert\n%s%sconf commit\n",
             pem, pem, a_private_key);
    struct provision_section head = {.length = (uint32_t)strlen(text),
                                     .crc = crc32_update(0, text, strlen(text))};
    memcpy(head.magic, PROVISION_SECTION_MAGIC, sizeof head.magic);
    memcpy(section, &head, sizeof head);
    memcpy(section + sizeof head, text, head.length);
    assert_int_equal(image_open(&image, &primary, primary.size), OTTER_OK);
    nor_load(&fake.device, board.primary.offset + PROVISION_SECTION_AT(image.end), section,
             (uint32_t)sizeof head + head.length);
}

/* A start, up to the reset that it may ask for: then `restarted`. */
static bool restarted;

static void boot(void *ctx)
{
    (void)ctx;
    restarted = true;
    if (setjmp(fake.reset) != 0)
        return;
    app_start(&app, &variant, fake.now);
    restarted = false;
}

static void expect_identity(void)
{
    char text[CONFIG_TEXT_MAX + 1];
    assert_true(app.provisioned);
    assert_int_equal(config_get_text(&app.kv, CONFIG_THING_NAME, text, sizeof text), OTTER_OK);
    assert_string_equal(text, "lamp");
}

static void a_first_boot_takes_what_lies_behind_the_image_and_no_later_one(void **state)
{
    (void)state;
    put_section();
    boot(NULL);
    assert_true(restarted);
    assert_non_null(strstr(fake.logged, "not provisioned yet: taking"));
    assert_non_null(strstr(fake.logged, "SUCCESS: private key stored in tls_key_priv"));
    assert_null(strstr(fake.logged, "-----BEGIN"));
    boot(NULL);
    assert_false(restarted);
    expect_identity();
    assert_non_null(strstr(fake.logged, "provisioned already, skip"));
}

static void a_device_with_an_identity_keeps_it(void **state)
{
    static struct kv kv;
    (void)state;
    put_section();
    boot(NULL);
    assert_int_equal(kv_open(&kv, &store), OTTER_OK);
    assert_int_equal(kv_delete(&kv, "provision"), OTTER_OK); /* as if it had come by another way */
    assert_int_equal(config_set_text(&kv, CONFIG_MQTT_ENDPOINT, "another.example"), OTTER_OK);
    boot(NULL);
    assert_false(restarted);
    assert_string_equal(app.link.host, "another.example");
}

static void a_section_that_is_damaged_is_none(void **state)
{
    struct image image;
    (void)state;
    put_section();
    assert_int_equal(image_open(&image, &primary, primary.size), OTTER_OK);
    fake.device.data[board.primary.offset + PROVISION_SECTION_AT(image.end) + 40] ^= 1;
    boot(NULL);
    assert_false(restarted);
    assert_false(app.provisioned);
}

static void provisioning_by_the_image_is_whole_whatever_operation_power_is_cut_in(void **state)
{
    struct nor_snapshot first = {0};
    (void)state;
    put_section();
    nor_snapshot_take(&fake.device, &first);
    assert_int_equal(nor_power_run(&fake.power, boot, NULL), NOR_RUN_DONE);
    const uint32_t operations = fake.power.operations;
    assert_in_range(operations, 10, 1000);
    for (uint32_t cut = 1; cut <= operations; cut++) {
        nor_snapshot_restore(&fake.device, &first);
        fake.logged[0] = '\0';
        nor_power_plan(&fake.power, cut, (enum nor_cut)(cut % NOR_CUT_KINDS));
        LEAKS_FROM_HERE(); /* a cut jumps out of Mbed TLS with what it has allocated */
        (void)nor_power_run(&fake.power, boot, NULL);
        LEAKS_TO_HERE();
        nor_power_plan(&fake.power, 0, NOR_CUT_BEFORE);
        for (unsigned boots = 0; restarted && boots < 3; boots++)
            (void)nor_power_run(&fake.power, boot, NULL);
        assert_false(restarted);
        expect_identity();
    }
    nor_snapshot_free(&first);
}

#define PROMISE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(a_first_boot_takes_what_lies_behind_the_image_and_no_later_one),
        PROMISE(a_device_with_an_identity_keeps_it),
        PROMISE(a_section_that_is_damaged_is_none),
        PROMISE(provisioning_by_the_image_is_whole_whatever_operation_power_is_cut_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
