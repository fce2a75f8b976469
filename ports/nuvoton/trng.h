/* The chip's random generator; chip_entropy_byte of entropy.h takes its bytes. */
#ifndef OTTER_NUVOTON_TRNG_H
#define OTTER_NUVOTON_TRNG_H

#ifdef __cplusplus
extern "C" {
#endif

/* A generator that does not start gives no bytes later. */
void trng_start(void);

#ifdef __cplusplus
}
#endif

#endif
