package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/emersion/go-message"
	"github.com/miekg/dns"

	"kenshin/internal/mailtest"
)

const landingOn = "127.0.0.1:18472"

// clinic is a hospital that rehearses its staff by the program and its API alone: a name server and a relay of ours on loopback, as in the guide.
type clinic struct {
	b                        *bench
	data                     string
	sink                     *mailtest.Sink
	names                    *dns.Server
	nameAddr                 string
	admin, trainer, director string
	cmd                      *exec.Cmd
	client                   http.Client
	proofHost, proof         string
}

func (b *bench) newClinic(name string) (c *clinic, err error) {
	c = &clinic{b: b, data: filepath.Join(b.dir, name)}
	cmd := exec.CommandContext(b.ctx, b.bin, "user", "add", "--data", c.data, "--email", "jimu@byoin.example.jp", "--role", "admin", "--facility-name", "Bench", "--password-stdin") //nolint:gosec // our own program
	cmd.Stdin = strings.NewReader("only for this bench, 2026\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("user add: %w: %s", err, out)
	}
	for role, to := range map[string]*string{"admin": &c.admin, "trainer": &c.trainer, "director": &c.director} {
		out, _, err := b.run(b.bin, "token", "add", "--data", c.data, "--name", role, "--role", role)
		if err != nil {
			return nil, err
		}
		*to = strings.TrimSpace(out)
	}
	if c.sink, err = mailtest.Listen(mailtest.Config{}); err != nil {
		return nil, err
	}
	pc, err := (&net.ListenConfig{}).ListenPacket(b.ctx, "udp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c.nameAddr = pc.LocalAddr().String()
	c.names = &dns.Server{PacketConn: pc, Handler: dns.HandlerFunc(c.name)}
	go func() { _ = c.names.ActivateAndServe() }()
	return c, nil
}

// name answers with the record that the console asks for, as somebody who wrote it down would.
func (c *clinic) name(w dns.ResponseWriter, q *dns.Msg) {
	a := new(dns.Msg).SetReply(q)
	if asked := q.Question[0]; c.proofHost != "" && asked.Qtype == dns.TypeTXT && strings.EqualFold(strings.TrimSuffix(asked.Name, "."), c.proofHost) {
		a.Answer = append(a.Answer, &dns.TXT{Hdr: dns.RR_Header{Name: asked.Name, Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: 1}, Txt: []string{c.proof}})
	} else {
		a.Rcode = dns.RcodeNameError
	}
	_ = w.WriteMsg(a)
}

func (c *clinic) close() {
	c.stop(syscall.SIGTERM)
	_ = c.names.Shutdown()
	c.sink.Close()
}

// start runs the console with its listener for drills.
func (c *clinic) start() error {
	from := time.Now()
	c.cmd = exec.CommandContext(c.b.ctx, c.b.bin, "serve", "--data", c.data, "--listen", listenOn, "--drill-listen", landingOn, "--dns", c.nameAddr) //nolint:gosec // our own program
	if err := c.cmd.Start(); err != nil {
		return err
	}
	_, err := c.b.answers(from)
	return err
}

func (c *clinic) stop(s syscall.Signal) {
	if c.cmd != nil && c.cmd.Process != nil {
		_ = c.cmd.Process.Signal(s)
		_ = c.cmd.Wait()
		c.cmd = nil
	}
}

// ask speaks to the API and decodes its answer into out, if there is one.
func (c *clinic) ask(method, path, token string, body, out any) error {
	var in io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		in = bytes.NewReader(text)
	}
	q, err := http.NewRequestWithContext(c.b.ctx, method, "http://"+listenOn+"/api/v1"+path, in)
	if err != nil {
		return err
	}
	q.Header.Set("Authorization", "Bearer "+token)
	q.Header.Set("Content-Type", "application/json")
	a, err := c.client.Do(q)
	if err != nil {
		return err
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	switch {
	case err != nil:
		return err
	case a.StatusCode >= 300:
		return fmt.Errorf("%s %s: %d %s", method, path, a.StatusCode, text)
	case out == nil:
		return nil
	}
	return json.Unmarshal(text, out)
}

// prepare verifies the domain and names the way out.
func (c *clinic) prepare() error {
	var s map[string]any
	if err := c.ask("GET", "/drills/settings", c.admin, nil, &s); err != nil {
		return err
	}
	s["domain"], s["base"], s["contact"], s["per_day"], s["apart"], s["lines"] = "training.byoin.example.jp", "http://"+landingOn, "情報システム室 内線1234", 50_000, 0, 4
	s["relay"] = map[string]any{"kind": "smtp", "host": "127.0.0.1", "port": c.sink.Port(), "security": "none"}
	if err := c.ask("PUT", "/drills/settings", c.admin, s, nil); err != nil {
		return err
	}
	var d struct{ Host, Record string }
	if err := c.ask("POST", "/drills/domains", c.admin, map[string]any{"domain": "byoin.example.jp"}, &d); err != nil {
		return err
	}
	c.proofHost, c.proof = d.Host, d.Record
	return c.ask("POST", "/drills/domains/byoin.example.jp/check", c.admin, map[string]any{}, nil)
}

// people makes the list exactly so long; who was on it and is no longer stays away.
func (c *clinic) people(n int, replace bool) error {
	list := make([]map[string]any, n)
	for i := range list {
		list[i] = map[string]any{"address": fmt.Sprintf("s%05d@byoin.example.jp", i), "surname": "髙﨑", "given": "花子" + strconv.Itoa(i), "department": "部署" + strconv.Itoa(i%40)}
	}
	for from := 0; from < n; from += 4000 { // a body has its limit
		part := list[from:min(from+4000, n)]
		if err := c.ask("PUT", "/drills/people", c.trainer, map[string]any{"people": part, "replace": replace && from == 0}, nil); err != nil {
			return err
		}
	}
	return nil
}

// rehearse makes a drill of everybody on the list and has it approved; it returns its id.
func (c *clinic) rehearse(name string, perSecond float64) (string, error) {
	var d struct{ ID, Hash string }
	if err := c.ask("POST", "/drills", c.trainer, map[string]any{"scenario": "parcel", "level": "medium", "name": name,
		"schedule": map[string]any{"rate": perSecond, "any_time": true}}, &d); err != nil {
		return "", err
	}
	var flight struct{ Open []string }
	if err := c.ask("POST", "/drills/"+d.ID+"/preflight", c.trainer, map[string]any{}, &flight); err != nil {
		return "", err
	}
	for _, check := range flight.Open {
		if err := c.ask("POST", "/drills/"+d.ID+"/preflight/waive", c.trainer, map[string]any{"check": check, "reason": "a closed world for measuring"}, nil); err != nil {
			return "", err
		}
	}
	if err := c.ask("POST", "/drills/"+d.ID+"/submit", c.trainer, map[string]any{}, &d); err != nil {
		return "", err
	}
	return d.ID, c.ask("POST", "/drills/"+d.ID+"/approve", c.director, map[string]any{"hash": d.Hash}, nil)
}

// sent waits until a drill's mails are out.
func (c *clinic) sent(id string, most time.Duration) error {
	for end := time.Now().Add(most); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		var d struct{ State string }
		if err := c.ask("GET", "/drills/"+id, c.trainer, nil, &d); err != nil {
			return err
		}
		if d.State == "sent" || d.State == "closed" {
			return nil
		}
	}
	return fmt.Errorf("the drill was not sent in %s", most)
}

