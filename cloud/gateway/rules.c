/* The service's rules, and what relaxes them. */
#include "cloud/gateway/rules.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct {
    const char *name;
    enum rule rule;
} names[] = {
    {"sni", RULE_SNI}, {"dates", RULE_DATES}, {"retained", RULE_RETAINED}, {"parent", RULE_PARENT}};

static bool is(const char *word, size_t length, const char *name)
{
    return strlen(name) == length && memcmp(word, name, length) == 0;
}

static bool relax(struct rules *rules, const char *word, size_t length)
{
    if (is(word, length, "all")) {
        *rules = (struct rules){.relaxed = ~0u};
        return true;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (is(word, length, names[i].name)) {
            rules->relaxed |= names[i].rule;
            return true;
        }
    return false;
}

bool rules_relax(struct rules *rules, const char *list)
{
    for (;;) {
        size_t length = strcspn(list, ",");
        if (!relax(rules, list, length))
            return false;
        if (!list[length])
            return true;
        list += length + 1;
    }
}

bool rules_limit(struct rules *rules, const char *text)
{
    size_t length = strcspn(text, "=");
    unsigned *limit = is(text, length, "publish")    ? &rules->publish
                      : is(text, length, "bytes")    ? &rules->bytes
                      : is(text, length, "connect")  ? &rules->connects
                      : is(text, length, "greeting") ? &rules->greeting
                      : is(text, length, "session")  ? &rules->session
                                                     : NULL;
    char *end = NULL;
    if (!limit || text[length] != '=' || text[length + 1] < '0' || text[length + 1] > '9')
        return false;
    unsigned long value = strtoul(text + length + 1, &end, 10);
    if (*end || value > 1000000000)
        return false;
    *limit = (unsigned)value;
    return true;
}

uint32_t rules_session_s(const struct rules *rules)
{
    const uint32_t most = 604800; /* a week: AWS's ceiling */
    return rules->session > 0 && rules->session < most ? rules->session : most;
}

static int64_t monotonic_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t microseconds_each(unsigned rate)
{
    return 1000000 / rate > 0 ? 1000000 / rate : 1;
}

int64_t rate_next_us(const struct rate_bucket *bucket, unsigned rate)
{
    const int64_t wait_us =
        rate > 0 ? bucket->since_us + microseconds_each(rate) - monotonic_us() : 0;
    return wait_us > 0 ? wait_us : 0;
}

bool rate_take(struct rate_bucket *bucket, unsigned rate, unsigned most)
{
    if (rate == 0)
        return true;
    const int64_t now_us = monotonic_us();
    const int64_t each_us = microseconds_each(rate);
    if (now_us - bucket->since_us < each_us)
        return false;
    if (now_us - bucket->since_us > each_us * most)
        bucket->since_us = now_us - each_us * most;
    bucket->since_us += each_us;
    return true;
}

void rate_spend(struct rate_bucket *bucket, unsigned rate, size_t amount)
{
    if (rate == 0)
        return;
    const int64_t full_us = monotonic_us() - 1000000;
    if (bucket->since_us < full_us)
        bucket->since_us = full_us;
    bucket->since_us += (int64_t)(amount * 1000000 / rate);
}

int64_t rate_wait_us(const struct rate_bucket *bucket, unsigned rate)
{
    const int64_t wait_us = rate > 0 ? bucket->since_us - monotonic_us() : 0;
    return wait_us > 0 ? wait_us : 0;
}
