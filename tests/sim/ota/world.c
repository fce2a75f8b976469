/* The device, and the turns of it, the cloud and the network on virtual time; cuts what the seed
 * says. */
#include "tests/sim/ota/world_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/trailer.h"
#include "pki/pki.h"
#include "tests/sim/boot/sim_image.h"
#include "tests/sim/nor_cut.h"

#define SECTOR       WORLD_SECTOR
#define BLOCK        WORLD_BLOCK
#define MAX_SECTORS  (WORLD_SLOT_SIZE / SECTOR)
#define WRITE_SIZE   4u
#define MAX_ALIGN    8u
#define TRAILER_SIZE (MAX_SECTORS * 3u * WRITE_SIZE + 48u)

#define PRIMARY   0u
#define SECONDARY (PRIMARY + WORLD_SLOT_SIZE)
#define SCRATCH   (SECONDARY + WORLD_SLOT_SIZE)
#define STORE     (SCRATCH + SECTOR)
#define PROGRESS  (STORE + 4u * SECTOR)
#define SPARE     (PROGRESS + 2u * SECTOR)
#define SECOND    (SPARE + 6u * SECTOR)
#define FLASH     (SECOND + 2u * WORLD_SLOT_SIZE)

#define BOOT_MS      300u
#define DENIED_MS    10000u
#define SPIN_MAX     20000u
#define SELF_TEST_MS 30000u

void world_must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "world: %s\n", what);
    abort();
}

uint32_t world_random(struct world *world, uint32_t below)
{
    return nor_noise(&world->random) % below;
}

bool world_happens(struct world *world, uint32_t per_mille)
{
    return per_mille > 0 && world_random(world, 1000) < per_mille;
}

/* --- the device --- */

static otter_status device_random(void *ctx, uint32_t *bits)
{
    *bits = nor_noise(&((struct world *)ctx)->random);
    return OTTER_OK;
}

static otter_status self_test(void *ctx)
{
    struct world *world = ctx;
    return world->behaviour[world->running] == FAILS_ITS_TEST ? OTTER_E_IO : OTTER_OK;
}

static enum jobs_answer claim(void *ctx, otter_ms now, const struct jobs_offer *offer)
{
    const struct world *world = ctx;
    (void)now;
    return world->trouble.claims && json_find(offer->json, offer->document, "operation") >= 0
               ? JOBS_LATER
               : JOBS_NOT_MINE;
}

static void start_jobs(struct world *world)
{
    const struct jobs_config config = {
        .mqtt = &world->mqtt,
        .kv = &world->kv,
        .thing_name = WORLD_THING,
        .tokens = world->tokens,
        .token_count = JOBS_TOKENS_MIN,
    };
    world_must(jobs_init(&world->jobs, &config, world->now) == OTTER_OK, "no Jobs client");
    world->other = (struct jobs_handler){.on_offer = claim, .ctx = world};
    jobs_add(&world->jobs, &world->other);
}

static void start_session(struct world *world)
{
    const struct mqtt_config config = {
        .client_id = WORLD_THING,
        .keep_alive_s = 60,
        .backoff_base_ms = 500,
        .backoff_cap_ms = world->trouble.backoff_cap_ms == 0 ? 8000 : world->trouble.backoff_cap_ms,
        .connack_timeout_ms = 5000,
        .ack_timeout_ms = 5000,
        .random = device_random,
        .ctx = world,
        .input = world->input,
        .input_size = sizeof world->input,
        .output = world->output,
        .output_size = sizeof world->output,
    };
    mqtt_init(&world->mqtt, &config);
}

static void open_store(struct world *world)
{
    world_must(kv_open(&world->kv, &world->store) == OTTER_OK, "the store does not open");
    pki_init(&world->pki, &world->kv, NULL, NULL);
    pki_add(&world->pki, &world->labels, &pki_ota_labels);
}

/* Of the slot that is free, where images run from both. */
static uint32_t slot_address(const struct world *world)
{
    if (WORLD_XIP_BASE == 0u)
        return 0;
    return WORLD_XIP_BASE + (world->in_secondary ? PRIMARY : SECONDARY);
}

