/* `otter console` when one of its ends fails: it says which, and gives the terminal back.
 *
 *   test_tool_console OTTER */
#include <fcntl.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

static const char *otter;

/* The device's side: a socket in a folder of its own. */
static char folder[] = "/tmp/otter-console-XXXXXX";
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static int listener;
static char name[128];

static int listen_as_device(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(address.sun_path, sizeof address.sun_path, "%s/port", folder);
    snprintf(name, sizeof name, "unix:%s", address.sun_path);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return bind(listener, (const struct sockaddr *)&address, sizeof address) != 0 ||
           listen(listener, 4) != 0;
}

static int remove_device(void **state)
{
    (void)state;
    close(listener);
    unlink(address.sun_path);
    return rmdir(folder);
}

struct console {
    pid_t process;
    int device;   /* the far end of its line */
    FILE *errors; /* what it says on stderr */
};

static struct console start(const char *input, const char *output)
{
    struct console console = {.errors = tmpfile()};

    assert_non_null(console.errors);
    console.process = fork();
    assert_true(console.process >= 0);
    if (console.process == 0) {
        dup2(open(input, O_RDONLY), STDIN_FILENO);
        dup2(open(output, O_WRONLY), STDOUT_FILENO);
        dup2(fileno(console.errors), STDERR_FILENO);
        execl(otter, otter, "console", name, (char *)NULL);
        _exit(127);
    }
    console.device = accept(listener, NULL, NULL);
    assert_true(console.device >= 0);
    return console;
}

static void fails_saying(struct console *console, const char *text)
{
    char said[512];
    size_t length;
    int status;

    assert_int_equal(waitpid(console->process, &status, 0), console->process);
    rewind(console->errors);
    length = fread(said, 1, sizeof said - 1, console->errors);
    said[length] = '\0';
    fclose(console->errors);
    close(console->device);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
    assert_non_null(strstr(said, text));
}

static void input_that_the_device_does_not_take_is_an_error(void **state)
{
    struct console console = start("/dev/zero", "/dev/null");

    (void)state;
    fails_saying(&console, "takes no more input");
}

static void a_device_that_hangs_up_while_it_is_typed_to_is_an_error(void **state)
{
    struct console console = start("/dev/zero", "/dev/null");
    char typed[64];

    (void)state;
    assert_true(read(console.device, typed, sizeof typed) > 0);
    shutdown(console.device, SHUT_RDWR);
    fails_saying(&console, "otter console: the device");
}

static void output_that_has_nowhere_to_go_is_an_error(void **state)
{
    struct console console = start("/dev/null", "/dev/full");

    (void)state;
    assert_int_equal(write(console.device, "hello", 5), 5);
    fails_saying(&console, "cannot write to stdout");
}

static bool is_cooked(int terminal)
{
    struct termios mode;

    assert_int_equal(tcgetattr(terminal, &mode), 0);
    return (mode.c_lflag & (ICANON | ECHO)) == (ICANON | ECHO);
}

static void the_terminal_is_given_back_when_told_to_end(void **state)
{
    static const int signals[] = {SIGTERM, SIGHUP, SIGINT};

    (void)state;
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        char said[256] = "";
        size_t length = 0;
        int terminal, far_end, status;
        pid_t child = forkpty(&terminal, NULL, NULL, NULL);

        assert_true(child >= 0);
        if (child == 0) {
            execl(otter, otter, "console", name, (char *)NULL);
            _exit(127);
        }
        far_end = accept(listener, NULL, NULL);
        while (strstr(said, "leaves") == NULL) { /* said once the terminal is raw */
            ssize_t got = read(terminal, said + length, sizeof said - 1 - length);
            assert_true(got > 0);
            length += (size_t)got;
            said[length] = '\0';
        }
        assert_false(is_cooked(terminal));
        kill(child, signals[i]);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(is_cooked(terminal));
        assert_int_equal(WEXITSTATUS(status), 128 + signals[i]);
        close(terminal);
        close(far_end);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(input_that_the_device_does_not_take_is_an_error),
        cmocka_unit_test(a_device_that_hangs_up_while_it_is_typed_to_is_an_error),
        cmocka_unit_test(output_that_has_nowhere_to_go_is_an_error),
        cmocka_unit_test(the_terminal_is_given_back_when_told_to_end),
    };

    if (argc != 2) {
        fprintf(stderr, "usage: test_tool_console OTTER\n");
        return 2;
    }
    otter = argv[1];
    return cmocka_run_group_tests(tests, listen_as_device, remove_device);
}
