#include "tls/cert.h"
#include "tls/engine_parts.h"

#include <openssl/err.h>

int tls_verify_error(enum diagnosis_id verdict)
{
	static const struct {
		enum diagnosis_id verdict;
		int error;
	} table[] = {
		{ DIAG_SERVER_UNTRUSTED, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY },
		{ DIAG_SERVER_CERT_EXPIRED, X509_V_ERR_CERT_HAS_EXPIRED },
		/* "has expired or is not currently valid": RFC 8446, section 6.2 */
		{ DIAG_SERVER_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED },
		{ DIAG_SERVER_NAME_MISMATCH, X509_V_ERR_HOSTNAME_MISMATCH },
		{ DIAG_SERVER_CERT_USAGE, X509_V_ERR_INVALID_PURPOSE },
		{ DIAG_SERVER_CERT_WEAK, X509_V_ERR_EE_KEY_TOO_SMALL },
		{ DIAG_SERVER_CERT_REVOKED, X509_V_ERR_CERT_REVOKED },
		{ DIAG_SERVER_CERT_INVALID, X509_V_ERR_CERT_REJECTED },
		{ DIAG_PEER_UNTRUSTED, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY },
		{ DIAG_PEER_CERT_EXPIRED, X509_V_ERR_CERT_HAS_EXPIRED },
		{ DIAG_PEER_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED },
		{ DIAG_PEER_CERT_USAGE, X509_V_ERR_INVALID_PURPOSE },
		{ DIAG_PEER_CERT_WEAK, X509_V_ERR_EE_KEY_TOO_SMALL },
		{ DIAG_PEER_CERT_REVOKED, X509_V_ERR_CERT_REVOKED },
		{ DIAG_PEER_CERT_INVALID, X509_V_ERR_CERT_REJECTED },
		{ DIAG_INTERNAL, X509_V_ERR_OUT_OF_MEM },
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		if (table[i].verdict == verdict)
			return table[i].error;
	}
	/* The rest is about us, our clock, lists and pins.  OpenSSL makes certificate_unknown of
	 * what it has no alert for. */
	return X509_V_ERR_NO_EXPLICIT_POLICY;
}

int tls_refusal_alert(enum diagnosis_id id)
{
	switch (tls_verify_error(id)) {
	case X509_V_ERR_CERT_REVOKED:
		return SSL_AD_CERTIFICATE_REVOKED;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return SSL_AD_CERTIFICATE_EXPIRED;
	case X509_V_ERR_OUT_OF_MEM:
		return SSL_AD_INTERNAL_ERROR;
	default:
		break;
	}
	if (id == DIAG_PEER_OCSP || id == DIAG_CRL_UNUSABLE)
		return SSL_AD_CERTIFICATE_UNKNOWN;
	return SSL_AD_ACCESS_DENIED;
}

/* What the client says about us, its server. */
static enum diagnosis_id client_alert_meaning(const struct tls_conn *conn, int alert)
{
	switch (alert) {
	case SSL_AD_BAD_CERTIFICATE:
	case SSL_AD_CERTIFICATE_UNKNOWN:
		return DIAG_OWN_CERT_REFUSED;
	case SSL_AD_UNSUPPORTED_CERTIFICATE:
		return DIAG_OWN_CERT_UNSUPPORTED;
	case SSL_AD_CERTIFICATE_REVOKED:
		return DIAG_OWN_CERT_REVOKED;
	case SSL_AD_CERTIFICATE_EXPIRED:
		return DIAG_OWN_CERT_EXPIRED;
	case SSL_AD_UNKNOWN_CA:
		return DIAG_OWN_CA_UNKNOWN;
	case SSL_AD_BAD_CERTIFICATE_STATUS_RESPONSE:
		return DIAG_OWN_OCSP_REFUSED;
	case SSL_AD_PROTOCOL_VERSION:
		return DIAG_TLS_VERSION;
	case SSL_AD_INSUFFICIENT_SECURITY:
		return DIAG_TLS_CIPHER;
	case SSL_AD_HANDSHAKE_FAILURE:
		return conn->sent_cert ? DIAG_OWN_CERT_REFUSED : DIAG_TLS_CIPHER;
	default:
		return DIAG_TLS_ALERT;
	}
}

