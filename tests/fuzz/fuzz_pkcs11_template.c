/* Templates of attributes from anywhere: what is accepted becomes DER within its buffer, and is all
 * that the parsers behind it see. */
#include <stdlib.h>
#include <string.h>

#include "pkcs11/module.h"

#define ATTRIBUTES_MAX 16u
#define DER_SIZE       512u

/* An attribute: its kind, whether it has a pointer, its length, its bytes. */
static const CK_ATTRIBUTE_TYPE kinds[] = {CKA_CLASS,
                                          CKA_TOKEN,
                                          CKA_LABEL,
                                          CKA_ID,
                                          CKA_VALUE,
                                          CKA_EC_PARAMS,
                                          CKA_EC_POINT,
                                          CKA_KEY_TYPE,
                                          CKA_CERTIFICATE_TYPE,
                                          CKA_SENSITIVE,
                                          CKA_MODULUS,
                                          CKA_MODULUS_BITS,
                                          CKA_EXTRACTABLE,
                                          CKA_SUBJECT,
                                          CKA_PRIVATE,
                                          CKA_VENDOR_DEFINED};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CK_ATTRIBUTE attributes[ATTRIBUTES_MAX];
    CK_ULONG count = 0;
    struct template template;
    const char *label = NULL;
    size_t length = 0;
    uint8_t *der = malloc(DER_SIZE); /* so that one byte too far is seen */
    while (size >= 2 && count < ATTRIBUTES_MAX) {
        const uint8_t kind = data[0], given = data[1];
        data += 2;
        size -= 2;
        const size_t taken = given < size ? given : size;
        uint8_t *value = kind < 0x80 ? malloc(taken + 1) : NULL;
        if (value != NULL)
            memcpy(value, data, taken);
        attributes[count++] =
            (CK_ATTRIBUTE){kinds[(kind & 0x7f) % (sizeof kinds / sizeof *kinds)], value,
                           value == NULL && taken == 1 ? CK_UNAVAILABLE_INFORMATION : taken};
        data += taken;
        size -= taken;
    }
    if (der != NULL && template_read(&template, attributes, count) == CKR_OK &&
        template_encode(&template, der, DER_SIZE, &length, &label) == CKR_OK &&
        (length > DER_SIZE || label == NULL || !template.token ||
         (template.class == CKO_PRIVATE_KEY && template.readable)))
        abort();
    for (CK_ULONG i = 0; i < count; i++)
        free(attributes[i].pValue);
    free(der);
    return 0;
}
