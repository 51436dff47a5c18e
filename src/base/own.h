/* Who owns what, written where it is declared.
 *
 * A local that owns is declared AUTO(type) and dropped on every way out; TAKE(local) is how its
 * value leaves the function.  A type takes part by DEFINE_AUTO(type, free function); the free
 * function must accept NULL. */
#ifndef BASE_OWN_H
#define BASE_OWN_H

#include <stdlib.h>

#define DEFINE_AUTO(type, free_fn)                                                                 \
	static inline void auto_free_##type(type **owned)                                          \
	{                                                                                          \
		if (*owned)                                                                        \
			free_fn(*owned);                                                           \
	}                                                                                          \
	struct auto_needs_a_semicolon_##type

/* The same for a struct x with x_new and x_free. */
#define DEFINE_AUTO_STRUCT(name)                                                                   \
	static inline void auto_free_struct_##name(struct name **owned)                            \
	{                                                                                          \
		if (*owned)                                                                        \
			name##_free(*owned);                                                       \
	}                                                                                          \
	struct auto_needs_a_semicolon_struct_##name

#define AUTO(type)	  __attribute__((cleanup(auto_free_##type))) type *
#define AUTO_STRUCT(name) __attribute__((cleanup(auto_free_struct_##name))) struct name *

/* A value (struct bytes, struct secret …) that is done when the block ends: AUTO_VALUE(bytes) x = {
 * 0 };
 */
#define AUTO_VALUE(name) __attribute__((cleanup(name##_done), unused)) struct name

#define TAKE(owned)                                                                                \
	__extension__({                                                                            \
		__typeof__(owned) *from_ = &(owned), taken_ = *from_;                              \
		*from_ = NULL;                                                                     \
		taken_;                                                                            \
	})

DEFINE_AUTO(char, free);

#endif
