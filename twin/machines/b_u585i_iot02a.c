/* B-U585I-IOT02A: STM32U585AII6Q; console on USART1 (PA9, PA10), no oscillator at HSE, EMW3080 on
 * SPI2 (PD1, PD3, PD4) with NSS PB12, FLOW PG15, NOTIFY PD14, RESET PF15, flash of 64 MB on
 * OCTOSPI2 (PI5, PF4, PF0 to PF3, PH9 to PH12), sensors on I2C2 (PH4, PH5). */
#include "twin/machines/stm32.h"

static const struct stm32_wifi_wiring wifi = {.spi = {[STM32_SCK] = {PORT_D, 1, 5},
                                                      [STM32_MISO] = {PORT_D, 3, 5},
                                                      [STM32_MOSI] = {PORT_D, 4, 5}},
                                              .nss = {PORT_B, 12, 0},
                                              .flow = {PORT_G, 15, 0},
                                              .notify = {PORT_D, 14, 0},
                                              .reset = {PORT_F, 15, 0}};

static const struct stm32_pin sensor_pins[STM32_I2C_PINS] = {{PORT_H, 4, 4}, {PORT_H, 5, 4}};

static const struct stm32_board board = {.part = &stm32_u585,
                                         .button = {PORT_C, 13, 0},
                                         .wifi = &wifi,
                                         .sensor_pins = sensor_pins,
                                         .flash_pins = {{PORT_I, 5, 5},
                                                        {PORT_F, 4, 5},
                                                        {PORT_F, 0, 5},
                                                        {PORT_F, 1, 5},
                                                        {PORT_F, 2, 5},
                                                        {PORT_F, 3, 5},
                                                        {PORT_H, 9, 5},
                                                        {PORT_H, 10, 5},
                                                        {PORT_H, 11, 5},
                                                        {PORT_H, 12, 5}}};

bool machine_b_u585i_iot02a(struct machine *machine, const char *folder)
{
    return stm32_make(machine, folder, &board);
}

/* The same with the options of boards/b-u585i-iot02a/trustzone/README.md: TZEN, the bootloader's
 * secure address, bank 1 secure up to page 0x3f, bank 2 not. */
bool machine_b_u585i_iot02a_trustzone(struct machine *machine, const char *folder)
{
    static const struct stm32_secure_options options = {0x0c014000u, {0x003f0000u, 0x0000007fu}};
    static struct stm32_board secure;
    secure = board;
    secure.secure = &options;
    return stm32_make(machine, folder, &secure);
}
