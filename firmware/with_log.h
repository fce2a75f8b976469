/* The log in flash, from the application's first line on (with_log.c). */
#ifndef OTTER_FIRMWARE_WITH_LOG_H
#define OTTER_FIRMWARE_WITH_LOG_H

#include <stdbool.h>

#include "cli/cli.h"
#include "services/log/log_ring.h"

#ifdef __cplusplus
extern "C" {
#endif

void keep_log(void);

/* What is kept, or NULL. */
const struct log_ring *kept_log(void);
/* While it is held nothing is added: what would be counts as left out. */
void hold_log(bool hold);

/* `log show`: prints in later turns what is kept; false where the board has no area for it. */
bool show_kept_log(struct cli *cli);

#ifdef __cplusplus
}
#endif

#endif
