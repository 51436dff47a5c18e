/* Sessions as the server keeps them: in OpenSSL's cache, or in tickets.
 *
 * OpenSSL keeps the client's certificate with a session, and decodes it whenever it meets one in a
 * ticket, which costs more than all the rest of a resumption.  It is of no use there: what it says
 * is in the claim, which goes along as application data. */
#include <openssl/core_names.h>
#include <openssl/err.h>

#include <string.h>

#include "tls/engine_parts.h"
#include "tls/server.h"

/* ---- what a session holds ------------------------------------------------------------------- */

/* Seconds until a full handshake is due; at least 1. */
static long left(const struct tls_conn *conn, int64_t authenticated)
{
	int64_t age = conn->now.wall - authenticated;

	if (age < 0)
		age = 0;
	return age < conn->side.config->lifetime ? (long)(conn->side.config->lifetime - age) : 1;
}

/* A decoded copy without the client's certificate; into itself, which keeps its place in the
 * connection, or anew. */
static SSL_SESSION *lean(SSL_SESSION *session, bool in_place)
{
	SSL_SESSION *to = in_place ? session : NULL;
	unsigned char *der = NULL;
	int len = i2d_SSL_SESSION(session, &der);

	if (len > 0) {
		struct slice in = tls_session_without_peer(der, len);
		const unsigned char *p = in.p;

		to = d2i_SSL_SESSION(in_place ? &to : NULL, &p, (long)in.len);
	}
	OPENSSL_clear_free(der, len > 0 ? (size_t)len : 0);
	return len > 0 ? to : NULL;
}

/* The claim goes along.  Without one a session is not resumed. */
static void prepare(struct tls_conn *conn, SSL_SESSION *session, struct slice row)
{
	const struct tls_server_side *side = &conn->side;

	SSL_SESSION_set1_ticket_appdata(session, row.p, row.len);
	if ((side->has_claim || side->config->tunnel) && tls_conn_version(conn) >= TLS_1_3)
		SSL_SESSION_set_timeout(session,
					left(conn, side->has_claim ? side->claim.authenticated
								   : side->authenticated));
}

static bool may_be_kept(const struct tls_conn *conn)
{
	return conn->side.config->resumption != TLS_RESUME_OFF && conn->side.row.len > 0 &&
	       conn->side.row.len <= TLS_CLAIM_RESUMED_MAX;
}

struct slice tls_server_row_in(SSL_SESSION *session)
{
	void *row = NULL;
	size_t len = 0;

	if (SSL_SESSION_get0_ticket_appdata(session, &row, &len) != 1 || !row)
		return slice_of(NULL, 0);
	return slice_of(row, len);
}

/* Seconds by which another server that shares our keys may be ahead of us.  What is further in the
 * future was made before the clock was set back, and would be good until it is there again. */
#define CLOCKS_DIFFER 300

/* Whether it holds a claim of use. */
static bool claim_in(const struct tls_conn *conn, SSL_SESSION *session, struct slice *ret_row)
{
	struct tls_claim claim;
	int64_t age;

	*ret_row = tls_server_row_in(session);
	if (tls_claim_parse(*ret_row, &claim) != OK)
		return false;
	age = conn->now.wall - claim.authenticated;
	return age > -CLOCKS_DIFFER && age < conn->side.config->lifetime;
}

/* ---- tickets: RFC 5077 ---------------------------------------------------------------------- */

static int set_keys(const struct tls_server_config *config, const struct tls_ticket_key *key,
		    const unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int sealing)
{
	char digest[] = "SHA256";
	uint8_t hmac[sizeof key->hmac];
	OSSL_PARAM params[] = { OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
				OSSL_PARAM_octet_string(OSSL_MAC_PARAM_KEY, hmac, sizeof hmac),
				OSSL_PARAM_END };
	int set;

	memcpy(hmac, key->hmac, sizeof hmac);
	set = EVP_MAC_CTX_set_params(mac, params) == 1 &&
	      EVP_CipherInit_ex2(cipher, config->cipher, key->aes, iv, sealing, NULL) == 1;
	explicit_bzero(hmac, sizeof hmac);
	return set;
}

/* The initialization vector is random; the library that makes it has made a key of that size. */
static bool make_iv(const struct tls_server_config *config, EVP_CIPHER_CTX *cipher,
		    unsigned char *iv)
{
	uint8_t random[EVP_MAX_KEY_LENGTH];
	bool made = EVP_CipherInit_ex2(cipher, config->cipher, NULL, NULL, 1, NULL) == 1 &&
		    EVP_CIPHER_CTX_rand_key(cipher, random) == 1;

	memcpy(iv, random, EVP_MAX_IV_LENGTH);
	return made;
}

/* 0: no ticket; 1: this key; 2: this key, and a new ticket. */
static int ticket_key(SSL *ssl, unsigned char name[16], unsigned char *iv, EVP_CIPHER_CTX *cipher,
		      EVP_MAC_CTX *mac, int sealing)
{
	struct tls_conn *conn = SSL_get_app_data(ssl);
	const struct tls_server_config *config = conn->side.config;

	if (sealing) {
		if (config->key_count == 0 || !may_be_kept(conn))
			return 0;
		memcpy(name, config->keys[0].name, sizeof config->keys[0].name);
		return make_iv(config, cipher, iv) &&
				       set_keys(config, &config->keys[0], iv, cipher, mac, 1)
			       ? 1
			       : -1;
	}
	for (size_t i = 0; i < config->key_count; i++) {
		if (memcmp(name, config->keys[i].name, sizeof config->keys[i].name) != 0)
			continue;
		if (!set_keys(config, &config->keys[i], iv, cipher, mac, 0))
			return -1;
		return i == 0 ? 1 : 2;
	}
	return 0;
}

