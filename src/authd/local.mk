# The program itself is main.c; all else is in libauthd.a, which the tests link too.
libauthd_a_SOURCES += \
	%D%/aaa.c %D%/aaa.h \
	%D%/aaa.c %D%/aaa.h \
	%D%/accounting.h \
	%D%/address.c %D%/address.h \
	%D%/authd.h \
	%D%/config.h \
	%D%/control.h %D%/metrics.h %D%/recorder.h %D%/registry.h %D%/ticket_keys.h %D%/view.h \
	%D%/http.c %D%/http.h \
	%D%/ocsp.c %D%/ocsp.h \
	%D%/outcome.c %D%/outcome.h \
	%D%/packet.h \
	%D%/pool.h \
	%D%/queue.c %D%/queue.h
