#!/usr/bin/env python3
"""Makes the mails in this folder with Python's own email library, so that what we read was not written by our own code.
Run it here; the output is committed. All names are invented."""
import base64
import io
import pathlib
import random
import urllib.parse
import zipfile
from email import policy
from email.header import Header
from email.message import EmailMessage
from email.mime.application import MIMEApplication
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.parser import BytesParser

random.seed(7)  # the boundaries stay the same
HERE = pathlib.Path(__file__).parent
HANA = "aaaaab3hanaurlqwertyuiopasdfghjk"  # 32 letters each: the links that hana's mail carried
OPEN = "aaaaab3hanaopenzxcvbnmasdfghjklq"
assert len(HANA) == 32 and len(OPEN) == 32
LINK = f"https://kensyu.example.jp/{HANA}"
SAFE = "https://jpn01.safelinks.protection.outlook.com/?url=" + urllib.parse.quote(LINK, safe="") + "&data=05%7C02%7Chana%40hospital.example%7C08dc&reserved=0"


def save(name, msg):
    if not isinstance(msg, bytes):
        msg = msg.as_bytes(policy=policy.SMTP.clone(max_line_length=0) if isinstance(msg, EmailMessage) else policy.compat32)
    (HERE / (name + ".eml")).write_bytes(msg.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))


def drill():
    """The drill's mail as it reached hana: ISO-2022-JP, as Japanese senders write it."""
    m = MIMEMultipart("alternative")
    m["From"] = Header("医療情報係", "iso-2022-jp").encode() + " <joho@kensyu.example.jp>"
    m["To"] = "hana@hospital.example"
    m["Subject"] = Header("【重要】検査結果ポータルの再登録のお願い", "iso-2022-jp")
    m["Date"] = "Fri, 20 Nov 2026 09:00:02 +0900"
    m["Message-ID"] = "<d1.r7@kensyu.example.jp>"
    m["X-Hospital-Drill"] = "v1; org=Hospital; campaign=d1; contact=joho@hospital.example; hmac=abcd"
    m.attach(MIMEText(f"次のリンクから再登録してください。\n{LINK}\n", "plain", "iso-2022-jp"))
    html = f'<p>次の<a href="{LINK}">検査結果ポータル</a>から再登録してください。</p><img src="https://kensyu.example.jp/{OPEN}.gif">'
    m.attach(MIMEText(html, "html", "iso-2022-jp"))
    return m


def outer(subject, charset="utf-8", sender=("花子 鈴木", "hana@hospital.example")):
    m = MIMEMultipart("mixed")
    m["From"] = Header(sender[0], charset).encode() + f" <{sender[1]}>"
    m["To"] = "report@hospital.example"
    m["Subject"] = Header(subject, charset)
    m["Date"] = "Fri, 20 Nov 2026 09:12:00 +0900"
    m["Message-ID"] = "<fwd1@hospital.example>"
    return m


def attached():
    m = outer("FW: 怪しいメール", "iso-2022-jp")
    m.attach(MIMEText("不審なメールが届きました。\n開いていません。\n", "plain", "iso-2022-jp"))
    m.attach(MIMEMessage(drill()))
    save("attached", m)
    # a program that must not encode a mail but does
    m = outer("怪しいメール")
    m.attach(MIMEText("添付のメールを確認してください。", "plain", "utf-8"))
    p = EmailMessage()
    p.set_content(drill().as_bytes(), maintype="application", subtype="octet-stream", filename="【重要】検査結果.eml")
    m.attach(p)
    save("attached-base64", m)


def inline():
    m = outer("FW: 【重要】検査結果ポータルの再登録のお願い", "iso-2022-jp")
    alt = MIMEMultipart("alternative")
    text = f"""情報担当さま

すみません、リンクをクリックしてしまいまた。どうすればよいですか。

鈴木
________________________________
差出人: 医療情報係 <joho@kensyu.example.jp>
送信日時: 2026年11月20日 9:00
宛先: 鈴木 花子 <hana@hospital.example>
件名: 【重要】検査結果ポータルの再登録のお願い

次のリンクから再登録してください。
{SAFE}
"""
    html = "<html><body>" + "".join(f"<div>{line}</div>" for line in text.split("\n")[:6]) + f"""<hr><div><b>差出人:</b> 医療情報係 &lt;joho@kensyu.example.jp&gt;<br>
<b>送信日時:</b> 2026年11月20日 9:00<br><b>件名:</b> 【重要】検査結果ポータルの再登録のお願い<br></div>
<p>次の<a href="{SAFE.replace('&', '&amp;')}">検査結果ポータル</a>から再登録してください。</p></body></html>"""
    alt.attach(MIMEText(text, "plain", "iso-2022-jp"))
    alt.attach(MIMEText(html, "html", "iso-2022-jp"))
    m.attach(alt)
    save("inline-outlook", m)

    m = EmailMessage(policy=policy.SMTP)
    m["From"] = "山田 次郎 <jiro@hospital.example>"  # the colleague, not the one to whom it was sent
    m["To"] = "report@hospital.example"
    m["Subject"] = "Fwd: 【重要】検査結果ポータルの再登録のお願い"
    m["Date"] = "Fri, 20 Nov 2026 09:15:00 +0900"
    m["Message-ID"] = "<g1@mail.gmail.com>"
    m.set_content(f"""鈴木さんに届いたメールです。

---------- Forwarded message ---------
From: 医療情報係 <joho@kensyu.example.jp>
Date: Fri, 20 Nov 2026 09:00:02 +0900
Subject: 【重要】検査結果ポータルの再登録のお願い
To: <hana@hospital.example>


次のリンクから再登録してください。
{LINK}
""", cte="base64")
    save("inline-gmail-colleague", m)


