package jp

import "testing"

func TestFold(t *testing.T) {
	same := [][]string{
		{"サーバー", "サーバ", "ｻｰﾊﾞｰ", "サ－バ", "サ―バ", "さーば", "サ ー バ"},
		{"髙橋 花子", "高橋花子", "髙橋　花子"},
		{"山﨑", "山崎", "山嵜"},
		{"ＰＣ－０１", "pc-01", "PC‐01", "PC−01", "PCー01"},
		{"サーバ-1", "サーバー－１", "サーバ‐1"},
		{"キヤノン", "キャノン", "ｷﾔﾉﾝ"},
		{"㈱", "(株)", "（株）"},
		{"八ヶ岳", "八ケ岳"},
		{"がぞう", "ガゾウ", "か\u3099ぞう"},
		{"GE・ヘルスケア", "GEヘルスケア"},
		{"渡邊", "渡邉", "渡辺"},
	}
	for _, g := range same {
		for _, s := range g {
			if Fold(s) != Fold(g[0]) {
				t.Errorf("Fold(%q) = %q, Fold(%q) = %q", s, Fold(s), g[0], Fold(g[0]))
			}
			if f := Fold(s); Fold(f) != f {
				t.Errorf("Fold is not idempotent on %q: %q then %q", s, f, Fold(f))
			}
		}
	}
	if Fold("サーバ1") == Fold("サーバ-1") {
		t.Error("a separating hyphen must stay")
	}
	if !Contains("放射線科　ＣＴサーバー", "ctサーバ") {
		t.Error("search must find across writings")
	}
	if got := Clean("  CT\u3000 室\x00\n２ "); got != "CT 室 ２" {
		t.Errorf("Clean = %q", got)
	}
}

func FuzzFold(f *testing.F) {
	f.Add("サーバー－１")
	f.Add("か\u3099-ー\u200bあ")
	f.Fuzz(func(t *testing.T, s string) {
		if g := Fold(s); Fold(g) != g {
			t.Errorf("not idempotent: %q %q %q", s, g, Fold(g))
		}
	})
}

func TestVariantsEndInOneStep(t *testing.T) {
	for from, to := range variants {
		if Fold(Fold(string(from))) != Fold(string(from)) {
			t.Errorf("%c -> %c -> %s", from, to, Fold(string(to)))
		}
	}
}
