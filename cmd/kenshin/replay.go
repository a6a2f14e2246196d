package main

import (
	"os"

	"kenshin/app"
	"kenshin/fault"
)

type replayCmd struct {
	place
	File string `arg:"" help:"記録(NDJSON、.gz も可) / recording" type:"path" placeholder:"FILE.ndjson"`
}

func (r replayCmd) Run(e *env) error {
	f, size, err := openInput(r.File)
	if err != nil {
		return err
	}
	defer f.Close()
	h, err := open(r.place, e)
	if err != nil {
		return err
	}
	defer h.Close()
	fac, err := h.OneFacility(e.ctx)
	if err != nil {
		return err
	}
	rec, err := app.OpenRecording(f, h.Now())
	if err != nil {
		return err
	}
	bar := e.bar()
	taken := 0
	err = h.Replay(e.ctx, fac.ID, rec.Next, func(n int) {
		taken = n
		at, _ := f.Seek(0, 1) // how far the file is read; the bar only
		bar.set(int(at), int(size))
	})
	bar.end()
	if err != nil && taken > 0 && e.ctx.Err() != nil {
		return e.halted(err, true, "途中で止めました。%d件までは取り込みました。もう一度実行すれば残りも入り、二重にはなりません。",
			"Stopped halfway: %d observations were taken in. Running it again takes in the rest and makes no duplicates.", taken)
	}
	if err != nil {
		if taken > 0 {
			e.say("%d件までは取り込みました。直してからもう一度実行しても、二重にはなりません。", "%d observations were taken in. Running it again after mending makes no duplicates.", taken)
		}
		return err
	}
	e.say("観察を%d件取り込みました。", "%d observations taken in.", taken)
	return nil
}

// openInput opens a regular file that the user named.
func openInput(path string) (*os.File, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, fault.Wrap(fault.NotFound, err, "ファイルを開けません: "+path, "The file cannot be opened: "+path)
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		f.Close()
		return nil, 0, fault.Wrap(fault.Invalid, err, "ファイルではありません: "+path, "Not a file: "+path)
	}
	return f, info.Size(), nil
}
