/* Does any single fault make the bootloader start an image that it must refuse?
 *
 *   fault_injection BOOTLOADER.elf KEY.pem OTTER [--full] [--skips] [--times N] [--every N]
 *                   [--kind NAME] [--arithmetic N] [--jobs N] [--seed N]
 *
 * The bootloader runs on QEMU's mps2-an505 with an image in the primary slot that was damaged in
 * one of several ways. At each instruction from boot_go to the refusal, at its first N executions,
 * each fault of faults.h is tried: the core is put back to that moment, the fault injected, the
 * boot run to its end. First come controls, which show that the harness sees an image start.
 * Without
 * --full a sample is tried, sized for the test command: each instruction skipped once on the way to
 * the refusal of a wrong signature (with --skips: of every image), and one in N of all other faults
 * (--every). 77: skipped. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/sim/fault_injection/walk.h"

#define SKIPPED 77

struct options {
    const char *bootloader;
    const char *key;
    const char *otter;
    const char *kind;
    unsigned jobs;
    struct walk_plan plan;
};

struct report {
    struct tally tally[IMAGE_KINDS];
    int broken; /* a control failed, or a walk could not be made */
};

static struct slot_image images[IMAGE_KINDS];
static struct elf elf;
static struct board board;

/* --- controls: the harness sees what it must see ------------------------------------------- */

static int control(bool held, const char *what)
{
    printf("control: %s: %s\n", what, held ? "yes" : "NO");
    return held ? 0 : 1;
}

/* Boots with the verdict of the signature forced at its first `times` calls. */
static enum outcome boot_with_accomplice(enum image_kind kind, unsigned times)
{
    const uint32_t verify = elf_named(&elf, "image_p256_verify")->address;
    struct registers registers;
    board_put(&board, &images[kind]);
    board_boot(&board);
    target_break(&board.target, verify);
    for (unsigned i = 0; i < times; i++) {
        target_run(&board.target, 20000);
        target_get(&board.target, &registers);
        if (registers.r[REG_PC] != verify)
            break;
        registers.r[0] = 1;
        registers.r[REG_PC] = registers.r[REG_LR] & ~1u;
        target_set(&board.target, &registers);
    }
    target_unbreak(&board.target, verify);
    return board_finish(&board, 20000);
}

static int controls(void)
{
    static const uint8_t always_true[] = {0x01, 0x20, 0x70, 0x47}; /* movs r0, #1; bx lr */
    int failed = 0;
    board_put(&board, &images[IMAGE_GOOD]);
    board_boot(&board);
    failed += control(board_finish(&board, 20000) == STARTED, "the good image starts");
    board_put(&board, &images[IMAGE_WRONG_SIGNATURE]);
    board_boot(&board);
    target_write(&board.target, elf_named(&elf, "image_p256_verify")->address, always_true,
                 sizeof always_true);
    failed += control(board_finish(&board, 20000) == STARTED,
                      "a bad image starts where the verification is patched out");
    failed += control(boot_with_accomplice(IMAGE_WRONG_SIGNATURE, 1) == REFUSED,
                      "a bad image is refused though one verification lies");
    failed += control(boot_with_accomplice(IMAGE_WRONG_SIGNATURE, 2) == STARTED,
                      "a bad image starts where two verifications lie");
    fflush(stdout);
    return failed;
}

/* --- one process of several ---------------------------------------------------------------- */

static void work(const struct options *options, unsigned shard, const char *folder, int result)
{
    static struct report report;
    struct walk_plan plan = options->plan;
    plan.shard = shard;
    plan.shards = options->jobs;
    if (board_start(&board, &elf, options->bootloader, folder) != 0)
        exit(2);
    if (shard == 0)
        report.broken = controls();
    for (unsigned kind = 1; kind < IMAGE_KINDS; kind++) {
        if (options->kind != NULL && strcmp(options->kind, image_kind_names[kind]) != 0)
            continue;
        plan.all_skips = options->plan.all_skips || kind == IMAGE_WRONG_SIGNATURE;
        board_put(&board, &images[kind]);
        if (walk(&board, image_kind_names[kind], &plan, &report.tally[kind]) == 0)
            report.broken++;
    }
    board_stop(&board);
    if (write(result, &report, sizeof report) != (ssize_t)sizeof report)
        exit(2);
    exit(0);
}

static void add(struct report *sum, const struct report *part)
{
    for (unsigned kind = 0; kind < IMAGE_KINDS; kind++) {
        struct tally *to = &sum->tally[kind];
        const struct tally *from = &part->tally[kind];
        to->addresses = from->addresses > to->addresses ? from->addresses : to->addresses;
        to->executions += from->executions;
        to->arithmetic += from->arithmetic;
        for (unsigned i = 0; i < FAULT_CLASSES; i++)
            for (unsigned j = 0; j < OUTCOMES; j++)
                to->cases[i][j] += from->cases[i][j];
    }
    sum->broken += part->broken;
}

static int run_all(const struct options *options, const char *folder, struct report *sum)
{
    int results[2];
    if (pipe(results) != 0)
        return -1;
    for (unsigned i = 0; i < options->jobs; i++) {
        char own[300];
        snprintf(own, sizeof own, "%s/%u", folder, i);
        char line[340];
        snprintf(line, sizeof line, "mkdir '%s'", own);
        if (system(line) != 0)
            return -1;
        fflush(stdout);
        if (fork() == 0)
            work(options, i, own, results[1]);
    }
    close(results[1]);
    int failed = 0;
    for (unsigned i = 0; i < options->jobs; i++) {
        static struct report part;
        int status = 0;
        if (read(results[0], &part, sizeof part) == (ssize_t)sizeof part)
            add(sum, &part);
        wait(&status);
        failed += status != 0;
    }
    return failed == 0 ? 0 : -1;
}

