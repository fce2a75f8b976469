/* The command `secure`: what an update has come to, and the end of importing keys. */
#include "secure/secure_console.h"

#include <string.h>

#include "secure/secure.h"
#include "secure/update.h"

static const char *const states[] = {"ready",  "writing", "candidate", "staged",
                                     "failed", "trial",   "rejected",  "updated"};

static void show_component(struct cli *cli, const char *name, psa_fwu_component_t component)
{
    psa_fwu_component_info_t info;
    if (psa_fwu_query(component, &info) == PSA_SUCCESS &&
        info.state < sizeof states / sizeof *states)
        cli_printf(cli, "%-10s %u.%u.%u, %s (%ld)\n", name, info.version.major, info.version.minor,
                   info.version.patch, states[info.state], (long)info.error);
}

static void show(struct cli *cli)
{
    cli_print(cli, secure_is_sealed() ? "keys       none can be imported (sealed)\n"
                                      : "keys       can be imported, until `secure seal`\n");
    show_component(cli, "secure", FWU_COMPONENT_SECURE);
    show_component(cli, "firmware", FWU_COMPONENT_FIRMWARE);
}

static void run(struct cli *cli, int argc, char **argv)
{
    if (argc == 1)
        show(cli);
    else if (argc != 2 || strcmp(argv[1], "seal") != 0)
        cli_print(cli, "usage: secure, or secure seal\n");
    else if (secure_seal() == PSA_SUCCESS)
        cli_print(cli, "Sealed: from now on keys are made and not imported.\n");
    else
        cli_print(cli, "ERROR: the seal could not be stored; try again\n");
}

static const struct cli_command command = {
    "secure", "Show the secure services, end the import of keys",
    "secure           may keys be imported; versions, PSA states and errors of updates\n"
    "secure seal      no key is imported any more, for good; when provisioning is done\n",
    run};

const struct cli_table secure_console = {&command, 1, NULL};
