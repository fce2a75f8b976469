/* The console: line editor, arguments, paste; see cli.h. */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli_edit.h"

#define CTRL_C    0x03
#define CTRL_U    0x15
#define BACKSPACE 0x08
#define DEL       0x7f
#define ESC       0x1b

/* What of a pasted line stays in the line editor when the rest goes to the paste: enough for the
 * longest END mark. */
#define LINE_KEPT 64u

static const char begin_mark[] = "-----BEGIN ";
static const char end_mark[] = "-----END ";

enum { ESCAPE_NONE, ESCAPE_BEGUN, ESCAPE_CONTROL };

void cli_init(struct cli *cli, const char *prompt,
              void (*write)(void *context, const char *text, size_t length), void *context)
{
    *cli = (struct cli){.prompt = prompt, .write = write, .write_context = context};
}

void cli_add(struct cli *cli, struct cli_part *part, const struct cli_table *table, void *context)
{
    struct cli_part **end = &cli->parts;
    while (*end != NULL && *end != part)
        end = &(*end)->next;
    if (*end == part)
        return;
    *part = (struct cli_part){.table = table, .context = context};
    *end = part;
}

void *cli_context(const struct cli *cli)
{
    return cli->part->context;
}

static void put(struct cli *cli, const char *text, size_t length)
{
    if (length == 0)
        return;
    cli->write(cli->write_context, text, length);
    cli->mid_line = text[length - 1] != '\n';
}

void cli_print(struct cli *cli, const char *text)
{
    for (const char *end; (end = strchr(text, '\n')) != NULL; text = end + 1) {
        put(cli, text, (size_t)(end - text));
        put(cli, "\r\n", 2);
    }
    put(cli, text, strlen(text));
}

