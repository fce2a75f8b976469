/* The token: a device's flash file, locked and mapped for one call at a time, and what it says of
 * keys. */
#define _GNU_SOURCE /* F_OFD_SETLKW */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boards/board.h"
#include "boards/geometry.h"
#include "pkcs11/module.h"
#include "port/port.h"

#define FLASH_VARIABLE "OTTER_PKCS11_FLASH"

static struct {
    bool open;
    int descriptor;
    uint8_t *bytes;
    struct kv kv;
    struct pki pki;
    struct pki_part ota, claim, next;
} token;

/* ---- Flash ----------------------------------------------------------------------------------- */

static const struct geometry devices[] = {GEOMETRY(0), GEOMETRY(1), GEOMETRY(2)};

static uint8_t *byte_at(const struct geometry *device, uint32_t offset)
{
    return token.bytes + device->start + offset;
}

static otter_status token_read(void *ctx, uint32_t offset, void *data, uint32_t length)
{
    memcpy(data, byte_at(ctx, offset), length);
    return OTTER_OK;
}

/* NOR's rule, as the device's port keeps it. */
static otter_status token_program(void *ctx, uint32_t offset, const void *data, uint32_t length)
{
    uint8_t *at = byte_at(ctx, offset);
    for (uint32_t i = 0; i < length; i++) {
        if (at[i] != 0xff)
            return OTTER_E_FLASH;
    }
    memcpy(at, data, length);
    return OTTER_OK;
}

static otter_status token_erase(void *ctx, uint32_t offset)
{
    memset(byte_at(ctx, offset), 0xff, geometry_sector_at(ctx, offset).size);
    return OTTER_OK;
}

static struct flash_sector token_sector_at(void *ctx, uint32_t offset)
{
    return geometry_sector_at(ctx, offset);
}

static const struct flash_ops ops = {token_read, token_program, token_erase, token_sector_at};

#define DEVICE(n)                                                                                  \
    {                                                                                              \
        &ops, (void *)&devices[n], BOARD_OF_DEVICE(DEVICE_SIZE, n),                                \
            BOARD_OF_DEVICE(DEVICE_WRITE, n), 0xff                                                 \
    }
const struct flash port_flash[] = {DEVICE(0), DEVICE(1), DEVICE(2)};

otter_status port_random(void *data, size_t length)
{
    uint8_t *at = data;
    while (length > 0) {
        const ssize_t got = getrandom(at, length, 0);
        if (got < 0 && errno != EINTR)
            return OTTER_E_CRYPTO;
        if (got > 0) {
            at += got;
            length -= (size_t)got;
        }
    }
    return OTTER_OK;
}

/* ---- The file -------------------------------------------------------------------------------- */

/* Programs with this module wait for each other's calls, however many there are: the first byte
 * says whose turn it is, as ports/posix/flash_file.c knows. A device process has the file for good.
 */
static bool lock(int descriptor)
{
    struct flock turn = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    while (fcntl(descriptor, F_OFD_SETLKW, &turn) != 0 && errno == EINTR)
        ;
    return flock(descriptor, LOCK_EX | LOCK_NB) == 0;
}

/* The reason why there is no token, said once. */
static bool open_file(const char *path)
{
    struct stat info;
    token.descriptor = open(path, O_RDWR | O_CLOEXEC);
    if (token.descriptor < 0) {
        module_say("cannot open the flash file %s: %s", path, strerror(errno));
        return false;
    }
    if (!lock(token.descriptor)) {
        module_say(
            "the flash file %s is in use by a running device process; stop that one, or ask its "
            "console for what it does with keys (`help pki`)",
            path);
        return false;
    }
    if (fstat(token.descriptor, &info) != 0 || info.st_size != (off_t)BOARD_FILE_SIZE) {
        module_say("the flash file %s is not as long as the flash of %s (%lu bytes); make one with "
                   "`otter device --create`",
                   path, board.name, (unsigned long)BOARD_FILE_SIZE);
        return false;
    }
    token.bytes =
        mmap(NULL, BOARD_FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, token.descriptor, 0);
    if (token.bytes == MAP_FAILED) {
        token.bytes = NULL;
        module_say("cannot map the flash file %s: %s", path, strerror(errno));
    }
    return token.bytes != NULL;
}

CK_RV token_open(void)
{
    if (token.open)
        return CKR_OK;
    const char *path = getenv(FLASH_VARIABLE);
    token.descriptor = -1;
    token.open = true; /* what there is of it */
    if (path == NULL || *path == '\0') {
        module_say(FLASH_VARIABLE " names no flash file of a device");
        token_close();
        return CKR_TOKEN_NOT_PRESENT;
    }
    if (!open_file(path)) {
        token_close();
        return CKR_TOKEN_NOT_PRESENT;
    }
    otter_status status = kv_open(&token.kv, &board.store);
    if (status == OTTER_OK)
        status = kv_purge(&token.kv);
    if (status != OTTER_OK) {
        module_say("the store in %s cannot be opened: %s", path, otter_status_text(status));
        token_close();
        return CKR_DEVICE_ERROR;
    }
    pki_init(&token.pki, &token.kv, NULL, NULL);
    pki_add(&token.pki, &token.ota, &pki_ota_labels);
    pki_add(&token.pki, &token.claim, &pki_claim_labels);
    pki_add(&token.pki, &token.next, &pki_next_labels);
    return CKR_OK;
}

void token_close(void)
{
    if (!token.open)
        return;
    if (token.bytes != NULL)
        munmap(token.bytes, BOARD_FILE_SIZE);
    if (token.descriptor >= 0)
        close(token.descriptor); /* with its lock */
    token.bytes = NULL;
    token.open = false;
}

struct pki *token_pki(void)
{
    return &token.pki;
}

struct kv *token_kv(void)
{
    return &token.kv;
}
