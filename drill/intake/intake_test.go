package intake

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"kenshin/drill/internal/token"
	"kenshin/fault"
)

var update = flag.Bool("update", false, "write the .want files anew")

const (
	hana   = "aaaaab3hanaurlqwertyuiopasdfghjk"
	safe   = "https://jpn01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fkensyu.example.jp%2F" + hana + "&data=05%7C02&reserved=0"
	marker = "v1; org=Hospital; campaign=d1; contact=joho@hospital.example; hmac=abcd"
)

// show writes a report as a person would check it.
func show(r Report) string {
	var b strings.Builder
	p := func(f string, args ...any) { fmt.Fprintf(&b, f+"\n", args...) }
	p("通報者 %s <%s> %s", r.Reporter.Name, r.Reporter.Addr, r.Proof)
	p("件名 %s", r.Subject)
	if !r.At.IsZero() {
		p("日時 %s", r.At.Format(time.RFC3339))
	}
	p("添え書き %q", r.Note)
	p("開いた %q 自動 %q ボタン %v", r.Opened, r.Automatic, r.AddOn)
	p("目印 %s", r.Marker)
	for _, t := range r.Tokens {
		p("鍵 %s", t)
	}
	for _, o := range r.Originals {
		p("- %s %s <%s> %q id=%s", o.Form, o.From.Name, o.From.Addr, o.Subject, o.MessageID)
		p("  本文 %q", o.Text)
		for _, l := range o.Links {
			p("  リンク %s %q", l.URL, l.Text)
		}
		for _, f := range o.Files {
			p("  添付 %q %s %d %.12s %v", f.Name, f.Type, f.Size, f.SHA256, f.Inside)
		}
	}
	for _, f := range r.Files {
		p("ほかの添付 %q %s %d %.12s %v", f.Name, f.Type, f.Size, f.SHA256, f.Inside)
	}
	for _, u := range r.Unread {
		p("読めず %s", u.Ja)
	}
	return b.String()
}

