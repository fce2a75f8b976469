/* OpenSSL's side of the gateway: server context, ALPN, and which client certificates are let in. */
#include "cloud/gateway/tls.h"

#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "cloud/core/fleet/fleet.h"
#include "cloud/core/ground/x509.h"
#include "cloud/core/registry/registry.h"
#include "cloud/gateway/client.h"
#include "cloud/gateway/crowd.h"
#include "cloud/gateway/records.h"
#include "cloud/loop/server_tls.h"

/* The endpoint's name, as a device must ask for it: one that the server's certificate has. */
static bool asks_for_us(SSL *ssl, const char **name)
{
    *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    X509 *server = SSL_get_certificate(ssl);
    return *name && (X509_check_host(server, *name, 0, 0, NULL) == 1 ||
                     X509_check_ip_asc(server, *name, 0) == 1);
}

static bool is_in_date(struct cloud *cloud, const X509 *certificate)
{
    time_t now = (time_t)cloud_now(cloud);
    return X509_cmp_time(X509_get0_notBefore(certificate), &now) < 0 &&
           X509_cmp_time(X509_get0_notAfter(certificate), &now) > 0;
}

static bool keeps_rules(const struct client *client, SSL *ssl, const X509 *certificate,
                        const char *id)
{
    struct gateway *gateway = client->gateway;
    const char *name = NULL;
    if (!(gateway->rules.relaxed & RULE_DATES) && !is_in_date(gateway->cloud, certificate)) {
        crowd_log(gateway->crowd,
                  "%s refused: certificate %.8s... is outside its dates (--relax dates)",
                  client->address, id);
        return false;
    }
    if (!(gateway->rules.relaxed & RULE_SNI) && !asks_for_us(ssl, &name) &&
        certificate_needs_name(gateway->cloud, id)) {
        crowd_log(gateway->crowd,
                  "%s refused: it asks for %s%.64s in TLS (SNI), not for a name of this cloud, as "
                  "certificates registered without CA must (--relax sni)",
                  client->address, name ? "" : "no name", name ? name : "");
        return false;
    }
    return true;
}

/* In place of OpenSSL's chain check: registered and ACTIVE, whoever signed it. */
static int verify(X509_STORE_CTX *store, void *context)
{
    struct cloud *cloud = context;
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    const struct client *client = SSL_get_app_data(ssl);
    X509 *certificate = X509_STORE_CTX_get0_cert(store);
    char id[PRINCIPAL_ID_SIZE];
    enum certificate_state state = CERTIFICATE_UNKNOWN;

    if (certificate) {
        x509_id(certificate, id);
        state = certificate_state_of(cloud, id);
    }
    if (state == CERTIFICATE_ACTIVE && keeps_rules(client, ssl, certificate, id))
        return 1;
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
    if (state == CERTIFICATE_ACTIVE)
        return 0;
    if (certificate && fleet_first_connect(cloud, certificate)) {
        crowd_log(client->gateway->crowd,
                  "%s refused: certificate %.8s... has registered itself just now; it may come "
                  "again",
                  client->address, id);
        return 0;
    }
    crowd_log(client->gateway->crowd, "%s refused: certificate %s is %s", client->address,
              certificate ? id : "(none)",
              state == CERTIFICATE_UNKNOWN
                  ? "not registered (aws iot register-certificate-without-ca)"
                  : "not ACTIVE (aws iot update-certificate --new-status ACTIVE)");
    return 0;
}

/* ---- ALPN ----------------------------------------------------------------------------------- */

#define ALPN_MQTT "\x0ex-amzn-mqtt-ca"
#define ALPN_HTTP "\x0ex-amzn-http-ca"
#define ALPN_WEB  "\x08http/1.1"

static bool is_alpn(const unsigned char *chosen, unsigned length, const char *name)
{
    return length == strlen(name) - 1 && memcmp(chosen, name + 1, length) == 0;
}

/* By door, the first that is offered is taken; anything else goes on without ALPN, as on port 8883.
 * Which one it is says on port 443 whether a certificate is needed. */
