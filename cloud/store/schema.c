/* Every table of the cloud in one place, so that the whole of its state can be read at a glance.
 *
 * Times are seconds since 1970 (UTC) unless the column ends in _ms. Columns named *_json hold
 * JSON as the API received it, kept whole where nothing in the cloud looks inside. */
#include "cloud/store/schema.h"

#define SCHEMA_VERSION 1

/* clang-format off */
static const char *const tables[] = {

/* ---- registry ---- */
"CREATE TABLE IF NOT EXISTS things("
" name TEXT PRIMARY KEY, id TEXT NOT NULL, type TEXT, attributes_json TEXT NOT NULL DEFAULT '{}',"
" version INTEGER NOT NULL DEFAULT 1, created INTEGER NOT NULL) WITHOUT ROWID",

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

/* ---- MQTT ---- */
/* the filters of persistent sessions, which themselves are the broker's: an array of strings */
"CREATE TABLE IF NOT EXISTS mqtt_sessions("
" client TEXT PRIMARY KEY, filters_json TEXT NOT NULL) WITHOUT ROWID",

/* ---- objects ---- */
"CREATE TABLE IF NOT EXISTS buckets("
" name TEXT PRIMARY KEY, versioning TEXT, created INTEGER NOT NULL) WITHOUT ROWID",

/* one row a version, rowid order = age; latest is kept by cloud/core/objects.c */
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

/* ---- streams ---- */
"CREATE TABLE IF NOT EXISTS streams("
" id TEXT PRIMARY KEY, version INTEGER NOT NULL DEFAULT 1, description TEXT, role_arn TEXT,"
" created INTEGER NOT NULL, updated INTEGER NOT NULL) WITHOUT ROWID",
/* version is the object's version id, NULL = the latest when the block is asked for */
"CREATE TABLE IF NOT EXISTS stream_files("
" stream TEXT NOT NULL REFERENCES streams(id) ON DELETE CASCADE, file_id INTEGER NOT NULL,"
" bucket TEXT NOT NULL, key TEXT NOT NULL, version TEXT,"
" PRIMARY KEY(stream, file_id)) WITHOUT ROWID",

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

/* ---- OTA updates ---- */
"CREATE TABLE IF NOT EXISTS ota_updates("
" id TEXT PRIMARY KEY, status TEXT NOT NULL, request_json TEXT NOT NULL, files_json TEXT NOT NULL,"
" job TEXT, stream TEXT, error_code TEXT, error_message TEXT,"
" created INTEGER NOT NULL, modified INTEGER NOT NULL) WITHOUT ROWID",
};
/* clang-format on */

static otter_status create_tables(struct db *db)
{
    otter_status status = OTTER_OK;
    for (size_t i = 0; i < sizeof tables / sizeof *tables && status == OTTER_OK; i++)
        status = db_run(db, tables[i], "");
    return status;
}

otter_status schema_apply(struct db *db)
{
    if (db_number(db, "PRAGMA user_version", "") > SCHEMA_VERSION)
        return OTTER_E_VERSION;
    otter_status status = db_begin(db);
    if (status != OTTER_OK)
        return status;
    status = create_tables(db);
    if (status == OTTER_OK)
        status = db_run(db, "PRAGMA user_version = 1", "");
    return db_finish(db, status);
}
