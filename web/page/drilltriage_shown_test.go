package page

import "testing"

// An address in a reported text must not be one click or one paste from the attacker.
func TestReportedAddressesAreMadeHarmless(t *testing.T) {
	in := "下記へ。\nHTTPS://kakunin.example.com/pay?x=1 または（http://203.0.113.66）まで。"
	want := "下記へ。\nhxxps://kakunin.example[.]com/pay?x=1 または（hxxp://203.0.113[.]66）まで。"
	if got := shownText(in); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
