/* The commands that have a file of their own; for this room only. */
#ifndef OTTER_CONSOLE_COMMANDS_H
#define OTTER_CONSOLE_COMMANDS_H

#include "console/console.h"

#ifdef __cplusplus
extern "C" {
#endif

void command_conf(struct cli *cli, int argc, char **argv);
extern const char command_conf_usage[];

void command_pki(struct cli *cli, int argc, char **argv);
extern const char command_pki_usage[];
#if OTTER_KEYS_RSA2048
void command_pki_go_on(struct console *console); /* while `making` */
#endif

/* The console whose line editor this is. */
struct console *console_of(struct cli *cli);

/* For what went wrong in the store or in cryptography: nothing was changed by it. */
void console_print_failure(struct cli *cli, const char *what, otter_status status);

/* Tells the firmware that a connection may need what was just stored. */
void console_changed(struct console *console);

/* For arguments that make no sense: points to `help NAME`. */
void console_print_wrong_usage(struct cli *cli, const char *name);

#ifdef __cplusplus
}
#endif

#endif
