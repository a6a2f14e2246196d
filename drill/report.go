package drill

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"

	"kenshin/drill/intake"
	"kenshin/drill/internal/token"
	"kenshin/drill/letter"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/store"
)

// Via is the way that a report came.
type Via string

const (
	ViaMailbox Via = "mailbox"
	ViaSMTP    Via = "smtp"
	ViaPhone   Via = "phone"
)

// ReportKind is what a mail to the report mailbox turned out to be.
type ReportKind string

const (
	ReportDrill   ReportKind = "drill"   // a mail of a drill of ours was reported
	ReportReal    ReportKind = "real"    // another mail was reported: a person must look
	ReportUnclear ReportKind = "unclear" // nothing that was reported can be seen in it: a person must look
	ReportReply   ReportKind = "reply"   // an answer to a drill's mail
	ReportBounce  ReportKind = "bounce"  // a server's word about a mail's delivery
	ReportAuto    ReportKind = "auto"    // written by a program, like an absence notice: counted, never answered
)

// ReportKinds lists all kinds in the order of screens.
func ReportKinds() []ReportKind {
	return []ReportKind{ReportReal, ReportUnclear, ReportDrill, ReportReply, ReportBounce, ReportAuto}
}

// ReportState is where the work on a report stands.
type ReportState string

const (
	ReportNew      ReportState = "new"
	ReportAnswered ReportState = "answered"
	ReportClosed   ReportState = "closed"
)

// Ruling is a person's word about a reported mail.
type Ruling string

const (
	Dangerous Ruling = "dangerous"
	Harmless  Ruling = "harmless"
	OurDrill  Ruling = "drill"
)

// Envelope is how a mail reached us; what is not known stays empty.
type Envelope struct {
	Via  Via
	Peer string    // the server that brought it
	From string    // MAIL FROM
	To   string    // RCPT TO
	At   time.Time // when the first server of ours had it; zero is now
	Part bool      // only the beginning of the mail is there: it was too large
}

// Incoming is one report as it is kept. The mail itself is not.
type Incoming struct {
	ID       string
	At       time.Time
	Via      Via
	Kind     ReportKind
	State    ReportState
	Reporter string // address
	Drill    string
	Target   string // the reporter's own, "" when they are no recipient of the drill
	Opened   bool   // the reporter says to have opened it
	ReportContent
	Fresh bool // this call took it in; false: it had come before
	Same  int  // how many other reports name the same mail; only of one report
}

// ReportContent is what else is known of a report.
type ReportContent struct {
	Name     string         `json:"name,omitempty"` // of the reporter
	Subject  string         `json:"subject,omitempty"`
	Note     string         `json:"note,omitempty"` // the reporter's own words
	Said     string         `json:"said,omitempty"` // the words that say that they opened it
	Proof    intake.Proof   `json:"proof,omitempty"`
	Why      string         `json:"why,omitempty"` // of an automatic mail
	Mails    []ReportedMail `json:"mails,omitempty"`
	Files    []intake.File  `json:"files,omitempty"` // that the reporter attached beside
	Unread   []i18n.Text    `json:"unread,omitempty"`
	Mark     string         `json:"mark,omitempty"` // the same for reports of the same mail
	Ruling   Ruling         `json:"ruling,omitempty"`
	Answer   string         `json:"answer,omitempty"`
	Mailed   bool           `json:"mailed,omitempty"` // the answer was queued as a mail
	By       string         `json:"by,omitempty"`     // who answered
	Answered time.Time      `json:"answered,omitzero"`
	Finding  string         `json:"finding,omitempty"`
	Closing  string         `json:"closing,omitempty"` // why it was closed
}

// ReportedMail is a mail that was reported.
type ReportedMail struct {
	Form    intake.Form   `json:"form,omitempty"`
	Subject string        `json:"subject,omitempty"`
	From    string        `json:"from,omitempty"`
	Name    string        `json:"name,omitempty"`
	Date    time.Time     `json:"date,omitzero"`
	Text    string        `json:"text,omitempty"`
	Links   []intake.Link `json:"links,omitempty"`
	Files   []intake.File `json:"files,omitempty"`
}

const (
	maxNote      = 2000
	maxShownText = 4000
	maxShown     = 10 // mails of one report
	maxLinks     = 50
	// maxReport is the largest mail that is read.
	maxReport = 50 << 20
)

// owner is what a report is about.
type owner struct {
	drills []string // the oldest knowledge first
	notice bool     // it is a mail of ours, but not a drill's: an answer, a feedback
	strays []intake.Original
}

