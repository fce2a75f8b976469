/* The rules of shadow documents: merging, metadata, differences. Depth is bounded by what requests
 * may have, so these functions may call themselves. */
#include "cloud/core/shadow/shadow_internal.h"

static json_t *stamp(int64_t now)
{
    return json_pack("{s:I}", "timestamp", (json_int_t)now);
}

/* The metadata of a value that is new as a whole: one stamp for each leaf. */
static json_t *stamps_of(const json_t *value, int64_t now)
{
    const char *name;
    const json_t *member;
    json_t *all;
    size_t i;
    if (json_is_object(value)) {
        all = json_object();
        json_object_foreach((json_t *)value, name, member)
            json_object_set_new(all, name, stamps_of(member, now));
        return all;
    }
    if (!json_is_array(value))
        return stamp(now);
    all = json_array();
    json_array_foreach(value, i, member) json_array_append_new(all, stamps_of(member, now));
    return all;
}

/* ---- merging ---- */

static json_t *object_in(json_t *parent, const char *name)
{
    json_t *object = json_object_get(parent, name);
    if (json_is_object(object))
        return object;
    json_object_set_new(parent, name, json_object());
    return json_object_get(parent, name);
}

static void drop(json_t *state, json_t *metadata, const char *name)
{
    json_object_del(state, name);
    json_object_del(metadata, name);
}

/* An object that has become empty, or is given empty, is no member. A stamp where now an object is
 * (its value was a leaf) goes with the leaf. */
static void merge(json_t *state, json_t *metadata, const json_t *change, int64_t now)
{
    const char *name;
    const json_t *value;
    json_object_foreach((json_t *)change, name, value)
    {
        if (json_is_null(value)) {
            drop(state, metadata, name);
        } else if (json_is_object(value)) {
            if (!json_is_object(json_object_get(state, name)))
                drop(state, metadata, name);
            json_t *inner = object_in(state, name);
            merge(inner, object_in(metadata, name), value, now);
            if (json_object_size(inner) == 0)
                drop(state, metadata, name);
        } else {
            json_object_set(state, name, (json_t *)value);
            json_object_set_new(metadata, name, stamps_of(value, now));
        }
    }
}

void shadow_document_merge(struct shadow_document *document, const json_t *change, int64_t now)
{
    merge(document->state, document->metadata, change, now);
}

/* ---- parts ---- */

/* The members of `metadata` at the places that `of` has. */
static json_t *part(const json_t *metadata, const json_t *of)
{
    const char *name;
    const json_t *value;
    json_t *result = json_object();
    json_object_foreach((json_t *)of, name, value)
    {
        json_t *have = json_object_get(metadata, name);
        if (have && json_is_object(value))
            json_object_set_new(result, name, part(have, value));
        else if (have)
            json_object_set(result, name, have);
    }
    return result;
}

json_t *shadow_document_metadata(const struct shadow_document *document, const json_t *change)
{
    return part(document->metadata, change);
}

/* ---- the delta ---- */

static json_t *difference(const json_t *desired, const json_t *reported)
{
    const char *name;
    const json_t *value;
    json_t *result = json_object();
    json_object_foreach((json_t *)desired, name, value)
    {
        json_t *have = json_object_get(reported, name);
        if (json_is_object(value) && json_is_object(have)) {
            json_t *inner = difference(value, have);
            if (json_object_size(inner) > 0)
                json_object_set(result, name, inner);
            json_decref(inner);
        } else if (!have || !json_equal(value, have)) {
            json_object_set(result, name, (json_t *)value);
        }
    }
    return result;
}

json_t *shadow_document_delta(const struct shadow_document *document, json_t **metadata)
{
    json_t *delta = difference(json_object_get(document->state, "desired"),
                               json_object_get(document->state, "reported"));
    if (json_object_size(delta) == 0) {
        json_decref(delta);
        return NULL;
    }
    if (metadata)
        *metadata = part(json_object_get(document->metadata, "desired"), delta);
    return delta;
}
