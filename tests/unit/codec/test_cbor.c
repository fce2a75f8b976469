/* CBOR: the examples of RFC 8949 appendix A, the messages of AWS IoT streams, and what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "codec/cbor.h"

/* Bytes from hexadecimal digits; the length comes back. */
static size_t from_hex(uint8_t *out, const char *hex)
{
    size_t length = 0;
    for (; hex[0]; hex += 2) {
        const char digits[] = "0123456789abcdef";
        const size_t high = (size_t)(strchr(digits, hex[0]) - digits);
        const size_t low = (size_t)(strchr(digits, hex[1]) - digits);
        out[length++] = (uint8_t)(high << 4 | low);
    }
    return length;
}

static struct cbor_reader reader_of(const char *hex)
{
    static uint8_t bytes[256];
    struct cbor_reader r;
    cbor_reader_init(&r, bytes, from_hex(bytes, hex));
    return r;
}

static otter_status skip_status(const char *hex)
{
    struct cbor_reader r = reader_of(hex);
    cbor_skip(&r);
    return cbor_finish(&r);
}

static void integers_of_every_width_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        uint64_t value;
    } cases[] = {{"00", 0},
                 {"17", 23},
                 {"1818", 24},
                 {"18ff", 255},
                 {"190100", 256},
                 {"1a000f4240", 1000000},
                 {"1b000000e8d4a51000", 1000000000000},
                 {"1bffffffffffffffff", UINT64_MAX},
                 {"c11a514b67b0", 1363896240} /* tagged */};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cbor_reader r = reader_of(cases[i].hex);
        assert_int_equal(cbor_peek(&r), CBOR_UINT);
        assert_true(cbor_read_uint(&r, UINT64_MAX) == cases[i].value);
        assert_int_equal(cbor_finish(&r), OTTER_OK);
    }
}

static void negative_integers_are_read_to_their_limit(void **state)
{
    (void)state;
    struct cbor_reader r = reader_of("20");
    assert_int_equal(cbor_peek(&r), CBOR_NEGATIVE);
    assert_int_equal(cbor_read_int(&r, INT64_MIN, INT64_MAX), -1);
    r = reader_of("3903e7");
    assert_int_equal(cbor_read_int(&r, -1000, 0), -1000);
    r = reader_of("3b7fffffffffffffff");
    assert_true(cbor_read_int(&r, INT64_MIN, INT64_MAX) == INT64_MIN);
    r = reader_of("3b8000000000000000");
    cbor_read_int(&r, INT64_MIN, INT64_MAX);
    assert_int_equal(cbor_finish(&r), OTTER_E_MALFORMED);
    r = reader_of("1bffffffffffffffff");
    cbor_read_int(&r, INT64_MIN, INT64_MAX);
    assert_int_equal(cbor_finish(&r), OTTER_E_MALFORMED);
}

static void a_value_out_of_the_asked_range_is_refused(void **state)
{
    (void)state;
    struct cbor_reader r = reader_of("190100");
    assert_int_equal(cbor_read_uint(&r, 255), 0);
    assert_int_equal(cbor_finish(&r), OTTER_E_MALFORMED);
    r = reader_of("20");
    cbor_read_uint(&r, 255);
    assert_int_equal(cbor_finish(&r), OTTER_E_MALFORMED);
}

static void simple_values_are_told_apart(void **state)
{
    (void)state;
    struct cbor_reader r = reader_of("f4f5f6f7f8ff");
    assert_int_equal(cbor_peek(&r), CBOR_BOOL);
    assert_false(cbor_read_bool(&r));
    assert_true(cbor_read_bool(&r));
    assert_int_equal(cbor_peek(&r), CBOR_NULL);
    cbor_read_null(&r);
    cbor_read_null(&r);
    assert_int_equal(cbor_peek(&r), CBOR_OTHER);
    cbor_skip(&r);
    assert_int_equal(cbor_peek(&r), CBOR_NOTHING);
    assert_int_equal(cbor_finish(&r), OTTER_OK);
    static const char *const floats[] = {"f93c00", "fa47c35000", "fb3ff199999999999a"};
    for (size_t i = 0; i < 3; i++) {
        r = reader_of(floats[i]);
        assert_int_equal(cbor_peek(&r), CBOR_FLOAT);
        assert_int_equal(skip_status(floats[i]), OTTER_OK);
    }
}

