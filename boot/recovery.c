/* Serial recovery: the SMP server. Answers are indefinite maps, as MCUboot's. */
#include "boot/recovery.h"

#include <string.h>

#include "codec/cbor.h"

/* What any request may say. What it does not say, or all if it is not well-formed: NOT_SAID, NULL.
 */
struct request {
    uint32_t image;
    uint32_t total;
    uint32_t offset;
    struct cbor_bytes data;
    struct cbor_text text;
};
#define NOT_SAID UINT32_MAX

/* Each handler either writes the content of the answer's map or returns what "rc" is to be in its
 * place. */
struct exchange {
    struct recovery *recovery;
    struct request request;
    struct cbor_writer out;
    otter_ms now;
};

void recovery_init(struct recovery *recovery, const struct recovery_config *config)
{
    memset(recovery, 0, sizeof *recovery);
    recovery->config = config;
    recovery->reset_at = OTTER_NEVER;
    smp_receiver_init(&recovery->receiver, recovery->request, sizeof recovery->request);
}

bool recovery_heard(const struct recovery *recovery)
{
    return recovery->heard;
}

bool recovery_reset_due(const struct recovery *recovery, otter_ms now)
{
    return now >= recovery->reset_at;
}

static void feed(const struct recovery *recovery)
{
    const struct boot_hooks *hooks = &recovery->config->boot->hooks;
    if (hooks->feed != NULL)
        hooks->feed(hooks->ctx);
}

static void write_pair(struct cbor_writer *out, const char *key, uint32_t value)
{
    cbor_write_text(out, key);
    cbor_write_uint(out, value);
}

static void begin_list(struct cbor_writer *out, const char *key)
{
    cbor_write_text(out, key);
    cbor_write_array_indefinite(out);
}

/* ---- The system group ------------------------------------------------------------------------ */

static enum smp_error echo(struct exchange *exchange)
{
    const struct cbor_text text = exchange->request.text;
    if (text.data == NULL)
        return SMP_E_INVALID;
    cbor_write_text(&exchange->out, "r");
    cbor_write_text_view(&exchange->out, text.data, text.length);
    return SMP_OK;
}

/* There is no echo to switch. */
static enum smp_error console_echo(struct exchange *exchange)
{
    write_pair(&exchange->out, "rc", SMP_OK);
    return SMP_OK;
}

static enum smp_error reset(struct exchange *exchange)
{
    exchange->recovery->reset_at = exchange->now + RECOVERY_RESET_DELAY_MS;
    write_pair(&exchange->out, "rc", SMP_OK);
    return SMP_OK;
}

static enum smp_error parameters(struct exchange *exchange)
{
    write_pair(&exchange->out, "buf_size", RECOVERY_REQUEST_MAX);
    write_pair(&exchange->out, "buf_count", 1);
    return SMP_OK;
}

/* ---- The image list -------------------------------------------------------------------------- */

/* The payload of the request is no longer needed: its buffer serves for hashing. */
static bool is_valid(struct recovery *recovery, const struct flash_area *area,
                     struct image_check *check)
{
    const struct recovery_config *config = recovery->config;
    otter_status status =
        image_check_init(check, area, config->image_size_max, &config->boot->policy);
    if (status != OTTER_OK)
        return false;
    do {
        feed(recovery);
        status = image_check_step(check, recovery->request, sizeof recovery->request);
    } while (status == OTTER_E_AGAIN);
    return status == OTTER_OK && check->verdict == IMAGE_ACCEPTED;
}

/* mcumgr's words for an image and for what the next boot will do with it. */
enum { BOOTABLE = 1, CONFIRMED = 2, ACTIVE = 4, PENDING = 8, PERMANENT = 16 };
static const char flag_names[][10] = {"bootable", "confirmed", "active", "pending", "permanent"};

static const uint8_t swap_flags[][2] = {
    [SWAP_NONE] = {CONFIRMED | ACTIVE, 0},
    [SWAP_TEST] = {CONFIRMED, PENDING},
    [SWAP_PERM] = {CONFIRMED, PENDING | PERMANENT},
    [SWAP_REVERT] = {ACTIVE, CONFIRMED},
};

