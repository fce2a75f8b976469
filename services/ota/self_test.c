/* The trial of a new image and what became of it.
 *
 * At boot three things tell where an update stands: the record, the trailer (does this firmware run
 * on trial?), and the running version (is it the job's?). Nothing is told to the cloud before it
 * has said that the job is still ours. */
#include <stdio.h>
#include <string.h>

#include "image/trailer.h"
#include "port/log.h"
#include "services/ota/agent.h"

static struct trailer read_trailer(const struct ota *ota, const struct flash_area *slot)
{
    struct trailer trailer;
    trailer_read(slot, ota_trailer_align(ota), &trailer);
    return trailer;
}

bool ota_swap_pending(const struct ota *ota)
{
    bool pending = true;
    for (unsigned i = 0; i < ota_files(ota) && pending; i++) {
        const unsigned image = ota_file_image(ota, i);
        const struct trailer primary = read_trailer(ota, ota_primary(ota, image));
        const struct trailer secondary = read_trailer(ota, ota_secondary(ota, image));
        /* Where images are not moved the trailer of one that was started, and failed, stays. */
        pending = trailer_next_swap(&primary, &secondary) == SWAP_TEST &&
                  secondary.copy_done == TRAILER_UNSET;
    }
    return pending;
}

static bool any_on_trial(const struct ota *ota)
{
    bool on_trial = false;
    for (unsigned i = 0; i < ota_images(ota) && !on_trial; i++) {
        const struct trailer trailer = read_trailer(ota, ota_primary(ota, i));
        on_trial = trailer_on_trial(&trailer);
#if OTA_IMAGES_MAX > 1
        on_trial = on_trial && (OTA_SLOTS_KEPT || ota_way_back(ota, i));
#endif
    }
    return on_trial;
}

static bool trial_of_our_job(const struct ota *ota)
{
    return ota->record.phase == OTA_RECORD_INSTALL || ota->record.phase == OTA_RECORD_TRIAL;
}

static otter_status confirm(struct ota *ota)
{
    otter_status status = OTTER_OK;
    for (unsigned i = 0; i < ota_images(ota) && status == OTTER_OK; i++)
        status = trailer_confirm(ota_primary(ota, i), ota_trailer_align(ota));
    if (status != OTTER_OK) {
        LOG_ERR(OTA_TAG, "cannot confirm this firmware: %s", otter_status_text(status));
        return status;
    }
    ota->on_trial = false;
    ota->trial_deadline = OTTER_NEVER;
    LOG_INF(OTA_TAG, "this firmware is confirmed");
    return OTTER_OK;
}

void ota_trial_init(struct ota *ota, otter_ms now)
{
    const uint32_t limit_s = (ota->config.self_test_timeout_ms + 999u) / 1000u;
    ota->on_trial = any_on_trial(ota);
    if (!ota->on_trial)
        return;
#if OTA_IMAGES_MAX > 1
    if (!OTA_SLOTS_KEPT && trial_of_our_job(ota) && ota_set_half_confirmed(ota) &&
        (confirm(ota) == OTTER_OK || ota_set_keep(ota) == OTTER_OK)) {
        ota->on_trial = false;
        return;
    }
#endif
    ota->trial_deadline = now + ota->config.self_test_timeout_ms;
    LOG_INF(OTA_TAG, "this firmware runs on trial and must prove itself within %lu s",
            (unsigned long)limit_s);
    if (!trial_of_our_job(ota))
        return;
    ota->record.phase = OTA_RECORD_TRIAL;
    ota->record.note = OTA_TRIAL_STARTED;
    ota->record.trial_s = limit_s > UINT16_MAX ? UINT16_MAX : (uint16_t)limit_s;
    (void)ota_save(ota);
}

