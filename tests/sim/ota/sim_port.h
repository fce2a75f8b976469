/* The port under the CMocka programs of this folder: the world's clock, and the log. */
#ifndef OTTER_TESTS_SIM_OTA_SIM_PORT_H
#define OTTER_TESTS_SIM_OTA_SIM_PORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/sim/ota/world.h"

#define HOUR ((otter_ms)3600000)

extern struct world world;

/* Lines of the log that held this text since sim_count; printed too when OTTER_TEST_LOG is set. */
void sim_count(const char *text);
unsigned sim_counted(void);

/* Runs until the device is idle on line. */
void sim_come_on_line(void);
bool sim_never(struct world *world);
/* What must hold at the end of each test; destroys the world. */
int sim_tear_down(void **state);
/* The job has ended so, with these words in its reason. */
void sim_expect(const char *id, enum cloud_status status, const char *words);

#endif
