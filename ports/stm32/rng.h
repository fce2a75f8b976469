/* The chip's random generator; chip_entropy_byte of entropy.h takes its bytes. */
#ifndef OTTER_STM32_RNG_H
#define OTTER_STM32_RNG_H

#ifdef __cplusplus
extern "C" {
#endif

/* A generator that does not start gives no bytes later. */
void rng_start(void);

#ifdef __cplusplus
}
#endif

#endif
