package mailbox

import (
	"errors"

	"github.com/emersion/go-imap"

	"kenshin/drill/internal/plain"
	"kenshin/drill/internal/wire"
	"kenshin/fault"
)

// enter opens a folder. Where mails stay as they are it is for reading only (EXAMINE): not even \Recent changes. The faults are all of a kind that a
// person must mend.
func (s *session) enter(folder string, after After) (*imap.MailboxStatus, error) {
	if err := s.conn.Allow(talk, s.config.Wait); err != nil {
		return nil, wire.Explain(s.where, err)
	}
	if after == Move {
		if err := s.mayMove(); err != nil {
			return nil, err
		}
	}
	status, err := s.client.Select(folder, after == Leave)
	switch {
	case err != nil && s.lost(err):
		return nil, wire.Explain(s.where, err)
	case err != nil:
		return nil, fault.Wrap(fault.NotFound, errors.New(plain.Words(err.Error(), 200)), "メールボックスにフォルダ「"+folder+"」がありません。", "The mailbox has no folder \""+folder+"\".")
	case after != Leave && status.ReadOnly:
		return nil, fault.New(fault.Invalid, "このメールボックスは読むことしか許されていないため、既読にも移動もできません。「そのまま残す」を選ぶか、書き込む権限をもらってください。",
			"This mailbox may only be read: mails cannot be marked or moved. Choose to leave them, or ask for the right to write.")
	}
	return status, nil
}

// mayMove looks whether mails can be moved without ever deleting one, and whether there is a folder to move them to.
func (s *session) mayMove() error {
	ok, err := s.client.Support("MOVE")
	if err != nil {
		return wire.Explain(s.where, err)
	}
	if !ok {
		return fault.New(fault.Invalid, "このメールサーバは、消さずにメールを移すこと(MOVE)ができません。「既読にする」か「そのまま残す」を選んでください。",
			"This mail server cannot move mails without deleting them (MOVE). Choose to mark or to leave them.")
	}
	_, err = s.client.Status(s.config.MoveTo, []imap.StatusItem{imap.StatusMessages})
	switch {
	case err == nil:
		return nil
	case s.lost(err):
		return wire.Explain(s.where, err)
	}
	return fault.Wrap(fault.NotFound, errors.New(plain.Words(err.Error(), 200)), "移す先のフォルダ「"+s.config.MoveTo+"」がメールボックスにありません。先に作ってください。",
		"The mailbox has no folder \""+s.config.MoveTo+"\" to move mails to. Make it first.")
}

// settle does with a mail that was delivered what the configuration says; 0 is none. A second time changes nothing.
func (s *session) settle(uid uint32, after After, to string) error {
	if uid == 0 || after == Leave {
		return nil
	}
	if err := s.conn.Allow(talk, s.config.Wait); err != nil {
		return wire.Explain(s.where, err)
	}
	var set imap.SeqSet
	set.AddNum(uid)
	var err error
	if after == Move {
		err = s.client.UidMove(&set, to)
	} else {
		err = s.client.UidStore(&set, imap.FormatFlagsOp(imap.AddFlags, true), []any{imap.SeenFlag}, nil)
	}
	if err == nil || s.lost(err) {
		return explained(s.where, err)
	}
	return fault.Wrap(fault.Invalid, errors.New(plain.Words(err.Error(), 200)), "メールサーバ "+s.where+" が、読んだメールを既読にする(または移す)ことを断りました。権限と空き容量を確かめてください。",
		"The mail server "+s.where+" refused to mark or move a mail. Check rights and quota.")
}

func (s *session) lost(err error) bool { return s.client.State() == imap.LogoutState || isNetwork(err) }

func explained(where string, err error) error {
	if err == nil {
		return nil
	}
	return wire.Explain(where, err)
}
