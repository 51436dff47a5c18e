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
