/* This terminal, lent to a device's console. Restored when the program ends, if not before. */
#ifndef OTTER_TOOL_TERMINAL_H
#define OTTER_TOOL_TERMINAL_H

#include <stdbool.h>

enum terminal_keys {
    TERMINAL_SIGNALS, /* the device echoes and edits; Ctrl-C and the like stay ours */
    TERMINAL_ALL      /* every key goes to the device */
};

/* False, with nothing changed, when stdin is no terminal. */
bool terminal_lend(enum terminal_keys keys);
void terminal_restore(void);

#endif
