package scale

import (
	"cmp"
	"net/mail"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"kenshin/drill/internal/body"
	"kenshin/drill/internal/cue"
	"kenshin/drill/internal/find"
	"kenshin/i18n"
	"kenshin/jp"
)

// Mail is what Suggest looks at. From is an address with or without a display name ("総務課 <soumu@drill.example>").
type Mail struct {
	Subject, Text, HTML string
	From                string
	Attachments         []string // file names
	Own                 []string // domains that the readers know as their own; may be empty
}

// Found is a cue that a machine saw: bytes Start to End of a part; Text is what stands there. A cue that is something missing has
// Start == End at the place where one would have looked.
type Found struct {
	Cue        ID        `json:"cue"`
	Part       Part      `json:"part"`
	Index      int       `json:"index"` // which attachment, else 0
	Start, End int       `json:"-"`
	Text       string    `json:"text"`
	Why        i18n.Text `json:"why"`
}

// most is how many finds of one wording are worth telling.
const mostFinds = 20

// limit is how much of a text is looked at, in bytes: a mail of a drill is far smaller.
const limit = 128 << 10

// Suggest finds the cues that a machine can find in Japanese and English, in the order of the mail. It never counts a wording twice because
// a mail has both a plain and an HTML body: the HTML is searched for words only when there is no plain body.
func Suggest(m Mail) []Found {
	s := searcher{}
	s.words(cue.Subject, cut(m.Subject), nil)
	read := body.Read(cut(m.HTML))
	text, part := cut(m.Text), cue.Text
	var source func(int, int) (int, int)
	if strings.TrimSpace(text) == "" {
		text, part, source = read.Text, cue.HTML, read.Source
	}
	s.words(part, text, source)
	s.signer(part, text)
	s.design(part, text, source)
	s.sender(m)
	s.links(read, text, part, m.Own)
	s.files(m.Attachments, text)
	slices.SortStableFunc(s.found, func(a, b Found) int {
		return cmp.Or(cmp.Compare(order(a.Part), order(b.Part)), cmp.Compare(a.Index, b.Index), cmp.Compare(a.Start, b.Start))
	})
	return s.found
}

func cut(s string) string { return s[:min(len(s), limit)] }

func order(p Part) int {
	return slices.Index([]Part{cue.Sender, cue.Address, cue.Subject, cue.Text, cue.HTML, cue.FileName}, p)
}

type searcher struct{ found []Found }

func (s *searcher) add(id ID, p Part, text string, at find.Span, source func(int, int) (int, int), why i18n.Text) {
	f := Found{Cue: id, Part: p, Start: at.Start, End: at.End, Text: text[at.Start:at.End], Why: why}
	if source != nil {
		f.Start, f.End = source(at.Start, at.End)
	}
	s.found = append(s.found, f)
}

// words looks for the sayings; where two of one cue overlap (至急, 大至急) only the longer one counts.
func (s *searcher) words(p Part, text string, source func(int, int) (int, int)) {
	folded := jp.Fold(text)
	for _, g := range allSayings() {
		var spans []find.Span
		for _, w := range g.words {
			for _, at := range find.All(text, folded, jp.Fold(w), jp.Fold, mostFinds) {
				if w[0] >= 0x80 || find.Whole(text, at) {
					spans = append(spans, at)
				}
			}
		}
		for _, at := range longest(spans) {
			s.add(g.cue, p, text, at, source, g.why)
		}
	}
}

// longest drops places that overlap a longer one.
func longest(in []find.Span) []find.Span {
	slices.SortStableFunc(in, func(a, b find.Span) int { return cmp.Compare(b.End-b.Start, a.End-a.Start) })
	var out []find.Span
	for _, a := range in {
		if !slices.ContainsFunc(out, func(b find.Span) bool { return a.Start < b.End && b.Start < a.End }) {
			out = append(out, a)
		}
	}
	slices.SortFunc(out, func(a, b find.Span) int { return cmp.Compare(a.Start, b.Start) })
	return out
}

