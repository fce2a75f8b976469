/* The tools for whoever looks into a running device at its console: activities, memory, randomness,
 * network; single keys in place of lines. As the reference integrations have them, with what there
 * is here: activities of one loop in place of tasks, TLS's arena in place of a heap. */
#include <string.h>

#include "cli/cli_edit.h"
#include "codec/text.h"
#include "firmware/app.h"
#include "firmware/with_tools.h"
#include "net/tls.h"
#include "port/log.h"
#include "port/port.h"
#include "port/socket.h"

#define RANDOM_BLOCK   64u
#define RANDOM_DEFAULT 2500u
#define RANDOM_MAX     100000000u
#define RESET_AFTER_MS 2000u
#define CTRL_C         0x03

enum { HEAP_SIZE = TUNE_TLS_ARENA_SIZE };

static const struct config_setting setting[] = {
    {.key = CONFIG_KEY_PREFIX "line_mode",
     .help = "0: the console takes single keys (h s r; ctrl-C brings lines) after the next start",
     .fallback = "1",
     .kind = CONFIG_NUMBER,
     .max = 1},
};
static const struct config_table settings = {setting, 1};
static struct config_part settings_part;
static struct cli_part part;
static struct cli_editor editor;
static uint32_t random_left; /* bytes that rngtest has yet to show */
static bool keys;            /* in place of lines */
static otter_ms reset_at = OTTER_NEVER;

/* ---- ps, kill, killall ----------------------------------------------------------------------- */

static unsigned share(const struct app *app, unsigned index)
{
    otter_ms all = 0;
    for (unsigned i = 0; i < ACTIVITY_COUNT; i++)
        all += app->states[i].spent_ms;
    return all == 0 ? 0 : (unsigned)(app->states[index].spent_ms * 100u / all);
}

static void show_due(struct cli *cli, const struct app *app, unsigned index)
{
    const otter_ms now = port_now();
    const otter_ms due = !app->states[index].runs || activities[index]->deadline == NULL
                             ? OTTER_NEVER
                             : activities[index]->deadline(app, now);
    if (due == OTTER_NEVER)
        cli_print(cli, "       -\n");
    else
        cli_printf(cli, "%8lu\n", (unsigned long)(due > now ? due - now : 0));
}

static void command_ps(struct cli *cli, int argc, char **argv)
{
    const struct app *app = cli_context(cli);
    (void)argc, (void)argv;
    cli_printf(cli,
               "Total Runtime: %lu ms\n  ID NAME       STATE        RUNS CPU  LONGEST   DUE IN\n",
               (unsigned long)port_now());
    for (unsigned i = 0; i < ACTIVITY_COUNT; i++) {
        const struct activity_state *state = &app->states[i];
        cli_printf(cli, "%4u %-10s %-9s %7lu %2u%% %5lu ms", i, activities[i]->name,
                   state->runs ? "RUNNING" : "SUSPENDED", (unsigned long)state->turns,
                   share(app, i), (unsigned long)state->longest_ms);
        show_due(cli, app, i);
    }
}

/* Decimal, or hexadecimal behind 0x; UINT32_MAX for what is none, or more than is ever meant. */
static uint32_t number_of(const char *text)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = text_after(text, "0x");
    const unsigned base = at != NULL ? 16 : 10;
    uint32_t number = 0;
    if (at == NULL)
        at = text;
    do {
        const char *digit = strchr(digits, *at | 0x20); /* the end is none */
        if (digit == NULL || digit >= digits + base || number >> 28 != 0)
            return UINT32_MAX;
        number = number * base + (uint32_t)(digit - digits);
    } while (*++at != '\0');
    return number;
}

/* -SIGSTOP, -STOP, -23; what the word means is done to an activity. */
enum deed { STOP, GO_ON, RESTART };

static enum deed deed_of(const char *word)
{
    static const struct {
        const char *name;
        uint32_t number;
        enum deed deed;
    } signals[] = {{"cont", 25, GO_ON}, {"hup", 1, RESTART}};
    const char *const prefix = text_after(word, "sig");
    const char *const name = prefix != NULL ? prefix : word;
    const uint32_t number = number_of(word);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        const char *rest = text_after(name, signals[i].name);
        if ((rest != NULL && *rest == '\0') || number == signals[i].number)
            return signals[i].deed;
    }
    return STOP;
}

