/* A simulated device: its flash, its life from boot to reset, its connection. */
#include "bench/swarm/device.h"

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "boot/boot.h"
#include "image/check.h"
#include "image/trailer.h"
#include "port/port.h"

#define SLOT_SIZE 0x40000u
#define PRIMARY   0u
#define SECONDARY SLOT_SIZE
#define SCRATCH   (2u * SLOT_SIZE)
#define STORE     (SCRATCH + RAM_FLASH_SECTOR)
#define PROGRESS  (STORE + 4u * RAM_FLASH_SECTOR)
#define FLASH     (PROGRESS + 2u * RAM_FLASH_SECTOR)

#define MAX_SECTORS  (SLOT_SIZE / RAM_FLASH_SECTOR)
#define MAX_ALIGN    8u
#define TRAILER_SIZE (MAX_SECTORS * 3u * RAM_FLASH_WRITE + 64u)

#define BACKOFF_CAP_MS 4000u /* a storm is to be measured, not waited out */
#define SELF_TEST_MS   120000u
#define PATIENCE_S     30 /* with a connection that does not come up */

static void must(bool good, const char *what, const char *id)
{
    if (good)
        return;
    fprintf(stderr, "swarm: %s: %s\n", id, what);
    abort();
}

static void turn(struct device *device);

/* ---- flash ---- */

static void make_areas(struct device *device)
{
    const struct flash *flash = &device->flash.flash;
    device->primary = (struct flash_area){flash, PRIMARY, SLOT_SIZE};
    device->secondary = (struct flash_area){flash, SECONDARY, SLOT_SIZE};
    device->scratch = (struct flash_area){flash, SCRATCH, RAM_FLASH_SECTOR};
    device->store = (struct flash_area){flash, STORE, 4 * RAM_FLASH_SECTOR};
    device->progress = (struct flash_area){flash, PROGRESS, 2 * RAM_FLASH_SECTOR};
}

static bool open_store(struct device *device)
{
    pki_init(&device->pki, &device->kv, NULL, NULL);
    return kv_open(&device->kv, &device->store) == OTTER_OK &&
           pki_add(&device->pki, &device->labels, &pki_ota_labels) == OTTER_OK;
}

static size_t read_file(const char *path, void *bytes, size_t size)
{
    FILE *file = fopen(path, "rb");
    size_t length = file ? fread(bytes, 1, size, file) : 0;
    if (file)
        fclose(file);
    return length;
}

static bool fill(struct device *factory, const char *image_path, const char *signer_path)
{
    char signer[1024] = "";
    if (read_file(image_path, factory->flash.bytes + PRIMARY, SLOT_SIZE - TRAILER_SIZE) == 0) {
        fprintf(stderr, "swarm: cannot read the image %s\n", image_path);
        return false;
    }
    if (!open_store(factory) || read_file(signer_path, signer, sizeof signer - 1) == 0 ||
        pki_import(&factory->pki, PKI_OTA_SIGNER, PKI_PUBLIC_KEY, signer, strlen(signer)) !=
            OTTER_OK) {
        fprintf(stderr, "swarm: cannot store the signer's key %s\n", signer_path);
        return false;
    }
    return true;
}

int device_template(const char *image_path, const char *signer_path)
{
    struct device *factory = calloc(1, sizeof *factory);
    int fd = ram_flash_template(FLASH);
    if (!factory || fd < 0 || !ram_flash_open(&factory->flash, fd, FLASH, true)) {
        fprintf(stderr, "swarm: no memory for a flash\n");
        free(factory);
        return -1;
    }
    make_areas(factory);
    if (!fill(factory, image_path, signer_path)) {
        close(fd);
        fd = -1;
    }
    ram_flash_close(&factory->flash);
    free(factory);
    return fd;
}

/* ---- from boot to reset ---- */

static otter_status draw(void *ctx, uint32_t *bits)
{
    (void)ctx;
    return port_random(bits, sizeof *bits);
}

static void start_session(struct device *device)
{
    const struct mqtt_config config = {
        .client_id = device->id,
        .keep_alive_s = 1200,
        .backoff_base_ms = TUNE_BACKOFF_BASE_MS,
        .backoff_cap_ms = BACKOFF_CAP_MS,
        .connack_timeout_ms = 60000,
        .ack_timeout_ms = 60000,
        .random = draw,
        .input = device->input,
        .input_size = sizeof device->input,
        .output = device->output,
        .output_size = sizeof device->output,
    };
    mqtt_init(&device->mqtt, &config);
}

