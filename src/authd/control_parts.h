/* What the files of the control socket share. */
#ifndef AUTHD_CONTROL_PARTS_H
#define AUTHD_CONTROL_PARTS_H

#include "authd/control.h"
#include "authd/recorder.h"

DEFINE_AUTO(json_t, json_decref);

/* What is answered when the registry was asked: the first member of who knows more.  Belongs to the
 * question while that is under way, in the recorder's thread, but for the client. */
struct control_job {
	struct question question;
	struct control_client *client; /* NULL: it has gone */
};

struct control_client {
	struct list node; /* of control.clients */
	struct control *control;
	int fd;
	struct watch watch;
	struct timer idle;
	enum control_right right;
	char actor[32];		 /* "user 1000" */
	struct bytes in;	 /* what has come and was not answered yet */
	struct bytes out;	 /* the answer that is being sent */
	size_t sent;		 /* of it */
	struct control_job *job; /* the answer comes later; NULL: none */
	bool no_more;		 /* it has nothing more to say */
	bool ends;		 /* when the answer is sent */
};

struct control {
	struct loop *loop;
	const struct authd_view *view;
	struct recorder *recorder;
	struct control_settings settings; /* its path is ours */
	int fd;
	bool bound; /* what is at the path is ours */
	struct watch watch;
	struct timer again; /* to accept, when there were no descriptors */
	struct list clients;
	size_t count;
	uint64_t refused;    /* since it was logged */
	msec refused_logged; /* 0: never */
};

/* Answers at once, or sets client->job and answers by control_client_answer later. */
void control_answer(struct control_client *client, const struct control_request *request);
/* {"ok":false,...}; error is a word, next may be NULL. */
void control_refuse(struct control_client *client, const char *error, const char *message,
		    const char *next);
/* {"ok":true,"result":...}; takes the result. */
void control_succeed(struct control_client *client, json_t *result);
/* The diagnosis as such a refusal. */
void control_refuse_diagnosis(struct control_client *client, const char *error,
			      const struct diagnosis *why);
void control_not_here(struct control_client *client, const char *what);
/* Asks the registry; false: it was refused, and the job is still the caller's. */
bool control_ask(struct control_client *client, struct control_job *job);
/* The end of a job: no more than the client may still be there, and is then answered between these
 * two.  The job is the caller's to free. */
struct control_client *control_job_client(struct control_job *job);

/* The answer to a job that has ended: what waited goes on. */
void control_client_resume(struct control_client *client);
/* The one who asked has gone. */
void control_job_orphan(struct control_job *job);

/* Tokens, machines and accounts: control_enroll.c. */
void control_enroll(struct control_client *client, const struct control_request *request);

#endif