static void act(struct cli *cli, unsigned index, enum deed deed)
{
    struct app *app = cli_context(cli);
    const otter_ms now = port_now();
    const char *name = activities[index]->name;
    otter_status status = OTTER_OK;
    if (deed != GO_ON)
        status = activity_stop(app, index, now);
    if (deed == GO_ON || (deed == RESTART && status == OTTER_OK))
        status = activity_start(app, index, now);
    if (status == OTTER_E_REFUSED)
        cli_printf(cli, "%s cannot be stopped.\n", name);
    else if (status != OTTER_OK)
        cli_printf(cli, "%s: nothing done, it %s.\n", name,
                   app->states[index].runs ? "runs" : "does not run");
}

/* Both commands: the words are ids, or names. */
static void kill_words(struct cli *cli, int argc, char **argv, bool names)
{
    enum deed deed = STOP;
    int first = 1;
    if (argc > 1 && argv[1][0] == '-')
        deed = deed_of(argv[first++] + 1);
    for (int i = first; i < argc; i++) {
        const uint32_t id = names ? UINT32_MAX : number_of(argv[i]);
        unsigned found = 0;
        while (found < ACTIVITY_COUNT && found != id &&
               strcmp(activities[found]->name, argv[i]) != 0)
            found++;
        if (found < ACTIVITY_COUNT)
            act(cli, found, deed);
        else
            cli_printf(cli, "No activity '%.20s': see 'ps'.\n", argv[i]);
    }
    if (first == argc)
        cli_print(cli, "Which activity? See 'ps'.\n");
}

static void command_kill(struct cli *cli, int argc, char **argv)
{
    kill_words(cli, argc, argv, false);
}

static void command_killall(struct cli *cli, int argc, char **argv)
{
    kill_words(cli, argc, argv, true);
}

/* ---- Memory ---------------------------------------------------------------------------------- */

static const struct unit {
    const char *option, *name, *title;
    uint32_t bytes;
} units[] = {
    {"-b", "--byte", "(Bytes)", 1},     {"-k", "--kibi", "(KiB)", 1024},
    {"-h", "--kibi", "(KiB)", 1024},    {"-m", "--mebi", "(MiB)", 1048576},
    {"--kilo", "--kilo", "(KB)", 1000}, {"--mega", "--mega", "(MB)", 1000000},
};

static void heap_row(struct cli *cli, const struct unit *unit, const char *name, size_t bytes)
{
    cli_printf(cli, "| %-16s | %-11lu | 0x%-9lX | %3lu %%   |\n", name,
               (unsigned long)(bytes / unit->bytes), (unsigned long)bytes,
               (unsigned long)(bytes * 100u / HEAP_SIZE));
}

static void command_heapstat(struct cli *cli, int argc, char **argv)
{
    static const char frame[] = "+--------------------------------------------------------+\n";
    const char *word = argc > 1 ? argv[1] : "-b";
    const size_t used = tls_arena_used(), most = tls_arena_high_water();
    const struct unit *unit = units;
    while (unit < units + sizeof units / sizeof *units && strcmp(word, unit->option) != 0 &&
           strcmp(word, unit->name) != 0)
        unit++;
    if (unit == units + sizeof units / sizeof *units) {
        cli_printf(cli, "Error: Unrecognized argument: %.20s\n", word);
        return;
    }
    cli_print(cli, frame);
    cli_printf(cli, "| Metric           | Dec %-7s | Hex (Bytes) | %% Total |\n", unit->title);
    cli_print(cli, "|--------------------------------------------------------|\n");
    heap_row(cli, unit, "Heap Total", HEAP_SIZE);
    heap_row(cli, unit, "Heap Free", HEAP_SIZE - used);
    heap_row(cli, unit, "Min. Heap Free", HEAP_SIZE - most);
    heap_row(cli, unit, "Heap Alloc.", used);
    heap_row(cli, unit, "Max. Heap Alloc.", most);
    cli_print(cli, frame);
}

static void command_stackstat(struct cli *cli, int argc, char **argv)
{
    (void)argc, (void)argv;
    if (port_stack_size() == 0)
        cli_print(cli, "The stack is the system's (host process).\n");
    else
        cli_printf(cli, "Stack size: %lu, Max stack: %lu (%lu %%)\n",
                   (unsigned long)port_stack_size(), (unsigned long)port_stack_used(),
                   (unsigned long)(port_stack_used() * 100u / port_stack_size()));
}

