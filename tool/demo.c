/* otter demo: a whole firmware update over the air, from nothing, on this machine. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/command.h"
#include "tool/demo/demo.h"
#include "tool/demo/screen.h"

static const char help[] =
    "usage: otter demo [--board BOARD] [--fault KIND] [--delay MS] [--keep]\n"
    "\n"
    "Starts the local cloud and a device with firmware 1.0.0, provisions and registers it,\n"
    "releases 1.0.1 and watches the device take it over the air.\n"
    "\n"
    "  --board BOARD   mps2-an505: an emulated Cortex-M33 (default); mps2-an505/MODE: the same\n"
    "                  with another update mode; posix: a host process; boards/ has them all\n"
    "  --fault KIND    shows how an update fails:\n"
    "                    signature  signed with a key that the device does not trust\n"
    "                    self-test  the new firmware never reaches the cloud\n"
    "                    version    the version is not above the running one\n"
    "                    power      power is cut in the download and in the swap\n"
    "                    secure     of a board in two worlds: the new secure program fails its\n"
    "                               self-test, and takes the new firmware back with it\n"
    "  --delay MS      adds MS milliseconds to each round trip between device and cloud\n"
    "  --rate KIB      what the line to the device carries a second (160 when not given, as a\n"
    "                  mobile network; 0: all it can)\n"
    "  --quiet         only headings, errors and the summary\n"
    "  --keep          leaves cloud and device running and says how to go on\n"
    "  --report FILE   writes the figures of the summary as lines of NAME VALUE\n"
    "  --pad KIB       fills the new firmware up to that size, for benchmarks\n"
    "  --timing E,P    flash of the posix board takes E us to erase a sector and P us for a word\n"
    "                  (2000,4 when not given; a NuMaker-M467 takes about 20000,20)\n"
    "  --modem KIND@N  the modem of a board that has one goes wrong at its N-th command:\n"
    "                  otter modem --help has the kinds, of a twin's modem otter twin "
    "--modem-fault help\n"
    "  --mqtt VERSION  what the device speaks: 3 (3.1.1, when not given) or 5\n"
    "\n"
    "Exit code: 0 when the update ended as it should, 1 when not, 2 for wrong usage.\n"
    "\n"
    "  otter demo\n"
    "  otter demo --board posix --fault power\n"
    "  otter demo --keep\n"
    "\n"
    "NO_COLOR in the environment leaves the colours out.\n";

/* What is signed and hashed lies behind the program. */
#define TLVS_MAX 512u

static bool quiet;

static struct demo demo = {
    .old_version = "1.0.0",
    .new_version = "1.0.1",
    .update_id = "otter-demo-1",
    .signer_certificate = "signer",
    .world.rate_kib = 160,
};

void demo_moment(struct demo *d, enum moment moment)
{
    d->at[moment] = seconds_now();
}

static void interrupted(int signal_number)
{
    (void)signal_number;
    world_interrupted = 1;
}

static bool choose_board(const char *name)
{
    struct failure failure;
    if (board_map_read(name, &demo.world.board, &failure) == OTTER_OK)
        return true;
    fprintf(stderr, "otter demo: %s\n", failure.text);
    return false;
}

static bool choose_fault(const char *name)
{
    static const char *const names[] = {"none",    "signature", "self-test",
                                        "version", "power",     "secure"};
    for (unsigned i = 1; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0) {
            demo.fault = (enum fault)i;
            return true;
        }
    }
    fprintf(stderr,
            "otter demo: there is no fault '%s'; there are signature, self-test, version, power, "
            "secure\n",
            name);
    return false;
}

static bool suits_board(void)
{
    if (demo.fault != FAULT_SECURE || board_map_has_two_worlds(&demo.world.board))
        return true;
    fprintf(stderr,
            "otter demo: --fault secure is for a board in two worlds (mps2-an505/trustzone), "
            "not for %s\n",
            demo.world.board.name);
    return false;
}

