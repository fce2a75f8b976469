/* The update agent under trouble, on virtual time: see usage(). A case is one world, made from its
 * seed and its trouble; a case that ends wrongly prints the command that replays it. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "port/log.h"
#include "port/port.h"
#include "tests/sim/ota/world.h"

#define HOUR   3600000u
#define RANDOM 150u
#define RANGED 20u
#define FULL   10u /* times as many seeds */

static struct world world;
static bool verbose;
static bool full; /* all that is sampled otherwise */
static unsigned cases;
static unsigned failures;

void port_log_write(const char *line, size_t length)
{
    if (verbose)
        printf("%10llu  %.*s\n", (unsigned long long)world.now, (int)length, line);
}

otter_ms port_now(void)
{
    return world.now;
}

otter_status port_random(void *data, size_t length)
{
    memset(data, 0x5a, length); /* only blinds operations on public keys here */
    return OTTER_OK;
}

/* --- checks --- */

static char replay[80]; /* the command that repeats the case at hand, and what it is */

__attribute__((format(printf, 1, 2))) static void name_case(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(replay, sizeof replay, format, arguments);
    va_end(arguments);
}

__attribute__((format(printf, 1, 2))) static void wrong(const char *format, ...)
{
    va_list arguments;
    failures++;
    printf("WRONG: ");
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf(
        "\n  firmware %u.0.0, agent state %d, record phase %d, virtual time %llu ms, %u resets\n",
        world.running, (int)world.ota.state, world.ota.record.phase, (unsigned long long)world.now,
        world.resets);
    for (uint32_t i = 0; i < world.cloud.job_count; i++)
        printf("  job %s: %s %s\n", sim_cloud_job(&world.cloud, i)->id,
               sim_cloud_status_name(sim_cloud_job(&world.cloud, i)->status),
               sim_cloud_job(&world.cloud, i)->details);
    printf("  replay: sim_ota -v %s\n", replay);
}

/* What must hold at the end of every case, whatever happened in it. */
static bool sound(bool at_rest)
{
    const unsigned before = failures;
    if (world.device_dead)
        wrong("the bootloader has nothing to start");
    else if (world.stalled)
        wrong("the agent spins");
    else if (world.unbounded)
        wrong("the device waited for something without a deadline");
    else if (!at_rest)
        wrong("the agent has not come to rest");
    if (world.nor.rule_breaks != 0)
        wrong("%u flash rules broken", world.nor.rule_breaks);
    if (world.cloud.denials != 0 && world.cloud.rights_taken == 0)
        wrong("%u packets that the policy of the README does not allow", world.cloud.denials);
    if (world.cloud.violations != 0)
        wrong("%u requests against the interface", world.cloud.violations);
    return failures == before;
}

static bool outcome_is(const char *id, enum cloud_status status, unsigned firmware,
                       const char *words)
{
    const struct sim_job *job = sim_cloud_find(&world.cloud, id);
    return job->status == status && world.running == firmware && strstr(job->reason, words) != NULL;
}

static void expect(const char *id, enum cloud_status status, unsigned firmware, const char *words)
{
    if (!outcome_is(id, status, firmware, words))
        wrong("expected %s with \"%s\" and firmware %u.0.0", sim_cloud_status_name(status), words,
              firmware);
}

static void begin(uint32_t seed, const struct trouble *trouble)
{
    cases++;
    world_create(&world, seed, trouble);
}

static bool idle(struct world *w)
{
    return w->ota.state == OTA_IDLE && jobs_idle(&w->jobs);
}

/* Without further trouble the device must take the next update. */
static void next_update_works(void)
{
    const uint8_t next = (uint8_t)(world.running + 10u);
    world.trouble = (struct trouble){.window = world.trouble.window};
    world.cloud.rejects_late_rejection = false;
    world.cloud.silent_from = 0;
    world_add_update(&world, "next", world_image(next, 7000, true));
    if (sound(world_run(&world, world_at_rest, 6 * HOUR)))
        expect("next", CLOUD_SUCCEEDED, next, "accepted v");
}

