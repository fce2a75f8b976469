/* Starts what is in the primary slot without a check: for the port's own test program only. At
 * power-on it waits until a byte has come in over the console, as one may while a bootloader runs.
 */
#include "boards/map.h"
#include "port/port.h"
#include "ports/cortex-m/clock.h"
#include "ports/mps2-an505/mps2.h"
#include "ports/cortex-m/system.h"
#include "ports/cortex-m/uart.h"

#define WAIT_MS 10000u

int main(void)
{
    clock_start();
    const struct handover handover = {.reset_reason = system_take_reset_reason(), .swap_type = 1};
    uart_start();
    while (handover.reset_reason == RESET_POWER_ON && !(UART_STATE & UART_RX_FULL) &&
           port_now() < WAIT_MS) {
    }
    system_start_image(&handover, AREA_ADDRESS(BOARD_PRIMARY) + BOARD_HEADER_SIZE);
}
