package main

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"

	"kenshin/app"
	"kenshin/checkup"
	"kenshin/fault"
	"kenshin/gate"
	"kenshin/i18n"
)

type checkupCmd struct {
	Range     []string      `required:"" help:"確認する範囲。書いたものだけに送ります / ranges; nothing else is sent to" placeholder:"CIDR"`
	Interface string        `help:"使うインターフェース / network interface"`
	SNMP      string        `name:"snmp" help:"SNMPの合言葉。書いたものだけを使います / SNMP community" placeholder:"COMMUNITY"`
	SNMPFile  string        `name:"snmp-file" help:"SNMPの設定ファイル(YAML) / SNMP credentials" type:"path"`
	Pace      gate.Pace     `enum:"gentle,normal,fast" default:"gentle" help:"速さ: gentle 毎秒50未満, normal 1000未満, fast 5000未満 / pace"`
	Listen    time.Duration `help:"はじめに聞くだけの時間 / listen first" default:"0s"`
	Unlock    []string      `help:"守りを解く機器のIP。--reason が要ります / protected devices to ask" placeholder:"IP"`
	Reason    string        `help:"守りを解く理由 / why"`
	Only      string        `enum:"presence," default:"" help:"presence: いるかどうかだけ / only who is there"`
	Format    string        `enum:"table,json,html,xlsx" default:"table" help:"table, json, html, xlsx"`
	Out       string        `help:"書き出すファイル / file to write" type:"path"`
	Record    string        `help:"観察をすべて記録するファイル(replay で取り込める。.gz なら圧縮) / record every observation, for replay" type:"path" placeholder:"FILE.ndjson"`
}

func (c checkupCmd) Run(e *env) error {
	request := app.VisitRequest{Ranges: c.Range, Interface: c.Interface, Community: c.SNMP, SNMPFile: c.SNMPFile, Pace: c.Pace, Listen: c.Listen,
		Unlock: c.Unlock, Reason: c.Reason, PresenceOnly: c.Only == "presence", By: commandActor().Name}
	if c.Format == "xlsx" && c.Out == "" {
		return usage("xlsx は --out でファイル名を指定してください。", "xlsx needs a file name in --out.")
	}
	if c.Out != "" { // a mistyped folder is said before the network is asked, not after
		if err := writeFile(c.Out, nil); err != nil {
			return err
		}
	}
	rep, err := c.visit(e, request)
	if err != nil {
		return err
	}
	if err := c.write(e, rep); err != nil {
		if c.Out != "" { // what was found is not thrown away
			err = errors.Join(err, table(e, e.out, rep))
		}
		return err
	}
	for _, n := range rep.Notes {
		fmt.Fprintln(e.err, "kenshin:", n)
	}
	if !rep.Complete {
		return errIncomplete
	}
	return nil
}

// visit makes the pass, and the recording if one is wanted.
func (c checkupCmd) visit(e *env, request app.VisitRequest) (rep checkup.Report, err error) {
	bar := e.bar()
	defer bar.end()
	if c.Record == "" {
		rep, err = app.Visit(e.ctx, request, e.log, bar.sweep)
		return rep, flagsWrong(err, fault.TooLarge, fault.Denied) // a range that is too large or public
	}
	err = writeFile(c.Record, func(w io.Writer) error {
		request.Record = w
		var z *gzip.Writer
		if strings.HasSuffix(c.Record, ".gz") {
			z, _ = gzip.NewWriterLevel(w, gzip.BestCompression) // the level is a known one
			request.Record = z
		}
		if rep, err = app.Visit(e.ctx, request, e.log, bar.sweep); err != nil || z == nil {
			return err
		}
		return z.Close()
	})
	return rep, flagsWrong(err, fault.TooLarge, fault.Denied) // a range that is too large or public
}

