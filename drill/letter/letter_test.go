package letter

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/mail"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"kenshin/fault"
)

var key = []byte("0123456789abcdef0123456789abcdef")

func draft() Draft {
	from := mail.Address{Name: "総務課 山田", Address: "soumu@drill.example.jp"}
	return Draft{
		From: from, To: mail.Address{Name: "髙﨑 花子", Address: "hanako@hospital.example.jp"},
		Subject: "勤務表の確認をお願いします", Text: "花子 様\n\n下のリンクを確認してください。\nhttps://lp.example.jp/abc\n",
		Date:      time.Date(2026, 11, 24, 9, 5, 0, 0, time.FixedZone("JST", 9*3600)),
		MessageID: MessageID("drill 7 recipient 12", from),
		Marker:    Marker{Org: "みどり病院", Drill: "2026-11-a", Contact: "security@hospital.example.jp"},
	}
}

func compose(t testing.TB, d Draft) []byte {
	t.Helper()
	raw, err := d.Compose(key)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

type decoded struct {
	Subject, From, To, Text, HTML string
	Files                         []struct{ Name, Legacy, Cid, Sha256 string }
	Tree, Defects                 []string
}

// reader is one Python process for all tests: starting one takes longer than the tests.
var reader struct {
	sync.Once
	in  io.Writer
	out *bufio.Scanner
	err error
}

func findPython(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"/usr/bin/python3", "python3"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no python3; apt-get install python3")
	return ""
}

// python decodes a mail with a program that shares no line with ours.
func python(t testing.TB, raw []byte) decoded {
	t.Helper()
	path := findPython(t)
	reader.Do(func() {
		cmd := exec.Command(path, "testdata/decode.py") // ends when its input does, with this process
		cmd.Stderr = os.Stderr
		in, _ := cmd.StdinPipe()
		out, _ := cmd.StdoutPipe()
		reader.in, reader.out, reader.err = in, bufio.NewScanner(out), cmd.Start()
		reader.out.Buffer(nil, 16<<20)
	})
	if reader.err != nil {
		t.Fatal(reader.err)
	}
	fmt.Fprintf(reader.in, "%d\n%s", len(raw), raw)
	if !reader.out.Scan() {
		t.Fatalf("python could not decode:\n%s", raw)
	}
	var d decoded
	if err := json.Unmarshal(reader.out.Bytes(), &d); err != nil {
		t.Fatal(err)
	}
	if len(d.Defects) > 0 {
		t.Errorf("python found defects %v in\n%s", d.Defects, raw)
	}
	return d
}

func nkf(t testing.TB, raw []byte) string {
	t.Helper()
	path, err := exec.LookPath("nkf")
	if err != nil {
		t.Skip("no nkf; apt-get install nkf")
	}
	cmd := exec.Command(path, "-w", "-J", "-m", "-x")
	cmd.Stdin = bytes.NewReader(raw)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

var word = regexp.MustCompile(`=\?([^?]+)\?B\?([^?]*)\?=`)

// wellFormed checks what every mail of ours must keep on its way: RFC 5322 lines, 7bit, whole encoded-words, no trace of this program or machine.
func wellFormed(t testing.TB, raw []byte) {
	t.Helper()
	if bytes.Contains(bytes.ReplaceAll(raw, []byte("\r\n"), nil), []byte("\n")) || bytes.Contains(bytes.ReplaceAll(raw, []byte("\r\n"), nil), []byte("\r")) {
		t.Errorf("a bare line end in\n%q", raw)
	}
	for i, line := range strings.Split(string(raw), "\r\n") {
		// a type's name and the list of signed fields are single words that no fold may part
		if len(line) > 78 && !strings.HasPrefix(line, "Content-Type: application/vnd.openxmlformats") && !strings.HasPrefix(line, " h=From:") || len(line) > 998 {
			t.Errorf("line %d has %d bytes: %s", i+1, len(line), line)
		}
		for _, b := range []byte(line) {
			if b >= 0x80 || b < ' ' && b != 0x1b && b != '\t' {
				t.Errorf("line %d has byte %#x: %q", i+1, b, line)
				break
			}
		}
	}
	head, _, _ := strings.Cut(string(raw), "\r\n\r\n")
	for _, w := range word.FindAllStringSubmatch(head, -1) {
		if len(w[0]) > 75 {
			t.Errorf("an encoded-word of %d bytes: %s", len(w[0]), w[0])
		}
		b, err := base64.StdEncoding.DecodeString(w[2])
		if err != nil || w[1] == "UTF-8" && !utf8.Valid(b) {
			t.Errorf("an encoded-word that is not whole: %s %v", w[0], err)
		}
		if i := bytes.LastIndexByte(b, 0x1b); w[1] == "ISO-2022-JP" && i >= 0 && string(b[i:min(i+3, len(b))]) != "\x1b(B" {
			t.Errorf("an encoded-word that does not end in ASCII: %q", b)
		}
	}
	host, _ := os.Hostname()
	for _, trace := range []string{"X-Mailer", "User-Agent", "Received", "kenshin", "Kenshin", "golang", host} {
		if trace != "" && len(trace) > 3 && strings.Contains(head, trace) {
			t.Errorf("the header tells %q:\n%s", trace, head)
		}
	}
	if fields := fieldNames(head); fields[len(fields)-1] != MarkerField || !slices.Contains(fields, "List-Id") {
		t.Errorf("the marker is not last: %v", fields)
	}
}

func fieldNames(head string) []string {
	var names []string
	for line := range strings.SplitSeq(head, "\r\n") {
		if name, _, ok := strings.Cut(line, ":"); ok && line[0] != ' ' {
			names = append(names, name)
		}
	}
	return names
}

// Pitfall 8: what arrives must be what was typed, seen by decoders that share nothing with ours.
func TestJapaneseArrives(t *testing.T) {
	kanji80 := strings.Repeat("医療情報管理室勤務予定表確認依頼", 5)
	for _, c := range []struct {
		name, subject, text string
		charset, sent       Charset
		want                string // "" when the subject arrives as it is
	}{
		{"80 kanji, old encoding", kanji80, kanji80, ISO2022JP, ISO2022JP, ""},
		{"80 kanji, UTF-8", kanji80, kanji80, UTF8, UTF8, ""},
		{"80 kanji, Auto", kanji80, kanji80, Auto, ISO2022JP, ""},
		{"name characters, Auto", "髙﨑①㈱様", "髙﨑①㈱", Auto, UTF8, ""},
		{"kana and look-alikes", "ｶﾅ〜−ﾊﾞｯｸ", "ｶﾅ〜−ﾊﾞｯｸ‖", Auto, ISO2022JP, "カナ〜−バック"},
		{"kana apart from its mark", "か\u3099くせい", "は\u309aん", ISO2022JP, ISO2022JP, "がくせい"},
		{"emoji", "至急📢のお知らせ👩‍⚕️", "𠮷野家📦", Auto, UTF8, ""},
		{"mixed with ASCII", "Re: [重要] 2026/11 shift表 (ver.2) について ABC", "a 漢 b 字 c", ISO2022JP, ISO2022JP, ""},
		{"ASCII alone", "Parcel notice", "Hello", Auto, UTF8, ""},
		{"ASCII that looks encoded", "=?UTF-8?B?44GC?= is text", "x", UTF8, UTF8, ""},
		{"a long ASCII subject", strings.TrimSpace(strings.Repeat("delivery notice ", 18)), "x", UTF8, UTF8, ""},
		{"double spaces", "two  spaces", "x", UTF8, UTF8, ""},
		{"European letters", "Café – résumé", "Ünïcode", Auto, UTF8, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := draft()
			d.To.Name, d.From.Name = "", ""
			d.Subject, d.Text, d.Charset = c.subject, c.text, c.charset
			raw := compose(t, d)
			wellFormed(t, raw)
			got, want := python(t, raw), c.want
			if want == "" {
				want = c.subject
			}
			if got.Subject != want {
				t.Errorf("python reads the subject\n%q, want\n%q", got.Subject, want)
			}
			v, err := Preview(raw)
			if err != nil || v.Charset != string(c.sent) {
				t.Errorf("sent as %q, want %q (%v)", v.Charset, c.sent, err)
			}
			if c.sent == UTF8 && strings.TrimSpace(got.Text) != c.text {
				t.Errorf("python reads the text %q, want %q", got.Text, c.text)
			}
			if same(v.Subject) != same(want) {
				t.Errorf("the preview shows %q, want %q", v.Subject, want)
			}
		})
	}
}

// same folds the pairs of which each decoder takes its own.
func same(s string) string {
	return strings.NewReplacer("〜", "～", "−", "－", "‖", "∥", "―", "—", "￥", "¥").Replace(s)
}

// The vendors' rows go out only when ISO-2022-JP was asked for, and then come back as they were by a Japanese decoder.
func TestVendorRowsInISO2022JP(t *testing.T) {
	d := draft()
	d.Charset, d.Subject, d.Text = ISO2022JP, "髙﨑様 ①㈱Ⅲ ｶﾅ〜−―￥の件", "髙﨑様\n①㈱Ⅲ ｶﾅ〜−\n"
	raw := compose(t, d)
	wellFormed(t, raw)
	shown := same(nkf(t, raw))
	for _, want := range []string{"Subject: 髙﨑様 ①㈱Ⅲ カナ〜−―￥の件", "髙﨑 花子", "\r\n髙﨑様\r\n①㈱Ⅲ カナ〜−\r\n"} {
		if !strings.Contains(shown, same(want)) {
			t.Errorf("nkf does not show %q in\n%s", want, shown)
		}
	}
	if !bytes.Contains(raw, []byte("Content-Transfer-Encoding: 7bit")) {
		t.Errorf("short lines need no transfer encoding:\n%s", raw)
	}
}

// Every character of JIS X 0208 must go out as the cell that Python's own table has for it.
func TestTableAgreesWithPython(t *testing.T) {
	out, err := exec.Command(findPython(t), "-c", `
import sys
for hi in range(0x21, 0x7f):
    for lo in range(0x21, 0x7f):
        try: sys.stdout.buffer.write(b"%02x%02x %s\n" % (hi, lo, (b"\x1b$B" + bytes([hi, lo]) + b"\x1b(B").decode("iso2022_jp").encode()))
        except UnicodeDecodeError: pass`).Output()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.SplitSeq(strings.TrimSpace(string(out)), "\n") {
		cell, char, _ := strings.Cut(line, " ")
		if char == `\` || char == "＼" {
			continue // Python reads cell 2140 as the ASCII character in some versions
		}
		got := ISO2022JP.encode(char)
		if want, _ := hex.DecodeString("1b2442" + cell + "1b2842"); !bytes.Equal(got, want) {
			t.Errorf("%s goes out as %x, Python's cell is %s", char, got, cell)
		}
		n++
	}
	if n < 6870 {
		t.Errorf("compared %d characters only", n)
	}
}

func TestWhatISO2022JPCannotCarryIsNamed(t *testing.T) {
	d := draft()
	d.Charset, d.Text = ISO2022JP, "一行目\nﾊﾞｯｸ𠮷野 é\n"
	_, err := d.Compose(key)
	if err == nil || !fault.Is(err, fault.Invalid) {
		t.Fatalf("err = %v", err)
	}
	for lang, want := range map[string]string{"ja": "2行5文字目の「𠮷」(U+20BB7)", "en": "line 2, character 5"} {
		if s := fault.Sentence(err, lang); !strings.Contains(s, want) {
			t.Errorf("%s: %s", lang, s)
		}
	}
	got := Misfits("𠮷a\n漢é𠮷")
	if want := []Misfit{{'𠮷', 1, 1}, {'é', 2, 2}}; !slices.Equal(got, want) {
		t.Errorf("Misfits = %v", got)
	}
}

func TestTreeOfParts(t *testing.T) {
	png := File{Name: "qr.png", Type: "image/png", ContentID: "qr", Body: []byte("\x89PNG....")}
	doc := File{Name: "令和8年度 勤務表（案）髙﨑.docx", Type: "application/vnd.openxmlformats-officedocument.wordprocessingml.document", Body: bytes.Repeat([]byte("PK\x03\x04"), 999)}
	for _, c := range []struct {
		name string
		edit func(*Draft)
		tree string
	}{
		{"text", func(d *Draft) {}, "text/plain"},
		{"html", func(d *Draft) { d.Text, d.HTML = "", "<p>はい</p>" }, "text/html"},
		{"both", func(d *Draft) { d.HTML = "<p>はい</p>" }, "multipart/alternative text/plain text/html"},
		{"text and file", func(d *Draft) { d.Files = []File{doc} }, "multipart/mixed text/plain " + doc.Type},
		{"all", func(d *Draft) {
			d.HTML, d.Inline, d.Files = `<meta charset="shift_jis"><img src="cid:qr">`, []File{png}, []File{doc}
		}, "multipart/mixed multipart/alternative text/plain multipart/related text/html image/png " + doc.Type},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := draft()
			c.edit(&d)
			raw := compose(t, d)
			wellFormed(t, raw)
			got := python(t, raw)
			if tree := strings.Join(got.Tree, " "); tree != c.tree {
				t.Errorf("tree %s, want %s", tree, c.tree)
			}
			if got.To != `髙﨑 花子 <hanako@hospital.example.jp>` {
				t.Errorf("To: %s", got.To)
			}
			if strings.Contains(c.tree, doc.Type) {
				f := got.Files[len(got.Files)-1]
				if sum := sha256.Sum256(doc.Body); f.Name != doc.Name || f.Legacy != doc.Name || f.Sha256 != hex.EncodeToString(sum[:]) {
					t.Errorf("python reads the file as %+v", f)
				}
			}
			if c.name == "all" {
				if id := strings.Trim(got.Files[0].Cid, "<>"); !strings.Contains(got.HTML, `src="cid:`+id+`"`) || !strings.HasSuffix(id, "@drill.example.jp") {
					t.Errorf("the page %q does not show the picture %q", got.HTML, id)
				}
				if !strings.Contains(strings.ToLower(got.HTML), `<meta charset="utf-8">`) {
					t.Errorf("the page says another charset than the mail: %s", got.HTML)
				}
			}
			v, err := Preview(raw)
			if err != nil {
				t.Fatal(err)
			}
			if v.Subject != d.Subject || v.From != "総務課 山田 <soumu@drill.example.jp>" || !v.Date.Equal(d.Date) || v.Text != d.Text || len(v.Files) != len(d.Files) || len(v.Inline) != len(d.Inline) {
				t.Errorf("the preview shows %+v", v)
			}
			for i := range v.Files {
				if v.Files[i].Name != d.Files[i].Name || !bytes.Equal(v.Files[i].Body, d.Files[i].Body) {
					t.Errorf("the preview shows the file %q", v.Files[i].Name)
				}
			}
			if !bytes.Equal(raw, compose(t, d)) {
				t.Error("the same draft became another mail")
			}
		})
	}
}

func TestLongLines(t *testing.T) {
	for name, text := range map[string]string{
		"one long Japanese paragraph": strings.Repeat("この訓練は病院全体で行います。", 80),
		"one long English paragraph":  strings.Repeat("This drill is for the whole hospital. ", 40) + "=20.",
		"a long link":                 "見てください\nhttps://lp.example.jp/" + strings.Repeat("a", 200) + "\n",
		"lines that mailboxes change": "From here on\n.\n..\n-- \nend",
		"a tab and empty lines":       "a\tb\n\n\n\nc",
	} {
		for _, c := range []Charset{UTF8, ISO2022JP} {
			d := draft()
			d.Text, d.Charset, d.HTML = text, c, "<p>"+text+"</p>"
			raw := compose(t, d)
			wellFormed(t, raw)
			got := python(t, raw)
			got.Text, got.HTML = lf(got.Text), lf(got.HTML)
			if strings.TrimRight(got.Text, "\n") != strings.TrimRight(text, "\n") || strings.TrimRight(got.HTML, "\n") != d.HTML {
				t.Errorf("%s, %s: arrived as %q", name, c, got.Text)
			}
			if bytes.Contains(raw, []byte("\r\nFrom here")) {
				t.Errorf("%s, %s: a line that starts with From", name, c)
			}
		}
	}
}

// Nothing that is typed anywhere can start another field, turn the text round, or take the place of what Compose writes.
func TestNothingIsInjected(t *testing.T) {
	for name, edit := range map[string]func(*Draft){
		"subject":            func(d *Draft) { d.Subject = "a\r\nBcc: all@example.jp" },
		"subject LF":         func(d *Draft) { d.Subject = "a\nb" },
		"subject NUL":        func(d *Draft) { d.Subject = "a\x00" },
		"subject NEL":        func(d *Draft) { d.Subject = "a\u0085b" },
		"subject U+2028":     func(d *Draft) { d.Subject = "a\u2028b" },
		"subject not UTF-8":  func(d *Draft) { d.Subject = "\xff" },
		"subject turned":     func(d *Draft) { d.Subject = "\u202ecod.exe" },
		"sender's name":      func(d *Draft) { d.From.Name = "a\r\nX: y" },
		"recipient's name":   func(d *Draft) { d.To.Name = "a\r\n\r\n<script>" },
		"address":            func(d *Draft) { d.To.Address = "a@b.jp>\r\nBcc: <c@d.jp" },
		"address quoted":     func(d *Draft) { d.To.Address = "\"a\r\nb\"@b.jp" },
		"two addresses":      func(d *Draft) { d.To.Address = "a@b.jp, c@d.jp" },
		"address literal":    func(d *Draft) { d.To.Address = "a@[10.0.0.1]" },
		"bare host":          func(d *Draft) { d.To.Address = "root@localhost" },
		"Japanese local":     func(d *Draft) { d.To.Address = "花子@example.jp" },
		"message id":         func(d *Draft) { d.MessageID = "a@drill.example.jp>\r\nX: <y" },
		"foreign message id": func(d *Draft) { d.MessageID = "a@mail.example.com" },
		"header value":       func(d *Draft) { d.Headers = []Header{{"Importance", "high\r\nX-Mailer: y"}} },
		"header name":        func(d *Draft) { d.Headers = []Header{{"Importance: x\r\nBcc", "y"}} },
		"marker again":       func(d *Draft) { d.Headers = []Header{{"x-hospital-drill", "v1; no"}} },
		"other header":       func(d *Draft) { d.Headers = []Header{{"List-Unsubscribe", "<mailto:a@b.jp>"}} },
		"DKIM":               func(d *Draft) { d.Headers = []Header{{"DKIM-Signature", "x"}} },
		"header twice":       func(d *Draft) { d.Headers = []Header{{"Importance", "high"}, {"importance", "low"}} },
		"references":         func(d *Draft) { d.Headers = []Header{{"References", "not an id"}} },
		"file name":          func(d *Draft) { d.Files = []File{{Name: "a\r\nX: y.html", Type: "text/html"}} },
		"file turned":        func(d *Draft) { d.Files = []File{{Name: "a\u202elmth.exe", Type: "text/html"}} },
		"file type":          func(d *Draft) { d.Files = []File{{Name: "a.html", Type: "text/html\r\nX: y"}} },
		"file is a mail":     func(d *Draft) { d.Files = []File{{Name: "a.eml", Type: "message/rfc822"}} },
		"content id": func(d *Draft) {
			d.HTML, d.Inline = "cid:a", []File{{Name: "a.png", Type: "image/png", ContentID: "a>\r\nX: <"}}
		},
		"picture missing": func(d *Draft) { d.HTML = `<img src="cid:qr">` },
		"picture not shown": func(d *Draft) {
			d.HTML, d.Inline = "<p>", []File{{Name: "a.png", Type: "image/png", ContentID: "qr"}}
		},
		"organisation":     func(d *Draft) { d.Marker.Org = "a\r\nX: y" },
		"no organisation":  func(d *Draft) { d.Marker.Org = " " },
		"no contact":       func(d *Draft) { d.Marker.Contact = "" },
		"no drill":         func(d *Draft) { d.Marker.Drill = "" },
		"body NUL":         func(d *Draft) { d.Text = "a\x00" },
		"body escape":      func(d *Draft) { d.Text = "\x1b$B" },
		"body not UTF-8":   func(d *Draft) { d.HTML = "\xe3\x81" },
		"nothing to read":  func(d *Draft) { d.Text = "" },
		"no subject":       func(d *Draft) { d.Subject = "　" },
		"long subject":     func(d *Draft) { d.Subject = strings.Repeat("長", maxSubject+1) },
		"huge body":        func(d *Draft) { d.Text = strings.Repeat("a", maxBody+1) },
		"huge files":       func(d *Draft) { d.Files = []File{{Name: "a.html", Type: "text/html", Body: make([]byte, maxBytes+1)}} },
		"many files":       func(d *Draft) { d.Files = slices.Repeat([]File{{Name: "a.html", Type: "text/html"}}, maxFiles+1) },
		"no date":          func(d *Draft) { d.Date = time.Time{} },
		"unknown encoding": func(d *Draft) { d.Charset = "shift_jis" },
	} {
		d := draft()
		edit(&d)
		raw, err := d.Compose(key)
		if err == nil {
			t.Errorf("%s: composed\n%s", name, raw)
			continue
		}
		if k := fault.KindOf(err); k != fault.Invalid && k != fault.TooLarge && k != fault.Denied {
			t.Errorf("%s: %v is of kind %d", name, err, k)
		}
		if s := fault.Sentence(err, "ja") + fault.Sentence(err, "en"); strings.ContainsAny(s, "\r\n\x00\u202e") || strings.Contains(s, "%!") {
			t.Errorf("%s: the sentence is %q", name, s)
		}
	}
}

func TestAllowedHeaders(t *testing.T) {
	d := draft()
	d.ReplyTo = mail.Address{Name: "事務局", Address: "office@例え.jp"}
	d.To.Address = "da..me@docomo.example.jp" // an old mobile address that needs quotes
	d.Headers = []Header{{"importance", "high"}, {"Organization", "みどり商事㈱"}, {"References", "<a@b.jp> <c@d.jp>"}}
	raw := compose(t, d)
	wellFormed(t, raw)
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if m.Header.Get("Importance") != "high" || m.Header.Get("References") != "<a@b.jp> <c@d.jp>" || !strings.Contains(m.Header.Get("Reply-To"), "<office@xn--r8jz45g.jp>") {
		t.Errorf("header: %v", m.Header)
	}
	if to, err := m.Header.AddressList("To"); err != nil || to[0].Address != d.To.Address {
		t.Errorf("To: %v %v", to, err)
	}
	if date, err := m.Header.Date(); err != nil || !date.Equal(d.Date) || !strings.Contains(m.Header.Get("Date"), "+0900") {
		t.Errorf("Date: %s", m.Header.Get("Date"))
	}
}
