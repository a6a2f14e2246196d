// Package app builds Kenshin from its configuration and runs it. It is the only place where the parts are put together: read Open from top to
// bottom and the whole house is seen.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"kenshin/account"
	"kenshin/checkup"
	"kenshin/event"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/finding"
	"kenshin/gate"
	"kenshin/i18n"
	"kenshin/identify"
	"kenshin/job"
	"kenshin/ledger"
	"kenshin/ledger/sheet"
	"kenshin/netid"
	"kenshin/observation"
	"kenshin/seal"
	"kenshin/store"
	"kenshin/supplier"
)

// Config is everything that a start can be told.
type Config struct {
	Data          string // folder; always needed, for the key and caches at least
	Database      string // PostgreSQL URL; "" is SQLite in Data
	DatabaseOwner string
	KeyFile       string // "" is Data/key
	Facility      string // "" where there is only one
	Listen        string // address of the console
	URL           string // how browsers reach it; needed beyond loopback
	TLSCert       string
	TLSKey        string
	Log           *slog.Logger
	Lang          i18n.Lang
	Version       string
	Now           func() time.Time
}

// House is Kenshin, built and not yet serving.
type House struct {
	Config
	DB        *store.DB
	Box       *seal.Box
	Account   *account.Service
	Jobs      *job.Queue
	Seen      *observation.Log
	Ledger    *ledger.Ledger
	Sheets    *sheet.Desk
	Suppliers *supplier.Book
	Findings  *finding.Book
	Events    *event.Log
	Gates     *gate.Book
	Identify  *identify.Identifier
	Makers    *netid.Makers

	mu       sync.Mutex
	stations map[facility.ID]*station
}

// Open builds the house. It changes nothing but the schema, and sends nothing.
func Open(ctx context.Context, c Config) (*House, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.KeyFile == "" {
		c.KeyFile = filepath.Join(c.Data, "key")
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "データのフォルダを作れません。書き込める場所を --data で指定してください。",
			"The data folder cannot be made. Name a writable place with --data.")
	}
	box, err := seal.LoadOrCreate(c.KeyFile)
	if err != nil {
		return nil, err
	}
	db, err := store.Open(ctx, store.Options{Dir: c.Data, URL: c.Database, OwnerURL: c.DatabaseOwner})
	if err != nil {
		return nil, err
	}
	h := &House{Config: c, DB: db, Box: box, stations: map[facility.ID]*station{}}
	if err := h.build(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return h, nil
}

func (h *House) build() (err error) {
	if h.Account, err = account.New(h.DB, h.Box, h.accounts()); err != nil {
		return err
	}
	if h.Jobs, err = job.New(h.DB, job.Settings{Log: h.Log, Now: h.Now}); err != nil {
		return err
	}
	if h.Makers, err = netid.LoadMakers(netid.MakerFiles()...); err != nil {
		h.Log.Warn("makers of network cards are not known: install ieee-data", "error", err)
	}
	if h.Identify, err = identify.New(h.Makers); err != nil {
		return fmt.Errorf("read the rules: %w", err)
	}
	h.Seen = observation.New(h.DB)
	h.Ledger = ledger.Open(h.DB, ledger.Options{Now: h.Now, Changed: h.changed})
	h.Sheets = sheet.New(h.DB, h.Ledger)
	h.Suppliers = supplier.New(h.DB, h.Now)
	h.Findings = finding.New(h.DB, h.Now)
	h.Events = event.New(h.DB)
	h.Gates = gate.NewBook(h.DB, h.Box, h.Now)
	h.works()
	h.Jobs.Handle(judgeKind, job.Options{Title: i18n.Text{Ja: "弱点の見直し", En: "Judging devices again"}}, h.judgeStep)
	return nil
}

// accounts says where passkeys belong: to the host name that browsers use.
func (h *House) accounts() account.Options {
	o := account.Options{Now: h.Now}
	for _, address := range []string{h.URL, h.localURL()} {
		u, err := url.Parse(address)
		if err != nil || u.Hostname() == "" || isAddress(u.Hostname()) {
			continue
		}
		o.RPID, o.Origins = u.Hostname(), []string{u.Scheme + "://" + u.Host}
		break
	}
	return o
}

// Close ends the house; work under way was stopped before.
func (h *House) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	var errs []error
	for _, s := range h.stations {
		errs = append(errs, s.gate.Close())
	}
	return errors.Join(append(errs, h.DB.Close())...)
}

// OneFacility returns the facility that a command means: the one named, or the only one.
func (h *House) OneFacility(ctx context.Context) (account.Facility, error) {
	all, err := h.Account.Facilities(ctx)
	if err != nil {
		return account.Facility{}, err
	}
	for _, f := range all {
		if string(f.ID) == h.Facility {
			return f, nil
		}
	}
	switch {
	case h.Facility != "":
		return account.Facility{}, fault.New(fault.NotFound, "--facility の施設はありません。", "There is no facility with the id in --facility.")
	case len(all) == 0:
		return account.Facility{}, fault.New(fault.NotFound, "施設がまだありません。kenshin serve を動かし、画面で初めの設定をしてください。",
			"There is no facility yet. Run kenshin serve and finish the setup in the browser.")
	case len(all) > 1:
		return account.Facility{}, fault.New(fault.Invalid, "施設が複数あります。--facility でIDを指定してください。", "There are several facilities. Name one with --facility.")
	}
	return all[0], nil
}
