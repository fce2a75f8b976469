/* What the secure services bring to the console of a firmware: the command `secure`. */
#ifndef OTTER_SECURE_SECURE_CONSOLE_H
#define OTTER_SECURE_SECURE_CONSOLE_H

#include "cli/cli.h"

#ifdef __cplusplus
extern "C" {
#endif

extern const struct cli_table secure_console; /* its context is not used */

#ifdef __cplusplus
}
#endif

#endif
