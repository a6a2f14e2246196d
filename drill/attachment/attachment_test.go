package attachment

import (
	"bytes"
	"fmt"
	"mime"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"kenshin/fault"
)

func content() Content {
	return Content{
		Title:      "令和8年12月 勤務予定表（3階病棟）髙﨑 様",
		Paragraphs: []string{"12月の勤務予定を作成しました。<確認> & 修正をお願いします。", "Reply by Friday, please: \"night\" shifts only. ①㈱ｶﾅ〜−", "=HYPERLINK(\"https://example.com\") ではありません"},
		Beacon:     "https://lp.example.jp/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.png",
		Link:       "https://lp.example.jp/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
		LinkText:   "予定表を開く",
		When:       time.Date(2026, 12, 1, 9, 0, 0, 0, time.FixedZone("JST", 9*3600)),
	}
}

func build(t testing.TB, kind Kind, c Content) File {
	t.Helper()
	f, err := Make(kind, "勤務予定表", c)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestKindsAreClosed(t *testing.T) {
	want := []Kind{HTML, DOCX, XLSX, PPTX, PDF, ICS}
	if got := Kinds(); !slices.Equal(got, want) {
		t.Errorf("kinds %v", got)
	}
	for _, k := range want {
		f := build(t, k, content())
		if f.Name != "勤務予定表."+string(k) || len(f.Body) == 0 || k.Counts().Ja == "" || k.Counts().En == "" {
			t.Errorf("%s: %q, %d bytes", k, f.Name, len(f.Body))
		}
		if _, _, err := mime.ParseMediaType(f.Type); err != nil {
			t.Errorf("%s: %v", k, err)
		}
	}
	for _, k := range strings.Fields("docm xlsm pptm dotm exe iso lnk js hta zip eml rtf htm HTML svg") {
		if f, err := Make(Kind(k), "a", content()); err == nil {
			t.Errorf("made a %s: %s", k, f.Name)
		}
	}
}

// A mail that is made once more after a crash carries the same bytes.
func TestSameInputSameBytes(t *testing.T) {
	for _, k := range Kinds() {
		if !reflect.DeepEqual(build(t, k, content()), build(t, k, content())) {
			t.Errorf("%s differs from one making to the next", k)
		}
	}
	a, err := QR(content().Link)
	b, _ := QR(content().Link)
	if err != nil || !reflect.DeepEqual(a, b) {
		t.Errorf("the QR code differs (%v)", err)
	}
}

// Nothing in any file names the program or machine that made it, nor any address but the two that were given and the namespaces.
func TestNoTraceOfTheMaker(t *testing.T) {
	host, _ := os.Hostname()
	for _, k := range Kinds() {
		for name, body := range parts(t, build(t, k, content())) {
			for _, trace := range []string{"kenshin", "Kenshin", "golang", "Producer", "Creator", "CreationDate", "fpdf", host} {
				if len(trace) > 3 && bytes.Contains(body, []byte(trace)) {
					t.Errorf("%s %s tells %q", k, name, trace)
				}
			}
			for _, a := range addresses.FindAllString(string(body), -1) {
				a = strings.TrimRight(a, ";")
				if !strings.HasPrefix(a, "http://schemas.openxmlformats.org/") && !strings.HasPrefix(a, "https://lp.example.jp") && !strings.HasPrefix(a, "https://example.com") {
					t.Errorf("%s %s holds %q", k, name, a)
				}
			}
		}
	}
}

func TestName(t *testing.T) {
	for in, want := range map[string]string{
		"勤務予定表":                "勤務予定表.html",
		"勤務予定表.HTML":           "勤務予定表.HTML",
		"請求書.pdf":              "請求書.pdf.html", // a known trick that a drill may rehearse: it opens nothing but a browser
		"index.htm":            "index.html",
		"令和8年度 予定（案）①.html":    "令和8年度 予定（案）①.html",
		" 前後の空白 ":              "前後の空白.html",
		"か\u3099く":             "がく.html",
		"comet.v2":             "comet.v2.html",
		strings.Repeat("長", 1): "長.html",
	} {
		if got, err := Name(HTML, in); err != nil || got != want {
			t.Errorf("Name(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"", " ", ".", ".html", "..html", "../a", `a\b`, "a/b", "C:a", "a?b", "a*b", "a\"b", "<a>", "a|b", "a\nb", "a\x00b", "a\u202elmth.b", "a\u200bb", "a\u2066b",
		"請求書.exe", "請求書.EXE.html", "請求書．ｅｘｅ", "請求書.scr.html", "a.lnk", "a.iso.html", "a.docm", "a.js.html", "a.hta", "a. exe .html", "a.exe.b", "a                                .html",
		"a .html", "a.", "CON", "con.html", "nul.x", "ＣＯＮ", "com1", "／etc／passwd", "\xff", strings.Repeat("長", 116)} {
		if got, err := Name(HTML, in); !fault.Is(err, fault.Invalid) {
			t.Errorf("Name(%q) = %q, %v", in, got, err)
		}
	}
	if got, err := Name(HTML, strings.Repeat("長", 115)); err != nil || len([]rune(got)) != 120 {
		t.Errorf("120 characters: %v", err)
	}
	if got, err := Name(DOCX, "a.html"); err != nil || got != "a.html.docx" {
		t.Errorf("the extension of another kind: %q %v", got, err)
	}
}

func FuzzName(f *testing.F) {
	f.Add("html", "勤務表.exe")
	f.Add("pdf", "a\u202efdp.scr")
	f.Fuzz(func(t *testing.T, kind, name string) {
		got, err := Name(Kind(kind), name)
		if err != nil {
			if fault.KindOf(err) == fault.Internal {
				t.Error(err)
			}
			return
		}
		if !strings.HasSuffix(strings.ToLower(got), "."+kind) || filepath.Base(got) != got || strings.ContainsFunc(got, hidden) || len([]rune(got)) > 120 {
			t.Errorf("Name(%q, %q) = %q", kind, name, got)
		}
		if again, err := Name(Kind(kind), got); err != nil || again != got {
			t.Errorf("Name is not stable: %q became %q (%v)", got, again, err)
		}
	})
}

func TestContentIsChecked(t *testing.T) {
	for name, edit := range map[string]func(*Content){
		"no title":         func(c *Content) { c.Title = "　" },
		"long title":       func(c *Content) { c.Title = strings.Repeat("長", 101) },
		"line end":         func(c *Content) { c.Title = "a\nATTACH:x" },
		"control":          func(c *Content) { c.Paragraphs[0] = "a\x0bb" },
		"U+FFFE":           func(c *Content) { c.Paragraphs[0] = "a\ufffeb" },
		"not UTF-8":        func(c *Content) { c.Paragraphs[0] = "\xff" },
		"turned":           func(c *Content) { c.LinkText = "\u202eexe" },
		"many":             func(c *Content) { c.Paragraphs = make([]string, 41) },
		"long":             func(c *Content) { c.Paragraphs[0] = strings.Repeat("長", 1001) },
		"script":           func(c *Content) { c.Link = "javascript:alert(1)" },
		"file":             func(c *Content) { c.Beacon = "file:///etc/passwd" },
		"share":            func(c *Content) { c.Beacon = `\\10.0.0.1\share\a.png` },
		"quote":            func(c *Content) { c.Link = `https://lp.example.jp/"onclick=` },
		"parenthesis":      func(c *Content) { c.Link = `https://lp.example.jp/)/S/JavaScript` },
		"policy":           func(c *Content) { c.Beacon = `https://lp.example.jp;script-src/*` },
		"no host":          func(c *Content) { c.Link = "https:///a" },
		"password in link": func(c *Content) { c.Link = "https://a:b@lp.example.jp/" },
		"long link":        func(c *Content) { c.Link = "https://lp.example.jp/" + strings.Repeat("a", 500) },
	} {
		for _, k := range Kinds() {
			c := content()
			edit(&c)
			if _, err := Make(k, "a", c); !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.TooLarge) {
				t.Errorf("%s, %s: %v", name, k, err)
			}
		}
	}
	for _, k := range Kinds() {
		c := content()
		if c.Beacon = ""; k.TellsOpening() {
			if _, err := Make(k, "a", c); err == nil {
				t.Errorf("%s without its picture tells nothing", k)
			}
		} else if _, err := Make(k, "a", c); err != nil {
			t.Errorf("%s has no use for a picture: %v", k, err)
		}
		c = content()
		c.Link = ""
		if _, err := Make(k, "a", c); (err == nil) != k.TellsOpening() {
			t.Errorf("%s without a link: %v", k, err)
		}
	}
	c := content()
	c.SignIn, c.Link = true, ""
	if _, err := Make(HTML, "a", c); err == nil {
		t.Error("a page with fields but no link to press")
	}
	c = content()
	c.When = time.Time{}
	if _, err := Make(ICS, "a", c); err == nil {
		t.Error("an appointment without a time")
	}
}

func TestQRIsReadable(t *testing.T) {
	f, err := QR(content().Link)
	if err != nil || f.ContentID != "qr" || f.Type != "image/png" {
		t.Fatalf("%+v %v", f, err)
	}
	for _, bad := range []string{"", "javascript:x", "https://lp.example.jp/" + strings.Repeat("a", 3000)} {
		if _, err := QR(bad); err == nil {
			t.Errorf("QR(%q)", bad)
		}
	}
	path, err := exec.LookPath("zbarimg")
	if err != nil {
		t.Skip("no zbarimg; apt-get install zbar-tools")
	}
	name := filepath.Join(t.TempDir(), f.Name)
	if err := os.WriteFile(name, f.Body, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(path, "--quiet", "--raw", "--nodbus", name).Output()
	if err != nil || strings.TrimSpace(string(out)) != content().Link {
		t.Errorf("zbarimg reads %q, %v", out, err)
	}
}

func TestICS(t *testing.T) {
	c := content()
	c.Paragraphs = append(c.Paragraphs, strings.Repeat("とても長い段落です。", 20))
	body := string(build(t, ICS, c).Body)
	for i, line := range strings.Split(strings.TrimSuffix(body, "\r\n"), "\r\n") {
		if len(line) > 75 || strings.ContainsAny(line, "\r\n") || !validUTF8(line) {
			t.Errorf("line %d: %d bytes %q", i+1, len(line), line)
		}
	}
	got := map[string]string{}
	for line := range strings.SplitSeq(strings.ReplaceAll(strings.TrimSpace(body), "\r\n ", ""), "\r\n") {
		name, value, ok := strings.Cut(line, ":")
		if _, twice := got[name]; !ok || twice && name != "BEGIN" && name != "END" {
			t.Errorf("line %q", line)
		}
		got[name] = strings.NewReplacer(`\n`, "\n", `\,`, ",", `\;`, ";", `\\`, `\`).Replace(value)
	}
	if got["SUMMARY"] != c.Title || got["URL"] != c.Link || got["DTSTART"] != "20261201T000000Z" || got["DTEND"] != "20261201T010000Z" || !strings.HasSuffix(got["UID"], "@lp.example.jp") {
		t.Errorf("read as %v", got)
	}
	if want := strings.Join(c.Paragraphs, "\n") + "\n" + c.LinkText + "\n" + c.Link; got["DESCRIPTION"] != want {
		t.Errorf("description\n%q, want\n%q", got["DESCRIPTION"], want)
	}
	for _, no := range []string{"ATTACH", "VALARM", "ATTENDEE", "ORGANIZER"} {
		if strings.Contains(body, no) {
			t.Errorf("has %s", no)
		}
	}
}

func validUTF8(s string) bool { return strings.ToValidUTF8(s, "") == s }

func TestPDFIsReadable(t *testing.T) {
	c := content()
	for i := range 30 {
		c.Paragraphs = append(c.Paragraphs, fmt.Sprintf("段落%d。", i)+strings.Repeat("勤務予定の変更は師長に連絡してください。", 6)+"https://example.com/a/very/long/word/in/ascii/that/stands/alone")
	}
	c.Paragraphs = append(c.Paragraphs, "𠮷野様、どうぞ。")
	f := build(t, PDF, c)
	for _, no := range []string{"/JavaScript", "/JS", "/Launch", "/OpenAction", "/AA", "/EmbeddedFile", "/SubmitForm", "/GoToR", "/AcroForm", "/RichMedia"} {
		if bytes.Contains(f.Body, []byte(no)) {
			t.Errorf("has %s", no)
		}
	}
	if bytes.Count(f.Body, []byte("/URI (")) != 1 || !bytes.Contains(f.Body, []byte("/URI ("+c.Link+")")) {
		t.Error("the link is not its only action")
	}
	name := filepath.Join(t.TempDir(), "a.pdf")
	if err := os.WriteFile(name, f.Body, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := exec.LookPath("pdftotext"); err != nil {
		t.Skip("no pdftotext; apt-get install poppler-utils")
	}
	cmd := exec.Command("pdftotext", "-raw", "-enc", "UTF-8", name, "-")
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil || complaints.Len() > 0 {
		t.Fatalf("pdftotext: %v %s", err, complaints.String())
	}
	// lines are parted where they are full: text compares without white space
	squeeze := strings.NewReplacer(" ", "", "\n", "", "\f", "")
	text := squeeze.Replace(string(out))
	for _, want := range append(c.Paragraphs, c.Title, c.LinkText) {
		want = strings.ReplaceAll(want, "𠮷", "") // pdftotext needs the map for it, which it does not take
		if !strings.Contains(strings.ReplaceAll(text, "𠮷", ""), squeeze.Replace(want)) {
			t.Errorf("pdftotext does not read %q", want)
		}
	}
	if pages := strings.Count(string(out), "\f"); pages < 2 {
		t.Errorf("%d pages", pages)
	}
	for line := range strings.SplitSeq(string(out), "\n") {
		w := 0
		for _, r := range line {
			w += width(r) * 11
		}
		if strings.HasPrefix(line, "、") || strings.HasPrefix(line, "。") || w > textWidth+2*11*1000 {
			t.Errorf("the line %q", line)
		}
	}
	// pdfinfo reads the cross-reference table strictly
	if out, err := exec.Command("pdfinfo", name).CombinedOutput(); err != nil || bytes.Contains(out, []byte("rror")) {
		t.Errorf("pdfinfo: %v %s", err, out)
	}
}

func FuzzMake(f *testing.F) {
	f.Add("勤務表", "本文 & <b>", "https://lp.example.jp/a", "開く")
	f.Add("(a\\", "\\n;,:", "https://例え.jp/", "]]>")
	f.Fuzz(func(t *testing.T, title, text, link, label string) {
		c := Content{Title: title, Paragraphs: []string{text}, Beacon: link, Link: link, LinkText: label, When: time.Unix(1e9, 0)}
		for _, k := range Kinds() {
			file, err := Make(k, "a", c)
			if err != nil {
				if fault.KindOf(err) == fault.Internal {
					t.Error(err)
				}
				return
			}
			if k == DOCX || k == XLSX || k == PPTX {
				checkPackage(t, file, link, link)
			}
		}
	})
}

func BenchmarkMake(b *testing.B) {
	for _, k := range Kinds() {
		b.Run(string(k), func(b *testing.B) {
			c := content()
			for b.Loop() {
				if _, err := Make(k, "勤務予定表", c); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
