/* MQTT session: publishes of its services, and whom the loss of a connection is charged to.
 *
 * Tickets (QoS 1) wait in one queue. MQTT_IN_FLIGHT_MAX of them may be under way; the next one to
 * leave is that of the service with the fewest.
 *
 * A publish is unproven until the broker has shown that it let it pass: a ticket by its PUBACK, a
 * QoS 0 publish by the PINGRESP to a later PINGREQ. When the connection is lost, one of the
 * unproven may be the reason. Several of them: all fall under suspicion, and what is under
 * suspicion goes out only when nothing else is unproven, and then alone. A single one: the loss is
 * charged to it. Charged with more than MQTT_REPEATS_MAX losses in a row, a ticket comes back to
 * its service; a service that this has happened to before has to pause, and so has one by its QoS 0
 * publishes. A PUBACK that is late is charged to its ticket alone. */
#include <string.h>

#include "net/mqtt5.h"
#include "net/mqtt_fifo.h"
#include "net/mqtt_session.h"
#include "port/log.h"

#define TAG "MQTT"

#define TURN_MS                                                                                    \
    1000u /* others hold back for so long, that one under suspicion may publish QoS 0              \
           */

enum mqtt_proof {
    PROVEN = 0,
    UNPROVEN,
    ASKED /* a PINGREQ is out behind it */
};

/* ---- Who may publish now --------------------------------------------------------------------- */

static bool nothing_is_unproven(const struct mqtt_session *s)
{
    for (const struct mqtt_service *service = s->p.services; service; service = service->p.next) {
        if (service->p.proof != PROVEN || service->p.in_flight > 0)
            return false;
    }
    return true;
}

/* One under suspicion is on its way, alone. */
static bool one_is_tried(const struct mqtt_session *s)
{
    for (const struct mqtt_service *service = s->p.services; service; service = service->p.next) {
        if (service->p.suspect && service->p.proof != PROVEN)
            return true;
    }
    for (const struct mqtt_ticket *ticket = s->p.tickets; ticket; ticket = ticket->p.next) {
        if (ticket->p.in_flight && ticket->p.suspect)
            return true;
    }
    return false;
}

static void ask(struct mqtt_session *s, otter_ms now)
{
    if (s->p.waits[MQTT_WAIT_PINGRESP] != OTTER_NEVER)
        return; /* the next one can be asked for when it has come */
    for (const struct mqtt_service *service = s->p.services; service; service = service->p.next) {
        if (service->p.proof == UNPROVEN) {
            mqtt_send_ping(s, now);
            return;
        }
    }
}

static bool is_others_turn(const struct mqtt_session *s, otter_ms now,
                           const struct mqtt_service *service)
{
    return s->p.turn_until != OTTER_NEVER && now < s->p.turn_until && s->p.turn != service;
}

/* May what is under suspicion go out? If not, the way to that is prepared: others hold back. */
static bool may_be_tried(struct mqtt_session *s, otter_ms now, const struct mqtt_service *service)
{
    if (nothing_is_unproven(s))
        return true;
    if (s->p.turn_until == OTTER_NEVER) {
        s->p.turn = service;
        s->p.turn_until = now + TURN_MS;
    }
    ask(s, now);
    return false;
}

static void end_turn(struct mqtt_session *s, const struct mqtt_service *service)
{
    if (s->p.turn == service)
        s->p.turn_until = OTTER_NEVER;
}

void mqtt_ask_for_proof(struct mqtt_session *s)
{
    for (struct mqtt_service *service = s->p.services; service; service = service->p.next) {
        if (service->p.proof == UNPROVEN)
            service->p.proof = ASKED;
    }
}

static void clear(struct mqtt_service *service)
{
    service->p.proof = PROVEN;
    service->p.suspect = false;
    service->p.losses = 0;
}

void mqtt_proof_has_come(struct mqtt_session *s, otter_ms now)
{
    for (struct mqtt_service *service = s->p.services; service; service = service->p.next) {
        if (service->p.proof == ASKED)
            clear(service);
    }
    if (one_is_tried(s)) /* it went out behind the last PINGREQ */
        ask(s, now);
}

void mqtt_connection_useful(struct mqtt_session *s, struct mqtt_service *service)
{
    s->p.failures = 0;
    clear(service);
}

