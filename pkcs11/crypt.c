/* Digests, signatures and random numbers. A private key signs where it lies (pki_sign). */
#include <string.h>

#include <mbedtls/asn1write.h>
#include <mbedtls/bignum.h>
#include <mbedtls/pk.h>

#include "pkcs11/module.h"
#include "port/port.h"

#define DIGEST_SIZE 32u
#define NUMBER_MAX  ((size_t)48) /* of the longest curve that keys are on, bytes */
#define RAW_MAX     (2 * NUMBER_MAX)
#define RSA_BITS    2048u
#define DATA_MAX    ((size_t)245) /* that PKCS#1 v1.5 leaves of such a key */

/* ---- What the functions begin with ----------------------------------------------------------- */

/* The session's operation: CKR_OK with the lock taken. */
static CK_RV enter(CK_SESSION_HANDLE handle, enum operation_kind kind, struct operation **operation)
{
    const CK_RV result = module_enter();
    if (result != CKR_OK)
        return result;
    struct session *session = session_find(handle);
    if (session == NULL) {
        module_leave(CKR_SESSION_HANDLE_INVALID);
        return CKR_SESSION_HANDLE_INVALID;
    }
    *operation = &session->operations[kind];
    return CKR_OK;
}

static CK_RV enter_active(CK_SESSION_HANDLE handle, enum operation_kind kind,
                          struct operation **operation)
{
    const CK_RV result = enter(handle, kind, operation);
    if (result != CKR_OK)
        return result;
    if ((*operation)->active)
        return CKR_OK;
    module_leave(CKR_OPERATION_NOT_INITIALIZED);
    return CKR_OPERATION_NOT_INITIALIZED;
}

static CK_RV begin(struct operation *operation, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    if (mechanism->ulParameterLen != 0)
        return CKR_MECHANISM_PARAM_INVALID;
    *operation = (struct operation){.active = true, .mechanism = mechanism->mechanism, .key = key};
    mbedtls_sha256_init(&operation->hash);
    return mbedtls_sha256_starts_ret(&operation->hash, 0) == 0 ? CKR_OK : CKR_FUNCTION_FAILED;
}

/* An operation ends with its first error, and with its result; not with a question for its length.
 */
static CK_RV end(struct operation *operation, CK_RV result)
{
    operation_end(operation);
    return module_leave(result);
}

static CK_RV update(struct operation *operation, const CK_BYTE *part, CK_ULONG length)
{
    if (part == NULL && length > 0)
        return CKR_ARGUMENTS_BAD;
    operation->parts = true;
    return mbedtls_sha256_update_ret(&operation->hash, part, length) == 0 ? CKR_OK
                                                                          : CKR_FUNCTION_FAILED;
}

/* True when there is nothing to do but to say how long the result will be. */
static bool is_question(CK_BYTE *result, CK_ULONG *size, CK_ULONG needed, CK_RV *answer)
{
    *answer = result != NULL && *size < needed ? CKR_BUFFER_TOO_SMALL : CKR_OK;
    if (result == NULL || *answer != CKR_OK) {
        *size = needed;
        return true;
    }
    return false;
}

/* ---- Digests --------------------------------------------------------------------------------- */

CK_RV C_DigestInit(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism)
{
    struct operation *operation;
    const CK_RV result = enter(handle, OPERATION_DIGEST, &operation);
    if (result != CKR_OK)
        return result;
    if (mechanism == NULL)
        return module_leave(CKR_ARGUMENTS_BAD);
    if (operation->active)
        return module_leave(CKR_OPERATION_ACTIVE);
    return module_leave(mechanism->mechanism == CKM_SHA256 ? begin(operation, mechanism, 0)
                                                           : CKR_MECHANISM_INVALID);
}

static CK_RV finish_digest(struct operation *operation, CK_BYTE *digest, CK_ULONG *size)
{
    const int error = mbedtls_sha256_finish_ret(&operation->hash, digest);
    *size = DIGEST_SIZE;
    return end(operation, error == 0 ? CKR_OK : CKR_FUNCTION_FAILED);
}

