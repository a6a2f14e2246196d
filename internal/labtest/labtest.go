// Package labtest runs tests in the lab: a hospital of network namespaces on this machine (lab.sh), without any way out.
//
//	lab := labtest.Up(t)                        // skipped, with the reason, where no lab can be built
//	t.Run("quiet", func(t *testing.T) {
//		seen := lab.Capture("us1", labtest.In)  // what arrives at a device
//		lab.InSensor(t, func() { ... })         // Go code, run inside the sensor's namespace
//		frames := seen.Stop()
//	})
//
// InSensor starts the test's own binary once more in the sensor's namespace, for this (sub)test alone. There the test runs from its
// beginning, too: Up finds the lab that is up; Capture, Do and Exec do nothing outside of InSensor; and the (sub)test ends after the
// function given to InSensor, as skipped or failed. The two processes share files in lab.Dir.
package labtest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Lab is a running lab.
type Lab struct {
	Prefix string // of its namespaces: <Prefix>-<node>
	Dir    string // state, logs; tests may put files there to pass results from InSensor
	Plan   string
	script string
	t      testing.TB
	child  bool // in the re-executed binary
	inside bool // there, while InSensor's function runs
	used   map[string]bool
}

// Device is one device of the truth.
type Device struct {
	Name       string       `json:"name"`
	Type       string       `json:"type"`
	MAC        string       `json:"mac"`
	IPv4       []netip.Addr `json:"ipv4"`
	IPv6       string       `json:"ipv6_link_local"`
	Medical    bool         `json:"medical"`
	Plugged    bool         `json:"plugged"`
	Services   []string     `json:"services"`
	Switch     string       `json:"switch"`
	Port       string       `json:"port"`
	Randomised bool         `json:"mac_randomised"`
}

const (
	childEnv  = "KENSHIN_LABTEST_CHILD" // the lab's prefix
	childTest = "KENSHIN_LABTEST_TEST"  // the test that called InSensor
)

