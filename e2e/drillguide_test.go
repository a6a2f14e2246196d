package e2e_test

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/smtp"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"kenshin/internal/bintest"
	"kenshin/internal/mailtest"
)

// guideBlocks are the shell commands of a chapter of the guide, in order.
func guideBlocks(t *testing.T, chapter, section string) (out []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "docs", "guide", chapter))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), section)
	if !ok {
		t.Fatalf("%s has no section %q", chapter, section)
	}
	for _, m := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(rest, -1) {
		out = append(out, m[1])
	}
	return out
}

// published is a name server whose TXT record of the proof is whatever the console asks for: somebody wrote it down at once.
func published(t *testing.T, console, token string) string {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	record := func() (host, value string) {
		q, err := http.NewRequest(http.MethodGet, "http://"+console+"/api/v1/drills/domains", nil)
		if err != nil {
			return "", ""
		}
		q.Header.Set("Authorization", "Bearer "+token)
		a, err := browser.Do(q)
		if err != nil {
			return "", ""
		}
		defer a.Body.Close()
		var list struct {
			Items []struct{ Host, Record string }
		}
		if json.NewDecoder(a.Body).Decode(&list) != nil || len(list.Items) == 0 {
			return "", ""
		}
		return list.Items[0].Host, list.Items[0].Record
	}
	server := &dns.Server{PacketConn: pc, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		a := new(dns.Msg).SetReply(q)
		host, value := record()
		if name := strings.TrimSuffix(q.Question[0].Name, "."); host != "" && strings.EqualFold(name, host) && q.Question[0].Qtype == dns.TypeTXT {
			a.Answer = append(a.Answer, &dns.TXT{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: 1}, Txt: []string{value}})
		} else {
			a.Rcode = dns.RcodeNameError
		}
		_ = w.WriteMsg(a)
	})}
	go func() { _ = server.ActivateAndServe() }()
	t.Cleanup(func() { _ = server.Shutdown() })
	return pc.LocalAddr().String()
}

// TestDrillGuide runs the guide's drill from a clean folder to the totals, with exactly the guide's commands; only the number of recipients and
// the ports are others.
func TestDrillGuide(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("jq"); err != nil {
		t.Skip("no jq; apt-get install jq curl")
	}
	blocks := guideBlocks(t, "drill.md", "## プログラムから")
	if len(blocks) != 4 {
		t.Fatalf("the guide's drill has %d blocks, not 4: set up, serve, drill, results", len(blocks))
	}
	const recipients = 200
	dir, sink := t.TempDir(), mailtest.Start(t)
	console, landing := freeAddress(t), freeAddress(t)
	if err := os.WriteFile(filepath.Join(dir, "password"), []byte("Byouin-no-kagi-2026\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	named := strings.NewReplacer("127.0.0.1:8470", console, "127.0.0.1:8471", landing, `"port":2525`, `"port":`+strconv.Itoa(sink.Port()), "seq -w 2000", fmt.Sprintf("seq -w %d", recipients))
	shell := func(script string) string {
		t.Helper()
		cmd := exec.Command("bash", "-euo", "pipefail", "-c", script) //nolint:gosec // our own guide
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "PATH="+bintest.Dir(t)+string(os.PathListSeparator)+os.Getenv("PATH"), "LANG=ja_JP.UTF-8", "no_proxy=127.0.0.1")
		var errs bytes.Buffer
		cmd.Stderr = &errs
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v\n%s\n%s", err, out, errs.Bytes())
		}
		return string(out)
	}
	shell(blocks[0])
	token, err := os.ReadFile(filepath.Join(dir, "admin-token"))
	if err != nil {
		t.Fatal(err)
	}
	args := strings.Fields(named.Replace(strings.ReplaceAll(blocks[1], "127.0.0.1:5353", published(t, console, strings.TrimSpace(string(token))))))
	args[slices.Index(args, "--data")+1] = filepath.Join(dir, "d")
	reports := freeAddress(t)
	bintest.Serve(t, nil, append(args[2:], "--report-listen", reports)...)
	shell(named.Replace(blocks[2]) + "\ndeclare -p ID T D A K > vars; declare -f ask >> vars")
	if sink.Count() != recipients || len(sink.ByRecipient()) != recipients {
		t.Errorf("%d mails to %d recipients", sink.Count(), len(sink.ByRecipient()))
	}

	const visitors = 3
	for i, m := range sink.Messages()[:visitors] {
		l := linkIn(t, landing, m)
		for _, step := range []string{"GET " + l, "POST " + l + "/ok"} {
			method, at, _ := strings.Cut(step, " ")
			q, err := http.NewRequest(method, at, nil)
			if err != nil {
				t.Fatal(err)
			}
			q.Header.Set("User-Agent", fmt.Sprintf("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:%d.0) Gecko/20100101 Firefox/128.0", 120+i))
			a, err := browser.Do(q)
			if err != nil {
				t.Fatal(err)
			}
			a.Body.Close()
			if a.StatusCode >= 400 {
				t.Errorf("%s: %d", step, a.StatusCode)
			}
		}
	}
	out := shell(". ./vars; until [ $(ask GET \"/drills/totals?drill=$ID\" \"$T\" | jq .all.url_all) = 3 ]; do sleep 0.2; done\n" + blocks[3])
	for _, want := range []string{fmt.Sprintf(`"sent": %d`, recipients), `"url_all": 3`, fmt.Sprintf(`"denominator": %d`, recipients)} {
		if !strings.Contains(out, want) {
			t.Errorf("the results lack %s:\n%s", want, out)
		}
	}

	shell(". ./vars; ask GET /drills/settings \"$A\" | jq '.report_to=\"report@byoin.example.jp\"' > s2.json; ask PUT /drills/settings \"$A\" @s2.json > /dev/null")
	hand := sink.Messages()[visitors]
	forward := func(to string) error {
		return smtp.SendMail(reports, nil, hand.To, []string{to}, forwarded(hand.To, to, hand.Body))
	}
	if err := forward("somebody@elsewhere.example"); err == nil || !strings.Contains(err.Error(), "550") {
		t.Errorf("mail for others: %v", err)
	}
	for range 2 { // the mail server may give the same mail twice
		if err := forward("report@byoin.example.jp"); err != nil {
			t.Fatal(err)
		}
	}
	out = shell(". ./vars; until ask GET \"/drills/totals?drill=$ID\" \"$T\" | jq -e '.all.reported == 1' > /dev/null; do sleep 0.2; done; ask GET \"/drills/$ID/targets?show=report\" \"$T\"; ask GET \"/drill-reports?kind=drill\" \"$T\"")
	for _, want := range []string{hand.To, `"via":"smtp"`, `"kind":"drill"`} {
		if !strings.Contains(out, want) {
			t.Errorf("the report lacks %s:\n%s", want, out)
		}
	}
}

