/* Fleet indexing: what of things is searched, and searching it. Nothing is kept for it: each search
 * reads the things, their groups, shadows and connections as they are, so an index is ACTIVE at
 * once.
 *
 * CORE_QUERY for a query that cannot be read, CORE_NOT_FOUND for an index that is not switched on,
 * CORE_AGGREGATION, CORE_INVALID_REQUEST. */
#ifndef OTTER_CLOUD_CORE_SEARCH_SEARCH_H
#define OTTER_CLOUD_CORE_SEARCH_SEARCH_H

#include "cloud/core/ground/cloud.h"

/* Members as in AWS: `thingIndexingConfiguration`, `thingGroupIndexingConfiguration`. */
enum core_error indexing_get(struct cloud *cloud, struct answer *answer);
enum core_error indexing_update(struct cloud *cloud, const json_t *body, struct answer *answer);
/* {"indexName","indexStatus","schema"} */
enum core_error index_describe(struct cloud *cloud, const char *name, struct answer *answer);
/* {"indexNames":[...]} */
enum core_error index_list(struct cloud *cloud, struct answer *answer);

struct search {
    const char *index; /* NULL: AWS_Things */
    const char *query;
    const char *after; /* the name that the page before ended with; NULL: the first page */
    const char *field; /* for aggregations, whose values; NULL: of a page */
    size_t most;       /* of an answer; SIZE_MAX: all */
};

/* A search, a few things a turn, so that no device waits for thousands: each is seen as it is when
 * its turn comes. Calls `done` in a later turn, unless it is freed before. NULL in `made` when it
 * is refused. */
struct finding;
enum core_error search_start(struct cloud *cloud, const struct search *search,
                             void (*done)(void *of), void *of, struct finding **made,
                             struct answer *answer);
void search_free(struct finding *finding); /* NULL is fine */

/* Of one that is done. {"things":[...],"nextToken"?} or {"thingGroups":[...],"nextToken"?} */
enum core_error search_page(const struct finding *finding, struct answer *answer);
/* {"statistics":{...}}: only `count` for what is no number */
enum core_error search_statistics(const struct finding *finding, struct answer *answer);
/* {"percentiles":[{"percent","value"}...]}; `percents` of 0..100, NULL: AWS's usual ones.
 * CORE_AGGREGATION for what is no number. */
enum core_error search_percentiles(const struct finding *finding, const json_t *percents,
                                   struct answer *answer);
/* {"totalCount","buckets":[{"keyValue","count"}...]}, the most frequent first; `type` is
 * {"termsAggregation":{"maxBuckets"}}. */
enum core_error search_buckets(const struct finding *finding, const json_t *type,
                               struct answer *answer);
/* {"cardinality"} */
enum core_error search_cardinality(const struct finding *finding, struct answer *answer);

#endif