var (
	callable = regexp.MustCompile(`内線|電話|TEL|Tel|Phone|ext\.|☎|[0-9０-９]{2,4}[-－ー‐(（][0-9０-９]{2,4}[-－ー‐)）][0-9０-９]{3,4}`)
	rows     = regexp.MustCompile(`[★☆◆◇■□●○▼▲※!！]{3,}|[=＝*＊#＃~〜_＿]{8,}`)
	urlLike  = regexp.MustCompile(`(?i)\bhttps?://[^\s<>"'）)]+|\b(?:[a-z0-9-]+\.)+[a-z]{2,}(?:/[^\s<>"'）)]*)?`)
	rawIP    = regexp.MustCompile(`^\d{1,3}(\.\d{1,3}){3}$`)
	datePair = regexp.MustCompile(`(\d{4})年(\d{1,2})月(\d{1,2})日[（(]([日月火水木金土])[)）]`)
)

// signer: a body without anybody to call. The place is its last line.
func (s *searcher) signer(p Part, text string) {
	t := strings.TrimRight(text, " \r\n\t　")
	if t == "" || callable.MatchString(t) {
		return
	}
	from := strings.LastIndexByte(t, '\n') + 1
	s.found = append(s.found, Found{Cue: cue.NoSigner, Part: p, Start: from, End: len(t), Text: t[from:],
		Why: tx("電話や内線など、確かめる先が書かれていません。", "Nobody is named whom one could call.")})
	if p == cue.HTML { // the place in the source is not one stretch
		last := &s.found[len(s.found)-1]
		last.Start, last.End = 0, 0
	}
}

func (s *searcher) design(p Part, text string, source func(int, int) (int, int)) {
	for _, at := range rows.FindAllStringIndex(text, mostFinds) {
		s.add(cue.Design, p, text, find.Span{Start: at[0], End: at[1]}, source, tx("記号で飾っています。", "Decorated with rows of symbols."))
	}
	for _, g := range datePair.FindAllStringSubmatchIndex(text, mostFinds) {
		day, err := time.Parse("2006年1月2日", text[g[2]:g[7]]+"日")
		if err == nil && jp.Weekday(day) != text[g[8]:g[9]] {
			s.add(cue.Inconsistency, p, text, find.Span{Start: g[0], End: g[1]}, source, tx("日付と曜日が合いません。", "The date is not on that weekday."))
		}
	}
}

// sender compares the display name with the address: a name that holds another address, or an organisation's name on a domain that is not
// the readers' own.
func (s *searcher) sender(m Mail) {
	a, err := mail.ParseAddress(m.From)
	if err != nil {
		i, j := strings.LastIndexByte(m.From, '<'), strings.LastIndexByte(m.From, '>')
		if i < 0 || j < i {
			return
		}
		a = &mail.Address{Name: strings.Trim(strings.TrimSpace(m.From[:i]), `"`), Address: m.From[i+1 : j]}
	}
	at := strings.LastIndexByte(a.Address, '@')
	domain := strings.ToLower(a.Address[at+1:])
	whole := find.Span{End: len(a.Address)}
	if other := strings.LastIndexByte(a.Name, '@'); other >= 0 && !strings.HasPrefix(strings.ToLower(a.Name[other+1:]), domain) {
		s.add(cue.DisplayName, cue.Sender, a.Name, find.Span{End: len(a.Name)}, nil, tx("名前に書かれたアドレスと本当のアドレスが違います。", "The address in the name is not the real one."))
	} else if len(m.Own) > 0 && !belongs(domain, m.Own) && insider(a.Name) {
		s.add(cue.DisplayName, cue.Address, a.Address, whole, nil, tx("院内の部署を名乗っていますが、院外のアドレスです。", "Claims to be a department here, but the address is outside."))
	}
	if like, ok := lookalike(domain, m.Own); ok {
		s.add(cue.Domain, cue.Address, a.Address, find.Span{Start: at + 1, End: len(a.Address)}, nil, looksLike(like))
	}
	if insider(a.Name) {
		s.add(cue.PosesAs, cue.Sender, a.Name, find.Span{End: len(a.Name)}, nil, tx("知っている部署を名乗っています。", "Claims to be a department you know."))
	}
}

// insider reports whether a display name is that of a department.
func insider(name string) bool {
	f := jp.Fold(name)
	for _, w := range []string{"課", "室", "部", "病棟", "科", "院長", "事務", "委員会", "情報しすてむ", "helpdesk", "itsupport", "administrator"} {
		if strings.Contains(f, w) {
			return true
		}
	}
	return false
}

