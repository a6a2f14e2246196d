package scenario_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"kenshin/drill/scenario"
)

func rules(t testing.TB) scenario.Rules {
	t.Helper()
	r, err := scenario.LoadRules()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func plain(text string) scenario.Mail {
	return scenario.Mail{Subject: "お知らせ", Text: text, Sender: scenario.Sender{Name: "総務課", Local: "soumu"}}
}

func htmlMail(h string) scenario.Mail {
	m := plain("本文")
	m.HTML = h
	return m
}

func has(ps []scenario.Problem, r scenario.Rule) bool {
	return slices.ContainsFunc(ps, func(p scenario.Problem) bool { return p.Rule == r })
}

// However a real name is written, it is found.
func TestRealBrandsAreRefused(t *testing.T) {
	r := rules(t)
	for _, s := range []string{
		"みずほ銀行からのお知らせ", "三井住友カード", "PayPayの残高", "Microsoft 365", "ＭＩＣＲＯＳＯＦＴ", "マイクロソフト", "ﾏｲｸﾛｿﾌﾄ", "Micros0ft", "Micro soft", "Mіcrоsoft", "マイクロ・ソフト", "まいくろそふと",
		"Google ドライブ", "G00gle", "Amazonでのご注文", "Αmazon", "amaz0n", "ヤマト運輸", "ﾔﾏﾄ運輸", "ヤマ卜運輸", "ヤマト", "佐川急便", "日本郵便", "ゆうパック", "厚生労働省", "厚労省", "MHLW", "デジタル庁", "国税庁 e-Tax",
		"アルフレッサ", "メディパル", "富士通の電子カルテ", "ＮＥＣ", "日本光電", "シーメンス", "NTT東日本", "ドコモ", "ソフトバンク", "トレンドマイクロ", "LINEで連絡", "Zoomの招待", "オムロン", "支払基金", "日本医師会", "日赤",
		"M i c r o s o f t", "Micro\u200bsoft", "Micro­soft",
	} {
		if ps := r.Lint(plain(s)); !has(ps, scenario.Brand) {
			t.Errorf("%q passed: %v", s, ps)
		}
	}
	for _, m := range []scenario.Mail{
		{Subject: "Amazon", Text: "x", Sender: scenario.Sender{Name: "a", Local: "a"}},
		{Subject: "x", Text: "x", Sender: scenario.Sender{Name: "ヤマト運輸", Local: "a"}},
		{Subject: "x", Text: "x", Sender: scenario.Sender{Name: "a", Local: "amazon-info"}},
		{Subject: "x", Text: "x", Sender: scenario.Sender{Name: "a", Local: "a"}, Attachment: &scenario.Attachment{Kind: "pdf", Name: "佐川急便.pdf"}},
		htmlMail("<p>Micro<b></b>soft</p>"), htmlMail("<p>&#77;icrosoft</p>"), htmlMail(`<p title="Google">x</p>`), htmlMail(`<img src="cid:a" alt="ヤマト運輸">`),
	} {
		if ps := r.Lint(m); !has(ps, scenario.Brand) {
			t.Errorf("%+v passed: %v", m, ps)
		}
	}
}

func TestCruelLuresAreRefused(t *testing.T) {
	r := rules(t)
	for _, s := range []string{
		"冬季賞与の支給について", "ボーナスの明細", "ﾎﾞｰﾅｽ", "賞　与", "給与改定のお知らせ", "昇給の対象者", "リストラの対象", "雇い止め", "人員削減の説明会", "懲戒処分の通知", "パワハラの申し立て", "医療事故の発生",
		"患者様からの苦情", "誤投薬の報告", "訃報", "〇〇様ご逝去", "地震発生", "緊急：津波", "避難指示", "安否確認", "感染者の発生", "PCR検査の結果", "あなたは陽性です", "濃厚接触者", "要精密検査", "お子様が搬送されました",
		"We regret your dismissal", "Your bonus",
	} {
		ps := r.Lint(plain(s))
		if !has(ps, scenario.Cruel) {
			t.Errorf("%q passed: %v", s, ps)
			continue
		}
		for _, p := range ps {
			if p.Why.Ja == "" || p.Why.En == "" || p.Line != 1 {
				t.Errorf("%q: %+v", s, p)
			}
		}
	}
}

// Ordinary words of a hospital that only contain a refused one.
func TestOrdinaryWordsPass(t *testing.T) {
	r := rules(t)
	for _, s := range []string{
		"バックアップルームの清掃", "毎日立ち入り検査をします", "リストラベルの発注", "オーケストラの演奏会", "懸賞与党", "学会の受賞与件", "給与所得者の扶養控除等申告書", "地震保険料控除証明書", "火災報知設備の点検", "避難訓練の日程",
		"院内感染対策研修", "陽性コントロールの使用期限", "ステロイドの在庫", "オンラインの会議", "online meeting", "pineapple juice", "canonical form", "backups and groups", "リコールの連絡", "災害拠点病院の会議", "耐震工事",
		"アップデートの案内", "大和市の研修", "みずほさん", "瑞穂の会", "前日赤い線を引いた所", "当日赤札", "東京の研修", "急変動するデータ", "日立っての希望", "力仕事と口頭と八時と工事", "二口の水道と夕方", "SRLabel", "necessary", "手順書.docx と 表.xlsx", "第3.2版", "10.5時間", "v2.0.1", "マスク 1.5倍",
		"会社名は example.com です", "info@byoin.example まで", "https://drill.example/x", "ホットラインの番号", "パイプライン", "ガイドライン",
	} {
		if ps := r.Lint(plain(s)); len(ps) != 0 {
			t.Errorf("%q refused: %s", s, ps[0].In("ja"))
		}
	}
}

func TestForeignDomainsAreRefused(t *testing.T) {
	r := rules(t)
	for _, s := range []string{
		"https://byoin-login.com/", "http://byoin.co.jp", "byoin-portal.jp を開く", "info@byoin.ne.jp まで", "ｈｔｔｐｓ：／／ｂｙｏｉｎ．ｃｏｍ／", "byoin。com", "http://192.0.2.5/", "192.0.2.5 へ", "ftp://drill.example/", "https://drill.example.evil.com/",
		"https://drill.example@evil.com/", "http://[2001:db8::1]/", "https://病院.jp/", "xn--8pr3b.jp", "mail@evil.zip", "https://own.test.attacker.net",
	} {
		if ps := r.Lint(plain(s), "own.jp"); !has(ps, scenario.Foreign) {
			t.Errorf("%q passed: %v", s, ps)
		}
	}
	for _, s := range []string{"https://own.jp/x", "https://go.own.jp/", "a@own.jp", "own.jp"} {
		if ps := r.Lint(plain(s), "Own.JP"); len(ps) != 0 {
			t.Errorf("%q refused: %v", s, ps)
		}
	}
	if ps := r.Lint(plain("https://notown.jp/"), "own.jp"); !has(ps, scenario.Foreign) {
		t.Error("notown.jp passed for own.jp")
	}
	m := plain("x")
	m.Sender.Domain = "evil.jp"
	if !has(r.Lint(m, "own.jp"), scenario.Foreign) {
		t.Error("a foreign sender passed")
	}
}

func TestNothingRunsOrIsFetched(t *testing.T) {
	r := rules(t)
	for _, h := range []string{
		`<script>x</script>`, `<SCRIPT src=x>`, `<scr<script>ipt>`, `<form action="https://drill.example/">`, `<input name=a>`, `<button>x</button>`, `<textarea>`, `<select>`, `<iframe src=x>`, `<object data=x>`, `<embed src=x>`,
		`<p onclick="x">`, `<p ONMOUSEOVER=x>`, `<a href="javascript:alert(1)">x</a>`, `<a href="java&#10;script:alert(1)">x</a>`, `<a href=" &#1;javascript:x">x</a>`, `<a href="data:text/html,x">x</a>`, `<a href="vbscript:x">x</a>`,
		`<img src="https://drill.example/a.png">`, `<img src="//drill.example/a">`, `<img src="data:image/png;base64,x">`, `<img src="a.png">`, `<img srcset="x 1x">`, `<table background="https://drill.example/a">`, `<link rel=stylesheet href=x>`, `<base href="x">`,
		`<meta http-equiv="refresh" content="0;url=x">`, `<p style="background:url(https://drill.example/a)">`, `<p style="background:u\72l(x)">`, `<style>@import "x";</style>`, `<style>p{background:URL (x)}</style>`, `<svg onload=x>`, `<math><mi xlink:href=x>`,
		`<a href="https://evil.com/">x</a>`, `<a href="/x">x</a>`, `<a href="{{リンク}}/evil">x</a>`, `<a href="https://x@drill.example/">x</a>`, `<a ping="https://drill.example/" href="#">x</a>`, `<video src=x>`, `<audio src=x>`, `<template><p></template>`, `<!--[if mso]><script>x</script><![endif]-->`,
		`<a href="mailto:a@evil.com">x</a>`, `<a href="mailto:a@drill.example?bcc=b@evil.com">x</a>`, `<a href="https://drill.example/" formaction=x>x</a>`, `<p contenteditable>`, `<p`, `<blink>x</blink>`, `<img src="cid:a" lowsrc="x">`, `<img src="cid:{{QR}}">`,
	} {
		ps := r.Lint(htmlMail(h))
		if len(ps) == 0 {
			t.Errorf("%s passed", h)
		}
		for _, p := range ps {
			if p.Part == "html" && (p.Start < 0 || p.End > len(h) || p.End < p.Start) {
				t.Errorf("%s: place %d-%d", h, p.Start, p.End)
			}
		}
	}
	for _, h := range []string{
		`<p>こんにちは<br>{{姓}} 様</p>`, `<a href="{{リンク}}">開く</a>`, `<a href="{{link}}">open</a>`, `<a href="https://drill.example/">x</a>`, `<a href="mailto:a@drill.example">x</a>`, `<p>{{QR}}</p>`, `<p style="color:#333;font-family:'Yu Gothic'">x</p>`,
		`<table width="100%" cellpadding="0"><tr><td bgcolor="#fff">x</td></tr></table>`, `<style>p{color:red}</style>`, `<!-- 会社 -->`, `<meta http-equiv="Content-Type" content="text/html; charset=utf-8">`, `a < b`,
	} {
		if ps := r.Lint(htmlMail(h)); len(ps) != 0 {
			t.Errorf("%s refused: %s", h, ps[0].In("ja"))
		}
	}
}

func TestNoListAllowsScripts(t *testing.T) {
	own, err := scenario.ParseRules(strings.NewReader("brands: [{kind: {ja: a, en: a}, words: [a社]}]\ncruel: [{reason: {ja: b, en: b}, words: [悪い話]}]\nhtml: {tags: [script, form, p], attributes: [onclick]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range []string{`<script>x</script>`, `<form>`, `<p onclick=x>`} {
		if len(own.Lint(htmlMail(h))) == 0 {
			t.Errorf("%s passed by a list of one's own", h)
		}
	}
	if _, err := scenario.ParseRules(strings.NewReader("brands: []\ncruel: []\n")); err == nil {
		t.Error("rules without brands and lures were accepted")
	}
}

func TestPlaceOfAProblem(t *testing.T) {
	m := plain("一行目\n二行目です\nこちらはﾔﾏﾄ運輸です")
	ps := rules(t).Lint(m)
	if len(ps) == 0 || ps[0].Line != 3 || m.Text[ps[0].Start:ps[0].End] != "ﾔﾏﾄ運輸" {
		t.Fatalf("%+v", ps)
	}
	if s := ps[0].In("ja"); !strings.Contains(s, "本文 3行目") || !strings.Contains(s, "宅配・運送") {
		t.Errorf("%s", s)
	}
	h := htmlMail("<p>はじめ</p>\n<p>また<b>Goo</b>gle です</p>")
	ps = rules(t).Lint(h)
	if len(ps) == 0 || ps[0].Part != "html" || ps[0].Line != 2 || h.HTML[ps[0].Start:ps[0].End] != "Goo</b>gle" {
		t.Errorf("%+v", ps)
	}
}

func TestAttachmentNames(t *testing.T) {
	r := rules(t)
	with := func(kind, name string) scenario.Mail {
		m := plain("x")
		m.Attachment = &scenario.Attachment{Kind: kind, Name: name}
		return m
	}
	for _, c := range [][2]string{
		{"pdf", "a.exe"}, {"pdf", "a.exe.pdf"}, {"html", "../a.html"}, {"pdf", "a\u202efdp.exe.pdf"}, {"docx", "a.pdf"}, {"zip", "a.zip"}, {"pdf", ""}, {"pdf", "con.pdf"}, {"pdf", ".pdf "}, {"pdf", "a\n.pdf"}, {"pdf", "ａ．ｅｘｅ．pdf"},
		{"pdf", strings.Repeat("長", 120) + ".pdf"}, {"xlsx", "a.xlsm.xlsx"}, {"pdf", "冬の賞与.pdf"}, {"html", "a:b.html"}, {"pdf", "lpt1.pdf"}, {"pdf", "a／b.pdf"},
	} {
		if len(r.Lint(with(c[0], c[1]))) == 0 {
			t.Errorf("%s %q passed", c[0], c[1])
		}
	}
	for _, c := range [][2]string{{"pdf", "勤務表（修正版）.pdf"}, {"html", "見積書.pdf.html"}, {"xlsx", "2026年1月.xlsx"}, {"qr", "申請.png"}, {"ics", "会議.ics"}} {
		if ps := r.Lint(with(c[0], c[1])); len(ps) != 0 {
			t.Errorf("%q refused: %v", c[1], ps)
		}
	}
}

func TestSizesAndBrokenTexts(t *testing.T) {
	r := rules(t)
	for _, m := range []scenario.Mail{
		{Subject: strings.Repeat("長", 151), Text: "x", Sender: scenario.Sender{Local: "a"}}, plain(strings.Repeat("あ", 30000)), htmlMail(strings.Repeat("<p>x</p>", 20000)), plain("\xff"),
		{Subject: "x", Text: "x", Sender: scenario.Sender{Name: "a", Local: "a b"}}, {Subject: "x", Text: "x", Sender: scenario.Sender{Name: "a", Local: "a@b"}}, plain("{{給料}}"), plain("{{姓"[:5] + "}} {{ 秘密 }}"),
	} {
		if len(r.Lint(m)) == 0 {
			t.Errorf("%.40q passed", m.Subject+m.Text)
		}
	}
	start := time.Now()
	r.Lint(plain(strings.Repeat("ヤマト運輸 みずほ銀行 賞与 ", 1500)))
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("a mail full of refused words took %s", took)
	}
}

func FuzzLint(f *testing.F) {
	r := rules(f)
	f.Add("件名", "ﾔﾏﾄ運輸 http://a.b/ {{姓}}", `<p style="x">Goo<b>gle</b> <a href="{{リンク}}">`, "総務課", "a.pdf")
	f.Add("", "賞ー与ーー", `<!--<-->&#x0;<a href='java&Tab;script:x'>`, "", "a.exe")
	f.Fuzz(func(t *testing.T, subject, text, html, name, file string) {
		m := scenario.Mail{Subject: subject, Text: text, HTML: html, Sender: scenario.Sender{Name: name, Local: "a"}, Attachment: &scenario.Attachment{Kind: "pdf", Name: file}}
		parts := map[scenario.Part]string{"subject": subject, "text": text, "html": html, "sender": name, "address": "a", "attachment": file}
		for _, p := range r.Lint(m, "own.test") {
			if src := parts[p.Part]; p.Start < 0 || p.End < p.Start || p.End > len(src) || p.Line < 1 {
				t.Fatalf("%+v in %d bytes", p, len(src))
			}
		}
		// what was made clean must hold no tag that runs, whatever the tokenizer makes of it
		if low := strings.ToLower(html); len(r.Lint(m)) == 0 && (strings.Contains(low, "<script") || strings.Contains(low, "<iframe") || strings.Contains(low, "<form")) && !strings.Contains(low, "<!") && !strings.Contains(low, `"`) && !strings.Contains(low, "'") && !strings.Contains(low, "<title") && !strings.Contains(low, "<style") {
			t.Fatalf("passed: %q", html)
		}
	})
}
