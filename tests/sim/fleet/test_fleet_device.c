/* A device becomes itself by its claim, and changes its certificate by a job: against the cloud's
 * core, with answers lost, and with the power cut at flash operations. After each cut the flash
 * must hold the device as it was or as it shall be, and the device must get there by itself. */
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROTATE "{\"operation\":\"rotate-certificate\"}"

/* A cut leaves the stack, as power does; what Mbed TLS held on the heap is lost. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

/* ---- By claim -------------------------------------------------------------------------------- */

static void become_itself(void)
{
    world_boot();
    assert_true(w.by_claim);
    assert_true(world_run_until(&w.done, 60000));
    assert_true(world_is_itself());
    world_boot();
    assert_false(w.by_claim);
    world_run(5000);
    assert_int_equal(w.mqtt.state, MQTT_CONNECTED);
}

static void a_device_with_a_claim_becomes_itself_in_json(void **state)
{
    (void)state;
    become_itself();
    assert_string_equal(w.thing, "lamp-0042");
}

static void a_device_with_a_claim_becomes_itself_in_cbor(void **state)
{
    (void)state;
    w.cbor = true;
    become_itself();
}

static void an_answer_that_is_lost_is_asked_for_again(void **state)
{
    (void)state;
    world_boot();
    w.silent = 1;
    assert_true(world_run_until(&w.done, 60000));
    world_boot();
    assert_false(w.by_claim);
}

static void what_the_cloud_refuses_is_said_and_tried_again_later(void **state)
{
    (void)state;
    world_boot();
    w.rotation.enrol.config.serial = "no name";
    world_run(8000);
    assert_false(w.done);
    w.rotation.enrol.config.serial = "0042";
    assert_non_null(strstr(w.failure, "tls_key_priv")); /* nor can it stand in a request */
    assert_true(world_run_until(&w.done, 60000));
}

static void a_refusal_of_the_cloud_is_heard_in_its_words_and_waited_out(void **state)
{
    (void)state;
    world_boot();
    struct enrol_config config = w.rotation.enrol.config;
    config.template_name = "none";
    assert_int_equal(enrol_start(&w.rotation.enrol, &config, w.now), OTTER_OK);
    world_run(5000);
    assert_non_null(strstr(w.failure, "ResourceNotFound"));
    assert_int_equal(w.rotation.enrol.state, ENROL_RESTING);
    config.template_name = "lamps"; /* what another boot would find */
    assert_int_equal(enrol_start(&w.rotation.enrol, &config, w.now), OTTER_OK);
    assert_true(world_run_until(&w.done, 60000));
}

static void a_thing_that_cannot_be_taken_is_asked_for_again_later(void **state)
{
    (void)state;
    world_boot();
    w.taken = OTTER_E_ARGUMENT;
    world_run(8000);
    assert_false(w.done);
    assert_int_equal(w.rotation.enrol.state, ENROL_RESTING);
    assert_non_null(strstr(w.failure, "the thing that the template gives"));
    w.taken = OTTER_OK; /* the template has been put right */
    assert_true(world_run_until(&w.done, 700000));
    assert_true(world_is_itself());
}

/* ---- Rotation -------------------------------------------------------------------------------- */

static void get_public(struct pki_public *key)
{
    assert_int_equal(pki_public_key(&w.pki, PKI_TLS_KEY_PRIV, key), OTTER_OK);
}

static bool job_is_over(const char *id)
{
    const char *status = world_job_status(id);
    return strcmp(status, "QUEUED") != 0 && strcmp(status, "IN_PROGRESS") != 0;
}

static void run_job(const char *id)
{
    for (int i = 0; i < 600 && !job_is_over(id); i++)
        world_run(1000);
}

