/* Inside the bootloader: what the three swap modes share (swap.c) and what each provides. */
#ifndef OTTER_BOOT_SWAP_H
#define OTTER_BOOT_SWAP_H

#include "boot/mode.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The image that a swap brings in, or the one that it takes out. */
enum swap_side { SWAP_INCOMING, SWAP_OUTGOING };

/* Where an image is in the middle of a swap: up to `low` in the first part, from `high` on in
 * the third, at the same offsets; in between in the second, from its start. */
struct swap_mix {
    struct flash_area parts[3];
    uint32_t low;
    uint32_t high;
};

/* --- provided by swap.c ------------------------------------------------------------------- */

void swap_trailer_read(const struct boot_state *state, const struct flash_area *area,
                       struct trailer *trailer);
/* Bytes that a swap of what lies in the slots exchanges. */
uint32_t swap_extent(const struct boot_state *state);
/* Room in a trailer for the two keys of encrypted images. */
uint32_t swap_keys_size(const struct boot_state *state);
/* Prepares both images' ciphers: for a swap that begins, or from the keys in the trailer in `area`
 * and the headers where they are now. */
otter_status swap_ciphers_open(struct boot_state *state, const struct flash_area *incoming);
void swap_ciphers_resume(struct boot_state *state, const struct flash_area *area,
                         const struct flash_area *incoming, const struct flash_area *outgoing);
/* True if the area holds the trailer of this very swap, not complete. */
bool swap_is_noted(const struct boot_state *state, const struct flash_area *area);
/* Writes the trailer of a swap that begins, its magic last: swap_info, image_ok for SWAP_PERM,
 * swap_size, magic. The fields must be erased. */
otter_status swap_trailer_write(const struct boot_state *state, const struct flash_area *area);
/* The same, and looks whether it is there: a write may be lost without an error. */
otter_status swap_note(const struct boot_state *state, const struct flash_area *area);
/* A trailer that belongs to a swap that is not complete. */
bool swap_in_progress(const struct boot_state *state, const struct trailer *trailer);

/* Status records are single units of `step` bytes from `offset` on. Counts up to the last one that
 * is not erased: a record is written after all that it stands for, so one that was lost on the
 * way, or torn, says nothing. */
uint32_t swap_records_read(const struct flash_area *area, uint32_t offset, uint32_t step,
                           uint32_t count);
/* A record that cannot be written is passed over: the next boot sees from the data how far the swap
 * has come (swap_progress.c). One that is there already stays. */
void swap_record_write(const struct flash_area *area, uint32_t offset, uint8_t value);

/* Sectors of an area. */
uint32_t swap_sector_count(const struct flash_area *area);
/* True if a sector of the area starts (or the area ends) at `offset`. */
bool swap_is_border(const struct flash_area *area, uint32_t offset);

/* --- provided by the mode ----------------------------------------------------------------- */

/* Where this mode keeps swap_size. */
extern const enum trailer_field swap_size_field;

/* What hinders swaps, or BOOT_LAYOUT_FITS. Not asked where the map was checked when it was compiled
 * (BOOT_MAP_IS_CHECKED). */
enum boot_layout_fault swap_layout_fault(const struct boot_state *state);
/* Computes the geometry in `state`, for a layout that fits. */
void swap_layout(struct boot_state *state);
/* Decides from both trailers what to do. A swap in progress: source, type, swap_size and position.
 * One that was noted but not begun, or is only asked for: source, type, position 0. */
void swap_find(struct boot_state *state, const struct trailer *primary,
               const struct trailer *secondary);
/* Where the image to bring in lies, for state->type. */
struct flash_area swap_candidate(const struct boot_state *state);
/* A swap was found noted but has no record, and its position is certain: what to do in its place
 * may be something else now. */
void swap_choose_again(struct boot_state *state, const struct trailer *primary,
                       const struct trailer *secondary);
/* For a swap at state->position: fills the mix of one image, and prepares both ciphers. */
void swap_find_mix(struct boot_state *state, struct swap_mix *mix, enum swap_side side);
/* The status of a swap turned out to be false: takes it away, where it would hinder the next. */
otter_status swap_discard(struct boot_state *state);

/* A swap is a number of steps, each of which can be repeated as a whole as long as the next has not
 * begun: what it erases is part of neither image. */
uint32_t swap_steps(const struct boot_state *state);
/* Notes the swap on the flash, before the first step. */
otter_status swap_begin(struct boot_state *state);
/* Does step number state->position. */
otter_status swap_step(struct boot_state *state);
/* Writes the record of that step. */
void swap_record(struct boot_state *state);
/* True if that step does no more than keep the outgoing image. */
bool swap_is_backup(const struct boot_state *state);
/* Takes step number state->position back, as far as the outgoing image in the primary is concerned.
 */
otter_status swap_unstep(struct boot_state *state);
/* After the last step. */
otter_status swap_end(struct boot_state *state);

#ifdef __cplusplus
}
#endif

#endif
