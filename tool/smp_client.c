/* Sends a request, gathers the lines of its answer, and tries again. */
#include "tool/smp_client.h"

#include <string.h>

#include "codec/cbor.h"

#define CONNECT_INTERVAL_MS 50u
#define RESEND_MS           1000u
#define NOT_SAID            UINT32_MAX
/* A device that wants the same bytes again and again, or starts over, gets this many chances. */
#define STALLS_MAX   8
#define RESTARTS_MAX 3
/* What a chunk's map and keys take beside its data, and the data's unit: the largest write unit. */
#define CHUNK_KEYS 48u
#define CHUNK_UNIT 32u

struct request {
    enum smp_op op;
    uint16_t group;
    uint8_t command;
    unsigned resend_ms;
};

/* The values of an answer that are not lists. */
struct answer {
    uint32_t rc;
    uint32_t off;
    uint32_t buf_size;
    struct cbor_text text;
    struct cbor_reader images; /* at the value of "images"; next is NULL without one */
};

void smp_client_init(struct smp_client *client, const struct smp_line *line, unsigned timeout_ms)
{
    memset(client, 0, sizeof *client);
    client->line = *line;
    client->timeout_ms = timeout_ms;
    client->device_frame_max = 512; /* MCUboot's default, for one that does not tell */
    smp_receiver_init(&client->receiver, client->in, sizeof client->in);
}

static uint64_t now_ms(const struct smp_client *client)
{
    return client->line.now(client->line.ctx);
}

/* ---- One request and its answer -------------------------------------------------------------- */

static void begin_request(struct smp_client *client, struct cbor_writer *out)
{
    cbor_writer_init(out, client->out + SMP_FRAME_HEAD + SMP_HEADER_SIZE,
                     sizeof client->out - SMP_FRAME_OVERHEAD - SMP_HEADER_SIZE);
}

static otter_status send_frame(struct smp_client *client, size_t size)
{
    otter_status status = OTTER_OK;
    for (size_t at = 0; at < size && status == OTTER_OK; at += SMP_LINE_DATA) {
        char line[SMP_LINE_MAX + 1];
        const size_t length = smp_frame_line(client->out, size, at, line);
        status = client->line.send(client->line.ctx, line, length);
    }
    return status;
}

static bool is_answer(const struct smp_client *client, const struct request *request,
                      size_t packet_size, struct smp_header *header)
{
    return smp_header_read(client->in + SMP_FRAME_HEAD, packet_size, header) &&
           header->op == request->op + 1 && header->group == request->group &&
           header->command == request->command && header->sequence == client->sequence;
}

/* Waits until `deadline`: length of the answer's payload, OTTER_E_TIMEOUT, or OTTER_E_CLOSED. */
static int receive_answer(struct smp_client *client, const struct request *request,
                          uint64_t deadline)
{
    for (uint64_t now = now_ms(client); now < deadline; now = now_ms(client)) {
        uint8_t byte; /* one by one: what follows an answer belongs to the next */
        const int got =
            client->line.receive(client->line.ctx, &byte, 1, (unsigned)(deadline - now));
        struct smp_header header;
        if (got < 0)
            return got;
        const size_t size = got > 0 ? smp_receive(&client->receiver, byte) : 0;
        if (size > 0 && is_answer(client, request, size, &header))
            return header.length;
    }
    return OTTER_E_TIMEOUT;
}

static otter_status line_lost(struct failure *failure)
{
    return failed(failure, OTTER_E_IO,
                  "the connection to the board is lost: is it still plugged in "
                  "(or its emulator running)?");
}

static otter_status read_answer(struct smp_client *client, size_t length, struct answer *answer,
                                struct failure *failure)
{
    struct cbor_reader in;
    struct cbor_container map;
    *answer = (struct answer){.rc = 0, .off = NOT_SAID};
    cbor_reader_init(&in, client->in + SMP_FRAME_HEAD + SMP_HEADER_SIZE, length);
    cbor_read_map(&in, &map);
    while (cbor_next(&in, &map)) {
        const struct cbor_text key = cbor_read_key(&in);
        if (cbor_text_is(key, "rc"))
            answer->rc = (uint32_t)cbor_read_uint(&in, UINT32_MAX);
        else if (cbor_text_is(key, "off"))
            answer->off = (uint32_t)cbor_read_uint(&in, UINT32_MAX);
        else if (cbor_text_is(key, "buf_size"))
            answer->buf_size = (uint32_t)cbor_read_uint(&in, UINT32_MAX);
        else if (cbor_text_is(key, "r"))
            answer->text = cbor_read_text(&in);
        else {
            if (cbor_text_is(key, "images"))
                answer->images = in;
            cbor_skip(&in);
        }
    }
    return cbor_finish(&in) == OTTER_OK ? OTTER_OK
                                        : failed(failure, OTTER_E_MALFORMED,
                                                 "the board's answer makes no sense: is there an "
                                                 "SMP server on this console?");
}

