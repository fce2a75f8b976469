/* otter modem: the model of an ESP8266 behind an emulated board's UART, with real TCP sockets. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "tool/arguments.h"
#include "tool/command.h"
#include "tool/values.h"
#include "twin/modem/radio.h"

static const struct option options[] = {
    {'s', "socket", "PATH", "Unix socket that the UART connects to; made anew"},
    {'n', "ssid", "NAME", "the access point that is there (workshop)"},
    {'p', "password", "TEXT", "its password (otter-demo)"},
    {'a', "at", "1|2", "speaks as AT firmware 1.7 (default) or 2.2"},
    {'d', "delay", "MS", "between a command and its answer: 0 to 60000 (1)"},
    {'f', "fault", "KIND[@N]",
     "goes wrong once, at the N-th command after power-on (1): see above"},
    {0},
};

static const struct usage usage = {
    .command = "modem",
    .operands = "--socket PATH [OPTION]...",
    .summary =
        "Plays an ESP8266 with Espressif's AT firmware at the UART of an emulated board. Each\n"
        "connection to the socket is a power-on; what it connects to are real servers.\n"
        "Kinds of faults: busy, mute, hangs, restarts, noise, loses, refuses, no-prompt,\n"
        "send-fail, drops, eats, no-wifi.",
    .options = options,
    .examples = "  otter modem --socket modem.sock &\n"
                "  qemu-system-arm ... -chardev socket,id=modem,path=modem.sock -serial stdio \\\n"
                "      -serial chardev:modem\n",
};

struct job {
    const char *path;
    struct model_config config;
};

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int listen_on(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const size_t length = strlen(path);
    const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    if (length >= sizeof address.sun_path)
        errno = ENAMETOOLONG;
    else {
        memcpy(address.sun_path, path, length + 1);
        unlink(path);
        if (listener >= 0 && bind(listener, (struct sockaddr *)&address, sizeof address) == 0 &&
            listen(listener, 1) == 0)
            return listener;
    }
    fprintf(stderr, "otter modem: cannot listen on %s: %s\n", path, strerror(errno));
    if (listener >= 0)
        close(listener);
    return -1;
}

static int wait_ms(const struct esp8266_model *model, uint64_t now)
{
    const uint64_t due = esp8266_model_deadline(model);
    return due <= now ? 0 : due - now < 1000 ? (int)(due - now) : 1000;
}

/* Bytes to the board; what its UART does not take yet waits in the model. */
static bool write_some(struct esp8266_model *model, int uart)
{
    uint8_t bytes[512];
    size_t length;
    while ((length = esp8266_model_output(model, bytes, sizeof bytes)) > 0) {
        for (size_t sent = 0; sent < length;) {
            const ssize_t moved = send(uart, bytes + sent, length - sent, MSG_NOSIGNAL);
            if (moved < 0 && errno != EINTR)
                return false;
            sent += moved > 0 ? (size_t)moved : 0;
        }
    }
    return true;
}

/* From power-on until the board's power is off: the UART's end is closed. */
static void serve(const struct job *job, int uart)
{
    static struct esp8266_model model;
    struct radio radio;
    struct pollfd polls[1 + MODEL_LINKS];
    bool powered = true;
    radio_open(&radio);
    esp8266_model_init(&model, &job->config, &radio.network, now_ms());
    while (powered) {
        uint8_t bytes[512];
        esp8266_model_tick(&model, now_ms());
        powered = write_some(&model, uart);
        polls[0] = (struct pollfd){uart, POLLIN, 0};
        const unsigned links = radio_poll(&radio, &model, polls + 1);
        if (poll(polls, 1 + links, wait_ms(&model, now_ms())) <= 0 || polls[0].revents == 0)
            continue;
        const ssize_t got = recv(uart, bytes, sizeof bytes, 0);
        if (got > 0)
            esp8266_model_input(&model, now_ms(), bytes, (size_t)got);
        else if (got == 0 || errno != EINTR)
            powered = false;
    }
    radio_close(&radio);
}

static int start(const struct job *job)
{
    const int listener = listen_on(job->path);
    if (listener < 0)
        return 1;
    signal(SIGPIPE, SIG_IGN);
    for (;;) {
        const int uart = accept(listener, NULL, NULL);
        if (uart < 0 && errno != EINTR) {
            fprintf(stderr, "otter modem: %s: %s\n", job->path, strerror(errno));
            return 1;
        }
        if (uart >= 0) {
            serve(job, uart);
            close(uart);
        }
    }
}

static int take_option(struct job *job, int option, const char *value)
{
    uint32_t number = 0;
    const bool dialect = option == 'a';
    switch (option) {
    case 's':
        job->path = value;
        return 0;
    case 'n':
        job->config.ssid = value;
        return 0;
    case 'p':
        job->config.password = value;
        return 0;
    case 'f':
        return esp8266_model_take_fault(&job->config, value)
                   ? 0
                   : usage_wrong_value(&usage, 'f', value);
    }
    if (!value_number(value, dialect ? 2 : 60000, &number) || (dialect && number == 0))
        return usage_wrong_value(&usage, option, value);
    if (dialect)
        job->config.major = number;
    else
        job->config.delay_ms = number;
    return 0;
}

int command_modem(int argc, char **argv)
{
    struct job job = {.config = MODEL_DEFAULTS};
    struct arguments arguments;
    int got;
    arguments_start(&arguments, &usage, argc, argv);
    while ((got = arguments_next(&arguments)) != ARGUMENTS_END) {
        if (got == ARGUMENTS_HELP)
            return 0;
        if (got == ARGUMENTS_WRONG)
            return 2;
        if (got == ARGUMENTS_OPERAND)
            return usage_wrong(&usage, "what is '%s' for?", arguments.value);
        const int wrong = take_option(&job, got, arguments.value);
        if (wrong)
            return wrong;
    }
    if (job.path == NULL)
        return usage_wrong(&usage, "--socket is needed");
    return start(&job);
}
