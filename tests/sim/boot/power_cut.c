/* The exhaustive power-cut test of the bootloader.
 *
 * For each layout, each pair of image sizes, each past of the board and each kind of boot (upgrade
 * on trial, permanent upgrade, revert, refused upgrade): power is cut at every flash operation in
 * every way that nor_sim knows; then the board boots again, for small layouts with a second cut at
 * every operation of that recovery. After each case: the right image boots, verified; the other
 * image is whole in the other slot; no flash rule was broken; and the next update, and its revert,
 * work.
 *
 *   power_cut [--full] [--encrypted] [--seed N] [--only LAYOUT] [--cuts KIND]
 *
 * --full: all of it, else a share for each day. --encrypted: images travel encrypted. --cuts: of
 * the first cuts only those of one kind. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "port/port.h"
#include "tests/sim/boot/geometries.h"
#include "tests/sim/boot/sim_image.h"

enum scenario { TEST, PERM, REVERT, FAIL, SCENARIOS };
static const char *const scenario_name[] = {"test", "perm", "revert", "fail"};

enum past { FRESH, USED_LARGE, USED_SMALL, PADDED, PADDED_CONFIRMED, STALE_SCRATCH, PASTS };
static const char *const past_name[] = {"fresh",  "used (large)",      "used (small)",
                                        "padded", "padded, confirmed", "stale scratch"};

enum version { OLDER = 1, OLD, NEW, NEXT, VERSIONS };

static struct {
    bool full;
    bool encrypted;
    uint32_t seed;
    const char *only;
    const char *cuts;
    uint32_t draws;
    uint64_t cases;
    uint64_t failures;
} run = {.seed = 1};

/* One case, for the report of a failure. */
static struct {
    const struct geometry *geometry;
    enum scenario scenario;
    enum past past;
    uint32_t end[VERSIONS];
    uint32_t cut_at[2];
    enum nor_cut cut[2];
} now;

/* What the linked mode can do. */
static struct {
    bool reverts; /* and so keeps the old image in the other slot */
    bool swaps;   /* and so the primary's trailer tells of the last swap */
    bool is_xip;  /* started where it lies; nothing is ever erased */
} mode;

static uint8_t images[VERSIONS][BOARD_SLOT_MAX]; /* in clear, as in the primary slot */
static uint8_t stored[VERSIONS][BOARD_SLOT_MAX]; /* as they travel, and lie in the other slot */

otter_ms port_now(void)
{
    return 0;
}

void port_log_write(const char *line, size_t length)
{
    (void)line;
    (void)length;
}

/* What boot_go reported in this case, told when it fails. */
#define EVENTS_MAX 256u
static struct {
    struct boot_event event;
    struct trailer trailer;
    struct image_header header;
} events[EVENTS_MAX];
static unsigned event_count;

static void note_event(void *ctx, const struct boot_event *event)
{
    (void)ctx;
    if (event_count == EVENTS_MAX || event->type == BOOT_EVENT_PROGRESS)
        return;
    events[event_count].event = *event;
    if (event->trailer != NULL)
        events[event_count].trailer = *event->trailer;
    if (event->header != NULL)
        events[event_count].header = *event->header;
    event_count++;
}

static void tell_events(void)
{
    char line[160];
    for (unsigned i = 0; i < event_count; i++) {
        struct boot_event event = events[i].event;
        event.trailer = &events[i].trailer;
        event.header = &events[i].header;
        if (boot_event_text(&event, line, sizeof line))
            printf("    %s\n", line);
    }
}

static bool fail(const char *what)
{
    run.failures++;
    if (run.failures > 20)
        return false;
    printf("FAILED: %s\n  layout \"%s\", %s, past %s, images %u -> %u, cut at %u (%s), then at %u "
           "(%s), seed %u\n",
           what, now.geometry->name, scenario_name[now.scenario], past_name[now.past], now.end[OLD],
           now.end[NEW], now.cut_at[0], nor_cut_name(now.cut[0]), now.cut_at[1],
           nor_cut_name(now.cut[1]), run.seed);
    tell_events();
    return false;
}

/* --- the state before the boot under test --------------------------------------------------- */

