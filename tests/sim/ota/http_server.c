/* Answers to requests for ranges, with the world's trouble. */
#include "tests/sim/ota/http_server.h"

#include <stdio.h>
#include <string.h>

#include "tests/sim/ota/world.h"

#define CONNECT_MS 20u

static bool happens(struct http_server *server, uint32_t per_mille)
{
    return per_mille > 0 && world_random(server->world, 1000) < per_mille;
}

/* ---- Answers --------------------------------------------------------------------------------- */

struct served {
    const uint8_t *data;
    uint32_t size;
};

/* The server knows files by their addresses. */
static struct served file_at(const struct http_server *server)
{
    struct world *world = server->world;
    char id[65];
    unsigned number;
    if (sscanf(server->request, "GET /%64[^/]/%u?X-Amz-Signature=aaa", id, &number) != 2)
        return (struct served){NULL, 0};
    const struct sim_job *job = sim_cloud_find(&world->cloud, id);
    if (job == NULL || number > 0)
        return (struct served){job == NULL ? NULL : world->second, world->second_size};
    return (struct served){job->data, job->size};
}

static void refuse(struct http_server *server, const char *status)
{
    snprintf(server->head, sizeof server->head,
             "HTTP/1.1 %s\r\nContent-Type: application/xml\r\nContent-Length: 8\r\n\r\n<Error/>",
             status);
}

static void give_range(struct http_server *server, uint32_t first, uint32_t last)
{
    const struct served file = file_at(server);
    if (file.data == NULL) {
        refuse(server, "404 Not Found");
        return;
    }
    if (first > last || last >= file.size) {
        refuse(server, "416 Range Not Satisfiable");
        return;
    }
    server->body = file.data + first;
    server->body_length = last - first + 1u;
    server->world->ranges += (last - first) / WORLD_BLOCK + 1u;
    snprintf(server->head, sizeof server->head,
             "HTTP/1.1 206 Partial Content\r\nx-amz-id-2: %0100d\r\nAccept-Ranges: bytes\r\n"
             "Content-Range: bytes %u-%u/%u\r\nContent-Type: binary/octet-stream\r\n"
             "Server: S3\r\nContent-Length: %u\r\n\r\n",
             0, (unsigned)first, (unsigned)last, (unsigned)file.size,
             (unsigned)server->body_length);
}

