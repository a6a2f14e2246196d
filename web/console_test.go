package web

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"kenshin/account"
	"kenshin/actor"
	"kenshin/assess"
	"kenshin/assess/inquiry"
	"kenshin/assess/plan"
	"kenshin/catalogue"
	"kenshin/checkup"
	"kenshin/dock"
	"kenshin/drill"
	"kenshin/event"
	"kenshin/evidence"
	"kenshin/facility"
	"kenshin/finding"
	"kenshin/gate"
	"kenshin/i18n"
	"kenshin/identify"
	"kenshin/internal/browsertest"
	"kenshin/internal/dbtest"
	"kenshin/job"
	"kenshin/ledger"
	"kenshin/ledger/sheet"
	"kenshin/netid"
	"kenshin/observation"
	"kenshin/register"
	"kenshin/seal"
	"kenshin/store"
	"kenshin/supplier"
)

func TestMain(m *testing.M) { os.Exit(browsertest.Main(m)) }

// console is the whole console on a fresh SQLite, with two facilities and a person of every role in the first.
type console struct {
	*Server
	t       testing.TB
	h       http.Handler
	f       facility.ID
	other   facility.ID
	cookies map[actor.Role]string
	checkup *checkup.Checkup // of f
	seg     string           // segment in which see sees; "" is none
}

// house does Work as the app does it; nothing is sent, since no test starts the queue of a network.
type house struct {
	*Server
	ident *identify.Identifier
	mu    sync.Mutex
	gates map[facility.ID]*gate.Gate
}

func (h *house) For(ctx context.Context, f facility.ID) (*checkup.Checkup, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	g := h.gates[f]
	if g == nil {
		g = gate.New(gate.Config{Now: h.Now})
		h.gates[f] = g
	}
	_, err := h.Gates.Load(ctx, f, g)
	return &checkup.Checkup{DB: h.DB, Gate: g, Seen: h.Seen, Ledger: h.Ledger, Findings: h.Findings, Identify: h.ident, Sensor: "local", Now: h.Now, Log: h.Log}, err
}

func (h *house) StartSweep(ctx context.Context, f facility.ID, r checkup.Request) (id string, err error) {
	c, err := h.For(ctx, f)
	if err != nil {
		return "", err
	}
	err = h.DB.Write(ctx, f, func(tx *store.Tx) error {
		id, err = c.Begin(ctx, tx, r, func(id string) (string, error) {
			run, err := h.Jobs.Enqueue(ctx, tx, SweepKind, SweepArgs{Sweep: id}, job.Request{Queue: "sweep:none", UniqueKey: id})
			return string(run), err
		})
		return err
	})
	return id, err
}

func (h *house) enqueue(ctx context.Context, f facility.ID, kind string, args any, turn func(*store.Tx) error) (run job.RunID, err error) {
	return run, h.DB.Write(ctx, f, func(tx *store.Tx) error {
		if err := turn(tx); err != nil {
			return err
		}
		run, err = h.Jobs.Enqueue(ctx, tx, kind, args, job.Request{})
		return err
	})
}

func (h *house) StartImport(ctx context.Context, f facility.ID, id string, replace bool) (job.RunID, error) {
	return h.enqueue(ctx, f, ImportKind, ImportArgs{Import: id}, func(tx *store.Tx) error { return h.Sheets.ApplyTx(ctx, tx, id, replace) })
}

func (h *house) StartImportUndo(ctx context.Context, f facility.ID, id string) (job.RunID, error) {
	return h.enqueue(ctx, f, ImportKind, ImportArgs{Import: id}, func(tx *store.Tx) error { return h.Sheets.UndoTx(ctx, tx, id) })
}

func (h *house) StartExport(ctx context.Context, f facility.ID, q ledger.Query) (job.RunID, error) {
	return h.enqueue(ctx, f, ExportKind, q, func(*store.Tx) error { return nil })
}

func (h *house) Retry(ctx context.Context, f facility.ID, id job.RunID) (job.RunID, error) {
	return h.enqueue(ctx, f, ExportKind, ledger.Query{}, func(*store.Tx) error { return nil })
}

func (h *house) importStep(ctx context.Context, run *job.Run) (job.Next, error) {
	var a ImportArgs
	if err := run.Args(&a); err != nil {
		return job.Next{}, err
	}
	more, err := h.Sheets.Step(ctx, run.Facility, a.Import, run.Deadline())
	if err != nil || !more {
		return job.Done, err
	}
	return job.Again(0), nil
}

const password = "kirin-tokei-mado-yuki"

var here = account.From{Address: netip.MustParseAddr("10.1.2.3"), UserAgent: "Test/1"}