static void make_image(enum version version, uint32_t end)
{
    const struct sim_image_options options = {.encrypted = run.encrypted};
    now.end[version] = end;
    sim_image_make_with(images[version], end, (uint8_t)version, SIM_KEY, &options);
    memcpy(stored[version], images[version], end);
    if (run.encrypted)
        sim_image_encrypt(stored[version]);
}

static void boot_cleanly(struct board *board)
{
    nor_power_plan(&board->power, 0, NOR_CUT_BEFORE);
    board_boot(board);
}

static void fill_with_magic(struct board *board, unsigned device)
{
    uint8_t magic[TRAILER_MAGIC_SIZE];
    const uint32_t size = board->area[device].size;
    trailer_magic_bytes(board->config.max_align, magic);
    for (uint32_t at = 0; at < size; at += sizeof magic)
        nor_load(&board->device[device], at, magic, sizeof magic);
}

static void set_past(struct board *board, enum past past)
{
    board_wipe(board);
    if (past == USED_LARGE || past == USED_SMALL) {
        board_load(board, BOARD_PRIMARY, images[OLDER], now.end[OLDER]);
        board_download(board, stored[OLD], now.end[OLD]);
        board_request(board, true);
        boot_cleanly(board);
        return;
    }
    board_load(board, BOARD_PRIMARY, images[OLD], now.end[OLD]);
    if (past == PADDED || past == PADDED_CONFIRMED)
        board_pad(board, BOARD_PRIMARY, past == PADDED_CONFIRMED);
    if (past == PADDED && mode.is_xip) { /* there it asks for a trial of its own */
        boot_cleanly(board);
        board_confirm(board);
    }
    if (past == STALE_SCRATCH && board->config.scratch != NULL)
        fill_with_magic(board, BOARD_SCRATCH);
}

static void set_scenario(struct board *board, enum scenario scenario)
{
    board_download(board, stored[NEW], now.end[NEW]);
    if (scenario == FAIL) /* one payload bit differs from what was signed */
        board->device[board_other_slot(board)].data[board_candidate_offset(board) + 40] ^= 1;
    board_request(board, scenario == PERM);
    if (scenario == REVERT)
        boot_cleanly(board);
}

/* --- what must hold afterwards -------------------------------------------------------------- */

static bool holds(const struct board *board, unsigned device, enum version version)
{
    return board_holds(board, device, 0, images[version], now.end[version]);
}

/* Where the image that left the primary lies: after an upgrade at the start of the secondary slot,
 * after a revert where the candidate was. */
static bool other_slot_holds(const struct board *board, enum version version, bool reverted)
{
    const uint32_t offset = reverted ? board_candidate_offset(board) : 0;
    return board_holds(board, board_other_slot(board), offset, stored[version], now.end[version]);
}

static bool booted(const struct board *board, enum version version)
{
    return board->status == OTTER_OK && board->result.header.version.major == version &&
           holds(board, board->running, version);
}

/* True if the image on trial may be taken for one that ran. */
static bool trial_has_begun_in(const struct board *board, unsigned device)
{
    const uint32_t at =
        trailer_field_offset(board->area[device].size, board->config.max_align, TRAILER_COPY_DONE);
    const struct nor_device *nor = &board->device[device];
    return board_trailer(board, device).magic == TRAILER_GOOD && !nor_is_blank(nor, at) &&
           holds(board, device, NEW);
}

static bool trial_has_begun(const struct board *board)
{
    return trial_has_begun_in(board, BOARD_PRIMARY) ||
           (!mode.swaps && trial_has_begun_in(board, BOARD_SECONDARY));
}

static bool was_cut(enum nor_cut kind)
{
    return (now.cut_at[0] != 0 && now.cut[0] == kind) || (now.cut_at[1] != 0 && now.cut[1] == kind);
}

static bool is_bank_swap(void)
{
    return mode.reverts && !mode.swaps && !mode.is_xip;
}

static bool reaches_trailer(const struct board *board, enum version version)
{
    const struct flash_area *slot = &board->area[BOARD_PRIMARY];
    return now.end[version] > flash_sector_at(slot, slot->size - 1).offset;
}

/* By bank swap on write-once flash an image whose trial cannot be noted is not kept, nor one that
 * reaches into the sector of such a note, when the next one comes: nothing else could be noted. */
