/* A DRBG seeded from a record on flash that every boot replaces; see random.h. */
#include "ports/mps2-an505/random.h"

#include <string.h>

#include "codec/crc32.h"
#include "image/crypto.h"
#include "port/log.h"
#include "port/port.h"
#include "port/wipe.h"
#include "ports/cortex-m/clock.h"
#include "ports/cortex-m/generator.h"

#define RECORD_CHECKED_LENGTH offsetof(struct random_seed_record, crc)
#define JITTER_SAMPLES        64u

_Static_assert(sizeof(struct random_seed_record) % 4 == 0, "a record is whole write units");

static bool started;
static uint8_t pool[RANDOM_SEED_SIZE]; /* what the generator is seeded from, and reseeded */

/* out = SHA-256(purpose, secret, clock jitter). How long a read of a clock takes varies with what
 * else the machine does; that is a bonus, and not counted on. */
static void derive(const char *purpose, const uint8_t secret[RANDOM_SEED_SIZE],
                   uint8_t out[RANDOM_SEED_SIZE])
{
    struct image_sha256 hash;
    image_sha256_init(&hash);
    image_sha256_update(&hash, purpose, strlen(purpose));
    image_sha256_update(&hash, secret, RANDOM_SEED_SIZE);
    for (unsigned i = 0; i < JITTER_SAMPLES; i++) {
        const uint32_t sample = clock_sample();
        image_sha256_update(&hash, &sample, sizeof sample);
    }
    image_sha256_finish(&hash, out);
    port_wipe(&hash, sizeof hash);
}

/* ---- The seed on flash ------------------------------------------------------------------------
 */

static bool is_whole(const struct random_seed_record *record)
{
    return record->magic == RANDOM_SEED_MAGIC &&
           record->crc == crc32_update(0, record, RECORD_CHECKED_LENGTH);
}

static bool read_whole(const struct flash_area *area, uint32_t offset,
                       struct random_seed_record *record)
{
    return flash_read(area, offset, record, sizeof *record) == OTTER_OK && is_whole(record);
}

/* One bit that the flash has lost since must not take a device off line for good: the CRC tells
 * which it is. */
