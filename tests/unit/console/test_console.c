/* The device's commands, as typed by a user. */
#define _GNU_SOURCE /* memmem */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <cmocka.h>

#include "console/console.h"
#include "net/mqtt_settings.h"
#include "port/log.h"
#include "store/kv_console.h"
#include "tests/sim/nor_store.h"

static struct nor_store flash;
static struct kv kv;
static struct pki pki;
static struct pki_part ota_part;
static struct pki_part claim_part;
static struct console console;
static char output[16384];
static size_t output_length;
static int resets;
static int changes;

otter_status port_random(void *data, size_t length)
{
    return getrandom(data, length, 0) == (ssize_t)length ? OTTER_OK : OTTER_E_CRYPTO;
}

static otter_ms now;

otter_ms port_now(void)
{
    return now;
}

/* The log shares the terminal. */
void port_log_write(const char *line, size_t length)
{
    assert_true(output_length + length < sizeof output);
    memcpy(output + output_length, line, length);
    output_length += length;
    output[output_length] = '\0';
}

static void write_output(void *context, const char *text, size_t length)
{
    (void)context;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\r') /* every line ends in CR LF; tests show the LF */
            continue;
        assert_true(output_length + 1 < sizeof output);
        output[output_length++] = text[i];
    }
    output[output_length] = '\0';
}

static void count_reset(void *context)
{
    assert_ptr_equal(context, &resets);
    resets++;
}

static otter_ms two_days(void *context)
{
    (void)context;
    return ((2 * 24 + 3) * 3600 + 4 * 60 + 5) * 1000ull + 678;
}

static void print_stat(struct cli *cli)
{
    assert_ptr_equal(cli_context(cli), &resets);
    cli_printf(cli, "stack %d\n", 1234);
}

static const struct cli_table stack_table = {NULL, 0, print_stat};
static struct cli_part stack_part, kv_part;

static void count_change(void *context)
{
    (void)context;
    changes++;
}

/* A product's own. */
static const struct config_setting lamp_setting[] = {
    {.key = CONFIG_KEY_PREFIX "lamp_pin",
     .help = "PIN of the lamp",
     .fallback = "0000",
     .kind = CONFIG_NUMBER,
     .max = 9999,
     .secret = true},
    {.key = CONFIG_KEY_PREFIX "lamp_room", .help = "where it hangs", .kind = CONFIG_NAME, .max = 9},
};
static const struct config_table lamp_settings = {lamp_setting, 2};
static struct config config;
static struct config_part config_parts[3];
static struct console_hooks hooks;

static int set_up(void **state)
{
    (void)state;
    assert_int_equal(nor_store_open(&flash, 5, &kv), OTTER_OK);
    hooks = (struct console_hooks){.context = &resets,
                                   .product = "Otter firmware",
                                   .version = "1.0.0",
                                   .board = "mps2-an505",
                                   .reset = count_reset,
                                   .uptime = two_days,
                                   .changed = count_change};
    pki_init(&pki, &kv, NULL, NULL);
    pki_add(&pki, &ota_part, &pki_ota_labels);
    pki_add(&pki, &claim_part, &pki_claim_labels);
    config = (struct config){0};
    config_add(&config, &config_parts[0], &device_settings);
    config_add(&config, &config_parts[1], &mqtt_settings);
    config_add(&config, &config_parts[2], &lamp_settings);
    console_init(&console, &kv, &config, &pki, &hooks, write_output, NULL);
    cli_add(&console.cli, &kv_part, &kv_console, &kv);
    cli_add(&console.cli, &stack_part, &stack_table, &resets);
    output_length = 0;
    output[0] = '\0';
    resets = changes = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return nor_store_close(&flash) ? 0 : -1;
}

