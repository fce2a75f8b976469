/* Cursor, history, completion; see cli_edit.h. */
#include "cli/cli_edit.h"

#include <string.h>

#define CTRL(letter) ((letter)&0x1f)
#define DEL          0x7f
#define ESC          0x1b
#define PARTS        " \t"

static char *cursor_of(struct cli *cli)
{
    return cli->line + cli->length - cli->editor->behind;
}

/* ---- The line -------------------------------------------------------------------------------- */

static void print_some(struct cli *cli, const char *text, size_t count)
{
    for (; count > 0; count--)
        cli_print(cli, text);
}

static void to_left(struct cli *cli, size_t count)
{
    const size_t before = cli->length - cli->editor->behind;
    if (count > before)
        count = before;
    print_some(cli, "\b", count);
    cli->editor->behind = (uint16_t)(cli->editor->behind + count);
}

static void to_right(struct cli *cli, size_t count)
{
    char one[2] = "";
    for (; count > 0 && cli->editor->behind > 0; count--) {
        one[0] = *cursor_of(cli);
        cli_print(cli, one);
        cli->editor->behind--;
    }
}

static void to_end(struct cli *cli)
{
    to_right(cli, cli->editor->behind);
}

/* Takes away what lies before the cursor. */
static void erase(struct cli *cli, size_t count)
{
    const size_t before = cli->length - cli->editor->behind;
    char *cursor = cursor_of(cli);
    if (count > before)
        count = before;
    memmove(cursor - count, cursor, cli->editor->behind + 1u);
    cli->length = (uint16_t)(cli->length - count);
    print_some(cli, "\b", count);
    cli_print(cli, cursor - count);
    print_some(cli, " ", count);
    print_some(cli, "\b", cli->editor->behind + count);
}

static void insert(struct cli *cli, const char *text, size_t length)
{
    char *cursor = cursor_of(cli);
    if (length > CLI_LINE_MAX - cli->length)
        return;
    memmove(cursor + length, cursor, cli->editor->behind + 1u);
    memcpy(cursor, text, length);
    cli->length = (uint16_t)(cli->length + length);
    cli_print(cli, cursor);
    print_some(cli, "\b", cli->editor->behind);
}

static void erase_word(struct cli *cli)
{
    const char *cursor = cursor_of(cli);
    const char *at = cursor;
    while (at > cli->line && at[-1] == ' ')
        at--;
    while (at > cli->line && at[-1] != ' ')
        at--;
    erase(cli, (size_t)(cursor - at));
}

static void erase_rest(struct cli *cli)
{
    const size_t count = cli->editor->behind;
    to_end(cli);
    erase(cli, count);
}

/* ---- History: lines one after the other, each with its NUL, the oldest first -------------------
 */

static void remember(struct cli *cli)
{
    struct cli_editor *editor = cli->editor;
    const size_t size = cli->length + 1u;
    if (cli->length > 0 && !cli->too_long && size <= sizeof editor->history) {
        const bool same =
            editor->used >= size && strcmp(editor->history + editor->used - size, cli->line) == 0 &&
            (editor->used == size || editor->history[editor->used - size - 1] == '\0');
        while (!same && editor->used + size > sizeof editor->history) {
            const size_t oldest = strlen(editor->history) + 1;
            memmove(editor->history, editor->history + oldest, editor->used - oldest);
            editor->used = (uint16_t)(editor->used - oldest);
        }
        if (!same) {
            memcpy(editor->history + editor->used, cli->line, size);
            editor->used = (uint16_t)(editor->used + size);
        }
    }
    editor->shown = editor->used;
}

static void show(struct cli *cli, const char *text)
{
    to_end(cli);
    erase(cli, cli->length);
    insert(cli, text, strlen(text));
}

/* False: there is none. */
static bool go_back(struct cli_editor *editor)
{
    if (editor->shown == 0)
        return false;
    editor->shown--; /* the NUL of the line before */
    while (editor->shown > 0 && editor->history[editor->shown - 1] != '\0')
        editor->shown--;
    return true;
}

static void older(struct cli *cli)
{
    if (go_back(cli->editor))
        show(cli, cli->editor->history + cli->editor->shown);
}

static void newer(struct cli *cli)
{
    struct cli_editor *editor = cli->editor;
    if (editor->shown == editor->used)
        return;
    editor->shown = (uint16_t)(editor->shown + strlen(editor->history + editor->shown) + 1);
    show(cli, editor->shown < editor->used ? editor->history + editor->shown : "");
}

/* ---- Completion ------------------------------------------------------------------------------ */

