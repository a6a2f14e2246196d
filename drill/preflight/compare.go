package preflight

import (
	"crypto/sha256"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"kenshin/i18n"
)

// Fate is what became of one thing in a mail.
type Fate string

const (
	Kept        Fate = "kept"
	Rewritten   Fate = "rewritten"   // a link behind another address, an attachment in another form
	Neutralised Fate = "neutralised" // a link that is only text now
	Removed     Fate = "removed"
	Renamed     Fate = "renamed"
	Changed     Fate = "changed"
	Garbled     Fate = "garbled"
)

// Thing is one link, picture or attachment with its fate.
type Thing struct {
	Sent      string `json:"sent"`
	Fate      Fate   `json:"fate"`
	Delivered string `json:"delivered,omitempty"`
	By        string `json:"by,omitempty"` // the service that rewrote it, where its address tells
}

// Difference is what the way did to a mail.
type Difference struct {
	Links       []Thing   `json:"links"`
	Images      []Thing   `json:"images"`
	Attachments []Thing   `json:"attachments"`
	Added       []string  `json:"added"`    // attachments that were not sent
	HTML        Fate      `json:"html"`     // "" when none was sent
	Japanese    Fate      `json:"japanese"` // Kept, Changed or Garbled; "" when none was sent
	Lines       int       `json:"lines"`    // Japanese lines that were sent
	LinesKept   int       `json:"lines_kept"`
	Subject     Fate      `json:"subject"` // Kept, Changed (with Tag when words were put before or behind it) or Garbled
	Tag         string    `json:"tag,omitempty"`
	Banner      string    `json:"banner,omitempty"` // the first line of text that was put in
	Marker      Fate      `json:"marker"`
	MessageID   Fate      `json:"message_id"`
	Findings    []Finding `json:"findings"`
}

// Compare compares a mail as it was sent with the same mail as it was delivered (a saved .eml, or what IMAP gave).
func Compare(sent, delivered []byte) (*Difference, error) {
	a, err := parseMail(sent, "sent")
	if err != nil {
		return nil, err
	}
	b, err := parseMail(delivered, "delivered")
	if err != nil {
		return nil, err
	}
	x, y := contentOf(a), contentOf(b)
	d := &Difference{Links: compareLinks(x, y), Images: compareImages(x, y), Marker: compareHeader(a, b, markerName), MessageID: compareHeader(a, b, "Message-Id")}
	d.Attachments, d.Added = compareFiles(a, b)
	if x.html {
		if d.HTML = Kept; !y.html {
			d.HTML = Removed
		}
	}
	d.text(x, y)
	d.subject(a.subject, b.subject)
	d.Findings = d.findings()
	return d, nil
}

// content is the body of a mail as a reader sees it.
type content struct {
	html   bool
	links  []string
	images []string
	cids   map[string]bool
	text   string // all bodies, one after another
	plain  string // those of text/plain
}

func contentOf(m *message) content {
	c := content{cids: map[string]bool{}}
	var text, plain strings.Builder
	for _, p := range m.parts {
		if p.cid != "" {
			c.cids[p.cid] = true
		}
		if p.file || !strings.HasPrefix(p.kind, "text/") {
			continue
		}
		if p.kind == "text/html" {
			c.html = true
			page := readHTML(p.text)
			c.links = append(c.links, page.links...)
			c.images = append(c.images, page.images...)
			text.WriteString(page.text)
		} else {
			text.WriteString(p.text)
			plain.WriteString(p.text + "\n")
		}
		text.WriteByte('\n')
	}
	c.text, c.plain = text.String(), plain.String()
	c.links = append(c.links, urlInText.FindAllString(c.text, 1000)...)
	c.links = slices.DeleteFunc(c.links, func(l string) bool { return !strings.HasPrefix(strings.ToLower(l), "http") })
	return c
}

func compareLinks(x, y content) []Thing {
	var out []Thing
	seen := map[string]bool{}
	flat := strings.ToLower(y.text)
	for _, l := range x.links {
		key := tokenIn(l)
		if seen[key] {
			continue
		}
		seen[key] = true
		t := Thing{Sent: l, Fate: Removed}
		if slices.Contains(y.links, l) {
			t.Fate = Kept
		} else if i := slices.IndexFunc(y.links, func(got string) bool { return carries(got, key) }); i >= 0 {
			t.Fate, t.Delivered = Rewritten, y.links[i]
			if u, err := url.Parse(y.links[i]); err == nil {
				if t.By = rewriterOf(u.Hostname()); t.By == "" {
					t.By = u.Hostname()
				}
			}
		} else if strings.Contains(flat, key) {
			t.Fate = Neutralised
		}
		out = append(out, t)
	}
	return out
}

func compareImages(x, y content) []Thing {
	var out []Thing
	for _, src := range x.images {
		t := Thing{Sent: src, Fate: Removed}
		cid, inline := strings.CutPrefix(src, "cid:")
		switch {
		case slices.Contains(y.images, src) && (!inline || y.cids[cid]):
			t.Fate = Kept
		case inline:
		default:
			if i := slices.IndexFunc(y.images, func(got string) bool { return carries(got, tokenIn(src)) }); i >= 0 {
				t.Fate, t.Delivered = Rewritten, y.images[i]
			}
		}
		out = append(out, t)
	}
	return out
}

