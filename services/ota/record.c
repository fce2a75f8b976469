/* The record's form in the store, which the next firmware must be able to read whatever compiler
 * built it. Little-endian; format 1:
 *
 *   size   field
 *   1      format, 1      (2: the job's files are under "ota/set"; firmware without sets must not
 *                         take the one that is described here for its own image)
 *   1      phase          1  result        1  note          1  restarts
 *   2      epoch          2  trial_s       4  blocks_at_boot
 *   8      version        8  previous      (major 1, minor 1, revision 2, build 4)
 *   4      execution      4  file_size     1  file_id
 *   1 + n  signature      1 + n  job id    1 + n  stream    1 + n  reason
 *   4      queued_at      (this and what follows may be absent)
 *   1      protocol       enum ota_protocol; absent: MQTT
 *   1      transform      absent: 0, the file is the image
 *
 * Where several images are updated together, the files beside that one are under "ota/set", written
 * with the record in one change:
 *
 *   1      format, 1      8  mark of the job
 *   1      count          1  current, the file that is in the record
 *   for each file:
 *   1      image          1  id            4  size          1  transform
 *   8      version        1 + n  signature
 *
 * A later format may add fields behind these and keeps the number; a change of these gets another
 * number. */
#include "services/ota/record.h"

#include <stdbool.h>
#include <string.h>

#define RECORD_KEY    "ota/job"
#define RECORD_FORMAT 1u
#define RECORD_MAX    448u

/* One cursor for both directions; `bad` sticks. */
struct form {
    uint8_t data[RECORD_MAX];
    uint32_t length;
    uint32_t at;
    bool bad;
};

static void put(struct form *form, uint32_t value, uint32_t size)
{
    if (form->at + size > sizeof form->data) {
        form->bad = true;
        return;
    }
    for (uint32_t i = 0; i < size; i++)
        form->data[form->at++] = (uint8_t)(value >> (8 * i));
}

static uint32_t take(struct form *form, uint32_t size)
{
    uint32_t value = 0;
    if (form->bad || size > form->length - form->at) {
        form->bad = true;
        return 0;
    }
    for (uint32_t i = 0; i < size; i++)
        value |= (uint32_t)form->data[form->at++] << (8 * i);
    return value;
}

static void put_bytes(struct form *form, const void *data, size_t length)
{
    put(form, (uint32_t)length, 1);
    if (form->bad || length > UINT8_MAX || length > sizeof form->data - form->at) {
        form->bad = true;
        return;
    }
    memcpy(form->data + form->at, data, length);
    form->at += (uint32_t)length;
}

static uint8_t take_bytes(struct form *form, void *data, size_t size)
{
    const uint32_t length = take(form, 1);
    if (form->bad || length > size || length > form->length - form->at) {
        form->bad = true;
        return 0;
    }
    memcpy(data, form->data + form->at, length);
    form->at += length;
    return (uint8_t)length;
}

static void take_text(struct form *form, char *text, size_t size)
{
    text[take_bytes(form, text, size - 1)] = '\0';
}

struct jobs_execution ota_job_execution(const struct ota_job *job)
{
    struct jobs_execution execution = {.number = job->execution, .queued_at = job->queued_at};
    memcpy(execution.id, job->id, sizeof execution.id);
    return execution;
}

static void put_version(struct form *form, const struct image_version *version)
{
    put(form, version->major, 1);
    put(form, version->minor, 1);
    put(form, version->revision, 2);
    put(form, version->build, 4);
}

static void take_version(struct form *form, struct image_version *version)
{
    version->major = (uint8_t)take(form, 1);
    version->minor = (uint8_t)take(form, 1);
    version->revision = (uint16_t)take(form, 2);
    version->build = take(form, 4);
}

#if OTA_IMAGES_MAX > 1

#define RECORD_OF_SET 2u

#define SET_KEY    "ota/set"
#define SET_FORMAT 1u

void ota_set_put(struct ota_job *job, const struct image_version *version)
{
    struct ota_set_file *file = &job->set.files[job->set.current];
    file->version = *version;
    file->size = job->file_size;
    file->image = job->image;
    file->id = job->file_id;
    file->transform = job->transform;
    file->signature_length = job->signature_length;
    memcpy(file->signature, job->signature, sizeof file->signature);
}

