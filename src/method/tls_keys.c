#include "method/tls_keys.h"

#include <string.h>

#include "eap/packet.h"

/* RFC 9190, section 2.3. */
static enum status derive_1_3(const struct tls_conn *conn, struct eap_keys *keys, uint8_t *material,
			      size_t len)
{
	static const uint8_t type = EAP_TYPE_TLS;
	const struct slice context = slice_of(&type, 1);
	uint8_t id[1 + 64] = { EAP_TYPE_TLS };
	enum status status = tls_conn_export(conn, "EXPORTER_EAP_TLS_Method-Id", &context, id + 1,
					     sizeof id - 1);

	if (status == OK)
		status = bytes_set(&keys->session_id, slice_of(id, sizeof id));
	if (status == OK)
		status = tls_conn_export(conn, "EXPORTER_EAP_TLS_Key_Material", &context, material,
					 len);
	return status;
}

/* RFC 5216, section 2.3; its PRF is the exporter of RFC 5705 without a context. */
static enum status derive_1_2(const struct tls_conn *conn, struct eap_keys *keys, uint8_t *material,
			      size_t len)
{
	uint8_t id[1 + TLS_RANDOMS_SIZE] = { EAP_TYPE_TLS };
	enum status status;

	tls_conn_randoms(conn, id + 1);
	status = bytes_set(&keys->session_id, slice_of(id, sizeof id));
	if (status == OK)
		status = tls_conn_export(conn, "client EAP encryption", NULL, material, len);
	return status;
}

enum status tls_keys_derive(const struct tls_conn *conn, struct eap_keys *keys)
{
	uint8_t material[2 * EAP_MSK_SIZE];
	enum status status = tls_conn_version(conn) >= TLS_1_3
				     ? derive_1_3(conn, keys, material, sizeof material)
				     : derive_1_2(conn, keys, material, sizeof material);

	if (status == OK)
		status = secret_set(&keys->msk, slice_of(material, EAP_MSK_SIZE));
	if (status == OK)
		status = secret_set(&keys->emsk, slice_of(material + EAP_MSK_SIZE, EAP_MSK_SIZE));
	if (status == OK)
		status = tls_conn_peer_id(conn, &keys->peer_id);
	if (status == OK)
		status = tls_conn_server_id(conn, &keys->server_id);
	explicit_bzero(material, sizeof material);
	return status;
}
