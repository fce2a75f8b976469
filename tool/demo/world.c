/* Starts, feeds, cuts and ends cloud, modem and device, and follows their logs. */
#define _GNU_SOURCE /* nftw */
#include "tool/demo/world.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tool/demo/screen.h"
#include "tool/flash_image.h"

#define BUFFER_SIZE (2 * (size_t)WORLD_PATH_MAX)

volatile sig_atomic_t world_interrupted;

double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static char *next_buffer(void)
{
    static char buffers[8][BUFFER_SIZE];
    static unsigned used;
    return buffers[used++ % 8];
}

const char *world_path(const struct world *world, const char *name)
{
    char *path = next_buffer();
    snprintf(path, BUFFER_SIZE, "%s/%s", world->folder, name);
    return path;
}

const char *world_built(const struct world *world, const char *name)
{
    char *path = next_buffer();
    (void)world;
    snprintf(path, BUFFER_SIZE, "board/%s", name);
    return path;
}

/* Short names in the work folder for what lies in the build. */
static bool link_build(const struct world *world)
{
    char target[BUFFER_SIZE];
    snprintf(target, sizeof target, "%s/otter", program_directory());
    bool done = symlink(target, world_path(world, "otter")) == 0;
    done = done && symlink(world->board.build, world_path(world, "board")) == 0;
    if (!done)
        screen_error("cannot make links in %s: %s", world->folder, strerror(errno));
    return done;
}

bool world_is_process(const struct world *world)
{
    return strcmp(world->board.port, "posix") == 0;
}

bool world_is_twin(const struct world *world)
{
    return !world_is_process(world) && strcmp(world->board.port, "mps2-an505") != 0;
}

bool world_open(struct world *world)
{
    const char *parent = getenv("TMPDIR");
    world->console = -1;
    snprintf(world->folder, sizeof world->folder, "%s/otter-demo-XXXXXX",
             parent != NULL ? parent : "/tmp");
    if (mkdtemp(world->folder) == NULL) {
        screen_error("cannot make a work folder %s: %s (set TMPDIR?)", world->folder,
                     strerror(errno));
        return false;
    }
    follow_open(&world->cloud_log, world_path(world, "cloud.log"));
    follow_open(&world->device_log, world_path(world, "device.log"));
    screen_say("All of it lies in this folder, and is typed there:");
    screen_command((const char *[]){"cd", world->folder, NULL}, "");
    return link_build(world);
}

const char *world_cloud_fact(const struct world *world, const char *member)
{
    char *text = next_buffer();
    json_t *facts = json_load_file(world_path(world, "otter-cloud/cloud.json"), 0, NULL);
    const json_t *value = json_object_get(facts, member);
    text[0] = '\0';
    if (json_is_integer(value))
        snprintf(text, 32, "%lld", (long long)json_integer_value(value));
    else if (json_is_string(value))
        snprintf(text, WORLD_PATH_MAX, "%s", json_string_value(value));
    json_decref(facts);
    return text;
}

static void show_device(struct world *world, const char *line)
{
    char shown[FOLLOW_LINE_MAX];
    switch (lines_fold(&world->lines, line, shown)) {
    case LINES_SHOW:
        screen_device(shown);
        break;
    case LINES_PASSING:
        screen_device_passing(shown);
        break;
    case LINES_HIDE:
        break;
    }
}

/* Takes and shows the next line that either of the two has printed. */
static bool next_line(struct world *world, enum source *source, char line[FOLLOW_LINE_MAX])
{
    if (follow_line(&world->cloud_log, line))
        *source = FROM_CLOUD;
    else if (follow_line(&world->device_log, line))
        *source = FROM_DEVICE;
    else
        return false;
    if (world->on_line != NULL)
        world->on_line(world->ctx, *source, line);
    if (*source == FROM_CLOUD && !world->quiet_cloud)
        screen_cloud(line);
    if (*source == FROM_DEVICE && !world->quiet_device && line[0] != '\0')
        show_device(world, line);
    return true;
}