/* Sends what begin_request began, again and again, until it is answered. */
static otter_status exchange(struct smp_client *client, const struct request *request,
                             const struct cbor_writer *out, struct answer *answer,
                             struct failure *failure)
{
    const uint64_t give_up = now_ms(client) + client->timeout_ms;
    const struct smp_header header = {.op = request->op,
                                      .length = (uint16_t)out->length,
                                      .group = request->group,
                                      .sequence = ++client->sequence,
                                      .command = request->command};
    smp_header_write(client->out + SMP_FRAME_HEAD, &header);
    const size_t size = smp_frame_seal(client->out, SMP_HEADER_SIZE + out->length);
    do {
        const uint64_t again = now_ms(client) + request->resend_ms;
        const otter_status sent = send_frame(client, size);
        if (sent != OTTER_OK && sent != OTTER_E_TIMEOUT)
            return line_lost(failure);
        const int length = receive_answer(client, request, again < give_up ? again : give_up);
        if (length == OTTER_E_CLOSED)
            return line_lost(failure);
        if (length >= 0)
            return read_answer(client, (size_t)length, answer, failure);
    } while (now_ms(client) < give_up);
    return failed(failure, OTTER_E_TIMEOUT, "the board has not answered for %u s",
                  client->timeout_ms / 1000);
}

static const char *error_text(uint32_t rc)
{
    switch (rc) {
    case SMP_E_UNKNOWN:
        return "it failed there, most likely at the flash";
    case SMP_E_MEMORY:
        return "out of memory";
    case SMP_E_INVALID:
        return "it finds the values wrong: no such slot, or the image does not fit";
    case SMP_E_NO_ENTRY:
        return "there is no such thing";
    case SMP_E_UNSUPPORTED:
        return "this bootloader does not know the command";
    case SMP_E_BUSY:
        return "it is busy";
    default:
        return "for a reason of its own";
    }
}

static otter_status refused(struct failure *failure, const char *what, uint32_t rc)
{
    return failed(failure, OTTER_E_REFUSED, "the board refuses %s: %s (rc %u)", what,
                  error_text(rc), rc);
}

/* ---- Commands -------------------------------------------------------------------------------- */

otter_status smp_connect(struct smp_client *client, void (*waiting)(void), struct failure *failure)
{
    const struct request request = {SMP_READ, SMP_GROUP_SYSTEM, SMP_PARAMETERS,
                                    CONNECT_INTERVAL_MS};
    const unsigned patience_ms = client->timeout_ms;
    struct cbor_writer out;
    struct answer answer;
    begin_request(client, &out);
    cbor_write_map(&out, 0);
    client->timeout_ms = patience_ms < 1000 ? patience_ms : 1000;
    otter_status status = exchange(client, &request, &out, &answer, failure);
    if (status == OTTER_E_TIMEOUT && patience_ms > 1000) {
        waiting();
        client->timeout_ms = patience_ms - 1000;
        status = exchange(client, &request, &out, &answer, failure);
    }
    client->timeout_ms = patience_ms;
    if (status == OTTER_E_TIMEOUT)
        return failed(failure, status,
                      "no answer within %u s. Is the board in recovery (no bootable image, or "
                      "reset while this waits)? Is this its console, at the right --baud? Has "
                      "another program opened it?",
                      patience_ms / 1000);
    if (status == OTTER_OK && answer.rc == 0 && answer.buf_size != 0)
        client->device_frame_max = answer.buf_size;
    return status;
}

otter_status smp_echo(struct smp_client *client, const char *text, struct failure *failure)
{
    const struct request request = {SMP_WRITE, SMP_GROUP_SYSTEM, SMP_ECHO, RESEND_MS};
    struct cbor_writer out;
    struct answer answer;
    begin_request(client, &out);
    cbor_write_map(&out, 1);
    cbor_write_text(&out, "d");
    cbor_write_text(&out, text);
    const otter_status status = exchange(client, &request, &out, &answer, failure);
    if (status != OTTER_OK)
        return status;
    if (answer.rc != 0)
        return refused(failure, "an echo", answer.rc);
    if (!cbor_text_is(answer.text, text))
        return failed(failure, OTTER_E_CORRUPT, "the board answers another text than '%s'", text);
    return OTTER_OK;
}

