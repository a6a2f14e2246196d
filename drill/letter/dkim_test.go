package letter

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"maps"
	"net/mail"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-msgauth/dkim"
)

var dkimKey = sync.OnceValues(NewKey)

func signer(t testing.TB) Key {
	t.Helper()
	k, err := dkimKey()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// verify asks go-msgauth; the only DNS is the record that the key prints.
func verify(t testing.TB, raw []byte, k Key) error {
	t.Helper()
	found, err := dkim.VerifyWithOptions(bytes.NewReader(raw), &dkim.VerifyOptions{LookupTXT: func(name string) ([]string, error) {
		if name != RecordName("k1", "drill.example.jp") {
			t.Errorf("asked for %s", name)
		}
		return []string{k.Value()}, nil
	}})
	if err != nil || len(found) != 1 {
		t.Fatalf("%v %v", found, err)
	}
	return found[0].Err
}

// dkimpy verifies with the Python library of that name: one line for each mail, "pass" or "fail" and the signed fields.
func dkimpy(t testing.TB, k Key, mails ...string) []string {
	t.Helper()
	path := findPython(t)
	if exec.Command(path, "-c", "import dkim").Run() != nil {
		t.Skip("no dkimpy; apt-get install python3-dkim")
	}
	cmd := exec.Command(path, "testdata/dkim_verify.py", RecordName("k1", "drill.example.jp"), k.Value())
	var in strings.Builder
	for _, m := range mails {
		fmt.Fprintf(&in, "%d\n%s", len(m), m)
	}
	cmd.Stdin, cmd.Stderr = strings.NewReader(in.String()), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

func TestSignature(t *testing.T) {
	k := signer(t)
	d := draft()
	d.HTML, d.Files = "<p>"+strings.Repeat("勤務表 ", 60)+"</p>", []File{{Name: "勤務表.html", Type: "text/html; charset=utf-8", Body: []byte("<p>")}}
	raw, err := Sign(compose(t, d), "drill.example.jp", "k1", k)
	if err != nil {
		t.Fatal(err)
	}
	wellFormed(t, raw)
	changes := map[string]string{
		"as it is":          string(raw),
		"marker removed":    regexp.MustCompile(`(?s)\r\nX-Hospital-Drill: .*?\r\n\r\n`).ReplaceAllString(string(raw), "\r\n\r\n"),
		"marker doubled":    MarkerField + ": v1; x\r\n" + string(raw),
		"second From":       "From: boss@hospital.example.jp\r\n" + string(raw),
		"second Subject":    "Subject: other\r\n" + string(raw),
		"Reply-To added":    "Reply-To: thief@example.com\r\n" + string(raw),
		"Content-Type":      "Content-Type: text/html\r\n" + string(raw),
		"body changed":      strings.Replace(string(raw), "PHA+", "PGI+", 1),
		"refolded (passes)": strings.Replace(string(raw), "; contact=", ";\r\n\tcontact=", 1),
	}
	names := slices.Sorted(maps.Keys(changes))
	var mails []string
	for _, name := range names {
		mails = append(mails, changes[name])
	}
	results := dkimpy(t, k, mails...)
	for i, name := range names {
		passes := name == "as it is" || strings.HasSuffix(name, "(passes)")
		if name != "as it is" && mails[i] == string(raw) {
			t.Fatalf("%s: nothing to change", name)
		}
		if err := verify(t, []byte(mails[i]), k); (err == nil) != passes {
			t.Errorf("%s: go-msgauth says %v", name, err)
		}
		result, fields, _ := strings.Cut(results[i], " ")
		if (result == "pass") != passes || passes && !strings.Contains(strings.ToLower(fields), "x-hospital-drill") {
			t.Errorf("%s: dkimpy says %s, signed %s", name, result, fields)
		}
	}
}

func TestSignRefuses(t *testing.T) {
	k := signer(t)
	raw := compose(t, draft())
	for name, sign := range map[string]func() ([]byte, error){
		"no key":         func() ([]byte, error) { return Sign(raw, "drill.example.jp", "k1", Key{}) },
		"foreign domain": func() ([]byte, error) { return Sign(raw, "example.com", "k1", k) },
		"part of a name": func() ([]byte, error) { return Sign(raw, "ill.example.jp", "k1", k) },
		"selector":       func() ([]byte, error) { return Sign(raw, "drill.example.jp", "k1; d=x", k) },
		"domain":         func() ([]byte, error) { return Sign(raw, "drill.example.jp\r\nX: y", "k1", k) },
		"no marker": func() ([]byte, error) {
			return Sign([]byte("From: a@drill.example.jp\r\nSubject: x\r\n\r\nbody\r\n"), "drill.example.jp", "k1", k)
		},
		"no mail": func() ([]byte, error) { return Sign(nil, "drill.example.jp", "k1", k) },
	} {
		if out, err := sign(); err == nil {
			t.Errorf("%s: signed\n%s", name, out)
		}
	}
	d := draft()
	d.Charset = ISO2022JP
	if old, err := Sign(compose(t, d), "drill.example.jp", "k1", k); err != nil || verify(t, old, k) != nil {
		t.Errorf("a sender's name in ISO-2022-JP: %v", err)
	}
	if _, err := Sign(raw, "Example.JP", "k1", k); err != nil {
		t.Errorf("the domain above the sender's: %v", err)
	}
}

func TestKeyIsKept(t *testing.T) {
	k := signer(t)
	again, err := ParseKey(k.PEM())
	if err != nil || again.Value() != k.Value() || !strings.HasPrefix(k.Value(), "v=DKIM1; k=rsa; p=MII") {
		t.Fatalf("%v", err)
	}
	old := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(k.rsa)})
	if again, err := ParseKey(old); err != nil || again.Value() != k.Value() {
		t.Errorf("PKCS #1: %v", err)
	}
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{
		"empty": nil, "text": []byte("key"), "damaged": bytes.Replace(k.PEM(), []byte("MII"), []byte("AAA"), 1),
		"1024 bits": pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(short)}),
	} {
		if _, err := ParseKey(text); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	var joined strings.Builder
	for _, s := range regexp.MustCompile(`"([^"]*)"`).FindAllStringSubmatch(k.Record("k1", "drill.example.jp"), -1) {
		if len(s[1]) > 255 {
			t.Errorf("a string of %d bytes", len(s[1]))
		}
		joined.WriteString(s[1])
	}
	if joined.String() != k.Value() || !strings.HasPrefix(k.Record("k1", "drill.example.jp"), "k1._domainkey.drill.example.jp. IN TXT ( \"") {
		t.Error(k.Record("k1", "drill.example.jp"))
	}
}

// The target is 200 mails a second on one core, all included: 5 ms a mail.
func BenchmarkMail(b *testing.B) {
	k := signer(b)
	subject, _ := ParseTemplate("{{姓}}様 勤務表の確認")
	text, _ := ParseTemplate(strings.Repeat("{{氏名}} 様\n勤務表を確認してください。\n{{リンク}}\n", 10))
	page, _ := ParseTemplate("<html><body>" + strings.Repeat(`<p>{{氏名}} 様</p><p>勤務表を<a href="{{リンク}}">確認</a>してください。</p>`, 10) + "</body></html>")
	file := File{Name: "勤務表.docx", Type: "application/zip", Body: make([]byte, 20<<10)}
	for _, c := range []Charset{UTF8, ISO2022JP} {
		b.Run(string(c), func(b *testing.B) {
			for b.Loop() {
				d := draft()
				d.Charset, d.Files, d.To = c, []File{file}, mail.Address{Address: "a@hospital.example.jp"}
				d.Subject, _ = subject.Fill(hanako, false)
				d.Text, _ = text.Fill(hanako, false)
				d.HTML, _ = page.Fill(hanako, true)
				raw, err := d.Compose(key)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := Sign(raw, "drill.example.jp", "k1", k); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
