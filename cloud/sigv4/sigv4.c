/* Checking a SigV4 signature; see sigv4.h. */
#include "cloud/sigv4/sigv4.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>
#include <time.h>

#include "cloud/sigv4/text.h"
#include "cloud/core/ground/names.h"

#define ALGORITHM     SIGV4_ALGORITHM
#define SKEW_S        300
#define SKEW_S3_S     900
#define EXPIRES_MAX_S 604800
#define UNSIGNED      "UNSIGNED-PAYLOAD"

/* What the client says about its signature, from header or query. */
struct claim {
    char *credential, *signed_headers, *signature, *date, *expires; /* owned */
    bool presigned;
    char key_id[SIGV4_KEY_ID_SIZE], day[9], region[32]; /* parts of the credential */
};

static const char *header_of(const struct sigv4_request *request, const char *name)
{
    return evhttp_find_header(request->headers, name);
}

static enum sigv4_verdict incomplete(struct sigv4_result *result, const char *message)
{
    snprintf(result->message, sizeof result->message, "%s", message);
    return SIGV4_INCOMPLETE;
}

/* ---- the claim ---- */

static void claim_free(struct claim *claim)
{
    free(claim->credential);
    free(claim->signed_headers);
    free(claim->signature);
    free(claim->date);
    free(claim->expires);
}

/* The value of NAME= in "ALGORITHM Credential=..., SignedHeaders=..., Signature=...". */
static char *part_of_header(const char *header, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = header; (at = strstr(at, name)); at += length) {
        if ((at == header || at[-1] == ' ' || at[-1] == ',') && at[length] == '=')
            return strndup(at + length + 1, strcspn(at + length + 1, ", "));
    }
    return NULL;
}

static char *part_of_query(const char *target, const char *name)
{
    size_t length = strlen(name);
    const char *query = strchr(target, '?');
    while (query) {
        query++;
        if (strncmp(query, name, length) == 0 && query[length] == '=')
            return text_decode(query + length + 1, strcspn(query + length + 1, "&"), 0);
        query = strchr(query, '&');
    }
    return NULL;
}

/* RFC 1123 into the basic form of ISO 8601, for clients that send Date alone. */
static char *date_of_header(const struct sigv4_request *request)
{
    const char *date = header_of(request, "X-Amz-Date");
    struct tm parts = {0};
    char text[32];
    if (date)
        return strdup(date);
    date = header_of(request, "Date");
    if (!date || !strptime(date, "%a, %d %b %Y %H:%M:%S GMT", &parts))
        return date ? strdup(date) : NULL;
    strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &parts);
    return strdup(text);
}

/* "Authorization: AWS ID:..." or "?AWSAccessKeyId=...&Signature=...": older clients presign so. */
static bool is_version_2(const struct sigv4_request *request, const char *authorization)
{
    char *id = part_of_query(request->target, "AWSAccessKeyId");
    bool found = id || (authorization && strncmp(authorization, "AWS ", 4) == 0);
    free(id);
    return found;
}

static enum sigv4_verdict read_claim(const struct sigv4_request *request, struct claim *claim,
                                     struct sigv4_result *result)
{
    const char *header = header_of(request, "Authorization");
    char *algorithm = part_of_query(request->target, "X-Amz-Algorithm");
    bool query = algorithm && strcmp(algorithm, ALGORITHM) == 0;
    free(algorithm);
    if (header && strncmp(header, ALGORITHM " ", sizeof ALGORITHM) == 0) {
        claim->credential = part_of_header(header, "Credential");
        claim->signed_headers = part_of_header(header, "SignedHeaders");
        claim->signature = part_of_header(header, "Signature");
        claim->date = date_of_header(request);
    } else if (query) {
        claim->presigned = true;
        claim->credential = part_of_query(request->target, "X-Amz-Credential");
        claim->signed_headers = part_of_query(request->target, "X-Amz-SignedHeaders");
        claim->signature = part_of_query(request->target, "X-Amz-Signature");
        claim->date = part_of_query(request->target, "X-Amz-Date");
        claim->expires = part_of_query(request->target, "X-Amz-Expires");
    } else if (is_version_2(request, header)) {
        return SIGV4_VERSION_2;
    } else {
        return header ? incomplete(result, "Authorization must be of type " ALGORITHM ".")
                      : SIGV4_MISSING;
    }
    if (!claim->credential || !claim->signed_headers || !claim->signature || !claim->date)
        return incomplete(result, "Credential, SignedHeaders, Signature and a date are required.");
    return SIGV4_OK;
}

