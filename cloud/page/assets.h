/* The files that the page consists of, in the program itself. */
#ifndef OTTER_CLOUD_PAGE_ASSETS_H
#define OTTER_CLOUD_PAGE_ASSETS_H

#include <stddef.h>

struct asset {
    const char *path, *type; /* "/style.css", "text/css; charset=utf-8" */
    const unsigned char *bytes;
    size_t size;
};

/* NULL: there is none. */
const struct asset *asset_find(const char *path);
/* One after the other, from 0; NULL behind the last. */
const struct asset *asset_at(unsigned index);

#endif
