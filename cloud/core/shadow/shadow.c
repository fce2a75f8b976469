/* Shadows in the database, and what is told of their changes. */
#include "cloud/core/shadow/shadow.h"

#include <stdio.h>
#include <stdlib.h>

#include "cloud/core/ground/names.h"
#include "cloud/core/registry/registry.h"
#include "cloud/core/shadow/shadow_internal.h"
#include "cloud/store/db.h"

#define VERSION_KEPT_S 172800 /* after a deletion: 48 hours */

/* A row; of a shadow that is not there both trees are empty, and the version is the last one. */
struct shadow {
    bool exists;
    struct shadow_document document;
    int64_t version, updated;
};

static const char *key_of(const struct shadow_id *id)
{
    return id->name ? id->name : "";
}

static enum core_error check_id(const struct shadow_id *id, struct answer *answer)
{
    if (!name_valid(id->thing, THING_NAME_MAX, ":_-"))
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "A thing name is 1..%d letters, digits, ':', '_' and '-'",
                             THING_NAME_MAX);
    if (id->name && !name_valid(id->name, SHADOW_NAME_MAX, "$:_-"))
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "A shadow name is 1..%d letters, digits, '$', ':', '_' and '-'",
                             SHADOW_NAME_MAX);
    return CORE_OK;
}

/* ---- rows ---- */

static void shadow_read(struct cloud *cloud, const struct shadow_id *id, struct shadow *shadow)
{
    struct db_rows *rows = db_select(cloud->db,
                                     "SELECT state_json, metadata_json, version, updated"
                                     " FROM shadows WHERE thing = ? AND name = ?",
                                     "ss", id->thing, key_of(id));
    *shadow = (struct shadow){0};
    if (db_next(rows)) {
        shadow->exists = !db_null(rows, 0);
        shadow->document.state = json_stored(db_text(rows, 0), "{}");
        shadow->document.metadata = json_stored(db_text(rows, 1), "{}");
        shadow->version = db_int(rows, 2);
        shadow->updated = db_int(rows, 3);
        if (!shadow->exists && cloud_now(cloud) - shadow->updated >= VERSION_KEPT_S)
            shadow->version = 0;
    } else {
        shadow->document.state = json_object();
        shadow->document.metadata = json_object();
    }
    db_done(rows);
}

static void shadow_free(struct shadow *shadow)
{
    json_decref(shadow->document.state);
    json_decref(shadow->document.metadata);
}

static otter_status shadow_write(struct cloud *cloud, const struct shadow_id *id,
                                 const struct shadow *shadow, const char *state)
{
    char *metadata = json_dumps(shadow->document.metadata, JSON_COMPACT);
    otter_status status =
        db_run(cloud->db,
               "INSERT INTO shadows(thing, name, state_json, metadata_json, version, updated)"
               " VALUES(?, ?, ?, ?, ?, ?) ON CONFLICT(thing, name) DO UPDATE SET"
               " state_json = excluded.state_json, metadata_json = excluded.metadata_json,"
               " version = excluded.version, updated = excluded.updated",
               "ssssii", id->thing, key_of(id), state, metadata, shadow->version, shadow->updated);
    free(metadata);
    return status;
}

static enum core_error refuse_missing(const struct shadow_id *id, struct answer *answer)
{
    return answer_refuse(answer, CORE_NOT_FOUND, "No shadow exists with name: '%s'",
                         id->name ? id->name : id->thing);
}

/* ---- get ---- */

/* A copy that later merges leave alone, without sections that have nothing. */
static json_t *sections(const json_t *tree)
{
    static const char *const names[] = {"desired", "reported"};
    json_t *result = json_object();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const json_t *section = json_object_get(tree, names[i]);
        if (json_object_size(section) > 0)
            json_object_set_new(result, names[i], json_deep_copy(section));
    }
    return result;
}

static json_t *document_body(const struct shadow *shadow)
{
    return json_pack("{s:o,s:o,s:I}", "state", sections(shadow->document.state), "metadata",
                     sections(shadow->document.metadata), "version", (json_int_t)shadow->version);
}

enum core_error shadow_get(struct cloud *cloud, const struct shadow_id *id, struct answer *answer)
{
    struct shadow shadow;
    enum core_error error = check_id(id, answer);
    if (error)
        return error;
    shadow_read(cloud, id, &shadow);
    json_t *delta = shadow_document_delta(&shadow.document, NULL);
    if (shadow.exists) {
        answer->body = document_body(&shadow);
        if (delta)
            json_object_set(json_object_get(answer->body, "state"), "delta", delta);
        json_object_set_new(answer->body, "timestamp", json_integer(cloud_now(cloud)));
    } else {
        error = refuse_missing(id, answer);
    }
    json_decref(delta);
    shadow_free(&shadow);
    return error;
}

/* ---- update ---- */

static void tell(struct cloud *cloud, enum notice_kind kind, const struct shadow_id *id,
                 const json_t *token, json_t *body)
{
    if (token)
        json_object_set(body, "clientToken", (json_t *)token);
    cloud_notify_named(cloud, kind, id->thing, id->name, body);
}

static void tell_delta(struct cloud *cloud, const struct shadow_id *id, const struct shadow *shadow,
                       const json_t *token)
{
    json_t *metadata = NULL, *delta = shadow_document_delta(&shadow->document, &metadata);
    if (delta)
        tell(cloud, NOTICE_SHADOW_DELTA, id, token,
             json_pack("{s:I,s:o,s:o}", "version", (json_int_t)shadow->version, "state",
                       json_deep_copy(delta), "metadata", json_deep_copy(metadata)));
    json_decref(delta);
    json_decref(metadata);
}