static bool parse(int argc, char **argv)
{
    static const struct option options[] = {{"board", required_argument, NULL, 'b'},
                                            {"fault", required_argument, NULL, 'f'},
                                            {"delay", required_argument, NULL, 'd'},
                                            {"rate", required_argument, NULL, 'R'},
                                            {"keep", no_argument, NULL, 'k'},
                                            {"report", required_argument, NULL, 'r'},
                                            {"pad", required_argument, NULL, 'p'},
                                            {"timing", required_argument, NULL, 't'},
                                            {"modem", required_argument, NULL, 'm'},
                                            {"quiet", no_argument, NULL, 'q'},
                                            {"mqtt", required_argument, NULL, 'M'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (option) {
        case 'b':
            if (!choose_board(optarg))
                return false;
            break;
        case 'f':
            if (!choose_fault(optarg))
                return false;
            break;
        case 'd':
            demo.world.delay_ms = (unsigned)strtoul(optarg, NULL, 10);
            break;
        case 'R':
            demo.world.rate_kib = (unsigned)strtoul(optarg, NULL, 10);
            break;
        case 'q':
            quiet = true;
            break;
        case 'k':
            demo.world.keep = true;
            break;
        case 'r':
            demo.report = optarg;
            break;
        case 'p':
            demo.pad_kib = (unsigned)strtoul(optarg, NULL, 10);
            break;
        case 'm':
            demo.world.modem_fault = optarg;
            break;
        case 'M':
            if (strcmp(optarg, "3") != 0 && strcmp(optarg, "5") != 0) {
                fprintf(stderr, "otter demo: --mqtt takes 3 or 5, not '%s'\n", optarg);
                return false;
            }
            demo.mqtt_version = optarg;
            break;
        case 't':
            setenv("OTTER_FLASH_TIMING", optarg, 1);
            break;
        case 'h':
            fputs(help, stdout);
            exit(0);
        default:
            fputs("try: otter demo --help\n", stderr);
            return false;
        }
    }
    if (optind < argc)
        fprintf(stderr, "otter demo: what is '%s'? try: otter demo --help\n", argv[optind]);
    return optind == argc;
}

/* Download and swap must last so long that the power is cut in the middle of them on a machine that
 * is busy, too: a full slot. */
static void make_time_for_cuts(void)
{
    const struct board_map *board = &demo.world.board;
    const uint32_t room = board->image_size_max - board->header_size - TLVS_MAX;
    if (demo.pad_kib == 0)
        demo.pad_kib = room / 1024 < 440 ? room / 1024 : 440;
}

static void prepare_fault(void)
{
    if (demo.fault == FAULT_SIGNATURE)
        demo.signer_certificate = "wrong";
    if (demo.fault == FAULT_VERSION)
        demo.new_version = "1.0.0";
    if (demo.fault == FAULT_POWER)
        make_time_for_cuts();
    /* A flash that takes no time at all would leave nothing to watch. */
    setenv("OTTER_FLASH_TIMING", "2000,4", 0);
}

static bool story(void)
{
    return demo_cloud(&demo) && demo_first_boot(&demo) && demo_provision(&demo) &&
           demo_register(&demo) && demo_on_line(&demo) && demo_release(&demo) &&
           demo_update(&demo) && demo_verdict(&demo) && demo_still_works(&demo);
}

int command_demo(int argc, char **argv)
{
    if (!parse(argc, argv) || (demo.world.board.name[0] == '\0' && !choose_board("mps2-an505")) ||
        !suits_board())
        return 2;
    screen_start(quiet);
    signal(SIGINT, interrupted);
    signal(SIGTERM, interrupted);
    prepare_fault();
    demo_moment(&demo, AT_START);
    bool done = world_open(&demo.world) && story();
    if (done)
        demo_summary(&demo);
    if (done && demo.report != NULL)
        done = demo_report(&demo);
    if (done)
        screen_good("%s", demo.fault == FAULT_NONE
                              ? "The device runs 1.0.1, delivered over the air."
                              : "The update ended as it must.");
    if (done && demo.world.keep)
        demo_next_release(&demo);
    world_close(&demo.world);
    if (world_interrupted)
        return 130;
    return done ? 0 : 1;
}
