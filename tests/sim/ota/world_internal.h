/* What the files of the world share. */
#ifndef OTTER_TESTS_SIM_OTA_WORLD_INTERNAL_H
#define OTTER_TESTS_SIM_OTA_WORLD_INTERNAL_H

#include "tests/sim/ota/world.h"

/* Ends the program where the simulation itself cannot go on. */
void world_must(bool good, const char *what);
/* True with odds of so many in 1000. */
bool world_happens(struct world *world, uint32_t per_mille);

/* What the device has sent on the present connection. */
void broker_input(struct world *world, const uint8_t *data, size_t length);
/* The cloud speaks. Answers go to the connection that asked, whether it has subscribed or not; 0:
 * to whoever has. `ctx` is the world. */
void broker_send(void *ctx, uint32_t connection, const char *topic, const void *payload,
                 size_t length);
/* The cloud's side ends the connection: what it has sent arrives, before the end does. */
void broker_hang_up(struct world *world);
/* The connection is gone, at once. */
void broker_drop(struct world *world);
/* Index in world->events of the message that arrives next, -1: none is under way. */
int broker_next(const struct world *world);
void broker_deliver(struct world *world, int index);

#endif
