/* Turns device, cloud and network on virtual time, and cuts what the seed says. */
#define _GNU_SOURCE /* memmem */
#include "tests/sim/ota/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/base64.h"
#include "codec/mqtt_packet.h"
#include "image/trailer.h"
#include "pki/pki.h"
#include "tests/sim/boot/sim_image.h"

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

#define BOOT_MS        300u
#define CLOUD_START_MS 2000u
#define HANG_UP_MS     50u
#define DENIED_MS      10000u
#define SPIN_MAX       20000u
#define SELF_TEST_MS   30000u

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "world: %s\n", what);
    abort();
}

static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

uint32_t world_random(struct world *world, uint32_t below)
{
    return next_random(&world->random) % below;
}

static bool happens(struct world *world, uint32_t per_mille)
{
    return per_mille > 0 && world_random(world, 1000) < per_mille;
}

/* --- network --- */

static void post(struct world *world, struct world_event event, const void *bytes)
{
    must(world->event_count < WORLD_EVENTS_MAX, "too many messages under way");
    event.bytes = malloc(event.length + 1);
    must(event.bytes != NULL, "out of memory");
    memcpy(event.bytes, bytes, event.length);
    world->events[world->event_count++] = event;
}

static otter_ms some_delay(struct world *world)
{
    const uint32_t most = world->trouble.delay_ms;
    return 5 + (most > 5 ? world_random(world, most - 4) : 0);
}

/* Lets a publish have its share of trouble; returns how often it arrives. */
static unsigned pass(struct world *world)
{
    const struct trouble *trouble = &world->trouble;
    if (++world->messages == trouble->lose_message || happens(world, trouble->lost))
        return 0;
    return happens(world, trouble->repeated) ? 2 : 1;
}

static void drop_connection(struct world *world)
{
    world->connected = false;
    world->hang_up_at = OTTER_NEVER;
    world->received = 0;
    world->connect_at = OTTER_NEVER;
    world->stream_length = 0;
    memset(world->filters, 0, sizeof world->filters);
}

static void to_device(struct world *world, const uint8_t *packet, int length, otter_ms delay)
{
    must(length > 0, "the broker made a packet that does not fit");
    const struct world_event event = {.at = world->now + delay,
                                      .connection = world->connection,
                                      .type = TO_DEVICE,
                                      .length = (uint32_t)length};
    post(world, event, packet);
}

static bool granted(const struct world *world, const char *topic)
{
    const struct mqtt_text text = {topic, strlen(topic)};
    for (unsigned i = 0; i < 8; i++) {
        const struct mqtt_text filter = {world->filters[i], strlen(world->filters[i])};
        if (filter.length > 0 && mqtt_filter_matches(filter, text))
            return true;
    }
    return false;
}

/* The cloud speaks. Answers go to the connection that asked, whether it has subscribed or not. */
static void cloud_says(void *ctx, uint32_t connection, const char *topic, const void *payload,
                       size_t length)
{
    struct world *world = ctx;
    uint8_t packet[8192];
    const bool unheard = world->trouble.cancel_unheard && strstr(topic, "notify") != NULL &&
                         (world->visited >> world->trouble.cancel_in & 1u) != 0;
    const bool for_it = connection == 0 ? granted(world, topic) : connection == world->connection;
    if (!world->connected || world->connection <= world->dead_connection || unheard || !for_it ||
        !sim_cloud_may(&world->cloud, "iot:Receive", "topic", topic))
        return;
    const struct mqtt_publish publish = {.topic = {topic, strlen(topic)},
                                         .payload = {payload, length}};
    const int size = mqtt_encode_publish(packet, sizeof packet, &publish);
    for (unsigned times = pass(world); times > 0; times--)
        to_device(world, packet, size, some_delay(world));
}

/* The cloud's side ends the connection: what it has sent arrives, before the end does. */
static void hang_up(struct world *world)
{
    world->dead_connection = world->connection;
    world->hang_up_at = world->connected ? world->now + HANG_UP_MS : OTTER_NEVER;
}

