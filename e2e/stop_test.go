package e2e_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"kenshin/internal/bintest"
)

// cutOff runs a command and sends it a signal as soon as when says so. It returns the exit code and what was said on stderr.
func cutOff(t *testing.T, signal os.Signal, when func() bool, stdin string, args ...string) (code int, said string) {
	t.Helper()
	cmd := exec.Command(filepath.Join(bintest.Dir(t), "kenshin"), args...) //nolint:gosec // our own program
	cmd.Env = append(os.Environ(), "LANG=ja_JP.UTF-8")
	cmd.Stdin = strings.NewReader(stdin)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for end := time.Now().Add(time.Minute); !when(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			_ = cmd.Process.Kill()
			t.Fatalf("kenshin %s did not come to where it is to be cut off: %v\n%s", strings.Join(args, " "), <-ended, errs.String())
		}
	}
	_ = cmd.Process.Signal(signal)
	select {
	case err := <-ended:
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			code = exit.ExitCode()
		} else if err != nil {
			t.Fatal(err)
		}
	case <-time.After(30 * time.Second):
		_ = cmd.Process.Kill()
		t.Fatalf("kenshin %s does not end\n%s", strings.Join(args, " "), errs.String())
	}
	return code, errs.String()
}

func there(pattern string) func() bool {
	return func() bool { found, _ := filepath.Glob(pattern); return len(found) > 0 }
}

// oneLine fails unless exactly one line was said, with these words in it.
func oneLine(t *testing.T, said, words string) {
	t.Helper()
	if strings.Count(said, "\n") != 1 || !strings.Contains(said, words) {
		t.Errorf("it should say %q in one line, and said:\n%s", words, said)
	}
}

