/* The values of a build's variant: CMake gives the label and what is broken on purpose. */
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

const struct app_config variant = {
    .product = "Otter firmware",
    .build = VARIANT_LABEL,
    .deaf = VARIANT_DEAF,
    .self_test_timeout_ms = VARIANT_SELF_TEST_S * 1000u,
    .keep_without_agent = VARIANT_KEEP_WITHOUT_AGENT,
};
