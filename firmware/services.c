/* The activities of this build, in the order of their starts and turns: what a service needs comes
 * before it, and the console, whose prompt follows all that the others log at the start, is last.
 */
#include "firmware/app.h"

#define SERVICE(name) extern const struct activity activity_##name;
OTTER_SERVICE_LIST
#undef SERVICE

#define SERVICE(name) &activity_##name,
const struct activity *const activities[ACTIVITY_COUNT] = {
    &activity_link,
    &activity_jobs,
    &activity_ota,
    OTTER_SERVICE_LIST &activity_console,
};
