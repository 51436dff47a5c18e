libshell_a_SOURCES += %D%/log.c %D%/log.h %D%/loop.c %D%/loop.h