var tokenAt = regexp.MustCompile("http://" + regexp.QuoteMeta(landingOn) + "/([a-z2-7]{32})(\\.gif)?")

// links are the addresses behind the links, one for each mail since the n-th.
func (c *clinic) links(from int) (out []string) {
	for _, m := range c.sink.Messages()[from:] {
		for _, l := range tokenAt.FindAllStringSubmatch(readable(m.Body), -1) {
			if l[2] == "" {
				out = append(out, "http://"+landingOn+"/"+l[1])
				break
			}
		}
	}
	return out
}

// readable is the text of a mail's parts.
func readable(mail []byte) string {
	e, err := message.Read(bytes.NewReader(mail))
	if e == nil {
		return fmt.Sprint(err)
	}
	var text strings.Builder
	_ = e.Walk(func(_ []int, part *message.Entity, err error) error {
		if kind, _, _ := part.Header.ContentType(); err == nil && strings.HasPrefix(kind, "text/") {
			_, err = io.Copy(&text, part.Body)
		}
		return err
	})
	return text.String()
}

// drill measures sending, arrivals and totals of mail drills.
func (b *bench) drill() error {
	c, err := b.newClinic("clinic")
	if err != nil {
		return err
	}
	defer c.close()
	if err := c.start(); err != nil {
		return err
	}
	time.Sleep(5 * time.Second)
	idle := kilobytes(c.cmd.Process.Pid, "VmRSS")
	if err := c.prepare(); err != nil {
		return err
	}
	small, err := c.round(200)
	if err != nil {
		return err
	}
	middle, err := c.round(2000)
	if err != nil {
		return err
	}
	b.say(line{"drill: mails a second to a loopback relay, 2,000 recipients", fmt.Sprintf("%.0f", middle.mails), "200", "Gophish 9.5 (published)", ""})
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", c.cmd.Process.Pid), []byte("5"), 0) // the peak counts from here
	if err := c.load(middle.links); err != nil {
		return err
	}
	large, err := c.round(20_000)
	if err != nil {
		return err
	}
	b.say(line{"drill: mails a second, 20,000 recipients", fmt.Sprintf("%.0f", large.mails), "", "", ""})
	b.say(line{"drill: processor time of a hit, 20,000 beside 200 recipients", fmt.Sprintf("%.0f µs", large.hit), "within 10 %", fmt.Sprintf("%.0f µs", small.hit), fmt.Sprintf("%.2f", large.hit/small.hit)})
	b.say(line{"drill: peak memory above idle", fmt.Sprintf("%.0f MiB", float64(kilobytes(c.cmd.Process.Pid, "VmHWM")-idle)/1024), "80 MiB", "Gophish 1,100 MB in all (published)", ""})
	return c.totals()
}

