/* The update slot over PSA Firmware Update, as the update agent sees it: against a plain
 * implementation of the API, which takes its states at their word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "boards/board.h"
#include "image/trailer.h"
#include "secure/slot.h"
#include "tests/unit/secure/foreign.h"

#define SIZE   FOREIGN_SIZE
#define SECTOR 4096u

/* ---- A board ----------------------------------------------------------------------------------
 */

static uint32_t sector_size = SECTOR;
const struct flash port_flash[] = {
    {.ops = &foreign_slot_ops,
     .ctx = &sector_size,
     .size = SIZE,
     .write_size = 4,
     .erased_value = 0xff},
    {.ops = &foreign_slot_ops,
     .ctx = &sector_size,
     .size = 2u * SIZE,
     .write_size = 4,
     .erased_value = 0xff},
};
const struct board_secure board_secure = {.secondary = {&port_flash[1], SIZE, SIZE}};
const struct board board = {
    .name = "slot",
    .primary = {&port_flash[0], 0, SIZE},
    .secondary = {&port_flash[1], 0, SIZE},
};
static const struct flash_area *const primary = &board.primary, *const secondary = &board.secondary;

/* Nothing here has to be random. */
otter_status port_random(void *data, size_t length)
{
    (void)data;
    (void)length;
    return OTTER_E_CRYPTO;
}

static int set_up(void **state)
{
    (void)state;
    foreign_init();
    return 0;
}

/* ---- Promises ---------------------------------------------------------------------------------
 */

static void a_download_begins_anew_from_any_state(void **state)
{
    static const uint32_t states[] = {PSA_FWU_READY,  PSA_FWU_WRITING, PSA_FWU_CANDIDATE,
                                      PSA_FWU_STAGED, PSA_FWU_FAILED,  PSA_FWU_UPDATED};
    (void)state;
    for (unsigned i = 0; i < sizeof states / sizeof *states; i++) {
        foreign.state = states[i];
        foreign.slot[5] = 0;
        assert_int_equal(trailer_prepare(secondary), OTTER_OK);
        assert_int_equal(foreign.state, PSA_FWU_WRITING);
        assert_int_equal(foreign.slot[5], 0xff);
    }
}

static void the_way_back_of_a_trial_is_left_alone(void **state)
{
    (void)state;
    foreign.state = PSA_FWU_TRIAL;
    foreign.slot[5] = 7;
    assert_int_not_equal(trailer_prepare(secondary), OTTER_OK);
    assert_int_not_equal(flash_erase(secondary, 0, SECTOR), OTTER_OK);
    assert_int_equal(foreign.state, PSA_FWU_TRIAL);
    assert_int_equal(foreign.slot[5], 7);
}

static void flash_calls_reach_the_slot_in_pieces_that_it_takes(void **state)
{
    static uint8_t data[3 * SECTOR], back[3 * SECTOR];
    (void)state;
    for (unsigned i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7u + i / 256u);
    assert_int_equal(trailer_prepare(secondary), OTTER_OK);
    assert_int_equal(flash_program(secondary, 8, data, sizeof data), OTTER_OK);
    assert_memory_equal(data, foreign.slot + 8, sizeof data);
    assert_int_equal(foreign.longest, PSA_FWU_MAX_WRITE_SIZE);
    assert_int_equal(flash_read(secondary, 8, back, sizeof back), OTTER_E_UNSUPPORTED);
    assert_int_equal(flash_erase(secondary, SECTOR, SECTOR), OTTER_OK);
    assert_int_equal(foreign.slot[SECTOR], data[SECTOR - 8]);
}

static void a_request_checks_the_image_and_stages_it(void **state)
{
    struct trailer first, second;
    (void)state;
    assert_int_equal(trailer_prepare(secondary), OTTER_OK);
    assert_int_equal(trailer_request(secondary, 8, false), OTTER_OK);
    assert_int_equal(foreign.state, PSA_FWU_STAGED);
    trailer_read(primary, 8, &first);
    trailer_read(secondary, 8, &second);
    assert_int_equal(trailer_next_swap(&first, &second), SWAP_TEST);
    assert_int_equal(second.copy_done, TRAILER_UNSET);
    assert_int_equal(trailer_request(secondary, 8, false), OTTER_OK); /* again */
    foreign.state = PSA_FWU_CANDIDATE;                                /* a cut came between */
    assert_int_equal(trailer_request(secondary, 8, false), OTTER_OK);
    assert_int_equal(trailer_request(secondary, 8, true), OTTER_E_UNSUPPORTED);
}

static void an_image_that_is_refused_is_not_requested(void **state)
{
    (void)state;
    foreign.bad_image = true;
    assert_int_equal(trailer_prepare(secondary), OTTER_OK);
    assert_int_equal(trailer_request(secondary, 8, false), OTTER_E_SIGNATURE);
    assert_int_equal(foreign.state, PSA_FWU_FAILED);
    assert_int_equal(trailer_request(secondary, 8, false), OTTER_E_STATE);
}

static void each_slot_is_that_of_its_component(void **state)
{
    static const uint8_t data[8];
    (void)state;
    assert_int_equal(trailer_prepare(&board_secure.secondary), OTTER_OK);
    assert_int_equal(foreign.component, FWU_COMPONENT_SECURE);
    assert_int_equal(flash_program(&board_secure.secondary, 16, data, sizeof data), OTTER_OK);
    assert_int_equal(foreign.component, FWU_COMPONENT_SECURE);
    assert_int_equal(foreign.offset, 16);
    assert_int_equal(flash_program(secondary, 32, data, sizeof data), OTTER_OK);
    assert_int_equal(foreign.component, FWU_COMPONENT_FIRMWARE);
    assert_int_equal(foreign.offset, 32);
}

static void a_trial_is_seen_and_confirmed(void **state)
{
    struct trailer trailer;
    (void)state;
    trailer_read(primary, 8, &trailer);
    assert_false(trailer_on_trial(&trailer));
    assert_int_equal(trailer_confirm(primary, 8), OTTER_OK); /* nothing to confirm */
    foreign.state = PSA_FWU_TRIAL;
    trailer_read(primary, 8, &trailer);
    assert_true(trailer_on_trial(&trailer));
    assert_int_equal(trailer_confirm(primary, 8), OTTER_OK);
    assert_int_equal(foreign.state, PSA_FWU_UPDATED);
    trailer_read(primary, 8, &trailer);
    assert_false(trailer_on_trial(&trailer));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_download_begins_anew_from_any_state, set_up),
        cmocka_unit_test_setup(the_way_back_of_a_trial_is_left_alone, set_up),
        cmocka_unit_test_setup(flash_calls_reach_the_slot_in_pieces_that_it_takes, set_up),
        cmocka_unit_test_setup(a_request_checks_the_image_and_stages_it, set_up),
        cmocka_unit_test_setup(an_image_that_is_refused_is_not_requested, set_up),
        cmocka_unit_test_setup(each_slot_is_that_of_its_component, set_up),
        cmocka_unit_test_setup(a_trial_is_seen_and_confirmed, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