func (s *searcher) links(b body.Plain, text string, p Part, own []string) {
	for _, l := range b.Links {
		if len(s.found) > 500 {
			return
		}
		target := host(l.Href)
		start, end := b.Source(l.Start, l.End)
		add := func(id ID, why i18n.Text) {
			s.found = append(s.found, Found{Cue: id, Part: cue.HTML, Start: start, End: end, Text: l.Label, Why: why})
		}
		shown := urlLike.FindString(l.Label)
		switch {
		case shown != "" && target != "" && host(shown) != target:
			add(cue.LinkText, tx("見えているアドレスと行き先が違います。", "The address you see is not where it goes."))
		case shown == "" && !strings.HasPrefix(l.Href, "mailto:") && l.Label != "":
			add(cue.LinkText, tx("押す文字からは行き先が分かりません。", "The words do not say where the link goes."))
		}
		s.target(target, own, add)
	}
	if len(b.Links) > 0 {
		return
	}
	for _, at := range urlLike.FindAllStringIndex(text, mostFinds) {
		if h := host(text[at[0]:at[1]]); h != "" && p == cue.Text {
			s.target(h, own, func(id ID, why i18n.Text) { s.add(id, p, text, find.Span{Start: at[0], End: at[1]}, nil, why) })
		}
	}
}

func (s *searcher) target(h string, own []string, add func(ID, i18n.Text)) {
	like, ok := lookalike(h, own)
	switch {
	case ok:
		add(cue.Domain, looksLike(like))
	case rawIP.MatchString(h):
		add(cue.Domain, tx("行き先が名前でなく番号です。", "The link goes to a bare number."))
	case strings.HasPrefix(h, "xn--") || strings.Contains(h, ".xn--"):
		add(cue.Domain, tx("行き先に特殊な文字が使われています。", "The link's address uses unusual letters."))
	}
}

func looksLike(own string) i18n.Text {
	return tx("「"+own+"」に似せたアドレスです。", "An address made to look like “"+own+"”.")
}

func (s *searcher) files(names []string, text string) {
	for i, n := range names {
		ext := strings.ToLower(strings.TrimPrefix(path.Ext(jp.Narrow(n)), "."))
		if why, ok := risky()[ext]; ok && i < mostFinds {
			s.found = append(s.found, Found{Cue: cue.Attachment, Part: cue.FileName, Index: i, End: len(n), Text: n, Why: why})
		}
	}
	if at := strings.Index(text, "添付"); at >= 0 && len(names) == 0 && text != "" {
		s.found = append(s.found, Found{Cue: cue.Inconsistency, Part: cue.Text, Start: at, End: at + len("添付"), Text: "添付",
			Why: tx("添付と書いてあるのに、添付がありません。", "Speaks of an attachment, but there is none.")})
	}
}

func host(raw string) string {
	raw = strings.TrimSpace(raw)
	if !strings.Contains(raw, "://") {
		if strings.ContainsAny(raw, "{}: ") {
			return ""
		}
		raw = "http://" + raw
	}
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
}

func belongs(domain string, own []string) bool {
	return slices.ContainsFunc(own, func(o string) bool {
		o = strings.ToLower(o)
		return domain == o || strings.HasSuffix(domain, "."+o)
	})
}

// lookalike reports whose domain h imitates: the same letters to the eye, one letter off, or an own name inside a foreign one.
func lookalike(h string, own []string) (string, bool) {
	if h == "" || belongs(h, own) {
		return "", false
	}
	for _, o := range own {
		o = strings.ToLower(o)
		label, _, _ := strings.Cut(o, ".")
		if find.Skeleton(h) == find.Skeleton(o) || oneOff(h, o) || len(label) >= 5 && strings.Contains(h, label) {
			return o, true
		}
	}
	return "", false
}

// oneOff reports whether two names differ by one letter put in, left out, changed or swapped.
func oneOff(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 || len(a) < 6 || a == b {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) < len(b) {
		return a[i:] == b[i+1:]
	}
	return a[i+1:] == b[i+1:] || i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
}
