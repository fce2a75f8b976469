/* Starts the service, and lets the world reset the device when it asks for that. */
#include "tests/sim/ota/sim_operations.h"

#include <string.h>

#include "net/mqtt_settings.h"
#include "services/operations/operations.h"
#include "store/config.h"

static struct operations operations;
static struct config settings;
static struct config_part device_part, mqtt_part;

void sim_operations_start(struct world *w)
{
    const struct operations_config config = {.jobs = &w->jobs, .kv = &w->kv, .settings = &settings};
    memset(&operations, 0, sizeof operations);
    memset(&settings, 0, sizeof settings);
    (void)config_add(&settings, &device_part, &device_settings);
    (void)config_add(&settings, &mqtt_part, &mqtt_settings);
    operations_init(&operations, &config);
}

static void tick_others(struct world *w)
{
    w->wants_reset = operations_wants_reset(&operations);
}

void sim_operations_create(uint32_t seed, const struct trouble *trouble,
                           void (*start_others)(struct world *world))
{
    world_create(&world, seed, trouble);
    world.start_others = start_others;
    world.tick_others = tick_others;
}

void sim_add_job(const char *id, const char *document)
{
    sim_cloud_create(&world.cloud, id, document, NULL, NULL, 0);
}

struct trouble sim_trouble(uint32_t seed)
{
    return (struct trouble){.lost = 80,
                            .repeated = 60,
                            .disconnects = 4,
                            .delay_ms = 900,
                            .power_cuts = seed % 4,
                            .window = 4};
}
