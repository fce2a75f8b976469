/* Inside the bootloader: what swap by move and swap by offset share. Both slots have sectors of one
 * size, trailers in sectors of their own, and no third area. */
#ifndef OTTER_BOOT_SWAP_UNIFORM_H
#define OTTER_BOOT_SWAP_UNIFORM_H

#include "boards/layout.h"
#include "boot/swap.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- provided by swap_uniform.c ------------------------------------------------------------- */

uint32_t uniform_sector_size(const struct boot_state *state);
/* Sectors that the swap exchanges. */
uint32_t uniform_count(const struct boot_state *state);
/* Erases one sector and fills it from another. */
otter_status uniform_copy(const struct boot_state *state, const struct flash_area *from,
                          uint32_t from_sector, const struct flash_area *to, uint32_t to_sector);
/* The same between the slots: sector `number` of the image, from or to the primary, is decrypted on
 * the way in and encrypted on the way out. */
otter_status uniform_bring_in(const struct boot_state *state, uint32_t from_sector,
                              uint32_t number);
otter_status uniform_take_out(const struct boot_state *state, uint32_t from_sector, uint32_t number,
                              uint32_t to_sector);
/* A slot from one of its sectors on. */
struct flash_area uniform_from(const struct boot_state *state, const struct flash_area *slot,
                               uint32_t sector);
/* Brings sector `number` of the outgoing image back, into the primary's sector `to_sector`. */
otter_status uniform_put_back(const struct boot_state *state, const struct flash_area *from,
                              uint32_t from_sector, uint32_t number, uint32_t to_sector);

/* A mix of two parts that meet at sector `border`. */
void uniform_mix(const struct boot_state *state, struct swap_mix *mix, struct flash_area below,
                 struct flash_area above, uint32_t border);

/* --- provided by the mode ------------------------------------------------------------------- */

/* UPDATE_SWAP_MOVE or UPDATE_SWAP_OFFSET. */
extern const enum update_mode uniform_mode;
/* Sectors that the mode needs free in each slot. */
extern const uint8_t uniform_spare_primary;
extern const uint8_t uniform_spare_secondary;
/* Which record stands for a step, what it holds; and the step that the last record found stands
 * for, plus one. */
uint32_t uniform_record_index(const struct boot_state *state, uint32_t step);
uint8_t uniform_record_value(const struct boot_state *state, uint32_t step);
uint32_t uniform_steps_recorded(const struct boot_state *state, uint32_t records);
/* Writes the trailer of this swap, magic last. */
otter_status uniform_note(const struct boot_state *state, const struct flash_area *area);
/* The same in the secondary slot for a revert, so that the wish outlives the erasing of the
 * primary's trailer. */
otter_status uniform_note_revert(const struct boot_state *state);

#ifdef __cplusplus
}
#endif

#endif
