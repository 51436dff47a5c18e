/* The two machines of supplicant.h, for supplicant.c alone: each takes one arrow if one is open. */
#ifndef EAPOL_SUPPLICANT_MACHINES_H
#define EAPOL_SUPPLICANT_MACHINES_H

#include "eapol/supplicant.h"

enum backend_state {
	BACKEND_INITIALIZE,
	BACKEND_IDLE,
	BACKEND_REQUEST,
	BACKEND_RESPONSE,
	BACKEND_RECEIVE,
	BACKEND_FAIL,
	BACKEND_TIMEOUT,
	BACKEND_SUCCESS,
};

bool supplicant_pae_follow(struct supplicant *pae);
bool supplicant_backend_follow(struct supplicant *pae);

/* "timer == 0" of the standard. */
static inline bool reached(const struct supplicant *pae, msec when)
{
	return pae->now.mono >= when;
}

static inline msec after(const struct supplicant *pae, msec wait)
{
	return msec_after(pae->now.mono, wait);
}

#endif
