/* otter twin: a board's own HEX file, run without the board. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool/arguments.h"
#include "tool/command.h"
#include "tool/file.h"
#include "tool/hex_file.h"
#include "tool/values.h"
#include "twin/console.h"
#include "twin/machine.h"

enum {
    OPTION_CUT = 256,
    OPTION_CUT_OPERATION,
    OPTION_CUT_AT,
    OPTION_CUTS,
    OPTION_RESET_IN,
    OPTION_RESET_BEHIND,
    OPTION_LIST,
    OPTION_SSID,
    OPTION_PASSWORD,
    OPTION_MODEM_FAULT,
    OPTION_MODEM_DELAY,
    OPTION_NO_ENTROPY,
    OPTION_LATE_NMI,
    OPTION_STUCK_BANKS,
    OPTION_MEMORY_FAULT,
    OPTION_QUICK
};

static const struct option options[] = {
    {'b', "board", "BOARD", "the board; --list shows which there are"},
    {'x', "hex", "FILE", "programs this HEX file before the start; may be given again"},
    {'f', "flash", "DIR", "keeps the board's flash in files there; made when it is missing"},
    {'c', "console", "LINK",
     "console on a pseudo-terminal, with LINK pointing to it; else on stdio"},
    {'t', "trace", "PERIPHERAL", "prints each access to it (UART0, FMC, ...; all) on stderr"},
    {OPTION_CUT, "cut-after", "CLOCKS", "cuts the power after so many core clocks; exit code 3"},
    {OPTION_CUT_OPERATION, "cut-in-operation", "N",
     "cuts the power in the middle of the N-th flash operation; exit code 3"},
    {OPTION_CUT_AT, "cut-at", "OPERATION[@N]",
     "cuts the power when the N-th OPERATION starts: program, erase, bank-erase, mass-erase, "
     "option-change of the chip's flash, nor-program, nor-erase of SPI flash, card-write; exit "
     "code "
     "3"},
    {OPTION_CUTS, "cuts", "PLACE,...",
     "cuts the power at each PLACE in its turn, counted from power-on, gives it back each time, "
     "and "
     "runs on behind the last. PLACE: N, in the middle of the N-th flash operation; OPERATION[@N], "
     "in "
     "its middle; before:OPERATION[@N]"},
    {OPTION_RESET_IN, "reset-in-operation", "N",
     "a debugger resets the chip in the middle of the N-th flash operation"},
    {OPTION_RESET_BEHIND, "reset-behind-operation", "N",
     "a debugger resets the chip just behind the N-th operation of its own flash"},
    {OPTION_SSID, "ssid", "NAME", "the access point that the board's modem finds (workshop)"},
    {OPTION_PASSWORD, "password", "TEXT", "its password (otter-demo)"},
    {OPTION_MODEM_FAULT, "modem-fault", "KIND[@N],...",
     "the board's modem goes wrong once, at its N-th command, or its Ethernet\n"
     "                                controller at its N-th frame; `help` lists the kinds. With "
     "--cuts, one for each start in its turn"},
    {OPTION_MODEM_DELAY, "modem-delay", "MS",
     "an AT modem takes so long for each answer: 1 to 60000 (1)"},
    {OPTION_NO_ENTROPY, "no-entropy", NULL,
     "the chip's source of random numbers gives the same all the time"},
    {OPTION_LATE_NMI, "late-nmi", NULL,
     "the NMI of flash that cannot be read comes some instructions later (STM32)"},
    {OPTION_STUCK_BANKS, "stuck-banks", NULL,
     "the banks of flash do not change places any more, whatever the options say (STM32)"},
    {OPTION_MEMORY_FAULT, "memory-fault", "KIND[@N]",
     "the memory beside the chip, an SPI flash or SD card, is missing or small, or goes or stays\n"
     "                                busy from its N-th operation on, or takes 8 s for that one:\n"
     "                                missing, small, goes, busy, pauses"},
    {OPTION_QUICK, "quick", NULL,
     "takes loads and stores to be aligned, which only a look at each one tells: a Cortex-M23 runs "
     "three times as fast"},
    {OPTION_LIST, "list", NULL, "lists the boards that have a twin"},
    {0},
};

static const struct usage usage = {
    .command = "twin",
    .operands = "--board BOARD [OPTION]...",
    .summary =
        "Runs a board's own HEX file without the board: its core, its peripherals as their tables\n"
        "say, its flash in files. What the program does wrong ends the run and is named.",
    .options = options,
    .examples = "  otter twin --board numaker-iot-m467 --hex merged.hex --flash flash\n"
                "  otter twin --board numaker-iot-m467 --flash flash --console /tmp/board\n"
                "\nSIGUSR1 takes the board's network link away, its cable or its access point, and "
                "the next one\n"
                "brings it back.\n"
                "\nExit codes: 0 stopped by a signal, 1 the program or the files are wrong (the "
                "reason is on\n"
                "stderr), 2 wrong usage, 3 the power was cut as asked.\n",
};

#define HEX_MAX          8u
#define LOOK_FOR_SIGNALS (50u * TWIN_MS)

#define CUTS_MAX   64u
#define STARTS_MAX 64u

/* A cut: in the middle of the n-th operation of this name, or of any (NULL), or before it. */
struct place {
    const char *name;
    uint32_t n;
    bool before;
};

