/* Division of 64-bit numbers in the place of libgcc's, bit by bit: some 60 bytes instead of 700, at
 * a few hundred cycles for each of the few divisions that there are (times, and the start of an RSA
 * reduction). Run-time ABI for the Arm Architecture, "the long long helper functions": libgcc's
 * __aeabi_uldivmod and the like call this. The divisor is not 0: they see to that. */
#include <stdint.h>

uint64_t __udivmoddi4(uint64_t number, uint64_t by, uint64_t *rest);

uint64_t __udivmoddi4(uint64_t number, uint64_t by, uint64_t *rest)
{
    uint64_t left = 0; /* the number's upper bits go in here, the quotient's come in below */
    for (unsigned bit = 0; bit < 64; bit++) {
        const uint64_t carry = left >> 63;
        left = left << 1 | number >> 63;
        number <<= 1;
        if (carry != 0 || left >= by) {
            left -= by;
            number |= 1u;
        }
    }
    if (rest != 0)
        *rest = left;
    return number;
}
