/* The board's third flash device, for profiles that have one: an MX25LM51245G at OCTOSPI. As
 * flash_ops of port/flash.h want it; OTTER_E_IO when none answers. A call that erases waits for one
 * sector (30 ms, at most 400 ms), one that programs for its pages (each under 1 ms); interrupts are
 * on meanwhile. */
#ifndef OTTER_STM32_OCTOSPI_H
#define OTTER_STM32_OCTOSPI_H

#include "port/flash.h"

#ifdef __cplusplus
extern "C" {
#endif

extern const struct flash_ops octospi_ops;

#ifdef __cplusplus
}
#endif

#endif
