/* Registers of sensors; see mems.h. */
#include "twin/parts/mems.h"

#include <string.h>

#define STATUS_MAX 4u

/* A row of registers. */
struct mems_regs {
    uint8_t first, last;
    uint8_t writable; /* bits */
    uint8_t reset;
};

struct mems_part {
    const char *name;
    uint8_t address;
    const struct mems_regs *regs;
    unsigned reg_count;
    bool (*counts_on)(const uint8_t *regs, bool asked); /* asked: bit 7 of the register's number */
    twin_ns (*period)(const uint8_t *regs);             /* 0: it is off */
    void (*measure)(struct mems *mems);
    uint8_t status;
    struct {
        uint8_t reg, bit; /* reading this one clears that of the status */
    } clears[STATUS_MAX];
};

static void put16(uint8_t *at, int32_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static twin_ns period_of(uint32_t millihertz)
{
    return millihertz ? 1000000000000ull / millihertz : 0;
}

/* ---- HTS221 ---- */

#define HTS_POINT_0   160 /* 20 degrees, x 8 */
#define HTS_POINT_1   280 /* 35 degrees */
#define HTS_OUT_0     (-200)
#define HTS_OUT_1     800
#define HTS_HUMID_0   60 /* 30 %, x 2 */
#define HTS_HUMID_1   150
#define HTS_HUMID_O_0 5000
#define HTS_HUMID_O_1 (-8000)

static const struct mems_regs hts221_regs[] = {
    {0x0f, 0x0f, 0, 0xbc}, {0x10, 0x10, 0x3f, 0x1b}, {0x20, 0x20, 0x87, 0}, {0x21, 0x21, 0x83, 0},
    {0x22, 0x22, 0xc4, 0}, {0x27, 0x2b, 0, 0},       {0x30, 0x3f, 0, 0}};

static bool hts221_counts_on(const uint8_t *regs, bool asked)
{
    (void)regs;
    return asked;
}

static twin_ns hts221_period(const uint8_t *regs)
{
    static const uint32_t rates[] = {0, 1000, 7000, 12500};
    return regs[0x20] & 0x80 ? period_of(rates[regs[0x20] & 3u]) : 0;
}

static int32_t on_line(int32_t value, int32_t value0, int32_t value1, int32_t out0, int32_t out1)
{
    return (int32_t)(out0 + (int64_t)(value - value0) * (out1 - out0) / (value1 - value0));
}

static void hts221_measure(struct mems *m)
{
    put16(m->regs + 0x28, on_line(m->world->humidity_mpct, HTS_HUMID_0 * 500, HTS_HUMID_1 * 500,
                                  HTS_HUMID_O_0, HTS_HUMID_O_1));
    put16(m->regs + 0x2a, on_line(m->world->temperature_mc, HTS_POINT_0 * 125, HTS_POINT_1 * 125,
                                  HTS_OUT_0, HTS_OUT_1));
    m->regs[0x27] |= 3;
}

static void hts221_calibrate(uint8_t *regs)
{
    regs[0x30] = HTS_HUMID_0;
    regs[0x31] = HTS_HUMID_1;
    regs[0x32] = HTS_POINT_0 & 0xff;
    regs[0x33] = HTS_POINT_1 & 0xff;
    regs[0x35] = HTS_POINT_0 >> 8 | HTS_POINT_1 >> 8 << 2 | 0xc0;
    put16(regs + 0x36, HTS_HUMID_O_0);
    put16(regs + 0x3a, HTS_HUMID_O_1);
    put16(regs + 0x3c, HTS_OUT_0);
    put16(regs + 0x3e, HTS_OUT_1);
}

/* ---- LPS22HH ---- */

static const struct mems_regs lps22hh_regs[] = {
    {0x0b, 0x0b, 0xff, 0}, {0x0c, 0x0d, 0xff, 0},    {0x0e, 0x0e, 0x37, 0}, {0x0f, 0x0f, 0, 0xb3},
    {0x10, 0x10, 0x7f, 0}, {0x11, 0x11, 0xf7, 0x10}, {0x12, 0x12, 0x3f, 0}, {0x27, 0x2c, 0, 0}};

static bool lps22hh_counts_on(const uint8_t *regs, bool asked)
{
    return regs[0x11] & 0x10 && !asked;
}

static twin_ns lps22hh_period(const uint8_t *regs)
{
    static const uint32_t rates[] = {0, 1000, 10000, 25000, 50000, 75000, 100000, 200000};
    return period_of(rates[regs[0x10] >> 4 & 7u]);
}

static void lps22hh_measure(struct mems *m)
{
    const int32_t raw = (int32_t)((int64_t)m->world->pressure_umbar * 4096 / 1000);
    put16(m->regs + 0x28, raw);
    m->regs[0x2a] = (uint8_t)(raw >> 16);
    put16(m->regs + 0x2b, m->world->temperature_mc / 10);
    m->regs[0x27] |= 3;
}

/* ---- ISM330DHCX ---- */

static const struct mems_regs ism330dhcx_regs[] = {
    {0x0f, 0x0f, 0, 0x6b}, {0x10, 0x10, 0xfe, 0},    {0x11, 0x11, 0xff, 0}, {0x12, 0x12, 0xfd, 4},
    {0x13, 0x17, 0xff, 0}, {0x18, 0x18, 0xfe, 0xe0}, {0x19, 0x19, 0x31, 0}, {0x1e, 0x2d, 0, 0}};

static bool ism330dhcx_counts_on(const uint8_t *regs, bool asked)
{
    return regs[0x12] & 4 && !asked;
}

static uint32_t ism330dhcx_rate(uint8_t control)
{
    static const uint32_t rates[16] = {0,      12500,  26000,   52000,   104000, 208000,
                                       416000, 833000, 1666000, 3332000, 6667000};
    return rates[control >> 4];
}

/* Both go by the slower one. */
static twin_ns ism330dhcx_period(const uint8_t *regs)
{
    const uint32_t a = ism330dhcx_rate(regs[0x10]), g = ism330dhcx_rate(regs[0x11]);
    return period_of(a && (!g || a < g) ? a : g);
}

/* Millionths of a mg, thousandths of a mdps. */
static int32_t ism330dhcx_range_a(uint8_t control)
{
    static const int32_t ranges[] = {61, 488, 122, 244};
    return ranges[control >> 2 & 3u];
}

static int32_t ism330dhcx_range_g(uint8_t control)
{
    static const int32_t ranges[] = {8750, 17500, 35000, 70000};
    return control & 1u ? 140000 : control & 2u ? 4375 : ranges[control >> 2 & 3u];
}

static void ism330dhcx_measure(struct mems *m)
{
    put16(m->regs + 0x20, (m->world->temperature_mc - 25000) * 256 / 1000);
    for (unsigned i = 0; i < 3; i++) {
        if (ism330dhcx_rate(m->regs[0x11]))
            put16(m->regs + 0x22 + (size_t)2 * i,
                  m->world->rotation_mdps[i] * 1000 / ism330dhcx_range_g(m->regs[0x11]));
        if (ism330dhcx_rate(m->regs[0x10]))
            put16(m->regs + 0x28 + (size_t)2 * i,
                  m->world->acceleration_mg[i] * 1000 / ism330dhcx_range_a(m->regs[0x10]));
    }
    m->regs[0x1e] |=
        (ism330dhcx_rate(m->regs[0x10]) ? 1 : 0) | (ism330dhcx_rate(m->regs[0x11]) ? 2 : 0) | 4;
}

/* ---- IIS2MDC ---- */

static const struct mems_regs iis2mdc_regs[] = {{0x45, 0x4a, 0xff, 0}, {0x4f, 0x4f, 0, 0x40},
                                                {0x60, 0x60, 0xff, 3}, {0x61, 0x61, 0x1f, 0},
                                                {0x62, 0x62, 0x7f, 0}, {0x67, 0x6f, 0, 0}};

static bool iis2mdc_counts_on(const uint8_t *regs, bool asked)
{
    (void)regs;
    return !asked;
}

/* Continuous is mode 0. */
static twin_ns iis2mdc_period(const uint8_t *regs)
{
    static const uint32_t rates[] = {10000, 20000, 50000, 100000};
    return regs[0x60] & 3u ? 0 : period_of(rates[regs[0x60] >> 2 & 3u]);
}

static void iis2mdc_measure(struct mems *m)
{
    for (unsigned i = 0; i < 3; i++)
        put16(m->regs + 0x68 + (size_t)2 * i, m->world->magnetic_mgauss[i] * 2 / 3);
    m->regs[0x67] |= 0x0f;
}

#define REGS(name) .regs = (name), .reg_count = sizeof(name) / sizeof *(name)

static const struct mems_part parts[MEMS_KINDS] = {{"HTS221",
                                                    0x5f,
                                                    REGS(hts221_regs),
                                                    hts221_counts_on,
                                                    hts221_period,
                                                    hts221_measure,
                                                    0x27,
                                                    {{0x29, 2}, {0x2b, 1}}},
                                                   {"LPS22HH",
                                                    0x5d,
                                                    REGS(lps22hh_regs),
                                                    lps22hh_counts_on,
                                                    lps22hh_period,
                                                    lps22hh_measure,
                                                    0x27,
                                                    {{0x2a, 1}, {0x2c, 2}}},
                                                   {"ISM330DHCX",
                                                    0x6b,
                                                    REGS(ism330dhcx_regs),
                                                    ism330dhcx_counts_on,
                                                    ism330dhcx_period,
                                                    ism330dhcx_measure,
                                                    0x1e,
                                                    {{0x21, 4}, {0x27, 2}, {0x2d, 1}}},
                                                   {"IIS2MDC",
                                                    0x1e,
                                                    REGS(iis2mdc_regs),
                                                    iis2mdc_counts_on,
                                                    iis2mdc_period,
                                                    iis2mdc_measure,
                                                    0x67,
                                                    {{0x6d, 0x0f}}}};

/* ---- transfers ---- */

static const struct mems_regs *find(const struct mems *m)
{
    for (unsigned i = 0; i < m->part->reg_count; i++)
        if (m->at >= m->part->regs[i].first && m->at <= m->part->regs[i].last)
            return &m->part->regs[i];
    twin_fault(m->twin, "the program uses register 0x%02x of the %s, which has no name", m->at,
               m->part->name);
    return NULL;
}

static void measure(struct mems *m)
{
    if (!m->on || m->stuck || twin_now(m->twin) < m->next)
        return;
    m->part->measure(m);
    m->next = twin_now(m->twin) + m->part->period(m->regs);
}

static void begin(void *ctx, bool reads)
{
    struct mems *m = ctx;
    measure(m);
    if (reads && !m->numbered)
        twin_fault(m->twin, "the program reads the %s without saying which register",
                   m->part->name);
    if (!reads)
        m->numbered = false;
}

static void step(struct mems *m)
{
    m->at = (uint8_t)((m->at + m->counts_on) & 0x7fu);
}

static void write_reg(struct mems *m, uint8_t byte)
{
    const struct mems_regs *reg = find(m);
    if (reg && reg->writable == 0)
        twin_fault(m->twin, "the program writes register 0x%02x of the %s, which is read-only",
                   m->at, m->part->name);
    if (!reg || reg->writable == 0)
        return;
    m->regs[m->at] = byte & reg->writable;
    const twin_ns period = m->part->period(m->regs);
    if (period && !m->on)
        m->next = twin_now(m->twin) + period;
    m->on = period != 0;
}

static bool put(void *ctx, uint8_t byte)
{
    struct mems *m = ctx;
    if (m->numbered) {
        write_reg(m, byte);
        step(m);
        return true;
    }
    m->numbered = true;
    m->at = byte & 0x7fu;
    m->counts_on = m->part->counts_on(m->regs, byte >> 7);
    return true;
}

static uint8_t get(void *ctx)
{
    struct mems *m = ctx;
    const uint8_t value = find(m) ? m->regs[m->at] : 0xff;
    for (unsigned i = 0; i < STATUS_MAX; i++)
        if (m->part->clears[i].reg == m->at)
            m->regs[m->part->status] &= (uint8_t)~m->part->clears[i].bit;
    step(m);
    return value;
}

static void end(void *ctx)
{
    struct mems *m = ctx;
    m->numbered = false;
}

void mems_start(struct mems *m, enum mems_kind kind, struct twin *twin,
                const struct mems_world *world)
{
    const struct mems_part *part = &parts[kind];
    *m = (struct mems){.twin = twin, .part = part, .world = world};
    m->slave = (struct i2c_slave){.address = part->address,
                                  .hz_max = 400000,
                                  .ctx = m,
                                  .begin = begin,
                                  .put = put,
                                  .get = get,
                                  .end = end};
    for (unsigned i = 0; i < part->reg_count; i++)
        memset(m->regs + part->regs[i].first, part->regs[i].reset,
               (size_t)part->regs[i].last - part->regs[i].first + 1);
    if (kind == MEMS_HTS221)
        hts221_calibrate(m->regs);
}
