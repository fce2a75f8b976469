/* The line editor, arguments and paste. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/cli.h"

static struct cli cli;
static char output[8192];
static size_t output_length;
static char called[512]; /* "name|argument|argument;" for each call */
static char pasted[256];
static size_t pasted_length;
static otter_status paste_status;
static int pastes;
static char paste_buffer[64];
static char big_buffer[2000];

static void write_output(void *context, const char *text, size_t length)
{
    assert_ptr_equal(context, &cli);
    assert_true(output_length + length < sizeof output);
    memcpy(output + output_length, text, length);
    output_length += length;
    output[output_length] = '\0';
}

static void note_call(struct cli *unused, int argc, char **argv)
{
    (void)unused;
    assert_null(argv[argc]);
    for (int i = 0; i < argc; i++) {
        strcat(called, i > 0 ? "|" : "");
        strcat(called, argv[i]);
    }
    strcat(called, ";");
}

static void paste_done(struct cli *unused, otter_status status, char *text, size_t length)
{
    (void)unused;
    assert_int_equal(text[length], '\0');
    memcpy(pasted, text, length + 1);
    pasted_length = length;
    paste_status = status;
    pastes++;
}

static void note_big(struct cli *unused, otter_status status, char *text, size_t length)
{
    (void)unused;
    assert_int_equal(strlen(text), length);
    paste_status = status;
    pastes++;
}

static void run_paste(struct cli *to, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    cli_begin_paste(to, paste_buffer, sizeof paste_buffer, paste_done);
}

static void run_big_paste(struct cli *to, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    cli_begin_paste(to, big_buffer, sizeof big_buffer, note_big);
}

static const struct cli_command commands[] = {
    {"run", "Run", "    usage\n", note_call},
    {"paste", "Paste", "", run_paste},
    {"big", "Paste more", "", run_big_paste},
};

static const struct cli_table table = {commands, 3, NULL};
static struct cli_part parts[3];

static int set_up(void **state)
{
    (void)state;
    cli_init(&cli, "> ", write_output, &cli);
    cli_add(&cli, &parts[0], &table, &parts);
    output_length = 0;
    output[0] = called[0] = pasted[0] = '\0';
    pastes = 0;
    return 0;
}

static void type(const char *text)
{
    cli_input(&cli, text, strlen(text));
}

static void cr_lf_and_crlf_each_end_one_line(void **state)
{
    (void)state;
    type("run 1\rrun 2\nrun 3\r\nrun 4\r\n");
    assert_string_equal(called, "run|1;run|2;run|3;run|4;");
}

static void what_is_typed_is_echoed_and_the_prompt_follows(void **state)
{
    (void)state;
    cli_prompt(&cli);
    type("run 1\r\n");
    assert_string_equal(output, "> run 1\r\n> ");
}

static void bytes_one_by_one_are_the_same_as_all_at_once(void **state)
{
    (void)state;
    const char *text = "run 1\r\nrun 2\r\n";
    for (size_t i = 0; i < strlen(text); i++)
        cli_input(&cli, text + i, 1);
    assert_string_equal(called, "run|1;run|2;");
}

static void an_empty_line_only_shows_the_prompt_again(void **state)
{
    (void)state;
    type("\n  \n");
    assert_string_equal(called, "");
    assert_string_equal(output, "\r\n>   \r\n> ");
}

static void backspace_and_delete_take_back_a_character(void **state)
{
    (void)state;
    type("\b\brun 12\b\x7f"
         "3\n");
    assert_string_equal(called, "run|3;");
}

static void ctrl_u_clears_the_line(void **state)
{
    (void)state;
    type("nonsense\x15run 1\n");
    assert_string_equal(called, "run|1;");
}

static void ctrl_c_drops_the_line(void **state)
{
    (void)state;
    type("run 1\x03");
    assert_string_equal(output, "run 1^C\r\n> ");
    type("\n");
    assert_string_equal(called, "");
}

