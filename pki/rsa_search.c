/* The primes of an RSA key, a step at a time: to look for both at once would halt a board's loop
 * for minutes. A step draws one number and divides it by small ones, or is one round of Miller and
 * Rabin (FIPS 186-4 B.3.3 and C.3.1); so none takes longer than half a signature with the key. What
 * was found is in RAM alone until the last step, and nothing of Mbed TLS's is held between two. */
#include <mbedtls/bignum.h>
#include <mbedtls/platform_util.h>

#include "pki/pki_inner.h"
#include "port/port.h"

#define ROUNDS        6u /* for 1024 bits: wrong less often than once in 2^128 */
#define DIVISOR_LIMIT 1000

static struct {
    uint8_t primes[2][PKI_PRIME_SIZE]; /* found ones, and behind them what is looked at */
    uint8_t found;
    uint8_t rounds; /* that the number has yet to pass; 0: draw one */
} search;

void pki_rsa_begin(void)
{
    mbedtls_platform_zeroize(&search, sizeof search);
}

static otter_status status_of(int error)
{
    return error == 0                              ? OTTER_E_AGAIN
           : error == MBEDTLS_ERR_MPI_ALLOC_FAILED ? OTTER_E_MEMORY
                                                   : OTTER_E_CRYPTO;
}

/* Odd, and with the two highest bits, so that the product of two has 2048. */
static otter_status draw(uint8_t *number)
{
    if (port_random(number, PKI_PRIME_SIZE) != OTTER_OK)
        return OTTER_E_CRYPTO;
    number[0] |= 0xc0;
    number[PKI_PRIME_SIZE - 1] |= 1;
    mbedtls_mpi n;
    mbedtls_mpi_uint rest = 1;
    mbedtls_mpi_init(&n);
    int error = mbedtls_mpi_read_binary(&n, number, PKI_PRIME_SIZE);
    for (mbedtls_mpi_sint by = 3; error == 0 && rest != 0 && by < DIVISOR_LIMIT; by += 2)
        error = mbedtls_mpi_mod_int(&rest, &n, by);
    bool fits = rest != 0;
    if (error == 0 && fits) { /* n - 1 has nothing in common with the exponent, a prime */
        error = mbedtls_mpi_mod_int(&rest, &n, PKI_RSA_EXPONENT);
        fits = rest != 1;
    }
    mbedtls_mpi_free(&n);
    search.rounds = error == 0 && fits ? ROUNDS : 0;
    return status_of(error);
}

/* x = base^odd mod n, squared up to (n - 1) / 2: of a prime it is 1 at once, or -1 on the way. */
static int is_witness(mbedtls_mpi *x, const mbedtls_mpi *odd, size_t twos, const mbedtls_mpi *n,
                      const mbedtls_mpi *minus_1, bool *composite)
{
    int error = mbedtls_mpi_exp_mod(x, x, odd, n, NULL);
    *composite =
        error == 0 && mbedtls_mpi_cmp_int(x, 1) != 0 && mbedtls_mpi_cmp_mpi(x, minus_1) != 0;
    for (size_t i = 1; error == 0 && *composite && i < twos; i++) {
        error = mbedtls_mpi_mul_mpi(x, x, x);
        if (error == 0)
            error = mbedtls_mpi_mod_mpi(x, x, n);
        *composite = error != 0 || mbedtls_mpi_cmp_mpi(x, minus_1) != 0;
    }
    return error;
}

static otter_status test(const uint8_t *number)
{
    mbedtls_mpi n, minus_1, odd, x;
    bool composite = false;
    mbedtls_mpi_init(&n);
    mbedtls_mpi_init(&minus_1);
    mbedtls_mpi_init(&odd);
    mbedtls_mpi_init(&x);
    int error = mbedtls_mpi_read_binary(&n, number, PKI_PRIME_SIZE);
    if (error == 0)
        error = mbedtls_mpi_sub_int(&minus_1, &n, 1);
    const size_t twos = error == 0 ? mbedtls_mpi_lsb(&minus_1) : 0;
    if (error == 0)
        error = mbedtls_mpi_copy(&odd, &minus_1);
    if (error == 0)
        error = mbedtls_mpi_shift_r(&odd, twos);
    if (error == 0)
        error = mbedtls_mpi_fill_random(&x, PKI_PRIME_SIZE, pki_random, NULL);
    if (error == 0)
        error = mbedtls_mpi_shift_r(&x, 1); /* the base: below n, whose highest bit is set */
    if (error == 0)
        error = is_witness(&x, &odd, twos, &n, &minus_1, &composite);
    mbedtls_mpi_free(&n);
    mbedtls_mpi_free(&minus_1);
    mbedtls_mpi_free(&odd);
    mbedtls_mpi_free(&x);
    if (error == 0 && composite)
        search.rounds = 0;
    else if (error == 0 && --search.rounds == 0)
        search.found++;
    return status_of(error);
}

otter_status pki_rsa_step(struct pki_other *key, struct pki_public *public)
{
    otter_status status;
    if (search.found == 2) {
        status = pki_other_from_primes(search.primes[0], search.primes[1], key, public);
        if (status == OTTER_E_AGAIN)
            search.found = 1;
    } else {
        uint8_t *const number = search.primes[search.found];
        status = search.rounds == 0 ? draw(number) : test(number);
    }
    if (status == OTTER_E_MEMORY) /* a handshake has it: the same step later */
        return OTTER_E_AGAIN;
    if (status != OTTER_E_AGAIN)
        pki_rsa_begin(); /* wipes it */
    return status;
}
