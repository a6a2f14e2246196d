package web

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kenshin/actor"
	"kenshin/drill"
	"kenshin/drill/calendar"
	"kenshin/drill/intake"
	"kenshin/drill/letter"
	"kenshin/drill/preflight"
	"kenshin/internal/browsertest"
	"kenshin/internal/mailtest"
	"kenshin/web/page"
)

// names answers for a hospital's DNS from memory.
type names map[string][]string

func missing(name string) error {
	return &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func (n names) LookupTXT(_ context.Context, name string) ([]string, error) {
	if r, ok := n[strings.TrimSuffix(name, ".")]; ok {
		return r, nil
	}
	return nil, missing(name)
}
func (names) LookupMX(_ context.Context, name string) ([]*net.MX, error) { return nil, missing(name) }
func (names) LookupIPAddr(_ context.Context, name string) ([]net.IPAddr, error) {
	return nil, missing(name)
}
func (names) LookupAddr(_ context.Context, name string) ([]string, error) { return nil, missing(name) }

// rehearsal is a console whose hospital sent one drill; token is a link of a recipient, by address and signal.
type rehearsal struct {
	*console
	d       drill.Drill
	token   map[string]string
	counter *drill.Counter
	mails   map[string][]byte // by recipient
}

var staffOf = []struct {
	department string
	people     int
}{{"看護部", 14}, {"薬剤部", 9}, {"医事課", 7}, {"検査科", 3}}

func address(department, i int) string {
	return fmt.Sprintf("s%d-%02d@minato-hospital.jp", department, i)
}

func (c *console) byRole(role actor.Role) context.Context {
	return actor.With(context.Background(), actor.Actor{Kind: actor.Person, ID: "test-" + string(role), Name: "試験 " + string(role), Role: role})
}

// rehearse sends one drill to 33 people and a decoy through a real SMTP server.
func rehearse(t *testing.T) *rehearsal {
	r := &rehearsal{console: openConsole(t), token: map[string]string{}, mails: map[string][]byte{}}
	admin, trainer, sink, dns := r.byRole(actor.Admin), r.byRole(actor.Trainer), mailtest.Start(t), names{}
	r.Drills.Reach(preflight.World{Resolver: dns, Now: time.Now, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: net.UnknownNetworkError("none in this test")}
	}})
	s := drill.DefaultSettings()
	s.Domain, s.Base, s.Contact = "training.minato.example", "https://drill.minato.example", "情報システム室 内線1234"
	s.Hours = calendar.Calendar{Weekdays: []time.Weekday{0, 1, 2, 3, 4, 5, 6}, Hours: []calendar.Window{{From: calendar.At(0, 0), To: calendar.At(24, 0)}}, Holidays: true}
	s.Relay = drill.RelaySettings{Kind: "smtp", Host: "127.0.0.1", Port: sink.Port(), Security: "none"}
	r.must(r.Drills.SaveSettings(admin, r.f, s, drill.Secrets{}))
	ask, err := r.Drills.AskDomain(admin, r.f, "minato-hospital.jp", "")
	r.must(err)
	dns[ask.Host] = []string{ask.Value}
	_, err = r.Drills.CheckDomain(admin, r.f, "minato-hospital.jp")
	r.must(err)
	people := []drill.Person{{Address: "decoy@minato-hospital.jp", Role: drill.Canary}}
	for k, d := range staffOf {
		for i := range d.people {
			people = append(people, drill.Person{Address: address(k, i), Surname: "=髙﨑", Given: fmt.Sprintf("%d-%d", k, i), Department: d.department})
		}
	}
	_, _, err = r.Drills.SavePeople(admin, r.f, people, false)
	r.must(err)
	r.d, err = r.Drills.Save(trainer, r.f, drill.Drill{Name: "秋の訓練", Schedule: drill.Schedule{Rate: 1000}, Mail: drill.Mail{FromName: "ひばり宅配便", FromLocal: "info",
		Subject: "お荷物のお届けについて", Text: "{{氏名}} 様\n\n{{リンク}}\n", HTML: `<p>{{氏名}} 様</p><p><a href="{{リンク}}">再配達</a></p><p>{{QR}}</p>`, Link: true, QR: true, Landing: "parcel"},
		Rating: drill.Rating{Difficulty: "moderately", Cues: []drill.Cue{{ID: "urgency", Part: "text", Text: "本日中に"}}}})
	r.must(err)
	r.letGo(admin, trainer)
	for end := time.Now().Add(30 * time.Second); r.d.State != drill.Sent; r.d, err = r.Drills.Get(admin, r.f, r.d.ID) {
		r.must(err)
		if time.Now().After(end) {
			t.Fatalf("still %s", r.d.State)
		}
		_, err := r.Drills.Send(context.Background(), r.f, r.Drills.OpenLine, end)
		r.must(err)
	}
	for _, m := range sink.Messages() {
		r.mails[m.To] = m.Body
		mail, err := intake.Read(m.Body, intake.Given{}, intake.Limits{})
		r.must(err)
		for _, k := range mail.Tokens {
			at, known, err := r.Drills.Peek(context.Background(), k.String())
			r.must(err)
			if known {
				r.token[m.To+" "+string(at.Of)] = k.String()
			}
		}
	}
	r.counter = r.Drills.Counter()
	t.Cleanup(r.counter.Close)
	return r
}

