package button

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
)

// IconSizes are those that mail programs ask for, in pixels.
func IconSizes() []int { return []int{16, 32, 48, 64, 80, 128} }

var (
	teal  = color.NRGBA{0x00, 0x6d, 0x77, 0xff}
	white = color.NRGBA{0xff, 0xff, 0xff, 0xff}
	amber = color.NRGBA{0xff, 0xb7, 0x03, 0xff}
)

// Icon is an envelope with a mark of attention as PNG, size pixels wide and high.
func Icon(size int) ([]byte, error) {
	const scale = 4 // drawn larger and averaged, for smooth edges
	n := size * scale
	big := image.NewNRGBA(image.Rect(0, 0, n, n))
	for y := range n {
		for x := range n {
			big.SetNRGBA(x, y, dot((float64(x)+0.5)/float64(n), (float64(y)+0.5)/float64(n)))
		}
	}
	small := image.NewNRGBA(image.Rect(0, 0, size, size))
	for y := range size {
		for x := range size {
			small.SetNRGBA(x, y, mean(big, x*scale, y*scale, scale))
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, small); err != nil {
		return nil, fmt.Errorf("draw the button's icon: %w", err)
	}
	return out.Bytes(), nil
}

// dot is the colour at a place, both from 0 to 1.
func dot(x, y float64) color.NRGBA {
	if dx, dy := x-0.74, y-0.30; dx*dx+dy*dy < 0.24*0.24 { // the mark
		if dx > -0.045 && dx < 0.045 && (dy > -0.15 && dy < 0.04 || dy > 0.09 && dy < 0.16) {
			return teal
		}
		return amber
	}
	if x < 0.06 || x > 0.94 || y < 0.24 || y > 0.88 {
		return color.NRGBA{}
	}
	flap := 0.24 + 0.36*min(x-0.06, 0.94-x)/0.44
	if y > flap-0.035 && y < flap+0.035 {
		return white
	}
	return teal
}

func mean(m *image.NRGBA, x0, y0, n int) color.NRGBA {
	var r, g, b, a int
	for y := y0; y < y0+n; y++ {
		for x := x0; x < x0+n; x++ {
			c := m.NRGBAAt(x, y)
			r, g, b, a = r+int(c.R)*int(c.A), g+int(c.G)*int(c.A), b+int(c.B)*int(c.A), a+int(c.A)
		}
	}
	if a == 0 {
		return color.NRGBA{}
	}
	return color.NRGBA{uint8(r / a), uint8(g / a), uint8(b / a), uint8(a / n / n)} //nolint:gosec // means of bytes are bytes
}
