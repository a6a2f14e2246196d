package listen

import (
	"container/list"
	"hash/maphash"
	"maps"
	"slices"
	"time"

	"kenshin/netid"
	"kenshin/observation"
)

// Limits keep a flood of frames from becoming a flood of observations, in bounded memory.
type Limits struct {
	Again    time.Duration // the same thing of the same device is reported once in this time; 0 = 1 min
	PerMAC   int           // different things that one MAC may say in a minute; 0 = 120
	NewMACs  int           // MACs not heard lately that may appear in a minute; 0 = 3,000
	Remember int           // things and MACs remembered; 0 = 65,536
}

// limiter decides what is passed on. It is for one goroutine.
type limiter struct {
	l      Limits
	seed   maphash.Seed
	said   *recent[uint64, time.Time]
	macs   *recent[netid.MAC, *budget]
	arrive budget
}

type budget struct {
	minute time.Time
	used   int
}

// take reports whether one more fits into the minute of now.
func (b *budget) take(now time.Time, limit int) bool {
	if d := now.Sub(b.minute); d >= time.Minute || d < 0 { // a clock that jumps back starts anew
		b.minute, b.used = now, 0
	}
	b.used++
	return b.used <= limit
}

func newLimiter(l Limits) *limiter {
	def := func(n *int, v int) {
		if *n <= 0 {
			*n = v
		}
	}
	if l.Again <= 0 {
		l.Again = time.Minute
	}
	def(&l.PerMAC, 120)
	def(&l.NewMACs, 3000)
	def(&l.Remember, 1<<16)
	return &limiter{l: l, seed: maphash.MakeSeed(), said: newRecent[uint64, time.Time](l.Remember), macs: newRecent[netid.MAC, *budget](l.Remember)}
}

// pass reports whether the observation is new enough to be handed on.
func (x *limiter) pass(o *observation.Observation, now time.Time) bool {
	key := x.key(o)
	if at, ok := x.said.get(key); ok && now.Sub(at) < x.l.Again && !now.Before(at) {
		return false
	}
	b, ok := x.macs.get(o.MAC)
	if !ok {
		if !x.arrive.take(now, x.l.NewMACs) {
			return false
		}
		b = &budget{}
		x.macs.put(o.MAC, b)
	}
	if !b.take(now, x.l.PerMAC) {
		return false
	}
	x.said.put(key, now)
	return true
}

func (x *limiter) key(o *observation.Observation) uint64 {
	var h maphash.Hash
	h.SetSeed(x.seed)
	put := func(s string) {
		h.WriteString(s)
		h.WriteByte(0)
	}
	h.Write(o.MAC[:])
	put(o.IP.String())
	put(string(o.Signal))
	put(o.Value)
	h.Write([]byte{byte(o.Port >> 8), byte(o.Port)})
	for _, k := range slices.Sorted(maps.Keys(o.Detail)) {
		put(k)
		put(o.Detail[k])
	}
	return h.Sum64()
}

// recent is a map that forgets what was used longest ago.
type recent[K comparable, V any] struct {
	limit int
	order *list.List // front = newest; of *entry[K, V]
	at    map[K]*list.Element
}

type entry[K comparable, V any] struct {
	key   K
	value V
}

func newRecent[K comparable, V any](limit int) *recent[K, V] {
	return &recent[K, V]{limit: limit, order: list.New(), at: map[K]*list.Element{}}
}

func (r *recent[K, V]) get(k K) (V, bool) {
	e, ok := r.at[k]
	if !ok {
		var zero V
		return zero, false
	}
	r.order.MoveToFront(e)
	return e.Value.(*entry[K, V]).value, true
}

func (r *recent[K, V]) put(k K, v V) {
	if e, ok := r.at[k]; ok {
		e.Value.(*entry[K, V]).value = v
		r.order.MoveToFront(e)
		return
	}
	if len(r.at) >= r.limit {
		old := r.order.Back()
		delete(r.at, old.Value.(*entry[K, V]).key)
		r.order.Remove(old)
	}
	r.at[k] = r.order.PushFront(&entry[K, V]{k, v})
}
