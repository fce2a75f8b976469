/* Lays an image into a blank flash as the board's map says. */
#include "tool/flash_image.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "codec/crc32.h"
#include "ports/mps2-an505/random.h"
#include "tool/board_map.h"
#include "tool/file.h"
#include "tool/hex_file.h"
#include "tool/image_view.h"

/* For a board without a source of entropy. */
static otter_status put_seed(const struct board_map *board, uint8_t *flash, struct failure *failure)
{
    if (board->seed.size == 0)
        return OTTER_OK;
    struct random_seed_record record = {.magic = RANDOM_SEED_MAGIC, .sequence = 1};
    if (getrandom(record.seed, sizeof record.seed, 0) != (ssize_t)sizeof record.seed)
        return failed(failure, OTTER_E_CRYPTO, "the system gives no random bytes");
    record.crc = crc32_update(0, &record, offsetof(struct random_seed_record, crc));
    memcpy(flash + board->seed.start, &record, sizeof record);
    return OTTER_OK;
}

/* That the bootloader trusts its key is for the bootloader to say. */
static otter_status check_image(const char *path, struct bytes *file, struct failure *failure)
{
    struct image_view view;
    struct image_verdict verdict = {0};
    struct failure reason;
    otter_status status = image_view_open(&view, file->data, file->size, &reason);
    if (status == OTTER_OK)
        status = image_view_startable(&view, &reason);
    if (status == OTTER_OK)
        status = image_view_check(&view, NULL, NULL, &verdict, &reason);
    if (status == OTTER_E_KEY)
        failed(&reason, status,
               "it is encrypted, and the primary slot holds images in clear; sign it with --clear");
    if (status == OTTER_OK && !image_view_is_signed(&view))
        status = failed(&reason, OTTER_E_SIGNATURE, "it has a hash, but no signature");
    image_verdict_free(&verdict);
    if (status != OTTER_OK)
        failed(failure, status,
               "'%.150s' is not a signed image to start from: %.200s (`otter sign` makes one out "
               "of a program)",
               path, reason.text);
    return status;
}

static otter_status put_image(const struct board_area *slot, uint8_t *flash, const char *path,
                              struct failure *failure)
{
    struct bytes image = {0};
    uint32_t address;
    otter_status status = hex_or_binary_read(path, 0xff, &image, &address, failure);
    if (status == OTTER_OK)
        status = check_image(path, &image, failure);
    if (status == OTTER_OK && image.size > slot->size)
        status = failed(failure, OTTER_E_TOO_LONG, "the image %s has %zu bytes, its slot holds %u",
                        path, image.size, slot->size);
    if (status == OTTER_OK)
        memcpy(flash + slot->start, image.data, image.size);
    bytes_free(&image);
    return status;
}

otter_status flash_image_make(const struct board_map *board, const char *path,
                              const char *signed_image, const char *signed_secure,
                              struct failure *failure)
{
    uint8_t *flash = malloc(board->flash_size);
    if (flash == NULL)
        return failed(failure, OTTER_E_MEMORY, "no memory for a flash of %u bytes",
                      board->flash_size);
    memset(flash, 0xff, board->flash_size);
    otter_status status = put_seed(board, flash, failure);
    if (status == OTTER_OK)
        status = put_image(&board->primary, flash, signed_image, failure);
    if (status == OTTER_OK && signed_secure != NULL)
        status = put_image(&board->secure_primary, flash, signed_secure, failure);
    if (status == OTTER_OK)
        status = file_write(path, flash, board->flash_size, 0600, failure);
    free(flash);
    return status;
}
