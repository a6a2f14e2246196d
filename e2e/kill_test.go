package e2e_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"kenshin/internal/bintest"
	"kenshin/internal/dbtest"
)

// client speaks to the API as a script of the hospital would.
type client struct {
	t     *testing.T
	url   string
	token string
}

func (c *client) try(method, path string, body io.Reader, contentType string, into any) (int, error) {
	req, err := http.NewRequest(method, c.url+"/api/v1"+path, body)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := browser.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return resp.StatusCode, err
	}
	if resp.StatusCode >= 300 {
		return resp.StatusCode, fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, b)
	}
	if into == nil {
		return resp.StatusCode, nil
	}
	return resp.StatusCode, json.Unmarshal(b, into)
}

func (c *client) do(method, path string, body io.Reader, contentType string, into any) {
	c.t.Helper()
	if _, err := c.try(method, path, body, contentType, into); err != nil {
		c.t.Fatal(err)
	}
}

type importView struct {
	ID, State   string
	Total, Done int
}

// upload sends a ledger file and returns the import, looked at and not yet taken in.
func (c *client) upload(name string, content []byte) (i importView) {
	c.t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	p, err := w.CreateFormFile("file", name)
	if err != nil {
		c.t.Fatal(err)
	}
	_, _ = p.Write(content) // a buffer takes everything
	w.Close()
	c.do(http.MethodPost, "/imports", &b, w.FormDataContentType(), &i)
	return i
}

func (c *client) apply(id string) {
	c.t.Helper()
	c.do(http.MethodPost, "/imports/"+id+"/apply", strings.NewReader(`{}`), "application/json", nil)
}

