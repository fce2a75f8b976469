/* Starts QEMU and speaks gdb's remote protocol with it. */
#include "tests/sim/fault_injection/target.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANSWER_MS 20000
#define CHUNK     1536u /* bytes of memory in one packet */

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "fault injection: %s\n", what);
    exit(2);
}

/* --- the process -------------------------------------------------------------------------- */

static void make_flash(struct target *target)
{
    const int file = open(target->flash_path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (file < 0 || ftruncate(file, TARGET_FLASH_SIZE) != 0)
        die("cannot make the flash file");
    target->flash = mmap(NULL, TARGET_FLASH_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (target->flash == MAP_FAILED)
        die("cannot map the flash file");
    memset(target->flash, 0xff, TARGET_FLASH_SIZE);
}

static void run_qemu(const struct target *target)
{
    char backend[400];
    char chardev[200];
    snprintf(backend, sizeof backend, "memory-backend-file,id=nor,size=16M,mem-path=%s,share=on",
             target->flash_path);
    snprintf(chardev, sizeof chardev, "socket,id=gdb,path=%s,server=on,wait=off",
             target->socket_path);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int quiet = open("/dev/null", O_RDWR);
    dup2(quiet, 0);
    dup2(quiet, 1);
    dup2(quiet, 2);
    execlp("qemu-system-arm", "qemu-system-arm", "-M", "mps2-an505,memory-backend=nor", "-object",
           backend, "-kernel", target->program, "-nic", "none", "-display", "none", "-monitor",
           "none", "-serial", "null", "-S", "-chardev", chardev, "-gdb", "chardev:gdb",
           (char *)NULL);
    _exit(127);
}

static void connect_gdb(struct target *target)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", target->socket_path);
    for (unsigned tries = 0; tries < 1000; tries++) {
        target->gdb = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(target->gdb, (struct sockaddr *)&address, sizeof address) == 0)
            return;
        close(target->gdb);
        if (waitpid(target->qemu, NULL, WNOHANG) == target->qemu)
            break;
        usleep(10000);
    }
    die("QEMU does not start");
}

static void launch(struct target *target)
{
    unlink(target->socket_path);
    target->qemu = fork();
    if (target->qemu < 0)
        die("cannot fork");
    if (target->qemu == 0)
        run_qemu(target);
    target->input_at = target->input_have = 0;
    target->starts++;
    connect_gdb(target);
}

void target_stop(struct target *target)
{
    close(target->gdb);
    kill(target->qemu, SIGKILL);
    waitpid(target->qemu, NULL, 0);
    munmap(target->flash, TARGET_FLASH_SIZE);
    unlink(target->socket_path);
    unlink(target->flash_path);
}

/* --- packets: $data#checksum, each acknowledged ------------------------------------------- */

/* One byte, or -1 when none comes within the time, or -2 at the end of the stream. */
static int next_byte(struct target *target, int limit_ms)
{
    if (target->input_at == target->input_have) {
        struct pollfd ready = {.fd = target->gdb, .events = POLLIN};
        if (poll(&ready, 1, limit_ms) <= 0)
            return -1;
        const ssize_t have = read(target->gdb, target->input, sizeof target->input);
        target->input_at = 0;
        target->input_have = have > 0 ? (size_t)have : 0;
        if (have <= 0)
            return -2;
    }
    return target->input[target->input_at++];
}

static int send_all(struct target *target, const char *data, size_t length)
{
    return send(target->gdb, data, length, MSG_NOSIGNAL) == (ssize_t)length ? 0 : -1;
}

/* The next packet into target->packet: 1, 0 when none comes in time, -1 at the end of the stream.
 */
static int receive(struct target *target, int limit_ms)
{
    int byte = 0;
    do
        byte = next_byte(target, limit_ms);
    while (byte >= 0 && byte != '$');
    if (byte < 0)
        return byte == -1 ? 0 : -1;
    size_t length = 0;
    while ((byte = next_byte(target, ANSWER_MS)) >= 0 && byte != '#') {
        if (length + 1 < sizeof target->packet)
            target->packet[length++] = (char)byte;
    }
    target->packet[length] = '\0';
    target->packet_length = length;
    (void)next_byte(target, ANSWER_MS);
    (void)next_byte(target, ANSWER_MS);
    return send_all(target, "+", 1) == 0 ? 1 : -1;
}

static int transmit(struct target *target, const char *data, size_t length)
{
    static char frame[2 * CHUNK + 256];
    uint8_t sum = 0;
    for (size_t i = 0; i < length; i++)
        sum = (uint8_t)(sum + (uint8_t)data[i]);
    frame[0] = '$';
    memcpy(frame + 1, data, length);
    snprintf(frame + 1 + length, 4, "#%02x", sum);
    return send_all(target, frame, length + 4);
}

static void ask(struct target *target, const char *data)
{
    if (transmit(target, data, strlen(data)) != 0 || receive(target, ANSWER_MS) != 1)
        die("QEMU does not answer its debugger");
}

static void command(struct target *target, const char *data)
{
    ask(target, data);
    if (strcmp(target->packet, "OK") != 0) {
        fprintf(stderr, "%.40s -> %.40s\n", data, target->packet);
        die("QEMU refuses a command of its debugger");
    }
}

