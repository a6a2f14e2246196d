package store_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kenshin/fault"
	"kenshin/internal/dbtest"
	"kenshin/store"
)

func fill(t *testing.T, db *store.DB) {
	t.Helper()
	err := db.Write(t.Context(), dbtest.Facility, func(tx *store.Tx) error {
		for i := range 300 {
			if err := insertRun(t.Context(), tx, fmt.Sprintf("%04d", i), "診察室\n\"1\" 😀"); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := addRun(t.Context(), db, dbtest.Canary, "0000", "よその施設"); err != nil {
		t.Fatal(err)
	}
}

type extras map[string]*bytes.Buffer

type keep struct{ *bytes.Buffer }

func (keep) Close() error { return nil }

func (e extras) take(name string) (io.WriteCloser, error) {
	e[name] = &bytes.Buffer{}
	return keep{e[name]}, nil
}

// source is a database with rows of two facilities, and how to back it up.
func source(t *testing.T, d store.Dialect) (*store.DB, store.BackupOptions) {
	t.Helper()
	if d == store.SQLite {
		return dbtest.SQLite(t), store.BackupOptions{}
	}
	urls := dbtest.PostgresURLs(t)
	db, err := store.Open(t.Context(), store.Options{URL: urls.App})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db, store.BackupOptions{URL: urls.Backup}
}

func target(t *testing.T, d store.Dialect) store.Options {
	t.Helper()
	if d == store.SQLite {
		return store.Options{Dir: filepath.Join(t.TempDir(), "new")}
	}
	urls := dbtest.EmptyPostgresURLs(t)
	return store.Options{URL: urls.App, OwnerURL: urls.Owner}
}

func TestBackupGoesFromEachEngineToEach(t *testing.T) {
	for _, from := range []store.Dialect{store.SQLite, store.Postgres} {
		for _, to := range []store.Dialect{store.SQLite, store.Postgres} {
			t.Run(fmt.Sprintf("%s to %s", from, to), func(t *testing.T) {
				db, o := source(t, from)
				fill(t, db)
				big := bytes.Repeat([]byte("attachment "), 1<<20)
				o.Extra = map[string]func() (io.ReadCloser, error){
					"seal.key":  func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("wrapped")), nil },
					"blob/0/ab": func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(big)), nil },
					"empty":     func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("")), nil },
				}
				file := filepath.Join(t.TempDir(), "kenshin.backup")
				made, err := db.Backup(t.Context(), file, o)
				if err != nil {
					t.Fatal(err)
				}
				if runs, _ := made.Table("job_runs"); runs.Rows != 301 || made.Engine != from {
					t.Errorf("manifest: %d rows from %s", runs.Rows, made.Engine)
				}
				if left, _ := filepath.Glob(file + ".part*"); len(left) > 0 {
					t.Errorf("left behind: %v", left)
				}
				got := extras{}
				place := target(t, to)
				if _, err := store.Restore(t.Context(), file, store.RestoreOptions{Options: place, Extra: got.take}); err != nil {
					t.Fatal(err)
				}
				back, err := store.Open(t.Context(), place)
				if err != nil {
					t.Fatal(err)
				}
				defer back.Close()
				if rows := titles(t, back, dbtest.Facility); len(rows) != 300 || rows[0] != "診察室\n\"1\" 😀" {
					t.Errorf("%d rows, %q", len(rows), rows[0])
				}
				if rows := titles(t, back, dbtest.Canary); len(rows) != 1 {
					t.Errorf("the other facility has %d rows", len(rows))
				}
				err = back.Read(t.Context(), dbtest.Facility, func(tx *store.Tx) error {
					var low, high int64
					var yes, no bool
					var null *string
					err := tx.Row(t.Context(), `SELECT done_count, total_count, cancel_requested, pause_requested, unique_key FROM job_runs
						WHERE facility_id = $1 AND id = '0001'`).Scan(&low, &high, &yes, &no, &null)
					if low != -1<<63 || high != 1<<63-1 || !yes || no || null != nil {
						t.Errorf("types: %d %d %t %t %v", low, high, yes, no, null)
					}
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
				names := slices.Sorted(maps.Keys(got))
				if !slices.Equal(names, []string{"blob/0/ab", "empty", "seal.key"}) || !bytes.Equal(got["blob/0/ab"].Bytes(), big) || got["seal.key"].String() != "wrapped" {
					t.Errorf("extra files: %v", names)
				}
				if _, err := store.Restore(t.Context(), file, store.RestoreOptions{Options: place}); !fault.Is(err, fault.Conflict) {
					t.Errorf("a restore over data: %v", err)
				}
			})
		}
	}
}

