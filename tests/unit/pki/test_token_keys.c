/* Private keys in a PKCS#11 module that fails: a wrong PIN, a token that answers with errors, a
 * session that has died. */
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <cmocka.h>

#include "pki/pki.h"
#include "port/port.h"
#include "ports/posix/pkcs11_keys.h"
#include "tests/sim/nor_store.h"
#include "tests/unit/pki/shaky_token.h"
#include "tests/unit/pki/soft_token.h"

static struct nor_store store;
static struct kv kv;
static struct pki pki;
static struct shaky_token *token;

otter_ms port_now(void)
{
    return 0;
}

otter_status port_random(void *data, size_t length)
{
    return getrandom(data, length, 0) == (ssize_t)length ? OTTER_OK : OTTER_E_CRYPTO;
}

void port_log_write(const char *line, size_t length)
{
    printf("%.*s\n", (int)length, line);
}

static int set_up(void **state)
{
    (void)state;
    memset(token, 0, sizeof *token);
    setenv("OTTER_PKCS11_PIN", "1234", 1);
    pkcs11_keys_close();
    assert_int_equal(nor_store_open(&store, NOR_STORE_SECTORS, &kv), OTTER_OK);
    pki_init(&pki, &kv, &pkcs11_keys, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return !nor_store_close(&store);
}

static otter_status ask(void)
{
    uint32_t length;
    return pki_length(&pki, PKI_TLS_KEY_PRIV, &length);
}

static otter_status sign(void)
{
    static const uint8_t digest[32] = {1};
    struct pki_signature signature;
    return pki_sign(&pki, PKI_TLS_KEY_PRIV, digest, sizeof digest, &signature);
}

/* A smart card locks itself after three. */
static void a_refused_pin_is_tried_once(void **state)
{
    (void)state;
    setenv("OTTER_PKCS11_PIN", "9999", 1);
    for (int i = 0; i < 5; i++)
        assert_int_equal(ask(), OTTER_E_CRYPTO);
    assert_int_equal(token->logins, 1);
    setenv("OTTER_PKCS11_PIN", "99999", 1);
    assert_int_equal(ask(), OTTER_E_CRYPTO);
    assert_int_equal(ask(), OTTER_E_CRYPTO);
    assert_int_equal(token->logins, 2);
    setenv("OTTER_PKCS11_PIN", "1234", 1);
    assert_int_equal(pki_generate_key(&pki, PKI_TLS_KEY_PRIV), OTTER_OK);
    assert_int_equal(token->logins, 3);
    assert_int_equal(sign(), OTTER_OK);
    assert_int_equal(token->logins, 3);
}

/* A person who is told that there is none makes another, and the device's certificate is lost. */
static void a_token_that_cannot_say_is_not_one_without_a_key(void **state)
{
    (void)state;
    static const CK_RV errors[] = {CKR_GENERAL_ERROR, CKR_FUNCTION_FAILED, CKR_DEVICE_ERROR,
                                   CKR_SESSION_HANDLE_INVALID, CKR_HOST_MEMORY};
    assert_int_equal(pki_generate_key(&pki, PKI_TLS_KEY_PRIV), OTTER_OK);
    for (unsigned i = 0; i < 2 * sizeof errors / sizeof *errors; i++) {
        token->find_init_error = i % 2 == 0 ? errors[i / 2] : CKR_OK;
        token->find_error = i % 2 == 0 ? CKR_OK : errors[i / 2];
        assert_int_equal(ask(), OTTER_OK);
        token->dead = token->session;
        assert_int_equal(ask(), OTTER_E_CRYPTO);
        assert_int_equal(ask(), OTTER_OK); /* in another session */
        struct pki_public key;
        token->dead = token->session;
        assert_int_equal(pki_public_key(&pki, PKI_TLS_KEY_PRIV, &key), OTTER_E_CRYPTO);
        assert_int_equal(pki_public_key(&pki, PKI_TLS_KEY_PRIV, &key), OTTER_OK);
    }
}

static void a_session_that_has_died_is_followed_by_another(void **state)
{
    (void)state;
    static const CK_RV errors[] = {CKR_GENERAL_ERROR, CKR_FUNCTION_FAILED, CKR_DEVICE_REMOVED,
                                   CKR_OBJECT_HANDLE_INVALID, CKR_KEY_HANDLE_INVALID};
    assert_int_equal(pki_generate_key(&pki, PKI_TLS_KEY_PRIV), OTTER_OK);
    for (unsigned i = 0; i < sizeof errors / sizeof *errors; i++) {
        token->sign_error = errors[i];
        token->dead = token->session;
        assert_int_equal(sign(), OTTER_E_CRYPTO);
        assert_int_equal(sign(), OTTER_OK);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_refused_pin_is_tried_once),
        TEST(a_token_that_cannot_say_is_not_one_without_a_key),
        TEST(a_session_that_has_died_is_followed_by_another),
    };
    void *library = dlopen(SHAKY_TOKEN, RTLD_NOW | RTLD_LOCAL);
    token = library != NULL ? dlsym(library, "shaky_token") : NULL;
    if (token == NULL)
        return 1;
    if (!soft_token_make())
        return 77;
    setenv("OTTER_PKCS11_MODULE", SHAKY_TOKEN, 1);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    soft_token_remove();
    return failed;
}
