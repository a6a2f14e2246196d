package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"kenshin/account"
	"kenshin/actor"
	"kenshin/assess"
	"kenshin/assess/inquiry"
	"kenshin/assess/plan"
	"kenshin/blob"
	"kenshin/catalogue"
	"kenshin/checkup"
	"kenshin/dock"
	"kenshin/drill"
	"kenshin/drill/button"
	"kenshin/drill/domain"
	"kenshin/evidence"
	"kenshin/facility"
	"kenshin/finding"
	"kenshin/gate"
	"kenshin/i18n"
	"kenshin/identify"
	"kenshin/internal/dbtest"
	"kenshin/internal/mailtest"
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

var start = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)

// rig is the API over loopback, with two facilities: what lies in the other one must never be seen.
type rig struct {
	*server
	t      testing.TB
	url    string
	f      facility.ID
	canary facility.ID
	now    time.Time
	tokens map[actor.Role]string
	ids    map[string]string // of what seed made, in f
	other  map[string]string // of what seed made, in canary
	sink   *mailtest.Sink    // takes the drills' mails, where a test has one
}

// house is Work as the app does it, without steps: nothing is sent.
type house struct {
	*rig
	ident *identify.Identifier
	mu    sync.Mutex
	gates map[facility.ID]*gate.Gate
}

func newHouse(r *rig, x *identify.Identifier) *house {
	return &house{rig: r, ident: x, gates: map[facility.ID]*gate.Gate{}}
}

func (h *house) For(ctx context.Context, f facility.ID) (*checkup.Checkup, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	g := h.gates[f]
	if g == nil {
		g = gate.New(gate.Config{Now: h.Now})
		h.gates[f] = g
	}
	if _, err := h.Gates.Load(ctx, f, g); err != nil {
		return nil, err
	}
	return &checkup.Checkup{DB: h.DB, Gate: g, Seen: h.Seen, Ledger: h.Ledger, Findings: h.Findings, Identify: h.ident, Sensor: "local", Now: h.Now, Log: h.Log}, nil
}

func (h *house) StartSweep(ctx context.Context, f facility.ID, r checkup.Request) (id string, err error) {
	c, err := h.For(ctx, f)
	if err != nil {
		return "", err
	}
	err = h.DB.Write(ctx, f, func(tx *store.Tx) error {
		id, err = c.Begin(ctx, tx, r, func(id string) (string, error) {
			run, err := h.Jobs.Enqueue(ctx, tx, "sweep", map[string]string{"sweep": id}, job.Request{UniqueKey: id})
			return string(run), err
		})
		return err
	})
	return id, err
}

func newRig(t testing.TB, db *store.DB) *rig {
	t.Helper()
	box := seal.NewBox()
	r := &rig{t: t, now: start, tokens: map[actor.Role]string{}}
	now := func() time.Time { return r.now }
	acc, err := account.New(db, box, account.Options{Cost: account.Cost{Memory: 64, Passes: 1, Threads: 1}, Now: now})
	r.must(err)
	jobs, err := job.New(db, job.Settings{Log: slog.New(slog.DiscardHandler), Now: now})
	r.must(err)
	jobs.Handle("sweep", job.Options{Title: i18n.Text{Ja: "健診", En: "Check-up"}}, func(context.Context, *job.Run) (job.Next, error) { return job.Done, nil })
	book := ledger.Open(db, ledger.Options{Now: now})
	ident, err := identify.New(nil)
	r.must(err)
	deps := Deps{DB: db, Account: acc, Jobs: jobs, Seen: observation.New(db), Ledger: book, Findings: finding.New(db, now), Sheets: sheet.New(db, book),
		Gates: gate.NewBook(db, box, now), Suppliers: supplier.New(db, now), Drills: drill.New(db, box, acc, now, slog.New(slog.DiscardHandler)), Box: box, Log: slog.New(slog.DiscardHandler), Now: now, Version: "1.2.3", Rate: 100_000}
	deps.Editions, deps.Evidence = catalogue.NewEditions(db), evidence.New(db, now)
	catalogues := func(ctx context.Context, _ facility.ID) (catalogue.Set, error) { return deps.Editions.Set(ctx) }
	deps.Registers = register.New(db, now)
	deps.Assess, err = assess.NewBook(db, assess.Options{Evidence: deps.Evidence, Findings: deps.Findings, Ledger: book, Suppliers: deps.Suppliers, Registers: deps.Registers, People: acc, Now: now, Catalogues: catalogues})
	r.must(err)
	deps.Docks = dock.New(db, dock.Options{Box: box, Houses: acc, Catalogues: catalogues, Version: deps.Editions.Version, Assess: deps.Assess, Evidence: deps.Evidence, Findings: deps.Findings, Ledger: book,
		Suppliers: deps.Suppliers, Gates: deps.Gates, Registers: deps.Registers, Drills: deps.Drills, Now: now})
	deps.Plans = plan.New(db, plan.Options{Ledger: book, Suppliers: deps.Suppliers, Findings: deps.Findings, Registers: deps.Registers, Gates: deps.Gates, Catalogues: catalogues, Now: now})
	deps.Inquiries = inquiry.NewBook(inquiry.Deps{DB: db, Catalogues: deps.Editions.Set, Houses: acc, Ledger: book, Suppliers: deps.Suppliers, Findings: deps.Findings, Now: now})
	r.server = &server{Deps: deps}
	deps.Work = newHouse(r, ident)
	handler, err := New(deps)
	r.must(err)
	r.server = &server{Deps: deps}
	for _, name := range []string{"みなと病院", "やま病院"} {
		f, err := acc.AddFacility(context.Background(), account.Facility{Name: name, Zone: "Asia/Tokyo"})
		r.must(err)
		if r.f == "" {
			r.f = f.ID
		} else {
			r.canary = f.ID
		}
	}
	for _, role := range actor.Roles() {
		if role != actor.Desk { // a desk has no token
			r.tokens[role] = r.token(r.f, role)
		}
	}
	web := httptest.NewServer(handler)
	t.Cleanup(web.Close)
	r.url = web.URL
	return r
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) token(f facility.ID, role actor.Role) string {
	r.t.Helper()
	text, _, err := r.Account.AddToken(context.Background(), f, "試験 "+string(role), role, 0)
	r.must(err)
	return text
}

