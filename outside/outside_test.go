package outside

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kenshin/drill"
)

type readCloser struct{ io.Reader }

func (readCloser) Close() error { return nil }

func copyTo(w io.Writer, r io.Reader) (int64, error) { return io.Copy(w, io.LimitReader(r, 1<<20)) }

// landings are the built-in pages, and one that no drill should name.
var landings = []string{"webmail", "parcel", "file-share", "survey", "vendor-portal", "", "no-such-page"}

func TestEveryLandingCanSendNothing(t *testing.T) {
	r := newRig(t)
	for _, kind := range landings {
		m := parcelMail()
		m.Landing = kind
		id, token := r.sent(drill.Standard, m)
		for _, lang := range []string{"ja", "en"} {
			res, body := r.do("GET", "/"+token[drill.Visited], "", "Accept-Language", lang)
			if res.StatusCode != 200 || !strings.Contains(body, m.FromName) || !strings.Contains(body, `lang="`+lang+`"`) {
				t.Errorf("%q %s: %d %s", kind, lang, res.StatusCode, body)
			}
			for _, never := range []string{"<form", " name=\"u", " name=\"p", "<iframe", "http://", "https://", " style=", " onclick"} {
				if strings.Contains(body, never) {
					t.Errorf("%q has %s", kind, never)
				}
			}
			csp := res.Header.Get("Content-Security-Policy")
			for _, want := range []string{"form-action 'none'", "connect-src 'none'", "default-src 'none'", "frame-ancestors 'none'"} {
				if !strings.Contains(csp, want) {
					t.Errorf("%q: %s", kind, csp)
				}
			}
			if res.Header.Get("Referrer-Policy") != "no-referrer" || res.Header.Get("Cache-Control") != "no-store" || res.Header.Get("Set-Cookie") != "" {
				t.Errorf("%q: %v", kind, res.Header)
			}
		}
		if e := r.events(id); len(e) != 2 || e[0].Signal != drill.Visited || e[0].Method != "GET" {
			t.Errorf("%q: %+v", kind, e)
		}
	}
}

const secret = "hunter2-ひみつの合言葉"

func TestPostsWithABodyAreRefusedUnread(t *testing.T) {
	r := newRig(t)
	id, token := r.sent(drill.Standard, parcelMail())
	var parts bytes.Buffer
	w := multipart.NewWriter(&parts)
	_ = w.WriteField("password", secret)
	_ = w.Close()
	bodies := map[string][2]string{"form": {"user=taro&password=" + secret, "application/x-www-form-urlencoded"}, "JSON": {`{"password":"` + secret + `"}`, "application/json"},
		"multipart": {parts.String(), w.FormDataContentType()}, "text": {secret, "text/plain"}}
	for name, b := range bodies {
		for _, path := range []string{"", "/ok", "/more", "/report", "/quiz/0/1", "/k.gif", "/login.php"} {
			for _, method := range []string{"POST", "PUT", "PATCH", "GET", "DELETE"} {
				res, _ := r.do(method, "/"+token[drill.Visited]+path, b[0], "Content-Type", b[1])
				if res.StatusCode != http.StatusRequestEntityTooLarge || !res.Close {
					t.Errorf("%s %s as %s: %d", method, path, name, res.StatusCode)
				}
			}
		}
		if res, _ := r.do("POST", "/"+token[drill.Visited], b[0], "Content-Type", b[1], "chunked", ""); res.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("chunked %s: %d", name, res.StatusCode)
		}
	}
	for _, path := range []string{"/verify", "/-/style.css", "/", "/" + makeToken(r.door)} {
		if res, _ := r.do("POST", path, "p="+secret); res.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
	if e := r.events(id); len(e) != 0 {
		t.Errorf("a hand-made post was taken for a visit: %+v", e)
	}
	if res, _ := r.do("GET", "/"+token[drill.Visited], "", "Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "aGVsbG8gd29ybGQgMTIzNA=="); res.StatusCode != http.StatusBadRequest {
		t.Errorf("a WebSocket was opened: %d", res.StatusCode)
	}
	// what stands in a query, a referrer or a cookie, or in a request that is none, is no event's
	res, body := r.do("GET", "/"+token[drill.Visited]+"?user=taro&password="+secret, "", "Referer", "https://x.example/?p="+secret, "Cookie", "p=hunter2-cookie", "User-Agent", "control-agent/1")
	if res.StatusCode != 200 || strings.Contains(body, "hunter2") {
		t.Errorf("%d", res.StatusCode)
	}
	c, err := net.Dial("tcp", strings.TrimPrefix(r.base, "http://"))
	r.must(err)
	fmt.Fprintf(c, "hunter2-in-the-first-line %s\r\nhunter2\x00: hunter2-in-a-field\r\n\r\n", token[drill.Visited])
	_, _ = io.Copy(io.Discard, c)
	_ = c.Close()
	if in := r.find("control-agent/1"); len(in) == 0 {
		t.Fatal("not even the browser's name is in the data folder: the search below finds nothing anyway")
	}
	for _, text := range []string{"hunter2", "ひみつの合言葉", token[drill.Visited]} {
		if in := r.find(text); len(in) > 0 {
			t.Errorf("%q is in %v", text, in)
		}
	}
}

