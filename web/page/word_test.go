package page

import (
	"context"
	"testing"
	"time"

	"kenshin/i18n"
)

// A device without a name is called by what it seems to be; nobody reads (名前なし) where more is known.
func TestADeviceWithoutANameIsDescribed(t *testing.T) {
	for _, c := range []struct {
		name, maker, kind, address string
		ja, en                     string
	}{
		{"mfp1", "Ricoh", "printer", "10.77.0.41", "mfp1", "mfp1"},
		{"", "Ricoh", "printer", "10.77.0.41", "Ricohのプリンタ", "Ricoh printer"},
		{"", "Raspberry Pi", "iot", "10.77.0.51", "Raspberry Piの小さな機器", "Raspberry Pi IoT device"},
		{"", "Raspberry Pi", "kenshin", "10.77.0.5", "Kenshin(この製品)", "Kenshin (this product)"},
		{"", "Dell", "unknown", "", "Dellの機器", "Dell device"},
		{"", "", "smartphone", "10.77.1.196", "スマートフォン · 10.77.1.196", "Smartphone · 10.77.1.196"},
		{"", "", "unknown", "10.77.1.18", "10.77.1.18", "10.77.1.18"},
		{"", "", "", "", "(名前なし)", "(no name)"},
	} {
		ja, en := i18n.With(context.Background(), i18n.Ja), i18n.With(context.Background(), i18n.En)
		if got := callIt(ja, c.name, c.maker, c.kind, c.address); got != c.ja {
			t.Errorf("%+v: %q", c, got)
		}
		if got := callIt(en, c.name, c.maker, c.kind, c.address); got != c.en {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

// What is counted by the hour is told by the hour: never 45分前 for something of a minute ago.
func TestHours(t *testing.T) {
	now := time.Date(2026, 11, 22, 9, 45, 0, 0, time.FixedZone("JST", 9*3600))
	ctx := context.WithValue(i18n.With(context.Background(), i18n.Ja), shellKey{}, Shell{Now: now})
	for back, want := range map[time.Duration]string{
		45 * time.Minute: "この1時間", 105 * time.Minute: "きょう 8時台", 12*time.Hour + 45*time.Minute: "きのう 21時台", 72*time.Hour + 45*time.Minute: "11月19日 9時台",
	} {
		if got := hourOf(ctx, now.Add(-back)); got != want {
			t.Errorf("%v ago: %q, want %q", back, got, want)
		}
	}
}