// TestCutOff stops commands halfway, as a person does with Ctrl-C and a machine that goes down with SIGTERM: one sentence, the right code,
// nothing half done, and the same command can be run again.
func TestCutOff(t *testing.T) {
	t.Parallel()
	bintest.Dir(t)
	dir := folder(t)
	hospital(t, "--data", dir)
	s := site{args: []string{"--data", dir}}
	db := opened(t, "sqlite", "file:"+filepath.Join(dir, "kenshin.db")+"?mode=ro&_pragma=busy_timeout(10000)")
	files := t.TempDir()
	at := func(name string) string { return filepath.Join(files, name) }
	run := func(args ...string) (int, string) {
		code, _, errs := bintest.Run(t, []string{"LANG=ja_JP.UTF-8"}, "", append(args, s.args...)...)
		return code, errs
	}
	if err := os.WriteFile(at("ledger.csv"), sheetOf(1, killRows), 0o600); err != nil {
		t.Fatal(err)
	}

	t.Run("import before anything is in", func(t *testing.T) {
		staging := func() bool { return number(t, db, "SELECT count(*) FROM ledger_imports") > 0 }
		code, said := cutOff(t, os.Interrupt, staging, "", append([]string{"import", "ledger", at("ledger.csv")}, s.args...)...)
		in := number(t, db, "SELECT count(*) FROM ledger_devices")
		switch code {
		case 1:
			oneLine(t, said, "途中で止めました")
			if n := number(t, db, "SELECT count(*) FROM ledger_imports"); n != 0 || in != 0 {
				t.Errorf("left behind: %d imports, %d devices", n, in)
			}
		case 3: // the signal came when rows were going in already
			oneLine(t, said, "kenshin import resume")
			if code, errs := run("import", "undo", regexp.MustCompile(`resume (\S+)`).FindStringSubmatch(said)[1]); code != 0 {
				t.Errorf("undo: %d %s", code, errs)
			}
		default:
			t.Errorf("exit code %d: %s", code, said)
		}
	})
	t.Run("import", func(t *testing.T) {
		taken := func() bool {
			return number(t, db, "SELECT count(*) FROM ledger_import_rows r JOIN ledger_imports i ON i.id = r.import_id WHERE i.state = 'applying' AND r.state = 'done'") > 0
		}
		code, said := cutOff(t, syscall.SIGTERM, taken, "", append([]string{"import", "ledger", at("ledger.csv")}, s.args...)...)
		if code != 3 {
			t.Fatalf("exit code %d: %s", code, said)
		}
		oneLine(t, said, "途中で止めました")
		more := regexp.MustCompile(`kenshin import resume (\S+)`).FindStringSubmatch(said)
		if more == nil || !strings.Contains(said, "kenshin import undo") {
			t.Fatalf("it does not say how to go on, or back: %s", said)
		}
		if code, errs := run("import", "resume", more[1]); code != 0 {
			t.Errorf("resume: exit code %d: %s", code, errs)
		}
		if n := number(t, db, "SELECT count(*) FROM ledger_devices WHERE merged_into = ''"); n != killRows {
			t.Errorf("%d devices, want %d", n, killRows)
		}
	})
	t.Run("replay", func(t *testing.T) {
		recording, err := filepath.Abs("../app/demo/observations.ndjson.gz")
		if err != nil {
			t.Fatal(err)
		}
		seen := func() bool { return number(t, db, "SELECT count(*) FROM observation_facts") > 0 }
		code, said := cutOff(t, os.Interrupt, seen, "", append([]string{"replay", recording}, s.args...)...)
		if code == 0 {
			t.Skip("the whole recording was in before the signal")
		}
		if oneLine(t, said, "途中で止めました"); code != 3 && code != 1 {
			t.Errorf("exit code %d: %s", code, said)
		}
		if code, errs := run("replay", recording); code != 0 {
			t.Errorf("again: exit code %d: %s", code, errs)
		}
	})
	t.Run("backup and restore", func(t *testing.T) {
		code, said := cutOff(t, os.Interrupt, there(at("a.kenshin.part-*")), "", append([]string{"backup", "--out", at("a.kenshin")}, s.args...)...)
		if code != 1 {
			t.Fatalf("exit code %d: %s", code, said)
		}
		oneLine(t, said, "バックアップのファイルは作っていません")
		if left, _ := filepath.Glob(at("a.kenshin*")); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
		if code, errs := run("backup", "--out", at("a.kenshin")); code != 0 {
			t.Fatalf("again: exit code %d: %s", code, errs)
		}

		into := folder(t)
		restore := []string{"restore", at("a.kenshin"), "--data", into, "--key-file", filepath.Join(dir, "key")}
		code, said = cutOff(t, syscall.SIGTERM, there(filepath.Join(into, "restore-*")), "", restore...)
		if code != 1 {
			t.Fatalf("exit code %d: %s", code, said)
		}
		oneLine(t, said, "何も戻していません")
		if left, _ := os.ReadDir(into); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
		bintest.Must(t, nil, "", restore...)
		bintest.Must(t, nil, "", "trail", "verify", "--data", into, "--key-file", filepath.Join(dir, "key"))
	})
	t.Run("demo", func(t *testing.T) {
		into := folder(t)
		code, said := cutOff(t, os.Interrupt, there(filepath.Join(into, "demo-*", "kenshin.db")), "", "demo", "--data", into)
		if code != 1 {
			t.Fatalf("exit code %d: %s", code, said)
		}
		oneLine(t, said, "見本はできていません")
		if there(filepath.Join(into, "kenshin.db"))() || there(filepath.Join(into, "demo-*"))() {
			t.Error("a part of the demo is left behind")
		}
		bintest.Must(t, nil, "", "demo", "--data", into)
	})
	t.Run("server before it began", func(t *testing.T) {
		into := folder(t)
		code, said := cutOff(t, syscall.SIGTERM, there(filepath.Join(into, "kenshin.db")), "", "serve", "--data", into, "--listen", "127.0.0.1:0")
		if code != 0 || strings.Contains(said, "kenshin:") {
			t.Errorf("exit code %d: %s", code, said)
		}
	})
}
