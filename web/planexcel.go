package web

import (
	"fmt"
	"net/http"
	"time"

	"kenshin/assess/plan"
	"kenshin/paper"
)

// sheetExcel sends a sheet as a workbook; who took it out is remembered.
func sheetExcel(k plan.Kind) func(*visit) error {
	return func(v *visit) error {
		s, err := v.oneSheet(k)
		if err != nil {
			return err
		}
		if err := v.remember(s.Deed("export")); err != nil {
			return err
		}
		h := v.w.Header()
		h.Set("Content-Type", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Disposition", download(fmt.Sprintf("%s-%d-%s.xlsx", s.Kind.Label().For(v.ctx), s.Year, v.now().Format(time.DateOnly))))
		if err := paper.WriteXLSX(v.w, s.Parts(v.ctx)...); err != nil {
			v.s.Log.Error("the export broke off", "request", requestOf(v.ctx), "error", err)
			panic(http.ErrAbortHandler) // a cut connection says that the file is not whole
		}
		return nil
	}
}
