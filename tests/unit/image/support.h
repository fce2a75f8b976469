/* What the tests of images share: a flash in memory that holds one image, files of the imgtool
 * vectors, and images as imgtool 2.4.0 makes them with public test keys (RFC 6979, RFC 8032). */
#ifndef OTTER_TESTS_UNIT_IMAGE_SUPPORT_H
#define OTTER_TESTS_UNIT_IMAGE_SUPPORT_H

#include "image/check.h"
#include "tests/sim/nor_sim.h"

#define FLASH_BYTES 0x80000u

extern struct nor_device flash_device;
extern struct flash_area flash_slot; /* all of it: 128 sectors of 4 KiB */

/* cmocka set-up and tear-down: an erased flash with write unit 4. */
int flash_set_up(void **state);
int flash_tear_down(void **state);

/* Erases the flash and puts `length` bytes at its start. */
void flash_put(const void *data, uint32_t length);

/* Loads a vector into memory: its length, or 0 if the vectors are not there. */
uint32_t vector_load(const char *name, uint8_t *data, uint32_t size);

/* Version 1.2.3+4, payload 00 .. 3f, security counter 7, needs image 1 of 2.0.0, TLV 0x00a0. */
#define GOLDEN_SIZE 281u
extern const uint8_t golden[GOLDEN_SIZE];
#define GOLDEN_SPKI_SIZE 91u
extern const uint8_t golden_spki[GOLDEN_SPKI_SIZE];
extern const struct image_key golden_key; /* that */

/* Signed with Ed25519: version 1.2.3+4, the same payload, nothing else. */
#define GOLDEN_ED25519_SIZE 240u
extern const uint8_t golden_ed25519[GOLDEN_ED25519_SIZE];
extern const struct image_key golden_key_ed25519;

#endif
