/* The log must not make anybody wait, and must say what is missing in it. */
#include <event2/event.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "cloud/core/ground/log.h"
#include "cloud/loop/log.h"

#define LINES 20000

struct reader {
    int real_stdout, pipe;
    char text[4096];
};

/* Puts a pipe in place of stdout. */
static struct reader begin(void)
{
    int ends[2];
    fflush(stdout);
    assert_int_equal(pipe(ends), 0);
    struct reader reader = {.real_stdout = dup(STDOUT_FILENO), .pipe = ends[0]};
    dup2(ends[1], STDOUT_FILENO);
    close(ends[1]);
    fcntl(reader.pipe, F_SETFL, O_NONBLOCK);
    return reader;
}

static void end(struct reader *reader)
{
    dup2(reader->real_stdout, STDOUT_FILENO);
    close(reader->real_stdout);
    close(reader->pipe);
}

/* Takes all that is there, and counts its lines; the last of them stay in reader->text. */
static unsigned take(struct reader *reader)
{
    unsigned lines = 0;
    ssize_t length;
    while ((length = read(reader->pipe, reader->text, sizeof reader->text - 1)) > 0) {
        reader->text[length] = '\0';
        for (ssize_t i = 0; i < length; i++)
            lines += reader->text[i] == '\n';
    }
    return lines;
}

static void a_log_that_nobody_reads_makes_nobody_wait_and_counts_what_is_missing(void **state)
{
    struct event_base *base = event_base_new();
    struct reader reader = begin();
    unsigned lines = 0, missing = 0, now;
    char wanted[64];
    (void)state;
    alarm(60); /* it used to wait here for ever */
    loop_log(base);
    for (int i = 0; i < LINES; i++)
        cloud_log("test", "line %d of a cloud with much to tell", i);
    do {
        now = take(&reader);
        lines += now;
        event_base_loop(base, EVLOOP_NONBLOCK);
    } while (now > 0);
    alarm(0);
    const char *confession = strstr(reader.text, "lines are missing here");
    loop_log(NULL);
    end(&reader);
    event_base_free(base);
    assert_true(lines > 1000 && lines < LINES);
    assert_non_null(confession);
    while (confession > reader.text && confession[-1] != '\n')
        confession--;
    assert_int_equal(sscanf(confession, "%*s log %u", &missing), 1);
    assert_int_equal(missing,
                     LINES - (lines - 2)); /* this line, and the one that it stands before */
    snprintf(wanted, sizeof wanted, "log      is read again\n");
    assert_non_null(strstr(reader.text, wanted));
}

static void lines_keep_their_order_around_a_pause(void **state)
{
    struct event_base *base = event_base_new();
    struct reader reader = begin();
    (void)state;
    loop_log(base);
    cloud_log("test", "first");
    cloud_log("test", "second\033[2J");
    unsigned lines = take(&reader);
    loop_log(NULL);
    end(&reader);
    event_base_free(base);
    assert_int_equal(lines, 2);
    assert_true(strstr(reader.text, "first") < strstr(reader.text, "second?[2J"));
}

static void a_reader_that_is_gone_does_no_harm(void **state)
{
    struct reader reader = begin();
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    close(reader.pipe);
    for (int i = 0; i < LINES; i++)
        cloud_log("test", "to nobody");
    reader.pipe = dup(reader.real_stdout);
    end(&reader);
}

static void as_json_each_line_is_an_object_whatever_a_stranger_is_called(void **state)
{
    struct event_base *base = event_base_new();
    (void)state;
    struct reader reader = begin();
    loop_log(base);
    loop_log_format(LOOP_LOG_JSON);
    cloud_log("gateway", "a \"%s\" \\ came\n", "\xc3\xa4\xff\x01\xed\xa0\x80");
    assert_int_equal(take(&reader), 1);
    loop_log_format(LOOP_LOG_TEXT);
    loop_log(NULL);
    end(&reader);
    event_base_free(base);
    json_error_t error;
    json_t *line = json_loads(reader.text, 0, &error);
    assert_string_equal(line ? "" : error.text, "");
    assert_string_equal(json_string_value(json_object_get(line, "area")), "gateway");
    assert_string_equal(/* control characters were replaced before */
                        json_string_value(json_object_get(line, "message")),
                        "a \"\xc3\xa4\xef\xbf\xbd?\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\" \\ came?");
    json_decref(line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_that_nobody_reads_makes_nobody_wait_and_counts_what_is_missing),
        cmocka_unit_test(lines_keep_their_order_around_a_pause),
        cmocka_unit_test(a_reader_that_is_gone_does_no_harm),
        cmocka_unit_test(as_json_each_line_is_an_object_whatever_a_stranger_is_called),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