func openConsole(t testing.TB) *console {
	t.Helper()
	db, box := dbtest.SQLite(t), seal.NewBox()
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	c := &console{t: t, cookies: map[actor.Role]string{}}
	acc, err := account.New(db, box, account.Options{Cost: account.Cost{Memory: 64, Passes: 1, Threads: 1}})
	c.must(err)
	jobs, err := job.New(db, job.Settings{Poll: 20 * time.Millisecond})
	c.must(err)
	ident, err := identify.New(nil)
	c.must(err)
	h := &house{ident: ident, gates: map[facility.ID]*gate.Gate{}}
	findings, events, seen := finding.New(db, time.Now), event.New(db), observation.New(db)
	var judge *checkup.Checkup
	book := ledger.Open(db, ledger.Options{Changed: func(ctx context.Context, tx *store.Tx, ch []ledger.Change) error {
		_, err := judge.React(ctx, tx, ch)
		return err
	}})
	judge = &checkup.Checkup{DB: db, Seen: seen, Ledger: book, Findings: findings, Identify: ident, Sensor: "local", Now: time.Now, Log: log}
	editions, proofs := catalogue.NewEditions(db), evidence.New(db, time.Now)
	yearly, err := assess.NewBook(db, assess.Options{Evidence: proofs, Findings: findings, Ledger: book, Suppliers: supplier.New(db, time.Now), People: acc, Now: time.Now,
		Catalogues: func(ctx context.Context, _ facility.ID) (catalogue.Set, error) { return editions.Set(ctx) }, Tables: editions.Tables})
	c.must(err)
	suppliers := supplier.New(db, time.Now)
	inquiries := inquiry.NewBook(inquiry.Deps{DB: db, Catalogues: editions.Set, Houses: acc, Ledger: book, Suppliers: suppliers, Findings: findings, Now: time.Now})
	c.Server = New(Deps{DB: db, Box: box, Account: acc, Jobs: jobs, Seen: seen, Ledger: book, Sheets: sheet.New(db, book), Suppliers: supplier.New(db, time.Now), Registers: register.New(db, time.Now),
		Findings: findings, Events: events, Gates: gate.NewBook(db, box, time.Now), Drills: drill.New(db, box, acc, time.Now, log), Identify: ident, Editions: editions, Assess: yearly, Work: h, Log: log, Now: time.Now, Version: "1.2.3",
		Inquiries: inquiries, Evidence: proofs,
		Plans: plan.New(db, plan.Options{Ledger: book, Suppliers: suppliers, Findings: findings, Registers: register.New(db, time.Now), Gates: gate.NewBook(db, box, time.Now), Now: time.Now,
			Catalogues: func(ctx context.Context, _ facility.ID) (catalogue.Set, error) { return editions.Set(ctx) }}),
		Mail: func(context.Context, facility.ID, string, string) error { return nil }})
	c.Docks = dock.New(db, dock.Options{Box: box, Houses: acc, Catalogues: func(ctx context.Context, _ facility.ID) (catalogue.Set, error) { return editions.Set(ctx) }, Version: editions.Version, Assess: yearly,
		Evidence: proofs, Findings: findings, Ledger: book, Suppliers: c.Suppliers, Gates: c.Gates, Registers: register.New(db, time.Now), Plans: c.Plans, Inquiries: inquiries, Drills: c.Drills, Now: time.Now})
	h.Server, c.h = c.Server, c.Handler()
	title := i18n.Text{Ja: "仕事", En: "Work"}
	jobs.Handle(ImportKind, job.Options{Title: title}, h.importStep)
	for _, kind := range []string{SweepKind, ExportKind} {
		jobs.Handle(kind, job.Options{Title: title}, func(context.Context, *job.Run) (job.Next, error) { return job.Done, nil })
	}
	c.people()
	c.checkup, err = h.For(t.Context(), c.f)
	c.must(err)
	return c
}

func (c *console) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// people makes both facilities and signs a person of every role in to the first.
func (c *console) people() {
	command := actor.With(context.Background(), actor.Actor{Kind: actor.Command, ID: "root", Name: "root"})
	for _, name := range []string{"みなと病院", "やま病院"} {
		f, err := c.Account.AddFacility(command, account.Facility{Name: name, Zone: "Asia/Tokyo", Beds: 199})
		c.must(err)
		if c.f == "" {
			c.f = f.ID
		}
		c.other = f.ID
	}
	for _, role := range actor.Roles() {
		var until time.Time
		if role == actor.Desk {
			until = time.Now().AddDate(0, 1, 0)
		}
		mail := string(role) + "@minato.example"
		_, err := c.Account.AddPerson(command, c.f, account.NewPerson{Email: mail, Name: "担当 " + string(role), Password: password}, role, until)
		c.must(err)
		c.cookies[role] = c.signIn(mail)
	}
}

