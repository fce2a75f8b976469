/* Randomness on a chip with a source of entropy: its raw bytes are watched by the health tests of
 * NIST SP 800-90B (section 4.4) and feed a generator (generator.h). A source that fails them is not used again
 * before a reset: port_random then says OTTER_E_CRYPTO, and no keys or connections are made. */
#ifndef OTTER_CORTEX_M_ENTROPY_H
#define OTTER_CORTEX_M_ENTROPY_H

#include <stdbool.h>
#include <stdint.h>

#include "port/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Brought by the chip: one raw byte of its source, false when none comes within its time. */
bool chip_entropy_byte(uint8_t *byte);

/* Tests the source and seeds the generator; the log says why when it fails. */
otter_status entropy_start(void);

/* The health tests, for a source that is taken to give at least 4 bits of entropy a byte, and a
 * false alarm in 2^20 samples at most. */
struct entropy_health {
    uint8_t last;
    uint8_t repeats;
    uint8_t window_first; /* the byte that is counted in the present window */
    uint16_t window_count;
    uint16_t window_seen;
};
#define ENTROPY_REPEATS_MAX 6u   /* 1 + 20 / 4 */
#define ENTROPY_WINDOW      512u /* of the adaptive proportion test */
#define ENTROPY_SEEN_MAX    62u  /* 1 + critbinom(512, 2^-4, 1 - 2^-20) */

/* False once the byte makes one of them fail. */
bool entropy_is_healthy(struct entropy_health *health, uint8_t byte);

#ifdef __cplusplus
}
#endif

#endif
