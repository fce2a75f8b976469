/* A provider that passes on what the default one offers, without what TLS has no use for. */
#include "cloud/loop/tls_library.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/provider.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define NAME "otter-tls"

#define KINDS_MAX     16
#define FUNCTIONS_MAX 64 /* of an algorithm */

static OSSL_PROVIDER *whole;

/* ---- what is passed on ---- */

/* By operation, with the names that the default provider lists first. */
static struct selection {
    int operation;
    const char *structure; /* NULL: any */
    const char *kinds[KINDS_MAX];
    OSSL_ALGORITHM *found; /* of `whole` */
} selections[] = {
    {.operation = OSSL_OP_DECODER,
     .structure = "structure=SubjectPublicKeyInfo",
     .kinds = {"RSA", "RSA-PSS", "EC", "ED25519", "ED448"}},
    {.operation = OSSL_OP_KEYMGMT,
     .kinds = {"RSA", "RSA-PSS", "EC", "ED25519", "ED448", "X25519", "X448", "DH", "HMAC"}},
    {.operation = OSSL_OP_CIPHER,
     .kinds = {"AES-128-GCM", "AES-256-GCM", "AES-128-CCM", "AES-256-CCM", "ChaCha20-Poly1305",
               "AES-128-CBC", "AES-256-CBC", "AES-128-CBC-HMAC-SHA1", "AES-256-CBC-HMAC-SHA1",
               "AES-128-CBC-HMAC-SHA256", "AES-256-CBC-HMAC-SHA256"}},
    {.operation = OSSL_OP_DIGEST,
     .kinds = {"SHA1", "SHA2-224", "SHA2-256", "SHA2-384", "SHA2-512", "MD5", "MD5-SHA1"}},
    {.operation = OSSL_OP_MAC, .kinds = {"HMAC"}},
    {.operation = OSSL_OP_KDF, .kinds = {"TLS1-PRF", "TLS13-KDF", "HKDF"}},
    {.operation = OSSL_OP_ENCODER},
    {.operation = OSSL_OP_STORE},
};

#define SELECTIONS (sizeof selections / sizeof *selections)

/* The names of an algorithm are separated by colons. */
static bool is_wanted(const struct selection *selection, const OSSL_ALGORITHM *algorithm)
{
    const size_t length = strcspn(algorithm->algorithm_names, ":");
    if (selection->structure && !strstr(algorithm->property_definition, selection->structure))
        return false;
    for (size_t i = 0; i < KINDS_MAX && selection->kinds[i]; i++)
        if (strlen(selection->kinds[i]) == length &&
            strncmp(algorithm->algorithm_names, selection->kinds[i], length) == 0)
            return true;
    return false;
}

static bool select_some(struct selection *selection)
{
    int no_store = 0;
    size_t count = 0, kept = 0;
    const OSSL_ALGORITHM *all =
        OSSL_PROVIDER_query_operation(whole, selection->operation, &no_store);
    while (all && all[count].algorithm_names)
        count++;
    selection->found = calloc(count + 1, sizeof *all); /* ends with names of NULL */
    for (size_t i = 0; selection->found && i < count; i++)
        if (is_wanted(selection, &all[i]))
            selection->found[kept++] = all[i];
    return selection->found != NULL;
}

/* ---- keys of the other side ---- */

static OSSL_FUNC_keymgmt_validate_fn *validate_whole;

/* Every key of an elliptic curve that a peer sends for a handshake is multiplied with the curve's
 * order by OpenSSL 3.0, a seventh of the whole handshake. On curves whose cofactor is 1, and those
 * of TLS's groups are all such, a point that lies on the curve has that order: SP 800-56A calls
 * this the partial validation, and wants no more for such keys. */
static int validate_quickly(const void *key, int selection, int type)
{
    return validate_whole(
        key, selection,
        selection == OSSL_KEYMGMT_SELECT_PUBLIC_KEY ? OSSL_KEYMGMT_VALIDATE_QUICK_CHECK : type);
}

static void replace_validation(OSSL_ALGORITHM *algorithm)
{
    static OSSL_DISPATCH own[FUNCTIONS_MAX];
    size_t count = 0;
    for (const OSSL_DISPATCH *all = algorithm->implementation; all[count].function_id; count++) {
        if (count + 1 == FUNCTIONS_MAX)
            return;
        own[count] = all[count];
        if (own[count].function_id == OSSL_FUNC_KEYMGMT_VALIDATE) {
            validate_whole = OSSL_FUNC_keymgmt_validate(&own[count]);
            own[count].function = (void (*)(void))validate_quickly;
        }
    }
    if (validate_whole)
        algorithm->implementation = own;
}

static void make_light(void)
{
    for (size_t i = 0; i < SELECTIONS; i++)
        for (OSSL_ALGORITHM *one = selections[i].found;
             selections[i].operation == OSSL_OP_KEYMGMT && one->algorithm_names; one++)
            if (strncmp(one->algorithm_names, "EC:", 3) == 0)
                replace_validation(one);
}

/* ---- the provider ---- */

static const OSSL_ALGORITHM *query(void *provider, int operation, int *no_store)
{
    (void)provider;
    *no_store = 0;
    for (size_t i = 0; i < SELECTIONS; i++)
        if (selections[i].operation == operation)
            return selections[i].found;
    return OSSL_PROVIDER_query_operation(whole, operation, no_store);
}

/* The groups of TLS are told so. */
static int get_capabilities(void *provider, const char *capability, OSSL_CALLBACK *tell, void *of)
{
    (void)provider;
    return OSSL_PROVIDER_get_capabilities(whole, capability, tell, of);
}

static int begin(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *core,
                 const OSSL_DISPATCH **functions, void **provider)
{
    static const OSSL_DISPATCH own[] = {
        {OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query},
        {OSSL_FUNC_PROVIDER_GET_CAPABILITIES, (void (*)(void))get_capabilities},
        {0, NULL}};
    (void)handle, (void)core;
    *functions = own;
    *provider = OSSL_PROVIDER_get0_provider_ctx(whole); /* the functions behind it need theirs */
    return 1;
}

static OSSL_LIB_CTX *make(void)
{
    OSSL_LIB_CTX *library = OSSL_LIB_CTX_new();
    whole = OSSL_PROVIDER_load(NULL, "default");
    bool selected = library && whole;
    for (size_t i = 0; selected && i < SELECTIONS; i++)
        selected = select_some(&selections[i]);
    if (selected)
        make_light();
    if (selected && OSSL_PROVIDER_add_builtin(library, NAME, begin) == 1 &&
        OSSL_PROVIDER_load(library, NAME))
        return library;
    OSSL_LIB_CTX_free(library);
    return NULL;
}

OSSL_LIB_CTX *tls_library(void)
{
    static OSSL_LIB_CTX *library;
    static bool made;
    if (!made)
        library = make();
    made = true;
    return library;
}