/* ---- Randomness, assertion, network ---------------------------------------------------------- */

/* 64 bytes as 86 letters and "==". */
static void base64(char *text, const uint8_t bytes[RANDOM_BLOCK])
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0;
    for (unsigned i = 0; i < RANDOM_BLOCK; i++) {
        bits = (bits << 8) | bytes[i];
        if (i % 3 != 2 && i + 1 != RANDOM_BLOCK)
            continue;
        if (i % 3 != 2)
            bits <<= 16; /* of the last group one byte is there */
        for (unsigned j = 0; j < 4; j++)
            *text++ = j > 1 && i % 3 != 2 ? '=' : letters[(bits >> (18 - 6 * j)) & 63];
        bits = 0;
    }
    *text = '\0';
}

static void command_rngtest(struct cli *cli, int argc, char **argv)
{
    const uint32_t wanted = argc > 1 ? number_of(argv[1]) : RANDOM_DEFAULT;
    if (argc > 2 || wanted == 0 || wanted > RANDOM_MAX) {
        cli_printf(cli, "How many bytes? 1 to %u.\n", RANDOM_MAX);
        return;
    }
    random_left = wanted;
    cli_hold(cli, &random_left);
}

/* A block a turn, so that the console's buffer never fills. */
static void show_random(struct cli *cli)
{
    uint8_t bytes[RANDOM_BLOCK];
    char text[4 * ((RANDOM_BLOCK + 2) / 3) + 1];
    if (cli->held != &random_left) { /* by ctrl-C */
        random_left = 0;
        return;
    }
    const otter_status status = port_random(bytes, sizeof bytes);
    if (status == OTTER_OK) {
        base64(text, bytes);
        cli_print(cli, text);
    } else {
        cli_printf(cli, "Error: %s.", otter_status_text(status));
    }
    random_left -= status == OTTER_OK && random_left > RANDOM_BLOCK ? RANDOM_BLOCK : random_left;
    if (random_left > 0)
        return;
    cli_print(cli, "\nDONE\n");
    cli_release(cli);
}

static void command_assert(struct cli *cli, int argc, char **argv)
{
    (void)cli, (void)argc, (void)argv;
    LOG_ERR("ASSERT", "Assertion failed: the watchdog is to restart the device");
    port_idle(port_now() + 100); /* for the console's output */
    for (;;)
        ;
}

static void command_net(struct cli *cli, int argc, char **argv)
{
    const struct app *app = cli_context(cli);
    const otter_status network = port_network_status();
    (void)argc, (void)argv;
    cli_printf(cli, "network    %s\n", network == OTTER_OK ? "up" : otter_status_text(network));
    cli_printf(cli, "cloud      %s:%u, %s\n", app->link.host[0] != '\0' ? app->link.host : "-",
               (unsigned)app->link.port,
               app->on_line            ? "on line"
               : app->link.provisioned ? "off line"
                                       : "not provisioned");
    if (!app->on_line && app->link.fault != NULL)
        cli_printf(cli, "last       %s\n", app->link.fault);
    cli_printf(cli, "MQTT       %lu connects, %lu messages in, %lu out\n",
               (unsigned long)app->link.mqtt.stats.connects,
               (unsigned long)app->link.mqtt.stats.messages_in,
               (unsigned long)app->link.mqtt.stats.messages_out);
}

/* ---- Single keys, as the NuMaker example has them -------------------------------------------- */

static void show_heap(struct cli *cli)
{
    cli_printf(cli,
               "** MBED HEAP STATS **\n**** current_size   : %lu\n**** max_size       : %lu\n"
               "**** reserved_size  : %lu\n*****************************\n\n",
               (unsigned long)tls_arena_used(), (unsigned long)tls_arena_high_water(),
               (unsigned long)HEAP_SIZE);
}

static void show_stacks(struct cli *cli)
{
    cli_printf(cli,
               "** MBED THREAD STACK STATS **\nThread: 0x0, Stack size: %lu, Max stack: %lu\n"
               "*****************************\n\n",
               (unsigned long)port_stack_size(), (unsigned long)port_stack_used());
}