static void end(void)
{
    world_destroy(&world);
}

/* --- one update, with one trouble --- */

struct update {
    const char *name;
    uint32_t size;
    enum behaviour behaviour;
};

static const struct update updates[] = {
    {"good", 11000, BEHAVES},
    {"full", WORLD_SLOT_SIZE - 144u, BEHAVES}, /* shares a sector with the trailer */
    {"crash", 11000, CRASHES},
    {"deaf", 11000, NEVER_CONNECTS},
    {"test", 11000, FAILS_ITS_TEST},
};
#define UPDATES (sizeof updates / sizeof updates[0])

static const struct update *awaited;

/* The update is made while the device is on line and idle, so that it is announced. */
static bool update_is_over(struct world *w)
{
    if (w->cloud.job_count == 0 && idle(w))
        world_add_update(w, "job", world_image(2, awaited->size, true));
    return w->cloud.job_count > 0 && world_at_rest(w);
}

static bool run_update(const struct update *update, const struct trouble *trouble)
{
    begin(1, trouble);
    awaited = update;
    world.behaviour[2] = update->behaviour;
    return world_run(&world, update_is_over, 6 * HOUR);
}

static void expect_plain_outcome(const struct update *update)
{
    if (update->behaviour == BEHAVES)
        expect("job", CLOUD_SUCCEEDED, 2, "accepted v2.0.0");
    else
        expect("job", CLOUD_FAILED, 1, "rolled back: 2.0.0");
}

static void plain(void)
{
    for (unsigned i = 0; i < UPDATES; i++) {
        const struct trouble none = {.window = 4};
        name_case("plain");
        if (sound(run_update(&updates[i], &none)))
            expect_plain_outcome(&updates[i]);
        printf("%-8s %s update: %u messages, %u flash operations, %u resets, %llu virtual ms\n",
               "plain", updates[i].name, world.messages, world.operations, world.resets,
               (unsigned long long)world.now);
        next_update_works();
        end();
    }
}

/* Loses each publish of an update in turn, in both directions. */
static void losses(unsigned only)
{
    for (unsigned i = 0; i < UPDATES; i++) {
        for (uint32_t n = 1;; n++) {
            const struct trouble trouble = {.lose_message = n, .window = 4};
            if (only != 0 && n != only)
                continue;
            name_case("losses %u", n);
            const bool at_rest = run_update(&updates[i], &trouble);
            const bool over = world.messages < n;
            if (sound(at_rest))
                expect_plain_outcome(&updates[i]);
            end();
            if (over || only != 0)
                break;
        }
    }
}

/* A cut on trial is a way back too: the bootloader cannot tell it from a crash. */
static void expect_outcome_of_cut(const struct update *update)
{
    if (update->behaviour == BEHAVES && outcome_is("job", CLOUD_SUCCEEDED, 2, "accepted v2.0.0"))
        return;
    expect("job", CLOUD_FAILED, 1, "rolled back: 2.0.0");
}

/* Of all cuts, those that are made by default: each operation of the first update is cut in two
 * ways, which differ from one to the next, each of the other good one in one, and one in three of
 * the rest. */
static bool is_turn_of(enum nor_cut cut, uint32_t at, const struct update *update)
{
    const uint32_t mixed = at * 2654435761u >> 16;
    if (cut >= NOR_CUT_KINDS)
        return at % 12 == (unsigned)(cut - NOR_CUT_KINDS) && (full || mixed % 2 == 0);
    if (update->behaviour != BEHAVES)
        return cut == at % NOR_CUT_KINDS && (full || mixed % 3 == 0);
    return full || cut == mixed % NOR_CUT_KINDS ||
           (update == updates && cut == (mixed + 2) % NOR_CUT_KINDS);
}

/* Cuts the power at the flash operations of an update, bootloader included: in each way where the
 * image is good, in turn where it is not. What leaves units that behave badly until they are erased
 * has its turn at one operation in twelve. */
