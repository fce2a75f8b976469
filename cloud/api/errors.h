/* How a refusal looks in each of AWS's protocols. */
#ifndef OTTER_CLOUD_API_ERRORS_H
#define OTTER_CLOUD_API_ERRORS_H

#include "cloud/api/call.h"
#include "cloud/sigv4/sigv4.h"

/* The wire protocols, by the service named in the credential scope. */
enum protocol {
    PROTOCOL_IOT,       /* REST JSON: header x-amzn-ErrorType, {"message"} */
    PROTOCOL_JOBS_DATA, /* the same with fewer names */
    PROTOCOL_IOT_DATA,  /* the same with its own names */
    PROTOCOL_SIGNER,    /* the same, {"code","message"} */
    PROTOCOL_ACM,       /* JSON 1.1: {"__type","message"}, always 400 */
    PROTOCOL_S3,        /* XML */
    PROTOCOL_QUERY,     /* IAM, STS: XML ErrorResponse */
};

/* Sets status and body of the reply. `details`, members for the error's body, may be NULL. */
void error_reply(struct call *call, enum protocol protocol, const char *name, int status,
                 const char *message, const json_t *details);

/* The same for what the core refused. */
void error_reply_core(struct call *call, enum protocol protocol, enum core_error error,
                      const struct answer *answer);

/* What the protocol calls an error of the core. */
const char *error_name(enum protocol protocol, enum core_error error);

/* The same for a request that is not accepted. */
void error_reply_sigv4(struct call *call, enum protocol protocol, enum sigv4_verdict verdict,
                       const struct sigv4_result *result);

#endif
