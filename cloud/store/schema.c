/* Every table of the cloud in one place, and the way from each older form of them to this one.
 *
 * `tables` makes what a file of version 1 has, and tables that came later whole; what changes a
 * table that is there is a numbered migration below. A file goes through all that it has not seen
 * yet, in one transaction. What has landed is never edited: files of it are out there.
 *
 * Times are seconds since 1970 (UTC) unless the column ends in _ms. Columns named *_json hold
 * JSON as the API received it, kept whole where nothing in the cloud looks inside. */
#include "cloud/store/schema.h"

#include <stdio.h>

#define SCHEMA_VERSION 5

/* clang-format off */
static const char *const tables[] = {

/* ---- registry ---- */
"CREATE TABLE IF NOT EXISTS things("
" name TEXT PRIMARY KEY, id TEXT NOT NULL, type TEXT, attributes_json TEXT NOT NULL DEFAULT '{}',"
" version INTEGER NOT NULL DEFAULT 1, created INTEGER NOT NULL) WITHOUT ROWID",

/* deprecated: since when, 0 = it is not */
"CREATE TABLE IF NOT EXISTS thing_types("
" name TEXT PRIMARY KEY, id TEXT NOT NULL, properties_json TEXT NOT NULL,"
" deprecated INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL) WITHOUT ROWID",

/* id: lower-case hex SHA-256 of the DER form, what the gateway looks up in the TLS handshake */
"CREATE TABLE IF NOT EXISTS certificates("
" id TEXT PRIMARY KEY, pem TEXT NOT NULL, status TEXT NOT NULL, mode TEXT NOT NULL,"
" not_before INTEGER NOT NULL, not_after INTEGER NOT NULL,"
" created INTEGER NOT NULL, modified INTEGER NOT NULL) WITHOUT ROWID",

/* the service's own CA, which signs certificates for create-keys-and-certificate */
"CREATE TABLE IF NOT EXISTS authority("
" one INTEGER PRIMARY KEY CHECK(one = 1), certificate_pem TEXT NOT NULL, key_pem TEXT NOT NULL)",

"CREATE TABLE IF NOT EXISTS thing_principals("
" thing TEXT NOT NULL REFERENCES things(name), certificate TEXT NOT NULL REFERENCES certificates(id),"
" PRIMARY KEY(thing, certificate)) WITHOUT ROWID",
"CREATE INDEX IF NOT EXISTS thing_of_certificate ON thing_principals(certificate)",

"CREATE TABLE IF NOT EXISTS policies("
" name TEXT PRIMARY KEY, default_version INTEGER NOT NULL DEFAULT 1,"
" created INTEGER NOT NULL, modified INTEGER NOT NULL) WITHOUT ROWID",
"CREATE TABLE IF NOT EXISTS policy_versions("
" policy TEXT NOT NULL REFERENCES policies(name) ON DELETE CASCADE, version INTEGER NOT NULL,"
" document TEXT NOT NULL, created INTEGER NOT NULL, PRIMARY KEY(policy, version)) WITHOUT ROWID",
/* the highest number that a version ever had: none is given twice */
"CREATE TABLE IF NOT EXISTS policy_version_numbers("
" policy TEXT PRIMARY KEY REFERENCES policies(name) ON DELETE CASCADE, last INTEGER NOT NULL)"
" WITHOUT ROWID",
/* target: the ARN of a certificate */
"CREATE TABLE IF NOT EXISTS policy_targets("
" policy TEXT NOT NULL REFERENCES policies(name), target TEXT NOT NULL,"
" PRIMARY KEY(policy, target)) WITHOUT ROWID",
"CREATE INDEX IF NOT EXISTS policies_of_target ON policy_targets(target)",

/* ---- thing groups ---- */
"CREATE TABLE IF NOT EXISTS thing_groups("
" name TEXT PRIMARY KEY, id TEXT NOT NULL, parent TEXT REFERENCES thing_groups(name),"
" description TEXT, attributes_json TEXT NOT NULL DEFAULT '{}',"
" version INTEGER NOT NULL DEFAULT 1, created INTEGER NOT NULL) WITHOUT ROWID",
"CREATE INDEX IF NOT EXISTS children_of_group ON thing_groups(parent)",
/* direct membership only */
"CREATE TABLE IF NOT EXISTS thing_group_members("
" grp TEXT NOT NULL REFERENCES thing_groups(name) ON DELETE CASCADE,"
" thing TEXT NOT NULL REFERENCES things(name) ON DELETE CASCADE,"
" PRIMARY KEY(grp, thing)) WITHOUT ROWID",
"CREATE INDEX IF NOT EXISTS groups_of_thing ON thing_group_members(thing)",

/* ---- tags ---- */
/* resource: the part of its ARN after the account, such as job/fix-1 */
"CREATE TABLE IF NOT EXISTS tags("
" resource TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,"
" PRIMARY KEY(resource, key)) WITHOUT ROWID",

/* ---- MQTT ---- */
/* the filters of persistent sessions, which themselves are the broker's: an array of strings */
"CREATE TABLE IF NOT EXISTS mqtt_sessions("
" client TEXT PRIMARY KEY, filters_json TEXT NOT NULL) WITHOUT ROWID",

/* what the gateway saw last of a client id: whether it is connected, since when, why it left */
"CREATE TABLE IF NOT EXISTS presence("
" client TEXT PRIMARY KEY, connected INTEGER NOT NULL, at_ms INTEGER NOT NULL, reason TEXT)"
" WITHOUT ROWID",

/* ---- shadows ---- */
/* name '': the classic one; state_json NULL: deleted, its version is kept */
"CREATE TABLE IF NOT EXISTS shadows("
" thing TEXT NOT NULL, name TEXT NOT NULL, state_json TEXT, metadata_json TEXT NOT NULL,"
" version INTEGER NOT NULL, updated INTEGER NOT NULL, PRIMARY KEY(thing, name)) WITHOUT ROWID",

/* ---- messages ---- */
/* what is known of messages that the broker retains */
"CREATE TABLE IF NOT EXISTS retained("
" topic TEXT PRIMARY KEY, payload BLOB NOT NULL, qos INTEGER NOT NULL, modified_ms INTEGER NOT NULL)"
" WITHOUT ROWID",

/* ---- objects ---- */
"CREATE TABLE IF NOT EXISTS buckets("
" name TEXT PRIMARY KEY, versioning TEXT, created INTEGER NOT NULL) WITHOUT ROWID",

/* one row a version, rowid order = age; latest is kept by cloud/core/account/objects.c */
"CREATE TABLE IF NOT EXISTS objects("
" id INTEGER PRIMARY KEY AUTOINCREMENT, bucket TEXT NOT NULL REFERENCES buckets(name),"
" key TEXT NOT NULL, version_id TEXT NOT NULL, latest INTEGER NOT NULL,"
" delete_marker INTEGER NOT NULL DEFAULT 0, etag TEXT NOT NULL DEFAULT '',"
" size INTEGER NOT NULL DEFAULT 0, content_type TEXT, metadata_json TEXT, checksum TEXT,"
" modified_ms INTEGER NOT NULL, content BLOB, UNIQUE(bucket, key, version_id))",
"CREATE INDEX IF NOT EXISTS latest_objects ON objects(bucket, key) WHERE latest = 1",

"CREATE TABLE IF NOT EXISTS object_tags("
" object INTEGER PRIMARY KEY REFERENCES objects(id) ON DELETE CASCADE, tags_json TEXT NOT NULL)",

"CREATE TABLE IF NOT EXISTS uploads("
" id TEXT PRIMARY KEY, bucket TEXT NOT NULL REFERENCES buckets(name), key TEXT NOT NULL,"
" content_type TEXT, metadata_json TEXT, created INTEGER NOT NULL) WITHOUT ROWID",
"CREATE TABLE IF NOT EXISTS upload_parts("
" id INTEGER PRIMARY KEY, upload TEXT NOT NULL REFERENCES uploads(id) ON DELETE CASCADE,"
" number INTEGER NOT NULL, etag TEXT NOT NULL, size INTEGER NOT NULL, content BLOB NOT NULL,"
" UNIQUE(upload, number))",

/* ---- code signing ---- */
"CREATE TABLE IF NOT EXISTS acm_certificates("
" id TEXT PRIMARY KEY, certificate_pem TEXT NOT NULL, chain_pem TEXT, key_pem TEXT NOT NULL,"
" created INTEGER NOT NULL, imported INTEGER NOT NULL) WITHOUT ROWID",
"CREATE TABLE IF NOT EXISTS signing_profiles("
" name TEXT PRIMARY KEY, version TEXT NOT NULL, platform TEXT NOT NULL,"
" certificate_arn TEXT, parameters_json TEXT NOT NULL, status TEXT NOT NULL,"
" created INTEGER NOT NULL) WITHOUT ROWID",
"CREATE TABLE IF NOT EXISTS signing_jobs("
" id TEXT PRIMARY KEY, token TEXT UNIQUE, profile TEXT NOT NULL, profile_version TEXT NOT NULL,"
" platform TEXT NOT NULL, certificate_arn TEXT NOT NULL, parameters_json TEXT NOT NULL,"
" source_bucket TEXT NOT NULL, source_key TEXT NOT NULL, source_version TEXT NOT NULL,"
" signed_bucket TEXT NOT NULL, signed_key TEXT NOT NULL, status TEXT NOT NULL, reason TEXT,"
" signature TEXT, created INTEGER NOT NULL, completed INTEGER) WITHOUT ROWID",

/* ---- access ---- */
"CREATE TABLE IF NOT EXISTS roles("
" name TEXT PRIMARY KEY, id TEXT NOT NULL, path TEXT NOT NULL, trust_json TEXT NOT NULL,"
" description TEXT, session_s INTEGER NOT NULL, created INTEGER NOT NULL) WITHOUT ROWID",
/* document is NULL for an attached managed policy (policy = its ARN), else an inline policy */
"CREATE TABLE IF NOT EXISTS role_policies("
" role TEXT NOT NULL REFERENCES roles(name) ON DELETE CASCADE, policy TEXT NOT NULL, document TEXT,"
" PRIMARY KEY(role, policy)) WITHOUT ROWID",
"CREATE TABLE IF NOT EXISTS managed_policies("
" arn TEXT PRIMARY KEY, name TEXT NOT NULL, id TEXT NOT NULL, path TEXT NOT NULL,"
" document TEXT NOT NULL, description TEXT, created INTEGER NOT NULL) WITHOUT ROWID",
"CREATE TABLE IF NOT EXISTS users("
" name TEXT PRIMARY KEY, id TEXT NOT NULL, path TEXT NOT NULL, created INTEGER NOT NULL) WITHOUT ROWID",
/* as role_policies */
"CREATE TABLE IF NOT EXISTS user_policies("
" user TEXT NOT NULL REFERENCES users(name) ON DELETE CASCADE, policy TEXT NOT NULL, document TEXT,"
" PRIMARY KEY(user, policy)) WITHOUT ROWID",
/* active: 1, or 0 when it may not sign for now */
"CREATE TABLE IF NOT EXISTS access_keys("
" id TEXT PRIMARY KEY, user TEXT NOT NULL REFERENCES users(name), secret TEXT NOT NULL,"
" active INTEGER NOT NULL DEFAULT 1, created INTEGER NOT NULL) WITHOUT ROWID",
"CREATE INDEX IF NOT EXISTS access_keys_of_user ON access_keys(user)",

/* ---- fleet indexing: what is searched ---- */
"CREATE TABLE IF NOT EXISTS indexing(one INTEGER PRIMARY KEY CHECK(one = 1), config_json TEXT NOT NULL)",

/* ---- topic rules: rule_json as it came; replaced: when, 0 = never ---- */
"CREATE TABLE IF NOT EXISTS topic_rules("
" name TEXT PRIMARY KEY, rule_json TEXT NOT NULL, disabled INTEGER NOT NULL DEFAULT 0,"
" created INTEGER NOT NULL, replaced INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID",

/* ---- streams ---- */
"CREATE TABLE IF NOT EXISTS streams("
" id TEXT PRIMARY KEY, version INTEGER NOT NULL DEFAULT 1, description TEXT, role_arn TEXT,"
" created INTEGER NOT NULL, updated INTEGER NOT NULL) WITHOUT ROWID",
/* version is the object's version id, NULL = the latest when the block is asked for */
"CREATE TABLE IF NOT EXISTS stream_files("
" stream TEXT NOT NULL REFERENCES streams(id) ON DELETE CASCADE, file_id INTEGER NOT NULL,"
" bucket TEXT NOT NULL, key TEXT NOT NULL, version TEXT,"
" PRIMARY KEY(stream, file_id)) WITHOUT ROWID",

/* ---- device defender ---- */
"CREATE TABLE IF NOT EXISTS defender_metrics("
" name TEXT PRIMARY KEY, type TEXT NOT NULL, display TEXT, token TEXT NOT NULL,"
" created INTEGER NOT NULL, modified INTEGER NOT NULL) WITHOUT ROWID",
"CREATE TABLE IF NOT EXISTS defender_profiles("
" name TEXT PRIMARY KEY, version INTEGER NOT NULL DEFAULT 1, members_json TEXT NOT NULL,"
" created INTEGER NOT NULL, modified INTEGER NOT NULL) WITHOUT ROWID",
"CREATE TABLE IF NOT EXISTS defender_targets("
" profile TEXT NOT NULL REFERENCES defender_profiles(name) ON DELETE CASCADE,"
" target TEXT NOT NULL, PRIMARY KEY(target, profile)) WITHOUT ROWID",
/* the last report that was taken of each thing */
"CREATE TABLE IF NOT EXISTS defender_reports("
" thing TEXT PRIMARY KEY, report_id INTEGER NOT NULL, at_ms INTEGER NOT NULL) WITHOUT ROWID",
"CREATE TABLE IF NOT EXISTS defender_values("
" id INTEGER PRIMARY KEY, thing TEXT NOT NULL, metric TEXT NOT NULL, at_ms INTEGER NOT NULL,"
" value_json TEXT NOT NULL)",
"CREATE INDEX IF NOT EXISTS defender_values_of ON defender_values(thing, metric, at_ms)",
"CREATE INDEX IF NOT EXISTS defender_values_age ON defender_values(at_ms)",
/* see cloud/core/defender/defender_judge.c; what follows `violation` is that one's */
"CREATE TABLE IF NOT EXISTS defender_states("
" thing TEXT NOT NULL, profile TEXT NOT NULL, behavior TEXT NOT NULL, against INTEGER NOT NULL,"
" within INTEGER NOT NULL, violation TEXT UNIQUE, behavior_json TEXT, value_json TEXT,"
" started_ms INTEGER, last_ms INTEGER, verification TEXT, description TEXT,"
" PRIMARY KEY(thing, profile, behavior)) WITHOUT ROWID",
"CREATE TABLE IF NOT EXISTS defender_events("
" id INTEGER PRIMARY KEY, violation TEXT NOT NULL, thing TEXT NOT NULL, profile TEXT NOT NULL,"
" type TEXT NOT NULL, behavior_json TEXT NOT NULL, value_json TEXT NOT NULL,"
" at_ms INTEGER NOT NULL, verification TEXT NOT NULL, description TEXT)",
"CREATE INDEX IF NOT EXISTS defender_events_age ON defender_events(at_ms)",

/* ---- jobs ---- */
"CREATE TABLE IF NOT EXISTS jobs("
" id TEXT PRIMARY KEY, status TEXT NOT NULL, document TEXT NOT NULL, document_source TEXT,"
" description TEXT, targets_json TEXT NOT NULL, selection TEXT NOT NULL,"
" presigned_json TEXT, rollout_json TEXT, abort_json TEXT, timeout_json TEXT, retry_json TEXT,"
" timeout_minutes INTEGER NOT NULL DEFAULT 0, force_canceled INTEGER NOT NULL DEFAULT 0,"
" reason_code TEXT, comment TEXT, created INTEGER NOT NULL, updated INTEGER NOT NULL,"
" completed INTEGER) WITHOUT ROWID",
/* deadline: end of the in-progress timer, step_deadline: of the step timer; 0 = none */
"CREATE TABLE IF NOT EXISTS job_executions("
" id INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT NOT NULL REFERENCES jobs(id) ON DELETE CASCADE,"
" thing TEXT NOT NULL, number INTEGER NOT NULL DEFAULT 1, status TEXT NOT NULL,"
" details_json TEXT, version INTEGER NOT NULL DEFAULT 1, force_canceled INTEGER NOT NULL DEFAULT 0,"
" queued INTEGER NOT NULL, started INTEGER, updated INTEGER NOT NULL,"
" deadline INTEGER NOT NULL DEFAULT 0, step_deadline INTEGER NOT NULL DEFAULT 0,"
" UNIQUE(job, thing, number))",
"CREATE INDEX IF NOT EXISTS executions_of_thing ON job_executions(thing, status)",

/* which groups a job is for: whoever joins or leaves one of them concerns it */
"CREATE TABLE IF NOT EXISTS job_groups("
" grp TEXT NOT NULL, job TEXT NOT NULL REFERENCES jobs(id) ON DELETE CASCADE,"
" PRIMARY KEY(grp, job)) WITHOUT ROWID",
"CREATE INDEX IF NOT EXISTS groups_of_job ON job_groups(job)",
/* things whose turn in the roll-out has not come yet, in the order of id */
"CREATE TABLE IF NOT EXISTS job_waiting("
" id INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT NOT NULL REFERENCES jobs(id) ON DELETE CASCADE,"
" thing TEXT NOT NULL, UNIQUE(job, thing))",
"CREATE INDEX IF NOT EXISTS waiting_of_job ON job_waiting(job, id)",
"CREATE INDEX IF NOT EXISTS waiting_of_thing ON job_waiting(thing)",
/* members_json: those of CreateJobTemplate that a job takes over, its document included */
"CREATE TABLE IF NOT EXISTS job_templates("
" id TEXT PRIMARY KEY, description TEXT NOT NULL, members_json TEXT NOT NULL,"
" created INTEGER NOT NULL) WITHOUT ROWID",

/* events that someone has switched on */
"CREATE TABLE IF NOT EXISTS event_configurations("
" type TEXT PRIMARY KEY, enabled INTEGER NOT NULL, created INTEGER NOT NULL,"
" modified INTEGER NOT NULL) WITHOUT ROWID",

/* ---- OTA updates ---- */
"CREATE TABLE IF NOT EXISTS ota_updates("
" id TEXT PRIMARY KEY, status TEXT NOT NULL, request_json TEXT NOT NULL, files_json TEXT NOT NULL,"
" job TEXT, stream TEXT, error_code TEXT, error_message TEXT,"
" created INTEGER NOT NULL, modified INTEGER NOT NULL) WITHOUT ROWID",

/* ---- fleet provisioning ---- */
"CREATE TABLE IF NOT EXISTS provisioning_templates("
" name TEXT PRIMARY KEY, type TEXT NOT NULL, description TEXT, enabled INTEGER NOT NULL,"
" role_arn TEXT NOT NULL, default_version INTEGER NOT NULL DEFAULT 1,"
" last_version INTEGER NOT NULL DEFAULT 1, created INTEGER NOT NULL, modified INTEGER NOT NULL)"
" WITHOUT ROWID",
"CREATE TABLE IF NOT EXISTS provisioning_versions("
" template TEXT NOT NULL REFERENCES provisioning_templates(name) ON DELETE CASCADE,"
" version INTEGER NOT NULL, body TEXT NOT NULL, created INTEGER NOT NULL,"
" PRIMARY KEY(template, version)) WITHOUT ROWID",
/* certificates that were made for a device which has not registered with them yet; of the token
   that shows whose they are only the SHA-256 is kept */
"CREATE TABLE IF NOT EXISTS provisioning_tokens("
" token TEXT PRIMARY KEY, certificate TEXT NOT NULL REFERENCES certificates(id) ON DELETE CASCADE,"
" expires INTEGER NOT NULL) WITHOUT ROWID",
"CREATE INDEX IF NOT EXISTS provisioning_token_ends ON provisioning_tokens(expires)",
/* claims of create-provisioning-claim: certificates with a policy of their own, for some minutes */
"CREATE TABLE IF NOT EXISTS provisioning_claims("
" certificate TEXT PRIMARY KEY REFERENCES certificates(id) ON DELETE CASCADE,"
" document TEXT NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID",

/* ---- authorities that users have registered ---- */
"CREATE TABLE IF NOT EXISTS registration_code("
" one INTEGER PRIMARY KEY CHECK(one = 1), code TEXT NOT NULL)",
"CREATE TABLE IF NOT EXISTS ca_certificates("
" id TEXT PRIMARY KEY, pem TEXT NOT NULL, subject TEXT NOT NULL, status TEXT NOT NULL,"
" mode TEXT NOT NULL, auto_registration TEXT NOT NULL, config_json TEXT,"
" not_before INTEGER NOT NULL, not_after INTEGER NOT NULL,"
" created INTEGER NOT NULL, modified INTEGER NOT NULL) WITHOUT ROWID",
"CREATE INDEX IF NOT EXISTS ca_of_subject ON ca_certificates(subject)",
/* the authority that a certificate was registered with */
"CREATE TABLE IF NOT EXISTS certificate_issuers("
" certificate TEXT PRIMARY KEY REFERENCES certificates(id) ON DELETE CASCADE, ca TEXT NOT NULL)"
" WITHOUT ROWID",
"CREATE INDEX IF NOT EXISTS certificates_of_ca ON certificate_issuers(ca)",
};
/* clang-format on */

