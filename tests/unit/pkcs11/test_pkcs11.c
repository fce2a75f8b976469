/* The Cryptoki face: that it keeps to PKCS #11 v2.40 over a device's flash file, and lives through
 * what no application should hand it. */
#include "tests/unit/pkcs11/bench.h"

#include <mbedtls/ecdsa.h>
#include <mbedtls/pk.h>
#include <stdio.h>
#include <string.h>

/* ---- Objects --------------------------------------------------------------------------------- */

static void no_byte_of_a_private_key_comes_out(void **state)
{
    (void)state;
    CK_OBJECT_HANDLE public, private;
    CK_BYTE value[64];
    CK_BBOOL sensitive = 2, extractable = 2;
    memset(value, 0x5a, sizeof value);
    CK_ATTRIBUTE wanted[] = {{CKA_VALUE, value, sizeof value},
                             {CKA_SENSITIVE, &sensitive, sizeof sensitive},
                             {CKA_EXTRACTABLE, &extractable, sizeof extractable}};
    assert_int_equal(generate(PKI_TLS_KEY_PRIV, &public, &private), CKR_OK);
    assert_int_equal(C_GetAttributeValue(session, private, wanted, 3), CKR_ATTRIBUTE_SENSITIVE);
    assert_int_equal(wanted[0].ulValueLen, CK_UNAVAILABLE_INFORMATION);
    for (size_t i = 0; i < sizeof value; i++)
        assert_int_equal(value[i], 0x5a);
    assert_int_equal(sensitive, CK_TRUE);
    assert_int_equal(extractable, CK_FALSE);
}

static void attributes_say_their_lengths_and_each_its_own_error(void **state)
{
    (void)state;
    CK_OBJECT_HANDLE public, private;
    CK_BYTE id[20], label[2];
    CK_ATTRIBUTE wanted[] = {{CKA_ID, NULL, 0},
                             {CKA_MODULUS, NULL, 0},
                             {CKA_LABEL, label, sizeof label},
                             {CKA_EC_PARAMS, NULL, 0}};
    assert_int_equal(generate("lamp", &public, &private), CKR_OK);
    const CK_RV result = C_GetAttributeValue(session, public, wanted, 4);
    assert_true(result == CKR_ATTRIBUTE_TYPE_INVALID || result == CKR_BUFFER_TOO_SMALL);
    assert_int_equal(wanted[0].ulValueLen, sizeof id);
    assert_int_equal(wanted[1].ulValueLen, CK_UNAVAILABLE_INFORMATION);
    assert_int_equal(wanted[2].ulValueLen, CK_UNAVAILABLE_INFORMATION);
    assert_int_equal(wanted[3].ulValueLen, sizeof p256);
    CK_ATTRIBUTE same = {CKA_ID, id, sizeof id};
    assert_int_equal(C_GetAttributeValue(session, private, &same, 1), CKR_OK);
    CK_ATTRIBUTE changed = {CKA_ID, "key 1", 5}, label_now = {CKA_LABEL, "torch", 5};
    assert_int_equal(C_SetAttributeValue(session, private, &changed, 1), CKR_OK);
    assert_int_equal(C_SetAttributeValue(session, private, &label_now, 1), CKR_ATTRIBUTE_READ_ONLY);
    same.ulValueLen = sizeof id;
    assert_int_equal(C_GetAttributeValue(session, private, &same, 1), CKR_OK);
    assert_int_equal(same.ulValueLen, 5);
    assert_memory_equal(id, "key 1", 5);
}

static void handles_stay_the_same_and_are_never_given_again(void **state)
{
    (void)state;
    CK_OBJECT_HANDLE public, private, found, other_public, other_private;
    assert_int_equal(generate("a", &public, &private), CKR_OK);
    assert_int_equal(generate("b", &other_public, &other_private), CKR_OK);
    const CK_SESSION_HANDLE second = opened(CKF_SERIAL_SESSION);
    assert_int_equal(find(second, &private_class, "a", &found), 1);
    assert_int_equal(found, private);
    assert_int_equal(C_DestroyObject(session, private), CKR_OK);
    assert_int_equal(find(second, &private_class, "a", &found), 0);
    assert_int_equal(find(second, &public_class, "a", &found), 0);
    assert_int_equal(C_DestroyObject(session, private), CKR_OBJECT_HANDLE_INVALID);
    assert_int_equal(generate("a", &public, &found), CKR_OK);
    assert_int_not_equal(found, private);
    assert_int_equal(find(second, &private_class, "b", &found), 1);
    assert_int_equal(found, other_private);
}