/* ---- QoS 0 ----------------------------------------------------------------------------------- */

size_t mqtt_input_max(const struct mqtt_session *s)
{
    return s->config.input_size;
}

size_t mqtt_output_max(const struct mqtt_session *s)
{
    const size_t size = s->config.output_size;
    const size_t overhead = MQTT_OUTPUT_OVERHEAD + (mqtt_may_speak_5(s) ? 4 : 0);
    const size_t most = size > overhead ? size - overhead : 0;
    return mqtt_speaks_5(s) ? mqtt5_output_max(s, most) : most;
}

static bool may_publish(struct mqtt_session *s, otter_ms now, struct mqtt_service *service)
{
    if (one_is_tried(s) || is_others_turn(s, now, service))
        return false;
    return !service->p.suspect || may_be_tried(s, now, service);
}

/* Behind a suspect goes a PINGREQ at once. */
static void note_published(struct mqtt_session *s, otter_ms now, struct mqtt_service *service)
{
    s->stats.messages_out++;
    service->p.proof = UNPROVEN;
    end_turn(s, service);
    if (service->p.suspect)
        ask(s, now);
}

static int encode_head(struct mqtt_session *s, uint8_t *space, size_t size,
                       const struct mqtt_publish *publish)
{
    return mqtt_speaks_5(s) ? mqtt5_publish_head(s, space, size, publish)
                            : mqtt_encode_publish_head(space, size, publish);
}

/* Head and payload; OTTER_E_TOO_LONG, and nothing is done, when there is no room for them. */
static int encode(struct mqtt_session *s, uint8_t *space, size_t size,
                  const struct mqtt_publish *publish)
{
    const size_t payload = publish->payload.length;
    const int head =
        payload < size ? encode_head(s, space, size - payload, publish) : OTTER_E_TOO_LONG;
    if (head >= 0 && payload > 0)
        memcpy(space + head, publish->payload.data, payload);
    return head >= 0 ? head + (int)payload : head;
}

otter_status mqtt_publish(struct mqtt_session *s, otter_ms now, struct mqtt_service *service,
                          const char *topic, const void *payload, size_t length)
{
    char text[MQTT_TOPIC_MAX];
    const struct mqtt_publish publish = {.topic = {text, mqtt_full_topic(service, topic, text)},
                                         .payload = {payload, length}};
    const size_t most = mqtt_output_max(s);
    if (publish.topic.length == 0 || publish.topic.length > most ||
        length > most - publish.topic.length)
        return OTTER_E_TOO_LONG;
    if (!mqtt_topic_valid(publish.topic))
        return OTTER_E_ARGUMENT;
    if (!mqtt_is_up(s))
        return OTTER_E_STATE;
    if (now < service->p.rests_until)
        return OTTER_E_REFUSED;
    if (!may_publish(s, now, service))
        return OTTER_E_AGAIN;
    size_t size;
    uint8_t *space = mqtt_space(s, &size);
    const int encoded = encode(s, space, size, &publish);
    if (encoded < 0)
        return OTTER_E_AGAIN; /* that it fits an empty buffer is known */
    mqtt_fifo_queue(&s->p.fifo, (size_t)encoded);
    note_published(s, now, service);
    return OTTER_OK;
}

/* ---- Tickets --------------------------------------------------------------------------------- */

bool mqtt_ticket_held(const struct mqtt_ticket *ticket)
{
    return ticket->p.service != NULL;
}

bool mqtt_is_sent_with(const struct mqtt_session *s, uint16_t packet)
{
    for (const struct mqtt_ticket *ticket = s->p.tickets; ticket; ticket = ticket->p.next) {
        if (ticket->p.packet == packet)
            return true;
    }
    return false;
}

static unsigned in_flight(const struct mqtt_session *s)
{
    unsigned count = 0;
    for (const struct mqtt_service *service = s->p.services; service; service = service->p.next)
        count += service->p.in_flight;
    return count;
}

