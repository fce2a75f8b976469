-- A cloud's database as the first version of the schema had it, with something in it. Never edited:
-- files like this are out there. The test of the migrations begins here.
CREATE TABLE things( name TEXT PRIMARY KEY, id TEXT NOT NULL, type TEXT, attributes_json TEXT NOT NULL DEFAULT '{}', version INTEGER NOT NULL DEFAULT 1, created INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE certificates( id TEXT PRIMARY KEY, pem TEXT NOT NULL, status TEXT NOT NULL, mode TEXT NOT NULL, not_before INTEGER NOT NULL, not_after INTEGER NOT NULL, created INTEGER NOT NULL, modified INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE authority( one INTEGER PRIMARY KEY CHECK(one = 1), certificate_pem TEXT NOT NULL, key_pem TEXT NOT NULL);
CREATE TABLE thing_principals( thing TEXT NOT NULL REFERENCES things(name), certificate TEXT NOT NULL REFERENCES certificates(id), PRIMARY KEY(thing, certificate)) WITHOUT ROWID;
CREATE INDEX thing_of_certificate ON thing_principals(certificate);
CREATE TABLE policies( name TEXT PRIMARY KEY, default_version INTEGER NOT NULL DEFAULT 1, created INTEGER NOT NULL, modified INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE policy_versions( policy TEXT NOT NULL REFERENCES policies(name) ON DELETE CASCADE, version INTEGER NOT NULL, document TEXT NOT NULL, created INTEGER NOT NULL, PRIMARY KEY(policy, version)) WITHOUT ROWID;
CREATE TABLE policy_targets( policy TEXT NOT NULL REFERENCES policies(name), target TEXT NOT NULL, PRIMARY KEY(policy, target)) WITHOUT ROWID;
CREATE INDEX policies_of_target ON policy_targets(target);
CREATE TABLE buckets( name TEXT PRIMARY KEY, versioning TEXT, created INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE objects( id INTEGER PRIMARY KEY AUTOINCREMENT, bucket TEXT NOT NULL REFERENCES buckets(name), key TEXT NOT NULL, version_id TEXT NOT NULL, latest INTEGER NOT NULL, delete_marker INTEGER NOT NULL DEFAULT 0, etag TEXT NOT NULL DEFAULT '', size INTEGER NOT NULL DEFAULT 0, content_type TEXT, metadata_json TEXT, checksum TEXT, modified_ms INTEGER NOT NULL, content BLOB, UNIQUE(bucket, key, version_id));
CREATE INDEX latest_objects ON objects(bucket, key) WHERE latest = 1;
CREATE TABLE uploads( id TEXT PRIMARY KEY, bucket TEXT NOT NULL REFERENCES buckets(name), key TEXT NOT NULL, content_type TEXT, metadata_json TEXT, created INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE upload_parts( id INTEGER PRIMARY KEY, upload TEXT NOT NULL REFERENCES uploads(id) ON DELETE CASCADE, number INTEGER NOT NULL, etag TEXT NOT NULL, size INTEGER NOT NULL, content BLOB NOT NULL, UNIQUE(upload, number));
CREATE TABLE acm_certificates( id TEXT PRIMARY KEY, certificate_pem TEXT NOT NULL, chain_pem TEXT, key_pem TEXT NOT NULL, created INTEGER NOT NULL, imported INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE signing_profiles( name TEXT PRIMARY KEY, version TEXT NOT NULL, platform TEXT NOT NULL, certificate_arn TEXT, parameters_json TEXT NOT NULL, status TEXT NOT NULL, created INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE signing_jobs( id TEXT PRIMARY KEY, token TEXT UNIQUE, profile TEXT NOT NULL, profile_version TEXT NOT NULL, platform TEXT NOT NULL, certificate_arn TEXT NOT NULL, parameters_json TEXT NOT NULL, source_bucket TEXT NOT NULL, source_key TEXT NOT NULL, source_version TEXT NOT NULL, signed_bucket TEXT NOT NULL, signed_key TEXT NOT NULL, status TEXT NOT NULL, reason TEXT, signature TEXT, created INTEGER NOT NULL, completed INTEGER) WITHOUT ROWID;
CREATE TABLE roles( name TEXT PRIMARY KEY, id TEXT NOT NULL, path TEXT NOT NULL, trust_json TEXT NOT NULL, description TEXT, session_s INTEGER NOT NULL, created INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE role_policies( role TEXT NOT NULL REFERENCES roles(name) ON DELETE CASCADE, policy TEXT NOT NULL, document TEXT, PRIMARY KEY(role, policy)) WITHOUT ROWID;
CREATE TABLE managed_policies( arn TEXT PRIMARY KEY, name TEXT NOT NULL, id TEXT NOT NULL, path TEXT NOT NULL, document TEXT NOT NULL, description TEXT, created INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE streams( id TEXT PRIMARY KEY, version INTEGER NOT NULL DEFAULT 1, description TEXT, role_arn TEXT, created INTEGER NOT NULL, updated INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE stream_files( stream TEXT NOT NULL REFERENCES streams(id) ON DELETE CASCADE, file_id INTEGER NOT NULL, bucket TEXT NOT NULL, key TEXT NOT NULL, version TEXT, PRIMARY KEY(stream, file_id)) WITHOUT ROWID;
CREATE TABLE jobs( id TEXT PRIMARY KEY, status TEXT NOT NULL, document TEXT NOT NULL, document_source TEXT, description TEXT, targets_json TEXT NOT NULL, selection TEXT NOT NULL, presigned_json TEXT, rollout_json TEXT, abort_json TEXT, timeout_json TEXT, retry_json TEXT, timeout_minutes INTEGER NOT NULL DEFAULT 0, force_canceled INTEGER NOT NULL DEFAULT 0, reason_code TEXT, comment TEXT, created INTEGER NOT NULL, updated INTEGER NOT NULL, completed INTEGER) WITHOUT ROWID;
CREATE TABLE job_executions( id INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT NOT NULL REFERENCES jobs(id) ON DELETE CASCADE, thing TEXT NOT NULL, number INTEGER NOT NULL DEFAULT 1, status TEXT NOT NULL, details_json TEXT, version INTEGER NOT NULL DEFAULT 1, force_canceled INTEGER NOT NULL DEFAULT 0, queued INTEGER NOT NULL, started INTEGER, updated INTEGER NOT NULL, deadline INTEGER NOT NULL DEFAULT 0, step_deadline INTEGER NOT NULL DEFAULT 0, UNIQUE(job, thing, number));
CREATE INDEX executions_of_thing ON job_executions(thing, status);
CREATE TABLE ota_updates( id TEXT PRIMARY KEY, status TEXT NOT NULL, request_json TEXT NOT NULL, files_json TEXT NOT NULL, job TEXT, stream TEXT, error_code TEXT, error_message TEXT, created INTEGER NOT NULL, modified INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO things(name, id, created) VALUES('lamp', 'id-1', 1700000000);
INSERT INTO buckets(name, versioning, created) VALUES('updates', 'Enabled', 1700000000);
INSERT INTO objects(bucket, key, version_id, latest, etag, size, modified_ms, content)
 VALUES('updates', 'small', 'v1', 1, 'e1', 5, 1700000000000, CAST('small' AS BLOB));
INSERT INTO objects(bucket, key, version_id, latest, etag, size, modified_ms, content)
 VALUES('updates', 'large', 'v2', 1, 'e2', 600000, 1700000000000,
 CAST(replace(hex(zeroblob(300000)), '00', 'ab') AS BLOB));
INSERT INTO uploads(id, bucket, key, created) VALUES('u-1', 'updates', 'parts', 1700000000);
INSERT INTO upload_parts(upload, number, etag, size, content)
 VALUES('u-1', 1, 'e3', 600000, CAST(replace(hex(zeroblob(300000)), '00', 'cd') AS BLOB));
INSERT INTO jobs(id, status, document, targets_json, selection, created, updated)
 VALUES('j-1', 'IN_PROGRESS', '{}', '[]', 'SNAPSHOT', 1700000000, 1700000000);
INSERT INTO job_executions(job, thing, status, queued, updated)
 VALUES('j-1', 'lamp', 'QUEUED', 1700000000, 1700000000);
PRAGMA user_version = 1;