// TakeReport reads a mail that came to the report mailbox, or back to a drill's sender, and returns when all that follows from it is durable: the
// reporter's credit, a case for triage, an answer that is queued. The same mail twice counts once. An error means that nothing was kept.
func (b *Book) TakeReport(ctx context.Context, f facility.ID, raw []byte, e Envelope) (Incoming, error) {
	s, err := b.Settings(ctx, f)
	if err != nil {
		return Incoming{}, err
	}
	if e.At.IsZero() || e.At.After(b.now()) {
		e.At = b.stamp()
	}
	e.At = e.At.UTC().Truncate(time.Microsecond)
	if in, known, err := b.takeReturn(ctx, f, raw, e, s); err != nil || known {
		return in, err
	}
	rep, err := intake.Read(raw, intake.Given{MailFrom: e.From}, intake.Limits{Raw: maxReport})
	if err != nil { // nobody's report is lost because it cannot be read: a person sees that it came
		rep = intake.Report{Unread: []i18n.Text{{Ja: fault.Sentence(err, "ja"), En: fault.Sentence(err, "en")}}}
	}
	if e.Part {
		rep.Unread = append(rep.Unread, i18n.Text{Ja: "50 MBを超えるメールのため、はじめの部分だけを読みました。", En: "The mail is larger than 50 MB: only its beginning was read."})
	}
	o, err := b.owner(ctx, f, rep, s)
	if err != nil {
		return Incoming{}, err
	}
	in := incoming(rep, e)
	in.Kind, in.State = kindOf(rep, o)
	return b.keepReport(ctx, f, in, rep, o, raw)
}

// kindOf decides what a report is and whether somebody must look at it.
func kindOf(rep intake.Report, o owner) (ReportKind, ReportState) {
	switch {
	case rep.Automatic != "":
		return ReportAuto, ReportClosed
	case len(o.drills) > 0:
		return ReportDrill, ReportClosed
	case o.notice:
		return ReportUnclear, ReportClosed
	case len(rep.Originals) == 0:
		return ReportUnclear, ReportNew
	}
	return ReportReal, ReportNew
}

// secretLike is what a token of ours may look like in somebody's words: tokens are kept nowhere.
var secretLike = regexp.MustCompile(`[A-Za-z2-7]{32,}`)

func words(s string, n int) string {
	return clip(secretLike.ReplaceAllString(strings.ToValidUTF8(s, "\uFFFD"), "…"), n)
}

func incoming(rep intake.Report, e Envelope) Incoming {
	return Incoming{At: e.At, Via: e.Via, Reporter: rep.Reporter.Addr, Opened: rep.Opened != "",
		ReportContent: ReportContent{Name: clip(rep.Reporter.Name, 100), Subject: words(rep.Subject, 200), Note: words(rep.Note, maxNote), Said: words(rep.Opened, 300), Proof: rep.Proof,
			Why: clip(rep.Automatic, 200), Files: rep.Files[:min(len(rep.Files), maxLinks)], Unread: rep.Unread}}
}

func reported(list []intake.Original) (out []ReportedMail) {
	for _, o := range list[:min(len(list), maxShown)] {
		out = append(out, ReportedMail{Form: o.Form, Subject: clip(o.Subject, 300), From: o.From.Addr, Name: clip(o.From.Name, 100), Date: o.Date,
			Text: clip(strings.ToValidUTF8(o.Text, "\uFFFD"), maxShownText), Links: o.Links[:min(len(o.Links), maxLinks)], Files: o.Files[:min(len(o.Files), maxLinks)]})
	}
	return out
}

// mark names a reported mail by its sender and subject: the same mail to many people has one mark.
func mark(list []intake.Original) string {
	if len(list) == 0 {
		return ""
	}
	o := list[0]
	sum := sha256.Sum256([]byte(o.From.Addr + "\x00" + strings.Join(strings.Fields(o.Subject), " ")))
	return hex.EncodeToString(sum[:10])
}

// printOf names one mail however often and by whichever way it comes: by its Message-ID, or else by what is in it.
func printOf(raw []byte, from, id string) string {
	if id != "" {
		sum := sha256.Sum256([]byte(from + "\x00" + id))
		return hex.EncodeToString(sum[:])
	}
	h := sha256.New()
	_, body := cutHead(raw)
	fmt.Fprintf(h, "%s\x00", from)
	h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}

// cutHead parts a mail at its first empty line.
func cutHead(raw []byte) (mail.Header, []byte) {
	const most = 256 << 10
	text := string(raw[:min(len(raw), most)])
	end := strings.Index(text, "\r\n\r\n")
	if i := strings.Index(text, "\n\n"); end < 0 || i >= 0 && i < end {
		end = i
	}
	if end < 0 {
		end = len(text)
	}
	m, err := mail.ReadMessage(strings.NewReader(text[:end] + "\r\n\r\n"))
	if err != nil {
		return mail.Header{}, raw[end:]
	}
	return m.Header, raw[end:]
}

