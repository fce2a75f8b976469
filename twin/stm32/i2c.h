/* I2C2 of the U5 as the only master, 7-bit addresses, at most 255 bytes in a transfer. Interrupts,
 * DMA, slave mode, SMBus, RELOAD and a second master are not modelled. */
#ifndef OTTER_TWIN_STM32_I2C_H
#define OTTER_TWIN_STM32_I2C_H

#include "twin/parts/i2c_slave.h"
#include "twin/stm32/stm32.h"

enum stm32_i2c_pin { STM32_SCL, STM32_SDA, STM32_I2C_PINS };

enum stm32_i2c_phase {
    I2C_IDLE,
    I2C_ADDRESSES,
    I2C_WANTS_BYTE,
    I2C_SENDS,
    I2C_RECEIVES,
    I2C_HAS_BYTE,
    I2C_COMPLETE,
    I2C_STOPS
};

struct stm32_i2c {
    struct stm32_module module;
    struct stm32_pin pins[STM32_I2C_PINS];
    struct i2c_slave *slaves, *slave; /* all; the one that is addressed */
    struct twin_timer done;
    enum stm32_i2c_phase phase;
    unsigned left;
    unsigned held; /* clocks for which a slave still pulls SDA low */
    struct stm32_ear ear;
};

/* What the board has there, with pull-ups; before the power comes. */
void stm32_i2c_connect(struct stm32_i2c *i2c, const struct stm32_pin pins[STM32_I2C_PINS]);
/* The slave must outlive the chip. */
void stm32_i2c_add(struct stm32_i2c *i2c, struct i2c_slave *slave);
/* A slave was left in the middle of a byte and pulls SDA low until SCL has risen so often. */
void stm32_i2c_hold(struct stm32_i2c *i2c, unsigned clocks);

#endif
