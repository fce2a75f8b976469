/* The port under the application's tests; see fake_port.h. */
#include "tests/unit/firmware/fake_port.h"

#include <stdio.h>
#include <string.h>

#include "boards/board.h"
#include "boards/map.h"
#include "port/datagram.h"
#include "port/port.h"
#include "port/traffic.h"

struct fake_port fake;

otter_ms port_now(void)
{
    return fake.now;
}

void fake_append(char *text, size_t size, const char *more, size_t length)
{
    const size_t used = strlen(text);
    snprintf(text + used, size - used, "%.*s", (int)length, more);
}

void port_log_write(const char *line, size_t length)
{
    fake_append(fake.logged, sizeof fake.logged, line, length);
    fake_append(fake.logged, sizeof fake.logged, "\n", 1);
}

void port_console_write(const void *data, size_t length)
{
    fake_append(fake.shown, sizeof fake.shown, data, length);
}

size_t port_console_read(void *data, size_t size)
{
    if (fake.floods > 0) {
        assert_int_not_equal(--fake.floods, 0); /* the last one: nothing else had its turn */
        memset(data, '\r', size);
        return size;
    }
    const size_t length = strlen(fake.keyed) < size ? strlen(fake.keyed) : size;
    memcpy(data, fake.keyed, length);
    fake.keyed += length;
    return length;
}

otter_status port_random(void *data, size_t length)
{
    if (!fake.entropy)
        return OTTER_E_CRYPTO;
    for (size_t i = 0; i < length; i++)
        ((uint8_t *)data)[i] = fake.random_counts ? fake.next_random++ : fake.next_random;
    return OTTER_OK;
}

otter_status port_unique_id(uint32_t id[PORT_UNIQUE_ID_WORDS])
{
    (void)id;
    return OTTER_E_NOT_FOUND;
}

_Noreturn void port_reset(void)
{
    longjmp(fake.reset, 1);
}

void port_watchdog_feed(void)
{
}

void port_idle(otter_ms deadline)
{
    if (deadline > fake.now)
        fake.now = deadline < fake.now + 50 ? deadline : fake.now + 50;
}

const struct handover *port_handover(void)
{
    return &fake.handover;
}

void port_network_join(const char *ssid, const char *credential)
{
    snprintf(fake.joined, sizeof fake.joined, "%s/%s", ssid, credential);
}

otter_status datagram_open(const char *host, uint16_t port)
{
    (void)host, (void)port;
    return OTTER_E_UNSUPPORTED;
}

otter_status datagram_send(const void *data, size_t length)
{
    (void)data, (void)length;
    return OTTER_E_STATE;
}

size_t datagram_receive(void *data, size_t size)
{
    (void)data, (void)size;
    return 0;
}

void datagram_close(void)
{
}

void port_traffic(struct traffic *counts)
{
    *counts = (struct traffic){0};
}

bool port_connection(unsigned index, struct traffic_peer *peer)
{
    (void)index, (void)peer;
    return false;
}

uint16_t port_listening(bool udp, unsigned index)
{
    (void)udp, (void)index;
    return 0;
}

bool port_network_quiet(void)
{
    return fake.now >= fake.quiet_at;
}

otter_status port_network_status(void)
{
    return fake.network;
}

size_t port_ram_used(void)
{
    return 0;
}

size_t port_stack_size(void)
{
    return 4096;
}

size_t port_stack_used(void)
{
    return 1024;
}

otter_status socket_connect(struct socket *socket, const char *host, uint16_t port)
{
    (void)host, (void)port;
    memset(socket, 0, sizeof *socket);
    socket->state = SOCKET_CONNECTING; /* nobody answers */
    socket->secure = true;             /* and if, no TLS is needed */
    fake.last_socket = socket;
    fake.connects++;
    return OTTER_OK;
}

int socket_send(struct socket *socket, const void *data, size_t length)
{
    (void)data;
    return socket->state == SOCKET_OPEN ? (int)length : 0;
}

int socket_receive(struct socket *socket, void *data, size_t size)
{
    (void)data, (void)size;
    return socket->state == SOCKET_CLOSED ? (int)socket->error : 0;
}

void socket_close(struct socket *socket)
{
    socket->state = SOCKET_IDLE;
}

/* The board's device is the simulated one. */
static otter_status sim_read(void *ctx, uint32_t offset, void *data, uint32_t length)
{
    (void)ctx;
    return fake.device.flash.ops->read(fake.device.flash.ctx, offset, data, length);
}

static otter_status sim_program(void *ctx, uint32_t offset, const void *data, uint32_t length)
{
    (void)ctx;
    return fake.device.flash.ops->program(fake.device.flash.ctx, offset, data, length);
}

static otter_status sim_erase(void *ctx, uint32_t offset)
{
    (void)ctx;
    return fake.device.flash.ops->erase(fake.device.flash.ctx, offset);
}

static struct flash_sector sim_sector_at(void *ctx, uint32_t offset)
{
    (void)ctx;
    return fake.device.flash.ops->sector_at(fake.device.flash.ctx, offset);
}

static const struct flash_ops sim_ops = {sim_read, sim_program, sim_erase, sim_sector_at};
const struct flash port_flash[] = {
    {&sim_ops, NULL, FAKE_SECTORS *FAKE_SECTOR, DEVICE_WRITE(BOARD_DEVICE_0), 0xff}};

void fake_port_power_on(void)
{
    static struct flash_sector sectors[FAKE_SECTORS];
    fake =
        (struct fake_port){.entropy = true,
                           .next_random = 1,
                           .random_counts = true,
                           .keyed = "",
                           .handover = {.magic = HANDOVER_MAGIC, .reset_reason = RESET_POWER_ON}};
    nor_uniform_sectors(sectors, FAKE_SECTORS, FAKE_SECTOR);
    nor_power_init(&fake.power, 1);
    nor_create(&fake.device, &fake.power, sectors, FAKE_SECTORS, DEVICE_WRITE(BOARD_DEVICE_0),
               0xff);
}