/* Types a line; returns what the device says between it and the next prompt. */
static const char *type(const char *line)
{
    output_length = 0;
    output[0] = '\0';
    console_input(&console, line, strlen(line));
    console_input(&console, "\r\n", 2);
    char *end = strrchr(output, '\n');
    if (end != NULL && strcmp(end, "\n> ") == 0)
        end[1] = '\0';
    return output + strlen(line) + 1;
}

static void the_first_prompt_comes_at_start(void **state)
{
    (void)state;
    console_start(&console);
    assert_string_equal(output, "> ");
}

static void help_lists_every_command_and_explains_each(void **state)
{
    (void)state;
    static const char *const names[] = {"help", "conf",   "pki",     "kv",   "log",
                                        "stat", "uptime", "version", "reset"};
    char line[32];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_non_null(strstr(type("help"), names[i]));
        snprintf(line, sizeof line, "help %s", names[i]);
        assert_memory_equal(type(line), names[i], strlen(names[i]));
    }
    assert_non_null(strstr(type("help conf"), "conf commit"));
    assert_string_equal(type("help me"), "Unknown command 'me': see 'help'.\n");
}

static void a_setting_is_shown_set_and_committed_as_in_the_reference(void **state)
{
    (void)state;
    char name[16];
    assert_string_equal(type("conf set thing_name my_thing"), "thing_name=\"my_thing\"\n");
    assert_int_equal(config_get_text(&kv, CONFIG_THING_NAME, name, sizeof name), OTTER_E_NOT_FOUND);
    assert_int_equal(changes, 0);
    assert_string_equal(type("conf commit"), "Configuration saved to NVM.\n");
    assert_int_equal(config_get_text(&kv, CONFIG_THING_NAME, name, sizeof name), OTTER_OK);
    assert_string_equal(name, "my_thing");
    assert_int_equal(changes, 1);
    assert_string_equal(type("conf get thing_name"), "thing_name=\"my_thing\"\n");
}

static void conf_get_shows_all_and_says_what_is_not_saved(void **state)
{
    (void)state;
    assert_string_equal(type("conf get"), "thing_name=\"\"\n"
                                          "wifi_ssid=\"\"\n"
                                          "wifi_credential=\"\"\n"
                                          "time_hwm=\n"
                                          "mqtt_endpoint=\"\"\n"
                                          "mqtt_port=8883\n"
                                          "connect_spread_s=\n"
                                          "mqtt_version=3\n"
                                          "lamp_pin=********\n"
                                          "lamp_room=\"\"\n");
    type("conf set mqtt_port 443");
    assert_non_null(strstr(type("conf get"), "mqtt_port=443\n"));
    assert_non_null(strstr(type("conf get"), "Not saved yet: type 'conf commit'."));
    type("conf commit");
    assert_null(strstr(type("conf get"), "Not saved"));
}

static void the_wifi_password_is_never_shown(void **state)
{
    (void)state;
    assert_string_equal(type("conf set wifi_credential \"pass word\""),
                        "wifi_credential=\"********\"\n");
    type("\033[A");
    assert_null(strstr(output, "pass word")); /* nor brought back by arrow up */
    type("conf commit");
    assert_null(strstr(type("conf get"), "pass word"));
}

static void a_wrong_setting_is_explained(void **state)
{
    (void)state;
    assert_string_equal(type("conf set mqtt_port 99999"),
                        "mqtt_port not changed: it must be 1 to 65535.\n");
    assert_string_equal(type("conf set colour red"), "No setting 'colour': see 'conf get'.\n");
    assert_string_equal(type("conf get colour"), "No setting 'colour': see 'conf get'.\n");
    assert_string_equal(type("conf set thing_name a b"), "Wrong arguments: see 'help conf'.\n");
    assert_string_equal(type("conf"), "Wrong arguments: see 'help conf'.\n");
}

