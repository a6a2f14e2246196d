package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/pquerna/otp/totp"

	"kenshin/account"
	"kenshin/actor"
	"kenshin/app"
	"kenshin/assess/plan"
	"kenshin/dock"
	"kenshin/paper"
)

const benchWord = "only for this bench 2026"

// packing makes a hospital of 1,000 devices and 30 systems with every form answered and three docks, measures what an inspection asks for, and then every
// page of the yearly check-up over HTTP from the real program.
func (b *bench) packing() error {
	data := filepath.Join(b.dir, "pack")
	house, err := app.Open(b.ctx, app.Config{Data: data, Listen: listenOn})
	if err != nil {
		return err
	}
	pages, cookie, err := b.yearly(house)
	if closed := house.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(b.ctx, b.bin, "serve", "--data", data, "--listen", listenOn) //nolint:gosec // our own program
	if err := cmd.Start(); err != nil {
		return err
	}
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}()
	if _, err := b.answers(time.Now()); err != nil {
		return err
	}
	return b.browse(cmd.Process.Pid, pages, cookie)
}

// yearly furnishes a house, measures recomputing and the pack, and returns the pages to ask for with a session that may see them.
func (b *bench) yearly(house *app.House) (pages []string, cookie string, err error) {
	ctx := actor.With(b.ctx, actor.Actor{Kind: actor.Command, ID: "bench", Name: "bench", Role: actor.Admin})
	f, err := house.Account.AddFacility(ctx, account.Facility{Name: "Bench", Beds: 400})
	if err != nil {
		return nil, "", err
	}
	set, err := house.Editions.Set(ctx)
	if err != nil {
		return nil, "", err
	}
	h := &hospital{f: f.ID, db: house.DB, book: house.Assess, ledger: house.Ledger, seen: house.Seen, findings: house.Findings, registers: house.Registers, set: set}
	if err := h.furnish(ctx); err != nil {
		return nil, "", fmt.Errorf("furnish the hospital: %w", err)
	}
	if err := house.Assess.Recompute(ctx, f.ID); err != nil {
		return nil, "", err
	}
	var last dock.Entry
	var froze time.Duration
	for range 3 {
		start := time.Now()
		if last, err = house.Docks.Freeze(ctx, f.ID, dock.Want{Kind: dock.Full}); err != nil {
			return nil, "", err
		}
		froze = max(froze, time.Since(start))
	}
	b.say(line{what: "yearly check-up: freezing a dock, 1,000 devices, slowest of 3", figure: seconds(froze)})
	if err := b.packs(ctx, house, f, last); err != nil {
		return nil, "", err
	}
	pages, err = yearlyPages(ctx, house, f, last)
	if err != nil {
		return nil, "", err
	}
	cookie, err = signedIn(ctx, house, f)
	return pages, cookie, err
}

// packs makes the pack in the forms that are handed out; the PDF, which a Chromium prints, by itself.
func (b *bench) packs(ctx context.Context, house *app.House, f account.Facility, last dock.Entry) error {
	start := time.Now()
	p, err := house.Docks.Pack(ctx, f.ID, last.ID)
	if err != nil {
		return err
	}
	each := []string{"put together " + seconds(time.Since(start))}
	as := func(format string) (string, error) {
		from := time.Now()
		body, _, err := house.Docks.As(ctx, f.ID, &p, format)
		if err != nil {
			return "", fmt.Errorf("make the pack as %s: %w", format, err)
		}
		return fmt.Sprintf("%s %s, %d KB", format, seconds(time.Since(from)), len(body)>>10), nil
	}
	for _, format := range []string{"html", "xlsx", "json"} {
		said, err := as(format)
		if err != nil {
			return err
		}
		each = append(each, said)
	}
	all := time.Since(start)
	b.say(line{what: "pack: 1,000 devices, three docks, as pages, workbook and sealed file", figure: seconds(all), target: "<= 10 s", beside: strings.Join(each, "; ")})
	if paper.HasPDF() {
		said, err := as("pdf")
		if err != nil { // a browser that is too slow on this machine says nothing about Kenshin's own part
			said = "not made: " + firstLine(err.Error())
		}
		b.say(line{what: "pack: the same printed by Chromium", figure: said, target: "<= 10 s"})
	}
	return nil
}

