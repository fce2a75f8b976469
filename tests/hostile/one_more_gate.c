/* A gate that the next version of the secure program has, by a name that comes before the others'.
 */
#include <stdint.h>

int32_t gate_a_new_one(int32_t number);

__attribute__((cmse_nonsecure_entry, used)) int32_t gate_a_new_one(int32_t number)
{
    return number + 1;
}
