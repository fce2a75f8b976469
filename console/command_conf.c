/* conf: the device's settings. */
#include <string.h>

#include "console/commands.h"

const char command_conf_usage[] =
    "    Usage:\n"
    "    conf get [key]\n"
    "        Show all settings, or one.\n"
    "    conf help [key]\n"
    "        Say what settings mean and what they take.\n"
    "    conf set <key> [value]\n"
    "        Change one; without a value unset it. It counts after 'conf commit'.\n"
    "    conf commit\n"
    "        Save all changes at once to flash.\n";

/* What the setting will be after a commit. */
static void print_setting(struct cli *cli, const struct config_setting *setting)
{
    struct console *console = console_of(cli);
    char committed[CONFIG_TEXT_MAX + 1];
    const char *value = config_staged(console->config, setting);
    if (value == NULL) {
        config_get_text(console->kv, setting, committed, sizeof committed);
        value = committed;
    }
    if (setting->secret && value[0] != '\0')
        value = "********";
    cli_printf(cli, config_is_number(setting) ? "%s=%s\n" : "%s=\"%s\"\n", config_name(setting),
               value);
}

static void explain_setting(struct cli *cli, const struct config_setting *setting)
{
    cli_printf(cli, "%-16s %s: %lu to %lu%s", config_name(setting), setting->help,
               (unsigned long)setting->min, (unsigned long)setting->max,
               config_range_text(setting));
    if (setting->fallback != NULL && !setting->secret)
        cli_printf(cli, "; %s if not set", setting->fallback);
    cli_print(cli, "\n");
}

static const struct config_setting *find_setting(struct cli *cli, const char *name)
{
    const struct config *config = console_of(cli)->config;
    const struct config_setting *setting = config_find(config, name);
    if (setting != NULL)
        return setting;
    unsigned guesses = 0;
    cli_printf(cli, "No setting '%.40s': see 'conf get'.", name);
    for (unsigned i = 0; (setting = config_at(config, i)) != NULL; i++)
        guesses = cli_guess(cli, name, config_name(setting), guesses);
    cli_end_guess(cli, guesses);
    return NULL;
}

/* Shows one setting, or without a name all of them. */
static void show(struct cli *cli, const char *name,
                 void (*print)(struct cli *cli, const struct config_setting *setting))
{
    const struct config_setting *setting;
    if (name != NULL) {
        setting = find_setting(cli, name);
        if (setting != NULL)
            print(cli, setting);
        return;
    }
    for (unsigned i = 0; (setting = config_at(console_of(cli)->config, i)) != NULL; i++)
        print(cli, setting);
}

static void get(struct cli *cli, const char *name)
{
    show(cli, name, print_setting);
    if (name == NULL && config_has_staged(console_of(cli)->config))
        cli_print(cli, "Not saved yet: type 'conf commit'.\n");
}

static void set(struct cli *cli, const char *name, const char *value)
{
    const struct config_setting *setting = find_setting(cli, name);
    if (setting == NULL)
        return;
    if (setting->secret)
        cli_forget(cli);
    const otter_status status = config_stage(console_of(cli)->config, setting, value);
    if (status == OTTER_OK)
        print_setting(cli, setting);
    else if (status == OTTER_E_NO_SPACE)
        cli_printf(cli, "%s not changed: type 'conf commit' first.\n", name);
    else
        cli_printf(cli, "%s not changed: it must be %lu to %lu%s.\n", name,
                   (unsigned long)setting->min, (unsigned long)setting->max,
                   config_range_text(setting));
}

static void commit(struct cli *cli)
{
    struct console *console = console_of(cli);
    const otter_status status = config_commit(console->config, console->kv);
    if (status != OTTER_OK) {
        console_print_failure(cli, "Saving the configuration", status);
        return;
    }
    cli_print(cli, "Configuration saved to NVM.\n");
    console_changed(console);
}

void command_conf(struct cli *cli, int argc, char **argv)
{
    if ((argc == 2 || argc == 3) && strcmp(argv[1], "get") == 0)
        get(cli, argv[2]);
    else if ((argc == 2 || argc == 3) && strcmp(argv[1], "help") == 0)
        show(cli, argv[2], explain_setting);
    else if ((argc == 3 || argc == 4) && strcmp(argv[1], "set") == 0)
        set(cli, argv[2], argc == 4 ? argv[3] : "");
    else if (argc == 2 && strcmp(argv[1], "commit") == 0)
        commit(cli);
    else
        console_print_wrong_usage(cli, "conf");
}
