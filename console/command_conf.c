/* conf: the device's settings. */
#include <string.h>

#include "console/commands.h"

const char command_conf_usage[] =
    "    Usage:\n"
    "    conf get [key]\n"
    "        Show all settings, or one.\n"
    "    conf set <key> <value>\n"
    "        Change one; \"\" unsets. It counts after 'conf commit'.\n"
    "    conf commit\n"
    "        Save all changes at once to flash.\n";

static bool is_number(enum config_key key)
{
    return key == CONFIG_MQTT_PORT || key == CONFIG_CONNECT_SPREAD || key == CONFIG_TIME_HWM;
}

/* What the setting will be after a commit. */
static void print_setting(struct cli *cli, enum config_key key)
{
    struct console *console = console_of(cli);
    char committed[CONFIG_TEXT_MAX + 1];
    const char *value = config_stage_get(&console->stage, key);
    if (value == NULL) {
        config_get_text(console->kv, key, committed, sizeof committed);
        value = committed;
    }
    if (key == CONFIG_WIFI_CREDENTIAL && value[0] != '\0')
        value = "********";
    cli_printf(cli, is_number(key) ? "%s=%s\n" : "%s=\"%s\"\n", config_name(key), value);
}

static enum config_key find_setting(struct cli *cli, const char *name)
{
    const enum config_key key = config_find(name);
    if (key == CONFIG_KEYS)
        cli_printf(cli, "No setting '%.40s': see 'conf get'.\n", name);
    return key;
}

static void get(struct cli *cli, int argc, char **argv)
{
    if (argc > 2) {
        const enum config_key key = find_setting(cli, argv[2]);
        if (key != CONFIG_KEYS)
            print_setting(cli, key);
        return;
    }
    for (unsigned key = 0; key < CONFIG_KEYS; key++)
        print_setting(cli, (enum config_key)key);
    if (console_of(cli)->stage.staged != 0)
        cli_print(cli, "Not saved yet: type 'conf commit'.\n");
}

static void set(struct cli *cli, char **argv)
{
    const enum config_key key = find_setting(cli, argv[2]);
    if (key == CONFIG_KEYS)
        return;
    if (config_stage_set(&console_of(cli)->stage, key, argv[3]) != OTTER_OK)
        cli_printf(cli, "%s not changed: it must be %s.\n", config_name(key), config_rule(key));
    else
        print_setting(cli, key);
}

static void commit(struct cli *cli)
{
    struct console *console = console_of(cli);
    const otter_status status = config_stage_commit(&console->stage, console->kv);
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
        get(cli, argc, argv);
    else if (argc == 4 && strcmp(argv[1], "set") == 0)
        set(cli, argv);
    else if (argc == 2 && strcmp(argv[1], "commit") == 0)
        commit(cli);
    else
        console_print_wrong_usage(cli, "conf");
}
