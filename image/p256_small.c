/* ECDSA verification on P-256, written for size (a quarter of BearSSL's). It handles public values
 * only, so it need not run in constant time; it must not be given secrets.
 *
 * Numbers are eight 32-bit words, least significant first. Both moduli, the field's p and the
 * group's n, have Montgomery arithmetic by the same code. Points are projective, and are added by
 * the complete formulas of Renes, Costello and Batina (EUROCRYPT 2016, algorithm 4): one sequence
 * of steps for all cases, infinity and doubling included, so there is no special case to forget. */
#include <string.h>

#include "image/crypto.h"

#define WORDS 8u

typedef uint32_t number[WORDS];

struct modulus {
    number m;
    uint32_t inverse; /* -1/m mod 2^32 */
    number r2;        /* 2^512 mod m, which takes a number into Montgomery form */
};

static const number prime = {0xffffffff, 0xffffffff, 0xffffffff, 0, 0, 0, 1, 0xffffffff};
static const number order = {0xfc632551, 0xf3b9cac2, 0xa7179e84, 0xbce6faad,
                             0xffffffff, 0xffffffff, 0,          0xffffffff};
static const number curve_b = {0x27d2604b, 0x3bce3c3e, 0xcc53b0f6, 0x651d06b0,
                               0x769886bc, 0xb3ebbd55, 0xaa3a93e7, 0x5ac635d8};
static const number base_x = {0xd898c296, 0xf4a13945, 0x2deb33a0, 0x77037d81,
                              0x63a440f2, 0xf8bce6e5, 0xe12c4247, 0x6b17d1f2};
static const number base_y = {0x37bf51f5, 0xcbb64068, 0x6b315ece, 0x2bce3357,
                              0x7c0f9e16, 0x8ee7eb4a, 0xfe1a7f9b, 0x4fe342e2};
static const number one = {1};

/* r = a + b, or a - b; returns the carry or borrow. r may be a or b. */
static uint32_t add(number r, const number a, const number b)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < WORDS; i++) {
        sum += (uint64_t)a[i] + b[i];
        r[i] = (uint32_t)sum;
        sum >>= 32;
    }
    return (uint32_t)sum;
}

static uint32_t subtract(number r, const number a, const number b)
{
    uint32_t borrow = 0;
    for (unsigned i = 0; i < WORDS; i++) {
        const uint64_t difference = (uint64_t)a[i] - b[i] - borrow;
        r[i] = (uint32_t)difference;
        borrow = (uint32_t)(difference >> 32) & 1u;
    }
    return borrow;
}

/* True if a < b. */
static bool less(const number a, const number b)
{
    number ignored;
    return subtract(ignored, a, b) != 0;
}

static void add_mod(number r, const number a, const number b, const number m)
{
    const uint32_t carry = add(r, a, b);
    if (subtract(r, r, m) > carry)
        add(r, r, m);
}

static void subtract_mod(number r, const number a, const number b, const number m)
{
    if (subtract(r, a, b) != 0)
        add(r, r, m);
}

/* t += a * word, over nine words; returns what does not fit. */
static uint32_t multiply_add(uint32_t t[WORDS + 1], const number a, uint32_t word)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < WORDS; i++) {
        sum += (uint64_t)a[i] * word + t[i];
        t[i] = (uint32_t)sum;
        sum >>= 32;
    }
    sum += t[WORDS];
    t[WORDS] = (uint32_t)sum;
    return (uint32_t)(sum >> 32);
}

/* r = a b / 2^256 mod m. The product slides up through t, a word for each word of b, as
 * Montgomery's steps make its lowest words 0. No memcpy or memset here: a small C library's go by
 * bytes. */
static void multiply(number r, const number a, const number b, const struct modulus *modulus)
{
    uint32_t t[2 * WORDS + 1];
    subtract(t, a, a); /* 0 */
    t[WORDS] = 0;
    for (unsigned i = 0; i < WORDS; i++) {
        const uint32_t top = multiply_add(t + i, a, b[i]);
        t[i + WORDS + 1] = top + multiply_add(t + i, modulus->m, t[i] * modulus->inverse);
    }
    if (subtract(r, t + WORDS, modulus->m) > t[WORDS + WORDS])
        add(r, r, modulus->m);
}