static void cuts(unsigned only)
{
    unsigned rolled_back = 0;
    for (unsigned i = 0; i < UPDATES; i++) {
        for (uint32_t at = 1;; at++) {
            bool over = false;
            for (enum nor_cut cut = 0; cut < NOR_CUT_ALL_KINDS; cut++) {
                const struct trouble trouble = {.cut_at = at, .cut = cut, .window = 4};
                if (only != 0 ? at != only : !is_turn_of(cut, at, &updates[i]))
                    continue;
                name_case("cuts %u   (%s, %s)", at, updates[i].name, nor_cut_name(cut));
                const bool at_rest = run_update(&updates[i], &trouble);
                over = world.operations < at;
                if (sound(at_rest))
                    expect_outcome_of_cut(&updates[i]);
                rolled_back += updates[i].behaviour == BEHAVES && world.running == 1;
                if (cut == NOR_CUT_GARBLED)
                    next_update_works();
                end();
            }
            if (over || (only != 0 && at == only))
                break;
        }
    }
    printf("%-8s good updates rolled back by a cut on trial: %u\n", "cuts", rolled_back);
}

/* Cancels the job in each state of the agent, with and without the notification. */
static void cancels(void)
{
    for (unsigned state = OTA_DESCRIBING; state < OTA_STATE_COUNT; state++) {
        for (unsigned unheard = 0; unheard < 2; unheard++) {
            const struct trouble trouble = {.cancels = true,
                                            .cancel_in = (enum ota_state)state,
                                            .cancel_unheard = unheard != 0,
                                            .window = 4};
            name_case("cancels   (state %u, %s)", state, unheard != 0 ? "unheard" : "heard");
            const bool at_rest = run_update(&updates[0], &trouble);
            if (sound(at_rest)) {
                if ((world.visited >> state & 1u) == 0)
                    wrong("state %u was never entered", state);
                /* Once confirmed, the firmware stays whatever the job says; and its test, which
                 * passes at once here, comes before word of the cancellation. */
                const bool stays = state == OTA_TESTING || state == OTA_REPORTING;
                expect("job", CLOUD_CANCELED, stays ? 2 : 1, "");
                next_update_works();
            }
            end();
        }
    }
}

/* --- a policy that is edited --- */

/* An operator takes the device's policy away in each state of the agent, or its subscriptions
 * alone, and puts it back. */
static void denials(void)
{
    for (unsigned state = OTA_DESCRIBING; state < OTA_STATE_COUNT; state++) {
        for (unsigned filters = 0; filters < 2; filters++) {
            const struct trouble trouble = {.denies = true,
                                            .denies_filters = filters != 0,
                                            .cancel_in = (enum ota_state)state,
                                            .window = 4};
            name_case("denials   (state %u%s)", state, filters != 0 ? ", of subscriptions" : "");
            const bool at_rest = run_update(&updates[0], &trouble);
            if (sound(at_rest)) {
                if ((world.visited >> state & 1u) == 0)
                    wrong("state %u was never entered", state);
                expect_plain_outcome(&updates[0]);
            }
            next_update_works();
            end();
        }
    }
}

/* --- a cloud that dies --- */

/* Kills the cloud at each request of an update in turn: before the change is on its disk, so that
 * nobody has heard of it, and after, so that the answer alone is lost. Then an operator gives the
 * next update to a cloud that was killed, too. */
static void kills(unsigned only)
{
    for (unsigned i = 0; i < UPDATES; i++) {
        for (uint32_t n = 1;; n++) {
            bool over = false;
            for (unsigned after = 0; after < 2; after++) {
                const struct trouble trouble = {
                    .kill_at = n, .kill_after_commit = after != 0, .window = 4};
                if (only != 0 ? n != only
                              : !full && updates[i].behaviour != BEHAVES && after != n % 2)
                    continue;
                name_case("kills %u   (%s, %s its commit)", n, updates[i].name,
                          after != 0 ? "after" : "before");
                const bool at_rest = run_update(&updates[i], &trouble);
                over = world.cloud.requests < n;
                if (world.cloud.restarts != (over ? 0 : 1))
                    wrong("the cloud was started %u times again", world.cloud.restarts);
                if (sound(at_rest))
                    expect_plain_outcome(&updates[i]);
                next_update_works();
                end();
            }
            if (over || (only != 0 && n == only))
                break;
        }
    }
}

