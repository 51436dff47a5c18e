#include "eap/keys.h"

void eap_keys_done(struct eap_keys *keys)
{
	secret_done(&keys->msk);
	secret_done(&keys->emsk);
	bytes_done(&keys->session_id);
	bytes_done(&keys->peer_id);
	bytes_done(&keys->server_id);
}

void eap_keys_move(struct eap_keys *to, struct eap_keys *from)
{
	eap_keys_done(to);
	*to = *from;
	*from = (struct eap_keys){ 0 };
}