static void write_flags(struct cbor_writer *out, unsigned flags)
{
    for (unsigned i = 0; i < sizeof flag_names / sizeof flag_names[0]; i++) {
        if ((flags >> i & 1) != 0) {
            cbor_write_text(out, flag_names[i]);
            cbor_write_bool(out, true);
        }
    }
}

/* "1.2.3", and ".4" for the build number. */
static void write_version(struct cbor_writer *out, const struct image_version *version)
{
    char text[IMAGE_VERSION_TEXT_SIZE];
    image_version_format(version, text);
    char *build = strchr(text, '+');
    if (build != NULL)
        *build = '.';
    cbor_write_text(out, "version");
    cbor_write_text(out, text);
}

static enum swap_type next_swap(const struct boot_config *boot, const struct boot_slots *slots)
{
    struct trailer primary;
    struct trailer secondary;
    trailer_read(slots->primary, boot->max_align, &primary);
    trailer_read(slots->secondary, boot->max_align, &secondary);
    return trailer_next_swap(&primary, &secondary);
}

static void list_slot(struct exchange *exchange, uint8_t image, uint8_t slot)
{
    const struct boot_config *boot = exchange->recovery->config->boot;
    const struct boot_slots *slots = &boot->images[image];
    struct cbor_writer *out = &exchange->out;
    struct image_check check;
    if (!is_valid(exchange->recovery, slot == 0 ? slots->primary : slots->secondary, &check))
        return;
    cbor_write_map_indefinite(out);
    if (boot->image_count > 1)
        write_pair(out, "image", image);
    write_flags(out, swap_flags[next_swap(boot, slots)][slot] |
                         (check.image.header.flags & IMAGE_FLAG_NON_BOOTABLE ? 0 : BOOTABLE));
    write_pair(out, "slot", slot);
    cbor_write_text(out, "hash");
    cbor_write_bytes(out, check.hash, sizeof check.hash);
    write_version(out, &check.image.header.version);
    cbor_write_end(out);
}

static enum smp_error list(struct exchange *exchange)
{
    begin_list(&exchange->out, "images");
    for (uint8_t i = 0; i < 2 * exchange->recovery->config->boot->image_count; i++)
        list_slot(exchange, i / 2, i % 2);
    cbor_write_end(&exchange->out);
    return SMP_OK;
}

/* ---- Upload ---------------------------------------------------------------------------------- */

/* 1 and 2 are the slots of the first image, 3 and 4 of the second; 0 is the one that is started. */
static const struct flash_area *target_area(const struct boot_config *boot, uint32_t number)
{
    const uint32_t index = number == 0 ? 0 : number - 1;
    if (index >= 2u * boot->image_count)
        return NULL;
    const struct boot_slots *slots = &boot->images[index / 2];
    return index % 2 == 0 ? slots->primary : slots->secondary;
}

static enum smp_error slot_info(struct exchange *exchange)
{
    const struct recovery_config *config = exchange->recovery->config;
    struct cbor_writer *out = &exchange->out;
    begin_list(out, "images");
    for (uint8_t image = 0; image < config->boot->image_count; image++) {
        cbor_write_map_indefinite(out);
        write_pair(out, "image", image);
        begin_list(out, "slots");
        for (uint8_t slot = 0; slot < 2; slot++) {
            const uint32_t number = image * 2u + slot + 1;
            cbor_write_map_indefinite(out);
            write_pair(out, "slot", slot);
            write_pair(out, "size", target_area(config->boot, number)->size);
            write_pair(out, "upload_image_id", number);
            cbor_write_end(out);
        }
        cbor_write_end(out);
        write_pair(out, "max_image_size", config->image_size_max);
        cbor_write_end(out);
    }
    cbor_write_end(out);
    return SMP_OK;
}

static otter_status erase_last_sector(const struct flash_area *area)
{
    const struct flash_sector sector = flash_sector_at(area, area->size - 1);
    return flash_erase(area, sector.offset, sector.size);
}

/* Erased whatever is there: an erase that was torn may read as complete. */
static otter_status forget_swaps(const struct recovery *recovery, const struct flash_area *area)
{
    const struct boot_config *boot = recovery->config->boot;
    otter_status status = OTTER_OK;
    feed(recovery);
    if (boot->scratch != NULL && area == boot->images[0].primary)
        status = erase_last_sector(boot->scratch);
    return status == OTTER_OK ? erase_last_sector(area) : status;
}

