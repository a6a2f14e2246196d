package scenario

import (
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"

	"kenshin/drill/internal/cue"
	"kenshin/drill/internal/find"
	"kenshin/jp"
)

var (
	braces    = regexp.MustCompile(`(?:\{\{|｛｛)([^{}｛｝\n]{0,40})(?:\}\}|｝｝)`)
	localPart = regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9._-]{0,62}[a-zA-Z0-9])?$`)
	withPlan  = regexp.MustCompile(`(?i)[a-z][a-z0-9+.-]{1,20}://[^\s<>"'）)」】]*`)
	withAt    = regexp.MustCompile(`@([\pL\pN-]+(?:\.[\pL\pN-]+)+)`)
	bareHost  = regexp.MustCompile(`(?i)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}`)
	bareIP    = regexp.MustCompile(`\b\d{1,3}(?:\.\d{1,3}){3}\b`)
)

// domains looks for addresses in a text: with a scheme, behind an @, or a bare host whose ending the registries know.
func (l *linter) domains(text string, add func(Rule, find.Span, string, string)) {
	t, back := narrow(text)
	refuse := func(from, to int, host string) {
		add(Foreign, find.Span{Start: back[from], End: back[to]}, "「"+host+"」は訓練用のドメインではありません。登録した訓練用ドメインか、.example で終わる名前にしてください。",
			"“"+host+"” is not the drill's; use a domain of the drill or one that ends in .example")
	}
	seen := func(at []int) bool { return len(l.out) >= maxProblems || at == nil }
	for _, at := range withPlan.FindAllStringIndex(t, 50) {
		raw := t[at[0]:at[1]]
		u, err := url.Parse(raw)
		if seen(at) {
			return
		}
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || !l.allowed(u.Hostname()) {
			refuse(at[0], at[1], raw)
		}
	}
	for _, at := range withAt.FindAllStringSubmatchIndex(t, 50) {
		if host := t[at[2]:at[3]]; !l.allowed(host) {
			refuse(at[2], at[3], host)
		}
	}
	for _, at := range bareHost.FindAllStringIndex(t, 200) {
		host := t[at[0]:at[1]]
		inside := at[0] > 0 && strings.IndexByte("@/.-:", t[at[0]-1]) >= 0 // counted above, or a path
		if !inside && registered(host) && !l.allowed(host) {
			refuse(at[0], at[1], host)
		}
	}
	for _, at := range bareIP.FindAllStringIndex(t, 20) {
		refuse(at[0], at[1], t[at[0]:at[1]])
	}
}

// registered reports whether a host ends as real domains do; "手順.docx" does not. A file's ending that is also a domain's counts as a file.
func registered(host string) bool {
	host = strings.ToLower(host)
	suffix, icann := publicsuffix.PublicSuffix(host)
	if !icann || suffix == host {
		return false
	}
	switch path.Ext(host) {
	case ".zip", ".mov", ".md", ".py", ".sh", ".ps", ".pl", ".ai":
		return strings.Count(host, ".") > 1
	}
	return true
}

// allowed reports whether a host is the drill's own or kept for examples.
func (l *linter) allowed(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(jp.Narrow(host), "."))
	if a, err := idna.Lookup.ToASCII(host); err == nil {
		host = a
	} else {
		return false
	}
	under := func(d string) bool { return d != "" && (host == d || strings.HasSuffix(host, "."+d)) }
	return slices.ContainsFunc(l.rules.suffixes, under) || slices.ContainsFunc(l.rules.names, under) || slices.ContainsFunc(l.own, under)
}

// narrow makes full-width ASCII and the full-width dot narrow, rune by rune; back gives the byte of the original for each byte.
func narrow(s string) (string, []int) {
	var b strings.Builder
	back := make([]int, 0, len(s)+1)
	for i, r := range s {
		switch {
		case '！' <= r && r <= '～':
			r -= '！' - '!'
		case r == '。' || r == '｡':
			if next := strings.TrimLeft(s[i:], "。｡"); next != "" && next[0] < 0x80 && next[0] > ' ' && i > 0 && s[i-1] < 0x80 {
				r = '.'
			}
		}
		n := utf8.RuneLen(r)
		if n < 0 {
			r, n = utf8.RuneError, 3
		}
		for range n {
			back = append(back, i)
		}
		b.WriteRune(r)
	}
	return b.String(), append(back, len(s))
}