static void start_jobs(struct device *device, otter_ms now)
{
    const struct jobs_config config = {
        .mqtt = &device->mqtt,
        .kv = &device->kv,
        .thing_name = device->id,
        .tokens = device->swarm->tokens,
        .token_count = JOBS_TOKENS_MIN,
        .reply_timeout_ms = 30000,
    };
    must(jobs_init(&device->jobs, &config, now) == OTTER_OK, jobs_fault(&device->jobs), device->id);
}

static void note_blocks(void *ctx, const struct ota_status *status)
{
    struct device *device = ctx;
    struct swarm *swarm = device->swarm;
    const otter_ms now = port_now();
    if (status->phase != OTA_PHASE_DOWNLOAD || status->blocks_total == 0 ||
        status->blocks_received == device->blocks)
        return;
    device->blocks = status->blocks_received;
    if (swarm->first_block == 0)
        swarm->first_block = now;
    if (status->blocks_received < status->blocks_total)
        return;
    swarm->downloaded++;
    swarm->last_block = now;
}

static void start_agent(struct device *device, otter_ms now)
{
    static struct image_policy policy;
    policy = (struct image_policy){.keys = image_keys, .key_count = image_key_count};
    ota_source_stream_init(&device->stream, &device->mqtt, device->id, 0);
    device->sources[0] = &device->stream.source;
    const struct ota_config config = {
        .jobs = &device->jobs,
        .kv = &device->kv,
        .pki = &device->pki,
        .primary = &device->primary,
        .secondary = &device->secondary,
        .progress = &device->progress,
        .trailer_align = MAX_ALIGN,
        .image_size_max = SLOT_SIZE - TRAILER_SIZE,
        .policy = &policy,
        .sources = device->sources,
        .source_count = 1,
        .block_size = TUNE_BLOCK_SIZE,
        .window = (uint8_t)device->swarm->window,
        .self_test_timeout_ms = SELF_TEST_MS,
        .on_event = note_blocks,
        .ctx = device,
    };
    must(ota_init(&device->ota, &config, now) == OTTER_OK, ota_config_fault(&device->ota),
         device->id);
}

static void start_firmware(struct device *device)
{
    const otter_ms now = port_now();
    must(open_store(device), "the store does not open", device->id);
    device->blocks = 0;
    start_session(device);
    start_jobs(device, now);
    start_agent(device, now);
}

static void boot(struct device *device)
{
    const struct boot_slots slots = {.primary = &device->primary, .secondary = &device->secondary};
    const struct boot_config config = {
        .images = &slots,
        .image_count = 1,
        .scratch = &device->scratch,
        .max_sectors = MAX_SECTORS,
        .max_align = MAX_ALIGN,
        .policy = {.keys = image_keys, .key_count = image_key_count}};
    struct boot_result result;
    must(boot_go(&config, &result) == OTTER_OK, "nothing to boot", device->id);
    device->swarm->installed += result.swap_type == SWAP_TEST || result.swap_type == SWAP_PERM;
    device->swarm->brought_back += result.swap_type == SWAP_REVERT;
}

/* ---- the connection ---- */

static void hang_up(struct device *device)
{
    if (device->link)
        bufferevent_free(device->link);
    device->link = NULL;
    device->up = false;
}

static void lose_link(struct device *device)
{
    hang_up(device);
    mqtt_transport_down(&device->mqtt, port_now());
}

static void on_read(struct bufferevent *link, void *context)
{
    struct device *device = context;
    struct evbuffer *input = bufferevent_get_input(link);
    uint8_t chunk[4096];
    int got;
    while (device->link == link && !mqtt_should_close(&device->mqtt) &&
           (got = evbuffer_remove(input, chunk, sizeof chunk)) > 0)
        (void)mqtt_input(&device->mqtt, port_now(), chunk, (size_t)got);
    turn(device);
}

static void on_event(struct bufferevent *link, short what, void *context)
{
    struct device *device = context;
    (void)link;
    if (what & BEV_EVENT_CONNECTED) {
        device->up = true;
        bufferevent_set_timeouts(device->link, NULL, NULL);
        mqtt_transport_up(&device->mqtt, port_now());
    } else {
        if (device->up)
            device->swarm->lost++;
        else
            device->swarm->refused++;
        lose_link(device);
    }
    turn(device);
}

