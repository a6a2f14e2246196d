package page

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"kenshin/i18n"
	"kenshin/internal/browsertest"
	"kenshin/ledger"
	"kenshin/ledger/sheet"
)

// printed is a ledger of n devices for paper.
func printed(n int) LedgerPrintView {
	rows := sampleDevices()
	return LedgerPrintView{Query: LedgerQuery{Department: "放射線科", Chip: "medical"}, Total: n, Devices: func(yield func(*ledger.Device, error) bool) {
		for i := range n {
			if !yield(rows[i%len(rows)].Device, nil) {
				return
			}
		}
	}}
}

func TestPrintedLedgerSaysWhoSaidWhat(t *testing.T) {
	for lang, want := range map[i18n.Lang][]string{
		i18n.Ja: {"令和8年11月21日(土) 09:14 現在 · 9台", "見本病院", "医療機器 · 部門 放射線科 · 廃棄した機器を除く", "gazo-pc1<", "Windows 10<", "10.20.8.102\u00a0※", "Windows 11\u00a0※",
			"未確認", "1F 放射線科 操作室<", "LTE<", "—", "人が記入した値", "Kenshinが測った値", "以上 9台"},
		i18n.En: {"21 Nov 2026", "9 devices", "Medical device", "not confirmed", "a person entered it", "End of the list: 9 devices"},
	} {
		var b strings.Builder
		if err := LedgerPrintPage(frame(), printed(9)).Render(i18n.With(t.Context(), lang), &b); err != nil {
			t.Fatal(err)
		}
		for _, c := range sheet.Columns() {
			want = append(want, c.Header.In(lang))
		}
		for _, w := range want {
			if !strings.Contains(b.String(), w) {
				t.Errorf("%s: no %q", lang, w)
			}
		}
	}
}

// biggest measures how much is written at once: a page that is built up in memory arrives in one piece.
type biggest struct{ most, all int }

func (w *biggest) Write(b []byte) (int, error) {
	w.most, w.all = max(w.most, len(b)), w.all+len(b)
	return len(b), nil
}

func TestPrintedLedgerIsWrittenAsItIsRead(t *testing.T) {
	var w biggest
	if err := LedgerPrintPage(frame(), printed(20_000)).Render(t.Context(), &w); err != nil {
		t.Fatal(err)
	}
	if w.most > 64<<10 || w.all < 5<<20 {
		t.Errorf("%d bytes, up to %d at once", w.all, w.most)
	}
}

func TestPrintedLedgerThatBreaksOffIsAnError(t *testing.T) {
	v, broken := printed(3), errors.New("disk")
	whole := v.Devices
	v.Devices = func(yield func(*ledger.Device, error) bool) {
		for d := range whole {
			if !yield(d, nil) {
				return
			}
		}
		yield(nil, broken)
	}
	if err := LedgerPrintPage(frame(), v).Render(context.Background(), io.Discard); !errors.Is(err, broken) {
		t.Errorf("half a ledger passed as a whole one: %v", err)
	}
}

// On paper the head stands on each page, the sheet lies on its side and the last line says how many devices there were.
func TestPrintedLedgerOnPaper(t *testing.T) {
	tab := browsertest.Open(t)
	url := serve(t, []sample{{"ledger-print", paperOf(150)}})
	tab.Go(url + "/page/ja/ledger-print")
	path := tab.PrintPDF("ledger-print")
	if _, err := exec.LookPath("pdftotext"); err != nil {
		t.Skip("no pdftotext; apt-get install poppler-utils")
	}
	info, err := exec.Command("pdfinfo", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	text, err := exec.Command("pdftotext", "-layout", path, "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	pages := bytes.Count(text, []byte("\f"))
	if pages < 5 || !bytes.Contains(info, []byte("842 x 595")) && !bytes.Contains(info, []byte("841.92 x 594.96")) {
		t.Errorf("%d pages\n%s", pages, info)
	}
	for _, once := range []string{"MACアドレス", "見本病院 · 機器台帳", "保守終了"} {
		if got := bytes.Count(text, []byte(once)); got != pages {
			t.Errorf("%q stands on %d of %d pages", once, got, pages)
		}
	}
	for _, w := range []string{"以上 150台", "A4の横向き"} {
		if found := bytes.Contains(text, []byte(w)); found != (w == "以上 150台") {
			t.Errorf("%q on paper: %v", w, found)
		}
	}
	if last := fmt.Sprintf("%d / %d", pages, pages); !bytes.Contains(text, []byte(last)) {
		t.Errorf("no page number %q", last)
	}
	if os.Getenv("KENSHIN_SHOTS") != "" {
		if err := exec.Command("pdftoppm", "-png", "-r", "90", "-l", "2", path, strings.TrimSuffix(path, ".pdf")).Run(); err != nil {
			t.Error(err)
		}
	}
}
