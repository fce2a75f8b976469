/* The services behind the one port, each by its name in the credential scope. */
#ifndef OTTER_CLOUD_API_SERVICES_H
#define OTTER_CLOUD_API_SERVICES_H

#include "cloud/api/call.h"
#include "cloud/api/errors.h"

/* Answers an authenticated call: fills its reply. */
void services_answer(struct call *call, const char *service);

/* Refuses an operation that clients do not sign (STS has some), naming it; false: it is none. */
bool services_refuse_unsigned(struct call *call);

/* The protocol in which a request is refused. `service` is "" when it was not named; then path and
 * headers tell as well as they can. */
enum protocol services_protocol(const struct call *call, const char *service);

#endif
