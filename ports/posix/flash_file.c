/* The flash file: mapped, locked against a second process, NOR's rules enforced; see flash_file.h.
 */
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

#include "firmware/boards/mps2-an505/flash_map.h"

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

static otter_status file_read(void *ctx, uint32_t offset, void *data, uint32_t length)
{
    (void)ctx;
    memcpy(data, file.bytes + offset, length);
    return OTTER_OK;
}

static otter_status file_program(void *ctx, uint32_t offset, const void *data, uint32_t length)
{
    (void)ctx;
    for (uint32_t i = 0; i < length; i++) {
        if (file.bytes[offset + i] != 0xff)
            return OTTER_E_FLASH;
    }
    memcpy(file.bytes + offset, data, length);
    busy((uint64_t)file.program_unit_us * (length / FLASH_MAP_WRITE_SIZE));
    return OTTER_OK;
}

static struct flash_sector file_sector_at(void *ctx, uint32_t offset)
{
    (void)ctx;
    return (struct flash_sector){offset - offset % FLASH_MAP_SECTOR_SIZE, FLASH_MAP_SECTOR_SIZE};
}

static otter_status file_erase(void *ctx, uint32_t offset)
{
    (void)ctx;
    memset(file.bytes + offset, 0xff, FLASH_MAP_SECTOR_SIZE);
    busy(file.erase_us);
    return OTTER_OK;
}

static const struct flash_ops file_ops = {file_read, file_program, file_erase, file_sector_at};
static const struct flash file_flash = {&file_ops, NULL, FLASH_MAP_SIZE, FLASH_MAP_WRITE_SIZE,
                                        0xff};

/* OTTER_FLASH_TIMING=ERASE,PROGRAM: microseconds that a sector's erase and a unit's program take.
 */
static void read_timing(void)
{
    const char *timing = getenv("OTTER_FLASH_TIMING");
    if (timing != NULL &&
        sscanf(timing, "%" SCNu32 ",%" SCNu32, &file.erase_us, &file.program_unit_us) != 2)
        fprintf(stderr, "bootloader: OTTER_FLASH_TIMING is not ERASE_US,PROGRAM_US: %s\n", timing);
}

static int open_and_lock(const char *path)
{
    const int descriptor = open(path, O_RDWR);
    if (descriptor < 0) {
        fprintf(stderr, "bootloader: cannot open the flash file %s: %s\n", path, strerror(errno));
        return -1;
    }
    if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
        fprintf(stderr,
                "bootloader: the flash file %s is in use by another device process; stop that one "
                "or use another file\n",
                path);
        return -1;
    }
    return descriptor;
}

const struct flash *flash_file_open(const char *path)
{
    const char *inherited = getenv("OTTER_FLASH_FD");
    file.descriptor = inherited != NULL ? atoi(inherited) : open_and_lock(path);
    if (file.descriptor < 0)
        return NULL;
    struct stat info;
    if (fstat(file.descriptor, &info) != 0 || info.st_size != (off_t)FLASH_MAP_SIZE) {
        fprintf(stderr,
                "bootloader: the flash file has %jd bytes, the board's flash has %" PRIu32
                "; make one with `otter device --create`\n",
                (intmax_t)info.st_size, (uint32_t)FLASH_MAP_SIZE);
        return NULL;
    }
    void *bytes =
        mmap(NULL, FLASH_MAP_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file.descriptor, 0);
    if (bytes == MAP_FAILED) {
        fprintf(stderr, "bootloader: cannot map the flash file: %s\n", strerror(errno));
        return NULL;
    }
    file.bytes = bytes;
    read_timing();
    return &file_flash;
}

int flash_file_descriptor(void)
{
    return file.descriptor;
}
