/* What the agent tells the job: UpdateJobExecution requests with statusDetails that a person can
 * read and that dashboards made for the FreeRTOS agents understand (self_test, updatedBy, reason).
 *
 * statusDetails, all values text; AWS IoT replaces the whole map at each update:
 *   phase      download, install, self_test, done
 *   received   "12/45"          blocks on flash       while downloading
 *   bytes      "49152/180224"                         while downloading
 *   self_test  "ready"          verified, to be tried at the next start
 *              "active"         runs on trial
 *   updatedBy  "0x01000000"     with self_test: major 8, minor 8, revision 16 bits of the firmware
 *                               that reports
 *              "v1.0.0"         with SUCCEEDED: the firmware that did the download
 *   version    "1.0.1"          of the job's image, once known
 *   running    "1.0.0"          of the firmware that reports
 *   reason     one sentence     with SUCCEEDED, FAILED, REJECTED */
#ifndef OTTER_SERVICES_OTA_REPORT_H
#define OTTER_SERVICES_OTA_REPORT_H

#include <stddef.h>
#include <stdint.h>

#include "codec/json.h"
#include "image/image.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ota_report {
    const char *phase;
    const char *self_test; /* NULL: leave out; so with the other pointers */
    const char *reason;
    const struct image_version *version;
    const struct image_version *running;
    const struct image_version *updated_by;
    uint32_t blocks_received;
    uint32_t blocks_total; /* 0: leave blocks and bytes out */
    uint32_t bytes_received;
    uint32_t bytes_total;
};

/* Writes the members of statusDetails; `report` is the struct ota_report. */
void ota_report_details(void *report, struct json_writer *w);

#ifdef __cplusplus
}
#endif

#endif
