/* Numbers of things, jobs and executions. */
#include "cloud/core/overview/counts.h"

#include "cloud/store/db.h"

bool overview_counts(struct cloud *cloud,
                     void (*each)(void *context, const char *what, const char *status,
                                  int64_t number),
                     void *context)
{
    struct db_rows *rows = db_select(
        cloud->db,
        "SELECT 'things', '', COUNT(*) FROM things"
        " UNION ALL SELECT 'jobs', status, COUNT(*) FROM jobs GROUP BY status"
        " UNION ALL SELECT 'executions', status, COUNT(*) FROM job_executions GROUP BY status",
        "");
    while (db_next(rows))
        each(context, db_text(rows, 0), db_text(rows, 1), db_int(rows, 2));
    return db_done(rows) == OTTER_OK;
}
