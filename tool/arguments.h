/* The command line of a subcommand: one table says what is read and what --help prints.
 *
 *   static const struct option options[] = {
 *       {'S', "slot-size", "SIZE", "size of the slot"},
 *       {0},
 *   };
 *   while ((got = arguments_next(&arguments)) != ARGUMENTS_END) ...
 *
 * Takes `-S 1`, `-S1`, `--slot-size 1` and `--slot-size=1`, options and operands in any order, and
 * "--" before operands that begin with "-". */
#ifndef OTTER_TOOL_ARGUMENTS_H
#define OTTER_TOOL_ARGUMENTS_H

struct option {
    int letter;        /* 'S', or an id above 255 for an option without a letter */
    const char *name;  /* without the "--"; NULL ends the table */
    const char *value; /* what --help calls it; "TAG VALUE" takes two; NULL takes none */
    const char *help;
};

struct usage {
    const char *command;
    const char *operands; /* "[OPTION]... IN OUT" */
    const char *summary;
    const struct option *options;
    const char *examples;
};

struct arguments {
    const struct usage *usage;
    int argc;
    char **argv;
    int next;
    const char *cluster; /* the rest of "-abc" */
    int operands_only;   /* "--" was seen */
    const char *value;   /* of the option just returned, or the operand */
    const char *second;  /* the second value, of an option that takes two */
};

enum {
    ARGUMENTS_END = 0,
    ARGUMENTS_OPERAND = -1,
    ARGUMENTS_WRONG = -2, /* said on stderr what and why: return 2 */
    ARGUMENTS_HELP = -3,  /* --help was printed: return 0 */
};

/* argv[0] is the name of the subcommand. */
void arguments_start(struct arguments *arguments, const struct usage *usage, int argc, char **argv);

/* The letter (or id) of the next option, or one of the above. */
int arguments_next(struct arguments *arguments);

/* Prints "otter COMMAND: text" and where help is; returns 2, the exit code of wrong usage. */
int usage_wrong(const struct usage *usage, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same for a value that the option of that letter does not take: its help says what it wants,
 * so limits belong there. */
int usage_wrong_value(const struct usage *usage, int letter, const char *value);

#endif
