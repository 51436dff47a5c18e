/* A name and its password, as the methods take it that run inside of a tunnel. */
#ifndef METHOD_INNER_ACCOUNT_H
#define METHOD_INNER_ACCOUNT_H

#include "method/mschap.h"

/* All of it is borrowed and outlives the method. */
struct inner_account {
	struct slice identity;
	const struct secret *password;
	const struct mschap *mschap; /* NULL: methods that need it refuse to run */
};

#endif
