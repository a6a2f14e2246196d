package checkup

import (
	"context"

	"kenshin/discover/listen"
	"kenshin/facility"
	"kenshin/gate"
)

// Listen hears a segment until ctx ends and passes on what it hears, also while no sweep runs. It sends nothing and joins no group. The segment
// must be approved and chosen for listening.
func (c *Checkup) Listen(ctx context.Context, f facility.ID, seg *gate.Segment) error {
	tap, err := c.Gate.Listen(seg.Interface)
	if err != nil {
		return err
	}
	defer tap.Close()
	got := c.collect(context.WithoutCancel(ctx), f, "", seg)
	err = listen.Run(ctx, tap, ears(), got.add)
	if last := got.close(); err == nil || ctx.Err() != nil {
		err = last
	}
	return err
}
