/* Behaviours: whether one makes sense, and whether a value is within it. */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/defender/defender_internal.h"

/* ---- addresses ------------------------------------------------------------------------------ */

struct network {
    uint8_t bytes[16];
    unsigned size; /* of an address, in bytes: 4 or 16 */
    unsigned bits; /* of its prefix */
};

/* "192.0.2.0/24", or an address alone. */
static bool network_read(const char *text, struct network *network)
{
    char address[48];
    size_t length = text ? strcspn(text, "/") : 0;
    if (length == 0 || length >= sizeof address)
        return false;
    memcpy(address, text, length);
    address[length] = '\0';
    network->size = inet_pton(AF_INET, address, network->bytes) == 1    ? 4
                    : inet_pton(AF_INET6, address, network->bytes) == 1 ? 16
                                                                        : 0;
    const char *bits = text + length + (text[length] == '/');
    size_t digits = strspn(bits, "0123456789");
    network->bits = text[length] ? (unsigned)strtoul(bits, NULL, 10) : network->size * 8;
    return network->size && !bits[digits] && digits < 4 && (digits > 0 || !text[length]) &&
           network->bits <= network->size * 8;
}

static bool network_has(const struct network *network, const struct network *address)
{
    unsigned whole = network->bits / 8, rest = network->bits % 8;
    if (network->size != address->size || memcmp(network->bytes, address->bytes, whole) != 0)
        return false;
    return rest == 0 || (network->bytes[whole] ^ address->bytes[whole]) >> (8 - rest) == 0;
}

static bool cidrs_have(const json_t *cidrs, const json_t *address)
{
    struct network network, one;
    if (!network_read(json_string_value(address), &one))
        return false;
    for (size_t i = 0; i < json_array_size(cidrs); i++) {
        if (network_read(json_string_value(json_array_get(cidrs, i)), &network) &&
            network_has(&network, &one))
            return true;
    }
    return false;
}

/* ---- judging -------------------------------------------------------------------------------- */

static bool compare(const char *operator_, double value, double limit)
{
    if (strcmp(operator_, "less-than") == 0)
        return value < limit;
    if (strcmp(operator_, "less-than-equals") == 0)
        return value <= limit;
    if (strcmp(operator_, "greater-than") == 0)
        return value > limit;
    return value >= limit;
}

static bool same(const json_t *a, const json_t *b)
{
    if (json_is_number(a) && json_is_number(b)) /* 1 and 1.0 */
        return json_number_value(a) >= json_number_value(b) &&
               json_number_value(a) <= json_number_value(b);
    return json_equal(a, b);
}

static bool list_has(const json_t *list, const json_t *item, enum value_kind kind)
{
    if (kind == VALUE_CIDRS)
        return cidrs_have(list, item);
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (same(json_array_get(list, i), item))
            return true;
    }
    return false;
}

bool criteria_hold(const json_t *criteria, const json_t *value, enum value_kind kind)
{
    const char *operator_ = json_text(criteria, "comparisonOperator"), *member = value_member(kind);
    const json_t *normal = json_object_get(json_object_get(criteria, "value"), member);
    const json_t *given = json_object_get(value, member);
    if (!operator_ || !normal || !given)
        return true;
    if (kind == VALUE_COUNT || kind == VALUE_NUMBER)
        return compare(operator_, json_number_value(given), json_number_value(normal));
    bool inside = strncmp(operator_, "not-", 4) != 0; /* each must be in the set, or none */
    for (size_t i = 0; i < json_array_size(given); i++) {
        if (list_has(normal, json_array_get(given, i), kind) != inside)
            return false;
    }
    return true;
}

/* ---- checking ------------------------------------------------------------------------------- */

struct check {
    const char *name; /* of the behaviour */
    json_t *faults;
};

