package kenshin_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// A clone has no bundle yet, and the machine may have no npm: `make run` must still go on.
func TestAssetsOfAFreshClone(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash on this machine")
	}
	clone := t.TempDir()
	for _, dir := range []string{"scripts", "web/bundle", "web/asset/dist", "bin"} {
		if err := os.MkdirAll(filepath.Join(clone, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	script, err := os.ReadFile("scripts/assets.sh")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(clone, "scripts/assets.sh"), script, 0o755); err != nil {
		t.Fatal(err)
	}
	// Only what the script needs besides npm is on its PATH.
	for _, tool := range []string{"dirname", "find"} {
		path, err := exec.LookPath(tool)
		if err != nil {
			t.Skip("no " + tool + " on this machine")
		}
		if err := os.Symlink(path, filepath.Join(clone, "bin", tool)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(bash, filepath.Join(clone, "scripts/assets.sh"))
	cmd.Env = []string{"PATH=" + filepath.Join(clone, "bin")}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if !bytes.Contains(out, []byte("npm is not on this machine")) {
		t.Errorf("it does not say why there is no bundle: %q", out)
	}
}
