/* The log of the device, as the log in flash has it, to a presigned URL, by job:
 *
 *   {"operation": "upload-log", "url":
 * "${aws:iot:s3-presigned-url-upload:https://s3.REGION.amazonaws.com/BUCKET/KEY}"}
 *
 * AWS IoT puts a presigned URL for PUT in the placeholder's place; `${thingName}`, `${jobId}` and
 * `${executionNumber}` may stand in the key. The object is a text, a line of the log each, the
 * oldest first, just as `log show` prints it. IN_PROGRESS, then SUCCEEDED with the number of bytes
 * in the reason; else FAILED (REJECTED for a document that has no such URL, or a device that keeps
 * no log) with what the server said. Whether it is tried once more then, says the job's retry
 * configuration. After a reset in mid-way the cloud offers the job again, and it is done again.
 *
 * While the object is on its way the MQTT session pauses (net/http.h), and nothing is added to the
 * log in flash: what would have been is counted as left out, so that the object is what the log
 * was at one moment. Sans-IO; the caller owns everything. */
#ifndef OTTER_SERVICES_LOG_LOG_UPLOAD_H
#define OTTER_SERVICES_LOG_LOG_UPLOAD_H

#include "net/http.h"
#include "services/jobs/jobs.h"
#include "services/log/log_ring.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LOG_UPLOAD_MS 120000u /* for all of it; a server that is slower fails the job */

struct log_upload_config {
    struct jobs *jobs; /* has been started, not yet ticked */
    struct http_client *http;
    const struct log_ring *ring; /* NULL: the device keeps no log */
    void (*hold)(bool hold);     /* nothing is to be added to the ring */
};

/* Zero at first. All fields are private. */
struct log_upload {
    struct log_upload_config config;
    struct jobs_handler handler;
    uint32_t bytes;  /* of the object */
    uint32_t begin;  /* where `line` begins in it */
    uint32_t length; /* of `line` */
    uint32_t place;  /* of the next one in the ring */
    bool last;       /* there is no next one */
    otter_ms over_at;
    uint8_t state;
    char line[LOG_RING_TEXT_MAX + 1];
};

/* Again does nothing. */
void log_upload_init(struct log_upload *upload, const struct log_upload_config *config);
/* After the turns of the session and of the Jobs client, and before http_tick. */
void log_upload_tick(struct log_upload *upload, otter_ms now);

#ifdef __cplusplus
}
#endif

#endif
