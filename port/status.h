/* The one status type of the project.
 *
 * Every function that can fail returns an `otter_status`: OTTER_OK (0) or a negative code, so that
 * a function may also return a count as a non-negative number where its header says so. Each code
 * has a text, `otter_status_text`, which names the failure in words a user understands; the caller
 * adds on what it failed and what to do next. */
#ifndef OTTER_PORT_STATUS_H
#define OTTER_PORT_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

#define OTTER_STATUS_LIST(X)                                                                       \
    X(OTTER_OK, 0, "ok")                                                                           \
    X(OTTER_E_ARGUMENT, -1, "argument out of range")                                               \
    X(OTTER_E_IO, -2, "input/output failed")                                                       \
    X(OTTER_E_FLASH, -3, "flash operation failed")                                                 \
    X(OTTER_E_BOUNDS, -4, "outside of the flash area")                                             \
    X(OTTER_E_NOT_FOUND, -5, "not found")                                                          \
    X(OTTER_E_TOO_LONG, -6, "too long")                                                            \
    X(OTTER_E_NO_SPACE, -7, "no space left")                                                       \
    X(OTTER_E_CORRUPT, -8, "corrupt data")                                                         \
    X(OTTER_E_MALFORMED, -9, "malformed input")                                                    \
    X(OTTER_E_UNSUPPORTED, -10, "not supported")                                                   \
    X(OTTER_E_AGAIN, -11, "not ready yet")                                                         \
    X(OTTER_E_TIMEOUT, -12, "timed out")                                                           \
    X(OTTER_E_CLOSED, -13, "connection closed")                                                    \
    X(OTTER_E_REFUSED, -14, "refused by the other side")                                           \
    X(OTTER_E_STATE, -15, "not possible in this state")                                            \
    X(OTTER_E_SIGNATURE, -16, "signature check failed")                                            \
    X(OTTER_E_HASH, -17, "hash does not match")                                                    \
    X(OTTER_E_KEY, -18, "key not accepted")                                                        \
    X(OTTER_E_VERSION, -19, "version not accepted")                                                \
    X(OTTER_E_CRYPTO, -20, "cryptographic operation failed")                                       \
    X(OTTER_E_MEMORY, -21, "out of memory")                                                        \
    X(OTTER_E_INTERNAL, -22, "internal error")                                                     \
    X(OTTER_E_CERTIFICATE, -23, "certificate not accepted")                                        \
    X(OTTER_E_NAME, -24, "host name not found")                                                    \
    X(OTTER_E_RESET, -25, "connection reset")                                                      \
    X(OTTER_E_ACCESS_POINT, -26, "no such access point")                                           \
    X(OTTER_E_PASSWORD, -27, "wrong Wi-Fi password")                                               \
    X(OTTER_E_ADDRESS, -28, "no address by DHCP")

typedef enum otter_status {
#define X(name, value, text) name = (value),
    OTTER_STATUS_LIST(X)
#undef X
} otter_status;

/* Never NULL; an unknown code gives "unknown status". */
const char *otter_status_text(otter_status status);

#ifdef __cplusplus
}
#endif

#endif
