/* The steps of an update: header, journal, blocks, check, request to the bootloader. */
#include <string.h>

#include "image/trailer.h"
#include "port/log.h"
#include "pki/pki.h"
#include "services/ota/agent.h"

#define RESTARTS_MAX       5u
#define SLOT_AGAIN_MS      500u
#define SLOT_SILENT_MAX_MS 30000u
#define REPAIRS_MAX        3u
#define TLV_INFO_SIZE      4u

struct ota_file ota_job_file(const struct ota *ota)
{
    return (struct ota_file){.size = ota->record.job.file_size,
                             .block_size = ota->config.block_size,
                             .id = ota->record.job.file_id};
}

/* --- the source of its blocks --- */

static bool on_block(void *ctx, otter_ms now, const struct ota_block *block);
static void on_refusal(void *ctx, otter_ms now, bool for_good, const char *text);

/* The record may be of a firmware that had other sources. */
void ota_choose_source(struct ota *ota)
{
    const struct ota_config *config = &ota->config;
    const struct ota_job *job = &ota->record.job;
    unsigned i = ota_sources(ota);
    do
        ota->source = config->sources[--i];
    while (i > 0 && ota->source->ops->protocol != job->protocol);
#if OTA_SOURCES_MAX > 1
    ota->source_at = (uint8_t)i;
    ota->gives_up = false;
#endif
    ota->source->job = job;
    ota->source->wants_document = ota->source->ops->rereads;
    ota->source->on_block = on_block;
    ota->source->on_refusal = on_refusal;
    ota->source->ctx = ota;
}

#if OTA_SOURCES_MAX > 1
enum ota_event ota_give_up_source(struct ota *ota, otter_ms now, enum ota_event failure)
{
    if (ota->gives_up || ota->source_at + 1u >= ota->config.source_count)
        return failure;
    LOG_WRN(OTA_TAG, "%s; looking for another source", ota->record.reason);
    ota->gives_up = ota->source->wants_document = true;
    ota->silent_ms = 0;
    ota_restart_deadline(ota, now);
    return OTA_EV_NONE;
}
#endif

/* Not before the source knows where. */
static int ask(struct ota *ota, otter_ms now, const uint16_t *blocks, uint32_t count)
{
    struct ota_source *source = ota->source;
    return source->wants_document ? (int)OTTER_E_AGAIN
                                  : source->ops->request(source, now, blocks, count);
}

/* --- is the image one that this device should take? --- */

enum ota_event ota_check_version(struct ota *ota)
{
    char offered[IMAGE_VERSION_TEXT_SIZE];
    char running[IMAGE_VERSION_TEXT_SIZE];
    const struct image_version in_place = ota_version_in_place(ota, ota_image(ota));
    image_version_format(&ota->record.version, offered);
    image_version_format(&in_place, running);
    if (image_version_compare(&ota->record.version, &in_place) <= 0)
        return ota_fail(ota, "version %s is not above the running %s", offered, running);
    LOG_INF(OTA_TAG, "version %s is offered, %s is running", offered, running);
    return OTA_EV_HEADER;
}

static bool runs_there(const struct ota *ota, const struct image_header *header)
{
    return OTA_SLOTS_KEPT || ota->config.slot_address == 0 ||
           ((header->flags & IMAGE_FLAG_ROM_FIXED) != 0 &&
            header->load_address == ota->config.slot_address);
}

static enum ota_event read_header(struct ota *ota, const struct ota_block *block)
{
    struct image_header header;
    const uint32_t size = ota->record.job.file_size;
    if (block->length < IMAGE_HEADER_SIZE)
        return OTA_EV_NONE;
    const otter_status status = image_header_parse(block->data, &header);
#if OTA_STAGING
    ota->record.job.transform = 0;
    if (status == OTTER_E_NOT_FOUND && ota->config.staging != NULL)
        return ota_read_patch(ota, block);
#endif
    if (status == OTTER_E_NOT_FOUND)
        return ota_fail(ota, "the file is no signed image: no image magic at its start");
    if (status != OTTER_OK)
        return ota_fail(ota, "image header: %s", otter_status_text(status));
    ota->record.version = header.version;
    const uint64_t least =
        (uint64_t)header.header_size + header.payload_size + header.protected_size + TLV_INFO_SIZE;
    if (least > size)
        return ota_fail(ota, "image header says at least %lu bytes, the file has %lu",
                        (unsigned long)least, (unsigned long)size);
    if (!runs_there(ota, &header))
        return ota_fail(ota, "the image is not linked for the slot that is free (0x%08lx)",
                        (unsigned long)ota->config.slot_address);
    return ota_check_version(ota);
}