// letGo waives what a preflight without a network finds, and has the drill approved.
func (r *rehearsal) letGo(admin, trainer context.Context) {
	r.t.Helper()
	p, err := r.Drills.Preflight(trainer, r.f, r.d.ID)
	r.must(err)
	for _, check := range p.Report.Open {
		r.must(r.Drills.WaiveCheck(trainer, r.f, r.d.ID, check, "このテストには外のネットワークがありません。"))
	}
	r.d, err = r.Drills.Submit(trainer, r.f, r.d.ID)
	r.must(err)
	r.d, err = r.Drills.Approve(admin, r.f, r.d.ID, r.d.Hash)
	r.must(err)
}

// did records what somebody did, as the landing page would; a click by hand presses the page's button too.
func (r *rehearsal) did(to string, of drill.Signal, byHand bool) {
	r.t.Helper()
	token := r.token[to+" "+string(drill.Visited)]
	a := drill.Arrival{Token: token, Signal: of, Method: http.MethodGet, Net: netip.MustParseAddr("203.0.113.7"), Agent: "Mozilla/5.0 (Windows NT 10.0)"}
	if of == drill.Visited && !byHand {
		a.Net, a.Agent = netip.MustParseAddr("198.51.100.9"), "scanner/1"
	}
	if of == drill.Reported {
		a.Method = http.MethodPost
	}
	_, known, err := r.counter.Arrive(context.Background(), a)
	r.must(err)
	if !known {
		r.t.Fatalf("%s has no link", to)
	}
	if byHand {
		a.Signal, a.Method = drill.Confirm, http.MethodPost
		_, _, err = r.counter.Arrive(context.Background(), a)
		r.must(err)
	}
}

// scanned follows the QR code of somebody's mail by hand, read from its picture by a program of others.
func (r *rehearsal) scanned(to string) {
	r.t.Helper()
	reader, err := exec.LookPath("zbarimg")
	if err != nil {
		r.t.Skip("no zbarimg; apt-get install zbar-tools")
	}
	seen, err := letter.Preview(r.mails[to])
	r.must(err)
	if len(seen.Inline) != 1 {
		r.t.Fatalf("%d pictures in the mail", len(seen.Inline))
	}
	picture := filepath.Join(r.t.TempDir(), "qr.png")
	r.must(os.WriteFile(picture, seen.Inline[0].Body, 0o600))
	out, err := exec.Command(reader, "--quiet", "--raw", picture).Output()
	r.must(err)
	a := drill.Arrival{Token: path.Base(strings.TrimSpace(string(out))), Method: http.MethodGet, Net: netip.MustParseAddr("203.0.113.8"), Agent: "Mozilla/5.0 (iPhone)"}
	for _, s := range []drill.Signal{"", drill.Confirm} {
		if a.Signal = s; s != "" {
			a.Method = http.MethodPost
		}
		at, known, err := r.counter.Arrive(context.Background(), a)
		r.must(err)
		if !known || at.Of != drill.Scanned {
			r.t.Fatalf("the QR code of %s leads to %+v", to, at)
		}
	}
}