/* A word that fits in the place: of commands, or of what the command takes. */
static const char *candidate(struct cli *cli, const char *command, unsigned index)
{
    const struct cli_part *part;
    if (command[0] == '\0' || strcmp(command, "help") == 0) {
        const struct cli_command *found = cli_command_at(cli, index, &part);
        return found != NULL ? found->name : NULL;
    }
    return cli->editor->words != NULL ? cli->editor->words(cli, command, index) : NULL;
}

/* Their number, one of them, and how much of it all have in common. */
struct matches {
    unsigned count;
    const char *first;
    size_t common;
};

static struct matches match(struct cli *cli, const char *command, const char *begun, size_t length,
                            bool list)
{
    struct matches matches = {0};
    const char *word;
    for (unsigned i = 0; (word = candidate(cli, command, i)) != NULL; i++) {
        if (strncmp(word, begun, length) != 0)
            continue;
        if (list)
            cli_printf(cli, "%s%s", matches.count > 0 ? "  " : "\n", word);
        if (matches.count++ == 0) {
            matches.first = word;
            matches.common = strlen(word);
        }
        size_t same = 0;
        while (same < matches.common && word[same] == matches.first[same])
            same++;
        matches.common = same;
    }
    return matches;
}

static void complete(struct cli *cli, bool again)
{
    char command[16] = "";
    const char *line = cli->line + strspn(cli->line, PARTS);
    const char *cursor = cursor_of(cli);
    const char *begun = cursor;
    while (begun > line && begun[-1] != ' ')
        begun--;
    const size_t first = strcspn(line, PARTS), length = (size_t)(cursor - begun);
    if (line > cursor || (begun > line && first >= sizeof command))
        return;
    if (begun > line)
        memcpy(command, line, first);
    const struct matches matches = match(cli, command, begun, length, false);
    if (matches.common > length)
        insert(cli, matches.first + length, matches.common - length);
    if (matches.count == 1 && (cli->editor->behind == 0 || *cursor_of(cli) != ' ')) {
        insert(cli, " ", 1);
    } else if (matches.count > 1 && again) {
        (void)match(cli, command, begun, length, true);
        cli_print(cli, "\n");
        cli_prompt(cli);
        print_some(cli, "\b", cli->editor->behind);
    }
}

/* ---- Keys ------------------------------------------------------------------------------------ */

/* True for those that move or change the line. */
static bool edits(struct cli *cli, int key, bool again)
{
    switch (key) {
    case CLI_KEY + 'D':
    case CTRL('B'):
        to_left(cli, 1);
        return true;
    case CLI_KEY + 'C':
    case CTRL('F'):
        to_right(cli, 1);
        return true;
    case CLI_KEY + 'H':
    case CLI_KEY + '1':
    case CLI_KEY + '7':
    case CTRL('A'):
        to_left(cli, cli->length);
        return true;
    case CLI_KEY + 'F':
    case CLI_KEY + '4':
    case CLI_KEY + '8':
    case CTRL('E'):
        to_end(cli);
        return true;
    case CLI_KEY + 'A':
    case CTRL('P'):
        older(cli);
        return true;
    case CLI_KEY + 'B':
    case CTRL('N'):
        newer(cli);
        return true;
    case '\b':
    case DEL:
        erase(cli, 1);
        return true;
    case CLI_KEY + '3':
    case CTRL('D'):
        if (cli->editor->behind > 0) {
            to_right(cli, 1);
            erase(cli, 1);
        }
        return true;
    case CTRL('K'):
        erase_rest(cli);
        return true;
    case CTRL('W'):
        erase_word(cli);
        return true;
    case '\t':
        complete(cli, again);
        return true;
    default:
        return false;
    }
}

static bool take(struct cli *cli, int key)
{
    struct cli_editor *editor = cli->editor;
    const bool again = editor->tab;
    if (key == ESC) /* of which more follows */
        return false;
    if (key == CLI_KEY_REDRAWN) {
        print_some(cli, "\b", editor->behind);
        return true;
    }
    if (key == CLI_KEY_FORGET) {
        (void)go_back(editor);
        editor->used = editor->shown;
        return true;
    }
    editor->tab = key == '\t';
    if (edits(cli, key, again) || key > CLI_KEY)
        return true;
    if (key >= ' ' && editor->behind > 0 && cli->length < CLI_LINE_MAX) {
        const char one = (char)key;
        insert(cli, &one, 1);
        return true;
    }
    /* What else there is belongs to the end of the line. */
    to_end(cli);
    if (key == '\r' || key == '\n')
        remember(cli);
    return false;
}

void cli_edit(struct cli *cli, struct cli_editor *editor, cli_words *words)
{
    *editor = (struct cli_editor){.take = take, .words = words};
    cli->editor = editor;
}