// owner finds whose mails were reported: by the marker with its seal, the tokens, the Message-ID, and for what was forwarded without any of
// them by the drill's own sender and subject.
func (b *Book) owner(ctx context.Context, f facility.ID, rep intake.Report, s Settings) (o owner, err error) {
	var known []drillRef
	var mine map[string]bool
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		o, mine = owner{}, map[string]bool{}
		if known, err = startedFor(ctx, tx, rep.Reporter.Addr); err != nil {
			return err
		}
		for _, t := range rep.Tokens {
			d, signal, err := tokenOwner(ctx, tx, t)
			switch {
			case err != nil:
				return err
			case d == "":
			case signal == Lesson:
				o.notice = true
			default:
				mine[t.String()] = true
				o.add(d)
			}
		}
		for _, x := range rep.Originals {
			d, kind, err := mailOwner(ctx, tx, x.MessageID)
			switch {
			case err != nil:
				return err
			case kind == "drill":
				o.add(d)
			case kind != "":
				o.notice = true
			}
		}
		return nil
	})
	if err != nil {
		return o, err
	}
	list, err := b.Domains(ctx, f)
	if err != nil {
		return o, err
	}
	own := proofs(list)
	for _, x := range rep.Originals {
		ours, err := b.isOurs(ctx, f, x, s, known, mine, &o)
		if err != nil {
			return o, err
		}
		_, domain, _ := strings.Cut(x.From.Addr, "@")
		if !ours && domain != "" && domain != s.Domain && len(x.Links)+len(x.Files) > 0 && own.covers(x.From.Addr, b.now()) != nil {
			o.strays = append(o.strays, x)
		}
	}
	if len(o.drills) == 0 || len(mine) > 0 { // tokens that stand in no mail that was told apart: then nothing is known to be a stranger's
		o.strays = nil
	}
	return o, nil
}

func (o *owner) add(drill string) {
	if !slices.Contains(o.drills, drill) {
		o.drills = append(o.drills, drill)
	}
}

// isOurs reports whether one of the reported mails is a drill's, and strikes its tokens off mine.
func (b *Book) isOurs(ctx context.Context, f facility.ID, x intake.Original, s Settings, known []drillRef, mine map[string]bool, o *owner) (bool, error) {
	ours := false
	text := x.Subject + "\n" + x.Text
	for _, l := range x.Links {
		text += "\n" + l.URL
	}
	for _, t := range token.Find([]byte(text), 100) {
		if mine[t.String()] {
			ours = true
			delete(mine, t.String())
		}
	}
	if m, ok := letter.ReadMarker(map[string][]string{letter.MarkerField: {x.Marker}, "Message-ID": {x.MessageID}}); ok && x.Marker != "" {
		key, err := b.tokenKey(ctx, f, m.Drill)
		switch {
		case err != nil && !isNone(err):
			return false, err
		case err == nil && m.Verify(markerKey(key)):
			ours = true
			o.add(m.Drill)
		}
	}
	for _, d := range known {
		if !ours && strings.EqualFold(x.From.Addr, d.mail.FromLocal+"@"+s.Domain) && d.sameSubject(x.Subject) {
			ours = true
			o.add(d.id)
		}
	}
	return ours, nil
}

// drillRef is a drill that somebody is a recipient of.
type drillRef struct {
	id   string
	mail Mail
	to   Target
}

func (d drillRef) sameSubject(s string) bool {
	want, err := letter.Fill(d.mail.Subject, letter.Fields{Surname: d.to.Surname, Given: d.to.Given, Department: d.to.Department, Email: d.to.Address}, false)
	return err == nil && s != "" && strings.Join(strings.Fields(want), " ") == strings.Join(strings.Fields(s), " ")
}

// startedFor lists the drills that went out to an address, the newest first.
func startedFor(ctx context.Context, tx *store.Tx, address string) (out []drillRef, err error) {
	if address == "" {
		return nil, nil
	}
	err = store.Each(ctx, tx, func(r *sql.Rows) error {
		var d drillRef
		var text string
		if err := r.Scan(&d.id, &text, &d.to.ID, &d.to.Surname, &d.to.Given, &d.to.Department, &d.to.Address); err != nil {
			return err
		}
		var c content
		err := unmarshal(text, &c)
		d.mail = c.Mail
		out = append(out, d)
		return err
	}, `SELECT d.id, d.content, t.id, t.surname, t.given, t.department, t.address FROM drill_people p
		JOIN drill_targets t ON t.facility_id = p.facility_id AND t.person_id = p.id JOIN drill_drills d ON d.facility_id = t.facility_id AND d.id = t.drill_id
		WHERE p.facility_id = $1 AND p.address = $2 AND d.started_at > 0 ORDER BY d.started_at DESC LIMIT 20`, address)
	return out, err
}
