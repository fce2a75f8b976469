/* Randomness on a board without a source of entropy.
 *
 * Factory programming writes one seed record (below) with 32 bytes from a good source to the start
 * of the board's area for it. Every boot replaces it: a seed derived from it is written to the next
 * sector of the area, which is a ring, and its own sector erased, before anything random is given
 * out. So a power cut at any point leaves a seed, no two boots use the same one, and what is on
 * flash does not tell earlier keys. The seed, mixed with the jitter of the board's clocks, feeds a
 * generator (ports/cortex-m/generator.h).
 *
 * Wear: a boot erases two sectors, the one that it writes to and the one that it leaves. At a boot
 * every 10 minutes that is 1,051,200 erases in 10 years; over the 16 sectors of the area each gets
 * 65,700, of the 100,000 that NOR flash is good for. */
#ifndef OTTER_MPS2_RANDOM_H
#define OTTER_MPS2_RANDOM_H

#include <stdint.h>

#include "port/flash.h"

#define RANDOM_SEED_MAGIC 0x31474e52u /* "RNG1" */
#define RANDOM_SEED_SIZE  32u

/* Little endian, at any multiple of RANDOM_SEED_STRIDE in any sector; of the valid records the
 * one with the highest sequence counts. One wrong bit is put right by the CRC. */
#define RANDOM_SEED_STRIDE 64u
struct random_seed_record {
    uint32_t magic;
    uint32_t sequence;
    uint8_t seed[RANDOM_SEED_SIZE];
    uint32_t crc; /* CRC-32 of all before */
};

/* `area` has two or more sectors of equal size. OTTER_E_CRYPTO, and a log line that says what to
 * do, without a seed: port_random then refuses. */
otter_status random_start(const struct flash_area *area);

#endif
