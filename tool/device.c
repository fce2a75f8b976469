/* otter device: the firmware as a host process, its console on this terminal. */
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tool/child.h"
#include "tool/command.h"
#include "tool/flash_image.h"
#include "tool/terminal.h"

static const char help[] =
    "usage: otter device --flash FILE [--create IMAGE]\n"
    "\n"
    "Runs the device as a host process: the bootloader verifies and swaps the slots in FILE and\n"
    "starts the image in the primary one. The console is this terminal; Ctrl-C cuts the power.\n"
    "\n"
    "  --flash FILE     the device's flash (16 MiB, the layout of the emulated board)\n"
    "  --create IMAGE   first makes FILE anew: blank, with the signed IMAGE in the primary slot\n"
    "\n"
    "  otter device --flash flash.img --create firmware-1.0.0.signed.bin\n"
    "  otter device --flash flash.img\n";

static int run(const char *flash)
{
    char boot[4096];
    int status;
    snprintf(boot, sizeof boot, "%s/../firmware/bootloader", program_directory());
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

int command_device(int argc, char **argv)
{
    static const struct option options[] = {{"flash", required_argument, NULL, 'f'},
                                            {"create", required_argument, NULL, 'c'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char *flash = NULL, *image = NULL;
    int option;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'f')
            flash = optarg;
        else if (option == 'c')
            image = optarg;
        else {
            fputs(option == 'h' ? help : "try: otter device --help\n",
                  option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : 2;
        }
    }
    if (flash == NULL || optind < argc) {
        fputs("otter device: --flash FILE is needed, and nothing else but --create IMAGE\n"
              "try: otter device --help\n",
              stderr);
        return 2;
    }
    struct failure failure;
    if (image != NULL && flash_image_make(flash, image, &failure) != OTTER_OK)
        return failure_print(&failure, "device");
    return run(flash);
}
