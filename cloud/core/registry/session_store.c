/* Table mqtt_sessions. */
#include "cloud/core/registry/session_store.h"

#include <stdlib.h>

#include "cloud/store/db.h"

bool session_store_begin(struct cloud *cloud)
{
    return db_begin(cloud->db) == OTTER_OK;
}

bool session_store_end(struct cloud *cloud)
{
    return db_finish(cloud->db, OTTER_OK) == OTTER_OK;
}

bool session_store_write(struct cloud *cloud, const char *client, char *const *filters,
                         size_t count)
{
    if (count == 0)
        return db_run(cloud->db, "DELETE FROM mqtt_sessions WHERE client = ?", "s", client) ==
               OTTER_OK;
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_string(filters[i]));
    char *text = json_dumps(list, JSON_COMPACT);
    bool done = text && db_run(cloud->db,
                               "INSERT OR REPLACE INTO mqtt_sessions(client, filters_json)"
                               " VALUES(?, ?)",
                               "ss", client, text) == OTTER_OK;
    free(text);
    json_decref(list);
    return done;
}

void session_store_read(struct cloud *cloud,
                        void (*take)(void *context, const char *client, const char *filter),
                        void *context)
{
    struct db_rows *rows =
        db_select(cloud->db, "SELECT client, filters_json FROM mqtt_sessions", "");
    while (db_next(rows)) {
        const char *text = db_text(rows, 1);
        json_t *list = json_loads(text ? text : "", 0, NULL), *filter;
        size_t i;
        json_array_foreach(list, i, filter) if (json_is_string(filter))
            take(context, db_text(rows, 0), json_string_value(filter));
        json_decref(list);
    }
    db_done(rows);
}