/* What the server says about us: RFC 8446, section 6.2, and RFC 5246, section 7.2.2. */
static enum diagnosis_id alert_meaning(const struct tls_conn *conn, int alert)
{
	switch (alert) {
	case SSL_AD_HANDSHAKE_FAILURE:
		/* "An acceptable set of security parameters" is not agreed before the server's
		 * hello; TLS 1.2 uses the same alert for a certificate that it misses. */
		if (conn->sent_no_cert)
			return DIAG_CLIENT_CERT_REQUIRED;
		return conn->sent_cert ? DIAG_CLIENT_CERT_REFUSED : DIAG_TLS_CIPHER;
	case SSL_AD_BAD_CERTIFICATE:
	case SSL_AD_CERTIFICATE_UNKNOWN:
		return conn->sent_no_cert ? DIAG_CLIENT_CERT_REQUIRED : DIAG_CLIENT_CERT_REFUSED;
	case SSL_AD_UNSUPPORTED_CERTIFICATE:
		return DIAG_CLIENT_CERT_UNSUPPORTED;
	case SSL_AD_CERTIFICATE_REVOKED:
		return DIAG_CLIENT_CERT_REVOKED;
	case SSL_AD_CERTIFICATE_EXPIRED:
		return DIAG_CLIENT_CERT_EXPIRED;
	case SSL_AD_UNKNOWN_CA:
		return DIAG_CLIENT_CA_UNKNOWN;
	case SSL_AD_ACCESS_DENIED:
		return DIAG_CLIENT_ACCESS_DENIED;
	case SSL_AD_DECRYPT_ERROR:
		return conn->sent_cert ? DIAG_CLIENT_SIGNATURE : DIAG_TLS_ALERT;
	case SSL_AD_PROTOCOL_VERSION:
		return DIAG_TLS_VERSION;
	case SSL_AD_INSUFFICIENT_SECURITY:
		return DIAG_TLS_CIPHER;
	case SSL_AD_CERTIFICATE_REQUIRED:
		return DIAG_CLIENT_CERT_REQUIRED;
	default:
		return DIAG_TLS_ALERT;
	}
}

static bool about_our_certificate(enum diagnosis_id id)
{
	return id == DIAG_CLIENT_CERT_REFUSED || id == DIAG_CLIENT_CERT_EXPIRED;
}

/* What we found wrong ourselves, by the reason that libssl gives. */
static enum diagnosis_id reason_meaning(const struct tls_conn *conn, unsigned long error)
{
	if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE)
		return DIAG_INTERNAL;
	if (conn->signing)
		return DIAG_KEY_UNREADABLE;
	switch (ERR_GET_REASON(error)) {
	case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
		return DIAG_PEER_CERT_MISSING;
	case SSL_R_BAD_SIGNATURE:
		return conn->side.config ? DIAG_PEER_SIGNATURE : DIAG_TLS_FAILED;
	case SSL_R_NO_SHARED_CIPHER:
	case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
		return DIAG_TLS_CIPHER;
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_WRONG_SSL_VERSION:
	case SSL_R_VERSION_TOO_LOW:
	case SSL_R_VERSION_TOO_HIGH:
	case SSL_R_INAPPROPRIATE_FALLBACK:
		return DIAG_TLS_VERSION;
	case SSL_R_WRONG_CIPHER_RETURNED:
	case SSL_R_UNKNOWN_CIPHER_RETURNED:
	case SSL_R_NO_CIPHERS_AVAILABLE:
	case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
	case SSL_R_WRONG_SIGNATURE_TYPE:
	case SSL_R_LEGACY_SIGALG_DISALLOWED_OR_UNSUPPORTED:
	case SSL_R_NO_SUITABLE_KEY_SHARE:
	case SSL_R_WRONG_CURVE:
	case SSL_R_DH_KEY_TOO_SMALL:
		return DIAG_TLS_CIPHER;
	default:
		break;
	}
	/* OpenSSL has no alert for what does not even begin as a record. */
	if (conn->alert_sent == -1 || conn->alert_sent == SSL_AD_DECODE_ERROR ||
	    conn->alert_sent == SSL_AD_RECORD_OVERFLOW)
		return DIAG_MALFORMED;
	return DIAG_TLS_FAILED;
}

