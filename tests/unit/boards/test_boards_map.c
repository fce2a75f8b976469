/* A map becomes `board` and the geometry of its devices. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "boards/board.h"
#include "boards/geometry.h"

const struct flash port_flash[BOARD_DEVICES];

static const struct geometry devices[] = {GEOMETRY(0), GEOMETRY(1)};

static void expect_sector(const struct geometry *device, uint32_t at, uint32_t start, uint32_t size)
{
    const struct flash_sector sector = geometry_sector_at(device, at);
    assert_int_equal(sector.offset, start);
    assert_int_equal(sector.size, size);
}

static void sectors_of_several_sizes_are_found(void **state)
{
    (void)state;
    assert_int_equal(devices[0].size, 0x100000);
    expect_sector(&devices[0], 0, 0, 0x4000);
    expect_sector(&devices[0], 0xffff, 0xc000, 0x4000);
    expect_sector(&devices[0], 0x10000, 0x10000, 0x10000);
    expect_sector(&devices[0], 0x1ffff, 0x10000, 0x10000);
    expect_sector(&devices[0], 0x20000, 0x20000, 0x20000);
    expect_sector(&devices[0], 0xfffff, 0xe0000, 0x20000);
    expect_sector(&devices[1], 0x1fff, 0x1000, 0x1000);
}

static void devices_follow_each_other_in_a_flash_file(void **state)
{
    (void)state;
    assert_int_equal(BOARD_DEVICES, 2);
    assert_int_equal(devices[0].start, 0);
    assert_int_equal(devices[1].start, 0x100000);
    assert_int_equal(BOARD_FILE_SIZE, 0x200000);
    assert_int_equal(AREA_FILE_OFFSET(BOARD_PROGRESS), 0x104000);
}

static void areas_lie_on_the_device_that_the_map_says(void **state)
{
    (void)state;
    assert_ptr_equal(board.primary.flash, &port_flash[0]);
    assert_ptr_equal(board.store.flash, &port_flash[1]);
    assert_int_equal(board.store.offset, 0);
    assert_int_equal(board.store.size, 0x4000);
    assert_int_equal(board.flash_base, 0x08000000);
    assert_int_equal(AREA_ADDRESS(BOARD_PRIMARY), 0x08020000);
    assert_int_equal(board.scratch.size, 0); /* it has none */
}

/* docs/formats.md 2.5 and 2.6, by hand: two records of 8 bytes for each of 128 sectors, five fields
 * of 16 and the magic are less than a sector; another sector is the one to work with. */
static void an_image_leaves_room_for_the_trailer_of_the_update_mode(void **state)
{
    (void)state;
    assert_int_equal(board.update, UPDATE_SWAP_OFFSET);
    assert_int_equal(LAYOUT_TRAILER_SIZE(UPDATE_SWAP_OFFSET, 128u, 8u, 16u, 0u), 2048 + 80 + 16);
    assert_int_equal(board.image_size_max, 0x60000 - 2 * 0x20000);
    assert_int_equal(board.max_sectors, 128);
    assert_int_equal(board.max_align, 16);
}

static void swap_by_offset_takes_candidates_from_the_second_sector_on(void **state)
{
    (void)state;
    assert_int_equal(board.candidate.offset, board.secondary.offset + 0x20000);
    assert_int_equal(board.candidate.offset + board.candidate.size,
                     board.secondary.offset + board.secondary.size);
}

static void a_fleet_connects_over_a_minute_if_the_map_does_not_say(void **state)
{
    (void)state;
    assert_int_equal(board.connect_spread_ms, 60000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sectors_of_several_sizes_are_found),
        cmocka_unit_test(devices_follow_each_other_in_a_flash_file),
        cmocka_unit_test(areas_lie_on_the_device_that_the_map_says),
        cmocka_unit_test(an_image_leaves_room_for_the_trailer_of_the_update_mode),
        cmocka_unit_test(swap_by_offset_takes_candidates_from_the_second_sector_on),
        cmocka_unit_test(a_fleet_connects_over_a_minute_if_the_map_does_not_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
