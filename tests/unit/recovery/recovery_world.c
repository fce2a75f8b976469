/* Turns the board in recovery on virtual time, and reads what its console says. */
#include "tests/unit/recovery/recovery_world.h"

#include <stdlib.h>
#include <string.h>

#define LEFT_OUT UINT32_MAX

const struct geometry world_geometry = {
    "6 x 512", {{{6, 512}}, {{6, 512}}, {{1, 512}}}, {4, 4, 4}, 0xff, 8, 8, false};

static struct world *current; /* the port's functions have no context */

otter_ms port_now(void)
{
    return current->now;
}

void port_log_write(const char *line, size_t length)
{
    (void)line;
    (void)length;
}

/* A byte at a time, as from a UART. */
size_t port_console_read(void *data, size_t size)
{
    char *text = current->console;
    if (size == 0 || text[0] == '\0' || current->now < current->console_at)
        return 0;
    *(char *)data = text[0];
    memmove(text, text + 1, strlen(text));
    return 1;
}

static void hear(void *ctx, const void *data, size_t length);

void port_console_write(const void *data, size_t length)
{
    hear(current, data, length);
}

/* Wakes for input, as a port must. */
void port_idle(otter_ms deadline)
{
    const bool input = current->console[0] != '\0' && current->console_at < deadline;
    current->now = input ? current->console_at : deadline;
}

_Noreturn void port_reset(void)
{
    current->was_reset = true;
    longjmp(current->reset, 1);
}

void world_serve(struct world *world, otter_ms deadline)
{
    world->said_length = 0;
    if (setjmp(world->reset) == 0)
        recovery_serve(&world->board.config, world->config.image_size_max, deadline);
}

static void count_feed(void *ctx)
{
    ((struct world *)ctx)->feeds++;
}

static void hear(void *ctx, const void *data, size_t length)
{
    struct world *world = ctx;
    if (length > sizeof world->said - world->said_length)
        abort();
    memcpy(world->said + world->said_length, data, length);
    world->said_length += length;
}

void world_create(struct world *world, const struct geometry *geometry)
{
    memset(world, 0, sizeof *world);
    current = world;
    board_create(&world->board, geometry);
    world->board.config.hooks = (struct boot_hooks){.feed = count_feed, .ctx = world};
    world->config = (struct recovery_config){
        &world->board.config, world->board.area[BOARD_PRIMARY].size - 200, hear, world};
    world_enter(world);
}

void world_destroy(struct world *world)
{
    board_destroy(&world->board);
}

void world_enter(struct world *world)
{
    recovery_init(&world->recovery, &world->config);
}

/* Decodes what was said, which is one answer or nothing. */
static bool decode(struct world *world)
{
    uint8_t frame[1024];
    struct smp_receiver receiver;
    size_t size = 0;
    smp_receiver_init(&receiver, frame, sizeof frame);
    for (size_t i = 0; i < world->said_length; i++)
        size += smp_receive(&receiver, world->said[i]);
    if (size == 0 || !smp_header_read(frame + SMP_FRAME_HEAD, size, &world->header))
        return false;
    world->answer_length = world->header.length;
    memcpy(world->answer, frame + SMP_FRAME_HEAD + SMP_HEADER_SIZE, world->answer_length);
    return true;
}

bool world_ask(struct world *world, enum smp_op op, uint16_t group, uint8_t command,
               const void *payload, size_t length)
{
    uint8_t frame[1024];
    const struct smp_header header = {op, 1, (uint16_t)length, group, 0x42, command};
    smp_header_write(frame + SMP_FRAME_HEAD, &header);
    memcpy(frame + SMP_FRAME_HEAD + SMP_HEADER_SIZE, payload, length);
    const size_t size = smp_frame_seal(frame, SMP_HEADER_SIZE + length);
    world->said_length = 0;
    for (size_t at = 0; at < size; at += SMP_LINE_DATA) {
        char line[SMP_LINE_MAX + 1];
        recovery_input(&world->recovery, line, smp_frame_line(frame, size, at, line), world->now);
    }
    return decode(world);
}

uint32_t world_number(const struct world *world, const char *key)
{
    struct cbor_reader in;
    struct cbor_container map;
    uint32_t number = LEFT_OUT;
    cbor_reader_init(&in, world->answer, world->answer_length);
    cbor_read_map(&in, &map);
    while (cbor_next(&in, &map)) {
        if (cbor_text_is(cbor_read_key(&in), key))
            number = (uint32_t)cbor_read_uint(&in, UINT32_MAX);
        else
            cbor_skip(&in);
    }
    return cbor_finish(&in) == OTTER_OK ? number : LEFT_OUT;
}

static void write_number(struct cbor_writer *out, const char *key, uint32_t number)
{
    if (number == LEFT_OUT)
        return;
    cbor_write_text(out, key);
    cbor_write_uint(out, number);
}

uint32_t world_chunk(struct world *world, const struct upload_chunk *chunk)
{
    uint8_t payload[900];
    struct cbor_writer out;
    cbor_writer_init(&out, payload, sizeof payload);
    cbor_write_map_indefinite(&out);
    write_number(&out, "image", chunk->image);
    if (chunk->data != NULL) {
        cbor_write_text(&out, "data");
        cbor_write_bytes(&out, chunk->data, chunk->length);
    }
    write_number(&out, "len", chunk->total);
    write_number(&out, "off", chunk->offset);
    cbor_write_text(&out, "sha"); /* as mcumgr does, and more */
    cbor_write_bytes(&out, "0123", 4);
    cbor_write_text(&out, "upgrade");
    cbor_write_bool(&out, false);
    cbor_write_uint(&out, 7);
    cbor_write_array(&out, 0);
    cbor_write_end(&out);
    if (!world_ask(world, SMP_WRITE, SMP_GROUP_IMAGE, SMP_IMAGE_UPLOAD, payload, out.length))
        return LEFT_OUT;
    return world_number(world, "rc");
}

uint32_t world_upload(struct world *world, uint32_t number, const uint8_t *data, uint32_t length,
                      uint32_t step)
{
    for (uint32_t at = 0; at < length;) {
        const uint32_t part = length - at < step ? length - at : step;
        const uint32_t rc = world_chunk(world, &(struct upload_chunk){at == 0 ? number : LEFT_OUT,
                                                                      at == 0 ? length : LEFT_OUT,
                                                                      at, data + at, part});
        if (rc != SMP_OK)
            return rc;
        at = world_number(world, "off");
    }
    return SMP_OK;
}
