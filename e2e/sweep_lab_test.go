package e2e_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"kenshin/internal/bintest"
	"kenshin/internal/dbtest"
	"kenshin/internal/labtest"
	"kenshin/netid"
)

type sweepView struct {
	ID, State string
	Found     int
	Notes     []any
}

// startSweep approves the lab's two networks and starts a check-up of both.
func (c *client) startSweep() (s sweepView) {
	c.t.Helper()
	var ids []string
	for _, segment := range []map[string]any{
		{"name": "院内LAN", "prefix": "10.77.0.0/22", "interface": "eth0", "purpose": "全館", "pace": "normal", "snmp": []map[string]string{{"community": "public"}}},
		{"name": "放射線", "prefix": "10.77.8.0/24", "routed": true, "purpose": "放射線科", "pace": "normal", "snmp": []map[string]string{{"community": "public"}}},
	} {
		var made struct{ ID string }
		c.send(http.MethodPost, "/segments", segment, &made)
		c.send(http.MethodPost, "/segments/"+made.ID+"/approve", nil, nil)
		ids = append(ids, made.ID)
	}
	c.send(http.MethodPost, "/sweeps", map[string]any{"segments": ids}, &s)
	return s
}

func (c *client) send(method, path string, body, into any) {
	c.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		c.t.Fatal(err)
	}
	c.do(method, path, strings.NewReader(string(b)), "application/json", into)
}

// swept waits for the end of a sweep, which must be a good one, and wants every device of the lab in the ledger, once. It returns how many there are.
func (c *client) swept(lab *labtest.Lab, id string) (found int) {
	c.t.Helper()
	var s sweepView
	waitFor(c.t, 2*time.Minute, func() bool {
		c.do(http.MethodGet, "/sweeps/"+id, nil, "", &s)
		return s.State != "running"
	})
	if s.State != "done" {
		c.t.Errorf("the sweep ended as %s: %v", s.State, s.Notes)
	}
	var page struct {
		Items []struct {
			ID   string
			MACs []string
		}
		Next string
	}
	macs := map[string]string{}
	for cursor := ""; ; cursor = page.Next {
		page.Items, page.Next = nil, ""
		c.do(http.MethodGet, "/devices?limit=100&cursor="+cursor, nil, "", &page)
		for _, d := range page.Items {
			for _, m := range d.MACs {
				if macs[m] != "" {
					c.t.Errorf("%s stands in two devices", m)
				}
				macs[m] = d.ID
			}
		}
		if page.Next == "" {
			break
		}
	}
	for _, d := range lab.Truth() {
		if !d.Plugged || d.MAC == "" || d.Type == "sensor" {
			continue
		}
		if macs[d.MAC] == "" {
			c.t.Errorf("%s (%s) is missing", d.Name, d.MAC)
			continue
		}
		found++
	}
	return found
}

// TestLabSweepSurvivesKills kills servers in the middle of a check-up of the lab; in the end every device is there once.
func TestLabSweepSurvivesKills(t *testing.T) {
	for name, kill := range map[string]func(*testing.T, *labtest.Lab){"sqlite": powerCuts, "two copies": copiesShareASweep} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // it mostly waits for devices
			kill(t, labtest.Up(t))
		})
	}
}

// powerCuts kills the one server again and again.
func powerCuts(t *testing.T, lab *labtest.Lab) {
	lab.InSensor(t, func() {
		s := site{args: []string{"--data", folder(t)}}
		s.settle(t)
		server, c := s.serve(t)
		sweep := c.startSweep()
		for range 4 {
			time.Sleep(time.Duration(500+rand.IntN(2500)) * time.Millisecond) // a power cut waits for nothing
			server.Kill()
			server, c = s.serve(t)
		}
		fmt.Printf("%d devices after four power cuts\n", c.swept(lab, sweep.ID))
		bintest.Must(t, nil, "", append([]string{"trail", "verify"}, s.args...)...)
	})
}

