/* Updates by a file that is no image: a transformer of the tests' own makes the image from it, in
 * state PATCHING, with the power cut at every flash operation. The file lies at the end of the
 * slot, or elsewhere. With --full each cut is made in every way. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/bytes.h"
#include "tests/sim/nor_fault.h"
#include "tests/sim/ota/diff_patch.h"
#include "tests/sim/ota/sim_port.h"

#define SIZE      7000u
#define FULL_SIZE (WORLD_SLOT_SIZE - 144u) /* shares a sector with the trailer */

/* A transformer that needs its own output, as a decompressor does: "BACK", size and version, then
 * each byte's difference from the one LOOK_BACK before. It makes a few bytes a call. */
#define LOOK_BACK 5u
#define BACK_HEAD 9u

static otter_status recognise_back(const struct flash_area *base, const uint8_t *head,
                                   uint32_t length, struct ota_transform_plan *plan)
{
    (void)base;
    if (length < BACK_HEAD || memcmp(head, "BACK", 4) != 0)
        return OTTER_E_NOT_FOUND;
    plan->size = get_le32(head + 4);
    plan->version = (struct image_version){.major = head[8]};
    return OTTER_OK;
}

/* Flash refuses the first writes of each sector of the image, as often as `refusals` says. */
static struct nor_fault refusing;
static unsigned refusals, refused;

static void refuse_some(uint32_t made)
{
    const uint32_t start = world.secondary.offset + made / WORLD_SECTOR * WORLD_SECTOR;
    if (start != refusing.start) {
        refused += refusing.seen;
        refusing = (struct nor_fault){.start = start, .end = start + 4};
    }
    refusing.kind = refusing.seen < refusals ? NOR_FAULT_NO_PROGRAM : NOR_FAULT_NONE;
}

static int make_back(const struct ota_transform_view *view, uint8_t state[OTA_TRANSFORM_STATE],
                     uint8_t *out, uint32_t size)
{
    uint8_t before = 0;
    uint8_t difference = 0;
    uint32_t made = 0;
    (void)state;
    refuse_some(view->made);
    for (; made < size && made < LOOK_BACK; made++) {
        const uint32_t at = view->made + made;
        if (at >= LOOK_BACK && ota_transform_made(view, at - LOOK_BACK, &before, 1) != OTTER_OK)
            return OTTER_E_FLASH;
        if (flash_read(view->file, BACK_HEAD + at, &difference, 1) != OTTER_OK)
            return OTTER_E_FLASH;
        out[made] = (uint8_t)(before + difference);
    }
    assert_int_equal(ota_transform_made(view, view->made, &before, 1), OTTER_E_BOUNDS);
    return (int)made;
}

static const struct ota_transform look_back = {
    .id = 8, .recognise = recognise_back, .make = make_back};

static const struct world_image *looking_back(uint8_t version, uint32_t size)
{
    static struct world_image file;
    const struct world_image *image = world_image(version, size, true);
    memset(&file, 0, sizeof file);
    memcpy(file.bytes, "BACK", 4);
    put_le32(file.bytes + 4, size);
    file.bytes[8] = version;
    for (uint32_t i = 0; i < size; i++)
        file.bytes[BACK_HEAD + i] =
            (uint8_t)(image->bytes[i] - (i < LOOK_BACK ? 0 : image->bytes[i - LOOK_BACK]));
    file.size = BACK_HEAD + size;
    world_sign(&file);
    return &file;
}

static const struct ota_transform *const transforms[] = {&diff_patch, &look_back};
static const struct ota_staging in_slot = {.transforms = transforms, .count = 2};
static struct ota_staging elsewhere = {.transforms = transforms, .count = 2};

static void begin(const struct ota_staging *staging, const struct trouble *trouble)
{
    world_create(&world, 1, trouble);
    world.staging = staging;
    elsewhere.area = &world.spare;
}

static int set_up(void **state)
{
    static const struct trouble none = {.window = 4};
    (void)state;
    begin(&in_slot, &none);
    sim_count("");
    return 0;
}