static otter_status run_all(struct db *db, const char *const *statements, size_t count)
{
    otter_status status = OTTER_OK;
    for (size_t i = 0; i < count && status == OTTER_OK; i++)
        status = db_run(db, statements[i], "");
    return status;
}

/* ---- version 2: large contents lie in pieces, see cloud/core/account/contents.h ---- */

#define MOVED_ABOVE 262144
#define PIECE       262144

/* clang-format off */
static const char *const pieces[] = {
/* state: 0 being written, 1 kept, 2 garbage */
"CREATE TABLE contents(id INTEGER PRIMARY KEY AUTOINCREMENT, state INTEGER NOT NULL)",
"CREATE INDEX contents_not_kept ON contents(state) WHERE state <> 1",
"CREATE TABLE pieces(id INTEGER PRIMARY KEY AUTOINCREMENT, bytes BLOB NOT NULL)",
"CREATE TABLE spans("
" content INTEGER NOT NULL, start INTEGER NOT NULL, size INTEGER NOT NULL, piece INTEGER NOT NULL,"
" PRIMARY KEY(content, start)) WITHOUT ROWID",
"CREATE INDEX spans_of_piece ON spans(piece)",
/* NULL: the content lies in the row itself */
"ALTER TABLE objects ADD COLUMN content_id INTEGER",
"ALTER TABLE upload_parts ADD COLUMN content_id INTEGER",
"CREATE TRIGGER object_gone AFTER DELETE ON objects WHEN OLD.content_id IS NOT NULL"
" BEGIN UPDATE contents SET state = 2 WHERE id = OLD.content_id; END",
"CREATE TRIGGER part_gone AFTER DELETE ON upload_parts WHEN OLD.content_id IS NOT NULL"
" BEGIN UPDATE contents SET state = 2 WHERE id = OLD.content_id; END",
};
/* clang-format on */