static void settings_of_all_tables_are_explained_and_taken_alike(void **state)
{
    (void)state;
    const char *said = type("conf help");
    assert_non_null(strstr(said,
                           "thing_name       what the cloud knows this device as: 1 to 128 of "
                           "a-z A-Z 0-9 : _ -\n"));
    assert_non_null(strstr(said, "mqtt_port        its TCP port: 1 to 65535; 8883 if not set\n"));
    assert_string_equal(type("conf help lamp_room"),
                        "lamp_room        where it hangs: 0 to 9 of a-z A-Z 0-9 : _ -\n");
    assert_string_equal(type("conf set lamp_room hall"), "lamp_room=\"hall\"\n");
    assert_string_equal(type("conf set lamp_pin 1234"), "lamp_pin=********\n");
    assert_string_equal(type("conf set lamp_pin 12345"),
                        "lamp_pin not changed: it must be 0 to 9999.\n");
    type("conf commit");
    assert_true(config_get_u64(&kv, &lamp_setting[0]) == 1234);
    assert_null(strstr(type("conf get"), "1234"));
}

static void a_mistyped_setting_is_answered_with_those_like_it(void **state)
{
    (void)state;
    assert_string_equal(type("conf set mqtt_prot 443"),
                        "No setting 'mqtt_prot': see 'conf get'. Did you mean mqtt_port?\n");
    assert_string_equal(type("conf get wifi"),
                        "No setting 'wifi': see 'conf get'. Did you mean wifi_ssid, "
                        "wifi_credential?\n");
    assert_string_equal(type("conf help lamp_pim"),
                        "No setting 'lamp_pim': see 'conf get'. Did you mean lamp_pin?\n");
}

static void a_commit_that_fails_says_so(void **state)
{
    (void)state;
    type("conf set thing_name a");
    flash.device.fail_reads = true;
    assert_non_null(strstr(type("conf commit"), "Saving the configuration failed: flash"));
    flash.device.fail_reads = false;
    assert_string_equal(type("conf commit"), "Configuration saved to NVM.\n");
}

static void provision_key_and_certificate(char pem[PKI_PEM_MAX])
{
    type("conf set thing_name my_thing");
    type("conf commit");
    type("pki generate key");
    strcpy(pem, type("pki generate cert"));
}

static void a_key_pair_is_made_as_in_the_reference(void **state)
{
    (void)state;
    const char *said = type("pki generate key");
    static const char expected[] = "SUCCESS: Key pair generated and stored in\n"
                                   "Private Key Label: tls_key_priv\n"
                                   "Public Key Label: tls_key_pub\n"
                                   "-----BEGIN PUBLIC KEY-----\n";
    assert_memory_equal(said, expected, sizeof expected - 1);
    assert_non_null(strstr(said, "\n-----END PUBLIC KEY-----\n"));
    assert_int_equal(changes, 1);
}

static void a_certificate_needs_a_name_and_a_key_first(void **state)
{
    (void)state;
    assert_non_null(strstr(type("pki generate cert"),
                           "type 'conf set thing_name <name>' and 'conf commit' first."));
    type("conf set thing_name a");
    type("conf commit");
    assert_non_null(strstr(type("pki generate cert"), "type 'pki generate key' first."));
    type("pki generate key");
    const char *said = type("pki generate cert");
    assert_memory_equal(said, "-----BEGIN CERTIFICATE-----\n", 28);
    assert_non_null(strstr(said, "\n-----END CERTIFICATE-----\n"));
    assert_true(strlen(said) > 400);
}

static void a_name_too_long_for_a_certificate_is_explained(void **state)
{
    (void)state;
    char line[128] = "conf set thing_name ";
    memset(line + strlen(line), 'n', 65);
    type(line);
    type("conf commit");
    type("pki generate key");
    assert_non_null(strstr(type("pki generate cert"), "thing_name must not exceed 64 characters."));
}

