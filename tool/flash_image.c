#include "tool/flash_image.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "codec/crc32.h"
#include "firmware/boards/mps2-an505/flash_map.h"
#include "ports/mps2-an505/random.h"
#include "tool/file.h"

static otter_status put_seed(uint8_t *flash, struct failure *failure)
{
    struct random_seed_record record = {.magic = RANDOM_SEED_MAGIC, .sequence = 1};
    if (getrandom(record.seed, sizeof record.seed, 0) != (ssize_t)sizeof record.seed)
        return failed(failure, OTTER_E_CRYPTO, "the system gives no random bytes");
    record.crc = crc32_update(0, &record, offsetof(struct random_seed_record, crc));
    memcpy(flash + FLASH_MAP_SEED, &record, sizeof record);
    return OTTER_OK;
}

static otter_status put_image(uint8_t *flash, const char *path, struct failure *failure)
{
    struct bytes image = {0};
    otter_status status = file_read(path, &image, failure);
    if (status == OTTER_OK && image.size > FLASH_MAP_SLOT_SIZE)
        status = failed(failure, OTTER_E_TOO_LONG,
                        "the image %s has %zu bytes, the primary slot holds %u", path, image.size,
                        FLASH_MAP_SLOT_SIZE);
    if (status == OTTER_OK)
        memcpy(flash + FLASH_MAP_PRIMARY, image.data, image.size);
    bytes_free(&image);
    return status;
}

otter_status flash_image_make(const char *path, const char *signed_image, struct failure *failure)
{
    uint8_t *flash = malloc(FLASH_MAP_SIZE);
    if (flash == NULL)
        return failed(failure, OTTER_E_MEMORY, "no memory for a flash of %u bytes", FLASH_MAP_SIZE);
    memset(flash, 0xff, FLASH_MAP_SIZE);
    otter_status status = put_seed(flash, failure);
    if (status == OTTER_OK)
        status = put_image(flash, signed_image, failure);
    if (status == OTTER_OK)
        status = file_write(path, flash, FLASH_MAP_SIZE, 0600, failure);
    free(flash);
    return status;
}
