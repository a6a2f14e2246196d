package app

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"kenshin/account"
	"kenshin/actor"
	"kenshin/assess"
	"kenshin/assess/inquiry"
	"kenshin/catalogue"
	"kenshin/facility"
	"kenshin/fault"
	mailing "kenshin/notify"
	"kenshin/outside/form"
	"kenshin/setting"
	"kenshin/store"
)

// inquiries puts together what asks vendors and departments.
func (h *House) inquiries() {
	h.Inquiries = inquiry.NewBook(inquiry.Deps{DB: h.DB, Catalogues: h.Editions.Set, Houses: h.Account, Ledger: h.Ledger, Suppliers: h.Suppliers,
		Findings: h.Findings, Post: h.postForm, Claims: h.takeClaims, Replies: h.takeReply, Now: h.Now})
}

// postForm mails a form's link, where the facility has a mail server.
func (h *House) postForm(ctx context.Context, tx *store.Tx, to []string, subject, text, key string) (bool, error) {
	f, err := h.Account.Facility(ctx, tx.Facility())
	if err != nil || f.Demo || h.Mailer == nil {
		return false, err
	}
	relay, err := setting.Mail().Get(ctx, tx)
	if err != nil || relay.Host == "" {
		return false, err
	}
	_, err = h.Mailer.Enqueue(ctx, tx, mailing.Message{To: to, Subject: subject, Text: text}, key)
	return err == nil, err
}

// takeClaims makes a vendor's answers the facility's claims for the system.
func (h *House) takeClaims(ctx context.Context, f facility.ID, i inquiry.Inquiry, answers map[string]inquiry.Answer, by string, over bool) error {
	now, err := h.Assess.Assessment(ctx, f, i.Catalogue, i.Subject)
	if err != nil {
		return err
	}
	var differ []string
	for _, item := range now.Items {
		a, ok := answers[item.Item.ID]
		if ok && item.Claim.Reply != catalogue.Unanswered && item.Claim.Reply != a.Reply {
			differ = append(differ, inquiry.ItemName(item.Item).Ja)
		}
	}
	if len(differ) > 0 && !over {
		return fault.Newf(fault.Conflict, "病院の答えと業者の答えが違う項目が%[1]dあります（「%[2]s」など）。違いを確かめて、「置き換える」に印を付けてください。",
			"The vendor answers %[1]d items otherwise than the hospital (%[2]s and others). Look at them, and tick the box to replace.", len(differ), differ[0])
	}
	for _, item := range now.Items {
		a, ok := answers[item.Item.ID]
		if !ok || a.Empty() {
			continue
		}
		claim := assess.Claim{Reply: a.Reply, On: dayIn(a.On), Target: dayIn(a.Target), Value: a.Value}
		if a.Reply == catalogue.NotApplicable {
			claim.Reason, claim.Approver = a.Note, actor.From(ctx).Name
		}
		note := strings.TrimSpace("業者の回答（" + strings.TrimSpace(by) + "）" + a.Note)
		if runes := []rune(note); len(runes) > 2000 {
			note = string(runes[:2000])
		}
		if _, err := h.Assess.SaveClaim(ctx, f, i.Catalogue, i.Subject, item.Item.ID, item.Revision, claim, note, ""); err != nil {
			return err
		}
	}
	return nil
}

func dayIn(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return time.Time{}
	}
	return t
}

// takeReply puts an answer beside the item that was asked about. A question that is gone meanwhile loses nothing: the inquiry keeps the answer.
func (h *House) takeReply(ctx context.Context, f facility.ID, question, text, by string) error {
	_, err := h.Assess.Answer(ctx, f, question, text, by)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// remindOfForms sends the reminders of forms that are due today.
func (h *House) remindOfForms(ctx context.Context, f account.Facility) error {
	if f.Demo {
		return nil // sends no mail
	}
	_, err := h.Inquiries.RemindDue(ctx, f.ID)
	return err
}

// serveForms answers the links of forms until ctx ends.
func (h *House) serveForms(ctx context.Context) error {
	if h.FormListen == "" {
		return nil
	}
	l, err := h.formListener()
	if err != nil {
		return err
	}
	pages := form.New(form.Deps{Book: h.Inquiries, Proxies: h.FormProxies, Secure: h.FormCert != "" || len(h.FormProxies) > 0, Log: h.Log})
	server := form.HTTPServer(pages.Handler(), h.Log)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	g.Go(func() error {
		<-ctx.Done()
		end, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		err := server.Shutdown(end)
		if errors.Is(err, context.DeadlineExceeded) {
			err = server.Close()
		}
		return err
	})
	return g.Wait()
}

func (h *House) formListener() (net.Listener, error) {
	l, err := net.Listen("tcp", h.FormListen)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fault.Wrap(fault.Busy, err, "回答フォームのポート "+h.FormListen+" はほかのプログラムが使っています。--form-listen で別の番号を指定してください。",
			"The forms' port "+h.FormListen+" is taken by another program. Choose another one with --form-listen.")
	case errors.Is(err, os.ErrPermission):
		return nil, fault.Wrap(fault.Denied, err, "回答フォームのポート "+h.FormListen+" を開く権限がありません。1024以上の番号にしてください。",
			"No right to open the forms' port "+h.FormListen+". Choose a number of 1024 or more.")
	case err != nil:
		return nil, fault.Wrap(fault.Invalid, err, "--form-listen は 0.0.0.0:8472 のように「アドレス:ポート」で書いてください。", "Write --form-listen as ADDRESS:PORT, like 0.0.0.0:8472.")
	}
	if h.FormCert == "" {
		return l, nil
	}
	files := h.certFiles(h.FormCert, h.FormKey)
	if err := files.load(); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return tls.NewListener(l, withHTTP2(&tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: files.get})), nil
}
