/* The generator behind port_random (NIST SP 800-90A), over what a port has for entropy: Mbed TLS's
 * CTR_DRBG in a firmware, which has AES anyway, and BearSSL's HMAC_DRBG in a secure program
 * (OTTER_SECURE), whose signatures have it, too. */
#ifndef OTTER_CORTEX_M_GENERATOR_H
#define OTTER_CORTEX_M_GENERATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Brought by who uses it: fills `seed`, or says false when there is no entropy. */
bool generator_entropy(uint8_t *seed, size_t length);

/* Seeds the generator. It asks for entropy again when it must: CTR_DRBG now and then, HMAC_DRBG at
 * each request. Both calls say false when there is none, and then nothing is given out. */
bool generator_start(void);
bool generator_take(uint8_t *data, size_t length);

#ifdef __cplusplus
}
#endif

#endif
