/* Users: made, shown, ended; see users.h. */
#include "cloud/core/account/users.h"

#include <stdio.h>
#include <string.h>

#include "cloud/core/account/iam_internal.h"
#include "cloud/core/account/users_internal.h"
#include "cloud/store/db.h"

void user_arn(struct cloud *cloud, const char *user, char arn[200])
{
    char path[129] = "/";
    struct db_rows *rows = db_select(cloud->db, "SELECT path FROM users WHERE name = ?", "s", user);
    if (db_next(rows))
        snprintf(path, sizeof path, "%s", db_text(rows, 0));
    db_done(rows);
    if (*user)
        snprintf(arn, 200, "%.199s", iam_arn(cloud, "user", path, user).text);
    else
        snprintf(arn, 200, "arn:aws:iam::%s:root", cloud->account);
}

static json_t *describe(struct cloud *cloud, struct db_rows *row)
{
    return json_pack("{s:s,s:s,s:s,s:s,s:I}", "Path", db_text(row, 2), "UserName", db_text(row, 0),
                     "UserId", db_text(row, 1), "Arn",
                     iam_arn(cloud, "user", db_text(row, 2), db_text(row, 0)).text, "CreateDate",
                     (json_int_t)db_int(row, 3));
}

enum core_error user_get(struct cloud *cloud, const char *name, struct answer *answer)
{
    char arn[200];
    if (name && !*name) {
        user_arn(cloud, "", arn);
        answer->body =
            json_pack("{s:{s:s,s:s,s:s,s:s,s:I}}", "User", "Path", "/", "UserName", "root",
                      "UserId", cloud->account, "Arn", arn, "CreateDate", (json_int_t)0);
        return CORE_OK;
    }
    struct db_rows *rows =
        db_select(cloud->db, "SELECT name, id, path, created FROM users WHERE name = ?", "s", name);
    if (db_next(rows))
        answer->body = json_pack("{s:o}", "User", describe(cloud, rows));
    db_done(rows);
    return answer->body
               ? CORE_OK
               : answer_refuse(answer, CORE_NOT_FOUND, "The user with name %.64s cannot be found.",
                               name ? name : "(none)");
}

enum core_error users_need(struct cloud *cloud, const char *name, struct answer *answer)
{
    enum core_error error =
        name && !*name ? answer_refuse(answer, CORE_INVALID_REQUEST, "UserName must be given.")
                       : user_get(cloud, name, answer);
    if (error == CORE_OK)
        answer_free(answer);
    return error;
}

enum core_error user_create(struct cloud *cloud, const char *name, const char *path,
                            struct answer *answer)
{
    char id[32];
    enum core_error error = iam_check_names(name, USER_NAME_MAX, path ? path : "/", answer);
    if (error)
        return error;
    iam_id(id, "AIDA");
    otter_status status =
        db_run(cloud->db, "INSERT INTO users(name, id, path, created) VALUES(?, ?, ?, ?)", "sssi",
               name, id, path ? path : "/", cloud_now(cloud));
    if (status == OTTER_E_STATE)
        return answer_refuse(answer, CORE_EXISTS, "User with name %s already exists.", name);
    return status == OTTER_OK ? user_get(cloud, name, answer) : answer_db_failed(cloud, answer);
}

enum core_error user_delete(struct cloud *cloud, const char *name, struct answer *answer)
{
    enum core_error error = users_need(cloud, name, answer);
    if (error)
        return error;
    if (db_number(cloud->db, "SELECT COUNT(*) FROM access_keys WHERE user = ?", "s", name) > 0)
        return answer_refuse(answer, CORE_DELETE_CONFLICT,
                             "Cannot delete entity, must delete access keys first.");
    if (db_number(cloud->db, "SELECT COUNT(*) FROM user_policies WHERE user = ?", "s", name) > 0)
        return answer_refuse(answer, CORE_DELETE_CONFLICT,
                             "Cannot delete entity, must detach all policies first.");
    if (db_run(cloud->db, "DELETE FROM users WHERE name = ?", "s", name) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    cloud_user_changed(cloud, name);
    return CORE_OK;
}

enum core_error user_list(struct cloud *cloud, struct answer *answer)
{
    json_t *users = json_array();
    struct db_rows *rows =
        db_select(cloud->db, "SELECT name, id, path, created FROM users ORDER BY name", "");
    while (db_next(rows))
        json_array_append_new(users, describe(cloud, rows));
    db_done(rows);
    answer->body = json_pack("{s:o,s:b}", "Users", users, "IsTruncated", 0);
    return CORE_OK;
}
