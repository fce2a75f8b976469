/* What the demo shows on a terminal: whatever its width, every line fits, and commands, put
 * together as a shell does, are those that were given. */
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tool/demo/screen.h"

/* Runs `show` on a terminal that cannot move its cursor; what it printed. */
static const char *shown(unsigned short width, void (*show)(void))
{
    static char text[16384];
    struct winsize window = {.ws_row = 24, .ws_col = width};
    size_t size = 0;
    ssize_t got;
    int terminal, status;
    pid_t child = forkpty(&terminal, NULL, NULL, &window);

    assert_true(child >= 0);
    if (child == 0) {
        setenv("TERM", "dumb", 1);
        screen_start(false);
        show();
        fflush(stdout);
        _exit(0);
    }
    while (size < sizeof text - 1 &&
           (got = read(terminal, text + size, sizeof text - 1 - size)) > 0)
        size += (size_t)got;
    close(terminal);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    text[size] = '\0';
    return text;
}

static void every_line_fits(const char *text, size_t width)
{
    for (size_t length; *text; text += length + strspn(text + length, "\r\n")) {
        length = strcspn(text, "\r\n");
        assert_in_range(length, 0, width);
    }
}

/* As a shell reads it: without the prompt, lines that end in a backslash joined, blanks between
 * words one each. */
static void as_a_shell_reads(const char *text, char *out)
{
    char last = ' ';

    text = strstr(text, "$ ") + 2;
    for (; *text; text++) {
        if (strncmp(text, "\\\r\n", 3) == 0) {
            text += 2;
        } else if (*text != '\r' && *text != '\n' && !(*text == ' ' && last == ' ')) {
            *out++ = last = *text;
        }
    }
    *out = '\0';
}

static const char *const command[] = {"./otter",
                                      "sign",
                                      "-k",
                                      "board/keys/boot-signing.pem",
                                      "--header-size",
                                      "4096",
                                      "board/firmware/firmware-1.0.0.bin",
                                      "firmware-1.0.0.signed.bin",
                                      "-S",
                                      "0x73000",
                                      NULL};

static void show_command(void)
{
    screen_command(command, ">> device.log &");
}

static void a_command_keeps_its_words_at_every_width(void **state)
{
    char typed[1024];

    (void)state;
    for (unsigned short width = 24; width <= 120; width++) {
        const char *text = shown(width, show_command);

        every_line_fits(text, width);
        as_a_shell_reads(text, typed);
        assert_string_equal(typed, "./otter sign -k board/keys/boot-signing.pem --header-size 4096 "
                                   "board/firmware/firmware-1.0.0.bin firmware-1.0.0.signed.bin "
                                   "-S 0x73000 >> device.log &");
    }
}

static void show_progress(void)
{
    struct screen_progress progress = {38, 40, 155648, 163840, 1.0};

    screen_progress(&progress);
}

static void the_figures_of_a_download_fit_a_terminal_without_a_bar(void **state)
{
    (void)state;
    for (unsigned short width = 24; width <= 100; width += 4)
        every_line_fits(shown(width, show_progress), width);
    assert_non_null(strstr(shown(40, show_progress), "block 38/40"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_keeps_its_words_at_every_width),
        cmocka_unit_test(the_figures_of_a_download_fit_a_terminal_without_a_bar),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
