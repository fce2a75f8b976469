/* What a user says of a board's modem, whichever it is: its access point, and a fault ("drops@12":
 * the kind, and when it strikes). */
#ifndef OTTER_TWIN_MODEM_SETUP_H
#define OTTER_TWIN_MODEM_SETUP_H

#include <stdbool.h>

/* The access point that the demo and the tools know. */
#define MODEM_SSID     "workshop"
#define MODEM_PASSWORD "otter-demo"

struct modem_setup {
    const char *ssid, *password;
    unsigned fault;    /* as the model's enum has it; 0 none */
    unsigned fault_at; /* 1 is the first occasion */
    unsigned delay_ms; /* before each answer of an AT modem; 0: its usual */
};

/* Takes the fault. `names`, the model's, begins with the sound one, which is not for a command
 * line, and ends with NULL. False, and nothing changed, for another text. */
bool modem_setup_fault(struct modem_setup *setup, const char *const names[], const char *text);

#endif
