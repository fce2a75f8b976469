/* Flash that loses bits, secrets that must go, stores that others wrote, stores that are full. */
#define _GNU_SOURCE /* memmem */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "store/kv.h"
#include "tests/sim/nor_sim.h"

enum { SECTORS = 5, SECTOR = 1024 };

static struct nor_power power;
static struct nor_device device;
static struct flash_sector sectors[SECTORS];
static struct flash_area area;
static struct kv kv;

static void create(uint32_t count, uint32_t size)
{
    nor_power_init(&power, 1);
    nor_uniform_sectors(sectors, count, size);
    nor_create(&device, &power, sectors, count, 4, 0xff);
    area = (struct flash_area){&device.flash, 0, count * size};
    assert_int_equal(kv_open(&kv, &area), OTTER_OK);
}

static int set_up(void **state)
{
    (void)state;
    create(SECTORS, SECTOR);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    const bool broken = device.rule_breaks != 0;
    nor_destroy(&device);
    return broken;
}

static void reopen(void)
{
    memset(&kv, 0xa5, sizeof kv);
    assert_int_equal(kv_open(&kv, &area), OTTER_OK);
}

static void set_text(const char *key, const char *value)
{
    assert_int_equal(kv_set(&kv, key, value, (uint32_t)strlen(value)), OTTER_OK);
}

static bool has_text(const char *key, const char *expected)
{
    char found[64];
    uint32_t length;
    return kv_get(&kv, key, found, sizeof found, &length) == OTTER_OK &&
           length == strlen(expected) && memcmp(found, expected, length) == 0;
}

static void assert_corrupt(const char *key)
{
    char found[64];
    uint32_t length;
    assert_int_equal(kv_get(&kv, key, found, sizeof found, &length), OTTER_E_CORRUPT);
}

static uint8_t *find(const char *text)
{
    uint8_t *at = memmem(device.data, device.flash.size, text, strlen(text));
    assert_non_null(at);
    return at;
}

static void flip(uint32_t bit)
{
    device.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
}

/* What kv_check reported. */
static struct kv_damage reports[8];
static char report_keys[8][KV_KEY_MAX + 1];
static uint32_t report_count;

static void note_report(void *ctx, const struct kv_damage *damage)
{
    (void)ctx;
    assert_true(report_count < 8);
    strcpy(report_keys[report_count], damage->key);
    reports[report_count++] = *damage;
}

static uint32_t check(void)
{
    report_count = 0;
    const uint32_t count = kv_check(&kv, note_report, NULL);
    assert_int_equal(count, report_count);
    return report_count;
}

static void fill_sector(void)
{
    char value[32];
    const uint32_t generation = kv.generation;
    for (int i = 0; kv.generation == generation; i++) {
        snprintf(value, sizeof value, "state %d", i);
        set_text("ota/job", value);
    }
}

static void fill_two_sectors(void)
{
    char value[32];
    for (int i = 0; kv.generation < 2; i++) {
        snprintf(value, sizeof value, "state %d", i);
        set_text("ota/job", value);
        set_text("conf/thing_name", i % 2 ? "older" : "elder");
    }
    set_text("conf/thing_name", "newest");
    set_text("gone", "soon");
    assert_int_equal(kv_delete(&kv, "gone"), OTTER_OK);
    set_text("pki/root_ca_cert", "a certificate");
    set_text("ota/job", "last state");
}

static bool all_newest(void)
{
    uint32_t length;
    return has_text("conf/thing_name", "newest") && has_text("ota/job", "last state") &&
           has_text("pki/root_ca_cert", "a certificate") &&
           kv_get(&kv, "gone", NULL, 0, &length) == OTTER_E_NOT_FOUND;
}

static void no_flipped_bit_brings_back_an_older_value(void **state)
{
    (void)state;
    fill_two_sectors();
    uint32_t reported = 0;
    const uint32_t end = kv.write_offset;
    for (uint32_t bit = 8 * SECTOR; bit < 8 * end; bit++) {
        flip(bit);
        reopen();
        if (!all_newest())
            fail_msg("bit %u of byte 0x%x changes a value", bit % 8, bit / 8);
        reported += check();
        flip(bit);
    }
    assert_true(reported > 1000); /* of what is live, and of headers; the padding does not matter */
}