static void start_agent(struct world *world)
{
    start_jobs(world);
    ota_source_stream_init(&world->blocks, &world->mqtt, WORLD_THING, 0);
    http_server_init(&world->files, world);
    const bool either = world->trouble.either;
    const bool both = world->trouble.by_range || either;
    world->sources[either] = &world->files.source.source;
    world->sources[!either] = &world->blocks.source;
    const struct ota_config config = {
        .jobs = &world->jobs,
        .sources = both ? world->sources : world->sources + 1,
        .source_count = both ? 2 : 1,
        .kv = &world->kv,
        .pki = &world->pki,
#if OTA_IMAGES_MAX > 1
        .partners = &world->partner,
        .partner_count = world->pair,
#endif
#if OTA_STAGING
        .staging = world->staging,
#endif
        .primary = world->in_secondary ? &world->secondary : &world->primary,
        .secondary = world->in_secondary ? &world->primary : &world->secondary,
        .slot_address = slot_address(world),
        .progress = &world->progress,
        .trailer_align = MAX_ALIGN,
        .image_size_max = world_image_size_max(),
        .policy = world->trouble.check_signature ? &sim_policy : NULL,
        .block_size = BLOCK,
        .window = (uint8_t)world->trouble.window,
        .self_test_timeout_ms = SELF_TEST_MS,
        .self_test = self_test,
        .ctx = world,
    };
    world_must(ota_init(&world->ota, &config, world->now) == OTTER_OK, "the agent does not start");
    if (world->start_others != NULL)
        world->start_others(world);
}

static bool boot(struct world *world)
{
    const struct boot_slots slots[] = {
        {.primary = &world->primary, .secondary = &world->secondary},
        {.primary = &world->second_primary, .secondary = &world->second_secondary}};
    const struct boot_config config = {.images = slots,
                                       .image_count = world->pair ? 2 : 1,
                                       .scratch = &world->scratch,
                                       .max_sectors = MAX_SECTORS,
                                       .max_align = MAX_ALIGN,
                                       .flash_base = WORLD_XIP_BASE,
                                       .policy = sim_policy};
    struct boot_result result;
    if (boot_go(&config, &result) != OTTER_OK)
        return false;
    world->running = result.header.version.major;
    world->in_secondary = result.slot == &world->secondary;
    world->mixed += world->pair && world_partner_version(world) != world->running;
    return true;
}

static void look_at_state(struct world *world)
{
    const struct trouble *trouble = &world->trouble;
    const uint32_t bit = 1u << world->ota.state;
    if ((world->visited & bit) != 0)
        return;
    world->visited |= bit;
    if (trouble->denies && world->ota.state == trouble->cancel_in)
        sim_cloud_take_rights(&world->cloud, !trouble->denies_filters, DENIED_MS);
    if (trouble->denies_filters && world->ota.state == trouble->cancel_in)
        broker_hang_up(world);
    if (trouble->cancels && world->ota.state == trouble->cancel_in && world->cloud.job_count > 0)
        sim_cloud_cancel(&world->cloud, sim_cloud_job(&world->cloud, 0)->id);
}

static void send_output(struct world *world)
{
    const uint8_t *data;
    for (;;) {
        const size_t length = mqtt_output(&world->mqtt, &data);
        if (length == 0 || !world->connected)
            return;
        broker_input(world, data, length);
        mqtt_sent(&world->mqtt, world->now, length);
    }
}

static void mind_transport(struct world *world)
{
    if (world->connected && (mqtt_should_close(&world->mqtt) || world->now >= world->hang_up_at ||
                             world_happens(world, world->trouble.disconnects) ||
                             (world->trouble.messages_per_connection != 0 &&
                              world->received >= world->trouble.messages_per_connection))) {
        broker_drop(world);
        mqtt_transport_down(&world->mqtt, world->now);
    }
    if (!world->connected && world->connect_at == OTTER_NEVER && !world->files.lent &&
        world->behaviour[world->running] != NEVER_CONNECTS &&
        mqtt_wants_transport(&world->mqtt, world->now))
        world->connect_at =
            (world->now < world->cloud_back_at ? world->cloud_back_at : world->now) + 20;
    if (!world->connected && world->now >= world->connect_at) {
        world->connected = true;
        world->connect_at = OTTER_NEVER;
        world->connection++;
        mqtt_transport_up(&world->mqtt, world->now);
    }
}

void world_lend_connection(struct world *world)
{
    mqtt_disconnect(&world->mqtt, world->now);
    broker_drop(world);
    mqtt_transport_down(&world->mqtt, world->now);
}

static otter_ms earlier(otter_ms a, otter_ms b)
{
    return a < b ? a : b;
}

