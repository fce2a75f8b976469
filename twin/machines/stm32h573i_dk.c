/* STM32H573I-DK: STM32H573IIK3Q; console on USART1 (PA9, PA10), an oscillator of 25 MHz at HSE,
 * Ethernet by RMII with a LAN8742 at address 0, an EMW3080 on STMod+ at SPI5 (PF7, PF8, PF9) with
 * NSS PF6, FLOW PF3, NOTIFY PH4, RESET PH8, BOOT PB0, flash of 64 MB on OCTOSPI1 (PG6, PF10, PB1,
 * PD12, PC2, PD13, PH2, PH3, PG9, PC0). */
#include "twin/machines/stm32.h"

static const struct stm32_wifi_wiring wifi = {.spi = {[STM32_SCK] = {PORT_F, 7, 5},
                                                      [STM32_MISO] = {PORT_F, 8, 5},
                                                      [STM32_MOSI] = {PORT_F, 9, 5}},
                                              .nss = {PORT_F, 6, 0},
                                              .flow = {PORT_F, 3, 0},
                                              .notify = {PORT_H, 4, 0},
                                              .reset = {PORT_H, 8, 0},
                                              .has_boot = true,
                                              .boot = {PORT_B, 0, 0}};

static const struct stm32_ethernet_wiring ethernet = {.phy_address = 0,
                                                      .pins = {[STM32_MDC] = {PORT_C, 1, 11},
                                                               [STM32_MDIO] = {PORT_A, 2, 11},
                                                               [STM32_REF_CLK] = {PORT_A, 1, 11},
                                                               [STM32_CRS_DV] = {PORT_A, 7, 11},
                                                               [STM32_RXD0] = {PORT_C, 4, 11},
                                                               [STM32_RXD1] = {PORT_C, 5, 11},
                                                               [STM32_TX_EN] = {PORT_G, 11, 11},
                                                               [STM32_TXD0] = {PORT_G, 13, 11},
                                                               [STM32_TXD1] = {PORT_G, 12, 11}}};

static const struct stm32_board board = {.part = &stm32_h573,
                                         .hse_hz = 25000000u,
                                         .button = {PORT_C, 13, 0},
                                         .wifi = &wifi,
                                         .ethernet = &ethernet,
                                         .flash_pins = {{PORT_G, 6, 10},
                                                        {PORT_F, 10, 9},
                                                        {PORT_B, 1, 6},
                                                        {PORT_D, 12, 9},
                                                        {PORT_C, 2, 9},
                                                        {PORT_D, 13, 9},
                                                        {PORT_H, 2, 9},
                                                        {PORT_H, 3, 9},
                                                        {PORT_G, 9, 9},
                                                        {PORT_C, 0, 10}}};

bool machine_stm32h573i_dk(struct machine *machine, const char *folder)
{
    return stm32_make(machine, folder, &board);
}
