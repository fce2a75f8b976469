/* B-U585I-IOT02A: STM32U585AII6Q; console on USART1 (PA9, PA10), no oscillator at HSE. */
#include "twin/machines/stm32.h"

static const struct stm32_board board = {.part = &stm32_u585, .button = {PORT_C, 13, 0}};

bool machine_b_u585i_iot02a(struct machine *machine, const char *folder)
{
    return stm32_make(machine, folder, &board);
}
