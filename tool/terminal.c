/* Raw mode, its way back, and the keys that leave. */
#include "tool/terminal.h"

#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

static struct termios saved;
static bool lent;

void terminal_restore(void)
{
    if (lent)
        tcsetattr(STDIN_FILENO, TCSANOW, &saved);
    lent = false;
}

bool terminal_lend(enum terminal_keys keys)
{
    struct termios mode;
    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &saved) != 0)
        return false;
    mode = saved;
    if (keys == TERMINAL_ALL) {
        cfmakeraw(&mode);
        mode.c_oflag |= OPOST | ONLCR;
    } else {
        mode.c_lflag &= (tcflag_t) ~(ICANON | ECHO);
        mode.c_iflag &= (tcflag_t)~ICRNL;
    }
    lent = tcsetattr(STDIN_FILENO, TCSANOW, &mode) == 0;
    atexit(terminal_restore);
    return lent;
}
