"""Between a RADIUS client and several servers: each conversation goes to the next of them.

So a client that knows one server authenticates at one and comes again at the other, as it is with
servers behind a balancer.
"""
import select
import socket
import threading

from radius import ACCEPT, REJECT


class Relay:
    def __init__(self, lab, ns, servers, port=1900):
        self.ns, self.port, self.secret = ns, port, servers[0].secret
        self._ports = [server.port for server in servers]
        self.turns = []  # the number of the server that ended a conversation, each time
        self._front = ns.inside(self._socket)
        self._front.bind(("127.0.0.1", port))
        self._back = ns.inside(self._socket)
        self._wake, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        lab.owns(self)

    @staticmethod
    def _socket():
        return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def _run(self):
        turn, client = 0, None
        while True:
            ready = select.select([self._front, self._back, self._woken], [], [])[0]
            if self._woken in ready:
                return
            if self._front in ready:
                packet, client = self._front.recvfrom(4096)
                self._back.sendto(packet, ("127.0.0.1", self._ports[turn % len(self._ports)]))
            if self._back in ready:
                packet = self._back.recv(4096)
                if packet[0] in (ACCEPT, REJECT):
                    self.turns.append(turn % len(self._ports))
                    turn += 1
                self._front.sendto(packet, client)

    def close(self):
        self._wake.close()
        self._thread.join()
        for each in (self._front, self._back, self._woken):
            each.close()
