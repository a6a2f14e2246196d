package page

import (
	"context"
	"encoding/json"
	"hash/fnv"
	"strconv"

	"github.com/a-h/templ"

	"kenshin/drill"
	"kenshin/drill/attachment"
	"kenshin/drill/lesson"
	"kenshin/drill/letter"
	"kenshin/drill/scale"
	"kenshin/drill/scenario"
	"kenshin/i18n"
)

// DrillNewView is what a new drill can be made of.
type DrillNewView struct {
	Scenarios []scenario.Scenario
	Own       map[string]bool // ids of those that the facility wrote
	Sets      []lesson.Set
	Month     int
}

// DrillForm is the compose form. Fields: name, mode, whom (all|some|people), person (many), department (many), job (many), subject, text, html, from_name, from_local,
// link, qr, charset, attachment, file_name, landing, lesson, scenario, level, start, until, rate, any_time, no_mail, premise0 to premise4, cue and seen
// (many, JSON of drill.Cue), revision.
type DrillForm struct {
	drill.Drill
	Whom, Start, Until, Rate string
	Departments, Jobs        []drill.Group
	People, Chosen           int
	Persons                  DrillPersons
	Sets                     []lesson.Set
	Shown                    DrillPreview
	Errors                   Errors
}

// DrillPreview is what changes while one types.
type DrillPreview struct {
	Mail     MailView
	Problems []string
	Doubtful string // characters that an old mail program may not show
	Cues     []OfferedCue
	Chosen   int       // recipients
	Add      drill.Cue // that a person is about to add: add_cue, add_part, add_text, with do=cue
	AddError string
}

// OfferedCue is a cue that a machine or a person saw in the mail.
type OfferedCue struct {
	drill.Cue
	On  bool
	Why string
}

// counted is how many cues the rating counts.
func (v DrillPreview) counted() (n int) {
	for _, c := range v.Cues {
		if c.On {
			n++
		}
	}
	return n
}

func (c OfferedCue) value() string {
	b, _ := json.Marshal(c.Cue) //nolint:errchkjson // three strings
	return string(b)
}

// key is the same as long as the cue is: a renewed preview must not hand one cue's tick to another.
func (c OfferedCue) key() string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(c.value())) // never fails
	return "cue-" + strconv.FormatUint(h.Sum64(), 36)
}

func (c OfferedCue) name(ctx context.Context) string {
	k, _ := scale.Find(scale.ID(c.ID))
	return k.Name.For(ctx)
}

func (f DrillForm) at() string {
	if f.ID == "" {
		return PathDrillNew
	}
	return DrillPath(f.ID, "edit")
}

// DrillNewPage offers scenarios, lessons and an own text.
func DrillNewPage(s Shell, v DrillNewView) templ.Component {
	return within(s, SectionDrills, i18n.Text{Ja: "新しい訓練", En: "New drill"}, drillNew(v))
}

// DrillComposePage is the compose form with its preview; DrillPreviewPart is the preview alone.
func DrillComposePage(s Shell, f DrillForm) templ.Component {
	return within(s, SectionDrills, i18n.Text{Ja: "訓練メールを作る", En: "Compose a drill"}, drillCompose(f))
}

// DrillPreviewPart is the preview alone, for htmx.
func DrillPreviewPart(s Shell, v DrillPreview) templ.Component { return part(s, drillPreview(v)) }

func modeOptions(ctx context.Context) []Option {
	var out []Option
	for _, m := range drill.Modes() {
		out = append(out, Option{Value: string(m), Text: ModeText(m).For(ctx), Says: modeSays(m).For(ctx)})
	}
	return out
}

func landingOptions(ctx context.Context) []Option {
	var out []Option
	for _, l := range scenario.Landings() {
		out = append(out, Option{Value: string(l), Text: l.Name().For(ctx)})
	}
	return out
}

func attachmentOptions(ctx context.Context) []Option {
	out := []Option{{Value: "", Text: t(ctx, "付けない", "none")}}
	for _, k := range attachment.Kinds() {
		out = append(out, Option{Value: string(k), Text: map[attachment.Kind]string{attachment.HTML: "HTML", attachment.DOCX: "Word (docx)", attachment.XLSX: "Excel (xlsx)",
			attachment.PPTX: "PowerPoint (pptx)", attachment.PDF: "PDF", attachment.ICS: t(ctx, "予定 (ics)", "Calendar (ics)")}[k]})
	}
	return out
}

func charsetOptions(ctx context.Context) []Option {
	return []Option{
		{Value: string(letter.UTF8), Text: t(ctx, "今の形(UTF-8)", "Today's (UTF-8)"), Says: t(ctx, "どの字も送れます。迷ったらこちら。", "Carries every character. If unsure, this.")},
		{Value: string(letter.ISO2022JP), Text: t(ctx, "昔からの日本語メールの形(ISO-2022-JP)", "Old Japanese mail (ISO-2022-JP)"), Says: t(ctx, "古いメールソフトで受け取る人がいるとき。絵文字や一部の漢字は送れません。半角カナは全角になります。", "Where old mail programs are in use. No emoji, not every kanji.")},
		{Value: string(letter.Auto), Text: t(ctx, "文に合わせる", "Whichever fits"), Says: t(ctx, "昔からの形で書ける文ならその形、書けなければ今の形で送ります。", "The old form where the text fits into it, else UTF-8.")},
	}
}

func cueOptions(ctx context.Context) []Option {
	var out []Option
	for _, c := range scale.Cues() {
		out = append(out, Option{Value: string(c.ID), Text: c.Group.Name().For(ctx) + ": " + c.Name.For(ctx)})
	}
	return out
}

func partOptions(ctx context.Context) []Option {
	var out []Option
	for _, p := range []scale.Part{"text", "subject", "sender", "address", "attachment"} {
		out = append(out, Option{Value: string(p), Text: p.Name().For(ctx)})
	}
	return out
}

func setOptions(ctx context.Context, sets []lesson.Set) []Option {
	out := []Option{{Value: "", Text: t(ctx, "このメールの手がかりに合わせる", "whatever fits this mail's cues")}}
	for _, s := range sets {
		out = append(out, Option{Value: s.ID, Text: s.Title.For(ctx)})
	}
	return out
}

func scoreOptions(ctx context.Context) []Option {
	return []Option{{Value: "0", Text: t(ctx, "0 まったく", "0 not at all")}, {Value: "2", Text: t(ctx, "2 少し", "2 a little")}, {Value: "4", Text: t(ctx, "4 まあまあ", "4 somewhat")},
		{Value: "6", Text: t(ctx, "6 かなり", "6 rather")}, {Value: "8", Text: t(ctx, "8 ぴったり", "8 exactly")}}
}

func placeholders() []letter.Name { return letter.Names() }

func audienceNames(ctx context.Context, list []scenario.Audience) string {
	var out []string
	for _, a := range list {
		out = append(out, a.Name().For(ctx))
	}
	return join(out...)
}