static void modulus_init(struct modulus *modulus, const number m, uint32_t inverse)
{
    memcpy(modulus->m, m, sizeof(number));
    modulus->inverse = inverse;
    memset(modulus->r2, 0, sizeof(number));
    subtract(modulus->r2, modulus->r2, m); /* 2^256 mod m, as m > 2^255 */
    for (unsigned i = 0; i < 256; i++)
        add_mod(modulus->r2, modulus->r2, modulus->r2, m);
}

static bool bit_of(const number a, unsigned bit)
{
    return (a[bit / 32] >> bit % 32 & 1u) != 0;
}

/* r = 1/a in Montgomery form, as a^(m-2); r is not a, and m ends in a word above 1. */
static void invert(number r, const number a, const struct modulus *modulus)
{
    number exponent;
    memcpy(exponent, modulus->m, sizeof exponent);
    exponent[0] -= 2;
    multiply(r, one, modulus->r2, modulus);
    for (unsigned i = 256; i > 0; i--) {
        multiply(r, r, r, modulus);
        if (bit_of(exponent, i - 1))
            multiply(r, r, a, modulus);
    }
}

/* Registers of the addition: two points, their sum, temporaries, the curve's b. */
enum { X1, Y1, Z1, X2, Y2, Z2, X3, Y3, Z3, T0, T1, T2, T3, T4, B, REGISTERS };

struct point {
    number x, y, z;
};

struct curve {
    struct modulus p;
    number registers[REGISTERS];
};

#define MUL(r, a, b) (uint16_t)(0x0000 | (r) << 8 | (a) << 4 | (b))
#define ADD(r, a, b) (uint16_t)(0x1000 | (r) << 8 | (a) << 4 | (b))
#define SUB(r, a, b) (uint16_t)(0x2000 | (r) << 8 | (a) << 4 | (b))

static void run(struct curve *curve, const uint16_t *steps, unsigned count)
{
    for (; count > 0; count--, steps++) {
        uint32_t *r = curve->registers[*steps >> 8 & 15];
        const uint32_t *a = curve->registers[*steps >> 4 & 15];
        const uint32_t *b = curve->registers[*steps & 15];
        if (*steps >> 12 == 0)
            multiply(r, a, b, &curve->p);
        else if (*steps >> 12 == 1)
            add_mod(r, a, b, prime);
        else
            subtract_mod(r, a, b, prime);
    }
}

/* sum += point */
static void add_point(struct curve *curve, struct point *sum, const struct point *point)
{
    static const uint16_t steps[] = {
        MUL(T0, X1, X2), MUL(T1, Y1, Y2), MUL(T2, Z1, Z2), ADD(T3, X1, Y1), ADD(T4, X2, Y2),
        MUL(T3, T3, T4), ADD(T4, T0, T1), SUB(T3, T3, T4), ADD(T4, Y1, Z1), ADD(X3, Y2, Z2),
        MUL(T4, T4, X3), ADD(X3, T1, T2), SUB(T4, T4, X3), ADD(X3, X1, Z1), ADD(Y3, X2, Z2),
        MUL(X3, X3, Y3), ADD(Y3, T0, T2), SUB(Y3, X3, Y3), MUL(Z3, B, T2),  SUB(X3, Y3, Z3),
        ADD(Z3, X3, X3), ADD(X3, X3, Z3), SUB(Z3, T1, X3), ADD(X3, T1, X3), MUL(Y3, B, Y3),
        ADD(T1, T2, T2), ADD(T2, T1, T2), SUB(Y3, Y3, T2), SUB(Y3, Y3, T0), ADD(T1, Y3, Y3),
        ADD(Y3, T1, Y3), ADD(T1, T0, T0), ADD(T0, T1, T0), SUB(T0, T0, T2), MUL(T1, T4, Y3),
        MUL(T2, T0, Y3), MUL(Y3, X3, Z3), ADD(Y3, Y3, T2), MUL(X3, T3, X3), SUB(X3, X3, T1),
        MUL(Z3, T4, Z3), MUL(T1, T3, T0), ADD(Z3, Z3, T1)};
    memcpy(curve->registers[X1], sum, sizeof *sum);
    memcpy(curve->registers[X2], point, sizeof *point);
    run(curve, steps, sizeof steps / sizeof *steps);
    memcpy(sum, curve->registers[X3], sizeof *sum);
}

