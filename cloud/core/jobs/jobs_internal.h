/* What the files of jobs share: one execution as stored, how it changes, and its notifications. */
#ifndef OTTER_CLOUD_CORE_JOBS_JOBS_INTERNAL_H
#define OTTER_CLOUD_CORE_JOBS_JOBS_INTERNAL_H

#include "cloud/core/jobs/jobs.h"
#include "cloud/core/jobs/rollout.h"
#include "cloud/store/db.h"

#define JOBS_MINUTES_MAX 10080
#define JOBS_NOTIFY_MAX  10
#define THING_MAX        128

struct execution {
    int64_t id; /* of the row; 0: none */
    int64_t number, version;
    int64_t attempt;                  /* retries before this one */
    int64_t queued, started, updated; /* started 0: never */
    int64_t deadline, step_deadline;  /* 0: no timer runs */
    bool force_canceled;
    char job[JOBS_ID_MAX + 1];
    char thing[THING_MAX + 1];
    char status[16];
    char *details; /* JSON text, owned; NULL: never set */
};

#define EXECUTION_COLUMNS                                                                          \
    "id, job, thing, number, status, details_json, version, force_canceled, queued, started, "     \
    "updated, deadline, step_deadline, attempt"

/* Fills `execution` from a row of EXECUTION_COLUMNS; ended by execution_free. */
void execution_read(struct db_rows *rows, struct execution *execution);
void execution_free(struct execution *execution);
/* `number` 0: the latest. False: there is none. */
bool execution_find(struct cloud *cloud, const char *thing, const char *job, int64_t number,
                    struct execution *execution);
/* The first pending one: IN_PROGRESS before QUEUED, then by queue time. */
bool execution_first_pending(struct cloud *cloud, const char *thing, struct execution *execution);

bool status_is(const struct execution *execution, const char *status);
bool status_is_terminal(const char *status);
/* IN_PROGRESS, SUCCEEDED, FAILED, REJECTED: what a device may report. */
bool status_set_by_device(const char *status);

/* Stores a new status, with version, times and timers as they follow from it; `details` NULL keeps
 * what is there, `step_minutes` 0 keeps the step timer, -1 stops it. To be called in a transaction.
 * Ends the job when this was its last open execution, and queues a retry where the job asks so. */
otter_status execution_set(struct cloud *cloud, struct execution *execution, const char *status,
                           const json_t *details, int step_minutes);
/* The same as a transaction of its own, with its notifications. */
enum core_error execution_change(struct cloud *cloud, struct execution *execution,
                                 const char *status, const json_t *details, int step_minutes,
                                 struct answer *answer);
/* The step timer alone: the version stays. */
enum core_error execution_restart_step(struct cloud *cloud, struct execution *execution,
                                       int step_minutes, struct answer *answer);
/* Ends the job when nothing of it is open and nothing more can begin. To be called in a
 * transaction. */
otter_status job_complete(struct cloud *cloud, const char *job);
otter_status execution_queue(struct cloud *cloud, const char *job, const char *thing,
                             int64_t number, int64_t attempt);

/* A job's status and, unless NULL, its job_names; false when it is not there. */
bool job_find(struct cloud *cloud, const char *job, char status[24], json_t **names);
/* The members that CreateJob and CancelJob answer with. */
json_t *job_names(struct cloud *cloud, const char *id, const char *description);
/* CORE_NOT_FOUND with its message. */
enum core_error job_missing(struct answer *answer, const char *job);

/* Checks a statusDetails member; NULL is fine. */
bool details_valid(const json_t *details, struct answer *answer);
/* The stored map as an object, NULL when never set. */
json_t *execution_details(const struct execution *execution);
/* A job's document as an object; NULL when the job is gone. */
json_t *job_document(struct cloud *cloud, const struct execution *execution);
/* JobExecutionSummary */
json_t *execution_summary(const struct execution *execution);
/* JobExecution without thingName and document. */
json_t *execution_json(const struct cloud *cloud, const struct execution *execution);

/* CANCELED, with its QUEUED executions and (`force`) those that run; what waits never begins.
 * `reason` and `comment` NULL: those that are there. To be called in a transaction. */
