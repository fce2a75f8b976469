/* The words of `otter sign` for the board of the demo. */
#include <inttypes.h>
#include <stdio.h>

#include "tool/demo/demo.h"

static const char *number(struct demo_signing *signing, const char *format, uint32_t value)
{
    char *text = signing->numbers[signing->number_count++];
    snprintf(text, sizeof signing->numbers[0], format, value);
    return text;
}

/* The primary's write unit; images in the other slot may have another one, which does not matter to
 * what is signed. */
static uint32_t write_size(const struct board_map *board)
{
    return board->devices[board->primary.device].write_size;
}

static void add(struct demo_signing *signing, const char *option, const char *value)
{
    signing->words[signing->count++] = option;
    if (value != NULL)
        signing->words[signing->count++] = value;
}

void demo_sign_words(const struct board_map *board, const struct demo_image *image,
                     struct demo_signing *signing)
{
    const struct board_area *slot = image->is_secure                 ? &board->secure_primary
                                    : image->slot == SLOT_OF_PRIMARY ? &board->primary
                                                                     : &board->secondary;
    *signing = (struct demo_signing){0};
    add(signing, "./otter", "sign");
    add(signing, "-k", image->key);
    add(signing, "--align", number(signing, "%" PRIu32, write_size(board)));
    if (board->max_align != 8)
        add(signing, "--max-align", number(signing, "%" PRIu32, board->max_align));
    add(signing, "-v", image->version);
    add(signing, "--header-size", number(signing, "%" PRIu32, board->header_size));
    add(signing, "--pad-header", NULL);
    add(signing, "-S", number(signing, "0x%" PRIx32, slot->size));
    if (image->needs != NULL)
        add(signing, "-d", image->needs);
    if (board->update == UPDATE_DIRECT_XIP)
        add(signing, "--rom-fixed",
            number(signing, "0x%" PRIx32, board->devices[slot->device].base + slot->offset));
    add(signing, "--vid", BOARD_CLASS_VENDOR);
    add(signing, "--cid", board->name);
    add(signing, image->payload, image->name);
}

/* Images that are moved run from the primary slot always; in direct XIP there is one of each
 * program for each slot. */
const char *demo_program(const struct demo *demo, const char *name, enum demo_slot slot)
{
    char file[64];
    const bool linked_for_second =
        demo->world.board.update == UPDATE_DIRECT_XIP && slot == SLOT_OF_SECONDARY;
    snprintf(file, sizeof file, "firmware/firmware-%s%s.bin", name,
             linked_for_second ? "-secondary" : "");
    return world_built(&demo->world, file);
}

enum demo_slot demo_release_slot(const struct demo *demo)
{
    return demo->world.board.update == UPDATE_DIRECT_XIP ? SLOT_OF_SECONDARY : SLOT_OF_PRIMARY;
}

bool demo_ends_on_new(const struct demo *demo)
{
    return demo->fault == FAULT_NONE || demo->fault == FAULT_POWER ||
           (demo->fault == FAULT_SELF_TEST &&
            !demo_mode_of(demo->world.board.update)->has_way_back);
}