otter_status ota_send_probe(struct ota *ota, otter_ms now)
{
    static const uint16_t first = 0;
    ota->source->file = ota_job_file(ota);
    ota->source->file.block_size = OTA_PROBE_SIZE;
    const int asked = ask(ota, now, &first, 1);
    return asked > 0 ? OTTER_OK : OTTER_E_AGAIN;
}

enum ota_event ota_take_job(struct ota *ota, otter_ms now)
{
    (void)now;
    ota->record.phase = OTA_RECORD_ACCEPT;
    return ota_save(ota) ? OTA_EV_NONE : ota_fail(ota, "the device's store is full or broken");
}

enum ota_event ota_job_accepted(struct ota *ota, otter_ms now)
{
    (void)now;
    LOG_INF(OTA_TAG, "job %s accepted", ota->record.job.id);
    ota->rounds = 0;
    ota->record.phase = OTA_RECORD_DOWNLOAD;
    return ota_save(ota) ? OTA_EV_NONE : ota_fail(ota, "the device's store is full or broken");
}

/* --- journal --- */

static void hash_number(struct image_sha256 *sha, uint32_t number)
{
    const uint8_t bytes[4] = {(uint8_t)number, (uint8_t)(number >> 8), (uint8_t)(number >> 16),
                              (uint8_t)(number >> 24)};
    image_sha256_update(sha, bytes, sizeof bytes);
}

void ota_journal_key(const struct ota *ota, uint8_t key[OTA_PROGRESS_KEY_SIZE])
{
    const struct ota_record *record = &ota->record;
    const struct ota_job *job = &record->job;
    struct image_sha256 sha;
    uint8_t digest[IMAGE_HASH_SIZE];
    image_sha256_init(&sha);
    image_sha256_update(&sha, job->id, sizeof job->id);
    image_sha256_update(&sha, job->stream, sizeof job->stream);
    image_sha256_update(&sha, job->signature, sizeof job->signature);
    hash_number(&sha, job->execution);
    hash_number(&sha, record->epoch);
    hash_number(&sha, job->file_id);
    hash_number(&sha, job->file_size);
    hash_number(&sha, ota->config.block_size);
    image_sha256_finish(&sha, digest);
    memcpy(key, digest, OTA_PROGRESS_KEY_SIZE);
}

static otter_status open_journal(struct ota *ota)
{
    uint8_t key[OTA_PROGRESS_KEY_SIZE];
    const struct ota_file file = ota_job_file(ota);
    ota_journal_key(ota, key);
    return ota_progress_open(&ota->progress, ota->config.progress, ota_landing(ota), &file, key);
}

static void begin_journal(struct ota *ota)
{
    uint8_t key[OTA_PROGRESS_KEY_SIZE];
    const struct ota_file file = ota_job_file(ota);
    ota_journal_key(ota, key);
    ota_progress_begin(&ota->progress, ota->config.progress, ota_landing(ota), &file, key);
}

/* In phase TRIAL only while the bootloader has not yet taken up the request. */
static bool under_way(const struct ota *ota)
{
    const uint8_t phase = ota->record.phase;
    if (ota->on_trial || ota_ours_is_new(ota) || phase == OTA_RECORD_NONE)
        return false;
    return phase == OTA_RECORD_TRIAL ? ota_swap_pending(ota) : phase < OTA_RECORD_TRIAL;
}

/* At boot: a record of another block size or of a firmware that has been replaced since starts
 * afresh: its secondary slot may hold something else by now. */
void ota_recall_download(struct ota *ota)
{
    struct ota_record *record = &ota->record;
    if (!under_way(ota))
        return;
    if (image_version_compare(&record->previous, &ota->running) != 0) {
        record->epoch++;
        record->previous = ota->running;
#if OTA_IMAGES_MAX > 1
        ota_set_start_over(ota);
#endif
        (void)ota_save(ota);
    }
#if OTA_STAGING
    if (ota_is_patch(ota) && ota_choose_landing(ota) != OTTER_OK)
        return;
#endif
    if (record->job.file_size > ota_size_max(ota, ota_image(ota)) || open_journal(ota) != OTTER_OK)
        ota->progress.stored = 0;
}

