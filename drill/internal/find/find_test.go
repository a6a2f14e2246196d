package find_test

import (
	"strings"
	"testing"

	"kenshin/drill/internal/find"
	"kenshin/jp"
)

func TestPlacesOfFoldedWords(t *testing.T) {
	long := strings.Repeat("前置きの長い文です。", 200)
	for _, c := range []struct {
		text, word string
		want       []string
	}{
		{"至急です。ｼｷｭｳ、しきゅう", "シキュウ", []string{"ｼｷｭｳ", "しきゅう"}},
		{"ﾊﾟｽﾜｰﾄﾞ", "パスワード", []string{"ﾊﾟｽﾜｰﾄﾞ"}},
		{long + "パ　ス\nワー\u200bド" + long, "パスワード", []string{"パ　ス\nワー\u200bド"}},
		{"サ－バ", "サーバー", []string{"サ－バ"}},
		{"", "至急", nil},
		{"至至急急", "至急", []string{"至急"}},
	} {
		var got []string
		for _, s := range find.All(c.text, jp.Fold(c.text), jp.Fold(c.word), jp.Fold, 10) {
			got = append(got, c.text[s.Start:s.End])
		}
		if strings.Join(got, "|") != strings.Join(c.want, "|") {
			t.Errorf("%s in %.20s: %q, want %q", c.word, c.text, got, c.want)
		}
	}
}

func TestWholeWords(t *testing.T) {
	for text, want := range map[string]bool{"LINEで": true, "online": false, "ＯＮＬＩＮＥ": false, "(LINE)": true, "LINE2": false} {
		at := find.All(text, jp.Fold(text), "line", jp.Fold, 1)
		if len(at) != 1 || find.Whole(text, at[0]) != want {
			t.Errorf("%s: %v", text, at)
		}
	}
}

func FuzzAll(f *testing.F) {
	f.Add("ｼｷｭｳ至急", "しきゅう")
	f.Add("カーーカ-", "かか")
	f.Fuzz(func(t *testing.T, text, word string) {
		end := 0
		for _, s := range find.All(text, jp.Fold(text), jp.Fold(word), jp.Fold, 5) {
			if s.Start < end || s.End <= s.Start || s.End > len(text) {
				t.Fatalf("%+v after %d in %d bytes", s, end, len(text))
			}
			end = s.End
		}
	})
}
