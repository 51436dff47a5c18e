EXTRA_DIST += LICENSE
EXTRA_DIST += %D%/architecture.md
