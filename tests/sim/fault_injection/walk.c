/* Steps through the bootloader's check and tries each fault on the way. */
#include "tests/sim/fault_injection/walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CODE_START 0x10000000u
#define CODE_MAX   0x10000u
#define STEPS_MAX  400000u
/* A run is given up after this and four times what a refusal takes. */
#define LIMIT_LEAST_MS 300u

struct walker {
    struct board *board;
    const struct walk_plan *plan;
    struct tally *tally;
    const char *name;
    unsigned limit_ms;
    uint32_t number; /* of the fault, over the whole walk */
    uint8_t seen[CODE_MAX / 2];
    struct moment moment;
};

/* Not walked but run through: they move or print data and take no decision; libraries. What they
 * return is corrupted where it is used. */
static bool is_aside(const char *symbol)
{
    static const char *const names[] = {
        "report",
        "boot_report",
        "boot_report_trailer",
        "boot_report_progress",
        "boot_feed",
        "log_line",
        "vsnprintf",
        "snprintf",
        "uart_write",
        "boot_event_text",
        "boot_log",
        "port_now",
    };
    static const char *const prefixes[] = {"br_",         "mem",   "str",      "image_sha256_",
                                           "image_p256_", "sha2",  "trailer_", "swap_",
                                           "api_",        "point_"};
    /* GCC names a function that it made for some callers NAME.constprop.0. */
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(symbol, "."), symbol);
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    for (unsigned i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    }
    return false;
}

static uint32_t mix(uint32_t value)
{
    value = (value ^ value >> 16) * 0x7feb352du;
    value = (value ^ value >> 15) * 0x846ca68bu;
    return value ^ value >> 16;
}

/* The fault of this number falls to this process, and into the sample. */
static bool is_chosen(const struct walker *walker, uint32_t number, bool always)
{
    const struct walk_plan *plan = walker->plan;
    const uint32_t ticket = mix(number + plan->seed * 0x9e3779b9u);
    return ticket % plan->shards == plan->shard &&
           (always || ticket / plan->shards % plan->every == 0);
}

