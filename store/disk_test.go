package store_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"kenshin/fault"
	"kenshin/internal/dbtest"
	"kenshin/store"
)

// TestFullDiskChild is the body of TestARealFullDisk, in a mount namespace of its own.
func TestFullDiskChild(t *testing.T) {
	dir := os.Getenv("STORE_TEST_SMALL_DISK")
	if dir == "" {
		t.Skip("only as the child of TestARealFullDisk")
	}
	db, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if _, short := db.ShortOfRoom(); !short {
		t.Error("a small disk is not called short of room")
	}
	accepted := 0
	for err == nil && accepted < 10_000 {
		if err = addRun(t.Context(), db, dbtest.Facility, store.NewID(), strings.Repeat("x", 4000)); err == nil {
			accepted++
		}
	}
	if !fault.Is(err, fault.Unavailable) || accepted == 0 {
		t.Fatalf("after %d rows: %v", accepted, err)
	}
	if got := len(titles(t, db, dbtest.Facility)); got != accepted {
		t.Errorf("%d rows, but %d were accepted", got, accepted)
	}
	if _, err := db.Backup(t.Context(), dir+"/backup", store.BackupOptions{}); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a backup onto a full disk: %v", err)
	}
	if left, _ := os.ReadDir(dir); strings.Contains(join(left), "backup") {
		t.Errorf("a half backup was left behind: %s", join(left))
	}
	if err := db.Close(); err != nil {
		t.Logf("close: %v", err)
	}
	again, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatalf("open on the full disk: %v", err)
	}
	defer again.Close()
	if got := len(titles(t, again, dbtest.Facility)); got != accepted {
		t.Errorf("after a restart: %d rows, but %d were accepted", got, accepted)
	}
}

func join(in []os.DirEntry) string {
	var out []string
	for _, e := range in {
		out = append(out, e.Name())
	}
	return strings.Join(out, " ")
}

func TestARealFullDisk(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root to mount a small disk in a namespace of its own")
	}
	unshare, err := exec.LookPath("unshare")
	if err != nil {
		t.Skip("unshare is not installed")
	}
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), unshare, "--mount", "--propagation", "private", "/bin/sh", "-c",
		`mount -t tmpfs -o size=3m,mode=0700 kenshin-test "$1" && exec "$2" -test.run='^TestFullDiskChild$'`, "sh", dir, os.Args[0])
	cmd.Env = append(os.Environ(), "STORE_TEST_SMALL_DISK="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
