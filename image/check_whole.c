/* The check of an image in one call; see check.h. */
#include "image/check.h"

otter_status image_check_whole(const struct flash_area *area, uint32_t limit,
                               const struct image_policy *policy, void (*turn)(void))
{
    struct image_check check;
    uint8_t piece[IMAGE_SIGNATURE_MAX];
    otter_status status = image_check_init(&check, area, limit, policy);
    if (status != OTTER_OK)
        return status;
    do {
        turn();
        status = image_check_step(&check, piece, sizeof piece);
    } while (status == OTTER_E_AGAIN);
    if (status == OTTER_OK)
        status = image_check_again(&check, piece);
    return status == OTTER_OK && check.verdict != IMAGE_ACCEPTED_TWICE ? OTTER_E_SIGNATURE : status;
}