func compareFiles(a, b *message) (out []Thing, added []string) {
	var left []part
	for _, p := range b.parts {
		if p.file {
			left = append(left, p)
		}
	}
	take := func(match func(part) bool) (part, bool) {
		i := slices.IndexFunc(left, match)
		if i < 0 {
			return part{}, false
		}
		p := left[i]
		left = slices.Delete(left, i, i+1)
		return p, true
	}
	for _, p := range a.parts {
		if !p.file {
			continue
		}
		t := Thing{Sent: p.name, Fate: Kept}
		sum := sha256.Sum256(p.data)
		if got, ok := take(func(q part) bool { return q.name == p.name && sha256.Sum256(q.data) == sum }); ok {
			t.Delivered = got.name
		} else if got, ok := take(func(q part) bool { return sha256.Sum256(q.data) == sum }); ok {
			t.Fate, t.Delivered = Renamed, got.name
		} else if got, ok := take(func(q part) bool { return sameStem(p.name, q.name) }); ok {
			t.Fate, t.Delivered = Rewritten, got.name
		} else {
			t.Fate = Removed
		}
		out = append(out, t)
	}
	for _, p := range left {
		added = append(added, p.name)
	}
	return out, added
}

// sameStem takes 案内.docx, 案内.pdf, 案内.docx.zip and 案内_sanitized.docx for one file in other forms.
func sameStem(sent, got string) bool {
	stem := norm.NFKC.String(strings.TrimSuffix(sent, path.Ext(sent)))
	return stem != "" && strings.HasPrefix(norm.NFKC.String(got), stem)
}

func compareHeader(a, b *message, name string) Fate {
	was, is := strings.Join(strings.Fields(a.header.Get(name)), " "), strings.Join(strings.Fields(b.header.Get(name)), " ")
	switch {
	case was == is:
		return Kept
	case is == "":
		return Removed
	}
	return Changed
}

// text compares the Japanese lines, without regard to spaces and width.
func (d *Difference) text(x, y content) {
	all, want := squeeze(y.text), x.text
	if !y.html && x.plain != "" { // that the HTML is gone is told apart from what became of the words
		want = x.plain
	}
	for _, l := range strings.FieldsFunc(want, func(r rune) bool { return r == '\n' || r == '\r' || r == '。' }) {
		if q := squeeze(l); japaneseLetters(q) >= 4 {
			if d.Lines++; strings.Contains(all, q) {
				d.LinesKept++
			}
		}
	}
	if d.Lines > 0 {
		switch {
		case d.LinesKept == d.Lines:
			d.Japanese = Kept
		case mojibake(y.text) && !mojibake(x.text) || d.LinesKept == 0 && japaneseLetters(all) == 0 && all != "":
			d.Japanese = Garbled
		default:
			d.Japanese = Changed
		}
	}
	sent := squeeze(x.text)
	for _, l := range strings.Split(y.text, "\n") {
		if q := squeeze(l); d.Japanese != Garbled && len([]rune(q)) >= 6 && !strings.Contains(sent, q) && !urlInText.MatchString(l) && !x.linkIn(q) {
			d.Banner = oneLine(l, 120)
			break
		}
	}
}

// linkIn reports a line that is one of the links in another form.
func (c content) linkIn(line string) bool {
	return slices.ContainsFunc(c.links, func(l string) bool { return strings.Contains(line, tokenIn(l)) })
}

func squeeze(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKC.String(s))
}

func japaneseLetters(s string) (n int) {
	for _, r := range s {
		if unicode.In(r, unicode.Hiragana, unicode.Katakana, unicode.Han) {
			n++
		}
	}
	return n
}

// brokenText are the traces of a wrong decoding: escape sequences of ISO-2022-JP as text, UTF-8 read as CP932 or as Latin-1, replaced bytes.
var brokenText = regexp.MustCompile("\ufffd|\x1b[($]|\\$B[!-~]{2,}|縺[ｱ-ﾝ\u4e00-\u9fff]|繧[ｱ-ﾝ\u4e00-\u9fff]|繝[ｱ-ﾝ\u4e00-\u9fff]|(ã[\u0080-\u00bf‚-™]){2}|\\?{8,}")

func mojibake(s string) bool { return brokenText.MatchString(s) }

func (d *Difference) subject(sent, got string) {
	was, is := squeeze(sent), squeeze(got)
	switch {
	case was == is:
		d.Subject = Kept
	case was != "" && strings.Contains(is, was):
		d.Subject = Changed
		d.Tag = oneLine(strings.Replace(strings.Join(strings.Fields(got), " "), strings.Join(strings.Fields(sent), " "), "", 1), 60)
	case mojibake(got) || japaneseLetters(sent) > 0 && japaneseLetters(got) == 0:
		d.Subject = Garbled
	default:
		d.Subject = Changed
	}
}