otter_status smp_reset(struct smp_client *client, struct failure *failure)
{
    const struct request request = {SMP_WRITE, SMP_GROUP_SYSTEM, SMP_RESET, RESEND_MS};
    struct cbor_writer out;
    struct answer answer;
    begin_request(client, &out);
    cbor_write_map(&out, 0);
    const otter_status status = exchange(client, &request, &out, &answer, failure);
    return status == OTTER_OK && answer.rc != 0 ? refused(failure, "to reset", answer.rc) : status;
}

static otter_status read_list(struct smp_client *client, uint8_t command, struct answer *answer,
                              struct failure *failure)
{
    /* Verifying all slots takes a small board seconds: do not press it. */
    const struct request request = {SMP_READ, SMP_GROUP_IMAGE, command, client->timeout_ms / 2 + 1};
    struct cbor_writer out;
    begin_request(client, &out);
    cbor_write_map(&out, 0);
    return exchange(client, &request, &out, answer, failure);
}

static void read_slot(struct cbor_reader *in, struct smp_slot *slot)
{
    struct cbor_container map;
    cbor_read_map(in, &map);
    while (cbor_next(in, &map)) {
        const struct cbor_text key = cbor_read_key(in);
        if (cbor_text_is(key, "slot"))
            slot->slot = (uint32_t)cbor_read_uint(in, UINT32_MAX);
        else if (cbor_text_is(key, "size"))
            slot->size = (uint32_t)cbor_read_uint(in, UINT32_MAX);
        else if (cbor_text_is(key, "upload_image_id"))
            slot->number = (uint32_t)cbor_read_uint(in, UINT32_MAX);
        else
            cbor_skip(in);
    }
}

/* One image's slots, added to the `count` there are; what holds for all of them may come last. */
static int read_image_slots(struct cbor_reader *in, struct smp_slot *slots, int count)
{
    struct cbor_container map;
    struct cbor_container list;
    struct smp_slot common = {0};
    const int first = count;
    cbor_read_map(in, &map);
    while (cbor_next(in, &map)) {
        const struct cbor_text key = cbor_read_key(in);
        if (cbor_text_is(key, "image")) {
            common.image = (uint32_t)cbor_read_uint(in, UINT32_MAX);
        } else if (cbor_text_is(key, "max_image_size")) {
            common.image_size_max = (uint32_t)cbor_read_uint(in, UINT32_MAX);
        } else if (cbor_text_is(key, "slots")) {
            cbor_read_array(in, &list);
            while (cbor_next(in, &list)) {
                struct smp_slot slot = {0};
                read_slot(in, &slot);
                if (count < SMP_SLOTS_MAX)
                    slots[count++] = slot;
            }
        } else {
            cbor_skip(in);
        }
    }
    for (int i = first; i < count; i++) {
        slots[i].image = common.image;
        slots[i].image_size_max = common.image_size_max;
    }
    return count;
}

int smp_slots(struct smp_client *client, struct smp_slot slots[SMP_SLOTS_MAX],
              struct failure *failure)
{
    struct answer answer;
    struct cbor_container list;
    int count = 0;
    const otter_status status = read_list(client, SMP_SLOT_INFO, &answer, failure);
    if (status != OTTER_OK || answer.rc != 0 || answer.images.next == NULL)
        return status;
    cbor_read_array(&answer.images, &list);
    while (cbor_next(&answer.images, &list))
        count = read_image_slots(&answer.images, slots, count);
    return count;
}

static void add_flag(struct smp_image *image, struct cbor_text name)
{
    const size_t length = strlen(image->flags);
    if (length + name.length + 2 > sizeof image->flags)
        return;
    if (length > 0)
        strcat(image->flags, " ");
    strncat(image->flags, name.data, name.length);
}

