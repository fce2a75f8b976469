/* A PKCS#11 token of SoftHSM; see soft_token.h. */
#include "tests/unit/pki/soft_token.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ports/posix/pkcs11_keys.h"

#define MODULE "/usr/lib/softhsm/libsofthsm2.so"

static char folder[64];

static int run(const char *command)
{
    char line[256];
    snprintf(line, sizeof line, command, folder, folder);
    return system(line);
}

bool soft_token_make(void)
{
    char file[80];
    if (access(MODULE, R_OK) != 0 || system("command -v softhsm2-util >/dev/null") != 0) {
        fprintf(stderr, "no SoftHSM here; install it with: apt-get install softhsm2\n");
        return false;
    }
    snprintf(folder, sizeof folder, "/tmp/otter-token-XXXXXX");
    if (mkdtemp(folder) == NULL || run("echo \"directories.tokendir = %s\" >%s/softhsm2.conf") != 0)
        return false;
    snprintf(file, sizeof file, "%s/softhsm2.conf", folder);
    setenv("SOFTHSM2_CONF", file, 1);
    setenv("OTTER_PKCS11_MODULE", MODULE, 1);
    setenv("OTTER_PKCS11_PIN", "1234", 1);
    return run("softhsm2-util --init-token --free --label otter --so-pin 1234 --pin 1234 "
               ">/dev/null") == 0;
}

void soft_token_remove(void)
{
    pkcs11_keys_close();
    run("rm -rf %s");
}
