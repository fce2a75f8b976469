/* bootloader: the bootloader of the posix port.
 *
 * Runs the same core as a microcontroller over the flash file, copies the payload of the image that
 * it is given into an anonymous file and executes that. The firmware executes this program again
 * for a reset, so one process is one device from power-on to power cut. */
#define _GNU_SOURCE /* memfd_create, fexecve */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boards/board.h"
#include "boot/board_config.h"
#include "boot/boot_log.h"
#include "boot/recovery.h"
#include "port/handover.h"
#include "port/log.h"
#include "port/port.h"
#include "ports/posix/flash_file.h"
#include "ports/posix/port_posix.h"

static void feed(void *ctx)
{
    (void)ctx;
    port_watchdog_feed();
}

/* Copies `length` bytes of the slot from `offset` on into a new anonymous executable file. */
static int load_program(const struct flash_area *slot, uint32_t offset, uint32_t length)
{
    uint8_t buffer[4096];
    const int program = memfd_create("otter-firmware", MFD_CLOEXEC);
    while (program >= 0 && length > 0) {
        const uint32_t part = length < sizeof buffer ? length : (uint32_t)sizeof buffer;
        if (flash_read(slot, offset, buffer, part) != OTTER_OK ||
            write(program, buffer, part) != (ssize_t)part)
            return -1;
        offset += part;
        length -= part;
    }
    return program;
}

static void keep_open(int descriptor)
{
    char text[16];
    fcntl(descriptor, F_SETFD, 0);
    snprintf(text, sizeof text, "%d", descriptor);
    setenv("OTTER_FLASH_FD", text, 1);
}

static void hand_over(const struct boot_config *config, const struct boot_result *result)
{
    const char *reason = getenv("OTTER_RESET_REASON");
    unsigned code = RESET_POWER_ON;
    char text[80];
    if (reason != NULL)
        code = strcmp(reason, "watchdog") == 0 ? RESET_WATCHDOG : RESET_SOFTWARE;
    snprintf(text, sizeof text, "%u,%u,%" PRIu64 ",%" PRIu32 ",%d", code,
             (unsigned)result->swap_type, port_now(), boot_log_bytes_copied(),
             result->slot == config->images->secondary);
    setenv("OTTER_HANDOVER", text, 1);
}

/* What a reset needs, from here or from the firmware. */
static void prepare_reset(void)
{
    char self[4096];
    const ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length > 0) {
        self[length] = '\0';
        setenv("OTTER_BOOT", self, 1);
    }
    keep_open(flash_file_descriptor());
}

static int start(const struct boot_config *config, const struct boot_result *result)
{
    char *const argv[] = {"otter-firmware", NULL};
    const int program =
        load_program(result->slot, result->header.header_size, result->header.payload_size);
    if (program >= 0) {
        hand_over(config, result);
        extern char **environ;
        fexecve(program, argv, environ);
    }
    LOG_ERR("BOOT", "cannot execute the image: %s (is its payload a program for this system?)",
            strerror(errno));
    return 1;
}

/* A device without an image waits to be filled; but not when nobody can ever reach its console. */
static int stop(const struct boot_config *config, otter_status status)
{
#ifdef OTTER_BOOT_RECOVERY
    struct stat console;
    if (isatty(STDIN_FILENO) || (fstat(STDIN_FILENO, &console) == 0 &&
                                 (S_ISFIFO(console.st_mode) || S_ISSOCK(console.st_mode)))) {
        LOG_ERR("BOOT",
                "no bootable image: waiting for an upload over the console (otter recover)");
        recovery_serve(config, board.image_size_max, OTTER_NEVER);
    }
#else
    (void)config;
#endif
    LOG_ERR("BOOT", "Unable to find bootable image: %s", otter_status_text(status));
    return 1;
}

static const char *flash_path(int argc, char **argv)
{
    if (getenv("OTTER_FLASH_FD") != NULL)
        return "";
    if (argc == 3 && strcmp(argv[1], "--flash") == 0)
        return argv[2];
    fprintf(stderr, "usage: otter-boot --flash FILE\n"
                    "The bootloader of the device as a host process; `otter device` starts it.\n");
    return NULL;
}

int main(int argc, char **argv)
{
    struct boot_config config;
    struct boot_result result;
    const char *path = flash_path(argc, argv);
    if (path == NULL)
        return 2;
    port_posix_start();
    if (!flash_file_open(path))
        return 1;
    boot_board_config(&config);
    config.hooks.feed = feed;
    config.hooks.report = boot_log;
    prepare_reset();
    const otter_status status = boot_go(&config, &result);
    if (status != OTTER_OK)
        return stop(&config, status);
#if defined OTTER_BOOT_RECOVERY && OTTER_RECOVERY_WINDOW_MS > 0
    recovery_serve(&config, board.image_size_max, port_now() + OTTER_RECOVERY_WINDOW_MS);
#endif
    return start(&config, &result);
}