static void fault(const struct check *check, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void fault(const struct check *check, const char *format, ...)
{
    char text[256];
    va_list args;
    int used = snprintf(text, sizeof text, "Behavior %.60s: ", check->name);
    va_start(args, format);
    vsnprintf(text + used, sizeof text - (size_t)used, format, args);
    va_end(args);
    json_array_append_new(check->faults, json_pack("{s:s}", "errorMessage", text));
}

static bool among(const char *text, const char *const *list)
{
    while (text && *list && strcmp(*list, text) != 0)
        list++;
    return text && *list;
}

static void check_operator(const struct check *check, const char *operator_, enum value_kind kind)
{
    static const char *const numbers[] = {"less-than", "less-than-equals", "greater-than",
                                          "greater-than-equals", NULL};
    static const char *const ports[] = {"in-port-set", "not-in-port-set", NULL};
    static const char *const cidrs[] = {"in-cidr-set", "not-in-cidr-set", NULL};
    static const char *const sets[] = {"in-set", "not-in-set", NULL};
    static const char *const *const of_kind[] = {
        [VALUE_COUNT] = numbers,  [VALUE_PORTS] = ports,  [VALUE_CIDRS] = cidrs,
        [VALUE_NUMBER] = numbers, [VALUE_NUMBERS] = sets, [VALUE_STRINGS] = sets,
    };
    if (!among(operator_, of_kind[kind]))
        fault(check, "the comparisonOperator of this metric must be %s%s", of_kind[kind][0],
              kind == VALUE_COUNT || kind == VALUE_NUMBER
                  ? ", less-than-equals, greater-than or greater-than-equals"
              : kind == VALUE_PORTS ? " or not-in-port-set"
              : kind == VALUE_CIDRS ? " or not-in-cidr-set"
                                    : " or not-in-set");
}

static bool item_valid(const json_t *item, enum value_kind kind)
{
    struct network network;
    switch (kind) {
    case VALUE_PORTS:
        return json_is_integer(item) && json_integer_value(item) >= 0 &&
               json_integer_value(item) <= 65535;
    case VALUE_CIDRS:
        return network_read(json_string_value(item), &network);
    case VALUE_NUMBERS:
        return json_is_number(item);
    default:
        return json_is_string(item);
    }
}

static bool limit_valid(const json_t *limit, enum value_kind kind)
{
    if (kind == VALUE_COUNT)
        return json_is_integer(limit) && json_integer_value(limit) >= 0;
    if (kind == VALUE_NUMBER)
        return json_is_number(limit);
    for (size_t i = 0; i < json_array_size(limit); i++) {
        if (!item_valid(json_array_get(limit, i), kind))
            return false;
    }
    return json_array_size(limit) > 0;
}

static void check_datapoints(const struct check *check, const json_t *criteria, const char *name)
{
    const json_t *count = json_object_get(criteria, name);
    if (count && !json_is_null(count) &&
        (!json_is_integer(count) || json_integer_value(count) < 1 ||
         json_integer_value(count) > 10))
        fault(check, "%s must be 1 to 10", name);
}

static void check_duration(const struct check *check, const json_t *duration, bool adds_up)
{
    static const int known[] = {300, 600, 900, 1800, 3600};
    bool good = false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        good |= json_is_integer(duration) && json_integer_value(duration) == known[i];
    if (adds_up && !good)
        fault(check, "durationSeconds must be 300, 600, 900, 1800 or 3600");
    else if (!adds_up && duration && !json_is_null(duration))
        fault(check, "this metric takes no durationSeconds");
}

static const char *foreign(const json_t *object, const char *const *known)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        if (!among(key, known) && !json_is_null(value))
            return key;
    }
    return NULL;
}

static void check_criteria(const struct check *check, const json_t *criteria,
                           const struct metric *metric)
{
    static const char *const known[] = {
        "comparisonOperator",           "value", "durationSeconds", "consecutiveDatapointsToAlarm",
        "consecutiveDatapointsToClear", NULL};
    const char *member = value_member(metric->kind), *other = foreign(criteria, known);
    const json_t *value = json_object_get(criteria, "value");
    if (other)
        fault(check, "this cloud does not offer %.60s: only static thresholds", other);
    check_operator(check, json_text(criteria, "comparisonOperator"), metric->kind);
    if (json_object_size(value) != 1 || !limit_valid(json_object_get(value, member), metric->kind))
        fault(check, "the value of this metric must be {\"%s\": ...} and nothing else", member);
    check_duration(check, json_object_get(criteria, "durationSeconds"), metric->adds_up);
    check_datapoints(check, criteria, "consecutiveDatapointsToAlarm");
    check_datapoints(check, criteria, "consecutiveDatapointsToClear");
}

void behavior_check(struct cloud *cloud, const json_t *behavior, json_t *faults)
{
    static const char *const known[] = {"name", "metric", "criteria", "suppressAlerts", NULL};
    const char *name = json_text(behavior, "name"), *metric_name = json_text(behavior, "metric");
    struct check check = {name ? name : "(without a name)", faults};
    const char *other = foreign(behavior, known);
    const json_t *suppress = json_object_get(behavior, "suppressAlerts");
    if (!name || !name_valid(name, METRIC_NAME_MAX, NAME_OTHERS))
        fault(&check, "its name must be 1 to 128 of a-z A-Z 0-9 : _ -");
    if (other)
        fault(&check, "this cloud does not offer %.60s", other);
    if (suppress && !json_is_boolean(suppress))
        fault(&check, "suppressAlerts must be true or false");
    if (!metric_name) {
        fault(&check, "metric is missing");
        return;
    }
    struct metric metric = metric_find(cloud, metric_name);
    if (metric.kind == VALUE_NONE)
        fault(&check,
              "the metric %.80s is neither a registered custom metric nor one that devices report",
              metric_name);
    else if (!json_is_object(json_object_get(behavior, "criteria")))
        fault(&check, "criteria are missing");
    else
        check_criteria(&check, json_object_get(behavior, "criteria"), &metric);
}
