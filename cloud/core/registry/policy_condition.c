/* The Condition of a policy statement, and the values that keys and variables have.
 *
 * Condition: {OPERATOR: {KEY: VALUE or [VALUE...]}}. All operators and keys must hold; of a key's
 * values one must match. OPERATOR may begin with ForAllValues: or ForAnyValue: and end in IfExists.
 */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cloud/core/registry/policy_internal.h"

/* ---- values --------------------------------------------------------------------------------- */

static size_t one(const char *value, const char *values[])
{
    values[0] = value;
    return value ? 1 : 0;
}

static size_t connect_attributes(const struct policy_context *context, const char *values[])
{
    size_t count = 0;
    if (context->persistent_connect)
        values[count++] = "PersistentConnect";
    if (context->last_will)
        values[count++] = "LastWill";
    return count;
}

/* "Attributes[name]" */
static size_t thing_attribute(const struct policy_context *context, const char *key,
                              const char *values[])
{
    char name[192];
    size_t length = strlen(key);
    if (length == 0 || key[length - 1] != ']' || length > sizeof name)
        return 0;
    snprintf(name, sizeof name, "%.*s", (int)(length - 1), key);
    return one(json_string_value(json_object_get(context->thing_attributes, name)), values);
}

/* "Subject.CommonName" gives the first value, "Subject.CommonName.2" the third, ".List" all. */
static size_t certificate_value(const struct policy_context *context, const char *key,
                                const char *values[])
{
    char name[192];
    snprintf(name, sizeof name, "%s", key);
    const json_t *list = json_object_get(context->certificate, name);
    if (list)
        return one(json_string_value(json_array_get(list, 0)), values);
    char *suffix = strrchr(name, '.');
    if (!suffix)
        return 0;
    *suffix++ = '\0';
    list = json_object_get(context->certificate, name);
    if (strcmp(suffix, "List") != 0)
        return one(*suffix >= '1' && *suffix <= '4' && !suffix[1]
                       ? json_string_value(json_array_get(list, (size_t)(*suffix - '0')))
                       : NULL,
                   values);
    size_t count = 0;
    while (count < POLICY_VALUES_MAX && count < json_array_size(list)) {
        values[count] = json_string_value(json_array_get(list, count));
        count++;
    }
    return count;
}

