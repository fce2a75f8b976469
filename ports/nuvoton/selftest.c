/* The port's drivers tried on the board, or in its twin (tests/e2e/twin_m467.sh): flash rules, each
 * broken once, sleep, random numbers, resets, the watchdog, a fault, and the console at full speed
 * while flash is erased. A firmware like any other: the bootloader starts it, again after each
 * reset. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "boards/map.h"
#include "port/flash.h"
#include "port/handover.h"
#include "port/port.h"
#include "ports/cortex-m/system.h"
#include "ports/nuvoton/nuvoton.h"

#define SECTOR       CHIP_PAGE_SIZE
#define STREAM_BYTES 8192u /* that a person or script sends at full speed */
#define STREAM_MS    20000u

/* In the secondary slot, which is empty. */
static struct flash_area rules_area = {NULL, AREA_OFFSET(BOARD_SECONDARY), 2 * SECTOR};
static struct flash_area stage_area = {NULL, AREA_OFFSET(BOARD_SECONDARY) + 2 * SECTOR, SECTOR};
static struct flash_area result_area = {NULL, AREA_OFFSET(BOARD_SECONDARY) + 3 * SECTOR, SECTOR};

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
    char line[128];
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    port_log_write(line, (size_t)length);
}

/* Words programmed in an area count up and survive resets. */
static uint32_t count_of(const struct flash_area *area)
{
    uint32_t count = 0;
    while (flash_is_erased(area, 4 * count, 4) == 0)
        count++;
    return count;
}

static void count_up(const struct flash_area *area)
{
    const uint32_t mark = 0x12345678;
    flash_program(area, 4 * count_of(area), &mark, sizeof mark);
}

static void check(bool good, const char *what)
{
    say("%s %s", good ? "ok" : "FAIL", what);
    if (!good)
        count_up(&result_area);
}

static void check_flash(void)
{
    static const uint8_t data[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    uint8_t back[8] = {0};
    check(flash_erase(&rules_area, 0, SECTOR) == OTTER_OK, "a page is erased");
    check(flash_is_erased(&rules_area, 0, SECTOR) == 1, "an erased page reads as ff");
    check(flash_program(&rules_area, 16, data, 8) == OTTER_OK, "erased words are programmed");
    check(flash_read(&rules_area, 16, back, 8) == OTTER_OK && memcmp(back, data, 8) == 0,
          "what was programmed reads back");
    check(flash_program(&rules_area, 12, data, 8) == OTTER_E_FLASH,
          "a programmed word is not programmed again");
    check(flash_is_erased(&rules_area, 12, 4) == 1, "a refused program changes nothing");
    check(flash_program(&rules_area, 2, data, 8) == OTTER_E_ARGUMENT, "alignment is checked");
    check(flash_program(&rules_area, 32, data, 6) == OTTER_E_ARGUMENT, "length is checked");
    check(flash_program(&rules_area, 2 * SECTOR - 4, data, 8) == OTTER_E_BOUNDS,
          "the end of the area is checked");
    check(flash_erase(&rules_area, 4, SECTOR) == OTTER_E_ARGUMENT, "an erase begins at a page");
    check(flash_erase(&rules_area, SECTOR, 2 * SECTOR) == OTTER_E_BOUNDS,
          "an erase ends in its area");
}

static void check_time(void)
{
    const otter_ms start = port_now();
    const otter_ms deadline = start + 300;
    while (port_now() < deadline)
        port_idle(deadline);
    check(port_now() - start >= 300 && port_now() - start < 2000, "idle sleeps until its deadline");
}

static void check_random(void)
{
    uint8_t one[16], two[16];
    const otter_status status = port_random(one, sizeof one);
    if (status != OTTER_OK) {
        say("random: %s", otter_status_text(status));
        return;
    }
    check(port_random(two, sizeof two) == OTTER_OK && memcmp(one, two, sizeof one) != 0,
          "random bytes differ");
}

/* Bytes come without a pause, counting up, while pages of the other bank are erased one after the
 * other. */
static void check_stream(void)
{
    uint32_t seen = 0, wrong = 0, erased = 0;
    say("stream of %u bytes?", STREAM_BYTES);
    const otter_ms limit = port_now() + STREAM_MS;
    while (seen < STREAM_BYTES && port_now() < limit) {
        char byte;
        for (; port_console_read(&byte, 1) == 1; seen++)
            wrong += (uint8_t)byte != (uint8_t)('0' + seen % 64u);
        port_watchdog_feed();
        if (seen > 0 && flash_erase(&rules_area, 0, SECTOR) == OTTER_OK)
            erased++;
        if (seen == 0)
            port_idle(port_now() + 10);
    }
    say("stream: %lu bytes, %lu wrong, %lu pages erased meanwhile", (unsigned long)seen,
        (unsigned long)wrong, (unsigned long)erased);
    check(seen == STREAM_BYTES && wrong == 0 && erased > 5,
          "nothing is lost while flash is erased");
}

/* 2^12 clocks of LIRC, instead of the half minute that a firmware has. */
static void hang(void)
{
    registers_unlock();
    WDT_CTL = (WDT_CTL & ~(0xfu << 8)) | 4u << 8;
    for (;;)
        __asm volatile("wfi"); /* a twin's time is the host's then */
}

static void end(void)
{
    say("stack: %lu of %lu bytes used, RAM: %lu bytes", (unsigned long)port_stack_used(),
        (unsigned long)port_stack_size(), (unsigned long)port_ram_used());
    say("selftest done: %lu failed", (unsigned long)count_of(&result_area));
    for (;;) {
        port_watchdog_feed();
        port_idle(OTTER_NEVER);
    }
}

int main(void)
{
    port_start();
    rules_area.flash = stage_area.flash = result_area.flash = &port_flash[0];
    const uint32_t reason = port_handover()->reset_reason;
    if (reason == RESET_POWER_ON) {
        flash_erase(&stage_area, 0, SECTOR);
        flash_erase(&result_area, 0, SECTOR);
    }
    const uint32_t stage = count_of(&stage_area);
    count_up(&stage_area);
    say("selftest stage %lu, reset reason %lu", (unsigned long)stage, (unsigned long)reason);
    switch (stage) {
    case 0:
        check(reason == RESET_POWER_ON, "power-on is told");
        check_flash();
        check_time();
        check_random();
        check_stream();
        port_reset();
    case 1:
        check(reason == RESET_SOFTWARE, "a software reset is told");
        hang();
        break;
    case 2:
        check(reason == RESET_WATCHDOG, "the watchdog bites, and that is told");
        __asm volatile("svc 0"); /* an exception that nobody handles */
        break;
    default:
        check(stage == 3 && reason == RESET_SOFTWARE, "a fault resets");
    }
    end();
}
