/* For tests of a core: a program that was made for it (guest_*.c), and the device by which it is
 * told what to do and says what it saw. */
#ifndef OTTER_TEST_GUEST_H
#define OTTER_TEST_GUEST_H

#include <stdio.h>

#include "tests/unit/twin/bench.h"

static uint8_t guest[8192];
static size_t guest_size;
static struct device mailbox;
static uint32_t scenario, said[256];
static unsigned said_count;
static twin_ns said_at[256];

static uint32_t mailbox_read(struct device *device, uint32_t offset, uint32_t value)
{
    (void)device;
    return offset == 0 ? scenario : value;
}

/* The guest ends with 'z'. */
static void mailbox_write(struct device *device, uint32_t offset, uint32_t old, uint32_t value)
{
    (void)old;
    if (offset != 4 || said_count == sizeof said / sizeof *said)
        return;
    said_at[said_count] = twin_now(device->twin);
    said[said_count++] = value;
    if (value == 'z')
        twin_stop(device->twin);
}

static void add_mailbox(struct twin *twin, uint32_t base)
{
    static const struct reg regs[] = {{"SCENARIO", 0, 0, 0, 0, 0, 0},
                                      {"SAY", 4, 0xffffffff, 0, 0, 0, 0}};
    mailbox = (struct device){.name = "MAILBOX",
                              .base = base,
                              .size = 0x1000,
                              .regs = regs,
                              .reg_count = 2,
                              .read = mailbox_read,
                              .write = mailbox_write};
    twin_add_device(twin, &mailbox);
    said_count = 0;
}

/* False: it was not compiled, because the machine has no compiler for it. */
static bool load_guest(void)
{
    FILE *file = GUEST[0] ? fopen(GUEST, "rb") : NULL;
    guest_size = file ? fread(guest, 1, sizeof guest, file) : 0;
    if (file)
        fclose(file);
    return guest_size > 0;
}

#endif
