/* The messages, as the STM32U5 reference words them. */
#include <stdio.h>
#include <string.h>

#include "services/telemetry/telemetry.h"

/* Length, or OTTER_E_TOO_LONG. */
static int checked(int length, size_t size)
{
    return length >= 0 && (size_t)length < size ? length : (int)OTTER_E_TOO_LONG;
}

/* "-0.250" of -250: enough for any int32. */
struct decimal {
    char text[14];
};

static struct decimal thousandths(int32_t value)
{
    struct decimal decimal;
    const uint32_t size = value < 0 ? 0u - (uint32_t)value : (uint32_t)value;
    snprintf(decimal.text, sizeof decimal.text, "%s%lu.%03lu", value < 0 ? "-" : "",
             (unsigned long)(size / 1000u), (unsigned long)(size % 1000u));
    return decimal;
}

/* Appends `name`: value to `at` bytes that are there, if there is a value. */
static int add_number(char *out, size_t size, int at, const char *name, int32_t value)
{
    if (at < 0 || value == SENSOR_NONE)
        return at;
    const int length = snprintf(out + at, size - (size_t)at, "%s\"%s\": %s", at == 0 ? "{ " : ", ",
                                name, thousandths(value).text);
    return checked(length, size - (size_t)at) < 0 ? (int)OTTER_E_TOO_LONG : at + length;
}

int telemetry_environment(const struct environment *values, char *out, size_t size)
{
    int length = add_number(out, size, 0, "temp_0_c", values->temperature_0_mc);
    length = add_number(out, size, length, "rh_pct", values->humidity_mpct);
    length = add_number(out, size, length, "temp_1_c", values->temperature_1_mc);
    length = add_number(out, size, length, "baro_mbar", values->pressure_umbar);
    if (length == 0)
        return OTTER_E_IO;
    if (length < 0 || (size_t)length + 2 >= size)
        return OTTER_E_TOO_LONG;
    memcpy(out + length, " }", 3);
    return length + 2;
}

/* Appends "name":{"x": 1,"y": 2,"z": 3} to `at` bytes that are there. */
static int add_vector(char *out, size_t size, int at, const char *name, const struct vector *v)
{
    if (at < 0 || v->x == SENSOR_NONE)
        return at;
    const int length =
        snprintf(out + at, size - (size_t)at, "%c\"%s\":{\"x\": %ld,\"y\": %ld,\"z\": %ld}",
                 at == 0 ? '{' : ',', name, (long)v->x, (long)v->y, (long)v->z);
    return checked(length, size - (size_t)at) < 0 ? (int)OTTER_E_TOO_LONG : at + length;
}

int telemetry_motion(const struct motion *values, char *out, size_t size)
{
    int length = add_vector(out, size, 0, "acceleration_mG", &values->acceleration_mg);
    length = add_vector(out, size, length, "gyro_mDPS", &values->rotation_mdps);
    length = add_vector(out, size, length, "magnetometer_mGauss", &values->magnetic_mgauss);
    if (length == 0)
        return OTTER_E_IO;
    if (length < 0 || (size_t)length + 1 >= size)
        return OTTER_E_TOO_LONG;
    out[length++] = '}';
    out[length] = '\0';
    return length;
}

int telemetry_network(const struct traffic *values, uint32_t connects, char *out, size_t size)
{
    return checked(snprintf(out, size,
                            "{\"bytes_in\":%lu,\"bytes_out\":%lu,\"packets_in\":%lu,"
                            "\"packets_out\":%lu,\"connects\":%lu}",
                            (unsigned long)values->bytes_in, (unsigned long)values->bytes_out,
                            (unsigned long)values->packets_in, (unsigned long)values->packets_out,
                            (unsigned long)connects),
                   size);
}
