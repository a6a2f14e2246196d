package mailtest

import (
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Server is Debian's postfix with dovecot behind it: mail that postfix takes lies in a mailbox that dovecot shows. Both run as instances of
// their own, on loopback, from a folder that is thrown away. Postfix delivers to hospital.test only; nothing can leave the machine.
type Server struct {
	SMTP       string // HOST:PORT, STARTTLS, sign-in by PLAIN or LOGIN, no sign-in needed
	Submission string // the same, sign-in needed
	IMAP       string // HOST:PORT, STARTTLS
	IMAPS      string
	Roots      *x509.CertPool // trusts the certificate of both, which is for localhost
	Dir        string
	t          testing.TB
}

// Users have a mailbox each, at hospital.test, with this password.
const Password = "geheim 秘密"

// Missing tells why Real cannot run here; "" if it can.
func Missing() string {
	for _, p := range []string{"/usr/sbin/postfix", "/usr/sbin/dovecot", "/usr/lib/dovecot/lmtp", "/usr/lib/dovecot/imap"} {
		if _, err := os.Stat(p); err != nil {
			return p + " is not installed (Debian: apt-get install postfix dovecot-imapd dovecot-lmtpd)"
		}
	}
	if os.Getuid() != 0 {
		return "postfix's master wants to be root"
	}
	return ""
}

// Real starts postfix and dovecot for as long as the test, with a mailbox for each user; it skips the test where they are not installed.
// extra are lines for postfix's main.cf.
func Real(t testing.TB, users []string, extra ...string) *Server {
	t.Helper()
	if why := Missing(); why != "" {
		t.Skip(why)
	}
	dir, err := os.MkdirTemp("/tmp", "kenshin-mail-") // short for sockets, and open for the servers' own users
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	config, roots := Certificate(t, "localhost", "127.0.0.1")
	Files(t, dir, config)
	s := &Server{Roots: roots, Dir: dir, t: t}
	ports := free(t, 4)
	s.SMTP, s.Submission, s.IMAP, s.IMAPS = at(ports[0]), at(ports[1]), at(ports[2]), at(ports[3])
	s.dovecot(users, ports[2], ports[3])
	s.postfix(users, ports[0], ports[1], extra)
	for _, a := range []string{s.SMTP, s.Submission, s.IMAP, s.IMAPS} {
		s.awake(a)
	}
	return s
}

func at(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

// Port is the port of HOST:PORT.
func Port(addr string) int {
	var p int
	fmt.Sscanf(addr[strings.LastIndexByte(addr, ':')+1:], "%d", &p)
	return p
}

func free(t testing.TB, n int) []int {
	t.Helper()
	var ports []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

// awake waits until a server greets.
func (s *Server) awake(addr string) {
	s.t.Helper()
	end := time.Now().Add(20 * time.Second)
	for time.Now().Before(end) {
		c, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			c.Close()
			return
		}
		time.Sleep(20 * time.Millisecond) // until it listens
	}
	s.t.Fatalf("no server at %s\n%s", addr, s.Log())
}

// Log is what the servers wrote.
func (s *Server) Log() string {
	var all strings.Builder
	for _, name := range []string{"postfix.log", "dovecot.log"} {
		b, _ := os.ReadFile(filepath.Join(s.Dir, name))
		all.Write(b)
	}
	return all.String()
}

// Restart stops postfix and starts it again at the same ports.
func (s *Server) Restart(down time.Duration) {
	s.t.Helper()
	s.control("stop")
	time.Sleep(down) // being away is what is asked for
	s.control("start")
	s.awake(s.SMTP)
}

func (s *Server) control(verb string) {
	s.t.Helper()
	if out, err := exec.Command("/usr/sbin/postfix", "-c", filepath.Join(s.Dir, "etc"), verb).CombinedOutput(); err != nil {
		s.t.Fatalf("postfix %s: %v\n%s\n%s", verb, err, out, s.Log())
	}
}

func (s *Server) postfix(users []string, smtp, submission int, extra []string) {
	s.t.Helper()
	etc := filepath.Join(s.Dir, "etc")
	for _, d := range []string{etc, filepath.Join(s.Dir, "queue"), filepath.Join(s.Dir, "data")} {
		if err := os.Mkdir(d, 0o755); err != nil {
			s.t.Fatal(err)
		}
	}
	if out, err := exec.Command("chown", "postfix", filepath.Join(s.Dir, "data")).CombinedOutput(); err != nil {
		s.t.Fatalf("%v %s", err, out)
	}
	var boxes strings.Builder
	for _, u := range users {
		fmt.Fprintf(&boxes, "%s@hospital.test ok\n", u)
	}
	put(s.t, filepath.Join(etc, "boxes"), boxes.String(), 0o644)
	main := strings.NewReplacer("DIR", s.Dir).Replace(`
compatibility_level = 3.6
queue_directory = DIR/queue
data_directory = DIR/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = DIR/postfix.log
maillog_file_prefixes = DIR
myhostname = relay.hospital.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
virtual_mailbox_domains = hospital.test
virtual_mailbox_maps = texthash:DIR/etc/boxes
virtual_transport = lmtp:unix:DIR/lmtp
default_transport = error:5.4.4 nothing leaves this machine
relay_transport = error:5.4.4 nothing leaves this machine
local_transport = error:5.1.1 no local users
alias_maps =
alias_database =
disable_dns_lookups = yes
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination
smtpd_recipient_restrictions = reject_unlisted_recipient
smtpd_tls_security_level = may
smtpd_tls_cert_file = DIR/cert.pem
smtpd_tls_key_file = DIR/key.pem
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = DIR/auth
smtputf8_enable = yes
message_size_limit = 20480000
minimal_backoff_time = 1s
queue_run_delay = 1s
`) + strings.Join(extra, "\n") + "\n"
	put(s.t, filepath.Join(etc, "main.cf"), main, 0o644)
	put(s.t, filepath.Join(etc, "master.cf"), fmt.Sprintf(`
127.0.0.1:%d inet n - n - - smtpd
127.0.0.1:%d inet n - n - - smtpd
  -o smtpd_sender_restrictions=permit_sasl_authenticated,reject
  -o smtpd_delay_reject=no
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`, smtp, submission), 0o644)
	s.control("start")
	s.t.Cleanup(func() { s.control("stop") })
}

func (s *Server) dovecot(users []string, imap, imaps int) {
	s.t.Helper()
	home := filepath.Join(s.Dir, "mail")
	if err := os.Mkdir(home, 0o755); err != nil {
		s.t.Fatal(err)
	}
	if out, err := exec.Command("chown", "mail:mail", home).CombinedOutput(); err != nil {
		s.t.Fatalf("%v %s", err, out)
	}
	var passwd strings.Builder
	for _, u := range users {
		fmt.Fprintf(&passwd, "%s@hospital.test:{PLAIN}%s\n", u, Password)
	}
	put(s.t, filepath.Join(s.Dir, "users"), passwd.String(), 0o644)
	file := filepath.Join(s.Dir, "dovecot.conf")
	put(s.t, file, strings.NewReplacer("DIR", s.Dir, "IMAP4", fmt.Sprint(imap), "IMAP9", fmt.Sprint(imaps)).Replace(`
base_dir = DIR/run
instance_name = kenshin-test
log_path = DIR/dovecot.log
listen = 127.0.0.1
protocols = imap lmtp
ssl = required
ssl_cert = <DIR/cert.pem
ssl_key = <DIR/key.pem
auth_mechanisms = plain login
first_valid_uid = 1
mail_uid = mail
mail_gid = mail
mail_home = DIR/mail/%n
mail_location = maildir:~/Maildir
mail_fsync = never
lda_mailbox_autocreate = yes
passdb {
  driver = passwd-file
  args = username_format=%u DIR/users
}
userdb {
  driver = static
  args = uid=mail gid=mail home=DIR/mail/%n
}
namespace inbox {
  inbox = yes
  separator = /
  mailbox 迷惑メール {
    auto = create
    special_use = \Junk
  }
}
service imap-login {
  inet_listener imap {
    port = IMAP4
  }
  inet_listener imaps {
    port = IMAP9
    ssl = yes
  }
}
service lmtp {
  unix_listener DIR/lmtp {
    mode = 0666
  }
}
service auth {
  unix_listener DIR/auth {
    mode = 0666
  }
}
service stats {
  unix_listener stats-writer {
    mode = 0666
  }
}
`), 0o644)
	cmd := exec.Command("/usr/sbin/dovecot", "-F", "-c", file)
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		exec.Command("/usr/bin/doveadm", "-c", file, "stop").Run()
		cmd.Wait()
	})
}

// Doveadm runs dovecot's administration, to change a mailbox behind a reader's back.
func (s *Server) Doveadm(args ...string) string {
	s.t.Helper()
	out, err := exec.Command("/usr/bin/doveadm", append([]string{"-c", filepath.Join(s.Dir, "dovecot.conf")}, args...)...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("doveadm %v: %v\n%s", args, err, out)
	}
	return string(out)
}
