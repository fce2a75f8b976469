/* ACM: JSON 1.1, the operation in a header, blobs in base64. */
#include <stdlib.h>
#include <string.h>

#include "cloud/api/rights.h"
#include "cloud/api/services_internal.h"
#include "cloud/core/account/signing.h"
#include "cloud/core/ground/names.h"

#define MAX_ITEMS     1000
#define TARGET_PREFIX "CertificateManager."

/* A blob member as text, freed by the caller; NULL when it is absent or not base64. */
static char *blob(const json_t *body, const char *name)
{
    size_t size;
    const char *text = json_text(body, name);
    return text ? base64_bytes(text, &size) : NULL;
}

static enum core_error import(struct call *call, const json_t *body, struct answer *answer)
{
    char *certificate = blob(body, "Certificate"), *key = blob(body, "PrivateKey");
    char *chain = blob(body, "CertificateChain");
    enum core_error error =
        acm_import(call->cloud, certificate, key, chain, json_text(body, "CertificateArn"), answer);
    free(certificate);
    free(key);
    free(chain);
    return error;
}

static enum core_error describe(struct call *call, const json_t *body, struct answer *answer)
{
    return acm_describe(call->cloud, json_text(body, "CertificateArn"), answer);
}

/* The list's part behind NextToken, the number of entries before it, of at most MaxItems. */
static enum core_error cut(const json_t *body, struct answer *answer)
{
    const json_t *most = json_object_get(body, "MaxItems");
    const char *token = json_text(body, "NextToken");
    json_int_t size = most ? json_integer_value(most) : MAX_ITEMS;
    if (size < 1 || size > MAX_ITEMS)
        return answer_refuse(answer, CORE_VALIDATION, "MaxItems must be 1 to %d.", MAX_ITEMS);
    if (token && (!*token || strlen(token) > 9 || strspn(token, "0123456789") != strlen(token)))
        return answer_refuse(answer, CORE_VALIDATION, "NextToken is not one that was given out.");
    services_cut(answer, "CertificateSummaryList", token ? strtoul(token, NULL, 10) : 0,
                 (size_t)size, "NextToken");
    return CORE_OK;
}

static enum core_error list(struct call *call, const json_t *body, struct answer *answer)
{
    enum core_error error = acm_list(
        call->cloud, json_object_get(json_object_get(body, "Includes"), "keyTypes"), answer);
    return error ? error : cut(body, answer);
}

static enum core_error delete (struct call *call, const json_t *body, struct answer *answer) {
    return acm_delete(call->cloud, json_text(body, "CertificateArn"), answer);
}

static const struct operation {
    const char *name;
    route_handler *handler;
    const char *takes;
} operations[] = {
    {"ImportCertificate", import, "Certificate PrivateKey CertificateChain CertificateArn"},
    {"DescribeCertificate", describe, "CertificateArn"},
    {"ListCertificates", list, "Includes MaxItems NextToken"},
    {"DeleteCertificate", delete, "CertificateArn"},
};

static const struct operation *find(const char *target)
{
    size_t prefix = strlen(TARGET_PREFIX);
    if (!target || strncmp(target, TARGET_PREFIX, prefix) != 0)
        return NULL;
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        if (strcmp(operations[i].name, target + prefix) == 0)
            return &operations[i];
    }
    return NULL;
}

static void run(struct call *call, const struct operation *operation, const json_t *body)
{
    struct answer answer = ANSWER_INIT;
    const char *foreign = services_foreign(operation->takes, body);
    enum core_error error = foreign ? services_refuse_foreign(&answer, foreign)
                                    : operation->handler(call, body, &answer);
    services_reply_json(call, PROTOCOL_ACM, error, &answer);
    answer_free(&answer);
}

static bool may_run(struct call *call, const struct operation *operation, const json_t *body)
{
    char action[64];
    const char *arn = json_text(body, "CertificateArn");
    snprintf(action, sizeof action, "acm:%s", operation->name);
    return rights_check(call, PROTOCOL_ACM, action, arn ? arn : "*");
}

void acm_answer(struct call *call)
{
    const char *target = call_header(call, "X-Amz-Target");
    const struct operation *operation = find(target);
    json_t *body = services_read_json(call);
    if (!operation || call->method != EVHTTP_REQ_POST)
        services_refuse_operation(call, PROTOCOL_ACM, target ? target : "(no X-Amz-Target)");
    else if (!body)
        error_reply(call, PROTOCOL_ACM, "SerializationException", 400,
                    "The body is not a JSON object.", NULL);
    else if (may_run(call, operation, body))
        run(call, operation, body);
    json_decref(body);
}
