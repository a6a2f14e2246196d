// Package bintest builds the real kenshin program once per test process and runs it, so that tests see what a user sees.
package bintest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

var built struct {
	once sync.Once
	dir  string
	err  error
}

// Main is for TestMain: it removes the program after all tests.
func Main(m *testing.M) int {
	defer func() {
		if built.dir != "" {
			_ = os.RemoveAll(built.dir)
		}
	}()
	return m.Run()
}

// Dir returns the folder of the program "kenshin". KENSHIN_BIN names a program that is there already.
func Dir(t testing.TB) string {
	t.Helper()
	built.once.Do(func() { built.dir, built.err = build() })
	if built.err != nil {
		t.Fatalf("bintest: %v", built.err)
	}
	return built.dir
}

func build() (string, error) {
	dir, err := os.MkdirTemp("", "kenshin-bin-")
	if err != nil {
		return "", err
	}
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // other users run it in tests
		return dir, err
	}
	if have := os.Getenv("KENSHIN_BIN"); have != "" {
		have, err = filepath.Abs(have)
		if err != nil {
			return dir, err
		}
		return dir, os.Symlink(have, filepath.Join(dir, "kenshin"))
	}
	cmd := exec.Command("go", "build", "-o", filepath.Join(dir, "kenshin"), "kenshin/cmd/kenshin")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return dir, fmt.Errorf("build kenshin: %w\n%s", err, out)
	}
	return dir, nil
}

// Server is a running "kenshin serve".
type Server struct {
	URL   string // the console's address
	Setup string // the one-time address of the first set-up, "" when it is done
	cmd   *exec.Cmd
	log   *buffer
	done  chan error
}

var (
	setupLine = regexp.MustCompile(`https?://\S+/setup\S*`)
	urlLine   = regexp.MustCompile(`https?://[^\s/]+`)
)

// Start runs "kenshin serve" with the arguments and waits until it says its address. env is added to the environment.
func Start(dir string, env []string, args ...string) (*Server, error) {
	s := &Server{log: &buffer{}, done: make(chan error, 1)}
	s.cmd = exec.Command(filepath.Join(dir, "kenshin"), append([]string{"serve"}, args...)...) //nolint:gosec // our own program
	s.cmd.Env = append(os.Environ(), env...)
	s.cmd.Stderr = s.log
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	said := make(chan string, 1)
	go func() {
		in := bufio.NewScanner(out)
		for in.Scan() {
			fmt.Fprintln(s.log, in.Text())
			if u := urlLine.FindString(in.Text()); u != "" {
				select {
				case said <- in.Text():
				default:
				}
			}
		}
		_, _ = io.Copy(io.Discard, out)
		s.done <- s.cmd.Wait()
		close(s.done)
	}()
	select {
	case line := <-said:
		s.URL, s.Setup = urlLine.FindString(line), setupLine.FindString(line)
		return s, nil
	case err := <-s.done:
		return nil, fmt.Errorf("kenshin serve ended: %w\n%s", err, s.Log())
	case <-time.After(60 * time.Second):
		s.Kill()
		return nil, fmt.Errorf("kenshin serve says no address\n%s", s.Log())
	}
}

// Serve is Start for a test: it ends the server with the test.
func Serve(t testing.TB, env []string, args ...string) *Server {
	t.Helper()
	s, err := Start(Dir(t), env, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Kill()
		if t.Failed() {
			t.Logf("kenshin serve said:\n%s", s.Log())
		}
	})
	return s
}

// Kill ends the server as a power cut would (SIGKILL) and waits until it is gone.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill()
	<-s.done
}

// Stop asks it to end (SIGTERM) and returns how it ended.
func (s *Server) Stop(ctx context.Context) error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case err := <-s.done:
		return err
	case <-ctx.Done():
		return errors.Join(ctx.Err(), errors.New(s.Log()))
	}
}

// Log is everything that it has printed.
func (s *Server) Log() string { return s.log.String() }

// Run runs the program once and returns its exit code and output.
func Run(t testing.TB, env []string, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := exec.Command(filepath.Join(Dir(t), "kenshin"), args...) //nolint:gosec // our own program
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdin = strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), out.String(), errs.String()
	}
	if err != nil {
		t.Fatalf("bintest: run kenshin: %v", err)
	}
	return 0, out.String(), errs.String()
}

// Must is Run for a command that has to succeed; it returns standard output.
func Must(t testing.TB, env []string, stdin string, args ...string) string {
	t.Helper()
	code, stdout, stderr := Run(t, env, stdin, args...)
	if code != 0 {
		t.Fatalf("kenshin %s: exit code %d\n%s%s", strings.Join(args, " "), code, stdout, stderr)
	}
	return stdout
}

// buffer is written and read by several goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