CK_RV C_Digest(CK_SESSION_HANDLE handle, CK_BYTE *data, CK_ULONG length, CK_BYTE *digest,
               CK_ULONG *size)
{
    struct operation *operation;
    CK_RV result = enter_active(handle, OPERATION_DIGEST, &operation);
    if (result != CKR_OK)
        return result;
    if (size == NULL || operation->parts)
        return end(operation, size == NULL ? CKR_ARGUMENTS_BAD : CKR_OPERATION_ACTIVE);
    if (is_question(digest, size, DIGEST_SIZE, &result))
        return module_leave(result);
    result = update(operation, data, length);
    return result == CKR_OK ? finish_digest(operation, digest, size) : end(operation, result);
}

CK_RV C_DigestUpdate(CK_SESSION_HANDLE handle, CK_BYTE *part, CK_ULONG length)
{
    struct operation *operation;
    CK_RV result = enter_active(handle, OPERATION_DIGEST, &operation);
    if (result != CKR_OK)
        return result;
    result = update(operation, part, length);
    return result == CKR_OK ? module_leave(CKR_OK) : end(operation, result);
}

CK_RV C_DigestFinal(CK_SESSION_HANDLE handle, CK_BYTE *digest, CK_ULONG *size)
{
    struct operation *operation;
    CK_RV result = enter_active(handle, OPERATION_DIGEST, &operation);
    if (result != CKR_OK)
        return result;
    if (size == NULL)
        return end(operation, CKR_ARGUMENTS_BAD);
    if (is_question(digest, size, DIGEST_SIZE, &result))
        return module_leave(result);
    return finish_digest(operation, digest, size);
}

/* ---- Signatures ------------------------------------------------------------------------------ */

static bool is_rsa(CK_MECHANISM_TYPE mechanism)
{
    return mechanism == CKM_RSA_PKCS || mechanism == CKM_SHA256_RSA_PKCS;
}

static bool is_hashed(CK_MECHANISM_TYPE mechanism)
{
    return mechanism == CKM_ECDSA_SHA256 || mechanism == CKM_SHA256_RSA_PKCS;
}

static bool is_known(CK_MECHANISM_TYPE mechanism)
{
#if OTTER_KEYS_RSA2048
    if (is_rsa(mechanism))
        return true;
#endif
    return mechanism == CKM_ECDSA || mechanism == CKM_ECDSA_SHA256;
}

static bool suits(const mbedtls_pk_context *key, CK_MECHANISM_TYPE mechanism)
{
    const size_t bits = mbedtls_pk_get_bitlen(key);
    return is_rsa(mechanism) ? mbedtls_pk_can_do(key, MBEDTLS_PK_RSA) && bits == RSA_BITS
                             : mbedtls_pk_can_do(key, MBEDTLS_PK_ECDSA) && bits <= 8 * NUMBER_MAX;
}

static CK_RV load_public(CK_OBJECT_HANDLE handle, CK_OBJECT_CLASS class,
                         CK_MECHANISM_TYPE mechanism, mbedtls_pk_context *key,
                         const struct object **object)
{
    uint8_t der[PKI_DER_MAX];
    size_t length;
    CK_RV result = object_find(handle, object);
    if (result != CKR_OK)
        return result == CKR_OBJECT_HANDLE_INVALID ? CKR_KEY_HANDLE_INVALID : result;
    if ((*object)->class != class)
        return CKR_KEY_TYPE_INCONSISTENT;
    result = object_public(*object, der, sizeof der, &length);
    if (result == CKR_OK && mbedtls_pk_parse_public_key(key, der, length) != 0)
        result = CKR_DEVICE_ERROR;
    if (result == CKR_OK && !suits(key, mechanism))
        result = CKR_KEY_TYPE_INCONSISTENT;
    return result;
}