static void show_new_lines(struct world *world)
{
    char line[FOLLOW_LINE_MAX];
    enum source source;
    while (next_line(world, &source, line))
        ;
}

static void pause_ms(unsigned ms)
{
    const struct timespec pause = {ms / 1000, (long)(ms % 1000) * 1000000};
    nanosleep(&pause, NULL);
}

void world_pump(struct world *world, unsigned ms)
{
    const double end = seconds_now() + ms / 1000.0;
    do {
        show_new_lines(world);
        pause_ms(10);
    } while (seconds_now() < end);
}

bool world_start_cloud(struct world *world)
{
    char delay[16], rate[16];
    snprintf(delay, sizeof delay, "%u", world->delay_ms);
    snprintf(rate, sizeof rate, "%u", world->rate_kib);
    const char *words[10] = {"./otter", "cloud", "--strict"};
    unsigned count = 3;
    if (world->delay_ms > 0) {
        words[count++] = "--delay";
        words[count++] = delay;
    }
    if (world->rate_kib > 0) {
        words[count++] = "--rate";
        words[count++] = rate;
    }
    if (world_is_twin(world)) {
        words[count++] = "--limit"; /* a twin computes at a fraction of its board's speed */
        words[count++] = "greeting=120";
    }
    screen_command(words, ">> cloud.log &");
    const struct child_io io = {.output = world_path(world, "cloud.log"),
                                .directory = world->folder,
                                .outlives_us = world->keep};
    if (!child_start(&world->cloud, "cloud", (char *const *)words, &io))
        return false;
    const double end = seconds_now() + 15;
    while (world_cloud_fact(world, "api_url")[0] == '\0') {
        show_new_lines(world);
        if (!child_running(&world->cloud) || seconds_now() > end) {
            screen_error("the local cloud did not come up; its log is above");
            return false;
        }
        pause_ms(10);
    }
    show_new_lines(world);
    return true;
}

bool world_make_flash(struct world *world, const char *image, const char *secure)
{
    struct failure failure;
    if (world_is_twin(world))
        return true; /* its twin is programmed with a HEX file */
    if (flash_image_make(&world->board, world_path(world, "flash.img"), world_path(world, image),
                         secure != NULL ? world_path(world, secure) : NULL, &failure) == OTTER_OK)
        return true;
    screen_error("%s", failure.text);
    return false;
}

static const char *const posix_device[] = {"board/firmware/bootloader", "--flash", "flash.img",
                                           NULL};
#define QEMU                                                                                       \
    "qemu-system-arm", "-M", "mps2-an505,memory-backend=nor", "-object",                           \
        "memory-backend-file,id=nor,size=16M,share=on,mem-path=flash.img", "-kernel",              \
        "board/firmware/bootloader.elf", "-display", "none", "-monitor", "none", "-chardev",       \
        "stdio,id=uart,signal=off", "-serial", "chardev:uart"
static const char *const qemu_device[] = {QEMU, "-nic", "user,model=lan9118", NULL};
static const char *const modem_device[] = {
    QEMU,   "-chardev", "socket,id=modem,path=modem.sock", "-serial", "chardev:modem", "-nic",
    "none", NULL};

bool world_has_modem(const struct world *world)
{
    return strcmp(world->board.network, "esp8266") == 0 ||
           strcmp(world->board.network, "emw3080") == 0;
}

