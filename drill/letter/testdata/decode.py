"""Decodes mails with Python's own email package. Standard input: length and line end, then the mail, again and again; output: one line of
JSON for each."""
import email, email.policy, hashlib, json, sys
from email.header import decode_header


def plain(value):
    """An encoded-word inside a quoted parameter, as older mailers read it."""
    return "".join(b.decode(c or "ascii") if isinstance(b, bytes) else b for b, c in decode_header(value))


def decode(raw):
    m = email.message_from_bytes(raw, policy=email.policy.default)
    old = email.message_from_bytes(raw)
    out = {"subject": m["subject"], "from": str(m["from"]), "to": str(m["to"]), "text": "", "html": "", "files": [], "tree": [],
           "defects": [str(d) for p in m.walk() for d in p.defects] + [str(d) for v in m.values() for d in getattr(v, "defects", ())]}
    for p, q in zip(m.walk(), old.walk()):
        out["tree"].append(p.get_content_type())
        if p.is_multipart():
            continue
        if p.get_content_disposition() in ("attachment", "inline"):
            out["files"].append({"name": p.get_filename(), "legacy": plain(q.get_param("name", "")), "cid": p["content-id"] or "",
                                 "sha256": hashlib.sha256(p.get_payload(decode=True)).hexdigest()})
        elif p.get_content_type() == "text/html":
            out["html"] = p.get_content()
        else:
            out["text"] = p.get_content()
    return out


while line := sys.stdin.buffer.readline():
    print(json.dumps(decode(sys.stdin.buffer.read(int(line)))), flush=True)
