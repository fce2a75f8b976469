/* The flash file: mapped, locked against a second process, NOR's rules enforced; see flash_file.h.
 */
#define _GNU_SOURCE /* F_OFD_SETLKW */
#include "ports/posix/flash_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "boards/geometry.h"

static struct {
    int descriptor;
    uint8_t *bytes;
    uint32_t erase_us;
    uint32_t program_unit_us;
} file = {.descriptor = -1};

static void busy(uint64_t us)
{
    struct timespec left = {(time_t)(us / 1000000), (long)(us % 1000000) * 1000};
    while (us > 0 && nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
}

static const struct geometry devices[] = {GEOMETRY(0), GEOMETRY(1), GEOMETRY(2)};

static uint8_t *byte_at(const struct geometry *device, uint32_t offset)
{
    return file.bytes + device->start + offset;
}

static otter_status file_read(void *ctx, uint32_t offset, void *data, uint32_t length)
{
    memcpy(data, byte_at(ctx, offset), length);
    return OTTER_OK;
}

static otter_status file_program(void *ctx, uint32_t offset, const void *data, uint32_t length)
{
    const struct geometry *device = ctx;
    for (uint32_t i = 0; i < length; i++) {
        if (*byte_at(device, offset + i) != 0xff)
            return OTTER_E_FLASH;
    }
    memcpy(byte_at(device, offset), data, length);
    busy((uint64_t)file.program_unit_us * (length / device->write_size));
    return OTTER_OK;
}

static struct flash_sector file_sector_at(void *ctx, uint32_t offset)
{
    return geometry_sector_at(ctx, offset);
}

static otter_status file_erase(void *ctx, uint32_t offset)
{
    memset(byte_at(ctx, offset), 0xff, geometry_sector_at(ctx, offset).size);
    busy(file.erase_us);
    return OTTER_OK;
}

static const struct flash_ops ops = {file_read, file_program, file_erase, file_sector_at};

#define DEVICE(n)                                                                                  \
    {                                                                                              \
        &ops, (void *)&devices[n], BOARD_OF_DEVICE(DEVICE_SIZE, n),                                \
            BOARD_OF_DEVICE(DEVICE_WRITE, n), 0xff                                                 \
    }
const struct flash port_flash[] = {DEVICE(0), DEVICE(1), DEVICE(2)};

/* OTTER_FLASH_TIMING=ERASE,PROGRAM: microseconds that a sector's erase and a unit's program take.
 */
static void read_timing(void)
{
    const char *timing = getenv("OTTER_FLASH_TIMING");
    char *comma, *end;
    if (timing == NULL)
        return;
    file.erase_us = (uint32_t)strtoul(timing, &comma, 10);
    file.program_unit_us = *comma == ',' ? (uint32_t)strtoul(comma + 1, &end, 10) : 0;
    if (*comma != ',' || end == comma + 1)
        fprintf(stderr, "bootloader: OTTER_FLASH_TIMING is not ERASE_US,PROGRAM_US: %s\n", timing);
}

/* Waits for a call of the PKCS #11 module (pkcs11/token.c), and for no other device process. */
static bool lock(int descriptor)
{
    struct flock turn = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    while (fcntl(descriptor, F_OFD_SETLKW, &turn) != 0 && errno == EINTR)
        ;
    const bool locked = flock(descriptor, LOCK_EX | LOCK_NB) == 0;
    turn.l_type = F_UNLCK;
    (void)fcntl(descriptor, F_OFD_SETLK, &turn);
    return locked;
}

static int open_and_lock(const char *path)
{
    const int descriptor = open(path, O_RDWR);
    if (descriptor < 0) {
        fprintf(stderr, "bootloader: cannot open the flash file %s: %s\n", path, strerror(errno));
        return -1;
    }
    if (!lock(descriptor)) {
        fprintf(stderr,
                "bootloader: the flash file %s is in use by another device process; stop that one "
                "or use another file\n",
                path);
        return -1;
    }
    return descriptor;
}

bool flash_file_open(const char *path)
{
    const char *inherited = getenv("OTTER_FLASH_FD");
    file.descriptor = inherited != NULL ? (int)strtol(inherited, NULL, 10) : open_and_lock(path);
    if (file.descriptor < 0)
        return false;
    struct stat info;
    if (fstat(file.descriptor, &info) != 0 || info.st_size != (off_t)BOARD_FILE_SIZE) {
        fprintf(stderr,
                "bootloader: the flash file has %jd bytes, the board's flash has %" PRIu32
                "; make one with `otter device --create`\n",
                (intmax_t)info.st_size, (uint32_t)BOARD_FILE_SIZE);
        return false;
    }
    void *bytes =
        mmap(NULL, BOARD_FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file.descriptor, 0);
    if (bytes == MAP_FAILED) {
        fprintf(stderr, "bootloader: cannot map the flash file: %s\n", strerror(errno));
        return false;
    }
    file.bytes = bytes;
    read_timing();
    return true;
}

int flash_file_descriptor(void)
{
    return file.descriptor;
}
