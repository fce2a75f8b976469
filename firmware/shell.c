/* Binds the console to the application: restart, settings, memory, the log's lines around the
 * prompt. */
#include "firmware/shell.h"

#include "firmware/app.h"
#if OTTER_SERVICE_LOG
#include "firmware/with_log.h"
#endif
#if OTTER_SERVICE_TOOLS
#include "firmware/with_tools.h"
#endif
#include "net/mqtt_console.h"
#include "net/tls.h"
#include "port/log.h"
#include "port/port.h"
#include "services/ota/ota_console.h"
#include "store/kv_console.h"

#define INPUT_CHUNK 64u

static void write_text(void *context, const char *text, size_t length)
{
    (void)context;
    port_console_write(text, length);
}

static void reset(void *context)
{
    app_reset(context, "asked for at the console");
}

static void settings_changed(void *context)
{
    app_join_network(context);
}

static otter_ms uptime(void *context)
{
    (void)context;
    return port_now();
}

static void show_memory(struct cli *cli)
{
    if (port_ram_used() == 0)
        cli_print(cli, "RAM        as much as the system gives (host process)\n");
    else
        cli_printf(cli, "RAM        %lu bytes, of these stack %lu (most used: %lu)\n",
                   (unsigned long)port_ram_used(), (unsigned long)port_stack_size(),
                   (unsigned long)port_stack_used());
    cli_printf(cli, "TLS arena  %lu bytes (most used: %lu)\n", (unsigned long)TUNE_TLS_ARENA_SIZE,
               (unsigned long)tls_arena_high_water());
}

static void around_log_line(void *context, bool after)
{
    if (after)
        cli_come_back(context);
    else
        cli_make_way(context);
}

static const struct cli_table memory_console = {NULL, 0, show_memory};

void shell_init(struct shell *shell, struct app *app)
{
    shell->hooks = (struct console_hooks)
    {
        .context = app, .product = app->config->product, .version = app->version,
        .board = board.name, .reset = reset, .uptime = uptime, .changed = settings_changed,
#if OTTER_SERVICE_LOG
        .show_log = show_kept_log,
#endif
    };
    console_init(&shell->console, &app->kv, &app->settings, &app->pki, &shell->hooks, write_text,
                 NULL);
    cli_add(&shell->console.cli, &shell->memory, &memory_console, NULL);
    cli_add(&shell->console.cli, &shell->store, &kv_console, &app->kv);
    cli_add(&shell->console.cli, &shell->ota, &ota_console, &app->ota);
    cli_add(&shell->console.cli, &shell->mqtt, &mqtt_console, &app->link.mqtt);
    if (app->config->console != NULL)
        cli_add(&shell->console.cli, &shell->product, app->config->console, app->config->ctx);
    log_set_around(around_log_line, &shell->console.cli);
}

static otter_status start(struct app *app, otter_ms now)
{
    (void)now;
#if OTTER_SERVICE_TOOLS
    if (tools_take_key(&app->shell.console.cli, '\0')) /* no key of theirs: only asks */
        return OTTER_OK;
#endif
    console_start(&app->shell.console);
    return OTTER_OK;
}

static void take(struct console *console, const char *input, size_t length)
{
#if OTTER_SERVICE_TOOLS
    while (length > 0 && tools_take_key(&console->cli, *input)) {
        input++;
        length--;
    }
#endif
    if (length > 0)
        console_input(console, input, length);
}

/* Takes some of what has been typed; the rest wakes port_idle at once. Who types without end must
 * not keep the others, and the watchdog, waiting for theirs. */
static void tick(struct app *app, otter_ms now)
{
    console_tick(&app->shell.console, now);
    char input[INPUT_CHUNK];
    const size_t length = port_console_read(input, sizeof input);
    if (length > 0)
        take(&app->shell.console, input, length);
}

static otter_ms due(const struct app *app, otter_ms now)
{
    return console_deadline(&app->shell.console, now);
}

const struct activity activity_console = {"console", start, NULL, tick, due};