// TestARestoreThatWasCutOff leaves a place into which it can be run again, and in which nobody takes it for done.
func TestARestoreThatWasCutOff(t *testing.T) {
	db := dbtest.SQLite(t)
	fill(t, db)
	file := filepath.Join(t.TempDir(), "kenshin.backup")
	key := func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("wrapped")), nil }
	if _, err := db.Backup(t.Context(), file, store.BackupOptions{Extra: map[string]func() (io.ReadCloser, error){"seal.key": key}}); err != nil {
		t.Fatal(err)
	}
	for _, to := range []store.Dialect{store.SQLite, store.Postgres} {
		t.Run(string(to), func(t *testing.T) {
			place := target(t, to)
			ctx, cancel := context.WithCancel(t.Context())
			cut := func(string) (io.WriteCloser, error) { cancel(); return keep{&bytes.Buffer{}}, nil } // comes after all rows
			if _, err := store.Restore(ctx, file, store.RestoreOptions{Options: place, Extra: cut}); err == nil {
				t.Fatal("cut off, and no error")
			}
			if left, _ := os.ReadDir(place.Dir); place.Dir != "" && len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
			if _, err := store.Restore(t.Context(), file, store.RestoreOptions{Options: place}); err != nil {
				t.Fatalf("run again: %v", err)
			}
			back, err := store.Open(t.Context(), place)
			if err != nil {
				t.Fatal(err)
			}
			defer back.Close()
			if rows := titles(t, back, dbtest.Facility); len(rows) != 300 {
				t.Errorf("%d rows", len(rows))
			}
		})
	}
}

func TestBackupIsOneMoment(t *testing.T) {
	for _, d := range []store.Dialect{store.SQLite, store.Postgres} {
		t.Run(string(d), func(t *testing.T) {
			db, o := source(t, d)
			fill(t, db)
			o.Extra = map[string]func() (io.ReadCloser, error){"x": func() (io.ReadCloser, error) {
				return io.NopCloser(strings.NewReader("x")), addRun(t.Context(), db, dbtest.Facility, "late", "あと") // others go on writing
			}}
			m, err := db.Backup(t.Context(), filepath.Join(t.TempDir(), "b"), o)
			if err != nil {
				t.Fatal(err)
			}
			if runs, _ := m.Table("job_runs"); runs.Rows != 301 {
				t.Errorf("%d rows, want those of the beginning", runs.Rows)
			}
		})
	}
}

