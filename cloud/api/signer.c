/* Signer: profiles and jobs over HTTP. */
#include "cloud/api/services_internal.h"
#include "cloud/core/account/signing.h"

static enum core_error put_profile(struct call *call, const json_t *body, struct answer *answer)
{
    return profile_put(call->cloud, call->parameters[0], body, answer);
}

static enum core_error get_profile(struct call *call, const json_t *body, struct answer *answer)
{
    (void)body;
    return profile_get(call->cloud, call->parameters[0], answer);
}

static enum core_error list_profiles(struct call *call, const json_t *body, struct answer *answer)
{
    (void)body;
    enum core_error error = profile_list(call->cloud, call_flag(call, "includeCanceled"), answer);
    services_page(call, answer, "profiles", &paging_by_token);
    return error;
}

static enum core_error cancel_profile(struct call *call, const json_t *body, struct answer *answer)
{
    (void)body;
    return profile_cancel(call->cloud, call->parameters[0], answer);
}

static void free_signing(void *signing)
{
    signing_free(signing);
}

static enum core_error start_job(struct call *call, const json_t *body, struct answer *answer)
{
    struct signing *signing = call->made;
    if (signing)
        return signing_finish(signing, answer);
    enum core_error error = signing_start(call->cloud, body, call_again, call, &signing, answer);
    if (signing)
        call_wait(call, signing, free_signing);
    return error;
}

static enum core_error describe_job(struct call *call, const json_t *body, struct answer *answer)
{
    (void)body;
    return signing_describe(call->cloud, call->parameters[0], answer);
}

const struct route signer_routes[] = {
    {"PutSigningProfile", EVHTTP_REQ_PUT, "/signing-profiles/{}", put_profile,
     "platformId signingMaterial signingParameters"},
    {"GetSigningProfile", EVHTTP_REQ_GET, "/signing-profiles/{}", get_profile, NULL},
    {"ListSigningProfiles", EVHTTP_REQ_GET, "/signing-profiles", list_profiles,
     "includeCanceled nextToken maxResults"},
    {"CancelSigningProfile", EVHTTP_REQ_DELETE, "/signing-profiles/{}", cancel_profile, NULL},
    {"StartSigningJob", EVHTTP_REQ_POST, "/signing-jobs", start_job,
     "source destination profileName clientRequestToken"},
    {"DescribeSigningJob", EVHTTP_REQ_GET, "/signing-jobs/{}", describe_job, NULL},
    {NULL, 0, NULL, NULL, NULL},
};