/* When the device comes on line for the first time since its start: one that restarts again and
 * again without getting on must not do so for ever. A life without the cloud says nothing about the
 * update. */
void ota_count_restart(struct ota *ota)
{
    struct ota_record *record = &ota->record;
    if (!under_way(ota))
        return;
    uint32_t stored = ota->progress.stored;
#if OTA_STAGING
    stored += ota_bytes_patched(ota) / ota->config.block_size;
#endif
    record->restarts = stored > record->blocks_at_boot ? 0 : (uint8_t)(record->restarts + 1u);
    record->blocks_at_boot = stored;
    if (record->restarts > RESTARTS_MAX) {
        (void)ota_fail(ota, "no progress after %u restarts", RESTARTS_MAX);
        LOG_ERR(OTA_TAG, "update failed: %s", record->reason);
        if (OTA_IMAGES_MAX > 1 && record->phase >= OTA_RECORD_INSTALL)
            (void)ota_withdraw(ota);
        record->phase = OTA_RECORD_FINISHED;
    }
    (void)ota_save(ota);
}

static enum ota_event prepared(struct ota *ota, otter_ms now)
{
    ota->source->file = ota_job_file(ota);
    ota_download_init(&ota->work.download, &ota->progress, ota->config.window,
                      ota->source->ops->request_max);
    ota->reported_blocks = ota->progress.stored;
    ota->reported_at = now;
    ota->silent_ms = 0;
    ota->slot_silent = false;
    if (ota->progress.resumed)
        LOG_INF(OTA_TAG, "going on at block %lu/%lu", (unsigned long)ota->progress.stored,
                (unsigned long)ota->progress.blocks);
    return OTA_EV_PREPARED;
}

/* Before the first file no trailer must be left, before the others only theirs. */
static bool first_of_its_job(const struct ota *ota)
{
#if OTA_IMAGES_MAX > 1
    return ota->record.job.set.current == 0;
#else
    (void)ota;
    return true;
#endif
}

/* Of images beside the job's, too: an earlier job may have left one that waits for another. The one
 * at work comes last. */
otter_status ota_withdraw(const struct ota *ota)
{
    otter_status status = OTTER_OK;
    for (unsigned i = 1; i <= ota_images(ota) && status == OTTER_OK; i++)
        status = trailer_prepare(ota_secondary(ota, (ota_image(ota) + i) % ota_images(ota)));
    return status;
}

/* Order: is there a journal? if not, first the old trailer goes, so that the bootloader can never
 * take a half written slot for a candidate; then the old journal; its new header comes last. */
enum ota_event ota_prepare(struct ota *ota, otter_ms now)
{
    otter_status status = OTTER_E_AGAIN;
    ota->busy = true;
    switch (ota->starting) {
    case 0:
#if OTA_STAGING
        if (ota_is_patch(ota) && ota_choose_landing(ota) != OTTER_OK)
            return ota_fail(ota, "the firmware that runs now cannot use the file");
#endif
        status = open_journal(ota);
        if (status == OTTER_OK)
            return prepared(ota, now);
        if (status == OTTER_E_CORRUPT)
            return ota_start_over(ota, now);
        ota->starting = 1;
        break;
    case 1:
        /* Where both slots can run, a newer image is started though nobody asked for it yet, unless
         * the one that runs is confirmed. One that a programmer put there may not be. */
        if (!OTA_SLOTS_KEPT && ota->config.slot_address != 0)
            (void)trailer_request(ota_primary(ota, 0), ota_trailer_align(ota), true);
        status = first_of_its_job(ota) ? ota_withdraw(ota) : trailer_prepare(ota_candidate(ota));
        begin_journal(ota);
        ota->starting = 2;
        break;
    default:
        status = ota_progress_begin_step(&ota->progress);
        if (status == OTTER_OK)
            return prepared(ota, now);
        break;
    }
    if (status != OTTER_OK && status != OTTER_E_AGAIN && status != OTTER_E_NOT_FOUND)
        return ota_fail(ota, "preparing the flash: %s", otter_status_text(status));
    return OTA_EV_NONE;
}