/* The answer, which is also what subscribers are told. */
static json_t *accepted(const struct shadow *shadow, const struct shadow_request *request)
{
    return json_pack("{s:o,s:o,s:I}", "state", json_deep_copy(request->state), "metadata",
                     shadow_document_metadata(&shadow->document, request->state), "version",
                     (json_int_t)shadow->version);
}

/* `before` is stolen. */
static void tell_update(struct cloud *cloud, const struct shadow_id *id,
                        const struct shadow *shadow, const struct shadow_request *request,
                        json_t *before)
{
    tell(cloud, NOTICE_SHADOW_UPDATED, id, request->token, accepted(shadow, request));
    tell(cloud, NOTICE_SHADOW_DOCUMENTS, id, request->token,
         json_pack("{s:o,s:o}", "previous", before, "current", document_body(shadow)));
    tell_delta(cloud, id, shadow, request->token);
}

static enum core_error keep(struct cloud *cloud, const struct shadow_id *id, struct shadow *shadow,
                            const struct shadow_request *request, struct answer *answer)
{
    enum core_error error = CORE_OK;
    shadow_document_merge(&shadow->document, request->state, cloud_now(cloud));
    shadow->version++;
    shadow->updated = cloud_now(cloud);
    char *state = json_dumps(shadow->document.state, JSON_COMPACT);
    size_t size = state ? json_dumpb(shadow->document.state, NULL, 0, JSON_COMPACT) : 0;
    if (size > SHADOW_SIZE_MAX)
        error =
            answer_refuse(answer, CORE_TOO_LARGE, "The payload exceeds the maximum size allowed");
    else if (shadow_write(cloud, id, shadow, state) != OTTER_OK)
        error = answer_db_failed(cloud, answer);
    free(state);
    return error;
}

static enum core_error change(struct cloud *cloud, const struct shadow_id *id,
                              const struct shadow_request *request, struct answer *answer)
{
    struct shadow shadow;
    enum core_error error = CORE_OK;
    shadow_read(cloud, id, &shadow);
    json_t *before = document_body(&shadow);
    if (request->version && json_integer_value(request->version) != shadow.version)
        error = answer_refuse(answer, CORE_VERSION_CONFLICT, "Version conflict");
    else
        error = keep(cloud, id, &shadow, request, answer);
    if (error == CORE_OK) {
        answer->body = accepted(&shadow, request);
        json_object_set_new(answer->body, "timestamp", json_integer(shadow.updated));
        tell_update(cloud, id, &shadow, request, json_incref(before));
    }
    json_decref(before);
    shadow_free(&shadow);
    return error;
}

enum core_error shadow_update(struct cloud *cloud, const struct shadow_id *id, const void *bytes,
                              size_t length, struct answer *answer)
{
    struct shadow_request request = {0};
    enum core_error error = check_id(id, answer);
    if (!error)
        error = shadow_request_read(&request, bytes, length, answer);
    if (!error)
        error = change(cloud, id, &request, answer);
    if (request.token) {
        if (!answer->body)
            answer->body = json_object();
        json_object_set(answer->body, "clientToken", (json_t *)request.token);
    }
    shadow_request_free(&request);
    return error;
}

/* ---- delete ---- */

enum core_error shadow_delete(struct cloud *cloud, const struct shadow_id *id, const json_t *token,
                              struct answer *answer)
{
    struct shadow shadow;
    enum core_error error = check_id(id, answer);
    if (error)
        return error;
    shadow_read(cloud, id, &shadow);
    if (!shadow.exists) {
        error = refuse_missing(id, answer);
    } else {
        json_object_clear(shadow.document.metadata);
        shadow.updated = cloud_now(cloud);
        if (shadow_write(cloud, id, &shadow, NULL) != OTTER_OK)
            error = answer_db_failed(cloud, answer);
    }
    if (error == CORE_OK) {
        answer->body = json_pack("{s:I,s:I}", "version", (json_int_t)shadow.version, "timestamp",
                                 (json_int_t)shadow.updated);
        tell(cloud, NOTICE_SHADOW_DELETED, id, token,
             json_pack("{s:I}", "version", (json_int_t)shadow.version));
    }
    shadow_free(&shadow);
    return error;
}

/* ---- list ---- */

static bool has_any(struct cloud *cloud, const char *thing)
{
    return thing_exists(cloud, thing) ||
           db_number(cloud->db,
                     "SELECT 1 FROM shadows WHERE thing = ? AND state_json IS NOT NULL LIMIT 1",
                     "s", thing) == 1;
}

enum core_error shadow_list(struct cloud *cloud, const char *thing, size_t begin, size_t most,
                            struct answer *answer)
{
    char next[24];
    enum core_error error = check_id(&(struct shadow_id){thing, NULL}, answer);
    if (!error && !has_any(cloud, thing))
        error = answer_refuse(answer, CORE_NOT_FOUND, "Thing not found");
    if (error)
        return error;
    json_t *names = json_array();
    struct db_rows *rows = db_select(
        cloud->db,
        "SELECT name FROM shadows WHERE thing = ? AND name <> '' AND state_json IS NOT NULL"
        " ORDER BY name LIMIT ? OFFSET ?",
        "sii", thing, (int64_t)most + 1, (int64_t)begin);
    bool more = db_next(rows);
    for (; more && json_array_size(names) < most; more = db_next(rows))
        json_array_append_new(names, json_string(db_text(rows, 0)));
    db_done(rows);
    answer->body =
        json_pack("{s:o,s:I}", "results", names, "timestamp", (json_int_t)cloud_now(cloud));
    if (more) {
        snprintf(next, sizeof next, "%zu", begin + most);
        json_object_set_new(answer->body, "nextToken", json_string(next));
    }
    return CORE_OK;
}
