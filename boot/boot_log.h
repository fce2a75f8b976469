/* A ready-made `report` hook for bootloaders with a console: MCUboot's lines through port/log.h,
 * and a line for each tenth of a swap, which takes long on real flash. */
#ifndef OTTER_BOOT_BOOT_LOG_H
#define OTTER_BOOT_BOOT_LOG_H

#include "boot/boot.h"

#ifdef __cplusplus
extern "C" {
#endif

/* For boot_hooks.report; `ctx` is not used. */
void boot_log(void *ctx, const struct boot_event *event);

/* Of the swap at this boot; 0 without one. */
uint32_t boot_log_bytes_copied(void);

#ifdef __cplusplus
}
#endif

#endif
