/* The values of a build's variant: CMake gives the label and what is broken on purpose. */
#include <stddef.h>

#include "firmware/variant.h"

#ifndef VARIANT_LABEL
#error "the build names the variant: -DVARIANT_LABEL=\"1.0.0\""
#endif
#ifndef VARIANT_DEAF
#define VARIANT_DEAF false
#endif
#ifndef VARIANT_KEEP_WITHOUT_AGENT
#define VARIANT_KEEP_WITHOUT_AGENT false
#endif
#ifndef VARIANT_SELF_TEST_S
#define VARIANT_SELF_TEST_S 120
#endif

#ifdef VARIANT_UNFIT
static otter_status self_test(void *ctx)
{
    (void)ctx;
    return OTTER_E_IO; /* as of a sensor that does not answer */
}
#define VARIANT_SELF_TEST self_test
#else
#define VARIANT_SELF_TEST NULL
#endif

#ifdef VARIANT_KEYS /* where private keys lie */
extern const struct pki_keys VARIANT_KEYS;
#endif

#ifdef VARIANT_CONSOLE /* commands that go with them */
extern const struct cli_table VARIANT_CONSOLE;
#endif

const struct app_config variant = {
    .product = "Otter firmware",
    .build = VARIANT_LABEL,
    .deaf = VARIANT_DEAF,
    .self_test_timeout_ms = VARIANT_SELF_TEST_S * 1000u,
    .self_test = VARIANT_SELF_TEST,
    .keep_without_agent = VARIANT_KEEP_WITHOUT_AGENT,
#ifdef VARIANT_KEYS
    .keys = &VARIANT_KEYS,
#endif
#ifdef VARIANT_CONSOLE
    .console = &VARIANT_CONSOLE,
#endif
};
