package ledger

import (
	"regexp"
	"strings"
	"time"

	"kenshin/i18n"
	"kenshin/jp"
	"kenshin/netid"
)

// Likeness is how sure the evidence is that two entries are one device.
type Likeness int

const (
	Different Likeness = iota
	Maybe              // a person should look: 「同じ機器かもしれません」
	Certain            // merged by itself, undoable: only where more than a device's own words speak for it (see Claim)
)

// Trace is what Same compares of an entry.
type Trace struct {
	Device       netid.DeviceID
	Serial       string
	Maker, Model string
	Ties         Ties
	Random       bool // all its MACs are randomised (locally administered)
	HasMAC       bool
	First, Last  time.Time // zero: never seen
	SaidName     string    // a person's name for it
	SaidIP       []string  // addresses that a person wrote, of an entry never seen
	IPs          []string  // current IPv4 addresses
}

// Same judges whether two entries may be one device with two network cards, a changed or a randomised MAC, or a line of the hospital's
// own ledger that was now found on the wire. It needs no I/O. It never answers Certain: serial numbers, names and DHCP fingerprints are words
// that a device says of itself, and a hostile one would vanish behind the device that it imitates. A person decides.
func Same(a, b Trace) (Likeness, []i18n.Text) {
	as, bs := serial(a.Serial), serial(b.Serial)
	if as != "" && as == bs && compatible(a.Maker, b.Maker) && compatible(a.Model, b.Model) {
		return Maybe, []i18n.Text{t("製造番号が同じです("+a.Serial+")", "They have the same serial number ("+a.Serial+")")}
	}
	if as != "" && bs != "" {
		return Different, nil
	}
	if a.First.IsZero() || b.First.IsZero() {
		return written(a, b)
	}
	computer := equal(a.Ties.NetBIOS, b.Ties.NetBIOS)
	if computer && equal(a.Ties.DNS, b.Ties.DNS) && strings.Contains(a.Ties.DNS, ".") {
		return Maybe, []i18n.Text{t("コンピュータ名とDNS名が同じです("+a.Ties.DNS+")", "They have the same computer name and DNS name ("+a.Ties.DNS+")")}
	}
	old, fresh := a, b
	if fresh.First.Before(old.First) {
		old, fresh = fresh, old
	}
	silent := !old.Last.After(fresh.First)
	host := telling(a.Ties.Host) && equal(a.Ties.Host, b.Ties.Host)
	print := equal(a.Ties.DHCP, b.Ties.DHCP)
	why := t("ホスト名が同じで、前のMACアドレスは現れていません("+a.Ties.Host+")", "They have the same host name, and the former MAC is silent ("+a.Ties.Host+")")
	switch {
	case host && silent && a.Random && b.Random && a.HasMAC && b.HasMAC && (print || a.Ties.DHCP == "" || b.Ties.DHCP == ""):
		return Maybe, []i18n.Text{why, t("どちらもランダムなMACアドレスです", "Both MACs are randomised")}
	case silent && print && (host || computer):
		return Maybe, []i18n.Text{why, t("DHCPの特徴が同じです", "They ask DHCP in the same way")}
	case computer && compatible(a.Ties.DNS, b.Ties.DNS):
		return Maybe, []i18n.Text{t("コンピュータ名が同じです("+a.Ties.NetBIOS+")", "They have the same computer name ("+a.Ties.NetBIOS+")")}
	}
	return Different, nil
}

// written compares a line of the hospital's ledger with what was seen.
func written(a, b Trace) (Likeness, []i18n.Text) {
	line, seen := a, b
	if line.First.IsZero() == seen.First.IsZero() {
		return Different, nil
	}
	if !line.First.IsZero() {
		line, seen = seen, line
	}
	var why []i18n.Text
	for _, ip := range line.SaidIP {
		for _, have := range seen.IPs {
			if ip == have {
				why = append(why, t("台帳に書かれたIPアドレスが同じです("+ip+")", "The ledger has the same IP address ("+ip+")"))
			}
		}
	}
	if name := jp.Fold(line.SaidName); telling(name) && (name == jp.Fold(seen.Ties.NetBIOS) || name == jp.Fold(seen.Ties.Host)) {
		why = append(why, t("台帳の名称とホスト名が同じです("+line.SaidName+")", "The ledger's name is its host name ("+line.SaidName+")"))
	}
	if len(why) > 0 {
		return Maybe, why
	}
	return Different, nil
}

var noSerial = regexp.MustCompile(`^(?:tobefilledbyoem|defaultstring|none|na|notspecified|notapplicable|systemserialnumber|serialnumber|unknown|invalid|null|` +
	`012345678[0-9a-z]*|123456[0-9a-z]*|x+|f+)$`)

// serial brings a serial number to the form that is compared, "" for what makers leave in by mistake.
func serial(s string) string {
	s = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, jp.Fold(s))
	if len(s) < 5 || noSerial.MatchString(s) || strings.Count(s, s[:1]) == len(s) || !strings.ContainsAny(s, "0123456789") {
		return ""
	}
	return s
}

var commonHost = regexp.MustCompile(`^(?:localhost|iphone|ipad|android|galaxy|macbook|desktop|laptop|pc|printer|user|host|unknown|espressif|raspberrypi|ubuntu|debian)` +
	`(?:\.local)?$`)

// telling reports whether a host name says more than what a factory put there.
func telling(host string) bool {
	host = strings.ToLower(host)
	return len(host) >= 4 && !commonHost.MatchString(host)
}

func equal(a, b string) bool { return a != "" && strings.EqualFold(a, b) }

func compatible(a, b string) bool { return a == "" || b == "" || agree(a, b) }