static bool read_record(const struct flash_area *area, uint32_t offset,
                        struct random_seed_record *record)
{
    uint8_t *bytes = (uint8_t *)record;
    if (read_whole(area, offset, record))
        return true;
    const uint32_t wrong = record->magic ^ RANDOM_SEED_MAGIC;
    if ((wrong & (wrong - 1u)) != 0)
        return false; /* more than one bit, as in all that is no record */
    for (uint32_t bit = 0; bit < 8u * sizeof *record; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (is_whole(record))
            return true;
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    return false;
}

/* Finds the newest record and its offset. */
static bool find_seed(const struct flash_area *area, struct random_seed_record *seed,
                      uint32_t *offset)
{
    struct random_seed_record record;
    bool found = false;
    for (uint32_t at = 0; at < area->size; at += RANDOM_SEED_STRIDE) {
        if (!read_record(area, at, &record))
            continue;
        if (!found || (int32_t)(record.sequence - seed->sequence) > 0) {
            *seed = record;
            *offset = at;
            found = true;
        }
    }
    port_wipe(&record, sizeof record);
    return found;
}

static otter_status write_record(const struct flash_area *area, uint32_t offset,
                                 const struct random_seed_record *record)
{
    struct random_seed_record written;
    otter_status status = flash_program(area, offset, record, sizeof *record);
    if (status == OTTER_OK &&
        !(read_whole(area, offset, &written) && memcmp(&written, record, sizeof written) == 0))
        status = OTTER_E_FLASH;
    port_wipe(&written, sizeof written);
    return status;
}

/* Into the first free place of the sector that takes it: one that a cut caught may read as erased
 * and be refused by the flash. A full sector is no error: it takes a power cut in each of the last
 * 60 boots to make one, and the next step does without. */
static otter_status append_record(const struct flash_area *area, uint32_t sector,
                                  uint32_t sector_size, const struct random_seed_record *record)
{
    otter_status status = OTTER_OK;
    for (uint32_t at = sector; at < sector + sector_size; at += RANDOM_SEED_STRIDE) {
        if (flash_is_erased(area, at, RANDOM_SEED_STRIDE) != 1)
            continue;
        status = write_record(area, at, record);
        if (status == OTTER_OK)
            return OTTER_OK;
    }
    return status;
}

/* Erases what earlier boots have left in other sectors than `home`. Only a cut boot leaves
 * anything. */
static otter_status erase_leftovers(const struct flash_area *area, uint32_t home,
                                    uint32_t sector_size)
{
    for (uint32_t at = 0; at < area->size; at += sector_size) {
        if (at == home || flash_is_erased(area, at, sector_size) == 1)
            continue;
        const otter_status status = flash_erase(area, at, sector_size);
        if (status != OTTER_OK)
            return status;
    }
    return OTTER_OK;
}

static bool others_are_erased(const struct flash_area *area, uint32_t home, uint32_t sector_size)
{
    return flash_is_erased(area, 0, home) == 1 &&
           flash_is_erased(area, home + sector_size, area->size - home - sector_size) == 1;
}

/* Moves `next` into the sector behind the one that holds the present record, and erases that.
 *
 * If another sector is not blank, an earlier boot was cut: either in writing the present record,
 * which may then read differently next time, or in erasing that sector. For the first case a sound
 * copy of `next` goes behind the present record before the older one is erased. A sector that only
 * looks blank, after an erase cut short, is erased again before it is written. */
static otter_status store_seed(const struct flash_area *area, uint32_t present,
                               const struct random_seed_record *next)
{
    const uint32_t sector_size = flash_sector_at(area, 0).size;
    const uint32_t home = present - present % sector_size;
    const uint32_t target = (home + sector_size) % area->size;
    otter_status status = OTTER_OK;
    if (!others_are_erased(area, home, sector_size))
        status = append_record(area, home, sector_size, next);
    if (status == OTTER_OK)
        status = erase_leftovers(area, home, sector_size);
    if (status == OTTER_OK)
        status = flash_erase(area, target, sector_size);
    if (status == OTTER_OK)
        status = write_record(area, target, next);
    if (status == OTTER_OK)
        status = flash_erase(area, home, sector_size);
    return status;
}

static otter_status replace_seed(const struct flash_area *area, uint32_t present,
                                 const struct random_seed_record *seed)
{
    struct random_seed_record next = {.magic = RANDOM_SEED_MAGIC, .sequence = seed->sequence + 1};
    derive("next seed", seed->seed, next.seed);
    next.crc = crc32_update(0, &next, RECORD_CHECKED_LENGTH);
    const otter_status status = store_seed(area, present, &next);
    port_wipe(&next, sizeof next);
    return status;
}

/* ---- The generator ----------------------------------------------------------------------------
 */

/* At its start, and whenever it wants more. */
bool generator_entropy(uint8_t *out, size_t length)
{
    while (length > 0) {
        uint8_t block[RANDOM_SEED_SIZE];
        derive("output", pool, block);
        derive("pool", pool, pool);
        const size_t take = length < sizeof block ? length : sizeof block;
        memcpy(out, block, take);
        port_wipe(block, sizeof block);
        out += take;
        length -= take;
    }
    return true;
}

otter_status random_start(const struct flash_area *area)
{
    struct random_seed_record seed;
    uint32_t offset;
    started = false;
    if (!find_seed(area, &seed, &offset)) {
        LOG_ERR("RANDOM",
                "no seed at flash offset 0x%lx: factory programming must write one; "
                "no keys, no connections until then",
                (unsigned long)area->offset);
        return OTTER_E_CRYPTO;
    }
    otter_status status = replace_seed(area, offset, &seed);
    derive("this boot", seed.seed, pool);
    port_wipe(&seed, sizeof seed);
    if (status == OTTER_OK && !generator_start())
        status = OTTER_E_CRYPTO;
    started = status == OTTER_OK;
    if (!started)
        LOG_ERR("RANDOM", "the seed could not be renewed: %s; keys and connections are refused",
                otter_status_text(status));
    return status;
}

otter_status port_random(void *data, size_t length)
{
    return started && generator_take(data, length) ? OTTER_OK : OTTER_E_CRYPTO;
}