// yearlyPages are the addresses of every page of the yearly check-up, one of each kind.
func yearlyPages(ctx context.Context, house *app.House, f account.Facility, last dock.Entry) ([]string, error) {
	out := []string{"/", "/assess", "/assess/start", "/assess/checklist-r7-facility", "/assess/checklist-r7-facility/r7.2.1", "/assess/level-gates", "/assess/level-gates/gate.1.firewall",
		"/level", "/level?staff=yes&cloud=no", "/yardstick", "/registers", "/registers/accounts", "/registers/accounts/print", "/registers/backups", "/registers/backups/matrix", "/registers/leavers/match",
		"/registers/mds/new", "/inquiries", "/surveys", "/surveys/new", "/risks", "/audits", "/budget", "/dock", "/dock/" + last.ID, "/dock/" + last.ID + "/director",
		"/pack", "/pack?dock=" + last.ID, "/catalogues", "/catalogues/checklist-r7-facility", "/findings"}
	systems, err := house.Ledger.Systems(ctx, f.ID)
	if err != nil || len(systems) == 0 {
		return nil, cmp.Or(err, fmt.Errorf("there is no system"))
	}
	out = append(out, "/assess/checklist-r7-vendor?subject="+systems[0].ID)
	rows, err := house.Registers.Rows(ctx, f.ID, "backups")
	if err != nil || len(rows) == 0 {
		return nil, cmp.Or(err, fmt.Errorf("there is no row"))
	}
	out = append(out, "/registers/backups/rows/"+rows[0].ID)
	for kind, path := range map[plan.Kind]string{plan.Risk: "/risks/", plan.Audit: "/audits/", plan.Budget: "/budget/"} {
		s, err := house.Plans.Begin(ctx, f.ID, kind, 2026)
		if err != nil {
			return nil, err
		}
		out = append(out, path+s.ID, path+s.ID+"/print")
	}
	return out, nil
}

// signedIn returns the cookie of an administrator with a second factor.
func signedIn(ctx context.Context, house *app.House, f account.Facility) (string, error) {
	const mail = "bench@example.jp"
	if _, err := house.Account.AddPerson(ctx, f.ID, account.NewPerson{Email: mail, Name: "bench", Password: benchWord}, actor.Admin, time.Time{}); err != nil {
		return "", err
	}
	from := account.From{Address: netip.MustParseAddr("127.0.0.1"), UserAgent: "bench"}
	half, _, err := house.Account.SignIn(ctx, mail, benchWord, from)
	if err != nil {
		return "", err
	}
	x, err := house.Account.Pending(ctx, half)
	if err != nil {
		return "", err
	}
	e, err := house.Account.BeginTOTP(ctx, x)
	if err != nil {
		return "", err
	}
	code, err := totp.GenerateCode(strings.ReplaceAll(e.Secret, " ", ""), time.Now())
	if err != nil {
		return "", err
	}
	done, err := house.Account.FinishTOTP(ctx, x, e.ID, code, from)
	return done.Token, err
}

var pageID = regexp.MustCompile(`[0-9a-f-]{36}`)

// browse asks for every page in turn, many times, and says the worst page's p95.
func (b *bench) browse(pid int, pages []string, cookie string) error {
	const rounds = 40
	client := &http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	took := map[string][]time.Duration{}
	var before time.Duration
	for round := range rounds + 1 { // the first warms up
		if round == 1 {
			before = processor(pid)
		}
		for _, p := range pages {
			d, code, err := b.timed(client, "http://"+listenOn+p, "Cookie", "kenshin="+cookie)
			if err != nil || code != http.StatusOK {
				return fmt.Errorf("%s answers %d (%w)", p, code, err)
			}
			if round > 0 {
				took[p] = append(took[p], d)
			}
		}
	}
	p95 := func(p string) time.Duration {
		slices.Sort(took[p])
		return took[p][len(took[p])*95/100]
	}
	slices.SortFunc(pages, func(x, y string) int { return cmp.Compare(p95(y), p95(x)) })
	var slow []string
	for _, p := range pages[:5] {
		slow = append(slow, pageID.ReplaceAllString(p, "ID")+" "+millis(p95(p)))
	}
	worst := p95(pages[0])
	work := (processor(pid) - before) / time.Duration(rounds*len(pages))
	b.say(line{what: fmt.Sprintf("yearly check-up: the slowest of %d pages over HTTP, p95 of %d", len(pages), rounds), figure: millis(worst), target: "<= 100 ms", beside: strings.Join(slow, "; "), ratio: millis(work) + " of processor time a page on average"})
	return nil
}