static void what_is_exported_can_be_imported(void **state)
{
    (void)state;
    char pem[PKI_PEM_MAX];
    provision_key_and_certificate(pem);
    changes = 0;
    type("pki import cert root_ca_cert");
    type(pem);
    assert_non_null(strstr(output, "SUCCESS: certificate stored in root_ca_cert\n"));
    assert_int_equal(changes, 1);
    assert_string_equal(type("pki export cert root_ca_cert"), pem);
    type("pki import key ota_signer_pub");
    type(pem);
    assert_non_null(strstr(output, "SUCCESS: public key stored in ota_signer_pub\n"));
}

static void a_request_is_shown_and_nothing_is_stored(void **state)
{
    (void)state;
    assert_non_null(strstr(type("pki generate csr"),
                           "No request made: type 'conf set thing_name <name>' and 'conf commit'"));
    type("conf set thing_name a");
    type("conf commit");
    assert_non_null(strstr(type("pki generate csr"), "type 'pki generate key' first."));
    type("pki generate key");
    changes = 0;
    const char *said = type("pki generate csr tls_key_priv -pem");
    assert_memory_equal(said, "-----BEGIN CERTIFICATE REQUEST-----\n", 36);
    assert_non_null(strstr(said, "\n-----END CERTIFICATE REQUEST-----\n"));
    assert_int_equal(changes, 0);
    assert_non_null(strstr(type("pki export cert"), "Nothing is stored in tls_cert"));
}

/* "both or neither" of the reference, and the one label that says it all. */
static void labels_may_be_given_as_in_the_reference_or_left_out(void **state)
{
    (void)state;
    char pem[PKI_PEM_MAX];
    static const char made[] = "Private Key Label: tls_key_priv\nPublic Key Label: tls_key_pub\n";
    assert_non_null(strstr(type("pki generate key tls_key_pub tls_key_priv"), made));
    assert_non_null(strstr(type("pki generate key tls_key_priv"), made));
    const char *said = type("pki generate key fleetprov_claim_key");
    assert_non_null(strstr(said, "Private Key Label: fleetprov_claim_key\n"));
    assert_null(strstr(said, "Public Key Label"));
    assert_non_null(strstr(type("pki generate key nobody"), "No label 'nobody'"));
    assert_non_null(strstr(type("pki generate key root_ca_cert"), "is not of a key pair"));
    type("conf set thing_name a");
    type("conf commit");
    strcpy(pem, type("pki generate cert tls_cert tls_key_priv"));
    assert_memory_equal(pem, "-----BEGIN CERTIFICATE-----\n", 28);
    assert_non_null(strstr(type("pki generate cert fleetprov_claim_key"), "No label is there"));
    assert_string_equal(type("pki export cert"), pem);
    assert_memory_equal(type("pki export key"), "-----BEGIN PUBLIC KEY-----\n", 27);
    type("pki import cert");
    type(pem);
    assert_non_null(strstr(output, "SUCCESS: certificate stored in tls_cert\n"));
    type("pki import key");
    type(pem);
    assert_non_null(strstr(output, "SUCCESS: public key stored in ota_signer_pub\n"));
    assert_non_null(strstr(type("pki generate"), "Wrong arguments: see 'help pki'."));
    assert_non_null(strstr(type("pki generate cow"), "Wrong arguments: see 'help pki'."));
    assert_non_null(strstr(type("pki import"), "Wrong arguments: see 'help pki'."));
    assert_non_null(strstr(type("pki import cert tls_cert x"), "Wrong arguments"));
}

static void interrupt(void)
{
    output_length = 0;
    console_input(&console, "\x03", 1);
}

static bool log_is_shown(void)
{
    output_length = 0;
    output[0] = '\0';
    LOG_ERR("TEST", "an error");
    return strstr(output, "an error") != NULL;
}

