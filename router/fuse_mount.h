/* fuse_mount.h - the status tree as a file system, on the router's own event loop. */
#ifndef ROUTER_FUSE_MOUNT_H
#define ROUTER_FUSE_MOUNT_H

struct router;
struct fuse_mount;

/* fuse_mount_start: mounts the tree at @path, making the directory if it is missing and taking away what a dead router
 * left mounted there. What goes wrong is one warning in the log; the router works without.
 * Return: owned by the caller until fuse_mount_stop; NULL: not mounted. */
struct fuse_mount *fuse_mount_start(struct router *r, const char *path);

/* fuse_mount_stop: unmounts (lazily: whoever still reads gets an error, nobody is waited for), removes the directories
 * that start made, frees. NULL is allowed. */
void fuse_mount_stop(struct fuse_mount *m);

#endif
