/* An editor for the console's line, for those who type at it for long: cursor keys, history,
 * completion. A console without one keeps what cli.h says.
 *
 *   struct cli_editor editor;
 *   cli_edit(&cli, &editor, words);
 *
 * Left and right, home and end (also ctrl-A, ctrl-E, ctrl-B, ctrl-F) move; backspace and delete
 * (ctrl-D) take away, ctrl-K what follows, ctrl-W the word before; up and down (ctrl-P, ctrl-N) go
 * through the lines before; tab completes a command or a word of it, twice shows what is possible.
 * Keys are those of ECMA-48 terminals. A line that a log line interrupts comes back with its
 * cursor. */
#ifndef OTTER_CLI_CLI_EDIT_H
#define OTTER_CLI_CLI_EDIT_H

#include "cli/cli.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CLI_HISTORY_SIZE 384u /* bytes of lines, each with its end; the oldest go first */

/* The words that may follow a command, in any order; NULL behind the last. */
typedef const char *cli_words(struct cli *cli, const char *command, unsigned index);

struct cli_editor {
    /* Takes a key: a byte, CLI_KEY plus the letter or digit of an escape sequence, or
     * CLI_KEY_REDRAWN. False: it is the console's own. */
    bool (*take)(struct cli *cli, int key);
    cli_words *words;
    uint16_t behind; /* characters on the right of the cursor */
    uint16_t used;   /* of the history */
    uint16_t shown;  /* where in it the line comes from; `used`: it is new */
    bool tab;        /* the last key */
    char history[CLI_HISTORY_SIZE];
};

#define CLI_KEY         256
#define CLI_KEY_REDRAWN 999 /* the line was shown anew, the cursor is at its end */
#define CLI_KEY_FORGET  998 /* the newest line of the history holds a secret */

/* `words` may be NULL: only commands are completed. `editor` must outlive the console. */
void cli_edit(struct cli *cli, struct cli_editor *editor, cli_words *words);

#ifdef __cplusplus
}
#endif

#endif