/* {"f": 1, "i": 2, "l": 4, "p": h'01020304'}, in definite and indefinite form, in another order,
 * and with entries that the reader does not know. */
static void a_stream_block_is_read_in_any_form(void **state)
{
    (void)state;
    static const char *const forms[] = {
        "a4616601616902616c0461704401020304",
        "bf616601616902616c0461704401020304ff",
        "a4617044010203046169026166"
        "01616c04",
        "a7616601616902616c046170440102030461787fff0582010a617ada00010203bf0102ff",
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct cbor_reader r = reader_of(forms[i]);
        struct cbor_container map;
        uint64_t file = 0, block = 0, length = 0;
        struct cbor_bytes payload = {NULL, 0};
        cbor_read_map(&r, &map);
        while (cbor_next(&r, &map)) {
            const struct cbor_text key = cbor_read_key(&r);
            if (cbor_text_is(key, "f"))
                file = cbor_read_uint(&r, 255);
            else if (cbor_text_is(key, "i"))
                block = cbor_read_uint(&r, UINT32_MAX);
            else if (cbor_text_is(key, "l"))
                length = cbor_read_uint(&r, UINT32_MAX);
            else if (cbor_text_is(key, "p"))
                payload = cbor_read_bytes(&r);
            else
                cbor_skip(&r);
        }
        assert_int_equal(cbor_finish(&r), OTTER_OK);
        assert_int_equal(file, 1);
        assert_int_equal(block, 2);
        assert_int_equal(length, 4);
        assert_int_equal(payload.length, 4);
        assert_memory_equal(payload.data, "\x01\x02\x03\x04", 4);
    }
}

static void an_indefinite_string_is_skipped_but_not_read(void **state)
{
    (void)state;
    struct cbor_reader r = reader_of("5f42010243030405ff");
    assert_int_equal(cbor_peek(&r), CBOR_BYTES);
    assert_null(cbor_read_bytes(&r).data);
    assert_int_equal(cbor_finish(&r), OTTER_E_UNSUPPORTED);
    assert_int_equal(skip_status("5f42010243030405ff"), OTTER_OK);
    assert_int_equal(skip_status("7f657374726561646d696e67ff"), OTTER_OK);
    assert_int_equal(skip_status("5fff"), OTTER_OK);
}

static void every_well_formed_item_is_skipped_whole(void **state)
{
    (void)state;
    static const char *const items[] = {
        "00",
        "3863",
        "40",
        "4401020304",
        "60",
        "62c3bc",
        "80",
        "83010203",
        "8301820203820405",
        "98190102030405060708090a0b0c0d0e0f101112131415161718181819",
        "a0",
        "a201020304",
        "a26161016162820203",
        "826161a161626163",
        "9fff",
        "9f018202039f0405ffff",
        "83018202039f0405ff",
        "bf61610161629f0203ffff",
        "826161bf61626163ff",
        "c074323031332d30332d32315432303a30343a30305a",
        "d818456449455446",
        "f0",
        "f820",
    };
    for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
        if (skip_status(items[i]) != OTTER_OK)
            fail_msg("refused: %s", items[i]);
    }
}