static CK_RV begin_with_key(CK_SESSION_HANDLE handle, enum operation_kind kind,
                            const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    struct operation *operation;
    const struct object *object;
    mbedtls_pk_context public;
    CK_RV result = enter(handle, kind, &operation);
    if (result != CKR_OK)
        return result;
    if (mechanism == NULL)
        return module_leave(CKR_ARGUMENTS_BAD);
    if (operation->active)
        return module_leave(CKR_OPERATION_ACTIVE);
    if (!is_known(mechanism->mechanism))
        return module_leave(CKR_MECHANISM_INVALID);
    mbedtls_pk_init(&public);
    result = load_public(key, kind == OPERATION_SIGN ? CKO_PRIVATE_KEY : CKO_PUBLIC_KEY,
                         mechanism->mechanism, &public, &object);
    mbedtls_pk_free(&public);
    return module_leave(result == CKR_OK ? begin(operation, mechanism, key) : result);
}

CK_RV C_SignInit(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    return begin_with_key(handle, OPERATION_SIGN, mechanism, key);
}

CK_RV C_VerifyInit(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    return begin_with_key(handle, OPERATION_VERIFY, mechanism, key);
}

static CK_RV finish_hash(struct operation *operation, const CK_BYTE *data, CK_ULONG length,
                         uint8_t *digest)
{
    const CK_RV result = data != NULL || length > 0 ? update(operation, data, length) : CKR_OK;
    if (result != CKR_OK)
        return result;
    return mbedtls_sha256_finish_ret(&operation->hash, digest) == 0 ? CKR_OK : CKR_FUNCTION_FAILED;
}

/* What is signed. ECDSA takes as many bytes of a digest from the left as its numbers have; one that
 * is shorter is a number with zeros before it, which changes nothing. */
static CK_RV digest_of(struct operation *operation, const CK_BYTE *data, CK_ULONG length,
                       size_t number_size, uint8_t *digest, size_t *digest_size)
{
    *digest_size = DIGEST_SIZE;
    if (is_hashed(operation->mechanism))
        return finish_hash(operation, data, length, digest);
    if (data == NULL)
        return CKR_ARGUMENTS_BAD;
    if (length == 0 || (is_rsa(operation->mechanism) && length > DATA_MAX))
        return CKR_DATA_LEN_RANGE;
    if (is_rsa(operation->mechanism)) { /* as it is: whoever signs a digest says so in the data */
        *digest_size = length;
        memcpy(digest, data, length);
        return CKR_OK;
    }
    const size_t used = length < number_size ? length : number_size;
    *digest_size = number_size;
    memset(digest, 0, number_size);
    memcpy(digest + number_size - used, data, used);
    return CKR_OK;
}

/* r and s, each as long as the curve's numbers, out of ECDSA-Sig-Value. */
static bool to_raw(const struct pki_signature *signature, size_t number_size, CK_BYTE *raw)
{
    unsigned char *at = (unsigned char *)signature->der;
    const unsigned char *end = at + signature->length;
    size_t length;
    mbedtls_mpi number;
    mbedtls_mpi_init(&number);
    int error =
        mbedtls_asn1_get_tag(&at, end, &length, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE);
    for (int i = 0; i < 2 && error == 0; i++) {
        error = mbedtls_asn1_get_mpi(&at, end, &number);
        if (error == 0)
            error = mbedtls_mpi_write_binary(&number, raw + (size_t)i * number_size, number_size);
    }
    mbedtls_mpi_free(&number);
    return error == 0;
}

static otter_status make_signature(CK_MECHANISM_TYPE mechanism, const struct pki_object *row,
                                   const uint8_t *digest, size_t length, struct pki_signature *made)
{
#if OTTER_KEYS_RSA2048
    if (mechanism == CKM_RSA_PKCS)
        return pki_store_sign_data(token_kv(), row, digest, length, made);
#endif
    (void)mechanism;
    return pki_sign(token_pki(), row->label, digest, length, made);
}

static bool put_signature(const struct operation *operation, const struct pki_signature *made,
                          size_t number_size, CK_BYTE *to)
{
    if (!is_rsa(operation->mechanism))
        return to_raw(made, number_size, to);
    if (made->length == number_size)
        memcpy(to, made->der, made->length);
    return made->length == number_size;
}

