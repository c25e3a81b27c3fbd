"""The second opinion of DifferentialTests.cpp: h11, an independent HTTP/1.1 parser written from the RFC.

Reads messages from standard input, each "G <size>\n<bytes>" (H if it answers a HEAD). Writes "strict" or, if this h11 does not
look at what stands behind a chunk (before 0.16, but for fixed packages of distributions), "lenient"; then a line for each:
verdict, status, kept, then fields, body, trailers and the bytes behind the message in hexadecimal, with tabs between.
"""

import sys

import h11


def lines(headers):
    return b"".join(name + b"=" + value + b";" for name, value in headers).lower()


def judge(method, data):
    peer = h11.Connection(h11.CLIENT, max_incomplete_event_size=64 * 1024)
    peer.send(h11.Request(method=method, target="/", headers=[("Host", "x")]))
    peer.send(h11.EndOfMessage())
    status, fields, body, trailers = 0, b"", b"", b""
    ended = False
    try:
        peer.receive_data(data)
        while True:
            event = peer.next_event()
            if event is h11.NEED_DATA:
                if ended:
                    return ["incomplete"]
                ended = True
                peer.receive_data(b"")
            elif isinstance(event, h11.Response):
                status, fields = event.status_code, lines(event.headers)
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                trailers = lines(event.headers)
                break
            elif not isinstance(event, h11.InformationalResponse):
                return ["refused"]
    except h11.RemoteProtocolError:
        return ["incomplete" if ended else "refused"]
    kept = not ended and peer.our_state is h11.DONE and peer.their_state is h11.DONE
    rest = peer.trailing_data[0]
    return ["accepted", str(status), "kept" if kept else "closed"] + [text.hex() for text in (fields, body, trailers, rest)]


def main():
    loose = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx!!0\r\n\r\n"
    print("lenient" if judge("GET", loose)[0] == "accepted" else "strict")
    source = sys.stdin.buffer
    while line := source.readline():
        kind, size = line.split()
        data = source.read(int(size))
        print("\t".join(judge("HEAD" if kind == b"H" else "GET", data)))


main()
