#include "method/tls_keys.h"

#include <string.h>

#include "eap/packet.h"

/* What RFC 9190 exports has the type of the method as its context. */
static const uint8_t type = EAP_TYPE_TLS;
static const struct slice context = { &type, 1 };

static bool is_1_3(const struct tls_conn *conn)
{
	return tls_conn_version(conn) >= TLS_1_3;
}

enum status tls_session_id_derive(const struct tls_conn *conn, struct bytes *ret_id)
{
	uint8_t id[1 + TLS_RANDOMS_SIZE] = { EAP_TYPE_TLS };
	enum status status = OK;

	if (is_1_3(conn))
		status = tls_conn_export(conn, "EXPORTER_EAP_TLS_Method-Id", &context, id + 1,
					 sizeof id - 1);
	else
		tls_conn_randoms(conn, id + 1);
	return status == OK ? bytes_set(ret_id, slice_of(id, sizeof id)) : status;
}

/* The PRF of RFC 5216 is the exporter of RFC 5705 without a context. */
enum status tls_keys_derive(const struct tls_conn *conn, struct eap_keys *keys)
{
	uint8_t material[2 * EAP_MSK_SIZE];
	enum status status = is_1_3(conn) ? tls_conn_export(conn, "EXPORTER_EAP_TLS_Key_Material",
							    &context, material, sizeof material)
					  : tls_conn_export(conn, "client EAP encryption", NULL,
							    material, sizeof material);

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