func TestMailsMadeByPython(t *testing.T) {
	names, _ := filepath.Glob("testdata/*.eml")
	if len(names) < 9 {
		t.Fatalf("only %d mails", len(names))
	}
	for _, name := range names {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		r, err := Read(raw, Given{}, Limits{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, file := show(r), strings.TrimSuffix(name, ".eml")+".want"
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want, _ := os.ReadFile(file); string(want) != got {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
		}
	}
}

// enclose makes a mail with one attachment.
func enclose(kind, name string, b []byte) []byte {
	return fmt.Appendf(nil, "From: =?UTF-8?B?%s?= <hana@hospital.example>\r\nSubject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n見てください。\r\n"+
		"--b\r\nContent-Type: %s; name=\"%s\"\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"%s\"\r\n\r\n%s\r\n--b--\r\n",
		base64.StdEncoding.EncodeToString([]byte("鈴木 花子")), kind, name, name, base64.StdEncoding.EncodeToString(b))
}

func read(t *testing.T, raw []byte) Report {
	t.Helper()
	r, err := Read(raw, Given{}, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func hasToken(r Report) bool {
	want, _ := token.Parse(hana)
	for _, t := range r.Tokens {
		if t == want {
			return true
		}
	}
	return false
}

func theMSG() []byte {
	headers := "Received: from x\r\nFrom: =?iso-2022-jp?b?GyRCMGVORT5wSnM3OBsoQg==?= <joho@kensyu.example.jp>\r\nDate: Fri, 20 Nov 2026 09:00:02 +0900\r\nMessage-ID: <d1.r7@kensyu.example.jp>\r\n" +
		"X-Hospital-Drill: " + marker + "\r\n\r\n"
	return writeOLE(storage("",
		prop(pSubject, typeUnicode, "【重要】検査結果ポータル"), prop(pHeaders, typeUnicode, headers), prop(pBody, typeUnicode, "次から再登録してください。\r\n<"+safe+">\r\n"),
		prop(pHTML, typeBinary, []byte("<meta charset=shift_jis><p><a href=\""+safe+"\">\x83|\x81[\x83^\x83\x8b</a></p>"+strings.Repeat("<!-- x -->", 900))),
		storage("__attach_version1.0_#00000000", prop(pLongName, typeUnicode, "請求書.pdf"), prop(pMIME, typeUnicode, "application/pdf"), prop(pData, typeBinary, []byte("%PDF-1.4"))),
		storage("__attach_version1.0_#00000001", storage("__substg1.0_3701000D", prop(pSubject, typeString8, []byte("\x92\x86\x82\xcc\x83\x81\x81[\x83\x8b")), prop(pBody, typeUnicode, "内側"))),
		storage("__recip_version1.0_#00000000", prop(pDisplay, typeUnicode, "鈴木")),
		stream("__properties_version1.0", make([]byte, 32)),
	))
}

func TestOutlookFile(t *testing.T) {
	for _, kind := range []string{"application/vnd.ms-outlook", "application/octet-stream"} {
		r := read(t, enclose(kind, "mail.msg", theMSG()))
		if len(r.Originals) != 2 || !hasToken(r) || r.Marker != marker || r.Note != "見てください。" {
			t.Fatalf("%s", show(r))
		}
		o := r.Originals[0]
		if o.Form != MSG || o.Subject != "【重要】検査結果ポータル" || o.From != (Address{"医療情報係", "joho@kensyu.example.jp"}) || o.MessageID != "d1.r7@kensyu.example.jp" || o.Date.IsZero() {
			t.Errorf("%+v", o)
		}
		if len(o.Files) != 1 || o.Files[0].Name != "請求書.pdf" || o.Files[0].Size != 8 || len(o.Files[0].SHA256) != 64 {
			t.Errorf("%+v", o.Files)
		}
		if len(o.Links) == 0 || o.Links[len(o.Links)-1].Text != "ポータル" && o.Links[0].Text != "ポータル" {
			t.Errorf("%+v", o.Links)
		}
		if in := r.Originals[1]; in.Subject != "中のメール" || in.Text != "内側" {
			t.Errorf("%+v", in)
		}
	}
}

func TestWinmail(t *testing.T) {
	inner := tnef(tnefAttr(aMAPI, tnefProps(mapiProp{pSubject, typeUnicode, wide("【重要】再登録\x00")}, mapiProp{0x8001, typeUnicode, wide("x")}, mapiProp{0x0017, 3, []byte{1, 0, 0, 0}},
		mapiProp{pBody, typeUnicode, wide("次から\r\n" + safe)}, mapiProp{pHeaders, typeString8, []byte("X-Hospital-Drill: " + marker + "\r\nMessage-ID: <d1.r7@kensyu.example.jp>\r\n")})))
	rtf := compressRTF(`{\rtf1\ansi\fromhtml1 {\*\htmltag84 <a href="` + safe + `">}\'8a\'46\'97\'6c\par x}`)
	for name, dat := range map[string][]byte{
		"a mail in it": tnef(tnefAttr(aAttachNew, make([]byte, 14)), tnefAttr(aAttachTitle, []byte("x.msg\x00")),
			tnefAttr(aAttachMAPI, tnefProps(mapiProp{pData, typeObject, append(make([]byte, 16), inner...)}))),
		"the mail's own body": tnef(tnefAttr(aMAPI, tnefProps(mapiProp{pRTF, typeBinary, rtf})), tnefAttr(aAttachNew, make([]byte, 14)), tnefAttr(aAttachTitle, []byte("\x90\xbf\x8b\x81.pdf\x00")), tnefAttr(aAttachData, []byte("%PDF"))),
		"an eml in it":        tnef(tnefAttr(aAttachNew, make([]byte, 14)), tnefAttr(aAttachTitle, []byte("x.eml\x00")), tnefAttr(aAttachData, []byte("Subject: s\r\n\r\n"+safe))),
	} {
		r := read(t, enclose("application/ms-tnef", "winmail.dat", dat))
		if !hasToken(r) || len(r.Originals) != 1 || len(r.Unread) != 0 {
			t.Errorf("%s: %s", name, show(r))
			continue
		}
		switch o := r.Originals[0]; name {
		case "a mail in it":
			if o.Form != TNEF || o.Subject != "【重要】再登録" || r.Marker != marker || o.MessageID != "d1.r7@kensyu.example.jp" {
				t.Error(show(r))
			}
		case "the mail's own body":
			if len(o.Files) != 1 || o.Files[0].Name != "請求.pdf" {
				t.Error(show(r))
			}
		}
	}
	if s := rtfText([]byte(`{\rtf1\ansi{\fonttbl{\f0 Meiryo;}}\'8a\'46\'97\'6c\par \u39640?\u-30174?\{x\}}`)); s != "皆様\n高詢{x}" && !strings.HasPrefix(s, "皆様\n高") {
		t.Errorf("%q", s)
	}
}

// compressRTF writes literals only, with the end mark: any reader must take it.
func compressRTF(s string) []byte {
	var body []byte
	at := len(rtfStart)
	for i := 0; i < len(s); i += 8 {
		chunk := s[i:min(len(s), i+8)]
		if len(chunk) == 8 {
			body = append(append(body, 0), chunk...)
			at += 8
			continue
		}
		body = append(append(body, 1<<len(chunk)), chunk...)
		at += len(chunk)
		body = append(body, byte(at>>4), byte(at<<4))
	}
	b := make([]byte, 16)
	binary.LittleEndian.PutUint32(b, uint32(len(body)+12))
	binary.LittleEndian.PutUint32(b[4:], uint32(len(s)))
	binary.LittleEndian.PutUint32(b[8:], 0x75465A4C)
	return append(b, body...)
}

// The example of [MS-OXRTFCP] 3.1.1: text with a reference into the dictionary.
func TestUnpackRTFAgainstTheSpecification(t *testing.T) {
	b := []byte{0x2d, 0x00, 0x00, 0x00, 0x2b, 0x00, 0x00, 0x00, 0x4c, 0x5a, 0x46, 0x75, 0xf1, 0xc5, 0xc7, 0xa7, 0x03, 0x00, 0x0a, 0x00, 0x72, 0x63, 0x70, 0x67, 0x31, 0x32, 0x35, 0x42, 0x32, 0x0a, 0xf3, 0x20,
		0x68, 0x65, 0x6c, 0x09, 0x00, 0x20, 0x62, 0x77, 0x05, 0xb0, 0x6c, 0x64, 0x7d, 0x0a, 0x80, 0x0f, 0xa0}
	out, err := unpackRTF(b, 1<<20)
	if want := "{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"; err != nil || string(out) != want {
		t.Errorf("%q %v", out, err)
	}
}

func TestTheReporterGetsTheCreditAndTheServerProvesIt(t *testing.T) {
	mail := func(fields string) []byte {
		return []byte(fields + "From: \"SATO, Jiro\" <Jiro@Hospital.example>\r\nSubject: FW\r\n\r\n" + safe)
	}
	for _, c := range []struct {
		fields string
		given  Given
		want   Proof
	}{
		{"", Given{}, NoProof},
		{"", Given{MailFrom: "jiro@hospital.example"}, ByEnvelope},
		{"", Given{MailFrom: "other@hospital.example"}, NoProof},
		{"Authentication-Results: mx.hospital.example; dmarc=pass (p=none; dis=none) header.from=hospital.example\r\n", Given{Trusted: "mx.hospital.example"}, ByServer},
		{"Authentication-Results: mx.hospital.example 1;\r\n spf=pass smtp.mailfrom=jiro@hospital.example\r\n", Given{Trusted: "MX.hospital.example"}, ByServer},
		{"Authentication-Results: mx.hospital.example; spf=pass smtp.mailfrom=a@evil.example; dkim=pass header.d=evil.example\r\n", Given{Trusted: "mx.hospital.example"}, NoProof},
		{"Authentication-Results: mx.hospital.example; dmarc=fail header.from=hospital.example\r\n", Given{Trusted: "mx.hospital.example", MailFrom: "jiro@hospital.example"}, Refuted},
		{"Authentication-Results: mx.hospital.example; dmarc=none (dmarc=pass; header.from=hospital.example)\r\n", Given{Trusted: "mx.hospital.example"}, NoProof},
		// a field that came with the mail stands below the server's own, or bears another name
		{"Authentication-Results: evil.example; dmarc=pass header.from=hospital.example\r\n", Given{Trusted: "mx.hospital.example"}, NoProof},
		{"Authentication-Results: mx.hospital.example; dmarc=fail\r\nAuthentication-Results: mx.hospital.example; dmarc=pass\r\n", Given{Trusted: "mx.hospital.example"}, Refuted},
	} {
		r, err := Read(mail(c.fields), c.given, Limits{})
		if err != nil || r.Proof != c.want || r.Reporter != (Address{"SATO, Jiro", "jiro@hospital.example"}) || !hasToken(r) {
			t.Errorf("%q %+v: %q %+v %v", c.fields, c.given, r.Proof, r.Reporter, err)
		}
	}
}

func TestBadMailsSayWhy(t *testing.T) {
	for name, c := range map[string]struct {
		raw    []byte
		limits Limits
		kind   fault.Kind
		says   string
	}{
		"empty":     {nil, Limits{}, fault.Invalid, "差出人"},
		"no From":   {[]byte("Subject: x\r\n\r\n" + safe), Limits{}, fault.Invalid, "差出人"},
		"bad From":  {[]byte("From: undisclosed\r\n\r\n"), Limits{}, fault.Invalid, "差出人"},
		"too large": {make([]byte, 2<<20), Limits{Raw: 1 << 20}, fault.TooLarge, "2 MB、上限 1 MB"},
		"zeros":     {make([]byte, 1<<20), Limits{}, fault.Invalid, "差出人"},
	} {
		_, err := Read(c.raw, Given{}, c.limits)
		if !fault.Is(err, c.kind) || !strings.Contains(fault.Sentence(err, "ja"), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What other readers refuse or lose (docs/adr): a reported mail was often damaged before it came here.
func TestForbearance(t *testing.T) {
	const top, mixed = "From: a@b.example\r\nSubject: s\r\n", "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
	const sjis = "\x8aF\x97l" // 皆様
	link := "https://kensyu.example.jp/" + hana
	for name, c := range map[string]struct{ raw, text, file string }{
		"no field in the header":    {top + "this is no field\r\nContent-Type: text/plain\r\n\r\n" + link, link, ""},
		"no field in a part":        {top + mixed + "--b\r\nContent-Type: text/plain\r\nno field\r\n\r\nfirst\r\n--b\r\n\r\n" + link + "\r\n--b--", "first\n\n" + link, ""},
		"no end":                    {top + mixed + "--b\r\n\r\n" + link, link, ""},
		"no boundary":               {top + "Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\n" + link + "\r\n--b--", link, ""},
		"raw CP932 file name":       {top + mixed + "--b\r\n\r\n" + link + "\r\n--b\r\nContent-Type: application/pdf; name=" + sjis + ".pdf\r\nContent-Disposition: attachment; filename=" + sjis + ".pdf\r\n\r\nx\r\n--b--", link, "皆様.pdf"},
		"junk in base64":            {top + "Content-Transfer-Encoding: base64\r\n\r\n!!" + base64.StdEncoding.EncodeToString([]byte(link))[:20] + "\r\n??" + base64.StdEncoding.EncodeToString([]byte(link))[20:], link, ""},
		"junk in quoted-printable":  {top + "Content-Transfer-Encoding: quoted-printable\r\n\r\n=ZZ " + link[:30] + "=\r\n" + link[30:] + "=", "=ZZ " + link, ""},
		"unknown charset":           {top + "Content-Type: text/plain; charset=x-unknown\r\n\r\n" + link, link, ""},
		"wrong charset":             {top + "Content-Type: text/plain; charset=utf-8\r\n\r\n" + sjis + " " + link, "皆様 " + link, ""},
		"unlabelled ISO-2022-JP":    {top + "\r\n\x1b$B3'MM\x1b(B " + link, "皆様 " + link, ""},
		"cp932":                     {top + "Content-Type: text/plain; charset=cp932\r\n\r\n" + sjis + " " + link, "皆様 " + link, ""},
		"Windows-31J":               {top + "Content-Type: text/plain; charset=\"Windows-31J\"\r\n\r\n" + sjis + " " + link, "皆様 " + link, ""},
		"unknown transfer encoding": {top + "Content-Transfer-Encoding: x-uue\r\n\r\n" + link, link, ""},
		"quote without its end":     {top + "Content-Type: text/plain; charset=\"utf-8; x\r\n\r\n" + link, link, ""},
	} {
		r, err := Read([]byte(c.raw), Given{}, Limits{})
		if err != nil || !hasToken(r) || len(r.Originals) != 1 || r.Originals[0].Text != c.text {
			t.Errorf("%s: %v %s", name, err, show(r))
		} else if c.file != "" && (len(r.Originals[0].Files) != 1 || r.Originals[0].Files[0].Name != c.file) {
			t.Errorf("%s: %+v", name, r.Originals[0].Files)
		}
	}
}

// allocated is what a call allocates in megabytes, garbage included.
func allocated(f func()) uint64 {
	var a, b runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&a)
	f()
	runtime.ReadMemStats(&b)
	return (b.TotalAlloc - a.TotalAlloc) >> 20
}

func bomb(t *testing.T, name string, size int) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("From: a@b.example\r\nSubject: bomb\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 1<<20)
	for range size {
		if _, err := w.Write(block); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestBombsAndGiantsAreBounded(t *testing.T) {
	line := strings.Repeat("A", 76) + "\r\n"
	giant := []byte("From: a@b.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n" + safe + "\r\n--b\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
		strings.Repeat(line, 50<<20/len(line)) + "\r\n--b--")
	deep := "From: a@b.example\r\n"
	for i := range 5000 {
		deep += fmt.Sprintf("Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i)
	}
	mails := "From: a@b.example\r\n"
	for range 5000 {
		mails += "Content-Type: message/rfc822\r\n\r\n"
	}
	many := "From: a@b.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + strings.Repeat("--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\ny\r\n", 50_000)
	nest := storage("__attach_version1.0_#00000000")
	for range 20_000 {
		nest = storage("__attach_version1.0_#00000000", nest)
	}
	liar := theMSG()
	liar[26] = 4
	copy(liar[40:], []byte{0xFF, 0xFF, 0xFF, 0x0F})
	var tn []byte
	for range 200 {
		tn = tnef(tnefAttr(aAttachNew, make([]byte, 14)), tnefAttr(aAttachMAPI, tnefProps(mapiProp{pData, typeObject, append(make([]byte, 16), tn...)})))
	}
	for name, c := range map[string]struct {
		raw    []byte
		most   uint64 // MB that may be allocated, garbage included
		unread bool
	}{
		"50 MB attachment":         {giant, 20, false},
		"zip of 100 MB mail":       {enclose("application/zip", "a.zip", bomb(t, "a.eml", 100)), 200, true},
		"zip of 100 MB not a mail": {enclose("application/zip", "a.zip", bomb(t, "a.bin", 100)), 20, false},
		"parts 5,000 deep":         {[]byte(deep), 60, true},
		"mails 5,000 deep":         {[]byte(mails), 60, true},
		"50,000 mails":             {[]byte(many), 60, true},
		"OLE 20,000 deep":          {enclose("application/vnd.ms-outlook", "a.msg", writeOLE(storage("", nest))), 60, true},
		"OLE that claims 30 GB":    {enclose("application/vnd.ms-outlook", "a.msg", liar), 20, false},
		"winmail 200 deep":         {enclose("application/ms-tnef", "winmail.dat", tn), 60, true},
		"a header of 20 MB":        {[]byte("From: a@b.example\r\nX: " + strings.Repeat(" y\r\n", 5<<20) + "\r\n" + safe), 60, true},
		"HTML of 20 MB":            {[]byte("From: a@b.example\r\nContent-Type: text/html\r\n\r\n" + strings.Repeat("<a href=x>&amp;%2F=3D-2F", 900_000)), 90, true},
	} {
		start := time.Now()
		var r Report
		var err error
		mb := allocated(func() { r, err = Read(c.raw, Given{}, Limits{}) })
		if err != nil || mb > c.most || (len(r.Unread) > 0) != c.unread {
			t.Errorf("%s: %d MB allocated, %v, %v %v", name, mb, time.Since(start), err, r.Unread)
		}
		t.Logf("%s: %d MB, %v", name, mb, time.Since(start))
		if name == "50 MB attachment" && !hasToken(r) {
			t.Error("the token beside a giant was lost")
		}
	}
}

func FuzzRead(f *testing.F) {
	names, _ := filepath.Glob("testdata/*.eml")
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Read(b, Given{Trusted: "x"}, Limits{Unpacked: 4 << 20})
		if err == nil && (r.Reporter.Addr == "" || len(r.Originals) > 500) {
			t.Errorf("%+v", r)
		}
		IsAutoReply(b)
	})
}

func FuzzOutlook(f *testing.F) {
	f.Add(theMSG())
	f.Fuzz(func(t *testing.T, b []byte) {
		r := &reader{limits: Limits{Unpacked: 4 << 20}.filled(), left: 4 << 20, seen: map[token.Token]bool{}}
		_ = r.outlook(b, nil, 0)
	})
}

func FuzzWinmail(f *testing.F) {
	f.Add(tnef(tnefAttr(aSubject, []byte("x")), tnefAttr(aAttachNew, nil), tnefAttr(aAttachMAPI, tnefProps(mapiProp{pData, typeObject, append(make([]byte, 16), tnef()...)})),
		tnefAttr(aMAPI, tnefProps(mapiProp{pRTF, typeBinary, compressRTF("{\\rtf1 x}")}, mapiProp{0x8003, typeUnicode, wide("y")}))))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := &reader{limits: Limits{}.filled(), left: 4 << 20, seen: map[token.Token]bool{}}
		_ = r.winmail(b, &Original{}, 0)
	})
}
