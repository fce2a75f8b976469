/* The bootloader's side of lent.h: what it verifies with itself. */
#include "image/lent.h"

const struct image_lent image_lent = {
    .magic = IMAGE_LENT_MAGIC,
    .count = IMAGE_LENT_COUNT,
    .sha256_init = image_sha256_init,
    .sha256_update = image_sha256_update,
    .sha256_finish = image_sha256_finish,
    .p256_verify = image_p256_verify,
};
