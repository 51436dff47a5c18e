EXTRA_DIST += %D%/test.h