static struct mqtt_ticket *next_ticket(const struct mqtt_session *s, otter_ms now)
{
    struct mqtt_ticket *next = NULL;
    unsigned fewest = MQTT_IN_FLIGHT_OF_ONE;
    for (struct mqtt_ticket *ticket = s->p.tickets; ticket; ticket = ticket->p.next) {
        const struct mqtt_service *service = ticket->p.service;
        if (ticket->p.in_flight || now < service->p.rests_until || service->p.in_flight >= fewest)
            continue;
        next = ticket;
        fewest = service->p.in_flight;
    }
    return next;
}

/* ... by PUBACKs; a broker of MQTT 5 may take QoS 0 alone. */
static bool is_acknowledged(const struct mqtt_session *s)
{
    return !mqtt_speaks_5(s) || mqtt5_qos(s, 1) == 1;
}

static bool launch(struct mqtt_session *s, otter_ms now, struct mqtt_ticket *ticket)
{
    char text[MQTT_TOPIC_MAX];
    size_t size;
    uint8_t *space = mqtt_space(s, &size);
    if (ticket->p.packet == 0)
        ticket->p.packet = mqtt_new_packet_id(s);
    const bool with_ack = is_acknowledged(s);
    const struct mqtt_publish publish = {
        .topic = {text, mqtt_full_topic(ticket->p.service, ticket->topic, text)},
        .payload = {ticket->payload, ticket->length},
        .packet_id = ticket->p.packet,
        .qos = with_ack,
        .duplicate = with_ack && ticket->p.begun,
    };
    const int head = encode_head(s, space, size, &publish);
    if (head < 0)
        return false;
    mqtt_fifo_queue(&s->p.fifo, (size_t)head);
    mqtt_fifo_body(&s->p.fifo, (size_t)head, ticket->payload, ticket->length);
    s->p.leaving = ticket;
    s->stats.repeated += ticket->p.begun;
    s->stats.messages_out += !ticket->p.begun;
    ticket->p.in_flight = true;
    ticket->p.due = now + s->config.ack_timeout_ms;
    ticket->p.service->p.in_flight++;
    return true;
}

/* The first time is an accident; then the service pauses, ever longer. */
static void strike(struct mqtt_service *service, otter_ms now)
{
    if (now - service->p.struck_at > (otter_ms)2 * MQTT_PAUSE_MAX_MS)
        service->p.strikes = 0;
    uint32_t pause = service->p.strikes == 0 ? 0 : MQTT_PAUSE_MS;
    for (unsigned i = 1; i < service->p.strikes && pause < MQTT_PAUSE_MAX_MS; i++)
        pause *= 2;
    if (service->p.strikes < UINT8_MAX)
        service->p.strikes++;
    service->p.struck_at = now;
    service->p.rests_until = now + (pause < MQTT_PAUSE_MAX_MS ? pause : MQTT_PAUSE_MAX_MS);
}

static void take_out(struct mqtt_session *s, struct mqtt_ticket *ticket)
{
    struct mqtt_ticket **at = &s->p.tickets;
    while (*at != ticket)
        at = &(*at)->p.next;
    *at = ticket->p.next;
    if (ticket->p.in_flight)
        ticket->p.service->p.in_flight--;
    ticket->p = (struct mqtt_ticket_state){0};
}

static void give_back(struct mqtt_session *s, otter_ms now, struct mqtt_ticket *ticket,
                      otter_status status)
{
    void *ctx = ticket->p.service->ctx;
    take_out(s, ticket);
    if (ticket->on_result)
        ticket->on_result(ctx, now, ticket, status);
}

/* The service may send it anew, but not at once and for ever. */
static void drop_ticket(struct mqtt_session *s, otter_ms now, struct mqtt_ticket *ticket,
                        const char *why, otter_status status)
{
    LOG_WRN(TAG, "dropped a publish to %s%s: %s (policy?)", ticket->p.service->prefix,
            ticket->topic, why);
    s->stats.dropped++;
    strike(ticket->p.service, now);
    give_back(s, now, ticket, status);
}

static bool is_too_long(const struct mqtt_session *s, const struct mqtt_ticket *ticket)
{
    return strlen(ticket->p.service->prefix) + strlen(ticket->topic) + ticket->length >
           mqtt5_output_max(s, SIZE_MAX);
}

