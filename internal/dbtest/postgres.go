package dbtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"kenshin/store"
)

// URLs are the addresses of one database, as each of the roles.
type URLs struct {
	App, Owner, Backup string
	Super              string // the server's superuser, to look behind row-level security in a test
}

// errNoServer says that PostgreSQL's server programs are not on this machine.
var errNoServer = errors.New("no PostgreSQL server is installed (Debian: apt-get install postgresql)")

// server is the one PostgreSQL of this process. It listens on a Unix socket in its own folder only, so no port can collide. A shell
// holds the other end of a pipe: however this process ends, the pipe closes, and the shell stops the server and removes the folder.
type server struct {
	dir  string
	next atomic.Int64
	pipe *os.File // kept open as long as the process lives
}

var start = sync.OnceValues(func() (*server, error) {
	bin, err := serverBin()
	if err != nil {
		return nil, err
	}
	cred, err := postgresUser()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("/tmp", "kenshin-pg-") // short: a socket's path may have 107 bytes
	if err != nil {
		return nil, err
	}
	if cred != nil {
		if err := os.Chown(dir, int(cred.Uid), int(cred.Gid)); err != nil {
			return nil, err
		}
	}
	s := &server{dir: dir}
	if err := s.run(bin, cred); err != nil {
		return nil, err
	}
	return s, s.prepare()
})

// serverBin finds the newest installed server's programs.
func serverBin() (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) > 0 {
		return filepath.Dir(slices.Max(found)), nil
	}
	if p, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(p), nil
	}
	return "", errNoServer
}

// postgresUser is whom the server runs as: PostgreSQL refuses root.
func postgresUser() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, errNoServer
	}
	uid, _ := strconv.ParseUint(u.Uid, 10, 32)
	gid, _ := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

const watch = `cd "$1" || exit 1
"$2/initdb" -D "$1/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$1/initdb.log" 2>&1 || { cat; rm -rf "$1"; exit 1; }
"$2/postgres" -D "$1/data" -k "$1" -c listen_addresses= -c fsync=off -c full_page_writes=off -c synchronous_commit=off \
  -c shared_buffers=32MB -c max_connections=200 -c max_wal_size=256MB -c autovacuum=off >"$1/server.log" 2>&1 </dev/null &
cat >/dev/null
kill -QUIT $! 2>/dev/null; wait $!
rm -rf "$1"`

func (s *server) run(bin string, cred *syscall.Credential) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	cmd := exec.Command("/bin/sh", "-c", watch, "kenshin-dbtest", s.dir, bin)
	cmd.Stdin = r
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: cred} // an interrupt at the terminal must not hit it before us
	err = cmd.Start()
	_ = r.Close()
	if err != nil {
		return errors.Join(err, w.Close())
	}
	s.pipe = w
	go cmd.Wait() //nolint:errcheck // only to reap it
	return nil
}

// prepare waits for the server, makes the roles and a migrated database to clone.
func (s *server) prepare() error {
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	super, err := s.super("postgres")
	if err != nil {
		return err
	}
	defer super.Close()
	for err = super.PingContext(ctx); err != nil; err = super.PingContext(ctx) {
		select {
		case <-ctx.Done():
			log, _ := os.ReadFile(filepath.Join(s.dir, "server.log"))
			initLog, _ := os.ReadFile(filepath.Join(s.dir, "initdb.log"))
			return fmt.Errorf("PostgreSQL did not start: %w\n%s%s", err, initLog, log)
		case <-time.After(20 * time.Millisecond):
		}
	}
	for _, q := range []string{"CREATE DATABASE kenshin_template"} {
		if _, err := super.ExecContext(ctx, q); err != nil {
			return fmt.Errorf("%s: %w", q, err)
		}
	}
	inside, err := s.super("kenshin_template")
	if err != nil {
		return err
	}
	_, err = inside.ExecContext(ctx, store.RoleSQL)
	if err = errors.Join(err, inside.Close()); err != nil {
		return fmt.Errorf("make the roles: %w", err)
	}
	db, err := store.Open(ctx, store.Options{URL: s.url("kenshin_app", "kenshin_template"), OwnerURL: s.url("kenshin_owner", "kenshin_template")})
	if err != nil {
		return fmt.Errorf("migrate the template: %w", err)
	}
	return db.Close()
}

func (s *server) url(role, database string) string {
	return "postgres://" + role + "@/" + database + "?host=" + url.QueryEscape(s.dir) + "&sslmode=disable"
}

func (s *server) super(database string) (*sql.DB, error) {
	return sql.Open("pgx", s.url("postgres", database))
}

// PostgresURLs clones the migrated database and returns its addresses; it is dropped when the test ends.
func PostgresURLs(t testing.TB) URLs {
	t.Helper()
	return newDatabase(t, "TEMPLATE kenshin_template")
}

// EmptyPostgresURLs is PostgresURLs without any table: as an administrator who followed the guide left it.
func EmptyPostgresURLs(t testing.TB) URLs {
	t.Helper()
	urls := newDatabase(t, "")
	super, err := sql.Open("pgx", urls.Super)
	if err != nil {
		t.Fatal(err)
	}
	defer super.Close()
	for _, q := range []string{"REVOKE ALL ON SCHEMA public FROM PUBLIC", "ALTER SCHEMA public OWNER TO kenshin_owner",
		"GRANT USAGE ON SCHEMA public TO kenshin_app, kenshin_backup"} {
		if _, err := super.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	return urls
}

func newDatabase(t testing.TB, clause string) URLs {
	t.Helper()
	s, err := start()
	if errors.Is(err, errNoServer) {
		t.Skip(err.Error())
	}
	if err != nil {
		t.Fatalf("dbtest: start PostgreSQL: %v", err)
	}
	name := fmt.Sprintf("kenshin_%d", s.next.Add(1))
	if err := s.exec("CREATE DATABASE " + name + " " + clause); err != nil {
		t.Fatalf("dbtest: %v", err)
	}
	t.Cleanup(func() {
		if err := s.exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Errorf("dbtest: %v", err)
		}
	})
	return URLs{App: s.url("kenshin_app", name), Owner: s.url("kenshin_owner", name), Backup: s.url("kenshin_backup", name), Super: s.url("postgres", name)}
}

func (s *server) exec(query string) error {
	super, err := s.super("postgres")
	if err != nil {
		return err
	}
	defer super.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := super.ExecContext(ctx, query); err != nil {
		return fmt.Errorf("%s: %w", query, err)
	}
	return nil
}