static unsigned now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (unsigned)(now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

static void tell(const struct walker *walker, const struct fault *fault, uint32_t pc,
                 const uint8_t code[4], uint32_t execution)
{
    const struct elf_symbol *symbol = elf_at(walker->board->elf, pc);
    printf("STARTED image %s: %s at %s+0x%x (0x%08x, %02x%02x %02x%02x, execution %u)",
           walker->name, fault_class_names[fault->class], symbol ? symbol->name : "?",
           symbol ? pc - symbol->address : 0, pc, code[1], code[0], code[3], code[2], execution);
    if (fault->class == FAULT_BIT || fault->class == FAULT_FLAG)
        printf(", bit %u", fault->bit);
    if (fault->class == FAULT_REGISTER)
        printf(", r%u = 0x%x", fault->reg, fault->value);
    printf("\n");
    fflush(stdout);
}

static void try_fault(struct walker *walker, const struct fault *fault, const uint8_t code[4],
                      uint32_t execution)
{
    struct board *board = walker->board;
    const uint32_t pc = walker->moment.registers.r[REG_PC];
    enum outcome outcome = CRASHED;
    if (fault_inject(&board->target, fault, pc) == TARGET_STOPPED)
        outcome = board_finish(board, walker->limit_ms);
    walker->tally->cases[fault->class][outcome]++;
    if (outcome == STARTED)
        tell(walker, fault, pc, code, execution);
    if (outcome == REFUSED)
        board_restore(board, &walker->moment);
    else
        board_restore_all(board, &walker->moment);
}

/* All chosen faults of the instruction that comes next; the core is as before afterwards. Which
 * are chosen must not depend on whether others were, so their numbers are counted by a bound. */
static bool try_instruction(struct walker *walker, uint32_t execution)
{
    struct target *target = &walker->board->target;
    struct fault faults[FAULTS_MAX];
    struct registers after;
    uint8_t code[8];
    const bool skip = walker->plan->all_skips && execution == 1;
    bool any = false;
    const uint32_t first = walker->number;
    walker->number += FAULTS_MAX;
    for (unsigned i = 0; i < FAULTS_MAX && !any; i++)
        any = is_chosen(walker, first + i, skip && i == 0);
    if (!any)
        return false;
    board_save(walker->board, &walker->moment);
    const uint32_t pc = walker->moment.registers.r[REG_PC];
    target_read(target, pc, code, sizeof code);
    target_step(target);
    target_get(target, &after);
    board_restore(walker->board, &walker->moment);
    const unsigned size = instruction_size((uint16_t)(code[0] | code[1] << 8));
    const uint16_t next = (uint16_t)(code[size] | code[size + 1] << 8);
    const unsigned count =
        faults_of(faults, code, next, &walker->moment.registers, &after, mix(first));
    unsigned tried = 0;
    for (unsigned i = 0; i < count; i++) {
        if (is_chosen(walker, first + i, skip && faults[i].class == FAULT_SKIP)) {
            try_fault(walker, &faults[i], code, execution);
            tried++;
        }
    }
    if (tried > 0)
        board_restore_all(walker->board, &walker->moment); /* wild writes into code included */
    return tried > 0;
}

/* Random moments within the call that the core is about to make. */
static void try_arithmetic(struct walker *walker, unsigned call_ms)
{
    struct board *board = walker->board;
    static struct moment before;
    const struct walk_plan *plan = walker->plan;
    struct walk_plan thorough = *plan;
    thorough.every = 1;
    walker->plan = &thorough;
    board_save(board, &before);
    for (unsigned i = 0; i < walker->plan->arithmetic; i++) {
        const uint32_t number = walker->number;
        walker->number += FAULTS_MAX;
        if (target_run(&board->target, 1 + mix(number + walker->plan->seed) % call_ms) ==
            TARGET_TIME_OUT) {
            try_instruction(walker, 0);
            walker->tally->arithmetic++;
        }
        board_restore_all(board, &before);
    }
    walker->plan = plan;
}

/* The core stands at the start of a function that is not walked: runs it to its end. */
static void run_aside(struct walker *walker, const struct elf_symbol *symbol, uint32_t back)
{
    struct target *target = &walker->board->target;
    if (strcmp(symbol->name, "image_p256_verify") == 0 && walker->plan->arithmetic > 0)
        try_arithmetic(walker, (walker->limit_ms - LIMIT_LEAST_MS) / 8 + 1);
    target_break(target, back);
    target_run(target, 20000);
    target_unbreak(target, back);
}

/* Milliseconds to the refusal of the image that was put; 0 if it ends otherwise. */
static unsigned time_refusal(struct board *board)
{
    board_boot(board);
    const unsigned start = now_ms();
    const enum outcome outcome = board_finish(board, 20000);
    return outcome == REFUSED ? now_ms() - start + 1 : 0;
}

unsigned walk(struct board *board, const char *name, const struct walk_plan *plan,
              struct tally *tally)
{
    static struct walker walker;
    const unsigned refusal_ms = time_refusal(board);
    if (refusal_ms == 0) {
        printf("image %s is not refused even without a fault\n", name);
        return 0;
    }
    walker = (struct walker){.board = board, .plan = plan, .tally = tally, .name = name};
    walker.limit_ms = LIMIT_LEAST_MS + 4 * refusal_ms;
    board_boot(board);
    for (uint32_t step = 0; step < STEPS_MAX; step++) {
        struct registers registers;
        target_get(&board->target, &registers);
        const uint32_t pc = registers.r[REG_PC];
        const struct elf_symbol *symbol = elf_at(board->elf, pc);
        if (pc == board->halt || symbol == NULL)
            return pc == board->halt ? refusal_ms : 0;
        if (is_aside(symbol->name)) {
            run_aside(&walker, symbol, registers.r[REG_LR] & ~1u);
            continue;
        }
        uint8_t *seen = &walker.seen[(pc - CODE_START) / 2 % (CODE_MAX / 2)];
        if (*seen < plan->times) {
            tally->addresses += *seen == 0;
            ++*seen;
            tally->executions += try_instruction(&walker, *seen);
        }
        target_step(&board->target);
    }
    printf("image %s: no end after %u steps\n", name, STEPS_MAX);
    return 0;
}