static enum smp_error begin_upload(struct recovery *recovery, const struct request *chunk)
{
    const struct flash_area *area =
        target_area(recovery->config->boot, chunk->image == NOT_SAID ? 0 : chunk->image);
    recovery->upload.next = 0;
    recovery->upload.erased_end = 0;
    recovery->upload.total = chunk->total;
    if (area == NULL || chunk->total == 0 || chunk->total > area->size)
        return SMP_E_INVALID;
    if (forget_swaps(recovery, area) != OTTER_OK)
        return SMP_E_UNKNOWN;
    recovery->upload.area = area;
    return SMP_OK;
}

static otter_status erase_ahead(struct recovery *recovery, uint32_t end)
{
    otter_status status = OTTER_OK;
    while (status == OTTER_OK && recovery->upload.erased_end < end) {
        const struct flash_sector sector =
            flash_sector_at(recovery->upload.area, recovery->upload.erased_end);
        feed(recovery);
        status = flash_erase(recovery->upload.area, sector.offset, sector.size);
        recovery->upload.erased_end = sector.offset + sector.size;
    }
    return status;
}

/* Whole write units; the rest of them only at the end of the image, filled up. */
static otter_status store_data(struct recovery *recovery, const struct cbor_bytes *data)
{
    const struct flash_area *area = recovery->upload.area;
    const uint32_t offset = recovery->upload.next;
    const uint32_t unit = area->flash->write_size;
    const uint32_t length = (uint32_t)data->length;
    const uint32_t whole = length - length % unit;
    const bool is_last = offset + length == recovery->upload.total;
    const uint32_t rest = is_last ? length - whole : 0;
    uint8_t last[FLASH_WRITE_SIZE_MAX];
    memset(last, area->flash->erased_value, sizeof last);
    memcpy(last, data->data + whole, rest);

    otter_status status = erase_ahead(recovery, offset + whole + rest);
    if (status == OTTER_OK && whole > 0)
        status = flash_program(area, offset, data->data, whole);
    if (status == OTTER_OK && rest > 0)
        status = flash_program(area, offset + whole, last, unit);
    recovery->upload.next = offset + whole + rest;
    return status;
}

static enum smp_error continue_upload(struct recovery *recovery, const struct request *chunk)
{
    if (chunk->offset != recovery->upload.next)
        return SMP_OK; /* the answer says which offset is expected */
    if (chunk->data.length > recovery->upload.total - recovery->upload.next)
        return SMP_E_INVALID;
    if (store_data(recovery, &chunk->data) == OTTER_OK)
        return SMP_OK;
    recovery->upload.next = 0; /* the flash failed: only a new upload helps */
    return SMP_E_UNKNOWN;
}

static enum smp_error upload(struct exchange *exchange)
{
    struct recovery *recovery = exchange->recovery;
    const struct request *chunk = &exchange->request;
    enum smp_error error = SMP_OK;
    if (chunk->data.data == NULL || chunk->offset == NOT_SAID)
        return SMP_E_INVALID;
    if (chunk->offset == 0)
        error = begin_upload(recovery, chunk);
    if (error == SMP_OK)
        error = continue_upload(recovery, chunk);
    if (error != SMP_OK)
        return error;
    write_pair(&exchange->out, "rc", SMP_OK);
    write_pair(&exchange->out, "off", recovery->upload.next);
    return SMP_OK;
}

/* ---- Requests and answers -------------------------------------------------------------------- */

struct command {
    uint8_t op;
    uint8_t group;
    uint8_t command;
    enum smp_error (*handle)(struct exchange *exchange);
};

static const struct command commands[] = {
    {SMP_WRITE, SMP_GROUP_SYSTEM, SMP_ECHO, echo},
    {SMP_WRITE, SMP_GROUP_SYSTEM, SMP_CONSOLE_ECHO, console_echo},
    {SMP_WRITE, SMP_GROUP_SYSTEM, SMP_RESET, reset},
    {SMP_READ, SMP_GROUP_SYSTEM, SMP_PARAMETERS, parameters},
    {SMP_READ, SMP_GROUP_IMAGE, SMP_IMAGE_STATE, list},
    {SMP_WRITE, SMP_GROUP_IMAGE, SMP_IMAGE_UPLOAD, upload},
    {SMP_READ, SMP_GROUP_IMAGE, SMP_SLOT_INFO, slot_info},
};

