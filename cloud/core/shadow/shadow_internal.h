/* Between the files of the shadows only: what a request says, and the rules of documents. */
#ifndef OTTER_CLOUD_CORE_SHADOW_SHADOW_INTERNAL_H
#define OTTER_CLOUD_CORE_SHADOW_SHADOW_INTERNAL_H

#include "cloud/core/shadow/shadow.h"

/* ---- shadow_request.c ---- */

struct shadow_request {
    json_t *root;          /* owned */
    const json_t *state;   /* checked: has nothing but `desired` and `reported`, objects or null */
    const json_t *version; /* NULL: any */
    const json_t *token;   /* NULL: none */
};

/* Reads and checks. On a refusal the token is there if it could be read; shadow_request_free in any
 * case. */
enum core_error shadow_request_read(struct shadow_request *request, const void *bytes,
                                    size_t length, struct answer *answer);
void shadow_request_free(struct shadow_request *request);

/* ---- shadow_document.c ---- */

/* `state` is {"desired"?,"reported"?}, `metadata` the same with {"timestamp"} in place of each
 * value (in arrays, of each element). */
struct shadow_document {
    json_t *state, *metadata;
};

/* Merges `change` (a checked request's state) at that time (seconds). */
void shadow_document_merge(struct shadow_document *document, const json_t *change, int64_t now);

/* Metadata for the members of `change` that the document now has; freed by the caller. */
json_t *shadow_document_metadata(const struct shadow_document *document, const json_t *change);

/* What is desired and not reported; NULL when nothing is. `metadata`, that of these members, may be
 * NULL. Both are freed by the caller. */
json_t *shadow_document_delta(const struct shadow_document *document, json_t **metadata);

#endif
