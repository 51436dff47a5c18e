#include "method/tls_keys.h"

#include <string.h>

#include "eap/packet.h"

static bool is_1_3(const struct tls_conn *conn)
{
	return tls_conn_version(conn) >= TLS_1_3;
}

enum status tls_session_id_derive(const struct tls_conn *conn, uint8_t type, struct bytes *ret_id)
{
	uint8_t id[1 + TLS_RANDOMS_SIZE] = { type };
	const struct slice context = slice_of(&type, 1);
	size_t len = TLS_RANDOMS_SIZE;
	enum status status = OK;

	if (is_1_3(conn))
		status = tls_conn_export(conn, "EXPORTER_EAP_TLS_Method-Id", &context, id + 1, len);
	else if (type == EAP_TYPE_TEAP)
		status = tls_conn_channel_binding(conn, id + 1, &len);
	else
		tls_conn_randoms(conn, id + 1);
	return status == OK ? bytes_set(ret_id, slice_of(id, 1 + len)) : status;
}

/* The PRF of RFC 5216 and RFC 5281 is the exporter of RFC 5705 without a context.  PEAPv0 has the
 * label of EAP-TLS, and TEAP none: see teap_keys.h. */
static enum status export_keys(const struct tls_conn *conn, uint8_t type, uint8_t *out, size_t len)
{
	const struct slice context = slice_of(&type, 1);

	if (is_1_3(conn))
		return tls_conn_export(conn, "EXPORTER_EAP_TLS_Key_Material", &context, out, len);
	return tls_conn_export(
		conn, type == EAP_TYPE_TTLS ? "ttls keying material" : "client EAP encryption",
		NULL, out, len);
}

enum status tls_key_material(const struct tls_conn *conn, uint8_t type,
			     uint8_t material[TLS_KEY_MATERIAL_SIZE])
{
	return export_keys(conn, type, material, TLS_KEY_MATERIAL_SIZE);
}

enum status tls_keys_derive(const struct tls_conn *conn, uint8_t type, bool emsk,
			    struct eap_keys *keys)
{
	uint8_t material[TLS_KEY_MATERIAL_SIZE];
	/* With TLS 1.3 the length is part of what is derived from. */
	size_t len = emsk || is_1_3(conn) ? sizeof material : EAP_MSK_SIZE;
	enum status status = export_keys(conn, type, material, len);

	if (status == OK)
		status = secret_set(&keys->msk, slice_of(material, EAP_MSK_SIZE));
	if (status == OK && emsk)
		status = secret_set(&keys->emsk, slice_of(material + EAP_MSK_SIZE, EAP_MSK_SIZE));
	if (status == OK)
		status = tls_conn_peer_id(conn, &keys->peer_id);
	if (status == OK)
		status = tls_conn_server_id(conn, &keys->server_id);
	explicit_bzero(material, sizeof material);
	return status;
}

enum status tls_implicit_challenge(const struct tls_conn *conn, uint8_t *challenge, size_t len)
{
	return tls_conn_export(conn, "ttls challenge", NULL, challenge, len);
}
