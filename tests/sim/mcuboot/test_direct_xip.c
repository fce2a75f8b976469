/* Direct XIP with revert, on all layouts of MCUboot's simulator: the images stay where they are,
 * one of them is started. MCUboot's simulator cuts no power here (docs/formats.md 8.1, 8.3, 4.5).
 */
#include "tests/sim/mcuboot/rig.h"

#include <string.h>

#include "image/bytes.h"

static void set_up(struct rig *rig, unsigned turn)
{
    rig_make_pair(rig, turn);
    rig_flash(rig, PRIMARY, OLD);
    rig_flash(rig, SECONDARY, NEW);
}

static void expect_started(const struct rig *rig, enum rig_area slot)
{
    rig_check(rig, rig->result.slot == &rig->area[0][slot], "the wrong slot was started");
    rig_check(rig, rig_holds(rig, PRIMARY, 0, OLD), "the image in the primary was changed");
    rig_check(rig, rig_holds(rig, SECONDARY, 0, NEW), "the image in the secondary was changed");
}

static void boot_and_expect(struct rig *rig, enum rig_area slot)
{
    rig_boot(rig);
    expect_started(rig, slot);
}

/* --- direct_xip_first ------------------------------------------------------------------------- */

static void start_the_newer(struct rig *rig, unsigned turn)
{
    set_up(rig, turn);
    rig_pad(rig, PRIMARY, PAD_MAGIC | PAD_IMAGE_OK);
    rig_pad(rig, SECONDARY, PAD_MAGIC | PAD_IMAGE_OK);
    boot_and_expect(rig, SECONDARY);
    boot_and_expect(rig, SECONDARY);
    rig_check(rig, rig->logged == 0, "the flash is changed at each boot");
}

static void of_two_confirmed_images_the_newer_one_starts(void **state)
{
    (void)state;
    rig_for_each(start_the_newer);
}

static void start_the_primary(struct rig *rig, unsigned turn)
{
    set_up(rig, turn);
    sim_image_make(rig_bytes(OLD), rig_end(OLD), NEW, SIM_KEY);
    rig_wipe(rig);
    rig_flash(rig, PRIMARY, OLD);
    rig_flash(rig, SECONDARY, NEW);
    boot_and_expect(rig, PRIMARY);
}

static void of_two_images_of_one_version_the_primary_starts(void **state)
{
    (void)state;
    rig_for_each(start_the_primary);
}

/* --- a trial: asked for in the secondary ------------------------------------------------------ */

static void ask(struct rig *rig, unsigned turn, bool permanent)
{
    set_up(rig, turn);
    rig_pad(rig, PRIMARY, PAD_MAGIC | PAD_IMAGE_OK);
    rig_boot(rig); /* the primary's own request is answered */
    rig_ask(rig, permanent);
}

static void try_once(struct rig *rig, unsigned turn)
{
    ask(rig, turn, false);
    boot_and_expect(rig, SECONDARY);
    boot_and_expect(rig, PRIMARY);
    boot_and_expect(rig, PRIMARY);
    rig_check(rig, rig->logged == 0, "the flash is changed at each boot");
}

static void an_unconfirmed_image_is_started_once(void **state)
{
    (void)state;
    rig_for_each(try_once);
}

static void confirm(struct rig *rig, unsigned turn)
{
    ask(rig, turn, false);
    boot_and_expect(rig, SECONDARY);
    const otter_status status = trailer_confirm(&rig->area[0][SECONDARY], rig->variant.max_align);
    rig_check(rig, status == OTTER_OK, "the image could not be confirmed");
    boot_and_expect(rig, SECONDARY);
    boot_and_expect(rig, SECONDARY);
}

static void a_confirmed_image_stays(void **state)
{
    (void)state;
    rig_for_each(confirm);
}

/* The one write at the start of a trial, cut: the trial is to come, under way, or taken back. */
static void check_trial(struct rig *rig, bool ends)
{
    if (rig->result.slot == &rig->area[0][PRIMARY]) {
        rig_check(rig, ends, "the trial was taken back before it began");
        expect_started(rig, PRIMARY);
    } else {
        expect_started(rig, SECONDARY);
        boot_and_expect(rig, PRIMARY);
    }
}

