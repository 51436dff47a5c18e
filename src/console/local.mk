libshell_a_SOURCES += \
	%D%/output.c %D%/output.h
