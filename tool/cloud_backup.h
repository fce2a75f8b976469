/* `otter cloud backup FILE` and `otter cloud restore FILE`.
 *
 * The file is a tar archive of the cloud's folder: otter.db (jobs, things, objects, ... as one
 * commit left them), broker/mosquitto.db (sessions; as Mosquitto saved it last), every other plain
 * file there (keys, certificates, credentials), and MANIFEST, the SHA-256 of each in the form that
 * `sha256sum -c` reads. It holds private keys: mode 0600. */
#ifndef OTTER_TOOL_CLOUD_BACKUP_H
#define OTTER_TOOL_CLOUD_BACKUP_H

/* argv[0] is that word; the exit code. */
int cloud_backup(int argc, char **argv);
int cloud_restore(int argc, char **argv);

#endif