func TestUnknownTokensGetTheSamePage(t *testing.T) {
	r := newRig(t)
	id, token := r.sent(drill.Standard, parcelMail())
	_, want := r.do("GET", "/"+makeToken(r.door), "")
	for _, path := range []string{"/" + makeToken(r.door+1), "/", "/short", "/" + strings.Repeat("a", 31), "/" + strings.Repeat("1", 32), "/admin", "/" + token[drill.Visited][:31] + "1",
		"/" + makeToken(r.door) + "/lesson", "/" + makeToken(r.door) + ".gif", "/" + token[drill.Honeypot]} {
		res, body := r.do("GET", path, "")
		if res.StatusCode != http.StatusNotFound || body != want || res.Header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: %d, another page", path, res.StatusCode)
		}
	}
	if e := r.events(id); len(e) != 1 || e[0].Signal != drill.Honeypot {
		t.Errorf("%+v", e)
	}
}

// onDisk is everything in the database's files.
func (r *rig) onDisk() map[string][sha256.Size]byte {
	r.t.Helper()
	out := map[string][sha256.Size]byte{}
	files, err := os.ReadDir(r.dir)
	r.must(err)
	for _, f := range files {
		if strings.Contains(f.Name(), ".db") && !strings.HasSuffix(f.Name(), "-shm") {
			b, err := os.ReadFile(filepath.Join(r.dir, f.Name()))
			r.must(err)
			out[f.Name()] = sha256.Sum256(b)
		}
	}
	return out
}

// Who guesses learns nothing: an unknown token is answered like the one real link that shows no page, in status, body and every header, with every
// method, and leaves nothing in the database, not even in its write-ahead log.
func TestWhoGuessesTokensLearnsAndWritesNothing(t *testing.T) {
	r := newRig(t)
	id, token := r.sent(drill.Standard, parcelMail())
	ask := func(method, path string) string {
		res, body := r.do(method, path, "")
		res.Header.Del("Date")
		return fmt.Sprint(res.StatusCode, res.ContentLength, res.Header, res.Proto, body)
	}
	for _, method := range []string{"GET", "HEAD"} {
		idle := r.onDisk()
		known := ask(method, "/"+token[drill.Honeypot])
		before := r.onDisk()
		if len(before) == 0 || maps.Equal(before, idle) {
			t.Fatal("a real link leaves no trace on the disk either: nothing is compared")
		}
		for _, path := range []string{makeToken(r.door), makeToken(r.door + 1), makeToken(r.door) + "/more", strings.Repeat("a", 32)} {
			if got := ask(method, "/"+path); got != known {
				t.Errorf("%s %s\n%s\nis not\n%s", method, path, got, known)
			}
		}
		for _, then := range []string{"/ok", "/report", "/read", "/quiz/0/1", "/t.gif", ".gif", "%27"} {
			for _, m := range []string{"GET", "HEAD", "OPTIONS", "POST"} {
				ask(m, "/"+makeToken(r.door)+then)
				ask(m, "/"+token[drill.Visited][:31]+"1"+then)
			}
		}
		if after := r.onDisk(); !maps.Equal(after, before) {
			t.Errorf("guessed tokens were written down: %d files before, %d after", len(before), len(after))
		}
	}
	if e := r.events(id); len(e) != 2 {
		t.Errorf("%+v", e)
	}
}

