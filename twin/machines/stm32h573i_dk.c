/* STM32H573I-DK: STM32H573IIK3Q; console on USART1 (PA9, PA10), an oscillator of 25 MHz at HSE. */
#include "twin/machines/stm32.h"

static const struct stm32_board board = {
    .part = &stm32_h573, .hse_hz = 25000000u, .button = {PORT_C, 13, 0}};

bool machine_stm32h573i_dk(struct machine *machine, const char *folder)
{
    return stm32_make(machine, folder, &board);
}
