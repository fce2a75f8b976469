/* The port's drivers tried on the board, or in its twin (tests/e2e/twin_stm32.sh): flash rules,
 * each broken once, in the bank that runs and in the other; sleep, random numbers, resets, the
 * watchdog, a fault, and the console at full speed while both banks are erased. A firmware like any
 * other: the bootloader starts it, again after each reset. */
#include "boards/map.h"
#include "port/handover.h"
#include "port/port.h"
#include "ports/cortex-m/clock.h"
#include "ports/cortex-m/selftest.h"
#include "ports/stm32/flash.h"
#include "ports/stm32/stm32.h"

#ifdef CHIP_U585
#define RATED_HZ 160000000u
#else
#define RATED_HZ 250000000u
#endif

static const struct flash_area tails[] = {BOARD_AREA(BOARD_STORE), BOARD_AREA(BOARD_PROGRESS)};
/* A sector of the bank that runs, and one of the other. */
static const struct flash_area streamed[] = {
    {&port_flash[AREA_DEVICE(BOARD_STORE)], AREA_OFFSET(BOARD_STORE), 2 * FLASH_SECTOR},
    {&port_flash[AREA_DEVICE(BOARD_PROGRESS)], AREA_OFFSET(BOARD_PROGRESS), 2 * FLASH_SECTOR}};

/* The ends of the banks, of which one is in the bank that runs. */
static void check_tails(void)
{
    static const uint8_t data[2][FLASH_UNIT] = {{1, 2, 3}, {4, 5, 6}};
    for (unsigned i = 0; i < 2; i++) {
        check(flash_erase(&tails[i], 0, 2 * FLASH_SECTOR) == OTTER_OK,
              "the end of a bank is erased");
        check(flash_program(&tails[i], FLASH_SECTOR - FLASH_UNIT, data[i], FLASH_UNIT) == OTTER_OK,
              "and programmed");
    }
    for (unsigned i = 0; i < 2; i++)
        check(flash_compare(&tails[i], FLASH_SECTOR - FLASH_UNIT, data[i], FLASH_UNIT) == OTTER_OK,
              "each bank has its own");
}

/* What a cut left in the area that check_flash has: units whose ECC does not fit are told, and gone
 * with the next erase. */
static void tell_torn(void)
{
    uint32_t torn = 0;
    for (uint32_t at = 0; at < 2 * FLASH_SECTOR; at += FLASH_UNIT) {
        uint8_t unit[FLASH_UNIT];
        torn += flash_read(&selftest_area, at, unit, sizeof unit) != OTTER_OK;
    }
    say("torn: %lu units", (unsigned long)torn);
}

/* 0.1 s of LSI, instead of the minute that a firmware has. */
static void hang(void)
{
    IWDG_KR = IWDG_UNLOCK;
    IWDG_PR = 0;
    IWDG_RLR = 800;
    while (IWDG_SR & 0xfu) {
    }
    IWDG_KR = IWDG_FEED;
    for (;;)
        __asm volatile("wfi"); /* a twin's time is the host's then */
}

int main(void)
{
    uint32_t reason; /* the secondary slot is empty */
    const uint32_t stage = selftest_begin(AREA_OFFSET(BOARD_SECONDARY), FLASH_SECTOR, &reason);
    uint32_t id[3];
    switch (stage) {
    case 0:
        check(reason == RESET_POWER_ON, "power-on is told");
        check(clock_hz() == RATED_HZ, "the core has its rated speed");
        chip_unique_id(id);
        say("chip %08lx %08lx %08lx, banks %s", (unsigned long)id[0], (unsigned long)id[1],
            (unsigned long)id[2], flash_is_swapped() ? "swapped" : "straight");
        tell_torn();
        check_flash(&selftest_area);
        check_tails();
        check_time(2000);
        check_random();
        check_stream(streamed, 2, 20);
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