static void read_image(struct cbor_reader *in, struct smp_image *image)
{
    struct cbor_container map;
    cbor_read_map(in, &map);
    while (cbor_next(in, &map)) {
        const struct cbor_text key = cbor_read_key(in);
        if (cbor_text_is(key, "image")) {
            image->image = (uint32_t)cbor_read_uint(in, UINT32_MAX);
        } else if (cbor_text_is(key, "slot")) {
            image->slot = (uint32_t)cbor_read_uint(in, UINT32_MAX);
        } else if (cbor_text_is(key, "version")) {
            const struct cbor_text text = cbor_read_text(in);
            if (text.length < sizeof image->version)
                strncat(image->version, text.data ? text.data : "", text.length);
        } else if (cbor_text_is(key, "hash")) {
            const struct cbor_bytes hash = cbor_read_bytes(in);
            image->has_hash = hash.length == sizeof image->hash;
            if (image->has_hash)
                memcpy(image->hash, hash.data, sizeof image->hash);
        } else if (cbor_peek(in) == CBOR_BOOL) {
            if (cbor_read_bool(in))
                add_flag(image, key);
        } else {
            cbor_skip(in);
        }
    }
}

int smp_images(struct smp_client *client, struct smp_image images[SMP_SLOTS_MAX],
               struct failure *failure)
{
    struct answer answer;
    struct cbor_container list;
    int count = 0;
    const otter_status status = read_list(client, SMP_IMAGE_STATE, &answer, failure);
    if (status != OTTER_OK)
        return status;
    if (answer.rc != 0)
        return refused(failure, "to list its images", answer.rc);
    if (answer.images.next == NULL)
        return 0;
    cbor_read_array(&answer.images, &list);
    while (cbor_next(&answer.images, &list)) {
        struct smp_image image = {0};
        read_image(&answer.images, &image);
        if (count < SMP_SLOTS_MAX)
            images[count++] = image;
    }
    return count;
}

/* ---- Upload ---------------------------------------------------------------------------------- */

/* As much as the device takes in one frame, in whole write units. */
static uint32_t chunk_size(const struct smp_client *client)
{
    const size_t overhead = SMP_FRAME_OVERHEAD + SMP_HEADER_SIZE + CHUNK_KEYS;
    const size_t frame =
        client->device_frame_max < SMP_FRAME_MAX ? client->device_frame_max : SMP_FRAME_MAX;
    return frame > overhead + CHUNK_UNIT ? (uint32_t)((frame - overhead) & ~(CHUNK_UNIT - 1))
                                         : CHUNK_UNIT;
}

static otter_status send_chunk(struct smp_client *client, const struct smp_upload *upload,
                               uint32_t offset, struct answer *answer, struct failure *failure)
{
    /* The first one may erase a whole slot, and would erase it again when sent again. */
    const struct request request = {SMP_WRITE, SMP_GROUP_IMAGE, SMP_IMAGE_UPLOAD,
                                    offset == 0 ? client->timeout_ms / 2 + 1 : RESEND_MS};
    const uint32_t left = upload->size - offset;
    const uint32_t most = chunk_size(client);
    struct cbor_writer out;
    begin_request(client, &out);
    cbor_write_map_indefinite(&out);
    if (offset == 0) {
        cbor_write_text(&out, "image");
        cbor_write_uint(&out, upload->number);
        cbor_write_text(&out, "len");
        cbor_write_uint(&out, upload->size);
    }
    cbor_write_text(&out, "off");
    cbor_write_uint(&out, offset);
    cbor_write_text(&out, "data");
    cbor_write_bytes(&out, upload->data + offset, left < most ? left : most);
    cbor_write_end(&out);
    return exchange(client, &request, &out, answer, failure);
}

otter_status smp_upload(struct smp_client *client, const struct smp_upload *upload,
                        struct failure *failure)
{
    uint32_t offset = 0;
    int stalls = 0;
    int restarts = 0;
    while (offset < upload->size) {
        struct answer answer;
        const otter_status status = send_chunk(client, upload, offset, &answer, failure);
        if (status != OTTER_OK)
            return status;
        if (answer.rc != 0)
            return refused(failure, "the image", answer.rc);
        if (answer.off > upload->size)
            return failed(failure, OTTER_E_MALFORMED,
                          "the board wants to go on behind the end of the image");
        stalls = answer.off > offset ? 0 : stalls + 1;
        restarts += answer.off == 0 && offset > 0;
        if (stalls > STALLS_MAX || restarts > RESTARTS_MAX)
            return failed(failure, OTTER_E_IO,
                          "the board does not take the bytes from offset %u on: its flash may be "
                          "at fault",
                          offset);
        offset = answer.off;
        upload->progress(upload->ctx, offset);
    }
    return OTTER_OK;
}