bool tools_take_key(struct cli *cli, char key)
{
    if (!keys)
        return false;
    switch (key) {
    case 'h':
        show_heap(cli);
        break;
    case 's':
        show_stacks(cli);
        break;
    case 'r':
        cli_print(cli, "\nSystem reset after 2 secs...\n\n\n");
        reset_at = port_now() + RESET_AFTER_MS;
        break;
    case CTRL_C:
        keys = false;
        reset_at = OTTER_NEVER;
        return false; /* which shows the prompt */
    default:
        break;
    }
    return true;
}

/* ---- Words for the editor's completion --------------------------------------------------------
 */

static const char *setting_at(struct cli *cli, unsigned index)
{
    const struct console *console = (const struct console *)cli;
    const struct config_setting *found = config_at(console->config, index);
    return found != NULL ? config_name(found) : NULL;
}

static const char *label_at(struct cli *cli, unsigned index)
{
    const struct pki_object *found = pki_object(((struct console *)cli)->pki, index);
    return found != NULL ? found->label : NULL;
}

static const char *activity_at(struct cli *cli, unsigned index)
{
    (void)cli;
    return index < ACTIVITY_COUNT ? activities[index]->name : NULL;
}

static const struct words {
    const char *command;
    const char *const *fixed; /* NULL behind the last */
    const char *(*further)(struct cli *cli, unsigned index);
} words[] = {
    {"conf", (const char *const[]){"get", "set", "commit", "help", NULL}, setting_at},
    {"pki",
     (const char *const[]){"generate", "import", "export", "list", "key", "csr", "cert", NULL},
     label_at},
    {"log", (const char *const[]){"none", "error", "warning", "info", "debug", "show", NULL}, NULL},
    {"ota", (const char *const[]){"status", "abort", NULL}, NULL},
    {"kill", (const char *const[]){NULL}, activity_at},
    {"killall", (const char *const[]){NULL}, activity_at},
};

static const char *word_of(struct cli *cli, const char *command, unsigned index)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(words[i].command, command) != 0)
            continue;
        for (const char *const *fixed = words[i].fixed; *fixed != NULL; fixed++) {
            if (index-- == 0)
                return *fixed;
        }
        return words[i].further != NULL ? words[i].further(cli, index) : NULL;
    }
    return NULL;
}

/* ---- The activity ---------------------------------------------------------------------------- */

static const struct cli_command commands[] = {
    {"ps", "List the activities of the loop: runs, share of the time, longest run, next due", "",
     command_ps},
    {"kill", "Stop an activity, let it go on or start it anew",
     "    Usage:\n"
     "    kill [-SIGNAL] <id or name>...\n"
     "        SIGTERM (if not said) and others: stop. SIGCONT: go on. SIGHUP: start anew.\n",
     command_kill},
    {"killall", "The same by name", "    Usage:\n    killall [-SIGNAL] <name>...\n",
     command_killall},
    {"heapstat", "Show the heap that TLS has",
     "    Usage:\n    heapstat [-b|-h|-k|-m|--kilo|--mega]\n", command_heapstat},
    {"stackstat", "Show the most used of the stack", "", command_stackstat},
    {"rngtest", "Print random bytes in base64: rngtest [count]",
     "    64 at a time; ctrl-C ends it.\n", command_rngtest},
    {"assert", "Fail an assertion: the watchdog restarts the device", "", command_assert},
    {"net", "Show network and connection", "", command_net},
};
static const struct cli_table table = {commands, sizeof commands / sizeof *commands, NULL};

static otter_status start(struct app *app, otter_ms now)
{
    (void)now;
    if (config_add(&app->settings, &settings_part, &settings) != OTTER_OK)
        LOG_ERR("APP", "the setting line_mode is left out");
    cli_add(&app->shell.console.cli, &part, &table, app);
    cli_edit(&app->shell.console.cli, &editor, word_of);
    keys = config_get_u64(&app->kv, setting) == 0;
    random_left = 0;
    reset_at = OTTER_NEVER;
    return OTTER_OK;
}

static void tick(struct app *app, otter_ms now)
{
    if (random_left > 0)
        show_random(&app->shell.console.cli);
    if (now >= reset_at)
        app_reset(app, "asked for by a key");
}

static otter_ms due(const struct app *app, otter_ms now)
{
    (void)app;
    return random_left > 0 ? now : reset_at;
}

const struct activity activity_tools = {"tools", start, NULL, tick, due};