void ota_set_select(struct ota_job *job, struct image_version *version, unsigned index)
{
    const struct ota_set_file *file = &job->set.files[index];
    job->set.current = (uint8_t)index;
    *version = file->version;
    job->file_size = file->size;
    job->image = file->image;
    job->file_id = file->id;
    job->transform = file->transform;
    job->signature_length = file->signature_length;
    memcpy(job->signature, file->signature, sizeof job->signature);
}

static void put_set(struct form *form, const struct ota_job *job)
{
    uint8_t mark[JOBS_MARK_SIZE];
    const struct jobs_execution execution = ota_job_execution(job);
    jobs_mark(&execution, mark);
    put(form, SET_FORMAT, 1);
    put_bytes(form, mark, sizeof mark);
    put(form, job->set.count, 1);
    put(form, job->set.current, 1);
    for (unsigned i = 0; i < job->set.count; i++) {
        const struct ota_set_file *file = &job->set.files[i];
        put(form, file->image, 1);
        put(form, file->id, 1);
        put(form, file->size, 4);
        put(form, file->transform, 1);
        put_version(form, &file->version);
        put_bytes(form, file->signature, file->signature_length);
    }
}

static bool read_set(struct form *form, struct ota_job *job)
{
    uint8_t mark[JOBS_MARK_SIZE], found[JOBS_MARK_SIZE];
    struct ota_set *set = &job->set;
    const struct jobs_execution execution = ota_job_execution(job);
    jobs_mark(&execution, mark);
    if (take(form, 1) != SET_FORMAT || take_bytes(form, found, sizeof found) != sizeof found ||
        memcmp(mark, found, sizeof mark) != 0)
        return false; /* of another job */
    set->count = (uint8_t)take(form, 1);
    set->current = (uint8_t)take(form, 1);
    for (unsigned i = 0; i < set->count && i < OTA_IMAGES_MAX; i++) {
        struct ota_set_file *file = &set->files[i];
        file->image = (uint8_t)take(form, 1);
        file->id = (uint8_t)take(form, 1);
        file->size = take(form, 4);
        file->transform = (uint8_t)take(form, 1);
        take_version(form, &file->version);
        file->signature_length = take_bytes(form, file->signature, sizeof file->signature);
        form->bad |= file->image >= OTA_IMAGES_MAX;
    }
    if (form->bad || set->count > OTA_IMAGES_MAX || set->current >= set->count)
        return false;
    job->image = set->files[set->current].image;
    return true;
}

static bool load_set(struct kv *kv, uint8_t format, struct ota_job *job)
{
    struct form form = {.at = 0};
    return format == RECORD_FORMAT ||
           (kv_get(kv, SET_KEY, form.data, (uint32_t)sizeof form.data, &form.length) == OTTER_OK &&
            read_set(&form, job));
}

/* One file of image 0 needs no set. */
static bool needs_set(const struct ota_job *job)
{
    return job->set.count > 1 || (job->set.count == 1 && job->set.files[0].image != 0);
}

static uint8_t format_of(const struct ota_job *job)
{
    return needs_set(job) ? RECORD_OF_SET : RECORD_FORMAT;
}

static bool is_format(uint32_t format)
{
    return format == RECORD_FORMAT || format == RECORD_OF_SET;
}

static otter_status store(struct kv *kv, const struct ota_record *record, const struct form *form)
{
    struct form set = {.at = 0};
    const bool plain = !needs_set(&record->job);
    if (!plain)
        put_set(&set, &record->job);
    const struct kv_item items[] = {{RECORD_KEY, form->data, form->at},
                                    {SET_KEY, plain ? NULL : set.data, set.at}};
    return set.bad ? OTTER_E_INTERNAL : kv_set_all(kv, items, 2);
}

#else

static bool load_set(struct kv *kv, uint8_t format, struct ota_job *job)
{
    (void)kv;
    (void)format;
    (void)job;
    return true;
}

static uint8_t format_of(const struct ota_job *job)
{
    (void)job;
    return RECORD_FORMAT;
}

static bool is_format(uint32_t format)
{
    return format == RECORD_FORMAT;
}

static otter_status store(struct kv *kv, const struct ota_record *record, const struct form *form)
{
    (void)record;
    return kv_set(kv, RECORD_KEY, form->data, form->at);
}

