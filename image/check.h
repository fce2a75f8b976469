/* Is this image whole, and signed by a key that we trust? (docs/formats.md 1.5 to 1.7, 5.1)
 *
 *   struct image_check check;
 *   image_check_init(&check, slot, limit, &policy);
 *   do status = image_check_step(&check, buffer, sizeof buffer); while (status == OTTER_E_AGAIN);
 *
 * A step hashes one buffer full; the last step compares the hash and verifies one signature. So
 * firmware checks a candidate between two turns of its loop, and the bootloader feeds its watchdog.
 * The order of checks: structure and limit, hash, key, signature, security counter. */
#ifndef OTTER_IMAGE_CHECK_H
#define OTTER_IMAGE_CHECK_H

#include "image/crypto.h"
#include "image/image.h"
#include "image/scheme.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The keys of a program, in a C file made at build time (`otter getpub --encoding lang-c`, or by
 * hand) and linked in. */
extern const struct image_key image_keys[];
extern const unsigned image_key_count;

struct image_policy {
    const struct image_key *keys;
    unsigned key_count;
    /* The device's own security counter. An image must carry one that is not below it; when this
     * is 0, an image may come without. */
    uint32_t security_counter;
};

/* How a payload that is stored encrypted is read: in place, `offset` counted from the start of the
 * payload, always a multiple of 16. */
struct image_cipher {
    void (*decrypt)(const struct image_cipher *cipher, uint32_t offset, uint8_t *data,
                    uint32_t length);
};

/* Value of `verdict` when, and only when, every check was passed: no single flipped bit or skipped
 * instruction makes it out of another value. And when image_check_again has passed them too. */
#define IMAGE_ACCEPTED       0x5ac3a53cu
#define IMAGE_ACCEPTED_TWICE (2u * IMAGE_ACCEPTED)

struct image_check {
    struct image image;
    const struct image_policy *policy;
    const struct image_cipher *cipher; /* NULL: the payload is in clear */
    struct image_sha256 sha;
    uint32_t hashed; /* bytes so far; of image.hashed_end */
    uint32_t verdict;
    uint32_t counter; /* the image's security counter, 0 if it has none; after the last step */
    uint8_t hash[IMAGE_HASH_SIZE]; /* valid after the last step */
};

/* Opens the image; `limit` as in image_open. The area and the policy must outlive the check. */
otter_status image_check_init(struct image_check *check, const struct flash_area *area,
                              uint32_t limit, const struct image_policy *policy);
/* For encrypted images, between init and the first step. */
void image_check_set_cipher(struct image_check *check, const struct image_cipher *cipher);
/* Hashes at most `size` bytes through `buffer` (a multiple of 16, at least IMAGE_SIGNATURE_MAX: it
 * also takes the signature). OTTER_E_AGAIN while there is more to do; then OTTER_OK, or why the
 * image is refused: OTTER_E_HASH, OTTER_E_KEY (no trusted key signed it), OTTER_E_SIGNATURE,
 * OTTER_E_VERSION (security counter), OTTER_E_MALFORMED, OTTER_E_FLASH. */
otter_status image_check_step(struct image_check *check, uint8_t *buffer, uint32_t size);
/* For the bootloader, after image_check_step said OTTER_OK: reads the header once more and checks
 * hash, key, signature and counter once more from the flash, so that one fault in the core (a
 * skipped instruction, a wrong bit) can spoil one check but not both. Same answers, and
 * OTTER_E_FLASH for a header that has changed; `verdict` becomes IMAGE_ACCEPTED_TWICE. */
otter_status image_check_again(struct image_check *check, uint8_t *buffer);

/* All of these in one call. `turn` is called at least before each step, for a watchdog. A borrower
 * (lent.h) has the bootloader's own check instead, with its keys, whatever the policy. */
otter_status image_check_whole(const struct flash_area *area, uint32_t limit,
                               const struct image_policy *policy, void (*turn)(void));

#ifdef __cplusplus
}
#endif

#endif