/* A device that begins and is not heard of again: its time runs out, also while the cloud is down,
 * and nothing is left of the job when it comes back. */
static void times_out(void)
{
    const struct trouble none = {.window = 4};
    for (unsigned killed = 0; killed < 2; killed++) {
        name_case("kills   (a job whose time runs out%s)", killed ? ", over a kill" : "");
        begin(1, &none);
        sim_cloud_create_timed(&world.cloud, "job", "{\"operation\":\"wait\"}", 30);
        sim_cloud_bring_to(&world.cloud, "job", CLOUD_IN_PROGRESS);
        world.behaviour[1] = NEVER_CONNECTS;
        (void)world_run(&world, idle, HOUR / 4);
        if (killed)
            sim_cloud_kill(&world.cloud);
        (void)world_run(&world, idle, HOUR);
        expect("job", CLOUD_TIMED_OUT, 1, "");
        world.behaviour[1] = BEHAVES;
        next_update_works();
        end();
    }
}

/* --- another source of blocks --- */

static struct trouble random_trouble(uint32_t seed)
{
    uint32_t state = seed * 747796405u + 1u;
    struct trouble trouble = {0};
    uint32_t draw[7];
    for (unsigned i = 0; i < 7; i++) {
        state = state * 1664525u + 1013904223u;
        draw[i] = state >> 16;
    }
    trouble.lost = draw[0] % 80;
    trouble.repeated = draw[1] % 100;
    trouble.delay_ms = 5 + draw[2] % 800;
    trouble.disconnects = draw[3] % 8;
    trouble.power_cuts = draw[4] % 5;
    trouble.window = 1 + draw[5] % 12;
    trouble.cloud_kills = draw[6] % 40;
    return trouble;
}

/* The job's end and the firmware that runs tell the same story. */
static void expect_consistent(const char *id, unsigned old, unsigned offered)
{
    const struct sim_job *job = sim_cloud_find(&world.cloud, id);
    if (job->status == CLOUD_SUCCEEDED && world.running == offered)
        return;
    if ((job->status == CLOUD_FAILED || job->status == CLOUD_CANCELED) && world.running == old)
        return;
    if (job->status == CLOUD_CANCELED && world.running == offered)
        return; /* confirmed before the cancellation came */
    wrong("job and firmware disagree");
}

static void ranged_random(unsigned only)
{
    for (unsigned seed = 1; seed <= RANGED * (full ? FULL : 1); seed++) {
        struct trouble trouble = random_trouble(seed);
        if (only != 0 && seed != only)
            continue;
        name_case("ranged %u   (random)", seed);
        trouble.by_range = true;
        trouble.range_errors = seed % 5 + 2;
        trouble.address_uses = seed % 3 * 2;
        if (sound(run_update(&updates[seed % 2], &trouble)))
            expect_consistent("job", 1, 2);
        next_update_works();
        end();
    }
}

/* The same updates, by blocks from a server of ranges: without trouble, with the power cut at each
 * operation, with everything at once. The agent's next update comes by stream again. */
static void ranged(unsigned only)
{
    for (unsigned i = 0; i < UPDATES && only == 0; i++) {
        const struct trouble by_range = {.by_range = true, .window = 12, .range_errors = 3};
        name_case("ranged   (%s)", updates[i].name);
        if (sound(run_update(&updates[i], &by_range)))
            expect_plain_outcome(&updates[i]);
        if (world.ranges == 0 || world.streamed != 0)
            wrong("the blocks did not come by range");
        printf("%-8s %s update: %u messages, %u flash operations, %llu virtual ms\n", "ranged",
               updates[i].name, world.messages, world.operations, (unsigned long long)world.now);
        next_update_works();
        end();
    }
    for (uint32_t at = 1;; at++) {
        const enum nor_cut cut = (enum nor_cut)(at % NOR_CUT_ALL_KINDS);
        const struct trouble trouble = {.by_range = true, .window = 8, .cut_at = at, .cut = cut};
        if (only != 0 && at != only)
            continue;
        name_case("ranged %u   (%s)", at, nor_cut_name(cut));
        const bool at_rest = run_update(&updates[0], &trouble);
        const bool over = world.operations < at;
        if (sound(at_rest))
            expect_outcome_of_cut(&updates[0]);
        end();
        if (over || only != 0)
            break;
    }
    ranged_random(only);
}