static void a_flipped_bit_is_reported_with_its_place_and_goes_with_the_next_set(void **state)
{
    (void)state;
    fill_two_sectors();
    assert_int_equal(check(), 0);
    uint8_t *value = find("a certificate");
    *value ^= 4;
    reopen();
    assert_int_equal(check(), 1);
    assert_true(reports[0].repaired);
    assert_int_equal(reports[0].sector, 2);
    assert_int_equal(reports[0].offset,
                     (uint32_t)(value - device.data) % SECTOR - 4 - strlen("pki/root_ca_cert"));
    assert_string_equal(report_keys[0], "pki/root_ca_cert");
    set_text("pki/root_ca_cert", "a certificate"); /* equal, and yet written */
    assert_int_equal(check(), 0);
    assert_true(all_newest());
}

static void a_flipped_bit_is_put_right_when_its_sector_is_reclaimed(void **state)
{
    (void)state;
    char value[32];
    set_text("still", "here for long");
    find("here for long")[3] ^= 0x10;
    reopen();
    for (int i = 0; kv.generation < SECTORS + 2; i++) {
        snprintf(value, sizeof value, "%d", i);
        set_text("counter", value);
    }
    assert_true(has_text("still", "here for long"));
    assert_int_equal(check(), 0);
}

static void a_damaged_newest_value_is_told_and_its_older_one_stays_away(void **state)
{
    (void)state;
    fill_two_sectors();
    memset(find("newest"), 0, 3);
    reopen();
    assert_corrupt("conf/thing_name");
    assert_int_equal(check(), 1);
    assert_false(reports[0].repaired);
    assert_int_equal(reports[0].sector, 2);
    assert_string_equal(report_keys[0], "conf/thing_name");
    assert_true(has_text("ota/job", "last state"));
    set_text("conf/thing_name", "set again");
    assert_true(has_text("conf/thing_name", "set again"));
    assert_int_equal(check(), 0);
    reopen();
    assert_true(has_text("conf/thing_name", "set again"));
    assert_int_equal(check(), 0);
}

static void a_damaged_key_can_be_deleted(void **state)
{
    (void)state;
    uint32_t length;
    fill_two_sectors();
    memset(find("newest"), 0, 3);
    reopen();
    assert_int_equal(kv_delete(&kv, "conf/thing_name"), OTTER_OK);
    assert_int_equal(kv_get(&kv, "conf/thing_name", NULL, 0, &length), OTTER_E_NOT_FOUND);
    assert_int_equal(check(), 0);
}

/* Every span of damage, of every length up to a few records, anywhere in a sector. */
static void records_behind_damage_are_found_again(void **state)
{
    (void)state;
    static uint8_t whole[SECTORS * SECTOR];
    char key[16];
    for (int i = 0; i < 20; i++) {
        snprintf(key, sizeof key, "key%02d", i);
        set_text(key, key);
    }
    const uint32_t size = 20; /* of each record: 4 + 5 + 5 + 4, padded */
    const uint32_t first = SECTOR + 20;
    memcpy(whole, device.data, sizeof whole);
    for (uint32_t span = 4; span <= 64; span += 12) {
        for (uint32_t at = first; at + span <= first + 19 * size; at += 4) {
            for (uint32_t i = 0; i < span; i++)
                device.data[at + i] ^= (uint8_t)(0x5a + i * 7);
            reopen();
            for (uint32_t i = 0; i < 20; i++) {
                const uint32_t begin = first + i * size;
                snprintf(key, sizeof key, "key%02u", i);
                if (begin + size <= at || begin >= at + span)
                    assert_true(has_text(key, key));
                else if (begin + size - 2 > at) /* more than the padding */
                    assert_false(has_text(key, key));
            }
            assert_true(check() >= 1);
            set_text("another", "one");
            assert_true(has_text("another", "one"));
            memcpy(device.data, whole, sizeof whole);
            memset(device.written + (first + 20 * size) / 4, 0, SECTOR / 4 - 20 - 5 * size);
        }
    }
}

static void damage_that_comes_while_the_device_runs_is_noticed(void **state)
{
    (void)state;
    fill_two_sectors();
    find("newest")[0] ^= 1;
    assert_true(all_newest());
    find("conf/thing_nameolder")[-2] ^= 0x80; /* a length, in the other sector */
    assert_true(all_newest());
    memset(find("last state"), 0, 4);
    assert_corrupt("ota/job");
    assert_true(has_text("pki/root_ca_cert", "a certificate"));
}

static void a_sector_that_lost_its_header_is_reported(void **state)
{
    (void)state;
    fill_two_sectors();
    memset(device.data + SECTOR, 0, 8);
    reopen();
    assert_int_equal(check(), 1);
    assert_int_equal(reports[0].sector, 1);
    assert_int_equal(reports[0].offset, 0);
    assert_false(reports[0].repaired);
}

