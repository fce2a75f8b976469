/* Queries of fleet indexing: thingName:abc*, attributes.x:1, shadow.reported.fw:1.2.3, ranges
 * ([75 TO 80], {75 TO 80}, <5, >=5), AND (or a blank), OR, NOT, -, parentheses, "phrases",
 * \ escapes.
 *
 * Names of fields are compared exactly, values without regard to case, numbers as numbers; a value
 * without a field is looked for in all. */
#ifndef OTTER_CLOUD_CORE_SEARCH_QUERY_H
#define OTTER_CLOUD_CORE_SEARCH_QUERY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define QUERY_MAX       1000 /* bytes */
#define QUERY_TERMS_MAX 7
#define QUERY_DEPTH_MAX 16

struct query;

/* NULL with the reason in words. */
struct query *query_parse(const char *text, char *reason, size_t size);
void query_free(struct query *query); /* NULL is fine */
bool query_matches(const struct query *query, const json_t *document);

/* The member that a path of names between dots leads to (names may hold dots themselves); NULL. */
const json_t *query_field(const json_t *document, const char *path);

#endif