// Up builds a lab of its own, torn down when the test ends. plan is an optional file for LAB_PLAN.
func Up(t testing.TB, plan ...string) *Lab {
	t.Helper()
	script := findScript(t)
	l := &Lab{script: script, t: t, used: map[string]bool{}}
	if len(plan) > 0 {
		l.Plan = plan[0]
	}
	if prefix := os.Getenv(childEnv); prefix != "" {
		l.use(prefix)
		l.child = true
		return l
	}
	if testing.Short() {
		t.Skip("labtest: -short")
	}
	if os.Geteuid() != 0 {
		t.Skip("labtest: needs root for network namespaces")
	}
	if out, err := exec.Command("unshare", "--net", "--mount", "--pid", "--fork", "true").CombinedOutput(); err != nil {
		t.Skipf("labtest: no network namespaces here: %v %s", err, out)
	}
	l.use("t" + strings.ToLower(rand.Text()[:4]))
	t.Cleanup(func() {
		if out, err := l.run(context.Background(), "down").CombinedOutput(); err != nil {
			t.Errorf("labtest: down: %v\n%s", err, out)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 9*time.Minute) // 10 s on a machine with nothing else to do
	defer cancel()
	cmd := l.run(ctx, "up")
	cmd.WaitDelay = time.Second // the lab's daemons keep the pipe open
	if out, err := output(cmd); err != nil {
		if strings.Contains(out, "is missing") {
			t.Skipf("labtest: %s", strings.TrimSpace(out))
		}
		t.Fatalf("labtest: up: %v\n%s", err, out)
	}
	return l
}

// output runs a command whose children may outlive it, so its output goes to a file, not to a pipe.
func output(cmd *exec.Cmd) (string, error) {
	f, err := os.CreateTemp("", "labtest-")
	if err != nil {
		return "", err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	cmd.Stdout, cmd.Stderr = f, f
	err = cmd.Run()
	b, _ := os.ReadFile(f.Name())
	return string(b), err
}

// findScript looks at KENSHIN_LAB, then beside the module's folder.
func findScript(t testing.TB) string {
	t.Helper()
	if p := os.Getenv("KENSHIN_LAB"); p != "" {
		if _, err := os.Stat(p); err != nil {
			t.Skipf("labtest: KENSHIN_LAB: %v", err)
		}
		return p
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Stat(filepath.Join(d, "go.mod")); err == nil {
			p := filepath.Join(d, "..", "shared", "lab", "lab.sh")
			if _, err := os.Stat(p); err != nil {
				t.Skip("labtest: no lab.sh; name it in KENSHIN_LAB")
			}
			return p
		}
		if d == filepath.Dir(d) {
			t.Skip("labtest: not inside the module")
		}
	}
}

func (l *Lab) use(prefix string) {
	l.Prefix, l.Dir = prefix, filepath.Join("/tmp", "hosplab-"+prefix)
}

func (l *Lab) run(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "bash", append([]string{l.script}, args...)...) //nolint:gosec // our own script
	cmd.Env = append(os.Environ(), "LAB_PREFIX="+l.Prefix, "LAB_DIR="+l.Dir)
	if l.Plan != "" {
		cmd.Env = append(cmd.Env, "LAB_PLAN="+l.Plan)
	}
	return cmd
}

// idle reports that this code runs in the child outside of InSensor, where nothing must be done twice.
func (l *Lab) idle() bool { return l.child && !l.inside }

// Do runs a verb of lab.sh: plug, unplug, move, remac, many.
func (l *Lab) Do(verb string, args ...string) {
	l.t.Helper()
	if l.idle() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if out, err := output(l.run(ctx, append([]string{verb}, args...)...)); err != nil {
		l.t.Fatalf("labtest: %s %v: %v\n%s", verb, args, err, out)
	}
}

// Exec runs a command inside a device's network and returns its output.
func (l *Lab) Exec(node string, cmd ...string) string {
	l.t.Helper()
	if l.idle() {
		return ""
	}
	out, err := exec.Command("ip", append([]string{"netns", "exec", l.Prefix + "-" + node}, cmd...)...).CombinedOutput()
	if err != nil {
		l.t.Fatalf("labtest: exec %s %v: %v\n%s", node, cmd, err, out)
	}
	return string(out)
}

// Truth returns the devices as they are now.
func (l *Lab) Truth() []Device {
	l.t.Helper()
	var stderr bytes.Buffer
	cmd := l.run(context.Background(), "truth")
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var truth struct {
		Devices []Device `json:"devices"`
	}
	if err == nil {
		err = json.Unmarshal(out, &truth)
	}
	if err != nil {
		l.t.Fatalf("labtest: truth: %v\n%s", err, stderr.String())
	}
	return truth.Devices
}

// Device returns one device of the truth by name.
func (l *Lab) Device(name string) Device {
	l.t.Helper()
	for _, d := range l.Truth() {
		if d.Name == name {
			return d
		}
	}
	l.t.Fatalf("labtest: no device %s", name)
	return Device{}
}

// InSensor runs fn in a copy of the test t inside the sensor's namespace; its failures are t's failures. A test or subtest calls it once.
// env is added to the copy's environment as NAME=value.
func (l *Lab) InSensor(t *testing.T, fn func(), env ...string) {
	t.Helper()
	if l.child {
		if t.Name() == os.Getenv(childTest) {
			l.inside = true
			fn()
			t.SkipNow() // the rest belongs to the first process; a failure stays a failure
		}
		return
	}
	if l.used[t.Name()] {
		t.Fatal("labtest: one InSensor for each test or subtest")
	}
	l.used[t.Name()] = true
	run := regexp.MustCompile(`[^/]+`).ReplaceAllStringFunc(t.Name(), func(s string) string { return "^" + regexp.QuoteMeta(s) + "$" })
	cmd := exec.Command("ip", "netns", "exec", l.Prefix+"-sensor", os.Args[0], "-test.run="+run, "-test.v", "-test.count=1", "-test.timeout=10m") //nolint:gosec // ourselves
	cmd.Env = append(append(os.Environ(), childEnv+"="+l.Prefix, childTest+"="+t.Name()), env...)
	out, err := cmd.CombinedOutput()
	t.Logf("in the sensor:\n%s", out)
	if err != nil {
		t.Fatalf("labtest: in the sensor: %v", err)
	}
	if !bytes.Contains(out, []byte("=== RUN   "+t.Name()+"\n")) {
		t.Fatalf("labtest: the copy did not run %s", t.Name())
	}
}