/* The modem gets its power with the board: by the UART's connection. */
static bool start_modem(struct world *world)
{
    const char *const words[] = {"./otter",
                                 "modem",
                                 "--socket",
                                 "modem.sock",
                                 "--ssid",
                                 WORLD_SSID,
                                 "--password",
                                 WORLD_PASSWORD,
                                 world->modem_fault != NULL ? "--fault" : NULL,
                                 world->modem_fault,
                                 NULL};
    const struct child_io io = {.output = world_path(world, "modem.log"),
                                .directory = world->folder,
                                .outlives_us = world->keep};
    screen_command(words, ">> modem.log 2>&1 &");
    if (!child_start(&world->modem, "modem", (char *const *)words, &io))
        return false;
    const char *path = world_path(world, "modem.sock");
    const double end = seconds_now() + 10;
    while (access(path, F_OK) != 0) {
        if (!child_running(&world->modem) || seconds_now() > end) {
            screen_error("the modem's model did not come up; see %s",
                         world_path(world, "modem.log"));
            return false;
        }
        pause_ms(10);
    }
    return true;
}

/* The HEX file is what a programmer writes once; afterwards the flash is as the board left it. */
static unsigned twin_words(struct world *world, const char *words[], const char *hex)
{
    unsigned count = 0;
    words[count++] = "./otter";
    words[count++] = "twin";
    words[count++] = "--board";
    words[count++] = world->board.name;
    words[count++] = "--flash";
    words[count++] = "flash";
    words[count++] = "--quick";
    if (!world->programmed) {
        words[count++] = "--hex";
        words[count++] = hex;
    }
    if (world_has_modem(world)) {
        words[count++] = "--ssid";
        words[count++] = WORLD_SSID;
        words[count++] = "--password";
        words[count++] = WORLD_PASSWORD;
    }
    if (world->modem_fault != NULL) {
        words[count++] = "--modem-fault";
        words[count++] = world->modem_fault;
    }
    words[count] = NULL;
    world->programmed = true;
    return count;
}

bool world_power_on(struct world *world)
{
    if (world->console < 0) {
        const char *fifo = world_path(world, "console");
        if (mkfifo(fifo, 0600) != 0 && errno != EEXIST) {
            screen_error("cannot make the console FIFO %s: %s", fifo, strerror(errno));
            return false;
        }
        world->console = open(fifo, O_RDWR | O_NONBLOCK | O_CLOEXEC);
        screen_command((const char *[]){"mkfifo", "console", NULL}, "");
    }
    const bool posix = world_is_process(world);
    const bool modem = world_has_modem(world);
    const char *twin[24];
    const char *const *words = posix ? posix_device : modem ? modem_device : qemu_device;
    if (world_is_twin(world)) {
        (void)twin_words(world, twin, "merged.hex");
        words = twin;
    }
    if (modem && !world_is_twin(world) && world->modem.pid == 0 && !start_modem(world))
        return false;
    const struct child_io io = {.input = world_path(world, "console"),
                                .output = world_path(world, "device.log"),
                                .errors = posix ? NULL : world_path(world, "emulator.log"),
                                .directory = world->folder,
                                .outlives_us = world->keep};
    screen_command(words, posix ? "<> console >> device.log 2>&1 &"
                                : "<> console >> device.log 2>> emulator.log &");
    return child_start(&world->device, "device", (char *const *)words, &io);
}

void world_power_cut(struct world *world)
{
    child_kill(&world->device);
    show_new_lines(world);
}

bool world_type(struct world *world, const char *text)
{
    const size_t length = strlen(text);
    size_t done = 0;
    const double end = seconds_now() + 10;
    while (done < length && seconds_now() < end) {
        const ssize_t written = write(world->console, text + done, length - done);
        if (written > 0)
            done += (size_t)written;
        else
            world_pump(world, 10);
    }
    return done == length && write(world->console, "\r", 1) == 1;
}

static const char *source_name(enum source source)
{
    return source == FROM_DEVICE ? "device" : "cloud";
}

/* A twin computes at a fraction of its board's speed. */
static double patience(const struct world *world, unsigned timeout_s)
{
    return world_is_twin(world) ? 3.0 * timeout_s : timeout_s;
}