// round is a drill of so many, and what it cost.
type round struct {
	mails float64 // a second
	hit   float64 // processor time in µs
	links []string
}

func (c *clinic) round(n int) (r round, err error) {
	if err := c.people(n, true); err != nil {
		return r, err
	}
	had := c.sink.Count()
	id, err := c.rehearse("Bench "+strconv.Itoa(n), 1000)
	if err != nil {
		return r, err
	}
	if err := c.sent(id, 10*time.Minute); err != nil {
		return r, err
	}
	got := c.sink.Messages()[had:]
	to := map[string]int{}
	for _, m := range got {
		to[m.To]++
	}
	if len(got) != n || len(to) != n {
		return r, fmt.Errorf("%d mails to %d addresses, want %d to as many", len(got), len(to), n)
	}
	r.mails = float64(n-1) / got[n-1].At.Sub(got[0].At).Seconds()
	r.links = c.links(had)
	if len(r.links) != n {
		return r, fmt.Errorf("%d of %d mails have a link", len(r.links), n)
	}
	// the same load on a list of any length: 200 people spread over it, each 200 times, so that first visits weigh the same
	spread := make([]string, 0, 200)
	for i := range 200 {
		spread = append(spread, r.links[i*len(r.links)/200])
	}
	c.settle()
	before := processor(c.cmd.Process.Pid)
	const hits = 40_000 // long enough that what follows arrivals now and then is counted too
	s := volley(c.b.ctx, spread, 8, hits, 0)
	if s.failed > 0 {
		return r, fmt.Errorf("%d of %d hits failed: %s", s.failed, hits, s.why)
	}
	r.hit = float64(processor(c.cmd.Process.Pid)-before) / float64(time.Microsecond) / hits
	return r, nil
}

// settle waits until the console has done what follows a drill's last mail, so that it is not counted as a hit's; half a minute at most.
func (c *clinic) settle() {
	for range 30 {
		before := processor(c.cmd.Process.Pid)
		time.Sleep(time.Second)
		if processor(c.cmd.Process.Pid)-before <= 20*time.Millisecond {
			return
		}
	}
}

// load is the rush after a mail: as much as goes with 32 clients, and an even stream that does not wait for answers.
func (c *clinic) load(links []string) error {
	closed := volley(c.b.ctx, links, 32, 12_000, 0)
	if closed.failed > 0 {
		return fmt.Errorf("%d hits failed: %s", closed.failed, closed.why)
	}
	// the floor: the same listener, a page that records nothing
	floor := volley(c.b.ctx, []string{"http://" + landingOn + "/verify"}, 32, 12_000, 0)
	beside := fmt.Sprintf("a page that records nothing %.0f", floor.rate())
	c.b.say(line{"drill: durable hits a second, 32 clients", fmt.Sprintf("%.0f, p99 %s", closed.rate(), closed.p(99)), "1,000, p99 50 ms", beside, fmt.Sprintf("%.2f", closed.rate()/floor.rate())})
	open := volley(c.b.ctx, links, 400, 4000, 200)
	c.b.say(line{"drill: 200 hits a second for 20 s, not waiting", fmt.Sprintf("%d failed, p99 %s", open.failed, open.p(99)), "0 failed", "", ""})
	return nil
}

// processor is the time that a process has used.
func processor(pid int) time.Duration {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, _ := strings.Cut(string(text), ") ")
	f := strings.Fields(rest)
	if len(f) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(f[11])
	system, _ := strconv.Atoi(f[12])
	return time.Duration(user+system) * 10 * time.Millisecond // USER_HZ is 100 on Linux
}

func kilobytes(pid int, what string) int {
	kb, _ := strconv.Atoi(strings.TrimSuffix(field(fmt.Sprintf("/proc/%d/status", pid), what), " kB"))
	return kb
}

// fetch asks for an address once, without following anywhere.
func fetch(ctx context.Context, client *http.Client, url, agent string) error {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	q.Header.Set("User-Agent", agent)
	a, err := client.Do(q)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, a.Body)
	_ = a.Body.Close()
	if a.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %d", url, a.StatusCode)
	}
	return err
}
