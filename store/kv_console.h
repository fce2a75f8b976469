/* What the store brings to the console: the command `kv`, and its line of `stat`. */
#ifndef OTTER_STORE_KV_CONSOLE_H
#define OTTER_STORE_KV_CONSOLE_H

#include "cli/cli.h"

#ifdef __cplusplus
extern "C" {
#endif

extern const struct cli_table kv_console; /* its context: the struct kv */

#ifdef __cplusplus
}
#endif

#endif
