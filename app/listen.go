package app

import (
	"context"
	"net"
	"sync"
	"time"

	"kenshin/facility"
	"kenshin/gate"
)

// lookAgain is how often the book is asked which segments are to be listened to.
const lookAgain = 5 * time.Second

// ear is a segment that is being listened to.
type ear struct {
	facility facility.ID
	segment  string
	iface    string
}

// listenAll listens to every approved segment that a person chose for it and whose interface this machine has, and follows the book. Listeners
// are services of this copy, not jobs.
func (h *House) listenAll(ctx context.Context) error {
	running := map[ear]context.CancelFunc{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	defer wg.Wait()
	t := time.NewTicker(lookAgain)
	defer t.Stop()
	for {
		want := h.ears(ctx)
		mu.Lock()
		for e, stop := range running {
			if _, still := want[e]; !still {
				stop()
				delete(running, e)
			}
		}
		for e, seg := range want {
			if _, on := running[e]; on {
				continue
			}
			hearing, stop := context.WithCancel(ctx)
			running[e] = stop
			wg.Go(func() {
				h.hear(hearing, e, seg)
				mu.Lock()
				defer mu.Unlock()
				if hearing.Err() == nil { // it ended by itself: tried again at the next look
					stop()
					delete(running, e)
				}
			})
		}
		mu.Unlock()
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
	}
}

func (h *House) hear(ctx context.Context, e ear, seg gate.Segment) {
	c, err := h.For(ctx, e.facility)
	if err == nil {
		err = c.Listen(ctx, e.facility, &seg)
	}
	if err != nil && ctx.Err() == nil {
		h.Log.Warn("a segment is not listened to", "segment", seg.Name, "interface", e.iface, "error", err)
	}
}

// ears returns what is to be listened to now. What cannot be read leaves everything as it is silent: the next look tries again.
func (h *House) ears(ctx context.Context) map[ear]gate.Segment {
	want := map[ear]gate.Segment{}
	all, err := h.Account.Facilities(ctx)
	if err != nil {
		h.Log.Debug("facilities cannot be read", "error", err)
		return want
	}
	for _, f := range all {
		if f.Demo {
			continue
		}
		entries, err := h.Gates.Segments(ctx, f.ID)
		if err != nil {
			h.Log.Debug("segments cannot be read", "facility", f.ID, "error", err)
			continue
		}
		for _, e := range entries {
			if !e.Approved || !e.Listen || e.Routed || e.Interface == "" {
				continue
			}
			if _, err := net.InterfaceByName(e.Interface); err == nil {
				want[ear{f.ID, e.ID, e.Interface}] = e.Segment
			}
		}
	}
	return want
}