/* A ticket is about to be made of the connection's session. */
static int ticket_made(SSL *ssl, void *unused)
{
	struct tls_conn *conn = SSL_get_app_data(ssl);
	SSL_SESSION *session = SSL_get_session(ssl);

	(void)unused;
	if (conn->side.refusal >= 0 || conn->side.config->tunnel || !may_be_kept(conn))
		return 1;
	prepare(conn, session, bytes_slice(&conn->side.row));
	if (conn->side.config->resumption == TLS_RESUME_TICKETS && SSL_SESSION_get0_peer(session))
		(void)lean(session, true);
	return 1;
}

/* It could be resumed by what OpenSSL knows.  What is not of use to us, of another version of this
 * program perhaps, makes a full handshake. */
static SSL_TICKET_RETURN ticket_opened(SSL *ssl, SSL_SESSION *session, const unsigned char *name,
				       size_t name_len, SSL_TICKET_STATUS status, void *unused)
{
	struct tls_conn *conn = SSL_get_app_data(ssl);
	struct slice row;

	(void)name;
	(void)name_len;
	(void)unused;
	/* With TLS 1.2 a new ticket may be made before the client is asked about, of the same
	 * claim. */
	if ((status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW) ||
	    !claim_in(conn, session, &row) || bytes_set(&conn->side.row, row) != OK)
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

/* ---- the cache ------------------------------------------------------------------------------ */

/* The name of a session is its own, so a copy can stand for it.  After a resumption there is no
 * certificate to be left out. */
static void store(struct tls_conn *conn)
{
	SSL_SESSION *session = SSL_get_session(conn->ssl);
	AUTO(SSL_SESSION)
	kept = SSL_SESSION_get0_peer(session) ? lean(session, false) : SSL_get1_session(conn->ssl);

	/* It is new; so what fails is memory, and then OpenSSL 3.0 has it in its list all the same,
	 * and drops its reference: ours takes that place. */
	if (kept && SSL_CTX_add_session(conn->config->ctx, kept) != 1)
		(void)TAKE(kept);
}

void tls_server_store(struct tls_conn *conn, struct slice row)
{
	tls_clear_errors();
	prepare(conn, SSL_get_session(conn->ssl), row);
	store(conn);
	tls_clear_errors();
}

bool tls_server_make_ticket(struct tls_conn *conn)
{
	return SSL_new_session_ticket(conn->ssl) == 1 && SSL_do_handshake(conn->ssl) == 1;
}

void tls_server_keep_session(struct tls_conn *conn)
{
	const struct tls_server_config *config = conn->side.config;
	bool memory = config->resumption == TLS_RESUME_MEMORY;
	AUTO(SSL_SESSION) before = SSL_get1_session(conn->ssl);

	if (!may_be_kept(conn))
		return;
	tls_clear_errors();
	if (tls_conn_version(conn) >= TLS_1_3 && (memory || config->key_count > 0)) {
		if (!tls_server_make_ticket(conn))
			tls_conn_fail(conn, ERR_peek_last_error());
		else if (memory)
			store(conn);
		/* A ticket is used once: RFC 8446, section 8.1. */
		if (memory && SSL_session_reused(conn->ssl))
			SSL_CTX_remove_session(conn->config->ctx, before);
	} else if (memory && !SSL_session_reused(conn->ssl)) {
		tls_server_store(conn, bytes_slice(&conn->side.row));
	}
	tls_clear_errors();
}

void tls_server_drop_session(struct tls_conn *conn)
{
	SSL_SESSION *session = SSL_get_session(conn->ssl);

	if (session)
		SSL_CTX_remove_session(conn->config->ctx, session);
}

/* ---- an alert after the handshake ----------------------------------------------------------- */

/* Of the range for private use; never sent. */
#define NO_EXTENSION 0xff5a

static int refuse_ticket(SSL *ssl, unsigned int type, unsigned int context,
			 const unsigned char **out, size_t *len, X509 *cert, size_t index,
			 int *alert, void *unused)
{
	struct tls_conn *conn = SSL_get_app_data(ssl);

	(void)type;
	(void)context;
	(void)out;
	(void)len;
	(void)cert;
	(void)index;
	(void)unused;
	if (conn->side.refusal < 0)
		return 0;
	*alert = conn->side.refusal;
	return -1;
}

/* OpenSSL has no call for this.  But the making of a ticket may fail over an extension, with the
 * alert that the extension says. */
void tls_server_alert(struct tls_conn *conn, int alert)
{
	conn->side.refusal = alert;
	tls_clear_errors();
	(void)tls_server_make_ticket(conn);
	tls_clear_errors();
}

enum status tls_server_set_resumption(struct tls_server_config *config, size_t sessions)
{
	SSL_CTX *ctx = config->end->ctx;

	SSL_CTX_set_num_tickets(ctx, 0); /* not before the client is admitted */
	SSL_CTX_set_timeout(ctx, config->lifetime);
	if (SSL_CTX_add_custom_ext(ctx, NO_EXTENSION, SSL_EXT_TLS1_3_NEW_SESSION_TICKET,
				   refuse_ticket, NULL, NULL, NULL, NULL) != 1 ||
	    SSL_CTX_set_session_ticket_cb(ctx, ticket_made, ticket_opened, NULL) != 1)
		return NO_MEMORY;
	if (config->resumption == TLS_RESUME_TICKETS)
		return SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, ticket_key) == 1 ? OK : CRYPTO;
	if (config->resumption == TLS_RESUME_MEMORY) {
		SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_SERVER |
							    SSL_SESS_CACHE_NO_INTERNAL_STORE);
		SSL_CTX_sess_set_cache_size(ctx,
					    (long)(sessions ? sessions : TLS_SESSIONS_DEFAULT));
	}
	return OK;
}