// A QR code that somebody follows has its own column, filter, number and line of the curve; it is one person who fell, and no link.
func TestQRCodesOnTheScreens(t *testing.T) {
	r := rehearse(t)
	at := "/drills/" + r.d.ID
	r.get(actor.Trainer, at+"/results").is(http.StatusOK, "QRのリンクを開いた(人)", "!点線: そのうち")
	for i := range 3 {
		r.scanned(address(0, i))
	}
	r.did(address(1, 1), drill.Visited, true)
	r.must(r.Drills.Judge(context.Background(), r.f, r.d.ID))
	r.get(actor.Trainer, at+"/results").is(http.StatusOK, "4 / 33人", "3 / 33人", "1 / 33人", "点線: そのうち", `class="qr"`)
	r.get(actor.Trainer, at+"/targets?show=qr").is(http.StatusOK, `<th scope="col">QR</th>`, "3件", "=髙﨑 0-0", "!=髙﨑 1-1", "開封の印なし・QRは開いた")
	r.get(actor.Trainer, at+"/targets?show=url").is(http.StatusOK, "=髙﨑 1-1", "!=髙﨑 0-0")
	file := r.get(actor.Trainer, at+"/targets/export?show=qr").is(http.StatusOK, "QR 人")
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(file.Body.String(), "\uFEFF"))).ReadAll()
	r.must(err)
	column := slices.Index(rows[0], "QR 人")
	if link := slices.Index(rows[0], "リンク 人"); len(rows) != 4 || column < 0 || rows[1][column] == "" || rows[1][link] != "" {
		t.Errorf("%v", rows)
	}
}

// autumn is what happened: five reports, six clicks by hand in one department, one visit that a machine made.
func (r *rehearsal) autumn() {
	r.did(address(1, 0), drill.Reported, false)
	for i := range 6 {
		r.did(address(0, i), drill.Visited, true)
	}
	for i := 1; i < 5; i++ {
		r.did(address(1, i), drill.Reported, false)
	}
	r.did(address(2, 0), drill.Visited, false)
	r.did("decoy@minato-hospital.jp", drill.Visited, false)
	r.must(r.Drills.Judge(context.Background(), r.f, r.d.ID))
}

func TestResultsOfADrill(t *testing.T) {
	r := rehearse(t)
	r.autumn()
	at := "/drills/" + r.d.ID
	few := []string{"!高﨑", "!髙﨑", "!minato-hospital.jp"}
	for _, path := range []string{"/drills/totals", at + "/results", at + "/report"} {
		page := r.get(actor.Department, path).is(http.StatusOK, "秋の訓練", "やや見抜きにくい", "看護部").is(http.StatusOK, few...)
		text := page.Body.String()
		if report, fell := strings.Index(text, "報告した人"), strings.Index(text, "リンク・QR・添付を開いた人"); report < 0 || report > fell {
			t.Errorf("%s: reports do not come first: %d, %d", path, report, fell)
		}
		for _, words := range []string{"15.2%", "18.2%", "監視用メールボックス 1個のうち"} { // 5 and 6 of 33
			if !strings.Contains(text, words) {
				t.Errorf("%s lacks %q", path, words)
			}
		}
		if path != "/drills/totals" {
			page.is(http.StatusOK, "お荷物のお届けについて")
		}
	}
	results := r.get(actor.Director, at+"/results").is(http.StatusOK, "5 / 33人", "6 / 33人", "通信のあった宛先 7人", "下限", "95%の幅", "<svg class=\"curve\"", "!"+at+"/targets")
	// three people of 検査科 must not be worked out as what is left: the next smallest is hidden as well
	if got := strings.Count(results.Body.String(), "少人数のため表示しません"); got != 2 {
		t.Errorf("%d departments are hidden, not 2", got)
	}
	r.get(actor.Director, at+"/report").is(http.StatusOK, "「看護部」は開いた人が多く(6 / 14人)", "ほか 2部署は", "「95%の幅」", "同じ難しさの訓練がまだない", "開いた人(6人)が多い結果")
	r.get(actor.Trainer, at+"/results").is(http.StatusOK, at+"/targets")
}

