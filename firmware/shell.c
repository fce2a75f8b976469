#include "firmware/shell.h"

#include "firmware/app.h"
#include "image/trailer.h"
#include "net/tls.h"
#include "port/log.h"
#include "port/port.h"

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

static otter_ms uptime(void *context)
{
    (void)context;
    return port_now();
}

static void show_memory(void *context, struct cli *cli)
{
    struct app *app = context;
    struct kv_usage store;
    if (port_ram_used() == 0)
        cli_print(cli, "RAM        as much as the system gives (host process)\n");
    else
        cli_printf(cli, "RAM        %lu bytes, of these stack %lu (most used: %lu)\n",
                   (unsigned long)port_ram_used(), (unsigned long)port_stack_size(),
                   (unsigned long)port_stack_used());
    cli_printf(cli, "TLS arena  %lu bytes (most used: %lu)\n", (unsigned long)APP_TLS_ARENA_SIZE,
               (unsigned long)tls_arena_high_water());
    if (kv_usage(&app->kv, &store) == OTTER_OK)
        cli_printf(cli, "store      %lu of %lu bytes, %lu keys\n", (unsigned long)store.live_bytes,
                   (unsigned long)store.capacity_bytes, (unsigned long)store.keys);
    cli_printf(cli, "MQTT       %lu connects, %lu messages in, %lu out, %lu too long\n",
               (unsigned long)app->link.mqtt.stats.connects,
               (unsigned long)app->link.mqtt.stats.messages_in,
               (unsigned long)app->link.mqtt.stats.messages_out,
               (unsigned long)app->link.mqtt.stats.oversized);
}

static const char *trailer_text(const struct trailer *trailer)
{
    if (trailer->magic != TRAILER_GOOD)
        return "";
    if (trailer_on_trial(trailer))
        return ", on trial";
    return trailer->image_ok == TRAILER_SET ? ", confirmed" : ", requested for the next boot";
}

static void show_slot(struct cli *cli, const char *name, const struct flash_area *slot,
                      uint32_t max_align)
{
    struct image_header header;
    struct trailer trailer;
    char version[IMAGE_VERSION_TEXT_SIZE];
    if (image_header_read(slot, &header) != OTTER_OK) {
        cli_printf(cli, "%-10s no image\n", name);
        return;
    }
    image_version_format(&header.version, version);
    trailer_read(slot, max_align, &trailer);
    cli_printf(cli, "%-10s %s, %lu bytes%s\n", name, version, (unsigned long)header.payload_size,
               trailer_text(&trailer));
}

static void show_link(struct cli *cli, const struct link *link)
{
    if (link->mqtt.state == MQTT_CONNECTED)
        cli_print(cli, "cloud      on line\n");
    else if (link->provisioned)
        cli_printf(cli, "cloud      off line%s%s\n", link->fault != NULL ? ": " : "",
                   link->fault != NULL ? link->fault : "");
}

static void show_agent(void *context, struct cli *cli)
{
    struct app *app = context;
    char offered[IMAGE_VERSION_TEXT_SIZE];
    show_slot(cli, "primary", &app->board.primary, app->board.max_align);
    show_slot(cli, "secondary", &app->board.secondary, app->board.max_align);
    show_link(cli, &app->link);
    if (!app->agent_runs) {
        cli_printf(cli, "The update agent does not run: %s.\n", app->agent_fault);
        return;
    }
    const struct ota_status status = ota_status(&app->ota);
    image_version_format(&status.offered, offered);
    cli_printf(cli, "phase      %s%s\n", ota_phase_text(status.phase),
               status.on_trial ? ", on trial" : "");
    cli_printf(cli, "running    %s\n", app->version);
    if (status.job_id[0] != '\0')
        cli_printf(cli, "job        %s, version %s, block %lu of %lu\n", status.job_id, offered,
                   (unsigned long)status.blocks_received, (unsigned long)status.blocks_total);
    if (status.blocks_refused > 0 || status.blocks_duplicate > 0)
        cli_printf(cli, "blocks     %lu refused, %lu came twice\n",
                   (unsigned long)status.blocks_refused, (unsigned long)status.blocks_duplicate);
    if (status.held_by[0] != '\0')
        cli_printf(cli, "waiting    job %s: %s\n", status.held_by, status.held_why);
    if (status.reason[0] != '\0')
        cli_printf(cli, "last       %s\n", status.reason);
}

static void around_log_line(void *context, bool after)
{
    if (after)
        cli_come_back(context);
    else
        cli_make_way(context);
}

void shell_start(struct shell *shell, struct app *app)
{
    shell->hooks = (struct console_hooks){
        .context = app,
        .version = app->version,
        .board = app->board.name,
        .reset = reset,
        .uptime = uptime,
        .stat = show_memory,
        .ota = show_agent,
    };
    console_init(&shell->console, &app->kv, &shell->hooks, write_text, NULL);
    log_set_around(around_log_line, &shell->console.cli);
    console_start(&shell->console);
}

void shell_tick(struct shell *shell)
{
    char input[INPUT_CHUNK];
    size_t length;
    while ((length = port_console_read(input, sizeof input)) > 0)
        console_input(&shell->console, input, length);
}
