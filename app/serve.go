package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"kenshin/api"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/store"
	"kenshin/web"
	"kenshin/web/asset"
)

// DefaultListen is where the console answers when nobody says otherwise: on this machine only.
const DefaultListen = "127.0.0.1:8470"

// Serve runs the console and the work of this copy until ctx ends. ready is told the address for the newcomer once the console answers.
func (h *House) Serve(ctx context.Context, ready func(address, setupCode string)) error {
	if h.DB.Dialect == store.SQLite {
		release, err := store.Lock(h.Data)
		if err != nil {
			return err
		}
		defer release()
	}
	listener, secure, err := h.listen(ctx)
	if err != nil {
		return err
	}
	defer listener.Close()
	code, err := h.setupCode(ctx)
	if err != nil {
		return err
	}
	if !asset.Present() {
		h.Log.Warn("the browser bundle is not built in: pages work as plain HTML (make assets)")
	}
	address := h.address(listener, secure)
	handler, err := h.handler(address, secure)
	if err != nil {
		return err
	}
	server := web.HTTPServer(handler, h.Log)
	if err := h.serveLinks(); err != nil {
		h.Log.Warn("this machine's networks could not be read: sweeps of local segments wait", "error", err)
	}
	h.nightly()
	if err := h.Jobs.Start(ctx); err != nil {
		return fmt.Errorf("start the work: %w", err)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	g.Go(func() error { return h.listenAll(ctx) })
	g.Go(func() error { return h.serveDrills(ctx) })
	g.Go(func() error { return h.serveForms(ctx) })
	g.Go(func() error { return heartbeat(ctx) })
	g.Go(func() error {
		<-ctx.Done()
		return h.shut(server)
	})
	notify("READY=1")
	ready(address, code)
	return g.Wait()
}

// shut lets requests and steps at work end.
func (h *House) shut(server *http.Server) error {
	notify("STOPPING=1")
	ctx, cancel := context.WithTimeout(context.Background(), 35*time.Second)
	defer cancel()
	requests, done := context.WithTimeout(ctx, 5*time.Second)
	defer done()
	err := server.Shutdown(requests)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close()
	}
	return errors.Join(err, h.Jobs.Stop(ctx))
}

func (h *House) handler(address string, secure bool) (http.Handler, error) {
	console := web.New(web.Deps{DB: h.DB, Box: h.Box, Account: h.Account, Jobs: h.Jobs, Seen: h.Seen, Ledger: h.Ledger, Sheets: h.Sheets,
		Suppliers: h.Suppliers, Findings: h.Findings, Events: h.Events, Gates: h.Gates, Drills: h.Drills, Docks: h.Docks, Identify: h.Identify, Editions: h.Editions, Assess: h.Assess, Registers: h.Registers, Plans: h.Plans, Work: h, Log: h.Log, Now: h.Now,
		Inquiries: h.Inquiries, Evidence: h.Evidence,
		Version: h.Version, TLS: secure, Site: h.site(address, secure), Mail: h.mailNow})
	rest, err := api.New(api.Deps{DB: h.DB, Account: h.Account, Jobs: h.Jobs, Seen: h.Seen, Ledger: h.Ledger, Findings: h.Findings, Sheets: h.Sheets,
		Gates: h.Gates, Events: h.Events, Suppliers: h.Suppliers, Drills: h.Drills, Editions: h.Editions, Inquiries: h.Inquiries, Evidence: h.Evidence, Assess: h.Assess, Registers: h.Registers, Docks: h.Docks, Plans: h.Plans, Box: h.Box, Work: h, Log: h.Log, Now: h.Now, Version: h.Version})
	if err != nil {
		return nil, err
	}
	console.Mount("/api/", rest)
	return console.Handler(), nil
}

func (h *House) setupCode(ctx context.Context) (string, error) {
	needed, err := h.Account.NeedsSetup(ctx)
	if err != nil || !needed {
		return "", err
	}
	return h.Account.SetupCode(ctx)
}

// listen opens the console's port, with TLS anywhere but on loopback.
func (h *House) listen(ctx context.Context) (net.Listener, bool, error) {
	address := h.Listen
	if address == "" {
		address = DefaultListen
	}
	_, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, false, fault.Wrap(fault.Invalid, err, "--listen は 127.0.0.1:8470 のように「アドレス:ポート」で書いてください。", "Write --listen as ADDRESS:PORT, like 127.0.0.1:8470.")
	}
	local := isLocal(address)
	if err := h.checkURL(local); err != nil {
		return nil, false, err
	}
	var secure *tls.Config
	switch {
	case (h.TLSCert == "") != (h.TLSKey == ""):
		return nil, false, fault.New(fault.Invalid, "--tls-cert と --tls-key は両方指定してください。", "Give both --tls-cert and --tls-key.")
	case h.TLSCert != "" || !local || strings.HasPrefix(h.URL, "https://"):
		if secure, err = h.tlsConfig(ctx, local); err != nil {
			return nil, false, err
		}
	}
	l, err := net.Listen("tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, false, fault.Wrap(fault.Busy, err, "ポート "+address+" はほかのプログラムが使っています。--listen で別の番号を指定してください。",
			"Port "+address+" is taken by another program. Choose another one with --listen.")
	case errors.Is(err, os.ErrPermission):
		return nil, false, fault.Wrap(fault.Denied, err, "ポート "+address+" を開く権限がありません。1024以上の番号にしてください。",
			"No right to open port "+address+". Choose a number of 1024 or more.")
	case err != nil:
		return nil, false, fault.Wrap(fault.Unavailable, err, address+" で待ち受けできません。", "Cannot listen on "+address+".")
	}
	if secure != nil {
		return tls.NewListener(l, secure), true, nil
	}
	return l, false, nil
}

// address is how browsers reach the console that listens on l.
func (h *House) address(l net.Listener, secure bool) string {
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return h.publicURL(port, secure, isLocal(l.Addr().String()))
}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

// notify tells systemd how the service is (sd_notify(3)); without systemd it does nothing.
func notify(state string) {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return
	}
	if strings.HasPrefix(path, "@") {
		path = "\x00" + path[1:]
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = conn.Write([]byte(state))
}

// heartbeat tells systemd's watchdog that the program is alive.
func heartbeat(ctx context.Context) error {
	t := time.NewTicker(15 * time.Second)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
			notify("WATCHDOG=1")
		}
	}
}

// Welcome is what serve prints for the newcomer.
func Welcome(lang i18n.Lang, address, code string) string {
	ctx := i18n.With(context.Background(), lang)
	if code == "" {
		return i18n.T(ctx, "Kenshin(ネットワーク健診): %s", "Kenshin: %s", address)
	}
	return i18n.T(ctx, "Kenshin(ネットワーク健診)が動き始めました。ブラウザで次を開いて、はじめの設定をしてください(code= の後ろが、はじめの設定の合言葉です。1回だけ使えます)。\n  %s",
		"Kenshin is running. Open this in a browser for the first setup (the setup code stands after code= and works once).\n  %s", address+"/setup?code="+url.QueryEscape(code))
}