/* KEY-ID/yyyymmdd/region/service/aws4_request; a key id may hold slashes of its own no more. */
static enum sigv4_verdict read_credential(struct claim *claim, struct sigv4_result *result)
{
    char end[16], rest[2];
    if (sscanf(claim->credential, "%131[^/]/%8[0-9]/%31[^/]/%31[^/]/%15[^/]%1s", claim->key_id,
               claim->day, claim->region, result->service, end, rest) != 5 ||
        strcmp(end, "aws4_request") != 0 || strlen(claim->day) != 8)
        return incomplete(result, "Credential must be KEY/yyyymmdd/region/service/aws4_request.");
    /* MQTT over WebSockets is signed for now; clients of it often leave this out */
    if (claim->presigned && !claim->expires && strcmp(result->service, "iotdevicegateway") != 0)
        return incomplete(result, "X-Amz-Expires is required.");
    if (strlen(claim->date) != 16)
        return incomplete(result, "The date must have the form yyyymmddThhmmssZ.");
    if (strncmp(claim->date, claim->day, 8) != 0)
        return incomplete(result, "The date of the credential is not the date of the request.");
    snprintf(result->date, sizeof result->date, "%s", claim->date);
    snprintf(result->scope, sizeof result->scope, "%s/%s/%s/aws4_request", claim->day,
             claim->region, result->service);
    return SIGV4_OK;
}

/* ---- who, when ---- */

static bool same(const char *left, const char *right)
{
    size_t length = strlen(right);
    return strlen(left) == length && CRYPTO_memcmp(left, right, length) == 0;
}

/* IAM and STS are global: clients sign with whatever region they have. */
static bool region_right(const char *service, const char *given, const char *region)
{
    return strcmp(service, "iam") == 0 || strcmp(service, "sts") == 0 || strcmp(given, region) == 0;
}

static enum sigv4_verdict check_time(const struct claim *claim, const struct sigv4_result *result,
                                     int64_t now)
{
    struct tm parts = {0};
    const char *end = strptime(claim->date, "%Y%m%dT%H%M%SZ", &parts);
    int64_t date = end && !*end ? (int64_t)timegm(&parts) : 0;
    int64_t skew = strcmp(result->service, "s3") == 0 ? SKEW_S3_S : SKEW_S;
    if (date > now + skew)
        return SIGV4_SKEWED;
    if (!claim->presigned || !claim->expires)
        return date < now - skew ? SIGV4_SKEWED : SIGV4_OK;
    char *rest = NULL;
    long long expires = strtoll(claim->expires, &rest, 10);
    if (*rest || expires < 1 || expires > EXPIRES_MAX_S)
        return SIGV4_INCOMPLETE;
    return now > date + expires ? SIGV4_EXPIRED : SIGV4_OK;
}

static bool is_signed(const char *names, const char *name)
{
    size_t length = strlen(name);
    while (*names) {
        size_t size = strcspn(names, ";");
        if (size == length && strncasecmp(names, name, size) == 0)
            return true;
        names += size + (names[size] == ';');
    }
    return false;
}

/* What carries meaning must not be added by somebody in between. */
static enum sigv4_verdict check_signed_headers(const struct sigv4_request *request,
                                               const struct claim *claim,
                                               struct sigv4_result *result)
{
    const struct evkeyval *header;
    if (!is_signed(claim->signed_headers, "host"))
        return incomplete(result, "The header host must be signed.");
    TAILQ_FOREACH(header, request->headers, next)
    {
        if (strncasecmp(header->key, "x-amz-", 6) == 0 &&
            !is_signed(claim->signed_headers, header->key))
            return incomplete(result, "There are x-amz- headers which were not signed.");
    }
    return SIGV4_OK;
}

/* ---- what ---- */

