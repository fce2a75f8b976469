/* A simulated NOR flash whose power can be cut at any operation, in several ways.
 *
 * The device keeps the rules of port/flash.h strictly: a program that is misaligned, or touches a
 * unit that was programmed since its last erase, or an erase of anything but a sector's start, is
 * counted in `rule_breaks` and answered OTTER_E_FLASH; tests assert that there were none.
 *
 * Operations (programs and erases; reads are free) of all devices that share one `struct nor_power`
 * are numbered from 1. A cut plan names the operation at which power fails and how much of it is
 * still done; then control jumps out of the code under test, as a reset would:
 *
 *   struct nor_power power;                      // one for all devices of the board
 *   nor_power_init(&power, seed);
 *   nor_create(&device, &power, sectors, sector_count, write_size, erased_value);
 *   nor_power_plan(&power, 17, NOR_CUT_TORN);    // 0: no cut
 *   if (nor_power_run(&power, boot_once, context) == NOR_RUN_CUT) ...   // run it again
 *
 * What a cut leaves is chosen from `seed` and the operation's number, so each case repeats. */
#ifndef OTTER_TESTS_SIM_NOR_SIM_H
#define OTTER_TESTS_SIM_NOR_SIM_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

#include "port/flash.h"

/* How the operation in flight ends when power fails. */
enum nor_cut {
    NOR_CUT_BEFORE,  /* not begun */
    NOR_CUT_TORN,    /* program: a prefix of whole units; erase: a prefix of the sector */
    NOR_CUT_GARBLED, /* program: a prefix, and the next unit holds some of its bits, which may
                        read differently each time; erase: each bit old or erased, unstable */
    NOR_CUT_TAIL,    /* program: all but the last unit; erase: all but the start of the sector */
    NOR_CUT_DONE,    /* complete, but the caller never learns of it */
    NOR_CUT_KINDS,

    /* As NOR_CUT_GARBLED, but the units caught in the middle behave, until they are erased, as on:
     */
    NOR_CUT_UNREADABLE = NOR_CUT_KINDS, /* flash with ECC (STM32): reading one fails */
    NOR_CUT_SEALED,   /* write-once flash without read errors: a unit that reads as erased is
                         refused all the same when it is programmed */
    NOR_CUT_WAVERING, /* each bit has odds of its own, from 1 in 256 to 255 in 256, at each reading
                       */
    NOR_CUT_DRIFTING, /* bits stay as they are while power is on, and change from boot to boot */
    NOR_CUT_ALL_KINDS
};
const char *nor_cut_name(enum nor_cut cut);

struct nor_power {
    uint32_t operations; /* since nor_power_run began */
    uint32_t cut_at;     /* operation at which power fails; 0 = never */
    enum nor_cut cut;
    uint32_t seed;
    uint32_t noise; /* state of the generator of unstable bits */
    uint32_t boots; /* times that power came back: what drifts depends on it */
    bool running;
    jmp_buf reset;
};

struct nor_fault;

struct nor_device {
    struct flash flash; /* give &device.flash to a struct flash_area */
    struct nor_power *power;
    const struct flash_sector *sectors; /* sorted, without gaps, from offset 0 */
    uint32_t sector_count;
    uint8_t *data;           /* contents */
    uint8_t *unstable;       /* mask: bits that read at random */
    uint8_t *written;        /* one byte a write unit: what happened since the last erase */
    uint32_t unstable_bytes; /* that have a bit in the mask */
    uint32_t unreadable;     /* units whose reading fails */
    uint32_t *erases;        /* count for each sector */
    uint32_t rule_breaks;
    uint32_t erase_count; /* of the whole device */
    uint64_t bytes_programmed;
    bool fail_reads;                     /* every read fails, as of a chip that is gone */
    uint32_t silent_offset, silent_size; /* this part answers nothing: OTTER_E_IO */
    struct nor_fault *fault;             /* see nor_fault.h */
};

void nor_power_init(struct nor_power *power, uint32_t seed);
void nor_power_plan(struct nor_power *power, uint32_t cut_at, enum nor_cut cut);

enum nor_run { NOR_RUN_DONE, NOR_RUN_CUT };
/* Calls body(context) with power on; operations are counted from 0. It is a boot: bits drift. */
enum nor_run nor_power_run(struct nor_power *power, void (*body)(void *context), void *context);
/* A boot without a run: bits drift. For what is read outside of nor_power_run. */
void nor_power_cycle(struct nor_power *power);
/* Another thing than flash that changes for good at one instant, such as an option bit: counted as
 * an operation, and cut before or after. */
void nor_power_act(struct nor_power *power, void (*act)(void *context), void *context);
/* Ends the run as a cut does, from within the body (a reset that the code asks for). */
_Noreturn void nor_power_reset(struct nor_power *power);

/* Allocates; `sectors` must outlive the device, which starts all erased. */
void nor_create(struct nor_device *device, struct nor_power *power,
                const struct flash_sector *sectors, uint32_t sector_count, uint32_t write_size,
                uint8_t erased_value);
/* `count` equal sectors into a table of the caller. */
void nor_uniform_sectors(struct flash_sector *sectors, uint32_t count, uint32_t size);
void nor_destroy(struct nor_device *device);
/* All sectors erased, counters zero. */
void nor_wipe(struct nor_device *device);
/* Erases without being counted, as a programmer would. */
void nor_erase_bytes(struct nor_device *device, uint32_t offset, uint32_t length);
/* Loads bytes as a programmer would: sectors touched must be erased; no operation is counted. Only
 * units that are not all erased count as written. */
void nor_load(struct nor_device *device, uint32_t offset, const void *data, uint32_t length);

/* True if the unit at `offset` was left alone since its last erase. */
bool nor_is_blank(const struct nor_device *device, uint32_t offset);

/* A copy of the whole state of a device, to start many cases from one point. Zero before the first
 * take; one snapshot serves one device. */
struct nor_snapshot {
    uint8_t *bytes;
    uint32_t unstable_bytes;
    uint32_t unreadable;
};
void nor_snapshot_take(const struct nor_device *device, struct nor_snapshot *snapshot);
void nor_snapshot_restore(struct nor_device *device, const struct nor_snapshot *snapshot);
void nor_snapshot_free(struct nor_snapshot *snapshot);

#endif
