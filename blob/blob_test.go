package blob

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf8"

	"kenshin/actor"
	"kenshin/fault"
	"kenshin/internal/dbtest"
	"kenshin/store"
)

func content(n int) []byte {
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(1, uint64(n)))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func chunks(t *testing.T, db *store.DB) (files, parts int) {
	t.Helper()
	err := db.Read(t.Context(), dbtest.Facility, func(tx *store.Tx) error {
		if err := tx.Row(t.Context(), "SELECT count(*) FROM blob_files WHERE facility_id = $1").Scan(&files); err != nil {
			return err
		}
		return tx.Row(t.Context(), "SELECT count(*) FROM blob_chunks WHERE facility_id = $1").Scan(&parts)
	})
	if err != nil {
		t.Fatal(err)
	}
	return files, parts
}

func TestRoundTrip(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := actor.With(t.Context(), actor.Actor{Kind: actor.Person, ID: "p", Name: "花子"})
		for _, size := range []int{0, 1, chunkSize - 1, chunkSize, chunkSize + 1, 3*chunkSize + 17} {
			want := content(size)
			f, err := Put(ctx, db, dbtest.Facility, "契約書.bin", iotest.HalfReader(bytes.NewReader(want)))
			if err != nil {
				t.Fatal(err)
			}
			if sum := sha256.Sum256(want); f.SHA256 != hex.EncodeToString(sum[:]) || f.Size != int64(size) || f.By != "花子" {
				t.Errorf("%+v", f)
			}
			r, err := Open(ctx, db, dbtest.Facility, f.ID)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(r)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes: read %d, %v", size, len(got), err)
			}
			if _, err := Open(ctx, db, dbtest.Canary, f.ID); !fault.Is(err, fault.NotFound) {
				t.Errorf("another facility reads it: %v", err)
			}
			if err := Remove(ctx, db, dbtest.Canary, f.ID); err != nil {
				t.Error(err)
			}
			if size > 2*chunkSize {
				ranged(t, r, want)
			}
			if err := Remove(ctx, db, dbtest.Facility, f.ID); err != nil {
				t.Fatal(err)
			}
			if files, parts := chunks(t, db); files+parts != 0 {
				t.Errorf("left: %d files, %d chunks", files, parts)
			}
		}
	})
}

// ranged serves a part of the file as the web server does.
func ranged(t *testing.T, r *Reader, want []byte) {
	t.Helper()
	req := httptest.NewRequest(http.MethodGet, "/", nil)
	req.Header.Set("Range", "bytes=262000-530000")
	rec := httptest.NewRecorder()
	http.ServeContent(rec, req, "", time.Time{}, r)
	if rec.Code != http.StatusPartialContent || !bytes.Equal(rec.Body.Bytes(), want[262000:530001]) {
		t.Errorf("range: %d, %d bytes", rec.Code, rec.Body.Len())
	}
}

func TestNothingHalfStays(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		for name, c := range map[string]struct {
			r    io.Reader
			kind fault.Kind
		}{
			"too large":  {io.LimitReader(neverEnding{}, 1<<40), fault.TooLarge},
			"broken off": {io.MultiReader(bytes.NewReader(content(2*chunkSize)), iotest.ErrReader(errors.New("connection reset"))), fault.Invalid},
		} {
			if _, err := Put(t.Context(), db, dbtest.Facility, "x", c.r); !fault.Is(err, c.kind) {
				t.Errorf("%s: %v", name, err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		_, err := Put(ctx, db, dbtest.Facility, "x", io.MultiReader(bytes.NewReader(content(chunkSize)), callback(cancel), neverEnding{}))
		if err == nil {
			t.Error("stored after the request was over")
		}
		if files, parts := chunks(t, db); files+parts != 0 {
			t.Errorf("left: %d files, %d chunks", files, parts)
		}
		// A killed process leaves a begun file: it is not visible, and Sweep drops it.
		err = db.Write(t.Context(), dbtest.Facility, func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), `INSERT INTO blob_files (facility_id, id, name, media_type, size, sha256, created_at, by_id, by_name)
				VALUES ($1, 'half', 'x', '', 0, '', 1, '', '')`)
			if err == nil {
				_, err = tx.Exec(t.Context(), "INSERT INTO blob_chunks (facility_id, file_id, n, data) VALUES ($1, 'half', 0, $2)", []byte("x"))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), db, dbtest.Facility, "half"); !fault.Is(err, fault.NotFound) {
			t.Errorf("a half file opens: %v", err)
		}
		if n, err := Sweep(t.Context(), db, dbtest.Facility, time.Now()); n != 1 || err != nil {
			t.Errorf("swept %d, %v", n, err)
		}
		if files, parts := chunks(t, db); files+parts != 0 {
			t.Errorf("left after Sweep: %d files, %d chunks", files, parts)
		}
	})
}

