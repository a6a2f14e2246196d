package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const listenOn = "127.0.0.1:18471"

// serve starts the console on the house that replay filled, waits for its first answer, asks for pages over HTTP and looks at its memory.
func (b *bench) serve() error {
	data := filepath.Join(b.dir, "house")
	if _, err := os.Stat(data); err != nil { // asked for alone
		if err := b.replay(); err != nil {
			return err
		}
	}
	var tokens []string
	for i := range 8 {
		out, _, err := b.run(b.bin, "token", "add", "--data", data, "--name", "bench"+strconv.Itoa(i), "--role", "admin")
		if err != nil {
			return err
		}
		tokens = append(tokens, strings.TrimSpace(out))
	}
	start := time.Now()
	cmd := exec.CommandContext(b.ctx, b.bin, "serve", "--data", data, "--listen", listenOn) //nolint:gosec // our own program
	if err := cmd.Start(); err != nil {
		return err
	}
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}()
	up, err := b.answers(start)
	if err != nil {
		return err
	}
	b.say(line{"serve: from exec to the first answer, 20,000 devices", seconds(up), "1 s", "", ""})
	time.Sleep(20 * time.Second)
	b.say(line{"serve: memory after 20 s of idling", memory(cmd.Process.Pid), "120 MB", "", ""})
	if err := b.pages(tokens); err != nil {
		return err
	}
	b.say(line{"serve: memory after these pages", memory(cmd.Process.Pid), "", "", ""})
	return nil
}

func (b *bench) answers(start time.Time) (time.Duration, error) {
	client := &http.Client{Timeout: time.Second}
	for time.Since(start) < 30*time.Second {
		if res, err := client.Get("http://" + listenOn + "/api/v1/health"); err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return time.Since(start), nil
			}
		}
		time.Sleep(2 * time.Millisecond)
	}
	return 0, fmt.Errorf("the console does not answer on %s", listenOn)
}

// memory is what a process holds in RAM, and how much of it no file backs.
func memory(pid int) string {
	status := "/proc/" + strconv.Itoa(pid) + "/status"
	mb := func(name string) string {
		kb, _ := strconv.Atoi(strings.TrimSuffix(field(status, name), " kB"))
		return fmt.Sprintf("%.0f MB", float64(kb)/1000)
	}
	return mb("VmRSS") + " (" + mb("RssAnon") + " of its own)"
}

// pages asks the API for the ledger in every order with every filter.
func (b *bench) pages(tokens []string) error {
	filters := []string{"", "q=10.0.12", "q=" + url.QueryEscape("案内 端末"), "q=00-30-13-00-4e", "q=" + url.QueryEscape("見つからない"), "state=new", "kind=pc,server", "department=x", "segment=lan",
		"medical=true", "unseen_days=30", "no_owner=true", "findings=true", "os_unsupported=true", "conflicts=true", "q=windows&state=new&findings=true"}
	client := &http.Client{Timeout: 30 * time.Second}
	var took []time.Duration
	slowest := ""
	n := 0
	for _, sort := range strings.Fields("name number kind maker os department owner place ip mac state medical last_seen first_seen worst") {
		for i, f := range filters {
			n++
			q := f + "&limit=50&sort=" + sort + "&desc=" + strconv.FormatBool(i%2 == 1)
			for wait := time.Duration(0); ; wait += 100 * time.Millisecond {
				time.Sleep(wait)
				d, code, err := b.page(client, tokens[n%len(tokens)], strings.TrimPrefix(q, "&"))
				if err != nil {
					return err
				}
				if code == http.StatusTooManyRequests && wait < 5*time.Second {
					continue // a token's own limit, not the page's time
				}
				if code != http.StatusOK {
					return fmt.Errorf("%s: %d", q, code)
				}
				if len(took) == 0 || d > slices.Max(took) {
					slowest = q
				}
				took = append(took, d)
				break
			}
		}
	}
	slices.Sort(took)
	b.say(line{fmt.Sprintf("GET /devices over HTTP, 20,000 devices, %d pages: p95", len(took)), millis(took[len(took)*95/100]), "100 ms", "p50 " + millis(took[len(took)/2]),
		"slowest " + millis(took[len(took)-1]) + " (" + slowest + ")"})
	return nil
}

func (b *bench) page(client *http.Client, token, query string) (time.Duration, int, error) {
	return b.timed(client, "http://"+listenOn+"/api/v1/devices?"+query, "Authorization", "Bearer "+token)
}

// timed asks for an address with one header, reads the whole answer and says how long that took.
func (b *bench) timed(client *http.Client, url, header, value string) (time.Duration, int, error) {
	req, err := http.NewRequestWithContext(b.ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, 0, err
	}
	req.Header.Set(header, value)
	start := time.Now()
	res, err := client.Do(req)
	if err != nil {
		return 0, 0, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return time.Since(start), res.StatusCode, err
}
