/* The bootloader on a flash with faults that last longer than a cut of power.
 *
 *   lost   one write of a swap's status is lost, with an error or without, and then power is cut at
 *          each later operation of that boot, in every way that nor_sim knows. Afterwards the right
 *          image boots, the other one is whole in the other slot, and a trial can be taken back.
 *   worn   one sector no longer erases, or one unit no longer programs, or one bit is stuck, from
 *          the boot that is to swap on. A valid image must start, and an image on trial must have
 *          its way back. Only where the primary itself takes no image any more may the board stop;
 *          these cases are counted.
 *
 *   faults [--full] [--events] [--seed N] [--only LAYOUT] [lost | worn]
 *
 * --full: all of it, else a share. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "port/port.h"
#include "tests/sim/boot/geometries.h"
#include "tests/sim/boot/sim_image.h"
#include "tests/sim/nor_fault.h"

enum scenario { TEST, PERM, REVERT, SCENARIOS };
static const char *const scenario_name[] = {"test", "perm", "revert"};
enum version { OLDER = 1, OLD, NEW, VERSIONS };

/* What a case ends in. */
enum outcome { GOOD, NO_BOOT, WRONG_IMAGE, LOST_BACKUP, RULE_BROKEN, OUTCOMES };
static const char *const outcome_name[] = {"good", "nothing boots", "the wrong image boots",
                                           "the backup is lost", "a flash rule was broken"};

static struct {
    bool full;
    uint32_t seed;
    const char *only;
    uint64_t cases;
    uint64_t outcomes[OUTCOMES];
    uint64_t worn[BOARD_DEVICES][NOR_FAULT_KINDS];
    uint64_t stopped[BOARD_DEVICES][NOR_FAULT_KINDS];
    uint64_t stranded[BOARD_DEVICES][NOR_FAULT_KINDS];
    unsigned told;
    bool tell_events; /* --events: of all boots */
} run = {.seed = 1};

static struct {
    const struct geometry *geometry;
    enum scenario scenario;
    bool used; /* an update came in before */
    uint32_t end[VERSIONS];
    unsigned device;
    uint32_t cut_at;
    enum nor_cut cut;
} now;

static struct board board;
static struct nor_fault faults[BOARD_DEVICES];
static uint8_t images[VERSIONS][BOARD_SLOT_MAX];

otter_ms port_now(void)
{
    return 0;
}

void port_log_write(const char *line, size_t length)
{
    (void)line;
    (void)length;
}

static bool mode_is(const char *name)
{
    return strcmp(boot_mode_name, name) == 0;
}

static bool mode_swaps(void)
{
    return mode_is("scratch") || mode_is("move") || mode_is("offset");
}

static void show_event(void *ctx, const struct boot_event *event)
{
    char line[160];
    (void)ctx;
    if (run.tell_events && boot_event_text(event, line, sizeof line))
        printf("    %s\n", line);
}

static void tell(const char *what)
{
    const struct nor_fault *fault = &faults[now.device];
    if (run.told++ >= 20)
        return;
    printf(
        "FAILED: %s\n  layout \"%s\", %s, %s, images %u -> %u; device %u: %s%s %x..%x number %u, "
        "cut at %u (%s), seed %u\n",
        what, now.geometry->name, scenario_name[now.scenario], now.used ? "used" : "fresh",
        now.end[OLD], now.end[NEW], now.device, fault->silent ? "silent " : "",
        nor_fault_name(fault->kind), fault->start, fault->end, fault->at, now.cut_at,
        nor_cut_name(now.cut), run.seed);
}

/* --- before the boot under test --------------------------------------------------------------- */

static void make_image(enum version version, uint32_t end)
{
    now.end[version] = end;
    sim_image_make(images[version], end, (uint8_t)version, SIM_KEY);
}

static void boot_cleanly(void)
{
    nor_power_plan(&board.power, 0, NOR_CUT_BEFORE);
    board_boot(&board);
}

