package e2e_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kenshin/internal/bintest"
	"kenshin/internal/dbtest"
)

const passphrase = "kin-ko no naka no kami 7\n"

// TestRestoreAcrossEngines takes a backup of a filled SQLite folder into PostgreSQL, works there, and takes it back into a folder.
func TestRestoreAcrossEngines(t *testing.T) {
	t.Parallel()
	bintest.Dir(t)
	urls := dbtest.EmptyPostgresURLs(t)
	from, there, back := folder(t), folder(t), folder(t)
	file, again := filepath.Join(t.TempDir(), "a.kenshin"), filepath.Join(t.TempDir(), "b.kenshin")
	bintest.Must(t, nil, "", "demo", "--data", from)
	bintest.Must(t, nil, passphrase, "backup", "--data", from, "--out", file, "--passphrase-stdin")

	pg := []string{"--data", there, "--database", urls.App, "--database-owner", urls.Owner}
	bintest.Must(t, nil, passphrase, append([]string{"restore", file, "--passphrase-stdin"}, pg...)...)
	if diff := cmp.Diff(ledgerOf(t, "--data", from), ledgerOf(t, pg...)); diff != "" {
		t.Errorf("the ledger on PostgreSQL differs (-SQLite +PostgreSQL):\n%s", diff)
	}
	bintest.Must(t, nil, "", append([]string{"trail", "verify"}, pg...)...)
	bintest.Must(t, nil, "", append([]string{"trail", "checkpoint"}, pg...)...) // the signing key opens with the restored sealing key
	if code, _, errs := bintest.Run(t, nil, passphrase, append([]string{"restore", file, "--passphrase-stdin", "--key-file", filepath.Join(t.TempDir(), "key")}, pg...)...); code != 1 {
		t.Errorf("a second restore over the first: exit code %d, %s", code, errs)
	}

	if code, _, errs := bintest.Run(t, nil, "", append([]string{"backup", "--out", again}, pg...)...); code != 1 || !strings.Contains(errs, "PostgreSQL") {
		t.Errorf("a backup without the backup role: exit code %d, %s", code, errs)
	}
	bintest.Must(t, nil, passphrase, append([]string{"backup", "--out", again, "--passphrase-stdin", "--database-backup", urls.Backup}, pg...)...)
	bintest.Must(t, nil, passphrase, "restore", again, "--data", back, "--passphrase-stdin")
	if diff := cmp.Diff(ledgerOf(t, "--data", from), ledgerOf(t, "--data", back)); diff != "" {
		t.Errorf("the ledger after both ways differs:\n%s", diff)
	}
	bintest.Must(t, nil, "", "trail", "verify", "--data", back)
	_, c := (&site{args: []string{"--data", back}, token: strings.TrimSpace(bintest.Must(t, nil, "", "token", "add", "--data", back, "--name", "x", "--role", "auditor"))}).serve(t)
	var page struct{ Items []any }
	if c.do("GET", "/devices?limit=200", nil, "", &page); len(page.Items) < 25 {
		t.Errorf("%d devices over the API after the restore", len(page.Items))
	}
}

// ledgerOf is the exported ledger, device by device.
func ledgerOf(t *testing.T, place ...string) map[string]any {
	t.Helper()
	var all struct{ Devices []map[string]any }
	if err := json.Unmarshal([]byte(bintest.Must(t, nil, "", append([]string{"export", "ledger", "--format", "json"}, place...)...)), &all); err != nil {
		t.Fatal(err)
	}
	out := map[string]any{}
	for _, d := range all.Devices {
		out[d["id"].(string)] = d //nolint:errcheck // our own export: a wrong type is a panic with a place
	}
	if len(out) == 0 {
		t.Fatal("the ledger is empty")
	}
	return out
}

// TestLedgerRoundTrip exports what people said in each form, takes it into an empty place and exports it again: no word is lost.
func TestLedgerRoundTrip(t *testing.T) {
	t.Parallel()
	bintest.Dir(t)
	from := folder(t)
	bintest.Must(t, nil, "", "demo", "--data", from)
	want := wordsOf(t, from)
	for _, format := range []string{"xlsx", "csv"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "ledger."+format)
			bintest.Must(t, nil, "", "export", "ledger", "--data", from, "--out", file)
			to := folder(t)
			hospital(t, "--data", to)
			bintest.Must(t, nil, "", "import", "ledger", file, "--data", to)
			if diff := cmp.Diff(want, wordsOf(t, to)); diff != "" {
				t.Errorf("words differ (-before +after):\n%s", diff)
			}
		})
	}
}

// wordsOf are all people's words by the device's asset number; the ids of vendors belong to one installation.
func wordsOf(t *testing.T, dir string) map[string]any {
	t.Helper()
	out := map[string]any{}
	for _, d := range ledgerOf(t, "--data", dir) {
		w, ok := d.(map[string]any)["word"].(map[string]any)
		if !ok || w["number"] == nil {
			continue
		}
		delete(w, "vendor_id")
		out[w["number"].(string)] = w //nolint:errcheck // our own export
	}
	if len(out) < 15 {
		t.Fatalf("only %d devices with words", len(out))
	}
	return out
}