void cli_printf(struct cli *cli, const char *format, ...)
{
    char text[CLI_OUTPUT_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    cli_print(cli, text);
}

void cli_forget(struct cli *cli)
{
    cli->last_line[0] = '\0';
    if (cli->editor != NULL)
        (void)cli->editor->take(cli, CLI_KEY_FORGET);
}

void cli_prompt(struct cli *cli)
{
    if (cli->paste == NULL)
        cli_print(cli, cli->prompt);
    put(cli, cli->line, cli->length);
}

void cli_make_way(struct cli *cli)
{
    if (cli->mid_line && (cli->running || cli->held != NULL || cli->length > 0))
        put(cli, "\r\n", 2);
}

void cli_come_back(struct cli *cli)
{
    if (cli->running || cli->length == 0)
        return;
    cli_prompt(cli);
    if (cli->editor != NULL)
        (void)cli->editor->take(cli, CLI_KEY_REDRAWN);
}

/* Cuts the first argument off *rest, in place, and returns it; NULL when none is left. *closed
 * becomes false when a quotation does not end. */
static char *next_argument(char **rest, bool *closed)
{
    char *from = *rest;
    while (*from == ' ' || *from == '\t')
        from++;
    if (*from == '\0')
        return NULL;
    char *argument = from;
    char *to = from;
    char quote = '\0';
    for (; *from != '\0' && (quote != '\0' || (*from != ' ' && *from != '\t')); from++) {
        if (*from == '\\' && from[1] != '\0')
            *to++ = *++from;
        else if (quote != '\0' && *from == quote)
            quote = '\0';
        else if (quote == '\0' && (*from == '"' || *from == '\''))
            quote = *from;
        else
            *to++ = *from;
    }
    *closed = quote == '\0';
    *rest = *from == '\0' ? from : from + 1;
    *to = '\0';
    return argument;
}

const struct cli_command *cli_command_at(const struct cli *cli, size_t index,
                                         const struct cli_part **part)
{
    for (*part = cli->parts; *part != NULL; *part = (*part)->next) {
        const struct cli_table *table = (*part)->table;
        if (index < table->count)
            return &table->commands[index];
        index -= table->count;
    }
    return NULL;
}

/* Says so when there is none. */
static const struct cli_command *find_command(struct cli *cli, const char *name,
                                              const struct cli_part **part)
{
    const struct cli_command *command;
    for (size_t i = 0; (command = cli_command_at(cli, i, part)) != NULL; i++) {
        if (strcmp(command->name, name) == 0)
            return command;
    }
    unsigned guesses = 0;
    cli_printf(cli, "Unknown command '%.40s': see 'help'.", name);
    for (size_t i = 0; (command = cli_command_at(cli, i, part)) != NULL; i++)
        guesses = cli_guess(cli, name, command->name, guesses);
    cli_end_guess(cli, guesses);
    return NULL;
}

static void run_line(struct cli *cli, char *line)
{
    char *argv[CLI_ARGUMENTS_MAX + 1] = {NULL};
    bool closed = true;
    int argc = 0;
    for (char *argument; closed && (argument = next_argument(&line, &closed)) != NULL;) {
        if (argc == CLI_ARGUMENTS_MAX) {
            cli_printf(cli, "Too many arguments: at most %d; \"…\" keeps words together.\n",
                       CLI_ARGUMENTS_MAX);
            return;
        }
        argv[argc++] = argument;
    }
    if (!closed) {
        cli_print(cli, "A quotation is not closed: add its second mark.\n");
        return;
    }
    if (argc == 0)
        return;
    const struct cli_part *part;
    const struct cli_command *command = find_command(cli, argv[0], &part);
    if (command == NULL)
        return;
    cli->part = part;
    command->run(cli, argc, argv);
}

void cli_help(struct cli *cli, int argc, char **argv)
{
    const struct cli_part *part;
    const struct cli_command *command;
    if (argc > 1) {
        command = find_command(cli, argv[1], &part);
        if (command != NULL) {
            cli_printf(cli, "%s:\n    %s\n", command->name, command->summary);
            cli_print(cli, command->usage);
        }
        return;
    }
    for (size_t i = 0; (command = cli_command_at(cli, i, &part)) != NULL; i++)
        cli_printf(cli, "%-8s %s\n", command->name, command->summary);
}

void cli_stat(struct cli *cli, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    for (cli->part = cli->parts; cli->part != NULL; cli->part = cli->part->next) {
        if (cli->part->table->stat != NULL)
            cli->part->table->stat(cli);
    }
}

/* All but two letters in a row are the same, and at least half of them; or all that there are, as
 * far as the shorter word goes. */
static bool is_like(const char *word, const char *name)
{
    const size_t length[2] = {strlen(word), strlen(name)};
    const size_t shorter = length[0] < length[1] ? length[0] : length[1];
    const size_t longer = length[0] < length[1] ? length[1] : length[0];
    size_t same = 0;
    while (same < shorter && word[same] == name[same])
        same++;
    if (same == shorter)
        return shorter > 1;
    const size_t rest = shorter - same;
    for (size_t i = 1; i <= rest && word[length[0] - i] == name[length[1] - i]; i++)
        same++;
    return same + 2 >= longer && 2 * same + 1 >= longer;
}

unsigned cli_guess(struct cli *cli, const char *word, const char *name, unsigned guesses)
{
    if (!is_like(word, name))
        return guesses;
    cli_print(cli, guesses == 0 ? " Did you mean " : ", ");
    cli_print(cli, name);
    return guesses + 1;
}

void cli_end_guess(struct cli *cli, unsigned guesses)
{
    cli_print(cli, guesses > 0 ? "?\n" : "\n");
}

static void end_paste(struct cli *cli, otter_status status)
{
    char *text = cli->paste;
    text[cli->paste_length] = '\0';
    cli->paste = NULL;
    cli->paste_done(cli, status, text, cli->paste_length);
}

void cli_begin_paste(struct cli *cli, char *buffer, size_t size, cli_paste_done *done)
{
    cli->paste = buffer;
    cli->paste_size = size;
    cli->paste_length = 0;
    cli->paste_done = done;
}

/* Too much is remembered by a length that leaves no room. */
static void collect(struct cli *cli, const char *text, size_t length)
{
    const size_t room = cli->paste_size - cli->paste_length - 1;
    if (length >= room) {
        cli->paste_length = cli->paste_size - 1;
        return;
    }
    memcpy(cli->paste + cli->paste_length, text, length);
    cli->paste_length += length;
}

static const char *skip_indent(const struct cli *cli)
{
    return cli->spilled ? cli->line : cli->line + strspn(cli->line, " ");
}

/* The line is full, and more of it comes. */
static void spill(struct cli *cli)
{
    const size_t length = CLI_LINE_MAX - LINE_KEPT;
    const char *from = skip_indent(cli);
    const char *to = cli->line + length;
    if (from < to)
        collect(cli, from, (size_t)(to - from));
    memmove(cli->line, to, LINE_KEPT + 1);
    cli->length = LINE_KEPT;
    cli->spilled = true;
}

/* The last END mark in the line, of anything but EC PARAMETERS. */
static bool has_end_mark(const char *line)
{
    const char *last = NULL;
    for (const char *next = line; (next = strstr(next, end_mark)) != NULL; next++)
        last = next + sizeof end_mark - 1;
    return last != NULL && strncmp(last, "EC PARAMETERS", 13) != 0;
}

static void paste_line(struct cli *cli)
{
    if (cli->length == 0) {
        end_paste(cli, OTTER_E_CLOSED);
        return;
    }
    const char *text = skip_indent(cli);
    collect(cli, text, strlen(text));
    collect(cli, "\n", 1);
    if (has_end_mark(cli->line)) {
        const bool whole = cli->paste_length < cli->paste_size - 1;
        end_paste(cli, whole ? OTTER_OK : OTTER_E_TOO_LONG);
    }
}

static void refuse_paste(struct cli *cli, otter_status status, char *text, size_t length)
{
    (void)status;
    (void)text;
    (void)length;
    cli_print(cli, "Pasted text refused: no command asks for it. Each takes one object.\n");
}

/* Swallows PEM text that comes where a command should, from its BEGIN line on. */
static bool is_stray_paste(struct cli *cli)
{
    if (strncmp(skip_indent(cli), begin_mark, sizeof begin_mark - 1) != 0)
        return false;
    cli_begin_paste(cli, cli->no_paste, sizeof cli->no_paste, refuse_paste);
    paste_line(cli);
    return true;
}

static void command_line(struct cli *cli)
{
    if (cli->too_long) {
        cli_printf(cli, "Line too long: at most %u characters; nothing was done.\n", CLI_LINE_MAX);
        return;
    }
    if (is_stray_paste(cli))
        return;
    if (cli->length > 0)
        memcpy(cli->last_line, cli->line, cli->length + 1u);
    cli->length = 0;
    cli->running = true;
    run_line(cli, cli->line); /* which is cut into arguments in place */
    cli->running = false;
}

static void clear_line(struct cli *cli)
{
    cli->length = 0;
    cli->line[0] = '\0';
    cli->too_long = false;
    cli->spilled = false;
}

static void end_line(struct cli *cli)
{
    cli_print(cli, "\n");
    if (cli->paste != NULL)
        paste_line(cli);
    else
        command_line(cli);
    clear_line(cli);
    if (cli->held == NULL)
        cli_prompt(cli);
}

void cli_hold(struct cli *cli, const void *who)
{
    cli->held = who;
}

void cli_release(struct cli *cli)
{
    cli->held = NULL;
    cli_prompt(cli);
}

static void erase_typed(struct cli *cli, size_t count)
{
    for (; count > 0 && cli->length > 0; count--) {
        cli->line[--cli->length] = '\0';
        cli_print(cli, "\b \b");
    }
}

static void type_character(struct cli *cli, char c)
{
    if (cli->length == CLI_LINE_MAX && cli->paste != NULL)
        spill(cli);
    if (cli->length == CLI_LINE_MAX) {
        cli->too_long = true;
        return;
    }
    cli->line[cli->length++] = c;
    cli->line[cli->length] = '\0';
    put(cli, &c, 1);
}

static void recall_last_line(struct cli *cli)
{
    erase_typed(cli, CLI_LINE_MAX);
    for (const char *c = cli->last_line; *c != '\0'; c++)
        type_character(cli, *c);
}

/* In a paste there is no editing. */
static bool edited(struct cli *cli, int key)
{
    return cli->editor != NULL && cli->paste == NULL && cli->editor->take(cli, key);
}

/* ESC [ parameters letter. Without an editor arrow up is all that is understood of them. */
static void escape_character(struct cli *cli, char c)
{
    if (cli->escape == ESCAPE_BEGUN) {
        cli->escape = c == '[' || c == 'O' ? ESCAPE_CONTROL : ESCAPE_NONE;
        return;
    }
    if (c >= '@' && c <= '~') {
        cli->escape = ESCAPE_NONE;
        if (!edited(cli, CLI_KEY + (c == '~' ? cli->parameter : c)) && c == 'A' &&
            cli->paste == NULL)
            recall_last_line(cli);
    }
    cli->parameter = c;
}

static void interrupt_line(struct cli *cli)
{
    const bool idle = cli->length == 0;
    clear_line(cli);
    cli_print(cli, "^C\n");
    if (cli->paste != NULL)
        end_paste(cli, OTTER_E_CLOSED);
    if (idle && cli->interrupted != NULL)
        cli->interrupted(cli);
    cli_prompt(cli);
}

static void control_character(struct cli *cli, char c)
{
    switch (c) {
    case '\r':
    case '\n':
        end_line(cli);
        break;
    case BACKSPACE:
    case DEL:
        erase_typed(cli, 1);
        break;
    case CTRL_U:
        erase_typed(cli, CLI_LINE_MAX);
        cli->too_long = false;
        break;
    case CTRL_C:
        interrupt_line(cli);
        break;
    case ESC:
        cli->escape = ESCAPE_BEGUN;
        break;
    case '\t':
        type_character(cli, ' ');
        break;
    default:
        break;
    }
}

/* Ctrl-C ends what goes on; all else has come too early. */
static void held_character(struct cli *cli, char c)
{
    if (c != CTRL_C)
        return;
    cli_print(cli, "^C\n");
    cli_release(cli);
}

static void input_character(struct cli *cli, char c)
{
    if (cli->held != NULL) {
        held_character(cli, c);
        return;
    }
    const bool is_control = (unsigned char)c < ' ' || c == DEL;
    const bool ends_crlf = cli->after_cr && c == '\n';
    cli->after_cr = c == '\r';
    if (ends_crlf)
        return;
    if (is_control)
        cli->escape = ESCAPE_NONE;
    if (cli->escape != ESCAPE_NONE)
        escape_character(cli, c);
    else if (edited(cli, (unsigned char)c))
        ;
    else if (is_control)
        control_character(cli, c);
    else
        type_character(cli, c);
}

void cli_input(struct cli *cli, const void *data, size_t length)
{
    const char *text = data;
    for (size_t i = 0; i < length; i++)
        input_character(cli, text[i]);
}
