package drill

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"kenshin/drill/mailbox"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/store"
)

// Mailbox is where reports arrive, as somebody set it up. Nothing in it is deleted.
type Mailbox struct {
	Host     string        `json:"host,omitempty"`
	Port     int           `json:"port,omitempty"`
	Security string        `json:"security,omitempty"` // tls, starttls; "" is tls
	Auth     string        `json:"auth,omitempty"`     // password, xoauth2; "" is password
	User     string        `json:"user,omitempty"`
	Folder   string        `json:"folder,omitempty"`
	After    mailbox.After `json:"after,omitempty" enum:",mark,move"` // what becomes of a mail that was taken
	MoveTo   string        `json:"move_to,omitempty"`                 // the folder, with move
	TokenURL string        `json:"token_url,omitempty"`
	Client   string        `json:"client,omitempty"`
	Sealed   []byte        `json:"sealed,omitempty"`
}

const (
	maxMailboxName = 200 // characters of each name
	// reach is how old mails may be that lay in a mailbox when it was set up: older ones are left alone.
	reach = 7 * 24 * time.Hour
	// tryTime is how long a person waits for a look into the mailbox.
	tryTime = 30 * time.Second
)

func (m Mailbox) check() error {
	bad := func(ja, en string) error { return fault.New(fault.Invalid, ja, en) }
	if m.Host == "" {
		return nil
	}
	for _, s := range []string{m.Host, m.User, m.Folder, m.MoveTo, m.TokenURL, m.Client} {
		if len([]rune(s)) > maxMailboxName || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return fault.Newf(fault.Invalid, "報告用メールボックスの設定は、それぞれ%d文字までで、改行などの制御文字は使えません。",
				"Each setting of the report mailbox has at most %d characters and no control characters.", maxMailboxName)
		}
	}
	switch {
	case strings.ContainsAny(m.Host, " /@:"):
		return bad("報告用メールボックスのサーバは imap.hospital.example.jp のように名前だけを書いてください。", "Write the report mailbox's server as a name only, like imap.hospital.example.jp.")
	case m.Port < 0 || m.Port > 65535:
		return bad("報告用メールボックスのポートは 1 から 65535 の間です。", "The report mailbox's port is from 1 to 65535.")
	case m.Security != "" && m.Security != "tls" && m.Security != "starttls":
		return bad("報告用メールボックスは暗号(TLSかSTARTTLS)でだけ読みます。パスワードを、だれにでも読める形では送りません。", "The report mailbox is read over TLS or STARTTLS only: no password goes out readable.")
	case m.Auth != "" && m.Auth != "password" && m.Auth != "xoauth2":
		return bad("報告用メールボックスのサインインは password か xoauth2 です。", "The report mailbox's sign-in is password or xoauth2.")
	case m.User == "":
		return bad("報告用メールボックスのユーザー名を入れてください。", "Enter the report mailbox's user.")
	case m.After != mailbox.Leave && m.After != mailbox.Mark && m.After != mailbox.Move:
		return bad("受け取ったメールは「そのまま」「既読にする」「移す」のどれかです。", "A mail that was taken is left, marked or moved.")
	case m.After == mailbox.Move && m.MoveTo == "":
		return bad("受け取ったメールを移す先のフォルダを入れてください。", "Enter the folder that mails are moved to.")
	case m.After == mailbox.Move && strings.EqualFold(m.MoveTo, m.folder()):
		return bad("移す先は、読むフォルダとは別のフォルダにしてください。", "Mails must be moved to another folder than the one that is read.")
	}
	return nil
}

func (m Mailbox) folder() string {
	if m.Folder == "" {
		return "INBOX"
	}
	return m.Folder
}

// name is one mailbox, however it is reached: where it was left off is kept under it.
func (m Mailbox) name() string {
	return strings.ToLower(m.Host) + "/" + m.User + "/" + m.folder()
}

// print changes with every setting, the password included.
func (m Mailbox) print() (string, error) {
	text, err := marshal(m)
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16]), err
}

func (b *Book) mailboxConfig(m Mailbox, secret string) (c mailbox.Config, err error) {
	c = mailbox.Config{Host: m.Host, Port: m.Port, STARTTLS: m.Security == "starttls", User: m.User, Secret: secret, Folder: m.folder(), After: m.After, MoveTo: m.MoveTo, Roots: b.roots}
	if m.Auth == "xoauth2" {
		c.Token, err = b.mailTokens(m.TokenURL, m.Client, secret)
	} else if secret == "" {
		err = fault.New(fault.Invalid, "報告用メールボックスのパスワードを入れてください。", "Enter the report mailbox's password.")
	}
	return c, err
}

// MailboxHealth is how the reading of the report mailbox goes.
type MailboxHealth struct {
	Set       bool      // a mailbox is set up
	Reading   bool      // a copy of the program is at it
	Connected time.Time // since when, zero: it is not connected
	LastMail  time.Time // when the last mail was taken
	Taken     int       // mails since it was set up
	Error     i18n.Text // the last one, until it works again
	ErrorAt   time.Time
	Stopped   bool // a person must change something; it is tried again after StoppedFor at the latest
}

// StoppedFor is how long a mailbox that refused us is left alone: a wrong password that is tried again and again locks the account.
const StoppedFor = 6 * time.Hour