enum ota_event ota_start_over(struct ota *ota, otter_ms now)
{
    (void)now;
    LOG_WRN(OTA_TAG, "the journal of blocks is full or unreliable; starting the download over");
    ota->record.epoch++;
    ota->record.blocks_at_boot = 0;
    return ota_save(ota) ? OTA_EV_NONE : ota_fail(ota, "the device's store is full or broken");
}

/* --- blocks --- */

static bool take_block(struct ota *ota, otter_ms now, const struct ota_block *block)
{
    const otter_status status = ota_download_store(&ota->work.download, block);
    if (status == OTTER_E_STATE) {
        ota->blocks_duplicate++;
    } else if (status == OTTER_E_AGAIN) {
        LOG_WRN(OTA_TAG, "flash did not take block %lu; trying again",
                (unsigned long)block->number);
    } else if (status == OTTER_E_NO_SPACE) {
        ota_dispatch(ota, now, OTA_EV_START_OVER);
    } else if (status != OTTER_OK) {
        ota_dispatch(ota, now,
                     ota_fail(ota, "writing block %lu to flash: %s", (unsigned long)block->number,
                              otter_status_text(status)));
    } else {
        ota->silent_ms = 0;
        ota->retries = 0;
        ota_restart_deadline(ota, now);
        ota_notify(ota);
        return true;
    }
    return false;
}

static void probed(struct ota *ota, otter_ms now, const struct ota_block *block)
{
    enum ota_event event = read_header(ota, block);
#if OTA_IMAGES_MAX > 1
    if (event == OTA_EV_HEADER && ota->record.job.set.count > 0)
        event = ota_set_probed(ota, now);
#endif
    ota_dispatch(ota, now, event);
}

static bool on_block(void *ctx, otter_ms now, const struct ota_block *block)
{
    struct ota *ota = ctx;
    ota->wake = 0;
    if (ota->state == OTA_DOWNLOADING)
        return take_block(ota, now, block);
    if (ota->state == OTA_PROBING && block->number == 0)
        probed(ota, now, block);
    return false;
}

static void on_refusal(void *ctx, otter_ms now, bool for_good, const char *text)
{
    struct ota *ota = ctx;
    if ((ota->state != OTA_PROBING && ota->state != OTA_DOWNLOADING) || ota_gives_up(ota))
        return;
    ota->wake = 0;
    if (for_good)
        ota_dispatch(ota, now, ota_give_up_source(ota, now, ota_fail(ota, "%s", text)));
    else
        LOG_WRN(OTA_TAG, "%s", text);
}

/* OTTER_E_AGAIN when it could not go out. */
static otter_status send_request(struct ota *ota, otter_ms now)
{
    struct ota_download *download = &ota->work.download;
    uint16_t blocks[OTA_WINDOW_MAX];
    const uint32_t due = ota_download_due(download, blocks);
    if (due == 0)
        return OTTER_OK;
    const int asked = ask(ota, now, blocks, due);
    if (asked <= 0)
        return OTTER_E_AGAIN;
    if (download->in_flight == 0) /* the wait for blocks begins now */
        ota_restart_deadline(ota, now);
    ota_download_requested(download, blocks, (uint32_t)asked);
    ota->requests_sent++;
    return OTTER_OK;
}

static void report_progress(struct ota *ota, otter_ms now)
{
    const struct ota_progress *progress = &ota->progress;
    const uint32_t news = progress->stored - ota->reported_blocks;
    if (progress->stored <= ota->reported_blocks || progress->stored == progress->blocks)
        return;
    if (now - ota->reported_at < ota->config.progress_period_ms &&
        news < (progress->blocks + 9u) / 10u)
        return;
    if (ota_send_progress(ota, now) != OTTER_OK)
        return;
    ota->reported_blocks = progress->stored;
    ota->reported_at = now;
}

/* The flash of the new image does not answer. One beside the chip may be busy with itself for
 * seconds. */
