package mailtest

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
)

// Save puts a mail into a folder of user@hospital.test.
func (s *Server) Save(user, folder string, raw []byte) {
	s.t.Helper()
	cmd := exec.Command("/usr/bin/doveadm", "-c", filepath.Join(s.Dir, "dovecot.conf"), "save", "-u", user+"@hospital.test", "-m", folder)
	cmd.Stdin = bytes.NewReader(raw)
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("doveadm save: %v\n%s", err, out)
	}
}

// Configure adds lines to dovecot's configuration and makes it read them; connections from then on follow it.
func (s *Server) Configure(lines string) {
	s.t.Helper()
	f, err := os.OpenFile(filepath.Join(s.Dir, "dovecot.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(lines + "\n"); err != nil {
		s.t.Fatal(err)
	}
	s.Doveadm("reload")
}
