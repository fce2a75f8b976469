/* Requests to services of AWS IoT that this cloud does not offer. A device that also uses one of
 * them must not lose its connection each time it asks: where the service has a rejected topic, the
 * answer comes there, worded as the service does, and says why. */
#include <stdio.h>
#include <string.h>

#include "cloud/reserved/reserved_internal.h"

static const char *name_of(enum reserved_service service)
{
    switch (service) {
    case RESERVED_PROVISIONING:
        return "Fleet provisioning";
    default:
        return "Basic Ingest";
    }
}

enum core_error handle_unoffered(struct call *call)
{
    const char *name = name_of(call->row->service);
    if (call->answers->unoffered)
        call->answers->unoffered(call->answers->context, call->row->service, name);
    return answer_refuse(&call->answer, CORE_NOT_IMPLEMENTED, "%s is not offered by this cloud yet",
                         name);
}

/* ---- how the services word a refusal -------------------------------------------------------- */

static void provisioning_refuse(const struct call *call, enum core_error error, json_t *body)
{
    (void)error;
    json_object_set_new(body, "statusCode", json_integer(403));
    json_object_set_new(body, "errorCode", json_string("ServiceNotOffered"));
    json_object_set_new(body, "errorMessage", json_string(call->answer.message));
}

const struct envelope envelope_provisioning = {.refuse = provisioning_refuse,
                                               .to_subscribers = true};
