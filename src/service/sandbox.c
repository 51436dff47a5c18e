#include "service/sandbox.h"

#include <cap-ng.h>
#include <errno.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int sandbox_privileges(const char *user, const int *capabilities, struct diagnosis *why)
{
	const struct passwd *account = user ? getpwnam(user) : NULL;

	if (user && !account) {
		diagnosis_say(why, DIAG_CONFIG, "there is no user \"%s\" on this system", user);
		return -ENOENT;
	}
	capng_clear(CAPNG_SELECT_BOTH);
	for (const int *c = capabilities; *c >= 0; c++) {
		if (capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, (unsigned)*c) < 0)
			goto failed;
	}
	if (account && account->pw_uid != geteuid()) {
		if (capng_change_id((int)account->pw_uid, (int)account->pw_gid,
				    CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING) < 0)
			goto failed;
	} else if (capng_apply(CAPNG_SELECT_CAPS) < 0) {
		goto failed;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return 0;

failed:
	diagnosis_set(why, DIAG_CONFIG);
	diagnosis_add(why, "detail",
		      "the capabilities that the service needs, or its user, cannot be had: start "
		      "it as root or by its unit");
	return -EPERM;
}

/* What never has a good reason here: a compromised process is better dead. */
static const int deadly[] = {
	SCMP_SYS(execve),	SCMP_SYS(execveat),
	SCMP_SYS(fork),		SCMP_SYS(vfork),
	SCMP_SYS(ptrace),	SCMP_SYS(process_vm_writev),
	SCMP_SYS(bpf),		SCMP_SYS(init_module),
	SCMP_SYS(finit_module), SCMP_SYS(kexec_load),
	SCMP_SYS(mount),	SCMP_SYS(pivot_root),
	SCMP_SYS(unshare),	SCMP_SYS(setns),
	SCMP_SYS(chroot),	SCMP_SYS(open_by_handle_at),
};

/* clang-format off */
static const int needed[] = {
	/* the loop */
	SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_pwait2), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(eventfd2), SCMP_SYS(pipe2),
	SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_settime), SCMP_SYS(timerfd_gettime),
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep),
	SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(restart_syscall),
	SCMP_SYS(inotify_init1), SCMP_SYS(inotify_add_watch), SCMP_SYS(inotify_rm_watch),
	/* sockets: packet, netlink, the bus, the service manager */
	SCMP_SYS(socket), SCMP_SYS(connect), SCMP_SYS(bind), SCMP_SYS(getsockname), SCMP_SYS(getpeername),
	SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(sendto), SCMP_SYS(sendmsg), SCMP_SYS(sendmmsg),
	SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(recvmmsg), SCMP_SYS(shutdown), SCMP_SYS(socketpair),
	SCMP_SYS(ioctl),
	/* files: configuration, keystore, certificates, /proc/self/net */
	SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(write), SCMP_SYS(writev),
	SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(close), SCMP_SYS(lseek), SCMP_SYS(stat), SCMP_SYS(lstat),
	SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(access), SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2), SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(getdents64),
	SCMP_SYS(getcwd), SCMP_SYS(fcntl), SCMP_SYS(flock), SCMP_SYS(dup), SCMP_SYS(dup2), SCMP_SYS(dup3),
	SCMP_SYS(fsync), SCMP_SYS(fdatasync), SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2),
	SCMP_SYS(mkdir), SCMP_SYS(mkdirat), SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(rmdir),
	SCMP_SYS(symlink), SCMP_SYS(symlinkat), SCMP_SYS(ftruncate), SCMP_SYS(fchmod), SCMP_SYS(fchmodat),
	SCMP_SYS(fchown), SCMP_SYS(fchownat), SCMP_SYS(statfs), SCMP_SYS(fstatfs), SCMP_SYS(umask),
	/* memory, locks, randomness */
	SCMP_SYS(brk), SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(mprotect),
	SCMP_SYS(madvise), SCMP_SYS(mlock), SCMP_SYS(mlock2), SCMP_SYS(munlock), SCMP_SYS(futex),
	SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(getrandom), SCMP_SYS(sched_yield),
	SCMP_SYS(sched_getaffinity), SCMP_SYS(membarrier),
	/* itself */
	SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getppid), SCMP_SYS(getuid), SCMP_SYS(geteuid),
	SCMP_SYS(getgid), SCMP_SYS(getegid), SCMP_SYS(getgroups), SCMP_SYS(getresuid),
	SCMP_SYS(getresgid), SCMP_SYS(capget), SCMP_SYS(uname), SCMP_SYS(sysinfo), SCMP_SYS(getrlimit),
	SCMP_SYS(prlimit64), SCMP_SYS(getrusage), SCMP_SYS(prctl), SCMP_SYS(tgkill),
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack),
	SCMP_SYS(exit), SCMP_SYS(exit_group),
};
/* clang-format on */

