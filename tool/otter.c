/* The `otter` program: finds the subcommand and hands over to it.
 *
 * Each subcommand is one line in the table below and one file in this folder. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "tool/arguments.h"
#include "tool/command.h"
#include "tool/nearest.h"

static int command_version(int argc, char **argv);

static const struct command commands[] = {
    {"demo", "take a device from firmware 1.0.0 to 1.0.1 over the air", command_demo},
    {"build", "what is flashed to a board: bootloader, signed firmware, both", command_build},
    {"cloud", "run the local AWS IoT", command_cloud},
    {"aws", "the AWS CLI, aimed at the local cloud", command_aws},
    {"device", "run the firmware as a host process", command_device},
    {"twin", "run a board's own HEX file without the board", command_twin},
    {"modem", "an ESP8266 for an emulated board's UART", command_modem},
    {"console", "this terminal on a device's serial console", command_console},
    {"provision", "give a device its identity over its console, and register it",
     command_provision},
    {"recover", "fill a board over its serial console", command_recover},
    {"keygen", "make a key pair for images", command_keygen},
    {"getpub", "print a public key, as C code for bootloaders or PEM", command_getpub},
    {"getpubhash", "print the hash of a public key", command_getpubhash},
    {"getpriv", "print a private decryption key as C code", command_getpriv},
    {"keyinfo", "say of what kind a key is", command_keyinfo},
    {"sign", "make a signed image out of a program", command_sign},
    {"create", "the same, by imgtool's old name", command_sign},
    {"verify", "check an image's hash and signature", command_verify},
    {"merge", "put several files at addresses into one", command_merge},
    {"inspect", "show what is in an image or a whole flash file", command_inspect},
    {"dumpinfo", "show an image as imgtool does, as text, YAML or JSON", command_dumpinfo},
    {"create-trailer", "make the end of a slot that asks for a swap", command_create_trailer},
    {"version", "print the version of this program", command_version},
    {NULL, NULL, NULL},
};

static const struct option version_options[] = {{0}};

static const struct usage version_usage = {
    .command = "version",
    .operands = "",
    .summary =
        "Prints the version of this program alone on a line. Options and output of the image "
        "tool are those\nof imgtool 2.4.0.",
    .options = version_options,
    .examples = "  otter version\n",
};

static int command_version(int argc, char **argv)
{
    struct arguments arguments;
    int got;

    arguments_start(&arguments, &version_usage, argc, argv);
    got = arguments_next(&arguments);
    if (got == ARGUMENTS_OPERAND)
        return usage_wrong(&version_usage, "what is '%s' for?", arguments.value);
    if (got == ARGUMENTS_END)
        printf("%s\n", OTTER_VERSION);
    return got == ARGUMENTS_WRONG ? 2 : 0;
}

static const struct command *find_command(const char *name)
{
    for (const struct command *command = commands; command->name; command++)
        if (strcmp(command->name, name) == 0)
            return command;
    return NULL;
}

static const char *nearest_name(const char *typed)
{
    const char *nearest = NULL;
    size_t best = SIZE_MAX;

    for (const struct command *command = commands; command->name; command++) {
        size_t distance = nearest_distance(typed, command->name);
        if (distance < best && nearest_is_close(distance, command->name)) {
            best = distance;
            nearest = command->name;
        }
    }
    return nearest;
}

static int unknown(const char *name)
{
    const char *nearest = nearest_name(name);

    fprintf(stderr, "otter: there is no subcommand '%s'", name);
    if (nearest)
        fprintf(stderr, "; did you mean '%s'?\n", nearest);
    else
        fprintf(stderr, "; `otter --help` lists them\n");
    return 2;
}

static void print_help(FILE *out)
{
    fprintf(out, "Otter: firmware updates over AWS IoT, end to end.\n\n"
                 "usage: otter SUBCOMMAND [OPTION]...\n\n");
    for (const struct command *command = commands; command->name; command++)
        fprintf(out, "  %-16s%s\n", command->name, command->summary);
    fprintf(out, "\n"
                 "  otter help SUBCOMMAND    options and examples of one of them\n"
                 "  otter --version          the version of this program\n\n"
                 "Exit codes: 0 done, 1 failed (the reason is on stderr), 2 wrong usage.\n");
}

static int help(int argc, char **argv)
{
    char option[] = "--help";
    char *arguments[] = {NULL, option, NULL};
    const struct command *command;

    if (argc < 2) {
        print_help(stdout);
        return 0;
    }
    command = find_command(argv[1]);
    if (!command)
        return unknown(argv[1]);
    arguments[0] = argv[1];
    return command->run(2, arguments);
}

static int run(int argc, char **argv)
{
    const struct command *command;

    if (argc < 2) {
        print_help(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("otter %s\n", OTTER_VERSION);
        return 0;
    }
    if (strcmp(argv[1], "help") == 0)
        return help(argc - 1, argv + 1);
    command = find_command(argv[1]);
    return command ? command->run(argc - 1, argv + 1) : unknown(argv[1]);
}

/* A script that stores what is printed must hear of it when it could not be. */
int main(int argc, char **argv)
{
    int code = run(argc, argv);
    bool written = fflush(stdout) == 0 && !ferror(stdout);

    if (written || code != 0)
        return code;
    fprintf(stderr, "otter: cannot write to stdout: %s\n", strerror(errno));
    return 1;
}
