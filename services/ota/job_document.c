/* From a job document's JSON tokens to the files that it names. */
#include "services/ota/job_document.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "codec/base64.h"
#include "image/image.h"
#include "pki/pki.h"
#include "services/jobs/jobs_reply.h"

#define LABEL_MAX     128u
#define SIGNATURE_KEY "sig-sha256-ecdsa"

/* One document being read; every check below returns false after it has said why. */
struct reader {
    const struct json *json;
    const struct ota_job_limits *limits;
    struct ota_job *job;
    char *reason;
};

bool ota_job_refuse(char reason[OTA_REASON_MAX + 1], const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, OTA_REASON_MAX + 1, format, arguments);
    va_end(arguments);
    return false;
}

bool ota_job_is_wrong(char reason[OTA_REASON_MAX + 1], const char *what)
{
    return ota_job_refuse(reason, "job document: %s", what);
}

#define refuse(r, ...)    ota_job_refuse((r)->reason, __VA_ARGS__)
#define is_wrong(r, what) ota_job_is_wrong((r)->reason, what)

static bool is_offered(const struct json *json, int list, const char *protocol)
{
    for (int i = json_first(json, list); i >= 0; i = json_next(json, i)) {
        if (json_equals(json, i, protocol))
            return true;
    }
    return false;
}

static struct ota_source *first_offered(const struct json *json, int list,
                                        struct ota_source *const *sources, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (is_offered(json, list, sources[i]->ops->name))
            return sources[i];
    }
    return NULL;
}

/* The source that the device likes best among those that the job offers. */
static struct ota_source *read_protocols(const struct reader *r, int ota)
{
    const int list = json_find(r->json, ota, "protocols");
    if (json_type(r->json, list) != JSON_ARRAY) {
        is_wrong(r, "afr_ota.protocols is missing or no list");
        return NULL;
    }
    struct ota_source *source =
        first_offered(r->json, list, r->limits->sources, r->limits->source_count);
    if (source != NULL)
        r->job->protocol = source->ops->protocol;
    else
        refuse(r, "job document: protocols do not offer %s%s", r->limits->sources[0]->ops->name,
               r->limits->source_count > 1 ? " or another one of this device" : "");
    return source;
}

#if OTA_IMAGES_MAX > 1

static unsigned images(const struct reader *r)
{
    return 1u + r->limits->partner_count;
}

static uint32_t size_max(const struct reader *r)
{
    const unsigned image = r->job->image;
    return image == 0 ? r->limits->file_size_max : r->limits->partners[image - 1].image_size_max;
}

static bool add_to_set(const struct reader *r)
{
    static const struct image_version unknown;
    struct ota_set *set = &r->job->set;
    for (unsigned i = 0; i < set->count; i++) {
        if (set->files[i].image == r->job->image)
            return refuse(r, "job has two files of fileType %u", r->job->image);
    }
    set->current = set->count++;
    ota_set_put(r->job, &unknown);
    return true;
}

static void select_first(const struct reader *r)
{
    struct image_version version;
    ota_set_select(r->job, &version, 0);
}

static void set_image(const struct reader *r, uint32_t type)
{
    r->job->image = (uint8_t)type;
}

#else

static unsigned images(const struct reader *r)
{
    (void)r;
    return 1;
}

static uint32_t size_max(const struct reader *r)
{
    return r->limits->file_size_max;
}

static bool add_to_set(const struct reader *r)
{
    (void)r;
    return true;
}

static void select_first(const struct reader *r)
{
    (void)r;
}

static void set_image(const struct reader *r, uint32_t type)
{
    (void)r;
    (void)type;
}

#endif

static bool read_size(const struct reader *r, int file)
{
    const struct ota_job_limits *limits = r->limits;
    uint32_t *size = &r->job->file_size;
    const otter_status status =
        json_get_uint(r->json, json_find(r->json, file, "filesize"), UINT32_MAX, size);
    if (status != OTTER_OK)
        return is_wrong(r, "filesize is missing or no whole number");
    if (*size <= IMAGE_HEADER_SIZE)
        return refuse(r, "filesize %lu is too small for an image", (unsigned long)*size);
    if (*size > size_max(r))
        return refuse(r, "filesize %lu does not fit: the slot takes %lu bytes",
                      (unsigned long)*size, (unsigned long)size_max(r));
    if ((*size - 1u) / limits->block_size >= OTA_BLOCKS_MAX)
        return refuse(r, "filesize %lu needs more than %u blocks of %lu bytes",
                      (unsigned long)*size, OTA_BLOCKS_MAX, (unsigned long)limits->block_size);
    return true;
}