// wait polls an import until it is done; it says how long that took.
func (c *client) wait(id string, limit time.Duration) time.Duration {
	c.t.Helper()
	start := time.Now()
	for {
		var i importView
		_, err := c.try(http.MethodGet, "/imports/"+id, nil, "", &i)
		if err == nil && i.State == "done" {
			return time.Since(start)
		}
		if time.Since(start) > limit {
			c.t.Fatalf("import %s is %s (%d of %d) after %v, %v", id, i.State, i.Done, i.Total, limit, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// sheetOf makes a ledger of n devices that no other round has.
func sheetOf(round, n int) []byte {
	var b bytes.Buffer
	b.WriteString("管理番号,名称,部門,設置場所,IPアドレス,MACアドレス,購入日,備考\n")
	for i := range n {
		fmt.Fprintf(&b, "R%02d-%04d,端末%d-%d,事務部,1階 事務室,10.%d.%d.%d,02:00:%02x:%02x:%02x:01,令和5年4月1日,備考%d\n", round, i, round, i, 100+round, i/250, i%250+1, round, i/256, i%256, i)
	}
	return b.Bytes()
}

// site is one installation for a test, on either engine.
type site struct {
	args  []string // --data and, on PostgreSQL, --database
	token string
	open  func(t *testing.T) *sql.DB // behind Kenshin's back, as superuser
}

func eachEngine(t *testing.T, test func(t *testing.T, s site)) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		dir := folder(t)
		s := site{args: []string{"--data", dir}, open: func(t *testing.T) *sql.DB {
			return opened(t, "sqlite", "file:"+filepath.Join(dir, "kenshin.db")+"?mode=ro&_pragma=busy_timeout(10000)")
		}}
		s.settle(t)
		test(t, s)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		urls := dbtest.PostgresURLs(t)
		s := site{args: []string{"--data", folder(t), "--database", urls.App}, open: func(t *testing.T) *sql.DB { return opened(t, "pgx", urls.Super) }}
		s.settle(t)
		test(t, s)
	})
}

func opened(t *testing.T, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func (s *site) settle(t *testing.T) {
	t.Helper()
	hospital(t, s.args...)
	s.token = strings.TrimSpace(bintest.Must(t, nil, "", append([]string{"token", "add", "--name", "検査", "--role", "admin"}, s.args...)...))
}

func (s *site) serve(t *testing.T, more ...string) (*bintest.Server, *client) {
	t.Helper()
	srv := bintest.Serve(t, nil, append(append([]string{"--listen", "127.0.0.1:0"}, s.args...), more...)...)
	return srv, &client{t, srv.URL, s.token}
}

func number(t *testing.T, db *sql.DB, query string) (n int) {
	t.Helper()
	if err := db.QueryRow(query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

const (
	killRounds = 10
	killRows   = 2000
)

const unfinished = "SELECT count(*) FROM job_runs WHERE state IN ('queued', 'running')"

// TestKilled kills the server with SIGKILL at random points of an import, starts it again, and looks for what is missing or there twice.
func TestKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	t.Parallel()
	bintest.Dir(t)
	eachEngine(t, func(t *testing.T, s site) {
		recording, err := filepath.Abs("../app/demo/observations.ndjson.gz")
		if err != nil {
			t.Fatal(err)
		}
		bintest.Must(t, nil, "", append([]string{"replay", recording}, s.args...)...)
		db := s.open(t)
		seen := number(t, db, "SELECT count(*) FROM ledger_devices WHERE merged_into = ''")
		if seen < 20 {
			t.Fatalf("only %d devices after the replay", seen)
		}
		srv, c := s.serve(t)
		i := c.upload("台帳.csv", sheetOf(0, killRows))
		c.apply(i.ID)
		var kills, early int
		var slowest time.Duration
		for round := range killRounds {
			if round > 0 { // a fresh import as soon as the last one is in; the rounds in between hit one that is under way
				var now importView
				c.do(http.MethodGet, "/imports/"+i.ID, nil, "", &now)
				if now.State == "done" {
					early++
					i = c.upload("台帳.csv", sheetOf(early, killRows))
					c.apply(i.ID)
				}
			}
			time.Sleep(time.Duration(rand.IntN(900)) * time.Millisecond)
			srv.Kill()
			kills++
			before := number(t, db, "SELECT count(*) FROM ledger_import_rows WHERE state = 'done'")
			start := time.Now()
			srv, c = s.serve(t)
			waitFor(t, 30*time.Second, func() bool {
				n := number(t, db, "SELECT count(*) FROM ledger_import_rows WHERE state = 'done'")
				if n < before {
					t.Fatalf("%d rows are in after the restart, %d were before", n, before)
				}
				var now importView
				_, err := c.try(http.MethodGet, "/imports/"+i.ID, nil, "", &now)
				return n > before || err == nil && now.State == "done"
			})
			slowest = max(slowest, time.Since(start))
		}
		c.wait(i.ID, time.Minute)
		waitFor(t, time.Minute, func() bool { return number(t, db, unfinished) == 0 })
		srv.Kill()
		t.Logf("%d kills during %d imports of %d rows; work went on at the latest %v after a restart", kills, early+1, killRows, slowest.Round(time.Millisecond))
		s.intact(t, db, seen, early+1)
	})
}

func waitFor(t *testing.T, limit time.Duration, done func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !done(); time.Sleep(30 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("nothing moved within %v", limit)
		}
	}
}

// intact looks behind Kenshin's back: every row of every import is one device with its history, and nothing is there twice.
func (s *site) intact(t *testing.T, db *sql.DB, seen, imports int) {
	t.Helper()
	want := imports * killRows
	for what, q := range map[string]string{
		"devices of the imports": fmt.Sprintf("SELECT count(*) - %d FROM ledger_devices WHERE merged_into = ''", seen),
		"rows taken in":          "SELECT count(*) FROM ledger_import_rows WHERE state = 'done'",
		"their devices":          "SELECT count(DISTINCT device_id) FROM ledger_import_rows WHERE state = 'done'",
		"entries of the history": "SELECT count(*) FROM ledger_history WHERE kind = 'added'",
	} {
		if n := number(t, db, q); n != want {
			t.Errorf("%s: %d, want %d", what, n, want)
		}
	}
	if n := number(t, db, "SELECT count(*) FROM job_runs WHERE state <> 'done'"); n != 0 {
		t.Errorf("%d runs did not end well", n)
	}
	if out := bintest.Must(t, nil, "", append([]string{"trail", "verify"}, s.args...)...); out == "" {
		t.Error("trail verify says nothing")
	}
	code, out, errs := bintest.Run(t, []string{"LANG=C"}, "", append([]string{"doctor", "--format", "json", "--listen", "127.0.0.1:0"}, s.args...)...)
	var report struct {
		Symptoms []struct{ Health, Name, Detail string }
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatalf("doctor: exit code %d, %v\n%s", code, err, errs)
	}
	for _, x := range report.Symptoms {
		if x.Health == "ill" && os.Geteuid() == 0 {
			t.Errorf("doctor: %s: %s", x.Name, x.Detail)
		}
	}
}

// TestTwoCopies runs two servers on one PostgreSQL: they share the work, each import runs once, and when one is killed the other goes on.
func TestTwoCopies(t *testing.T) {
	t.Parallel()
	bintest.Dir(t)
	urls := dbtest.PostgresURLs(t)
	dir := folder(t)
	s := site{args: []string{"--data", dir, "--database", urls.App}}
	s.settle(t)
	db := opened(t, "pgx", urls.Super)
	first, one := s.serve(t)
	other := site{args: []string{"--data", folder(t), "--database", urls.App, "--key-file", filepath.Join(dir, "key")}, token: s.token}
	_, two := other.serve(t)

	var ids []string
	for n := range 4 {
		c := []*client{one, two}[n%2]
		i := c.upload("台帳.csv", sheetOf(n, 300))
		c.apply(i.ID)
		ids = append(ids, i.ID)
	}
	for n, id := range ids { // asked of the copy that it was not given to
		[]*client{two, one}[n%2].wait(id, 40*time.Second)
	}
	if n := number(t, db, "SELECT count(*) FROM ledger_devices WHERE merged_into = ''"); n != 4*300 {
		t.Errorf("%d devices, want %d", n, 4*300)
	}
	if n := number(t, db, "SELECT count(*) FROM job_runs WHERE kind = 'import'"); n != 4 {
		t.Errorf("%d runs for 4 imports", n)
	}

	i := one.upload("台帳.csv", sheetOf(9, killRows))
	one.apply(i.ID)
	waitFor(t, 20*time.Second, func() bool {
		return number(t, db, "SELECT count(*) FROM ledger_import_rows WHERE import_id = '"+i.ID+"' AND state = 'done'") > 0
	})
	first.Kill()
	took := two.wait(i.ID, 2*time.Minute)
	t.Logf("one copy killed: the import was done on the other %v later", took.Round(time.Millisecond))
	if n := number(t, db, "SELECT count(*) FROM ledger_devices WHERE merged_into = ''"); n != 4*300+killRows {
		t.Errorf("%d devices, want %d", n, 4*300+killRows)
	}
}

// TestAnotherKey: a copy whose folder has no key, or another one, is refused before it can lock a secret.
func TestAnotherKey(t *testing.T) {
	t.Parallel()
	bintest.Dir(t)
	urls := dbtest.PostgresURLs(t)
	s := site{args: []string{"--data", folder(t), "--database", urls.App}}
	s.settle(t)
	empty := folder(t)
	code, _, errs := bintest.Run(t, nil, "", "user", "list", "--data", empty, "--database", urls.App)
	if code != 1 || !strings.Contains(errs, "key") && !strings.Contains(errs, "鍵") {
		t.Errorf("exit code %d: %s", code, errs)
	}
	if left, _ := os.ReadDir(empty); len(left) != 0 {
		t.Errorf("something was made in the folder: %v", left)
	}
}
