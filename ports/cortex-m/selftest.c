/* The shared part of the ports' self-tests; see selftest.h. */
#include "ports/cortex-m/selftest.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "port/handover.h"
#include "port/port.h"

struct flash_area selftest_area;
static struct flash_area stage_area, result_area;

void say(const char *format, ...)
{
    char line[128];
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    port_log_write(line, (size_t)length);
}

/* Units programmed in an area count up and survive resets. */
static uint32_t count_of(const struct flash_area *area)
{
    const uint32_t unit = area->flash->write_size;
    uint32_t count = 0;
    while (flash_is_erased(area, unit * count, unit) == 0)
        count++;
    return count;
}

static void count_up(const struct flash_area *area)
{
    static const uint8_t mark[FLASH_WRITE_SIZE_MAX] = {0x78, 0x56, 0x34, 0x12};
    const uint32_t unit = area->flash->write_size;
    flash_program(area, unit * count_of(area), mark, unit);
}

void check(bool good, const char *what)
{
    say("%s %s", good ? "ok" : "FAIL", what);
    if (!good)
        count_up(&result_area);
}

uint32_t selftest_begin(uint32_t offset, uint32_t sector, uint32_t *reset_reason)
{
    port_start();
    selftest_area = (struct flash_area){&port_flash[0], offset, 2 * sector};
    stage_area = (struct flash_area){&port_flash[0], offset + 2 * sector, sector};
    result_area = (struct flash_area){&port_flash[0], offset + 3 * sector, sector};
    *reset_reason = port_handover()->reset_reason;
    if (*reset_reason == RESET_POWER_ON) {
        flash_erase(&stage_area, 0, sector);
        flash_erase(&result_area, 0, sector);
    }
    const uint32_t stage = count_of(&stage_area);
    count_up(&stage_area);
    say("selftest stage %lu, reset reason %lu", (unsigned long)stage, (unsigned long)*reset_reason);
    return stage;
}

void selftest_end(void)
{
    say("stack: %lu of %lu bytes used, RAM: %lu bytes", (unsigned long)port_stack_used(),
        (unsigned long)port_stack_size(), (unsigned long)port_ram_used());
    say("selftest done: %lu failed", (unsigned long)count_of(&result_area));
    for (;;) {
        port_watchdog_feed();
        port_idle(OTTER_NEVER);
    }
}

void check_flash(const struct flash_area *area)
{
    static const uint8_t data[2 * FLASH_WRITE_SIZE_MAX] = {1, 2, 3, 4, 5, 6, 7, 8};
    const uint32_t sector = area->size / 2;
    const uint32_t unit = area->flash->write_size;
    uint8_t back[sizeof data] = {0};
    check(flash_erase(area, 0, sector) == OTTER_OK, "a sector is erased");
    check(flash_is_erased(area, 0, sector) == 1, "an erased sector reads as ff");
    check(flash_program(area, 4 * unit, data, 2 * unit) == OTTER_OK, "erased units are programmed");
    check(flash_read(area, 4 * unit, back, 2 * unit) == OTTER_OK &&
              memcmp(back, data, 2 * unit) == 0,
          "what was programmed reads back");
    check(flash_program(area, 3 * unit, data, 2 * unit) == OTTER_E_FLASH,
          "a programmed unit is not programmed again");
    check(flash_is_erased(area, 3 * unit, unit) == 1, "a refused program changes nothing");
    check(flash_compare(area, 4 * unit, data, 2 * unit) == OTTER_OK, "nor what was there before");
    check(flash_program(area, unit / 2, data, 2 * unit) == OTTER_E_ARGUMENT,
          "alignment is checked");
    check(flash_program(area, 8 * unit, data, unit + unit / 2) == OTTER_E_ARGUMENT,
          "length is checked");
    check(flash_program(area, 2 * sector - unit, data, 2 * unit) == OTTER_E_BOUNDS,
          "the end of the area is checked");
    check(flash_erase(area, unit, sector) == OTTER_E_ARGUMENT, "an erase begins at a sector");
    check(flash_erase(area, sector, 2 * sector) == OTTER_E_BOUNDS, "an erase ends in its area");
}

void check_time(uint32_t most_ms)
{
    const otter_ms start = port_now();
    const otter_ms deadline = start + 300;
    while (port_now() < deadline)
        port_idle(deadline);
    const otter_ms took = port_now() - start;
    say("slept %lu ms of 300", (unsigned long)took);
    check(took >= 300 && took < most_ms, "idle sleeps until its deadline");
}

#define STREAM_BYTES 20480u
#define STREAM_MS    40000u

/* Less than what comes meanwhile fills the console's ring with. */
static bool rewrite(const struct flash_area *area)
{
    static const uint8_t data[256] = {1, 2, 3};
    otter_status status = flash_erase(area, 0, area->size / 2);
    for (uint32_t at = 0; at < 4 * sizeof data && status == OTTER_OK; at += sizeof data)
        status = flash_program(area, at, data, sizeof data);
    return status == OTTER_OK;
}

void check_stream(const struct flash_area *areas, uint32_t count, uint32_t least)
{
    uint32_t seen = 0, wrong = 0, rewritten = 0;
    say("stream of %u bytes?", STREAM_BYTES);
    const otter_ms limit = port_now() + STREAM_MS;
    while (seen < STREAM_BYTES && port_now() < limit) {
        char byte;
        for (; port_console_read(&byte, 1) == 1; seen++)
            wrong += (uint8_t)byte != (uint8_t)('0' + seen % 64u);
        port_watchdog_feed();
        if (seen > 0 && rewrite(&areas[rewritten % count]))
            rewritten++;
        if (seen == 0)
            port_idle(port_now() + 10);
    }
    say("stream: %lu bytes, %lu wrong, %lu sectors erased and programmed meanwhile",
        (unsigned long)seen, (unsigned long)wrong, (unsigned long)rewritten);
    check(seen == STREAM_BYTES && wrong == 0 && rewritten >= least,
          "nothing is lost while flash is erased and programmed");
}

void check_random(void)
{
    uint8_t one[16], two[16];
    const otter_status status = port_random(one, sizeof one);
    if (status != OTTER_OK) {
        say("random: %s", otter_status_text(status));
        return;
    }
    check(port_random(two, sizeof two) == OTTER_OK && memcmp(one, two, sizeof one) != 0,
          "random bytes differ");
    say("random: %02x%02x%02x%02x%02x%02x%02x%02x", one[0], one[1], one[2], one[3], one[4], one[5],
        one[6], one[7]);
}
