/* Editing a line, as a person at a terminal sees it: what is on the screen is the line, and the
 * cursor stands where the next character goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/cli_edit.h"

static struct cli cli;
static struct cli_editor editor;
static struct cli_part part;
static char called[8192];

/* --- the terminal: a row as wide as it takes, and those before --- */

static char row[1024];
static size_t column;
static char above[16384];

static void show(void *context, const char *text, size_t length)
{
    (void)context;
    for (size_t i = 0; i < length; i++) {
        assert_true(column + 1 < sizeof row);
        if (text[i] == '\b') {
            assert_true(column > 0);
            column--;
        } else if (text[i] == '\r') {
            column = 0;
        } else if (text[i] == '\n') {
            assert_true(strlen(above) + strlen(row) + 2 < sizeof above);
            strcat(above, row);
            strcat(above, "\n");
            memset(row, 0, sizeof row);
        } else {
            row[column++] = text[i];
        }
    }
}

/* The row without the blanks behind it: these were characters once. */
static const char *seen(void)
{
    static char text[sizeof row];
    strcpy(text, row);
    size_t length = strlen(text);
    while (length > column && text[length - 1] == ' ')
        text[--length] = '\0';
    return text;
}

/* --- the console --- */

static void note(struct cli *console, int argc, char **argv)
{
    called[0] = '\0';
    for (int i = 0; i < argc; i++) {
        strcat(called, i > 0 ? "|" : "");
        strcat(called, argv[i]);
        if (strcmp(argv[i], "secret") == 0)
            cli_forget(console);
    }
}

static const struct cli_command commands[] = {{"help", "", "", note},
                                              {"conf", "", "", note},
                                              {"kill", "", "", note},
                                              {"killall", "", "", note}};
static const struct cli_table table = {commands, 4, NULL};

static const char *words(struct cli *unused, const char *command, unsigned index)
{
    static const char *const conf[] = {"get", "set", "wifi_ssid", "wifi_credential", NULL};
    (void)unused;
    return strcmp(command, "conf") == 0 ? conf[index] : NULL;
}

static int set_up(void **state)
{
    (void)state;
    memset(row, 0, sizeof row);
    column = 0;
    above[0] = called[0] = '\0';
    cli_init(&cli, "> ", show, NULL);
    cli_add(&cli, &part, &table, NULL);
    cli_edit(&cli, &editor, words);
    cli_prompt(&cli);
    return 0;
}

static void type(const char *keys)
{
    cli_input(&cli, keys, strlen(keys));
}

#define UP    "\x1b[A"
#define DOWN  "\x1b[B"
#define RIGHT "\x1b[C"
#define LEFT  "\x1b[D"

static void what_is_typed_in_the_middle_is_inserted_there(void **state)
{
    (void)state;
    type("conf st a" LEFT LEFT LEFT "e");
    assert_string_equal(seen(), "> conf set a");
    assert_int_equal(column, 9);
    type("\x1b[H" RIGHT "\x1b[3~\x01" RIGHT "o\x05!\b\r");
    assert_string_equal(called, "conf|set|a");
}

static void words_and_rests_are_taken_away(void **state)
{
    (void)state;
    type("conf set wifi_ssid  home\x17");
    assert_string_equal(seen(), "> conf set wifi_ssid  ");
    type("\x17");
    assert_string_equal(seen(), "> conf set ");
    type(LEFT LEFT LEFT "\x0b");
    assert_string_equal(seen(), "> conf s");
    type("\x01\x0bkill 3\r");
    assert_string_equal(called, "kill|3");
}

static void lines_before_come_back_the_last_first(void **state)
{
    (void)state;
    type("conf get a\rconf get b\rconf get b\rhelp x\r");
    type(UP);
    assert_string_equal(seen(), "> help x");
    type(UP UP);
    assert_string_equal(seen(), "> conf get a");
    type(UP DOWN "2\r");
    assert_string_equal(called, "conf|get|b2");
    type(UP DOWN);
    assert_string_equal(seen(), "> ");
}

static void a_line_with_a_secret_does_not_come_back(void **state)
{
    (void)state;
    type("conf secret\r" UP);
    assert_string_equal(seen(), "> ");
    type("help a\rconf secret\rconf secret\r" UP);
    assert_string_equal(seen(), "> help a");
    type(UP "\r" UP);
    assert_string_equal(seen(), "> help a");
    type(DOWN "conf secret\rkill 1\r" UP UP);
    assert_string_equal(seen(), "> help a");
}