static void after_ctrl_c_the_log_leaves_a_script_alone(void **state)
{
    (void)state;
    interrupt();
    assert_string_equal(output, "^C\nNo log until you type 'log', or nothing for 2 "
                                "minutes.\n> ");
    assert_false(log_is_shown());
    now += CONSOLE_QUIET_MS - 1;
    console_tick(&console, now);
    type("version"); /* begins the wait anew */
    now += CONSOLE_QUIET_MS - 1;
    console_tick(&console, now);
    assert_false(log_is_shown());
    now += 1;
    console_tick(&console, now);
    assert_true(log_is_shown());
    assert_int_equal(log_level(), LOG_LEVEL_INF);
    interrupt();
    interrupt();
    assert_string_equal(type("log"), "log level: info\n");
    assert_true(log_is_shown());
}

static void ctrl_c_that_drops_a_line_or_finds_no_log_changes_nothing(void **state)
{
    (void)state;
    console_input(&console, "abc\x03", 4);
    assert_true(log_is_shown());
    type("log none");
    interrupt();
    assert_string_equal(output, "^C\n> ");
    assert_string_equal(type("log info"), "log level: info\n");
}

static void the_private_key_is_not_exported(void **state)
{
    (void)state;
    type("pki generate key");
    assert_string_equal(type("pki export key tls_key_priv"),
                        "tls_key_priv is not shown: a private key never leaves the device.\n");
}

static void a_paste_that_is_not_pem_gives_one_error(void **state)
{
    (void)state;
    type("pki import cert root_ca_cert");
    type("-----BEGIN CERTIFICATE-----\r\nreset\r\nreset\r\n-----END CERTIFICATE-----");
    const char *error = strstr(output, "root_ca_cert is unchanged: the text is not whole PEM;");
    assert_non_null(error);
    assert_null(strstr(error + 30, "unchanged"));
    assert_int_equal(resets, 0);
    type("pki import cert root_ca_cert");
    type("hello\r\n");
    assert_non_null(
        strstr(output, "root_ca_cert is unchanged: the text ended before its END line."));
    assert_non_null(
        strstr(type("pki export cert root_ca_cert"), "Nothing is stored in root_ca_cert"));
}

static void the_wrong_kind_of_object_is_explained(void **state)
{
    (void)state;
    char pem[PKI_PEM_MAX];
    provision_key_and_certificate(pem);
    assert_string_equal(type("pki import key root_ca_cert"),
                        "root_ca_cert is a certificate: use 'pki import cert root_ca_cert'.\n");
    type("pki import key tls_key_priv");
    type(pem);
    assert_non_null(
        strstr(output, "tls_key_priv is unchanged: it takes a private key of curve P-256"));
    assert_string_equal(type("pki import cert nonsense"), "No label 'nonsense': see 'pki list'.\n");
    assert_string_equal(type("pki export cert nonsense"), "No label 'nonsense': see 'pki list'.\n");
    assert_string_equal(type("pki import key tls_key"),
                        "No label 'tls_key': see 'pki list'. Did you "
                        "mean tls_key_priv, tls_key_pub?\n");
    assert_string_equal(type("pki import"), "Wrong arguments: see 'help pki'.\n");
    assert_string_equal(type("pki forget key tls_key_priv"), "Wrong arguments: see 'help pki'.\n");
}

static void the_list_shows_what_is_there(void **state)
{
    (void)state;
    char pem[PKI_PEM_MAX];
    assert_non_null(strstr(type("pki list"), "tls_cert             certificate not there\n"));
    provision_key_and_certificate(pem);
    assert_non_null(strstr(type("pki list"), "tls_key_pub          public key    91 bytes\n"));
    assert_null(strstr(type("pki list"), "tls_cert             certificate not there\n"));
}

static otter_status no_key(void *ctx, const struct pki_object *object, enum pki_algorithm algorithm,
                           struct pki_public *key)
{
    (void)ctx;
    (void)object;
    (void)algorithm;
    (void)key;
    return OTTER_E_CRYPTO;
}

static otter_status pulled_out(void *ctx, const struct pki_object *object, uint32_t *length)
{
    (void)ctx;
    (void)object;
    (void)length;
    return OTTER_E_IO;
}