static bool may_drop(const struct board *board, enum version version)
{
    return is_bank_swap() && was_cut(NOR_CUT_SEALED) &&
           (version == NEW || reaches_trailer(board, version));
}

/* A limit of bank swap: the answer to a programmer's request was torn, in the sector of an image
 * that must stay, and reads as given only now and then. Either image may come. */
static bool is_unanswerable(const struct board *board)
{
    return is_bank_swap() && (was_cut(NOR_CUT_SEALED) || was_cut(NOR_CUT_DRIFTING)) &&
           (now.past == PADDED || now.past == PADDED_CONFIRMED) && reaches_trailer(board, OLD);
}

/* The update after this one: on trial, then back. */
static bool next_update_works(struct board *board, enum version running)
{
    if (board_confirm(board) != OTTER_OK)
        return fail("the running image could not be confirmed");
    board_download(board, stored[NEXT], now.end[NEXT]);
    if (board_request(board, false) != OTTER_OK)
        return fail("the next update could not be requested");
    boot_cleanly(board);
    if (!booted(board, NEXT) || board->result.swap_type != (mode.reverts ? SWAP_TEST : SWAP_PERM))
        return fail("the next update did not boot");
    if (!mode.reverts)
        return true;
    if (is_bank_swap() && was_cut(NOR_CUT_SEALED) && reaches_trailer(board, running))
        return true; /* with or without a way back */
    if (!other_slot_holds(board, running, false))
        return fail("the next update has no backup");
    boot_cleanly(board);
    if (!booted(board, running))
        return fail("the next update did not revert");
    return true;
}

static bool check_confirmed(const struct board *board, enum version version)
{
    const struct trailer trailer = board_trailer(board, board->running);
    if (!booted(board, version))
        return fail("the wrong image boots, or none");
    if ((mode.swaps && trailer.magic != TRAILER_GOOD) || trailer_on_trial(&trailer))
        return fail("the image is not confirmed");
    return true;
}

static bool check_trial(const struct board *board)
{
    const struct trailer trailer = board_trailer(board, board->running);
    if (!booted(board, NEW))
        return fail("the new image does not boot");
    if (!trailer_on_trial(&trailer))
        return fail("the new image is not on trial");
    return true;
}

/* A request that the next boot would follow. One that wavers is refused whenever it reads as one.
 */
static bool is_requested(const struct board *board)
{
    const struct trailer trailer = board_trailer(board, BOARD_SECONDARY);
    return trailer.magic == TRAILER_GOOD && trailer.image_ok != TRAILER_BAD &&
           !was_cut(NOR_CUT_WAVERING) && (mode.swaps || trailer.copy_done == TRAILER_UNSET);
}

/* The board was booted for the last time. `reverted`: it may have gone back. */
static bool check(struct board *board, bool may_revert)
{
    enum version running = OLD;
    bool good = true;
    if (board_rule_breaks(board) != 0)
        return fail("a flash rule was broken");
    if (is_unanswerable(board))
        return booted(board, OLD) || booted(board, NEW) || fail("neither image boots");
    switch (now.scenario) {
    case TEST:
        if (!mode.reverts) {
            running = NEW;
            good = check_confirmed(board, NEW);
            break;
        }
        if (may_revert && booted(board, OLD))
            break;
        running = NEW;
        good = check_trial(board);
        break;
    case PERM:
        running = NEW;
        good = check_confirmed(board, NEW);
        break;
    case REVERT:
        good = check_confirmed(board, OLD);
        break;
    default:
        good = booted(board, OLD) || fail("the old image does not boot");
        good = good && (mode.is_xip || !is_requested(board) || fail("the request is still there"));
    }
    if (good && mode.reverts && now.scenario != FAIL &&
        !may_drop(board, running == NEW ? OLD : NEW) &&
        !other_slot_holds(board, running == NEW ? OLD : NEW, running == OLD))
        good = fail("the other slot does not hold the other image");
    return good && next_update_works(board, running);
}

/* --- cutting ------------------------------------------------------------------------------- */

static void plan_cut(struct board *board, unsigned which, uint32_t cut_at, enum nor_cut cut)
{
    if (which == 0)
        event_count = 0;
    now.cut_at[which] = cut_at;
    now.cut[which] = cut;
    board->power.seed = run.seed ^ (cut_at * 0x9e3779b9u) ^ (uint32_t)run.cases;
    nor_power_plan(&board->power, cut_at, cut);
}