static uint32_t *number_of_key(struct request *request, struct cbor_text key)
{
    return cbor_text_is(key, "off")     ? &request->offset
           : cbor_text_is(key, "len")   ? &request->total
           : cbor_text_is(key, "image") ? &request->image
                                        : NULL;
}

static void read_request(struct request *request, const uint8_t *payload, size_t length)
{
    static const struct request nothing = {NOT_SAID, NOT_SAID, NOT_SAID, {NULL, 0}, {NULL, 0}};
    struct cbor_reader in;
    struct cbor_container map;
    *request = nothing;
    cbor_reader_init(&in, payload, length);
    cbor_read_map(&in, &map);
    while (cbor_next(&in, &map)) {
        const struct cbor_text key = cbor_read_key(&in);
        uint32_t *number = number_of_key(request, key);
        if (number != NULL)
            *number = (uint32_t)cbor_read_uint(&in, NOT_SAID - 1);
        else if (cbor_text_is(key, "data"))
            request->data = cbor_read_bytes(&in);
        else if (cbor_text_is(key, "d"))
            request->text = cbor_read_text(&in);
        else
            cbor_skip(&in);
    }
    if (cbor_finish(&in) != OTTER_OK)
        *request = nothing;
}

static enum smp_error handle(struct exchange *exchange, const struct smp_header *header)
{
    for (unsigned i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        const struct command *command = &commands[i];
        if (command->op == header->op && command->group == header->group &&
            command->command == header->command)
            return command->handle(exchange);
    }
    return SMP_E_UNSUPPORTED;
}

static void begin_answer(struct recovery *recovery, struct cbor_writer *out)
{
    cbor_writer_init(out, recovery->answer + SMP_FRAME_HEAD + SMP_HEADER_SIZE,
                     sizeof recovery->answer - SMP_FRAME_OVERHEAD - SMP_HEADER_SIZE);
    cbor_write_map_indefinite(out);
}

static void send_answer(struct recovery *recovery, struct smp_header header, size_t length)
{
    const struct recovery_config *config = recovery->config;
    char line[SMP_LINE_MAX + 1];
    header.op++;
    header.length = (uint16_t)length;
    smp_header_write(recovery->answer + SMP_FRAME_HEAD, &header);
    const size_t size = smp_frame_seal(recovery->answer, SMP_HEADER_SIZE + length);
    for (size_t at = 0; at < size; at += SMP_LINE_DATA)
        config->write(config->ctx, line, smp_frame_line(recovery->answer, size, at, line));
}

static void serve(struct recovery *recovery, size_t packet_size, otter_ms now)
{
    const uint8_t *packet = recovery->request + SMP_FRAME_HEAD;
    struct exchange exchange = {.recovery = recovery, .now = now};
    struct smp_header header;
    if (!smp_header_read(packet, packet_size, &header) ||
        (header.op != SMP_READ && header.op != SMP_WRITE))
        return;
    recovery->heard = true;
    read_request(&exchange.request, packet + SMP_HEADER_SIZE, header.length);
    begin_answer(recovery, &exchange.out);
    enum smp_error error = handle(&exchange, &header);
    cbor_write_end(&exchange.out);
    if (error == SMP_OK && cbor_written(&exchange.out) < 0)
        error = SMP_E_MEMORY;
    if (error != SMP_OK) {
        begin_answer(recovery, &exchange.out);
        write_pair(&exchange.out, "rc", error);
        cbor_write_end(&exchange.out);
    }
    send_answer(recovery, header, exchange.out.length);
}

void recovery_input(struct recovery *recovery, const void *data, size_t length, otter_ms now)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < length; i++) {
        const size_t packet_size = smp_receive(&recovery->receiver, bytes[i]);
        if (packet_size > 0)
            serve(recovery, packet_size, now);
    }
}
