/* Schedules as AWS writes them; see cron.h. */
#include "cloud/core/jobs/cron.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define FIELDS     6
#define YEAR_FIRST 1970
#define YEAR_LAST  2199
#define SEARCH_D   731 /* days that cron_next looks at */
#define DAY_S      86400
#define MINUTE_S   60

struct field {
    const char *name;
    int least, most;
    const char *names; /* three letters each, the first is `least` */
};

static const struct field fields[FIELDS] = {
    {"minutes", 0, 59, NULL},
    {"hours", 0, 23, NULL},
    {"day of month", 1, 31, NULL},
    {"month", 1, 12, "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"},
    {"day of week", 1, 7, "SUNMONTUEWEDTHUFRISAT"},
    {"year", YEAR_FIRST, YEAR_LAST, NULL},
};

/* ---- reading -------------------------------------------------------------------------------- */

static void set(struct cron *cron, int field, int value)
{
    switch (field) {
    case 0:
        cron->minutes |= 1ull << value;
        break;
    case 1:
        cron->hours |= 1u << value;
        break;
    case 2:
        cron->days |= 1u << value;
        break;
    case 3:
        cron->months |= (uint16_t)(1u << value);
        break;
    case 4:
        cron->weekdays |= (uint8_t)(1u << value);
        break;
    default:
        cron->years[(value - YEAR_FIRST) / 8] |= (uint8_t)(1u << ((value - YEAR_FIRST) % 8));
    }
}

/* A number or a name at *text, which moves on. */
static bool read_value(const struct field *field, const char **text, int *value)
{
    char *end;
    for (const char *name = field->names; name && *name; name += 3) {
        if (strncasecmp(*text, name, 3) == 0) {
            *value = field->least + (int)(name - field->names) / 3;
            *text += 3;
            return true;
        }
    }
    if (**text < '0' || **text > '9')
        return false;
    long number = strtol(*text, &end, 10);
    *text = end;
    *value = (int)number;
    return number >= field->least && number <= field->most;
}

/* What only the fields of days have, after or in place of a value: L, 5L, FRI#2. */
static bool read_special(struct cron *cron, int index, const char **text)
{
    if (index == 2 && **text == 'L') {
        cron->last_day = true;
        (*text)++;
        return true;
    }
    if (index != 4 || (**text != 'L' && **text != '#'))
        return false;
    cron->week = 6;
    if (**text == '#') {
        (*text)++;
        if (**text < '1' || **text > '5')
            return false;
        cron->week = (uint8_t)(**text - '0');
    }
    (*text)++;
    return true;
}

static bool read_step(const char **text, int *step)
{
    char *end;
    *step = 1;
    if (**text != '/')
        return true;
    long number = strtol(*text + 1, &end, 10);
    bool sound = end > *text + 1 && number >= 1 && number <= 1000;
    *text = end;
    *step = (int)number;
    return sound;
}

/* One entry of a field's list. */
static bool read_entry(struct cron *cron, int index, const char **text)
{
    const struct field *field = &fields[index];
    int first = field->least, last = field->most, step;
    if (**text == '*') {
        (*text)++;
    } else if (index == 2 && **text == 'L') {
        return read_special(cron, index, text);
    } else {
        if (!read_value(field, text, &first))
            return false;
        last = **text == '/' ? field->most : first;
        if (**text == '-') {
            (*text)++;
            if (!read_value(field, text, &last))
                return false;
        }
        if (**text == 'L' || **text == '#') {
            set(cron, index, first);
            return read_special(cron, index, text);
        }
    }
    if (!read_step(text, &step) || last < first)
        return false;
    for (int value = first; value <= last; value += step)
        set(cron, index, value);
    return true;
}

static bool read_field(struct cron *cron, int index, const char *text)
{
    do {
        if (!read_entry(cron, index, &text))
            return false;
    } while (*text++ == ',');
    return !text[-1];
}