otter_status job_cancel(struct cloud *cloud, const char *job, bool force, const char *reason,
                        const char *comment);

/* ---- what is asked for (jobs_check.c, jobs_document.c) ----------------------------------------
 */

#define ANY_PLACEHOLDER "${aws:iot:"
#define PLACEHOLDER     ANY_PLACEHOLDER "s3-presigned-url:"

enum core_error job_check_document(const char *document, struct answer *answer);
/* description, timeoutConfig, retry, roll-out, abort and presigned configurations */
enum core_error job_check_configs(const json_t *members, struct answer *answer);
enum core_error job_check_timeout(const json_t *config, int64_t *minutes, struct answer *answer);
/* Whether the document's placeholders can be filled in, with the presignedUrlConfig of `members`.
 */
enum core_error job_check_placeholders(struct cloud *cloud, const char *document,
                                       const json_t *members, struct answer *answer);
enum core_error placeholders_check(struct cloud *cloud, const char *document,
                                   struct answer *answer);
/* The text of an S3 object, freed by the caller; NULL when it is refused. */
enum core_error document_of_source(struct cloud *cloud, const char *source, char **document,
                                   struct answer *answer);

/* ---- targets (jobs_targets.c) -----------------------------------------------------------------
 */

/* `groups_only`: associate-targets. */
enum core_error targets_check(struct cloud *cloud, const json_t *targets, bool groups_only,
                              struct answer *answer);
/* Notes which groups the job is for. All three to be called in a transaction. */
otter_status targets_note(struct cloud *cloud, const char *job, const json_t *targets);
/* Lets each thing wait that is in `targets` and has neither waited nor begun, in the order of the
 * targets, and of names within a group. */
otter_status targets_resolve(struct cloud *cloud, const char *job, const json_t *targets);
bool job_waits(struct cloud *cloud, const char *job);

/* ---- roll-out (jobs_rollout.c) ----------------------------------------------------------------
 */

struct pending_watch;
/* Does what is due for the job now: start, end, the next things of its roll-out. To be called in a
 * transaction; `watch` gains the things concerned. */
otter_status job_advance(struct cloud *cloud, const char *job, struct pending_watch *watch);
/* Sees to it that the cloud looks at jobs which are due at once. */
void jobs_advance_soon(struct cloud *cloud);
/* After a failure that no retry follows: cancels the job where its abort criteria say so. To be
 * called in a transaction. */
otter_status job_abort_if_reached(struct cloud *cloud, const char *job);

/* ---- events (jobs_events.c), to be called in the transaction of what they tell of --------------
 */

/* completed, cancellation_in_progress, canceled, deletion_in_progress, deleted */
void event_of_job(struct cloud *cloud, const char *job, const char *word);
/* `status`: the one that it has now, or DELETED. */
void event_of_execution(struct cloud *cloud, const struct execution *execution, const char *status);
/* Of those that are about to get this status together. */
void events_of_executions(struct cloud *cloud, const char *job, bool running_too,
                          const char *status);

/* ---- notifications -------------------------------------------------------------------------- */

/* The first pending execution before a change: its row id, 0 when there is none. */
int64_t pending_first(struct cloud *cloud, const char *thing);
/* After the change has been committed: sends `notify` if the list gained or lost an entry, and
 * `notify-next` if another execution is now first. */
void pending_notify(struct cloud *cloud, const char *thing, int64_t first_before,
                    bool list_changed);

/* Things touched by one change of a job, with what was first for each before it. */
struct pending_watch {
    struct pending_watched {
        char thing[THING_MAX + 1];
        int64_t first;
    } * items;
    size_t count;
    bool failed; /* out of memory */
};
/* Every thing with a QUEUED (or, if asked, IN_PROGRESS) execution of `job`. */
void pending_watch_job(struct cloud *cloud, const char *job, bool running_too,
                       struct pending_watch *watch);
void pending_watch_add(struct cloud *cloud, const char *thing, struct pending_watch *watch);
/* Notifies all (list changed) if `committed`, and frees. */
void pending_watch_end(struct cloud *cloud, struct pending_watch *watch, bool committed);

#endif
