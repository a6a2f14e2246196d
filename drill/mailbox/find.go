package mailbox

import (
	"context"
	"net/textproto"
	"slices"
	"strings"

	"github.com/emersion/go-imap"

	"kenshin/drill/internal/wire"
)

// Found is where a mail lies.
type Found struct {
	Folder string
	Junk   bool // the server's folder for unwanted mail
	Mail   Mail
}

// junk are the names of folders for unwanted mail where the server does not say which one it is (RFC 6154).
var junk = []string{"junk", "spam", "bulk", "quarantine", "迷惑メール", "迷惑"}

// Find looks for a mail by its Message-ID, with brackets: in the folder of the configuration first, then where unwanted mail goes, then
// elsewhere. nil without an error means that it is in none of the first 500 folders.
func Find(ctx context.Context, c Config, messageID string) (*Found, error) {
	c.fill()
	s, err := connect(ctx, c)
	if err != nil {
		return nil, err
	}
	defer s.close()
	folders, err := s.folders()
	if err != nil {
		return nil, err
	}
	for _, f := range folders {
		if _, err := s.enter(f.name, Leave); err != nil {
			continue // listed, but not to be opened
		}
		uids, err := s.search(messageID)
		if err != nil {
			return nil, err
		}
		if len(uids) == 0 {
			continue
		}
		uid := slices.Max(uids)
		m, err := s.fetch(uid, false, c.Limit)
		if err != nil {
			return nil, err
		}
		if m != nil {
			return &Found{Folder: f.name, Junk: f.junk, Mail: *m}, nil
		}
	}
	return nil, nil
}

type folder struct {
	name string
	junk bool
}

func (s *session) folders() ([]folder, error) {
	if err := s.conn.Allow(talk, s.config.Wait); err != nil {
		return nil, wire.Explain(s.where, err)
	}
	found, done := make(chan *imap.MailboxInfo, 16), make(chan error, 1)
	go func() { done <- s.client.List("", "*", found) }()
	var all []folder
	for m := range found {
		if slices.Contains(m.Attributes, imap.NoSelectAttr) || len(all) >= maxNames {
			continue
		}
		all = append(all, folder{m.Name, isJunk(m)})
	}
	if err := <-done; err != nil {
		return nil, wire.Explain(s.where, err)
	}
	rank := func(f folder) int {
		switch {
		case strings.EqualFold(f.name, s.config.Folder):
			return 0
		case f.junk:
			return 1
		}
		return 2
	}
	slices.SortStableFunc(all, func(a, b folder) int { return rank(a) - rank(b) })
	return all, nil
}

func isJunk(m *imap.MailboxInfo) bool {
	if slices.ContainsFunc(m.Attributes, func(a string) bool { return strings.EqualFold(a, imap.JunkAttr) }) {
		return true
	}
	name := strings.ToLower(m.Name)
	if i := strings.LastIndex(name, m.Delimiter); i >= 0 && m.Delimiter != "" {
		name = name[i+len(m.Delimiter):]
	}
	return slices.ContainsFunc(junk, func(j string) bool { return strings.HasPrefix(name, j) })
}

func (s *session) search(messageID string) ([]uint32, error) {
	if err := s.conn.Allow(talk, s.config.Wait); err != nil {
		return nil, wire.Explain(s.where, err)
	}
	uids, err := s.client.UidSearch(&imap.SearchCriteria{Header: textproto.MIMEHeader{"Message-Id": {messageID}}})
	if err != nil {
		return nil, wire.Explain(s.where, err)
	}
	return uids, nil
}
