package drill

import (
	"context"

	"kenshin/drill/preflight"
	"kenshin/drill/relay"
	"kenshin/facility"
)

// Pretend says how fictitious facilities reach DNS and servers: by nothing that leaves this machine. Without it they find nothing out.
func (b *Book) Pretend(w preflight.World) { b.pretend = w }

// reach is how a facility's proofs and preflights ask DNS and servers.
func (b *Book) reach(ctx context.Context, f facility.ID) (preflight.World, error) {
	no, err := b.fictitious(ctx, f)
	if no {
		return b.pretend, err
	}
	return b.world, err
}

// fictitious reports a facility whose mails and mailboxes lead nowhere.
func (b *Book) fictitious(ctx context.Context, f facility.ID) (bool, error) {
	fac, err := b.houses.Facility(ctx, f)
	return fac.Demo, err
}

// Nowhere is the way of a fictitious facility's mails, whatever its settings say: each is taken, and none leaves this process.
type Nowhere struct {
	Took  func(relay.Envelope) // is told of each mail, nil: nobody
	Hurry bool                 // the drill's rate is not kept: there is no relay to be gentle to
}

// Send takes a mail.
func (n Nowhere) Send(_ context.Context, e relay.Envelope, begun func() error) relay.Result {
	if err := begun(); err != nil {
		return relay.Result{Outcome: relay.NotTried, Err: err}
	}
	if n.Took != nil {
		n.Took(e)
	}
	return relay.Result{Outcome: relay.Accepted, Code: 250, Text: "見本のため、どこにも送っていません"}
}

// Close does nothing.
func (Nowhere) Close() {}