/* The store would fall back to older values, or seem to be a blank one. */
static void a_newest_or_only_sector_that_lost_its_header_is_reported(void **state)
{
    (void)state;
    set_text("conf/thing_name", "lamp");
    assert_int_equal(kv.generation, 1);
    device.data[SECTOR + 1] ^= 0x21;
    device.data[SECTOR + 9] ^= 0x02;
    reopen();
    assert_int_equal(check(), 1);
    assert_int_equal(reports[0].sector, 1);
    assert_int_equal(reports[0].offset, 0);
    assert_int_equal(kv_format(&kv), OTTER_OK);
    assert_int_equal(check(), 0);
    while (kv.generation % SECTORS != 3)
        fill_sector();
    assert_int_equal(check(), 0);
    device.data[3 * SECTOR + 6] ^= 0x30;
    reopen();
    assert_int_equal(check(), 1);
    assert_int_equal(reports[0].sector, 3);
    assert_false(reports[0].repaired);
}

/* What was written last and has decayed looks like a write that was cut; not so when something was
 * written behind it. */
static void decay_up_to_the_end_of_the_log_is_reported(void **state)
{
    (void)state;
    fill_two_sectors();
    memset(find("a certificate"), 0, 4);
    memset(find("last state"), 0, 4);
    reopen();
    assert_int_equal(check(), 1);
    assert_string_equal(report_keys[0], "pki/root_ca_cert");
    assert_false(reports[0].repaired);
}

static void a_write_that_was_cut_is_no_damage(void **state)
{
    (void)state;
    fill_two_sectors();
    memset(find("last state") + 4, 0xff, 12); /* as if the cut came then */
    reopen();
    assert_int_equal(check(), 0);
    assert_false(has_text("ota/job", "last state"));
}

/* ---- Secrets --------------------------------------------------------------------------------- */

static bool flash_holds(const char *text)
{
    return memmem(device.data, device.flash.size, text, strlen(text)) != NULL;
}

static void set_secret(const char *value)
{
    const struct kv_item item = {"pki/tls_key_priv", value,
                                 value != NULL ? (uint32_t)strlen(value) : 0};
    assert_int_equal(kv_replace_secret(&kv, &item, 1), OTTER_OK);
}

/* So many other changes that copies of the secret lie in many sectors. */
static void churn(uint32_t generations)
{
    char value[32];
    const uint32_t end = kv.generation + generations;
    for (int i = 0; kv.generation < end; i++) {
        snprintf(value, sizeof value, "state %d", i);
        set_text("ota/job", value);
    }
}

static void a_replaced_secret_is_gone_from_flash(void **state)
{
    (void)state;
    for (uint32_t generations = 0; generations <= 2 * SECTORS; generations++) {
        set_text("conf/thing_name", "stays");
        set_secret("the first private key");
        churn(generations);
        assert_true(flash_holds("the first private key"));
        set_secret("the second private key");
        assert_false(flash_holds("the first private key"));
        assert_true(has_text("pki/tls_key_priv", "the second private key"));
        assert_true(has_text("conf/thing_name", "stays"));
        set_secret(NULL);
        assert_false(flash_holds("the second private key"));
        assert_true(has_text("conf/thing_name", "stays"));
    }
}

static void an_equal_or_a_first_secret_erases_nothing(void **state)
{
    (void)state;
    set_text("conf/thing_name", "stays");
    const uint32_t erases = device.erase_count;
    set_secret("a private key");
    set_secret("a private key");
    assert_int_equal(device.erase_count, erases);
}

/* ---- Stores of other versions and full ones -------------------------------------------------- */

/* Sectors 1 and 2 of three of 256 bytes, write size 4, as the first version of the store wrote
 * them: conf/thing_name "otter-1"; a batch of pki/tls_key_priv "private" and pki/tls_key_pub
 * "public"; "gone" set and deleted; ota/job "state 0" to "state 8", over the change of the sector.
 */
