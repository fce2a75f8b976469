/* Tokens and cookies; see logins.h. */
#include "cloud/page/logins.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cloud/core/ground/names.h"
#include "cloud/core/ground/whole_file.h"

#define PATH_SIZE 600

static bool token_path(const char *dir, char path[PATH_SIZE])
{
    return snprintf(path, PATH_SIZE, "%s/page-token", dir) < PATH_SIZE;
}

static bool is_same(const char *a, const char *b)
{
    return CRYPTO_memcmp(a, b, VISITOR_SECRET_SIZE - 1) == 0;
}

bool logins_new_token(const char *dir, char token[VISITOR_SECRET_SIZE])
{
    char path[PATH_SIZE];
    random_text(token, VISITOR_SECRET_SIZE - 1, "0123456789abcdef");
    return token_path(dir, path) && whole_file_write(path, token);
}

static bool read_token(const char *path, char token[VISITOR_SECRET_SIZE])
{
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    const size_t size = fread(token, 1, VISITOR_SECRET_SIZE - 1, file);
    token[size] = '\0';
    fclose(file);
    return visitor_secret_valid(token);
}

static struct login *oldest(struct logins *logins)
{
    struct login *found = &logins->all[0];
    for (unsigned i = 1; i < LOGINS_MAX; i++) {
        if (logins->all[i].seen < found->seen)
            found = &logins->all[i];
    }
    return found;
}

bool logins_begin(struct logins *logins, const char *dir, const char *token, int64_t now,
                  char secret[VISITOR_SECRET_SIZE])
{
    char path[PATH_SIZE], wanted[VISITOR_SECRET_SIZE];
    if (!visitor_secret_valid(token) || !token_path(dir, path) || !read_token(path, wanted) ||
        !is_same(token, wanted) || unlink(path) != 0)
        return false;
    struct login *login = oldest(logins);
    random_text(login->secret, VISITOR_SECRET_SIZE - 1, "0123456789abcdef");
    login->seen = now;
    strcpy(secret, login->secret);
    return true;
}

static struct login *find(struct logins *logins, const char *secret)
{
    struct login *found = NULL;
    for (unsigned i = 0; i < LOGINS_MAX; i++) {
        if (logins->all[i].secret[0] && is_same(logins->all[i].secret, secret))
            found = &logins->all[i];
    }
    return found;
}

bool logins_know(struct logins *logins, const char *secret, int64_t now)
{
    struct login *login = visitor_secret_valid(secret) ? find(logins, secret) : NULL;
    if (!login)
        return false;
    if (now - login->seen > LOGINS_KEPT_S) {
        *login = (struct login){0};
        return false;
    }
    login->seen = now;
    return true;
}

void logins_end(struct logins *logins, const char *secret)
{
    struct login *login = visitor_secret_valid(secret) ? find(logins, secret) : NULL;
    if (login)
        *login = (struct login){0};
}