const char *tls_version_name(enum tls_version version)
{
	switch (version) {
	case TLS_1_0:
		return "TLS 1.0";
	case TLS_1_1:
		return "TLS 1.1";
	case TLS_1_2:
		return "TLS 1.2";
	case TLS_1_3:
		return "TLS 1.3";
	}
	return "TLS";
}

static const char *alert_name(int alert)
{
	/* OpenSSL 3.0 has no words for it; RFC 8446, section 6. */
	return alert == SSL_AD_CERTIFICATE_REQUIRED ? "certificate required"
						    : SSL_alert_desc_string_long(alert);
}

/* Whose certificate the server looked at. */
static void add_own_certificate(struct tls_conn *conn)
{
	const X509 *own = SSL_get_certificate(conn->ssl);
	struct cert_info info;

	diagnosis_add(&conn->why, "credential", "%s", conn->config->credential);
	if (!own)
		return;
	cert_info_of(own, &info);
	diagnosis_add(&conn->why, "subject", "%s", info.subject[0] ? info.subject : info.names);
	diagnosis_add(&conn->why, "issuer", "%s", info.issuer);
	diagnosis_add_time(&conn->why, "not_after", info.not_after);
}

static void explain_alert(struct tls_conn *conn, int alert)
{
	struct diagnosis *why = &conn->why;
	enum diagnosis_id id =
		(conn->side.config ? client_alert_meaning : alert_meaning)(conn, alert);
	bool expired = conn->config->has_cert && conn->now.wall > conn->config->not_after;

	diagnosis_set(why, about_our_certificate(id) && expired ? DIAG_CREDENTIAL_EXPIRED : id);
	diagnosis_add(why, "alert", "%s", alert_name(alert));
	if (id == DIAG_TLS_CIPHER)
		diagnosis_add(why, "detail", "alert %s", alert_name(alert));
	add_own_certificate(conn);
}

void tls_explain(struct tls_conn *conn, unsigned long error)
{
	struct diagnosis *why = &conn->why;
	int reason = ERR_GET_REASON(error);
	const char *text = ERR_reason_error_string(error);

	if (why->id == DIAG_NONE && ERR_GET_LIB(error) == ERR_LIB_SSL &&
	    reason >= SSL_AD_REASON_OFFSET) {
		explain_alert(conn, reason - SSL_AD_REASON_OFFSET);
	} else if (why->id == DIAG_NONE) {
		diagnosis_set(why, reason_meaning(conn, error));
		diagnosis_add(why, "detail", "%s", text ? text : "unknown reason");
		diagnosis_add(why, "what", "TLS");
		diagnosis_add(why, "credential", "%s", conn->config->credential);
	}
	if (conn->alert_sent >= 0)
		diagnosis_add(why, "sent", "%s", alert_name(conn->alert_sent));
	if (why->id == DIAG_TLS_VERSION && conn->config->min == conn->config->max)
		diagnosis_add(why, "allowed", "%s", tls_version_name(conn->config->min));
	else if (why->id == DIAG_TLS_VERSION)
		diagnosis_add(why, "allowed", "%s to %s", tls_version_name(conn->config->min),
			      tls_version_name(conn->config->max));
	diagnosis_add(why, "stage", "%s", conn->stage);
}
