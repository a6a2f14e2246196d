package attachment

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"net/url"
)

const style = `body{font-family:"Yu Gothic","Hiragino Sans",sans-serif;max-width:40em;margin:2em auto;padding:0 1em;line-height:1.7;color:#222}` +
	`h1{font-size:1.3em}label{display:block;margin:1em 0}input{display:block;width:100%;max-width:22em;padding:.5em;font-size:1em}` +
	`.go{display:inline-block;padding:.6em 1.6em;background:#1a56a0;color:#fff;text-decoration:none}`

// html is one page. Its policy lets it fetch the one picture and nothing else; it has no script, no form, and no field has a name, so that
// nothing that is typed can leave it.
func (c Content) html() []byte {
	sum := sha256.Sum256([]byte(style))
	beacon, _ := url.Parse(c.Beacon) // check has parsed it
	policy := fmt.Sprintf("default-src 'none'; img-src %s://%s; style-src 'sha256-%s'; form-action 'none'; base-uri 'none'",
		beacon.Scheme, beacon.Host, base64.StdEncoding.EncodeToString(sum[:]))
	var b bytes.Buffer
	esc := html.EscapeString
	fmt.Fprintf(&b, `<!DOCTYPE html>
<html lang="ja">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="%s">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width">
<title>%s</title>
<style>%s</style>
</head>
<body>
<h1>%s</h1>
`, policy, esc(c.Title), style, esc(c.Title))
	for _, p := range c.Paragraphs {
		fmt.Fprintf(&b, "<p>%s</p>\n", esc(p))
	}
	if c.SignIn {
		b.WriteString(`<label>ユーザーID<input type="text" autocomplete="off" spellcheck="false"></label>
<label>パスワード<input type="password" autocomplete="new-password"></label>
`)
	}
	if c.Link != "" {
		class := ""
		if c.SignIn {
			class = ` class="go"`
		}
		fmt.Fprintf(&b, "<p><a%s href=\"%s\" rel=\"noreferrer\">%s</a></p>\n", class, esc(c.Link), esc(c.linkText()))
	}
	fmt.Fprintf(&b, "<img src=\"%s\" alt=\"\" width=\"1\" height=\"1\">\n</body>\n</html>\n", esc(c.Beacon))
	return b.Bytes()
}

func (c Content) linkText() string {
	if c.LinkText != "" {
		return c.LinkText
	}
	return c.Link
}