// forwarded is a mail with another as an attachment, as mail programs forward it.
func forwarded(from, to string, mail []byte) []byte {
	return []byte("From: <" + from + ">\r\nTo: <" + to + ">\r\nSubject: FW: suspicious\r\nMessage-ID: <forward-1@byoin.example.jp>\r\nDate: " + time.Now().Format(time.RFC1123Z) + "\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=xyz\r\n\r\n" +
		"--xyz\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nあやしいメールです\r\n--xyz\r\nContent-Type: message/rfc822\r\nContent-Disposition: attachment; filename=mail.eml\r\n\r\n" + string(mail) + "\r\n--xyz--\r\n")
}

// The way that docs/guide/drill-report-button.md shows for a mail server: encrypted where there is a certificate, an own address only, up to 50 MB, and a
// real attack that somebody reports is on the list for triage before the sender hears 250.
func TestReportsOverSMTP(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command(filepath.Join(bintest.Dir(t), "kenshin"), args...) //nolint:gosec // our own program
		cmd.Stdin = strings.NewReader("Byouin-no-kagi-2026\n")
		var errs bytes.Buffer
		cmd.Stderr = &errs
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v\n%s%s", err, out, errs.Bytes())
		}
		return strings.TrimSpace(string(out))
	}
	run("user", "add", "--data", dir, "--email", "jimu@byoin.example.jp", "--role", "admin", "--facility-name", "試験病院", "--password-stdin")
	token := run("token", "add", "--data", dir, "--name", "情報担当", "--role", "admin")
	own, trusted := mailtest.Certificate(t, "mail.byoin.example.jp")
	cert, key := mailtest.Files(t, t.TempDir(), own)
	console, reports := freeAddress(t), freeAddress(t)
	pages, forms := freeAddress(t), freeAddress(t)
	bintest.Serve(t, nil, "--data", dir, "--listen", console, "--drill-listen", pages, "--drill-cert", cert, "--drill-key", key, "--form-listen", forms, "--form-cert", cert, "--form-key", key, "--report-listen", reports)
	ask := func(method, path string, body any) (out map[string]any) {
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
		if err := json.NewDecoder(a.Body).Decode(&out); err != nil || a.StatusCode != 200 {
			t.Fatalf("%s %s: %d %v %v", method, path, a.StatusCode, out, err)
		}
		return out
	}
	set := ask("GET", "/drills/settings", nil)
	set["report_to"] = "report@byoin.example.jp"
	ask("PUT", "/drills/settings", set)

	encrypted := &tls.Config{ServerName: "mail.byoin.example.jp", RootCAs: trusted, MinVersion: tls.VersionTLS12}
	for name, address := range map[string]string{"drills": pages, "forms": forms} {
		conn, err := tls.Dial("tcp", address, encrypted)
		if err != nil {
			t.Errorf("the pages of %s: %v", name, err)
			continue
		}
		conn.Close()
	}
	client, err := smtp.Dial(reports)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if ok, limit := client.Extension("SIZE"); !ok || limit != "52428800" {
		t.Errorf("size limit %q", limit)
	}
	if ok, _ := client.Extension("AUTH"); ok {
		t.Error("asks for a password that nobody gave it")
	}
	if err := client.StartTLS(encrypted); err != nil {
		t.Fatal(err)
	}
	step := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	step(client.Mail("hanako@byoin.example.jp"))
	step(client.Rcpt("report@byoin.example.jp"))
	w, err := client.Data()
	step(err)
	attack := "From: Bank <info@bank.invalid>\r\nTo: hanako@byoin.example.jp\r\nSubject: Your account\r\nMessage-ID: <attack@bank.invalid>\r\n\r\nhttp://203.0.113.66/login\r\n"
	_, err = w.Write(forwarded("hanako@byoin.example.jp", "report@byoin.example.jp", []byte(attack)))
	step(err)
	step(w.Close()) // the 250
	list, _ := ask("GET", "/drill-reports", nil)["items"].([]any)
	if len(list) != 1 {
		t.Fatalf("%d reports", len(list))
	}
	if x := list[0].(map[string]any); x["via"] != "smtp" || x["kind"] != "real" || x["reporter"] != "hanako@byoin.example.jp" {
		t.Errorf("%v", x)
	}
}
