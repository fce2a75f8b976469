/* iot: fleet indexing. */
#include <stdlib.h>

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
    const char *token = json_text(body, "nextToken"), *version = json_text(body, "queryVersion");
    const json_t *most = json_object_get(body, "maxResults");
    *search = (struct search){.index = json_text(body, "indexName"),
                              .query = json_text(body, "queryString"),
                              .field = json_text(body, "aggregationField"),
                              .begin = token ? strtoul(token, NULL, 10) : 0,
                              .most = PAGE_MAX};
    if (most && (json_integer_value(most) < 1 || json_integer_value(most) > PAGE_MAX))
        return answer_refuse(answer, CORE_INVALID_REQUEST, "maxResults must be 1 to %d", PAGE_MAX);
    if (most)
        search->most = (size_t)json_integer_value(most);
    return check_filter("queryVersion", version, "2017-09-30", answer);
}

static enum core_error search_index(struct call *call, const json_t *body, struct answer *answer)
{
    struct search search;
    enum core_error error = read(body, &search, answer);
    return error ? error : search_run(call->cloud, &search, answer);
}

static enum core_error statistics(struct call *call, const json_t *body, struct answer *answer)
{
    struct search search;
    enum core_error error = read(body, &search, answer);
    return error ? error : search_statistics(call->cloud, &search, answer);
}

static enum core_error cardinality(struct call *call, const json_t *body, struct answer *answer)
{
    struct search search;
    enum core_error error = read(body, &search, answer);
    return error ? error : search_cardinality(call->cloud, &search, answer);
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
    {"DescribeIndex", EVHTTP_REQ_GET, "/indices/{}", describe, NULL},
    {"ListIndices", EVHTTP_REQ_GET, "/indices", list, "maxResults nextToken"},
    {NULL, 0, NULL, NULL, NULL},
};
