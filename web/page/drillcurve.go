package page

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	share "kenshin/drill/rate"
)

// DrillCurve is how many had reported and how many had fallen, over the time since each got the mail. Points are estimates of Kaplan and Meier.
type DrillCurve struct {
	Reports, Falls []share.Point
	QR             []share.Point // of Falls, who followed the QR code; empty where there was none
	People         int
	Watched        time.Duration // the longest that anybody was watched
}

// Measures of the drawing, in units of its viewBox.
const (
	curveWidth, curveHeight         = 720.0, 250.0
	curveLeft, curveRight           = 48.0, 108.0
	curveTop, curveBottom           = 14.0, 34.0
	curveFirst                      = time.Minute // where the scale begins: what was faster stands at its left edge
	curveApart                      = 16.0        // two labels at the right keep this distance
	curvePlotRight, curvePlotBottom = curveWidth - curveRight, curveHeight - curveBottom
)

// curveMarks are the times that the scale names. The scale is logarithmic: the first minutes matter as much as the last days.
func curveMarks() []time.Duration {
	return []time.Duration{time.Minute, 10 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour, 30 * 24 * time.Hour, 365 * 24 * time.Hour}
}

func (c DrillCurve) empty() bool { return len(c.Reports) == 0 && len(c.Falls) == 0 }

// end is the first named time after the last point.
func (c DrillCurve) end() time.Duration {
	last := time.Hour
	for _, list := range [][]share.Point{c.Reports, c.Falls} {
		if len(list) > 0 {
			last = max(last, list[len(list)-1].After)
		}
	}
	for _, m := range curveMarks() {
		if m >= last {
			return m
		}
	}
	return last
}

// top is the share at the upper edge.
func (c DrillCurve) top() float64 {
	most := 0.0
	for _, list := range [][]share.Point{c.Reports, c.Falls} {
		if len(list) > 0 {
			most = max(most, list[len(list)-1].Share)
		}
	}
	for _, v := range []float64{0.1, 0.2, 0.4, 0.6, 0.8} {
		if most <= v {
			return v
		}
	}
	return 1
}

func (c DrillCurve) x(after time.Duration) float64 {
	after = max(after, curveFirst)
	return curveLeft + (curvePlotRight-curveLeft)*math.Log(float64(after)/float64(curveFirst))/math.Log(float64(c.end())/float64(curveFirst))
}

func (c DrillCurve) y(v float64) float64 {
	return curvePlotBottom - (curvePlotBottom-curveTop)*v/c.top()
}

// path draws a series as steps.
func (c DrillCurve) path(list []share.Point) string {
	var b strings.Builder
	fmt.Fprintf(&b, "M%.1f %.1f", curveLeft, c.y(0))
	for _, p := range list {
		fmt.Fprintf(&b, "H%.1fV%.1f", c.x(p.After), c.y(p.Share))
	}
	fmt.Fprintf(&b, "H%.1f", curvePlotRight)
	return b.String()
}

// curveTick is a named place of a scale.
type curveTick struct {
	at   float64
	text string
}

func (c DrillCurve) across(ctx context.Context) (out []curveTick) {
	for _, m := range curveMarks() {
		if m <= c.end() {
			out = append(out, curveTick{c.x(m), markText(ctx, m)})
		}
	}
	return out
}

func (c DrillCurve) up() (out []curveTick) {
	for _, part := range []float64{0, 0.5, 1} {
		out = append(out, curveTick{c.y(part * c.top()), fmt.Sprintf("%.0f%%", 100*part*c.top())})
	}
	return out
}

func markText(ctx context.Context, d time.Duration) string {
	switch {
	case d < time.Hour:
		return t(ctx, "%d分", "%d min", int(d/time.Minute))
	case d < 24*time.Hour:
		return t(ctx, "%d時間", "%d h", int(d/time.Hour))
	}
	return t(ctx, "%d日", "%d d", int(d/(24*time.Hour)))
}

// ends are the heights of the two labels at the right, kept apart.
func (c DrillCurve) ends() (reports, falls float64) {
	reports, falls = c.y(at100(c.Reports)), c.y(at100(c.Falls))
	if d := reports - falls; math.Abs(d) < curveApart {
		mid := min((reports+falls)/2, curvePlotBottom-curveApart/2)
		if d <= 0 {
			return mid - curveApart/2, mid + curveApart/2
		}
		return mid + curveApart/2, mid - curveApart/2
	}
	return reports, falls
}

func at100(list []share.Point) float64 {
	if len(list) == 0 {
		return 0
	}
	return list[len(list)-1].Share
}

// by is the share that a series had reached after a time.
func by(list []share.Point, d time.Duration) float64 {
	v := 0.0
	for _, p := range list {
		if p.After > d {
			break
		}
		v = p.Share
	}
	return v
}

// rows are the times that the table below the drawing names: as far as anybody was watched.
func (c DrillCurve) rows() (out []time.Duration) {
	for _, m := range []time.Duration{10 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour} {
		if m <= c.Watched {
			out = append(out, m)
		}
	}
	return out
}