/* The power goes as often as it may in mid-download, and each address is good for a few ranges. */
static void addresses_expire(void)
{
    const struct trouble trouble = {.by_range = true, .window = 4, .address_uses = 2};
    name_case("ranged   (addresses)");
    if (sound(run_update(&updates[0], &trouble)))
        expect_plain_outcome(&updates[0]);
    if (world.addresses < 3 || world.addresses > world.ranges || world.streamed != 0)
        wrong("%u addresses for %u blocks", world.addresses, world.ranges);
    end();
}

/* The stream falls silent when half of the file has come: the rest comes by range, from the blocks
 * on flash. Then the same with the power cut at each operation. */
static void one_source_after_the_other(unsigned only)
{
    for (uint32_t at = 0;; at++) {
        const struct trouble trouble = {.either = true,
                                        .window = 2,
                                        .cut_at = at,
                                        .cut = (enum nor_cut)(at % NOR_CUT_ALL_KINDS)};
        if (only != 0 && at != only)
            continue;
        name_case("either %u   (%s)", at, nor_cut_name(trouble.cut));
        begin(at + 1, &trouble);
        world.cloud.silent_from = 4;
        world_add_update(&world, "job", world_image(2, updates[0].size, true));
        const bool at_rest = world_run(&world, world_at_rest, 24 * HOUR);
        const bool over = world.operations < at;
        if (sound(at_rest))
            expect_outcome_of_cut(&updates[0]);
        if (world.streamed == 0 || world.ranges == 0)
            wrong("the blocks did not come by both");
        if (at == 0 && world.ranges >= (updates[0].size + 1023u) / 1024u)
            wrong("%u blocks came by range", world.ranges);
        end();
        if ((over && at > 0) || only != 0)
            break;
    }
}

static void refused_ranges(void)
{
    const struct trouble expired = {.by_range = true, .window = 4, .ranges_expire = true};
    name_case("ranged   (expired)");
    if (sound(run_update(&updates[0], &expired)))
        expect("job", CLOUD_REJECTED, 1, "files: HTTP 403, has the URL expired?");
    next_update_works();
    end();
}

/* --- jobs that must not be done --- */

struct bad_job {
    const char *name;
    const char *piece;
    const char *instead;
    uint8_t version;
    bool good_key;
    enum cloud_status status;
    const char *words;
};

static const struct bad_job bad_jobs[] = {
    {"older", "", "", 1, true, CLOUD_REJECTED, "version 1.0.0 is not above the running 1.0.0"},
    {"key", "", "", 2, false, CLOUD_FAILED, "rolled back: 2.0.0 was not confirmed (did not start)"},
    {"http", "\"MQTT\"", "\"HTTP\"", 2, true, CLOUD_REJECTED, "do not offer MQTT"},
    {"label", "ota_signer_pub", "who.pem", 2, true, CLOUD_REJECTED, "'who.pem' is not a key"},
    {"type", "\"fileType\":0", "\"fileType\":5", 2, true, CLOUD_REJECTED, "fileType 5"},
    {"two", "\"files\":[{", "\"files\":[{},{", 2, true, CLOUD_REJECTED, "2 files"},
    {"large", "11000", "16241", 2, true, CLOUD_REJECTED, "does not fit"},
    {"short", "11000", "10000", 2, true, CLOUD_REJECTED, "image header says"},
    {"stream", "AFR_OTA-stream", "other-stream", 2, true, CLOUD_REJECTED, "stream refused"},
    {"long", "11000", "14000", 2, true, CLOUD_FAILED, "stream refused: OffsetOutOfBounds"},
    {"silent", "", "", 2, true, CLOUD_FAILED, "no block arrived"},
    {"signature", "=\"}", "=\"}", 3, true, CLOUD_FAILED,
     "code signature check failed (ota_signer_pub)"},
};