static void finish_case(struct board *board, bool trial_had_begun)
{
    const bool may_revert = trial_had_begun || trial_has_begun(board);
    run.cases++;
    boot_cleanly(board);
    check(board, may_revert);
}

/* A flash has one way of behaving after a cut: a second cut is of the first one's, or clean. */
static bool may_follow(enum nor_cut first, enum nor_cut second)
{
    const bool is_clean = second < NOR_CUT_KINDS && second != NOR_CUT_GARBLED;
    const bool was_clean = first < NOR_CUT_KINDS && first != NOR_CUT_GARBLED;
    return is_clean || second == first || (was_clean && second == NOR_CUT_GARBLED);
}

/* A second cut at each operation of the boot that recovers from the first. */
static void cut_recovery(struct board *board, const struct board_snapshot *cut, uint32_t stride)
{
    board_restore(board, cut);
    const bool trial_had_begun = trial_has_begun(board);
    boot_cleanly(board);
    const uint32_t operations = board->power.operations;
    const unsigned first_events = 0;
    for (uint32_t at = 1 + (uint32_t)run.cases % stride; at <= operations; at += stride) {
        for (enum nor_cut kind = NOR_CUT_BEFORE; kind < NOR_CUT_ALL_KINDS; kind++) {
            if (!may_follow(now.cut[0], kind))
                continue;
            board_restore(board, cut);
            event_count = first_events;
            plan_cut(board, 1, at, kind);
            board_boot(board);
            finish_case(board, trial_had_begun);
        }
    }
}

struct effort {
    uint32_t stride; /* of first cuts */
    uint32_t second; /* stride of second cuts, 0 = none */
};

/* In a swap's daily share, cuts of the newer kinds are made at one operation in four. */
static bool is_wanted(enum nor_cut kind)
{
    if (run.cuts != NULL)
        return strcmp(run.cuts, nor_cut_name(kind)) == 0;
    if (run.full || !mode.swaps || kind < NOR_CUT_KINDS)
        return true;
    return ((++run.draws * 0x9e3779b9u) >> 16) % 4 == run.seed % 4;
}

static void cut_everywhere(struct board *board, const struct effort *effort)
{
    static struct board_snapshot start;
    static struct board_snapshot cut;
    board_save(board, &start);
    boot_cleanly(board);
    const uint32_t operations = board->power.operations;
    now.cut_at[0] = now.cut_at[1] = 0;
    event_count = 0;
    run.cases++;
    check(board, false);
    for (uint32_t at = 1; at <= operations; at += effort->stride) {
        for (enum nor_cut kind = NOR_CUT_BEFORE; kind < NOR_CUT_ALL_KINDS; kind++) {
            if (!is_wanted(kind))
                continue;
            board_restore(board, &start);
            plan_cut(board, 0, at, kind);
            now.cut_at[1] = 0;
            if (board_boot(board)) {
                fail("the boot did fewer operations than before");
                continue;
            }
            board_save(board, &cut);
            finish_case(board, false);
            if (effort->second != 0)
                cut_recovery(board, &cut, effort->second);
        }
    }
    board_snapshot_free(&start);
    board_snapshot_free(&cut);
}

/* --- sizes and layouts ----------------------------------------------------------------------- */

#define SIZES 6u

/* Tiny, around a sector border, in the middle, the largest. */
static void image_sizes(struct board *board, uint32_t sizes[SIZES])
{
    const uint32_t limit = board_image_limit(board);
    const uint32_t sector = board->sectors[BOARD_PRIMARY][0].size;
    const uint32_t least = run.encrypted ? SIM_IMAGE_MIN_ENCRYPTED : SIM_IMAGE_MIN;
    const uint32_t wanted[SIZES] = {least, sector, sector + 1, limit / 2 + 100, limit - 1, limit};
    for (unsigned i = 0; i < SIZES; i++) {
        sizes[i] = wanted[i] < limit ? wanted[i] : limit;
        sizes[i] = sizes[i] > least ? sizes[i] : least;
    }
}

/* Whether this combination is done in the daily share: others on each geometry, so that few on each
 * are many together. */