static bool read_identity(const struct reader *r, int file)
{
    uint32_t id = 0;
    uint32_t type = 0;
    const int type_at = json_find(r->json, file, "fileType");
    if (json_get_uint(r->json, json_find(r->json, file, "fileid"), UINT8_MAX, &id) != OTTER_OK)
        return is_wrong(r, "fileid is missing or not 0..255");
    if (type_at >= 0 && json_get_uint(r->json, type_at, UINT8_MAX, &type) != OTTER_OK)
        return is_wrong(r, "fileType is not 0..255");
    if (type >= images(r))
        return refuse(r, "fileType %u is not supported: this device takes firmware, fileType 0",
                      (unsigned)type);
    r->job->file_id = (uint8_t)id;
    set_image(r, type);
    return true;
}

static bool read_signer(const struct reader *r, int file)
{
    char label[LABEL_MAX + 1] = "";
    const int at = json_find(r->json, file, "certfile");
    if (json_get_string(r->json, at, label, sizeof label) != OTTER_OK)
        return is_wrong(r, "certfile is missing, no text or too long");
    if (strcmp(label, PKI_OTA_SIGNER) == 0)
        return true;
    jobs_make_printable(label);
    return refuse(r, "certfile '%.60s' is not a key of this device: sign for " PKI_OTA_SIGNER,
                  label);
}

static bool read_signature(const struct reader *r, int file)
{
    char text[BASE64_LENGTH(OTA_SIGNATURE_MAX) + 1];
    struct ota_job *job = r->job;
    const int at = json_find(r->json, file, SIGNATURE_KEY);
    if (at < 0)
        return is_wrong(r, "no " SIGNATURE_KEY ", the only signature supported");
    const otter_status status = json_get_string(r->json, at, text, sizeof text);
    if (status == OTTER_E_TOO_LONG)
        return refuse(r, SIGNATURE_KEY " is too long for P-256 (base64 applied twice?)");
    if (status != OTTER_OK)
        return is_wrong(r, SIGNATURE_KEY " is no text");
    const int length = base64_decode(job->signature, sizeof job->signature, text, strlen(text));
    if (length < 0)
        return refuse(r, SIGNATURE_KEY " is not base64");
    if (length < 8 || job->signature[0] != 0x30 || job->signature[1] != length - 2)
        return refuse(r, SIGNATURE_KEY " is no DER signature of ECDSA");
    job->signature_length = (uint8_t)length;
    return true;
}

static bool read_file(const struct reader *r, struct ota_source *source, int ota, int file)
{
    if (json_type(r->json, file) != JSON_OBJECT)
        return is_wrong(r, "files[0] is no object");
    return source->ops->read(source, r->json, ota, file, r->job, r->reason) &&
           read_identity(r, file) && read_size(r, file) && read_signer(r, file) &&
           read_signature(r, file);
}

static bool read_files(const struct reader *r, struct ota_source *source, int ota)
{
    const int files = json_find(r->json, ota, "files");
    if (json_type(r->json, files) != JSON_ARRAY)
        return is_wrong(r, "afr_ota.files is missing or no list");
    const int count = json_count(r->json, files);
    if (images(r) == 1 && count != 1)
        return refuse(r, "job has %d files: this device takes exactly one", count);
    if (count < 1 || (unsigned)count > images(r))
        return refuse(r, "job has %d files: this device takes at most %u", count, images(r));
    int file = json_first(r->json, files);
    for (int i = 0; i < count; i++, file = json_next(r->json, file)) {
        if (!read_file(r, source, ota, file) || !add_to_set(r))
            return false;
    }
    select_first(r);
    return true;
}

static bool read_all(const struct reader *r, int ota)
{
    struct ota_source *source = read_protocols(r, ota);
    return source != NULL && read_files(r, source, ota);
}

enum ota_document ota_job_document(const struct json *json, int document,
                                   const struct ota_job_limits *limits, struct ota_job *job,
                                   char reason[OTA_REASON_MAX + 1])
{
    const struct reader r = {json, limits, job, reason};
    const int ota = json_find(json, document, "afr_ota");
    if (ota < 0)
        return OTA_DOCUMENT_FOREIGN;
    if (json_type(json, ota) != JSON_OBJECT)
        is_wrong(&r, "afr_ota is no object");
    else if (read_all(&r, ota))
        return OTA_DOCUMENT_OK;
    return OTA_DOCUMENT_REFUSED;
}

bool ota_job_reread(const struct json *json, int document, struct ota_source *source,
                    struct ota_job *job, char reason[OTA_REASON_MAX + 1])
{
    const int ota = json_find(json, document, "afr_ota");
    int file = json_find(json, ota, "files[0]");
#if OTA_IMAGES_MAX > 1
    for (unsigned i = 0; i < job->set.current; i++)
        file = json_next(json, file);
#endif
    source->wants_document = false;
    return source->ops->read(source, json, ota, file, job, reason);
}

#if OTA_SOURCES_MAX > 1
struct ota_source *ota_job_source(const struct json *json, int document,
                                  struct ota_source *const *sources, unsigned count)
{
    return first_offered(json, json_find(json, document, "afr_ota.protocols"), sources, count);
}
#endif