void ota_leave_word_without_agent(struct kv *kv)
{
    struct ota_record record;
    if (ota_record_load(kv, &record) != OTTER_OK ||
        (record.phase != OTA_RECORD_INSTALL && record.phase != OTA_RECORD_TRIAL))
        return;
    record.phase = OTA_RECORD_TRIAL;
    record.note = OTA_TRIAL_NO_AGENT;
    const otter_status status = ota_record_save(kv, &record);
    if (status != OTTER_OK)
        LOG_ERR(OTA_TAG, "cannot leave word of the trial: %s", otter_status_text(status));
}

/* A trial that no job asked for (an image put there by cable) has nothing to prove but that. */
void ota_trial_reached_cloud(struct ota *ota)
{
    if (ota->on_trial && !trial_of_our_job(ota))
        (void)confirm(ota);
}

static enum ota_event succeed(struct ota *ota)
{
    char version[IMAGE_VERSION_TEXT_SIZE];
    struct ota_record *record = &ota->record;
    image_version_format(&record->version, version);
    snprintf(record->reason, sizeof record->reason, "accepted v%s", version);
    record->result = OTA_SUCCEEDED;
    record->phase = OTA_RECORD_FINISHED;
    (void)ota_save(ota); /* should it fail: trailer and version say the same at the next boot */
    return OTA_EV_REPORT;
}

/* A bootloader that copies the new image over the old one leaves no trailer. Then there is no trial
 * and no way back, but there is a self-test to tell the cloud of. */
static bool was_copied_over(const struct ota *ota)
{
    return !OTA_SLOTS_KEPT && trial_of_our_job(ota) && ota_ours_is_new(ota) &&
           read_trailer(ota, ota_primary(ota, ota_file_image(ota, 0))).magic == TRAILER_UNSET;
}

static enum ota_event stay(struct ota *ota, const char *why)
{
    char version[IMAGE_VERSION_TEXT_SIZE];
    image_version_format(&ota->running, version);
    ota->trial_deadline = OTTER_NEVER;
    return ota_fail(ota, "self-test failed (%s); %s stays, this device has no way back", why,
                    version);
}

static enum ota_event give_up(struct ota *ota, enum ota_trial_note note, const char *why)
{
    if (was_copied_over(ota))
        return stay(ota, why);
    LOG_ERR(OTA_TAG, "trial failed: %s; going back to the old firmware", why);
    if (trial_of_our_job(ota)) {
        ota->record.note = (uint8_t)note;
        (void)ota_save(ota);
    }
    return OTA_EV_GIVE_UP;
}

static enum ota_event rolled_back(struct ota *ota)
{
    static const char *const notes[] = {
        [OTA_TRIAL_NO_WORD] = "did not start",
        [OTA_TRIAL_STARTED] = "restarted before it was confirmed",
        [OTA_TRIAL_NO_CONNECTION] = "no connection to the cloud",
        [OTA_TRIAL_NO_REPLY] = "no answer from the job service",
        [OTA_TRIAL_TEST_FAILED] = "its self-test failed",
        [OTA_TRIAL_WRONG_VERSION] = "another version was in the image",
        [OTA_TRIAL_NO_AGENT] = "its update agent did not run",
    };
    const struct ota_record *record = &ota->record;
    const char *refused = ota_verify_who_refused();          /* withdrawing forgets it */
    if (OTA_IMAGES_MAX > 1 && ota_withdraw(ota) != OTTER_OK) /* what the bootloader left of it */
        LOG_ERR(OTA_TAG, "cannot take back the request to install");
    const size_t known = sizeof notes / sizeof notes[0];
    const char *note = notes[record->note < known ? record->note : OTA_TRIAL_NO_WORD];
    if (record->note == OTA_TRIAL_NO_WORD && refused != NULL)
        note = refused;
    char version[IMAGE_VERSION_TEXT_SIZE];
    image_version_format(&record->version, version);
    if (record->note == OTA_TRIAL_NO_CONNECTION || record->note == OTA_TRIAL_NO_REPLY)
        return ota_fail(ota, "rolled back: %s did not confirm within %u s (%s)", version,
                        record->trial_s, note);
    return ota_fail(ota, "rolled back: %s was not confirmed (%s)", version, note);
}

