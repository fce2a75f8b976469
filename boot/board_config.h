/* The bootloader's configuration of the board that is being built: the same for every port. */
#ifndef OTTER_BOOT_BOARD_CONFIG_H
#define OTTER_BOOT_BOARD_CONFIG_H

#include "boot/boot.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One image, in the board's slots, signed with one of the build's keys. The port adds its hooks. */
void boot_board_config(struct boot_config *config);

#ifdef __cplusplus
}
#endif

#endif