static void renew(const struct ota_staging *staging, const struct trouble *trouble)
{
    sim_tear_down(NULL);
    begin(staging, trouble);
}

/* A patch from one version to another, code-signed. */
static const struct world_image *patch_of(uint8_t from, uint32_t old_size, uint8_t to,
                                          uint32_t size)
{
    static struct world_image file;
    const struct world_image *old = world_image(from, old_size, true);
    const struct world_image *new = world_image(to, size, true);
    memset(&file, 0, sizeof file);
    file.size = diff_patch_make(file.bytes, sizeof file.bytes, old->bytes, old->size, new->bytes,
                                new->size);
    world_sign(&file);
    return &file;
}

static const struct world_image *patch(uint8_t from, uint8_t to, uint32_t size)
{
    return patch_of(from, 9000, to, size);
}

static void expect_image(uint8_t version, uint32_t size)
{
    static uint8_t found[WORLD_SLOT_SIZE];
    assert_int_equal(flash_read(&world.primary, 0, found, size), OTTER_OK);
    assert_memory_equal(found, world_image(version, size, true)->bytes, size);
}

static void a_patch_becomes_the_image_that_runs(void **state)
{
    (void)state;
    const struct world_image *file = patch(1, 2, SIZE);
    assert_in_range(file->size, 32, SIZE / 2);
    world_add_update(&world, "job", file);
    assert_true(world_run(&world, world_at_rest, HOUR));
    sim_expect("job", CLOUD_SUCCEEDED, "accepted v2.0.0");
    assert_true(world.visited >> OTA_PATCHING & 1u);
    expect_image(2, SIZE);
}

/* Wherever in a piece that is not on flash yet they lie, and whatever a cut left of it. */
static void a_transformer_can_read_all_that_it_has_made(void **state)
{
    (void)state;
    for (uint32_t at = 0; at < 60; at += 4) {
        const struct trouble trouble = {
            .cut_at = at, .cut = (enum nor_cut)(at / 4 % NOR_CUT_KINDS), .window = 4};
        renew(&in_slot, &trouble);
        world_add_update(&world, "job", looking_back(2, 5000));
        assert_true(world_run(&world, world_at_rest, HOUR));
        sim_expect("job", CLOUD_SUCCEEDED, "accepted v2.0.0");
        expect_image(2, 5000);
    }
}

static void update_on_refusing_flash(unsigned times)
{
    static const struct trouble none = {.window = 4};
    renew(&elsewhere, &none);
    refusing = (struct nor_fault){.kind = NOR_FAULT_NONE};
    refused = 0;
    nor_fault_install(&world.nor, &refusing);
    refusals = times;
    world_add_update(&world, "job", looking_back(2, 12000));
    const bool at_rest = world_run(&world, world_at_rest, HOUR);
    refusals = 0;
    assert_true(at_rest);
}

static void only_writes_that_keep_being_refused_end_the_update(void **state)
{
    (void)state;
    update_on_refusing_flash(2);
    sim_expect("job", CLOUD_SUCCEEDED, "accepted v2.0.0");
    assert_in_range(refused, 9, 12); /* more than any one sector may cost */
    expect_image(2, 12000);
    update_on_refusing_flash(100);
    sim_expect("job", CLOUD_FAILED, "making the image from the file: flash operation failed");
}

static void a_whole_image_is_taken_as_ever(void **state)
{
    (void)state;
    world_add_update(&world, "job", world_image(2, SIZE, true));
    assert_true(world_run(&world, world_at_rest, HOUR));
    sim_expect("job", CLOUD_SUCCEEDED, "accepted v2.0.0");
    assert_false(world.visited >> OTA_PATCHING & 1u);
}

static void a_patch_may_lie_in_an_area_of_its_own(void **state)
{
    static const struct trouble none = {.window = 4};
    (void)state;
    renew(&elsewhere, &none);
    world_add_update(&world, "job", patch(1, 2, FULL_SIZE));
    assert_true(world_run(&world, world_at_rest, HOUR));
    sim_expect("job", CLOUD_SUCCEEDED, "accepted v2.0.0");
    expect_image(2, FULL_SIZE);
}

