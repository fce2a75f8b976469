/* A serial console without I/O: bytes in by cli_input, text out by a callback.
 *
 * It knows no command. Each part of the firmware brings a const table of its own, and the owner of
 * the console adds them; `help` lists what has been added, in that order:
 *
 *   static const struct cli_command commands[] = {{"led", "Switch the LED", usage, run_led}};
 *   static const struct cli_table led_console = {commands, 1, NULL};
 *   static struct cli_part part;
 *   cli_add(&cli, &part, &led_console, &led);
 *
 * Line editing: CR, LF and CRLF all end a line; backspace and DEL delete; ctrl-U clears the line,
 * ctrl-C drops it; arrow up brings the last line back. Input is echoed. A line that is too long is
 * refused as a whole. Arguments are separated by blanks; "…" and '…' keep blanks together, a
 * backslash keeps the next character.
 *
 * A command may ask for a paste: the lines that follow, of any length, are collected without what
 * indents them, up to one that has "-----END " in it, and handed over. That of EC PARAMETERS does
 * not count: a private key follows. A blank line or ctrl-C ends a paste without result. However
 * long or wrong the pasted text is, it ends with one message, and none of it is taken for commands.
 * Nor is a paste that no command has asked for, such as the second certificate of a bundle: it is
 * refused.
 *
 * The caller owns `struct cli`. Commands run inside of cli_input. Output lines end in CR LF. */
#ifndef OTTER_CLI_CLI_H
#define OTTER_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "port/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CLI_LINE_MAX      255u
#define CLI_ARGUMENTS_MAX 8
#define CLI_OUTPUT_MAX    256u /* of one cli_printf, longer output is cut; on the stack */

struct cli;
struct cli_editor;

struct cli_command {
    const char *name;    /* where two tables have the same, that added first wins */
    const char *summary; /* one line, for `help` */
    const char *usage;   /* further lines for `help NAME`, each ended by \n */
    /* argv[0] is the name, argc >= 1; argv may be changed and is gone afterwards. */
    void (*run)(struct cli *cli, int argc, char **argv);
};

/* What a part of the firmware brings to the console. */
struct cli_table {
    const struct cli_command *commands;
    size_t count;
    void (*stat)(struct cli *cli); /* prints its lines of `stat`; NULL: it has none */
};

/* A table's place in a console's list. */
struct cli_part {
    const struct cli_table *table;
    void *context;
    struct cli_part *next;
};

/* `text` holds whole lines ended by \n and a NUL, not counted in `length`. `status` is OTTER_OK,
 * OTTER_E_TOO_LONG, or OTTER_E_CLOSED when the user ended the paste. */
typedef void cli_paste_done(struct cli *cli, otter_status status, char *text, size_t length);

struct cli {
    /* set by cli_init */
    const char *prompt;
    void (*write)(void *context, const char *text, size_t length);
    void *write_context;
    /* Set by the owner, or NULL: ctrl-C has come where nothing was typed; may print lines. */
    void (*interrupted)(struct cli *cli);
    struct cli_editor *editor; /* cli_edit.h; NULL: what is said above, and no more */

    /* inner state */
    struct cli_part *parts;
    const struct cli_part *part; /* whose command, paste or lines of `stat` run */
    char line[CLI_LINE_MAX + 1];
    char last_line[CLI_LINE_MAX + 1];
    uint16_t length;
    bool too_long;
    bool after_cr;
    bool running;     /* a command is */
    const void *held; /* whose command goes on after it has returned; NULL: nobody's */
    char parameter;   /* the last one of an escape sequence */
    bool mid_line;    /* the last output did not end its line */
    bool spilled;     /* the beginning of the line is in the paste already */
    uint8_t escape;   /* how much of an escape sequence has come */
    char *paste;      /* where the pasted text goes; NULL: not in a paste */
    size_t paste_size;
    size_t paste_length;
    cli_paste_done *paste_done;
    char no_paste[1]; /* for one that is refused */
};

/* Shows nothing yet: call cli_prompt when the console is ready. */
void cli_init(struct cli *cli, const char *prompt,
              void (*write)(void *context, const char *text, size_t length), void *context);

/* `part` and `table` must outlive the console, and `part` is used for nothing else. Again does
 * nothing. */
void cli_add(struct cli *cli, struct cli_part *part, const struct cli_table *table, void *context);

/* From within a command, the end of its paste, or `stat`: the context its table was added with. */
void *cli_context(const struct cli *cli);

void cli_input(struct cli *cli, const void *data, size_t length);

/* From within a command: its line is not brought back by cursor keys, as it holds a secret. */
void cli_forget(struct cli *cli);

/* Shows the prompt and what has been typed so far. */
void cli_prompt(struct cli *cli);

/* Before and after a line that somebody else writes to the terminal: it does not run into a line
 * being typed or a command's output, and what was typed is shown again behind it. */
void cli_make_way(struct cli *cli);
void cli_come_back(struct cli *cli);

/* From within a command that goes on in later turns: no prompt comes, and what is typed is dropped,
 * until cli_release, or ctrl-C, after which `held` is no longer `who`: NULL, or whoever came next.
 */
void cli_hold(struct cli *cli, const void *who);
void cli_release(struct cli *cli);

/* The command of that place in the list, and the part that brings it; NULL behind the last. */
const struct cli_command *cli_command_at(const struct cli *cli, size_t index,
                                         const struct cli_part **part);

/* From within a command. `buffer` must live until `done` is called. */
void cli_begin_paste(struct cli *cli, char *buffer, size_t size, cli_paste_done *done);

/* Output; each \n becomes CR LF. */
void cli_print(struct cli *cli, const char *text);
void cli_printf(struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The commands `help` and `stat`, for a table: they show what all tables bring. */
void cli_help(struct cli *cli, int argc, char **argv);
void cli_stat(struct cli *cli, int argc, char **argv);

/* For a word that names nothing: prints `name` if it is like it, as part of a question that
 * cli_end_guess ends. `guesses` is what the last call returned, 0 at first. */
unsigned cli_guess(struct cli *cli, const char *word, const char *name, unsigned guesses);
void cli_end_guess(struct cli *cli, unsigned guesses);

#ifdef __cplusplus
}
#endif

#endif