// copiesShareASweep runs two servers on one PostgreSQL. The one at work on a check-up is killed: the other takes over. That is killed
// too, which leaves no console at all, and one is started again. The check-up runs once: no device is there twice, and no address was asked
// as often as two check-ups would ask.
func copiesShareASweep(t *testing.T, lab *labtest.Lab) {
	wire := lab.Capture("sensor", labtest.Out, "arp")
	lab.InSensor(t, func() {
		urls := dbtest.PostgresURLs(t)
		dir := folder(t)
		s := site{args: []string{"--data", dir, "--database", urls.App}}
		s.settle(t)
		db := opened(t, "pgx", urls.Super)
		other := site{args: []string{"--data", folder(t), "--database", urls.App, "--key-file", filepath.Join(dir, "key")}, token: s.token}
		_, c := s.serve(t)
		_, two := other.serve(t)
		sweep := c.startSweep()

		time.Sleep(time.Duration(500+rand.IntN(1500)) * time.Millisecond)
		first := killWorker(t, db, 0)
		start := time.Now()
		second := killWorker(t, db, first) // as soon as it is at work
		took := time.Since(start)
		if took > 2*time.Minute {
			t.Errorf("the other copy took over after %v", took)
		}
		waitFor(t, 10*time.Second, func() bool { // neither is there any more
			_, e1 := c.try(http.MethodGet, "/health", nil, "", nil)
			_, e2 := two.try(http.MethodGet, "/health", nil, "", nil)
			return e1 != nil && e2 != nil
		})
		start = time.Now()
		_, c = s.serve(t)
		waitFor(t, 30*time.Second, func() bool { p := worker(db); return p != 0 && p != first && p != second })
		fmt.Printf("the other copy took over after %v; started again it went on after %v\n", took.Round(time.Millisecond), time.Since(start).Round(time.Millisecond))
		fmt.Printf("%d devices\n", c.swept(lab, sweep.ID))
		for what, q := range map[string]string{
			"check-ups":          "SELECT count(*) FROM checkup_sweeps",
			"runs":               "SELECT count(*) FROM job_runs WHERE kind = 'sweep'",
			"runs that are done": "SELECT count(*) FROM job_runs WHERE kind = 'sweep' AND state = 'done'",
		} {
			if n := number(t, db, q); n != 1 {
				t.Errorf("%s: %d, want 1", what, n)
			}
		}
		bintest.Must(t, nil, "", append([]string{"trail", "verify"}, s.args...)...)
	})
	sensor, err := netid.ParseMAC(lab.Device("sensor").MAC)
	if err != nil {
		t.Fatal(err)
	}
	asked, taken := map[netip.Addr]int{}, map[netip.Addr]bool{}
	for _, d := range lab.Truth() {
		for _, a := range d.IPv4 {
			taken[a] = true
		}
	}
	net := netip.MustParsePrefix("10.77.0.0/22")
	for _, f := range labtest.From(wire.Stop(), sensor) {
		if a := f.IPv4(); f.ARP() && net.Contains(a) && !taken[a] { // whoever is there is asked again for other reasons
			asked[a]++
		}
	}
	total := 0
	for _, n := range asked {
		total += n
	}
	once := 2 * len(asked) // two questions to each silent address
	t.Logf("%d questions to %d silent addresses", total, len(asked))
	if len(asked) < 900 || total >= 2*once {
		t.Errorf("%d questions to %d silent addresses: one check-up asks %d", total, len(asked), once)
	}
}

// worker is the process that is at work on a check-up, 0 while there is none.
func worker(db *sql.DB) (pid int) {
	_ = db.QueryRow(`SELECT c.pid FROM job_runs j JOIN job_copies c ON c.id = split_part(j.lease, '/', 1) WHERE j.kind = 'sweep' AND j.state = 'running'`).Scan(&pid)
	return pid
}

// killWorker kills that process, which must be another one than before.
func killWorker(t *testing.T, db *sql.DB, before int) (pid int) {
	t.Helper()
	waitFor(t, 2*time.Minute, func() bool { pid = worker(db); return pid != 0 && pid != before })
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	return pid
}