static enum ota_event wait_for_slot(struct ota *ota, otter_ms now)
{
    if (!ota->slot_silent) {
        LOG_WRN(OTA_TAG, "the new image's flash does not answer; waiting for it");
        ota->slot_silent_at = now;
    }
    ota->slot_silent = true;
    ota->busy = false;
    ota->wake = now + SLOT_AGAIN_MS;
    if (now - ota->slot_silent_at < SLOT_SILENT_MAX_MS)
        return OTA_EV_NONE;
    return ota_fail(ota, "the new image's flash did not answer for %u s",
                    SLOT_SILENT_MAX_MS / 1000u);
}

enum ota_event ota_work_download(struct ota *ota, otter_ms now)
{
    struct ota_download *download = &ota->work.download;
    if (ota_download_complete(download))
        return OTA_EV_COMPLETE;
    const otter_status status = ota_download_prepare(download);
    if (status == OTTER_E_NO_SPACE)
        return OTA_EV_START_OVER;
    if (status == OTTER_E_IO)
        return wait_for_slot(ota, now);
    ota->slot_silent = false;
    if (status != OTTER_OK && status != OTTER_E_AGAIN)
        return ota_fail(ota, "preparing the flash: %s", otter_status_text(status));
    ota->busy = status == OTTER_E_AGAIN;
    if (!ota_can_ask(ota))
        return OTA_EV_NONE;
    if (send_request(ota, now) != OTTER_OK)
        ota->wake = now + 20u;
    if (ota->online)
        report_progress(ota, now);
    return OTA_EV_NONE;
}

enum ota_event ota_stalled(struct ota *ota, otter_ms now)
{
    struct ota_download *download = &ota->work.download;
    ota->silent_ms += ota->wait_ms;
    if (ota->silent_ms >= ota->config.stall_timeout_ms)
        return ota_give_up_source(
            ota, now,
            ota_fail(ota, "no block arrived for %lu s at %lu/%lu, %lu were refused",
                     (unsigned long)(ota->silent_ms / 1000u), (unsigned long)ota->progress.stored,
                     (unsigned long)ota->progress.blocks,
                     (unsigned long)ota->source->blocks_refused));
    LOG_DBG(OTA_TAG, "no block for a while; asking again");
    ota_download_lost(download, download->in_flight > 0);
    jobs_recheck(ota->config.jobs); /* a cancelled job's stream falls silent too */
    ota_retry(ota, now);
    return OTA_EV_NONE;
}

/* --- check and install --- */

enum ota_event ota_begin_verify(struct ota *ota, otter_ms now)
{
    LOG_INF(OTA_TAG, "all %lu blocks are on flash; checking", (unsigned long)ota->progress.blocks);
    (void)now;
    ota_verify_init(&ota->work.verify, ota_landing(ota), ota->config.pki, &ota->record.job,
                    ota_size_max(ota, ota_image(ota)), ota->config.policy);
    if (ota_is_patch(ota))
        ota_verify_file_only(&ota->work.verify);
    return OTA_EV_NONE;
}

static enum ota_event verify_failed(struct ota *ota, otter_status status)
{
    if (ota->work.verify.stage == OTA_VERIFY_IMAGE)
        return ota_fail(ota, "image check failed: %s", otter_status_text(status));
    if (status == OTTER_E_SIGNATURE)
        return ota_fail(ota, "code signature check failed (" PKI_OTA_SIGNER ")");
    if (status == OTTER_E_NOT_FOUND)
        return ota_fail(ota, "this device has no key " PKI_OTA_SIGNER ": import it first");
    return ota_fail(ota, "code signature (" PKI_OTA_SIGNER "): %s", otter_status_text(status));
}

/* A key is trusted on boards of several kinds; the image's class tells for which of them it is. */
static bool is_for_this_board(const struct ota *ota)
{
    struct image running;
    const struct flash_area *slot = ota_primary(ota, ota_image(ota));
    return image_open(&running, slot, slot->size) != OTTER_OK ||
           image_follows_class(&running, &ota->work.verify.check.image);
}