static bool is_hash(const char *text)
{
    return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

static enum sigv4_verdict check_s3_payload(const char *given, struct sigv4_result *result)
{
    if (strcmp(given, UNSIGNED) == 0)
        result->payload = SIGV4_PAYLOAD_PLAIN;
    else if (strcmp(given, "STREAMING-UNSIGNED-PAYLOAD-TRAILER") == 0)
        result->payload = SIGV4_PAYLOAD_CHUNKED;
    else if (strcmp(given, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD") == 0 ||
             strcmp(given, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER") == 0)
        result->payload = SIGV4_PAYLOAD_CHUNKED_SIGNED;
    else
        return incomplete(result, "x-amz-content-sha256 has an unknown value.");
    return SIGV4_OK;
}

/* The payload's hash as it goes into the canonical request. */
static enum sigv4_verdict read_payload(const struct sigv4_request *request,
                                       const struct claim *claim, struct sigv4_result *result,
                                       char hash[80])
{
    const char *given = header_of(request, "X-Amz-Content-Sha256");
    bool s3 = strcmp(result->service, "s3") == 0;
    char *actual = result->body_hash;
    actual[0] = '\0';
    result->payload = SIGV4_PAYLOAD_PLAIN;
    if (s3 && !given && !claim->presigned)
        return incomplete(result, "The header x-amz-content-sha256 is required.");
    if (s3 && !given)
        given = UNSIGNED;
    if (given && s3 && !is_hash(given)) {
        snprintf(hash, 80, "%s", given);
        return check_s3_payload(given, result);
    }
    sigv4_hash(request->body, request->body_size, actual);
    snprintf(hash, 80, "%s", given && is_hash(given) ? given : actual);
    return strcmp(hash, actual) == 0 ? SIGV4_OK : SIGV4_BODY;
}

/* ---- the signature ---- */

static void sign(const struct sigv4_request *request, const struct claim *claim, const char *hash,
                 struct sigv4_result *result)
{
    char digest[65];
    unsigned char mac[32];
    struct text to_sign = {0};
    char *canonical =
        sigv4_canonical(request, claim->signed_headers, hash, strcmp(result->service, "s3") == 0);
    sigv4_hash(canonical, strlen(canonical), digest);
    text_format(&to_sign, ALGORITHM "\n%s\n%s\n%s", result->date, result->scope, digest);
    sigv4_hmac(result->key, sizeof result->key, to_sign.data, to_sign.length, mac);
    hex_encode(result->signature, mac, sizeof mac);
    text_free(&to_sign);
    free(canonical);
}

static enum sigv4_verdict check_claim(const struct sigv4_request *request, struct claim *claim,
                                      const struct sigv4_keys *keys, int64_t now,
                                      struct sigv4_result *result)
{
    char hash[80];
    enum sigv4_verdict verdict = read_credential(claim, result);
    if (verdict != SIGV4_OK)
        return verdict;
    if (!same(claim->key_id, keys->id))
        return SIGV4_UNKNOWN_KEY;
    if (!region_right(result->service, claim->region, keys->region)) {
        snprintf(result->message, sizeof result->message,
                 "Credential should be scoped to a valid region: %s, not %s.", keys->region,
                 claim->region);
        return SIGV4_REGION;
    }
    verdict = check_signed_headers(request, claim, result);
    if (verdict == SIGV4_OK)
        verdict = check_time(claim, result, now);
    if (verdict != SIGV4_OK)
        return verdict;
    verdict = read_payload(request, claim, result, hash);
    if (verdict != SIGV4_OK && verdict != SIGV4_BODY)
        return verdict;
    sigv4_key(keys->secret, claim->day, claim->region, result->service, result->key);
    sign(request, claim, hash, result);
    return same(claim->signature, result->signature) ? verdict : SIGV4_MISMATCH;
}

bool sigv4_key_id(const struct sigv4_request *request, char id[SIGV4_KEY_ID_SIZE])
{
    struct claim claim = {0};
    struct sigv4_result result;
    bool named = read_claim(request, &claim, &result) == SIGV4_OK &&
                 sscanf(claim.credential, "%131[^/]", id) == 1;
    claim_free(&claim);
    return named;
}

enum sigv4_verdict sigv4_check(const struct sigv4_request *request, const struct sigv4_keys *keys,
                               int64_t now, struct sigv4_result *result)
{
    struct claim claim = {0};
    memset(result, 0, sizeof *result);
    enum sigv4_verdict verdict = read_claim(request, &claim, result);
    if (verdict == SIGV4_OK)
        verdict = check_claim(request, &claim, keys, now, result);
    claim_free(&claim);
    return verdict;
}