static otter_status copy_pieces(struct db *db, struct db_blob *blob, int64_t content)
{
    static char piece[PIECE];
    size_t size = db_blob_size(blob);
    otter_status status = OTTER_OK;
    for (size_t at = 0; at < size && status == OTTER_OK; at += PIECE) {
        size_t part = size - at < PIECE ? size - at : PIECE;
        status = db_blob_read(blob, at, piece, part);
        if (status == OTTER_OK)
            status = db_run(db, "INSERT INTO pieces(bytes) VALUES(?)", "b", piece, part);
        if (status == OTTER_OK)
            status = db_run(db, "INSERT INTO spans VALUES(?, ?, ?, ?)", "iiii", content,
                            (int64_t)at, (int64_t)part, db_inserted(db));
    }
    return status;
}

static otter_status move_content(struct db *db, const char *table, int64_t row)
{
    char sql[96];
    otter_status status = db_run(db, "INSERT INTO contents(state) VALUES(1)", "");
    int64_t content = db_inserted(db);
    struct db_blob *blob = status == OTTER_OK ? db_blob_open(db, table, "content", row) : NULL;
    status = blob ? copy_pieces(db, blob, content) : OTTER_E_IO;
    db_blob_close(blob);
    if (status != OTTER_OK)
        return status;
    snprintf(sql, sizeof sql, "UPDATE %s SET content = x'', content_id = ? WHERE id = ?", table);
    return db_run(db, sql, "ii", content, row);
}

