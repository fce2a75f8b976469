/* What the self-test programs of ports share: stages that go on over resets, checks that print "ok
 * ..." or "FAIL ...", and those of the flash's rules, of sleep and of random numbers. The last line
 * is "selftest done: N failed". Not part of any firmware. */
#ifndef OTTER_CORTEX_M_SELFTEST_H
#define OTTER_CORTEX_M_SELFTEST_H

#include <stdbool.h>
#include <stdint.h>

#include "port/flash.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Two sectors that the checks of flash use; the test may, too. */
extern struct flash_area selftest_area;

/* Starts the port; `offset` begins four sectors of the first flash device that nothing else uses.
 * The number of this stage: 0 after power-on, and one more after each reset. */
uint32_t selftest_begin(uint32_t offset, uint32_t sector, uint32_t *reset_reason);
/* Says how it went; does not return. */
__attribute__((noreturn)) void selftest_end(void);

void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void check(bool good, const char *what);

/* Breaks each rule of port/flash.h once, in an area of two sectors. */
void check_flash(const struct flash_area *area);
/* A sleep of 300 ms takes no less, and less than `most_ms`. */
void check_time(uint32_t most_ms);
void check_random(void);
/* 20 KB come at the console without a pause, from a person or a script that was asked for them,
 * while the first sectors of these areas are erased and programmed in turn: at least `least` times.
 */
void check_stream(const struct flash_area *areas, uint32_t count, uint32_t least);
void check_crypto(void); /* selftest_crypto.c */

#ifdef __cplusplus
}
#endif

#endif