bool world_expect(struct world *world, enum source source, const char *text, unsigned timeout_s,
                  char found[FOLLOW_LINE_MAX])
{
    char line[FOLLOW_LINE_MAX];
    enum source from;
    struct child *const child = source == FROM_DEVICE ? &world->device : &world->cloud;
    const double end = seconds_now() + patience(world, timeout_s);
    for (;;) {
        const bool running = child_running(child);
        if (world_interrupted)
            return false;
        while (next_line(world, &from, line)) {
            if (from != source || strstr(line, text) == NULL)
                continue;
            if (found != NULL)
                memcpy(found, line, sizeof line);
            return true;
        }
        if (!running || seconds_now() > end) {
            screen_error("the %s %s \"%s\"", source_name(source),
                         running ? "did not say in time:" : "ended before it said", text);
            return false;
        }
        pause_ms(10);
    }
}

bool world_wait(struct world *world, bool (*done)(const void *ctx), const void *ctx,
                unsigned timeout_s, const char *what)
{
    const double end = seconds_now() + patience(world, timeout_s);
    while (!done(ctx)) {
        if (world_interrupted || seconds_now() > end || !child_running(&world->device)) {
            screen_error("this did not come within %u s: %s", timeout_s, what);
            return false;
        }
        world_pump(world, 10);
    }
    return true;
}

bool world_capture_pem(struct world *world, const char *command, const char *path)
{
    char line[FOLLOW_LINE_MAX];
    if (!world_type(world, command) || !world_expect(world, FROM_DEVICE, "-----BEGIN ", 30, line))
        return false;
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        screen_error("cannot write %s: %s", path, strerror(errno));
        return false;
    }
    const char *begin = strstr(line, "-----BEGIN ");
    bool more = true;
    while (more) {
        fprintf(file, "%s\n", begin);
        more = strstr(begin, "-----END ") == NULL;
        if (more && !world_expect(world, FROM_DEVICE, "", 10, line))
            break;
        begin = line;
    }
    fclose(file);
    return !more;
}

bool world_paste_pem(struct world *world, const char *command, const char *path,
                     const char *confirmation)
{
    char line[256];
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        screen_error("cannot read %s: %s", path, strerror(errno));
        return false;
    }
    bool typed = world_type(world, command);
    while (typed && fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\r\n")] = '\0';
        typed = world_type(world, line);
    }
    fclose(file);
    return typed && world_expect(world, FROM_DEVICE, confirmation, 20, NULL);
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *place)
{
    (void)info;
    (void)type;
    (void)place;
    return remove(path);
}

static void say_how_to_go_on(const struct world *world)
{
    screen_heading("Still running (--keep)");
    char device[16], modem[16], cloud[16];
    snprintf(device, sizeof device, "%d", (int)world->device.pid);
    snprintf(modem, sizeof modem, "%d", (int)world->modem.pid);
    snprintf(cloud, sizeof cloud, "%d", (int)world->cloud.pid);
    screen_command((const char *[]){"cd", world->folder, NULL}, "");
    screen_say("The device's console (Ctrl-] leaves it), the cloud, what both have said:");
    screen_command((const char *[]){"./otter", "console", ".", NULL}, "");
    screen_command((const char *[]){"./otter", "aws", "iot", "list-things", NULL}, "");
    screen_command((const char *[]){"tail", "-f", "device.log", "cloud.log", NULL}, "");
    screen_say("The end of it all:");
    screen_command(world->modem.pid != 0 ? (const char *[]){"kill", device, modem, cloud, NULL}
                                         : (const char *[]){"kill", device, cloud, NULL},
                   "");
    screen_command((const char *[]){"rm", "-r", world->folder, NULL}, "");
}

void world_close(struct world *world)
{
    if (world->keep && world->device.pid != 0 && world->cloud.pid != 0) {
        say_how_to_go_on(world);
        return;
    }
    world->quiet_device = true;
    child_stop(&world->device, 2000);
    child_stop(&world->modem, 2000);
    child_stop(&world->cloud, 5000);
    if (world->console >= 0)
        close(world->console);
    follow_close(&world->device_log);
    follow_close(&world->cloud_log);
    if (world->folder[0] != '\0')
        nftw(world->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}
