// Package jp knows how Japanese is written in hospitals' files: folding for search, wareki dates, holidays, fiscal years, old encodings.
package jp

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Fold brings a text to the form in which searches and comparisons are made: NFKC, lower case, hiragana for katakana, large kana for
// small (キャノン finds キヤノン), no long-vowel marks after kana (サーバー = サーバ), one hyphen for all dashes, everyday kanji for the
// variants used in names (髙 = 高), no spaces. Fold(Fold(s)) == Fold(s).
func Fold(s string) string {
	if plainASCII(s) {
		return foldASCII(s)
	}
	in := []rune(norm.NFKC.String(s))
	out := make([]rune, 0, len(in))
	var last rune // the last rune before long-vowel marks were dropped
	for i, r := range in {
		switch {
		case unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '・':
			continue
		case r == 'ー' || isDash(r):
			if kana(last) && (r == 'ー' || nextIsKanaOrEnd(in[i+1:])) {
				continue
			}
			out = append(out, '-')
			last = '-'
			continue
		}
		r = foldRune(r)
		out = append(out, r)
		last = r
	}
	return norm.NFC.String(string(out))
}

// Reading is the key by which names sort in a list: Fold of the reading if there is one, else of the name as written.
func Reading(name, reading string) string {
	if f := Fold(reading); f != "" {
		return f
	}
	return Fold(name)
}

// Contains reports whether text holds query in any of the writings that Fold makes equal.
func Contains(text, query string) bool { return strings.Contains(Fold(text), Fold(query)) }

// Clean tidies a value that people typed without changing what it says: NFKC only for half-width kana and full-width ASCII, runs of
// white space become one space, control characters go.
func Clean(s string) string {
	if plainASCII(s) && !strings.ContainsAny(s, "\t\r\n\x00") && !strings.Contains(s, "  ") {
		return strings.TrimSpace(s)
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	var b strings.Builder
	space := false
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			space = b.Len() > 0
			continue
		case unicode.IsControl(r), r == '\uFEFF', r >= '\u200B' && r <= '\u200F', r >= '\u202A' && r <= '\u202E':
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Narrow is NFKC with every dash a hyphen-minus: for numbers, addresses and codes.
func Narrow(s string) string {
	if plainASCII(s) {
		return strings.TrimSpace(s)
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if isDash(r) {
			return '-'
		}
		return r
	}, norm.NFKC.String(s)))
}

func plainASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func foldASCII(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r <= ' ' || r == 0x7f:
			return -1
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

func foldRune(r rune) rune {
	if 'ァ' <= r && r <= 'ヶ' {
		r -= 'ァ' - 'ぁ'
	}
	if big, ok := small[r]; ok {
		return big
	}
	if k, ok := variants[r]; ok {
		return k
	}
	return unicode.ToLower(r)
}

func kana(r rune) bool { return 'ぁ' <= r && r <= 'ゖ' || 'ァ' <= r && r <= 'ヺ' }

func isDash(r rune) bool {
	switch r {
	case '-', '‐', '‑', '‒', '–', '—', '―', '−', '－', '─', '━', '﹣', '﹘':
		return true
	}
	return false
}

// nextIsKanaOrEnd tells a dash typed for a long vowel (サ－バ) from one that separates (サーバ-1).
func nextIsKanaOrEnd(rest []rune) bool {
	for _, r := range rest {
		if unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '・' || isDash(r) || r == 'ー' {
			continue
		}
		return kana(r)
	}
	return true
}

var small = pairs("ぁあぃいぅうぇえぉおっつゃやゅゆょよゎわゕかゖけゐいゑえ")

// variants maps old and variant kanji of names to the everyday form (joyo table of 2010; common surname variants).
var variants = pairs("髙高﨑崎嵜崎碕崎邊辺邉辺齋斉齊斉斎斉澤沢廣広濱浜濵浜櫻桜嶋島嶌島國国眞真惠恵龍竜瀧滝瀨瀬澁渋壽寿榮栄槇槙德徳黑黒𠮷吉冨富條条" +
	"藏蔵佛仏來来會会圓円團団學学實実寶宝將将專専從従應応戶戸拜拝晝昼曉暁曾曽樂楽橫横檢検歐欧氣気淺浅淨浄溫温爲為狹狭獨独當当發発盡尽" +
	"禮礼禪禅稻稲竝並經経綠緑縣県總総聲声肅粛臺台與与舊旧莊荘萬万藥薬處処號号蟲虫衞衛裝装覺覚觀観譽誉讓譲豐豊賴頼辯弁遙遥鄕郷醫医" +
	"釋釈鐵鉄鑛鉱靜静驛駅體体髮髪鷄鶏麥麦黃黄點点齒歯齡齢龜亀尙尚栁柳桒桑舘館薮藪凜凛堯尭穰穣彥彦晉晋嶽岳圖図區区榊榊淵渕" +
	"渊渕關関齊斉竈釜鹽塩峯峰埜野舩船鷗鴎單単嚴厳壯壮增増寬寛廳庁彌弥惡悪戰戦擴拡據拠擧挙數数斷断晩晩歷歴殘残每毎澄澄濟済灣湾爭争" +
	"瓣弁瘦痩祿禄穗穂籠籠續続纖繊缺欠聽聴聯連腦脳膽胆臟臓藝芸蘆芦證証譯訳變変贊賛轉転輕軽邇迩釀醸鍊錬隱隠隨随雜雑靈霊顯顕驗験鬪闘")

func pairs(s string) map[rune]rune {
	m, r := map[rune]rune{}, []rune(s)
	for i := 0; i+1 < len(r); i += 2 {
		if r[i] != r[i+1] {
			m[r[i]] = r[i+1]
		}
	}
	return m
}
