/* The check of the server's certificates; see tls_verify.h. */
#include "net/tls_verify.h"

#include <string.h>

#include <mbedtls/oid.h>

#include "net/tls_reason.h"
#include "port/log.h"

#define SAN_IP_ADDRESS 7u /* GeneralName of RFC 5280 section 4.2.1.6 */
#define NAME_MAX_SHOWN 48

/* RFC 6125 appendix B.2, as RFC 2818: an address must be in the certificate as an address. */
static bool is_for_address(const mbedtls_x509_crt *certificate, const struct tls *tls)
{
    for (const mbedtls_x509_sequence *name = &certificate->subject_alt_names; name != NULL;
         name = name->next) {
        if (((unsigned)name->buf.tag & MBEDTLS_ASN1_TAG_VALUE_MASK) == SAN_IP_ADDRESS &&
            name->buf.len == tls->address_length &&
            memcmp(name->buf.p, tls->address, tls->address_length) == 0)
            return true;
    }
    return false;
}

static const char *role_of(const struct tls *tls, const mbedtls_x509_crt *certificate, int depth)
{
    if (certificate->raw.len == tls->identity.root.raw.len &&
        memcmp(certificate->raw.p, tls->identity.root.raw.p, certificate->raw.len) == 0)
        return "root_ca_cert";
    return depth == 0 ? "certificate" : "issuer's certificate";
}

/* Its common name, without what could play tricks on a terminal. */
static void copy_name(mbedtls_x509_crt *certificate, char text[NAME_MAX_SHOWN + 1])
{
    const mbedtls_asn1_named_data *name = mbedtls_asn1_find_named_data(
        &certificate->subject, MBEDTLS_OID_AT_CN, MBEDTLS_OID_SIZE(MBEDTLS_OID_AT_CN));
    size_t length = 0;
    for (; name != NULL && length < name->val.len && length < NAME_MAX_SHOWN; length++) {
        const char c = (char)name->val.p[length];
        text[length] = (char)(c >= ' ' && c <= '~' ? c : '?');
    }
    text[length] = '\0';
}

static void log_refusal(const struct tls *tls, mbedtls_x509_crt *certificate, int depth,
                        uint32_t flag)
{
    char name[NAME_MAX_SHOWN + 1];
    const mbedtls_x509_time *from = &certificate->valid_from;
    const mbedtls_x509_time *to = &certificate->valid_to;
    const char *role = role_of(tls, certificate, depth);
    copy_name(certificate, name);
    if (flag == MBEDTLS_X509_BADCERT_EXPIRED)
        LOG_ERR("TLS", "%s '%s' of %s refused: it expired on %04d-%02d-%02d", role, name, tls->host,
                to->year, to->mon, to->day);
    else if (flag == MBEDTLS_X509_BADCERT_FUTURE)
        LOG_ERR("TLS",
                "%s '%s' of %s refused: it is valid from %04d-%02d-%02d on; is the clock right?",
                role, name, tls->host, from->year, from->mon, from->day);
    else
        LOG_ERR("TLS", "%s '%s' of %s refused: %s", role, name, tls->host, tls_flag_text(flag));
}

static tls_dates_judge *dates_judge;
static void *dates_ctx;

void tls_set_dates_judge(tls_dates_judge *judge, void *ctx)
{
    dates_judge = judge;
    dates_ctx = ctx;
}

/* Days since 1970 of the Gregorian calendar, counted in years that begin with March. */
static uint64_t seconds_of(const mbedtls_x509_time *time)
{
    const int year = time->mon > 2 ? time->year : time->year - 1;
    const int month = time->mon > 2 ? time->mon - 3 : time->mon + 9;
    const int64_t days = (int64_t)year * 365 + year / 4 - year / 100 + year / 400 +
                         (month * 153 + 2) / 5 + time->day - 1 - 719468;
    const int64_t seconds = ((days * 24 + time->hour) * 60 + time->min) * 60 + time->sec;
    return seconds > 0 ? (uint64_t)seconds : 0;
}

static void judge_dates(const struct tls *tls, const mbedtls_x509_crt *certificate, uint32_t *flags)
{
    const mbedtls_x509_crt *root = &tls->identity.root;
    const bool is_root = certificate->raw.len == root->raw.len &&
                         memcmp(certificate->raw.p, root->raw.p, root->raw.len) == 0;
    if (dates_judge != NULL && !is_root &&
        !dates_judge(dates_ctx, seconds_of(&certificate->valid_from),
                     seconds_of(&certificate->valid_to)))
        *flags |= MBEDTLS_X509_BADCERT_EXPIRED;
}

int tls_verify(void *context, mbedtls_x509_crt *certificate, int depth, uint32_t *flags)
{
    struct tls *tls = context;
    if (depth == 0 && tls->address_length > 0 && !is_for_address(certificate, tls))
        *flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
    judge_dates(tls, certificate, flags);
    for (unsigned bit = 0; bit < 32; bit++) {
        if (*flags >> bit & 1)
            log_refusal(tls, certificate, depth, 1u << bit);
    }
    return 0;
}
