/* Single keys in place of lines, for the shell (with_tools.c). */
#ifndef OTTER_FIRMWARE_WITH_TOOLS_H
#define OTTER_FIRMWARE_WITH_TOOLS_H

#include <stdbool.h>

#include "cli/cli.h"

#ifdef __cplusplus
extern "C" {
#endif

/* False: the key is the line editor's. */
bool tools_take_key(struct cli *cli, char key);

#ifdef __cplusplus
}
#endif

#endif