enum ota_event ota_work_verify(struct ota *ota, otter_ms now)
{
    (void)now;
    const otter_status status = ota_verify_step(&ota->work.verify);
    ota->busy = true;
    if (status == OTTER_E_AGAIN)
        return OTA_EV_NONE;
    if (status == OTTER_E_NO_SPACE)
        return OTA_EV_START_OVER;
    if (status != OTTER_OK)
        return verify_failed(ota, status);
    if (ota_is_patch(ota) && ota->work.verify.stage == OTA_VERIFY_FILE)
        return OTA_EV_PATCH;
    const struct image *image = &ota->work.verify.check.image;
    const bool is_seen =
        !OTA_SLOTS_KEPT && image->area != NULL; /* what takes the others looks at them itself */
    if (is_seen && image_version_compare(&image->header.version, &ota->record.version) != 0)
        return ota_fail(ota, "the image's version changed during the download");
    if (is_seen && !is_for_this_board(ota))
        return ota_fail(ota, "the image does not name this kind of board (UUID_CID)");
    LOG_INF(OTA_TAG, "code signature and image verified");
#if OTA_IMAGES_MAX > 1
    return ota_set_verified(ota);
#else
    return OTA_EV_VERIFIED;
#endif
}

enum ota_event ota_note_install(struct ota *ota, otter_ms now)
{
    (void)now;
    ota->record.phase = OTA_RECORD_INSTALL;
    return ota_save(ota) ? OTA_EV_NONE : ota_fail(ota, "the device's store is full or broken");
}

/* The bootloader takes up all of them or none: set.h. */
static otter_status request_all(const struct ota *ota, unsigned *file)
{
    otter_status status = OTTER_OK;
    for (unsigned i = 0; i < ota_files(ota) && status == OTTER_OK; i++) {
        *file = i;
        status = trailer_request(ota_secondary(ota, ota_file_image(ota, i)), ota_trailer_align(ota),
                                 false);
    }
    return status;
}

enum ota_event ota_activate(struct ota *ota, otter_ms now)
{
    (void)now;
    unsigned file = 0;
    const otter_status status = request_all(ota, &file);
    ota->busy = true;
#if OTA_IMAGES_MAX > 1
    if (status == OTTER_E_VERSION) { /* downloading it again would not help */
        (void)ota_withdraw(ota);
        return ota_fail(ota, "an image needs another one to be newer (sign --dependencies)");
    }
    if (!OTA_SLOTS_KEPT && status != OTTER_OK && ota->repairs++ < REPAIRS_MAX)
        return ota_set_repair(ota, file);
    if (status != OTTER_OK)
        (void)ota_withdraw(ota);
#else
    if (status != OTTER_OK && ota->repairs++ < REPAIRS_MAX)
        return OTA_EV_REPAIR;
#endif
    if (status != OTTER_OK)
        return ota_fail(ota, "asking the bootloader to try the image: %s",
                        otter_status_text(status));
#if OTA_IMAGES_MAX > 1
    ota_set_requested(ota);
#endif
    ota->record.phase = OTA_RECORD_TRIAL;
    ota->record.note = OTA_TRIAL_NO_WORD;
    if (!ota_save(ota))
        return ota_fail(ota, "the device's store is full or broken");
    LOG_INF(OTA_TAG, "the bootloader will try the new image at the next start");
    return OTA_EV_ACTIVATED;
}

#if !OTA_SLOTS_KEPT

/* A power cut tore the request: its sector is erased, and the end of the image, should it lie in
 * the same sector, is fetched again. */
enum ota_event ota_repair(struct ota *ota, otter_ms now)
{
    (void)now;
    const struct flash_area *slot = ota_candidate(ota);
    const struct flash_sector last = flash_sector_at(slot, slot->size - 1u);
    LOG_WRN(OTA_TAG, "the request to the bootloader was torn by a power cut; writing it anew");
    ota->record.phase = OTA_RECORD_DOWNLOAD;
    if (!ota_save(ota))
        return ota_fail(ota, "the device's store is full or broken");
    const uint32_t block = last.offset / ota->config.block_size;
#if OTA_STAGING
    if (ota_is_patch(ota) && ota_stage_forget(ota->config.kv) != OTTER_OK)
        return ota_fail(ota, "the device's store is full or broken");
#endif
    if (ota->progress.slot == slot && block < ota->progress.blocks &&
        ota_progress_void(&ota->progress, block) != OTTER_OK)
        return ota_fail(ota, "the journal of blocks is full");
    const otter_status status = trailer_prepare(slot);
    return status == OTTER_OK ? OTA_EV_NONE
                              : ota_fail(ota, "erasing the trailer: %s", otter_status_text(status));
}

#endif