// The facility's sheet: reports first, departments of five and more, cues, three pieces of advice, no names; for whoever sees drills.
func TestTheSheetOfAFacility(t *testing.T) {
	r := rehearse(t)
	r.autumn()
	sheet := r.get(actor.Director, "/drills/review").is(http.StatusOK, "みなと病院", "5 / 33人", "6 / 33人", "同じ種類・同じむずかしさの訓練が2回ない", "看護部", "ほか 2部署は", "5. 次にする3つ", "訓練 1件", "0 / 33人",
		"!高﨑", "!髙﨑", "!minato-hospital.jp", "!検査科")
	text := sheet.Body.String()
	if report, fell := strings.Index(text, "報告した人"), strings.Index(text, "リンク・QR・添付を開いた人"); report < 0 || report > fell {
		t.Errorf("reports do not come first: %d, %d", report, fell)
	}
	_, next, _ := strings.Cut(text, "5. 次にする3つ")
	if n := strings.Count(next, "<li>"); n != 3 {
		t.Errorf("%d pieces of advice", n)
	}
	r.get(actor.Director, "/drills/totals").is(http.StatusOK, "/drills/review?from=")
	r.get(actor.Director, "/drills/review?from=2020-04-01&to=2021-03-31").is(http.StatusOK, "この期間に送った訓練はありません", "2020年4月1日から2021年3月31日まで")
	r.get(actor.Director, "/drills/review?from=x").is(http.StatusUnprocessableEntity, "日付として読めません")
}

func TestThePeriodOfResults(t *testing.T) {
	r := rehearse(t)
	r.autumn()
	zone, err := r.Account.Facility(context.Background(), r.f)
	r.must(err)
	today := time.Now().In(zone.Location())
	day := func(n int) string { return today.AddDate(0, 0, n).Format(dateForm) }
	r.get(actor.Auditor, "/drills/totals?from="+day(-3)+"&to="+day(0)).is(http.StatusOK, "秋の訓練", "5 / 33人") // the last day is included
	r.get(actor.Auditor, "/drills/totals?from="+day(1)+"&to="+day(9)).is(http.StatusOK, "この期間の訓練はありません", "!秋の訓練")
	r.get(actor.Auditor, "/drills/totals?from=&to=").is(http.StatusOK, "秋の訓練")
	r.get(actor.Auditor, "/drills/totals?from="+day(1)+"&to="+day(0)).is(http.StatusUnprocessableEntity, "はじめの日より前")
	r.get(actor.Auditor, "/drills/totals?from=2026-02-30").is(http.StatusUnprocessableEntity, "日付として読めません")
}

func TestRecipientsOfADrill(t *testing.T) {
	r := rehearse(t)
	r.autumn()
	at := "/drills/" + r.d.ID + "/targets"
	r.get(actor.Admin, at).is(http.StatusForbidden)
	all := r.get(actor.Trainer, at).is(http.StatusOK, "=髙﨑 0-0", "開封の印なし・リンクは開いた", "開封の印なし・通信だけあり", "33件", "!decoy@")
	if got := strings.Count(all.Body.String(), "開封の印なし・リンクは開いた"); got != 6 {
		t.Errorf("%d people followed the link without an open, not 6", got)
	}
	r.get(actor.Trainer, at+"?show=fell").is(http.StatusOK, "=髙﨑 0-0", "!=髙﨑 1-0", "6件", `name="show" value="fell"`)
	r.get(actor.Trainer, at+"?show=fell&show=report").is(http.StatusOK, "当てはまる宛先はありません")
	r.get(actor.Trainer, at+"?department="+url.QueryEscape("薬剤部")+"&show=report").is(http.StatusOK, "5件", "!=髙﨑 0-0")
	r.get(actor.Trainer, at+"?q="+url.QueryEscape("高崎 ")+"&from=0").is(http.StatusOK)
	r.get(actor.Trainer, at+"?show=nonsense").is(http.StatusUnprocessableEntity)

	file := r.get(actor.Trainer, at+"/export?show=fell").is(http.StatusOK)
	body, bom := bytes.CutPrefix(file.Body.Bytes(), []byte("\uFEFF"))
	rows, err := csv.NewReader(bytes.NewReader(body)).ReadAll()
	if err != nil || !bom || len(rows) != 7 {
		t.Fatalf("%d rows, BOM %v, %v", len(rows), bom, err)
	}
	if name := rows[1][0]; !strings.HasPrefix(name, "'=") {
		t.Errorf("a formula goes out: %q", name)
	}
	r.get(actor.Trainer, at+"/export?q="+url.QueryEscape("髙﨑 0-0")).is(http.StatusOK, "髙﨑 0-0")
	r.trailHas("drill.export", 2)
	r.get(actor.Admin, "/trail").is(http.StatusOK, "!=髙﨑 0-0")

	page, err := r.Drills.Targets(context.Background(), r.f, r.d.ID, drill.TargetFilter{Show: []drill.Shown{drill.ShowFell}})
	r.must(err)
	one := at + "/" + page.Targets[0].ID
	r.get(actor.Director, one).is(http.StatusForbidden)
	r.get(actor.Trainer, one).is(http.StatusOK, "リンクを開いた", "画面のボタンを押した", "203.0.113.7", "Mozilla/5.0", "GET", "受け取られた", "ほかの訓練はありません")
	r.get(actor.Trainer, at+"/no-such").is(http.StatusNotFound)

	r.get(actor.Trainer, one).is(http.StatusOK, "!終了後")
	r.must(r.Drills.Close(r.byRole(actor.Trainer), r.f, r.d.ID))
	r.did(page.Targets[0].Address, drill.Visited, true)
	r.get(actor.Trainer, one).is(http.StatusOK, "終了後")
}

