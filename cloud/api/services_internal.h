/* Between the services only: their routes, and what their handlers share. */
#ifndef OTTER_CLOUD_API_SERVICES_INTERNAL_H
#define OTTER_CLOUD_API_SERVICES_INTERNAL_H

#include "cloud/api/router.h"
#include "cloud/api/services.h"

extern const struct route iot_registry_routes[];
extern const struct route iot_fleet_routes[];
extern const struct route iot_groups_routes[];
extern const struct route iot_jobs_routes[];
extern const struct route iot_templates_routes[];
extern const struct route iot_ota_routes[];
extern const struct route iot_defender_routes[];
extern const struct route iot_rules_routes[];
extern const struct route iot_search_routes[];
extern const struct route iot_data_routes[];
extern const struct route jobs_data_routes[];
extern const struct route signer_routes[];

void acm_answer(struct call *call);
void s3_answer(struct call *call);
void iam_answer(struct call *call); /* IAM and STS */

/* Sends the JSON body of an answer, or how it was refused. */
void services_reply_json(struct call *call, enum protocol protocol, enum core_error error,
                         const struct answer *answer);

/* The call's body as an object: empty when there is none, NULL when it is no JSON object. */
json_t *services_read_json(const struct call *call);

/* The first name in `given` that is not one of `takes` (blanks divide; NULL: none) and asks for
 * something: null, false, "false" and what is empty ask for nothing. NULL: there is none. */
const char *services_foreign(const char *takes, const json_t *given);
/* Refuses a call because of a name that services_foreign found. */
enum core_error services_refuse_foreign(struct answer *answer, const char *name);

/* Leaves of the list in answer->body[name] the entries from `begin` on, at most `most`; adds the
 * token of the next page, the number of entries before it, if there are more. */
void services_cut(struct answer *answer, const char *name, size_t begin, size_t most,
                  const char *next_name);

/* Says that there is no such operation. */
void services_refuse_operation(struct call *call, enum protocol protocol, const char *operation);

/* Cuts the list in answer->body[name] to the page that the call asks for, and adds the token of the
 * next one. iot has two pairs of names for size and token. */
struct paging {
    const char *size, *token, *next;
};
extern const struct paging paging_by_token;  /* maxResults, nextToken */
extern const struct paging paging_by_marker; /* pageSize, marker, nextMarker */
void services_page(struct call *call, struct answer *answer, const char *name,
                   const struct paging *paging);

#endif
