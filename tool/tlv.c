/* TLV types and their names. */
#include "tool/tlv.h"

static const struct {
    uint16_t type;
    const char *name;
} names[] = {
    {IMAGE_TLV_KEYHASH, "KEYHASH"},
    {TLV_PUBKEY, "PUBKEY"},
    {IMAGE_TLV_SHA256, "SHA256"},
    {TLV_SHA384, "SHA384"},
    {TLV_SHA512, "SHA512"},
    {TLV_RSA2048_PSS, "RSA2048"},
    {IMAGE_TLV_ECDSA_SIG, "ECDSASIG"},
    {TLV_RSA3072_PSS, "RSA3072"},
    {IMAGE_TLV_ED25519, "ED25519"},
    {TLV_SIG_PURE, "SIG_PURE"},
    {TLV_ENC_RSA2048, "ENCRSA2048"},
    {TLV_ENC_KW, "ENCKW"},
    {IMAGE_TLV_ENC_EC256, "ENCEC256"},
    {TLV_ENC_X25519, "ENCX25519"},
    {TLV_ENC_X25519_SHA512, "ENCX25519_SHA512"},
    {IMAGE_TLV_DEPENDENCY, "DEPENDENCY"},
    {IMAGE_TLV_SECURITY_COUNTER, "SEC_CNT"},
    {TLV_BOOT_RECORD, "BOOT_RECORD"},
    {TLV_DECOMP_SIZE, "DECOMP_SIZE"},
    {TLV_DECOMP_SHA, "DECOMP_SHA"},
    {TLV_DECOMP_SIGNATURE, "DECOMP_SIGNATURE"},
    {TLV_COMP_DEC_SIZE, "COMP_DEC_SIZE"},
    {TLV_UUID_VID, "UUID_VID"},
    {IMAGE_TLV_UUID_CID, "UUID_CID"},
};

const char *tlv_name(uint16_t type)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].type == type)
            return names[i].name;
    return NULL;
}

bool tlv_is_encryption(uint16_t type)
{
    return type >= TLV_ENC_RSA2048 && type <= TLV_ENC_X25519_SHA512;
}

bool tlv_is_signature(uint16_t type)
{
    return type == TLV_RSA2048_PSS || type == IMAGE_TLV_ECDSA_SIG || type == TLV_RSA3072_PSS ||
           type == IMAGE_TLV_ED25519;
}

void tlv_append(struct bytes *area, uint16_t type, const void *data, size_t size)
{
    const uint8_t known[2] = {(uint8_t)type, 0};

    if (tlv_name(type))
        bytes_append(area, known, sizeof known);
    else
        bytes_u16(area, type);
    bytes_u16(area, (uint16_t)size);
    bytes_append(area, data, size);
}