// The pages in a browser: no rule of accessibility broken, and with KENSHIN_SHOTS a picture of each.
func TestResultsInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("pages in a browser take a while")
	}
	r := rehearse(t)
	r.scanned(address(0, 7))
	r.scanned(address(0, 8))
	r.autumn()
	_, err := r.Drills.AddScanner(r.byRole(actor.Trainer), r.f, "198.51.100.0/24", "", "クラウドのメール検査。業者の資料で確かめた")
	r.must(err)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		q.AddCookie(&http.Cookie{Name: sessionCookie, Value: r.cookies[actor.Trainer]})
		r.h.ServeHTTP(w, q)
	}))
	t.Cleanup(server.Close)
	page, err := r.Drills.Targets(context.Background(), r.f, r.d.ID, drill.TargetFilter{Show: []drill.Shown{drill.ShowFell}})
	r.must(err)
	at := "/drills/" + r.d.ID
	tab := browsertest.Open(t)
	tab.Viewport(1366, 768)
	for name, path := range map[string]string{"drill-totals": "/drills/totals", "drill-results": at + "/results", "drill-targets": at + "/targets",
		"drill-target": at + "/targets/" + page.Targets[0].ID, "drill-report": at + "/report", "drill-scanners": "/drills/scanners", "drill-review": "/drills/review"} {
		tab.Go(server.URL + path)
		tab.Axe(name)
		tab.Full(name)
	}
	tab.Go(server.URL + at + "/report")
	tab.PrintPDF("drill-report")
	tab.Go(server.URL + "/drills/review")
	tab.PrintPDF("drill-review")
}

// The trainer sees what the site's scanners look like, adds and removes one, and has a drill judged anew; others see the list and change nothing.
func TestScannersAndJudgingAnew(t *testing.T) {
	r := rehearse(t)
	results := page.DrillResultPath(r.d.ID, "results")
	r.did(address(0, 0), drill.Visited, false) // by scanner/1
	r.must(r.Drills.Judge(context.Background(), r.f, r.d.ID))
	r.get(actor.Admin, page.PathDrillScanners).is(http.StatusOK, "まだありません", "登録できるのは訓練担当です")
	r.post(actor.Trainer, page.PathDrillScanners, "agent", "Windows NT", "note", "検査").is(http.StatusUnprocessableEntity, "職員が使うブラウザー", "Windows NT")
	r.get(actor.Trainer, results).is(http.StatusOK, "判定し直す", "!判定が終わっていない")
	r.post(actor.Trainer, page.PathDrillScanners, "net", "198.51.100.0/24", "note", "クラウドの検査").is(http.StatusSeeOther)
	r.get(actor.Trainer, page.PathDrillScanners).is(http.StatusOK, "198.51.100.0/24", "クラウドの検査")
	r.get(actor.Trainer, results).is(http.StatusOK, "判定が終わっていない")
	r.must(r.Drills.Judge(context.Background(), r.f, r.d.ID))
	list, err := r.Drills.Scanners(context.Background(), r.f)
	r.must(err)
	r.post(actor.Trainer, page.ScannerPath(list[0].ID)).is(http.StatusSeeOther)
	r.must(r.Drills.Judge(context.Background(), r.f, r.d.ID))
	r.get(actor.Director, results).is(http.StatusOK, "!判定し直す")
	r.post(actor.Trainer, page.DrillResultPath(r.d.ID, "judge")).is(http.StatusSeeOther)
	if dirty, err := r.Drills.Dirty(context.Background(), r.f); err != nil || len(dirty) != 1 {
		t.Errorf("%v %v", dirty, err)
	}
}
