/* The port under the CMocka programs of this folder. */
#include "tests/sim/ota/sim_port.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "port/port.h"

struct world world;

static const char *counted = "";
static unsigned count;

void port_log_write(const char *line, size_t length)
{
    char text[512];
    snprintf(text, sizeof text, "%.*s", (int)length, line);
    if (counted[0] != '\0' && strstr(text, counted) != NULL)
        count++;
    if (getenv("OTTER_TEST_LOG") != NULL)
        printf("%10llu  %s\n", (unsigned long long)world.now, text);
}

otter_ms port_now(void)
{
    return world.now;
}

otter_status port_random(void *data, size_t length)
{
    memset(data, 0x5a, length); /* only blinds operations on public keys here */
    return OTTER_OK;
}

void sim_count(const char *text)
{
    counted = text;
    count = 0;
}

unsigned sim_counted(void)
{
    return count;
}

static bool idle(struct world *w)
{
    return w->ota.state == OTA_IDLE && jobs_idle(&w->jobs);
}

void sim_come_on_line(void)
{
    assert_true(world_run(&world, idle, HOUR));
}

bool sim_never(struct world *w)
{
    (void)w;
    return false;
}

int sim_tear_down(void **state)
{
    (void)state;
    assert_false(world.device_dead);
    assert_false(world.stalled);
    assert_false(world.unbounded);
    assert_int_equal(world.nor.rule_breaks, 0);
    assert_int_equal(world.cloud.violations, 0);
    assert_int_equal(world.cloud.denials, 0);
    world_destroy(&world);
    return 0;
}

void sim_expect(const char *id, enum cloud_status status, const char *words)
{
    const struct sim_job *job = sim_cloud_find(&world.cloud, id);
    assert_string_equal(sim_cloud_status_name(job->status), sim_cloud_status_name(status));
    if (strstr(job->reason, words) == NULL)
        assert_string_equal(job->reason, words);
}