static void arrow_up_brings_the_last_line_back(void **state)
{
    (void)state;
    type("run \"a b\" c\nxx\x1b[A\b2\n");
    assert_string_equal(called, "run|a b|c;run|a b|2;");
}

static void other_escape_sequences_are_swallowed(void **state)
{
    (void)state;
    type("run \x1b[C1\x1b[5~2\x1bOP3\x1b[200~4\n");
    assert_string_equal(called, "run|1234;");
}

static void quotes_and_backslashes_keep_blanks(void **state)
{
    (void)state;
    type("run \"a b\" 'c \"d' e\\ f \"\" g'h i'j \\\" \"k\\\"l\"\n");
    assert_string_equal(called, "run|a b|c \"d|e f||gh ij|\"|k\"l;");
}

static void a_quotation_that_does_not_end_runs_nothing(void **state)
{
    (void)state;
    type("run \"a b\nrun 'c\n");
    assert_string_equal(called, "");
    assert_non_null(strstr(output, "A quotation is not closed"));
}

static void more_arguments_than_allowed_run_nothing(void **state)
{
    (void)state;
    type("run 1 2 3 4 5 6 7\nrun 1 2 3 4 5 6 7 8\n");
    assert_string_equal(called, "run|1|2|3|4|5|6|7;");
    assert_non_null(strstr(output, "Too many arguments: at most 8"));
}

static void an_unknown_command_is_named(void **state)
{
    (void)state;
    type("rnu 1\n");
    assert_non_null(strstr(output, "Unknown command 'rnu': see 'help'. Did you mean run?"));
}