// html walks the tags: only what is on the lists may stand, and nothing may run, be fetched or be hidden.
func (l *linter) html(src string) {
	z := html.NewTokenizer(strings.NewReader(src))
	pos, style := 0, false
	for {
		t := z.Next()
		raw := string(z.Raw())
		at := find.Span{Start: pos, End: pos + len(raw)}
		if t == html.ErrorToken {
			if strings.TrimSpace(raw) != "" {
				l.add(Wrong, cue.HTML, src, find.Span{Start: pos, End: len(src)}, "タグが閉じていません。", "an unfinished tag")
			}
			return
		}
		pos += len(raw)
		switch t {
		case html.CommentToken:
			if strings.ContainsAny(raw[min(4, len(raw)):max(min(4, len(raw)), len(raw)-3)], "<>") {
				l.add(Active, cue.HTML, src, at, "コメントの中にタグは書けません。", "no tags inside a comment")
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			tok := z.Token()
			style = tok.Data == "style" && t == html.StartTagToken
			l.tag(src, at, tok)
		case html.EndTagToken:
			style = false
		case html.TextToken:
			if style {
				l.css(src, at, raw)
			}
		}
		if len(l.out) >= maxProblems {
			return
		}
	}
}

func (l *linter) tag(src string, at find.Span, tok html.Token) {
	name := strings.ToLower(tok.Data)
	switch {
	case name == "meta":
		l.meta(src, at, tok)
	case slices.Contains(never(), name):
		l.add(Active, cue.HTML, src, at, "<"+name+"> は使えません。動くもの・入力欄・外から読み込むものは訓練メールに入れられません。", "<"+name+"> is refused: nothing may run, take input or be loaded")
		return
	case !l.rules.tags[name]:
		l.add(Active, cue.HTML, src, at, "<"+name+"> は使えるタグの一覧にありません。", "<"+name+"> is not on the list of tags")
		return
	}
	for _, a := range tok.Attr {
		l.attribute(src, at, name, strings.ToLower(a.Key), a.Val)
	}
}

func (l *linter) meta(src string, at find.Span, tok html.Token) {
	for _, a := range tok.Attr {
		if strings.EqualFold(a.Key, "http-equiv") && !strings.EqualFold(strings.TrimSpace(a.Val), "content-type") {
			l.add(Active, cue.HTML, src, at, "<meta http-equiv> は使えません（自動で移動するものなど）。", "<meta http-equiv> is refused (refresh and the like)")
		}
	}
}

func (l *linter) attribute(src string, at find.Span, tag, key, val string) {
	switch {
	case strings.HasPrefix(key, "on"):
		l.add(Active, cue.HTML, src, at, "「"+key+"」のような動作は付けられません。", "an event handler (“"+key+"”) is refused")
	case key == "href" && tag == "a":
		l.href(src, at, val)
	case key == "src" && tag == "img":
		if !strings.HasPrefix(val, "cid:") || braces.MatchString(val) {
			l.add(Remote, cue.HTML, src, at, "画像は外から読み込めません（cid: だけが使えます）。開封を数える画像は自動で付きます。", "no pictures are loaded from outside (only cid:); the picture that counts opens is added by itself")
		}
	case key == "href" || key == "src" || !l.rules.attributes[key]:
		l.add(Remote, cue.HTML, src, at, "<"+tag+"> の「"+key+"」は使えません。", "“"+key+"” on <"+tag+"> is refused")
	case key == "style":
		l.css(src, at, val)
	case key == "alt" || key == "title" || key == "aria-label" || key == "content":
		l.words(val, func(rule Rule, _ find.Span, ja, en string) { l.add(rule, cue.HTML, src, at, ja, en) })
	}
}

// href allows the drill's own link, addresses on allowed domains, and mail to them.
func (l *linter) href(src string, at find.Span, val string) {
	val = strings.TrimSpace(val)
	if val == "#" || linked(val) && braces.FindString(val) == val {
		return
	}
	clean := strings.Map(func(r rune) rune { // browsers ignore these inside a scheme
		if unicode.IsControl(r) || unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, val)
	u, err := url.Parse(clean)
	switch {
	case err != nil:
	case u.Scheme == "mailto" && u.RawQuery == "":
		if _, host, ok := strings.Cut(u.Opaque, "@"); ok && l.allowed(host) {
			return
		}
	case (u.Scheme == "http" || u.Scheme == "https") && u.User == nil && l.allowed(u.Hostname()):
		return
	}
	if err == nil && (u.Scheme == "javascript" || u.Scheme == "data" || u.Scheme == "vbscript" || u.Scheme == "file") {
		l.add(Active, cue.HTML, src, at, u.Scheme+": で始まるリンクは使えません。", u.Scheme+": links are refused")
		return
	}
	l.add(Foreign, cue.HTML, src, at, "リンクの行き先は "+LinkHole+" か訓練用のドメインだけです。", "a link may go to "+LinkHole+" or the drill's own domains only")
}

// css refuses whatever fetches or runs; a backslash could hide it.
func (l *linter) css(src string, at find.Span, css string) {
	flat := strings.ToLower(strings.Join(strings.Fields(css), ""))
	for _, bad := range []string{"url(", "@import", "expression(", "behavior:", "-moz-binding", "image-set(", "image(", "src(", "@font-face", `\`, "/*", "//", "javascript:", "attr("} {
		if strings.Contains(flat, bad) {
			l.add(Remote, cue.HTML, src, at, "スタイルの中の「"+bad+"」は使えません。", "“"+bad+"” in a style is refused")
			return
		}
	}
}

// attachment checks the kind and the name of a generated file.
func (l *linter) attachment(a *Attachment) {
	if a == nil {
		return
	}
	whole := find.Span{End: len(a.Name)}
	bad := func(ja, en string) { l.add(FileRule, cue.FileName, a.Name, whole, ja, en) }
	name := jp.Narrow(a.Name)
	parts := strings.Split(strings.ToLower(name), ".")
	switch {
	case !slices.Contains(Kinds(), a.Kind):
		bad("添付の種類「"+a.Kind+"」はありません。", "there is no kind of attachment “"+a.Kind+"”")
		return
	case !utf8.ValidString(a.Name) || a.Name == "" || utf8.RuneCountInString(a.Name) > 100:
		bad("ファイル名は 1〜100 文字です。", "a file name has 1 to 100 characters")
		return
	case strings.ContainsAny(name, `<>:"/\|?*`) || strings.ContainsFunc(a.Name, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }):
		bad("ファイル名に使えない文字があります。", "the file name has a character that is not allowed")
	case strings.HasPrefix(name, ".") || a.Name != strings.TrimSpace(a.Name) || parts[len(parts)-1] != ending(a.Kind):
		bad("ファイル名の最後は「."+ending(a.Kind)+"」にしてください。", "the file name must end in “."+ending(a.Kind)+"”")
	case reservedName(parts[0]):
		bad("Windows で使えないファイル名です。", "a name that Windows reserves")
	}
	for _, p := range parts[1:] {
		if slices.Contains(l.rules.endings, strings.TrimSpace(p)) {
			bad("「."+p+"」は使えません。動くファイルに見える名前は付けられません。", "“."+p+"” is refused: no name may look like a program")
		}
	}
	l.words(a.Name, func(rule Rule, at find.Span, ja, en string) { l.add(rule, cue.FileName, a.Name, at, ja, en) })
}

func reservedName(s string) bool {
	s = strings.TrimSpace(s)
	if len(s) == 4 && (strings.HasPrefix(s, "com") || strings.HasPrefix(s, "lpt")) && s[3] >= '0' && s[3] <= '9' {
		return true
	}
	return s == "con" || s == "prn" || s == "aux" || s == "nul"
}