static void broker_publish(struct world *world, const struct mqtt_publish *publish)
{
    uint8_t ack[8];
    struct world_event event = {.connection = world->connection,
                                .type = TO_CLOUD,
                                .length = (uint32_t)publish->payload.length};
    snprintf(event.topic, sizeof event.topic, "%.*s", (int)publish->topic.length,
             publish->topic.data);
    if (!sim_cloud_may(&world->cloud, "iot:Publish", "topic", event.topic)) {
        hang_up(world);
        return;
    }
    if (publish->qos == 1)
        to_device(world, ack,
                  mqtt_encode_ack(ack, sizeof ack, MQTT_PACKET_PUBACK, publish->packet_id), 5);
    world->streamed += strstr(event.topic, "/streams/") != NULL;
    for (unsigned times = pass(world); times > 0; times--) {
        event.at = world->now + some_delay(world);
        post(world, event, publish->payload.data);
    }
}

/* Where a filter is kept, or NULL. */
static char *place_of(struct world *world, struct mqtt_text filter)
{
    for (unsigned i = 0; i < 8; i++) {
        if (strlen(world->filters[i]) == filter.length &&
            memcmp(world->filters[i], filter.data, filter.length) == 0)
            return world->filters[i];
    }
    return NULL;
}

/* The code of the SUBACK for it. */
static uint8_t subscribe(struct world *world, const struct mqtt_filter *filter)
{
    char text[257];
    char *place = place_of(world, filter->text);
    snprintf(text, sizeof text, "%.*s", (int)filter->text.length, filter->text.data);
    if (!sim_cloud_may(&world->cloud, "iot:Subscribe", "topicfilter", text))
        return MQTT_GRANT_REFUSED;
    for (unsigned i = 0; i < 8 && place == NULL; i++) {
        if (world->filters[i][0] == '\0')
            place = world->filters[i];
    }
    must(place != NULL, "the device has more subscriptions than this broker keeps");
    strcpy(place, text);
    return filter->qos;
}

static void broker_filters(struct world *world, bool subscribes, const uint8_t *body, size_t length)
{
    struct mqtt_filter_list list;
    struct mqtt_filter filter;
    uint8_t packet[32];
    uint8_t codes[8] = {0};
    size_t count = 0;
    must(mqtt_decode_filters(subscribes ? MQTT_PACKET_SUBSCRIBE : MQTT_PACKET_UNSUBSCRIBE, body,
                             length, &list) == OTTER_OK,
         "the device sent broken filters");
    while (mqtt_next_filter(&list, &filter)) {
        char *place = place_of(world, filter.text);
        if (subscribes)
            codes[count] = subscribe(world, &filter);
        else if (place != NULL)
            place[0] = '\0';
        count++;
    }
    const struct mqtt_suback suback = {.packet_id = list.packet_id, .codes = {codes, count}};
    to_device(world, packet,
              subscribes
                  ? mqtt_encode_suback(packet, sizeof packet, &suback)
                  : mqtt_encode_ack(packet, sizeof packet, MQTT_PACKET_UNSUBACK, list.packet_id),
              5);
}

static void broker_packet(struct world *world, const struct mqtt_header *header,
                          const uint8_t *body)
{
    struct mqtt_connack connack = {.code = MQTT_CONNACK_ACCEPTED};
    struct mqtt_publish publish;
    uint8_t packet[8];
    switch (header->type) {
    case MQTT_PACKET_CONNECT:
        if (!sim_cloud_may(&world->cloud, "iot:Connect", "client", WORLD_THING))
            connack.code = MQTT_CONNACK_NOT_AUTHORIZED;
        to_device(world, packet, mqtt_encode_connack(packet, sizeof packet, &connack), 5);
        if (connack.code != MQTT_CONNACK_ACCEPTED)
            hang_up(world);
        break;
    case MQTT_PACKET_PUBLISH:
        must(mqtt_decode_publish(header->flags, body, header->body_length, &publish) == OTTER_OK,
             "the device sent a broken publish");
        broker_publish(world, &publish);
        break;
    case MQTT_PACKET_SUBSCRIBE:
    case MQTT_PACKET_UNSUBSCRIBE:
        broker_filters(world, header->type == MQTT_PACKET_SUBSCRIBE, body, header->body_length);
        break;
    case MQTT_PACKET_PINGREQ:
        to_device(world, packet, mqtt_encode_empty(packet, sizeof packet, MQTT_PACKET_PINGRESP), 5);
        break;
    default:
        break;
    }
}

