/* PEM (RFC 7468): base64 between a BEGIN and an END line. */
#ifndef OTTER_PKI_PEM_H
#define OTTER_PKI_PEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "port/status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct pem {
    const char *label; /* within the text, not NUL-terminated: "CERTIFICATE" */
    size_t label_length;
    size_t length; /* of the DER */
    bool more;     /* another object follows in the text */
};

/* Decodes the first object in the text into `der`; text around it is passed over, and so are EC
 * PARAMETERS, which `openssl ecparam -genkey` writes before a key that says the same. Lines may be
 * indented, of any length, or all one line, with \n written out as JSON does.
 * OTTER_E_MALFORMED, OTTER_E_TOO_LONG when it does not fit. */
otter_status pem_decode(struct pem *pem, uint8_t *der, size_t size, const char *text,
                        size_t length);
bool pem_label_is(const struct pem *pem, const char *label);

/* Writes lines of 64 characters, each ended by a newline, and a NUL. OTTER_E_TOO_LONG. */
otter_status pem_encode(char *text, size_t size, const char *label, const uint8_t *der,
                        size_t length);

#ifdef __cplusplus
}
#endif

#endif
