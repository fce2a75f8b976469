/* The device's console: help, conf, pki, stat, log, uptime, version, reset, and the commands that
 * others bring (cli.h).
 *
 * The firmware owns a `struct console`, gives it the store and the hooks, adds what its parts
 * bring, and feeds it the bytes that port_console_read yields:
 *
 *   static const struct console_hooks hooks = {.version = "1.0.0", .board = …, .reset = …, …};
 *   console_init(&console, &store, &config, &pki, &hooks, port_write, NULL);
 *   cli_add(&console.cli, &part, &ota_console, &ota);
 *   console_start(&console);
 *   …
 *   console_input(&console, bytes, count);
 *   console_tick(&console, now);
 *
 * Ctrl-C at an empty line keeps the log's lines off the terminal for what a script does next, until
 * `log` is typed or nothing has been for CONSOLE_QUIET_MS: scripts begin with it, and take a line
 * of the log for an answer to them. Other places for the log (port/log.h) still get it. */
#ifndef OTTER_CONSOLE_CONSOLE_H
#define OTTER_CONSOLE_CONSOLE_H

#include "cli/cli.h"
#include "pki/pki.h"
#include "port/log.h"
#include "port/port.h"
#include "store/config.h"
#include "store/kv.h"

#ifdef __cplusplus
extern "C" {
#endif

struct console;

#define CONSOLE_QUIET_MS 120000u

/* What only the firmware knows. `context` is handed to each function. A function that is NULL makes
 * its command say that this board does not have it. */
struct console_hooks {
    void *context;
    const char *product; /* "Otter firmware" */
    const char *version; /* of the running firmware: "1.0.0" */
    const char *board;   /* "mps2-an505" */
    /* Restarts after the output is out; may return, and restart a little later. */
    void (*reset)(void *context);
    otter_ms (*uptime)(void *context);
    /* Something in the store that a connection depends on has changed. */
    void (*changed)(void *context);
    /* Prints the lines that outlive a reset; false where there are none. */
    bool (*show_log)(struct cli *cli);
};

struct console {
    struct cli cli;       /* first: commands get their console from it */
    struct cli_part part; /* the console's own commands */
    struct kv *kv;
    struct pki *pki;
    const struct console_hooks *hooks;
    struct config *config;
    /* the import that a paste is for */
    const struct pki_object *import;
    enum pki_type import_type;
    char pem[PKI_PEM_MAX + 1];
#if OTTER_KEYS_RSA2048
    const struct pki_object *making; /* a key that takes many turns; NULL: none */
    uint32_t steps;
#endif
    otter_ms quiet_until; /* OTTER_NEVER: the log is shown as it comes */
    enum log_level level; /* ... and then again */
};

/* All of them must outlive the console. */
void console_init(struct console *console, struct kv *kv, struct config *config, struct pki *pki,
                  const struct console_hooks *hooks,
                  void (*write)(void *context, const char *text, size_t length), void *context);
/* Shows the first prompt. */
void console_start(struct console *console);
void console_input(struct console *console, const void *data, size_t length);
void console_tick(struct console *console, otter_ms now);
otter_ms console_deadline(const struct console *console, otter_ms now); /* of its next tick */

#ifdef __cplusplus
}
#endif

#endif
