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

/* Before the services, which may add commands. activity_console shows the prompt and takes what is
 * typed. */
void shell_init(struct shell *shell, struct app *app);

#ifdef __cplusplus
}
#endif

#endif
