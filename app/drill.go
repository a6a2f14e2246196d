package app

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"kenshin/actor"
	"kenshin/facility"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/job"
	"kenshin/outside"
	"kenshin/store"
)

const (
	drillKind = "drill.send"
	drillLook = 2 * time.Second // how often due mails and new arrivals are looked for
)

// drillWorks says who sends the mails of drills: one step at a time in each facility, whichever copy has it.
func (h *House) drillWorks() {
	h.Jobs.Handle(drillKind, job.Options{Title: i18n.Text{Ja: "訓練メールの送信", En: "Sending drills"}, MaxAttempts: 500,
		Backoff: func(n int) time.Duration { return min(2*time.Second<<min(n-1, 8), 5*time.Minute) }}, h.drillStep)
}

func (h *House) drillStep(ctx context.Context, run *job.Run) (job.Next, error) {
	ctx, done := untilEnough(ctx, run)
	defer done()
	again, err := h.Drills.Send(ctx, run.Facility, h.Drills.OpenLine, run.Deadline())
	if err != nil && !(run.Enough() && errors.Is(err, context.Canceled)) {
		return job.Next{}, err
	}
	if wait := again.Sub(h.Now()); !again.IsZero() && wait < 2*drillLook {
		return job.Again(max(0, wait)), nil
	}
	return job.Done, nil // what is due later wakes it: see wakeDrills
}

// serveDrills answers the links of mails, reads the report mailboxes, and looks for mails that are due and for arrivals that nobody judged yet, until ctx ends.
func (h *House) serveDrills(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return h.wakeDrills(ctx) })
	g.Go(func() error { return h.Drills.WatchMailboxes(ctx, h.houses) })
	if h.ReportListen != "" {
		if err := h.serveReports(ctx, g); err != nil {
			return err
		}
	}
	if h.DrillListen != "" {
		l, err := h.drillListener()
		if err != nil {
			return err
		}
		counter := h.Drills.Counter()
		server := outside.HTTPServer(outside.New(outside.Deps{Drills: h.Drills, Counter: counter, Proxies: h.DrillProxies, Log: h.Log}).Handler(), h.Log)
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
			counter.Close()
			return err
		})
	}
	return g.Wait()
}

func (h *House) drillListener() (net.Listener, error) {
	l, err := net.Listen("tcp", h.DrillListen)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fault.Wrap(fault.Busy, err, "訓練用のポート "+h.DrillListen+" はほかのプログラムが使っています。--drill-listen で別の番号を指定してください。",
			"The drills' port "+h.DrillListen+" is taken by another program. Choose another one with --drill-listen.")
	case errors.Is(err, os.ErrPermission):
		return nil, fault.Wrap(fault.Denied, err, "訓練用のポート "+h.DrillListen+" を開く権限がありません。1024以上の番号にしてください。",
			"No right to open the drills' port "+h.DrillListen+". Choose a number of 1024 or more.")
	case err != nil:
		return nil, fault.Wrap(fault.Invalid, err, "--drill-listen は 0.0.0.0:8471 のように「アドレス:ポート」で書いてください。", "Write --drill-listen as ADDRESS:PORT, like 0.0.0.0:8471.")
	}
	if h.DrillCert == "" {
		return l, nil
	}
	files := h.certFiles(h.DrillCert, h.DrillKey)
	if err := files.load(); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return tls.NewListener(l, withHTTP2(&tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: files.get})), nil
}

// wakeDrills asks for the sending of what is due and judges new arrivals. What cannot be read now is read at the next look.
func (h *House) wakeDrills(ctx context.Context) error {
	ctx = actor.With(ctx, actor.Actor{Kind: actor.System, ID: "drill", Name: "Kenshin"})
	t := time.NewTimer(0)
	defer t.Stop()
	rest := map[facility.ID]time.Time{} // until when a facility's arrivals wait to be judged
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
		all, err := h.Account.Facilities(ctx)
		if err != nil {
			h.Log.Debug("facilities cannot be read", "error", err)
		}
		for _, f := range all {
			if err := h.wakeDrill(ctx, f.ID, rest); err != nil && ctx.Err() == nil {
				h.Log.Warn("drills could not be looked after", "facility", f.ID, "error", err)
			}
		}
		t.Reset(drillLook)
	}
}

// judgeRest is how many times as long as judging took the next judging waits: a hit costs the same in a drill of 200 and of 20,000.
const judgeRest = 30

func (h *House) wakeDrill(ctx context.Context, f facility.ID, rest map[facility.ID]time.Time) error {
	due, err := h.Drills.Due(ctx, f)
	if err == nil && due {
		err = h.DB.Write(ctx, f, func(tx *store.Tx) error {
			_, err := h.Jobs.Enqueue(ctx, tx, drillKind, nil, job.Request{UniqueKey: drillKind})
			return err
		})
	}
	if err != nil {
		return err
	}
	if began := time.Now(); began.After(rest[f]) {
		dirty, e := h.Drills.Dirty(ctx, f)
		for _, id := range dirty {
			e = errors.Join(e, h.Drills.Judge(ctx, f, id))
		}
		err, rest[f] = e, time.Now().Add(judgeRest*time.Since(began))
	}
	return errors.Join(err, h.Drills.CloseDue(ctx, f))
}