func (d *Difference) findings() []Finding {
	var out []Finding
	add := func(id string, s State, where, ja, en, doJa, doEn string) {
		out = append(out, Finding{ID: id, State: s, Says: i18n.Text{Ja: ja, En: en}, Do: i18n.Text{Ja: doJa, En: doEn}, Where: oneLine(where, 200)})
	}
	worst := func(things []Thing, fates ...Fate) (Thing, bool) {
		for _, f := range fates {
			if i := slices.IndexFunc(things, func(t Thing) bool { return t.Fate == f }); i >= 0 {
				return things[i], true
			}
		}
		return Thing{}, false
	}
	if t, ok := worst(d.Links, Removed, Neutralised); ok {
		add("links-gone", Bad, t.Sent, "リンクが取り除かれたか、押せない文字になりました。", "Links were removed or made into plain text.",
			"リンクの無効化から送信元を除くか、報告だけの訓練にしてください。", "Exempt the sender from link removal, or choose a report-only drill.")
	} else if t, ok := worst(d.Links, Rewritten); ok {
		add("links-rewritten", Warn, t.By, "リンクが検査用のアドレスに書き換えられました("+t.By+")。", "Links were rewritten ("+t.By+").",
			"数えることはできますが、検査の装置が先に開くことがあります。15分の様子見で確かめてください。", "They still count, but the scanner may open them first: watch the quiet fifteen minutes.")
	}
	if t, ok := worst(d.Images, Removed); ok {
		add("images-gone", Warn, t.Sent, "画像が取り除かれました。開封は数えられません。", "Pictures were removed: openings cannot be counted.",
			"開封の数を使わず、報告とクリックで見てください。", "Look at reports and clicks, not at openings.")
	}
	if t, ok := worst(d.Attachments, Removed); ok {
		add("attachment-gone", Bad, t.Sent, "添付ファイルが取り除かれました。", "The attachment was removed.", "添付の種類を変えるか、添付のない訓練にしてください。", "Choose another kind of attachment, or a drill without one.")
	} else if t, ok := worst(d.Attachments, Rewritten, Renamed); ok {
		add("attachment-changed", Warn, t.Sent+" -> "+t.Delivered, "添付ファイルの名前か形が変えられました。", "The attachment was renamed or converted.", "変えられたファイルを開いて、数えられるか確かめてください。", "Open it as it arrived and see whether that is counted.")
	}
	if len(d.Added) > 0 {
		add("attachment-added", Warn, strings.Join(d.Added, " "), "送っていない添付ファイルが付け加えられました。", "An attachment was added that was not sent.", "検査の装置の通知かもしれません。職員への見え方を確かめてください。", "It may be a scanner's notice. See how it looks to staff.")
	}
	if d.HTML == Removed {
		add("html-gone", Bad, "text/html", "HTML の本文がなくなり、文字だけになりました。", "The HTML body is gone, only text is left.", "文字だけのシナリオを選んでください。", "Choose a text-only scenario.")
	}
	switch d.Japanese {
	case Garbled:
		add("garbled", Bad, fmt.Sprintf("%d/%d", d.LinesKept, d.Lines), "本文が文字化けしています。", "The text is garbled.", "文字コード(UTF-8 / ISO-2022-JP)を切り替えて、もう一度試してください。", "Switch the encoding (UTF-8 / ISO-2022-JP) and try again.")
	case Changed:
		add("text-changed", Warn, fmt.Sprintf("%d/%d", d.LinesKept, d.Lines), "本文の一部が変わりました。", "Part of the text was changed.", "届いたメールを開いて、読めるか確かめてください。", "Open the delivered mail and see whether it reads well.")
	}
	if d.Subject == Garbled {
		add("subject-garbled", Bad, "Subject", "件名が文字化けしています。", "The subject is garbled.", "文字コードを切り替えて、もう一度試してください。", "Switch the encoding and try again.")
	} else if d.Tag != "" {
		add("subject-tagged", Warn, d.Tag, "件名に「"+d.Tag+"」が付け加えられました。", "“"+d.Tag+"” was put into the subject.", "迷惑メールの印なら、その機器の許可リストに送信元を加えてください。", "If it marks spam, put the sender on that filter's allow list.")
	} else if d.Subject == Changed {
		add("subject-changed", Warn, "Subject", "件名が変わりました。", "The subject was changed.", "届いたメールの件名を確かめてください。", "Look at the subject as it arrived.")
	}
	if d.Banner != "" {
		add("banner", Warn, d.Banner, "本文に注意書きなどが付け加えられました。", "A notice was put into the text.", "訓練がやさしくなります。そのままでよければ、記録として残してください。", "It makes the drill easier. If that is all right, keep it on record.")
	}
	if d.Marker != Kept {
		add("marker", Bad, markerName, "訓練の印("+markerName+")が消えたか、変えられました。", "The drill's marker ("+markerName+") is gone or changed.", "ヘッダーを消す設定から除いてください。印は、職員が報告したメールを訓練と見分けるために要ります。", "Exempt it from header removal: the marker tells reported drill mails from real ones.")
	}
	return out
}
