package gate

import (
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"kenshin/facility"
	"kenshin/fault"
	"kenshin/netid"
)

// Sealer keeps SNMP credentials secret at rest; *seal.Box is one.
type Sealer interface {
	Seal(f facility.ID, purpose string, plain []byte) ([]byte, error)
	Open(f facility.ID, purpose string, sealed []byte) ([]byte, error)
}

// Entry is a segment as the book keeps it. Revision goes back with an edit, so that two people do not overwrite each other.
type Entry struct {
	Segment
	Revision  int64     `json:"revision"`
	ChangedBy string    `json:"changed_by"`
	ChangedAt time.Time `json:"changed_at"`
}

// UnlockEntry is a person's leave to probe a protected device, kept for good.
type UnlockEntry struct {
	Unlock
	ID        string
	Device    netid.DeviceID // "" when the ledger does not know it
	GivenAt   time.Time
	RevokedBy string // "" = it was not taken back
	RevokedAt time.Time
}

// Word is what a person said about a device.
type Word string

const (
	SaidNeverTouch Word = "never-touch" // send nothing at all
	SaidNotMedical Word = "not-medical" // a signal thinks it is medical, a person knows better
)

// WordEntry is one word about one device.
type WordEntry struct {
	HostKey
	ID     string
	Word   Word
	Device netid.DeviceID
	Reason string
	By     string
	At     time.Time
}

// Switch is the kill switch of a facility.
type Switch struct {
	Killed bool
	Reason string
	By     string
	At     time.Time
}

// MaxUnlock is the longest that a protected device may stay unlocked.
const MaxUnlock = 7 * 24 * time.Hour

// checkSegment cleans and judges what a person typed.
func checkSegment(s *Segment) error {
	p, err := netid.ParseRange(s.Prefix.String())
	if err != nil {
		return err
	}
	s.Prefix = p
	for _, t := range []struct {
		v      *string
		max    int
		ja, en string
	}{{&s.Name, 100, "区画の名前", "segment's name"}, {&s.Purpose, 500, "区画の用途", "segment's purpose"}, {&s.Interface, 15, "口の名前", "interface's name"}} {
		if *t.v, err = cleanText(*t.v, t.max, t.ja, t.en); err != nil {
			return err
		}
	}
	if s.Name == "" {
		s.Name = p.String()
	}
	switch {
	case s.Pace == "":
		s.Pace = Gentle
	case !slices.Contains([]Pace{Gentle, Normal, Fast}, s.Pace):
		return fault.Newf(fault.Invalid, "速さ「%.20s」はありません。gentle、normal、fast から選んでください。",
			"There is no pace %.20q; choose gentle, normal or fast.", string(s.Pace))
	}
	switch {
	case s.Hours.From < 0 || s.Hours.From > 24*60 || s.Hours.To < 0 || s.Hours.To > 24*60:
		return fault.New(fault.Invalid, "時間帯は0時から24時の間で書いてください。", "The hours must lie between 0:00 and 24:00.")
	case s.Routed && s.Interface != "":
		return fault.New(fault.Invalid, "ルータの向こうの区画には、口の名前を書けません。", "A segment behind a router has no interface of this machine.")
	case s.Routed && s.Listen:
		return fault.New(fault.Invalid, "ルータの向こうの区画は、聞くことができません。そこにセンサーを置いてください。",
			"A segment behind a router cannot be listened to; put a sensor there.")
	case s.Listen && s.Interface == "":
		return fault.New(fault.Invalid, "聞くには、口を選んでください。", "Choose an interface to listen on.")
	}
	if s.Router = plain(s.Router); s.Router.IsValid() && (!s.Router.Is4() || !netid.Private(s.Router)) {
		return fault.New(fault.Invalid, "ルータのアドレスは、院内のIPv4アドレスで書いてください(例: 10.20.3.1)。", "The router must be a private IPv4 address, such as 10.20.3.1.")
	}
	return checkSNMP(s.SNMP)
}

// The algorithms that SNMPv3 knows here (RFC 3414, 3826, 7860).
var (
	snmpAuth = []string{"", "MD5", "SHA", "SHA224", "SHA256", "SHA384", "SHA512"}
	snmpPriv = []string{"", "DES", "AES", "AES192", "AES256"}
)