static void a_key_that_cannot_be_reached_is_not_listed_as_missing(void **state)
{
    (void)state;
    static const struct pki_keys token = {.length = pulled_out};
    pki_init(&pki, &kv, &token, NULL);
    assert_non_null(
        strstr(type("pki list"), "tls_key_priv         private key input/output failed\n"));
}

static void a_board_may_make_its_keys_elsewhere(void **state)
{
    (void)state;
    static const struct pki_keys elsewhere = {.generate = no_key};
    pki_init(&pki, &kv, &elsewhere, NULL);
    assert_string_equal(type("pki generate key"),
                        "Making a key pair failed: cryptographic operation failed. "
                        "Nothing was changed; try again.\n");
    type("pki import key tls_key_priv");
    type("-----BEGIN PRIVATE KEY-----\r\nMAA=\r\n-----END PRIVATE KEY-----");
    assert_non_null(strstr(output, "tls_key_priv is unchanged: private keys are only made on this "
                                   "device; see 'pki generate key'.\n"));
}

#if OTTER_KEYS_RSA2048
static bool is_making(void)
{
    return console_deadline(&console, 5) == 5;
}

static void a_key_of_rsa_is_made_in_turns_while_the_line_waits(void **state)
{
    (void)state;
    uint32_t length;
    assert_non_null(strstr(type("pki generate key rsa2048"), "Looking for the primes"));
    assert_true(is_making());
    type("version"); /* too early */
    assert_string_equal(output, "");
    assert_int_equal(changes, 0);
    for (int i = 0; i < 20000 && is_making(); i++)
        console_tick(&console, 5);
    assert_false(is_making());
    assert_non_null(strstr(output, ".\nSUCCESS: Key pair generated and stored in\n"
                                   "Private Key Label: tls_key_priv\n"));
    assert_string_equal(strrchr(output, '\n'), "\n> ");
    assert_int_equal(changes, 1);
    assert_int_equal(pki_length(&pki, PKI_TLS_KEY_PUB, &length), OTTER_OK);
    assert_int_equal(length, 294);
}

static void ctrl_c_gives_up_a_key_of_rsa_and_the_old_one_stays(void **state)
{
    (void)state;
    uint32_t length;
    type("pki generate key");
    type("pki generate key rsa2048");
    for (int i = 0; i < 40; i++)
        console_tick(&console, 5);
    console_input(&console, "\x03", 1);
    console_tick(&console, 5);
    assert_false(is_making());
    assert_int_equal(pki_generate_more(&pki), OTTER_E_STATE);
    assert_string_equal(type("version"), "Otter firmware 1.0.0 on mps2-an505\n");
    assert_int_equal(pki_length(&pki, PKI_TLS_KEY_PUB, &length), OTTER_OK);
    assert_int_equal(length, 91);
}
#endif

static void the_small_commands_answer(void **state)
{
    (void)state;
    assert_string_equal(type("version"), "Otter firmware 1.0.0 on mps2-an505\n");
    assert_string_equal(type("uptime"), "up 2 day(s) 03:04:05.678\n");
    assert_non_null(strstr(type("stat"), "store      0 of "));
    assert_non_null(strstr(type("stat"), "\nstack 1234\n"));
    assert_string_equal(type("ota"), "Unknown command 'ota': see 'help'.\n");
    type("conf set thing_name abc");
    type("conf commit");
    const char *said = type("kv");
    assert_non_null(strstr(said, "conf/thing_name"));
    assert_non_null(strstr(said, "1 keys take "));
}

static void kv_shows_what_flash_has_lost(void **state)
{
    (void)state;
    type("conf set thing_name abcdefgh");
    type("conf commit");
    assert_null(strstr(type("kv"), "sector"));
    uint8_t *value = memmem(flash.device.data, flash.device.flash.size, "abcdefgh", 8);
    value[0] ^= 1;
    const char *said = type("kv");
    assert_non_null(strstr(said, "1 keys take"));
    assert_non_null(strstr(said, "conf/thing_name                 sector 1: one bit flipped"));
    assert_non_null(strstr(said, "1 records do not read as they were written."));
    value[4] ^= 1;
    assert_non_null(
        strstr(type("kv"), "conf/thing_name                 sector 1: DAMAGED, set it again"));
}