/* The partner's image in place has 6000 bytes: against the firmware's 9000 the patch would fail. */
static void a_patch_of_a_partner_is_made_from_its_own_image(void **state)
{
    (void)state;
    world_add_partner(&world);
    world_add_update_with(&world, "job", patch_of(1, 6000, 2, SIZE), "\"fileType\":0",
                          "\"fileType\":1");
    assert_true(world_run(&world, world_at_rest, HOUR));
    sim_expect("job", CLOUD_SUCCEEDED, "accepted v2.0.0");
    assert_int_equal(world.running, 1);
    assert_int_equal(world_partner_version(&world), 2);
    assert_true(world.visited >> OTA_PATCHING & 1u);
}

static void what_does_not_fit_beside_its_image_is_refused_before_the_start(void **state)
{
    (void)state;
    world_add_update(&world, "job", patch(1, 2, FULL_SIZE));
    assert_true(world_run(&world, world_at_rest, HOUR));
    sim_expect("job", CLOUD_REJECTED, "do not fit together");
}

static void a_patch_against_another_image_is_refused_before_the_start(void **state)
{
    (void)state;
    world_add_update(&world, "job", patch(3, 4, SIZE));
    assert_true(world_run(&world, world_at_rest, HOUR));
    sim_expect("job", CLOUD_REJECTED, "cannot be turned into an image here");
}

static void a_file_of_no_known_kind_is_refused_before_the_start(void **state)
{
    (void)state;
    struct world_image file = *patch(1, 2, SIZE);
    file.bytes[0] = 'X';
    world_sign(&file);
    world_add_update(&world, "job", &file);
    assert_true(world_run(&world, world_at_rest, HOUR));
    sim_expect("job", CLOUD_REJECTED, "no signed image, and nothing");
}

static void the_code_signature_is_that_of_the_file_and_comes_first(void **state)
{
    (void)state;
    struct world_image file = *patch(1, 2, SIZE);
    file.bytes[file.size - 1] ^= 1;
    world_add_update(&world, "job", &file);
    assert_true(world_run(&world, world_at_rest, HOUR));
    sim_expect("job", CLOUD_FAILED, "code signature check failed");
    assert_false(world.visited >> OTA_PATCHING & 1u);
}

/* Signed, but what it makes is not whole. */
static void an_image_made_wrong_is_not_tried(void **state)
{
    static const struct trouble knows_keys = {.window = 4, .check_signature = true};
    (void)state;
    renew(&in_slot, &knows_keys);
    struct world_image file = *patch(1, 2, SIZE);
    file.bytes[file.size - 1] ^= 1;
    world_sign(&file);
    world_add_update(&world, "wrong", &file);
    assert_true(world_run(&world, world_at_rest, HOUR));
    sim_expect("wrong", CLOUD_FAILED, "image check failed");
    file = *patch(1, 2, SIZE);
    file.size -= 3;
    world_sign(&file);
    world_add_update(&world, "short", &file);
    assert_true(world_run(&world, world_at_rest, HOUR));
    sim_expect("short", CLOUD_FAILED, "making the image from the file");
    assert_int_equal(world.running, 1);
    assert_int_equal(world.resets, 0);
    world_add_update(&world, "right", patch(1, 2, SIZE));
    assert_true(world_run(&world, world_at_rest, HOUR));
    sim_expect("right", CLOUD_SUCCEEDED, "accepted v2.0.0");
}

static bool full;

/* Each operation in each way when all is asked for, else in two ways, which differ from one to the
 * next. */
static bool is_turn_of(enum nor_cut cut, uint32_t at)
{
    return full || cut == at * 2654435761u % NOR_CUT_ALL_KINDS || cut == at % NOR_CUT_KINDS;
}