static void dial(struct device *device)
{
    const struct timeval patience = {PATIENCE_S, 0};
    struct swarm *swarm = device->swarm;
    SSL *ssl = SSL_new(swarm->tls);
    must(ssl != NULL, "out of memory", device->id);
    SSL_set_tlsext_host_name(ssl, swarm->host);
    SSL_set1_host(ssl, swarm->host);
    device->link = bufferevent_openssl_socket_new(swarm->base, -1, ssl, BUFFEREVENT_SSL_CONNECTING,
                                                  BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
    must(device->link != NULL, "out of memory", device->id);
    bufferevent_openssl_set_allow_dirty_shutdown(device->link, 1);
    bufferevent_setcb(device->link, on_read, NULL, on_event, device);
    bufferevent_enable(device->link, EV_READ | EV_WRITE);
    bufferevent_set_timeouts(device->link, &patience, NULL);
    if (bufferevent_socket_connect(device->link, (struct sockaddr *)&swarm->to, sizeof swarm->to)) {
        swarm->refused++;
        lose_link(device);
    }
}

static void send_output(struct device *device)
{
    const uint8_t *data;
    size_t length;
    while (device->up && (length = mqtt_output(&device->mqtt, &data)) > 0) {
        bufferevent_write(device->link, data, length);
        mqtt_sent(&device->mqtt, port_now(), length);
    }
}

/* ---- turns ---- */

static void count_online(struct device *device)
{
    struct swarm *swarm = device->swarm;
    const bool online = device->up && jobs_online(&device->jobs) && !jobs_come_first(&device->jobs);
    const bool heard = device->online ? device->up && jobs_online(&device->jobs) : online;
    if (heard == device->online)
        return;
    device->online = heard;
    swarm->online += heard ? 1u : -1u;
    if (heard && swarm->online == (swarm->count + 1) / 2)
        swarm->half_online = port_now();
    if (heard && swarm->online == swarm->count)
        swarm->all_online = port_now();
}

static void restart(struct device *device)
{
    mqtt_disconnect(&device->mqtt, port_now());
    send_output(device);
    if (device->link)
        bufferevent_flush(device->link, EV_WRITE, BEV_FLUSH);
    hang_up(device);
    boot(device);
    start_firmware(device);
}

static void sleep_until_due(struct device *device, otter_ms now)
{
    otter_ms due = mqtt_deadline(&device->mqtt);
    const otter_ms jobs = jobs_deadline(&device->jobs), ota = ota_deadline(&device->ota);
    due = jobs < due ? jobs : due;
    due = ota < due ? ota : due;
    if (due == OTTER_NEVER) {
        event_del(device->timer);
        return;
    }
    const otter_ms wait = due > now ? due - now : 0;
    const struct timeval delay = {(time_t)(wait / 1000), (suseconds_t)(wait % 1000 * 1000)};
    event_add(device->timer, &delay);
}

static void turn(struct device *device)
{
    const otter_ms now = port_now();
    if (device->off)
        return;
    mqtt_tick(&device->mqtt, now);
    if (!device->link && mqtt_wants_transport(&device->mqtt, now))
        dial(device);
    jobs_tick(&device->jobs, now);
    ota_tick(&device->ota, now);
    send_output(device);
    if (device->link && mqtt_should_close(&device->mqtt)) {
        device->swarm->lost++;
        lose_link(device);
    }
    if (ota_wants_reset(&device->ota))
        restart(device);
    count_online(device);
    sleep_until_due(device, now);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    turn(context);
}

/* ---- beginning and end ---- */

bool device_create(struct device *device, struct swarm *swarm, const char *id)
{
    memset(device, 0, sizeof *device);
    device->swarm = swarm;
    device->off = true;
    snprintf(device->id, sizeof device->id, "%s", id);
    device->timer = evtimer_new(swarm->base, on_timer, device);
    if (!device->timer || !ram_flash_open(&device->flash, swarm->template_fd, FLASH, false))
        return false;
    make_areas(device);
    return true;
}

void device_destroy(struct device *device)
{
    hang_up(device);
    if (device->timer)
        event_free(device->timer);
    ram_flash_close(&device->flash);
}

/* The first life begins as the factory left it, which need not be verified so many times. */
void device_switch_on(struct device *device)
{
    device->off = false;
    start_firmware(device);
    turn(device);
}

void device_switch_off(struct device *device)
{
    device->off = true;
    hang_up(device);
    event_del(device->timer);
    if (device->online)
        device->swarm->online--;
    device->online = false;
}

bool device_is_done(const struct device *device, const struct image_version *version)
{
    const struct ota_status status = ota_status(&device->ota);
    return !device->off && device->online && status.phase == OTA_PHASE_IDLE &&
           jobs_idle(&device->jobs) && image_version_compare(&status.running, version) == 0;
}