static void names_like_the_mistyped_one_are_listed_and_no_others(void **state)
{
    (void)state;
    static const struct {
        const char *word, *name;
        bool like;
    } cases[] = {
        {"mqtt_prot", "mqtt_port", true},
        {"mqttport", "mqtt_port", true},
        {"mqtt_portt", "mqtt_port", true},
        {"mqtt", "mqtt_port", true},
        {"mqtt_porting", "mqtt_port", true},
        {"thing-name", "thing_name", true},
        {"xhing_name", "thing_name", true},
        {"me", "kv", false},
        {"colour", "connect_spread_s", false},
        {"m", "mqtt_port", false},
        {"", "kv", false},
        {"aaaa", "aa", true},
        {"abab", "baba", false},
        {"wifi_ssid", "mqtt_port", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(cli_guess(&cli, cases[i].word, cases[i].name, 0), cases[i].like);
        assert_int_equal(cli_guess(&cli, cases[i].name, cases[i].word, 0), cases[i].like);
    }
    output_length = 0;
    unsigned guesses = cli_guess(&cli, "wifi", "wifi_ssid", 0);
    cli_end_guess(&cli, cli_guess(&cli, "wifi", "wifi_credential", guesses));
    assert_string_equal(output, " Did you mean wifi_ssid, wifi_credential?\r\n");
}

/* --- tables --- */

static void note_context(struct cli *to, int argc, char **argv)
{
    (void)argc;
    cli_printf(to, "%s of %s\n", argv[0], (const char *)cli_context(to));
}

static void context_paste_done(struct cli *to, otter_status status, char *text, size_t length)
{
    (void)status, (void)text, (void)length;
    cli_printf(to, "pasted to %s\n", (const char *)cli_context(to));
}

static void paste_to_context(struct cli *to, int argc, char **argv)
{
    (void)argc, (void)argv;
    cli_begin_paste(to, paste_buffer, sizeof paste_buffer, context_paste_done);
}

static void stat_of_context(struct cli *to)
{
    cli_printf(to, "%-5s 7 bytes\n", (const char *)cli_context(to));
}

static const struct cli_command lamp_commands[] = {
    {"led", "Switch the LED", "    led on|off\n", note_context},
    {"take", "Take a paste", "", paste_to_context},
    {"same", "The lamp's", "", note_context},
};
static const struct cli_table lamp_table = {lamp_commands, 3, stat_of_context};
static const struct cli_command base_commands[] = {
    {"help", "List commands", "", cli_help},
    {"stat", "Show figures", "", cli_stat},
    {"same", "The base's", "", note_context},
};
static const struct cli_table base_table = {base_commands, 3, stat_of_context};

static void add_base_and_lamp(void)
{
    cli_init(&cli, "> ", write_output, &cli);
    cli_add(&cli, &parts[0], &base_table, "base");
    cli_add(&cli, &parts[1], &lamp_table, "lamp");
    cli_add(&cli, &parts[2], &table, NULL);
}

/* What the device said to a line. */
static const char *answer(const char *line)
{
    output_length = 0;
    type(line);
    type("\n");
    output[output_length - 2] = '\0'; /* the prompt */
    return output + strlen(line) + 2;
}

static void help_lists_the_commands_of_all_tables_in_the_order_they_were_added(void **state)
{
    (void)state;
    add_base_and_lamp();
    assert_string_equal(answer("help"), "help     List commands\r\n"
                                        "stat     Show figures\r\n"
                                        "same     The base's\r\n"
                                        "led      Switch the LED\r\n"
                                        "take     Take a paste\r\n"
                                        "same     The lamp's\r\n"
                                        "run      Run\r\n"
                                        "paste    Paste\r\n"
                                        "big      Paste more\r\n");
    assert_string_equal(answer("help led"), "led:\r\n    Switch the LED\r\n    led on|off\r\n");
    assert_string_equal(answer("help lde"),
                        "Unknown command 'lde': see 'help'. Did you mean led?\r\n");
}

static void each_command_has_the_context_of_its_table(void **state)
{
    (void)state;
    add_base_and_lamp();
    assert_string_equal(answer("led on"), "led of lamp\r\n");
    assert_string_equal(answer("same"), "same of base\r\n");
    type("take\nAA\n");
    assert_string_equal(answer("-----END X-----"), "pasted to lamp\r\n");
}

static void stat_asks_each_table_that_has_something_to_show(void **state)
{
    (void)state;
    add_base_and_lamp();
    assert_string_equal(answer("stat"), "base  7 bytes\r\nlamp  7 bytes\r\n");
}

static void a_line_too_long_is_refused_as_a_whole(void **state)
{
    (void)state;
    type("run ");
    for (size_t i = 0; i < CLI_LINE_MAX - 4; i++)
        type("x");
    type("\n");
    assert_int_equal(strlen(called), CLI_LINE_MAX + 1);
    called[0] = '\0';
    type("run ");
    for (size_t i = 0; i < CLI_LINE_MAX - 3; i++)
        type("x");
    type("\nrun 2\n");
    assert_string_equal(called, "run|2;");
    assert_non_null(strstr(output, "Line too long"));
}

static void a_paste_ends_with_its_end_line(void **state)
{
    (void)state;
    type("paste\r\n-----BEGIN X-----\r\nAA\r\n-----END X-----\r\nrun 1\r\n");
    assert_int_equal(pastes, 1);
    assert_int_equal(paste_status, OTTER_OK);
    assert_string_equal(pasted, "-----BEGIN X-----\nAA\n-----END X-----\n");
    assert_string_equal(called, "run|1;");
}

static void a_paste_shows_no_prompt_until_it_is_over(void **state)
{
    (void)state;
    type("paste\nAA\n-----END X-----\n");
    assert_string_equal(output, "paste\r\nAA\r\n-----END X-----\r\n> ");
}

static void a_blank_line_or_ctrl_c_ends_a_paste_without_result(void **state)
{
    (void)state;
    type("paste\nAA\n\n");
    assert_int_equal(pastes, 1);
    assert_int_equal(paste_status, OTTER_E_CLOSED);
    type("paste\nAA\x03run 1\n");
    assert_int_equal(pastes, 2);
    assert_int_equal(paste_status, OTTER_E_CLOSED);
    assert_string_equal(called, "run|1;");
}

static void however_much_is_pasted_there_is_one_result_and_no_command(void **state)
{
    (void)state;
    type("paste\n");
    for (int i = 0; i < 100; i++)
        type("run away with the device\n");
    assert_int_equal(pastes, 0);
    type("-----END X-----\nrun 1\n");
    assert_int_equal(pastes, 1);
    assert_int_equal(paste_status, OTTER_E_TOO_LONG);
    assert_string_equal(called, "run|1;");
}

static void a_paste_of_any_length_stays_in_its_buffer(void **state)
{
    (void)state;
    for (size_t length = 1; length < 2 * sizeof paste_buffer; length++) {
        type("paste\n");
        for (size_t i = 0; i < length; i++)
            type("x");
        type("\n-----END \n");
        /* both lines with their newlines, the NUL, and the last byte, which marks an overflow */
        const bool fits = length + 1 + 10 + 2 <= sizeof paste_buffer;
        assert_int_equal(paste_status, fits ? OTTER_OK : OTTER_E_TOO_LONG);
        output_length = 0;
    }
}

static void a_pasted_line_may_be_longer_than_the_editor_holds(void **state)
{
    (void)state;
    for (size_t length = 1; length < 1800; length += 7) {
        char line[2000] = "-----BEGIN X-----";
        for (size_t i = 0; i < length; i++)
            line[17 + i] = (char)('A' + i % 26);
        strcpy(line + 17 + length, "-----END X-----");
        type("big\n");
        type(line);
        type("\n");
        assert_int_equal(paste_status, OTTER_OK);
        strcat(line, "\n");
        assert_string_equal(big_buffer, line);
        output_length = 0;
    }
    type("paste\n");
    for (int i = 0; i < 300; i++)
        type("x");
    type("-----END X-----\n");
    assert_int_equal(paste_status, OTTER_E_TOO_LONG);
}

static void pasted_lines_may_be_indented(void **state)
{
    (void)state;
    type("paste\n    -----BEGIN X-----\n\tAA\n    -----END X-----\n");
    assert_int_equal(paste_status, OTTER_OK);
    assert_string_equal(pasted, "-----BEGIN X-----\nAA\n-----END X-----\n");
}

static void a_paste_goes_on_behind_the_parameters_of_a_key(void **state)
{
    (void)state;
    type("big\n-----BEGIN EC PARAMETERS-----\nBg==\n-----END EC PARAMETERS-----\n");
    assert_int_equal(pastes, 0);
    type("-----BEGIN EC PRIVATE KEY-----\nAA==\n-----END EC PRIVATE KEY-----\nrun 1\n");
    assert_int_equal(pastes, 1);
    assert_int_equal(paste_status, OTTER_OK);
    assert_string_equal(called, "run|1;");
    type("big\n-----BEGIN EC PARAMETERS-----Bg==-----END EC PARAMETERS----------BEGIN EC PRIVATE "
         "KEY-----AA==-----END EC PRIVATE KEY-----\n");
    assert_int_equal(pastes, 2);
}

static unsigned count_of(const char *text)
{
    unsigned count = 0;
    for (const char *next = output; (next = strstr(next, text)) != NULL; next++)
        count++;
    return count;
}

static void a_paste_that_nothing_asked_for_is_refused_once_and_runs_nothing(void **state)
{
    (void)state;
    static const char second[] = "-----BEGIN X-----\nrun BB\nrun CC\n-----END X-----\n";
    type("paste\n-----BEGIN X-----\nAA\n-----END X-----\n");
    type(second);
    assert_int_equal(pastes, 1);
    assert_int_equal(count_of("Pasted text refused: no command asks for it."), 1);
    type(second);
    type("  -----BEGIN X-----DD-----END X-----\n");
    assert_int_equal(count_of("Pasted text refused"), 3);
    assert_int_equal(count_of("Unknown command"), 0);
    assert_string_equal(called, "");
    type("run 1\n");
    assert_string_equal(called, "run|1;");
}

/* As the firmware does around each line of its log. */
static void log_something(void)
{
    cli_make_way(&cli);
    write_output(&cli, "<ERR>\r\n", 7);
    cli_come_back(&cli);
}

static void run_noisy(struct cli *to, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    cli_print(to, "one ");
    log_something();
    cli_print(to, "two\n");
    log_something();
}

static void a_log_line_does_not_run_into_what_is_typed(void **state)
{
    (void)state;
    type("ru");
    log_something();
    type("n 1\n");
    log_something();
    assert_string_equal(output, "ru\r\n<ERR>\r\n> run 1\r\n> <ERR>\r\n");
    assert_string_equal(called, "run|1;");
}

static void a_log_line_does_not_run_into_what_a_command_says(void **state)
{
    (void)state;
    static const struct cli_command noisy = {"noisy", "", "", run_noisy};
    static const struct cli_table noise = {&noisy, 1, NULL};
    cli_add(&cli, &parts[1], &noise, NULL);
    type("noisy\n");
    assert_string_equal(output, "noisy\r\none \r\n<ERR>\r\ntwo\r\n<ERR>\r\n> ");
}

static void arrow_up_in_a_paste_does_nothing(void **state)
{
    (void)state;
    type("paste\n\x1b[A-----END X-----\n");
    assert_string_equal(pasted, "-----END X-----\n");
}

static void output_over_the_limit_is_cut(void **state)
{
    (void)state;
    cli_printf(&cli, "%*d\n", 1000, 1);
    assert_int_equal(output_length, CLI_OUTPUT_MAX - 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, set_up)
    const struct CMUnitTest tests[] = {
        TEST(cr_lf_and_crlf_each_end_one_line),
        TEST(what_is_typed_is_echoed_and_the_prompt_follows),
        TEST(bytes_one_by_one_are_the_same_as_all_at_once),
        TEST(an_empty_line_only_shows_the_prompt_again),
        TEST(backspace_and_delete_take_back_a_character),
        TEST(ctrl_u_clears_the_line),
        TEST(ctrl_c_drops_the_line),
        TEST(arrow_up_brings_the_last_line_back),
        TEST(other_escape_sequences_are_swallowed),
        TEST(quotes_and_backslashes_keep_blanks),
        TEST(a_quotation_that_does_not_end_runs_nothing),
        TEST(more_arguments_than_allowed_run_nothing),
        TEST(an_unknown_command_is_named),
        TEST(names_like_the_mistyped_one_are_listed_and_no_others),
        TEST(help_lists_the_commands_of_all_tables_in_the_order_they_were_added),
        TEST(each_command_has_the_context_of_its_table),
        TEST(stat_asks_each_table_that_has_something_to_show),
        TEST(a_line_too_long_is_refused_as_a_whole),
        TEST(a_paste_ends_with_its_end_line),
        TEST(a_paste_shows_no_prompt_until_it_is_over),
        TEST(a_blank_line_or_ctrl_c_ends_a_paste_without_result),
        TEST(however_much_is_pasted_there_is_one_result_and_no_command),
        TEST(a_paste_of_any_length_stays_in_its_buffer),
        TEST(a_pasted_line_may_be_longer_than_the_editor_holds),
        TEST(pasted_lines_may_be_indented),
        TEST(a_paste_goes_on_behind_the_parameters_of_a_key),
        TEST(a_paste_that_nothing_asked_for_is_refused_once_and_runs_nothing),
        TEST(a_log_line_does_not_run_into_what_is_typed),
        TEST(a_log_line_does_not_run_into_what_a_command_says),
        TEST(arrow_up_in_a_paste_does_nothing),
        TEST(output_over_the_limit_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
