/* The border between the worlds' flash: a word beside the chip's configuration, taken over at a
 * start. The vendor's start-up code sets it in the same way. A cut between erase and program leaves
 * a border that is not the map's, and the next start does it again. */
#include "ports/nuvoton/border.h"

#include "boards/map.h"
#include "ports/cortex-m/system.h"
#include "ports/cortex-m/uart.h"
#include "ports/nuvoton/fmc.h"
#include "ports/nuvoton/nuvoton.h"

/* Off, the SAU calls all memory secure, or none (ALLNS): then the addresses alone say, and flash
 * above the border is read as what it is. The secure program sets it up. */
#define SAU_CONTROL REG32(0xe000edd0u)
#define SAU_ALLNS   2u

static _Noreturn void stop(void)
{
    static const char text[] = "<ERR> [BOOT      ] the chip does not take NSCBA: no border between "
                               "the worlds, nothing is started\r\n";
    uart_start();
    uart_write(text, sizeof text - 1);
    for (;;)
        __asm volatile("wfi");
}

void border_settle(void)
{
    if (SCU_FLASH_BORDER == BOARD_NSCBA) {
        SAU_CONTROL = SAU_ALLNS;
        __asm volatile("dsb\n\tisb" ::: "memory");
        return;
    }
    if (!system_may_reset())
        stop();
    flash_border_write(BOARD_NSCBA); /* the next start sees what came of it */
    SYS_IPRST0 = SYS_IPRST0_CHIP;
    for (;;) {
    }
}
