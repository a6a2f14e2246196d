package drill

import (
	"fmt"
	"slices"
	"strings"

	"kenshin/drill/letter"
	"kenshin/drill/scenario"
	"kenshin/fault"
	"kenshin/i18n"
)

// Charsets lists what a draft may choose; "" in one that a script wrote is auto.
func Charsets() []letter.Charset { return []letter.Charset{letter.UTF8, letter.ISO2022JP, letter.Auto} }

func checkCharset(c string) error {
	if c != "" && !slices.Contains(Charsets(), letter.Charset(c)) {
		return fault.New(fault.Invalid, "文字コードは utf-8、iso-2022-jp、auto のどれかです。", "The charset is one of utf-8, iso-2022-jp and auto.")
	}
	return nil
}

// unencodable says which characters of a mail the chosen charset cannot carry, each once in each part.
func (m Mail) unencodable() (out []scenario.Problem) {
	if letter.Charset(m.Charset) != letter.ISO2022JP {
		return nil
	}
	for _, p := range []struct {
		part scenario.Part
		text string
	}{{"sender", m.FromName}, {"subject", m.Subject}, {"text", m.Text}, {"html", m.HTML}} {
		for _, x := range letter.Misfits(p.text) {
			out = append(out, scenario.Problem{Rule: scenario.Wrong, Part: p.part, Line: x.Line, Text: string(x.Rune),
				Why: i18n.Text{Ja: "ISO-2022-JP では送れない字です。別の字にするか、文字の形式を UTF-8 にしてください。", En: "ISO-2022-JP cannot carry it; use another character, or choose UTF-8."}})
		}
	}
	return out
}

// Doubtful are the characters of a mail in ISO-2022-JP that go out, but that an old mail program may not show: ①, ㈱, 髙 and the like.
func (m Mail) Doubtful() string {
	if letter.Charset(m.Charset) != letter.ISO2022JP {
		return ""
	}
	return string(letter.Extras(m.FromName + "\n" + m.Subject + "\n" + m.Text + "\n" + m.HTML))
}

// checkNames refuses a charset that cannot carry what is filled in for somebody: nobody's mail may fail on the way for that.
func (m Mail) checkNames(list []Person, org string) error {
	if letter.Charset(m.Charset) != letter.ISO2022JP {
		return nil
	}
	people, chars := 0, []string{}
	note := func(text string) bool {
		bad := letter.Misfits(text)
		for _, x := range bad {
			if !slices.Contains(chars, string(x.Rune)) {
				chars = append(chars, string(x.Rune))
			}
		}
		return len(bad) > 0
	}
	for _, p := range list {
		if note(p.Name() + p.Department) {
			people++
		}
	}
	if here := note(org); !here && people == 0 {
		return nil
	}
	shown := strings.Join(chars[:min(len(chars), 10)], " ")
	return &fault.Error{Kind: fault.Invalid,
		Ja: fmt.Sprintf("ISO-2022-JP では送れない字が、宛先の名前や部署(%d人)、または施設の名前にあります: %s 。文字の形式を UTF-8 にしてください。", people, shown),
		En: fmt.Sprintf("ISO-2022-JP cannot carry characters of the recipients' names or departments (%d people), or of the facility's name: %s. Choose UTF-8.", people, shown)}
}
