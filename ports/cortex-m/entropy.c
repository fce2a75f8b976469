/* The generator behind port_random, and the tests of what seeds it; see entropy.h. */
#include "ports/cortex-m/entropy.h"

#include "port/log.h"
#include "port/port.h"
#include "ports/cortex-m/generator.h"

/* Bytes that are tested and thrown away at the start. */
#define START_UP_SAMPLES 256u
/* Raw bytes for each byte of seed: the source need not be perfect. */
#define SAMPLES_PER_BYTE 2u

static struct entropy_health health;
static bool started;

bool entropy_is_healthy(struct entropy_health *h, uint8_t byte)
{
    h->repeats = h->window_seen > 0 && byte == h->last ? (uint8_t)(h->repeats + 1u) : 1u;
    h->last = byte;
    if (h->window_seen == 0 || h->window_seen == ENTROPY_WINDOW) {
        h->window_first = byte;
        h->window_count = 0;
        h->window_seen = 0;
    }
    h->window_seen++;
    if (byte == h->window_first)
        h->window_count++;
    return h->repeats < ENTROPY_REPEATS_MAX && h->window_count < ENTROPY_SEEN_MAX;
}

static bool next_raw(uint8_t *byte)
{
    return chip_entropy_byte(byte) && entropy_is_healthy(&health, *byte);
}

/* At the generator's start, and whenever it wants more: it condenses what comes here. */
bool generator_entropy(uint8_t *out, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        uint8_t folded = 0;
        for (unsigned n = 0; n < SAMPLES_PER_BYTE; n++) {
            uint8_t raw;
            if (!next_raw(&raw))
                return false;
            folded = (uint8_t)(folded << 1 | folded >> 7) ^ raw;
        }
        out[i] = folded;
    }
    return true;
}

static bool source_works(void)
{
    for (unsigned i = 0; i < START_UP_SAMPLES; i++) {
        uint8_t raw;
        if (!next_raw(&raw))
            return false;
    }
    return true;
}

otter_status entropy_start(void)
{
    started = false;
    if (!source_works()) {
        LOG_ERR("RANDOM",
                "the source of entropy fails its tests: keys and connections are refused");
        return OTTER_E_CRYPTO;
    }
    started = generator_start();
    if (!started)
        LOG_ERR("RANDOM", "no seed for the generator: keys and connections are refused");
    return started ? OTTER_OK : OTTER_E_CRYPTO;
}

otter_status port_random(void *data, size_t length)
{
    started = started && generator_take(data, length);
    return started ? OTTER_OK : OTTER_E_CRYPTO;
}