static void set_up(enum scenario scenario, bool used)
{
    now.scenario = scenario;
    now.used = used;
    for (unsigned i = 0; i < BOARD_DEVICES; i++)
        faults[i] = (struct nor_fault){.kind = NOR_FAULT_NONE};
    board_wipe(&board);
    board_load(&board, BOARD_PRIMARY, images[used ? OLDER : OLD], now.end[used ? OLDER : OLD]);
    if (used) {
        board_download(&board, images[OLD], now.end[OLD]);
        board_request(&board, true);
        boot_cleanly();
    }
    board_download(&board, images[NEW], now.end[NEW]);
    board_request(&board, scenario == PERM);
    if (scenario == REVERT)
        boot_cleanly();
}

/* --- afterwards ---------------------------------------------------------------------------------
 */

static bool booted(enum version version)
{
    return board.status == OTTER_OK && board.result.header.version.major == version &&
           board_holds(&board, board.running, 0, images[version], now.end[version]);
}

static bool backup_is_whole(enum version version, bool reverted)
{
    const uint32_t offset = reverted ? board_candidate_offset(&board) : 0;
    return board_holds(&board, board_other_slot(&board), offset, images[version], now.end[version]);
}

static enum outcome check_next_boot(void)
{
    boot_cleanly();
    if (board.status != OTTER_OK)
        return NO_BOOT;
    return booted(OLD) ? GOOD : LOST_BACKUP;
}

/* `may_revert`: the trial may have been over when power was cut. */
static enum outcome check(bool may_revert)
{
    if (board_rule_breaks(&board) != 0)
        return RULE_BROKEN;
    if (board.status != OTTER_OK)
        return NO_BOOT;
    if (now.scenario == TEST && may_revert && booted(OLD))
        return backup_is_whole(NEW, true) ? GOOD : LOST_BACKUP;
    const enum version running = now.scenario == REVERT ? OLD : NEW;
    if (!booted(running))
        return WRONG_IMAGE;
    if (!backup_is_whole(running == NEW ? OLD : NEW, running == OLD))
        return LOST_BACKUP;
    return now.scenario == TEST ? check_next_boot() : GOOD;
}

/* --- a lost write, then a cut --------------------------------------------------------------------
 */

static void count(enum outcome outcome)
{
    run.cases++;
    run.outcomes[outcome]++;
    if (outcome != GOOD)
        tell(outcome_name[outcome]);
}

/* The status records of device `d`: all that lies below the trailer's fields. */
static void aim_at_records(unsigned d)
{
    const struct geometry *geometry = now.geometry;
    const uint32_t step = geometry->write_size[BOARD_PRIMARY] > geometry->write_size[BOARD_SCRATCH]
                              ? geometry->write_size[BOARD_PRIMARY]
                              : geometry->write_size[BOARD_SCRATCH];
    uint32_t records = mode_is("offset") ? 2 : 3;
    if (d != BOARD_SCRATCH)
        records *= geometry->max_sectors;
    const uint32_t info =
        trailer_info_size(geometry->max_align) + (mode_is("offset") ? geometry->max_align : 0);
    faults[d].kind = NOR_FAULT_LOST;
    faults[d].end = board.area[d].size - info;
    faults[d].start = faults[d].end - records * step;
    faults[d].at = faults[d].seen = 0;
}

static bool copy_is_done(void)
{
    const struct trailer trailer = board_trailer(&board, BOARD_PRIMARY);
    const uint32_t at = trailer_field_offset(board.area[BOARD_PRIMARY].size, board.config.max_align,
                                             TRAILER_COPY_DONE);
    const struct nor_device *primary = &board.device[BOARD_PRIMARY];
    return trailer.magic == TRAILER_GOOD &&
           (primary->data[at] != primary->flash.erased_value || primary->unstable[at] != 0);
}

static void lose_and_cut(const struct board_snapshot *start, struct nor_fault *fault, uint32_t at,
                         enum nor_cut cut)
{
    board_restore(&board, start);
    fault->seen = 0;
    now.cut_at = at;
    now.cut = cut;
    board.power.seed = run.seed ^ (at * 0x9e3779b9u) ^ (uint32_t)run.cases;
    nor_power_plan(&board.power, at, cut);
    if (board_boot(&board))
        return;
    const bool done = copy_is_done();
    boot_cleanly();
    count(check(done));
}

