/* A simulated board after those of MCUboot's own simulator: one flash device, or an internal and an
 * external one, with all slots and the scratch area in it at their real offsets.
 *
 * Beyond nor_sim, it keeps a log of all flash operations and can make the writes to a range fail.
 * A check that fails names the layout, the variant and the power cut under test. */
#ifndef OTTER_TESTS_SIM_MCUBOOT_RIG_H
#define OTTER_TESTS_SIM_MCUBOOT_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "boot/boot.h"
#include "image/trailer.h"
#include "tests/sim/boot/sim_image.h"
#include "tests/sim/nor_sim.h"

#define RIG_DEVICES     2u
#define RIG_IMAGES      2u
#define RIG_SECTORS_MAX 1024u
#define RIG_SLOT_MAX    0x80000u
#define RIG_LOG_MAX     4096u

enum rig_area { PRIMARY, SECONDARY, SCRATCH, RIG_AREAS };

struct rig_run {
    uint16_t count;
    uint32_t size;
};

struct rig_place {
    uint32_t offset;
    uint32_t size;
    uint8_t device;
};

struct rig_layout {
    const char *name;
    const char *modes; /* names of boot_mode_name, with a comma behind each */
    struct rig_run runs[RIG_DEVICES][12];
    struct rig_place place[RIG_IMAGES][RIG_AREAS]; /* scratch: of image 0 */
    uint16_t max_sectors;
};

/* Table of simulator geometries (docs/formats.md 8.2); ends with a NULL name. */
extern const struct rig_layout rig_layouts[];
/* The layout of the measured traces: six sectors of 4 KiB; move and offset with one more in the
 * slot that needs it. For the linked mode; scratch with 1, 2 or 3 sectors. */
const struct rig_layout *rig_traced_layout(unsigned scratch_sectors);

struct rig_variant {
    uint8_t write_size;
    uint8_t max_align;
    uint8_t erased_value;
};
extern const struct rig_variant rig_plain; /* write unit 4, erased to 0xff */

struct rig_op {
    bool is_erase;
    uint8_t device;
    uint32_t offset; /* from the start of the device */
    uint32_t length;
    uint8_t bytes[16]; /* the first of a program */
};

struct rig;
struct rig_port {
    struct rig *rig;
    uint8_t device;
};

struct rig {
    const struct rig_layout *layout;
    struct rig_variant variant;
    struct nor_power power;
    struct nor_device device[RIG_DEVICES];
    struct rig_port port[RIG_DEVICES];
    struct flash flash[RIG_DEVICES]; /* what the code under test sees */
    struct flash_sector sectors[RIG_DEVICES][RIG_SECTORS_MAX];
    struct flash_area area[RIG_IMAGES][RIG_AREAS];
    uint8_t image; /* which one the functions below are about */
    struct boot_slots slots[RIG_IMAGES];
    struct boot_config config;
    struct boot_result result; /* of the last boot */
    otter_status status;
    uint32_t raised[RIG_IMAGES]; /* what the bootloader asked to store as security counters */
    struct rig_op log[RIG_LOG_MAX];
    uint32_t logged; /* since the last boot began */
    /* Programs that touch [bad_start, bad_end) of the primary's device fail that often. */
    uint32_t bad_start;
    uint32_t bad_end;
    unsigned bad_percent;
    uint32_t seed;  /* varies what cuts leave behind */
    char note[160]; /* what is being done, for a check that fails */
};

void rig_create(struct rig *rig, const struct rig_layout *layout,
                const struct rig_variant *variant);
void rig_destroy(struct rig *rig);
void rig_wipe(struct rig *rig);

/* Fails the test with the case's description unless `good`. */
void rig_check(const struct rig *rig, bool good, const char *what);

/* --- what the linked mode does ---------------------------------------------------------------- */

bool rig_reverts(void); /* keeps the old image, and can go back to it */
bool rig_is_mode(const char *name);
/* All work instead of a share of it: OTTER_SIM_FULL is set in the environment. */
bool rig_is_full(void);

/* Calls `body` with a fresh rig for every layout that suits the mode x write units {1, 2, 4, 8}
 * with max-align 8, 16 and 32 x erased value {ff, 00}, or for a share of these (see rig_is_full)
 * that differs from test to test; `turn` counts the calls. */
