package exposure

import (
	"testing"
	"time"

	"kenshin/ledger"
	"kenshin/observation"
)

var now = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

func outcome(t *testing.T, id string, s Subject) Verdict {
	t.Helper()
	s.Now = now
	if s.Device == nil {
		s.Device = &ledger.Device{State: ledger.Registered}
	}
	for _, r := range Examine(s) {
		if r.Check.ID == id {
			return r.Verdict
		}
	}
	t.Fatalf("no check %s", id)
	return Verdict{}
}

func seen(signal observation.Signal, port uint16, value string, ago time.Duration, kv ...string) observation.Observation {
	o := observation.Observation{Signal: signal, Port: port, Value: value, At: now.Add(-ago)}
	for i := 0; i+1 < len(kv); i += 2 {
		o.Detail = map[string]string{kv[i]: kv[i+1]}
	}
	return o
}

func TestSilenceIsNeverAPass(t *testing.T) {
	for _, id := range []string{"smb1", "telnet", "open-database", "ftp", "vnc", "tls-old", "os-support"} {
		if v := outcome(t, id, Subject{}); v.Outcome != NotTested {
			t.Errorf("%s on a device that was never asked: %v, want NotTested", id, v.Outcome)
		}
	}
}

// Kenshin itself is no unknown device; what nobody has looked at is.
func TestUnknownDevice(t *testing.T) {
	for kind, want := range map[string]Outcome{"kenshin": Pass, "pc": Fail} {
		d := &ledger.Device{State: ledger.New, Identity: ledger.Identity{Kind: kind}}
		if v := outcome(t, "unknown-device", Subject{Device: d}); v.Outcome != want {
			t.Errorf("a new %s: %v, want %v", kind, v.Outcome, want)
		}
	}
}

func TestServiceChecks(t *testing.T) {
	asked := seen(observation.Asked, 0, "complete", time.Hour)
	for name, c := range map[string]struct {
		check string
		obs   []observation.Observation
		want  Outcome
	}{
		"smb1 accepted":                        {"smb1", []observation.Observation{asked, seen(observation.SMBDialect, 445, "smb1", time.Hour)}, Fail},
		"only newer dialects":                  {"smb1", []observation.Observation{asked, seen(observation.SMBDialect, 445, "3.1.1", time.Hour)}, Pass},
		"smb1 was there and is gone":           {"smb1", []observation.Observation{asked, seen(observation.SMBDialect, 445, "smb1", 72*time.Hour)}, Pass},
		"a redis with a password":              {"open-database", []observation.Observation{asked, seen(observation.Database, 6379, "redis", time.Hour, "auth", "password")}, Pass},
		"a redis without":                      {"open-database", []observation.Observation{asked, seen(observation.Database, 6379, "redis", time.Hour, "auth", "none")}, Fail},
		"a certificate that ended":             {"tls-expired", []observation.Observation{asked, seen(observation.TLSCert, 443, "x", time.Hour, "not_after", "2026-11-20T00:00:00Z")}, Fail},
		"a certificate that lasts":             {"tls-expired", []observation.Observation{asked, seen(observation.TLSCert, 443, "x", time.Hour, "not_after", "2027-11-20T00:00:00Z")}, Pass},
		"a certificate with an unreadable end": {"tls-expired", []observation.Observation{asked, seen(observation.TLSCert, 443, "x", time.Hour, "not_after", "soon")}, Pass},
	} {
		if v := outcome(t, c.check, Subject{Observations: c.obs}); v.Outcome != c.want {
			t.Errorf("%s: %v, want %v", name, v.Outcome, c.want)
		}
	}
}

func TestSupport(t *testing.T) {
	for os, want := range map[string]Outcome{
		"Windows 7 / Server 2008 R2":      Fail,
		"Windows XP":                      Fail,
		"Windows 10":                      Fail,
		"Windows 10 Pro 22H2":             Fail,
		"Windows 10 / Server 2016-2019":   NotTested, // could be either
		"Windows 11":                      NotTested, // not in the table
		"Windows Server 2022":             Pass,
		"windows server 2012 R2 standard": Fail,
		"Windows 10 IoT Enterprise LTSC":  NotTested, // supported longer than the others
		"CentOS 7":                        Fail,
		"Ubuntu 24.04":                    NotTested,
		"":                                NotTested,
	} {
		d := &ledger.Device{State: ledger.Registered, Word: ledger.Word{OS: os}}
		if v := outcome(t, "os-support", Subject{Device: d}); v.Outcome != want {
			t.Errorf("%q: %v, want %v", os, v.Outcome, want)
		}
	}
	if _, err := supports(); err != nil {
		t.Fatal(err)
	}
}

func TestEveryCheckIsWhole(t *testing.T) {
	ids := map[string]bool{}
	for _, c := range Checks() {
		if ids[c.ID] || c.Severity < Low || c.Severity > Critical || c.Source == "" || c.Minutes == 0 || c.Days == 0 || c.Version == 0 {
			t.Errorf("%s is not whole", c.ID)
		}
		for _, x := range []struct{ ja, en string }{{c.Title.Ja, c.Title.En}, {c.Why.Ja, c.Why.En}, {c.Fix.Ja, c.Fix.En}, {c.Call.Ja, c.Call.En}} {
			if x.ja == "" || x.en == "" {
				t.Errorf("%s lacks a text", c.ID)
			}
		}
		ids[c.ID] = true
	}
}