static void turn(struct world *world)
{
    sim_cloud_tick(&world->cloud);
    mind_transport(world);
    if (!world->files.lent)
        mqtt_tick(&world->mqtt, world->now);
    if (world->tick_others != NULL)
        world->tick_others(world);
    http_server_tick(&world->files, world->now);
    jobs_tick(&world->jobs, world->now);
    ota_tick(&world->ota, world->now);
    look_at_state(world);
    send_output(world);
    for (int i = broker_next(world); i >= 0 && world->events[i].at <= world->now;
         i = broker_next(world)) {
        broker_deliver(world, i);
        look_at_state(world);
        jobs_tick(&world->jobs, world->now);
        ota_tick(&world->ota, world->now);
        look_at_state(world);
        send_output(world);
    }
    if (world->tick_others != NULL)
        world->tick_others(world);
}

static otter_ms wake_at(const struct world *world)
{
    const int event = broker_next(world);
    if (world->connected && mqtt_should_close(&world->mqtt))
        return world->now;
    otter_ms at = ota_deadline(&world->ota);
    if (!world->files.lent)
        at = earlier(at, mqtt_deadline(&world->mqtt));
    at = earlier(at, jobs_deadline(&world->jobs));
    at = earlier(at, earlier(world->connect_at, world->hang_up_at));
    at = earlier(at, http_server_deadline(&world->files, world->now));
    if (event >= 0)
        at = earlier(at, world->events[event].at);
    return earlier(at, world->until);
}

/* On line the agent, off line the session must know when they will do something by themselves. */
static bool waits_for_ever(struct world *world)
{
    if (ota_wants_reset(&world->ota) || world->wants_reset ||
        (world->connected && mqtt_should_close(&world->mqtt)))
        return false;
    if (world->files.lent)
        return earlier(ota_deadline(&world->ota),
                       http_server_deadline(&world->files, world->now)) == OTTER_NEVER;
    if (world->ota.online)
        return earlier(ota_deadline(&world->ota), jobs_deadline(&world->jobs)) == OTTER_NEVER;
    return world->connect_at == OTTER_NEVER && mqtt_deadline(&world->mqtt) == OTTER_NEVER &&
           ota_deadline(&world->ota) == OTTER_NEVER &&
           !mqtt_wants_transport(&world->mqtt, world->now);
}

/* Lets the cloud do what it does meanwhile, without waking the device: it must not live on the
 * cloud's clock. Gives the time at which something is due for the device. */
static otter_ms wait_for_device(struct world *world)
{
    for (;;) {
        const otter_ms at = wake_at(world), cloud_at = sim_cloud_deadline(&world->cloud);
        if (cloud_at >= at)
            return at;
        if (cloud_at > world->now)
            world->now = cloud_at;
        sim_cloud_tick(&world->cloud);
    }
}

/* One life of the device: from the bootloader to the next reset. */
static void live(void *context)
{
    struct world *world = context;
    uint32_t spins = 0;
    if (!boot(world)) {
        world->device_dead = true;
        return;
    }
    if (world->behaviour[world->running] == CRASHES) {
        world->now += 1000;
        return;
    }
    open_store(world);
    world->wants_reset = false;
    start_session(world);
    start_agent(world);
    while (world->now < world->until && !ota_wants_reset(&world->ota) && !world->wants_reset) {
        turn(world);
        if (world->done != NULL && world->done(world))
            return;
        world->unbounded |= waits_for_ever(world);
        const otter_ms at = wait_for_device(world);
        spins = at <= world->now ? spins + 1 : 0;
        if (spins > SPIN_MAX) {
            world->stalled = true;
            return;
        }
        if (at > world->now)
            world->now = at;
    }
}

static void plan_power(struct world *world)
{
    struct trouble *trouble = &world->trouble;
    uint32_t at = 0;
    enum nor_cut cut = trouble->cut;
    if (trouble->cut_at > world->operations) {
        at = trouble->cut_at - world->operations;
    } else if (trouble->power_cuts > 0) {
        at = 1 + world_random(world, 150);
        cut = (enum nor_cut)world_random(world, NOR_CUT_KINDS);
    }
    nor_power_plan(&world->power, at, cut);
}