func TestJunkBehindATokenIsStillTheRecipient(t *testing.T) {
	r := newRig(t)
	id, token := r.sent(drill.Standard, parcelMail())
	for _, junk := range []string{"=", "%3D", ".", "/wp-login.php", "&data=05", "%22%3E", "%E3%80%82"} {
		if res, _ := r.do("GET", "/"+token[drill.Visited]+junk, ""); res.StatusCode != 200 {
			t.Errorf("%s: %d", junk, res.StatusCode)
		}
	}
	if res, _ := r.do("GET", "/"+strings.ToUpper(token[drill.Visited]), ""); res.StatusCode != 200 {
		t.Errorf("upper case: %d", res.StatusCode)
	}
	if res, body := r.do("HEAD", "/"+token[drill.Visited], ""); res.StatusCode != 200 || body != "" {
		t.Errorf("HEAD: %d", res.StatusCode)
	}
	res, body := r.do("GET", "/"+token[drill.Opened]+".gif", "")
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "image/gif" || !strings.HasPrefix(body, "GIF89a") {
		t.Errorf("the picture: %d %v", res.StatusCode, res.Header)
	}
	var malformed, head, open int
	for _, e := range r.events(id) {
		switch {
		case e.Malformed:
			malformed++
		case e.Method == "HEAD":
			head++
		case e.Signal == drill.Opened:
			open++
		}
	}
	if malformed != 7 || head != 1 || open != 1 {
		t.Errorf("%d malformed, %d HEAD, %d opened", malformed, head, open)
	}
}

func TestWhoseAddressCounts(t *testing.T) {
	for _, k := range []struct {
		name, proxy, forwarded, want string
	}{
		{"forged, no proxy is listed", "192.0.2.0/24", "203.0.113.7", "127.0.0.1"},
		{"by a listed proxy", "127.0.0.0/8", "203.0.113.7", "203.0.113.7"},
		{"forged before a listed proxy", "127.0.0.0/8", "198.51.100.66, 203.0.113.7", "203.0.113.7"},
		{"nonsense by a listed proxy", "127.0.0.0/8", "203.0.113.7, unknown", "127.0.0.1"},
		{"nothing", "127.0.0.0/8", "", "127.0.0.1"},
	} {
		t.Run(k.name, func(t *testing.T) {
			r := newRig(t, k.proxy)
			id, token := r.sent(drill.Standard, parcelMail())
			var head []string
			if k.forwarded != "" {
				head = []string{"X-Forwarded-For", k.forwarded, "X-Real-IP", "198.51.100.1", "Forwarded", "for=198.51.100.2"}
			}
			r.do("GET", "/"+token[drill.Visited], "", head...)
			if e := r.events(id); len(e) != 1 || e[0].Net != netip.MustParseAddr(k.want) {
				t.Errorf("%+v", e)
			}
		})
	}
}

func TestVerifyTellsAnAdministrator(t *testing.T) {
	r := newRig(t)
	id, token := r.sent(drill.Standard, parcelMail())
	res, body := r.do("GET", "/verify/"+token[drill.Visited], "")
	if res.StatusCode != 200 || !strings.Contains(body, "見本総合病院") || !strings.Contains(body, "情報システム室 佐藤") || strings.Contains(body, "髙﨑") || strings.Contains(body, "taro@") {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	if e := r.events(id); len(e) != 0 {
		t.Errorf("asking counted as a visit: %+v", e)
	}
	limited := false
	for range perMinute + 1 {
		res, _ = r.do("GET", "/verify/"+makeToken(r.door), "")
		limited = limited || res.StatusCode == http.StatusTooManyRequests
	}
	if !limited {
		t.Error("one may ask without end")
	}
}

func TestANoticeIsReadWithAReceiptAndNoName(t *testing.T) {
	r := newRig(t)
	m := drill.Mail{FromName: "見本病院", FromLocal: "kunren", Subject: "標的型メール訓練についてのお知らせ",
		Text: "{{氏名}} 様\n\n当院では訓練を行います。{{施設}}の全員が対象です。\n名前の記録は90日で消します。\n\n次のページで「読みました」を押してください: {{リンク}}\n"}
	id, token := r.sent(drill.Course, m)
	link := "/" + token[drill.Visited]
	for _, path := range []string{link, link + "/lesson", link + "/more", link + "/quiz/0"} { // nothing but the notice stands behind its link
		res, body := r.do("GET", path, "")
		if res.StatusCode != 200 || !strings.Contains(body, "当院では訓練を行います。") || !strings.Contains(body, "読みました") || !strings.Contains(body, "90日") {
			t.Errorf("%s: %d %s", path, res.StatusCode, body)
		}
		for _, never := range []string{"様", "髙", "花子", "{{", "\uE000", "<input", "quiz"} {
			if strings.Contains(body, never) {
				t.Errorf("%s shows %q: %s", path, never, body)
			}
		}
	}
	if res, body := r.do("POST", link+"/read", ""); res.StatusCode != 200 || !strings.Contains(body, "読んだことを記録しました") {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	read := 0
	for _, e := range r.events(id) {
		if e.Signal == drill.Read && e.Method == "POST" {
			read++
		}
	}
	if read != 1 {
		t.Errorf("%d receipts", read)
	}
	if res, _ := r.do("POST", link+"/quiz/0/0", ""); res.StatusCode == 500 {
		t.Error("an answer to no question breaks the page")
	}
}