/* Its own is the same for both halves: the key's hash. */
static void a_new_key_has_no_id_of_one_that_has_gone(void **state)
{
    (void)state;
    static const char *const labels[] = {PKI_TLS_KEY_PRIV, "lamp"};
    for (int i = 0; i < 2; i++) {
        CK_OBJECT_HANDLE public, private;
        uint8_t name[] = {7}, ids[2][ID_MAX];
        assert_int_equal(generate(labels[i], &public, &private), CKR_OK);
        CK_ATTRIBUTE id = {CKA_ID, name, sizeof name};
        assert_int_equal(C_SetAttributeValue(session, public, &id, 1), CKR_OK);
        assert_int_equal(C_SetAttributeValue(session, private, &id, 1), CKR_OK);
        assert_int_equal(C_DestroyObject(session, private), CKR_OK);
        assert_int_equal(generate(labels[i], &public, &private), CKR_OK);
        CK_ATTRIBUTE of_public = {CKA_ID, ids[0], ID_MAX}, of_private = {CKA_ID, ids[1], ID_MAX};
        assert_int_equal(C_GetAttributeValue(session, public, &of_public, 1), CKR_OK);
        assert_int_equal(C_GetAttributeValue(session, private, &of_private, 1), CKR_OK);
        assert_int_equal(of_public.ulValueLen, 20);
        assert_int_equal(of_private.ulValueLen, 20);
        assert_memory_equal(ids[0], ids[1], 20);
    }
}

static void a_label_takes_one_object_of_a_kind(void **state)
{
    (void)state;
    CK_OBJECT_HANDLE public, private;
    assert_int_equal(generate("lamp", &public, &private), CKR_OK);
    assert_int_equal(generate("lamp", &public, &private), CKR_ATTRIBUTE_VALUE_INVALID);
    assert_int_equal(generate("", &public, &private), CKR_ATTRIBUTE_VALUE_INVALID);
    assert_int_equal(generate("a b", &public, &private), CKR_ATTRIBUTE_VALUE_INVALID);
    assert_int_equal(generate("abcdefghijklmnopqrstuvwxyz01", &public, &private),
                     CKR_ATTRIBUTE_VALUE_INVALID);
    assert_int_equal(generate("abcdefghijklmnopqrstuvwxyz0", &public, &private), CKR_OK);
}

/* A certificate that the device made for the key, written under the key's own label. */
static void a_certificate_may_have_its_keys_label(void **state)
{
    (void)state;
    CK_OBJECT_HANDLE public, private, cert, found;
    uint8_t der[PKI_DER_MAX], key_id[20], cert_id[20];
    size_t length;
    assert_int_equal(generate(PKI_TLS_KEY_PRIV, &public, &private), CKR_OK);
    assert_int_equal(module_enter(), CKR_OK);
    assert_int_equal(token_open(), CKR_OK);
    assert_int_equal(pki_generate_cert(token_pki(), PKI_TLS_KEY_PRIV, "lamp"), OTTER_OK);
    assert_int_equal(pki_load(token_pki(), PKI_TLS_CERT, der, sizeof der, &length), OTTER_OK);
    module_leave(CKR_OK);
    CK_ATTRIBUTE wanted[] = {{CKA_CLASS, &cert_class, sizeof cert_class},
                             {CKA_CERTIFICATE_TYPE, &x509, sizeof x509},
                             {CKA_TOKEN, &yes, sizeof yes},
                             {CKA_LABEL, PKI_TLS_KEY_PRIV, strlen(PKI_TLS_KEY_PRIV)},
                             {CKA_VALUE, der, length}};
    assert_int_equal(C_CreateObject(session, wanted, 5, &cert), CKR_OK);
    assert_int_equal(find(session, &cert_class, PKI_TLS_KEY_PRIV, &found), 1);
    assert_int_equal(found, cert);
    assert_int_equal(find(session, &private_class, PKI_TLS_KEY_PRIV, &found), 1);
    assert_int_equal(found, private);
    CK_ATTRIBUTE id = {CKA_ID, key_id, sizeof key_id};
    assert_int_equal(C_GetAttributeValue(session, private, &id, 1), CKR_OK);
    id.pValue = cert_id;
    assert_int_equal(C_GetAttributeValue(session, cert, &id, 1), CKR_OK);
    assert_memory_equal(key_id, cert_id, sizeof key_id);
    wanted[4].ulValueLen--;
    wanted[3] = (CK_ATTRIBUTE){CKA_LABEL, "torn", 4};
    assert_int_equal(C_CreateObject(session, wanted, 5, &cert), CKR_ATTRIBUTE_VALUE_INVALID);
}

