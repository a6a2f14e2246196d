package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"kenshin/account"
	"kenshin/app"
	"kenshin/dock"
	"kenshin/fault"
	"kenshin/i18n"
)

type dockCmd struct {
	Verify dockVerifyCmd `cmd:"" help:"年次健診や点検資料(.json)が書き換えられていないか確かめる / check that a check-up or pack was not altered"`
	Freeze dockFreezeCmd `cmd:"" help:"今の状態を年次健診として確定し、ファイルに書き出す / freeze the present state and write it out"`
}

// errAltered ends dock verify when something is wrong; what it is stands on standard output.
var errAltered = fault.New(fault.Conflict, "確かめられないところがあります。", "Something does not hold.")

type dockVerifyCmd struct {
	place
	File string `arg:"" type:"path"`
	Key  string `help:"検証鍵、または検証鍵の入ったファイル。データがなくても確かめられます / the verifier key, or a file with it: no data is needed"`
}

func (d dockVerifyCmd) Run(e *env) error {
	f, _, err := openInput(d.File)
	if err != nil {
		return err
	}
	defer f.Close()
	file, err := io.ReadAll(io.LimitReader(f, dock.MaxFile+1))
	if err != nil {
		return fmt.Errorf("read the file: %w", err)
	}
	if d.Key == "" && d.Data == "" && d.Database == "" {
		return usage("検証鍵を --key で渡すか、データのフォルダを --data で指定してください。", "Give the verifier key with --key, or the data folder with --data.")
	}
	if d.Key != "" {
		v, err := dock.Verify(file, verifierKey(d.Key))
		if err != nil {
			return err
		}
		e.printDock(&v)
		return nil
	}
	return withFacility(d.place, e, func(h *app.House, fac account.Facility) error {
		rep, err := h.Docks.Check(e.ctx, fac.ID, file)
		if err != nil {
			return err
		}
		for _, p := range rep.Problems {
			fmt.Fprintln(e.out, p.For(e.ctx))
		}
		if !rep.OK() {
			return errAltered
		}
		e.printDock(&rep.Verified)
		fmt.Fprintln(e.out, i18n.T(e.ctx, "健診のつながり %d回分、異常なし。", "The chain of %d check-ups is whole.", rep.Chain))
		for _, t := range rep.Texts {
			if !t.Here {
				fmt.Fprintln(e.out, i18n.T(e.ctx, "点検表 %s のその版の文面は、ここにはありません(SHA-256 %s)。", "The text of catalogue %s of that version is not here (SHA-256 %s).", t.Catalogue, t.SHA256))
			}
		}
		return nil
	})
}

// verifierKey is the key as it was given: its text, or a file that holds it, as a checkpoint's mail does.
func verifierKey(s string) string {
	b, err := os.ReadFile(s)
	if err != nil || len(b) > maxCheckpointFile {
		return s
	}
	if m := keyLine.FindSubmatch(b); m != nil {
		return string(m[1])
	}
	return strings.TrimSpace(string(b))
}

func (e *env) printDock(v *dock.Verified) {
	s := &v.Snapshot
	what := i18n.T(e.ctx, "年次健診 第%d回", "yearly check-up no. %d", v.Number)
	if v.Pack {
		what = i18n.T(e.ctx, "点検資料(第%d回の健診から。0は確定前)", "pack (of check-up no. %d; 0: not frozen)", v.Number)
	}
	fmt.Fprintln(e.out, i18n.T(e.ctx, "署名は正しく、書き換えはありません: %s %s、%s", "The seal holds, nothing was altered: %s, %s, %s", what, s.Facility.Name, s.Day))
	fmt.Fprintln(e.out, i18n.T(e.ctx, "SHA-256 %s、前の回 %s、署名 %s", "SHA-256 %s, the one before %s, signed %s", v.Hash, orNone(v.Previous), v.At.Local().Format("2006-01-02 15:04")))
	for n := range s.Forms {
		if f := &s.Forms[n]; f.Subject == "" {
			fmt.Fprintln(e.out, i18n.T(e.ctx, "点検表 %s(%s)、SHA-256 %s", "Catalogue %s (%s), SHA-256 %s", f.Catalogue, f.Edition, f.SHA256))
		}
	}
}

func orNone(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

type dockFreezeCmd struct {
	place
	Out string `help:"書き出すファイル。なければ標準出力 / file, else standard output" type:"path"`
}

func (d dockFreezeCmd) Run(e *env) error {
	return withFacility(d.place, e, func(h *app.House, fac account.Facility) error {
		x, err := h.Docks.Freeze(e.ctx, fac.ID, dock.Want{})
		if err != nil {
			return err
		}
		s, err := h.Docks.File(e.ctx, fac.ID, x.ID)
		if err != nil {
			return err
		}
		file, err := s.File()
		if err != nil {
			return err
		}
		e.say("年次健診 第%d回を確定しました。検証鍵: %s", "Froze check-up no. %d. Verifier key: %s", x.Number, s.Key)
		return e.write(d.Out, func(w io.Writer) error { _, err := w.Write(file); return err })
	})
}
