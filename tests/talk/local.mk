# Conversations with a machine: talk_MACHINE runs tests/talk/MACHINE*.txt (script.h has the form).
TALK_TESTS =
check_PROGRAMS += $(TALK_TESTS)
TESTS += $(TALK_TESTS)

check_LIBRARIES += libscript.a
libscript_a_SOURCES = %D%/script.c %D%/script.h %D%/fake_method.c %D%/fake_method.h \
	%D%/fake_server_method.c %D%/fake_server_method.h

TALK_TESTS += %D%/talk_peer
EXTRA_DIST += %D%/peer.txt tests/vectors/eap.txt tests/vectors/eap_peer.txt
%C%_talk_peer_LDADD = libscript.a $(PROTO_LIBS)

TALK_TESTS += %D%/talk_supplicant
EXTRA_DIST += %D%/eapol-starts.txt %D%/eapol-conversations.txt %D%/eapol-results.txt
%C%_talk_supplicant_LDADD = libscript.a $(PROTO_LIBS)

TALK_TESTS += %D%/talk_authenticator
EXTRA_DIST += %D%/authenticator.txt %D%/authenticator-backend.txt %D%/authenticator-full.txt
%C%_talk_authenticator_LDADD = libscript.a $(PROTO_LIBS)
TALK_TESTS += %D%/talk_authenticator_pae
EXTRA_DIST += %D%/guard.txt
%C%_talk_authenticator_pae_LDADD = libscript.a $(PROTO_LIBS)