static void lose_one(const struct board_snapshot *start, struct nor_fault *fault, uint32_t stride)
{
    board_restore(&board, start);
    fault->seen = 0;
    now.cut_at = 0;
    boot_cleanly();
    const uint32_t operations = board.power.operations;
    const uint32_t first = fault->struck_at + 1;
    count(check(false));
    for (uint32_t at = first + (uint32_t)run.cases % stride; at <= operations; at += stride) {
        for (enum nor_cut cut = NOR_CUT_BEFORE; cut < NOR_CUT_KINDS; cut++)
            lose_and_cut(start, fault, at, cut);
    }
}

static void lose_each(const struct board_snapshot *start, uint32_t stride)
{
    for (unsigned d = 0; d < BOARD_DEVICES; d++) {
        struct nor_fault *fault = &faults[d];
        if (board.area[d].size == 0 || d == BOARD_SECONDARY)
            continue;
        now.device = d;
        board_restore(&board, start);
        aim_at_records(d);
        boot_cleanly();
        const uint32_t writes = fault->seen;
        for (fault->at = 1; fault->at <= writes; fault->at++) {
            fault->silent = false;
            lose_one(start, fault, stride);
            fault->silent = true;
            lose_one(start, fault, stride);
        }
        fault->kind = NOR_FAULT_NONE;
    }
}

/* --- worn flash ----------------------------------------------------------------------------------
 */

/* A boot that must start something, though not what was asked for; twice, since the first may have
 * got away with what the second trips over. */
static void check_worn(struct nor_fault *fault)
{
    boot_cleanly();
    const bool first = booted(NEW) || booted(OLD);
    /* taken back later: then the old image must be whole somewhere */
    const bool on_trial = now.scenario == TEST && booted(NEW);
    const bool stranded = on_trial && mode_swaps() && !backup_is_whole(OLD, false);
    boot_cleanly();
    const bool second = booted(NEW) || booted(OLD);
    if (fault->seen == 0)
        return; /* nothing met the fault */
    run.cases++;
    run.worn[now.device][fault->kind]++;
    /* A primary that takes neither image: only a sector that stays as it is may hold the old one
     * yet, and overwrite-only has no old one. */
    const bool may_stop =
        now.device == BOARD_PRIMARY && (fault->kind != NOR_FAULT_NO_ERASE || mode_is("overwrite"));
    if (!first || !second) {
        run.stopped[now.device][fault->kind]++;
        if (!may_stop) {
            run.outcomes[NO_BOOT]++;
            tell(first ? "a worn flash stops the second boot" : "a worn flash stops the board");
        }
    } else if (stranded) {
        run.stranded[now.device][fault->kind]++;
        if (!may_stop) {
            run.outcomes[LOST_BACKUP]++;
            tell("an image is on trial without a way back");
        }
    }
}

static void wear_at(const struct board_snapshot *start, enum nor_fault_kind kind, uint32_t offset)
{
    struct nor_fault *fault = &faults[now.device];
    *fault = (struct nor_fault){
        .kind = kind, .start = offset, .end = offset + 1, .mask = (uint8_t)(1u << offset % 7)};
    board_restore(&board, start);
    check_worn(fault);
    fault->kind = NOR_FAULT_NONE;
}

static void wear_each(const struct board_snapshot *start, uint32_t stride)
{
    uint32_t turn = run.seed + (uint32_t)run.cases;
    now.cut_at = 0;
    for (now.device = 0; now.device < BOARD_DEVICES; now.device++) {
        const uint32_t size = board.area[now.device].size;
        for (uint32_t at = 0; at < size;) {
            const struct flash_sector sector = flash_sector_at(&board.area[now.device], at);
            for (enum nor_fault_kind kind = NOR_FAULT_NO_ERASE; kind < NOR_FAULT_KINDS; kind++) {
                if (turn++ % stride == 0)
                    wear_at(start, kind, at + turn * 0x9e3779b9u % sector.size);
                if (turn++ % stride == 0) /* where a trailer would be */
                    wear_at(start, kind, at + sector.size - 1 - turn * 0x9e3779b9u % 64);
            }
            at += sector.size;
        }
    }
}

/* --- all layouts
 * ----------------------------------------------------------------------------------- */

#define SIZES 5u

static bool is_daily(unsigned old, unsigned new, enum scenario scenario, bool used)
{
    const uint32_t number = ((old * SIZES + new) * SCENARIOS + scenario) * 2 + used;
    return ((number * 0x9e3779b9u) >> 16) % 24 == run.seed % 24;
}

