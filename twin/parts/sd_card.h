/* An SD card (SDHC) at the pins of an SD host: commands, responses and blocks as the SD
 * Association's Physical Layer Simplified Specification has them, its sectors in a file. A command
 * that the card does not take in its state gets no response, as on a real card; a host that clocks
 * it wrongly is a fault. */
#ifndef OTTER_TWIN_PARTS_SD_CARD_H
#define OTTER_TWIN_PARTS_SD_CARD_H

#include "twin/parts/fault.h"
#include "twin/twin.h"

#define SD_BLOCK   512u
#define SD_SECTORS 0x4000u /* 8 MiB: small, so that its file is */

struct sd_card;

struct sd_response {
    unsigned size; /* in bytes: 0 none, 6 short, 17 long (R2) */
    bool checked;  /* its CRC is right; R3 has none */
    uint8_t bytes[17];
};

/* What the card says after a block that it got. */
enum sd_token { SD_NO_TOKEN = 0, SD_ACCEPTED = 2, SD_CRC_ERROR = 5, SD_WRITE_ERROR = 6 };

/* The memory is FOLDER/sd-card.bin; NULL: none, for tests. NULL with a message on stderr. The card
 * is in its slot. */
struct sd_card *sd_card_new(struct twin *twin, const char *folder);
void sd_card_free(struct sd_card *card);

/* Pulls the card out, or puts one with the same contents in: its power goes with it. */
void sd_card_insert(struct sd_card *card, bool present);
bool sd_card_is_present(const struct sd_card *card);
/* The next so many blocks, both ways, meet noise on the line. */
void sd_card_spoil(struct sd_card *card, unsigned blocks);

/* From now on it goes wrong; `n` counts the blocks that are written from here, from 1 on. */
void sd_card_break(struct sd_card *card, enum part_fault fault, unsigned n);

/* Clocks without a command: it wants 74 before the first one. */
void sd_card_clock(struct sd_card *card, unsigned clocks);
void sd_card_command(struct sd_card *card, uint8_t index, uint32_t argument, uint32_t hz,
                     struct sd_response *response);
/* The next block of a read by so many lines. False: nothing comes. `checked`: its CRC is right. */
bool sd_card_read(struct sd_card *card, unsigned lines, uint8_t block[SD_BLOCK], bool *checked);
enum sd_token sd_card_write(struct sd_card *card, unsigned lines, const uint8_t block[SD_BLOCK]);
/* It holds DAT0 low. */
bool sd_card_is_busy(const struct sd_card *card);

/* Its contents, as in a reader. */
uint8_t *sd_card_bytes(struct sd_card *card);

#endif
