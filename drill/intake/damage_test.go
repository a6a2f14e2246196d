package intake

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"kenshin/drill/internal/token"
)

// TestDamagedMails cuts, doubles and overwrites pieces of good mails: whatever arrives, it is read or refused, and soon. DAMAGE=n does more rounds.
func TestDamagedMails(t *testing.T) {
	seeds := [][]byte{theMSG(), tnef(tnefAttr(aSubject, []byte("x")), tnefAttr(aAttachNew, nil), tnefAttr(aAttachMAPI, tnefProps(mapiProp{pData, typeObject, append(make([]byte, 16), tnef()...)})),
		tnefAttr(aMAPI, tnefProps(mapiProp{pRTF, typeBinary, compressRTF("{\\rtf1 x}")}, mapiProp{0x8003, typeUnicode, wide("y")})))}
	names, _ := filepath.Glob("testdata/*.eml")
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		seeds = append(seeds, b)
	}
	rounds := 40
	if n, err := strconv.Atoi(os.Getenv("DAMAGE")); err == nil {
		rounds = n
	}
	r := rand.New(rand.NewPCG(3, 4))
	var slowest time.Duration
	for n, seed := range seeds {
		for range rounds {
			b := damage(r, seed)
			start := time.Now()
			rd := &reader{limits: Limits{}.filled(), left: 8 << 20, seen: map[token.Token]bool{}}
			switch n {
			case 0:
				_ = rd.outlook(b, nil, 0)
			case 1:
				_ = rd.winmail(b, &Original{}, 0)
			default:
				_, _ = Read(b, Given{Trusted: "x"}, Limits{})
			}
			if d := time.Since(start); d > slowest {
				slowest = d
			}
		}
	}
	if slowest > 5*time.Second {
		t.Errorf("one took %v", slowest)
	}
}

func damage(r *rand.Rand, seed []byte) []byte {
	b := append([]byte(nil), seed...)
	for range 1 + r.IntN(6) {
		if len(b) < 8 {
			return b
		}
		at, n := r.IntN(len(b)-4), 1+r.IntN(40)
		end := min(len(b), at+n)
		switch r.IntN(5) {
		case 0:
			b[at] = byte(r.IntN(256))
		case 1:
			for i := range min(4, len(b)-at) {
				b[at+i] = 0xFF
			}
		case 2:
			b = append(b[:at], b[end:]...)
		case 3:
			b = append(b[:at], append(append([]byte(nil), seed[min(at, len(seed)):min(end, len(seed))]...), b[at:]...)...)
		case 4:
			b = b[:at]
		}
	}
	return b
}