/* True if y^2 = x^3 - 3x + b. */
static bool is_on_curve(struct curve *curve, const struct point *point)
{
    static const uint16_t steps[] = {MUL(T0, X1, X1), MUL(T0, T0, X1), SUB(T0, T0, X1),
                                     SUB(T0, T0, X1), SUB(T0, T0, X1), ADD(T0, T0, B),
                                     MUL(T1, Y1, Y1)};
    memcpy(curve->registers[X1], point, sizeof *point);
    run(curve, steps, sizeof steps / sizeof *steps);
    return memcmp(curve->registers[T0], curve->registers[T1], sizeof(number)) == 0;
}

static void point_init(const struct curve *curve, struct point *point, const number x,
                       const number y)
{
    multiply(point->x, x, curve->p.r2, &curve->p);
    multiply(point->y, y, curve->p.r2, &curve->p);
    multiply(point->z, one, curve->p.r2, &curve->p);
}

static void number_read(number r, const uint8_t bytes[32])
{
    for (unsigned i = 0; i < WORDS; i++, bytes += 4)
        r[WORDS - 1 - i] = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
                           (uint32_t)bytes[2] << 8 | bytes[3];
}

/* u1 = hash / s and u2 = r / s mod n; false if r or s is out of range. */
static bool find_scalars(number u1, number u2, const number r, const number s, const uint8_t *hash)
{
    struct modulus n;
    number w;
    if (less(r, one) || less(s, one) || !less(r, order) || !less(s, order))
        return false;
    modulus_init(&n, order, 0xee00bc4fu);
    multiply(u1, s, n.r2, &n);
    invert(w, u1, &n);
    number_read(u1, hash);
    if (!less(u1, order))
        subtract(u1, u1, order);
    multiply(u1, u1, w, &n);
    multiply(u2, r, w, &n);
    return true;
}

/* True if the point's x, taken mod n, is r: x is r or r + n, and x = X / Z. */
static bool x_matches(const struct curve *curve, const struct point *point, const number r)
{
    number x;
    number candidate;
    memcpy(candidate, r, sizeof candidate);
    if (less(point->z, one))
        return false;
    do {
        multiply(x, candidate, curve->p.r2, &curve->p);
        multiply(x, x, point->z, &curve->p);
        if (memcmp(x, point->x, sizeof x) == 0)
            return true;
    } while (add(candidate, candidate, order) == 0 && less(candidate, prime));
    return false;
}

bool image_p256_verify(const uint8_t key[65], const uint8_t hash[32], const uint8_t signature[64])
{
    struct curve curve;
    struct point bases[3]; /* the generator, the key, their sum */
    struct point sum = {0};
    number r, s, u1, u2;
    modulus_init(&curve.p, prime, 1);
    multiply(curve.registers[B], curve_b, curve.p.r2, &curve.p);
    number_read(r, key + 1);
    number_read(s, key + 33);
    if (key[0] != 4 || !less(r, prime) || !less(s, prime))
        return false;
    point_init(&curve, &bases[1], r, s);
    if (!is_on_curve(&curve, &bases[1]))
        return false;
    number_read(r, signature);
    number_read(s, signature + 32);
    if (!find_scalars(u1, u2, r, s, hash))
        return false;
    point_init(&curve, &bases[0], base_x, base_y);
    bases[2] = bases[0];
    add_point(&curve, &bases[2], &bases[1]);
    multiply(sum.y, one, curve.p.r2, &curve.p); /* infinity is 0 : 1 : 0 */
    for (unsigned i = 256; i > 0; i--) {
        add_point(&curve, &sum, &sum);
        const unsigned bits = bit_of(u1, i - 1) | (unsigned)bit_of(u2, i - 1) << 1;
        if (bits)
            add_point(&curve, &sum, &bases[bits - 1]);
    }
    return x_matches(&curve, &sum, r);
}