static CK_RV sign(struct operation *operation, const CK_BYTE *data, CK_ULONG length,
                  CK_BYTE *signature, CK_ULONG *size, bool *goes_on)
{
    const struct object *object;
    mbedtls_pk_context public;
    uint8_t digest[DATA_MAX];
    size_t digest_size;
    struct pki_signature made;
    CK_RV answer;
    mbedtls_pk_init(&public);
    CK_RV result =
        load_public(operation->key, CKO_PRIVATE_KEY, operation->mechanism, &public, &object);
    const size_t number_size = result == CKR_OK ? (mbedtls_pk_get_bitlen(&public) + 7) / 8 : 0;
    const size_t needed = is_rsa(operation->mechanism) ? number_size : 2 * number_size;
    mbedtls_pk_free(&public);
    if (result != CKR_OK)
        return result;
    *goes_on = is_question(signature, size, needed, &answer);
    if (*goes_on)
        return answer;
    result = digest_of(operation, data, length, number_size, digest, &digest_size);
    if (result == CKR_OK)
        result = module_error(
            make_signature(operation->mechanism, object->row, digest, digest_size, &made));
    if (result == CKR_OK && !put_signature(operation, &made, number_size, signature))
        result = CKR_FUNCTION_FAILED;
    *size = needed;
    return result;
}

CK_RV C_Sign(CK_SESSION_HANDLE handle, CK_BYTE *data, CK_ULONG length, CK_BYTE *signature,
             CK_ULONG *size)
{
    struct operation *operation;
    bool goes_on = false;
    CK_RV result = enter_active(handle, OPERATION_SIGN, &operation);
    if (result != CKR_OK)
        return result;
    if (size == NULL || (data == NULL && length > 0) || operation->parts)
        return end(operation, operation->parts ? CKR_OPERATION_ACTIVE : CKR_ARGUMENTS_BAD);
    result = sign(operation, data, length, signature, size, &goes_on);
    return goes_on ? module_leave(result) : end(operation, result);
}

/* Parts can be given only where we make the digest. */
static CK_RV update_part(CK_SESSION_HANDLE handle, enum operation_kind kind, const CK_BYTE *part,
                         CK_ULONG length)
{
    struct operation *operation;
    CK_RV result = enter_active(handle, kind, &operation);
    if (result != CKR_OK)
        return result;
    result = is_hashed(operation->mechanism) ? update(operation, part, length)
                                             : CKR_FUNCTION_NOT_SUPPORTED;
    return result == CKR_OK ? module_leave(result) : end(operation, result);
}

CK_RV C_SignUpdate(CK_SESSION_HANDLE handle, CK_BYTE *part, CK_ULONG length)
{
    return update_part(handle, OPERATION_SIGN, part, length);
}

CK_RV C_SignFinal(CK_SESSION_HANDLE handle, CK_BYTE *signature, CK_ULONG *size)
{
    struct operation *operation;
    bool goes_on = false;
    CK_RV result = enter_active(handle, OPERATION_SIGN, &operation);
    if (result != CKR_OK)
        return result;
    if (size == NULL || !is_hashed(operation->mechanism))
        return end(operation, size == NULL ? CKR_ARGUMENTS_BAD : CKR_FUNCTION_NOT_SUPPORTED);
    result = sign(operation, NULL, 0, signature, size, &goes_on);
    return goes_on ? module_leave(result) : end(operation, result);
}

/* ECDSA-Sig-Value from r and s, at the end of `der`. */
static int from_raw(const CK_BYTE *raw, size_t number_size, uint8_t *der, size_t size,
                    uint8_t **start)
{
    mbedtls_mpi number;
    size_t length = 0;
    *start = der + size;
    mbedtls_mpi_init(&number);
    int error = 0;
    for (int i = 1; i >= 0 && error >= 0; i--) {
        error = mbedtls_mpi_read_binary(&number, raw + (size_t)i * number_size, number_size);
        if (error == 0)
            error = mbedtls_asn1_write_mpi(start, der, &number);
        if (error > 0)
            length += (size_t)error;
    }
    if (error >= 0)
        error = mbedtls_asn1_write_len(start, der, length);
    if (error >= 0)
        error =
            mbedtls_asn1_write_tag(start, der, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE);
    mbedtls_mpi_free(&number);
    return error;
}

