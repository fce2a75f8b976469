/* A product whose device key lies in a PKCS#11 module: what it hands to firmware/main.c. */
#include "firmware/variant.h"
#include "tests/unit/pki/keys_elsewhere.h"

const struct app_config variant = {
    .product = "Otter firmware",
    .build = "keys in a token",
    .keys = &pkcs11_keys,
};
