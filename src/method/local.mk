libproto_a_SOURCES += \
	%D%/cprom_direct.c %D%/cprom_direct.h \
	%D%/cprom_judge.c %D%/cprom_judge.h \
	%D%/cprom_peer.c %D%/cprom_peer.h \
	%D%/cprom_peer_end.c %D%/cprom_peer_init.c %D%/cprom_peer_offer.c \
	%D%/cprom_peer_parts.h %D%/cprom_peer_round.c \
	%D%/cprom_server.c %D%/cprom_server.h \
	%D%/cprom_server_parts.h %D%/cprom_server_plan.c %D%/cprom_server_round.c \
	%D%/gtc_peer.c %D%/gtc_peer.h \
	%D%/gtc_server.c %D%/gtc_server.h \
	%D%/inner_account.h \
	%D%/inner_peer.c %D%/inner_peer.h \
	%D%/inner_server.c %D%/inner_server.h \
	%D%/mschap.c %D%/mschap.h %D%/mschap_error.c \
	%D%/mschapv2_packet.c %D%/mschapv2_packet.h \
	%D%/mschapv2_peer.c %D%/mschapv2_peer.h \
	%D%/mschapv2_server.c %D%/mschapv2_server.h \
	%D%/password_check.c %D%/password_check.h \
	%D%/peap_peer.c %D%/peap_peer.h \
	%D%/peap_server.c %D%/peap_server.h \
	%D%/peap_tlv.c %D%/peap_tlv.h \
	%D%/teap_keys.c %D%/teap_keys.h \
	%D%/teap_peer.c %D%/teap_peer.h \
	%D%/teap_peer_result.c %D%/teap_peer_provision.c %D%/teap_peer_parts.h \
	%D%/teap_error.c \
	%D%/teap_server.c %D%/teap_server.h \
	%D%/teap_server_identity.c %D%/teap_server_provision.c %D%/teap_server_parts.h \
	%D%/teap_tlv.c %D%/teap_tlv.h \
	%D%/tls_frame.c %D%/tls_frame.h \
	%D%/tls_keys.c %D%/tls_keys.h %D%/tls_verdict.h \
	%D%/tls_peer.c %D%/tls_peer.h \
	%D%/tls_server.c %D%/tls_server.h \
	%D%/ttls_avp.c %D%/ttls_avp.h \
	%D%/ttls_peer.c %D%/ttls_peer.h %D%/ttls_peer_parts.h \
	%D%/ttls_peer_password.c \
	%D%/ttls_server.c %D%/ttls_server.h \
	%D%/tunnel_peer.c %D%/tunnel_peer.h %D%/tunnel_peer_inside.c %D%/tunnel_peer_parts.h \
	%D%/tunnel_server.c %D%/tunnel_server.h %D%/tunnel_server_inside.c \
	%D%/tunnel_server_parts.h
