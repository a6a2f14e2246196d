// Command bench measures Kenshin on this machine: each figure beside a floor or a peer that was measured in the same run. scripts/bench.sh
// prepares what it needs and says in the environment where that is. It is a tool for developers and no part of the product.
package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// bench is one run.
type bench struct {
	ctx    context.Context
	bin    string // the program that is measured
	dir    string // for data that is thrown away
	lab    lab
	peers  bool // also the slow ones
	only   string
	cpu    time.Duration // that the last command took of the processors: what else runs on the machine matters less to it
	lines  []line
	failed bool
}

// line is one figure.
type line struct{ what, figure, target, beside, ratio string }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	dir, err := os.MkdirTemp("", "kenshin-bench-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	defer os.RemoveAll(dir)
	b := &bench{ctx: ctx, bin: os.Getenv("BENCH_BIN"), dir: dir, peers: os.Getenv("BENCH_PEERS") == "1", only: os.Getenv("BENCH_ONLY"),
		lab: lab{script: os.Getenv("BENCH_LAB"), prefix: os.Getenv("LAB_PREFIX")}}
	for _, step := range []struct {
		name string
		run  func() error
	}{
		{"binary", b.binary}, {"insert", b.inserts}, {"read", b.reading}, {"import", b.imports}, {"list", b.list}, {"replay", b.replay},
		{"serve", b.serve}, {"checkup", b.checkup}, {"wire", b.wire}, {"presence", b.presence}, {"judge", b.judging}, {"assess", b.assessing}, {"pack", b.packing}, {"drill", b.drill}, {"drillkills", b.drillKills},
	} {
		if b.only != "" && !strings.Contains(","+b.only+",", ","+step.name+",") {
			continue
		}
		if err := step.run(); err != nil {
			b.failed = true
			b.say(line{what: step.name, figure: "not measured: " + firstLine(err.Error())})
		}
	}
	if err := b.write(os.Getenv("BENCH_OUT")); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		b.failed = true
	}
	if b.failed {
		os.RemoveAll(dir)
		os.Exit(1) //nolint:gocritic // dir is gone
	}
}

func (b *bench) say(l line) {
	b.lines = append(b.lines, l)
	fmt.Printf("%-62s %-34s", l.what, l.figure)
	if l.target != "" {
		fmt.Printf(" (target %s)", l.target)
	}
	if l.beside != "" {
		fmt.Printf("  beside %s", l.beside)
	}
	if l.ratio != "" {
		fmt.Printf("  = %s", l.ratio)
	}
	fmt.Println()
}

// write keeps the run as a file with the machine that it ran on.
func (b *bench) write(path string) error {
	if path == "" {
		return nil
	}
	var md strings.Builder
	fmt.Fprintf(&md, "# Kenshin bench, %s\n\n%s\n\n| figure | Kenshin | target | beside | ratio |\n|---|---|---|---|---|\n",
		time.Now().Format("2006-01-02 15:04 MST"), machine())
	for _, l := range b.lines {
		fmt.Fprintf(&md, "| %s | %s | %s | %s | %s |\n", l.what, l.figure, l.target, l.beside, l.ratio)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // a report
		return err
	}
	return os.WriteFile(path, []byte(md.String()), 0o644) //nolint:gosec // a report
}

// machine describes what the figures were measured on.
func machine() string {
	cpu := field("/proc/cpuinfo", "model name")
	memory := field("/proc/meminfo", "MemTotal")
	load, _ := os.ReadFile("/proc/loadavg")
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	commit, _ := exec.Command("git", "describe", "--always", "--dirty").Output()
	return fmt.Sprintf("%s, %d cores, %s memory, Linux %s, %s, commit %s, load before %s", cpu, runtime.NumCPU(), memory,
		strings.TrimSpace(string(kernel)), runtime.Version(), strings.TrimSpace(string(commit)), firstOf(os.Getenv("BENCH_LOAD"), strings.TrimSpace(string(load))))
}

func field(file, name string) string {
	b, _ := os.ReadFile(file)
	for l := range strings.Lines(string(b)) {
		if k, v, ok := strings.Cut(l, ":"); ok && strings.TrimSpace(k) == name {
			return strings.TrimSpace(v)
		}
	}
	return "?"
}

// run runs a command and returns its output and how long it took.
func (b *bench) run(args ...string) (out string, took time.Duration, err error) {
	cmd := exec.CommandContext(b.ctx, args[0], args[1:]...) //nolint:gosec // our own commands
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	start := time.Now()
	err = cmd.Run()
	took = time.Since(start)
	if cmd.ProcessState != nil {
		b.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	if err != nil {
		err = fmt.Errorf("%s: %w: %s", strings.Join(args[:min(len(args), 3)], " "), err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), took, err
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

func firstOf(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

// busy is how long the last command took, and how much of the processors.
func (b *bench) busy(took time.Duration) string {
	return seconds(took) + " (" + seconds(b.cpu) + " of processor time)"
}

func millis(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }

// times says how many times faster a is than b.
func times(a, b time.Duration) string {
	if a <= 0 {
		return ""
	}
	return fmt.Sprintf("%.1f x as fast", b.Seconds()/a.Seconds())
}
