/* What protected storage can do beside that of its.c, in each world; see ps.h. */
#include "secure/ps.h"

uint32_t psa_ps_get_support(void)
{
    return 0;
}
