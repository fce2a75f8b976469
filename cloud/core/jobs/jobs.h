/* Jobs: documents to be carried out by things, one execution per job and thing (as the public
 * interface of AWS IoT Jobs has them: statuses, version numbers, timers, notifications).
 *
 * The device's calls (jobs_get_pending, jobs_start_next, jobs_describe, jobs_update) take the
 * request body as it came, NULL meaning {}, check it, and answer with the body AWS sends: over MQTT
 * it is published as it is; the HTTPS data API turns `jobDocument` into text. `clientToken` and
 * `timestamp` are left to cloud/reserved/, as HTTP has neither.
 *
 * The operator's calls (jobs_create and below) answer with the members of the control plane, times
 * as numbers of seconds. Each change sends `notify` and `notify-next` as the list of pending
 * executions demands. All are transactions: refused means nothing changed. */
#ifndef OTTER_CLOUD_CORE_JOBS_JOBS_H
#define OTTER_CLOUD_CORE_JOBS_JOBS_H

#include "cloud/core/ground/cloud.h"

#define JOBS_ID_MAX          64
#define JOBS_DOCUMENT_MAX    32768
#define JOBS_DESCRIPTION_MAX 2028
#define JOBS_TARGETS_MAX     100
#define JOBS_RETRIES_MAX     10
#define JOBS_DETAILS_MAX     10 /* pairs of statusDetails */

/* Whether it is a job's id: 1..64 letters, digits, '_' and '-'. */
bool jobs_id_valid(const char *job);

/* ---- what devices do ------------------------------------------------------------------------ */

/* {"inProgressJobs":[summary...],"queuedJobs":[...]} */
enum core_error jobs_get_pending(struct cloud *cloud, const char *thing, const json_t *request,
                                 struct answer *answer);

/* {"execution":{...}}, or {} when nothing is pending. Reads statusDetails, stepTimeoutInMinutes. */
enum core_error jobs_start_next(struct cloud *cloud, const char *thing, const json_t *request,
                                struct answer *answer);

/* {"execution":{...}}; `job` may be "$next", and then {} when nothing is pending. Reads
 * executionNumber, includeJobDocument. A terminal execution is CORE_TERMINAL_STATE. */
enum core_error jobs_describe(struct cloud *cloud, const char *thing, const char *job,
                              const json_t *request, struct answer *answer);

/* {"executionState":...,"jobDocument":...} as asked for. On CORE_INVALID_STATE and
 * CORE_VERSION_MISMATCH the body is {"executionState":...} with what is stored. A strict cloud
 * takes REJECTED only from an execution that has not started: AWS's API reference has no such rule,
 * but the comments of its device libraries say that the service has it. */
enum core_error jobs_update(struct cloud *cloud, const char *thing, const char *job,
                            const json_t *request, struct answer *answer);

/* ---- what operators do ---------------------------------------------------------------------- */

/* Creates a job from the members of CreateJob: targets (ARNs of things and thing groups), document
 * (text) or documentSource (an S3 URL, read now), description, targetSelection, timeoutConfig,
 * jobExecutionsRetryConfig, jobExecutionsRolloutConfig, abortConfig, schedulingConfig,
 * presignedUrlConfig, jobTemplateArn, tags. The things of the first minute are QUEUED at once (the
 * first hundred before this returns), unless the job is to begin later or in a window; then it is
 * SCHEDULED, or waits.
 * {"jobArn","jobId","description"}; CORE_EXISTS, CORE_NOT_FOUND for a target that is not there. */
enum core_error jobs_create(struct cloud *cloud, const char *job, const json_t *members,
                            struct answer *answer);

/* Adds thing groups to a CONTINUOUS job: members targets, comment. The answer is as above. */
enum core_error jobs_associate(struct cloud *cloud, const char *job, const json_t *members,
                               struct answer *answer);