bool world_run(struct world *world, bool (*done)(struct world *world), otter_ms limit)
{
    world->until = world->now + limit;
    world->done = done;
    while (world->now < world->until && !world->device_dead && !world->stalled) {
        plan_power(world);
        if (nor_power_run(&world->power, live, world) == NOR_RUN_CUT) {
            if (world->trouble.cut_at <= world->operations && world->trouble.power_cuts > 0)
                world->trouble.power_cuts--;
        } else if (done(world)) {
            world->operations += world->power.operations;
            broker_drop(world);
            return true;
        }
        world->operations += world->power.operations;
        world->resets++;
        world->now += BOOT_MS;
        broker_drop(world);
        memset(&world->ota, 0xa5, sizeof world->ota);
        memset(&world->jobs, 0xa5, sizeof world->jobs);
        memset(&world->mqtt, 0xa5, sizeof world->mqtt);
        memset(&world->kv, 0xa5, sizeof world->kv);
    }
    return false;
}

/* --- making a world --- */

uint32_t world_image_size_max(void)
{
    return WORLD_SLOT_SIZE - TRAILER_SIZE;
}

static void make_areas(struct world *world)
{
    static struct flash_sector sectors[FLASH / SECTOR];
    nor_uniform_sectors(sectors, FLASH / SECTOR, SECTOR);
    nor_create(&world->nor, &world->power, sectors, FLASH / SECTOR, WRITE_SIZE, 0xff);
    const struct flash *flash = &world->nor.flash;
    world->primary = (struct flash_area){flash, PRIMARY, WORLD_SLOT_SIZE};
    world->secondary = (struct flash_area){flash, SECONDARY, WORLD_SLOT_SIZE};
    world->scratch = (struct flash_area){flash, SCRATCH, SECTOR};
    world->store = (struct flash_area){flash, STORE, 4 * SECTOR};
    world->progress = (struct flash_area){flash, PROGRESS, 2 * SECTOR};
    world->spare = (struct flash_area){flash, SPARE, 6 * SECTOR};
    world->second_primary = (struct flash_area){flash, SECOND, WORLD_SLOT_SIZE};
    world->second_secondary = (struct flash_area){flash, SECOND + WORLD_SLOT_SIZE, WORLD_SLOT_SIZE};
}

static void provision(struct world *world)
{
    const struct world_image *image = world_image(1, 9000, true);
    nor_load(&world->nor, PRIMARY, image->bytes, image->size);
    open_store(world);
    world_must(pki_import(&world->pki, PKI_OTA_SIGNER, PKI_PUBLIC_KEY, world_signer_pem(),
                          strlen(world_signer_pem())) == OTTER_OK,
               "the signer's key cannot be imported");
}

void world_create(struct world *world, uint32_t seed, const struct trouble *trouble)
{
    memset(world, 0, sizeof *world);
    world->random = seed * 2654435761u | 1u;
    world->now = 1000;
    world->trouble = *trouble;
    world->connect_at = world->hang_up_at = OTTER_NEVER;
    world->cloud.thing = WORLD_THING;
    world->cloud.now = &world->now;
    world->cloud.send = broker_send;
    world->cloud.ctx = world;
    sim_cloud_start(&world->cloud);
    nor_power_init(&world->power, seed);
    make_areas(world);
    provision(world);
}

void world_destroy(struct world *world)
{
    for (uint32_t i = 0; i < world->event_count; i++)
        free(world->events[i].bytes);
    nor_destroy(&world->nor);
    sim_cloud_stop(&world->cloud);
}

void world_add_partner(struct world *world)
{
    const struct world_image *image = world_image(1, 6000, true);
    nor_load(&world->nor, SECOND, image->bytes, image->size);
    world->pair = true;
#if OTA_IMAGES_MAX > 1
    world->partner = (struct ota_partner){.primary = &world->second_primary,
                                          .secondary = &world->second_secondary,
                                          .image_size_max = world_image_size_max()};
#endif
}

uint8_t world_partner_version(const struct world *world)
{
    struct image_header header;
    return image_header_read(&world->second_primary, &header) == OTTER_OK ? header.version.major
                                                                          : 0;
}

bool world_on_trial(const struct world *world)
{
    struct trailer trailer;
    trailer_read(world->in_secondary ? &world->secondary : &world->primary, MAX_ALIGN, &trailer);
    return trailer_on_trial(&trailer);
}

bool world_at_rest(struct world *world)
{
    for (uint32_t i = 0; i < world->cloud.job_count; i++) {
        const struct sim_job *job = sim_cloud_job(&world->cloud, i);
        const bool claimed = world->trouble.claims && strstr(job->document, "operation") != NULL;
        if (job->status < CLOUD_SUCCEEDED && !claimed)
            return false;
    }
    return world->ota.state == OTA_IDLE && jobs_idle(&world->jobs) &&
           world->ota.record.phase == OTA_RECORD_NONE && !world_on_trial(world);
}
