/* The access keys of users; see users.h. */
#include <stdio.h>
#include <string.h>

#include "cloud/core/account/users_internal.h"
#include "cloud/core/ground/names.h"
#include "cloud/store/db.h"

#define KEYS_MAX 2 /* of a user, as in IAM */

enum core_error access_key_create(struct cloud *cloud, const char *user, struct answer *answer)
{
    struct credentials pair;
    enum core_error error = users_need(cloud, user, answer);
    if (error)
        return error;
    if (db_number(cloud->db, "SELECT COUNT(*) FROM access_keys WHERE user = ?", "s", user) >=
        KEYS_MAX)
        return answer_refuse(answer, CORE_LIMIT, "Cannot exceed quota for AccessKeysPerUser: %d",
                             KEYS_MAX);
    credentials_random(&pair);
    if (db_run(cloud->db, "INSERT INTO access_keys(id, user, secret, created) VALUES(?, ?, ?, ?)",
               "sssi", pair.key_id, user, pair.secret, cloud_now(cloud)) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    answer->body = json_pack("{s:{s:s,s:s,s:s,s:s,s:I}}", "AccessKey", "UserName", user,
                             "AccessKeyId", pair.key_id, "Status", "Active", "SecretAccessKey",
                             pair.secret, "CreateDate", (json_int_t)cloud_now(cloud));
    return CORE_OK;
}

enum core_error access_key_list(struct cloud *cloud, const char *user, struct answer *answer)
{
    enum core_error error = users_need(cloud, user, answer);
    if (error)
        return error;
    json_t *keys = json_array();
    struct db_rows *rows =
        db_select(cloud->db,
                  "SELECT id, active, created FROM access_keys WHERE user = ? ORDER BY created, id",
                  "s", user);
    while (db_next(rows))
        json_array_append_new(keys, json_pack("{s:s,s:s,s:s,s:I}", "UserName", user, "AccessKeyId",
                                              db_text(rows, 0), "Status",
                                              db_int(rows, 1) ? "Active" : "Inactive", "CreateDate",
                                              (json_int_t)db_int(rows, 2)));
    db_done(rows);
    answer->body = json_pack("{s:o,s:b}", "AccessKeyMetadata", keys, "IsTruncated", 0);
    return CORE_OK;
}

/* What a statement about one key of one user came to. */
static enum core_error changed(struct cloud *cloud, otter_status status, const char *id,
                               struct answer *answer)
{
    if (status != OTTER_OK)
        return answer_db_failed(cloud, answer);
    if (db_changes(cloud->db) > 0)
        return CORE_OK;
    return answer_refuse(answer, CORE_NOT_FOUND, "The Access Key with id %.40s cannot be found.",
                         id ? id : "(none)");
}

enum core_error access_key_update(struct cloud *cloud, const char *user, const char *id,
                                  const char *status, struct answer *answer)
{
    bool active = status && strcmp(status, "Active") == 0;
    enum core_error error = users_need(cloud, user, answer);
    if (error)
        return error;
    if (!active && (!status || strcmp(status, "Inactive") != 0))
        return answer_refuse(answer, CORE_INVALID_REQUEST, "Status must be Active or Inactive.");
    return changed(cloud,
                   db_run(cloud->db, "UPDATE access_keys SET active = ? WHERE id = ? AND user = ?",
                          "iss", (int64_t)active, id, user),
                   id, answer);
}

enum core_error access_key_delete(struct cloud *cloud, const char *user, const char *id,
                                  struct answer *answer)
{
    enum core_error error = users_need(cloud, user, answer);
    return error ? error
                 : changed(cloud,
                           db_run(cloud->db, "DELETE FROM access_keys WHERE id = ? AND user = ?",
                                  "ss", id, user),
                           id, answer);
}

bool access_key_find(struct cloud *cloud, const char *key_id, struct access_key *found)
{
    const struct credentials *own = credentials_find(cloud, key_id);
    *found = (struct access_key){.user = ""};
    if (own) {
        found->pair = *own;
        return true;
    }
    struct db_rows *rows =
        db_select(cloud->db, "SELECT id, secret, user FROM access_keys WHERE id = ? AND active = 1",
                  "s", key_id);
    bool there = db_next(rows);
    if (there) {
        snprintf(found->pair.key_id, sizeof found->pair.key_id, "%s", db_text(rows, 0));
        snprintf(found->pair.secret, sizeof found->pair.secret, "%s", db_text(rows, 1));
        snprintf(found->user, sizeof found->user, "%s", db_text(rows, 2));
    }
    db_done(rows);
    return there;
}
