package authority

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kenshin/facility"
	"kenshin/fault"
	"kenshin/internal/dbtest"
	"kenshin/store"
)

// plain stands for the box: packages beside and above this one are not imported here.
type plain struct{}

func (plain) Seal(_ facility.ID, purpose string, p []byte) ([]byte, error) {
	return append([]byte(purpose+"|"), p...), nil
}

func (plain) Open(_ facility.ID, purpose string, s []byte) ([]byte, error) {
	if p, ok := bytes.CutPrefix(s, []byte(purpose+"|")); ok {
		return p, nil
	}
	return nil, fault.New(fault.Internal, "x", "x")
}

var names = []string{"kenshin.minato.example", "kenshin", "10.1.2.3", "203.0.113.9", "::1"}

type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func open(t *testing.T, db *store.DB, c *clock) *Authority {
	t.Helper()
	a, err := Open(t.Context(), db, plain{}, names, c.now)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// handshake connects as a PC that has the root would.
func handshake(t *testing.T, a *Authority, conf *tls.Config, as string, at time.Time) (*x509.Certificate, error) {
	t.Helper()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(a.PEM()) {
		t.Fatal("the root's file holds no certificate")
	}
	c, s := net.Pipe()
	defer c.Close()
	go func() {
		server := tls.Server(s, conf)
		_ = server.Handshake()
		_ = s.Close()
	}()
	client := tls.Client(c, &tls.Config{RootCAs: pool, ServerName: as, Time: func() time.Time { return at }})
	if err := client.Handshake(); err != nil {
		return nil, err
	}
	return client.ConnectionState().PeerCertificates[0], nil
}

func TestServerIsTrustedByTheRootAlone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *store.DB) {
		c := &clock{time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)}
		var wg sync.WaitGroup
		prints := make([]string, 4)
		for i := range prints {
			wg.Go(func() { prints[i] = open(t, db, c).Fingerprint() })
		}
		wg.Wait()
		if len(slices.Compact(prints)) != 1 || len(prints[0]) != 95 {
			t.Fatalf("copies that start at once: %v", prints)
		}
		a := open(t, db, c)
		block, _ := pem.Decode(a.PEM())
		if Fingerprint(block.Bytes) != a.Fingerprint() || a.Expires().Year() != 2036 {
			t.Error("the file is not the root, or its life is not ten years")
		}
		conf, err := a.TLS(names)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range names {
			leaf, err := handshake(t, a, conf, n, c.t)
			if err != nil {
				t.Errorf("%s: %v", n, err)
				continue
			}
			if life := leaf.NotAfter.Sub(leaf.NotBefore); life > leafDays*24*time.Hour || life < (leafDays-1)*24*time.Hour {
				t.Errorf("life %v", life)
			}
		}
		if _, err := handshake(t, a, conf, "bank.example", c.t); err == nil {
			t.Error("another name is accepted")
		}

		first, _ := a.Certificate(names)
		c.t = c.t.AddDate(0, 0, leafDays-61)
		if again, _ := a.Certificate(names); again != first {
			t.Error("renewed too early")
		}
		c.t = c.t.AddDate(0, 0, 2)
		second, _ := a.Certificate(names)
		if second == first {
			t.Error("not renewed")
		}
		c.t = c.t.AddDate(-1, 0, 0) // the clock was wrong and is set back
		if third, _ := a.Certificate(names); third == second || third.Leaf.NotBefore.After(c.t) {
			t.Error("after the clock went back the certificate is not yet good")
		}
		c.t = a.Expires().AddDate(0, 0, -10)
		if last, err := a.Certificate(names); err != nil || last.Leaf.NotAfter.After(a.Expires()) {
			t.Errorf("near the root's end: %v", err)
		}
		c.t = a.Expires()
		if _, err := a.Certificate(names); !fault.Is(err, fault.Unavailable) {
			t.Errorf("after the root's end: %v", err)
		}
	})
}

func TestRootCannotPoseAsTheInternet(t *testing.T) {
	c := &clock{time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)}
	db := dbtest.SQLite(t)
	a := open(t, db, c)
	for _, n := range []string{"www.bank.example", "198.51.100.7", "minato.example"} {
		if _, err := a.TLS([]string{n}); !fault.Is(err, fault.Conflict) {
			t.Errorf("%s: %v", n, err)
		}
	}
	if _, err := a.TLS([]string{"192.168.7.7"}); err != nil { // a new private address is fine
		t.Error(err)
	}
	for _, bad := range [][]string{nil, {""}, {"*.minato.example"}, {"a b"}, {"名前"}, {"-x"}, {strings.Repeat("a", 64)}, make([]string, 101)} {
		if _, err := a.TLS(bad); !fault.Is(err, fault.Invalid) {
			t.Errorf("%.40v: %v", bad, err)
		}
	}
	b, err := Replace(t.Context(), db, plain{}, []string{"new.example"}, c.now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.TLS([]string{"new.example"}); err != nil || b.Fingerprint() == a.Fingerprint() {
		t.Errorf("after Replace: %v", err)
	}
	if again := open(t, db, c); again.Fingerprint() != b.Fingerprint() {
		t.Error("the new root was not kept")
	}
}

func TestAlteredRootIsRefused(t *testing.T) {
	c := &clock{time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)}
	db := dbtest.SQLite(t)
	open(t, db, c)
	der, _, err := newRoot(names, c.t)
	if err != nil {
		t.Fatal(err)
	}
	err = db.WriteShared(t.Context(), func(tx *store.Shared) error {
		_, err := tx.Exec(t.Context(), "UPDATE seal_authority SET cert = $1", der)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), db, plain{}, names, c.now); !fault.Is(err, fault.Internal) {
		t.Errorf("a root that does not fit its key: %v", err)
	}
}

func TestLocalNames(t *testing.T) {
	got := LocalNames("Kenshin.Minato.example", "not a name", "kenshin.minato.example")
	if got[0] != "kenshin.minato.example" || slices.Contains(got, "not a name") || !slices.Contains(got, "localhost") ||
		!slices.Contains(got, "127.0.0.1") {
		t.Errorf("%v", got)
	}
	if _, _, err := split(got); err != nil {
		t.Error(err)
	}
}