struct job {
    const char *board, *flash, *console, *trace;
    const char *hex[HEX_MAX];
    unsigned hex_count;
    uint64_t cut_after;
    struct place cut; /* that ends the run */
    struct place cuts[CUTS_MAX];
    unsigned cut_count;
    bool no_entropy;
    bool late_nmi;
    bool stuck_banks;
    bool quick;
    enum part_fault memory_fault;
    uint32_t memory_fault_at;
    uint32_t reset_operation[2];    /* by enum twin_moment */
    char *modem_faults[STARTS_MAX]; /* by start */
    unsigned modem_fault_count;
    struct modem_setup modem;
};

static volatile sig_atomic_t stopped;
static volatile sig_atomic_t link_is_away;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

static void on_link_signal(int number)
{
    (void)number;
    link_is_away = !link_is_away;
}

static int list(void)
{
    for (unsigned i = 0; machine_name(i); i++)
        puts(machine_name(i));
    return 0;
}

static bool program(struct machine *machine, const char *path)
{
    struct failure failure = {0};
    struct bytes text = {0};
    struct memory_map map = {0};
    bool good = file_read(path, &text, &failure) == OTTER_OK &&
                hex_read(text.data, text.size, &map, &failure) == OTTER_OK;
    if (!good)
        fprintf(stderr, "otter twin: %s: %s\n", path, failure.text);
    for (size_t i = 0; good && i < map.count; i++) {
        const struct memory_part *part = &map.parts[i];
        good =
            machine->program(machine, part->address, part->bytes.data, (uint32_t)part->bytes.size);
        if (!good)
            fprintf(stderr, "otter twin: %s has %zu bytes at 0x%08x, where %s has no flash\n", path,
                    part->bytes.size, part->address, machine->board);
    }
    memory_map_free(&map);
    bytes_free(&text);
    return good;
}

/* As SIGUSR1 has it. */
static void follow_link(struct machine *machine, bool *away)
{
    if (*away == (link_is_away != 0) || !machine->connect_link)
        return;
    *away = !*away;
    machine->connect_link(machine, !*away);
    fprintf(stderr, "\notter twin: the link is %s\n", *away ? "gone" : "back");
}

static void set_cut(struct twin *twin, const struct place *place)
{
    if (place->name && place->before)
        twin_cut_at(twin, place->name, place->n);
    else if (place->name)
        twin_cut_in(twin, place->name, place->n);
    else
        twin_cut_in_operation(twin, place->n);
}

static bool connect(struct machine *machine, const struct job *job, struct console *console)
{
    if (!job->console)
        console_open_files(console, machine->twin, STDIN_FILENO, STDOUT_FILENO);
    else if (!console_open_terminal(console, machine->twin, job->console))
        return false;
    machine->connect_console(machine, &console->serial);
    if (job->quick)
        twin_trust_alignment(machine->twin);
    if (job->no_entropy && machine->spoil_entropy)
        machine->spoil_entropy(machine);
    if (job->late_nmi && machine->delay_nmi)
        machine->delay_nmi(machine);
    if (job->stuck_banks && machine->hold_banks)
        machine->hold_banks(machine);
    if (job->memory_fault && machine->spoil_memory)
        machine->spoil_memory(machine, job->memory_fault, job->memory_fault_at);
    return !machine->connect_modem || machine->connect_modem(machine, &job->modem);
}

static void say_end(const struct twin *twin, enum twin_end end)
{
    uint32_t offset = 0;
    const char *operation = twin_last_operation(twin, &offset);
    if (end == TWIN_FAULT) {
        fprintf(stderr, "\notter twin: %s\n", twin_fault_text(twin));
        return;
    }
    fprintf(stderr, "\notter twin: %s after %llu clocks, %u flash operations",
            end == TWIN_CUT ? "power cut" : "stopped", (unsigned long long)twin_clocks(twin),
            twin_operations(twin));
    if (end == TWIN_CUT && operation)
        fprintf(stderr, ", the last a %s at 0x%08x", operation, offset);
    fputc('\n', stderr);
}

