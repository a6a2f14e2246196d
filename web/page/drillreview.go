package page

import (
	"context"
	"io"

	"github.com/a-h/templ"

	"kenshin/drill"
	shares "kenshin/drill/rate"
)

// PathDrillReview is a facility's drills of a period on A4: from and to as on PathDrillTotals.
const PathDrillReview = "/drills/review"

// DrillReviewView is a facility's drills of a period on one sheet. It holds no names.
type DrillReviewView struct {
	From, To  string
	Period    string // in words
	Error     string
	Sum       DrillSum
	Drills    []DrillLine // the oldest first
	Warning   string
	Trends    []string
	Missed    []drill.MissedCue
	Trained   drill.Coverage
	TrainedBy []drill.Coverage
	Year      int
	Advice    []string
}

// DrillReviewPage is the facility's report on A4.
func DrillReviewPage(s Shell, v DrillReviewView) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		return drillReview(s, v).Render(context.WithValue(ctx, shellKey{}, s), w)
	})
}

func portion(count, of int) float64 { return shares.Rate{Count: count, Of: of}.Share() }

// trainedText is how many of a department's staff finished a lesson.
func trainedText(ctx context.Context, by []drill.Coverage, name string) string {
	c, ok := trainedOf(by, name)
	switch {
	case !ok || !c.Shown():
		return t(ctx, "少人数のため表示しません", "not shown: too few people")
	case c.AtLeast:
		return t(ctx, "%d / %d人以上", "at least %d of %d", c.Done, c.Of)
	}
	return t(ctx, "%d / %d人", "%d of %d", c.Done, c.Of)
}

func trainedOf(by []drill.Coverage, name string) (drill.Coverage, bool) {
	for _, c := range by {
		if c.Department == name {
			return c, true
		}
	}
	return drill.Coverage{}, false
}
