package seal

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"kenshin/facility"
	"kenshin/fault"
)

var cheap = Cost{Memory: 64, Passes: 1}

func TestSealedValueOpensOnlyForItsFacilityAndPurpose(t *testing.T) {
	b := NewBox()
	sealed, err := b.Seal("a", "snmp", []byte("public"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, []byte("public")) {
		t.Fatal("the secret is readable")
	}
	if got, err := b.Open("a", "snmp", sealed); err != nil || string(got) != "public" {
		t.Fatalf("got %q, %v", got, err)
	}
	flipped := bytes.Clone(sealed)
	flipped[len(flipped)-1] ^= 1
	for name, try := range map[string]struct {
		f       facility.ID
		purpose string
		sealed  []byte
	}{
		"other facility": {"b", "snmp", sealed}, "other purpose": {"a", "totp", sealed}, "shifted border": {"as", "nmp", sealed},
		"altered": {"a", "snmp", flipped}, "short": {"a", "snmp", sealed[:20]}, "empty": {"a", "snmp", nil},
	} {
		if _, err := b.Open(try.f, try.purpose, try.sealed); !fault.Is(err, fault.Internal) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := NewBox().Open("a", "snmp", sealed); !errors.Is(err, ErrUnknownKey) || !fault.Is(err, fault.Unavailable) {
		t.Errorf("another key: %v", err)
	}
}

func TestKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sub", "key")
	if _, err := Load(path); !fault.Is(err, fault.Unavailable) {
		t.Fatalf("missing file: %v", err)
	}
	var wg sync.WaitGroup
	ids := make([]string, 8)
	for i := range ids {
		wg.Go(func() {
			b, err := LoadOrCreate(path)
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = b.KeyID()
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("copies that start at once have different keys: %v", ids)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 || info.Size() != 32 {
		t.Fatalf("%v %v", info, err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".key-*")); len(left) > 0 {
		t.Fatalf("left behind: %v", left)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); !fault.Is(err, fault.Denied) || !strings.Contains(fault.Sentence(err, "en"), "chmod 600 "+path) {
		t.Fatalf("readable by the group: %v", err)
	}
	for _, size := range []int{0, 31, 33, 32 * 17} {
		bad := filepath.Join(t.TempDir(), "bad")
		if err := os.WriteFile(bad, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(bad); !fault.Is(err, fault.Invalid) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

func TestRotation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	old, err := LoadOrCreate(path)
	if err != nil {
		t.Fatal(err)
	}
	sealed, _ := old.Seal("a", "x", []byte("secret"))
	b, err := Rotate(path)
	if err != nil {
		t.Fatal(err)
	}
	if b.KeyID() == old.KeyID() || !b.Stale(sealed) {
		t.Fatal("the new key is not in use")
	}
	if got, err := b.Open("a", "x", sealed); err != nil || string(got) != "secret" {
		t.Fatalf("what the old key sealed: %q, %v", got, err)
	}
	again, _ := b.Seal("a", "x", []byte("secret"))
	b, err = Retire(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Open("a", "x", sealed); !errors.Is(err, ErrUnknownKey) {
		t.Fatalf("a retired key still opens: %v", err)
	}
	if _, err := b.Open("a", "x", again); err != nil || b.Stale(again) {
		t.Fatal(err)
	}
}

func TestWrap(t *testing.T) {
	b := NewBox()
	sealed, _ := b.Seal("a", "x", []byte("secret"))
	text, err := b.Wrap([]byte("correct horse battery"), cheap)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Unwrap(text, []byte("wrong horse battery")); !fault.Is(err, fault.Denied) {
		t.Fatalf("wrong passphrase: %v", err)
	}
	if _, err := b.Wrap([]byte("short"), cheap); !fault.Is(err, fault.Invalid) {
		t.Fatalf("short passphrase: %v", err)
	}
	back, err := Unwrap(text, []byte("correct horse battery"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key")
	if err := back.Save(path); err != nil {
		t.Fatal(err)
	}
	if err := back.Save(path); !fault.Is(err, fault.Conflict) {
		t.Fatalf("overwrites a key file: %v", err)
	}
	loaded, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := loaded.Open("a", "x", sealed); err != nil || string(got) != "secret" {
		t.Fatalf("%q, %v", got, err)
	}
	greedy := bytes.Replace(text, []byte("Memory-Kib: 64"), []byte("Memory-Kib: 999999999"), 1)
	if _, err := Unwrap(greedy, []byte("correct horse battery")); !fault.Is(err, fault.Invalid) {
		t.Fatalf("a backup that wants a terabyte of memory: %v", err)
	}
}

func FuzzParseWrapped(f *testing.F) {
	text, _ := NewBox().Wrap([]byte("correct horse battery"), cheap)
	f.Add(text)
	f.Add([]byte("-----BEGIN KENSHIN WRAPPED KEY-----\nKdf: argon2id\n\nAAAA\n-----END KENSHIN WRAPPED KEY-----\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		w, err := parseWrapped(data)
		if err == nil && (w.cost.Memory > maxMemory || w.cost.Passes > maxPasses) {
			t.Fatal("unbounded cost")
		}
	})
}

func FuzzOpen(f *testing.F) {
	b := NewBox()
	s, _ := b.Seal("a", "x", []byte("secret"))
	f.Add(s)
	f.Add([]byte{version})
	f.Fuzz(func(t *testing.T, data []byte) { _, _ = b.Open("a", "x", data) })
}