static void broker_bytes(struct world *world, const uint8_t *data, size_t length)
{
    if (world->connection <= world->dead_connection)
        return;
    must(world->stream_length + length <= sizeof world->stream, "the broker's buffer is full");
    memcpy(world->stream + world->stream_length, data, length);
    world->stream_length += (uint32_t)length;
    for (;;) {
        struct mqtt_header header;
        const otter_status status =
            mqtt_decode_header(world->stream, world->stream_length, &header);
        if (status != OTTER_OK || world->stream_length < header.size + header.body_length ||
            world->connection <= world->dead_connection)
            return;
        broker_packet(world, &header, world->stream + header.size);
        const uint32_t size = header.size + header.body_length;
        world->stream_length -= size;
        memmove(world->stream, world->stream + size, world->stream_length);
    }
}

/* --- the device --- */

static otter_status device_random(void *ctx, uint32_t *bits)
{
    *bits = next_random(&((struct world *)ctx)->random);
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
    must(jobs_init(&world->jobs, &config, world->now) == OTTER_OK, "no Jobs client");
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
    must(kv_open(&world->kv, &world->store) == OTTER_OK, "the store does not open");
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
    must(ota_init(&world->ota, &config, world->now) == OTTER_OK, "the agent does not start");
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
        hang_up(world);
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
        broker_bytes(world, data, length);
        mqtt_sent(&world->mqtt, world->now, length);
    }
}

