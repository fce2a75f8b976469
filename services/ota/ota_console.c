/* What the update agent brings to the console: the command `ota`. */
#include "services/ota/ota_console.h"

#include <string.h>

#include "image/image.h"
#include "image/trailer.h"
#include "port/port.h"
#include "services/ota/agent.h"

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

static void show_connection(struct cli *cli, const struct ota_config *config)
{
    const char *why = config->why_off_line != NULL ? config->why_off_line(config->ctx) : NULL;
    if (jobs_online(config->jobs))
        cli_print(cli, "cloud      on line\n");
    else
        cli_printf(cli, "cloud      off line%s%s\n", why != NULL ? ": " : "",
                   why != NULL ? why : "");
}

static void show_update(struct cli *cli, const struct ota *ota)
{
    char version[IMAGE_VERSION_TEXT_SIZE];
    const struct ota_status status = ota_status(ota);
    cli_printf(cli, "phase      %s%s\n", ota_phase_text(status.phase),
               status.on_trial ? ", on trial" : "");
    image_version_format(&status.running, version);
    cli_printf(cli, "running    %s\n", version);
    image_version_format(&status.offered, version);
    if (status.job_id[0] != '\0')
        cli_printf(cli, "job        %s, version %s, block %lu of %lu\n", status.job_id, version,
                   (unsigned long)status.blocks_received, (unsigned long)status.blocks_total);
    if (status.blocks_refused > 0 || status.blocks_duplicate > 0)
        cli_printf(cli, "blocks     %lu refused, %lu came twice\n",
                   (unsigned long)status.blocks_refused, (unsigned long)status.blocks_duplicate);
    if (status.held_by[0] != '\0')
        cli_printf(cli, "waiting    job %s: %s\n", status.held_by, status.held_why);
    if (status.reason[0] != '\0')
        cli_printf(cli, "last       %s\n", status.reason);
}

static void show_agent(struct cli *cli, const struct ota *ota)
{
    show_slot(cli, "primary", ota->config.primary, ota_trailer_align(ota));
    show_slot(cli, "secondary", ota->config.secondary, ota_trailer_align(ota));
    if (ota->config.off == NULL)
        show_connection(cli, &ota->config);
    if (ota->fault == NULL)
        show_update(cli, ota);
    else
        cli_printf(cli, "The update agent does not run: %s.\n", ota->fault);
}

static void run(struct cli *cli, int argc, char **argv)
{
    struct ota *ota = cli_context(cli);
    if (argc == 1 || strcmp(argv[1], "status") == 0)
        show_agent(cli, ota);
    else if (strcmp(argv[1], "abort") != 0)
        cli_print(cli, "Wrong arguments: see 'help ota'.\n");
    else if (ota_abort(ota, port_now(), "aborted at the device's console") == OTTER_OK)
        cli_print(cli, "The update is given up; its job ends.\n");
    else
        cli_print(cli, "No update can be given up now: see 'ota'.\n");
}

static const struct cli_command command = {
    "ota", "Show the state of the update agent, or give up its update",
    "    Usage:\n"
    "    ota [status]\n"
    "    ota abort\n"
    "        Before the new firmware is asked for; the job ends as FAILED.\n",
    run};

const struct cli_table ota_console = {&command, 1, NULL};
