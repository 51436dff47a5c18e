dist_doc_DATA = LICENSE README.md NEWS.md
EXTRA_DIST += %D%/architecture.md
EXTRA_DIST += %D%/authority.md
EXTRA_DIST += %D%/cprom.md
EXTRA_DIST += %D%/enrol-protocols.md
EXTRA_DIST += %D%/enrolling.md
EXTRA_DIST += %D%/performance.md
EXTRA_DIST += %D%/testing.md
