package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"

	"kenshin/account"
	"kenshin/app"
	"kenshin/fault"
	"kenshin/i18n"
	"kenshin/trail"
)

type trailCmd struct {
	Verify     trailVerifyCmd     `cmd:"" help:"書き換え・削除・並べ替えがないか確かめる / find edits, deletions and reorderings"`
	Checkpoint trailCheckpointCmd `cmd:"" help:"別の場所に残す封(チェックポイント)を作る / make a checkpoint to keep elsewhere"`
	Export     trailExportCmd     `cmd:"" help:"全部を書き出す / write all of it out"`
}

// errDamaged ends trail verify when something is wrong; the findings are on standard output.
var errDamaged = fault.New(fault.Conflict, "操作の記録に、書き換えられたか失われたところがあります。", "The trail was altered, or parts of it are missing.")

const maxCheckpointFile = 1 << 20

type trailVerifyCmd struct {
	place
	Checkpoint string `help:"前に残した封(チェックポイント)(メールや紙から写したもの) / a checkpoint that was kept" type:"path"`
	Export     string `help:"データベースの代わりに、書き出したファイルを確かめる / verify an export instead of the database" type:"path"`
	Key        string `help:"検証鍵。なければ封(チェックポイント)の文面から読む / verifier key, else read from the checkpoint's text"`
}

func (t trailVerifyCmd) Run(e *env) error {
	var checkpoint []byte
	if t.Checkpoint != "" {
		f, _, err := openInput(t.Checkpoint)
		if err != nil {
			return err
		}
		checkpoint, err = io.ReadAll(io.LimitReader(f, maxCheckpointFile))
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	if t.Export != "" {
		return t.export(e, checkpoint)
	}
	return withFacility(t.place, e, func(h *app.House, fac account.Facility) error {
		rep, err := trail.Verify(e.ctx, h.DB, fac.ID, checkpoint)
		if err != nil {
			return err
		}
		return e.printVerdict(rep)
	})
}

var keyLine = regexp.MustCompile(`(?m)^Verifier key: (\S+)`)

// export verifies without a database: with the key and the checkpoint that an auditor kept.
func (t trailVerifyCmd) export(e *env, checkpoint []byte) error {
	key := t.Key
	if m := keyLine.FindSubmatch(checkpoint); key == "" && m != nil {
		key = string(m[1])
	}
	if checkpoint == nil || key == "" {
		return usage("--export には --checkpoint と検証鍵(--key か、封(チェックポイント)の文面)が要ります。", "--export needs --checkpoint and the verifier key (--key, or the checkpoint's text).")
	}
	f, err := os.Open(t.Export)
	if err != nil {
		return fault.Wrap(fault.NotFound, err, "ファイルを開けません: "+t.Export, "The file cannot be opened: "+t.Export)
	}
	defer f.Close()
	rep, err := trail.VerifyExport(f, checkpoint, key)
	if err != nil {
		return err
	}
	return e.printVerdict(rep)
}

func (e *env) printVerdict(r trail.Report) error {
	for _, f := range r.Findings {
		fmt.Fprintf(e.out, "%s\t%d-%d\t%s\n", f.Problem, f.Seq, f.To, f.Says.For(e.ctx))
	}
	if r.More > 0 {
		fmt.Fprintln(e.out, i18n.T(e.ctx, "ほかに%d件", "and %d more", r.More))
	}
	if !r.OK() {
		return errDamaged
	}
	fmt.Fprintln(e.out, i18n.T(e.ctx, "記録 %d件、異常なし。ルート %s", "%d entries, nothing wrong. Root %s", r.Entries, r.Root))
	if r.Checkpoint != nil {
		fmt.Fprintln(e.out, i18n.T(e.ctx, "%s の封(チェックポイント)(%d件)から続いています。", "It continues the checkpoint of %s (%d entries).",
			r.Checkpoint.At.Local().Format("2006-01-02 15:04"), r.Checkpoint.Size))
	}
	return nil
}

type trailCheckpointCmd struct {
	place
	Out string `help:"書き出すファイル。なければ標準出力 / file, else standard output" type:"path"`
}

func (t trailCheckpointCmd) Run(e *env) error {
	return withFacility(t.place, e, func(h *app.House, fac account.Facility) error {
		text, err := trail.Daily(e.ctx, h.DB, h.Box, fac.ID, fac.Name, h.Now().In(fac.Location()))
		if err != nil {
			return err
		}
		return e.write(t.Out, func(w io.Writer) error { _, err := io.WriteString(w, text); return err })
	})
}

type trailExportCmd struct {
	place
	Format string `help:"ndjson(検証できる形), csv(表計算)" enum:"ndjson,csv" default:"ndjson"`
	Out    string `help:"書き出すファイル。なければ標準出力 / file, else standard output" type:"path"`
}

func (t trailExportCmd) Run(e *env) error {
	return withFacility(t.place, e, func(h *app.House, fac account.Facility) error {
		return e.write(t.Out, func(w io.Writer) error {
			if t.Format == "csv" {
				return trail.ExportCSV(e.ctx, h.DB, fac.ID, fac.Location(), e.lang, w)
			}
			return trail.Export(e.ctx, h.DB, fac.ID, w)
		})
	})
}

// write renders into a file, whole or not at all, or to standard output.
func (e *env) write(path string, render func(io.Writer) error) error {
	if cmp.Or(path, "-") == "-" {
		return render(e.out)
	}
	return writeFile(path, render)
}
