/* Starts what is in the primary slot without a check: for the port's own test program only. */
#include "firmware/boards/mps2-an505/flash_map.h"
#include "ports/mps2-an505/clock.h"
#include "ports/mps2-an505/system.h"

int main(void)
{
    clock_start();
    const struct handover handover = {.reset_reason = system_take_reset_reason(), .swap_type = 1};
    system_start_image(&handover, FLASH_MAP_BASE + FLASH_MAP_PRIMARY + FLASH_MAP_HEADER_SIZE);
}
