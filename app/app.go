// Package app builds Kenshin from its configuration and runs it. It is the only place where the parts are put together: read Open from top to
// bottom and the whole house is seen.
package app

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"kenshin/account"
	"kenshin/assess"
	"kenshin/assess/inquiry"
	"kenshin/assess/plan"
	"kenshin/catalogue"
	"kenshin/dock"
	"kenshin/drill"
	"kenshin/drill/preflight"
	"kenshin/drill/relay"
	"kenshin/event"
	"kenshin/evidence"
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
	mailing "kenshin/notify"
	"kenshin/observation"
	"kenshin/register"
	"kenshin/seal"
	"kenshin/seal/authority"
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
	NewAuthority  bool // makes the own CA anew; its root must then be brought to the PCs again
	Log           *slog.Logger
	DrillListen   string // address of the pages behind a drill's mails; "": none
	DrillCert     string
	DrillKey      string
	DrillProxies  []netip.Prefix // whose X-Forwarded-For counts there
	NameServer    netip.AddrPort // for proofs and preflights of drills; zero: the machine's own
	FormListen    string         // address of the pages behind the links of forms and surveys; "": none
	FormCert      string
	FormKey       string
	FormProxies   []netip.Prefix // whose X-Forwarded-For counts there
	ReportListen  string         // address of the mail server for reports; "": none
	Lang          i18n.Lang
	Version       string
	Now           func() time.Time
	passing       bool // the data is thrown away when it does not become whole: nothing waits for the disk
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
	Registers *register.Book
	Findings  *finding.Book
	Evidence  *evidence.Book
	Assess    *assess.Book
	Inquiries *inquiry.Book
	Plans     *plan.Book
	Docks     *dock.Book
	Events    *event.Log
	Gates     *gate.Book
	Drills    *drill.Book
	Identify  *identify.Identifier
	Editions  *catalogue.Editions
	Authority *authority.Authority // our own CA while it serves, nil with given certificates
	Mailer    *mailing.Mailer
	Makers    *netid.Makers

	mu       sync.Mutex
	stations map[facility.ID]*station
}

func (c Config) withDefaults() Config {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.KeyFile == "" {
		c.KeyFile = filepath.Join(c.Data, "key")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Open builds the house. It changes nothing but the schema, and sends nothing.
func Open(ctx context.Context, c Config) (*House, error) {
	c = c.withDefaults()
	if err := makeFolder(c.Data); err != nil {
		return nil, err
	}
	db, err := store.Open(ctx, store.Options{Dir: c.Data, URL: c.Database, OwnerURL: c.DatabaseOwner, Passing: c.passing})
	if err != nil {
		return nil, err
	}
	h := &House{Config: c, DB: db, stations: map[facility.ID]*station{}}
	if h.Box, err = openBox(ctx, db, c.KeyFile); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if err := h.build(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return h, nil
}

func makeFolder(dir string) error {
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		err = unix.Access(dir, unix.W_OK|unix.X_OK)
	}
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "データのフォルダ "+dir+" に書き込めません。書き込める場所を --data で指定してください。",
			"The data folder "+dir+" cannot be written. Name a writable place with --data.")
	}
	return nil
}

// keyName is the row of store_about that names the sealing key of this data.
const keyName = "sealing-key"

// openBox opens the sealing key that belongs to the data. It makes one only for data that has none yet: a fresh key beside old data, or
// beside another copy's, would lock every secret.
func openBox(ctx context.Context, db *store.DB, path string) (*seal.Box, error) {
	var known string
	read := func(tx *store.Shared) error {
		err := tx.Row(ctx, "SELECT value FROM store_about WHERE name = $1", keyName).Scan(&known)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	}
	if err := db.ReadShared(ctx, read); err != nil {
		return nil, fmt.Errorf("read which key belongs to the data: %w", err)
	}
	open := seal.Load
	if known == "" {
		open = seal.LoadOrCreate
	}
	box, err := open(path)
	if err != nil || known == box.KeyID() {
		return box, err
	}
	err = db.WriteShared(ctx, func(tx *store.Shared) error {
		if known != "" {
			return nil
		}
		if _, err := tx.Exec(ctx, "INSERT INTO store_about (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING", keyName, box.KeyID()); err != nil {
			return err
		}
		return read(tx) // another copy may have been faster
	})
	if err == nil && known != box.KeyID() {
		err = fault.New(fault.Denied, "鍵ファイル "+path+" は、このデータと一緒に使っていた鍵ではありません。正しい鍵を --key-file で指定してください。",
			"The key file "+path+" is not the one that belongs to this data. Name the right one with --key-file.")
	}
	return box, err
}

func (h *House) build() (err error) {
	h.Editions = catalogue.NewEditions(h.DB)
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
	h.Registers = register.New(h.DB, h.Now)
	h.Registers.Changed = func(ctx context.Context, tx *store.Tx, k register.Kind, rows []register.Row) error {
		return errors.Join(h.overdueRows(ctx, tx, k, rows), h.reassess(ctx, tx, soon))
	}
	h.Findings = finding.New(h.DB, h.Now)
	h.Events = event.New(h.DB)
	h.Gates = gate.NewBook(h.DB, h.Box, h.Now)
	h.Drills = drill.New(h.DB, h.Box, h.Account, h.Now, h.Log)
	names := net.DefaultResolver
	if h.NameServer.IsValid() {
		names = relay.NewResolver(h.NameServer.String())
	}
	h.Drills.Reach(preflight.World{Resolver: names, Dial: (&net.Dialer{Resolver: names}).DialContext, Clock: preflight.SystemClock, Now: h.Now})
	h.Drills.Pretend(demoZone().world(h.Now))
	h.Drills.TellFindings(h.Findings)
	h.Evidence = evidence.New(h.DB, h.Now)
	if err := h.assessment(); err != nil {
		return err
	}
	h.inquiries()
	h.docking()
	h.works()
	h.drillWorks()
	h.Jobs.Handle(judgeKind, job.Options{Title: i18n.Text{Ja: "弱点の見直し", En: "Judging devices again"}}, h.judgeStep)
	return nil
}

// Close ends the house; work under way was stopped before.
func (h *House) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	var errs []error
	for _, s := range h.stations {
		s.stop()
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
		return account.Facility{}, fault.New(fault.NotFound, "施設がまだありません。kenshin serve を動かし、画面ではじめの設定をしてください。",
			"There is no facility yet. Run kenshin serve and finish the setup in the browser.")
	case len(all) > 1:
		return account.Facility{}, fault.New(fault.Invalid, "施設が複数あります。--facility でIDを指定してください。", "There are several facilities. Name one with --facility.")
	}
	return all[0], nil
}