static void run_combination(bool lost, bool worn)
{
    static struct board_snapshot start;
    board_save(&board, &start);
    if (lost && mode_swaps())
        lose_each(&start, run.full ? 1 : 13);
    if (worn)
        wear_each(&start, run.full ? 1 : 3);
    board_snapshot_free(&start);
}

static void run_sizes(uint32_t limit, bool lost, bool worn)
{
    const uint32_t sector = board.sectors[BOARD_PRIMARY][0].size;
    const uint32_t sizes[SIZES] = {SIM_IMAGE_MIN, sector < limit ? sector : limit,
                                   sector < limit ? sector + 1 : limit, limit / 2 + 100, limit};
    for (unsigned old = 0; old < SIZES; old++) {
        for (unsigned new = 0; new < SIZES; new ++) {
            for (enum scenario scenario = TEST; scenario < SCENARIOS; scenario++) {
                for (unsigned used = 0; used < 2; used++) {
                    if ((!run.full && !is_daily(old, new, scenario, used)) ||
                        (scenario == REVERT && mode_is("overwrite")))
                        continue;
                    make_image(OLDER, sizes[new]);
                    make_image(OLD, sizes[old]);
                    make_image(NEW, sizes[new]);
                    set_up(scenario, used);
                    run_combination(lost, worn);
                }
            }
        }
    }
}

static void run_geometry(const struct geometry *geometry, bool lost, bool worn)
{
    const uint64_t before = run.cases;
    now.geometry = geometry;
    board_create(&board, geometry);
    const uint32_t limit = board_image_limit(&board);
    board.config.hooks.report = show_event;
    board.config.rescue = false; /* nothing here may depend on it */
    for (unsigned i = 0; i < BOARD_DEVICES; i++) {
        if (board.area[i].size != 0)
            nor_fault_install(&board.device[i], &faults[i]);
    }
    run_sizes(limit, lost, worn);
    board_destroy(&board);
    printf("%-52s %9llu cases\n", geometry->name, (unsigned long long)(run.cases - before));
    fflush(stdout);
}

static void tell_worn(void)
{
    static const char *const names[BOARD_DEVICES] = {"primary", "secondary", "scratch"};
    for (unsigned d = 0; d < BOARD_DEVICES; d++) {
        for (enum nor_fault_kind kind = NOR_FAULT_NO_ERASE; kind < NOR_FAULT_KINDS; kind++) {
            if (run.worn[d][kind] != 0)
                printf("   %-10s %-14s %8llu cases, %6llu stop the board, %6llu without way back\n",
                       names[d], nor_fault_name(kind), (unsigned long long)run.worn[d][kind],
                       (unsigned long long)run.stopped[d][kind],
                       (unsigned long long)run.stranded[d][kind]);
        }
    }
}

int main(int argc, char **argv)
{
    bool lost = true;
    bool worn = true;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--full") == 0)
            run.full = true;
        else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
            run.seed = (uint32_t)strtoul(argv[++i], NULL, 0);
        else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
            run.only = argv[++i];
        else if (strcmp(argv[i], "--events") == 0)
            run.tell_events = true;
        else if (strcmp(argv[i], "lost") == 0)
            worn = false;
        else if (strcmp(argv[i], "worn") == 0)
            lost = false;
        else {
            fprintf(stderr,
                    "usage: %s [--full] [--events] [--seed N] [--only LAYOUT] [lost | worn]\n",
                    argv[0]);
            return 2;
        }
    }
    for (const struct geometry *geometry = geometries; geometry->name != NULL; geometry++) {
        if (!geometry->is_large && (run.only == NULL || strstr(geometry->name, run.only) != NULL))
            run_geometry(geometry, lost, worn);
    }
    tell_worn();
    uint64_t failures = 0;
    for (enum outcome outcome = NO_BOOT; outcome < OUTCOMES; outcome++) {
        failures += run.outcomes[outcome];
        if (run.outcomes[outcome] != 0)
            printf("   %s: %llu\n", outcome_name[outcome],
                   (unsigned long long)run.outcomes[outcome]);
    }
    printf("%s: %llu cases with faults, %llu failures\n", boot_mode_name,
           (unsigned long long)run.cases, (unsigned long long)failures);
    return failures == 0 ? 0 : 1;
}