/* --- the program --------------------------------------------------------------------------- */

/* x of the trusted key, from the table that is linked into the bootloader. */
static const uint8_t *key_x(void)
{
    const struct elf_symbol *keys = elf_named(&elf, "image_keys");
    const uint8_t *entry = keys == NULL ? NULL : elf_bytes(&elf, keys->address, 4);
    uint32_t spki = 0;
    if (entry != NULL)
        memcpy(&spki, entry, sizeof spki);
    return entry == NULL ? NULL : elf_bytes(&elf, spki + 27, 32);
}

static int print_tally(const struct report *report)
{
    uint32_t all = 0;
    uint32_t started = 0;
    uint32_t sums[FAULT_CLASSES][OUTCOMES] = {{0}};
    for (unsigned kind = 1; kind < IMAGE_KINDS; kind++) {
        const struct tally *tally = &report->tally[kind];
        uint32_t cases = 0;
        for (unsigned i = 0; i < FAULT_CLASSES; i++) {
            for (unsigned j = 0; j < OUTCOMES; j++) {
                sums[i][j] += tally->cases[i][j];
                cases += tally->cases[i][j];
            }
        }
        if (cases > 0)
            printf(
                "%-16s %6u instructions, %6u executions, %4u moments of arithmetic: %7u faults\n",
                image_kind_names[kind], tally->addresses, tally->executions, tally->arithmetic,
                cases);
    }
    printf("%-16s", "fault");
    for (unsigned j = 0; j < OUTCOMES; j++)
        printf(" %9s", outcome_names[j]);
    for (unsigned i = 0; i < FAULT_CLASSES; i++) {
        printf("\n%-16s", fault_class_names[i]);
        for (unsigned j = 0; j < OUTCOMES; j++) {
            printf(" %9u", sums[i][j]);
            all += i == FAULT_SKIP_TWO ? 0 : sums[i][j];
        }
        started += i == FAULT_SKIP_TWO ? 0 : sums[i][STARTED];
    }
    printf("\n%u single faults, %u started a bad image\n", all, started);
    return all > 0 && started == 0 ? 0 : 1;
}

static int parse(struct options *options, int argc, char **argv)
{
    *options =
        (struct options){.jobs = 2, .plan = {.times = 2, .every = 256, .arithmetic = 1, .seed = 1}};
    if (argc < 4)
        return -1;
    options->bootloader = argv[1];
    options->key = argv[2];
    options->otter = argv[3];
    for (int i = 4; i < argc; i++) {
        const char *name = argv[i];
        if (strcmp(name, "--full") == 0) {
            options->plan.times = 3;
            options->plan.every = 1;
            options->plan.arithmetic = 40;
            continue;
        }
        if (strcmp(name, "--skips") == 0) {
            options->plan.all_skips = true;
            continue;
        }
        if (i + 1 == argc)
            return -1;
        const char *value = argv[++i];
        const unsigned number = (unsigned)strtoul(value, NULL, 10);
        if (strcmp(name, "--kind") == 0)
            options->kind = value;
        else if (strcmp(name, "--times") == 0)
            options->plan.times = number;
        else if (strcmp(name, "--every") == 0 && number > 0)
            options->plan.every = number;
        else if (strcmp(name, "--arithmetic") == 0)
            options->plan.arithmetic = number;
        else if (strcmp(name, "--jobs") == 0 && number > 0)
            options->jobs = number;
        else if (strcmp(name, "--seed") == 0)
            options->plan.seed = number;
        else
            return -1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    static struct report report;
    struct options options;
    char folder[] = "/tmp/otter-fault-XXXXXX";
    if (parse(&options, argc, argv) != 0) {
        fprintf(stderr,
                "usage: fault_injection BOOTLOADER.elf KEY.pem OTTER [--full] [--times N]\n"
                "       [--every N] [--kind NAME] [--arithmetic N] [--jobs N] [--seed N]\n");
        return 2;
    }
    if (access(options.bootloader, R_OK) != 0 || access(options.key, R_OK) != 0) {
        printf("skipped: %s is not built (preset mps2-an505)\n", options.bootloader);
        return SKIPPED;
    }
    if (system("command -v qemu-system-arm >/dev/null 2>&1") != 0) {
        printf("skipped: qemu-system-arm is not installed\n");
        return SKIPPED;
    }
    if (elf_load(&elf, options.bootloader) != 0)
        return 2;
    if (elf_named(&elf, "image_p256_verify") == NULL || key_x() == NULL ||
        mkdtemp(folder) == NULL) {
        fprintf(stderr, "%s: image_p256_verify or image_keys not found, or no folder in /tmp\n",
                options.bootloader);
        return 2;
    }
    int status = images_make(images, options.otter, options.key, key_x(), folder);
    if (status == 0)
        status = run_all(&options, folder, &report);
    if (status == 0)
        status = print_tally(&report);
    char line[64];
    snprintf(line, sizeof line, "rm -r '%s'", folder);
    const int removed = system(line);
    elf_free(&elf);
    return status == 0 && report.broken == 0 && removed == 0 ? 0 : 1;
}
