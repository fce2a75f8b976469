/* otter device: the firmware as a host process, its console on this terminal. */
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tool/child.h"
#include "tool/command.h"
#include "tool/flash_image.h"
#include "tool/provision_section.h"
#include "tool/terminal.h"

static const char help[] =
    "usage: otter device --flash FILE [--create IMAGE [--provision FILE]] [--board BOARD]\n"
    "                    [--pkcs11 MODULE [--token LABEL] [--pin-file FILE] [--key-label LABEL]]\n"
    "\n"
    "Runs the device as a host process: the bootloader verifies and swaps the slots in FILE and\n"
    "starts the image in the primary one. The console is this terminal; Ctrl-C cuts the power.\n"
    "\n"
    "  --flash FILE     the device's flash: all of the board's, one device after the other\n"
    "  --create IMAGE   first makes FILE anew: blank, with the signed IMAGE in the primary slot\n"
    "  --provision FILE with --create: settings, keys and certificates for its first boot, as\n"
    "                   `otter provision --to-image` takes them; for development only\n"
    "  --board BOARD    posix (default), or the folder of a board of your own whose port is posix\n"
    "\n"
    "Private keys lie in FILE, or in a token (`pki generate key` then makes them there):\n"
    "  --pkcs11 MODULE    a PKCS#11 module, such as /usr/lib/softhsm/libsofthsm2.so\n"
    "  --token LABEL      the token in it; without it the first one\n"
    "  --pin-file FILE    its first line is the user's PIN; or the environment's OTTER_PKCS11_PIN\n"
    "  --key-label LABEL  a key that is there already, for tls_key_priv\n"
    "\n"
    "  otter device --flash flash.img --create firmware-1.0.0.signed.bin\n"
    "  otter device --flash flash.img\n"
    "  otter device --flash flash.img --pkcs11 /usr/lib/softhsm/libsofthsm2.so --token lamp "
    "--pin-file pin\n";

static int run(const struct board_map *board, const char *flash)
{
    char boot[sizeof board->build + 32];
    int status;
    snprintf(boot, sizeof boot, "%s/firmware/bootloader", board->build);
    terminal_lend(TERMINAL_SIGNALS);
    const pid_t self = getpid();
    const pid_t pid = fork();
    if (pid == 0) {
        /* However this process ends, the device must not live on without its terminal. */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != self)
            _exit(127);
        execl(boot, boot, "--flash", flash, (char *)NULL);
        fprintf(stderr, "otter device: cannot start %s; is it built?\n", boot);
        _exit(127);
    }
    /* Ctrl-C is for the device; this process then sees it end. */
    signal(SIGINT, SIG_IGN);
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return 1;
    terminal_restore();
    if (WIFSIGNALED(status)) {
        fprintf(stderr, "\notter device: power cut (%s)\n", strsignal(WTERMSIG(status)));
        return 0;
    }
    return WEXITSTATUS(status);
}

static bool is_process(const struct board_map *board, struct failure *failure)
{
    if (strcmp(board->port, "posix") == 0)
        return true;
    failed(failure, OTTER_E_UNSUPPORTED,
           "%s is no host process, its port is %s; `otter demo --board %s` emulates it",
           board->name, board->port, board->name);
    return false;
}

/* A script's settings go behind the image in a file of their own, which is gone afterwards. */
static otter_status create(const struct board_map *board, const char *flash, const char *image,
                           const char *script, struct failure *failure)
{
    char provisioned[1024];
    if (script == NULL)
        return flash_image_make(board, flash, image, NULL, failure);
    if ((size_t)snprintf(provisioned, sizeof provisioned, "%s.provisioned", flash) >=
        sizeof provisioned)
        return failed(failure, OTTER_E_TOO_LONG, "the name %.100s... is too long", flash);
    otter_status status = provision_section_add(image, script, provisioned, failure);
    if (status == OTTER_OK)
        status = flash_image_make(board, flash, provisioned, NULL, failure);
    (void)unlink(provisioned);
    return status;
}

/* What the options of a token are to the device: ports/posix/pkcs11_keys.h. */
static bool set_token(char letter, const char *value)
{
    static const struct {
        char letter;
        const char *variable;
    } names[] = {{'m', "OTTER_PKCS11_MODULE"},
                 {'t', "OTTER_PKCS11_TOKEN"},
                 {'p', "OTTER_PKCS11_PIN_FILE"},
                 {'k', "OTTER_PKCS11_KEY"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (names[i].letter == letter)
            return setenv(names[i].variable, value, 1) == 0;
    }
    return false;
}

int command_device(int argc, char **argv)
{
    static const struct option options[] = {{"flash", required_argument, NULL, 'f'},
                                            {"create", required_argument, NULL, 'c'},
                                            {"provision", required_argument, NULL, 'P'},
                                            {"board", required_argument, NULL, 'b'},
                                            {"pkcs11", required_argument, NULL, 'm'},
                                            {"token", required_argument, NULL, 't'},
                                            {"pin-file", required_argument, NULL, 'p'},
                                            {"key-label", required_argument, NULL, 'k'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char *flash = NULL, *image = NULL, *script = NULL, *board = "posix";
    bool in_token = false;
    int option;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'f')
            flash = optarg;
        else if (option == 'c')
            image = optarg;
        else if (option == 'P')
            script = optarg;
        else if (option == 'b')
            board = optarg;
        else if (set_token((char)option, optarg != NULL ? optarg : ""))
            in_token = true;
        else {
            fputs(option == 'h' ? help : "try: otter device --help\n",
                  option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : 2;
        }
    }
    if (script != NULL && image == NULL) {
        fputs("otter device: --provision FILE is for a device that is made: --create IMAGE\n"
              "try: otter device --help\n",
              stderr);
        return 2;
    }
    if (flash == NULL || optind < argc) {
        fputs("otter device: --flash FILE is needed, and nothing else but --create IMAGE\n"
              "try: otter device --help\n",
              stderr);
        return 2;
    }
    if (in_token && getenv("OTTER_PKCS11_MODULE") == NULL) {
        fputs("otter device: --token, --pin-file and --key-label are of a module: --pkcs11 MODULE\n"
              "try: otter device --help\n",
              stderr);
        return 2;
    }
    struct failure failure;
    struct board_map map;
    if (board_map_read(board, &map, &failure) != OTTER_OK || !is_process(&map, &failure) ||
        (image != NULL && create(&map, flash, image, script, &failure) != OTTER_OK))
        return failure_print(&failure, "device");
    return run(&map, flash);
}
