/* Start, stop, and what is due by the clock. */
#include "cloud/core/core.h"

#include "cloud/core/account/contents.h"
#include "cloud/core/defender/defender.h"
#include "cloud/core/fleet/fleet.h"
#include "cloud/core/jobs/jobs.h"
#include "cloud/core/messages/messages.h"
#include "cloud/core/ota/ota_updates.h"
#include "cloud/core/overview/presence.h"
#include "cloud/core/rules/topic_rules.h"
#include "cloud/core/streams/windows.h"

#define EXPIRY_MS 5000
#define AGES_MS   3600000 /* between two looks at what is too old to be kept */
#define SWEEP_MS  20      /* between two bits of garbage */

static void resume_updates(void *cloud)
{
    ota_resume(cloud);
}

static void thing_removed(struct cloud *cloud, const char *thing)
{
    jobs_thing_removed(cloud, thing);
    defender_thing_removed(cloud, thing);
}

static otter_status thing_left(struct cloud *cloud, const char *thing, const char *group)
{
    otter_status status = jobs_thing_left(cloud, thing, group);
    return status == OTTER_OK ? defender_thing_left(cloud, thing) : status;
}

otter_status core_start(struct cloud *cloud, const struct cloud_config *config)
{
    otter_status status = cloud_open(cloud, config);
    if (status != OTTER_OK)
        return status;
    content_recover(cloud);
    presence_recover(cloud);
    cloud->windows = windows_new();
    if (!cloud->windows) {
        core_stop(cloud);
        return OTTER_E_MEMORY;
    }
    cloud->watch.thing_removed = thing_removed;
    cloud->watch.thing_joined = jobs_thing_joined;
    cloud->watch.thing_left = thing_left;
    cloud_do_later(cloud, resume_updates, cloud);
    return OTTER_OK;
}

void core_stop(struct cloud *cloud)
{
    if (!cloud->db)
        return;
    ota_stop(cloud);
    topic_rules_forget(cloud);
    fleet_stop(cloud);
    windows_free(cloud->windows);
    cloud->windows = NULL;
    cloud_close(cloud);
}

unsigned core_tend(struct cloud *cloud)
{
    int64_t now = cloud_now_ms(cloud);
    if (now >= cloud->expiry_ms || now < cloud->expiry_ms - EXPIRY_MS) { /* or the clock was set */
        cloud->expiry_ms = now + EXPIRY_MS;
        jobs_expire(cloud);
        jobs_roll_out(cloud);
        fleet_expire(cloud);
    }
    if (now >= cloud->ages_ms || now < cloud->ages_ms - AGES_MS) {
        cloud->ages_ms = now + AGES_MS;
        defender_sweep(cloud);
        messages_sweep(cloud);
        presence_sweep(cloud);
    }
    return content_sweep(cloud) ? SWEEP_MS : EXPIRY_MS;
}
