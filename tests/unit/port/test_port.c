/* The flash helpers and the log line, over a flash in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "port/flash.h"
#include "port/log.h"
#include "port/port.h"

static uint8_t memory[4096];
static char logged[LOG_LINE_MAX + 1];
static size_t logged_length;

otter_ms port_now(void)
{
    return 15487;
}

void port_log_write(const char *line, size_t length)
{
    memcpy(logged, line, length);
    logged[length] = '\0';
    logged_length = length;
}

static otter_status memory_read(void *ctx, uint32_t offset, void *data, uint32_t length)
{
    (void)ctx;
    memcpy(data, memory + offset, length);
    return OTTER_OK;
}

static otter_status memory_program(void *ctx, uint32_t offset, const void *data, uint32_t length)
{
    (void)ctx;
    memcpy(memory + offset, data, length);
    return OTTER_OK;
}

static struct flash_sector memory_sector_at(void *ctx, uint32_t offset)
{
    (void)ctx;
    return (struct flash_sector){offset & ~1023u, 1024};
}

static otter_status memory_erase(void *ctx, uint32_t offset)
{
    (void)ctx;
    memset(memory + offset, 0xff, 1024);
    return OTTER_OK;
}

static const struct flash_ops ops = {memory_read, memory_program, memory_erase, memory_sector_at};
static const struct flash device = {&ops, NULL, sizeof memory, 4, 0xff};
static const struct flash_area area = {&device, 1024, 2048};

static void an_access_outside_of_the_area_is_refused(void **state)
{
    (void)state;
    uint8_t byte[4] = {0};
    assert_int_equal(flash_read(&area, 2048, byte, 1), OTTER_E_BOUNDS);
    assert_int_equal(flash_read(&area, UINT32_MAX, byte, 2), OTTER_E_BOUNDS);
    assert_int_equal(flash_program(&area, 2048, byte, 4), OTTER_E_BOUNDS);
    assert_int_equal(flash_erase(&area, 1024, 2048), OTTER_E_BOUNDS);
    assert_int_equal(flash_read(&area, 2048, byte, 0), OTTER_OK);
}

static void an_unaligned_program_or_erase_is_refused(void **state)
{
    (void)state;
    uint8_t unit[4] = {0};
    assert_int_equal(flash_program(&area, 2, unit, 4), OTTER_E_ARGUMENT);
    assert_int_equal(flash_program(&area, 0, unit, 3), OTTER_E_ARGUMENT);
    assert_int_equal(flash_erase(&area, 4, 1024), OTTER_E_ARGUMENT);
    assert_int_equal(flash_erase(&area, 0, 1000), OTTER_E_ARGUMENT);
}

static void erase_clears_exactly_the_sectors_named(void **state)
{
    (void)state;
    memset(memory, 0x5a, sizeof memory);
    assert_int_equal(flash_erase(&area, 1024, 1024), OTTER_OK);
    assert_int_equal(flash_is_erased(&area, 1024, 1024), 1);
    assert_int_equal(memory[2047], 0x5a);
    assert_int_equal(memory[3072], 0x5a);
    const struct flash_sector sector = flash_sector_at(&area, 1500);
    assert_int_equal(sector.offset, 1024);
    assert_int_equal(sector.size, 1024);
}

static void a_log_line_has_level_time_tag_text_and_place(void **state)
{
    (void)state;
    log_line(LOG_PLACE(LOG_LEVEL_INF, 12), "OTA\0ota.c", "block %d", 7);
    assert_string_equal(logged, "<INF>    15487 [OTA       ] block 7 (ota.c:12)");
}

static void a_log_line_moves_no_cursor(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_MAX);
    log_line(LOG_PLACE(LOG_LEVEL_WRN, 3), "OTA\0ota.c", "it says: %s", "\033[2J\r\nBj\303\266rn");
    assert_non_null(strstr(logged, "it says: ?[2J??Bj\303\266rn (ota.c:3)"));
}

static void a_long_log_line_is_cut_and_says_so(void **state)
{
    (void)state;
    char text[400];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    LOG_WRN("NET", "%s", text);
    assert_int_equal(logged_length, LOG_LINE_MAX - 1);
    assert_string_equal(logged + logged_length - 4, "x...");
}

static char sunk[2 * LOG_LINE_MAX];

static void sink_line(void *ctx, enum log_level level, const char *line, size_t length)
{
    char *text = ctx;
    const size_t used = strlen(text);
    text[used] = (char)('0' + level);
    memcpy(text + used + 1, line, length);
    text[used + 1 + length] = '\0';
}

static void a_sink_gets_the_lines_of_its_own_level_whatever_the_console_shows(void **state)
{
    (void)state;
    static struct log_sink sink = {.write = sink_line, .ctx = sunk, .level = LOG_LEVEL_WRN};
    log_add_sink(&sink);
    log_add_sink(&sink);
    logged[0] = '\0';
    LOG_PLAIN(LOG_LEVEL_INF, "A", "shown only");
    assert_string_equal(sunk, "");
    assert_non_null(strstr(logged, "shown only"));
    log_set_level(LOG_LEVEL_NONE);
    logged[0] = '\0';
    LOG_PLAIN(LOG_LEVEL_WRN, "A", "kept only");
    log_set_level(LOG_LEVEL_MAX);
    assert_string_equal(logged, "");
    assert_string_equal(sunk, "1<WRN>    15487 [A         ] kept only");
}

static void every_status_has_a_text_of_its_own(void **state)
{
    (void)state;
    for (int value = OTTER_E_CERTIFICATE; value <= OTTER_OK; value++)
        assert_string_not_equal(otter_status_text((otter_status)value), "unknown status");
    assert_string_equal(otter_status_text((otter_status)-99), "unknown status");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_access_outside_of_the_area_is_refused),
        cmocka_unit_test(an_unaligned_program_or_erase_is_refused),
        cmocka_unit_test(erase_clears_exactly_the_sectors_named),
        cmocka_unit_test(a_log_line_has_level_time_tag_text_and_place),
        cmocka_unit_test(a_log_line_moves_no_cursor),
        cmocka_unit_test(a_long_log_line_is_cut_and_says_so),
        cmocka_unit_test(a_sink_gets_the_lines_of_its_own_level_whatever_the_console_shows),
        cmocka_unit_test(every_status_has_a_text_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
