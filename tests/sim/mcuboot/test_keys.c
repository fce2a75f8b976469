/* Which key may sign: MCUboot's rows on one and two built-in keys, and retired ones. A candidate is
 * offered and the primary is checked in the same way, so each rule is tried on both slots. */
#include "tests/sim/mcuboot/rig.h"

#include <string.h>

#define FIRST   0x11
#define SECOND  0x22
#define UNKNOWN 0x33
#define END     3000u

static const uint8_t spki_first[91] = {[26] = 0x04, [27] = FIRST};
static const uint8_t spki_second[91] = {[26] = 0x04, [27] = SECOND};
static const struct image_key both[] = {{spki_first, sizeof spki_first, 0, &image_ecdsa_p256},
                                        {spki_second, sizeof spki_second, 0, &image_ecdsa_p256}};
static const struct image_key first_retired[] = {
    {spki_first, sizeof spki_first, 5, &image_ecdsa_p256},
    {spki_second, sizeof spki_second, 0, &image_ecdsa_p256}};

static struct rig rig;

static int set_up(void **state)
{
    (void)state;
    rig_create(&rig, rig_traced_layout(1), &rig_plain);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rig_destroy(&rig);
    return 0;
}

static void trust(const struct image_key *keys, unsigned count)
{
    rig.config.policy = (struct image_policy){keys, count, 0};
}

/* The KEYHASH is the second of the unprotected TLVs: 4 + 36 + 4 bytes into an area of 150. */
static void name_key(uint8_t *image, uint8_t key)
{
    uint8_t spki[91] = {[26] = 0x04, [27] = key};
    struct image_sha256 sha;
    image_sha256_init(&sha);
    image_sha256_update(&sha, spki, sizeof spki);
    image_sha256_finish(&sha, image + END - 150 + 4 + 36 + 4);
}

static void make(enum version version, uint8_t key, uint32_t counter)
{
    const struct sim_image_options options = {.counter = counter};
    rig_make(version, END);
    sim_image_make_with(rig_bytes(version), END, (uint8_t)version, key, &options);
    name_key(rig_bytes(version), key);
}

static void offer(uint8_t key, uint32_t counter)
{
    make(NEW, key, counter);
    rig_download(&rig, NEW);
    rig_ask(&rig, true);
    rig_boot(&rig);
}

static void flash_primary(uint8_t key, uint32_t counter)
{
    make(OLD, key, counter);
    rig_flash(&rig, PRIMARY, OLD);
}

static void an_image_signed_with_the_first_key_boots(void **state)
{
    (void)state;
    trust(both, 2);
    flash_primary(FIRST, 0);
    offer(FIRST, 0);
    rig_expect_running(&rig, NEW);
}

static void an_image_signed_with_the_second_key_boots(void **state)
{
    (void)state;
    trust(both, 2);
    flash_primary(SECOND, 0);
    rig_boot(&rig);
    rig_expect_running(&rig, OLD);
    offer(SECOND, 0);
    rig_expect_running(&rig, NEW);
}

static void an_unknown_key_is_rejected_in_both_slots(void **state)
{
    (void)state;
    trust(both, 2);
    flash_primary(FIRST, 0);
    offer(UNKNOWN, 0);
    rig_expect_running(&rig, OLD);
    rig_wipe(&rig);
    flash_primary(UNKNOWN, 0);
    rig_try_boot(&rig);
    assert_int_equal(rig.status, OTTER_E_KEY);
}

static void a_build_with_one_key_rejects_images_of_the_second(void **state)
{
    (void)state;
    trust(both, 1);
    flash_primary(FIRST, 0);
    offer(SECOND, 0);
    rig_expect_running(&rig, OLD);
    offer(FIRST, 0);
    rig_expect_running(&rig, NEW);
}

/* Names a trusted key, but is signed with another one. */
static void a_borrowed_key_name_does_not_help(void **state)
{
    (void)state;
    trust(both, 2);
    flash_primary(FIRST, 0);
    make(NEW, UNKNOWN, 0);
    name_key(rig_bytes(NEW), FIRST);
    rig_download(&rig, NEW);
    rig_ask(&rig, true);
    rig_boot(&rig);
    rig_expect_running(&rig, OLD);
}

static void a_retired_key_is_rejected_from_its_counter_on(void **state)
{
    (void)state;
    trust(first_retired, 2);
    flash_primary(SECOND, 9);
    rig.slots[0].security_counter = 4;
    offer(FIRST, 9);
    rig_expect_running(&rig, NEW); /* and the stored counter rises to 9 */
    rig_wipe(&rig);
    flash_primary(SECOND, 9);
    rig.slots[0].security_counter = 5;
    offer(FIRST, 9);
    rig_expect_running(&rig, OLD);
}

/* The update that retires its predecessor's key cannot be taken back once it is confirmed, but can
 * before. */
static void a_trial_signed_with_a_new_key_reverts_to_an_image_of_the_old_one(void **state)
{
    (void)state;
    if (!rig_reverts())
        skip();
    trust(first_retired, 2);
    rig.slots[0].security_counter = 4;
    flash_primary(FIRST, 4);
    make(NEW, SECOND, 5);
    rig_download(&rig, NEW);
    rig_ask(&rig, false);
    rig_boot(&rig);
    rig_expect_running(&rig, NEW);
    rig_boot(&rig);
    rig_expect_running(&rig, OLD);
    assert_int_equal(rig.slots[0].security_counter, 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_image_signed_with_the_first_key_boots),
        TEST(an_image_signed_with_the_second_key_boots),
        TEST(an_unknown_key_is_rejected_in_both_slots),
        TEST(a_build_with_one_key_rejects_images_of_the_second),
        TEST(a_borrowed_key_name_does_not_help),
        TEST(a_retired_key_is_rejected_from_its_counter_on),
        TEST(a_trial_signed_with_a_new_key_reverts_to_an_image_of_the_old_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