/* The trial firmware, or the one that came after it. */
static enum ota_event reconcile_trial(struct ota *ota, otter_ms now)
{
    if (ota->on_trial && ota_ours_is_new(ota))
        return OTA_EV_TRY;
    if (ota->on_trial)
        return give_up(ota, OTA_TRIAL_WRONG_VERSION, "the version is not the job's");
    if (was_copied_over(ota)) {
        ota->trial_deadline = now + ota->config.self_test_timeout_ms;
        return OTA_EV_TRY;
    }
    if (ota_ours_is_new(ota))
        return succeed(ota);
    if (ota->record.phase == OTA_RECORD_INSTALL)
        return OTA_EV_FETCH; /* cut before or in the request: checks and asks again */
    if (ota_swap_pending(ota))
        return OTA_EV_AWAIT_RESET; /* the bootloader has not been asked yet */
    return rolled_back(ota);
}

/* Somebody may have put another firmware in since the job was accepted. */
static enum ota_event reconcile_download(struct ota *ota)
{
    ota_trial_reached_cloud(ota);
    if (ota->on_trial)
        return OTA_EV_GIVE_UP; /* the secondary slot holds the way back: nothing may be written */
    const struct image_version in_place = ota_version_in_place(ota, ota_image(ota));
    if (image_version_compare(&ota->record.version, &in_place) <= 0) {
        char running[IMAGE_VERSION_TEXT_SIZE];
        image_version_format(&in_place, running);
        return ota_fail(ota, "meanwhile %s is running, which is not older", running);
    }
    if (ota->source->ops->protocol != ota->record.job.protocol ||
        (!OTA_STAGING && ota->record.job.transform != 0))
        return ota_fail(ota, "the firmware that runs now cannot fetch the file");
    if (ota->record.phase == OTA_RECORD_ACCEPT && jobs_queued(ota->config.jobs))
        return OTA_EV_TAKE;
    if (ota->record.phase == OTA_RECORD_DOWNLOAD)
        return OTA_EV_FETCH;
    ota->record.phase = OTA_RECORD_DOWNLOAD; /* the reply to our acceptance was lost */
    return ota_save(ota) ? OTA_EV_FETCH : ota_fail(ota, "the device's store is full or broken");
}

enum ota_event ota_reconcile(struct ota *ota, otter_ms now)
{
    switch (ota->record.phase) {
    case OTA_RECORD_INSTALL:
    case OTA_RECORD_TRIAL:
        return reconcile_trial(ota, now);
    case OTA_RECORD_FINISHED:
        ota_trial_reached_cloud(ota);
        return OTA_EV_REPORT;
    default:
        return reconcile_download(ota);
    }
}

enum ota_event ota_run_self_test(struct ota *ota, otter_ms now)
{
    const struct ota_config *config = &ota->config;
    const otter_status status =
        config->self_test == NULL ? OTTER_OK : config->self_test(config->ctx);
    ota_restart_deadline(ota, now);
    if (status == OTTER_E_AGAIN)
        return OTA_EV_NONE;
    if (status == OTTER_OK)
        return OTA_EV_PASSED;
    return give_up(ota, OTA_TRIAL_TEST_FAILED, otter_status_text(status));
}

enum ota_event ota_confirm(struct ota *ota, otter_ms now)
{
    (void)now;
    if (confirm(ota) != OTTER_OK)
        return give_up(ota, OTA_TRIAL_TEST_FAILED, "it cannot be confirmed");
    (void)succeed(ota);
    return OTA_EV_NONE;
}

enum ota_event ota_trial_expired(struct ota *ota, otter_ms now)
{
    (void)now;
    if (ota->state == OTA_TESTING)
        return give_up(ota, OTA_TRIAL_TEST_FAILED, "the self-test did not end in time");
    if (ota->was_online)
        return give_up(ota, OTA_TRIAL_NO_REPLY, "no answer from the job service in time");
    return give_up(ota, OTA_TRIAL_NO_CONNECTION, "no connection to the cloud in time");
}