static otter_status move_contents(struct db *db, const char *table)
{
    char sql[96];
    int64_t row;
    otter_status status = OTTER_OK;
    snprintf(sql, sizeof sql, "SELECT id FROM %s WHERE length(content) > ? LIMIT 1", table);
    while (status == OTTER_OK && (row = db_number(db, sql, "i", (int64_t)MOVED_ABOVE)) != 0)
        status = move_content(db, table, row);
    return status;
}

static otter_status lay_in_pieces(struct db *db)
{
    otter_status status = run_all(db, pieces, sizeof pieces / sizeof *pieces);
    if (status == OTTER_OK)
        status = move_contents(db, "objects");
    return status == OTTER_OK ? move_contents(db, "upload_parts") : status;
}

/* ---- version 3: what is asked for often has an index ---- */

static const char *const indexes[] = {
    /* the first pending execution of a thing, and the next deadline */
    "CREATE INDEX executions_pending ON job_executions(thing, status = 'QUEUED', queued, id)"
    " WHERE status IN ('IN_PROGRESS', 'QUEUED')",
    "CREATE INDEX executions_deadline ON job_executions(deadline)"
    " WHERE status = 'IN_PROGRESS' AND deadline > 0",
    "CREATE INDEX executions_step_deadline ON job_executions(step_deadline)"
    " WHERE status = 'IN_PROGRESS' AND step_deadline > 0",
};

