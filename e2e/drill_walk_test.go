package e2e_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/http"
	"net/mail"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"golang.org/x/text/encoding/japanese"

	"kenshin/internal/bintest"
	"kenshin/internal/browsertest"
	"kenshin/internal/mailtest"
)

// TestWholeDrillInChromium is a drill as its people live it: the trainer takes in the staff list of a Japanese Excel, writes, looks over and submits;
// the director approves; mails arrive; a nurse presses the link, reads what it was and answers; the trainer sees it.
func TestWholeDrillInChromium(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("a drill in a browser takes a minute")
	}
	data, sink := folder(t), mailtest.Start(t)
	console, landing := freeAddress(t), freeAddress(t)
	const key = "Byouin-no-kagi-2026"
	people := []login{{"kunren@byoin.example.jp", key}, {"incho@byoin.example.jp", key}}
	hospital(t, "--data", data)
	bintest.Must(t, nil, key+"\n", "user", "add", "--email", people[0].email, "--role", "trainer", "--password-stdin", "--data", data)
	bintest.Must(t, nil, key+"\n", "user", "add", "--email", people[1].email, "--role", "director", "--password-stdin", "--data", data)
	admin := strings.TrimSpace(bintest.Must(t, nil, "", "token", "add", "--name", "x", "--role", "admin", "--data", data))
	server := bintest.Serve(t, []string{"LANG=ja_JP.UTF-8", "TZ=Asia/Tokyo"}, "--data", data, "--listen", console, "--drill-listen", landing, "--dns", published(t, console, admin))
	server.URL = strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	houseForDrills(t, console, admin, sink.Port(), "http://"+landing)

	trainer := signIn(t, server, people[0])
	importStaff(t, trainer, server.URL)
	drill := composeParcel(trainer, server.URL)
	waiveAll(t, trainer, server.URL+drill+"/preflight")
	trainer.Go(server.URL + drill)
	trainer.Click("form[action$='/submit'] button")
	trainer.Wait(says("承認待ち"))

	director := signIn(t, server, people[1])
	director.Go(server.URL + drill)
	director.Axe("approval")
	director.Click("form[action$='/approve'] button")
	director.Wait("!document.querySelector(\"form[action$='/approve']\")")
	for end := time.Now().Add(30 * time.Second); sink.Count() < 6; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d mails arrived, not 6", sink.Count())
		}
	}
	clickAndLearn(t, landing, sink.Messages()[0])

	trainer.Go(server.URL + "/drills/totals")
	for end := time.Now().Add(20 * time.Second); !browsertest.Run(trainer, chromedp.Evaluate[bool](says("1 / 6人"))); trainer.Go(server.URL + "/drills/totals") {
		if time.Now().After(end) {
			t.Fatal("the totals do not show the click")
		}
		time.Sleep(200 * time.Millisecond)
	}
	trainer.Go(server.URL + drill + "/targets?show=fell")
	trainer.Wait(says("リンクは開いた"))
	trainer.Full("whole-drill-targets")
}

func says(text string) string {
	return "document.readyState === 'complete' && document.body.innerText.includes(" + strconv.Quote(text) + ")"
}

