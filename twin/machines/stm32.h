/* What the boards with an STM32 share. */
#ifndef OTTER_TWIN_MACHINES_STM32_H
#define OTTER_TWIN_MACHINES_STM32_H

#include "twin/machine.h"
#include "twin/machines/stm32_net.h"
#include "twin/parts/mems.h"
#include "twin/stm32/i2c.h"
#include "twin/stm32/octospi.h"

enum { PORT_A, PORT_B, PORT_C, PORT_D, PORT_E, PORT_F, PORT_G, PORT_H, PORT_I };

/* What a board has at its chip. The console is USART1 at PA9 and PA10. */
struct stm32_board {
    const struct stm32_part *part;
    const struct stm32_secure_options *secure; /* as a programmer has set them; NULL: TZEN is 0 */
    uint32_t hse_hz;                           /* of the oscillator at HSE; 0: none */
    struct stm32_pin button;                   /* high while it is pressed */
    const struct stm32_wifi_wiring *wifi;      /* NULL where there is none */
    const struct stm32_ethernet_wiring *ethernet;
    struct stm32_pin flash_pins[STM32_OCTOSPI_PINS]; /* of the MX25LM51245G */
    const struct stm32_pin
        *sensor_pins; /* of I2C2, with one of each sensor; NULL: there are none */
};

/* `board` must outlive the machine. */
bool stm32_make(struct machine *machine, const char *folder, const struct stm32_board *board);

#endif
