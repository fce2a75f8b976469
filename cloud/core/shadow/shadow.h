/* Device shadows: of each thing one without a name (the classic one) and any number with names.
 *
 * A shadow holds what is desired of a device and what the device reported, merged from updates,
 * with the time of each value and a version that grows by one with every update. The rules are
 * AWS's (Device Shadow service documents, error messages): objects are merged, arrays replaced,
 * null deletes, and what is desired but not reported is the delta. A shadow is deleted by itself
 * and not with its thing; a thing need not be registered to have one. Its version outlives a
 * deletion by 48 hours.
 *
 * Answers hold what AWS answers, `timestamp` (seconds) and the request's `clientToken` included;
 * they may tell of what is not on the disk yet. What subscribers are told of an accepted update or
 * deletion goes out as notices once it is. Refusals, with AWS's words as the message:
 *
 *   CORE_INVALID_REQUEST   400, the document or a name breaks a rule
 *   CORE_NOT_FOUND         404, there is no such shadow
 *   CORE_VERSION_CONFLICT  409, the request's version is not the shadow's; nothing changes
 *   CORE_TOO_LARGE         413, request or resulting state above SHADOW_SIZE_MAX
 *   CORE_ENCODING          415, no UTF-8
 *   CORE_INTERNAL          500 */
#ifndef OTTER_CLOUD_CORE_SHADOW_SHADOW_H
#define OTTER_CLOUD_CORE_SHADOW_SHADOW_H

#include "cloud/core/ground/cloud.h"

#define SHADOW_NAME_MAX   64
#define SHADOW_SIZE_MAX   8192 /* bytes of an update, and of a shadow's state without metadata */
#define SHADOW_LEVELS_MAX 6    /* below `desired` and below `reported` */
#define SHADOW_TOKEN_MAX  64   /* bytes of a clientToken */
#define SHADOW_PAGE_MAX   100

struct shadow_id {
    const char *thing;
    const char *name; /* NULL: the classic one */
};

/* {"state":{"desired"?,"reported"?,"delta"?},"metadata":{"desired"?,"reported"?},"version"} */
enum core_error shadow_get(struct cloud *cloud, const struct shadow_id *id, struct answer *answer);

/* `request` is {"state":{"desired"?,"reported"?},"version"?,"clientToken"?} as it came.
 * {"state","metadata"} of what the request has, and "version"; tells NOTICE_SHADOW_UPDATED,
 * _DOCUMENTS, and _DELTA if there is one. */
enum core_error shadow_update(struct cloud *cloud, const struct shadow_id *id, const void *request,
                              size_t length, struct answer *answer);

/* {"version"} of what was deleted; tells NOTICE_SHADOW_DELETED. `token` may be NULL. */
enum core_error shadow_delete(struct cloud *cloud, const struct shadow_id *id, const json_t *token,
                              struct answer *answer);

/* {"results":[name...],"timestamp","nextToken"?}: those with names, by name. CORE_NOT_FOUND when
 * there is neither a thing nor a shadow of it. */
enum core_error shadow_list(struct cloud *cloud, const char *thing, size_t begin, size_t most,
                            struct answer *answer);

/* Whether it is a text that may be a clientToken, or absent. */
bool shadow_token_valid(const json_t *token);

#endif
