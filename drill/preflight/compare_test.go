package preflight

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/text/encoding/japanese"
)

const tok = "aaaaaaabbbbbbbccccccc2222222dddd"

type mailParts struct {
	subject, text, html, marker, charset string
	files                                [][2]string // name, content
	picture                              bool
}

func (m mailParts) bytes() []byte {
	var b strings.Builder
	enc := func(s string) string {
		if m.charset == "iso-2022-jp" {
			s, _ = japanese.ISO2022JP.NewEncoder().String(s)
		}
		return base64.StdEncoding.EncodeToString([]byte(s))
	}
	cs := m.charset
	if cs == "" {
		cs = "utf-8"
	}
	fmt.Fprintf(&b, "From: a@drill.example.jp\r\nTo: b@hosp.example.jp\r\nSubject: =?%s?B?%s?=\r\nMessage-ID: <1@drill.example.jp>\r\n", cs, enc(m.subject))
	if m.marker != "" {
		fmt.Fprintf(&b, "X-Hospital-Drill: %s\r\n", m.marker)
	}
	b.WriteString("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=M\r\n\r\n--M\r\nContent-Type: multipart/alternative; boundary=A\r\n\r\n")
	fmt.Fprintf(&b, "--A\r\nContent-Type: text/plain; charset=%s\r\nContent-Transfer-Encoding: base64\r\n\r\n%s\r\n", cs, enc(m.text))
	if m.html != "" {
		fmt.Fprintf(&b, "--A\r\nContent-Type: text/html; charset=%s\r\nContent-Transfer-Encoding: base64\r\n\r\n%s\r\n", cs, enc(m.html))
	}
	b.WriteString("--A--\r\n")
	if m.picture {
		b.WriteString("--M\r\nContent-Type: image/png; name=qr.png\r\nContent-ID: <qr>\r\nContent-Disposition: inline; filename=qr.png\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n")
	}
	for _, f := range m.files {
		fmt.Fprintf(&b, "--M\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename*=UTF-8''%s\r\nContent-Transfer-Encoding: base64\r\n\r\n%s\r\n",
			strings.ToUpper(strings.ReplaceAll(fmt.Sprintf("% x", f[0]), " ", "%")), base64.StdEncoding.EncodeToString([]byte(f[1])))
	}
	b.WriteString("--M--\r\n")
	return []byte(strings.ReplaceAll(b.String(), "filename*=UTF-8''", "filename*=UTF-8''%"))
}

func sentMail() mailParts {
	link := "https://drill.example.jp/" + tok
	return mailParts{subject: "【重要】勤務表の確認のお願い", marker: "v1; org=x",
		text:    "5階東病棟 髙橋様\r\n勤務表が更新されました。内容を確認してください。\r\n" + link + "\r\n情報システム担当",
		html:    `<html><head><style>p{}</style></head><body><p>5階東病棟 髙橋様</p><p>勤務表が更新されました。内容を確認してください。</p><a href="` + link + `">確認する</a><img src="cid:qr"><img src="https://drill.example.jp/eeeeeeebbbbbbbccccccc2222222dddd.gif"><p>情報システム担当</p></body></html>`,
		picture: true, files: [][2]string{{"勤務表.docx", "PK-word"}}}
}