void rig_for_each(void (*body)(struct rig *rig, unsigned turn));

/* --- images ----------------------------------------------------------------------------------- */

enum version { OLDER = 1, OLD, NEW, NEXT, VERSIONS };

/* Makes the image of this version that ends at `end`; it is kept for later comparisons. */
void rig_make(enum version version, uint32_t end);
uint32_t rig_end(enum version version);
uint8_t *rig_bytes(enum version version);
/* Sizes for a turn of rig_for_each: small ones, growing and shrinking, once in a while the largest
 * that the layout takes. */
void rig_make_pair(struct rig *rig, unsigned turn);
/* Largest image that the bootloader accepts here, found by trying. For an empty rig. */
uint32_t rig_limit(struct rig *rig);
/* Size of the primary's sector that holds offset 0. */
uint32_t rig_sector(const struct rig *rig);

/* --- what a programmer, a download and an application do -------------------------------------- */

void rig_flash(struct rig *rig, enum rig_area area, enum version version); /* programmer */
enum { PAD_MAGIC = 1, PAD_IMAGE_OK = 2, PAD_COPY_DONE = 4 };
void rig_pad(struct rig *rig, enum rig_area area, unsigned fields);
/* Erases the secondary and writes the image where the mode wants a candidate. */
void rig_download(struct rig *rig, enum version version);
void rig_ask(struct rig *rig, bool permanent);
void rig_confirm(struct rig *rig);
uint32_t rig_candidate_offset(const struct rig *rig);
uint8_t *rig_data(struct rig *rig, enum rig_area area);

/* --- booting ---------------------------------------------------------------------------------- */

/* With power; checks that an image is started and no flash rule was broken. */
void rig_boot(struct rig *rig);
/* The same without the checks. */
void rig_try_boot(struct rig *rig);
/* Power fails at an operation; false if the boot ended before. */
bool rig_boot_cut(struct rig *rig, uint32_t at, enum nor_cut cut);

struct rig_snapshot {
    struct nor_snapshot device[RIG_DEVICES];
};
void rig_save(const struct rig *rig, struct rig_snapshot *snapshot);
void rig_restore(struct rig *rig, const struct rig_snapshot *snapshot);
void rig_snapshot_free(struct rig_snapshot *snapshot);

/* Every `stride`th operation of the next boot, from number `first` on, cut in the ways of `kinds`
 * (bit k: enum nor_cut k), or in one of them in turn if `rotate`; then a boot with power and
 * `check`. `ends`: the operation completed the swap (its last flag), so the image may have come
 * back. The rig is left as after a boot without a cut. */
struct rig_cuts {
    uint32_t first;
    uint32_t stride;
    unsigned kinds;
    bool rotate;
};
#define CUT_ALL_KINDS ((1u << NOR_CUT_KINDS) - 1)
extern const struct rig_cuts rig_every_cut;
void rig_cut_each(struct rig *rig, const struct rig_cuts *cuts,
                  void (*check)(struct rig *rig, bool ends));

/* --- what must hold --------------------------------------------------------------------------- */

bool rig_holds(const struct rig *rig, enum rig_area area, uint32_t offset, enum version version);
/* The image was started and lies whole in the primary. */
void rig_expect_running(const struct rig *rig, enum version version);
/* Swap modes: the image lies in the secondary, where an image that left the primary does; `back`:
 * where a candidate does. */
void rig_expect_other(const struct rig *rig, enum version version, bool back);
void rig_expect_trailer(const struct rig *rig, enum rig_area area, enum trailer_mark magic,
                        enum trailer_mark image_ok, enum trailer_mark copy_done);
/* The five end states of a swap. */
void rig_expect_trial(const struct rig *rig);     /* NEW runs on trial, OLD is the backup */
void rig_expect_permanent(const struct rig *rig); /* NEW runs for good, OLD is the backup */
void rig_expect_reverted(const struct rig *rig);  /* OLD runs for good, NEW is back */
/* For rig_cut_each: of a trial, which may have been taken back if power failed as it ended. */
void rig_check_trial(struct rig *rig, bool ends);
void rig_check_permanent(struct rig *rig, bool ends);
void rig_check_revert(struct rig *rig, bool ends);
/* The update after this one works, and its revert. */
void rig_expect_next_update(struct rig *rig, enum version running);

#endif
