/* Jobs messages as the update agent reads them: reply, execution, job document. */
#include <stdlib.h>
#include <string.h>

#include "port/log.h"
#include "port/port.h"
#include "services/ota/job_document.h"
#include "services/jobs/jobs_reply.h"
#include "services/ota/source_stream.h"

void port_log_write(const char *line, size_t length)
{
    (void)line;
    (void)length;
}

otter_ms port_now(void)
{
    return 0;
}

static void require(bool good)
{
    if (!good)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct mqtt_session session;
    static struct ota_source_stream stream;
    static const struct ota_partner partner = {.image_size_max = 200000};
    static struct ota_source *const sources[] = {&stream.source};
    static const struct ota_job_limits limits = {.file_size_max = 469612,
                                                 .block_size = 4096,
                                                 .sources = sources,
                                                 .source_count = 1,
                                                 .partners = &partner,
                                                 .partner_count = 1};
    jsmntok_t tokens[128];
    struct jobs_reply reply;
    struct ota_job job = {.id = ""};
    struct json json;
    char reason[OTA_REASON_MAX + 1] = "";
    memset(&session, 0, sizeof session);
    ota_source_stream_init(&stream, &session, "lamp", 0);
    if (!jobs_reply_read(&reply, &json, tokens, 128, data, size))
        return 0;
    require(!reply.has_execution || jobs_is_name(reply.execution.id));
    switch (ota_job_document(&json, reply.document, &limits, &job, reason)) {
    case OTA_DOCUMENT_OK:
        require(job.file_size > 32 && job.file_size <= limits.file_size_max);
        require(jobs_is_name(job.stream) && strlen(job.stream) <= ota_stream_name_max("lamp"));
        require(job.set.count == 1 || job.set.count == 2);
        require(job.set.count == 1 || job.set.files[0].image != job.set.files[1].image);
        for (unsigned i = 0; i < job.set.count; i++)
            require(job.set.files[i].image <= 1 &&
                    (job.set.files[i].image == 0 || job.set.files[i].size <= 200000));
        require(job.set.current == 0 && job.file_size == job.set.files[0].size);
        require(job.signature_length >= 8 && job.signature_length <= OTA_SIGNATURE_MAX);
        break;
    case OTA_DOCUMENT_REFUSED:
        require(reason[0] != '\0' && strlen(reason) <= OTA_REASON_MAX);
        break;
    case OTA_DOCUMENT_FOREIGN:
        break;
    }
    return 0;
}
