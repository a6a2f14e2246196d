package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

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
	bintest.Serve(t, nil, args[2:]...)
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
}