func (c checkupCmd) write(e *env, rep checkup.Report) error {
	render := map[string]func(io.Writer) error{
		"json": func(w io.Writer) error {
			enc := json.NewEncoder(w)
			enc.SetIndent("", "  ")
			enc.SetEscapeHTML(false)
			return enc.Encode(rep)
		},
		"table": func(w io.Writer) error { return table(e, w, rep) },
		"html":  func(w io.Writer) error { return app.VisitPage(e.ctx, w, rep) },
		"xlsx":  func(w io.Writer) error { return app.VisitBook(e.ctx, w, rep) },
	}[c.Format]
	if c.Out == "" {
		return render(e.out)
	}
	return writeFile(c.Out, render)
}

// writeFile writes a file whole or not at all; without render it only finds out whether it could.
func writeFile(path string, render func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(dirOf(path), ".kenshin-*")
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "書き出し先に書き込めません: "+path, "Cannot write to "+path)
	}
	defer os.Remove(f.Name())
	if render == nil {
		return f.Close()
	}
	if err := render(f); err != nil {
		f.Close()
		return err
	}
	if err := f.Sync(); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fault.Wrap(fault.Unavailable, err, "書き出し先に書き込めません: "+path, "Cannot write to "+path)
	}
	return nil
}

func dirOf(path string) string {
	if i := strings.LastIndexByte(path, '/'); i > 0 {
		return path[:i]
	}
	return "."
}

// table prints the devices for eyes.
func table(e *env, out io.Writer, rep checkup.Report) error {
	var w columns
	w.add(strings.Split(i18n.T(e.ctx, "IP\tMAC\t種類\t名前\tメーカー\tOS\t確からしさ\tサービス", "IP\tMAC\tKIND\tNAME\tMAKER\tOS\tSURE\tSERVICES"), "\t")...)
	for _, d := range rep.Devices {
		kind := d.Kind
		if d.Modality != "" {
			kind += "/" + d.Modality
		}
		if d.Medical {
			kind += i18n.T(e.ctx, "(医療)", " (medical)")
		}
		var services []string
		for _, s := range d.Services {
			services = append(services, s.Name)
		}
		w.add(strings.Join(d.IPv4, ","), d.MAC, kind, d.Name, d.Maker, strings.TrimSpace(d.OS+" "+d.OSVersion),
			strconv.Itoa(int(d.Confidence*100+0.5))+"%", strings.Join(services, ","))
	}
	if err := w.print(out); err != nil {
		return err
	}
	for _, f := range rep.Findings {
		if f.Check != "unknown-device" { // without a ledger every device is unknown
			fmt.Fprintf(out, "! %s\n", f.Title)
		}
	}
	_, err := fmt.Fprintln(out, i18n.T(e.ctx, "%d台、送った数 %d、%.1f秒", "%d devices, %d frames sent, %.1f s", len(rep.Devices), rep.FramesSent, rep.Finished.Sub(rep.Started).Seconds()))
	return err
}

// progress is a bar on a terminal and nothing in a pipe.
type progress struct {
	ctx context.Context
	bar *progressbar.ProgressBar
}

func (e *env) bar() *progress {
	if !terminal(e.err) {
		return &progress{}
	}
	// -1 is a turning mark instead of a bar: how far it is can be told only after the first part
	return &progress{e.ctx, progressbar.NewOptions(-1, progressbar.OptionSetWriter(e.err), progressbar.OptionSetWidth(30), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false))}
}

func (p *progress) sweep(s checkup.Sweep) {
	if p.bar == nil {
		return
	}
	done, total := s.Done, s.Total
	if s.Phase != checkup.Presence {
		done, total = s.Asked+s.Held, s.Found
	}
	doing := i18n.T(p.ctx, "さがす", "looking")
	switch s.Phase {
	case checkup.Asking:
		doing = i18n.T(p.ctx, "たずねる", "asking")
	case checkup.Closing:
		doing = i18n.T(p.ctx, "まとめる", "closing")
	}
	// who was found moves while a range is being asked, which ends at once
	p.bar.Describe(i18n.T(p.ctx, "%s %s 見つかった: %d台", "%s %s, found: %d", s.Segment, doing, s.Found))
	p.set(done, total)
}

func (p *progress) set(done, total int) {
	if p.bar != nil && total > 0 && done > 0 {
		p.bar.ChangeMax(total)
		_ = p.bar.Set(min(done, total))
	}
}

func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
