/* Headers, TLVs and versions: what is read, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/image/support.h"

static void the_header_of_imgtool_is_read(void **state)
{
    (void)state;
    struct image_header header;
    assert_int_equal(image_header_parse(golden, &header), OTTER_OK);
    assert_int_equal(header.header_size, 32);
    assert_int_equal(header.protected_size, 34);
    assert_int_equal(header.payload_size, 64);
    assert_int_equal(header.version.major, 1);
    assert_int_equal(header.version.minor, 2);
    assert_int_equal(header.version.revision, 3);
    assert_int_equal(header.version.build, 4);
}

static otter_status parse_with(unsigned offset, uint8_t value)
{
    uint8_t raw[IMAGE_HEADER_SIZE];
    struct image_header header;
    memcpy(raw, golden, sizeof raw);
    raw[offset] = value;
    return image_header_parse(raw, &header);
}

static void a_header_that_cannot_be_is_refused(void **state)
{
    (void)state;
    uint8_t erased[IMAGE_HEADER_SIZE];
    struct image_header header;
    memset(erased, 0xff, sizeof erased);
    assert_int_equal(image_header_parse(erased, &header), OTTER_E_NOT_FOUND);
    assert_int_equal(parse_with(0, 0x3c), OTTER_E_NOT_FOUND); /* the old format */
    assert_int_equal(parse_with(8, 31), OTTER_E_MALFORMED);   /* header of 31 bytes */
    memcpy(erased, golden, sizeof erased);
    memset(erased + 12, 0xff, 4); /* sizes overflow */
    assert_int_equal(image_header_parse(erased, &header), OTTER_E_MALFORMED);
    assert_int_equal(parse_with(17, 0x02), OTTER_E_UNSUPPORTED); /* compressed */
    assert_int_equal(parse_with(16, 0x0c), OTTER_E_UNSUPPORTED); /* two ciphers */
}

static void an_image_ends_where_its_tlvs_end(void **state)
{
    (void)state;
    struct image image;
    flash_put(golden, GOLDEN_SIZE);
    assert_int_equal(image_open(&image, &flash_slot, FLASH_BYTES), OTTER_OK);
    assert_int_equal(image.hashed_end, 0x60 + 34);
    assert_int_equal(image.end, GOLDEN_SIZE);
    assert_int_equal(image_open(&image, &flash_slot, GOLDEN_SIZE), OTTER_OK);
    assert_int_equal(image_open(&image, &flash_slot, GOLDEN_SIZE - 1), OTTER_E_BOUNDS);
    assert_int_equal(image_open(&image, &flash_slot, FLASH_BYTES + 1), OTTER_E_BOUNDS);
}

static otter_status open_with(uint32_t offset, uint8_t value)
{
    uint8_t copy[GOLDEN_SIZE];
    struct image image;
    memcpy(copy, golden, sizeof copy);
    copy[offset] = value;
    flash_put(copy, sizeof copy);
    return image_open(&image, &flash_slot, FLASH_BYTES);
}

static void a_protected_area_must_match_the_header(void **state)
{
    (void)state;
    assert_int_equal(open_with(10, 0), OTTER_E_MALFORMED);   /* area without size */
    assert_int_equal(open_with(10, 35), OTTER_E_MALFORMED);  /* another size */
    assert_int_equal(open_with(0x60, 7), OTTER_E_MALFORMED); /* size without area */
    assert_int_equal(open_with(0x82, 8), OTTER_E_MALFORMED); /* two protected areas */
    assert_int_equal(open_with(0x85, 1), OTTER_OK);          /* longer than this image */
    assert_int_equal(open_with(0x84, 3), OTTER_E_MALFORMED); /* shorter than its own header */
}

static void tlvs_come_in_order_protected_first(void **state)
{
    (void)state;
    static const struct {
        uint16_t type;
        uint16_t length;
        bool is_protected;
    } expected[] = {{0x50, 4, true},   {0x40, 12, true},  {0xa0, 2, true},
                    {0x10, 32, false}, {0x01, 32, false}, {0x22, 71, false}};
    struct image image;
    struct image_tlv_walk walk = {0};
    struct image_tlv tlv;
    flash_put(golden, GOLDEN_SIZE);
    image_open(&image, &flash_slot, FLASH_BYTES);
    for (unsigned i = 0; i < 6; i++) {
        assert_int_equal(image_tlv_next(&image, &walk, &tlv), 1);
        assert_int_equal(tlv.type, expected[i].type);
        assert_int_equal(tlv.length, expected[i].length);
        assert_int_equal(tlv.is_protected, expected[i].is_protected);
    }
    assert_int_equal(image_tlv_next(&image, &walk, &tlv), 0);
}