static bool is_daily(const char *geometry, unsigned old, unsigned new, enum past past,
                     enum scenario scenario)
{
    const unsigned share = (mode.swaps ? 80 : 20) * (run.encrypted ? 2 : 1);
    uint32_t number = ((old * SIZES + new) * PASTS + past) * SCENARIOS + scenario;
    for (const char *c = geometry; *c; c++)
        number = number * 31u + (uint32_t)(unsigned char)*c;
    return ((number * 0x9e3779b9u) >> 16) % share == run.seed % share;
}

/* Second cuts multiply the cases: in a full run every one of them for small slots, a sample for
 * others. */
#define SMALL_SLOT 2560u

static struct effort effort_for(const struct geometry *geometry, const struct board *board)
{
    struct effort effort = {1, 0};
    const uint32_t slot = board->area[BOARD_PRIMARY].size;
    if (geometry->is_large)
        effort.stride = run.full ? 23 : 211;
    else if (slot <= SMALL_SLOT)
        effort.second = run.full ? 1 : 19;
    else if (run.full)
        effort.second = 97;
    return effort;
}

static void run_combination(struct board *board, uint32_t least, uint32_t limit, enum past past,
                            enum scenario scenario, const struct effort *effort)
{
    now.past = past;
    now.scenario = scenario;
    make_image(OLDER, past == USED_LARGE ? limit : least);
    make_image(NEXT, now.end[NEW]);
    set_past(board, past);
    set_scenario(board, scenario);
    cut_everywhere(board, effort);
}

static void run_geometry(const struct geometry *geometry)
{
    static struct board board;
    uint32_t sizes[SIZES];
    const uint64_t before = run.cases;
    const uint64_t failures = run.failures;
    now.geometry = geometry;
    board_create(&board, geometry);
    board.config.hooks.report = note_event;
    board.config.rescue = false; /* no power cut may depend on it */
    board.config.encryption = run.encrypted ? &sim_encryption : NULL;
    image_sizes(&board, sizes);
    for (unsigned old = 0; old < SIZES; old++) {
        make_image(OLD, sizes[old]);
        for (unsigned new = 0; new < SIZES; new ++) {
            make_image(NEW, sizes[new]);
            for (enum past past = FRESH; past < PASTS; past++) {
                for (enum scenario scenario = TEST; scenario < SCENARIOS; scenario++) {
                    const bool is_share = is_daily(geometry->name, old, new, past, scenario);
                    const struct effort effort = effort_for(geometry, &board);
                    if (scenario == REVERT && !mode.reverts)
                        continue;
                    if (is_share || (run.full && !geometry->is_large))
                        run_combination(&board, sizes[0], sizes[SIZES - 1], past, scenario,
                                        &effort);
                }
            }
        }
    }
    board_destroy(&board);
    printf("%-52s %9llu cases %s\n", geometry->name, (unsigned long long)(run.cases - before),
           run.failures == failures ? "ok" : "FAILED");
    fflush(stdout);
}

static void find_mode(void)
{
    mode.is_xip = strcmp(boot_mode_name, "direct-xip") == 0;
    mode.reverts = strcmp(boot_mode_name, "overwrite") != 0;
    mode.swaps = mode.reverts && !mode.is_xip && strcmp(boot_mode_name, "bank swap") != 0;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--full") == 0)
            run.full = true;
        else if (strcmp(argv[i], "--encrypted") == 0)
            run.encrypted = true;
        else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
            run.seed = (uint32_t)strtoul(argv[++i], NULL, 0);
        else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
            run.only = argv[++i];
        else if (strcmp(argv[i], "--cuts") == 0 && i + 1 < argc)
            run.cuts = argv[++i];
        else {
            fprintf(stderr,
                    "usage: %s [--full] [--encrypted] [--seed N] [--only LAYOUT] [--cuts KIND]\n",
                    argv[0]);
            return 2;
        }
    }
    find_mode();
    for (const struct geometry *geometry = geometries; geometry->name != NULL; geometry++) {
        if (run.only == NULL || strstr(geometry->name, run.only) != NULL)
            run_geometry(geometry);
    }
    printf("%s%s: %llu power cuts, %llu failures\n", boot_mode_name,
           run.encrypted ? ", encrypted" : "", (unsigned long long)run.cases,
           (unsigned long long)run.failures);
    return run.failures == 0 ? 0 : 1;
}
