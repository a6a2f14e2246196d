"""Verifies the DKIM signatures of mails with dkimpy. argv: the TXT record's name and value, so that no DNS is asked. Standard input: length
and line end, then the mail, again and again; output: one line for each, "pass" or "fail" and the signed fields."""
import sys
import dkim

name, value = sys.argv[1].encode(), sys.argv[2].encode()


def verify(raw):
    asked = []

    def txt(query, timeout=5):
        asked.append(query)
        return value if query.rstrip(b".") == name else None

    d = dkim.DKIM(raw)
    try:
        ok = d.verify(dnsfunc=txt)
    except dkim.ValidationError:
        ok = False
    return "pass" if ok and asked else "fail", ",".join(h.decode() for h, _ in d.signed_headers or [])


while line := sys.stdin.buffer.readline():
    print(*verify(sys.stdin.buffer.read(int(line))), flush=True)