// MailboxHealth tells how the reading of the facility's report mailbox goes.
func (b *Book) MailboxHealth(ctx context.Context, f facility.ID) (h MailboxHealth, err error) {
	s, err := b.Settings(ctx, f)
	if err != nil || s.Mailbox.Host == "" {
		return h, err
	}
	print, err := s.Mailbox.print()
	if err != nil {
		return h, err
	}
	row, err := b.boxOf(ctx, f, s.Mailbox)
	if err != nil {
		return h, err
	}
	h = MailboxHealth{Set: true, Reading: row.until.After(b.now()), LastMail: row.state.LastMail, Taken: row.state.Taken}
	if h.Reading {
		h.Connected = row.state.Connected
	}
	if row.state.Print == print { // what was said about other settings is no longer true
		h.Error, h.ErrorAt, h.Stopped = row.state.Error, row.state.ErrorAt, row.state.Stopped
	}
	return h, nil
}

// TryMailbox looks into a mailbox as it would be read, and changes nothing in it. An empty secret is the one that is kept, if the mailbox is on the
// server that it is kept for.
func (b *Book) TryMailbox(ctx context.Context, f facility.ID, m Mailbox, secret string) (found mailbox.State, err error) {
	s, err := b.Settings(ctx, f)
	if err != nil {
		return found, err
	}
	if m.Host == "" {
		return found, fault.New(fault.Invalid, "報告用メールボックスのサーバの名前を入れてください。", "Enter the report mailbox's server.")
	}
	if err := m.check(); err != nil {
		return found, err
	}
	if no, err := b.fictitious(ctx, f); err != nil {
		return found, err
	} else if no {
		return found, fault.New(fault.Denied, "見本の病院は、どのメールボックスにもつなぎません。", "The fictitious hospital connects to no mailbox.")
	}
	kept := secret == "" && m.Host == s.Mailbox.Host && m.TokenURL == s.Mailbox.TokenURL
	if kept {
		if secret, err = b.secret(f, mailboxPurpose, s.Mailbox.Sealed); err != nil {
			return found, err
		}
	}
	c, err := b.mailboxConfig(m, secret)
	if err != nil {
		return found, err
	}
	c.Since, c.Wait = b.now().Add(-reach), tryTime/2
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	text := i18n.Text{Ja: "報告用メールボックスにつながるか試しました", En: "Tried to reach the report mailbox"}
	err = b.db.Write(ctx, f, func(tx *store.Tx) error {
		return b.trail(ctx, tx, "drill.mailbox.try", "", text, map[string]string{"host": m.Host, "user": m.User})
	})
	if err != nil {
		return found, err
	}
	if found, err = mailbox.Look(ctx, c); err != nil {
		return found, err
	}
	m.Sealed = s.Mailbox.Sealed
	if kept && sameBox(m, s.Mailbox) {
		err = b.boxWorks(ctx, f, m)
	}
	return found, err
}

func sameBox(a, b Mailbox) bool {
	x, e1 := a.print()
	y, e2 := b.print()
	return e1 == nil && e2 == nil && x == y
}

// boxWorks forgets an error, so that reading begins at once.
func (b *Book) boxWorks(ctx context.Context, f facility.ID, m Mailbox) error {
	return b.db.Write(ctx, f, func(tx *store.Tx) error {
		row, err := readBox(ctx, tx, m.name())
		if err != nil || !row.state.Stopped {
			return err
		}
		row.state.Stopped, row.state.Error, row.state.ErrorAt = false, i18n.Text{}, time.Time{}
		return putBoxState(ctx, tx, m.name(), row.state)
	})
}

func (b *Book) boxOf(ctx context.Context, f facility.ID, m Mailbox) (row boxRow, err error) {
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		row, err = readBox(ctx, tx, m.name())
		return err
	})
	return row, err
}

// boxRow is where the reading of a mailbox stands.
type boxRow struct {
	at    mailbox.Cursor
	lease string
	until time.Time
	state boxState
}

// boxState is what else is kept of it.
type boxState struct {
	Since     time.Time `json:"since,omitzero"` // mails that came before are left alone
	Connected time.Time `json:"connected,omitzero"`
	LastMail  time.Time `json:"last_mail,omitzero"`
	Taken     int       `json:"taken,omitempty"`
	Print     string    `json:"print,omitempty"` // of the settings that the error is about
	Error     i18n.Text `json:"error,omitzero"`
	ErrorAt   time.Time `json:"error_at,omitzero"`
	Stopped   bool      `json:"stopped,omitempty"`
}

// readBox returns the zero row where there is none.
func readBox(ctx context.Context, tx *store.Tx, name string) (row boxRow, err error) {
	var until int64
	var text string
	err = tx.Row(ctx, "SELECT m.validity, m.uid, m.lease, m.lease_until, m.content FROM drill_mailboxes m WHERE m.facility_id = $1 AND m.name = $2", name).
		Scan(&row.at.UIDValidity, &row.at.UID, &row.lease, &until, &text)
	if isNone(err) {
		return boxRow{}, nil
	}
	if err != nil {
		return row, fmt.Errorf("read where the report mailbox stands: %w", err)
	}
	row.until = store.Time(until)
	return row, unmarshal(text, &row.state)
}

func putBoxState(ctx context.Context, tx *store.Tx, name string, s boxState) error {
	text, err := marshal(s)
	if err == nil {
		_, err = tx.Exec(ctx, "UPDATE drill_mailboxes SET content = $3 WHERE facility_id = $1 AND name = $2", name, text)
	}
	return err
}
