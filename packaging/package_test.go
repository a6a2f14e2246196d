// Package packaging holds the Debian package; its test installs it for real in a throw-away copy of the system.
package packaging

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestPackage(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and installs the package twice")
	}
	if os.Getuid() != 0 {
		t.Skip("needs root, for a mount namespace of its own")
	}
	for _, tool := range []string{"dpkg-deb", "unshare", "setpriv", "curl", "systemd-analyze"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	out, err := exec.Command("../scripts/package-test.sh").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if s := string(out); strings.Contains(s, "SKIP") {
		t.Skip(strings.TrimSpace(s))
	}
	t.Log(string(out))
}
