package main

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0"

// salvo is what came of many requests.
type salvo struct {
	took   time.Duration
	each   []time.Duration
	failed int
	why    string
}

func (s *salvo) rate() float64 { return float64(len(s.each)) / s.took.Seconds() }

// p is a percentile; a request of a stream counts from when it was due.
func (s *salvo) p(percent int) time.Duration {
	if len(s.each) == 0 {
		return 0
	}
	slices.Sort(s.each)
	return s.each[(len(s.each)-1)*percent/100].Round(100 * time.Microsecond)
}

// volley sends n requests by so many clients: each as fast as its answers come, or with perSecond in an even stream.
func volley(ctx context.Context, urls []string, clients, n int, perSecond float64) (s salvo) {
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: clients, MaxConnsPerHost: clients}}
	defer client.CloseIdleConnections()
	type order struct {
		url string
		due time.Time
	}
	orders := make(chan order, n)
	var mu sync.Mutex
	var all sync.WaitGroup
	start := time.Now()
	for range clients {
		all.Go(func() {
			for o := range orders {
				from := time.Now()
				if !o.due.IsZero() {
					from = o.due
				}
				err := fetch(ctx, client, o.url, firefox)
				took := time.Since(from)
				mu.Lock()
				if s.each = append(s.each, took); err != nil {
					s.failed, s.why = s.failed+1, err.Error()
				}
				mu.Unlock()
			}
		})
	}
	for i := range n {
		o := order{url: urls[i%len(urls)]}
		if perSecond > 0 {
			o.due = start.Add(time.Duration(float64(i) / perSecond * float64(time.Second)))
			time.Sleep(time.Until(o.due))
		}
		orders <- o
	}
	close(orders)
	all.Wait()
	s.took = time.Since(start)
	return s
}

// totals asks for three years of drills of 20,000: 36 drills, 60 departments, sent over ten days each.
func (c *clinic) totals() error {
	c.stop(syscall.SIGTERM)
	db, err := sql.Open("sqlite", filepath.Join(c.data, "kenshin.db"))
	if err != nil {
		return err
	}
	tx, err := db.BeginTx(c.b.ctx, nil)
	if err != nil {
		return err
	}
	for i := range 36 {
		id := fmt.Sprintf("01990000-0000-7000-8000-%012d", i)
		if _, err := tx.Exec(`INSERT INTO drill_drills (facility_id, id, name, mode, state, revision, created_at, start_at, started_at, ended_at, anonymous_at, hash, key, dirty, content, judged, rules, canary)
			SELECT facility_id, ?, ? || name, mode, 'closed', revision, created_at, start_at, started_at, ended_at, anonymous_at, hash, key, 0, content, 0, rules, canary FROM drill_drills LIMIT 1`, id, strconv.Itoa(i)); err != nil {
			return fmt.Errorf("drills of the past: %w", err)
		}
		for day := range 10 {
			for dep := range 60 {
				if _, err := tx.Exec(`INSERT INTO drill_totals SELECT facility_id, ?, ?, ?, 33, 0, 0, 20, 12, 9, 4, 0, 0, 7, 6, 0, 3, 0, 4, 2, 1 FROM drill_drills LIMIT 1`,
					time.Date(2023, time.Month(12+i), 1+day, 0, 0, 0, 0, time.UTC).Format(time.DateOnly), id, "部署"+strconv.Itoa(dep)); err != nil {
					return fmt.Errorf("totals of the past: %w", err)
				}
			}
		}
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	if err := db.Close(); err != nil {
		return err
	}
	if err := c.start(); err != nil {
		return err
	}
	var s salvo
	for range 60 {
		from := time.Now()
		if err := c.ask("GET", "/drills/totals?brief=true&from=2023-01-01&to=2027-12-31", c.trainer, nil, nil); err != nil {
			return err
		}
		s.each = append(s.each, time.Since(from))
	}
	c.b.say(line{"drill: totals over 3 years x 20,000 recipients, over HTTP, p95", s.p(95).String(), "200 ms", "", ""})
	return nil
}

// drillKills kills the console at 100 random moments while mails go out and links are opened: every hit that was answered is in the database, and
// nobody got a mail twice.
func (b *bench) drillKills() error {
	c, err := b.newClinic("killed")
	if err != nil {
		return err
	}
	defer c.close()
	if err := c.start(); err != nil {
		return err
	}
	if err := c.prepare(); err != nil {
		return err
	}
	const first, second, kills = 300, 1500, 100
	if err := c.people(first, true); err != nil {
		return err
	}
	id, err := c.rehearse("first", 1000)
	if err != nil {
		return err
	}
	if err := c.sent(id, time.Minute); err != nil {
		return err
	}
	links := c.links(0)
	if err := c.people(second, true); err != nil {
		return err
	}
	if id, err = c.rehearse("second", 10); err != nil { // still going out while the console is killed
		return err
	}
	var answered sync.Map
	var serial atomic.Int64
	ctx, stop := context.WithCancel(b.ctx)
	var all sync.WaitGroup
	for range 8 {
		client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{}}
		all.Go(func() {
			for ctx.Err() == nil {
				n := serial.Add(1)
				agent := firefox + " bench/" + strconv.FormatInt(n, 10)
				if fetch(b.ctx, client, links[n%int64(len(links))], agent) == nil {
					answered.Store(agent, true)
				} else {
					time.Sleep(20 * time.Millisecond) // the console is down
				}
			}
		})
	}
	for range kills {
		time.Sleep(time.Duration(30+rand.IntN(800)) * time.Millisecond) //nolint:gosec // no secret
		c.stop(syscall.SIGKILL)
		if err := c.start(); err != nil {
			stop()
			return err
		}
	}
	stop()
	all.Wait()
	if err := c.sent(id, 10*time.Minute); err != nil {
		return err
	}
	c.stop(syscall.SIGTERM)
	lost, n, err := c.lost(&answered)
	if err != nil {
		return err
	}
	twice, mails := 0, c.sink.Messages()
	to := map[string]int{}
	for _, m := range mails[len(links):] {
		if to[m.To]++; to[m.To] > 1 {
			twice++
		}
	}
	b.say(line{fmt.Sprintf("drill: of %d hits answered before %d kills, lost", n, kills), strconv.Itoa(lost), "0", "", ""})
	b.say(line{fmt.Sprintf("drill: of %d mails during these kills, sent twice", len(mails)-len(links)), strconv.Itoa(twice), "0", "", ""})
	return nil
}

// lost counts hits that were answered and are not in the database.
func (c *clinic) lost(answered *sync.Map) (lost, n int, err error) {
	db, err := sql.Open("sqlite", filepath.Join(c.data, "kenshin.db"))
	if err != nil {
		return 0, 0, err
	}
	defer db.Close()
	rows, err := db.QueryContext(c.b.ctx, "SELECT agent FROM drill_events")
	if err != nil {
		return 0, 0, err
	}
	defer rows.Close()
	kept := map[string]bool{}
	for rows.Next() {
		var agent string
		if err := rows.Scan(&agent); err != nil {
			return 0, 0, err
		}
		kept[agent] = true
	}
	answered.Range(func(agent, _ any) bool {
		n++
		if !kept[agent.(string)] {
			lost++
		}
		return true
	})
	return lost, n, rows.Err()
}