void mqtt_launch_tickets(struct mqtt_session *s, otter_ms now)
{
    const unsigned most = mqtt_speaks_5(s) ? mqtt5_in_flight_max(s) : MQTT_IN_FLIGHT_MAX;
    while (!s->p.leaving && in_flight(s) < most && !one_is_tried(s)) {
        struct mqtt_ticket *ticket = next_ticket(s, now);
        if (!ticket || is_others_turn(s, now, ticket->p.service))
            return;
        if (mqtt_speaks_5(s) && is_too_long(s, ticket)) {
            drop_ticket(s, now, ticket, "too long", OTTER_E_TOO_LONG);
            continue;
        }
        if (ticket->p.suspect && !may_be_tried(s, now, ticket->p.service))
            return; /* what comes behind it waits too: else its turn would never come */
        if (!launch(s, now, ticket))
            return; /* room comes with what is sent */
        end_turn(s, ticket->p.service);
    }
}

/* A slow link is not the broker's delay: the wait for the PUBACK begins anew. */
void mqtt_ticket_left(struct mqtt_session *s, otter_ms now)
{
    struct mqtt_ticket *ticket = s->p.leaving;
    s->p.leaving = NULL;
    ticket->p.out = true;
    ticket->p.begun = true;
    ticket->p.due = now + s->config.ack_timeout_ms;
    if (!is_acknowledged(s))
        give_back(s, now, ticket, OTTER_OK);
}

/* ... nor of what waits behind the payload. */
void mqtt_payload_moves(struct mqtt_session *s, otter_ms now)
{
    const otter_ms due = now + s->config.ack_timeout_ms;
    s->p.leaving->p.due = due;
    for (int i = MQTT_WAIT_SUBACK; i <= MQTT_WAIT_PINGRESP; i++) {
        if (s->p.waits[i] != OTTER_NEVER)
            s->p.waits[i] = due;
    }
}

/* Its first bytes may be what the broker has closed for, as one does that minds the length. */
void mqtt_stop_leaving(struct mqtt_session *s)
{
    if (s->p.leaving && mqtt_fifo_body_begun(&s->p.fifo))
        s->p.leaving->p.begun = s->p.leaving->p.out = true;
    s->p.leaving = NULL;
}

void mqtt_ticket_acknowledged(struct mqtt_session *s, otter_ms now, uint16_t packet,
                              otter_status status)
{
    struct mqtt_ticket *ticket = s->p.tickets;
    while (ticket && !(ticket->p.out && ticket->p.packet == packet))
        ticket = ticket->p.next;
    if (!ticket) /* for one that is not in flight (any more) */
        return;
    if (status == OTTER_OK)
        give_back(s, now, ticket, status);
    else
        drop_ticket(s, now, ticket, "refused", status);
    mqtt_pump(s, now);
}

otter_status mqtt_send(struct mqtt_session *s, otter_ms now, struct mqtt_service *service,
                       struct mqtt_ticket *ticket)
{
    char text[MQTT_TOPIC_MAX];
    const struct mqtt_text topic = {text, mqtt_full_topic(service, ticket->topic, text)};
    if (mqtt_ticket_held(ticket))
        return OTTER_E_STATE;
    if (topic.length == 0 || topic.length > mqtt_output_max(s))
        return OTTER_E_TOO_LONG;
    if (!mqtt_topic_valid(topic))
        return OTTER_E_ARGUMENT;
    struct mqtt_ticket **last = &s->p.tickets;
    while (*last)
        last = &(*last)->p.next;
    ticket->p = (struct mqtt_ticket_state){.service = service};
    *last = ticket;
    mqtt_pump(s, now);
    return OTTER_OK;
}

/* The broker may be about to close for it: the service answers for it as for QoS 0. */
otter_status mqtt_withdraw(struct mqtt_session *s, struct mqtt_ticket *ticket)
{
    if (!mqtt_ticket_held(ticket))
        return OTTER_E_NOT_FOUND;
    if (ticket == s->p.leaving)
        return OTTER_E_AGAIN;
    if (ticket->p.out)
        ticket->p.service->p.proof = UNPROVEN;
    take_out(s, ticket);
    return OTTER_OK;
}

/* ---- Losses ---------------------------------------------------------------------------------- */