/* From power-on; `cut` is one of those that the power comes back from, or NULL. */
static int run(struct machine *machine, const struct job *job, const struct place *cut)
{
    bool away = false;
    struct console console;
    if (!connect(machine, job, &console))
        return 1;
    twin_trace(machine->twin, job->trace);
    twin_cut_after(machine->twin, cut ? UINT64_MAX : job->cut_after);
    set_cut(machine->twin, cut ? cut : &job->cut);
    for (unsigned i = TWIN_IN_OPERATION; i <= TWIN_BEHIND_OPERATION; i++)
        twin_reset_at_operation(machine->twin, (enum twin_moment)i, job->reset_operation[i]);
    twin_reset(machine->twin, TWIN_RESET_POWER);
    enum twin_end end = TWIN_STOPPED;
    while (!stopped && end == TWIN_STOPPED) {
        follow_link(machine, &away);
        end = twin_run(machine->twin, twin_now(machine->twin) + LOOK_FOR_SIGNALS);
    }
    console_close(&console);
    say_end(machine->twin, end);
    return end == TWIN_FAULT ? 1 : end == TWIN_CUT ? 3 : 0;
}

/* False when the board's modem does not know that fault; they are listed then. */
static bool take_modem_fault(struct job *job, const struct machine *machine, const char *fault)
{
    if (!machine->modem_faults) {
        fprintf(stderr, "otter twin: %s has neither modem nor Ethernet that could go wrong\n",
                machine->board);
        return false;
    }
    if (modem_setup_fault(&job->modem, machine->modem_faults, fault))
        return true;
    fprintf(stderr, "otter twin: the network of %s goes wrong by KIND[@N], of which KIND is\n",
            machine->board);
    for (unsigned i = 1; machine->modem_faults[i]; i++)
        fprintf(stderr, "  %s\n", machine->modem_faults[i]);
    return false;
}

/* The n-th start, from 0: a board made anew, on the flash as it was left. */
static int power_on(struct job *job, unsigned n)
{
    struct machine *machine = machine_new(job->board, job->flash);
    if (!machine)
        return 1;
    int code = 0;
    job->modem.fault = 0;
    if (n < job->modem_fault_count && !take_modem_fault(job, machine, job->modem_faults[n]))
        code = 2;
    for (unsigned i = 0; n == 0 && i < job->hex_count && code == 0; i++)
        code = program(machine, job->hex[i]) ? 0 : 1;
    if (code == 0)
        code = run(machine, job, n < job->cut_count ? &job->cuts[n] : NULL);
    machine_free(machine);
    return code;
}

static int start(struct job *job)
{
    signal(SIGUSR1, on_link_signal); /* from here on: once the flash is there, it is safe to send */
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    signal(SIGPIPE, SIG_IGN); /* a connection that is gone is the board's to notice */
    if (mkdir(job->flash, 0777) != 0 && errno != EEXIST) {
        fprintf(stderr, "otter twin: cannot make %s: %s\n", job->flash, strerror(errno));
        return 1;
    }
    unsigned n = 0;
    int code;
    while ((code = power_on(job, n)) == 3 && n++ < job->cut_count)
        ;
    return code;
}

static int take_number(const char *text, uint64_t max, uint64_t *number)
{
    char *end;
    errno = 0;
    const unsigned long long value = strtoull(text, &end, 0);
    if (errno || *end || end == text || *text == '-' || value > max)
        return usage_wrong(&usage, "'%s' is no number up to %llu", text, (unsigned long long)max);
    *number = value;
    return 0;
}

/* OPERATION or OPERATION@N. */
static int take_operation(struct place *place, int option, const char *text)
{
    static const char *const names[] = {"program",       "erase",       "bank-erase", "mass-erase",
                                        "option-change", "nor-program", "nor-erase",  "card-write"};
    uint64_t count = 1;
    const char *at = strchr(text, '@');
    const size_t length = at ? (size_t)(at - text) : strlen(text);
    place->name = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i]) == length && strncmp(names[i], text, length) == 0)
            place->name = names[i];
    if (!place->name)
        return usage_wrong_value(&usage, option, text);
    const int wrong = at ? take_number(at + 1, UINT32_MAX, &count) : 0;
    place->n = (uint32_t)count;
    return wrong;
}

static int take_place(struct place *place, const char *text)
{
    static const char before[] = "before:";
    uint64_t number = 0;
    *place = (struct place){.before = strncmp(text, before, sizeof before - 1) == 0};
    if (*text < '0' || *text > '9')
        return take_operation(place, OPTION_CUTS, text + (place->before ? sizeof before - 1 : 0));
    const int wrong = take_number(text, UINT32_MAX, &number);
    place->n = (uint32_t)number;
    return wrong;
}

