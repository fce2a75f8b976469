/* Inside the bootloader: what the three swap modes share (swap.c) and what each provides. */
#ifndef OTTER_BOOT_SWAP_H
#define OTTER_BOOT_SWAP_H

#include "boot/mode.h"

/* Where the new image is in the middle of a swap: up to `low` in the first part, from `high` on in
 * the third, at the same offsets; in between in the second, from its start. */
struct swap_mix {
    struct flash_area parts[3];
    uint32_t low;
    uint32_t high;
};

/* --- provided by swap.c ------------------------------------------------------------------- */

void swap_trailer_read(const struct boot_state *state, const struct flash_area *area,
                       struct trailer *trailer);
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
/* A trailer that belongs to a swap that is not complete. */
bool swap_in_progress(const struct boot_state *state, const struct trailer *trailer);

/* Status records are single units of `step` bytes from `offset` on. Counts up to the last one that
 * is not erased: a record is written after all that it stands for, so one that was lost on the
 * way, or torn, says nothing. */
uint32_t swap_records_read(const struct flash_area *area, uint32_t offset, uint32_t step,
                           uint32_t count);
/* A record that cannot be written is passed over: the swap goes on and is verified at its end. */
void swap_record_write(const struct flash_area *area, uint32_t offset, uint8_t value);

/* Sectors of an area. */
uint32_t swap_sector_count(const struct flash_area *area);
/* True if a sector of the area starts (or the area ends) at `offset`. */
bool swap_is_border(const struct flash_area *area, uint32_t offset);

/* --- provided by the mode ----------------------------------------------------------------- */

/* Where this mode keeps swap_size. */
extern const enum trailer_field swap_size_field;

/* Computes the geometry in `state`; what hinders swaps, or BOOT_LAYOUT_FITS. */
enum boot_layout_fault swap_layout(struct boot_state *state);
/* Decides from both trailers what to do. A swap in progress: source, type, swap_size and position.
 * One that was noted but not begun, or is only asked for: source, type, position 0. */
void swap_find(struct boot_state *state, const struct trailer *primary,
               const struct trailer *secondary);
/* Where the image to bring in lies, for state->type. */
struct flash_area swap_candidate(const struct boot_state *state);
/* For a swap at state->position, not 0: fills the mix, and prepares the ciphers. */
void swap_find_mix(struct boot_state *state, struct swap_mix *mix);
/* The status of a swap turned out to be false: takes it away, where it would hinder the next. */
otter_status swap_discard(struct boot_state *state);
/* Begins (position 0) or goes on, up to the last record; the flags remain to be set. */
otter_status swap_run(struct boot_state *state);

#endif
