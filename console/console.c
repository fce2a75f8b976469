/* The device's console: its own table of commands, and the small ones. */
#include "console/console.h"

#include <string.h>

#include "console/commands.h"
#include "port/log.h"

static void command_version(struct cli *cli, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    const struct console_hooks *hooks = console_of(cli)->hooks;
    cli_printf(cli, "%s %s on %s\n", hooks->product, hooks->version, hooks->board);
}

/* For a hook that the firmware does not have. */
static void print_missing(struct cli *cli)
{
    cli_print(cli, "Not supported on this board.\n");
}

static void command_reset(struct cli *cli, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    const struct console_hooks *hooks = console_of(cli)->hooks;
    if (hooks->reset == NULL) {
        print_missing(cli);
        return;
    }
    cli_print(cli, "Resetting device.\n");
    hooks->reset(hooks->context);
}

static void command_uptime(struct cli *cli, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    const struct console_hooks *hooks = console_of(cli)->hooks;
    if (hooks->uptime == NULL) {
        print_missing(cli);
        return;
    }
    const otter_ms now = hooks->uptime(hooks->context);
    const unsigned long seconds = (unsigned long)(now / 1000);
    cli_printf(cli, "up %lu day(s) %02lu:%02lu:%02lu.%03lu\n", seconds / 86400, seconds / 3600 % 24,
               seconds / 60 % 60, seconds % 60, (unsigned long)(now % 1000));
}

static const char *const level_names[] = {"none", "error", "warning", "info", "debug"};

#define LEVEL_COUNT (sizeof level_names / sizeof *level_names)

/* The log's lines come to the terminal again. */
static void end_quiet(struct console *console)
{
    if (console->quiet_until == OTTER_NEVER)
        return;
    console->quiet_until = OTTER_NEVER;
    log_set_level(console->level);
}

static void begin_quiet(struct cli *cli)
{
    struct console *console = console_of(cli);
    if (console->quiet_until == OTTER_NEVER && log_level() == LOG_LEVEL_NONE)
        return;
    if (console->quiet_until == OTTER_NEVER)
        console->level = log_level();
    log_set_level(LOG_LEVEL_NONE);
    console->quiet_until = port_now() + CONSOLE_QUIET_MS;
    cli_print(cli, "No log until you type 'log', or nothing for 2 minutes.\n");
}

static void command_log(struct cli *cli, int argc, char **argv)
{
    end_quiet(console_of(cli));
    size_t level = 0;
    const struct console_hooks *hooks = console_of(cli)->hooks;
    if (argc == 2 && strcmp(argv[1], "show") == 0) {
        if (hooks->show_log == NULL || !hooks->show_log(cli))
            print_missing(cli);
        return;
    }
    while (argc > 1 && level < LEVEL_COUNT && strcmp(level_names[level], argv[1]) != 0)
        level++;
    if (argc > 2 || level == LEVEL_COUNT) {
        console_print_wrong_usage(cli, "log");
        return;
    }
    if (argc > 1)
        log_set_level((enum log_level)((int)level + LOG_LEVEL_NONE));
    cli_printf(cli, "log level: %s\n", level_names[log_level() - LOG_LEVEL_NONE]);
}

static const char command_log_usage[] =
    "    Usage:\n"
    "    log [none|error|warning|info|debug|show]\n"
    "        Show the level, or show lines up to that one until the next start; or\n"
    "        the warnings and errors that flash keeps.\n"
    "        A script that reads what commands answer sends ctrl-C or types 'log none' first.\n";

static const struct cli_command commands[] = {
    {"help", "List commands, or explain one: help <command>", "", cli_help},
    {"conf", "Get, set and commit settings", command_conf_usage, command_conf},
    {"pki", "Make, import, export and list keys and certificates", command_pki_usage, command_pki},
    {"stat", "Show the most memory ever in use", "", cli_stat},
    {"log", "Show or set what the log shows", command_log_usage, command_log},
    {"uptime", "Show the time since the last start", "", command_uptime},
    {"version", "Show firmware version and board", "", command_version},
    {"reset", "Restart the device; drops what is not committed", "", command_reset},
};

static const struct cli_table table = {commands, sizeof commands / sizeof *commands, NULL};

struct console *console_of(struct cli *cli)
{
    return (struct console *)cli; /* its first member */
}

void console_print_failure(struct cli *cli, const char *what, otter_status status)
{
    cli_printf(cli, "%s failed: %s. Nothing was changed; %s.\n", what, otter_status_text(status),
               status == OTTER_E_NO_SPACE ? "see 'kv' for what fills flash" : "try again");
}

void console_changed(struct console *console)
{
    if (console->hooks->changed != NULL)
        console->hooks->changed(console->hooks->context);
}

void console_print_wrong_usage(struct cli *cli, const char *name)
{
    cli_printf(cli, "Wrong arguments: see 'help %s'.\n", name);
}

void console_init(struct console *console, struct kv *kv, struct config *config, struct pki *pki,
                  const struct console_hooks *hooks,
                  void (*write)(void *context, const char *text, size_t length), void *context)
{
    cli_init(&console->cli, "> ", write, context);
    cli_add(&console->cli, &console->part, &table, console);
    console->kv = kv;
    console->pki = pki;
    console->hooks = hooks;
    console->config = config;
    console->import = NULL;
    console->quiet_until = OTTER_NEVER;
    console->cli.interrupted = begin_quiet;
}

void console_start(struct console *console)
{
    cli_prompt(&console->cli);
}

void console_input(struct console *console, const void *data, size_t length)
{
    if (console->quiet_until != OTTER_NEVER)
        console->quiet_until = port_now() + CONSOLE_QUIET_MS;
    cli_input(&console->cli, data, length);
}

void console_tick(struct console *console, otter_ms now)
{
#if OTTER_KEYS_RSA2048
    if (console->making != NULL) {
        if (console->quiet_until != OTTER_NEVER) /* who asked for it still waits */
            console->quiet_until = now + CONSOLE_QUIET_MS;
        command_pki_go_on(console);
    }
#endif
    if (now >= console->quiet_until)
        end_quiet(console);
}

otter_ms console_deadline(const struct console *console, otter_ms now)
{
    (void)now;
#if OTTER_KEYS_RSA2048
    if (console->making != NULL)
        return now;
#endif
    return console->quiet_until;
}
