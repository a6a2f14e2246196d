package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"kenshin/internal/bintest"
	"kenshin/internal/labtest"
)

// TestLabSweepSurvivesKills starts a check-up of the lab over the API of a real server, cuts its power again and again, and wants every device
// once in the end.
func TestLabSweepSurvivesKills(t *testing.T) {
	lab := labtest.Up(t)
	want := 0
	for _, d := range lab.Truth() {
		if d.Plugged && d.MAC != "" && d.Type != "sensor" {
			want++
		}
	}
	lab.InSensor(t, func() {
		data := t.TempDir()
		bintest.Must(t, nil, "correct horse battery staple 9\n", "user", "add", "--data", data, "--email", "it@hospital.example", "--name", "情報", "--role", "admin",
			"--facility-name", "見本病院", "--password-stdin")
		token := strings.TrimSpace(bintest.Must(t, nil, "", "token", "add", "--data", data, "--name", "test", "--role", "admin"))
		const listen = "127.0.0.1:18470"
		server := bintest.Serve(t, nil, "--data", data, "--listen", listen)
		api := func(method, path string, in, out any) {
			t.Helper()
			var body io.Reader
			if in != nil {
				b, _ := json.Marshal(in)
				body = bytes.NewReader(b)
			}
			r, _ := http.NewRequest(method, "http://"+listen+"/api/v1"+path, body)
			r.Header.Set("Authorization", "Bearer "+token)
			r.Header.Set("Content-Type", "application/json")
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			b, _ := io.ReadAll(answer.Body)
			if answer.StatusCode >= 300 {
				t.Fatalf("%s %s: %s %s", method, path, answer.Status, b)
			}
			if out != nil {
				if err := json.Unmarshal(b, out); err != nil {
					t.Fatalf("%s %s: %v in %s", method, path, err, b)
				}
			}
		}
		var ids []string
		for _, s := range []map[string]any{
			{"name": "院内LAN", "prefix": "10.77.0.0/22", "interface": "eth0", "purpose": "全館", "pace": "normal", "snmp": []map[string]string{{"community": "public"}}},
			{"name": "放射線", "prefix": "10.77.8.0/24", "routed": true, "purpose": "放射線科", "pace": "normal", "snmp": []map[string]string{{"community": "public"}}},
		} {
			var made struct{ ID string }
			api("POST", "/segments", s, &made)
			api("POST", "/segments/"+made.ID+"/approve", nil, nil)
			ids = append(ids, made.ID)
		}
		var sweep struct {
			ID, State string
			Found     int
			Notes     []any
		}
		api("POST", "/sweeps", map[string]any{"segments": ids}, &sweep)
		for range 4 {
			time.Sleep(time.Duration(500+rand.IntN(2500)) * time.Millisecond) // a power cut waits for nothing
			server.Kill()
			server = bintest.Serve(t, nil, "--data", data, "--listen", listen)
		}
		id, deadline := sweep.ID, time.Now().Add(90*time.Second)
		for sweep.State = "running"; sweep.State == "running"; time.Sleep(300 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("the sweep did not end: %+v", sweep)
			}
			api("GET", "/sweeps/"+id, nil, &sweep)
		}
		if sweep.State != "done" {
			t.Errorf("the sweep ended as %s: %v", sweep.State, sweep.Notes)
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
			api("GET", "/devices?limit=100&cursor="+cursor, nil, &page)
			for _, d := range page.Items {
				for _, m := range d.MACs {
					if other := macs[m]; other != "" {
						t.Errorf("%s stands in two devices", m)
					}
					macs[m] = d.ID
				}
			}
			if page.Next == "" {
				break
			}
		}
		found := 0
		for _, d := range lab.Truth() {
			if d.Plugged && d.MAC != "" && d.Type != "sensor" {
				if macs[d.MAC] == "" {
					t.Errorf("%s (%s) is missing", d.Name, d.MAC)
				} else {
					found++
				}
			}
		}
		fmt.Printf("%d of %d devices after four power cuts\n", found, want)
		bintest.Must(t, nil, "", "trail", "verify", "--data", data)
	})
}
