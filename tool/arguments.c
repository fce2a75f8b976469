/* The command line of a subcommand. */
#include "tool/arguments.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tool/nearest.h"

static int is_letter(const struct option *option)
{
    return option->letter < 256;
}

int usage_wrong(const struct usage *usage, const char *format, ...)
{
    va_list arguments;

    fprintf(stderr, "otter %s: ", usage->command);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\nTry `otter %s --help`.\n", usage->command);
    return 2;
}

int usage_wrong_value(const struct usage *usage, int letter, const char *value)
{
    const struct option *option = usage->options;

    while (option->letter != letter)
        option++;
    return usage_wrong(usage, "--%s wants %s (%s), not '%s'", option->name, option->value,
                       option->help, value);
}

static void print_option(const struct option *option)
{
    char left[64];
    int width = 0;

    if (is_letter(option))
        width = snprintf(left, sizeof left, "-%c, ", option->letter);
    snprintf(left + width, sizeof left - (size_t)width, "--%s%s%s", option->name,
             option->value ? " " : "", option->value ? option->value : "");
    if (strlen(left) > 28)
        printf("  %s\n  %-30s%s\n", left, "", option->help);
    else
        printf("  %-30s%s\n", left, option->help);
}

static void print_help(const struct usage *usage)
{
    printf("usage: otter %s %s\n\n%s\n\n", usage->command, usage->operands, usage->summary);
    for (const struct option *option = usage->options; option->name; option++)
        print_option(option);
    printf("  %-30s%s\n", "-h, --help", "this text");
    printf("\nExamples:\n%s", usage->examples);
}

void arguments_start(struct arguments *arguments, const struct usage *usage, int argc, char **argv)
{
    *arguments = (struct arguments){.usage = usage, .argc = argc, .argv = argv, .next = 1};
}

static const char *next_word(struct arguments *arguments)
{
    return arguments->next < arguments->argc ? arguments->argv[arguments->next++] : NULL;
}

/* `attached` is what follows in the same word, or NULL. */
static int take_values(struct arguments *arguments, const struct option *option,
                       const char *attached)
{
    arguments->value = NULL;
    arguments->second = NULL;
    if (!option->value) {
        if (attached)
            return usage_wrong(arguments->usage, "--%s takes no value", option->name),
                   ARGUMENTS_WRONG;
        return option->letter;
    }
    arguments->value = attached ? attached : next_word(arguments);
    if (strchr(option->value, ' '))
        arguments->second = next_word(arguments);
    if (!arguments->value || (strchr(option->value, ' ') && !arguments->second))
        return usage_wrong(arguments->usage, "--%s wants %s", option->name, option->value),
               ARGUMENTS_WRONG;
    return option->letter;
}

static int unknown_option(const struct arguments *arguments, const char *name, size_t length)
{
    const char *nearest = "help"; /* which is in no table */
    char typed[64];
    size_t best;

    snprintf(typed, sizeof typed, "%.*s", (int)length, name);
    best = nearest_distance(typed, nearest);
    for (const struct option *option = arguments->usage->options; option->name; option++) {
        size_t distance = nearest_distance(typed, option->name);
        if (distance < best) {
            best = distance;
            nearest = option->name;
        }
    }
    if (nearest_is_close(best, nearest))
        usage_wrong(arguments->usage, "there is no option --%s; did you mean --%s?", typed,
                    nearest);
    else
        usage_wrong(arguments->usage, "there is no option --%s", typed);
    return ARGUMENTS_WRONG;
}

static int take_long(struct arguments *arguments, const char *word)
{
    size_t length = strcspn(word, "=");

    if (strcmp(word, "help") == 0) {
        print_help(arguments->usage);
        return ARGUMENTS_HELP;
    }
    for (const struct option *option = arguments->usage->options; option->name; option++)
        if (strlen(option->name) == length && strncmp(option->name, word, length) == 0)
            return take_values(arguments, option, word[length] ? word + length + 1 : NULL);
    return unknown_option(arguments, word, length);
}

static int take_letter(struct arguments *arguments)
{
    const char *letter = arguments->cluster;
    const char *rest = letter[1] ? letter + 1 : NULL;

    arguments->cluster = rest;
    if (*letter == 'h') {
        print_help(arguments->usage);
        return ARGUMENTS_HELP;
    }
    for (const struct option *option = arguments->usage->options; option->name; option++) {
        if (option->letter != *letter)
            continue;
        if (!option->value)
            return take_values(arguments, option, NULL);
        arguments->cluster = NULL;
        return take_values(arguments, option, rest);
    }
    usage_wrong(arguments->usage, "there is no option -%c", *letter);
    return ARGUMENTS_WRONG;
}

int arguments_next(struct arguments *arguments)
{
    const char *word;

    if (arguments->cluster)
        return take_letter(arguments);
    word = next_word(arguments);
    if (!word)
        return ARGUMENTS_END;
    if (!arguments->operands_only && strcmp(word, "--") == 0) {
        arguments->operands_only = 1;
        return arguments_next(arguments);
    }
    if (arguments->operands_only || word[0] != '-' || word[1] == '\0') {
        arguments->value = word;
        return ARGUMENTS_OPERAND;
    }
    if (word[1] == '-')
        return take_long(arguments, word + 2);
    arguments->cluster = word + 1;
    return take_letter(arguments);
}
