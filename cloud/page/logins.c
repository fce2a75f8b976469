/* Tokens and cookies; see logins.h. */
#include "cloud/page/logins.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cloud/core/account/sigv4_key.h"
#include "cloud/core/ground/log.h"
#include "cloud/core/ground/names.h"
#include "cloud/core/ground/whole_file.h"

#define PATH_SIZE 600
#define LINE_SIZE 100 /* "DIGEST SECONDS\n" */

static bool path_of(const char *dir, const char *name, char path[PATH_SIZE])
{
    return snprintf(path, PATH_SIZE, "%s/%s", dir, name) < PATH_SIZE;
}

static bool is_same(const char *a, const char *b)
{
    return CRYPTO_memcmp(a, b, VISITOR_SECRET_SIZE - 1) == 0;
}

bool logins_new_token(const char *dir, int64_t now, char token[VISITOR_SECRET_SIZE])
{
    char path[PATH_SIZE], line[LINE_SIZE];
    random_text(token, VISITOR_SECRET_SIZE - 1, "0123456789abcdef");
    snprintf(line, sizeof line, "%s %lld\n", token, (long long)now);
    return path_of(dir, "page-token", path) && whole_file_write(path, line);
}

/* "SECRET SECONDS" */
static bool read_line(FILE *file, char secret[VISITOR_SECRET_SIZE], int64_t *seconds)
{
    char line[LINE_SIZE];
    if (!fgets(line, sizeof line, file))
        return false;
    char *space = strchr(line, ' ');
    if (!space)
        return false;
    *space = '\0';
    *seconds = strtoll(space + 1, NULL, 10);
    if (!visitor_secret_valid(line))
        return false;
    strcpy(secret, line);
    return true;
}

static bool read_token(const char *path, char token[VISITOR_SECRET_SIZE], int64_t *made)
{
    FILE *file = fopen(path, "r");
    bool good = file && read_line(file, token, made);
    if (file)
        fclose(file);
    return good;
}

/* ---- the file ---- */

/* Who was seen last is only that old in the file; without the file they end with the cloud. */
static void note(struct logins *logins, int64_t now)
{
    char path[PATH_SIZE], text[LOGINS_MAX * LINE_SIZE + 1] = "";
    size_t size = 0;
    for (unsigned i = 0; i < LOGINS_MAX; i++) {
        const struct login *login = &logins->all[i];
        if (login->digest[0])
            size += (size_t)snprintf(text + size, LINE_SIZE, "%s %lld\n", login->digest,
                                     (long long)login->seen);
    }
    logins->noted = now;
    if (path_of(logins->dir, "page-logins", path) && !whole_file_write(path, text))
        cloud_log("page", "cannot write %s: the browsers are to log in again after a restart",
                  path);
}

void logins_open(struct logins *logins, const char *dir)
{
    char path[PATH_SIZE];
    *logins = (struct logins){.dir = dir};
    FILE *file = path_of(dir, "page-logins", path) ? fopen(path, "r") : NULL;
    for (unsigned i = 0; file && i < LOGINS_MAX; i++)
        if (!read_line(file, logins->all[i].digest, &logins->all[i].seen))
            break;
    if (file)
        fclose(file);
}

/* ---- in and out ---- */

static struct login *oldest(struct logins *logins)
{
    struct login *found = &logins->all[0];
    for (unsigned i = 1; i < LOGINS_MAX; i++) {
        if (logins->all[i].seen < found->seen)
            found = &logins->all[i];
    }
    return found;
}

bool logins_begin(struct logins *logins, const char *token, int64_t now,
                  char secret[VISITOR_SECRET_SIZE])
{
    char path[PATH_SIZE], wanted[VISITOR_SECRET_SIZE];
    int64_t made;
    if (!visitor_secret_valid(token) || !path_of(logins->dir, "page-token", path) ||
        !read_token(path, wanted, &made) || !is_same(token, wanted) || unlink(path) != 0 ||
        now - made > LOGINS_LINK_S)
        return false;
    struct login *login = oldest(logins);
    random_text(secret, VISITOR_SECRET_SIZE - 1, "0123456789abcdef");
    sigv4_hash(secret, strlen(secret), login->digest);
    login->seen = now;
    note(logins, now);
    return true;
}

static struct login *find(struct logins *logins, const char *secret)
{
    struct login *found = NULL;
    char digest[VISITOR_SECRET_SIZE];
    sigv4_hash(secret, strlen(secret), digest);
    for (unsigned i = 0; i < LOGINS_MAX; i++) {
        if (logins->all[i].digest[0] && is_same(logins->all[i].digest, digest))
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
    if (now - logins->noted >= LOGINS_NOTE_S)
        note(logins, now);
    return true;
}

void logins_end(struct logins *logins, const char *secret)
{
    struct login *login = visitor_secret_valid(secret) ? find(logins, secret) : NULL;
    if (!login)
        return;
    *login = (struct login){0};
    note(logins, logins->noted);
}