def buttons():
    m = outer("3|0c7e8b5a-1111-2222-3333-08dd00000000|192.0.2.25|joho@kensyu.example.jp|(【重要】検査結果ポータルの再登録のお願い)")
    m.attach(MIMEText("", "plain", "utf-8"))
    m.attach(MIMEMessage(drill()))
    save("button-microsoft", m)


def nested():
    first = outer("FW: 怪しいメール", sender=("鈴木 花子", "hana@hospital.example"))
    first.attach(MIMEText("主任、これは何でしょうか。", "plain", "utf-8"))
    first.attach(MIMEMessage(drill()))
    m = outer("FW: FW: 怪しいメール", sender=("佐藤 主任", "sato@hospital.example"))
    m.replace_header("Message-ID", "<fwd2@hospital.example>")
    m.attach(MIMEText("部下に届きました。通報します。", "plain", "utf-8"))
    m.attach(MIMEMessage(first))
    save("nested", m)


def zipped():
    b = io.BytesIO()
    with zipfile.ZipFile(b, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr(zipfile.ZipInfo("怪しいメール.eml", (2026, 11, 20, 9, 0, 0)), drill().as_bytes())
    m = outer("怪しいメールをzipで送ります")
    m.attach(MIMEText("zipにしました。", "plain", "utf-8"))
    p = EmailMessage()
    p.set_content(b.getvalue(), maintype="application", subtype="zip", filename="mail.zip")
    m.attach(p)
    save("zipped", m)


def phish():
    """A real one, not ours: for the triage list."""
    bad = MIMEMultipart("mixed")
    bad["From"] = Header("配送センター", "utf-8").encode() + " <info@parcel.invalid>"
    bad["Subject"] = Header("お荷物のお届けについて", "utf-8")
    bad["Message-ID"] = "<x9@parcel.invalid>"
    bad.attach(MIMEText('<p>お荷物は<a href="http://203.0.113.66/login.php">こちら</a></p>', "html", "utf-8"))
    b = io.BytesIO()
    with zipfile.ZipFile(b, "w") as z:
        z.writestr(zipfile.ZipInfo("invoice.js", (2026, 11, 20, 0, 0, 0)), "WScript.Echo(1)")
    p = MIMEApplication(b.getvalue(), "zip")
    p.add_header("Content-Disposition", "attachment", filename=("utf-8", "ja", "請求書.zip"))
    bad.attach(p)
    m = outer("迷惑メール")
    m.attach(MIMEText("知らない会社からです。パスワードは入力していませんが、添付を開いてしまいました。", "plain", "utf-8"))
    m.attach(MIMEMessage(bad))
    p = MIMEApplication(b"\x89PNG", "png")
    p.replace_header("Content-Type", "image/png")
    p.add_header("Content-Disposition", "attachment", filename=("utf-8", "ja", "画面.png"))
    m.attach(p)
    save("real-phish", m)


def raw():
    """What old programs send: CP932 in the header and the body without a word about it."""
    text = f"転送します。\r\n\r\n----- 元のメッセージ -----\r\n差出人: 医療情報係 <joho@kensyu.example.jp>\r\n件名: 髙﨑①㈱の件\r\n\r\n{LINK}\r\n"
    head = "From: 鈴木 花子 <HANA@Hospital.example>\r\nTo: report@hospital.example\r\nSubject: 迷惑メール①\r\nthis is no header\r\nX-Broken\r\n\r\n"
    save("raw-cp932", (head + text).encode("cp932"))
    # a broken structure: no end, a part header that is none, no boundary where one must be
    save("malformed", ("From: hana@hospital.example\nSubject: broken\nContent-Type: multipart/mixed\n\n--zz\nContent-Type: text/plain; charset=\"utf-8; x\n"
                       "no header here\n\n見てください\n--zz\nContent-Type: text/html\nContent-Transfer-Encoding: base64\n\n!!"
                       + base64.b64encode(f'<a href="{SAFE}">x</a>'.encode()).decode()[:-3]).encode())


for make in (attached, inline, buttons, nested, zipped, phish, raw):
    make()
BytesParser(policy=policy.default).parsebytes((HERE / "attached.eml").read_bytes())
