/* Between the files of the search only. */
#ifndef OTTER_CLOUD_CORE_SEARCH_SEARCH_INTERNAL_H
#define OTTER_CLOUD_CORE_SEARCH_SEARCH_INTERNAL_H

#include "cloud/core/search/query.h"
#include "cloud/core/search/search.h"

struct finding {
    struct cloud *cloud;
    json_t *configuration;
    struct query *query;
    bool things;
    char after[129]; /* the name that was looked at last */
    char field[256]; /* of which values are kept; "": documents are */
    size_t enough;   /* found, that end it */
    json_t *found;
    size_t matched; /* things that fit, whether they have the field or not */
    bool is_done;
    void (*done)(void *of);
    void *of;
};

#endif
