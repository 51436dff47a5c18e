"""TLS without a socket, by OpenSSL's public functions: what Python's own module has not, which is the exporter.

    end = Tls(server=pki.server, version="1.2")      # a server; Tls(client=…) or Tls() is a client
    flight = end.hear(octets)                        # what it says to that
    end.done, end.error                              # the handshake is over; or why it is not
    flight = end.say(b"inside")                      # application data; end.heard is what has come of it
    secret = end.export("EXPORTER-CPROM-binding", 32)

It checks nobody: it is an end for those who are up to something.
"""
import ctypes

ssl = ctypes.CDLL("libssl.so.3")
crypto = ctypes.CDLL("libcrypto.so.3")

VERSIONS = {"1.0": 0x301, "1.1": 0x302, "1.2": 0x303, "1.3": 0x304}
CTRL_EXTRA_CHAIN_CERT, CTRL_SET_MIN, CTRL_SET_MAX, CTRL_PENDING = 14, 123, 124, 10
PEM = 1
WANT_READ = 2
WEAK = b"DEFAULT:@SECLEVEL=0"  # without it there is no TLS 1.1, nor 1.0


def declare(library, name, result, *arguments):
    function = getattr(library, name)
    function.restype, function.argtypes = result, arguments
    return function


P, INT, LONG, SIZE, TEXT = ctypes.c_void_p, ctypes.c_int, ctypes.c_long, ctypes.c_size_t, ctypes.c_char_p
server_method = declare(ssl, "TLS_server_method", P)
client_method = declare(ssl, "TLS_client_method", P)
context_new = declare(ssl, "SSL_CTX_new", P, P)
context_free = declare(ssl, "SSL_CTX_free", None, P)
context_ctrl = declare(ssl, "SSL_CTX_ctrl", LONG, P, INT, LONG, P)
context_ciphers = declare(ssl, "SSL_CTX_set_cipher_list", INT, P, TEXT)
context_chain = declare(ssl, "SSL_CTX_use_certificate_chain_file", INT, P, TEXT)
context_key = declare(ssl, "SSL_CTX_use_PrivateKey_file", INT, P, TEXT, INT)
ssl_new = declare(ssl, "SSL_new", P, P)
ssl_free = declare(ssl, "SSL_free", None, P)
ssl_accept_state = declare(ssl, "SSL_set_accept_state", None, P)
ssl_connect_state = declare(ssl, "SSL_set_connect_state", None, P)
ssl_bios = declare(ssl, "SSL_set_bio", None, P, P, P)
ssl_handshake = declare(ssl, "SSL_do_handshake", INT, P)
ssl_why = declare(ssl, "SSL_get_error", INT, P, INT)
ssl_read = declare(ssl, "SSL_read", INT, P, TEXT, INT)
ssl_write = declare(ssl, "SSL_write", INT, P, TEXT, INT)
ssl_export = declare(ssl, "SSL_export_keying_material", INT, P, TEXT, SIZE, TEXT, SIZE, TEXT, SIZE, INT)
ssl_cipher = declare(ssl, "SSL_get_current_cipher", P, P)
cipher_digest = declare(ssl, "SSL_CIPHER_get_handshake_digest", P, P)
digest_size = declare(crypto, "EVP_MD_get_size", INT, P)
bio_new = declare(crypto, "BIO_new", P, P)
bio_mem = declare(crypto, "BIO_s_mem", P)
bio_read = declare(crypto, "BIO_read", INT, P, TEXT, INT)
bio_write = declare(crypto, "BIO_write", INT, P, TEXT, INT)
bio_ctrl = declare(crypto, "BIO_ctrl", LONG, P, INT, LONG, P)
error_get = declare(crypto, "ERR_get_error", ctypes.c_ulong)
error_text = declare(crypto, "ERR_reason_error_string", TEXT, ctypes.c_ulong)


def trouble():
    """What OpenSSL says of it, and forgets."""
    texts = []
    while code := error_get():
        texts.append((error_text(code) or b"?").decode())
    return ", ".join(texts)


class Tls:
    def __init__(self, server=None, client=None, version="1.3"):
        """server, client: a credential of pki.py, or (file of certificates, file of the key)."""
        self._context = context_new(server_method() if server else client_method())
        for which in (CTRL_SET_MIN, CTRL_SET_MAX):
            context_ctrl(self._context, which, VERSIONS[version], None)
        if version < "1.2":
            context_ciphers(self._context, WEAK)
        if mine := server or client:
            certificates, key = mine if isinstance(mine, tuple) else (mine.bundle, mine.key)
            if context_chain(self._context, str(certificates).encode()) != 1 or \
                    context_key(self._context, str(key).encode(), PEM) != 1:
                raise RuntimeError(f"{certificates}: {trouble()}")
        self._ssl = ssl_new(self._context)
        (ssl_accept_state if server else ssl_connect_state)(self._ssl)
        self._in, self._out = bio_new(bio_mem()), bio_new(bio_mem())
        ssl_bios(self._ssl, self._in, self._out)
        self.done, self.error, self.heard = False, None, b""

    def hear(self, records=b""):
        """Takes the other side's records; returns ours."""
        bio_write(self._in, records, len(records))
        if not self.done and self.error is None:
            self._judge(ssl_handshake(self._ssl))
            self.done = self.error is None and self._finished
        if self.done:
            self._read()
        return self._flight()

    def say(self, data):
        ssl_write(self._ssl, data, len(data))
        return self._flight()

    def export(self, label, size):
        out = ctypes.create_string_buffer(size)
        if ssl_export(self._ssl, out, size, label.encode(), len(label), None, 0, 0) != 1:
            raise RuntimeError(trouble())
        return out.raw

    @property
    def digest_size(self):
        """Of the suite."""
        return digest_size(cipher_digest(ssl_cipher(self._ssl)))

    def _judge(self, result):
        self._finished = result == 1
        if result != 1 and ssl_why(self._ssl, result) != WANT_READ:
            self.error = trouble()

    def _read(self):
        buffer = ctypes.create_string_buffer(1 << 14)
        while (got := ssl_read(self._ssl, buffer, len(buffer))) > 0:
            self.heard += buffer.raw[:got]
        self._judge(got)

    def _flight(self):
        size = bio_ctrl(self._out, CTRL_PENDING, 0, None)
        buffer = ctypes.create_string_buffer(size)
        got = bio_read(self._out, buffer, size) if size else 0
        return buffer.raw[:got]

    def __del__(self):
        ssl_free(self._ssl)
        context_free(self._context)
