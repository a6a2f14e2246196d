package letter

import (
	"bytes"
	"net/mail"
	"strings"
	"testing"
)

func fieldsOf(t testing.TB, raw []byte) mail.Header {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return m.Header
}

func TestMarkerTellsWhoseDrillItIs(t *testing.T) {
	d := draft()
	d.Marker = Marker{Org: "医療法人 みどり会; a=b %41", Drill: "D/2026:11", Contact: "内線 2345 (情報係)"}
	raw := compose(t, d)
	wellFormed(t, raw)
	m, ok := ReadMarker(fieldsOf(t, raw))
	if !ok || m.Org != d.Marker.Org || m.Drill != d.Marker.Drill || m.Contact != d.Marker.Contact || m.MessageID != d.MessageID {
		t.Fatalf("read %+v, %v", m, ok)
	}
	if !m.Verify(key) {
		t.Error("a genuine marker does not verify")
	}
	if m.Verify([]byte("another key of 32 bytes.........")) || m.Verify(nil) || d.Marker.Verify(key) {
		t.Error("a marker verifies with another key, or without having been read")
	}
	if _, err := d.Compose(key[:MinKey-1]); err == nil {
		t.Error("composed with a short key")
	}
	if _, err := d.Compose(nil); err == nil {
		t.Error("composed without a key: the marker could be switched off")
	}
}

// A marker copied into another mail, or changed in any part, is not genuine.
func TestMarkerCannotBeForged(t *testing.T) {
	raw := string(compose(t, draft()))
	for name, edit := range map[string][2]string{
		"other mail":    {"Message-ID: <", "Message-ID: <x"},
		"other drill":   {"drill=2026-11-a", "drill=2026-11-b"},
		"other contact": {"contact=security", "contact=attacker"},
		"other org":     {"org=%E3", "org=%E4"},
		"moved border":  {"drill=2026-11-a; contact=s", "drill=2026-11-as; contact="},
	} {
		changed := strings.Replace(raw, edit[0], edit[1], 1)
		if changed == raw {
			t.Fatalf("%s: nothing to change in\n%s", name, raw)
		}
		if m, ok := ReadMarker(fieldsOf(t, []byte(changed))); ok && m.Verify(key) {
			t.Errorf("%s: verified", name)
		}
	}
	for name, h := range map[string]map[string][]string{
		"none":      {"Message-Id": {"<a@b.jp>"}},
		"two":       {"Message-Id": {"<a@b.jp>"}, MarkerField: {"v1; org=a; drill=b; contact=c; mac=00", "v1; org=a; drill=b; contact=c; mac=00"}},
		"no id":     {MarkerField: {"v1; org=a; drill=b; contact=c; mac=" + strings.Repeat("00", 32)}},
		"version":   {"Message-Id": {"<a@b.jp>"}, MarkerField: {"v2; org=a; drill=b; contact=c; mac=" + strings.Repeat("00", 32)}},
		"order":     {"Message-Id": {"<a@b.jp>"}, MarkerField: {"v1; drill=b; org=a; contact=c; mac=" + strings.Repeat("00", 32)}},
		"short mac": {"Message-Id": {"<a@b.jp>"}, MarkerField: {"v1; org=a; drill=b; contact=c; mac=00"}},
		"controls":  {"Message-Id": {"<a@b.jp>"}, MarkerField: {"v1; org=%0D%0A; drill=b; contact=c; mac=" + strings.Repeat("00", 32)}},
		"escape":    {"Message-Id": {"<a@b.jp>"}, MarkerField: {"v1; org=%; drill=b; contact=c; mac=" + strings.Repeat("00", 32)}},
	} {
		if m, ok := ReadMarker(h); ok {
			t.Errorf("%s: read %+v", name, m)
		}
	}
}

func FuzzReadMarker(f *testing.F) {
	f.Add("v1; org=a; drill=b; contact=c; mac="+strings.Repeat("00", 32), "<a@b.jp>")
	f.Fuzz(func(t *testing.T, value, id string) {
		m, ok := ReadMarker(map[string][]string{MarkerField: {value}, "Message-Id": {id}})
		if ok && (m.Verify(key) || strings.ContainsAny(m.Org+m.Drill+m.Contact, "\r\n\x00")) {
			t.Errorf("%q became %+v", value, m)
		}
	})
}
