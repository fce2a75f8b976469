/* The port's drivers tried on the board, or in its twin (tests/e2e/twin_board.sh): the rules of
 * each flash device, each broken once, sleep, random numbers, resets, the watchdog, a fault, and
 * the console at full speed while flash is erased. A firmware like any other: the bootloader starts
 * it, again after each reset. What it writes to, the store and the secondary slot, is lost. */
#include "boards/map.h"
#include "port/handover.h"
#include "port/port.h"
#include "ports/cortex-m/selftest.h"
#include "ports/nuvoton/nuvoton.h"

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
#else
static void check_second_flash(void)
{
}
#endif

/* Pages of the bank that the program does not run from, and sectors of the second device. */
static void check_streams(void)
{
    const struct flash_area areas[] = {
        selftest_area,
#if BOARD_DEVICES > 1
        second_area,
#endif
    };
    check_stream(areas, sizeof areas / sizeof *areas, 6);
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
        check_streams();
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
