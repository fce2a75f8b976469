/* The application's side of the trailer: prepare, request, confirm. */
#include "image/trailer.h"

otter_status trailer_prepare(const struct flash_area *slot)
{
    const struct flash_sector last = flash_sector_at(slot, slot->size - 1);
    return flash_erase(slot, last.offset, last.size);
}

otter_status trailer_request(const struct flash_area *slot, uint32_t max_align, bool permanent)
{
    struct trailer trailer;
    trailer_read(slot, max_align, &trailer);
    const enum trailer_mark wanted = permanent ? TRAILER_SET : TRAILER_UNSET;
    if (trailer.magic == TRAILER_GOOD && trailer.image_ok == wanted)
        return OTTER_OK;
    const uint32_t start = trailer_field_offset(slot->size, max_align, TRAILER_SWAP_INFO);
    if (flash_is_erased(slot, start, slot->size - start) != 1)
        return OTTER_E_STATE;
    otter_status status = OTTER_OK;
    if (permanent)
        status = trailer_write_flag(slot, max_align, TRAILER_IMAGE_OK, 1);
    if (status == OTTER_OK)
        status = trailer_write_flag(slot, max_align, TRAILER_SWAP_INFO,
                                    permanent ? SWAP_PERM : SWAP_TEST);
    if (status == OTTER_OK)
        status = trailer_write_magic(slot, max_align);
    return status;
}

otter_status trailer_confirm(const struct flash_area *slot, uint32_t max_align)
{
    struct trailer trailer;
    trailer_read(slot, max_align, &trailer);
    if (trailer.magic == TRAILER_BAD)
        return OTTER_E_STATE;
    /* An image_ok that a power cut tore counts: the bootloader does not revert it. */
    if (trailer.magic == TRAILER_UNSET || trailer.image_ok != TRAILER_UNSET)
        return OTTER_OK;
    const otter_status status = trailer_write_flag(slot, max_align, TRAILER_IMAGE_OK, 1);
    /* Torn, it may read as unset and be refused by write-once flash: no harm without a trial. */
    return trailer_on_trial(&trailer) ? status : OTTER_OK;
}
