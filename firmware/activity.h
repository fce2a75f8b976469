/* What takes turns in the loop: the connection, the Jobs client, the update agent, the services
 * that the build has chosen, the console. `ps` shows them, `kill` stops and restarts them.
 *
 * A service's room, services/NAME, knows nothing of `struct app`; firmware/with_NAME.c composes it:
 * its state, static there, and a `const struct activity activity_NAME`. The build's OTTER_SERVICES
 * names those that are in (BOARD_SERVICES of the board's board.cmake, if not said otherwise;
 * `./otter build --services`); each also gives OTTER_SERVICE_<NAME>=1. */
#ifndef OTTER_FIRMWARE_ACTIVITY_H
#define OTTER_FIRMWARE_ACTIVITY_H

#include <stdbool.h>
#include <stdint.h>

#include "port/port.h"
#include "port/status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct app;

struct activity {
    const char *name; /* at most 10 characters, as in `ps` */
    /* At the start of the application, in the order of the table, and again after each stop: what
     * was added to a list then (a command, a setting, an MQTT service) may be added once more. An
     * error has been logged by the activity itself; it then has no turns. */
    otter_status (*start)(struct app *app, otter_ms now);
    /* NULL: it cannot be stopped. */
    void (*stop)(struct app *app, otter_ms now);
    /* A turn, in each round of the loop; short, as all share the one processor. NULL: none. */
    void (*tick)(struct app *app, otter_ms now);
    /* When its turn is due at the latest, apart from what comes in; OTTER_NEVER. NULL: never. */
    otter_ms (*deadline)(const struct app *app, otter_ms now);
};

struct activity_state {
    bool runs;
    uint32_t turns;
    uint32_t longest_ms; /* of its turns */
    otter_ms spent_ms;   /* all of them together, to the port's millisecond */
};

/* The services of the build: SERVICE(shadow) SERVICE(defender) … (firmware/CMakeLists.txt). */
#ifndef OTTER_SERVICE_LIST
#define OTTER_SERVICE_LIST
#endif
#define SERVICE(name) +1
enum { ACTIVITY_COUNT = 4 OTTER_SERVICE_LIST };
#undef SERVICE

/* In the order of their starts and turns (services.c). */
extern const struct activity *const activities[ACTIVITY_COUNT];

void activities_start(struct app *app, otter_ms now);
void activities_tick(struct app *app, otter_ms now);
otter_ms activities_deadline(const struct app *app, otter_ms now);

/* `index` < ACTIVITY_COUNT. OTTER_E_STATE when it runs already, or stands still; what its start
 * returned; OTTER_E_REFUSED for one that cannot be stopped. */
otter_status activity_start(struct app *app, unsigned index, otter_ms now);
otter_status activity_stop(struct app *app, unsigned index, otter_ms now);

#ifdef __cplusplus
}
#endif

#endif