// reply is an answer, read.
type reply struct {
	*http.Response
	text string
	body map[string]any
}

func (r *rig) send(token, method, path string, body any, headers ...string) reply {
	r.t.Helper()
	var in io.Reader
	switch b := body.(type) {
	case nil:
	case io.Reader:
		in = b
	case string:
		in = strings.NewReader(b)
	default:
		text, err := json.Marshal(b)
		r.must(err)
		in = bytes.NewReader(text)
	}
	q, err := http.NewRequestWithContext(context.Background(), method, r.url+path, in)
	r.must(err)
	if in != nil {
		q.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		q.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(headers); i += 2 {
		q.Header.Set(headers[i], headers[i+1])
	}
	a, err := http.DefaultClient.Do(q)
	r.must(err)
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	r.must(err)
	out := reply{Response: a, text: string(text)}
	if strings.Contains(a.Header.Get("Content-Type"), "json") {
		_ = json.Unmarshal(text, &out.body)
	}
	return out
}

func (r *rig) admin(method, path string, body any, headers ...string) reply {
	r.t.Helper()
	return r.send(r.tokens[actor.Admin], method, root+path, body, headers...)
}

// ok is admin with an answer of the 2xx kind.
func (r *rig) ok(method, path string, body any, headers ...string) reply {
	r.t.Helper()
	a := r.admin(method, path, body, headers...)
	if a.StatusCode >= 300 {
		r.t.Fatalf("%s %s: %d %s", method, path, a.StatusCode, a.text)
	}
	return a
}

func (r reply) items() []map[string]any {
	var out []map[string]any
	list, _ := r.body["items"].([]any)
	for _, v := range list {
		m, _ := v.(map[string]any)
		out = append(out, m)
	}
	return out
}

func (r reply) str(key string) string { s, _ := r.body[key].(string); return s }

// form is a multipart body with one file.
func form(t testing.TB, name string, content []byte) (io.Reader, string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	p, err := w.CreateFormFile("file", name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &b, w.FormDataContentType()
}

// upload sends a file to an address.
func (r *rig) upload(token, path, name string, content []byte) reply {
	r.t.Helper()
	body, kind := form(r.t, name, content)
	return r.send(token, "POST", root+path, body, "Content-Type", kind)
}

func mac(text string) netid.MAC {
	m, err := netid.ParseMAC(text)
	if err != nil {
		panic(err)
	}
	return m
}

// seed puts one thing of each kind into a facility. mark stands in every name.
func (r *rig) seed(f facility.ID, mark string, n byte) map[string]string {
	r.t.Helper()
	ctx := actor.With(context.Background(), actor.Actor{Kind: actor.Person, ID: "p", Name: mark, Role: actor.Admin})
	ids := map[string]string{}
	hand, err := r.Ledger.Add(ctx, f, ledger.Word{Name: mark + " 手書き", Owner: "佐藤"}, "", "")
	r.must(err)
	ids["unseen"] = string(hand.ID)
	card := netid.MAC{0x00, 0x1b, 0x54, 0, n, 1}
	ip := netip.AddrFrom4([4]byte{10, n, 0, 5})
	seg, err := r.Gates.Propose(ctx, f, gate.Segment{Name: mark + " 区画", Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, n, 0, 0}), 24), Routed: true,
		SNMP: []gate.SNMP{{Community: "himitsu-" + mark}}})
	r.must(err)
	r.must(r.Gates.Approve(ctx, f, seg))
	ids["segment"] = seg
	var seen []netid.DeviceID
	r.must(r.DB.Write(ctx, f, func(tx *store.Tx) error {
		second := card
		second[5] = 2
		out, err := r.Ledger.Sight(ctx, tx, []ledger.Sighting{{Segment: seg, MAC: card, IP: ip, Signal: "arp", At: r.now}, {Segment: seg, MAC: second, IP: ip.Next(), Signal: "arp", At: r.now}})
		if err != nil {
			return err
		}
		seen = out.Devices
		_, err = r.Findings.Record(ctx, tx, []finding.Result{{Check: "smb1", Version: "1", Device: seen[0], Outcome: finding.Found, Severity: finding.High,
			Text: finding.Text{Title: i18n.Text{Ja: mark + " SMB1", En: mark + " SMB1"}}, Due: r.now.AddDate(0, 1, 0)}})
		return err
	}))
	ids["device"], ids["second"] = string(seen[0]), string(seen[1])
	_, err = r.Ledger.Edit(ctx, f, seen[0], 0, ledger.Patch{Fields: map[string]string{"name": mark + " 端末"}})
	r.must(err)
	r.must(r.Seen.Add(ctx, f, []observation.Observation{{Segment: seg, Sensor: "local", MAC: card, IP: ip, Signal: observation.HTTPTitle, Port: 80, Value: mark + " title", At: r.now}}))
	found, err := r.Findings.List(ctx, f, finding.Filter{})
	r.must(err)
	ids["finding"] = found.Findings[0].ID
	company, err := r.Suppliers.Save(ctx, f, supplier.Supplier{Name: mark + " 商会", Kind: supplier.Other})
	r.must(err)
	ids["supplier"] = company.ID
	system, err := r.Ledger.SaveSystem(ctx, f, ledger.System{Name: mark + " 電子カルテ", VendorID: company.ID, Devices: []netid.DeviceID{seen[0]}})
	r.must(err)
	ids["system"] = system.ID
	for kind, to := range map[string]shelf{"device": r.Ledger, "system": r.Ledger, "supplier": r.Suppliers} {
		kept, err := blob.Put(ctx, r.DB, f, mark+".txt", strings.NewReader(mark+" "+kind))
		r.must(err)
		a, err := to.Attach(ctx, f, blob.Attachment{Owner: ids[kind], File: kept.ID, Name: kept.Name})
		r.must(err)
		ids[kind+"-file"] = a.ID
	}
	ids["unlock"], err = r.Gates.Unlock(ctx, f, gate.Unlock{HostKey: gate.HostKey{MAC: card}, Until: r.now.Add(time.Hour), Reason: mark}, seen[0])
	r.must(err)
	ids["word"], err = r.Gates.Say(ctx, f, gate.HostKey{MAC: card}, seen[0], gate.SaidNeverTouch, mark)
	r.must(err)
	r.must(r.Gates.Record(ctx, f, []gate.SentRow{{Segment: seg, Host: ip, MAC: card, Frame: gate.ARPRequest, Hour: r.now.Truncate(time.Hour), Frames: 3}}))
	a, err := r.Ledger.Add(ctx, f, ledger.Word{Name: mark + " 甲"}, "", "")
	r.must(err)
	b, err := r.Ledger.Add(ctx, f, ledger.Word{Name: mark + " 乙"}, "", "")
	r.must(err)
	ids["merge"], err = r.Ledger.Merge(ctx, f, a.ID, b.ID, mark)
	r.must(err)
	name, err := domain.Parse("hospital.example.jp")
	r.must(err)
	sending := drill.DefaultSettings()
	sending.ReportTo = "report@hospital.example.jp"
	r.must(r.Drills.SaveSettings(ctx, f, sending, drill.Secrets{}))
	_, err = r.Drills.AskDomain(ctx, f, string(name), "")
	r.must(err)
	_, _, err = r.Drills.SavePeople(ctx, f, []drill.Person{{Address: "hanako@hospital.example.jp", Surname: mark, Department: "看護部"}}, false)
	r.must(err)
	rehearsal, err := r.Drills.Save(ctx, f, drill.Drill{Name: mark, Mail: drill.Mail{FromName: "ひばり宅配便", FromLocal: "info", Subject: "お届けもの", Text: "{{リンク}}", Link: true}})
	r.must(err)
	ids["drill"], ids["drill-domain"], ids["drill-target"], ids["drill-file"] = rehearsal.ID, string(name), "none", button.ThunderbirdFile
	told, err := r.Drills.TakeReport(ctx, f, []byte("From: hanako@hospital.example.jp\r\nSubject: report\r\nMessage-ID: <"+rehearsal.ID+"@x>\r\n\r\nhttp://203.0.113.66/x\r\n"), drill.Envelope{Via: drill.ViaMailbox})
	r.must(err)
	ids["drill-report"] = told.ID
	plan, err := r.Drills.SavePlan(ctx, f, drill.Plan{Month: "2031-05", Scenario: "parcel", Note: mark})
	r.must(err)
	ids["drill-plan"] = plan.ID
	story, err := os.ReadFile("../docs/guide/example-scenario.yaml")
	r.must(err)
	ids["drill-scenario"] = fmt.Sprintf("canteen-%d", n)
	_, err = r.Drills.AddScenarios(ctx, f, strings.NewReader(strings.NewReplacer("id: canteen", "id: "+ids["drill-scenario"], "食堂の献立", mark).Replace(string(story))))
	r.must(err)
	asked := r.Inquiries
	question, err := asked.AskQuestion(ctx, f, inquiry.Asking{Catalogue: "checklist-r7-facility", Item: "r7.2.2", Text: mark})
	r.must(err)
	ids["inquiry"] = question.Links[0].Inquiry.ID
	poll, _, err := asked.StartSurvey(ctx, f, inquiry.Poll{Catalogue: "survey-departments", Title: mark}, []inquiry.Department{{Name: mark}})
	r.must(err)
	ids["survey"] = poll.ID
	r.must(r.DB.Write(ctx, f, func(tx *store.Tx) error {
		_, err := r.Evidence.Record(ctx, tx, evidence.Record{Check: "ledger-coverage", Version: 1, Outcome: evidence.Fail, Measured: 1, Of: 2, At: r.now, Until: r.now.Add(time.Hour), Says: i18n.Text{Ja: mark, En: mark}})
		return err
	}))
	_, err = r.Assess.SaveClaim(ctx, f, "checklist-r7-facility", "", "r7.2.1", 0, assess.Claim{Reply: catalogue.Unknown}, mark, "")
	r.must(err)
	puzzle, err := r.Assess.Ask(ctx, f, assess.Question{Catalogue: "checklist-r7-facility", Item: "r7.2.1", To: assess.ToSupport, Text: mark})
	r.must(err)
	ids["question"] = puzzle.ID
	r.seedYearly(ctx, f, mark, ids)
	if f == r.f { // catalogues belong to no facility
		ids["catalogue"] = "checklist-r7-facility"
		ids["table"] = "fees"
	} else {
		ids["catalogue"] = "none-of-ours"
		ids["table"] = "none-of-ours"
	}
	ids["sweep"], err = r.Work.StartSweep(ctx, f, checkup.Request{Segments: []string{seg}})
	r.must(err)
	runs, err := r.Jobs.List(ctx, f, job.Filter{})
	r.must(err)
	ids["job"] = string(runs[0].ID)
	i, err := r.Sheets.Begin(ctx, f, mark+".csv", "")
	r.must(err)
	ids["import"] = i.ID
	r.must(r.record(ctx, f, deed("test.seed", "device", string(seen[0]), mark+" の記録", mark, nil)))
	return ids
}

func seeded(t testing.TB, db *store.DB) *rig {
	r := newRig(t, db)
	r.ids, r.other = r.seed(r.f, "みなと", 1), r.seed(r.canary, canaryMark, 2)
	return r
}

const canaryMark = "カナリア"

func sqlite(t testing.TB) *rig { return seeded(t, dbtest.SQLite(t)) }
