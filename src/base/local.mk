libproto_a_SOURCES += \
	%D%/bytes.c %D%/bytes.h \
	%D%/diagnosis.c %D%/diagnosis.h \
	%D%/list.h %D%/machine.h %D%/moment.h %D%/own.h \
	%D%/random.c %D%/random.h \
	%D%/status.h