bool mqtt_find_late_tickets(struct mqtt_session *s, otter_ms now)
{
    bool found = false;
    for (struct mqtt_ticket *ticket = s->p.tickets; ticket; ticket = ticket->p.next) {
        ticket->p.late = ticket->p.in_flight && now >= ticket->p.due;
        found |= ticket->p.late;
    }
    return found;
}

/* Publishes that may be the reason of the loss. */
static unsigned count_unproven(const struct mqtt_session *s)
{
    unsigned count = 0;
    for (const struct mqtt_ticket *ticket = s->p.tickets; ticket; ticket = ticket->p.next)
        count += ticket->p.out;
    for (const struct mqtt_service *service = s->p.services; service; service = service->p.next)
        count += service->p.proof != PROVEN;
    return count;
}

static void charge_service(struct mqtt_service *service, otter_ms now, bool charged, bool alone)
{
    const bool unproven = service->p.proof != PROVEN;
    service->p.proof = PROVEN;
    if (!unproven || !charged)
        return;
    service->p.suspect = true;
    if (!alone || ++service->p.losses <= MQTT_REPEATS_MAX)
        return;
    LOG_WRN(TAG, "the connection is lost each time that something is published below %s (policy?)",
            service->prefix);
    service->p.losses = 0;
    strike(service, now);
}

static void charge_ticket(struct mqtt_ticket *ticket, bool charged, bool alone)
{
    ticket->p.service->p.in_flight =
        (uint8_t)(ticket->p.service->p.in_flight - ticket->p.in_flight);
    if (ticket->p.out && charged) {
        ticket->p.suspect = true;
        ticket->p.losses = (uint8_t)(ticket->p.losses + alone);
    }
    ticket->p.in_flight = ticket->p.out = ticket->p.late = false;
}

static void give_up_ticket(struct mqtt_session *s, otter_ms now, struct mqtt_ticket *ticket)
{
    const bool silent = s->error == OTTER_E_TIMEOUT;
    drop_ticket(s, now, ticket,
                silent ? "no PUBACK each time" : "the connection was lost each time",
                silent ? OTTER_E_TIMEOUT : OTTER_E_REFUSED);
}

static struct mqtt_ticket *hopeless_ticket(const struct mqtt_session *s)
{
    struct mqtt_ticket *ticket = s->p.tickets;
    while (ticket && ticket->p.losses <= MQTT_REPEATS_MAX)
        ticket = ticket->p.next;
    return ticket;
}

void mqtt_charge_loss(struct mqtt_session *s, otter_ms now)
{
    const bool lost = s->error != OTTER_OK; /* else we have closed it ourselves */
    const bool alone = count_unproven(s) == 1;
    bool silent = false;
    for (const struct mqtt_ticket *ticket = s->p.tickets; ticket; ticket = ticket->p.next)
        silent |= ticket->p.late;
    for (struct mqtt_service *service = s->p.services; service; service = service->p.next)
        charge_service(service, now, lost && !silent, alone);
    for (struct mqtt_ticket *ticket = s->p.tickets; ticket; ticket = ticket->p.next)
        charge_ticket(ticket, silent ? ticket->p.late : lost, silent || alone);
    s->p.turn_until = OTTER_NEVER;
    for (struct mqtt_ticket *ticket = hopeless_ticket(s); ticket; ticket = hopeless_ticket(s))
        give_up_ticket(s, now, ticket);
}

/* Past times are done away with: mqtt_deadline must not name them again. */
void mqtt_end_pauses(struct mqtt_session *s, otter_ms now)
{
    for (struct mqtt_service *service = s->p.services; service; service = service->p.next) {
        if (now >= service->p.rests_until)
            service->p.rests_until = 0;
    }
    if (now >= s->p.turn_until)
        s->p.turn_until = OTTER_NEVER;
}

otter_ms mqtt_publish_deadline(const struct mqtt_session *s)
{
    otter_ms deadline = OTTER_NEVER;
    if (!mqtt_is_up(s))
        return deadline;
    for (const struct mqtt_ticket *ticket = s->p.tickets; ticket; ticket = ticket->p.next) {
        const otter_ms rest = ticket->p.service->p.rests_until;
        const otter_ms due = ticket->p.in_flight ? ticket->p.due : rest;
        if (due < deadline && due > 0)
            deadline = due;
    }
    return s->p.turn_until < deadline ? s->p.turn_until : deadline;
}