static otter_status add_indexes(struct db *db)
{
    return run_all(db, indexes, sizeof indexes / sizeof *indexes);
}

/* ---- version 4: jobs roll out over time; an execution knows how often it was tried again ---- */

/* clang-format off */
static const char *const rollouts[] = {
/* due: when the job is to be looked at next, 0 = never; batch: when the next minute of its roll-out
 * begins; quota: how many things may still begin in the present one; notified: things that have
 * begun; ended: no thing begins any more */
"ALTER TABLE jobs ADD COLUMN due INTEGER NOT NULL DEFAULT 0",
"ALTER TABLE jobs ADD COLUMN batch INTEGER NOT NULL DEFAULT 0",
"ALTER TABLE jobs ADD COLUMN quota INTEGER NOT NULL DEFAULT 0",
"ALTER TABLE jobs ADD COLUMN notified INTEGER NOT NULL DEFAULT 0",
"ALTER TABLE jobs ADD COLUMN ended INTEGER NOT NULL DEFAULT 0",
"ALTER TABLE jobs ADD COLUMN start_at INTEGER NOT NULL DEFAULT 0",
"ALTER TABLE jobs ADD COLUMN end_at INTEGER NOT NULL DEFAULT 0",
"ALTER TABLE jobs ADD COLUMN scheduling_json TEXT",
"ALTER TABLE jobs ADD COLUMN template_arn TEXT",
"CREATE INDEX jobs_due ON jobs(due) WHERE due > 0",
"ALTER TABLE job_executions ADD COLUMN attempt INTEGER NOT NULL DEFAULT 0",
"UPDATE job_executions SET attempt = number - 1",
"CREATE TRIGGER job_tags_gone AFTER DELETE ON jobs"
" BEGIN DELETE FROM tags WHERE resource = 'job/' || OLD.id; END",
"CREATE TRIGGER template_tags_gone AFTER DELETE ON job_templates"
" BEGIN DELETE FROM tags WHERE resource = 'jobtemplate/' || OLD.id; END",
"CREATE TRIGGER group_gone AFTER DELETE ON thing_groups"
" BEGIN DELETE FROM tags WHERE resource = 'thinggroup/' || OLD.name;"
" DELETE FROM job_groups WHERE grp = OLD.name; END",
"CREATE TRIGGER update_tags_gone AFTER DELETE ON ota_updates"
" BEGIN DELETE FROM tags WHERE resource = 'otaupdate/' || OLD.id; END",
"CREATE TRIGGER stream_tags_gone AFTER DELETE ON streams"
" BEGIN DELETE FROM tags WHERE resource = 'stream/' || OLD.id; END",
"CREATE TRIGGER policy_tags_gone AFTER DELETE ON policies"
" BEGIN DELETE FROM tags WHERE resource = 'policy/' || OLD.name; END",
};
/* clang-format on */