/* A cut on trial is a way back too. */
static void expect_end(uint32_t size, unsigned *rolled_back)
{
    const struct sim_job *job = sim_cloud_find(&world.cloud, "job");
    if (job->status == CLOUD_FAILED) {
        sim_expect("job", CLOUD_FAILED, "rolled back: 2.0.0");
        assert_int_equal(world.running, 1);
        expect_image(1, 9000);
        (*rolled_back)++;
        return;
    }
    sim_expect("job", CLOUD_SUCCEEDED, "accepted v2.0.0");
    assert_int_equal(world.running, 2);
    expect_image(2, size);
}

static uint32_t cut_everywhere(const struct ota_staging *staging, uint32_t size)
{
    unsigned rolled_back = 0;
    unsigned cases = 0;
    uint32_t at = 1;
    for (bool over = false; !over; at++) {
        for (enum nor_cut cut = 0; cut < NOR_CUT_ALL_KINDS; cut++) {
            const struct trouble trouble = {.cut_at = at, .cut = cut, .window = 4};
            if (!is_turn_of(cut, at))
                continue;
            renew(staging, &trouble);
            world_add_update(&world, "job", patch(1, 2, size));
            assert_true(world_run(&world, world_at_rest, 6 * HOUR));
            over = world.operations < at;
            expect_end(size, &rolled_back);
            cases++;
        }
    }
    printf("%u cuts at %u operations, %u on trial\n", cases, at, rolled_back);
    return at;
}

static void a_cut_at_any_operation_ends_in_the_image_whole(void **state)
{
    (void)state;
    assert_in_range(cut_everywhere(&in_slot, SIZE), 60, 1000);
    assert_in_range(cut_everywhere(&elsewhere, FULL_SIZE), 60, 1000);
}

static uint32_t resets;

static bool restarted_or_ready(struct world *w)
{
    return w->resets != resets || (w->visited >> OTA_READYING & 1u) != 0;
}

/* Power fails again and again, each time after a few operations. */
static void many_cuts_in_a_row_do_not_start_it_over(void **state)
{
    static const struct trouble none = {.window = 4};
    (void)state;
    for (uint32_t step = 20; step < 50; step += 7) {
        unsigned lives = 0;
        unsigned patching = 0;
        renew(&in_slot, &none);
        sim_come_on_line();
        world_add_update(&world, "job", patch(1, 2, SIZE));
        while ((world.visited >> OTA_READYING & 1u) == 0) {
            resets = world.resets;
            world.trouble.cut_at = world.operations + step;
            world.trouble.cut = (enum nor_cut)(lives++ % NOR_CUT_KINDS);
            assert_in_range(lives, 1, 40);
            assert_true(world_run(&world, restarted_or_ready, HOUR));
            patching += (world.visited >> OTA_PATCHING & 1u) != 0;
        }
        printf("cut every %u operations: %u lives, %u of them since the patching began\n", step,
               lives, patching);
        world.trouble = none;
        assert_true(world_run(&world, world_at_rest, 6 * HOUR));
        sim_expect("job", CLOUD_SUCCEEDED, "accepted v2.0.0");
    }
}

#define PROMISE(name) cmocka_unit_test_setup_teardown(name, set_up, sim_tear_down)

int main(int argc, char **argv)
{
    full = argc > 1 && strcmp(argv[1], "--full") == 0;
    const struct CMUnitTest tests[] = {
        PROMISE(a_patch_becomes_the_image_that_runs),
        PROMISE(a_transformer_can_read_all_that_it_has_made),
        PROMISE(only_writes_that_keep_being_refused_end_the_update),
        PROMISE(a_whole_image_is_taken_as_ever),
        PROMISE(a_patch_may_lie_in_an_area_of_its_own),
        PROMISE(a_patch_of_a_partner_is_made_from_its_own_image),
        PROMISE(what_does_not_fit_beside_its_image_is_refused_before_the_start),
        PROMISE(a_patch_against_another_image_is_refused_before_the_start),
        PROMISE(a_file_of_no_known_kind_is_refused_before_the_start),
        PROMISE(the_code_signature_is_that_of_the_file_and_comes_first),
        PROMISE(an_image_made_wrong_is_not_tried),
        PROMISE(a_cut_at_any_operation_ends_in_the_image_whole),
        PROMISE(many_cuts_in_a_row_do_not_start_it_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