static const char first_version[] =
    "4f544b560100000003000401000000005e5fff5c010f0700636f6e662f746869"
    "6e675f6e616d656f747465722d31fb29ff75ffff81100700706b692f746c735f"
    "6b65795f70726976707269766174657cf52fd0ff010f0600706b692f746c735f"
    "6b65795f7075627075626c696363d44090ffffff01040400676f6e65736f6f6e"
    "19e2d0ef02040000676f6e655e6c94f0010707006f74612f6a6f627374617465"
    "2030b1071974ffff010707006f74612f6a6f627374617465203127371e03ffff"
    "010707006f74612f6a6f62737461746520329d66179affffffffffffffffffff"
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
    "4f544b560200000003000401d8000000d81c81c8010707006f74612f6a6f6273"
    "7461746520330b5610edffff010707006f74612f6a6f6273746174652034a8c3"
    "7473ffff010707006f74612f6a6f62737461746520353ef37304ffff01070700"
    "6f74612f6a6f627374617465203684a27a9dffff010707006f74612f6a6f6273"
    "74617465203712927deaffff010707006f74612f6a6f6273746174652038838f"
    "c27affffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

static void a_store_of_the_first_version_is_read_and_written_on(void **state)
{
    (void)state;
    static uint8_t image[512];
    char value[32];
    for (uint32_t i = 0; i < sizeof image; i++) {
        unsigned byte;
        assert_int_equal(sscanf(first_version + 2 * i, "%2x", &byte), 1);
        image[i] = (uint8_t)byte;
    }
    nor_destroy(&device);
    create(3, 256);
    nor_load(&device, 256, image, sizeof image);
    reopen();
    assert_int_equal(check(), 0);
    for (int i = 0; i < 40; i++) {
        uint32_t length;
        assert_true(has_text("conf/thing_name", "otter-1"));
        assert_true(has_text("pki/tls_key_priv", "private"));
        assert_true(has_text("pki/tls_key_pub", "public"));
        assert_int_equal(kv_get(&kv, "gone", NULL, 0, &length), OTTER_E_NOT_FOUND);
        snprintf(value, sizeof value, "state %d", 8 + i);
        assert_true(has_text("ota/job", value));
        snprintf(value, sizeof value, "state %d", 9 + i);
        set_text("ota/job", value);
        if (i % 3 == 0)
            reopen();
    }
    assert_true(kv.generation > 4);
}

static uint32_t fill(uint32_t size)
{
    static uint8_t value[KV_VALUE_MAX];
    char key[16];
    for (uint32_t count = 0;; count++) {
        snprintf(key, sizeof key, "key%u", count);
        const otter_status status = kv_set(&kv, key, value, size);
        if (status != OTTER_OK) {
            assert_int_equal(status, OTTER_E_NO_SPACE);
            return count;
        }
    }
}

/* Each change of the counter is a record of 24 bytes, and an eighth of four sectors is free: 20 of
 * them, at least, in a turn of four sectors. */
static void a_store_filled_to_the_brim_does_not_wear_out(void **state)
{
    (void)state;
    enum { CHANGES = 2000 };
    static const uint32_t sizes[] = {20, 100, 400};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        nor_destroy(&device);
        create(SECTORS, SECTOR);
        set_text("counter", "00000000");
        fill(sizes[i]);
        fill(1);
        char value[16];
        const uint32_t before = device.erase_count;
        for (int n = 1; n <= CHANGES; n++) {
            snprintf(value, sizeof value, "%08d", n);
            set_text("counter", value);
            assert_int_equal(kv_set(&kv, "one more", value, 8), OTTER_E_NO_SPACE);
        }
        const uint32_t erases_a_sector = (device.erase_count - before) / SECTORS;
        print_message("values of %3u: %u erases a sector in %d changes\n", sizes[i],
                      erases_a_sector, CHANGES);
        assert_true(erases_a_sector <= CHANGES / 20 * (SECTORS - 1) / SECTORS);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(no_flipped_bit_brings_back_an_older_value),
        TEST(a_flipped_bit_is_reported_with_its_place_and_goes_with_the_next_set),
        TEST(a_flipped_bit_is_put_right_when_its_sector_is_reclaimed),
        TEST(a_damaged_newest_value_is_told_and_its_older_one_stays_away),
        TEST(a_damaged_key_can_be_deleted),
        TEST(records_behind_damage_are_found_again),
        TEST(damage_that_comes_while_the_device_runs_is_noticed),
        TEST(a_sector_that_lost_its_header_is_reported),
        TEST(a_newest_or_only_sector_that_lost_its_header_is_reported),
        TEST(decay_up_to_the_end_of_the_log_is_reported),
        TEST(a_write_that_was_cut_is_no_damage),
        TEST(a_replaced_secret_is_gone_from_flash),
        TEST(an_equal_or_a_first_secret_erases_nothing),
        TEST(a_store_of_the_first_version_is_read_and_written_on),
        TEST(a_store_filled_to_the_brim_does_not_wear_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
