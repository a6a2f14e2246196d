// Package e2e_test runs the whole program as its users do: commands in a shell, a server that is started, stopped and killed.
package e2e_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	_ "modernc.org/sqlite"

	"kenshin/internal/bintest"
)

func TestMain(m *testing.M) { os.Exit(bintest.Main(m)) }

// TestScripts runs testdata/*.txtar. Beside testscript's own commands there are:
//
//	code N PROGRAM ARG...     the program ends with exit code N
//	start NAME ARG...         "kenshin serve ARG..." until the test ends; its addresses are in $NAME and $NAME_SETUP
//	finish NAME               SIGTERM; it must end well
//	get CODE URL [HEADER]     the answer's code, with a header or @FILE that holds one; its body is what stdout matches then
//	sql FILE STATEMENT        changes an SQLite file behind Kenshin's back
//	port NAME                 a TCP port on loopback that somebody else holds, in $NAME
//	dates FILE                puts {{now}}, {{tomorrow}} and {{nextweek}} into a file
func TestScripts(t *testing.T) {
	t.Parallel()
	bin := bintest.Dir(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", bin+string(os.PathListSeparator)+e.Getenv("PATH"))
			e.Setenv("LANG", "ja_JP.UTF-8")
			e.Setenv("TZ", "Asia/Tokyo")
			e.Setenv("BIN", bin)
			// other users run the program in it
			return errors.Join(os.Chmod(filepath.Dir(e.WorkDir), 0o755), os.Chmod(e.WorkDir, 0o755)) //nolint:gosec // only a test's folder
		},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "root":
				return os.Geteuid() == 0, nil
			case "netns":
				return os.Geteuid() == 0 && exec.Command("unshare", "--net", "--mount", "true").Run() == nil, nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code": code, "start": start, "finish": stop, "get": get, "sql": execSQL, "port": port, "dates": dates,
		},
	})
}

func code(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N program args...")
	}
	got := 0
	err := ts.Exec(args[1], args[2:]...)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit code %d, want %s", got, args[0])
	}
}

type serverKey string

func start(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 1 {
		ts.Fatalf("usage: start NAME args...")
	}
	env := []string{"LANG=" + ts.Getenv("LANG"), "HOME=" + ts.Getenv("HOME")}
	for i := 1; i < len(args); i++ {
		if i > 1 && args[i-1] == "--data" {
			args[i] = ts.MkAbs(args[i])
		}
	}
	s, err := bintest.Start(ts.Getenv("BIN"), env, args[1:]...)
	ts.Check(err)
	servers(ts)[args[0]] = s
	ts.Setenv(args[0], s.URL)
	ts.Setenv(args[0]+"_SETUP", s.Setup)
	ts.Defer(s.Kill)
}

var running = map[string]map[string]*bintest.Server{} // by script; each script runs in one goroutine

var runningLock = make(chan struct{}, 1)

func servers(ts *testscript.TestScript) map[string]*bintest.Server {
	runningLock <- struct{}{}
	defer func() { <-runningLock }()
	if running[ts.Name()] == nil {
		running[ts.Name()] = map[string]*bintest.Server{}
	}
	return running[ts.Name()]
}

func stop(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 || servers(ts)[args[0]] == nil {
		ts.Fatalf("usage: finish NAME")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	defer cancel()
	ts.Check(servers(ts)[args[0]].Stop(ctx))
}

var browser = &http.Client{Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

func get(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: get CODE URL [HEADER]")
	}
	req, err := http.NewRequest(http.MethodGet, args[1], nil)
	ts.Check(err)
	for _, h := range args[2:] {
		if file, ok := strings.CutPrefix(h, "@"); ok {
			h = strings.TrimSpace(ts.ReadFile(file))
		}
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	resp, err := browser.Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 4<<20))
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%s\n%s", resp.Header.Get("Location"), body)
	if strconv.Itoa(resp.StatusCode) != args[0] {
		ts.Fatalf("answer %d, want %s", resp.StatusCode, args[0])
	}
}

func execSQL(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: sql FILE STATEMENT")
	}
	db, err := sql.Open("sqlite", "file:"+ts.MkAbs(args[0])+"?_pragma=busy_timeout(5000)")
	ts.Check(err)
	defer db.Close()
	res, err := db.Exec(args[1])
	ts.Check(err)
	if n, _ := res.RowsAffected(); n == 0 {
		ts.Fatalf("the statement changed nothing")
	}
}

func port(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { l.Close() })
	ts.Setenv(args[0], l.Addr().String())
}

func dates(ts *testscript.TestScript, _ bool, args []string) {
	now := time.Now().UTC()
	r := strings.NewReplacer("{{now}}", now.Format(time.RFC3339), "{{tomorrow}}", now.Add(20*time.Hour).Format(time.RFC3339),
		"{{nextweek}}", now.AddDate(0, 0, 7).Format(time.RFC3339))
	for _, f := range args {
		ts.Check(os.WriteFile(ts.MkAbs(f), []byte(r.Replace(ts.ReadFile(f))), 0o600))
	}
}

// hospital makes a data folder with a facility and its admin.
func hospital(t *testing.T, place ...string) {
	t.Helper()
	bintest.Must(t, nil, "Byouin-no-kagi-2026\n", append([]string{"user", "add", "--email", "jimu@example.jp", "--role", "admin", "--facility-name", "試験病院",
		"--password-stdin"}, place...)...)
}

func folder(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}
