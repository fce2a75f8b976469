/* The serial console's view of the application: what its commands may show and do. */
#ifndef OTTER_FIRMWARE_SHELL_H
#define OTTER_FIRMWARE_SHELL_H

#include "console/console.h"

#ifdef __cplusplus
extern "C" {
#endif

struct app;

struct shell {
    struct console console;
    struct console_hooks hooks;
    struct cli_part memory;
    struct cli_part store;
    struct cli_part ota;
    struct cli_part mqtt;
    struct cli_part product;
};

void shell_start(struct shell *shell, struct app *app);

/* Takes what has been typed. */
void shell_tick(struct shell *shell);

#ifdef __cplusplus
}
#endif

#endif
