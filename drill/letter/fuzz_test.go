package letter

import (
	"bytes"
	"io"
	"mime"
	"net/mail"
	"strings"
	"testing"

	"golang.org/x/text/encoding/japanese"

	"kenshin/fault"
)

// FuzzCompose: whatever is typed, either a clear refusal or one whole mail with exactly our fields, whose subject is read back by Go's own decoder.
func FuzzCompose(f *testing.F) {
	f.Add("件名", "本文", "<p>本文", "花子", "a@b.jp", "勤務表.html", "auto")
	f.Add("a\r\nBcc: x", "From x\n.", "<meta charset=x>", "a\"b", "a..b@docomo.example.jp", "髙.html", "iso-2022-jp")
	f.Add("=?x?B?=?=", strings.Repeat("長", 400), "", "が ｶﾞ か\u3099", "a@例え.jp", "a b.html", "iso-2022-jp")
	want := ""
	f.Fuzz(func(t *testing.T, subject, text, page, name, address, file, charset string) {
		d := draft()
		d.Subject, d.Text, d.HTML, d.Charset = subject, text, page, Charset(charset)
		d.To, d.Files = mail.Address{Name: name, Address: address}, []File{{Name: file, Type: "text/html", Body: []byte("x")}}
		raw, err := d.Compose(key)
		if err != nil {
			if fault.KindOf(err) == fault.Internal {
				t.Errorf("%v", err)
			}
			return
		}
		m, err := mail.ReadMessage(bytes.NewReader(raw))
		if err != nil {
			t.Fatalf("%v:\n%s", err, raw)
		}
		head, _, _ := strings.Cut(string(raw), "\r\n\r\n")
		if got := strings.Join(fieldNames(head), " "); want == "" {
			want = got
		} else if got != want {
			t.Errorf("fields %s, want %s", got, want)
		}
		dec := mime.WordDecoder{CharsetReader: func(_ string, r io.Reader) (io.Reader, error) {
			return japanese.ISO2022JP.NewDecoder().Reader(r), nil
		}}
		got, err := dec.DecodeHeader(m.Header.Get("Subject"))
		if folded := same(unify(subject)); err != nil || got != subject && same(got) != folded && !strings.ContainsAny(subject, lookAlikes) {
			t.Errorf("subject %q was read as %q (%v)", subject, got, err)
		}
		if _, err := Preview(raw); err != nil {
			t.Errorf("no preview: %v", err)
		}
	})
}

// FuzzPreview: a mail from outside is read or refused, never more than it is.
func FuzzPreview(f *testing.F) {
	raw, err := draft().Compose(key)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte("Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: text/plain; charset=x-none\r\n\r\n\xff\r\n--a--"))
	f.Add([]byte("Subject: =?iso-2022-jp?B?GyRC?=\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		v, err := Preview(raw)
		if err != nil && fault.KindOf(err) == fault.Internal {
			t.Errorf("%v", err)
		}
		total := len(v.Text) + len(v.HTML)
		for _, p := range append(v.Files, v.Inline...) {
			total += len(p.Body)
		}
		if total > 16*len(raw)+1024 {
			t.Errorf("%d bytes became %d", len(raw), total)
		}
	})
}
