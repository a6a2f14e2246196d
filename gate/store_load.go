package gate

import (
	"context"
	"fmt"
	"time"

	"kenshin/facility"
	"kenshin/store"
)

// Load fills a gate with what the book says: approved segments, unlocks, words, the kill switch. It returns the revision that it read. Loads of
// one gate wait for each other: one that read before a switch was pressed must not end after the one that saw it.
func (b *Book) Load(ctx context.Context, f facility.ID, g *Gate) (revision int64, err error) {
	g.loading.Lock()
	defer g.loading.Unlock()
	var (
		segments []Entry
		unlocks  []UnlockEntry
		said     []WordEntry
		sw       Switch
	)
	err = b.db.Read(ctx, f, func(tx *store.Tx) error {
		if sw, revision, err = b.readSwitch(ctx, tx); err != nil {
			return err
		}
		if sw.Killed {
			g.Kill(true) // even if the rest cannot be read
		}
		if segments, err = b.segments(ctx, tx); err != nil {
			return err
		}
		if unlocks, err = b.unlocks(ctx, tx, b.now()); err != nil {
			return err
		}
		said, err = b.words(ctx, tx)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("load the gate: %w", err)
	}
	var w words
	for i := range said {
		if said[i].Word == SaidNeverTouch {
			w.never = append(w.never, said[i].HostKey)
		} else {
			w.notMedical = append(w.notMedical, said[i].HostKey)
		}
	}
	for i := range unlocks {
		if unlocks[i].RevokedAt.IsZero() {
			w.unlocks = append(w.unlocks, unlocks[i].Unlock)
		}
	}
	var open []Segment
	for i := range segments {
		if segments[i].Approved {
			open = append(open, segments[i].Segment)
		}
	}
	g.setWords(w)
	g.Approve(open...)
	g.Kill(sw.Killed)
	return revision, nil
}

func (g *Gate) setWords(w words) {
	g.mu.Lock()
	g.book = w
	g.mu.Unlock()
	g.recheck()
}

// watchEvery and blindAfter: a switch pressed on another copy works within about a second, and a gate that cannot read the book any
// more stops sending, since it would not hear of the switch.
const (
	watchEvery = 500 * time.Millisecond
	blindAfter = 10 * time.Second
)

// Watch loads the book and keeps the gate up to date until ctx ends; each look is one cheap row. It returns ctx's error.
func (b *Book) Watch(ctx context.Context, f facility.ID, g *Gate) error {
	t := time.NewTicker(watchEvery)
	defer t.Stop()
	loaded, seen, blind := int64(-1), time.Now(), false
	for {
		err := b.look(ctx, f, g, &loaded)
		switch {
		case err == nil:
			seen, blind = time.Now(), false
		case ctx.Err() == nil:
			loaded = -1
			if !blind {
				g.c.Log.Warn("the gate's book cannot be read", "facility", f, "error", err)
			}
			if blind = true; time.Since(seen) > blindAfter {
				g.Kill(true)
			}
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (b *Book) look(ctx context.Context, f facility.ID, g *Gate, loaded *int64) error {
	var revision int64
	err := b.db.Read(ctx, f, func(tx *store.Tx) (err error) {
		_, revision, err = b.readSwitch(ctx, tx)
		return err
	})
	if err != nil || revision == *loaded {
		return err
	}
	*loaded, err = b.Load(ctx, f, g)
	return err
}
