/* How a fault of a modem's model is said on a command line: "drops@12", the kind and when it
 * strikes. */
#ifndef OTTER_TWIN_MODEM_FAULTS_H
#define OTTER_TWIN_MODEM_FAULTS_H

#include <stdbool.h>

/* `names` begins with the sound one, which is not for the command line, and ends with NULL. `at` is
 * 1 unless said. False, and nothing changed, for another text. */
bool modem_fault_parse(const char *const names[], const char *text, unsigned *kind, unsigned *at);

#endif
