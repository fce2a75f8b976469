/* Table presence. */
#include "cloud/core/overview/presence.h"

#include "cloud/store/db.h"

#define DAY_MS 86400000LL

bool presence_begin(struct cloud *cloud)
{
    return db_begin(cloud->db) == OTTER_OK;
}

bool presence_end(struct cloud *cloud)
{
    return db_finish(cloud->db, OTTER_OK) == OTTER_OK;
}

bool presence_write(struct cloud *cloud, const struct presence *presence)
{
    return db_run(cloud->db,
                  "INSERT OR REPLACE INTO presence(client, connected, at_ms, reason)"
                  " VALUES(?, ?, ?, ?)",
                  "siis", presence->client, (int64_t)presence->connected, presence->at_ms,
                  presence->reason) == OTTER_OK;
}

void presence_recover(struct cloud *cloud)
{
    db_run(cloud->db, "UPDATE presence SET connected = 0, reason = NULL WHERE connected = 1", "");
    presence_sweep(cloud);
}

void presence_sweep(struct cloud *cloud)
{
    const int64_t oldest = cloud_now_ms(cloud) - PRESENCE_KEPT_DAYS * DAY_MS;
    db_run(cloud->db,
           "DELETE FROM presence WHERE at_ms < ? AND NOT connected"
           " AND client NOT IN (SELECT name FROM things)",
           "i", oldest);
}