static otter_status add_rollouts(struct db *db)
{
    return run_all(db, rollouts, sizeof rollouts / sizeof *rollouts);
}

/* ---- version 5: pieces of the same content are one, see cloud/core/account/contents.h ---- */

static const char *const digests[] = {
    /* SHA-256 of the bytes; NULL in pieces older than this version, which stay as they are */
    "ALTER TABLE pieces ADD COLUMN digest BLOB",
    "CREATE UNIQUE INDEX pieces_by_digest ON pieces(digest) WHERE digest IS NOT NULL",
};

static otter_status add_digests(struct db *db)
{
    return run_all(db, digests, sizeof digests / sizeof *digests);
}

/* ---- the way ---- */

static otter_status (*const migrations[])(struct db *db) = {
    lay_in_pieces, /* 1 to 2 */
    add_indexes,   /* 2 to 3 */
    add_rollouts,  /* 3 to 4 */
    add_digests,   /* 4 to 5 */
};

static otter_status migrate(struct db *db, int64_t version)
{
    char sql[48];
    otter_status status = run_all(db, tables, sizeof tables / sizeof *tables);
    for (version = version < 1 ? 1 : version; version < SCHEMA_VERSION && status == OTTER_OK;
         version++)
        status = migrations[version - 1](db);
    snprintf(sql, sizeof sql, "PRAGMA user_version = %d", SCHEMA_VERSION);
    return status == OTTER_OK ? db_run(db, sql, "") : status;
}

otter_status schema_apply(struct db *db)
{
    int64_t version = db_number(db, "PRAGMA user_version", "");
    if (version > SCHEMA_VERSION)
        return OTTER_E_VERSION;
    otter_status status = db_begin(db);
    if (status != OTTER_OK)
        return status;
    return db_finish(db, migrate(db, version));
}
