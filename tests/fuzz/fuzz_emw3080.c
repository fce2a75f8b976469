/* Whatever the module does and says: FLOW and NOTIFY at any time, any bytes. Frames stay within
 * their limits and their order, no bytes are clocked that NSS or FLOW did not allow, and the driver
 * never turns on the spot.
 *
 * Input: a byte for each tick. 0xff and a number: so many tenths of a second pass; else its bits
 * are the pins, room for frames, frames to send and good headers. What is clocked in comes from the
 * input behind it. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/emw3080/emw3080.h"
#include "port/log.h"

static otter_ms now;
static const uint8_t *input;
static size_t left;
static struct {
    bool selected, flow, notify, room, frames, good_header, bus_fails;
    bool header_due;
    size_t written;
} world;

otter_ms port_now(void)
{
    return now;
}

void port_log_write(const char *line, size_t length)
{
    (void)line;
    (void)length;
}

static uint8_t next_byte(void)
{
    if (left == 0)
        return 0;
    left--;
    return *input++;
}

void emw3080_reset(bool active)
{
    if (active && world.selected)
        abort();
}

void emw3080_select(bool on)
{
    world.selected = world.header_due = on;
}

bool emw3080_notify(void)
{
    return world.notify;
}

bool emw3080_flow(void)
{
    return world.flow;
}

void emw3080_forget_flow(void)
{
    world.flow = false;
}

bool emw3080_exchange(const uint8_t *out, uint8_t *in, size_t length)
{
    static volatile uint8_t sum;
    if (!world.selected || length == 0 || length > EMW3080_PIECE_MAX)
        abort();
    for (size_t i = 0; i < length; i++) {
        sum = (uint8_t)(sum + out[i]);
        in[i] = next_byte();
    }
    if (world.header_due && world.good_header) {
        in[0] = 0x0b;
        in[2] &= 0x0f;
        in[3] = (uint8_t)~in[1];
        in[4] = (uint8_t)~in[2];
    }
    world.flow = world.good_header;
    world.header_due = false;
    return !world.bus_fails;
}

size_t emw3080_frame_length(void)
{
    return world.frames ? EMW3080_FRAME_MAX - left % 1500u : 0;
}

void emw3080_frame_read(size_t offset, uint8_t *data, size_t length)
{
    if (offset + length > EMW3080_FRAME_MAX)
        abort();
    memset(data, (int)offset, length);
}

void emw3080_frame_sent(void)
{
    world.frames = false;
}

bool emw3080_frame_room(void)
{
    return world.room;
}

void emw3080_frame_write(size_t offset, const uint8_t *data, size_t length)
{
    static volatile uint8_t sum;
    if (offset != 0 && offset != world.written)
        abort();
    for (size_t i = 0; i < length; i++)
        sum = (uint8_t)(sum + data[i]);
    world.written = offset + length;
    if (world.written > EMW3080_FRAME_MAX)
        abort();
}

void emw3080_frame_received(size_t length)
{
    if (length != world.written || length < EMW3080_FRAME_MIN)
        abort();
    world.written = 0;
}

static void step(struct emw3080 *module, uint8_t kind)
{
    if (kind == 0xff) {
        now += 100u * next_byte();
        emw3080_tick(module, now);
        return;
    }
    world.flow = kind & 1;
    world.notify = kind & 2;
    world.room = !(kind & 4);
    world.frames = kind & 8;
    world.good_header = kind & 16;
    world.bus_fails = (kind & 0xe0) == 0xe0;
    if ((kind & 0xe0) == 0xc0)
        emw3080_join(module, now, kind & 1 ? "net" : "", kind & 2 ? "secret" : "");
    now++;
    emw3080_tick(module, now);
    (void)emw3080_has_work(module, now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct emw3080 module;
    now = 0;
    memset(&world, 0, sizeof world);
    input = data;
    left = size;
    emw3080_init(&module, now);
    emw3080_join(&module, now, "net", "secret");
    for (now = 0; now <= 2600; now += 1300) /* past the reset */
        emw3080_tick(&module, now);
    now = 2600;
    while (left > 0)
        step(&module, next_byte());
    return 0;
}