func checkSNMP(list []SNMP) error {
	if len(list) > 8 {
		return fault.New(fault.TooLarge, "SNMPの合言葉は1つの区画に8つまでです。", "A segment takes at most 8 SNMP credentials.")
	}
	for i := range list {
		c := &list[i]
		for _, v := range []string{c.Community, c.User, c.AuthPass, c.PrivPass} {
			if len(v) > 128 || !utf8.ValidString(v) || strings.ContainsFunc(v, unicode.IsControl) {
				return fault.New(fault.Invalid, "SNMPの合言葉に使えない文字があるか、長すぎます(128バイトまで)。",
					"An SNMP credential is too long (128 bytes) or holds control characters.")
			}
		}
		c.Auth, c.Priv = strings.ToUpper(c.Auth), strings.ToUpper(c.Priv)
		switch {
		case (c.Community == "") == (c.User == ""):
			return fault.New(fault.Invalid, "SNMPは、コミュニティ名(v2c)か利用者名(v3)のどちらか1つを入れてください。",
				"Give either a community (v2c) or a user (v3) for SNMP.")
		case !slices.Contains(snmpAuth, c.Auth) || !slices.Contains(snmpPriv, c.Priv):
			return fault.New(fault.Invalid, "SNMPv3の方式が正しくありません(認証 MD5/SHA/SHA256など、暗号 DES/AES/AES256など)。",
				"Unknown SNMPv3 algorithm (auth MD5, SHA, SHA256...; privacy DES, AES, AES256...).")
		case c.Priv != "" && c.Auth == "" || c.Auth != "" && len(c.AuthPass) < 8 || c.Priv != "" && len(c.PrivPass) < 8:
			return fault.New(fault.Invalid, "SNMPv3の合言葉は8文字以上で、暗号には認証も要ります(RFC 3414)。",
				"SNMPv3 passphrases have 8 characters or more, and privacy needs authentication (RFC 3414).")
		}
	}
	return nil
}

func cleanText(s string, limit int, ja, en string) (string, error) {
	s = strings.TrimSpace(norm.NFC.String(s))
	if utf8.RuneCountInString(s) > limit || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return "", fault.Newf(fault.Invalid, "%[1]sが長すぎるか(%[3]d文字まで)、使えない文字があります。",
			"The %[2]s is too long (%[3]d characters) or holds control characters.", ja, en, limit)
	}
	return s, nil
}

// overlap refuses a segment whose range touches another's: a device must belong to one segment only.
func overlap(s *Segment, others []Entry) error {
	for i := range others {
		if o := &others[i]; o.ID != s.ID && o.Prefix.Overlaps(s.Prefix) {
			return fault.Newf(fault.Conflict, "%s は区画「%s」(%s)と重なっています。重ならない範囲にするか、そちらを直してください。",
				"%s overlaps segment %q (%s). Choose a range that does not, or change that one.", s.Prefix, o.Name, o.Prefix)
		}
	}
	return nil
}

// checkUnlock judges a person's leave at the time now.
func checkUnlock(u *Unlock, now time.Time) (err error) {
	if u.Reason, err = cleanText(u.Reason, 500, "理由", "reason"); err != nil {
		return err
	}
	if u.From.IsZero() || u.From.Before(now) {
		u.From = now
	}
	switch {
	case u.Reason == "":
		return fault.New(fault.Invalid, "なぜ調べてよいのか、理由を書いてください(あとで確認できるように残します)。",
			"Write why this device may be probed; the reason is kept.")
	case u.Until.IsZero() || !u.Until.After(u.From):
		return fault.New(fault.Invalid, "いつまで調べてよいのか、期限を書いてください。", "Say until when the device may be probed.")
	case u.Until.Sub(now) > MaxUnlock:
		return fault.New(fault.TooLarge, "許可は7日先までです。続けて必要なら、あらためて許可してください。",
			"A device may be unlocked for at most 7 days ahead; unlock it again if it is still needed.")
	}
	return checkHost(&u.HostKey)
}

func checkHost(h *HostKey) error {
	h.IP = plain(h.IP)
	if !h.IP.IsValid() && h.MAC.IsZero() || h.MAC.Multicast() || h.IP.IsValid() && (h.IP.IsMulticast() || h.IP.IsUnspecified()) {
		return fault.New(fault.Invalid, "どの機器のことか、IPアドレスかMACアドレスで指定してください。",
			"Name the device by its IP or MAC address.")
	}
	return nil
}

func addrText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

func textAddr(s string) netip.Addr {
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}
	}
	return a
}
