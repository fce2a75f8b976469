/* Writes UpdateJobExecution requests; see report.h. */
#include "services/ota/report.h"

#include <stdio.h>

#include "codec/json.h"

static void write_version(struct json_writer *w, const char *name,
                          const struct image_version *version)
{
    char text[IMAGE_VERSION_TEXT_SIZE];
    if (version == NULL)
        return;
    image_version_format(version, text);
    json_write_string(w, name, text);
}

static void write_share(struct json_writer *w, const char *name, uint32_t part, uint32_t whole)
{
    char text[24];
    snprintf(text, sizeof text, "%lu/%lu", (unsigned long)part, (unsigned long)whole);
    json_write_string(w, name, text);
}

static void write_updated_by(struct json_writer *w, const struct ota_report *report)
{
    char text[IMAGE_VERSION_TEXT_SIZE + 1] = "v";
    const struct image_version *version = report->updated_by;
    if (version == NULL)
        return;
    if (report->self_test != NULL)
        snprintf(text, sizeof text, "0x%02x%02x%04x", version->major, version->minor,
                 version->revision);
    else
        image_version_format(version, text + 1);
    json_write_string(w, "updatedBy", text);
}

void ota_report_details(void *ctx, struct json_writer *w)
{
    const struct ota_report *report = ctx;
    json_write_string(w, "phase", report->phase);
    if (report->blocks_total > 0) {
        write_share(w, "received", report->blocks_received, report->blocks_total);
        write_share(w, "bytes", report->bytes_received, report->bytes_total);
    }
    if (report->self_test != NULL)
        json_write_string(w, "self_test", report->self_test);
    write_updated_by(w, report);
    write_version(w, "version", report->version);
    write_version(w, "running", report->running);
    if (report->reason != NULL)
        json_write_string(w, "reason", report->reason);
}
