/* Job documents: where they come from, and what devices get of them.
 *
 * A document keeps its placeholders; each time it goes to a device, every
 * ${aws:iot:s3-presigned-url:URL} becomes a new presigned URL. */
#include <stdlib.h>
#include <string.h>

#include "cloud/core/account/objects.h"
#include "cloud/core/account/presign.h"
#include "cloud/core/ground/names.h"
#include "cloud/core/jobs/jobs_internal.h"

#define ANY_PLACEHOLDER "${aws:iot:"
#define EXPIRES_S       3600
#define SOURCE_MAX      1350

/* ---- documentSource ------------------------------------------------------------------------- */

static char *read_object(struct cloud *cloud, const struct object *object)
{
    char *text = calloc(1, (size_t)object->size + 1);
    if (!text)
        abort();
    if (object->size == 0 || object_read(cloud, object->id, 0, text, (size_t)object->size))
        return text;
    free(text);
    return NULL;
}

enum core_error document_of_source(struct cloud *cloud, const char *source, char **document,
                                   struct answer *answer)
{
    struct object_place place;
    struct object object;
    *document = NULL;
    if (strlen(source) > SOURCE_MAX || !object_place_read(source, strlen(source), &place))
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "documentSource must be the https URL of an S3 object, such as "
                             "https://BUCKET.s3.%s.amazonaws.com/KEY, not %.100s",
                             cloud->region, source);
    enum core_error error =
        object_find(cloud, place.bucket, place.key, place.version, &object, answer);
    if (error)
        return answer_refuse(answer, CORE_INVALID_REQUEST, "documentSource %.150s: %s", source,
                             core_error_text(error));
    if (object.size > JOBS_DOCUMENT_MAX)
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "the document is longer than %d characters", JOBS_DOCUMENT_MAX);
    *document = read_object(cloud, &object);
    return *document ? CORE_OK : answer_db_failed(cloud, answer);
}

/* ---- placeholders --------------------------------------------------------------------------- */

/* Finds the next placeholder for a URL at or after `text`, and what it says; *size is the length of
 * the whole. NULL: there is none. */
static const char *find_placeholder(const char *text, struct object_place *place, size_t *size)
{
    for (const char *at = text; (at = strstr(at, PLACEHOLDER)); at++) {
        const char *url = at + strlen(PLACEHOLDER);
        size_t length = strcspn(url, "}");
        *size = strlen(PLACEHOLDER) + length + 1;
        if (url[length] && object_place_read(url, length, place))
            return at;
    }
    return NULL;
}

enum core_error placeholders_check(struct cloud *cloud, const char *document, struct answer *answer)
{
    struct object_place place;
    size_t size = 0;
    const char *at = document;
    (void)cloud;
    while ((at = strstr(at, ANY_PLACEHOLDER))) {
        if (find_placeholder(at, &place, &size) != at)
            return answer_refuse(answer, CORE_INVALID_REQUEST,
                                 "the placeholder %.120s is not of the form " PLACEHOLDER
                                 "https://s3.amazonaws.com/BUCKET/KEY}, which is what this cloud "
                                 "offers",
                                 at);
        at += size;
    }
    return CORE_OK;
}

static char *append(char *text, const char *more, size_t size)
{
    size_t length = text ? strlen(text) : 0;
    char *longer = realloc(text, length + size + 1);
    if (!longer)
        abort();
    memcpy(longer + length, more, size);
    longer[length + size] = 0;
    return longer;
}

/* The document with presigned URLs; freed by the caller. */
static char *fill_in(struct cloud *cloud, const char *document, int64_t expires_s)
{
    char *text = append(NULL, "", 0);
    struct object_place place;
    size_t size = 0;
    const char *at;
    while ((at = find_placeholder(document, &place, &size))) {
        char *url = presign_get(cloud, &place, expires_s);
        text = append(text, document, (size_t)(at - document));
        text = url ? append(text, url, strlen(url)) : append(text, at, size);
        document = at + size;
        free(url);
    }
    return append(text, document, strlen(document));
}

/* ---- what devices get ----------------------------------------------------------------------- */

json_t *job_document(struct cloud *cloud, const char *job)
{
    struct db_rows *rows =
        db_select(cloud->db, "SELECT document, presigned_json FROM jobs WHERE id = ?", "s", job);
    json_t *document = NULL;
    if (db_next(rows)) {
        json_t *config = json_stored(db_text(rows, 1), "{}");
        int64_t expires = json_integer_value(json_object_get(config, "expiresInSec"));
        char *text = fill_in(cloud, db_text(rows, 0), expires ? expires : EXPIRES_S);
        document = json_loads(text, JSON_DECODE_ANY, NULL);
        free(text);
        json_decref(config);
    }
    db_done(rows);
    return document;
}