static void input_that_is_not_well_formed_is_refused(void **state)
{
    (void)state;
    static const char *const items[] = {
        "",
        "18",
        "19",
        "1900",
        "1b00000000000000",
        "1c",
        "1d",
        "1e",
        "3c",
        "5c",
        "7d",
        "9e",
        "bc",
        "dd",
        "fc",
        "1f",
        "3f",
        "df",
        "ff",
        "f818",
        "f800",
        "41",
        "4201",
        "5b7fffffffffffffff00",
        "5bffffffffffffffff",
        "62c3",
        "81",
        "8201",
        "9f",
        "9f01",
        "a1",
        "a101",
        "a20102",
        "bf",
        "bf01",
        "bf01ff",
        "bf0102",
        "c0",
        "c1ff",
        "9fc1ff",
        "81ff",
        "a1ff00",
        "a100ff",
        "5f",
        "5f01ff",
        "5f6100ff",
        "5f5f4100ffff",
        "7f4100ff",
        "5f41",
        "9a7fffffff00",
        "bb800000000000000000",
        "9bffffffffffffffff",
        "9bfffffffffffffffe",
        "9bfffffffffffffffd",
        "0000",
        "8001",
        "9fffff",
        "fe",
    };
    for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
        if (skip_status(items[i]) != OTTER_E_MALFORMED)
            fail_msg("not refused: %s", items[i]);
    }
}

static void nesting_is_bounded(void **state)
{
    (void)state;
    char hex[2 * CBOR_DEPTH_MAX + 5] = "";
    for (unsigned i = 0; i < CBOR_DEPTH_MAX; i++)
        strcat(hex, "81");
    strcat(hex, "00");
    assert_int_equal(skip_status(hex), OTTER_OK);
    memcpy(hex, "81", 2);
    strcpy(hex + 2 * CBOR_DEPTH_MAX, "8100");
    assert_int_equal(skip_status(hex), OTTER_E_UNSUPPORTED);
    /* Many levels side by side are no deep nesting. */
    assert_int_equal(skip_status("88818181818100818100a0bf00ff8181ff"), OTTER_E_MALFORMED);
    assert_int_equal(skip_status("848100818100a0bf0080ff"), OTTER_OK);
}

static void a_break_where_a_value_must_stand_is_refused(void **state)
{
    (void)state;
    struct cbor_reader r = reader_of("bf6161ff");
    struct cbor_container map;
    cbor_read_map(&r, &map);
    assert_true(cbor_next(&r, &map));
    assert_true(cbor_text_is(cbor_read_key(&r), "a"));
    assert_int_equal(cbor_peek(&r), CBOR_NOTHING);
    cbor_read_uint(&r, 1);
    assert_false(cbor_next(&r, &map));
    assert_int_equal(cbor_finish(&r), OTTER_E_MALFORMED);
}

static void a_count_that_the_input_cannot_hold_is_refused_at_once(void **state)
{
    (void)state;
    struct cbor_container container;
    struct cbor_reader r = reader_of("9affffffff00");
    cbor_read_array(&r, &container);
    assert_false(cbor_next(&r, &container));
    assert_int_equal(r.error, OTTER_E_MALFORMED);
    r = reader_of("a200000000");
    cbor_read_map(&r, &container);
    assert_true(cbor_next(&r, &container));
    r = reader_of("a2000000");
    cbor_read_map(&r, &container);
    assert_false(cbor_next(&r, &container));
    assert_int_equal(r.error, OTTER_E_MALFORMED);
}

static void the_first_error_sticks(void **state)
{
    (void)state;
    struct cbor_reader r = reader_of("5fff0001");
    cbor_read_bytes(&r);
    assert_int_equal(cbor_read_uint(&r, 9), 0);
    cbor_skip(&r);
    assert_null(cbor_read_text(&r).data);
    assert_int_equal(cbor_finish(&r), OTTER_E_UNSUPPORTED);
}

static void a_key_of_another_type_is_passed_over(void **state)
{
    (void)state;
    struct cbor_reader r = reader_of("a201028201f50a");
    struct cbor_container map;
    int entries = 0;
    cbor_read_map(&r, &map);
    while (cbor_next(&r, &map)) {
        const struct cbor_text key = cbor_read_key(&r);
        assert_null(key.data);
        assert_false(cbor_text_is(key, ""));
        cbor_skip(&r);
        entries++;
    }
    assert_int_equal(entries, 2);
    assert_int_equal(cbor_finish(&r), OTTER_OK);
}