static const char *after(const char *text, const char *prefix)
{
    size_t length = strlen(prefix);
    return strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

size_t policy_values(const struct policy_context *context, const char *key,
                     const char *values[POLICY_VALUES_MAX], char scratch[64])
{
    const char *rest;
    if (strcmp(key, "iot:ClientId") == 0)
        return one(context->client_id, values);
    if (strcmp(key, "aws:SourceIp") == 0)
        return one(context->source_ip, values);
    if (strcmp(key, "iot:ConnectAttributes") == 0)
        return connect_attributes(context, values);
    if (strcmp(key, "iot:LastWillTopic") == 0)
        return one(context->will_topic, values);
    if (strcmp(key, "iam:PassedToService") == 0)
        return one(context->passed_to, values);
    if ((rest = after(key, "iot:Connection.Thing."))) {
        if (strcmp(rest, "IsAttached") == 0) {
            snprintf(scratch, 64, "%s", context->thing_name ? "true" : "false");
            return one(scratch, values);
        }
        if (strcmp(rest, "ThingName") == 0)
            return one(context->thing_name, values);
        if (strcmp(rest, "ThingTypeName") == 0)
            return one(context->thing_type, values);
        rest = after(rest, "Attributes[");
        return rest ? thing_attribute(context, rest, values) : 0;
    }
    if ((rest = after(key, "iot:Certificate.")))
        return certificate_value(context, rest, values);
    return 0;
}

/* ---- operators ------------------------------------------------------------------------------ */

enum comparison { EQUALS, EQUALS_NO_CASE, LIKE, BOOLEAN, IP_ADDRESS };

struct operator
{
    const char *name;
    enum comparison comparison;
    bool negated;
};

static const struct operator operators[] = {
    {"StringEquals", EQUALS, false},
    {"StringNotEquals", EQUALS, true},
    {"StringEqualsIgnoreCase", EQUALS_NO_CASE, false},
    {"StringNotEqualsIgnoreCase", EQUALS_NO_CASE, true},
    {"StringLike", LIKE, false},
    {"StringNotLike", LIKE, true},
    {"ArnEquals", LIKE, false},
    {"ArnLike", LIKE, false},
    {"ArnNotEquals", LIKE, true},
    {"ArnNotLike", LIKE, true},
    {"Bool", BOOLEAN, false},
    {"IpAddress", IP_ADDRESS, false},
    {"NotIpAddress", IP_ADDRESS, true},
};

enum quantity { SINGLE, FOR_ALL, FOR_ANY };

/* An operator as written: [ForAllValues:|ForAnyValue:]NAME[IfExists] */
struct test {
    const struct operator* operator; /* NULL: unknown */
    enum quantity quantity;
    bool if_exists;
    bool null_test;
};

static struct test parse_operator(const char *text)
{
    struct test test = {NULL, SINGLE, false, strcmp(text, "Null") == 0};
    char name[64];
    const char *rest;
    if ((rest = after(text, "ForAllValues:")))
        test.quantity = FOR_ALL;
    else if ((rest = after(text, "ForAnyValue:")))
        test.quantity = FOR_ANY;
    snprintf(name, sizeof name, "%s", rest ? rest : text);
    size_t length = strlen(name);
    if (length > 8 && strcmp(name + length - 8, "IfExists") == 0) {
        test.if_exists = true;
        name[length - 8] = '\0';
    }
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        if (strcmp(operators[i].name, name) == 0)
            test.operator= & operators[i];
    return test;
}

/* `range` is an IPv4 address, or one with /bits. */
static enum policy_match in_range(const char *range, const char *address)
{
    char base[64];
    struct in_addr a, b;
    const char *slash = strchr(range, '/');
    long bits = slash ? strtol(slash + 1, NULL, 10) : 32;
    snprintf(base, sizeof base, "%.*s", slash ? (int)(slash - range) : 63, range);
    if (bits < 0 || bits > 32 || inet_pton(AF_INET, base, &a) != 1 ||
        inet_pton(AF_INET, address, &b) != 1)
        return POLICY_UNKNOWN;
    uint32_t mask = bits ? UINT32_MAX << (32 - bits) : 0;
    return ((ntohl(a.s_addr) ^ ntohl(b.s_addr)) & mask) == 0 ? POLICY_YES : POLICY_NO;
}

static enum policy_match compare(const struct policy_context *context, enum comparison comparison,
                                 const json_t *wanted, const char *actual)
{
    const char *text = json_string_value(wanted);
    if (json_is_boolean(wanted))
        text = json_is_true(wanted) ? "true" : "false";
    if (!text)
        return POLICY_UNKNOWN;
    switch (comparison) {
    case EQUALS:
        return policy_pattern(context, text, actual, false);
    case LIKE:
        return policy_pattern(context, text, actual, true);
    case EQUALS_NO_CASE:
    case BOOLEAN:
        return strcasecmp(text, actual) == 0 ? POLICY_YES : POLICY_NO;
    case IP_ADDRESS:
        return in_range(text, actual);
    }
    return POLICY_UNKNOWN;
}

/* One value of the request against all that the policy lists, negation included. */
static enum policy_match match_value(const struct policy_context *context,
                                     const struct operator* operator, const json_t * wanted,
                                     const char *actual)
{
    enum policy_match match = POLICY_NO;
    size_t count = json_is_array(wanted) ? json_array_size(wanted) : 1;
    for (size_t i = 0; i < count && match != POLICY_YES; i++) {
        const json_t *item = json_is_array(wanted) ? json_array_get(wanted, i) : wanted;
        enum policy_match one_match = compare(context, operator->comparison, item, actual);
        if (one_match != POLICY_NO)
            match = one_match;
    }
    if (match == POLICY_UNKNOWN || !operator->negated)
        return match;
    return match == POLICY_YES ? POLICY_NO : POLICY_YES;
}

static enum policy_match match_null(const json_t *wanted, size_t count)
{
    const json_t *item = json_is_array(wanted) ? json_array_get(wanted, 0) : wanted;
    const char *text = json_string_value(item);
    bool absent = json_is_true(item) || (text && strcasecmp(text, "true") == 0);
    return absent == (count == 0) ? POLICY_YES : POLICY_NO;
}

static enum policy_match match_key(const struct policy_context *context, const struct test *test,
                                   const char *key, const json_t *wanted)
{
    const char *values[POLICY_VALUES_MAX];
    char scratch[64];
    size_t count = policy_values(context, key, values, scratch);

    if (test->null_test)
        return match_null(wanted, count);
    if (count == 0)
        return test->if_exists || test->quantity == FOR_ALL ||
                       (test->operator->negated && test->quantity == SINGLE)
                   ? POLICY_YES
                   : POLICY_NO;
    bool all = test->quantity == FOR_ALL;
    for (size_t i = 0; i < count; i++) {
        enum policy_match match = match_value(context, test->operator, wanted, values[i]);
        if (match == POLICY_UNKNOWN || (match == POLICY_NO) == all)
            return match;
        if (test->quantity == SINGLE)
            return match;
    }
    return all ? POLICY_YES : POLICY_NO;
}

static enum policy_match match_operator(const struct policy_context *context, const char *name,
                                        json_t *keys)
{
    struct test test = parse_operator(name);
    const char *key;
    json_t *wanted;
    enum policy_match result = POLICY_YES;

    if ((!test.operator&& !test.null_test) || !json_is_object(keys))
        return POLICY_UNKNOWN;
    json_object_foreach(keys, key, wanted)
    {
        enum policy_match match = match_key(context, &test, key, wanted);
        if (match == POLICY_NO)
            return POLICY_NO;
        if (match == POLICY_UNKNOWN)
            result = POLICY_UNKNOWN;
    }
    return result;
}

enum policy_match policy_condition(const struct policy_context *context, const json_t *condition)
{
    const char *name;
    json_t *keys;
    enum policy_match result = POLICY_YES;

    if (!condition)
        return POLICY_YES;
    if (!json_is_object(condition))
        return POLICY_UNKNOWN;
    json_object_foreach((json_t *)condition, name, keys)
    {
        enum policy_match match = match_operator(context, name, keys);
        if (match == POLICY_NO)
            return POLICY_NO;
        if (match == POLICY_UNKNOWN)
            result = POLICY_UNKNOWN;
    }
    return result;
}
