/* What the values of a field come to: statistics, percentiles, how many there are of each. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/search/search_internal.h"

#define PERCENTS_MAX 100u
#define BUCKETS      10
#define BUCKETS_MAX  10000

/* Numbers, booleans as 0 and 1, and attributes that are numbers in text. */
static bool number_of(const json_t *value, double *number)
{
    const char *text = json_string_value(value);
    char *end = NULL;
    *number = json_is_true(value) ? 1 : json_number_value(value);
    if (!text)
        return json_is_number(value) || json_is_boolean(value);
    *number = strtod(text, &end);
    return *text && *end == 0;
}

static json_t *statistics_of(const json_t *list)
{
    double sum = 0, squares = 0, least = INFINITY, most = -INFINITY, number;
    size_t count = json_array_size(list);
    for (size_t i = 0; i < count; i++) {
        if (!number_of(json_array_get(list, i), &number))
            return json_pack("{s:I}", "count", (json_int_t)count);
        sum += number;
        squares += number * number;
        least = fmin(least, number);
        most = fmax(most, number);
    }
    if (count == 0)
        return json_pack("{s:i}", "count", 0);
    double average = sum / (double)count;
    double variance = fmax(squares / (double)count - average * average, 0);
    return json_pack("{s:I,s:f,s:f,s:f,s:f,s:f,s:f,s:f}", "count", (json_int_t)count, "average",
                     average, "sum", sum, "minimum", least, "maximum", most, "sumOfSquares",
                     squares, "variance", variance, "stdDeviation", sqrt(variance));
}

enum core_error search_statistics(const struct finding *finding, struct answer *answer)
{
    answer->body = json_pack("{s:o}", "statistics", statistics_of(finding->found));
    return CORE_OK;
}

enum core_error search_cardinality(const struct finding *finding, struct answer *answer)
{
    json_t *different = json_object(), *value;
    size_t i;
    json_array_foreach(finding->found, i, value)
    {
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        json_object_set_new(different, text ? text : "", json_true());
        free(text);
    }
    answer->body = json_pack("{s:I}", "cardinality", (json_int_t)json_object_size(different));
    json_decref(different);
    return CORE_OK;
}

/* ---- percentiles ---- */

static int by_size(const void *a, const void *b)
{
    const double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* Sorted, and freed by the caller. NULL: one is no number. */
static double *numbers_of(const json_t *list)
{
    size_t count = json_array_size(list);
    double *numbers = calloc(count + 1, sizeof *numbers);
    if (!numbers)
        abort(); /* nothing sensible can follow on the host */
    for (size_t i = 0; i < count; i++) {
        if (number_of(json_array_get(list, i), &numbers[i]))
            continue;
        free(numbers);
        return NULL;
    }
    qsort(numbers, count, sizeof *numbers, by_size);
    return numbers;
}

/* The value below which that part of all lies, between two of them by the distance to each. */
static double percentile(const double *numbers, size_t count, double percent)
{
    const double at = percent / 100 * (double)(count - 1);
    const size_t below = (size_t)at;
    const double above = numbers[below + 1 < count ? below + 1 : below];
    return numbers[below] + (at - (double)below) * (above - numbers[below]);
}

static bool percents_sound(const json_t *percents)
{
    const json_t *percent;
    size_t i;
    json_array_foreach(percents, i, percent)
    {
        const double value = json_number_value(percent);
        if (!json_is_number(percent) || !(value >= 0 && value <= 100))
            return false;
    }
    return json_is_array(percents) && json_array_size(percents) <= PERCENTS_MAX;
}

enum core_error search_percentiles(const struct finding *finding, const json_t *percents,
                                   struct answer *answer)
{
    json_t *usual = json_pack("[i,i,i,i,i,i,i]", 1, 5, 25, 50, 75, 95, 99), *pairs = json_array();
    const json_t *wanted = json_array_size(percents) > 0 ? percents : usual, *percent;
    const size_t count = json_array_size(finding->found);
    double *numbers = numbers_of(finding->found);
    enum core_error error = CORE_OK;
    size_t i;
    if (percents && !percents_sound(percents))
        error = answer_refuse(answer, CORE_INVALID_REQUEST,
                              "percents must be at most %u numbers from 0 to 100", PERCENTS_MAX);
    else if (!numbers)
        error =
            answer_refuse(answer, CORE_AGGREGATION,
                          "percentiles are of numbers, and a value of %s is none", finding->field);
    for (i = 0; !error && count > 0 && i < json_array_size(wanted); i++) {
        percent = json_array_get(wanted, i);
        json_array_append_new(pairs,
                              json_pack("{s:f,s:f}", "percent", json_number_value(percent), "value",
                                        percentile(numbers, count, json_number_value(percent))));
    }
    if (error)
        json_decref(pairs);
    else
        answer->body = json_pack("{s:o}", "percentiles", pairs);
    json_decref(usual);
    free(numbers);
    return error;
}

/* ---- buckets ---- */

struct ranked {
    json_t *bucket;
};

static int by_count(const void *a, const void *b)
{
    const json_t *left = ((const struct ranked *)a)->bucket;
    const json_t *right = ((const struct ranked *)b)->bucket;
    const json_int_t fewer = json_integer_value(json_object_get(left, "count"));
    const json_int_t more = json_integer_value(json_object_get(right, "count"));
    if (fewer != more)
        return fewer < more ? 1 : -1;
    return strcmp(json_string_value(json_object_get(left, "keyValue")),
                  json_string_value(json_object_get(right, "keyValue")));
}

/* {text of a value: {"keyValue","count"}} */
static json_t *counted(const json_t *list)
{
    json_t *counts = json_object();
    const json_t *value;
    size_t i;
    json_array_foreach(list, i, value)
    {
        char *text = json_is_string(value) ? strdup(json_string_value(value))
                                           : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        json_t *bucket = text ? json_object_get(counts, text) : NULL;
        if (bucket)
            json_object_set_new(
                bucket, "count",
                json_integer(json_integer_value(json_object_get(bucket, "count")) + 1));
        else if (text)
            json_object_set_new(counts, text, json_pack("{s:s,s:i}", "keyValue", text, "count", 1));
        free(text);
    }
    return counts;
}

enum core_error search_buckets(const struct finding *finding, const json_t *type,
                               struct answer *answer)
{
    const json_t *terms = json_object_get(type, "termsAggregation");
    const json_t *said = json_object_get(terms, "maxBuckets");
    const json_int_t most = said ? json_integer_value(said) : BUCKETS;
    if (!json_is_object(terms) || most < 1 || most > BUCKETS_MAX)
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "bucketsAggregationType needs termsAggregation, with maxBuckets of 1 "
                             "to %d",
                             BUCKETS_MAX);
    json_t *counts = counted(finding->found), *buckets = json_array(), *bucket;
    const char *name;
    size_t size = json_object_size(counts), i = 0;
    struct ranked *sorted = calloc(size + 1, sizeof *sorted);
    if (!sorted)
        abort(); /* nothing sensible can follow on the host */
    json_object_foreach(counts, name, bucket) sorted[i++].bucket = bucket;
    qsort(sorted, size, sizeof *sorted, by_count);
    for (i = 0; i < size && i < (size_t)most; i++)
        json_array_append(buckets, sorted[i].bucket);
    answer->body =
        json_pack("{s:I,s:o}", "totalCount", (json_int_t)finding->matched, "buckets", buckets);
    free(sorted);
    json_decref(counts);
    return CORE_OK;
}
