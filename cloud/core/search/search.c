/* Documents of things and groups, and what is asked of them; see search.h. */
#include "cloud/core/search/search.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/ground/names.h"
#include "cloud/core/search/query.h"
#include "cloud/core/search/search_internal.h"
#include "cloud/store/db.h"

#define THINGS "AWS_Things"
#define GROUPS "AWS_ThingGroups"

/* ---- what is indexed ---- */

static json_t *configuration(struct cloud *cloud)
{
    json_t *found = NULL;
    struct db_rows *rows =
        db_select(cloud->db, "SELECT config_json FROM indexing WHERE one = 1", "");
    if (db_next(rows))
        found = json_stored(db_text(rows, 0), "{}");
    db_done(rows);
    return found ? found
                 : json_pack("{s:{s:s},s:{s:s}}", "thingIndexingConfiguration", "thingIndexingMode",
                             "OFF", "thingGroupIndexingConfiguration", "thingGroupIndexingMode",
                             "OFF");
}

static bool is_mode(const json_t *configuration, const char *name, const char *mode)
{
    const char *value =
        json_text(json_object_get(configuration, "thingIndexingConfiguration"), name);
    return value && strcmp(value, mode) == 0;
}

enum core_error indexing_get(struct cloud *cloud, struct answer *answer)
{
    answer->body = configuration(cloud);
    return CORE_OK;
}

static enum core_error check_things(const json_t *things, struct answer *answer)
{
    const char *mode = json_text(things, "thingIndexingMode");
    enum core_error error;
    if (things && !mode)
        return answer_refuse(answer, CORE_INVALID_REQUEST, "thingIndexingMode is missing");
    error = check_filter("thingIndexingMode", mode, "OFF REGISTRY REGISTRY_AND_SHADOW", answer);
    if (!error)
        error =
            check_filter("thingConnectivityIndexingMode",
                         json_text(things, "thingConnectivityIndexingMode"), "OFF STATUS", answer);
    if (!error)
        error = check_filter("namedShadowIndexingMode",
                             json_text(things, "namedShadowIndexingMode"), "OFF ON", answer);
    /* violations are listed by list-active-violations */
    return error ? error
                 : check_filter("deviceDefenderIndexingMode",
                                json_text(things, "deviceDefenderIndexingMode"), "OFF", answer);
}

enum core_error indexing_update(struct cloud *cloud, const json_t *body, struct answer *answer)
{
    const json_t *groups = json_object_get(body, "thingGroupIndexingConfiguration");
    const json_t *things = json_object_get(body, "thingIndexingConfiguration");
    enum core_error error = check_things(things, answer);
    if (!error)
        error = check_filter("thingGroupIndexingMode", json_text(groups, "thingGroupIndexingMode"),
                             "OFF ON", answer);
    if (error)
        return error;
    json_t *changed = configuration(cloud);
    json_object_update(changed, (json_t *)body);
    char *text = json_dumps(changed, JSON_COMPACT);
    otter_status status = db_run(
        cloud->db, "INSERT OR REPLACE INTO indexing(one, config_json) VALUES(1, ?)", "s", text);
    free(text);
    json_decref(changed);
    return status == OTTER_OK ? CORE_OK : answer_db_failed(cloud, answer);
}

static bool is_on(const json_t *configuration, const char *index)
{
    const char *groups =
        json_text(json_object_get(configuration, "thingGroupIndexingConfiguration"),
                  "thingGroupIndexingMode");
    if (strcmp(index, THINGS) == 0)
        return !is_mode(configuration, "thingIndexingMode", "OFF");
    return strcmp(index, GROUPS) == 0 && groups && strcmp(groups, "ON") == 0;
}

static const char *schema_of(const json_t *configuration, const char *index)
{
    bool shadow = is_mode(configuration, "thingIndexingMode", "REGISTRY_AND_SHADOW");
    bool status = is_mode(configuration, "thingConnectivityIndexingMode", "STATUS");
    if (strcmp(index, GROUPS) == 0)
        return "THING_GROUPS";
    if (is_mode(configuration, "namedShadowIndexingMode", "ON"))
        return "MULTI_INDEXING_MODE";
    return shadow && status ? "REGISTRY_AND_SHADOW_AND_CONNECTIVITY_STATUS"
           : shadow         ? "REGISTRY_AND_SHADOW"
           : status         ? "REGISTRY_AND_CONNECTIVITY_STATUS"
                            : "REGISTRY";
}

static enum core_error need_index(const json_t *configuration, const char *index,
                                  struct answer *answer)
{
    if (is_on(configuration, index))
        return CORE_OK;
    return answer_refuse(answer, CORE_NOT_FOUND,
                         "There is no index %.60s: switch it on with iot "
                         "update-indexing-configuration.",
                         index);
}

enum core_error index_describe(struct cloud *cloud, const char *name, struct answer *answer)
{
    json_t *of = configuration(cloud);
    enum core_error error = need_index(of, name, answer);
    if (!error)
        answer->body = json_pack("{s:s,s:s,s:s}", "indexName", name, "indexStatus", "ACTIVE",
                                 "schema", schema_of(of, name));
    json_decref(of);
    return error;
}

