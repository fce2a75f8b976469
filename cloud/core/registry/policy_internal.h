/* Between the files of the policy module only: patterns, values, conditions. */
#ifndef OTTER_CLOUD_CORE_REGISTRY_POLICY_INTERNAL_H
#define OTTER_CLOUD_CORE_REGISTRY_POLICY_INTERNAL_H

#include "cloud/core/registry/policy.h"

enum policy_match { POLICY_NO, POLICY_YES, POLICY_UNKNOWN };

/* Does `text` match `pattern` after its variables were replaced? Without `wildcards`, `*` and `?`
 * stand for themselves. What a variable brings is always literal. */
enum policy_match policy_pattern(const struct policy_context *context, const char *pattern,
                                 const char *text, bool wildcards);
/* The values of a variable or condition key; returns how many. `scratch` (64 bytes) may be used. */
size_t policy_values(const struct policy_context *context, const char *key,
                     const char *values[POLICY_VALUES_MAX], char scratch[64]);
/* A statement's Condition, NULL included. */
enum policy_match policy_condition(const struct policy_context *context, const json_t *condition);

#endif
