/* A device on an I2C bus, as its controller sees it. */
#ifndef OTTER_TWIN_PARTS_I2C_SLAVE_H
#define OTTER_TWIN_PARTS_I2C_SLAVE_H

#include <stdbool.h>
#include <stdint.h>

struct i2c_slave {
    uint8_t address; /* 7 bits */
    uint32_t hz_max;
    bool absent; /* does not acknowledge; for tests */
    void *ctx;
    void (*begin)(void *ctx, bool reads); /* START, or again, with its address */
    bool (*put)(void *ctx, uint8_t byte); /* false: it does not acknowledge */
    uint8_t (*get)(void *ctx);
    void (*end)(void *ctx); /* STOP */
    struct i2c_slave *next; /* of the controller */
};

#endif
