/* Queries of fleet indexing as anybody with an access key writes them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/search/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char reason[160], *text = strndup((const char *)data, size);
    json_t *document =
        json_pack("{s:s,s:{s:s,s:i},s:[s,s],s:b}", "thingName", "hall-1", "attributes", "room",
                  "Hall", "level", 3, "tags", "a", "b", "on", 1);
    struct query *query = query_parse(text, reason, sizeof reason);
    if (query)
        query_matches(query, document);
    query_free(query);
    json_decref(document);
    free(text);
    return 0;
}