static void a_key_made_elsewhere_is_taken_and_its_public_half_shown(void **state)
{
    (void)state;
    CK_OBJECT_HANDLE key, public;
    uint8_t number[32] = {[31] = 1}, point[67];
    CK_ATTRIBUTE wanted[] = {{CKA_CLASS, &private_class, sizeof private_class},
                             {CKA_KEY_TYPE, &ec, sizeof ec},
                             {CKA_EC_PARAMS, p256, sizeof p256},
                             {CKA_VALUE, number, sizeof number},
                             {CKA_TOKEN, &yes, sizeof yes},
                             {CKA_LABEL, "one", 3}};
    const uint8_t generator[] = {4, 65, 4, 0x6b, 0x17, 0xd1, 0xf2}; /* of P-256, where x begins */
    assert_int_equal(C_CreateObject(session, wanted, 6, &key), CKR_OK);
    assert_int_equal(find(session, &public_class, "one", &public), 1);
    CK_ATTRIBUTE shown = {CKA_EC_POINT, point, sizeof point};
    assert_int_equal(C_GetAttributeValue(session, public, &shown, 1), CKR_OK);
    assert_memory_equal(point, generator, sizeof generator);
    assert_int_equal(C_DestroyObject(session, public), CKR_ACTION_PROHIBITED);
    number[31] = 0;
    wanted[5] = (CK_ATTRIBUTE){CKA_LABEL, "zero", 4};
    assert_int_equal(C_CreateObject(session, wanted, 6, &key), CKR_ATTRIBUTE_VALUE_INVALID);
    wanted[4].pValue = &no;
    assert_int_equal(C_CreateObject(session, wanted, 6, &key), CKR_ATTRIBUTE_VALUE_INVALID);
    assert_int_equal(C_CreateObject(session, wanted, 3, &key), CKR_TEMPLATE_INCOMPLETE);
    wanted[4] = (CK_ATTRIBUTE){CKA_EXTRACTABLE, &yes, sizeof yes};
    wanted[5] = (CK_ATTRIBUTE){CKA_TOKEN, &yes, sizeof yes};
    assert_int_equal(C_CreateObject(session, wanted, 6, &key), CKR_TEMPLATE_INCONSISTENT);
}

/* ---- Signatures ------------------------------------------------------------------------------ */