static void the_writer_uses_the_shortest_form(void **state)
{
    (void)state;
    uint8_t out[128], expected[128];
    struct cbor_writer w;
    cbor_writer_init(&w, out, sizeof out);
    static const uint64_t values[] = {0,     23,    24,         255,        256,
                                      65535, 65536, UINT32_MAX, 1ull << 32, UINT64_MAX};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        cbor_write_uint(&w, values[i]);
    cbor_write_int(&w, -1);
    cbor_write_int(&w, -1000);
    cbor_write_int(&w, INT64_MIN);
    cbor_write_int(&w, 5);
    cbor_write_bool(&w, false);
    cbor_write_bool(&w, true);
    cbor_write_null(&w);
    cbor_write_map_indefinite(&w);
    cbor_write_array_indefinite(&w);
    cbor_write_end(&w);
    cbor_write_end(&w);
    const size_t length =
        from_hex(expected, "0017181818ff19010019ffff1a000100001affffffff1b00000001000000001bffffff"
                           "ffffffffff203903e73b7fffffffffffffff05f4f5f6bf9fffff");
    assert_int_equal(cbor_written(&w), length);
    assert_memory_equal(out, expected, length);
}

static void a_get_stream_request_is_written_as_devices_write_it(void **state)
{
    (void)state;
    uint8_t out[64], expected[64];
    struct cbor_writer w;
    cbor_writer_init(&w, out, sizeof out);
    cbor_write_map(&w, 6);
    cbor_write_text(&w, "c");
    cbor_write_text(&w, "rdy");
    cbor_write_text(&w, "f");
    cbor_write_uint(&w, 0);
    cbor_write_text(&w, "l");
    cbor_write_uint(&w, 4096);
    cbor_write_text(&w, "o");
    cbor_write_uint(&w, 20);
    cbor_write_text(&w, "b");
    cbor_write_bytes(&w, "\x13\x00\x80", 3);
    cbor_write_text(&w, "n");
    cbor_write_uint(&w, 4);
    const size_t length =
        from_hex(expected, "a6616363726479616600616c191000616f14616243130080616e04");
    assert_int_equal(cbor_written(&w), length);
    assert_memory_equal(out, expected, length);
}

static void the_writer_stays_in_its_buffer_and_keeps_its_error(void **state)
{
    (void)state;
    for (size_t size = 0; size < 6; size++) {
        uint8_t out[8];
        memset(out, 0x55, sizeof out);
        struct cbor_writer w;
        cbor_writer_init(&w, out, size);
        cbor_write_array(&w, 1);
        cbor_write_bytes(&w, "abcd", 4);
        cbor_write_bytes(&w, NULL, 0);
        assert_int_equal(cbor_written(&w), OTTER_E_TOO_LONG);
        assert_int_equal(out[size], 0x55);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_of_every_width_are_read),
        cmocka_unit_test(negative_integers_are_read_to_their_limit),
        cmocka_unit_test(a_value_out_of_the_asked_range_is_refused),
        cmocka_unit_test(simple_values_are_told_apart),
        cmocka_unit_test(a_stream_block_is_read_in_any_form),
        cmocka_unit_test(an_indefinite_string_is_skipped_but_not_read),
        cmocka_unit_test(every_well_formed_item_is_skipped_whole),
        cmocka_unit_test(input_that_is_not_well_formed_is_refused),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(a_break_where_a_value_must_stand_is_refused),
        cmocka_unit_test(a_count_that_the_input_cannot_hold_is_refused_at_once),
        cmocka_unit_test(the_first_error_sticks),
        cmocka_unit_test(a_key_of_another_type_is_passed_over),
        cmocka_unit_test(the_writer_uses_the_shortest_form),
        cmocka_unit_test(a_get_stream_request_is_written_as_devices_write_it),
        cmocka_unit_test(the_writer_stays_in_its_buffer_and_keeps_its_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