static void the_history_keeps_the_newest_that_fit(void **state)
{
    char line[64];
    (void)state;
    for (int i = 0; i < 100; i++) {
        snprintf(line, sizeof line, "kill %d\r", i);
        type(line);
    }
    type(UP);
    assert_string_equal(seen(), "> kill 99");
    for (int i = 0; i < 200; i++)
        type(UP);
    assert_string_equal(seen(), "> kill 52"); /* 48 lines of 8 bytes */
}

static void tab_completes_and_twice_shows_what_is_possible(void **state)
{
    (void)state;
    type("c\t");
    assert_string_equal(seen(), "> conf ");
    type("s\tw\t");
    assert_string_equal(seen(), "> conf set wifi_");
    type("\t");
    assert_non_null(strstr(above, "wifi_ssid  wifi_credential\n"));
    assert_string_equal(seen(), "> conf set wifi_");
    type("s\tx\r");
    assert_string_equal(called, "conf|set|wifi_ssid|x");
    type("ki\ta\t");
    assert_string_equal(seen(), "> killall ");
    type("\x15nothing\t\t");
    assert_string_equal(seen(), "> nothing");
    type("\x15help con\t\r");
    assert_string_equal(called, "help|conf");
}

static void a_log_line_leaves_line_and_cursor(void **state)
{
    (void)state;
    type("conf get" LEFT LEFT);
    cli_make_way(&cli);
    show(NULL, "log\r\n", 5);
    cli_come_back(&cli);
    assert_string_equal(seen(), "> conf get");
    assert_int_equal(column, 8);
}

static void ctrl_c_and_ctrl_u_drop_the_whole_line(void **state)
{
    (void)state;
    type("conf get" LEFT LEFT "\x15kill" LEFT "\x03help\r");
    assert_string_equal(called, "help");
    assert_string_equal(seen(), "> ");
}

/* Keys at random, as many as a person types in a day. */
static void the_screen_shows_the_line_and_the_cursor_whatever_is_typed(void **state)
{
    static const char *const keys[] = {
        "a",    "b",    " ",    "conf", UP,   DOWN,   RIGHT, LEFT,   "\b",      "\x7f",   "\x01",
        "\x05", "\x0b", "\x17", "\x04", "\t", "\x15", "\r",  "\x03", "\x1b[3~", "\x1b[H", "\x1b[F"};
    uint32_t seed = 1;
    char expected[CLI_LINE_MAX + 3];
    (void)state;
    for (int i = 0; i < 20000; i++) {
        seed = seed * 1103515245u + 12345u;
        type(keys[(seed >> 16) % (sizeof keys / sizeof *keys)]);
        above[0] = '\0';
        snprintf(expected, sizeof expected, "> %s", cli.line);
        assert_int_equal(strlen(cli.line), cli.length);
        assert_memory_equal(row, expected, strlen(expected));
        assert_int_equal(strspn(row + strlen(expected), " "), strlen(row + strlen(expected)));
        assert_int_equal(column, 2 + cli.length - editor.behind);
    }
}

static void bytes_of_any_kind_do_no_harm(void **state)
{
    uint32_t seed = 7;
    (void)state;
    for (int i = 0; i < 20000; i++) {
        seed = seed * 1103515245u + 12345u;
        const char byte = (char)(seed >> 16);
        if (byte == '\r' || byte == '\n' || strlen(row) > 500)
            set_up(NULL);
        cli_input(&cli, &byte, 1);
        assert_in_range(editor.behind, 0, cli.length);
        above[0] = '\0';
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, set_up)
    const struct CMUnitTest tests[] = {
        TEST(what_is_typed_in_the_middle_is_inserted_there),
        TEST(words_and_rests_are_taken_away),
        TEST(lines_before_come_back_the_last_first),
        TEST(a_line_with_a_secret_does_not_come_back),
        TEST(the_history_keeps_the_newest_that_fit),
        TEST(tab_completes_and_twice_shows_what_is_possible),
        TEST(a_log_line_leaves_line_and_cursor),
        TEST(ctrl_c_and_ctrl_u_drop_the_whole_line),
        TEST(the_screen_shows_the_line_and_the_cursor_whatever_is_typed),
        TEST(bytes_of_any_kind_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