static int take_cuts(struct job *job, char *list)
{
    int wrong = 0;
    for (char *text = strtok(list, ","); text && !wrong; text = strtok(NULL, ",")) {
        if (job->cut_count == CUTS_MAX)
            return usage_wrong(&usage, "more than %u cuts", CUTS_MAX);
        wrong = take_place(&job->cuts[job->cut_count++], text);
    }
    return wrong;
}

static int take_memory_fault(struct job *job, const char *text)
{
    static const char *const names[] = {"missing", "goes", "busy", "small",
                                        "pauses"}; /* the enum's order */
    uint64_t n = 1;
    const char *at = strchr(text, '@');
    const size_t length = at ? (size_t)(at - text) : strlen(text);
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i]) == length && strncmp(names[i], text, length) == 0)
            job->memory_fault = (enum part_fault)(PART_MISSING + i);
    if (!job->memory_fault)
        return usage_wrong_value(&usage, OPTION_MEMORY_FAULT, text);
    const int wrong = at ? take_number(at + 1, UINT32_MAX, &n) : 0;
    job->memory_fault_at = (uint32_t)n;
    return wrong;
}

static int take_modem_faults(struct job *job, char *list)
{
    for (char *text = strtok(list, ","); text; text = strtok(NULL, ",")) {
        if (job->modem_fault_count == STARTS_MAX)
            return usage_wrong(&usage, "modem faults for more than %u starts", STARTS_MAX);
        job->modem_faults[job->modem_fault_count++] = text;
    }
    return 0;
}

static int take_option(struct job *job, int option, char *value)
{
    uint64_t number = 0;
    int wrong = 0;
    switch (option) {
    case 'b':
        job->board = value;
        break;
    case 'f':
        job->flash = value;
        break;
    case 'c':
        job->console = value;
        break;
    case 't':
        job->trace = value;
        break;
    case 'x':
        if (job->hex_count == HEX_MAX)
            return usage_wrong(&usage, "more than %u HEX files", HEX_MAX);
        job->hex[job->hex_count++] = value;
        break;
    case OPTION_SSID:
        job->modem.ssid = value;
        break;
    case OPTION_PASSWORD:
        job->modem.password = value;
        break;
    case OPTION_MODEM_FAULT:
        wrong = take_modem_faults(job, value);
        break;
    case OPTION_MODEM_DELAY:
        wrong = take_number(value, 60000, &number);
        job->modem.delay_ms = (unsigned)number;
        break;
    case OPTION_NO_ENTROPY:
        job->no_entropy = true;
        break;
    case OPTION_LATE_NMI:
        job->late_nmi = true;
        break;
    case OPTION_QUICK:
        job->quick = true;
        break;
    case OPTION_STUCK_BANKS:
        job->stuck_banks = true;
        break;
    case OPTION_MEMORY_FAULT:
        wrong = take_memory_fault(job, value);
        break;
    case OPTION_RESET_IN:
    case OPTION_RESET_BEHIND:
        wrong = take_number(value, UINT32_MAX, &number);
        job->reset_operation[option == OPTION_RESET_IN ? TWIN_IN_OPERATION
                                                       : TWIN_BEHIND_OPERATION] = (uint32_t)number;
        break;
    case OPTION_CUT:
        wrong = take_number(value, UINT64_MAX, &job->cut_after);
        break;
    case OPTION_CUT_AT:
        job->cut.before = true;
        wrong = take_operation(&job->cut, option, value);
        break;
    case OPTION_CUTS:
        wrong = take_cuts(job, value);
        break;
    case OPTION_CUT_OPERATION:
        wrong = take_number(value, UINT32_MAX, &number);
        job->cut = (struct place){.n = (uint32_t)number};
        break;
    }
    return wrong;
}

int command_twin(int argc, char **argv)
{
    struct job job = {.cut_after = UINT64_MAX,
                      .modem = {.ssid = MODEM_SSID, .password = MODEM_PASSWORD}};
    struct arguments arguments;
    int got;

    arguments_start(&arguments, &usage, argc, argv);
    while ((got = arguments_next(&arguments)) != ARGUMENTS_END) {
        if (got == ARGUMENTS_HELP)
            return 0;
        if (got == ARGUMENTS_WRONG)
            return 2;
        if (got == ARGUMENTS_OPERAND)
            return usage_wrong(&usage, "what is '%s' for?", arguments.value);
        if (got == OPTION_LIST)
            return list();
        const int wrong = take_option(&job, got, (char *)arguments.value); /* lists are cut up */
        if (wrong)
            return wrong;
    }
    if (!job.board || !job.flash)
        return usage_wrong(&usage, "--board and --flash are needed");
    return start(&job);
}