static int walk_with(uint32_t offset, uint8_t value)
{
    struct image image;
    struct image_tlv_walk walk = {0};
    struct image_tlv tlv;
    int found = open_with(offset, value);
    assert_int_equal(found, OTTER_OK);
    image_open(&image, &flash_slot, FLASH_BYTES);
    do
        found = image_tlv_next(&image, &walk, &tlv);
    while (found > 0);
    return found;
}

static void an_entry_that_runs_over_its_area_is_refused(void **state)
{
    (void)state;
    assert_int_equal(walk_with(0x60 + 30, 3), OTTER_E_MALFORMED); /* last protected one */
    assert_int_equal(walk_with(0x60 + 30, 1), OTTER_E_MALFORMED); /* leaves half an entry */
    assert_int_equal(walk_with(0x82 + 6, 200), OTTER_E_MALFORMED);
    assert_int_equal(walk_with(GOLDEN_SIZE - 73, 72), OTTER_E_MALFORMED);
}

static void counter_and_dependency_are_read_from_protected_tlvs(void **state)
{
    (void)state;
    struct image image;
    struct image_tlv tlv;
    struct image_dependency dependency;
    uint32_t counter = 0;
    flash_put(golden, GOLDEN_SIZE);
    image_open(&image, &flash_slot, FLASH_BYTES);
    assert_int_equal(image_security_counter(&image, &counter), 1);
    assert_int_equal(counter, 7);
    assert_int_equal(image_tlv_find(&image, IMAGE_TLV_DEPENDENCY, &tlv), 1);
    assert_int_equal(image_dependency_read(&image, &tlv, &dependency), OTTER_OK);
    assert_int_equal(dependency.image, 1);
    assert_int_equal(dependency.version.major, 2);
    assert_int_equal(image_tlv_find(&image, IMAGE_TLV_ENC_EC256, &tlv), 0);
    tlv.length = 11;
    assert_int_equal(image_dependency_read(&image, &tlv, &dependency), OTTER_E_MALFORMED);
}

static void a_flash_that_cannot_be_read_holds_no_image(void **state)
{
    (void)state;
    struct image image;
    flash_put(golden, GOLDEN_SIZE);
    flash_device.fail_reads = true;
    assert_int_equal(image_open(&image, &flash_slot, FLASH_BYTES), OTTER_E_FLASH);
}

static int order(const char *a, const char *b)
{
    struct image_version left;
    struct image_version right;
    assert_int_equal(image_version_parse(a, &left), OTTER_OK);
    assert_int_equal(image_version_parse(b, &right), OTTER_OK);
    return image_version_compare(&left, &right);
}

static void versions_are_ordered_by_all_four_numbers(void **state)
{
    (void)state;
    assert_int_equal(order("1.2.3+4", "1.2.3+4"), 0);
    assert_true(order("1.2.3+4", "1.2.3+5") < 0);
    assert_true(order("1.2.10", "1.2.9+7") > 0);
    assert_true(order("1.10", "1.9.65535") > 0);
    assert_true(order("2", "10.0.0") < 0);
}

static void versions_are_written_as_people_read_them(void **state)
{
    (void)state;
    static const char *const texts[] = {"0.0.0", "1.0.1", "1.2.3+4", "255.255.65535+4294967295",
                                        "10.20.3000+100"};
    for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct image_version version;
        char text[IMAGE_VERSION_TEXT_SIZE];
        assert_int_equal(image_version_parse(texts[i], &version), OTTER_OK);
        image_version_format(&version, text);
        assert_string_equal(text, texts[i]);
    }
}

static void a_text_that_is_no_version_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",          "1.",    "v1", "1.2.3.4", "1..3",   "256", "1.256",
        "1.2.65536", "1.2+3", "01", "1.2.3+",  "1.2.3 ", "-1",  "1.2.3+4294967296",
        "1.2.3+4x",  "1.02.3"};
    struct image_version version;
    for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_int_equal(image_version_parse(texts[i], &version), OTTER_E_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_header_of_imgtool_is_read),
        cmocka_unit_test(a_header_that_cannot_be_is_refused),
        cmocka_unit_test(an_image_ends_where_its_tlvs_end),
        cmocka_unit_test(a_protected_area_must_match_the_header),
        cmocka_unit_test(tlvs_come_in_order_protected_first),
        cmocka_unit_test(an_entry_that_runs_over_its_area_is_refused),
        cmocka_unit_test(counter_and_dependency_are_read_from_protected_tlvs),
        cmocka_unit_test(a_flash_that_cannot_be_read_holds_no_image),
        cmocka_unit_test(versions_are_ordered_by_all_four_numbers),
        cmocka_unit_test(versions_are_written_as_people_read_them),
        cmocka_unit_test(a_text_that_is_no_version_is_refused),
    };
    return cmocka_run_group_tests(tests, flash_set_up, flash_tear_down);
}