static void a_job_brings_another_key_and_certificate(void **state)
{
    struct pki_public before, after;
    uint32_t length;
    (void)state;
    become_itself();
    get_public(&before);
    world_create_job("rotate", ROTATE);
    run_job("rotate");
    assert_string_equal(world_job_status("rotate"), "SUCCEEDED");
    assert_true(world_is_itself());
    get_public(&after);
    assert_memory_not_equal(before.der, after.der, after.length);
    pki_add(&w.pki, &w.next_labels, &pki_next_labels);
    assert_int_equal(pki_length(&w.pki, PKI_NEXT_KEY, &length), OTTER_E_NOT_FOUND);
    assert_int_equal(kv_get(&w.kv, ROTATION_KEY, NULL, 0, &length), OTTER_E_NOT_FOUND);
    assert_true(w.connections >= 2); /* the new certificate has been shown */
}

static void a_new_certificate_that_brings_no_connection_leaves_the_old_one(void **state)
{
    struct pki_public before, after;
    (void)state;
    become_itself();
    get_public(&before);
    world_create_job("rotate", ROTATE);
    for (int i = 0; i < 2000 && w.rotation.state != ROTATION_TRIAL; i++)
        world_run(10);
    assert_int_equal(w.rotation.state, ROTATION_TRIAL);
    assert_int_equal(kv_delete(&w.kv, "pki/" PKI_NEXT_CERT), OTTER_OK); /* nobody takes it now */
    run_job("rotate");
    assert_string_equal(world_job_status("rotate"), "FAILED");
    assert_true(w.refused > 0);
    assert_true(world_is_itself());
    get_public(&after);
    assert_memory_equal(before.der, after.der, after.length);
    assert_int_equal(w.mqtt.state, MQTT_CONNECTED);
}

static void a_device_without_a_template_refuses_the_job_and_another_kind_is_nobodys(void **state)
{
    (void)state;
    become_itself();
    w.rotation.config.enrolment.template_name = "";
    world_create_job("rotate", ROTATE);
    world_create_job("other", "{\"operation\":\"dance\"}");
    run_job("rotate");
    run_job("other");
    assert_string_equal(world_job_status("rotate"), "REJECTED");
    assert_string_equal(world_job_status("other"), "REJECTED");
    assert_true(world_is_itself());
}

/* ---- Power cuts ------------------------------------------------------------------------------ */

static bool tried(uint32_t operation, unsigned kind)
{
    const uint32_t mixed = (operation * 5u + kind) * 0x9e3779b1u;
    return getenv("OTTER_POWER_FULL") != NULL || mixed >> 28 == 0;
}

static void claim_to_the_end(void *context)
{
    (void)context;
    world_boot();
    if (w.by_claim)
        assert_true(world_run_until(&w.done, 120000));
    world_boot();
    world_run(5000);
}

/* Runs `body` with each cut that is tried, from the same flash; after each, `body` again whole. */
static void cut_everywhere(void (*body)(void *), void (*begin)(uint32_t operation),
                           void (*check)(void))
{
    struct nor_snapshot start = {NULL, 0, 0};
    unsigned cases = 0;
    nor_snapshot_take(&w.flash.device, &start);
    vault_take();
    begin(0);
    nor_power_plan(&w.flash.power, 0, NOR_CUT_TORN);
    assert_int_equal(nor_power_run(&w.flash.power, body, NULL), NOR_RUN_DONE);
    const uint32_t operations = w.flash.power.operations;
    for (uint32_t at = 1; at <= operations; at++) {
        for (unsigned kind = NOR_CUT_TORN; kind < NOR_CUT_KINDS; kind++) {
            if (!tried(at, kind))
                continue;
            nor_snapshot_restore(&w.flash.device, &start);
            vault_restore();
            begin(at * 8 + kind);
            nor_power_plan(&w.flash.power, at, (enum nor_cut)kind);
            (void)nor_power_run(&w.flash.power, body, NULL);
            nor_power_plan(&w.flash.power, 0, NOR_CUT_TORN);
            (void)world_is_itself();
            assert_int_equal(nor_power_run(&w.flash.power, body, NULL), NOR_RUN_DONE);
            check();
            cases++;
        }
    }
    printf("%u cuts of %u operations\n", cases, operations);
    assert_true(cases > 3);
    nor_snapshot_free(&start);
    vault_forget();
}

