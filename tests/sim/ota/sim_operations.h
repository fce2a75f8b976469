/* The service that restarts and sets by job (services/operations), in a world beside the agent. */
#ifndef OTTER_TESTS_SIM_OTA_SIM_OPERATIONS_H
#define OTTER_TESTS_SIM_OTA_SIM_OPERATIONS_H

#include "tests/sim/ota/sim_port.h"

/* A world whose device has it in each of its lives; `start_others` calls sim_operations_start. */
void sim_operations_create(uint32_t seed, const struct trouble *trouble,
                           void (*start_others)(struct world *world));
void sim_operations_start(struct world *world);

void sim_add_job(const char *id, const char *document);
/* Messages get lost, come twice and late, connections break, power is cut. */
struct trouble sim_trouble(uint32_t seed);

#endif
