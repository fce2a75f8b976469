/* Contents in pieces, and what becomes of those that nobody keeps; see contents.h. */
#include "cloud/core/account/contents.h"

#include <openssl/evp.h>
#include <string.h>

#include "cloud/core/ground/names.h"
#include "cloud/store/db.h"

#define SWEEP_PIECES 4
#define DIGEST_SIZE  32

/* ---- writing ---- */

int64_t content_begin(struct cloud *cloud)
{
    if (db_run(cloud->db, "INSERT INTO contents(state) VALUES(0)", "") != OTTER_OK)
        return 0;
    return db_inserted(cloud->db);
}

/* The id of a piece with these bytes, which is there or made; 0 when the database failed. */
static int64_t find_or_add(struct cloud *cloud, const void *bytes, size_t size,
                           const unsigned char digest[DIGEST_SIZE])
{
    int64_t piece = db_number(cloud->db, "SELECT id FROM pieces WHERE digest = ?", "b", digest,
                              (size_t)DIGEST_SIZE);
    if (piece != 0)
        return piece;
    if (db_run(cloud->db, "INSERT INTO pieces(bytes, digest) VALUES(?, ?)", "bb", bytes, size,
               digest, (size_t)DIGEST_SIZE) != OTTER_OK)
        return 0;
    return db_inserted(cloud->db);
}

static otter_status add_piece(struct cloud *cloud, int64_t content, int64_t start,
                              const void *bytes, size_t size,
                              const unsigned char digest[DIGEST_SIZE])
{
    int64_t piece = find_or_add(cloud, bytes, size, digest);
    if (piece == 0)
        return OTTER_E_IO;
    return db_run(cloud->db, "INSERT INTO spans(content, start, size, piece) VALUES(?, ?, ?, ?)",
                  "iiii", content, start, (int64_t)size, piece);
}

otter_status content_add(struct cloud *cloud, int64_t content, int64_t start, const void *bytes,
                         size_t size)
{
    unsigned char digest[DIGEST_SIZE];
    otter_status status = OTTER_OK;
    for (size_t at = 0; at < size && status == OTTER_OK;) {
        size_t part = size - at < CONTENT_PIECE ? size - at : CONTENT_PIECE;
        const char *piece = (const char *)bytes + at;
        if (EVP_Digest(piece, part, digest, NULL, EVP_sha256(), NULL) != 1)
            return OTTER_E_CRYPTO;
        status = add_piece(cloud, content, start + (int64_t)at, piece, part, digest);
        at += part;
    }
    return status;
}

otter_status content_add_known(struct cloud *cloud, int64_t content, const void *bytes, size_t size,
                               const char *sha256)
{
    unsigned char digest[DIGEST_SIZE];
    hex_decode(digest, sha256, sizeof digest);
    return add_piece(cloud, content, 0, bytes, size, digest);
}

otter_status content_join(struct cloud *cloud, int64_t content, int64_t start, int64_t other)
{
    return db_run(cloud->db,
                  "INSERT INTO spans(content, start, size, piece)"
                  " SELECT ?, start + ?, size, piece FROM spans WHERE content = ?",
                  "iii", content, start, other);
}

otter_status content_keep(struct cloud *cloud, int64_t content)
{
    return db_run(cloud->db, "UPDATE contents SET state = 1 WHERE id = ?", "i", content);
}

otter_status content_drop(struct cloud *cloud, int64_t content)
{
    return db_run(cloud->db, "UPDATE contents SET state = 2 WHERE id = ? AND state = 0", "i",
                  content);
}

/* ---- reading ---- */

/* Reads up to the end of the piece at `offset`; 0 when there is none. */
static size_t read_piece(struct cloud *cloud, int64_t content, int64_t offset, void *bytes,
                         size_t size)
{
    struct db_rows *rows = db_select(cloud->db,
                                     "SELECT s.start, p.bytes FROM spans s JOIN pieces p"
                                     " ON p.id = s.piece WHERE s.content = ? AND s.start <= ?"
                                     " ORDER BY s.start DESC LIMIT 1",
                                     "ii", content, offset);
    size_t done = 0, there;
    if (db_next(rows)) {
        size_t from = (size_t)(offset - db_int(rows, 0));
        const char *piece = db_bytes(rows, 1, &there);
        if (from < there) {
            done = there - from < size ? there - from : size;
            memcpy(bytes, piece + from, done);
        }
    }
    db_done(rows);
    return done;
}

bool content_read(struct cloud *cloud, int64_t content, int64_t offset, void *bytes, size_t size)
{
    for (size_t at = 0; at < size;) {
        size_t done =
            read_piece(cloud, content, offset + (int64_t)at, (char *)bytes + at, size - at);
        if (done == 0)
            return false;
        at += done;
    }
    return true;
}

/* ---- holding ---- */

void content_hold(struct cloud *cloud, struct content_hold *hold, int64_t content)
{
    hold->content = content;
    hold->next = cloud->holds;
    hold->link = &cloud->holds;
    if (hold->next)
        hold->next->link = &hold->next;
    cloud->holds = hold;
}

void content_release(struct content_hold *hold)
{
    if (!hold->link)
        return;
    *hold->link = hold->next;
    if (hold->next)
        hold->next->link = hold->link;
    *hold = (struct content_hold){0};
}

static bool is_held(const struct cloud *cloud, int64_t content)
{
    const struct content_hold *hold = cloud->holds;
    while (hold && hold->content != content)
        hold = hold->next;
    return hold != NULL;
}

/* ---- garbage ---- */

void content_recover(struct cloud *cloud)
{
    db_run(cloud->db, "UPDATE contents SET state = 2 WHERE state = 0", "");
}

static otter_status sweep_span(struct cloud *cloud, int64_t content, int64_t start, int64_t piece)
{
    otter_status status = db_run(cloud->db, "DELETE FROM spans WHERE content = ? AND start = ?",
                                 "ii", content, start);
    if (status == OTTER_OK &&
        db_number(cloud->db, "SELECT COUNT(*) FROM spans WHERE piece = ?", "i", piece) == 0)
        status = db_run(cloud->db, "DELETE FROM pieces WHERE id = ?", "i", piece);
    return status;
}

static bool sweep_one(struct cloud *cloud, int64_t content)
{
    struct db_rows *rows = db_select(
        cloud->db, "SELECT start, piece FROM spans WHERE content = ? LIMIT 1", "i", content);
    bool found = db_next(rows);
    int64_t start = found ? db_int(rows, 0) : 0, piece = found ? db_int(rows, 1) : 0;
    db_done(rows);
    if (found)
        return sweep_span(cloud, content, start, piece) == OTTER_OK;
    return db_run(cloud->db, "DELETE FROM contents WHERE id = ?", "i", content) == OTTER_OK;
}

/* The first that nobody reads; 0: none. */
static int64_t find_garbage(struct cloud *cloud)
{
    struct db_rows *rows =
        db_select(cloud->db, "SELECT id FROM contents WHERE state = 2 ORDER BY id", "");
    int64_t found = 0;
    while (!found && db_next(rows)) {
        int64_t content = db_int(rows, 0);
        found = is_held(cloud, content) ? 0 : content;
    }
    db_done(rows);
    return found;
}

bool content_sweep(struct cloud *cloud)
{
    bool more = true;
    for (int i = 0; i < SWEEP_PIECES && more; i++) {
        int64_t content = find_garbage(cloud);
        more = content && sweep_one(cloud, content);
    }
    return more;
}