type neverEnding struct{}

func (neverEnding) Read(p []byte) (int, error) { return len(p), nil }

type callback func()

func (c callback) Read([]byte) (int, error) { c(); return 0, io.EOF }

func TestDamageIsSeen(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		for name, q := range map[string]string{
			"altered": "UPDATE blob_chunks SET data = $3 WHERE facility_id = $1 AND file_id = $2 AND n = 0",
			"shorter": "UPDATE blob_chunks SET data = $3 WHERE facility_id = $1 AND file_id = $2 AND n = 1",
			"missing": "DELETE FROM blob_chunks WHERE facility_id = $1 AND file_id = $2 AND n = 1 AND data <> $3",
		} {
			f, err := Put(t.Context(), db, dbtest.Facility, "x", bytes.NewReader(content(2*chunkSize)))
			if err != nil {
				t.Fatal(err)
			}
			evil := content(chunkSize + 1)[:chunkSize]
			if name == "shorter" {
				evil = evil[:100]
			}
			err = db.Write(t.Context(), dbtest.Facility, func(tx *store.Tx) error {
				_, err := tx.Exec(t.Context(), q, f.ID, evil)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			r, err := Open(t.Context(), db, dbtest.Facility, f.ID)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, r); !errors.Is(err, errDamaged) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestOnlyHarmlessTypesAreShown(t *testing.T) {
	var book bytes.Buffer
	z := zip.NewWriter(&book)
	_, _ = z.Create("[Content_Types].xml")
	_ = z.Close()
	var bare bytes.Buffer
	z = zip.NewWriter(&bare)
	_, _ = z.Create("a.txt")
	_ = z.Close()
	png := "\x89PNG\r\n\x1a\n"
	sjis := "\x8c\xf0\x92\xca\r\n"
	for _, c := range []struct{ name, body, media, kind string }{
		{"photo.png", png, "image/png", "inline"},
		{"photo.html", png, "image/png", "inline"},
		{"note.txt", "点検しました。", "text/plain; charset=utf-8", "inline"},
		{"note.txt", strings.Repeat("あ", 300), "text/plain; charset=utf-8", "inline"},
		{"note.txt", sjis, "application/octet-stream", "attachment"},
		{"photo.png", "<html><script>alert(1)</script>", "application/octet-stream", "attachment"},
		{"photo.png", `<?xml version="1.0"?><svg onload="x()"/>`, "application/octet-stream", "attachment"},
		{"photo.svg", " \n<svg onload=x()>", "application/octet-stream", "attachment"},
		{"empty.txt", "", "application/octet-stream", "attachment"},
		{"a.pdf", "%PDF-1.7", "application/pdf", "attachment"},
		{"a.xlsx", book.String(), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "attachment"},
		{"a.xlsx", bare.String(), "application/zip", "attachment"},
		{"a.exe", "MZ\x90\x00\x03", "application/octet-stream", "attachment"},
	} {
		f := File{Name: c.name, MediaType: mediaType(c.name, []byte(c.body)[:min(sniffed, len(c.body))],
			bytes.Contains([]byte(c.body), contentTypes))}
		if d := f.Disposition(); f.MediaType != c.media || !strings.HasPrefix(d, c.kind+";") {
			t.Errorf("%s %.12q: %s, %s", c.name, c.body, f.MediaType, d)
		}
	}
	f := File{Name: `点検 "A";.txt`, MediaType: "application/pdf"}
	if got, want := f.Disposition(), `attachment; filename="__ _A__.txt"; filename*=UTF-8''%E7%82%B9%E6%A4%9C%20%22A%22%3B.txt`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestNames(t *testing.T) {
	for in, want := range map[string]string{
		"": "file", "..": "file", "/etc/passwd": "passwd", `C:\Users\x\契約.pdf`: "契約.pdf", "../../a": "a", ".htaccess": "htaccess",
		"a\r\nSet-Cookie: x": "aSet-Cookie_ x", "invoice\u202Efdp.exe": "invoicefdp.exe", "a\x00b": "ab", "  x ": "x", "con<>.txt": "con__.txt",
	} {
		if got := cleanName(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got := cleanName(strings.Repeat("あ", 400) + ".xlsx"); utf8.RuneCountInString(got) != maxName || !strings.HasSuffix(got, ".xlsx") {
		t.Errorf("long: %q", got)
	}
}

func FuzzFile(f *testing.F) {
	f.Add("契約.pdf", []byte("%PDF"))
	f.Add("\xff\u202e/..", []byte("PK\x03\x04"))
	f.Fuzz(func(t *testing.T, name string, body []byte) {
		x := File{Name: cleanName(name), MediaType: mediaType(name, body[:min(sniffed, len(body))], bytes.Contains(body, contentTypes))}
		if x.Name == "" || strings.ContainsAny(x.Name, "/\\\r\n\x00") || strings.ContainsAny(x.Disposition(), "\r\n") || !utf8.ValidString(x.Name) {
			t.Errorf("%q -> %q, %q", name, x.Name, x.Disposition())
		}
	})
}

// What is taken off a record is gone at once, and its bytes with the next clean-up; a record that goes takes its files with it.
func TestAttachments(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, now := t.Context(), time.Now()
		write := func(fn func(tx *store.Tx) error) {
			t.Helper()
			if err := db.Write(ctx, dbtest.Facility, fn); err != nil {
				t.Fatal(err)
			}
		}
		put := func(owner, name string, at time.Time) (a Attachment) {
			x, err := Put(ctx, db, dbtest.Facility, name, strings.NewReader(name))
			if err != nil {
				t.Fatal(err)
			}
			write(func(tx *store.Tx) error {
				a, err = Attach(ctx, tx, Attachment{Owner: owner, File: x.ID, Name: x.Name}, at)
				return err
			})
			return a
		}
		names := func(owners ...string) (out []string) {
			write(func(tx *store.Tx) error {
				list, err := Attachments(ctx, tx, owners...)
				for _, a := range list {
					if a.Size != int64(len(a.Name)) {
						t.Errorf("%s has %d bytes", a.Name, a.Size)
					}
					out = append(out, a.Name)
				}
				return err
			})
			return out
		}
		first := put("o1", "契約.pdf", now)
		put("o1", "写真.png", now.Add(time.Minute))
		put("o2", "図面.pdf", now.Add(30*time.Second))
		if got := strings.Join(names("o1", "o2"), " "); got != "写真.png 図面.pdf 契約.pdf" {
			t.Errorf("newest first over all ids: %s", got)
		}
		write(func(tx *store.Tx) error { return Detach(ctx, tx, first) })
		if _, err := Open(ctx, db, dbtest.Facility, first.File); !fault.Is(err, fault.NotFound) {
			t.Errorf("a file that was taken off opens: %v", err)
		}
		write(func(tx *store.Tx) error { return DetachAll(ctx, tx, "o1") })
		if got := strings.Join(names("o1", "o2"), " "); got != "図面.pdf" {
			t.Errorf("left: %s", got)
		}
		if n, err := Sweep(ctx, db, dbtest.Facility, now.Add(-time.Hour)); n != 2 || err != nil {
			t.Errorf("swept %d, %v", n, err)
		}
		if files, parts := chunks(t, db); files != 1 || parts != 1 {
			t.Errorf("%d files, %d parts stay", files, parts)
		}
		err := db.Write(ctx, dbtest.Facility, func(tx *store.Tx) error {
			_, err := Attach(ctx, tx, Attachment{Owner: "o2", Name: "無"}, now)
			return err
		})
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("no file: %v", err)
		}
	})
}
