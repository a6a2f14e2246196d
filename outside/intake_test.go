package outside

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"

	"kenshin/drill"
	"kenshin/facility"
	"kenshin/internal/mailtest"
)

// shelf keeps what was taken, and fails when told to.
type shelf struct {
	mu   sync.Mutex
	got  []drill.Envelope
	fail bool
}

func (s *shelf) Takes(_ context.Context, _ facility.ID, address string) (bool, error) {
	return address == "report@hospital.example.jp", nil
}

func (s *shelf) TakeReport(_ context.Context, _ facility.ID, raw []byte, e drill.Envelope) (drill.Incoming, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail {
		return drill.Incoming{}, errors.New("the disk is full")
	}
	if !bytes.Contains(raw, []byte("Subject:")) {
		return drill.Incoming{}, errors.New("no mail")
	}
	s.got = append(s.got, e)
	return drill.Incoming{}, nil
}

func smtpCode(err error) int {
	if e, ok := errors.AsType[*smtp.SMTPError](err); ok {
		return e.Code
	}
	return 0
}

func TestIntakeTakesReportsAndRelaysNothing(t *testing.T) {
	keep := &shelf{}
	config, pool := mailtest.Certificate(t, "127.0.0.1")
	i := &Intake{Reports: keep, Houses: func(context.Context) ([]facility.ID, error) { return []facility.ID{"f1"}, nil }, Name: "kenshin", TLS: config, Log: slog.New(slog.DiscardHandler)}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := i.Server()
	done := make(chan error, 1)
	go func() { done <- server.Serve(Limit(l)) }()
	t.Cleanup(func() { _ = server.Close(); <-done })

	conf := config.Clone()
	conf.Certificates, conf.RootCAs, conf.ServerName = nil, pool, "127.0.0.1"
	c, err := smtp.DialStartTLS(l.Addr().String(), conf)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	mail := "From: a@hospital.example.jp\r\nSubject: x\r\n\r\nhello\r\n"
	if err := c.SendMail("a@hospital.example.jp", []string{"report@hospital.example.jp"}, strings.NewReader(mail)); err != nil {
		t.Fatal(err)
	}
	if len(keep.got) != 1 || keep.got[0].From != "a@hospital.example.jp" || keep.got[0].Peer != "127.0.0.1" || keep.got[0].To != "report@hospital.example.jp" {
		t.Errorf("%+v", keep.got)
	}
	if err := c.SendMail("a@hospital.example.jp", []string{"somebody@elsewhere.invalid"}, strings.NewReader(mail)); smtpCode(err) != 550 {
		t.Errorf("a relay: %v", err)
	}
	_ = c.Reset()
	keep.mu.Lock()
	keep.fail = true
	keep.mu.Unlock()
	if err := c.SendMail("", []string{"report@hospital.example.jp"}, strings.NewReader(mail)); smtpCode(err) != 451 {
		t.Errorf("what was not kept was accepted: %v", err)
	}
	_ = c.Reset()
	if err := c.Mail("a@hospital.example.jp", &smtp.MailOptions{Size: maxMail + 1}); smtpCode(err) != 552 {
		t.Errorf("51 MB announced: %v", err)
	}
	_ = c.Reset()
	large := strings.NewReader("Subject: large\r\n\r\n" + strings.Repeat(strings.Repeat("x", 998)+"\r\n", maxMail/1000+100))
	err = c.SendMail("a@hospital.example.jp", []string{"report@hospital.example.jp"}, large)
	if e, ok := errors.AsType[*smtp.SMTPError](err); !ok || e.Code != 552 || !strings.Contains(e.Message, "50 MB") {
		t.Errorf("51 MB: %v", err)
	}
}