static bool verifies(mbedtls_pk_context *key, CK_MECHANISM_TYPE mechanism, const uint8_t *digest,
                     size_t digest_size, const CK_BYTE *signature, size_t number_size)
{
    uint8_t der[RAW_MAX + 16], *start;
    if (is_rsa(mechanism)) {
        const mbedtls_md_type_t hash = is_hashed(mechanism) ? MBEDTLS_MD_SHA256 : MBEDTLS_MD_NONE;
        return mbedtls_pk_verify(key, hash, digest, digest_size, signature, number_size) == 0;
    }
    return from_raw(signature, number_size, der, sizeof der, &start) >= 0 &&
           mbedtls_pk_verify(key, MBEDTLS_MD_NONE, digest, digest_size, start,
                             (size_t)(der + sizeof der - start)) == 0;
}

static CK_RV verify(struct operation *operation, const CK_BYTE *data, CK_ULONG length,
                    const CK_BYTE *signature, CK_ULONG size)
{
    const struct object *object;
    mbedtls_pk_context public;
    uint8_t digest[DATA_MAX];
    size_t digest_size;
    mbedtls_pk_init(&public);
    CK_RV result =
        load_public(operation->key, CKO_PUBLIC_KEY, operation->mechanism, &public, &object);
    const size_t number_size = result == CKR_OK ? (mbedtls_pk_get_bitlen(&public) + 7) / 8 : 0;
    if (result == CKR_OK && size != (is_rsa(operation->mechanism) ? 1 : 2) * number_size)
        result = CKR_SIGNATURE_LEN_RANGE;
    if (result == CKR_OK)
        result = digest_of(operation, data, length, number_size, digest, &digest_size);
    if (result == CKR_OK &&
        !verifies(&public, operation->mechanism, digest, digest_size, signature, number_size))
        result = CKR_SIGNATURE_INVALID;
    mbedtls_pk_free(&public);
    return result;
}

CK_RV C_Verify(CK_SESSION_HANDLE handle, CK_BYTE *data, CK_ULONG length, CK_BYTE *signature,
               CK_ULONG size)
{
    struct operation *operation;
    CK_RV result = enter_active(handle, OPERATION_VERIFY, &operation);
    if (result != CKR_OK)
        return result;
    if (operation->parts)
        result = CKR_OPERATION_ACTIVE;
    else if (signature == NULL || (data == NULL && length > 0))
        result = CKR_ARGUMENTS_BAD;
    else
        result = verify(operation, data, length, signature, size);
    return end(operation, result);
}

CK_RV C_VerifyUpdate(CK_SESSION_HANDLE handle, CK_BYTE *part, CK_ULONG length)
{
    return update_part(handle, OPERATION_VERIFY, part, length);
}

CK_RV C_VerifyFinal(CK_SESSION_HANDLE handle, CK_BYTE *signature, CK_ULONG size)
{
    struct operation *operation;
    CK_RV result = enter_active(handle, OPERATION_VERIFY, &operation);
    if (result != CKR_OK)
        return result;
    if (!is_hashed(operation->mechanism))
        result = CKR_FUNCTION_NOT_SUPPORTED;
    else
        result =
            signature == NULL ? CKR_ARGUMENTS_BAD : verify(operation, NULL, 0, signature, size);
    return end(operation, result);
}

/* ---- Random numbers -------------------------------------------------------------------------- */

CK_RV C_GenerateRandom(CK_SESSION_HANDLE handle, CK_BYTE *data, CK_ULONG length)
{
    const CK_RV result = module_enter();
    if (result != CKR_OK)
        return result;
    if (session_find(handle) == NULL)
        return module_leave(CKR_SESSION_HANDLE_INVALID);
    if (data == NULL && length > 0)
        return module_leave(CKR_ARGUMENTS_BAD);
    return module_leave(module_error(port_random(data, length)));
}

CK_RV C_SeedRandom(CK_SESSION_HANDLE handle, CK_BYTE *seed, CK_ULONG length)
{
    (void)seed;
    (void)length;
    const CK_RV result = module_enter();
    if (result != CKR_OK)
        return result;
    return module_leave(session_find(handle) != NULL ? CKR_RANDOM_SEED_NOT_SUPPORTED
                                                     : CKR_SESSION_HANDLE_INVALID);
}