static void mind_transport(struct world *world)
{
    if (world->connected && (mqtt_should_close(&world->mqtt) || world->now >= world->hang_up_at ||
                             happens(world, world->trouble.disconnects) ||
                             (world->trouble.messages_per_connection != 0 &&
                              world->received >= world->trouble.messages_per_connection))) {
        drop_connection(world);
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
    drop_connection(world);
    mqtt_transport_down(&world->mqtt, world->now);
}

static otter_ms earlier(otter_ms a, otter_ms b)
{
    return a < b ? a : b;
}

static int next_event(const struct world *world)
{
    int next = -1;
    for (uint32_t i = 0; i < world->event_count; i++) {
        if (next < 0 || world->events[i].at < world->events[next].at)
            next = (int)i;
    }
    return next;
}

/* The cloud dies, and with it what it has not read yet. */
static void may_kill_cloud(struct world *world)
{
    const struct trouble *trouble = &world->trouble;
    if (world->cloud.requests != trouble->kill_at && !happens(world, trouble->cloud_kills))
        return;
    if (trouble->kill_after_commit || (trouble->cloud_kills > 0 && world_random(world, 2) == 0))
        sim_cloud_commit(&world->cloud);
    sim_cloud_kill(&world->cloud);
    hang_up(world);
    world->cloud_back_at = world->now + CLOUD_START_MS;
}

/* Takes the event out before anything is done with it: a power cut may end the call. */
static void deliver(struct world *world, int index)
{
    static uint8_t bytes[8192];
    struct world_event event = world->events[index];
    world->events[index] = world->events[--world->event_count];
    must(event.length <= sizeof bytes, "a message is too long");
    memcpy(bytes, event.bytes, event.length);
    free(event.bytes);
    event.bytes = bytes;
    if (event.type == TO_CLOUD && event.connection <= world->dead_connection)
        return;
    if (event.type == TO_CLOUD) {
        sim_cloud_receive(&world->cloud, event.connection, event.topic, event.bytes, event.length);
        may_kill_cloud(world);
    } else if (world->connected && event.connection == world->connection) {
        world->received += event.bytes[0] >> 4 == MQTT_PACKET_PUBLISH;
        (void)mqtt_input(&world->mqtt, world->now, event.bytes, event.length);
    }
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
    for (int i = next_event(world); i >= 0 && world->events[i].at <= world->now;
         i = next_event(world)) {
        deliver(world, i);
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
    const int event = next_event(world);
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
            drop_connection(world);
            return true;
        }
        world->operations += world->power.operations;
        world->resets++;
        world->now += BOOT_MS;
        drop_connection(world);
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
    must(pki_import(&world->pki, PKI_OTA_SIGNER, PKI_PUBLIC_KEY, world_signer_pem(),
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
    world->cloud.send = cloud_says;
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

/* As long as a presigned one; no two files have the same. */
static const char *address_of(const char *id, unsigned file)
{
    static char member[HTTP_SERVER_URL_MAX + 40];
    char padding[HTTP_SERVER_URL_MAX - 100];
    memset(padding, 'a', sizeof padding - 1);
    padding[sizeof padding - 1] = '\0';
    snprintf(member, sizeof member,
             "\"update_data_url\":\"https://files/%s/%u?X-Amz-Signature=%s\",", id, file, padding);
    return member;
}

void world_add_update_with(struct world *world, const char *id, const struct world_image *image,
                           const char *piece, const char *instead)
{
    char signature[BASE64_LENGTH(72) + 1];
    const bool by_stream = !world->trouble.by_range || world->trouble.either;
    const bool by_range = world->trouble.by_range || world->trouble.either;
    char stream[65];
    char named[90];
    char document[2048];
    char changed[4096];
    must(base64_encode(signature, sizeof signature, image->signature, image->signature_length) > 0,
         "signature too long");
    snprintf(stream, sizeof stream, "AFR_OTA-stream-%.40s", id);
    snprintf(named, sizeof named, "\"streamname\":\"%s\",", stream);
    snprintf(document, sizeof document,
             "{\"afr_ota\":{\"protocols\":[%s],%s\"files\":[{%s"
             "\"filepath\":\"fw.bin\",\"filesize\":%u,\"fileid\":0,\"certfile\":\"ota_signer_pub\","
             "\"fileType\":0,\"sig-sha256-ecdsa\":\"%s\"}]}}",
             !by_range   ? "\"MQTT\""
             : by_stream ? "\"HTTP\",\"MQTT\""
                         : "\"HTTP\"",
             by_stream ? named : "", by_range ? address_of(id, 0) : "", (unsigned)image->size,
             signature);
    const char *at = strstr(document, piece);
    must(at != NULL, "nothing to replace in the document");
    snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - document), document, instead,
             at + strlen(piece));
    sim_cloud_create(&world->cloud, id, changed, stream, image->bytes, image->size);
}

void world_add_update(struct world *world, const char *id, const struct world_image *image)
{
    world_add_update_with(world, id, image, "", "");
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

void world_add_pair(struct world *world, const char *id, const struct world_image *first,
                    const struct world_image *second)
{
    char signature[BASE64_LENGTH(72) + 1];
    char file[HTTP_SERVER_URL_MAX + 400];
    const bool by_range = world->trouble.by_range || world->trouble.either;
    must(base64_encode(signature, sizeof signature, second->signature, second->signature_length) >
             0,
         "signature too long");
    snprintf(file, sizeof file,
             "\"files\":[{%s\"filepath\":\"s.bin\",\"filesize\":%u,\"fileid\":1,\"fileType\":1,"
             "\"certfile\":\"ota_signer_pub\",\"sig-sha256-ecdsa\":\"%s\"},{",
             by_range ? address_of(id, 1) : "", (unsigned)second->size, signature);
    world->second = world->cloud.second = second->bytes;
    world->second_size = world->cloud.second_size = second->size;
    world_add_update_with(world, id, first, "\"files\":[{", file);
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
