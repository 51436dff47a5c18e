EXTRA_DIST += LICENSE
EXTRA_DIST += %D%/architecture.md
EXTRA_DIST += %D%/performance.md
