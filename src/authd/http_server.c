#include "authd/http_server.h"

#include <errno.h>
#include <signal.h>

static void drop_message(void *context, const char *format, va_list args)
{
	(void)context;
	(void)format;
	(void)args;
}

struct MHD_Daemon *http_server_start(const struct http_server *server, const union address *at,
				     MHD_AccessHandlerCallback request,
				     MHD_RequestCompletedCallback ended, void *self)
{
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ERROR_LOG |
			 (at->sa.sa_family == AF_INET6 ? MHD_USE_IPv6 : 0);
	struct MHD_Daemon *daemon;
	sigset_t all, before;
	int error;

	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	errno = 0;
	daemon = MHD_start_daemon(
		flags, 0, NULL, NULL, request, self, MHD_OPTION_EXTERNAL_LOGGER, drop_message, NULL,
		MHD_OPTION_SOCK_ADDR, &at->sa, MHD_OPTION_NOTIFY_COMPLETED, ended, self,
		MHD_OPTION_CONNECTION_LIMIT, server->connections, MHD_OPTION_CONNECTION_TIMEOUT,
		server->idle_s, MHD_OPTION_CONNECTION_MEMORY_LIMIT, server->memory, MHD_OPTION_END);
	error = errno ? errno : EIO;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!daemon)
		errno = error;
	return daemon;
}

static bool head(const struct http_server *server, struct MHD_Response *response, unsigned status,
		 const char *type)
{
	if (MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type) != MHD_YES)
		return false;
	if (server->no_store &&
	    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store") != MHD_YES)
		return false;
	return status != MHD_HTTP_METHOD_NOT_ALLOWED ||
	       MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, server->allow) == MHD_YES;
}

enum MHD_Result http_server_reply(const struct http_server *server,
				  struct MHD_Connection *connection, unsigned status,
				  const char *type, struct slice body)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		body.len, (void *)(uintptr_t)body.p, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result = MHD_NO;

	if (!response)
		return MHD_NO;
	if (head(server, response, status, type))
		result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

enum MHD_Result http_server_reply_text(const struct http_server *server,
				       struct MHD_Connection *connection, unsigned status,
				       const char *text)
{
	return http_server_reply(server, connection, status, "text/plain; charset=utf-8",
				 slice_str(text));
}
