libproto_a_SOURCES += \
	%D%/ca.h \
	%D%/ca_authority.c \
	%D%/ca_issue.c \
	%D%/ca_keys.c \
	%D%/ca_lists.c \
	%D%/ca_names.c \
	%D%/ca_parts.h \
	%D%/cprom_frame.c %D%/cprom_frame.h \
	%D%/cprom_rules.c %D%/cprom_rules.h \
	%D%/cprom_tlv.c %D%/cprom_tlv.h \
	%D%/csr.c %D%/csr.h \
	%D%/names.c %D%/names.h \
	%D%/params.c %D%/params.h \
	%D%/proof.c %D%/proof.h \
	%D%/protocol.c %D%/protocol.h \
	%D%/question.h \
	%D%/spp.c %D%/spp.h %D%/spp_peer.c %D%/spp_server.c \
	%D%/store.h \
	%D%/token.c \
	%D%/token.h

# CMP and EST
libproto_a_SOURCES += %D%/certs_only.c %D%/certs_only.h
libproto_a_SOURCES += %D%/chain.c %D%/chain.h
libproto_a_SOURCES += %D%/cmp_exchange.c %D%/cmp_exchange.h %D%/cmp_run.c %D%/cmp_run.h
libproto_a_SOURCES += %D%/cmp_peer.c
libproto_a_SOURCES += %D%/cmp_lib.c %D%/cmp_lib.h %D%/cmp_info.c
libproto_a_SOURCES += %D%/cmp_message.c %D%/cmp_message.h
libproto_a_SOURCES += %D%/cmp_responder.c %D%/cmp_responder.h
libproto_a_SOURCES += %D%/cmp_server.c %D%/cmp_forward.c %D%/cmp_service.h
libproto_a_SOURCES += %D%/der.c %D%/der.h
libproto_a_SOURCES += %D%/est.c %D%/est.h %D%/est_http.c %D%/est_http.h
libproto_a_SOURCES += %D%/est_peer.c %D%/est_server.c
libproto_a_SOURCES += %D%/pkcs.c %D%/pkcs.h %D%/pkcs_peer.c %D%/pkcs_server.c
