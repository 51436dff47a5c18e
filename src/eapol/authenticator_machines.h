/* The three machines of authenticator.h, for authenticator.c alone: each takes one arrow if one is
 * open. */
#ifndef EAPOL_AUTHENTICATOR_MACHINES_H
#define EAPOL_AUTHENTICATOR_MACHINES_H

#include "eapol/authenticator.h"

enum authenticator_backend_state {
	AUTH_BACKEND_INITIALIZE,
	AUTH_BACKEND_IDLE,
	AUTH_BACKEND_REQUEST,
	AUTH_BACKEND_RESPONSE,
	AUTH_BACKEND_IGNORE,
	AUTH_BACKEND_FAIL,
	AUTH_BACKEND_SUCCESS,
	AUTH_BACKEND_TIMEOUT,
};

bool authenticator_pae_follow(struct authenticator_pae *pae);
bool authenticator_pae_backend_follow(struct authenticator_pae *pae);
bool authenticator_pae_timer_follow(struct authenticator_pae *pae);

/* reAuthWhen and the end of the session, from now on. */
void authenticator_pae_begin_session(struct authenticator_pae *pae);

/* "timer == 0" of the standard. */
static inline bool auth_reached(const struct authenticator_pae *pae, msec when)
{
	return pae->now.mono >= when;
}

static inline msec auth_after(const struct authenticator_pae *pae, msec wait)
{
	return msec_after(pae->now.mono, wait);
}

#endif