static void answer(struct http_server *server)
{
    const struct trouble *trouble = &server->world->trouble;
    unsigned first = 1, last = 0;
    const char *range = strstr(server->request, "\r\nRange: bytes=");
    server->head_at = server->body_at = server->body_length = 0;
    if (++server->requests == trouble->cancel_at_range)
        sim_cloud_cancel(&server->world->cloud, "job");
    if (trouble->answer != NULL && server->requests >= trouble->answer_from)
        snprintf(server->head, sizeof server->head, "%s", trouble->answer);
    else if (strncmp(server->request, "PUT ", 4) == 0)
        snprintf(server->head, sizeof server->head, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    else if (trouble->ranges_expire ||
             (trouble->address_uses != 0 && server->uses++ >= trouble->address_uses))
        refuse(server, "403 Forbidden");
    else if (trouble->range_errors != 0 && server->requests % trouble->range_errors == 0)
        refuse(server, "503 Slow Down");
    else if (range == NULL || sscanf(range, "\r\nRange: bytes=%u-%u", &first, &last) != 2)
        refuse(server, "400 Bad Request");
    else
        give_range(server, first, last);
    server->closes = happens(server, 100);
    server->request_length = 0;
}

/* ---- The connection -------------------------------------------------------------------------- */

static otter_status open_line(void *ctx, otter_ms now, const char *host, uint16_t port)
{
    struct http_server *server = ctx;
    if (strcmp(host, "files") != 0 || port != 443)
        return OTTER_E_NAME;
    if (!server->lent)
        world_lend_connection(server->world);
    server->lent = true;
    server->broken = server->closes = false;
    server->request_length = server->body_length = server->body_at = server->head_at = 0;
    server->head[0] = '\0';
    server->open_at = now + CONNECT_MS;
    return OTTER_OK;
}

static otter_status step(void *ctx, otter_ms now)
{
    const struct http_server *server = ctx;
    if (now < server->open_at)
        return OTTER_E_AGAIN;
    return server->world->trouble.unreachable ? OTTER_E_REFUSED : OTTER_OK;
}

/* The request has come, with its body. */
static bool has_all(struct http_server *server)
{
    const char *const end = strstr(server->request, "\r\n\r\n");
    const char *const field = strstr(server->request, "\r\nContent-Length: ");
    unsigned length = 0;
    if (end == NULL)
        return false;
    if (field != NULL && field < end && sscanf(field, "\r\nContent-Length: %u", &length) != 1)
        return false;
    if (strlen(end + 4) < length)
        return false;
    if (field != NULL) {
        server->puts++;
        server->stored_length = length;
        memcpy(server->stored, end + 4, length);
    }
    return true;
}

static int write_line(void *ctx, const void *data, size_t length)
{
    struct http_server *server = ctx;
    if (server->broken)
        return OTTER_E_RESET;
    if (length > 700)
        length = 700;
    memcpy(server->request + server->request_length, data, length);
    server->request_length += (uint32_t)length;
    server->request[server->request_length] = '\0';
    if (has_all(server))
        answer(server);
    return (int)length;
}

/* A piece, and the time at which there is another one. */
static uint32_t some(struct http_server *server, uint32_t most)
{
    const struct trouble *trouble = &server->world->trouble;
    const uint32_t delay = trouble->piece_ms > 0 ? trouble->piece_ms : trouble->delay_ms;
    const uint32_t piece = 1 + world_random(server->world, 900);
    server->next_at = server->world->now + 1 + (delay > 0 ? world_random(server->world, delay) : 0);
    server->broken = happens(server, trouble->lost / 4);
    if (trouble->drops_from != 0 && server->requests >= trouble->drops_from) {
        server->next_at = server->world->now + 20000;
        return 1;
    }
    return piece < most ? piece : most;
}

/* Bytes of the answer. */
static uint32_t left(const struct http_server *server)
{
    return (uint32_t)strlen(server->head + server->head_at) + server->body_length - server->body_at;
}

static int read_line(void *ctx, void *data, size_t size)
{
    struct http_server *server = ctx;
    const uint32_t head_left = (uint32_t)strlen(server->head + server->head_at);
    const uint32_t body_left = server->body_length - server->body_at;
    uint32_t length = (uint32_t)size;
    if (server->broken || (server->closes && left(server) == 0))
        return OTTER_E_CLOSED;
    if (server->world->now < server->next_at || left(server) == 0)
        return 0;
    if (head_left > 0) {
        length = some(server, length < head_left ? length : head_left);
        memcpy(data, server->head + server->head_at, length);
        server->head_at += length;
    } else {
        length = some(server, length < body_left ? length : body_left);
        memcpy(data, server->body + server->body_at, length);
        server->body_at += length;
    }
    return (int)length;
}

static void close_line(void *ctx, otter_ms now, bool back)
{
    struct http_server *server = ctx;
    (void)now;
    server->lent = !back;
}

/* ---- The device's side ----------------------------------------------------------------------- */

static bool read_document(struct ota_source *source, const struct json *json, int afr_ota, int file,
                          struct ota_job *job, char reason[OTA_REASON_MAX + 1])
{
    struct http_server *server = (struct http_server *)source; /* its first member's first */
    server->uses = 0;
    server->world->addresses++;
    return server->real->read(source, json, afr_ota, file, job, reason);
}

void http_server_init(struct http_server *server, struct world *world)
{
    memset(server, 0, sizeof *server);
    server->world = world;
    server->line = (struct http_line){open_line, step, read_line, write_line, close_line, server};
    server->client.line = &server->line;
    ota_source_http_init(&server->source, &server->client, server->room, sizeof server->room);
    server->real = server->source.source.ops;
    server->ops = *server->real;
    server->ops.read = read_document;
    server->source.source.ops = &server->ops;
}

void http_server_tick(struct http_server *server, otter_ms now)
{
    ota_source_http_tick(&server->source, now);
    http_tick(&server->client, now);
}

otter_ms http_server_deadline(const struct http_server *server, otter_ms now)
{
    const otter_ms due = http_deadline(&server->client, now);
    const otter_ms again = ota_source_http_deadline(&server->source);
    otter_ms at = due < again ? due : again;
    if (server->client.state == HTTP_OPENING && server->open_at < at)
        at = server->open_at;
    if (server->client.state > HTTP_OPEN && server->next_at > now && server->next_at < at)
        at = server->next_at;
    if (server->client.state >= HTTP_OPEN &&
        (server->broken || (server->closes && left(server) == 0)))
        at = now;
    return at;
}
