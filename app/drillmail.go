package app

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/emersion/go-smtp"
	"golang.org/x/sync/errgroup"

	"kenshin/facility"
	"kenshin/fault"
	"kenshin/outside"
)

// serveReports runs the mail server for reports until ctx ends.
func (h *House) serveReports(ctx context.Context, g *errgroup.Group) error {
	l, err := net.Listen("tcp", h.ReportListen)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fault.Wrap(fault.Busy, err, "報告用のポート "+h.ReportListen+" はほかのプログラムが使っています。--report-listen で別の番号を指定してください。",
			"The reports' port "+h.ReportListen+" is taken by another program. Choose another one with --report-listen.")
	case errors.Is(err, os.ErrPermission):
		return fault.Wrap(fault.Denied, err, "報告用のポート "+h.ReportListen+" を開く権限がありません。1024以上の番号にし、メールサーバから転送してください。",
			"No right to open the reports' port "+h.ReportListen+". Choose a number of 1024 or more and let the mail server forward to it.")
	case err != nil:
		return fault.Wrap(fault.Invalid, err, "--report-listen は 0.0.0.0:2525 のように「アドレス:ポート」で書いてください。", "Write --report-listen as ADDRESS:PORT, like 0.0.0.0:2525.")
	}
	in := &outside.Intake{Reports: h.Drills, Houses: h.houses, Name: "kenshin", Log: h.Log}
	if h.DrillCert != "" {
		files := h.certFiles(h.DrillCert, h.DrillKey)
		if err := files.load(); err != nil {
			return errors.Join(err, l.Close())
		}
		in.TLS = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: files.get}
	}
	server := in.Server()
	g.Go(func() error {
		if err := server.Serve(outside.Limit(l)); !errors.Is(err, smtp.ErrServerClosed) && ctx.Err() == nil {
			return err
		}
		return nil
	})
	g.Go(func() error {
		<-ctx.Done()
		end, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := server.Shutdown(end); err != nil && !errors.Is(err, smtp.ErrServerClosed) {
			_ = server.Close() // a sender who was cut off before its 250 comes again
		}
		return nil
	})
	return nil
}

func (h *House) houses(ctx context.Context) (out []facility.ID, err error) {
	all, err := h.Account.Facilities(ctx)
	for _, f := range all {
		out = append(out, f.ID)
	}
	return out, err
}
