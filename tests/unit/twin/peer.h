/* For tests of a UART's model: a peer at its wires that keeps what it hears. */
#ifndef OTTER_TEST_PEER_H
#define OTTER_TEST_PEER_H

#include "tests/unit/twin/bench.h"

static uint8_t heard[64];
static unsigned heard_count;

static void hear(void *ctx, uint8_t byte)
{
    (void)ctx;
    assert_in_range(heard_count, 0, sizeof heard - 1);
    heard[heard_count++] = byte;
}

static struct serial peer = {
    .name = "the console", .baud = 115200, .take = hear, .clear_to_send = true};

#endif
