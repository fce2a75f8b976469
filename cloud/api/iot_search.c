/* iot: fleet indexing. */
#include <stdint.h>

#include "cloud/api/services_internal.h"
#include "cloud/core/ground/names.h"
#include "cloud/core/search/search.h"

#define PAGE_MAX 100

static enum core_error get_configuration(struct call *call, const json_t *body,
                                         struct answer *answer)
{
    (void)body;
    return indexing_get(call->cloud, answer);
}

static enum core_error update_configuration(struct call *call, const json_t *body,
                                            struct answer *answer)
{
    return indexing_update(call->cloud, body, answer);
}

static enum core_error describe(struct call *call, const json_t *body, struct answer *answer)
{
    (void)body;
    return index_describe(call->cloud, call->parameters[0], answer);
}

static enum core_error list(struct call *call, const json_t *body, struct answer *answer)
{
    enum core_error error = index_list(call->cloud, answer);
    (void)body;
    if (!error)
        services_page(call, answer, "indexNames", &paging_by_token);
    return error;
}

static enum core_error read(const json_t *body, struct search *search, struct answer *answer)
{
    const char *version = json_text(body, "queryVersion");
    const json_t *most = json_object_get(body, "maxResults");
    *search = (struct search){.index = json_text(body, "indexName"),
                              .query = json_text(body, "queryString"),
                              .after = json_text(body, "nextToken"),
                              .most = PAGE_MAX};
    if (most && (json_integer_value(most) < 1 || json_integer_value(most) > PAGE_MAX))
        return answer_refuse(answer, CORE_INVALID_REQUEST, "maxResults must be 1 to %d", PAGE_MAX);
    if (most)
        search->most = (size_t)json_integer_value(most);
    return check_filter("queryVersion", version, "2017-09-30", answer);
}

static void free_finding(void *finding)
{
    search_free(finding);
}

static enum core_error start(struct call *call, const struct search *search, struct answer *answer)
{
    struct finding *finding;
    enum core_error error = search_start(call->cloud, search, call_again, call, &finding, answer);
    if (finding)
        call_wait(call, finding, free_finding);
    return error;
}

static enum core_error search_index(struct call *call, const json_t *body, struct answer *answer)
{
    struct search search;
    if (call->made)
        return search_page(call->made, answer);
    enum core_error error = read(body, &search, answer);
    return error ? error : start(call, &search, answer);
}

/* Of all that is found. */
static enum core_error aggregate(struct call *call, const json_t *body, const char *field,
                                 struct answer *answer)
{
    struct search search;
    enum core_error error = read(body, &search, answer);
    search.field = field;
    search.most = SIZE_MAX;
    return error ? error : start(call, &search, answer);
}

static enum core_error statistics(struct call *call, const json_t *body, struct answer *answer)
{
    const char *field = json_text(body, "aggregationField");
    return call->made ? search_statistics(call->made, answer)
                      : aggregate(call, body, field ? field : "registry.version", answer);
}

static enum core_error cardinality(struct call *call, const json_t *body, struct answer *answer)
{
    const char *field = json_text(body, "aggregationField");
    if (!field)
        return answer_refuse(answer, CORE_AGGREGATION, "aggregationField is missing");
    return call->made ? search_cardinality(call->made, answer)
                      : aggregate(call, body, field, answer);
}

static enum core_error percentiles(struct call *call, const json_t *body, struct answer *answer)
{
    const char *field = json_text(body, "aggregationField");
    return call->made ? search_percentiles(call->made, json_object_get(body, "percents"), answer)
                      : aggregate(call, body, field ? field : "registry.version", answer);
}

static enum core_error buckets(struct call *call, const json_t *body, struct answer *answer)
{
    const char *field = json_text(body, "aggregationField");
    if (!field)
        return answer_refuse(answer, CORE_AGGREGATION, "aggregationField is missing");
    return call->made
               ? search_buckets(call->made, json_object_get(body, "bucketsAggregationType"), answer)
               : aggregate(call, body, field, answer);
}

const struct route iot_search_routes[] = {
    {"GetIndexingConfiguration", EVHTTP_REQ_GET, "/indexing/config", get_configuration, NULL},
    {"UpdateIndexingConfiguration", EVHTTP_REQ_POST, "/indexing/config", update_configuration,
     "thingIndexingConfiguration thingGroupIndexingConfiguration"},
    {"SearchIndex", EVHTTP_REQ_POST, "/indices/search", search_index,
     "indexName queryString nextToken maxResults queryVersion"},
    {"GetStatistics", EVHTTP_REQ_POST, "/indices/statistics", statistics,
     "indexName queryString aggregationField queryVersion"},
    {"GetCardinality", EVHTTP_REQ_POST, "/indices/cardinality", cardinality,
     "indexName queryString aggregationField queryVersion"},
    {"GetPercentiles", EVHTTP_REQ_POST, "/indices/percentiles", percentiles,
     "indexName queryString aggregationField queryVersion percents"},
    {"GetBucketsAggregation", EVHTTP_REQ_POST, "/indices/buckets", buckets,
     "indexName queryString aggregationField queryVersion bucketsAggregationType"},
    {"DescribeIndex", EVHTTP_REQ_GET, "/indices/{}", describe, NULL},
    {"ListIndices", EVHTTP_REQ_GET, "/indices", list, "maxResults nextToken"},
    {NULL, 0, NULL, NULL, NULL},
};