static void refusals(void)
{
    for (unsigned i = 0; i < sizeof bad_jobs / sizeof bad_jobs[0]; i++) {
        const struct bad_job *bad = &bad_jobs[i];
        const struct trouble none = {.window = 4};
        const bool forged = strcmp(bad->name, "signature") == 0;
        struct world_image image = *world_image(bad->version, 11000, bad->good_key);
        if (forged) { /* another image under the signature */
            memcpy(image.bytes, world_image(2, 11000, true)->bytes, image.size);
        }
        name_case("refusals   (%s)", bad->name);
        begin(1, &none);
        const bool on_line = world_run(&world, idle, HOUR);
        world.cloud.silent_from = strcmp(bad->name, "silent") == 0 ? 3 : 0;
        world_add_update_with(&world, "job", &image, forged ? "" : bad->piece,
                              forged ? "" : bad->instead);
        if (sound(on_line && world_run(&world, world_at_rest, 6 * HOUR)))
            expect("job", bad->status, 1, bad->words);
        if (bad->version == 1 && (world.visited >> OTA_ACCEPTING & 1u) != 0)
            wrong("a job was accepted that had to be refused before");
        next_update_works();
        end();
    }
}

static void keys_known_to_the_agent(void)
{
    const struct trouble knows = {.window = 4, .check_signature = true};
    name_case("refusals   (agent with keys)");
    begin(1, &knows);
    world_add_update(&world, "job", world_image(2, 11000, false));
    if (sound(world_run(&world, world_at_rest, 6 * HOUR)))
        expect("job", CLOUD_FAILED, 1, "image check failed");
    if (world.resets != 0)
        wrong("an image was tried that had to be refused before");
    end();
}

/* --- jobs that come again --- */

static void retries(void)
{
    const struct trouble none = {.window = 4};
    name_case("again   (retries)");
    begin(1, &none);
    world.behaviour[2] = NEVER_CONNECTS;
    world_add_update(&world, "job", world_image(2, 11000, true));
    if (sound(world_run(&world, world_at_rest, 6 * HOUR)))
        expect("job", CLOUD_FAILED, 1, "(no connection to the cloud)");
    world.behaviour[2] = BEHAVES;
    sim_cloud_requeue(&world.cloud, "job");
    if (sound(world_run(&world, world_at_rest, 6 * HOUR)))
        expect("job", CLOUD_SUCCEEDED, 2, "accepted v2.0.0");
    end();
}

/* A job that another agent began, and that this one has to refuse although it is IN_PROGRESS. */
static void refusal_after_the_start(void)
{
    const struct trouble none = {.window = 4};
    name_case("again   (refused after the start)");
    begin(1, &none);
    world.cloud.rejects_late_rejection = true;
    world_add_update(&world, "job", world_image(1, 11000, true));
    sim_cloud_bring_to(&world.cloud, "job", CLOUD_IN_PROGRESS);
    if (sound(world_run(&world, world_at_rest, 6 * HOUR)))
        expect("job", CLOUD_FAILED, 1, "not above the running");
    end();
}

/* --- everything at once --- */

/* Now and then the operator cancels the job, or takes the device's policy away for a while. */
static void random_operator(void)
{
    world.trouble.cancels = world_random(&world, 5) == 0;
    world.trouble.denies = !world.trouble.cancels && world_random(&world, 5) == 0;
    if (!world.trouble.cancels && !world.trouble.denies)
        return;
    world.trouble.cancel_in = (enum ota_state)world_random(&world, OTA_STATE_COUNT);
    world.visited = 0;
}

