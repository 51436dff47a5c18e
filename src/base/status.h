/* What protocol code answers.
 *
 * Every fallible function of the pure folders returns one of these and is marked CHECKED, so that
 * dropping the answer is a compiler warning.  They say what kind of thing went wrong, for the code;
 * what a person is told is a struct diagnosis (diagnosis.h).  The shell (drivers, dbus, programs)
 * returns 0 or -errno instead. */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

enum status {
	OK,
	MALFORMED,   /* the bytes do not parse, or break a ceiling */
	UNEXPECTED,  /* well formed, but not now */
	UNTRUSTED,   /* a certificate, signature or name that we do not accept */
	UNSUPPORTED, /* a version, type or algorithm that we do not have */
	NO_MEMORY,
	CRYPTO, /* the crypto library refused, for a reason that is not one of the above */
};

#define CHECKED __attribute__((warn_unused_result))

#endif