/* clang-format off */
static const int serving[] = {
	SCMP_SYS(listen), SCMP_SYS(accept), SCMP_SYS(accept4),
	SCMP_SYS(pwrite64), SCMP_SYS(preadv), SCMP_SYS(pwritev), SCMP_SYS(fallocate), SCMP_SYS(utimensat),
	SCMP_SYS(chmod), SCMP_SYS(link), SCMP_SYS(sched_setaffinity), SCMP_SYS(pipe),
	SCMP_SYS(select), SCMP_SYS(pselect6), /* libnftables */
};
/* clang-format on */

static int add_all(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		/* A call that this architecture does not have needs no rule. */
		int error = calls[i] < 0 ? 0 : seccomp_rule_add(filter, action, calls[i], 0);

		if (error < 0)
			return error;
	}
	return 0;
}

/* Threads, but no processes.  The flags of clone3 are out of a filter's sight; the C library does
 * with clone where there is no clone3. */
static int add_threads(scmp_filter_ctx filter)
{
	int error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

	if (error < 0)
		return error;
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
				SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
}

int sandbox_system_calls(enum sandbox_need need)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int error = -ENOMEM;

	if (!filter)
		return error;
	error = add_all(filter, SCMP_ACT_KILL_PROCESS, deadly, sizeof deadly / sizeof deadly[0]);
	if (error == 0)
		error = add_all(filter, SCMP_ACT_ALLOW, needed, sizeof needed / sizeof needed[0]);
	if (error == 0 && need == SANDBOX_SERVES)
		error = add_all(filter, SCMP_ACT_ALLOW, serving,
				sizeof serving / sizeof serving[0]);
	if (error == 0 && need == SANDBOX_SERVES)
		error = add_threads(filter);
	if (error == 0)
		error = seccomp_load(filter);
	seccomp_release(filter);
	return error;
}

static struct ucred other_process(const struct sockaddr_un *name, socklen_t size)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct ucred other = { .uid = (uid_t)-1 };
	socklen_t len = sizeof other;

	if (fd < 0)
		return other;
	if (connect(fd, (const struct sockaddr *)name, size) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &other, &len) < 0)
		other = (struct ucred){ .uid = (uid_t)-1 };
	close(fd);
	return other;
}

/* Anybody can bind an abstract name, and nobody else shall keep this machine off its network. */
static bool may_be_one_of_us(const struct ucred *other, const char *user)
{
	const struct passwd *account = getpwnam(user);

	return other->uid == 0 || other->uid == geteuid() ||
	       (account && other->uid == account->pw_uid);
}

int sandbox_only_one(const char *lock, const char *user, int *ret_other_pid)
{
	/* Abstract, by the NUL in front: no file, seen in this network namespace only. */
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	const socklen_t size =
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(lock));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int error = 0;

	if (fd < 0)
		return -errno;
	memcpy(name.sun_path + 1, lock, strlen(lock));
	/* Listening lets the next one ask who we are.  Nobody is ever accepted, and who has asked
	 * stays in the queue. */
	if (bind(fd, (const struct sockaddr *)&name, size) == 0 && listen(fd, SOMAXCONN) == 0)
		return 0; /* the descriptor stays open on purpose: it is the lock */
	error = -errno;
	close(fd);
	if (error == -EADDRINUSE) {
		const struct ucred other = other_process(&name, size);

		*ret_other_pid = other.pid;
		error = may_be_one_of_us(&other, user) ? -EEXIST : -EPERM;
	}
	return error;
}