static void random_worlds(unsigned first, unsigned count)
{
    unsigned ends[CLOUD_STATUS_COUNT] = {0};
    unsigned killed = 0, denied = 0;
    for (unsigned seed = first; seed < first + count; seed++) {
        const struct trouble trouble = random_trouble(seed);
        name_case("random %u", seed);
        begin(seed, &trouble);
        for (uint8_t round = 0; round < 3; round++) {
            const char *const ids[] = {"one", "two", "three"};
            const unsigned old = world.running == 0 ? 1 : world.running;
            const uint8_t offered = (uint8_t)(round + 2);
            world.trouble = trouble;
            world.behaviour[offered] =
                world_random(&world, 4) == 0 ? (enum behaviour)world_random(&world, 4) : BEHAVES;
            world_add_update(&world, ids[round], world_image(offered, 8000 + 3000u * round, true));
            random_operator();
            if (!sound(world_run(&world, world_at_rest, 48 * HOUR)))
                break;
            if (!world.trouble.cancels)
                expect_consistent(ids[round], old, offered);
            ends[sim_cloud_find(&world.cloud, ids[round])->status]++;
        }
        if (!world.device_dead && !world.stalled)
            next_update_works();
        killed += world.cloud.restarts;
        denied += world.cloud.rights_taken;
        end();
    }
    printf("%-8s %u worlds: %u updates succeeded, %u failed, %u cancelled; the cloud killed %u "
           "times, the policy away %u times\n",
           "random", count, ends[CLOUD_SUCCEEDED], ends[CLOUD_FAILED], ends[CLOUD_CANCELED], killed,
           denied);
}

static void usage(void)
{
    printf("usage: sim_ota [-v] [--full] [SCENARIO [NUMBER]]\n"
           "  plain           each kind of update without trouble\n"
           "  losses [N]      each publish lost in turn, or the N-th\n"
           "  cuts [N]        power cut at flash operations, or at the N-th\n"
           "  kills [N]       the cloud killed at each request, or at the N-th\n"
           "  cancels         the job cancelled in each state\n"
           "  denials         the device's policy taken away in each state, for a while\n"
           "  ranged [N]      blocks from a server of ranges\n"
           "  either [N]      ... after the stream has failed; all cuts of power\n"
           "  refusals        jobs that must not be done\n"
           "  again           jobs that come again\n"
           "  random [SEED]   everything at once: %u seeds, or this one\n"
           "  -v              with the logs of device and cloud\n"
           "  --full          all power cuts, and many more seeds\n",
           RANDOM);
}

static bool wanted(const char *chosen, const char *scenario)
{
    return chosen == NULL || strcmp(chosen, scenario) == 0;
}

int main(int argc, char **argv)
{
    int at = 1;
    for (; at < argc; at++) {
        if (strcmp(argv[at], "-v") == 0)
            verbose = sim_cloud_verbose = true;
        else if (strcmp(argv[at], "--full") == 0)
            full = true;
        else
            break;
    }
    if (at < argc && argv[at][0] == '-') {
        usage();
        return 2;
    }
    const char *chosen = at < argc ? argv[at] : NULL;
    const unsigned number = at + 1 < argc ? (unsigned)strtoul(argv[at + 1], NULL, 10) : 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (wanted(chosen, "plain"))
        plain();
    if (wanted(chosen, "losses"))
        losses(number);
    if (wanted(chosen, "cuts"))
        cuts(number);
    if (wanted(chosen, "kills")) {
        kills(number);
        times_out();
    }
    if (wanted(chosen, "denials"))
        denials();
    if (wanted(chosen, "cancels"))
        cancels();
    if (wanted(chosen, "ranged")) {
        ranged(number);
        addresses_expire();
        refused_ranges();
    }
    if (wanted(chosen, "either"))
        one_source_after_the_other(number);
    if (wanted(chosen, "refusals")) {
        refusals();
        keys_known_to_the_agent();
    }
    if (wanted(chosen, "again")) {
        retries();
        refusal_after_the_start();
    }
    if (wanted(chosen, "random"))
        random_worlds(number != 0 ? number : 1, number != 0 ? 1 : RANDOM * (full ? FULL : 1));
    printf("%u cases, %u wrong\n", cases, failures);
    return cases > 0 && failures == 0 ? 0 : 1;
}