enum core_error index_list(struct cloud *cloud, struct answer *answer)
{
    json_t *of = configuration(cloud), *names = json_array();
    if (is_on(of, THINGS))
        json_array_append_new(names, json_string(THINGS));
    if (is_on(of, GROUPS))
        json_array_append_new(names, json_string(GROUPS));
    json_decref(of);
    answer->body = json_pack("{s:o}", "indexNames", names);
    return CORE_OK;
}

/* ---- documents ---- */

static void add_groups(struct cloud *cloud, json_t *document, const char *thing)
{
    json_t *groups = json_array();
    struct db_rows *rows = db_select(
        cloud->db, "SELECT grp FROM thing_group_members WHERE thing = ? ORDER BY grp", "s", thing);
    while (db_next(rows))
        json_array_append_new(groups, json_string(db_text(rows, 0)));
    db_done(rows);
    json_object_set_new(document, "thingGroupNames", groups);
}

/* Whether something is desired that is not reported. */
static bool differs(const json_t *desired, const json_t *reported)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)desired, name, value)
    {
        const json_t *other = json_object_get(reported, name);
        if (json_is_object(value) && json_is_object(other) ? differs(value, other)
                                                           : !json_equal(value, other))
            return true;
    }
    return false;
}

static void add_shadows(struct cloud *cloud, json_t *document, const char *thing, bool named)
{
    json_t *classic = json_object(), *names = json_object();
    struct db_rows *rows = db_select(cloud->db,
                                     "SELECT name, state_json, metadata_json, version FROM shadows"
                                     " WHERE thing = ? AND state_json IS NOT NULL",
                                     "s", thing);
    while (db_next(rows)) {
        json_t *shadow = json_stored(db_text(rows, 1), "{}");
        json_object_set_new(shadow, "metadata", json_stored(db_text(rows, 2), "{}"));
        json_object_set_new(shadow, "version", json_integer(db_int(rows, 3)));
        json_object_set_new(shadow, "hasDelta",
                            json_boolean(differs(json_object_get(shadow, "desired"),
                                                 json_object_get(shadow, "reported"))));
        if (!*db_text(rows, 0))
            json_object_update(classic, shadow);
        else if (named)
            json_object_set(names, db_text(rows, 0), shadow);
        json_decref(shadow);
    }
    db_done(rows);
    if (json_object_size(names) > 0)
        json_object_set(classic, "name", names);
    json_decref(names);
    if (json_object_size(classic) > 0)
        json_object_set(document, "shadow", classic);
    json_decref(classic);
}

static void add_connectivity(struct cloud *cloud, json_t *document, const char *thing)
{
    struct db_rows *rows = db_select(
        cloud->db, "SELECT connected, at_ms, reason FROM presence WHERE client = ?", "s", thing);
    json_t *state =
        db_next(rows) ? json_pack("{s:b,s:I,s:s*}", "connected", db_int(rows, 0) != 0, "timestamp",
                                  (json_int_t)db_int(rows, 1), "disconnectReason", db_text(rows, 2))
                      : json_pack("{s:b}", "connected", 0);
    db_done(rows);
    json_object_set_new(document, "connectivity", state);
}

static json_t *thing_document(struct cloud *cloud, const json_t *configuration, struct db_rows *row)
{
    const char *name = db_text(row, 0);
    json_t *document = json_pack("{s:s,s:s,s:s*,s:o,s:{s:I}}", "thingName", name, "thingId",
                                 db_text(row, 1), "thingTypeName", db_text(row, 2), "attributes",
                                 json_stored(db_text(row, 3), "{}"), "registry", "version",
                                 (json_int_t)db_int(row, 4));
    bool named = is_mode(configuration, "namedShadowIndexingMode", "ON");
    add_groups(cloud, document, name);
    if (named || is_mode(configuration, "thingIndexingMode", "REGISTRY_AND_SHADOW"))
        add_shadows(cloud, document, name, named);
    if (is_mode(configuration, "thingConnectivityIndexingMode", "STATUS"))
        add_connectivity(cloud, document, name);
    return document;
}

static json_t *group_document(struct cloud *cloud, struct db_rows *row)
{
    json_t *parents = json_array();
    char *parent = db_text(row, 4) ? strdup(db_text(row, 4)) : NULL;
    for (int depth = 0; parent && depth < 8; depth++) {
        struct db_rows *rows =
            db_select(cloud->db, "SELECT parent FROM thing_groups WHERE name = ?", "s", parent);
        json_array_insert_new(parents, 0, json_string(parent));
        free(parent);
        parent = db_next(rows) && db_text(rows, 0) ? strdup(db_text(rows, 0)) : NULL;
        db_done(rows);
    }
    free(parent);
    return json_pack("{s:s,s:s,s:s*,s:o,s:o}", "thingGroupName", db_text(row, 0), "thingGroupId",
                     db_text(row, 1), "thingGroupDescription", db_text(row, 2), "attributes",
                     json_stored(db_text(row, 3), "{}"), "parentGroupNames", parents);
}

