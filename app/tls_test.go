package app

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/seal/authority"
)

// certificate writes a certificate for localhost and its key.
func certificate(t *testing.T, dir string, number int64) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(number), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, b := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: raw}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// A renewed certificate is taken up without a restart; a half-written one leaves the old.
func TestCertificateFilesAreReadAgain(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	cert, key := certificate(t, dir, 1)
	failures := 0
	f := &certFiles{cert: cert, key: key, now: func() time.Time { return now }, failed: func(error) { failures++ }}
	if err := f.load(); err != nil {
		t.Fatal(err)
	}
	serial := func() int64 {
		c, err := f.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		return c.Leaf.SerialNumber.Int64()
	}
	certificate(t, dir, 2)
	if serial() != 1 {
		t.Error("the files were looked at again at once")
	}
	now = now.Add(time.Minute)
	if serial() != 2 {
		t.Error("the renewed certificate is not used")
	}
	if err := os.WriteFile(cert, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Minute)
	if serial() != 2 || failures != 1 {
		t.Errorf("serial %d, %d failures told", serial(), failures)
	}
	certificate(t, dir, 3)
	now = now.Add(time.Minute)
	if serial() != 3 {
		t.Error("the repaired certificate is not used")
	}
}

func TestWrongCertificateFiles(t *testing.T) {
	a, b := t.TempDir(), t.TempDir()
	cert, key := certificate(t, a, 1)
	_, other := certificate(t, b, 2)
	for name, c := range map[string]struct {
		cert, key string
		kind      fault.Kind
	}{
		"missing":      {filepath.Join(a, "none"), key, fault.Unavailable},
		"another key":  {cert, other, fault.Invalid},
		"turned round": {key, cert, fault.Invalid},
	} {
		f := &certFiles{cert: c.cert, key: c.key, now: time.Now}
		if err := f.load(); fault.KindOf(err) != c.kind {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAddresses(t *testing.T) {
	cases := []struct {
		listen, url string
		secure      bool
		rp          string
		origins     string
	}{
		{"127.0.0.1:8470", "", false, "localhost", "http://localhost:8470"},
		{"", "", false, "localhost", "http://localhost:8470"},
		{"[::1]:9000", "", false, "localhost", "http://localhost:9000"},
		{"0.0.0.0:8443", "https://kenshin.hospital.example:8443", true, "kenshin.hospital.example", "https://kenshin.hospital.example:8443"},
		{"0.0.0.0:8443", "https://kenshin.hospital.example", true, "kenshin.hospital.example", "https://kenshin.hospital.example"},
		{"0.0.0.0:8443", "https://10.1.2.3:8443", true, "", ""}, // passkeys cannot belong to an address
		{"0.0.0.0:8443", "https://kenshin:8443", true, "", ""},  // nor to a bare machine name
		{"127.0.0.1:8443", "https://10.1.2.3:8443", true, "localhost", "http://localhost:8443 https://localhost:8443"},
	}
	for _, c := range cases {
		h := &House{Config: Config{Listen: c.listen, URL: c.url}}
		o := h.accounts()
		if o.RPID != c.rp || strings.Join(o.Origins, " ") != c.origins {
			t.Errorf("%s %s: passkeys of %q at %q", c.listen, c.url, o.RPID, o.Origins)
		}
	}
	for listen, local := range map[string]bool{"127.0.0.1:1": true, "127.1.2.3:1": true, "localhost:1": true, "[::1]:1": true, ":1": false, "0.0.0.0:1": false, "10.0.0.1:1": false, "[::]:1": false} {
		if isLocal(listen) != local {
			t.Errorf("%s is local: %v", listen, !local)
		}
	}
	for address, ok := range map[string]bool{"https://kenshin.example": true, "https://kenshin.example:8443/": true, "http://kenshin.example": false, "kenshin.example": false,
		"https://kenshin.example/console": false, "https://user@kenshin.example": false, "ftp://kenshin.example": false, "https://": false} {
		h := &House{Config: Config{URL: address}}
		if err := h.checkURL(false); (err == nil) != ok {
			t.Errorf("--url %s: %v", address, err)
		}
	}
}

// served opens a house, serves it on a free port and returns what the newcomer is told.
func served(t *testing.T, c Config) (h *House, address, notice string) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	h, err := Open(ctx, c)
	if err != nil {
		stop()
		t.Fatal(err)
	}
	told := make(chan string, 1)
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := h.Serve(ctx, func(address, _ string) { told <- address }); err != nil {
			t.Error(err)
		}
		close(told)
	})
	t.Cleanup(func() { stop(); wg.Wait(); h.Close() })
	address = <-told
	return h, address, h.Notice(i18n.En, address)
}

// Beyond loopback there is always TLS, by a CA of our own whose fingerprint is printed; the root is the same after a restart.
func TestOwnAuthority(t *testing.T) {
	dir := t.TempDir()
	fingerprint := ""
	for range 2 {
		t.Run("start", func(t *testing.T) {
			h, address, notice := served(t, Config{Data: dir, Listen: "0.0.0.0:0"})
			if !strings.HasPrefix(address, "https://") || !strings.Contains(notice, h.Authority.Fingerprint()) {
				t.Fatalf("told %q, %q", address, notice)
			}
			if fingerprint != "" && fingerprint != h.Authority.Fingerprint() {
				t.Error("another root after a restart: every PC would have to be visited again")
			}
			fingerprint = h.Authority.Fingerprint()
			u, err := url.Parse(address)
			if err != nil {
				t.Fatal(err)
			}
			roots := x509.NewCertPool()
			roots.AppendCertsFromPEM(h.Authority.PEM())
			client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true, DisableKeepAlives: true}}
			res, err := client.Get("https://" + net.JoinHostPort("localhost", u.Port()) + "/ca")
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			block, _ := pem.Decode(body)
			if block == nil || authority.Fingerprint(block.Bytes) != fingerprint || res.ProtoMajor != 2 {
				t.Errorf("HTTP/%d: %s", res.ProtoMajor, body)
			}
			if res.Header.Get("Strict-Transport-Security") == "" {
				t.Error("no HSTS")
			}
		})
	}
}

// A name that the root does not cover fails with what to do, and a new root takes it up.
func TestNewName(t *testing.T) {
	dir := t.TempDir()
	t.Run("first", func(t *testing.T) { served(t, Config{Data: dir, Listen: "0.0.0.0:0"}) })
	h, err := Open(t.Context(), Config{Data: dir, Listen: "0.0.0.0:0", URL: "https://kenshin.hospital.example:8443"})
	if err != nil {
		t.Fatal(err)
	}
	err = h.Serve(t.Context(), func(string, string) { t.Error("it serves with a name that browsers refuse") })
	if !fault.Is(err, fault.Conflict) {
		t.Errorf("%v", err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	_, address, _ := served(t, Config{Data: dir, Listen: "0.0.0.0:0", URL: "https://kenshin.hospital.example:8443", NewAuthority: true})
	if address != "https://kenshin.hospital.example:8443" {
		t.Errorf("told %s", address)
	}
}
