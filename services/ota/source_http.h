/* Blocks by HTTP from a presigned URL ("HTTP" in the job document: `update_data_url` of the file,
 * as create-ota-update makes it): GET with Range, one range after the other, each of the blocks
 * that lie side by side in what the agent asks for.
 *
 * One TLS session at a time. A device has one arena for TLS and, with many modems, one connection;
 * so the MQTT session pauses: it says goodbye when the first range is asked for, and comes back
 * (`apart`, source.h)
 *   - when the agent needs it: to accept the job, or to tell how the update ended;
 *   - when the address is not good any more, to ask for another one through the job;
 *   - after three failures in a row, for the time of the back-off;
 *   - each OTA_HTTP_APART_MS at the latest, for a message of progress and to hear whether the job
 *     is still there; a range that is not whole by then is left, but for the blocks that have come.
 * Each time, the job document is asked for before the next range, which brings a fresh address. A
 * cancelled job is so noticed within OTA_HTTP_APART_MS, and a URL needs no longer life than that
 * and the window of one request.
 *
 * What the server says:
 *   206  taken when Content-Range is what was asked for, of a file as long as the job says
 *   200, 3xx, Transfer-Encoding, another range, a file of another length, 416: refused for good
 *   other 4xx (403: the URL has expired): the address is asked for anew; when the fresh one is not
 *        good either, refused for good
 *   408, 429, 5xx, no connection, silence, an end in mid-way: once more from the block at which it
 *        stopped, after 1 s, doubled each time up to a minute; after OTA_HTTP_TRIES in a row
 *        without a block refused for good
 *
 * The server's certificate is judged as the cloud's is (net/tls.h): by `root_ca_cert`. Amazon Root
 * CA 1 stands behind both of AWS's; the local cloud gives out its files under its own root. */
#ifndef OTTER_SERVICES_OTA_SOURCE_HTTP_H
#define OTTER_SERVICES_OTA_SOURCE_HTTP_H

#include "net/http.h"
#include "services/ota/download.h"
#include "services/ota/source.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OTA_HTTP_APART_MS 120000u
#define OTA_HTTP_TRIES    9u

struct ota_source_http {
    struct ota_source source;
    struct http_client *http;
    uint8_t *room; /* of a block, while the session is away */
    uint32_t room_size;
    uint32_t at;     /* where the block begins that comes next */
    uint32_t end;    /* of the range; `at`: nothing is asked for */
    uint32_t filled; /* bytes of that block in `room` */
    otter_ms apart_since;
    otter_ms retry_at;
    uint8_t tries; /* failures since the last block */
    bool under_way;
    bool fresh; /* the address has not brought a block yet */
};

/* `http` may serve others while no update is under way; `room`, of `room_size` bytes, only this
 * source while it is apart. */
void ota_source_http_init(struct ota_source_http *source, struct http_client *http, uint8_t *room,
                          uint32_t room_size);

/* Beside the agent's own turns, before http_tick. */
void ota_source_http_tick(struct ota_source_http *source, otter_ms now);
otter_ms ota_source_http_deadline(const struct ota_source_http *source);

#ifdef __cplusplus
}
#endif

#endif
