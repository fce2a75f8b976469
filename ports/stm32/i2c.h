/* I2C2 of the STM32U585 as the only master of a bus at 100 kHz, for registers of 8 bits in devices
 * with addresses of 7. Nothing here waits: a transfer is asked for, and each i2c_step does what the
 * peripheral is ready for, at most one byte; meanwhile SCL is held low, for as long as the loop has
 * other things to do.
 *
 * From RM0456 (I2C) and its register tables. Run in the twin, not on silicon. Not checked there:
 * the timing (TIMINGR, the manual's example for 16 MHz), the rise time that the board's pull-ups
 * give, and that the sensors bear an SCL that is held for milliseconds (their tables know of no
 * limit). */
#ifndef OTTER_STM32_I2C_H
#define OTTER_STM32_I2C_H

#include <stdint.h>

#include "port/port.h"
#include "port/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Pins (BOARD_I2C_SCL, BOARD_I2C_SDA), clock and peripheral; and a bus that somebody holds, as a
 * sensor does after a reset within a byte, is clocked free in the steps that follow. */
void i2c_start(void);

/* Ask for a transfer, when no other is under way: the `size` bytes (1 to 255) from register `reg`
 * on, to `data`, which must stay until it is over; or one byte to `reg`. */
void i2c_read(otter_ms now, uint8_t address, uint8_t reg, uint8_t *data, uint8_t size);
void i2c_write(otter_ms now, uint8_t address, uint8_t reg, uint8_t value);

/* A step of it. OTTER_E_AGAIN while it is under way; OTTER_OK; OTTER_E_NOT_FOUND when the device
 * does not acknowledge; OTTER_E_IO for an error on the bus, OTTER_E_TIMEOUT when nothing moves. It
 * is over with all but the first. */
otter_status i2c_step(otter_ms now);

#ifdef __cplusplus
}
#endif

#endif