/* {"job":{...}} with jobProcessDetails. */
enum core_error jobs_describe_job(struct cloud *cloud, const char *job, struct answer *answer);
/* {"document":"text"} */
enum core_error jobs_document(struct cloud *cloud, const char *job, struct answer *answer);
/* Changes description, timeoutConfig (for executions that have not started), roll-out, abort, retry
 * and presigned configurations of a job that is SCHEDULED or IN_PROGRESS; what is not given stays.
 */
enum core_error jobs_change(struct cloud *cloud, const char *job, const json_t *members,
                            struct answer *answer);
/* {"jobArn","jobId","description"}. Without `force` only QUEUED executions are cancelled; with it,
 * a job that was cancelled without can be cancelled again. `members` may hold reasonCode and
 * comment. */
enum core_error jobs_cancel(struct cloud *cloud, const char *job, bool force, const json_t *members,
                            struct answer *answer);
/* CORE_INVALID_STATE when the job is not terminal and not forced. */
enum core_error jobs_delete(struct cloud *cloud, const char *job, bool force,
                            struct answer *answer);

/* {"jobs":[...],"nextToken"?}. `status` and `selection` filter, NULL takes all; `limit` 0 takes
 * 250; `token` NULL starts at the newest. */
struct jobs_page {
    const char *status;
    const char *selection;
    const char *group, *group_id; /* jobs for this thing group; NULL: any */
    const char *token;
    int limit;
};
enum core_error jobs_list(struct cloud *cloud, const struct jobs_page *page, struct answer *answer);
/* {"executionSummaries":[{"thingArn","jobExecutionSummary":{...}}],"nextToken"?} */
enum core_error jobs_list_for_job(struct cloud *cloud, const char *job,
                                  const struct jobs_page *page, struct answer *answer);
/* {"executionSummaries":[{"jobId","jobExecutionSummary":{...}}],"nextToken"?} */
enum core_error jobs_list_for_thing(struct cloud *cloud, const char *thing,
                                    const struct jobs_page *page, struct answer *answer);

/* {"execution":{...}} with statusDetails.detailsMap and thingArn, terminal or not. `number` 0 takes
 * the latest. */
enum core_error jobs_describe_execution(struct cloud *cloud, const char *thing, const char *job,
                                        int64_t number, struct answer *answer);
/* Members: expectedVersion, statusDetails. IN_PROGRESS needs `force`. */
enum core_error jobs_cancel_execution(struct cloud *cloud, const char *thing, const char *job,
                                      bool force, const json_t *members, struct answer *answer);
/* One that is not terminal needs `force`. A job without open executions is then COMPLETED. */
enum core_error jobs_delete_execution(struct cloud *cloud, const char *thing, const char *job,
                                      int64_t number, bool force, struct answer *answer);

/* A thing was deleted: its pending executions become REMOVED. */
void jobs_thing_removed(struct cloud *cloud, const char *thing);
/* A thing was added to a group, and gets the continuous jobs of it and of the groups above; or it
 * left one, and its pending executions of jobs that are no longer for it become REMOVED. Both in
 * the caller's transaction: see cloud->watch. */
otter_status jobs_thing_joined(struct cloud *cloud, const char *thing, const char *group);
otter_status jobs_thing_left(struct cloud *cloud, const char *thing, const char *group);

/* ---- events --------------------------------------------------------------------------------- */

/* Member eventConfigurations{TYPE:{"Enabled"}}, as in UpdateEventConfigurations. JOB and
 * JOB_EXECUTION can be switched on; CORE_INVALID_REQUEST for the others. */
enum core_error events_configure(struct cloud *cloud, const json_t *members, struct answer *answer);
/* {"eventConfigurations":{...},"creationDate"?,"lastModifiedDate"?} */
void events_describe(struct cloud *cloud, struct answer *answer);

/* ---- timers --------------------------------------------------------------------------------- */

/* Ends each execution whose in-progress or step timer has run out (TIMED_OUT). Returns the time of
 * the next deadline in seconds, or 0 when there is none. Called by core_tend. */
int64_t jobs_expire(struct cloud *cloud);
/* Lets jobs begin, roll out and end whose time has come. Called by core_tend. */
void jobs_roll_out(struct cloud *cloud);

#endif