static void signatures_are_r_and_s_and_verify(void **state)
{
    (void)state;
    CK_OBJECT_HANDLE public, private;
    CK_MECHANISM raw = {CKM_ECDSA, NULL, 0}, hashed = {CKM_ECDSA_SHA256, NULL, 0},
                 sha256 = {CKM_SHA256, NULL, 0};
    CK_BYTE digest[32], signature[64], small[63];
    CK_BYTE text[] = "what is signed";
    CK_ULONG size = sizeof digest;
    assert_int_equal(generate("lamp", &public, &private), CKR_OK);
    assert_int_equal(C_DigestInit(session, &sha256), CKR_OK);
    assert_int_equal(C_Digest(session, text, sizeof text, digest, &size), CKR_OK);
    assert_int_equal(C_SignInit(session, &hashed, private), CKR_OK);
    assert_int_equal(C_SignInit(session, &hashed, private), CKR_OPERATION_ACTIVE);
    assert_int_equal(C_Sign(session, text, sizeof text, NULL, &size), CKR_OK);
    assert_int_equal(size, 64);
    size = sizeof small;
    assert_int_equal(C_Sign(session, text, sizeof text, small, &size), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(size, 64);
    assert_int_equal(C_Sign(session, text, sizeof text, signature, &size), CKR_OK);
    assert_int_equal(C_Sign(session, text, sizeof text, signature, &size),
                     CKR_OPERATION_NOT_INITIALIZED);
    /* Over the digest itself, and part by part, it is the same signature. */
    assert_int_equal(C_VerifyInit(session, &raw, public), CKR_OK);
    assert_int_equal(C_Verify(session, digest, sizeof digest, signature, 64), CKR_OK);
    assert_int_equal(C_VerifyInit(session, &hashed, public), CKR_OK);
    assert_int_equal(C_VerifyUpdate(session, text, 5), CKR_OK);
    assert_int_equal(C_VerifyUpdate(session, text + 5, sizeof text - 5), CKR_OK);
    assert_int_equal(C_VerifyFinal(session, signature, 64), CKR_OK);
    assert_int_equal(C_SignInit(session, &hashed, private), CKR_OK);
    assert_int_equal(C_SignUpdate(session, text, sizeof text), CKR_OK);
    assert_int_equal(C_SignFinal(session, signature, &size), CKR_OK);
    assert_int_equal(C_VerifyInit(session, &raw, public), CKR_OK);
    assert_int_equal(C_Verify(session, digest, sizeof digest, signature, 64), CKR_OK);
    signature[40] ^= 1;
    assert_int_equal(C_VerifyInit(session, &raw, public), CKR_OK);
    assert_int_equal(C_Verify(session, digest, sizeof digest, signature, 64),
                     CKR_SIGNATURE_INVALID);
    assert_int_equal(C_VerifyInit(session, &raw, public), CKR_OK);
    assert_int_equal(C_Verify(session, digest, sizeof digest, signature, 63),
                     CKR_SIGNATURE_LEN_RANGE);
}

/* SHA-1's is shorter than the curve's numbers, SHA-512's longer. */
static void digests_of_any_length_are_signed_as_ecdsa_says(void **state)
{
    (void)state;
    CK_OBJECT_HANDLE public, private;
    CK_MECHANISM raw = {CKM_ECDSA, NULL, 0};
    CK_BYTE digest[64], signature[64], point[67];
    CK_ATTRIBUTE wanted = {CKA_EC_POINT, point, sizeof point};
    assert_int_equal(generate("lamp", &public, &private), CKR_OK);
    assert_int_equal(C_GetAttributeValue(session, public, &wanted, 1), CKR_OK);
    assert_int_equal(C_GenerateRandom(session, digest, sizeof digest), CKR_OK);
    for (CK_ULONG length = 1; length <= sizeof digest; length++) {
        CK_ULONG size = sizeof signature;
        mbedtls_ecp_group curve;
        mbedtls_ecp_point key;
        mbedtls_mpi r, s;
        mbedtls_ecp_group_init(&curve);
        mbedtls_ecp_point_init(&key);
        mbedtls_mpi_init(&r);
        mbedtls_mpi_init(&s);
        assert_int_equal(C_SignInit(session, &raw, private), CKR_OK);
        assert_int_equal(C_Sign(session, digest, length, signature, &size), CKR_OK);
        assert_int_equal(mbedtls_ecp_group_load(&curve, MBEDTLS_ECP_DP_SECP256R1), 0);
        assert_int_equal(mbedtls_ecp_point_read_binary(&curve, &key, point + 2, 65), 0);
        assert_int_equal(mbedtls_mpi_read_binary(&r, signature, 32), 0);
        assert_int_equal(mbedtls_mpi_read_binary(&s, signature + 32, 32), 0);
        assert_int_equal(mbedtls_ecdsa_verify(&curve, digest, length, &key, &r, &s), 0);
        mbedtls_mpi_free(&r);
        mbedtls_mpi_free(&s);
        mbedtls_ecp_point_free(&key);
        mbedtls_ecp_group_free(&curve);
    }
}

/* Of the kinds that this build has besides P-256. */
static void keys_of_other_kinds_sign_too(void **state)
{
    (void)state;
    static CK_BYTE p384[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22}, exponent[] = {1, 0, 1};
    static CK_ULONG bits = 2048;
    static const struct {
        CK_MECHANISM_TYPE make, hashed;
        CK_ATTRIBUTE wanted[2];
        CK_ULONG count, size;
        const char *label;
    } kinds[] = {
        {CKM_EC_KEY_PAIR_GEN,
         CKM_ECDSA_SHA256,
         {{CKA_EC_PARAMS, p384, sizeof p384}},
         1,
         96,
         "p384"},
        {CKM_RSA_PKCS_KEY_PAIR_GEN,
         CKM_SHA256_RSA_PKCS,
         {{CKA_MODULUS_BITS, &bits, sizeof bits}, {CKA_PUBLIC_EXPONENT, exponent, sizeof exponent}},
         2,
         256,
         "rsa"},
    };
    for (size_t i = 0; i < 2; i++) {
        CK_MECHANISM make = {kinds[i].make, NULL, 0}, hashed = {kinds[i].hashed, NULL, 0};
        CK_ATTRIBUTE public_half[2],
            private_half[] = {{CKA_TOKEN, &yes, sizeof yes},
                              {CKA_LABEL, (void *)kinds[i].label, strlen(kinds[i].label)}};
        CK_OBJECT_HANDLE public, private;
        CK_BYTE signature[256], text[] = "what is signed";
        CK_ULONG size = sizeof signature;
        memcpy(public_half, kinds[i].wanted, sizeof public_half);
        assert_int_equal(C_GenerateKeyPair(session, &make, public_half, kinds[i].count,
                                           private_half, 2, &public, &private),
                         CKR_OK);
        assert_int_equal(C_SignInit(session, &hashed, private), CKR_OK);
        assert_int_equal(C_Sign(session, text, sizeof text, signature, &size), CKR_OK);
        assert_int_equal(size, kinds[i].size);
        assert_int_equal(C_VerifyInit(session, &hashed, public), CKR_OK);
        assert_int_equal(C_Verify(session, text, sizeof text, signature, size), CKR_OK);
        signature[size - 1] ^= 1;
        assert_int_equal(C_VerifyInit(session, &hashed, public), CKR_OK);
        assert_int_equal(C_Verify(session, text, sizeof text, signature, size),
                         CKR_SIGNATURE_INVALID);
        hashed.mechanism = kinds[1 - i].hashed;
        assert_int_equal(C_SignInit(session, &hashed, private), CKR_KEY_TYPE_INCONSISTENT);
        CK_ATTRIBUTE secret = {i == 0 ? CKA_VALUE : CKA_PRIVATE_EXPONENT, NULL, 0};
        assert_int_equal(C_GetAttributeValue(session, private, &secret, 1),
                         CKR_ATTRIBUTE_SENSITIVE);
    }
    bits = 1024;
    CK_MECHANISM make = {CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0};
    CK_ATTRIBUTE weak = {CKA_MODULUS_BITS, &bits, sizeof bits},
                 label[] = {{CKA_LABEL, "weak", 4}, {CKA_TOKEN, &yes, sizeof yes}};
    CK_OBJECT_HANDLE public, private;
    assert_int_equal(C_GenerateKeyPair(session, &make, &weak, 1, label, 2, &public, &private),
                     CKR_KEY_SIZE_RANGE);
}

/* OpenSSL hands a DigestInfo, others any text; both are padded and signed as they are. */
static void rsa_signs_what_it_is_handed_if_there_is_room_for_padding(void **state)
{
    (void)state;
    static CK_ULONG bits = 2048;
    CK_MECHANISM make = {CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0}, raw = {CKM_RSA_PKCS, NULL, 0},
                 hashed = {CKM_SHA256_RSA_PKCS, NULL, 0}, sha256 = {CKM_SHA256, NULL, 0};
    CK_ATTRIBUTE public_half = {CKA_MODULUS_BITS, &bits, sizeof bits},
                 private_half[] = {{CKA_LABEL, "rsa", 3}, {CKA_TOKEN, &yes, sizeof yes}};
    CK_OBJECT_HANDLE public, private;
    CK_BYTE info[19 + 32] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                             0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
    CK_BYTE signature[256], text[246] = "what is signed";
    CK_ULONG size = 32;
    assert_int_equal(
        C_GenerateKeyPair(session, &make, &public_half, 1, private_half, 2, &public, &private),
        CKR_OK);
    assert_int_equal(C_DigestInit(session, &sha256), CKR_OK);
    assert_int_equal(C_Digest(session, text, sizeof text, info + 19, &size), CKR_OK);
    size = sizeof signature;
    assert_int_equal(C_SignInit(session, &raw, private), CKR_OK);
    assert_int_equal(C_Sign(session, info, sizeof info, signature, &size), CKR_OK);
    assert_int_equal(C_VerifyInit(session, &hashed, public), CKR_OK);
    assert_int_equal(C_Verify(session, text, sizeof text, signature, size), CKR_OK);
    for (CK_ULONG length = 32; length <= 245; length += 71) {
        assert_int_equal(C_SignInit(session, &raw, private), CKR_OK);
        assert_int_equal(C_Sign(session, text, length, signature, &size), CKR_OK);
        assert_int_equal(C_VerifyInit(session, &raw, public), CKR_OK);
        assert_int_equal(C_Verify(session, text, length, signature, size), CKR_OK);
        assert_int_equal(C_VerifyInit(session, &raw, public), CKR_OK);
        assert_int_equal(C_Verify(session, text, length - 1, signature, size),
                         CKR_SIGNATURE_INVALID);
    }
    assert_int_equal(C_SignInit(session, &raw, private), CKR_OK);
    assert_int_equal(C_Sign(session, text, 246, signature, &size), CKR_DATA_LEN_RANGE);
}

static void wrong_keys_and_mechanisms_are_told_apart(void **state)
{
    (void)state;
    CK_OBJECT_HANDLE public, private;
    CK_MECHANISM raw = {CKM_ECDSA, NULL, 0}, rsa = {CKM_RSA_X_509, NULL, 0},
                 with = {CKM_ECDSA, &raw, sizeof raw}, sha1 = {CKM_SHA_1, NULL, 0};
    CK_MECHANISM_INFO info;
    assert_int_equal(generate("lamp", &public, &private), CKR_OK);
    assert_int_equal(C_SignInit(session, &rsa, private), CKR_MECHANISM_INVALID);
    assert_int_equal(C_SignInit(session, &with, private), CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(C_SignInit(session, &raw, public), CKR_KEY_TYPE_INCONSISTENT);
    assert_int_equal(C_VerifyInit(session, &raw, private), CKR_KEY_TYPE_INCONSISTENT);
    assert_int_equal(C_SignInit(session, &raw, 9999), CKR_KEY_HANDLE_INVALID);
    assert_int_equal(C_DigestInit(session, &sha1), CKR_MECHANISM_INVALID);
    assert_int_equal(C_GetMechanismInfo(0, CKM_RSA_X_509, &info), CKR_MECHANISM_INVALID);
    assert_int_equal(C_GetMechanismInfo(0, CKM_ECDSA, &info), CKR_OK);
    assert_int_equal(info.ulMinKeySize, 256);
}

/* ---- What no application should do ----------------------------------------------------------- */

static void null_pointers_and_foreign_handles_get_an_error(void **state)
{
    (void)state;
    CK_OBJECT_HANDLE public, private;
    CK_ULONG count = 0;
    CK_BYTE byte = 0;
    CK_MECHANISM raw = {CKM_ECDSA, NULL, 0};
    CK_ATTRIBUTE hollow = {CKA_LABEL, NULL, 5}, short_class = {CKA_CLASS, &byte, 1};
    assert_int_equal(C_GetInfo(NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_GetSlotList(CK_TRUE, NULL, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_GetTokenInfo(0, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_GetMechanismList(0, NULL, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_OpenSession(0, RW, NULL, NULL, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_FindObjectsInit(session, NULL, 1), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_FindObjects(session, &public, 1, &count), CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(C_FindObjectsInit(session, &hollow, 1), CKR_OK);
    assert_int_equal(C_FindObjects(session, NULL, 1, &count), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_FindObjectsFinal(session), CKR_OK);
    assert_int_equal(C_CreateObject(session, NULL, 3, &public), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_CreateObject(session, &hollow, 1, &public), CKR_ATTRIBUTE_VALUE_INVALID);
    assert_int_equal(C_CreateObject(session, &short_class, 1, &public),
                     CKR_ATTRIBUTE_VALUE_INVALID);
    assert_int_equal(C_CreateObject(session, &hollow, 1, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_GenerateKeyPair(session, NULL, NULL, 0, NULL, 0, &public, &private),
                     CKR_ARGUMENTS_BAD);
    assert_int_equal(generate("lamp", &public, &private), CKR_OK);
    assert_int_equal(C_GetAttributeValue(session, public, NULL, 1), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_SignInit(session, NULL, private), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_SignInit(session, &raw, private), CKR_OK);
    assert_int_equal(C_Sign(session, NULL, 32, &byte, &count), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_SignInit(session, &raw, private), CKR_OK);
    assert_int_equal(C_Sign(session, &byte, 1, &byte, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_GenerateRandom(session, NULL, 1), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_SeedRandom(session, &byte, 1), CKR_RANDOM_SEED_NOT_SUPPORTED);
    for (CK_SESSION_HANDLE foreign = 0; foreign < 200; foreign += 199) {
        assert_int_equal(C_SignInit(foreign, &raw, private), CKR_SESSION_HANDLE_INVALID);
        assert_int_equal(C_FindObjectsInit(foreign, NULL, 0), CKR_SESSION_HANDLE_INVALID);
        assert_int_equal(C_Login(foreign, CKU_USER, PIN, 6), CKR_SESSION_HANDLE_INVALID);
    }
}

/* The store says so; nothing that was there has changed. */
static void a_full_token_says_so(void **state)
{
    (void)state;
    CK_OBJECT_HANDLE public, private;
    CK_RV result = CKR_OK;
    unsigned made = 0;
    for (; made < 200 && result == CKR_OK; made++) {
        char label[8];
        snprintf(label, sizeof label, "k%u", made);
        result = generate(label, &public, &private);
    }
    assert_true(result != CKR_OK);
    assert_in_range(made, 10, OBJECTS_MAX);
    assert_int_equal(result, CKR_DEVICE_MEMORY);
    assert_int_equal(find(session, &private_class, "k0", &private), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_byte_of_a_private_key_comes_out),
        TEST(attributes_say_their_lengths_and_each_its_own_error),
        TEST(handles_stay_the_same_and_are_never_given_again),
        TEST(a_new_key_has_no_id_of_one_that_has_gone),
        TEST(a_label_takes_one_object_of_a_kind),
        TEST(a_certificate_may_have_its_keys_label),
        TEST(a_key_made_elsewhere_is_taken_and_its_public_half_shown),
        TEST(signatures_are_r_and_s_and_verify),
        TEST(digests_of_any_length_are_signed_as_ecdsa_says),
        TEST(keys_of_other_kinds_sign_too),
        TEST(rsa_signs_what_it_is_handed_if_there_is_room_for_padding),
        TEST(wrong_keys_and_mechanisms_are_told_apart),
        TEST(null_pointers_and_foreign_handles_get_an_error),
        TEST(a_full_token_says_so),
    };
    return cmocka_run_group_tests_name("pkcs11", tests, make_file, remove_file);
}