#endif

otter_status ota_record_save(struct kv *kv, const struct ota_record *record)
{
    struct form form = {.at = 0};
    const struct ota_job *job = &record->job;
    put(&form, format_of(job), 1);
    put(&form, record->phase, 1);
    put(&form, record->result, 1);
    put(&form, record->note, 1);
    put(&form, record->restarts, 1);
    put(&form, record->epoch, 2);
    put(&form, record->trial_s, 2);
    put(&form, record->blocks_at_boot, 4);
    put_version(&form, &record->version);
    put_version(&form, &record->previous);
    put(&form, job->execution, 4);
    put(&form, job->file_size, 4);
    put(&form, job->file_id, 1);
    put_bytes(&form, job->signature, job->signature_length);
    put_bytes(&form, job->id, strlen(job->id));
    put_bytes(&form, job->stream, strlen(job->stream));
    put_bytes(&form, record->reason, strlen(record->reason));
    put(&form, job->queued_at, 4);
    put(&form, job->protocol, 1);
    put(&form, job->transform, 1);
    return form.bad ? OTTER_E_INTERNAL : store(kv, record, &form);
}

static bool read_form(struct form *form, struct ota_record *record)
{
    struct ota_job *job = &record->job;
    if (!is_format(take(form, 1)))
        return false;
    record->phase = (uint8_t)take(form, 1);
    record->result = (uint8_t)take(form, 1);
    record->note = (uint8_t)take(form, 1);
    record->restarts = (uint8_t)take(form, 1);
    record->epoch = (uint16_t)take(form, 2);
    record->trial_s = (uint16_t)take(form, 2);
    record->blocks_at_boot = take(form, 4);
    take_version(form, &record->version);
    take_version(form, &record->previous);
    job->execution = take(form, 4);
    job->file_size = take(form, 4);
    job->file_id = (uint8_t)take(form, 1);
    job->signature_length = take_bytes(form, job->signature, sizeof job->signature);
    take_text(form, job->id, sizeof job->id);
    take_text(form, job->stream, sizeof job->stream);
    take_text(form, record->reason, sizeof record->reason);
    if (form->at < form->length) /* absent in records of older firmware */
        job->queued_at = take(form, 4);
    if (form->at < form->length)
        job->protocol = (uint8_t)take(form, 1);
    if (form->at < form->length)
        job->transform = (uint8_t)take(form, 1);
    return !form->bad && record->phase >= OTA_RECORD_ACCEPT &&
           record->phase <= OTA_RECORD_FINISHED && record->result <= OTA_REJECTED &&
           job->id[0] != '\0' &&
           (record->phase != OTA_RECORD_FINISHED || record->result != OTA_RESULT_NONE);
}

otter_status ota_record_load(struct kv *kv, struct ota_record *record)
{
    struct form form = {.at = 0};
    memset(record, 0, sizeof *record);
    otter_status status =
        kv_get(kv, RECORD_KEY, form.data, (uint32_t)sizeof form.data, &form.length);
    if (status == OTTER_OK &&
        (!read_form(&form, record) || !load_set(kv, form.data[0], &record->job)))
        status = OTTER_E_CORRUPT;
    if (status != OTTER_OK)
        memset(record, 0, sizeof *record);
    if (status == OTTER_E_TOO_LONG)
        return OTTER_E_CORRUPT;
    return status == OTTER_E_NOT_FOUND ? OTTER_OK : status;
}

otter_status ota_record_close(struct kv *kv, struct ota_record *record,
                              const struct jobs_past *past)
{
    uint8_t form[JOBS_PAST_SIZE];
    jobs_past_form(past, form);
    const struct kv_item items[] = {
        {RECORD_KEY, NULL, 0},
        {JOBS_PAST_KEY, form, sizeof form},
#if OTA_IMAGES_MAX > 1
        {SET_KEY, NULL, 0},
#endif
    };
    memset(record, 0, sizeof *record);
    const otter_status status = kv_set_all(kv, items, sizeof items / sizeof items[0]);
    if (status != OTTER_OK) /* a store too full for the mark must not keep the record */
        (void)kv_delete(kv, RECORD_KEY);
    return status;
}