static void cut_trial(struct rig *rig, unsigned turn)
{
    ask(rig, turn, false);
    rig_cut_each(rig, &rig_every_cut, check_trial);
}

static void a_cut_as_a_trial_begins_leaves_two_whole_images(void **state)
{
    (void)state;
    rig_for_each(cut_trial);
}

static void check_permanent(struct rig *rig, bool ends)
{
    (void)ends;
    expect_started(rig, SECONDARY);
    boot_and_expect(rig, SECONDARY);
}

static void cut_permanent(struct rig *rig, unsigned turn)
{
    ask(rig, turn, true);
    rig_cut_each(rig, &rig_every_cut, check_permanent);
}

static void a_permanent_request_survives_a_cut_at_the_first_start(void **state)
{
    (void)state;
    rig_for_each(cut_permanent);
}

/* --- what must not be started ----------------------------------------------------------------- */

static void spoil_the_newer(struct rig *rig, unsigned turn)
{
    ask(rig, turn, true);
    rig_data(rig, SECONDARY)[40] ^= 1;
    rig_bytes(NEW)[40] ^= 1; /* it is kept, broken as it is */
    boot_and_expect(rig, PRIMARY);
    rig_check(rig, rig->logged == 0, "the flash was changed");
}

static void a_corrupt_newer_image_gives_way_to_the_older_one(void **state)
{
    (void)state;
    rig_for_each(spoil_the_newer);
}

static void sign_for_address(enum version version, uint32_t address)
{
    uint8_t *image = rig_bytes(version);
    const uint32_t hashed = rig_end(version) - 150;
    struct image_sha256 sha;
    put_le32(image + 4, address);
    image[17] = IMAGE_FLAG_ROM_FIXED >> 8;
    image_sha256_init(&sha);
    image_sha256_update(&sha, image, hashed);
    image_sha256_finish(&sha, image + hashed + 8);
    sim_sign(image + hashed + 8, SIM_KEY, image + hashed + 4 + 36 + 36 + 8);
    memmove(image + hashed + 4 + 36 + 36 + 8 + 34, image + hashed + 4 + 36 + 36 + 8 + 32, 32);
    image[hashed + 4 + 36 + 36 + 8 + 32] = 0x02; /* the second INTEGER's head */
    image[hashed + 4 + 36 + 36 + 8 + 33] = 32;
}

/* wrong_load_addr, for images that are fixed to an address */
static void offer_another_address(struct rig *rig, unsigned turn)
{
    const uint32_t base = 0x10000000;
    rig->config.flash_base = base;
    ask(rig, turn, true);
    rig_wipe(rig);
    sign_for_address(OLD, base + rig->area[0][PRIMARY].offset);
    sign_for_address(NEW, base + rig->area[0][PRIMARY].offset + 4);
    rig_flash(rig, PRIMARY, OLD);
    rig_flash(rig, SECONDARY, NEW);
    rig_ask(rig, true);
    boot_and_expect(rig, PRIMARY);
    rig_wipe(rig);
    sign_for_address(NEW, base + rig->area[0][SECONDARY].offset);
    rig_flash(rig, PRIMARY, OLD);
    rig_flash(rig, SECONDARY, NEW);
    rig_ask(rig, true);
    boot_and_expect(rig, SECONDARY);
}

static void an_image_linked_for_another_address_is_not_started(void **state)
{
    (void)state;
    rig_for_each(offer_another_address);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_two_confirmed_images_the_newer_one_starts),
        cmocka_unit_test(of_two_images_of_one_version_the_primary_starts),
        cmocka_unit_test(an_unconfirmed_image_is_started_once),
        cmocka_unit_test(a_confirmed_image_stays),
        cmocka_unit_test(a_cut_as_a_trial_begins_leaves_two_whole_images),
        cmocka_unit_test(a_permanent_request_survives_a_cut_at_the_first_start),
        cmocka_unit_test(a_corrupt_newer_image_gives_way_to_the_older_one),
        cmocka_unit_test(an_image_linked_for_another_address_is_not_started),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