func TestBackupNeedsTheBackupRole(t *testing.T) {
	urls := dbtest.PostgresURLs(t)
	db, err := store.Open(t.Context(), store.Options{URL: urls.App})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	file := filepath.Join(t.TempDir(), "b")
	if _, err := db.Backup(t.Context(), file, store.BackupOptions{URL: urls.App}); !fault.Is(err, fault.Denied) {
		t.Errorf("as the app role: %v", err)
	}
	if left, _ := filepath.Glob(file + "*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestAnOlderBackupIsBroughtUpToDate(t *testing.T) {
	old, err := store.OpenAt(t.Context(), filepath.Join(t.TempDir(), "old"), []int64{1, 20, 21, 22})
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	if err := addRun(t.Context(), old, dbtest.Facility, "1", "前の版"); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "b")
	if _, err := old.Backup(t.Context(), file, store.BackupOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, d := range []store.Dialect{store.SQLite, store.Postgres} {
		t.Run(string(d), func(t *testing.T) {
			place := target(t, d)
			if _, err := store.Restore(t.Context(), file, store.RestoreOptions{Options: place}); err != nil {
				t.Fatal(err)
			}
			db, err := store.Open(t.Context(), place)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if v, _ := db.Version(t.Context()); v != store.SchemaVersion() {
				t.Errorf("version %d", v)
			}
			if got := titles(t, db, dbtest.Facility); len(got) != 1 || got[0] != "前の版" {
				t.Errorf("rows: %v", got)
			}
		})
	}
}

// rewrite unpacks an archive, lets change edit its entries and packs it again.
func rewrite(t *testing.T, file string, change func(name string, data []byte) (string, []byte, bool)) string {
	t.Helper()
	in, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	gz, err := gzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	out := gzip.NewWriter(&buf)
	tw, tr := tar.NewWriter(out), tar.NewReader(gz)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		data, _ := io.ReadAll(tr)
		if name, data, ok := change(h.Name, data); ok {
			if err := tw.WriteHeader(&tar.Header{Name: name, Size: int64(len(data)), Mode: 0o600}); err != nil {
				t.Fatal(err)
			}
			_, _ = tw.Write(data)
		}
	}
	if err := errors.Join(tw.Close(), out.Close()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "changed")
	if err := os.WriteFile(path, buf.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestADamagedBackupIsRefused(t *testing.T) {
	db := dbtest.SQLite(t)
	fill(t, db)
	good := filepath.Join(t.TempDir(), "b")
	if _, err := db.Backup(t.Context(), good, store.BackupOptions{}); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	write := func(data []byte) string {
		path := filepath.Join(t.TempDir(), "bad")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	flip := slices.Clone(whole)
	for i := range 8 { // a single bit may lie in gzip's padding, where it changes nothing
		flip[len(flip)/2+i] ^= 0xff
	}
	one := func(name string, edit func([]byte) []byte) string {
		return rewrite(t, good, func(n string, data []byte) (string, []byte, bool) {
			if n == name {
				data = edit(data)
			}
			return n, data, data != nil
		})
	}
	tests := map[string]struct{ file, says string }{
		"cut off":         {write(whole[:len(whole)*2/3]), "damaged"},
		"without its end": {write(whole[:len(whole)-4]), "damaged"},
		"eight bytes":     {write(flip), "damaged"},
		"not an archive":  {write([]byte("hello")), "damaged"},
		"empty":           {write(nil), "damaged"},
		"a row changed": {one("tables/job_runs/000001", func(b []byte) []byte { return bytes.Replace(b, []byte("診察室"), []byte("手術室"), 1) }),
			"tables/job_runs"},
		"a row missing":   {one("tables/job_runs/000001", func(b []byte) []byte { return b[bytes.IndexByte(b, '\n')+1:] }), "tables/job_runs"},
		"a table missing": {one("tables/job_runs/000001", func([]byte) []byte { return nil }), "damaged"},
		"newer schema": {one("manifest.json", func(b []byte) []byte { return bytes.Replace(b, []byte(`"schema": [`), []byte(`"schema": [99999,`), 1) }),
			"newer"},
		"newer format": {one("manifest.json", func(b []byte) []byte { return bytes.Replace(b, []byte(`"format": 1`), []byte(`"format": 2`), 1) }),
			"newer"},
		"an entry that climbs": {rewrite(t, good, func(n string, data []byte) (string, []byte, bool) {
			return strings.Replace(n, "tables/job_runs", "extra/../../etc", 1), data, true
		}), "damaged"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "new")
			_, err := store.Restore(t.Context(), tt.file, store.RestoreOptions{Options: store.Options{Dir: dir}})
			if err == nil || !strings.Contains(fault.Sentence(err, "en"), tt.says) {
				t.Errorf("%v, want %q", err, tt.says)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestAZipBombIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bomb")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	gz, _ := gzip.NewWriterLevel(f, gzip.BestCompression)
	tw := tar.NewWriter(gz)
	const size = 100 << 20 // more than a part may have: refused by its header, before it is unpacked
	if err := tw.WriteHeader(&tar.Header{Name: "extra/zero/000001", Size: size, Mode: 0o600}); err != nil {
		t.Fatal(err)
	}
	_, _ = io.CopyN(tw, zeros{}, size)
	if err := errors.Join(tw.Close(), gz.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Verify(path); !fault.Is(err, fault.Invalid) {
		t.Errorf("err = %v", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func FuzzVerify(f *testing.F) {
	var buf bytes.Buffer
	gz := gzip.NewWriter(&buf)
	tw := tar.NewWriter(gz)
	for name, data := range map[string]string{"tables/a/000001": "[1,\"x\",{\"b\":\"AA==\"}]\n", "manifest.json": `{"format":1,"contents":[]}`} {
		_ = tw.WriteHeader(&tar.Header{Name: name, Size: int64(len(data)), Mode: 0o600})
		_, _ = tw.Write([]byte(data))
	}
	_ = errors.Join(tw.Close(), gz.Close())
	f.Add(buf.Bytes())
	f.Add([]byte("\x1f\x8b"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := store.VerifyBytes(data); err != nil && fault.KindOf(err) == fault.Internal {
			t.Errorf("no sentence for a person: %v", err)
		}
	})
}