func (c *console) signIn(mail string) string {
	ctx := context.Background()
	pendingToken, _, err := c.Account.SignIn(ctx, mail, password, here)
	c.must(err)
	x, err := c.Account.Pending(ctx, pendingToken)
	c.must(err)
	e, err := c.Account.BeginTOTP(ctx, x)
	c.must(err)
	code, err := totp.GenerateCode(strings.ReplaceAll(e.Secret, " ", ""), time.Now())
	c.must(err)
	done, err := c.Account.FinishTOTP(ctx, x, e.ID, code, here)
	c.must(err)
	return done.Token
}

// answer is what came back.
type answer struct {
	*httptest.ResponseRecorder
	t testing.TB
}

func (c *console) do(role actor.Role, r *http.Request) answer {
	c.t.Helper()
	if role != "" {
		r.AddCookie(&http.Cookie{Name: sessionCookie, Value: c.cookies[role]})
	}
	w := httptest.NewRecorder()
	c.h.ServeHTTP(w, r)
	if w.Code >= 500 {
		c.t.Errorf("%s %s: %d\n%s", r.Method, r.URL, w.Code, plainText(w.Body.String()))
	}
	return answer{w, c.t}
}

func (c *console) get(role actor.Role, path string) answer {
	c.t.Helper()
	return c.do(role, httptest.NewRequest(http.MethodGet, path, nil))
}

// post sends a form; fields are name, value, name, value...
func (c *console) post(role actor.Role, path string, fields ...string) answer {
	c.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.do(role, r)
}

func (c *console) upload(role actor.Role, path, name string, content []byte) answer {
	c.t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part, err := w.CreateFormFile("file", name)
	c.must(err)
	_, err = io.Copy(part, bytes.NewReader(content))
	c.must(err)
	c.must(w.Close())
	r := httptest.NewRequest(http.MethodPost, path, &b)
	r.Header.Set("Content-Type", w.FormDataContentType())
	return c.do(role, r)
}

// is checks the status, and texts that must stand in the answer; with "!" before it, a text must not.
func (a answer) is(code int, texts ...string) answer {
	a.t.Helper()
	if a.Code != code {
		a.t.Errorf("status %d, want %d; to %s\n%s", a.Code, code, a.Header().Get("Location"), plainText(a.Body.String()))
	}
	for _, s := range texts {
		not, found := strings.CutPrefix(s, "!")
		if found == strings.Contains(a.Body.String(), not) {
			a.t.Errorf("the page holds %q: %v\n%s", not, found, plainText(a.Body.String()))
		}
	}
	return a
}

func plainText(html string) string {
	if i := strings.Index(html, "<main"); i > 0 {
		html = html[i:]
	}
	return html[:min(len(html), 6000)]
}

func (a answer) to() string { return a.Header().Get("Location") }

// see tells the console what was seen of a device, through the real pipeline, and returns the device.
func (c *console) see(mac, ip string, obs ...observation.Observation) netid.DeviceID {
	c.t.Helper()
	m, err := netid.ParseMAC(mac)
	c.must(err)
	addr := netip.MustParseAddr(ip)
	list := append([]observation.Observation{{Signal: observation.ARP, Value: ip}}, obs...)
	for i := range list {
		list[i].MAC, list[i].IP, list[i].Segment, list[i].Sensor, list[i].At = m, addr, c.seg, "local", time.Now().Add(-time.Minute)
	}
	owners, err := c.checkup.Ingest(context.Background(), c.f, list)
	c.must(err)
	return owners["mac:"+m.String()]
}

func (c *console) one(id netid.DeviceID) *ledger.Device {
	c.t.Helper()
	d, err := c.Ledger.Get(context.Background(), c.f, id)
	c.must(err)
	return d
}

// work runs jobs until the queue is empty of them.
func (c *console) work() {
	c.t.Helper()
	c.must(c.Jobs.Start(context.Background()))
	deadline := time.Now().Add(20 * time.Second)
	for {
		list, err := c.Jobs.List(context.Background(), c.f, job.Filter{Kinds: []string{ImportKind}, States: []job.State{job.Queued, job.Running}})
		c.must(err)
		if len(list) == 0 {
			break
		}
		if time.Now().After(deadline) {
			c.t.Fatal("the work did not end")
		}
		time.Sleep(10 * time.Millisecond)
	}
	c.must(c.Jobs.Stop(context.Background()))
}