/* As AWS shows it: the shadow as a text. */
static json_t *shown(const json_t *document)
{
    json_t *copy = json_copy((json_t *)document);
    json_t *shadow = json_object_get(copy, "shadow");
    char *text = shadow ? json_dumps(shadow, JSON_COMPACT) : NULL;
    json_object_del(copy, "registry");
    if (text)
        json_object_set_new(copy, "shadow", json_string(text));
    free(text);
    return copy;
}

/* ---- searching ---- */

#define PIECE 20 /* documents of a turn: devices wait for no more than these */

static void next_piece(void *of);

void search_free(struct finding *finding)
{
    if (!finding)
        return;
    cloud_forget_later(finding->cloud, next_piece, finding);
    query_free(finding->query);
    json_decref(finding->configuration);
    json_decref(finding->found);
    free(finding);
}

/* Values alone where these are all that is asked for: thousands of documents would take long to
 * free. */
static void keep(struct finding *finding, json_t *document)
{
    const json_t *value = *finding->field ? query_field(document, finding->field) : document;
    finding->matched++;
    bool counts = !*finding->field || (value && !json_is_object(value) && !json_is_null(value));
    if (counts)
        json_array_append(finding->found, (json_t *)value);
}

static void look_at(struct finding *finding, struct db_rows *row)
{
    json_t *document = finding->things ? thing_document(finding->cloud, finding->configuration, row)
                                       : group_document(finding->cloud, row);
    snprintf(finding->after, sizeof finding->after, "%s", db_text(row, 0));
    if (query_matches(finding->query, document))
        keep(finding, document);
    json_decref(document);
    finding->is_done = json_array_size(finding->found) >= finding->enough;
}

static void next_piece(void *of)
{
    struct finding *finding = of;
    unsigned count = 0;
    struct db_rows *rows = db_select(
        finding->cloud->db,
        finding->things ? "SELECT name, id, type, attributes_json, version FROM things"
                          " WHERE name > ? ORDER BY name LIMIT ?"
                        : "SELECT name, id, description, attributes_json, parent FROM thing_groups"
                          " WHERE name > ? ORDER BY name LIMIT ?",
        "si", finding->after, (int64_t)PIECE);
    for (; !finding->is_done && db_next(rows); count++)
        look_at(finding, rows);
    db_done(rows);
    finding->is_done |= count < PIECE;
    if (finding->is_done)
        finding->done(finding->of);
    else
        cloud_do_later(finding->cloud, next_piece, finding);
}

static struct finding *new_finding(struct cloud *cloud, const struct search *search,
                                   struct query *query)
{
    struct finding *finding = calloc(1, sizeof *finding);
    if (!finding)
        abort(); /* nothing sensible can follow on the host */
    *finding = (struct finding){.cloud = cloud,
                                .configuration = configuration(cloud),
                                .query = query,
                                .things = !search->index || strcmp(search->index, THINGS) == 0,
                                .enough = search->most < SIZE_MAX ? search->most + 1 : SIZE_MAX,
                                .found = json_array()};
    snprintf(finding->after, sizeof finding->after, "%s", search->after ? search->after : "");
    snprintf(finding->field, sizeof finding->field, "%s", search->field ? search->field : "");
    return finding;
}

enum core_error search_start(struct cloud *cloud, const struct search *search,
                             void (*done)(void *of), void *of, struct finding **made,
                             struct answer *answer)
{
    char reason[160];
    json_t *of_index = configuration(cloud);
    struct query *query = NULL;
    enum core_error error = need_index(of_index, search->index ? search->index : THINGS, answer);
    *made = NULL;
    if (!error && !search->query)
        error = answer_refuse(answer, CORE_INVALID_REQUEST, "queryString is missing");
    if (!error && !(query = query_parse(search->query, reason, sizeof reason)))
        error = answer_refuse(answer, CORE_QUERY, "The query cannot be read: %s", reason);
    json_decref(of_index);
    if (error)
        return error;
    *made = new_finding(cloud, search, query);
    (*made)->done = done;
    (*made)->of = of;
    cloud_do_later(cloud, next_piece, *made);
    return CORE_OK;
}

enum core_error search_page(const struct finding *finding, struct answer *answer)
{
    json_t *page = json_array();
    const json_t *document, *last = NULL;
    size_t i, most = finding->enough - 1;
    json_array_foreach(finding->found, i, document)
    {
        if (i == most)
            break;
        json_array_append_new(page, shown(document));
        last = json_object_get(document, finding->things ? "thingName" : "thingGroupName");
    }
    answer->body = json_pack("{s:o}", finding->things ? "things" : "thingGroups", page);
    if (json_array_size(finding->found) > most)
        json_object_set(answer->body, "nextToken", (json_t *)last);
    return CORE_OK;
}