/* --- hexadecimal -------------------------------------------------------------------------- */

static void to_hex(char *text, const void *data, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size; i++) {
        *text++ = digits[bytes[i] >> 4];
        *text++ = digits[bytes[i] & 15];
    }
    *text = '\0';
}

static uint8_t digit(char c)
{
    return (uint8_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

static void from_hex(void *data, const char *text, size_t size)
{
    uint8_t *bytes = data;
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(digit(text[2 * i]) << 4 | digit(text[2 * i + 1]));
}

/* --- registers, memory, breakpoints ------------------------------------------------------- */

/* The layout of `g`: r0 .. pc, eight unused registers of 12 bytes and one of 4, xPSR. */
#define G_SIZE 168u
#define G_XPSR 164u

void target_get(struct target *target, struct registers *registers)
{
    uint8_t all[G_SIZE];
    ask(target, "g");
    if (target->packet_length != (size_t)2 * G_SIZE)
        die("QEMU's registers are not laid out as expected");
    from_hex(all, target->packet, sizeof all);
    memcpy(registers->r, all, sizeof registers->r);
    memcpy(&registers->xpsr, all + G_XPSR, sizeof registers->xpsr);
}

void target_set(struct target *target, const struct registers *registers)
{
    uint8_t all[G_SIZE] = {0};
    char text[2 + 2 * G_SIZE] = "G";
    memcpy(all, registers->r, sizeof registers->r);
    memcpy(all + G_XPSR, &registers->xpsr, sizeof registers->xpsr);
    to_hex(text + 1, all, sizeof all);
    command(target, text);
}

void target_read(struct target *target, uint32_t address, void *data, uint32_t size)
{
    char text[40];
    for (uint32_t at = 0; at < size; at += CHUNK) {
        const uint32_t part = size - at < CHUNK ? size - at : CHUNK;
        snprintf(text, sizeof text, "m%x,%x", address + at, part);
        ask(target, text);
        if (target->packet_length != (size_t)2 * part)
            die("QEMU does not let its memory be read");
        from_hex((uint8_t *)data + at, target->packet, part);
    }
}

bool target_try_write(struct target *target, uint32_t address, const void *data, uint32_t size)
{
    char text[40 + 2 * CHUNK];
    bool written = true;
    for (uint32_t at = 0; at < size && written; at += CHUNK) {
        const uint32_t part = size - at < CHUNK ? size - at : CHUNK;
        const int start = snprintf(text, 40, "M%x,%x:", address + at, part);
        to_hex(text + start, (const uint8_t *)data + at, part);
        ask(target, text);
        written = strcmp(target->packet, "OK") == 0;
    }
    return written;
}

void target_write(struct target *target, uint32_t address, const void *data, uint32_t size)
{
    if (!target_try_write(target, address, data, size))
        die("QEMU does not let its memory be written");
}

static void breakpoint(struct target *target, char what, uint32_t address)
{
    char text[24];
    snprintf(text, sizeof text, "%c1,%x,2", what, address);
    command(target, text);
}

void target_break(struct target *target, uint32_t address)
{
    target->breakpoints[target->breakpoint_count++] = address;
    breakpoint(target, 'Z', address);
}

void target_unbreak(struct target *target, uint32_t address)
{
    for (unsigned i = 0; i < target->breakpoint_count; i++) {
        if (target->breakpoints[i] == address) {
            target->breakpoints[i] = target->breakpoints[--target->breakpoint_count];
            breakpoint(target, 'z', address);
            return;
        }
    }
}

/* --- running ------------------------------------------------------------------------------ */

void target_reset(struct target *target)
{
    char text[64] = "qRcmd,";
    to_hex(text + 6, "system_reset", 12);
    ask(target, text);
    while (target->packet[0] == 'O' && target->packet[1] != 'K') {
        if (receive(target, ANSWER_MS) != 1)
            die("QEMU does not reset");
    }
}

static enum target_stop restart(struct target *target)
{
    close(target->gdb);
    kill(target->qemu, SIGKILL);
    waitpid(target->qemu, NULL, 0);
    launch(target);
    for (unsigned i = 0; i < target->breakpoint_count; i++)
        breakpoint(target, 'Z', target->breakpoints[i]);
    return TARGET_DIED;
}

void target_start(struct target *target, const char *program, const char *folder)
{
    memset(target, 0, sizeof *target);
    target->program = program;
    snprintf(target->flash_path, sizeof target->flash_path, "%s/flash.img", folder);
    snprintf(target->socket_path, sizeof target->socket_path, "%.90s/gdb", folder);
    make_flash(target);
    launch(target);
}

enum target_stop target_step(struct target *target)
{
    if (transmit(target, "s", 1) != 0 || receive(target, ANSWER_MS) != 1)
        return restart(target);
    return TARGET_STOPPED;
}

enum target_stop target_run(struct target *target, unsigned limit_ms)
{
    if (transmit(target, "c", 1) != 0)
        return restart(target);
    int got = receive(target, (int)limit_ms);
    if (got > 0)
        return TARGET_STOPPED;
    if (got == 0 && send_all(target, "\x03", 1) == 0)
        got = receive(target, 2000);
    return got > 0 ? TARGET_TIME_OUT : restart(target);
}
