package app_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"
	"time"

	"kenshin/app"
	"kenshin/fault"
)

var at = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)

const goodLine = `{"sensor":"local","mac":"c8:f7:50:00:00:79","ip":"10.9.0.9","signal":"arp","value":"10.9.0.9","at":"2026-01-05T00:00:00Z"}`

func TestRecordingSaysWhatIsWrongAndWhere(t *testing.T) {
	for name, x := range map[string]struct{ text, says string }{
		"cut off":        {goodLine + "\n" + goodLine[:40], "2行目: JSON"},
		"no device":      {strings.Replace(goodLine, `"mac":"c8:f7:50:00:00:79","ip":"10.9.0.9",`, "", 1), "1行目: どの機器"},
		"no signal":      {strings.Replace(goodLine, `"arp"`, `""`, 1), "1行目: signal"},
		"a strange one":  {strings.Replace(goodLine, `"arp"`, `"../../x"`, 1), "1行目: signal"},
		"no time":        {strings.Replace(goodLine, `,"at":"2026-01-05T00:00:00Z"`, "", 1), "1行目: at"},
		"from next week": {"\n" + strings.Replace(goodLine, "01-05", "01-12", 1), "2行目: at が未来"},
		"too long":       {goodLine + "\n" + strings.Repeat("x", 1<<20), "2行目: 1行が長すぎます"},
	} {
		r, err := app.OpenRecording(strings.NewReader(x.text), at)
		for ok := true; ok && err == nil; {
			_, ok, err = r.Next()
		}
		if !fault.Is(err, fault.Invalid) || !strings.HasPrefix(fault.Sentence(err, "ja"), x.says) {
			t.Errorf("%s: %v, want %q", name, err, x.says)
		}
	}
}

// FuzzRecording reads whatever somebody passes off as a recording: it ends, with observations that can be stored or with a sentence.
func FuzzRecording(f *testing.F) {
	f.Add([]byte(goodLine + "\n\n" + goodLine))
	f.Add([]byte(`{"signal":"x","ip":"fe80::1%eth0","at":"9999-12-31T23:59:59Z","detail":{"":""}}`))
	f.Add([]byte{0x1f, 0x8b, 8, 0})
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = io.WriteString(z, goodLine)
	z.Close()
	f.Add(packed.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := app.OpenRecording(bytes.NewReader(data), at)
		for n := 0; err == nil; n++ {
			o, ok, e := r.Next()
			if e == nil && ok && (!o.About() || o.Signal == "" || o.At.IsZero()) {
				t.Fatalf("an observation that cannot be stored: %+v", o)
			}
			if err = e; !ok {
				break
			}
			if n > len(data) {
				t.Fatal("more observations than bytes")
			}
		}
		if err != nil && !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.TooLarge) {
			t.Fatalf("not a sentence: %v", err)
		}
	})
}