static void nothing(uint32_t number)
{
    (void)number;
}

static void must_be_itself(void)
{
    assert_true(world_is_itself());
    assert_int_equal(w.mqtt.state, MQTT_CONNECTED);
}

static void a_cut_amid_the_claim_leaves_a_claim_or_a_whole_identity(void **state)
{
    (void)state;
    cut_everywhere(claim_to_the_end, nothing, must_be_itself);
}

static char job[32];

static void begin_job(uint32_t number)
{
    snprintf(job, sizeof job, "rotate-%u", (unsigned)number);
    strcpy(w.thing, "lamp-0042");
    world_create_job(job, ROTATE);
}

static void rotate_to_the_end(void *context)
{
    (void)context;
    world_boot();
    run_job(job);
    world_run(5000); /* it may have been over before */
}

static void must_have_rotated(void)
{
    must_be_itself();
    assert_string_equal(world_job_status(job), "SUCCEEDED");
}

static void a_cut_amid_the_rotation_leaves_a_device_that_connects(void **state)
{
    (void)state;
    become_itself();
    cut_everywhere(rotate_to_the_end, begin_job, must_have_rotated);
}

/* ---- The serial number ----------------------------------------------------------------------- */

static void a_chip_with_a_number_of_its_own_gives_the_serial_number(void **state)
{
    (void)state;
    char serial[FLEET_SERIAL_MAX + 1];
    world_boot();
    w.chip_has_id = true;
    assert_int_equal(fleet_serial(&w.kv, serial), OTTER_OK);
    assert_string_equal(serial, "0badcafe0badcaff0badcb00");
    /* Nothing is kept: a copy of this flash in another chip is another device. */
    assert_int_equal(config_get_text(&w.kv, CONFIG_FLEET_SERIAL, serial, sizeof serial),
                     OTTER_E_NOT_FOUND);
    assert_int_equal(config_set_text(&w.kv, CONFIG_FLEET_SERIAL, "0042"), OTTER_OK);
    assert_int_equal(fleet_serial(&w.kv, serial), OTTER_OK);
    assert_string_equal(serial, "0042");
}

static void a_chip_without_a_number_keeps_the_random_one_that_it_made(void **state)
{
    (void)state;
    char first[FLEET_SERIAL_MAX + 1], again[FLEET_SERIAL_MAX + 1];
    world_boot();
    assert_int_equal(fleet_serial(&w.kv, first), OTTER_OK);
    assert_int_equal(strlen(first), 24);
    assert_int_equal(fleet_serial(&w.kv, again), OTTER_OK);
    assert_string_equal(first, again);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_device_with_a_claim_becomes_itself_in_json),
        WORLD_TEST(a_device_with_a_claim_becomes_itself_in_cbor),
        WORLD_TEST(an_answer_that_is_lost_is_asked_for_again),
        WORLD_TEST(what_the_cloud_refuses_is_said_and_tried_again_later),
        WORLD_TEST(a_refusal_of_the_cloud_is_heard_in_its_words_and_waited_out),
        WORLD_TEST(a_thing_that_cannot_be_taken_is_asked_for_again_later),
        WORLD_TEST(a_job_brings_another_key_and_certificate),
        WORLD_TEST(a_new_certificate_that_brings_no_connection_leaves_the_old_one),
        WORLD_TEST(a_device_without_a_template_refuses_the_job_and_another_kind_is_nobodys),
        WORLD_TEST(a_chip_with_a_number_of_its_own_gives_the_serial_number),
        WORLD_TEST(a_chip_without_a_number_keeps_the_random_one_that_it_made),
        WORLD_TEST(a_cut_amid_the_claim_leaves_a_claim_or_a_whole_identity),
        WORLD_TEST(a_cut_amid_the_rotation_leaves_a_device_that_connects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