// houseForDrills says how drills are sent and proves the domain, as the administrator's script.
func houseForDrills(t *testing.T, console, token string, port int, base string) {
	t.Helper()
	call := func(method, path string, body any, out any) {
		t.Helper()
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		q, err := http.NewRequest(method, "http://"+console+"/api/v1"+path, bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Authorization", "Bearer "+token)
		q.Header.Set("Content-Type", "application/json")
		a, err := browser.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Body.Close()
		if a.StatusCode >= 300 {
			t.Fatalf("%s %s: %d", method, path, a.StatusCode)
		}
		if out != nil {
			if err := json.NewDecoder(a.Body).Decode(out); err != nil {
				t.Fatal(err)
			}
		}
	}
	var s map[string]any
	call(http.MethodGet, "/drills/settings", nil, &s)
	s["domain"], s["base"], s["contact"] = "training.byoin.example.jp", base, "情報システム室 内線1234"
	s["relay"] = map[string]any{"kind": "smtp", "host": "127.0.0.1", "port": port, "security": "none"}
	s["quiet"] = 0 // this test reads faster than people
	call(http.MethodPut, "/drills/settings", s, nil)
	call(http.MethodPost, "/drills/domains", map[string]string{"domain": "byoin.example.jp"}, nil)
	var found struct{ Found string }
	call(http.MethodPost, "/drills/domains/byoin.example.jp/check", nil, &found)
	if found.Found != "found" {
		t.Fatalf("the domain's record is %s", found.Found)
	}
}

// importStaff uploads a list in CP932 with one row that cannot be taken.
func importStaff(t *testing.T, tab *browsertest.Tab, address string) {
	t.Helper()
	list, err := japanese.ShiftJIS.NewEncoder().String("氏名,部署,メールアドレス\r\n髙橋 花子,看護部,a@byoin.example.jp\r\n山田 太郎,薬剤部,b＠byoin.example.jp\r\n他院 次郎,,c@elsewhere.example.com\r\n佐藤 三郎,検査科,d@byoin.example.jp\r\n鈴木 四郎,看護部,e@byoin.example.jp\r\n林 五月,看護部,f@byoin.example.jp\r\n森 六花,看護部,g@byoin.example.jp\r\n")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "職員名簿.csv")
	if err := os.WriteFile(file, []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	tab.Go(address + "/drills/people")
	tab.Do(chromedp.SetUploadFiles(chromedp.CSS("input[type=file]"), []string{file}))
	tab.Click("form[action='/drills/people/import'] button")
	tab.Wait(says("7行のうち、6人を登録できます"))
	tab.Wait(says("elsewhere.example.com"))
	tab.Wait(says("髙橋 花子"))
	tab.Axe("import of recipients")
	tab.Full("whole-drill-import")
	tab.Click("form[action$='/take'] .actions button")
	tab.Wait("location.pathname === '/drills/people' && " + says("b@byoin.example.jp"))
}

// composeParcel makes a draft from the catalogue and returns its path.
func composeParcel(tab *browsertest.Tab, address string) string {
	tab.Go(address + "/drills/new")
	tab.Click("a[href*='scenario=parcel'][href*='level=easy']")
	tab.Wait(says("見本 花子") + " || " + says("荷物"))
	tab.Click("#any_time, [name=any_time]")
	tab.Click("button[name=do][value=save]")
	tab.Wait("/^\\/drills\\/[0-9a-f-]{36}$/.test(location.pathname)")
	return browsertest.Run(tab, chromedp.Evaluate[string]("location.pathname"))
}

// waiveAll makes the preflight and writes a reason beside each check that keeps it from being green: nothing answers but this machine.
func waiveAll(t *testing.T, tab *browsertest.Tab, address string) {
	t.Helper()
	tab.Go(address)
	tab.Click("form[action$='/preflight'] button")
	tab.Wait("document.querySelector('form[action$=\"/waive\"]')")
	for left := 20; browsertest.Run(tab, chromedp.Evaluate[bool]("!!document.querySelector('form[action$=\"/waive\"]')")); left-- {
		if left == 0 {
			t.Fatal("the waivers do not end")
		}
		check := browsertest.Run(tab, chromedp.Evaluate[string]("document.querySelector('form[action$=\"/waive\"] [name=check]').value"))
		browsertest.Run(tab, chromedp.Evaluate[bool]("document.querySelector('form[action$=\"/waive\"]').closest('details').open = true"))
		tab.Type("#reason-"+check, "院内だけの試しで、外には何もないため")
		tab.Click("form:has(#reason-" + check + ") button")
		tab.Wait("document.readyState === 'complete' && !document.querySelector('#reason-" + check + "')")
	}
}

// linkIn is the link that stands in a mail's plain text.
func linkIn(t *testing.T, landing string, m mailtest.Message) string {
	t.Helper()
	read, err := mail.ReadMessage(bytes.NewReader(m.Body))
	if err != nil {
		t.Fatal(err)
	}
	head, body := map[string][]string(read.Header), read.Body
	if kind, is, err := mime.ParseMediaType(read.Header.Get("Content-Type")); err == nil && strings.HasPrefix(kind, "multipart/") {
		part, err := multipart.NewReader(read.Body, is["boundary"]).NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		head, body = part.Header, part
	}
	switch encoding := strings.Join(head["Content-Transfer-Encoding"], ""); encoding {
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	link := regexp.MustCompile(regexp.QuoteMeta("http://"+landing+"/") + "[a-z2-7]{32}").Find(text)
	if link == nil {
		t.Fatalf("no link in the mail:\n%s", text)
	}
	return string(link)
}

// clickAndLearn is a recipient who presses the link in a mail, reads what it was, and answers all questions.
func clickAndLearn(t *testing.T, landing string, m mailtest.Message) {
	t.Helper()
	link := linkIn(t, landing, m)
	tab := browsertest.Open(t)
	person := emulation.SetUserAgentOverrideParams{UserAgent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36", AcceptLanguage: "ja"}
	if _, err := chromedp.Call(tab.Ctx, emulation.SetUserAgentOverride, person); err != nil { // a headless browser names itself, and counts as a machine
		t.Fatal(err)
	}
	tab.Go(link)
	tab.Screenshot("whole-drill-landing")
	tab.Click("a.btn")
	tab.Wait("location.pathname.endsWith('/more') && !!document.querySelector('mark')") // the cues of this mail, in place
	tab.Full("whole-drill-after")
	tab.Axe("what it was")
	tab.Click("form .btn")
	tab.Wait("location.pathname.endsWith('/lesson')")
	tab.Full("whole-drill-lesson")
	tab.Click("a.btn")
	for q := range 3 {
		tab.Wait("location.pathname.endsWith('/quiz/" + strconv.Itoa(q) + "')")
		tab.Click("form:nth-of-type(1) .choice")
		tab.Wait("/quiz\\/" + strconv.Itoa(q) + "\\/\\d$/.test(location.pathname)")
		if q < 2 {
			tab.Click("a.btn")
		}
	}
	tab.Full("whole-drill-answer")
	tab.Go("http://" + landing + "/verify" + link[strings.LastIndexByte(link, '/'):])
	tab.Wait(says("情報システム室 内線1234"))
	tab.Full("whole-drill-verify")
}
