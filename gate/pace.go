package gate

import (
	"context"
	"sync"
	"time"
)

// A bucket spreads frames evenly (GCRA): a reservation of n frames gets the next free instant, and the one after it comes n
// intervals later. In any second at most rate + slack + one reservation go out, so the rates stand below the ceilings; the rest is room
// for what the kernel sends by itself (acknowledgements, a repeated SYN).
type bucket struct {
	mu       sync.Mutex
	interval time.Duration // between two frames
	slack    time.Duration // how far a late sender may catch up
	next     time.Time
}

func newBucket(p Pace) *bucket {
	rate, slack := 36, 1
	switch p {
	case Normal:
		rate, slack = 900, 18
	case Fast:
		rate, slack = 4500, 90
	}
	interval := time.Second / time.Duration(rate)
	return &bucket{interval: interval, slack: interval * time.Duration(slack)}
}

// reserve takes n frames and says how long to wait before the first may go. n = 0 only asks.
func (b *bucket) reserve(now time.Time, n int) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if oldest := now.Add(-b.slack); b.next.Before(oldest) {
		b.next = oldest
	}
	wait := b.next.Sub(now)
	b.next = b.next.Add(time.Duration(n) * b.interval)
	return max(wait, 0)
}

// reserveAll takes n frames from every bucket; the slowest one sets the wait.
func reserveAll(bs []*bucket, n int) time.Duration {
	now, wait := time.Now(), time.Duration(0)
	for _, b := range bs {
		wait = max(wait, b.reserve(now, n))
	}
	return wait
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// conversations is how many TCP connections may be open in a segment: with more, each would wait for the pace until its life is over.
func (p Pace) conversations() int {
	switch p {
	case Normal:
		return 128
	case Fast:
		return 512
	}
	return 12
}

// turns lets one conversation at a time reach a device. A device is known by several keys (its MAC, its address); all are held together.
type turns struct {
	mu   sync.Mutex
	held map[string]chan struct{} // closed when the holder lets go
}

// take waits until every key is free and holds them all.
func (t *turns) take(ctx context.Context, keys []string) (release func(), err error) {
	for {
		t.mu.Lock()
		var busy chan struct{}
		for _, k := range keys {
			if c, ok := t.held[k]; ok {
				busy = c
				break
			}
		}
		if busy == nil {
			mine := make(chan struct{})
			for _, k := range keys {
				t.held[k] = mine
			}
			t.mu.Unlock()
			return sync.OnceFunc(func() {
				t.mu.Lock()
				defer t.mu.Unlock()
				for _, k := range keys {
					delete(t.held, k)
				}
				close(mine)
			}), nil
		}
		t.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
