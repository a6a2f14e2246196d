package attachment

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"
)

// ics is one appointment of an hour (RFC 5545) whose text and URL hold the link. It has no alarm, no attachment and asks for no answer.
func (c Content) ics() []byte {
	const stamp = "20060102T150405Z"
	sum := sha256.Sum256([]byte(c.Link))
	link, _ := url.Parse(c.Link) // check has parsed it
	about := strings.Join(c.Paragraphs, "\n")
	if c.LinkText != "" {
		about += "\n" + c.LinkText
	}
	var b bytes.Buffer
	for _, line := range []string{
		"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Calendar//JA", "METHOD:PUBLISH",
		"BEGIN:VEVENT",
		"UID:" + hex.EncodeToString(sum[:16]) + "@" + link.Hostname(),
		"DTSTAMP:" + c.When.UTC().Format(stamp),
		"DTSTART:" + c.When.UTC().Format(stamp),
		"DTEND:" + c.When.UTC().Add(time.Hour).Format(stamp),
		"SUMMARY:" + icsText(c.Title),
		"DESCRIPTION:" + icsText(strings.TrimPrefix(about+"\n"+c.Link, "\n")),
		"URL:" + c.Link,
		"END:VEVENT", "END:VCALENDAR",
	} {
		fold(&b, line)
	}
	return b.Bytes()
}

// icsText escapes a TEXT value (RFC 5545 section 3.3.11).
func icsText(s string) string {
	return strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\n", `\n`).Replace(s)
}

// fold writes a line in pieces of at most 75 bytes that cut no character (RFC 5545 section 3.1).
func fold(b *bytes.Buffer, line string) {
	room := 75
	for len(line) > room {
		n := room
		for !utf8.RuneStart(line[n]) {
			n--
		}
		b.WriteString(line[:n] + "\r\n ")
		line, room = line[n:], 74
	}
	b.WriteString(line + "\r\n")
}
