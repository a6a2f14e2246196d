package page

import (
	"context"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"kenshin/i18n"
	"kenshin/setting"
)

// TrailView is who did what when. Filters are GET fields of PathTrail: who, what, from, to.
type TrailView struct {
	Who, What, From, To string // as filtered
	Whats               []Option
	Rows                []TrailRow
	Older               string // address of the next older page, "" at the end
	Verify              *TrailVerify
	Size                int64  // entries in all
	Root                string // of the log, as text
}

// SealsView is the daily checkpoints that are kept, and one of them to print.
type SealsView struct {
	Days []Link // newest first
	Day  string // of the one shown, in words; "" when none is
	Text string // the checkpoint with what to do with it, as it is mailed
	Key  string // that checkpoints are verified with
}

// SealsPage shows one daily checkpoint so that it can be printed and locked away.
func SealsPage(s Shell, v SealsView) templ.Component {
	return within(s, SectionTrail, i18n.Text{Ja: "記録の封", En: "Checkpoints of the trail"}, seals(v))
}

// TrailRow is one entry. Number counts from 0, as in the export and in what the verification says.
type TrailRow struct {
	Number int64
	At     time.Time
	Who    string
	Role   string
	What   string // a whole sentence
	On     Link   // what it was about
	From   string // address or command
}

// TrailVerify is the result of checking the whole log.
type TrailVerify struct {
	OK      bool
	At      time.Time
	Entries int64
	Says    string
}

// TrailPage shows the trail.
func TrailPage(s Shell, v TrailView) templ.Component {
	return within(s, SectionTrail, i18n.Text{Ja: "記録", En: "Trail"}, trail(v))
}

// JobsView is long-running work.
type JobsView struct {
	ID    string // of one run that is shown alone; "" lists all
	Chips []Chip
	Rows  []JobRow
	Pager Pager
}

// JobRow is one piece of work. State is waiting, running, retrying, done, cancelled or failed.
type JobRow struct {
	ID, Name, State string
	Percent         int // -1 when it has none
	Says            string
	Started         time.Time
	Finished        time.Time
	By              string
	Attempt         int
	Open            Link // its own page, e.g. the check-up
	CanCancel       bool
	CanRetry        bool
}

// JobsPage lists work; its live part is fetched again every two seconds from PathJobs+"/live" and is JobsLive.
func JobsPage(s Shell, v JobsView) templ.Component {
	return within(s, SectionJobs, i18n.Text{Ja: "仕事の進み", En: "Work"}, jobs(v))
}

// JobsLive is the part that changes.
func JobsLive(s Shell, v JobsView) templ.Component { return part(s, jobsLive(v)) }

// live is where the part that changes is fetched.
func (v JobsView) live() string {
	if v.ID != "" {
		return JobPath(v.ID, "live")
	}
	return PathJobs + "/live"
}

func (v JobsView) going() bool {
	for _, r := range v.Rows {
		if r.State == "waiting" || r.State == "running" || r.State == "retrying" {
			return true
		}
	}
	return false
}

// SettingsView is the facility's settings. POST PathSettings: facility, reading, beds, address, zone, session_minutes, password_length,
// retention_days, raw_days, event_days, pace, closed (true), language. PathMail: host, port, security, user, mail-password, mail-from, mail-to.
type SettingsView struct {
	Weekly         setting.Week
	Facility       string
	Reading        string
	Beds           string
	Street         string // the facility's address
	Zone           string // IANA
	SessionMinutes string
	PasswordLength string
	RetentionDays  string // of observations
	RawDays        string // of devices' raw answers
	EventDays      string // of the list of changes
	Pace           string // gentle, normal or fast
	Closed         bool   // no way to the internet
	Language       string
	Errors         Errors
	Mail           MailForm

	Address     string // where the console listens
	TLS         string // in words
	Fingerprint string // of our own CA, "" when files were given
	CAURL       string // GET: the CA's certificate
	Database    string
	DataBytes   int64
	Backup      time.Time
	Version     string
	Right       string // what is missing to listen and send, "" when nothing
}

// MailForm is the hospital's own mail relay, through which notices go. The password is never shown again.
type MailForm struct {
	Host, Port, Security, User string // Security: starttls, tls or none
	From, To                   string
	HasPassword                bool
	Ready                      bool // a relay is set: a test mail can be asked for
	Errors                     Errors
}

// CAView is how to bring our own root certificate to the hospital's computers.
type CAView struct {
	Address     string // of the console
	Fingerprint string // SHA-256
	Expires     time.Time
	PEM, DER    string // GET: the file
}

// CAPage explains the root certificate.
func CAPage(s Shell, v CAView) templ.Component {
	return within(s, SectionSettings, i18n.Text{Ja: "院内のPCに入れる証明書", En: "Certificate for the hospital's computers"}, rootCertificate(v))
}

// SettingsPage shows settings and the machine's state.
func SettingsPage(s Shell, v SettingsView) templ.Component {
	return within(s, SectionSettings, i18n.Text{Ja: "設定", En: "Settings"}, settings(v))
}

// HelpPage explains everything in plain words.
func HelpPage(s Shell) templ.Component {
	return within(s, SectionHelp, i18n.Text{Ja: "ヘルプ", En: "Help"}, help())
}

func jobState(ctx context.Context, state string) (Mark, string) {
	switch state {
	case "waiting":
		return MarkQuiet, t(ctx, "順番待ち", "Waiting")
	case "running":
		return MarkInfo, t(ctx, "進行中", "Running")
	case "retrying":
		return MarkWarn, t(ctx, "やり直し待ち", "Will retry")
	case "cancelled":
		return MarkQuiet, t(ctx, "取りやめた", "Cancelled")
	case "failed":
		return MarkBad, t(ctx, "できなかった", "Failed")
	}
	return MarkOK, t(ctx, "終わった", "Done")
}

// topic is one question of the help.
type topic struct {
	id    string
	title i18n.Text
	says  []i18n.Text
}

// passwordHint says whether a password is kept without showing it.
func passwordHint(ctx context.Context, kept bool) string {
	if kept {
		return t(ctx, "保存済み。変えるときだけ入れます", "kept; enter one only to change it")
	}
	return t(ctx, "封をして保存します", "it is kept sealed")
}

func weekdayOptions(ctx context.Context) []Option {
	names := [][2]string{{"日曜", "Sunday"}, {"月曜", "Monday"}, {"火曜", "Tuesday"}, {"水曜", "Wednesday"}, {"木曜", "Thursday"}, {"金曜", "Friday"}, {"土曜", "Saturday"}}
	var out []Option
	for i := range 7 {
		i = (i + 1) % 7 // the week begins with its first working day
		out = append(out, Option{Value: strconv.Itoa(i), Text: t(ctx, names[i][0], names[i][1])})
	}
	return out
}

func dayHours() []Option {
	var out []Option
	for h := range 24 {
		out = append(out, Option{Value: strconv.Itoa(h), Text: clock(h * 60)})
	}
	return out
}
