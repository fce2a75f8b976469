/* The port's drivers tried on the board, or in its twin (tests/e2e/twin_board.sh): the rules of
 * each flash device, each broken once, sleep, random numbers, resets, the watchdog, a fault, and
 * the console at full speed while flash is erased. A firmware like any other: the bootloader starts
 * it, again after each reset. What it writes to, the store and the secondary slot, is lost. */
#include "boards/map.h"
#include "port/handover.h"
#include "port/port.h"
#include "ports/cortex-m/selftest.h"
#include "ports/nuvoton/nuvoton.h"

#define STREAM_BYTES 8192u /* that a person or script sends at full speed */
#define STREAM_MS    20000u

#if BOARD_DEVICES > 1
#define SECOND_SECTOR DEVICE_SECTOR_1(BOARD_DEVICE_1)
static const struct flash_area second_area = {&port_flash[1], AREA_OFFSET(BOARD_SECONDARY),
                                              2 * SECOND_SECTOR};
_Static_assert(AREA_DEVICE(BOARD_SECONDARY) == 1, "the second device is the secondary slot's");

static void check_second_flash(void)
{
    say("the second flash device");
    check_flash(&second_area);
}

static bool erase_one(uint32_t turn)
{
    return (turn % 2 == 0 ? flash_erase(&selftest_area, 0, CHIP_PAGE_SIZE)
                          : flash_erase(&second_area, 0, SECOND_SECTOR)) == OTTER_OK;
}
#else
static void check_second_flash(void)
{
}

static bool erase_one(uint32_t turn)
{
    (void)turn;
    return flash_erase(&selftest_area, 0, CHIP_PAGE_SIZE) == OTTER_OK;
}
#endif

/* Bytes come without a pause, counting up, while sectors are erased one after the other: pages of
 * the bank that the program does not run from, and of the second device. */
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
        if (seen > 0 && erase_one(erased))
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

int main(void)
{
    uint32_t reason; /* the store lies in the other bank, on each board */
    const uint32_t stage = selftest_begin(AREA_OFFSET(BOARD_STORE), CHIP_PAGE_SIZE, &reason);
    switch (stage) {
    case 0:
        check(reason == RESET_POWER_ON, "power-on is told");
        check_flash(&selftest_area);
        check_second_flash();
        check_time(2000);
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
    selftest_end();
}
