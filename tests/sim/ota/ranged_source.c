/* Asks for ranges, loses and repeats their pieces, and hands on what came. */
#include "tests/sim/ota/ranged_source.h"

#include <stdio.h>
#include <string.h>

#include "services/ota/job_document.h"
#include "tests/sim/ota/world.h"

#define TIMEOUT_MS 2000u

static struct ranged_source *ranged_of(struct ota_source *source)
{
    return (struct ranged_source *)source;
}

struct served {
    const uint8_t *data;
    uint32_t size;
};

/* The server knows files by their addresses. */
static struct served file_at(const struct ranged_source *ranged)
{
    struct world *world = ranged->world;
    char id[65];
    unsigned number;
    if (sscanf(ranged->address, "https://files/%64[^/]/%u?X-Amz-Signature=aaa", id, &number) != 2)
        return (struct served){NULL, 0};
    const struct sim_job *job = sim_cloud_find(&world->cloud, id);
    if (job == NULL || number > 0)
        return (struct served){job == NULL ? NULL : world->second, world->second_size};
    return (struct served){job->data, job->size};
}

static const char *fault(const struct ota_source *source, uint32_t block_size)
{
    (void)source;
    return block_size > 4096 ? "block_size: ranges are at most 4096 bytes" : NULL;
}

static bool read_document(struct ota_source *source, const struct json *json, int afr_ota, int file,
                          struct ota_job *job, char reason[OTA_REASON_MAX + 1])
{
    struct ranged_source *ranged = ranged_of(source);
    (void)afr_ota;
    (void)job;
    ranged->uses = 0;
    ranged->under_way = 0;
    ranged->world->addresses++;
    return json_get_string(json, json_find(json, file, "update_data_url"), ranged->address,
                           sizeof ranged->address) == OTTER_OK ||
           ota_job_refuse(reason, "job document: update_data_url is missing or no text");
}

static void open_files(struct ota_source *source, otter_ms now)
{
    (void)now;
    ranged_of(source)->is_open = true;
}

static void close_files(struct ota_source *source, otter_ms now)
{
    (void)now;
    ranged_of(source)->is_open = false;
    ranged_of(source)->under_way = 0;
}

static void send_later(struct ranged_source *ranged, otter_ms now, uint16_t number)
{
    const struct trouble *trouble = &ranged->world->trouble;
    const uint32_t most = trouble->delay_ms < 20 ? 20 : trouble->delay_ms;
    if (ranged->under_way == sizeof ranged->blocks / sizeof ranged->blocks[0])
        return;
    ranged->blocks[ranged->under_way].number = number;
    ranged->blocks[ranged->under_way].file = ranged->source.file;
    ranged->blocks[ranged->under_way++].at = now + 5 + world_random(ranged->world, most);
}

static int request(struct ota_source *source, otter_ms now, const uint16_t *blocks, uint32_t count)
{
    struct ranged_source *ranged = ranged_of(source);
    const struct trouble *trouble = &ranged->world->trouble;
    uint32_t taken = 1;
    if (!ranged->is_open || !ranged->world->connected || ranged->under_way > 0)
        return OTTER_E_AGAIN;
    while (taken < count && blocks[taken] == blocks[taken - 1] + 1)
        taken++;
    ranged->requests++;
    if (trouble->address_uses != 0 && ranged->uses++ >= trouble->address_uses) {
        source->wants_document = true; /* 403 */
        return OTTER_E_AGAIN;
    }
    for (uint32_t i = 0; i < taken; i++) {
        if (world_random(ranged->world, 1000) >= trouble->lost)
            send_later(ranged, now, blocks[i]);
        if (world_random(ranged->world, 1000) < trouble->repeated)
            send_later(ranged, now, blocks[i]);
    }
    return (int)taken;
}

static void deliver(struct ranged_source *ranged, otter_ms now, uint16_t number,
                    const struct ota_file *file)
{
    struct ota_source *source = &ranged->source;
    const struct trouble *trouble = &ranged->world->trouble;
    const struct served served = file_at(ranged);
    static uint8_t bytes[4096];
    const uint32_t start = number * file->block_size;
    const uint32_t length = ota_file_block_length(file, number);
    if (trouble->ranges_expire) {
        source->on_refusal(source->ctx, now, true, "range refused: 403 Request has expired");
    } else if (trouble->range_errors != 0 && ranged->requests % trouble->range_errors == 0) {
        source->on_refusal(source->ctx, now, false, "range refused: 503 Slow Down");
        ranged->requests++;
    } else if (served.data == NULL || start + length > served.size ||
               file->block_size != source->file.block_size) {
        source->blocks_refused++;
    } else {
        const struct ota_block block = {number, length, bytes};
        memcpy(bytes, served.data + start, length);
        ranged->world->ranges++;
        (void)source->on_block(source->ctx, now, &block);
    }
}

void ranged_source_tick(struct ranged_source *ranged, otter_ms now)
{
    for (uint32_t i = 0; i < ranged->under_way;) {
        if (ranged->blocks[i].at > now) {
            i++;
            continue;
        }
        const uint16_t number = ranged->blocks[i].number;
        const struct ota_file file = ranged->blocks[i].file;
        ranged->blocks[i] = ranged->blocks[--ranged->under_way];
        if (ranged->world->connected && ranged->is_open)
            deliver(ranged, now, number, &file);
    }
}

otter_ms ranged_source_deadline(const struct ranged_source *ranged)
{
    otter_ms at = OTTER_NEVER;
    for (uint32_t i = 0; i < ranged->under_way; i++)
        at = ranged->blocks[i].at < at ? ranged->blocks[i].at : at;
    return at;
}

void ranged_source_init(struct ranged_source *ranged, struct world *world)
{
    static const struct ota_source_ops ops = {.name = "HTTP",
                                              .protocol = OTA_PROTOCOL_HTTP,
                                              .rereads = true,
                                              .request_max = 8u * 4096u,
                                              .fault = fault,
                                              .read = read_document,
                                              .open = open_files,
                                              .close = close_files,
                                              .request = request};
    memset(ranged, 0, sizeof *ranged);
    ranged->source.ops = &ops;
    ranged->source.block_timeout_ms = TIMEOUT_MS;
    ranged->world = world;
}