static bool refuse(char *reason, size_t size, const char *text)
{
    snprintf(reason, size,
             "'%.60s' is not of the form cron(MINUTES HOURS DAY-OF-MONTH MONTH DAY-OF-WEEK YEAR), "
             "such as cron(0 18 ? * MON *)",
             text);
    return false;
}

bool cron_read(const char *text, struct cron *cron, char *reason, size_t size)
{
    char word[FIELDS][41], rest[2];
    *cron = (struct cron){0};
    if (strncmp(text, "cron(", 5) != 0 ||
        sscanf(text + 5, " %40[^ )] %40[^ )] %40[^ )] %40[^ )] %40[^ )] %40[^ )] %1[)]", word[0],
               word[1], word[2], word[3], word[4], word[5], rest) != 7 ||
        text[strlen(text) - 1] != ')')
        return refuse(reason, size, text);
    bool no_day = strcmp(word[2], "?") == 0, no_weekday = strcmp(word[4], "?") == 0;
    if (no_day == no_weekday) {
        snprintf(reason, size, "exactly one of day of month and day of week must be '?'");
        return false;
    }
    for (int i = 0; i < FIELDS; i++) {
        if ((i == 2 && no_day) || (i == 4 && no_weekday))
            continue;
        if (read_field(cron, i, word[i]))
            continue;
        snprintf(reason, size, "the %s of a cron text cannot be '%.40s'", fields[i].name, word[i]);
        return false;
    }
    return true;
}

/* ---- when ----------------------------------------------------------------------------------- */

static int days_in_month(const struct tm *date)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = date->tm_year + 1900;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[date->tm_mon] + (date->tm_mon == 1 && leap);
}

static bool weekday_fits(const struct cron *cron, const struct tm *date)
{
    if (!(cron->weekdays & (1u << (date->tm_wday + 1))))
        return false;
    if (cron->week == 6)
        return date->tm_mday + 7 > days_in_month(date);
    return !cron->week || (date->tm_mday + 6) / 7 == cron->week;
}

static bool day_fits(const struct cron *cron, const struct tm *date)
{
    int year = date->tm_year + 1900 - YEAR_FIRST;
    if (year < 0 || year > YEAR_LAST - YEAR_FIRST ||
        !(cron->years[year / 8] & (1u << (year % 8))) ||
        !(cron->months & (1u << (date->tm_mon + 1))))
        return false;
    if (cron->weekdays)
        return weekday_fits(cron, date);
    return (cron->days & (1u << date->tm_mday)) ||
           (cron->last_day && date->tm_mday == days_in_month(date));
}

/* The day that begins at `day`. */
static bool has_day(const struct cron *cron, int64_t day)
{
    struct tm date;
    time_t time = (time_t)day;
    return gmtime_r(&time, &date) && day_fits(cron, &date);
}

static bool has_minute(const struct cron *cron, int64_t second_of_day)
{
    return (cron->hours & (1u << (second_of_day / 3600))) &&
           (cron->minutes & (1ull << (second_of_day / MINUTE_S % 60)));
}

int64_t cron_next(const struct cron *cron, int64_t from)
{
    int64_t first = (from + MINUTE_S - 1) / MINUTE_S * MINUTE_S, day = first / DAY_S * DAY_S;
    for (int i = 0; i < SEARCH_D; i++, day += DAY_S) {
        if (!has_day(cron, day))
            continue;
        for (int64_t second = first > day ? first - day : 0; second < DAY_S; second += MINUTE_S)
            if (has_minute(cron, second))
                return day + second;
    }
    return 0;
}

int64_t cron_last(const struct cron *cron, int64_t until, int64_t seconds)
{
    for (int64_t time = until / MINUTE_S * MINUTE_S; time > 0 && time >= until - seconds;
         time -= MINUTE_S)
        if (has_minute(cron, time % DAY_S) && has_day(cron, time / DAY_S * DAY_S))
            return time;
    return 0;
}