func compare(t *testing.T, got mailParts) *Difference {
	t.Helper()
	d, err := Compare(sentMail().bytes(), got.bytes())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestCompareUntouched(t *testing.T) {
	d := compare(t, sentMail())
	if len(d.Findings) != 0 || d.Subject != Kept || d.Japanese != Kept || d.HTML != Kept || d.Marker != Kept || len(d.Links) != 1 || len(d.Images) != 2 ||
		len(d.Attachments) != 1 || d.Attachments[0].Sent != "勤務表.docx" || d.Lines == 0 {
		t.Errorf("%+v", d)
	}
	jis := sentMail() // another encoding of the same text is no change
	jis.charset = "iso-2022-jp"
	if d := compare(t, jis); len(d.Findings) != 0 {
		t.Errorf("%+v", d.Findings)
	}
}

func TestCompare(t *testing.T) {
	link := "https://drill.example.jp/" + tok
	safe := "https://jpn01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fdrill.example.jp%2F" + tok + "&data=05%7C02&sdata=x&reserved=0"
	replace := func(from, to string) func(*mailParts) {
		return func(m *mailParts) {
			m.text, m.html = strings.ReplaceAll(m.text, from, to), strings.ReplaceAll(m.html, from, to)
		}
	}
	for name, c := range map[string]struct {
		change func(*mailParts)
		want   string
		check  func(*Difference) bool
	}{
		"safe links":  {replace(link, safe), "links-rewritten", func(d *Difference) bool { return d.Links[0].By == "Microsoft Safe Links" }},
		"proofpoint":  {replace(link, "https://urldefense.com/v3/__"+link+"__;!!AbC!x$"), "links-rewritten", func(d *Difference) bool { return d.Links[0].By == "Proofpoint URL Defense" }},
		"another box": {replace(link, "https://scan.hosp.example.jp/go?u="+tok), "links-rewritten", func(d *Difference) bool { return d.Links[0].By == "scan.hosp.example.jp" }},
		"neutralised": {func(m *mailParts) {
			m.text = strings.ReplaceAll(m.text, "https://", "hxxps://")
			m.html = strings.ReplaceAll(m.html, `<a href="`+link+`">確認する</a>`, "確認する")
		}, "links-gone", func(d *Difference) bool { return d.Links[0].Fate == Neutralised }},
		"links removed": {func(m *mailParts) {
			m.text = strings.ReplaceAll(m.text, link, "[リンクは削除されました]")
			m.html = strings.ReplaceAll(m.html, link, "about:blank")
		}, "links-gone banner", func(d *Difference) bool { return d.Links[0].Fate == Removed }},
		"text only": {func(m *mailParts) { m.html, m.picture = "", false }, "images-gone html-gone", nil},
		"pictures dropped": {func(m *mailParts) {
			m.picture = false
			m.html = strings.ReplaceAll(m.html, `<img src="https://drill.example.jp/eeeeeeebbbbbbbccccccc2222222dddd.gif">`, "")
		}, "images-gone", func(d *Difference) bool { return d.Images[0].Fate == Removed && d.Images[1].Fate == Removed }},
		"attachment stripped":  {func(m *mailParts) { m.files = [][2]string{{"削除通知.txt", "x"}} }, "attachment-gone attachment-added", nil},
		"attachment to pdf":    {func(m *mailParts) { m.files = [][2]string{{"勤務表.pdf", "PDF"}} }, "attachment-changed", func(d *Difference) bool { return d.Attachments[0].Fate == Rewritten }},
		"attachment to zip":    {func(m *mailParts) { m.files = [][2]string{{"勤務表.docx.zip", "PK"}} }, "attachment-changed", nil},
		"attachment renamed":   {func(m *mailParts) { m.files = [][2]string{{"勤務表.docx_", "PK-word"}} }, "attachment-changed", func(d *Difference) bool { return d.Attachments[0].Fate == Renamed }},
		"subject tagged":       {func(m *mailParts) { m.subject = "[SPAM] " + m.subject }, "subject-tagged", func(d *Difference) bool { return d.Tag == "[SPAM]" }},
		"subject tagged in ja": {func(m *mailParts) { m.subject = "【迷惑メール】" + m.subject }, "subject-tagged", func(d *Difference) bool { return d.Tag == "【迷惑メール】" }},
		"other subject":        {func(m *mailParts) { m.subject = "別の件名です" }, "subject-changed", nil},
		"banner":               {func(m *mailParts) { m.text = "【注意】外部から届いたメールです\r\n" + m.text }, "banner", func(d *Difference) bool { return strings.Contains(d.Banner, "外部から") }},
		"marker gone":          {func(m *mailParts) { m.marker = "" }, "marker", nil},
		"marker changed":       {func(m *mailParts) { m.marker = "v1; org=y" }, "marker", nil},
		"UTF-8 read as CP932": {func(m *mailParts) {
			for _, s := range []*string{&m.text, &m.html, &m.subject} {
				*s, _ = japanese.ShiftJIS.NewDecoder().String(*s)
			}
		}, "garbled subject-garbled", nil},
		"escape sequences eaten": {func(m *mailParts) {
			for _, s := range []*string{&m.text, &m.html} {
				*s, _ = japanese.ISO2022JP.NewEncoder().String(*s)
				*s = strings.ReplaceAll(*s, "\x1b", "")
			}
		}, "garbled", nil},
		"question marks": {func(m *mailParts) {
			for _, s := range []*string{&m.text, &m.html} {
				*s = strings.Map(func(r rune) rune {
					if r > 127 {
						return '?'
					}
					return r
				}, *s)
			}
		}, "garbled", nil},
		"one word replaced": {replace("髙橋様", "高橋様"), "text-changed banner", nil},
	} {
		t.Run(name, func(t *testing.T) {
			m := sentMail()
			c.change(&m)
			d := compare(t, m)
			if got := ids(d.Findings); got != c.want || c.check != nil && !c.check(d) {
				t.Errorf("%s, want %s\n%+v", got, c.want, d)
			}
			for _, f := range d.Findings {
				if f.Says.Ja == "" || f.Says.En == "" || f.Do.Ja == "" || f.Do.En == "" {
					t.Errorf("%+v is not whole", f)
				}
			}
		})
	}
}

func TestCompareRefuses(t *testing.T) {
	good := sentMail().bytes()
	if _, err := Compare(good, []byte("no mail at all")); err == nil {
		t.Error("text was read as a mail")
	}
	if _, err := Compare(good, make([]byte, maxMail+1)); err == nil {
		t.Error("a mail of 50 MB was read")
	}
	deep := "Content-Type: multipart/mixed; boundary=b0\r\n\r\n"
	for i := range 30 {
		deep += fmt.Sprintf("--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n", i, i+1)
	}
	if _, err := Compare(good, []byte("Subject: x\r\n"+deep)); err == nil {
		t.Error("a mail of thirty floors was read")
	}
}

func FuzzCompare(f *testing.F) {
	f.Add(sentMail().bytes())
	f.Add([]byte("Content-Type: multipart/mixed; boundary=\r\n\r\n--"))
	f.Add([]byte("Content-Type: text/html; charset=x\r\nContent-Transfer-Encoding: base64\r\n\r\n<a href=//>"))
	sent := sentMail().bytes()
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := Compare(sent, b)
		if err != nil {
			return
		}
		if len(d.Links) != 1 || len(d.Attachments) != 1 || len(d.Images) != 2 {
			t.Fatalf("what was sent has no fate: %+v", d)
		}
	})
}