static int select_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_length,
                       const unsigned char *in, unsigned in_length, void *context)
{
    static const char *const ours[DOORS] = {[DOOR_MQTT] = ALPN_MQTT,
                                            [DOOR_WEB] = ALPN_MQTT ALPN_HTTP ALPN_WEB,
                                            [DOOR_PUBLISH] = ALPN_HTTP ALPN_WEB};
    const struct client *client = SSL_get_app_data(ssl);
    const unsigned char *names = (const unsigned char *)ours[client->door];
    (void)context;
    if (SSL_select_next_proto((unsigned char **)out, out_length, names,
                              (unsigned)strlen(ours[client->door]), in,
                              in_length) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    if (client->door == DOOR_WEB && !is_alpn(*out, *out_length, ALPN_WEB))
        SSL_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return SSL_TLSEXT_ERR_OK;
}

enum tls_speech tls_speech(const SSL *ssl, int door)
{
    const unsigned char *chosen = NULL;
    unsigned length = 0;
    SSL_get0_alpn_selected(ssl, &chosen, &length);
    if (door == DOOR_MQTT || (door == DOOR_WEB && is_alpn(chosen, length, ALPN_MQTT)))
        return TLS_MQTT;
    return door == DOOR_PUBLISH || is_alpn(chosen, length, ALPN_HTTP) ? TLS_PUBLISH : TLS_WEBSOCKET;
}

SSL_CTX *tls_context(struct cloud *cloud, const char *names, char *reason, size_t size)
{
    SSL_CTX *context = server_tls_new(cloud, names, reason, size);
    if (!context)
        return NULL;
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    /* A resumed session would skip the look at the certificate: there is none to resume. */
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_cert_verify_callback(context, verify, cloud);
    SSL_CTX_set_alpn_select_cb(context, select_alpn, NULL);
    if (records_prepare(context))
        return context;
    snprintf(reason, size, "out of memory");
    SSL_CTX_free(context);
    return NULL;
}

SSL *tls_connection(SSL_CTX *context, struct client *client)
{
    SSL *ssl = SSL_new(context);
    if (!ssl)
        return NULL;
    SSL_set_app_data(ssl, client);
    SSL_set_accept_state(ssl);
    if (client->door == DOOR_WEB) /* until ALPN says otherwise */
        SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
    return ssl;
}

/* ---- names for policies --------------------------------------------------------------------- */

static const struct {
    int nid;
    const char *name;
} attributes[] = {
    {NID_dnQualifier, "DistinguishedNameQualifier"},
    {NID_countryName, "Country"},
    {NID_organizationName, "Organization"},
    {NID_organizationalUnitName, "OrganizationalUnit"},
    {NID_stateOrProvinceName, "State"},
    {NID_commonName, "CommonName"},
    {NID_serialNumber, "SerialNumber"},
    {NID_title, "Title"},
    {NID_surname, "Surname"},
    {NID_givenName, "GivenName"},
    {NID_initials, "Initials"},
    {NID_pseudonym, "Pseudonym"},
    {NID_generationQualifier, "GenerationQualifier"},
};

/* Some characters are preceded by a backslash when they stand in a policy. */
static json_t *escaped(const unsigned char *text, size_t length)
{
    char out[2048];
    size_t used = 0;
    for (size_t i = 0; i < length && used + 2 < sizeof out; i++) {
        if (strchr(",\"\\+=<>;", text[i]))
            out[used++] = '\\';
        out[used++] = (char)text[i];
    }
    return json_stringn(out, used);
}

static void add_value(json_t *names, const char *key, json_t *value)
{
    json_t *list = json_object_get(names, key);
    if (!list) {
        list = json_array();
        json_object_set_new(names, key, list);
    }
    json_array_append_new(list, value);
}

static void add_attribute(json_t *names, const char *whose, const char *attribute,
                          const X509_NAME_ENTRY *entry)
{
    char key[96];
    unsigned char *text = NULL;
    int length = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(entry));
    snprintf(key, sizeof key, "%s.%s", whose, attribute);
    if (length >= 0)
        add_value(names, key, escaped(text, (size_t)length));
    OPENSSL_free(text);
}

static void add_names(json_t *names, const char *whose, const X509_NAME *name)
{
    for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++)
        for (int at = X509_NAME_get_index_by_NID(name, attributes[i].nid, -1); at >= 0;
             at = X509_NAME_get_index_by_NID(name, attributes[i].nid, at))
            add_attribute(names, whose, attributes[i].name, X509_NAME_get_entry(name, at));
}

static void add_serial(json_t *names, X509 *certificate)
{
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
    char *text = number ? BN_bn2hex(number) : NULL;
    if (text)
        add_value(names, "SerialNumber", json_string(text));
    OPENSSL_free(text);
    BN_free(number);
}

bool tls_peer(SSL *ssl, struct principal *principal)
{
    X509 *certificate = SSL_get0_peer_certificate(ssl);
    if (!certificate)
        return false;
    principal->kind = PRINCIPAL_CERTIFICATE;
    x509_id(certificate, principal->id);
    return true;
}

char *tls_peer_names(SSL *ssl)
{
    X509 *certificate = SSL_get0_peer_certificate(ssl);
    json_t *names = certificate ? json_object() : NULL;
    if (!names)
        return NULL;
    add_names(names, "Subject", X509_get_subject_name(certificate));
    add_names(names, "Issuer", X509_get_issuer_name(certificate));
    add_serial(names, certificate);
    char *text = json_dumps(names, JSON_COMPACT);
    json_decref(names);
    return text;
}