static void log_sets_what_is_shown(void **state)
{
    (void)state;
    assert_string_equal(type("log"), "log level: info\n");
    assert_string_equal(type("log none"), "log level: none\n");
    output_length = 0;
    output[0] = '\0';
    LOG_ERR("TEST", "an error");
    assert_string_equal(output, "");
    assert_string_equal(type("log error"), "log level: error\n");
    output_length = 0;
    LOG_WRN("TEST", "a warning");
    assert_null(strstr(output, "a warning"));
    LOG_ERR("TEST", "an error");
    assert_non_null(strstr(output, "an error"));
    assert_string_equal(type("log loud"), "Wrong arguments: see 'help log'.\n");
    assert_string_equal(type("log info"), "log level: info\n");
}

static void of_a_bundle_the_first_is_stored_and_the_rest_refused(void **state)
{
    (void)state;
    char pem[PKI_PEM_MAX];
    provision_key_and_certificate(pem);
    type("pki import cert root_ca_cert");
    type(pem);
    assert_non_null(strstr(output, "SUCCESS: certificate stored in root_ca_cert\n"));
    type(pem);
    assert_non_null(strstr(output, "Pasted text refused: no command asks for it."));
    assert_null(strstr(output, "Unknown command"));
}

static void reset_says_so_and_resets(void **state)
{
    (void)state;
    assert_string_equal(type("reset"), "Resetting device.\n");
    assert_int_equal(resets, 1);
    hooks.reset = NULL;
    assert_non_null(strstr(type("reset"), "Not supported on this board."));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_first_prompt_comes_at_start),
        TEST(help_lists_every_command_and_explains_each),
        TEST(a_setting_is_shown_set_and_committed_as_in_the_reference),
        TEST(conf_get_shows_all_and_says_what_is_not_saved),
        TEST(the_wifi_password_is_never_shown),
        TEST(a_wrong_setting_is_explained),
        TEST(settings_of_all_tables_are_explained_and_taken_alike),
        TEST(a_mistyped_setting_is_answered_with_those_like_it),
        TEST(a_commit_that_fails_says_so),
        TEST(a_key_pair_is_made_as_in_the_reference),
        TEST(a_certificate_needs_a_name_and_a_key_first),
        TEST(a_name_too_long_for_a_certificate_is_explained),
        TEST(what_is_exported_can_be_imported),
        TEST(a_request_is_shown_and_nothing_is_stored),
        TEST(labels_may_be_given_as_in_the_reference_or_left_out),
        TEST(after_ctrl_c_the_log_leaves_a_script_alone),
        TEST(ctrl_c_that_drops_a_line_or_finds_no_log_changes_nothing),
        TEST(the_private_key_is_not_exported),
        TEST(a_paste_that_is_not_pem_gives_one_error),
        TEST(the_wrong_kind_of_object_is_explained),
        TEST(the_list_shows_what_is_there),
        TEST(a_key_that_cannot_be_reached_is_not_listed_as_missing),
        TEST(a_board_may_make_its_keys_elsewhere),
#if OTTER_KEYS_RSA2048
        TEST(a_key_of_rsa_is_made_in_turns_while_the_line_waits),
        TEST(ctrl_c_gives_up_a_key_of_rsa_and_the_old_one_stays),
#endif
        TEST(the_small_commands_answer),
        TEST(kv_shows_what_flash_has_lost),
        TEST(log_sets_what_is_shown),
        TEST(of_a_bundle_the_first_is_stored_and_the_rest_refused),
        TEST(reset_says_so_and_resets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
