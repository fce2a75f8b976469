/* Read before Mbed TLS's ssl_tls.c, which asks for a SHA-384 in 48 bytes of the function that is declared
 * to write 64, a SHA-512. It turns GCC's warning about that off where it does so; link-time optimisation
 * forgets where, and warns of each program. Called by a type that names no length, it does not. */
#ifndef OTTER_SHA384_IS_SHORT_H
#define OTTER_SHA384_IS_SHORT_H

#include <mbedtls/sha512.h>

#define mbedtls_sha512_finish_ret(hash, digest)                                                    \
    ((int (*)(mbedtls_sha512_context *, unsigned char *))mbedtls_sha512_finish_ret)(hash, digest)

#endif
