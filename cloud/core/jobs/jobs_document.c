/* Job documents: where they come from, and what devices get of them.
 *
 * A document keeps its placeholders; each time it goes to a device, every
 * ${aws:iot:s3-presigned-url:URL} becomes a new presigned URL, for GET or, with -upload, for PUT.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/account/objects.h"
#include "cloud/core/account/presign.h"
#include "cloud/core/ground/names.h"
#include "cloud/core/jobs/jobs_internal.h"

#define EXPIRES_S  3600
#define SOURCE_MAX 1350

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

/* Forms of AWS's developer guide. */
static const struct form {
    const char *begin, *method;
    bool has_names; /* of thing, job and execution, in the key */
} forms[] = {{PLACEHOLDER, "GET", false},
             {ANY_PLACEHOLDER "s3-presigned-url-v2:", "GET", false},
             {ANY_PLACEHOLDER "s3-presigned-url-upload:", "PUT", true}};

#define FORMS (sizeof forms / sizeof *forms)

/* A placeholder in a document, and what it says. */
struct found {
    const char *at;
    size_t size;
    const struct form *form;
    struct object_place place;
};

/* Writes the URL at `text`, which ends in `}`, with the names filled in; NULL `execution`: with
 * some. Its length in `text`; 0: it has no end, or is too long. */
static size_t read_url(const char *text, const struct form *form, const struct execution *execution,
                       char *url, size_t room)
{
    static const struct execution some = {.number = 1, .job = "job", .thing = "thing"};
    char number[24];
    const struct execution *of = execution ? execution : &some;
    snprintf(number, sizeof number, "%lld", (long long)of->number);
    const struct {
        const char *name, *value;
    } names[] = {
        {"${thingName}", of->thing}, {"${jobId}", of->job}, {"${executionNumber}", number}};
    size_t at = 0, used = 0;
    while (text[at] && text[at] != '}' && used + THING_MAX + 1 < room) {
        const char *value = NULL;
        for (size_t i = 0; form->has_names && !value && i < sizeof names / sizeof *names; i++) {
            if (strncmp(text + at, names[i].name, strlen(names[i].name)) != 0)
                continue;
            value = names[i].value;
            at += strlen(names[i].name);
        }
        if (value)
            used += (size_t)snprintf(url + used, room - used, "%s", value);
        else
            url[used++] = text[at++];
    }
    url[used] = 0;
    return text[at] == '}' ? at : 0;
}

/* Whether `text` begins with a placeholder for a URL. */
static bool read_placeholder(const char *text, const struct execution *execution,
                             struct found *found)
{
    char url[SOURCE_MAX + 2 * THING_MAX];
    for (size_t i = 0; i < FORMS; i++) {
        size_t length = strlen(forms[i].begin);
        if (strncmp(text, forms[i].begin, length) != 0)
            continue;
        size_t size = read_url(text + length, &forms[i], execution, url, sizeof url);
        found->at = text;
        found->form = &forms[i];
        found->size = length + size + 1;
        return size > 0 && object_place_read(url, strlen(url), &found->place);
    }
    return false;
}

/* Finds the next placeholder for a URL at or after `text`. */
static bool find_placeholder(const char *text, const struct execution *execution,
                             struct found *found)
{
    for (const char *at = text; (at = strstr(at, ANY_PLACEHOLDER)); at++)
        if (read_placeholder(at, execution, found))
            return true;
    return false;
}

enum core_error placeholders_check(struct cloud *cloud, const char *document, struct answer *answer)
{
    struct found found;
    const char *at = document;
    (void)cloud;
    while ((at = strstr(at, ANY_PLACEHOLDER))) {
        if (!read_placeholder(at, NULL, &found))
            return answer_refuse(answer, CORE_INVALID_REQUEST,
                                 "the placeholder %.120s is not of the form " PLACEHOLDER
                                 "https://s3.amazonaws.com/BUCKET/KEY}, -v2 or -upload, which are "
                                 "what this cloud offers",
                                 at);
        at += found.size;
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
static char *fill_in(struct cloud *cloud, const char *document, const struct execution *execution,
                     int64_t expires_s)
{
    char *text = append(NULL, "", 0);
    struct found found;
    while (find_placeholder(document, execution, &found)) {
        char *url = presign(cloud, found.form->method, &found.place, expires_s);
        text = append(text, document, (size_t)(found.at - document));
        text = url ? append(text, url, strlen(url)) : append(text, found.at, found.size);
        document = found.at + found.size;
        free(url);
    }
    return append(text, document, strlen(document));
}

/* ---- what devices get ----------------------------------------------------------------------- */

json_t *job_document(struct cloud *cloud, const struct execution *execution)
{
    struct db_rows *rows = db_select(
        cloud->db, "SELECT document, presigned_json FROM jobs WHERE id = ?", "s", execution->job);
    json_t *document = NULL;
    if (db_next(rows)) {
        json_t *config = json_stored(db_text(rows, 1), "{}");
        int64_t expires = json_integer_value(json_object_get(config, "expiresInSec"));
        char *text = fill_in(cloud, db_text(rows, 0), execution, expires ? expires : EXPIRES_S);
        document = json_loads(text, JSON_DECODE_ANY, NULL);
        free(text);
        json_decref(config);
    }
    db_done(rows);
    return document;
}
